"""Does the effect fade, or grow, as the test goes on?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import isnan, sqrt
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.experiments.health.check import (
    WATCH,
    Check,
    CheckLevel,
    least,
    p_words,
)
from ecops_lib.experiments.inference.multiple import adjust_p_values
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST_DAYS = 5
"""Days with units in both groups below which no trend is tested."""

Daily = Mapping["dt.date", Moments]


@dataclass(frozen=True, slots=True)
class Lined:
    """The metric of one day's units, as a plain mean."""

    n: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The daily effects of one variant and the straight line through them.

    Attributes:
        variant: The variant.
        days: Days with units in both groups.
        effects: Treatment − control of units first exposed on each day.
        errors: Their standard errors.
        slope: Change of the effect a day.
        slope_error: Its standard error.
        start: The line on the first day.
        end: The line on the last day.
        p_value: Two-sided, of "no slope"; NaN where there are too few days.
    """

    variant: str
    days: tuple[dt.date, ...]
    effects: tuple[float, ...]
    errors: tuple[float, ...]
    slope: float
    slope_error: float
    start: float
    end: float
    p_value: float

    @property
    def kind(self) -> Literal["fades", "grows", "turns"]:
        """Whether the effect comes nearer to nothing, goes farther from it, or changes sides."""
        if self.start * self.end < 0:
            return "turns"
        return "fades" if abs(self.end) < abs(self.start) else "grows"


@dataclass(frozen=True, kw_only=True, eq=False)
class NoveltyCheck(Check):
    """Novelty and primacy: a trend of the daily effects, weighted by their precision.

    Watched: p < .01 after Holm's correction over the variants. Never red: the effect is
    real, but what it will be later is not what it was on average.

    Attributes:
        trends: One entry a variant.
        adjusted: Corrected p-values, in the same order.
        unit: Unit of the effects.
    """

    key: ClassVar[str] = "novelty"
    label: ClassVar[str] = mark("effect over time")

    trends: tuple[Trend, ...]
    adjusted: tuple[float, ...]
    unit: Unit

    @property
    def strongest(self) -> Trend | None:
        """The trend that is least likely by chance; None where none could be tested."""
        known = [trend for trend in self.trends if not isnan(trend.p_value)]
        return min(known, key=lambda trend: trend.p_value) if known else None

    @property
    def level(self) -> CheckLevel:
        """By the smallest corrected p-value."""
        return "watch" if least(self.adjusted or (np.nan,)) < WATCH else "ok"

    @property
    def figures(self) -> Mapping[str, float]:
        """The strongest trend."""
        trend = self.strongest
        if trend is None:
            return {}
        given = {"slope": trend.slope, "start": trend.start, "end": trend.end}
        return {**given, "p_value": trend.p_value, "adjusted": least(self.adjusted)}

    @property
    def text(self) -> str:
        """Whether the effect moves, and from where to where."""
        trend = self.strongest
        if trend is None:
            return tr("Too few days are over to see whether the effect changes with time.")
        unit: Unit = "points" if self.unit == "share" else self.unit
        given = {
            "variant": short_name(trend.variant),
            "start": show(trend.start, unit, sign=True),
            "end": show(trend.end, unit, sign=True),
            "p": p_words(least(self.adjusted)),
        }
        if self.level == "ok":
            return tr("The effect does not change with time beyond chance ({p}).", p=given["p"])
        moved = {
            "fades": tr("The effect of {variant} fades: from {start} to {end} ({p}).", **given),
            "grows": tr("The effect of {variant} grows: from {start} to {end} ({p}).", **given),
            "turns": tr("The effect of {variant} turns: from {start} to {end} ({p}).", **given),
        }
        return joined(moved[trend.kind], tr("The average over the test is not what will stay."))


def check_novelty(
    daily: Mapping[str, Daily], *, control: str, metric: ExperimentMetric
) -> NoveltyCheck:
    """Test the daily effects of each variant for a trend.

    Args:
        daily: Moments of each variant by day of first exposure; only days whose
            attribution window is over, or the effect seems to fade by itself.
        control: The control variant.
        metric: The metric; a ratio is linearised around the ratio of all units.
    """
    lined = _linearise(daily, metric)
    trends = tuple(
        fit_trend(lined[control], lined[name], variant=name) for name in lined if name != control
    )
    adjusted = adjust_p_values([trend.p_value for trend in trends])
    return NoveltyCheck(trends=trends, adjusted=tuple(float(p) for p in adjusted), unit=metric.unit)


def _linearise(
    daily: Mapping[str, Daily], metric: ExperimentMetric
) -> dict[str, dict[dt.date, Lined]]:
    """The metric of each day as a mean (a ratio as in Deng, Knoblich, Lu 2018, eq. 4)."""
    top, below = metric.numerator, metric.denominator
    weights, constant = {top: 1.0}, 0.0
    if below:
        held = [m for days in daily.values() for m in days.values() if m.n]
        bottom, n = sum(m.total(below) for m in held), sum(m.n for m in held)
        constant = sum(m.total(top) for m in held) / bottom if bottom else float("nan")
        scale = n / bottom if bottom else float("nan")
        weights = {top: scale, below: -constant * scale}
    return {
        name: {day: _lined(m, weights, constant) for day, m in days.items() if m.n}
        for name, days in daily.items()
    }


def _lined(held: Moments, weights: Mapping[str, float], constant: float) -> Lined:
    mean = sum(weight * held.average(name) for name, weight in weights.items())
    pairs = product(weights.items(), repeat=2)
    variance = sum(v * w * held.covariance(a, b) for (a, v), (b, w) in pairs)
    return Lined(n=held.n, mean=mean + constant, variance=variance)


def fit_trend(
    control: Mapping[dt.date, Lined], treatment: Mapping[dt.date, Lined], *, variant: str
) -> Trend:
    """Weighted least squares of the daily effects on the day.

    Each day's effect is weighted by the precision that the spread within days, pooled
    over all days of a group, gives it: a day's own spread goes with its own mean where
    amounts are skewed, and would pull the line.

    Args:
        control: The control's metric on each day that has units.
        treatment: The variant's.
        variant: The variant's name.
    """
    from scipy.stats import norm

    days = sorted(set(control) & set(treatment))
    pairs = [(control[day], treatment[day]) for day in days]
    effects = np.array([t.mean - c.mean for c, t in pairs])
    spreads = [_pooled([pair[side] for pair in pairs]) for side in (0, 1)]
    variances = np.array([spreads[0] / c.n + spreads[1] / t.n for c, t in pairs])
    nan = float("nan")
    slope = error = start = end = p = nan
    if len(days) >= FEWEST_DAYS and np.all(variances > 0):
        since = np.array([(day - days[0]).days for day in days], float)
        slope, error, start = _line(since, effects, 1 / variances)
        end = start + slope * since[-1]
        p = float(2 * norm.sf(abs(slope / error)))
    return Trend(
        variant=variant,
        days=tuple(days),
        effects=tuple(map(float, effects)),
        errors=tuple(map(float, np.sqrt(variances))),
        slope=slope,
        slope_error=error,
        start=start,
        end=end,
        p_value=p,
    )


def _pooled(groups: Sequence[Lined]) -> float:
    """Variance of a unit within its day, over all days."""
    held = [m for m in groups if m.n > 1]
    freedom = sum(m.n - 1 for m in held)
    return sum((m.n - 1) * m.variance for m in held) / freedom if freedom else float("nan")


def _line(x: Floats, y: Floats, weights: Floats) -> tuple[float, float, float]:
    """Slope, its standard error and the value at x = 0 of a line with known weights."""
    middle = np.average(x, weights=weights)
    spread = float((weights * (x - middle) ** 2).sum())
    slope = float((weights * (x - middle) * y).sum() / spread)
    return slope, 1 / sqrt(spread), float(np.average(y, weights=weights) - slope * middle)
