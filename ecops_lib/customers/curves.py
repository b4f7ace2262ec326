"""How long until a customer buys again: Kaplan and Meier's curve, and its logarithmic rank test.

Customers who have not bought again by the last day are censored: they count among those
who might, for as long as they were seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

NORMAL = 1.959963984540054
"""97.5 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Share that has bought again by each day, with a pointwise 95 % interval.

    Attributes:
        days: Days on which anybody bought again, rising.
        bought: Share that has by then, 1 - S(t).
        low: Lower limit, by the complementary log-log transform.
        high: Upper limit.
        customers: Customers (or purchases) watched.
        events: Of them, those that were followed by another.
        longest: Longest watch [days]; nothing is known beyond it.
    """

    days: Floats
    bought: Floats
    low: Floats
    high: Floats
    customers: int
    events: int
    longest: float

    def at(self, day: float) -> tuple[float, float, float]:
        """Share by a day and its limits; NaN beyond the longest watch."""
        if not day <= self.longest:
            return nan, nan, nan
        place = int(np.searchsorted(self.days, day, side="right")) - 1
        if place < 0:
            return 0.0, nan, nan
        return float(self.bought[place]), float(self.low[place]), float(self.high[place])

    @property
    def median(self) -> tuple[float, float, float]:
        """Day by which half have bought again, and its limits (Brookmeyer and Crowley 1982).

        NaN where half never do while watched.
        """
        return self._reached(self.bought), self._reached(self.high), self._reached(self.low)

    def _reached(self, held: Floats) -> float:
        places = np.flatnonzero(held >= 0.5 - 1e-12)
        return float(self.days[places[0]]) if len(places) else nan


def fit_curve(time: ArrayLike, again: ArrayLike, count: ArrayLike | None = None) -> Curve:
    """Kaplan and Meier's estimate (1958), by statsmodels, Greenwood's errors.

    Args:
        time: Days from a purchase to the next, or to the last day known; not negative.
        again: Whether another followed.
        count: Customers of each row; one by default.

    Raises:
        ParameterError: A time is negative or missing, or there is no customer.

    >>> curve = fit_curve([2, 4, 4, 9], [True, True, False, False])
    >>> [round(float(share), 4) for share in curve.bought], curve.median[0]
    ([0.25, 0.5], 4.0)
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    times, events = _spread(time, again, count)
    if not len(times):
        raise ParameterError("time is empty; a curve needs at least one customer.")
    if not (times >= 0).all():
        raise ParameterError("time holds a missing or negative value; leave those rows out.")
    days, alive, error = np.zeros(0), np.zeros(0), np.zeros(0)
    if events.any():
        found = SurvfuncRight(times, events)
        days, alive, error = (
            np.asarray(part, float)
            for part in (found.surv_times, found.surv_prob, found.surv_prob_se)
        )
    low, high = _limits(alive, error)
    return Curve(
        days=days,
        bought=1 - alive,
        low=low,
        high=high,
        customers=len(times),
        events=int(events.sum()),
        longest=float(times.max()),
    )


def _spread(
    time: ArrayLike, again: ArrayLike, count: ArrayLike | None
) -> tuple[Floats, NDArray[np.int64]]:
    """One entry a customer (statsmodels' weights give other standard errors)."""
    times, events = np.asarray(time, float), np.asarray(again).astype(np.int64)
    if count is None:
        return times, events
    counts = np.asarray(count).astype(np.int64)
    return np.repeat(times, counts), np.repeat(events, counts)


def _limits(alive: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Limits of the share that bought; NaN once everybody has."""
    inner = (alive > 0) & (alive < 1)
    log = np.log(np.where(inner, alive, 0.5))
    half = np.where(inner, NORMAL * error / (np.where(inner, alive, 0.5) * -log), nan)
    return 1 - np.exp(log * np.exp(-half)), 1 - np.exp(log * np.exp(half))


def compare_curves(groups: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]]) -> tuple[float, float]:
    """Mantel's log-rank test (1966) that groups come back at the same pace.

    Args:
        groups: Time, whether another followed, and customers of each row, of each group.

    Returns:
        Chi-squared on one degree less than groups, and its p-value; NaN where fewer than
        two groups or no returns leave nothing to test.
    """
    from statsmodels.duration.survfunc import survdiff

    held = [_spread(*group) for group in groups]
    held = [part for part in held if len(part[0])]
    events = np.concatenate([part[1] for part in held]) if held else np.zeros(0)
    if len(held) < 2 or not events.any():
        return nan, nan
    times = np.concatenate([part[0] for part in held])
    labels = np.repeat(np.arange(len(held)), [len(part[0]) for part in held])
    chi, p = survdiff(times, events, labels)
    return float(chi), float(p)
