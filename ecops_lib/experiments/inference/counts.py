"""One share: successes among units, with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.moments import Moments

ShareLimits = Literal["wilson", "beta", "jeffreys", "agresti-coull", "wald"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Successes among units."""

    successes: int
    units: int

    def __post_init__(self) -> None:
        """Refuse what cannot be a count."""
        if not 0 <= self.successes <= self.units or self.units < 1:
            raise ParameterError(
                f"{self.successes} successes among {self.units} units are impossible;"
                " give at least one unit and no more successes than units."
            )

    @classmethod
    def of(cls, moments: Moments, column: str) -> Counts:
        """Counts of a column that is 0 or 1 a unit.

        Raises:
            ParameterError: The column holds something else, or there is no unit.
        """
        total, share, n = moments.total(column), moments.average(column), moments.n
        whole = round(total) if math.isfinite(total) else -1
        told = share * (1 - share) * n / max(n - 1, 1)
        binary = n == 1 or abs(moments.variance(column) - told) <= 1e-6 * share
        if not (0 <= whole <= n and n and binary and abs(total - whole) <= 0.01):
            raise ParameterError(
                f"{column!r} is not 0 or 1 for each of {n} units;"
                " compare it as a mean, or mark each unit with 0 or 1."
            )
        return cls(successes=whole, units=n)

    @property
    def rate(self) -> float:
        """Share of successes."""
        return self.successes / self.units


def share_interval(
    counts: Counts, *, alpha: float = 0.05, method: ShareLimits = "wilson"
) -> Interval:
    """One share with its interval.

    Args:
        counts: Successes among units.
        alpha: Two-sided level.
        method: "wilson" (score), "beta" (Clopper-Pearson, exact), "jeffreys",
            "agresti-coull" or "wald".

    References:
        Brown, Cai and DasGupta (2001), Statistical Science 16, 101-133.

    >>> held = share_interval(Counts(successes=81, units=263))
    >>> round(held.low, 4), round(held.high, 4)
    (0.2553, 0.3662)
    """
    from statsmodels.stats.proportion import proportion_confint

    require_choice(method, ShareLimits, name="method")
    require_between(alpha, 0.0, 1.0, name="alpha", ends="open")
    if method == "wilson":
        low, high = wilson_limits(counts, normal_quantile(alpha))
    else:
        named = {"agresti-coull": "agresti_coull", "wald": "normal"}.get(method, method)
        low, high = proportion_confint(counts.successes, counts.units, alpha, method=named)
    return Interval(value=counts.rate, low=float(low), high=float(high))


def wilson_limits(counts: Counts, quantile: float) -> tuple[float, float]:
    """Wilson's score limits of one share."""
    n, rate, square = counts.units, counts.rate, quantile**2
    middle = (rate + square / (2 * n)) / (1 + square / n)
    half = quantile * math.sqrt(rate * (1 - rate) / n + square / (4 * n**2)) / (1 + square / n)
    low = 0.0 if counts.successes == 0 else middle - half
    return low, 1.0 if counts.successes == n else middle + half


def normal_quantile(alpha: float) -> float:
    """The normal quantile of a two-sided level, such as 1.96."""
    from scipy.special import ndtri

    return float(-ndtri(alpha / 2))
