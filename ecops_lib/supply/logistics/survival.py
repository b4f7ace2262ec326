"""Time until parcels come, where some have not come yet: Kaplan–Meier from counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Survival:
    """Share not yet come by each time.

    Attributes:
        times: Times at which any came, ascending.
        waiting: Share not yet come after each time.
        errors: Standard error of its logarithm of minus logarithm (Kalbfleisch and
            Prentice); NaN where all have come.
    """

    times: Floats
    waiting: Floats
    errors: Floats

    def quantile(self, share: float) -> float:
        """First time by which this share had come; NaN where fewer have."""
        return _first(self.times, self.waiting <= 1 - share + 1e-12)

    def limits(self, share: float, level: float = 0.9) -> tuple[float, float]:
        """Interval of a quantile (Brookmeyer and Crowley 1982), by the curve's log-log one.

        Either end is NaN where the data do not reach it.
        """
        from scipy.stats import norm

        z = float(norm.ppf((1 + level) / 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            double = np.log(-np.log(self.waiting))
            low = np.exp(-np.exp(double + z * self.errors))
            high = np.exp(-np.exp(double - z * self.errors))
        low, high = (np.where(self.waiting > 0, told, 0.0) for told in (low, high))
        left = 1 - share + 1e-12
        return _first(self.times, low <= left), _first(self.times, high <= left)

    def arrived(self, time: float) -> float:
        """Share that has come by a time, as far as it was watched."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return 1 - float(self.waiting[place - 1]) if place else 0.0


def estimate_survival(times: Floats, came: Floats, left: Floats) -> Survival:
    """Kaplan and Meier's (1958, eq. 2b) estimate from counts at each time.

    What was last seen waiting at a time was still waiting when others came at that time.

    Args:
        times: Time of each count, from 0; may repeat.
        came: How many came at it.
        left: How many were last seen waiting at it.

    Raises:
        ParameterError: A count is negative, or the lengths differ.

    >>> held = estimate_survival(np.array([1.0, 2, 3]), np.array([1, 1, 0]), np.array([0, 0, 2]))
    >>> held.waiting.tolist(), held.quantile(0.5)
    ([0.75, 0.5], 2.0)
    """
    times, came, left = (np.asarray(each, float) for each in (times, came, left))
    if not len(times) == len(came) == len(left) or (came < 0).any() or (left < 0).any():
        raise ParameterError("times, came and left must be as long, and counts from 0.")
    moments, place = np.unique(times, return_inverse=True)
    events = np.bincount(place, came, len(moments))
    gone = np.bincount(place, came + left, len(moments))
    risk = gone[::-1].cumsum()[::-1]
    keep = events > 0
    moments, events, risk = moments[keep], events[keep], risk[keep]
    waiting = np.cumprod(1 - events / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (risk * (risk - events)))
        errors = np.sqrt(greenwood) / np.abs(np.log(waiting))
    errors = np.where((waiting > 0) & (waiting < 1), errors, np.nan)
    return Survival(times=moments, waiting=waiting, errors=errors)


def _first(times: Floats, true: Flags) -> float:
    return float(times[int(np.argmax(true))]) if true.any() else float("nan")
