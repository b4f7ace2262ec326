"""Differences of quantiles, from order statistics alone.

Each group's quantile gets its distribution-free interval: the order statistics whose
places the binomial distribution gives, fractional places interpolated so that the level
is held and not merely not exceeded. Two such intervals are joined as Newcombe joins two
Wilson intervals. No density is estimated, so neither a heap of equal values (such as
everyone who bought nothing) nor a heavy tail makes the interval too narrow. A limit at a
value that occurs more than once is that value: there the interval stays conservative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import mark, tr
from ecops_lib.experiments.effects import Effect, Interval
from ecops_lib.experiments.inference.relative import NOWHERE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Distribution:
    """How often each value occurs in a group; as exact as the values themselves.

    Attributes:
        values: Distinct values, ascending.
        below: Units at or below each value.
    """

    values: Floats
    below: Integers

    @classmethod
    def of(cls, values: ArrayLike, counts: ArrayLike | None = None) -> Distribution:
        """From values, one a unit, or from distinct values with their counts.

        Raises:
            ParameterError: There is no value, or one is not a finite number.
        """
        held = np.asarray(values, float).ravel()
        times = np.ones(len(held), np.int64) if counts is None else np.asarray(counts, np.int64)
        if not len(held) or held.shape != times.shape or not np.isfinite(held).all():
            raise ParameterError("values must be finite numbers, at least one, each with a count.")
        if (times < 1).any():
            raise ParameterError("a count of values is below 1; leave such values out.")
        distinct, places = np.unique(held, return_inverse=True)
        each = np.bincount(places, weights=times).astype(np.int64)
        return cls(values=distinct, below=np.cumsum(each))

    @property
    def n(self) -> int:
        """Units."""
        return int(self.below[-1])

    def at(self, place: int) -> float:
        """The value at a place in ascending order, from 1; infinite beyond the ends."""
        if place < 1:
            return -math.inf
        if place > self.n:
            return math.inf
        return float(self.values[np.searchsorted(self.below, place)])

    def quantile(self, share: float) -> float:
        """The smallest value that at least this share of units does not exceed."""
        return self.at(max(1, math.ceil(share * self.n - 1e-9)))

    def interval(self, share: float, *, alpha: float) -> tuple[float, float]:
        """Distribution-free limits of a quantile; infinite where too few units hold them.

        Between two places the limit is interpolated, unless the outer value is a heap:
        then the limit is that value, which keeps the level but may cover more often.

        References:
            Hutson (1999), Journal of Applied Statistics 26, 343-353 (fractional places);
            David and Nagaraja (2003), Order Statistics, section 7.1.
        """
        low, high = _places(self.n, share, alpha)
        point = self.quantile(share)
        return (
            min(self._between(math.floor(low), low, 1), point),
            max(self._between(math.ceil(high), high, -1), point),
        )

    def _between(self, outer: int, place: float, inwards: int) -> float:
        """The value at a fractional place, no further in than a heap at the outer place."""
        value = self.at(outer)
        inner = outer + inwards
        if not math.isfinite(value) or not 1 <= inner <= self.n or self._heaped(outer):
            return value
        return value + abs(place - outer) * (self.at(inner) - value)

    def _heaped(self, place: int) -> bool:
        """Whether the value at a place occurs more than once."""
        index = int(np.searchsorted(self.below, place))
        before = int(self.below[index - 1]) if index else 0
        return int(self.below[index]) - before > 1


@lru_cache(maxsize=65536)
def _places(n: int, share: float, alpha: float) -> tuple[float, float]:
    """Fractional places of the order statistics that enclose a quantile with chance 1 − alpha.

    A place k is the lower limit where the binomial chance of at most k − 1 units below
    the quantile, made continuous by the beta function, is alpha ÷ 2; the upper mirrors it.
    """
    from scipy.special import bdtrik

    half = alpha / 2
    low = 1 + float(bdtrik(half, n, share)) if (1 - share) ** n <= half else 0.0
    high = n - float(bdtrik(half, n, 1 - share)) if share**n <= half else n + 1.0
    return low, high


def compare_quantiles(
    control: Distribution, treatment: Distribution, *, share: float, alpha: float = 0.05
) -> Effect:
    """Compare a quantile, such as the median or the ninth decile, between two groups.

    Args:
        control: The control group's values.
        treatment: The treatment group's values.
        share: Which quantile, such as 0.9.
        alpha: Two-sided level.

    Returns:
        The difference of the two quantiles. Its interval joins the two distribution-free
        ones (Newcombe's way), close to the level where values differ and wider where a limit
        falls in a heap of equal values; the p-value is the smallest level whose interval leaves 0
        out. There is no standard error: the interval is not symmetric. The relative
        effect leans on the logarithms in the same way; NaN unless all limits are above
        zero.

    Raises:
        ParameterError: ``share`` or ``alpha`` is impossible.

    References:
        Zou and Donner (2008), Statistics in Medicine 27, 1693-1702 (joining limits).
    """
    require_between(share, 0.0, 1.0, name="share", ends="open")
    require_between(alpha, 0.0, 1.0, name="alpha", ends="open")
    points = control.quantile(share), treatment.quantile(share)
    difference = _joined(control, treatment, share, alpha)
    notes: tuple[str, ...] = ()
    if not (math.isfinite(difference.low) and math.isfinite(difference.high)):
        notes = (tr("A group has too few units for limits of this quantile."),)
    return Effect(
        control=points[0],
        treatment=points[1],
        n_control=control.n,
        n_treatment=treatment.n,
        difference=difference,
        relative=_relative(control, treatment, share, alpha),
        standard_error=math.nan,
        statistic=math.nan,
        degrees=math.nan,
        p_value=_p_value(control, treatment, share),
        alpha=alpha,
        method=mark("difference of quantiles from order statistics"),
        notes=notes,
    )


def _joined(control: Distribution, treatment: Distribution, share: float, alpha: float) -> Interval:
    first, second = control.quantile(share), treatment.quantile(share)
    below, above = (each.interval(share, alpha=alpha) for each in (control, treatment))
    value = second - first
    return Interval(
        value=value,
        low=value - math.hypot(second - above[0], below[1] - first),
        high=value + math.hypot(above[1] - second, first - below[0]),
    )


def _relative(
    control: Distribution, treatment: Distribution, share: float, alpha: float
) -> Interval:
    """The same on logarithms; without limits where one is not above zero."""
    first, second = control.quantile(share), treatment.quantile(share)
    below, above = (each.interval(share, alpha=alpha) for each in (control, treatment))
    if not first > 0:
        return NOWHERE
    value = second / first - 1
    if min(below[0], above[0], second) <= 0:
        return Interval(value=value, low=math.nan, high=math.nan)
    gap = math.log(second / first)
    down = math.hypot(math.log(second / above[0]), math.log(below[1] / first))
    up = math.hypot(math.log(above[1] / second), math.log(first / below[0]))
    return Interval(value=value, low=math.exp(gap - down) - 1, high=math.exp(gap + up) - 1)


def _p_value(control: Distribution, treatment: Distribution, share: float) -> float:
    """The smallest level whose interval leaves 0 out, to four figures."""
    if control.quantile(share) == treatment.quantile(share):
        return 1.0
    low, high = -40.0, 0.0
    for _ in range(24):
        middle = (low + high) / 2
        if _joined(control, treatment, share, math.exp(middle)).holds(0.0):
            low = middle
        else:
            high = middle
    return math.exp(high)
