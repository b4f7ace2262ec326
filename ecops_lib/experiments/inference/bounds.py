"""Not worse by more than a margin, and equal within one: tests against a margin.

A missing difference is no proof of equality. These tests turn the burden round: the
harm (or the difference) must be shown to be smaller than a margin agreed beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.inference.adjustment import Column
from ecops_lib.experiments.inference.compare import by_shares, compare, estimates
from ecops_lib.experiments.inference.counts import Counts
from ecops_lib.experiments.inference.means import welch_degrees
from ecops_lib.experiments.inference.score import difference_error, ratio_error
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

Scale = Literal["relative", "absolute"]
Aim = Literal["non-inferiority", "equivalence"]


@dataclass(frozen=True, kw_only=True, eq=False)
class MarginTest(Result):
    """A test against a margin.

    Attributes:
        aim: "non-inferiority" or "equivalence".
        metric: What was compared.
        margin: The margin, above zero: a share of the control's value, or the metric's
            own unit.
        scale: Which of the two.
        interval: The effect on that scale at 1 − 2 alpha.
        p_value: One-sided; the larger of the two for equivalence.
        alpha: One-sided level of each test.
    """

    units: ClassVar[Mapping[str, Unit]] = {"p_value": "p_value"}
    labels: ClassVar[Mapping[str, str]] = {
        "aim": mark("Shown"),
        "margin": mark("Margin"),
        "value": mark("Effect"),
        "low": mark("From"),
        "high": mark("To"),
        "p_value": mark("P-value"),
        "passed": mark("Passed"),
    }
    sheet: ClassVar[str] = mark("Margins")

    aim: Aim
    metric: ExperimentMetric
    margin: float
    scale: Scale
    interval: Interval
    p_value: float
    alpha: float

    @property
    def passed(self) -> bool:
        """Whether it was shown; never where it could not be tested."""
        return self.p_value <= self.alpha

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        import pandas as pd

        return pd.DataFrame(
            {
                "aim": [self.aim],
                "margin": [self.margin],
                "value": [self.interval.value],
                "low": [self.interval.low],
                "high": [self.interval.high],
                "p_value": [self.p_value],
                "passed": [self.passed],
            }
        )

    def findings(self) -> tuple[Finding, ...]:
        """Whether the margin was kept, with the interval."""
        return (
            Finding(
                key=f"{self.aim}/{self.metric.key}",
                level="good" if self.passed else "watch",
                text=self._sentence(),
                evidence={
                    "margin": self.margin,
                    "low": self.interval.low,
                    "high": self.interval.high,
                    "p_value": self.p_value,
                },
            ),
        )

    def _sentence(self) -> str:
        unit: Unit = "share" if self.scale == "relative" else self.metric.unit
        if unit == "share" and self.scale == "absolute":
            unit = "points"
        values = {
            "metric": tr(self.metric.label),
            "margin": show(self.margin, unit),
            "low": show(self.interval.low, unit, sign=True),
            "high": show(self.interval.high, unit, sign=True),
            "level": show(1 - 2 * self.alpha, "share"),
        }
        if math.isnan(self.p_value):
            return tr("{metric}: the margin of {margin} could not be tested.", **values)
        if self.aim == "equivalence":
            return (
                tr("{metric}: equal within {margin} ({level} interval {low} to {high}).", **values)
                if self.passed
                else tr(
                    "{metric}: not shown to be equal within {margin}"
                    " ({level} interval {low} to {high}).",
                    **values,
                )
            )
        return (
            tr(
                "{metric}: not worse by {margin} or more ({level} interval {low} to {high}).",
                **values,
            )
            if self.passed
            else tr(
                "{metric}: a harm of {margin} or more is not ruled out"
                " ({level} interval {low} to {high}).",
                **values,
            )
        )


def non_inferiority(
    control: Moments,
    treatment: Moments,
    *,
    metric: ExperimentMetric,
    margin: float,
    scale: Scale = "relative",
    covariates: Sequence[Column] = (),
    alpha: float = 0.025,
) -> MarginTest:
    """Whether the treatment is shown not to be worse by the margin or more.

    Args:
        control: Moments of the control group.
        treatment: Moments of the treatment group.
        metric: What is compared; ``good`` tells which way is worse.
        margin: Above zero: a share of the control's value, or the metric's own unit.
        scale: Which of the two.
        covariates: Columns known before the test.
        alpha: One-sided level; 0.025 goes with the usual 95 % interval.

    Returns:
        The test. It passes exactly where the interval keeps clear of the margin: shares
        are tested by the score statistic under the margin, means by Welch's t, and a
        relative margin on treatment − (1 ∓ margin) × control, which divides by nothing.

    Raises:
        ParameterError: The margin or ``alpha`` is impossible.

    References:
        Farrington and Manning (1990), Statistics in Medicine 9, 1447-1454; Hauschke,
        Kieser and Hothorn (1999), Biometrical Journal 41, 295-304 (relative margin).
    """
    _check(margin, scale, alpha)
    above, below = _p_values(
        control, treatment, metric=metric, covariates=covariates, margin=margin, scale=scale
    )
    return MarginTest(
        aim="non-inferiority",
        metric=metric,
        margin=margin,
        scale=scale,
        interval=_interval(control, treatment, metric, covariates, scale, alpha),
        p_value=above if metric.good > 0 else below,
        alpha=alpha,
    )


def equivalence(
    control: Moments,
    treatment: Moments,
    *,
    metric: ExperimentMetric,
    margin: float,
    scale: Scale = "relative",
    covariates: Sequence[Column] = (),
    alpha: float = 0.05,
) -> MarginTest:
    """Whether the treatment is shown to be equal within the margin (two one-sided tests).

    Args:
        control: Moments of the control group.
        treatment: Moments of the treatment group.
        metric: What is compared.
        margin: Above zero: a share of the control's value, or the metric's own unit.
        scale: Which of the two.
        covariates: Columns known before the test.
        alpha: Level of each one-sided test; 0.05 goes with the 90 % interval.

    Raises:
        ParameterError: The margin or ``alpha`` is impossible.

    References:
        Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    _check(margin, scale, alpha)
    above, below = _p_values(
        control, treatment, metric=metric, covariates=covariates, margin=margin, scale=scale
    )
    return MarginTest(
        aim="equivalence",
        metric=metric,
        margin=margin,
        scale=scale,
        interval=_interval(control, treatment, metric, covariates, scale, alpha),
        p_value=math.nan if math.isnan(above + below) else max(above, below),
        alpha=alpha,
    )


def _check(margin: float, scale: Scale, alpha: float) -> None:
    require_choice(scale, Scale, name="scale")
    require_between(alpha, 0.0, 0.5, name="alpha", ends="open")
    if not 0 < margin < (1 if scale == "relative" else math.inf):
        raise ParameterError(
            f"margin is {margin!r}; it must be above 0, and below 1 where it is relative."
        )


def _interval(
    control: Moments,
    treatment: Moments,
    metric: ExperimentMetric,
    covariates: Sequence[Column],
    scale: Scale,
    alpha: float,
) -> Interval:
    effect = compare(control, treatment, metric=metric, covariates=covariates, alpha=2 * alpha)
    return effect.relative if scale == "relative" else effect.difference


def _p_values(
    control: Moments,
    treatment: Moments,
    *,
    metric: ExperimentMetric,
    covariates: Sequence[Column],
    margin: float,
    scale: Scale,
) -> tuple[float, float]:
    """One-sided p-values of "at or below −margin" and "at or above +margin"."""
    from scipy.special import stdtr

    if by_shares(control, treatment, metric=metric, covariates=covariates):
        first, second = Counts.of(control, metric.numerator), Counts.of(treatment, metric.numerator)
        low, high = (_score(first, second, limit, scale) for limit in (-margin, margin))
        return float(stdtr(math.inf, -low)), float(stdtr(math.inf, high))
    held = estimates(control, treatment, metric=metric, covariates=covariates)
    degrees = welch_degrees(*held.variances, held.sizes)
    pair, statistics = held.pair, []
    for limit in (-margin, margin):
        if scale == "absolute":
            gap, variance = pair.treatment - pair.control - limit, sum(held.variances)
        else:
            gap = pair.treatment - (1 + limit) * pair.control
            variance = pair.spread(1 + limit) if pair.control > 0 else math.nan
        statistics.append(gap / math.sqrt(variance) if variance > 0 else math.nan)
    return float(stdtr(degrees, -statistics[0])), float(stdtr(degrees, statistics[1]))


def _score(control: Counts, treatment: Counts, limit: float, scale: Scale) -> float:
    """Score statistic under a margin; NaN where nothing varies."""
    table = (control.successes, control.units, treatment.successes, treatment.units)
    if scale == "absolute":
        gap = treatment.rate - control.rate - limit
        error = difference_error(*table, difference=limit) if abs(limit) < 1 else math.nan
    else:
        gap = treatment.rate - (1 + limit) * control.rate
        error = ratio_error(*table, ratio=1 + limit) if control.successes else math.nan
    return gap / error if error > 0 else math.nan
