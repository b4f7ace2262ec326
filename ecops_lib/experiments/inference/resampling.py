"""A second opinion from the units themselves, and cutting extreme values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.experiments.effects import Effect, Interval
from ecops_lib.experiments.inference.means import compare_means
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Weights = Literal["multinomial", "poisson"]
APART = 0.1
CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class BootstrapCheck(Result):
    """An analytic interval beside one from resampled units.

    Attributes:
        metric: What was compared.
        effect: The analytic effect.
        bootstrap: The difference with its symmetric bootstrap-t interval.
        draws: Resamples drawn.
        weights: How units were drawn.
    """

    labels: ClassVar[Mapping[str, str]] = {
        "interval": mark("Interval"),
        "low": mark("From"),
        "high": mark("To"),
    }
    sheet: ClassVar[str] = mark("Bootstrap check")

    metric: ExperimentMetric
    effect: Effect
    bootstrap: Interval
    draws: int
    weights: Weights

    @property
    def apart(self) -> float:
        """How far the limits part at most, as a share of the analytic interval's width."""
        mine, other = self.effect.difference, self.bootstrap
        width = mine.high - mine.low
        gap = max(abs(mine.low - other.low), abs(mine.high - other.high))
        return gap / width if width > 0 else math.nan

    @property
    def agrees(self) -> bool:
        """Whether no limit parts by more than a tenth of the width, and both say the same of 0."""
        same = self.effect.difference.holds(0.0) == self.bootstrap.holds(0.0)
        return same and self.apart <= APART

    @property
    def unit(self) -> Unit:
        """How a difference of the metric is shown; shares in percentage points."""
        return "points" if self.metric.unit == "share" else self.metric.unit

    def table_units(self) -> Mapping[str, Unit]:
        """The limits are differences of the metric."""
        return {"low": self.unit, "high": self.unit}

    def to_frame(self) -> pd.DataFrame:
        """Both intervals."""
        import pandas as pd

        held = (self.effect.difference, self.bootstrap)
        return pd.DataFrame(
            {
                "interval": [tr("analytic"), tr("bootstrap")],
                "low": [interval.low for interval in held],
                "high": [interval.high for interval in held],
            }
        )

    def findings(self) -> tuple[Finding, ...]:
        """Whether the two agree."""
        mine, other = self.effect.difference, self.bootstrap
        values = {
            "metric": tr(self.metric.label),
            "low": show(mine.low, self.unit, sign=True),
            "high": show(mine.high, self.unit, sign=True),
            "least": show(other.low, self.unit, sign=True),
            "most": show(other.high, self.unit, sign=True),
        }
        if math.isnan(self.apart):
            text = tr("{metric}: the intervals could not be made.", **values)
        elif self.agrees:
            text = tr("{metric}: resampled units bear out the interval {low} to {high}.", **values)
        else:
            text = tr(
                "{metric}: resampled units give {least} to {most} where the formula gives"
                " {low} to {high}; extreme values weigh on both, so cut them or let more units come"
                " before deciding.",
                **values,
            )
        return (
            Finding(
                key=f"bootstrap/{self.metric.key}",
                level="info" if self.agrees else "watch",
                text=text,
                evidence={"apart": self.apart, "low": other.low, "high": other.high},
            ),
        )


def check_by_bootstrap(
    control: ArrayLike,
    treatment: ArrayLike,
    *,
    metric: ExperimentMetric,
    alpha: float = 0.05,
    draws: int = 2000,
    weights: Weights = "multinomial",
    rng: int | np.random.Generator = 0,
) -> BootstrapCheck:
    """Hold the analytic interval of a mean or ratio against a symmetric bootstrap-t interval.

    The interval reaches as far to both sides as the resampled |t| does. Limits from the two
    tails of t apart, or BCa's, mend a skewness that heavy-tailed spend estimates badly: they
    find a difference too often where there is none, more often the fewer buyers there are.

    Args:
        control: One row a unit: the outcome, and the denominator where the metric has
            one; shape (units,) or (units, 2).
        treatment: The same for the treatment group.
        metric: What is compared.
        alpha: Two-sided level.
        draws: Resamples; each is studentised with its own error.
        weights: "multinomial" draws as many units as there are, "poisson" each unit a
            Poisson(1) number of times, independently.
        rng: Seed or generator.

    Returns:
        Both intervals and whether they agree.

    Raises:
        ParameterError: An option or a value is impossible.

    References:
        Hall (1988), On symmetric bootstrap confidence intervals, Journal of the Royal
        Statistical Society B 50, 35-45;
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 12.5;
        Chamandy and others (2012), Estimating uncertainty for massive data streams.
    """
    require_choice(weights, Weights, name="weights")
    require_between(draws, 100, 1_000_000, name="draws")
    columns = (metric.numerator, metric.denominator) if metric.denominator else (metric.numerator,)
    first, second = (_rows(values, len(columns)) for values in (control, treatment))
    effect = compare_means(
        Moments.of_values(columns, first),
        Moments.of_values(columns, second),
        metric=metric,
        alpha=alpha,
    )
    source = np.random.default_rng(rng)
    means, squares = zip(
        *(_resampled(rows, draws, weights, source) for rows in (first, second)), strict=True
    )
    error = np.sqrt(squares[0] + squares[1])
    away = means[1] - means[0] - effect.difference.value
    with np.errstate(divide="ignore", invalid="ignore"):
        studentised = away / error
    told = np.abs(studentised[np.isfinite(studentised)])
    reach = math.nan
    if len(told) >= 0.99 * draws:
        quantile = np.quantile(told, 1 - alpha, method="weibull")
        reach = float(quantile) * effect.standard_error
    return BootstrapCheck(
        metric=metric,
        effect=effect,
        bootstrap=Interval(
            value=effect.difference.value,
            low=effect.difference.value - reach,
            high=effect.difference.value + reach,
        ),
        draws=draws,
        weights=weights,
    )


def _rows(values: ArrayLike, columns: int) -> Floats:
    held = np.asarray(values, float).reshape(-1, columns)
    if len(held) < 2 or not np.isfinite(held).all():
        raise ParameterError("each group needs at least two units, all of finite numbers.")
    return held


def _resampled(
    rows: Floats, draws: int, weights: Weights, source: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mean (or ratio) of each resample, and the square of its own standard error.

    Equal units are drawn together, so that a heap of zeros costs nothing.
    """
    axis = None if rows.shape[1] == 1 else 0
    distinct, counts = np.unique(rows, axis=axis, return_counts=True)
    distinct = distinct.reshape(len(distinct), -1)
    over = np.ones(len(distinct)) if rows.shape[1] == 1 else distinct[:, 1]
    products = np.column_stack(
        [np.ones(len(distinct)), distinct[:, 0], over, distinct[:, 0] ** 2, over**2]
    )
    products = np.column_stack([products, distinct[:, 0] * over])
    sums = np.empty((draws, products.shape[1]))
    step = max(1, CELLS_AT_ONCE // len(distinct))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        times = (
            source.poisson(counts, (size, len(distinct)))
            if weights == "poisson"
            else source.multinomial(len(rows), counts / len(rows), size)
        )
        sums[start : start + size] = times @ products
    n, above, below, squares, under, cross = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = above / below
        spread = np.maximum(squares - 2 * ratio * cross + ratio**2 * under, 0.0)
        return ratio, spread * n / (n - 1) / below**2


@dataclass(frozen=True, kw_only=True, eq=False)
class Winsorised:
    """Values of both groups with the highest set to one cut.

    Attributes:
        control: The control group's values.
        treatment: The treatment group's values.
        cut: What no value exceeds any more.
        clipped: Units that were set to it, control first.
    """

    control: Floats
    treatment: Floats
    cut: float
    clipped: tuple[int, int]

    def sentence(self, unit: Unit = "number") -> str:
        """What was done, in the reader's language."""
        count = sum(self.clipped)
        return ntr(
            "{count} unit above {cut} was set to it (control {control}, treatment {treatment}).",
            "{count} units above {cut} were set to it (control {control}, treatment {treatment}).",
            count,
            count=show(count, "count"),
            cut=show(self.cut, unit),
            control=show(self.clipped[0], "count"),
            treatment=show(self.clipped[1], "count"),
        )


def winsorise(control: ArrayLike, treatment: ArrayLike, *, share: float = 0.999) -> Winsorised:
    """Set the highest values of both groups to one cut, taken over both together.

    One cut for both keeps the comparison fair; the mean that is then compared is that of
    the cut values, which the sentence says.

    Args:
        control: The control group's values.
        treatment: The treatment group's values.
        share: Share of all units that stays as it is.

    Raises:
        ParameterError: ``share`` lies outside 0.5 to 1, or a value is not finite.

    >>> winsorise([1, 2, 3], [2, 3, 400], share=0.8).cut
    3.0
    """
    require_between(share, 0.5, 1.0, name="share")
    first, second = (np.asarray(values, float).ravel() for values in (control, treatment))
    both = np.concatenate((first, second))
    if not len(both) or not np.isfinite(both).all():
        raise ParameterError("values must be finite numbers, at least one.")
    cut = float(np.quantile(both, share, method="inverted_cdf"))
    return Winsorised(
        control=np.minimum(first, cut),
        treatment=np.minimum(second, cut),
        cut=cut,
        clipped=(int((first > cut).sum()), int((second > cut).sum())),
    )
