"""Looking every day is allowed: the path of an effect with the boundary it must cross.

Two ways. *Spending* (the default; see ``spending``) is made for the looks a shop takes,
one a day, up to the planned end and after it. *Mixture* is the asymptotic
confidence sequence, which holds at every single unit and needs no plan, at a price: at
its best it is 1.5 times as wide as a fixed interval, where spending is 1.1 times.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.experiments.confidence_sequences import mixture_boundary, tune_mixture
from ecops_lib.experiments.crossing import LEAST_STEP
from ecops_lib.experiments.effects import Effect, Interval, Relative
from ecops_lib.experiments.inference.adjustment import Adjusted, Column, adjust
from ecops_lib.experiments.inference.compare import compare
from ecops_lib.experiments.inference.relative import relative_interval
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric
from ecops_lib.experiments.spending import harmonic_units, spending_boundary

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

Method = Literal["spending", "mixture"]
"""How the boundary is made; see the module."""

TUNING_UNITS = 5000
"""Units of both groups at which a mixture without a plan is narrowest."""

Look = tuple[dt.date, Moments, Moments]
"""A day, and the control's and the treatment's moments up to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one look gives.

    Attributes:
        day: The look: everything up to the end of this day.
        fixed: The effect as if this were the only look.
        boundary: |z| that must be reached to stop.
        statistic: z of this look: difference ÷ standard error.
        difference: Difference with the interval that holds at all looks at once.
        relative: Relative effect with the interval that holds at all looks at once.
    """

    day: dt.date
    fixed: Effect
    boundary: float
    statistic: float
    difference: Interval
    relative: Interval

    @property
    def crossed(self) -> bool:
        """Whether the boundary is reached."""
        return abs(self.statistic) >= self.boundary


@dataclass(frozen=True, kw_only=True, eq=False)
class SequentialPath(Result):
    """The path of one metric's effect, look by look.

    Attributes:
        metric: What is compared.
        method: How the boundary is made.
        alpha: Two-sided level over all looks.
        planned_days: Days that the test was planned for; 0 where it has no plan.
        steps: The looks in order.
        passed_over: Looks without a boundary of their own: a group had fewer than two
            units or no spread, or hardly a unit had come since the look before.
    """

    sheet: ClassVar[str] = mark("Look by look")
    labels: ClassVar[Mapping[str, str]] = {
        "day": mark("Up to"),
        "units": mark("Units"),
        "difference": mark("Difference to the control"),
        "fixed_low": mark("Lower limit, single look"),
        "fixed_high": mark("Upper limit, single look"),
        "low": mark("Lower limit, any look"),
        "high": mark("Upper limit, any look"),
        "z": mark("z"),
        "boundary": mark("Boundary of z"),
    }

    metric: ExperimentMetric
    method: Method
    alpha: float
    planned_days: int
    steps: tuple[Step, ...]
    passed_over: int = 0

    @property
    def last(self) -> Step | None:
        """The last look; None where there was none."""
        return self.steps[-1] if self.steps else None

    @property
    def stop(self) -> Step | None:
        """The first look that reached the boundary, if any."""
        return next((step for step in self.steps if step.crossed), None)

    @property
    def since(self) -> Step | None:
        """The first of the looks beyond the boundary that last, on one side, to the end."""
        found = None
        for step in reversed(self.steps):
            if not step.crossed or (found and step.statistic * found.statistic < 0):
                break
            found = step
        return found

    def table_units(self) -> Mapping[str, Unit]:
        """Differences are shown as the metric is; shares in percentage points."""
        unit = difference_unit(self.metric)
        shown = ("difference", "fixed_low", "fixed_high", "low", "high")
        plain: dict[str, Unit] = {"day": "day", "units": "count", "z": "ratio", "boundary": "ratio"}
        return {**plain, **dict.fromkeys(shown, unit)}

    def to_frame(self) -> pd.DataFrame:
        """One row a look."""
        import pandas as pd

        rows = [
            (
                step.day,
                step.fixed.n_control + step.fixed.n_treatment,
                step.difference.value,
                step.fixed.difference.low,
                step.fixed.difference.high,
                step.difference.low,
                step.difference.high,
                step.statistic,
                step.boundary,
            )
            for step in self.steps
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def absent(self) -> str:
        """Why there is no path."""
        if self.steps:
            return ""
        return tr("No day has two groups that can be compared, so there is no path to show.")

    def chart(self) -> Chart | None:
        """The test statistic with the boundary that it must cross."""
        from ecops_lib.core.charts import line_chart

        frame = self.to_frame()
        if frame.empty:
            return None
        frame = frame.assign(low=-frame["boundary"], high=frame["boundary"])
        bounds = [*frame["low"], *frame["high"]]
        if not np.isfinite(bounds).any():
            return None
        frame[["low", "high"]] = frame[["low", "high"]].where(np.isfinite(frame[["low", "high"]]))
        stop = self.stop
        return line_chart(
            frame,
            caption=tr("Has {metric} crossed the boundary?", metric=tr(self.metric.label)),
            unit="ratio",
            labels={
                "z": tr("difference in standard errors (z)"),
                "low": tr("no decision while within"),
            },
            value="z",
            band=("low", "high"),
            marked={stop.day: tr("crossed")} if stop else None,
        )

    def findings(self) -> tuple[Finding, ...]:
        """Whether the boundary is crossed, and what may be said of the effect meanwhile."""
        last = self.last
        if last is None:
            return ()
        stop = self.stop
        evidence = {
            "z": last.statistic,
            "boundary": last.boundary,
            "difference": last.difference.value,
            "low": last.difference.low,
            "high": last.difference.high,
            "looks": float(len(self.steps)),
        }
        since = self.since
        if since is not None:
            text = self._crossed_words(since, last)
        else:
            text = self._open_words(last) if stop is None else self._back_words(stop, last)
        level = "info" if since is None else self._level(since)
        key = f"sequential/{self.metric.key}"
        return (
            Finding(key=key, level=level, text=text, evidence=evidence),
            Finding(key="sequential/method", level="info", text=self._method_words()),
        )

    def _method_words(self) -> str:
        if self.method == "mixture":
            return tr("The boundary holds at every moment, however often one looks.")
        return tr(
            "The boundary holds for one look a day, whether one looks or not: up to the planned "
            "end after {days}, and beyond it.",
            days=show(self.planned_days, "days"),
        )

    def _level(self, stop: Step) -> Literal["good", "bad"]:
        return "good" if stop.statistic * self.metric.good > 0 else "bad"

    def _open_words(self, last: Step) -> str:
        return ntr(
            "{metric}: after {looks} daily look nothing is decided: z is {z}, the boundary "
            "{boundary}. Looking daily, the difference lies between {low} and {high}.",
            "{metric}: after {looks} daily looks nothing is decided: z is {z}, the boundary "
            "{boundary}. Looking daily, the difference lies between {low} and {high}.",
            len(self.steps),
            **self._values(last),
        )

    def _back_words(self, stop: Step, last: Step) -> str:
        return tr(
            "{metric}: the boundary was crossed on {day}, but z is now {z} and within the boundary "
            "{boundary}. Looking daily, the difference now lies between {low} and {high}.",
            **{**self._values(last), "day": show(stop.day, "day")},
        )

    def _crossed_words(self, stop: Step, last: Step) -> str:
        values = {**self._values(last), "day": show(stop.day, "day")}
        values |= {"z": show(stop.statistic, "ratio"), "boundary": show(stop.boundary, "ratio")}
        if stop.statistic > 0:
            return tr(
                "{metric}: the treatment has been higher than the control beyond the boundary "
                "since {day} (z {z}, boundary {boundary}). Looking daily, the difference now "
                "lies between {low} and {high}.",
                **values,
            )
        return tr(
            "{metric}: the treatment has been lower than the control beyond the boundary "
            "since {day} (z {z}, boundary {boundary}). Looking daily, the difference now "
            "lies between {low} and {high}.",
            **values,
        )

    def _values(self, step: Step) -> dict[str, object]:
        unit = difference_unit(self.metric)
        return {
            "metric": tr(self.metric.label),
            "looks": show(len(self.steps), "count"),
            "z": show(step.statistic, "ratio"),
            "boundary": show(step.boundary, "ratio"),
            "low": show(step.difference.low, unit, sign=True),
            "high": show(step.difference.high, unit, sign=True),
        }


def difference_unit(metric: ExperimentMetric) -> Unit:
    """How a difference of two values of a metric is shown."""
    return "points" if metric.unit == "share" else metric.unit


def follow_effect(
    looks: Sequence[Look],
    *,
    metric: ExperimentMetric,
    planned_days: int | None = None,
    covariates: Sequence[Column] = (),
    alpha: float = 0.05,
    relative: Relative = "fieller",
    method: Method = "spending",
    tuning_units: float = TUNING_UNITS,
) -> SequentialPath:
    """Follow one metric's effect day by day, with intervals that hold at all looks at once.

    Both ways suppose large samples (the first look counts once each group has two units
    and some spread) and days that are numbered without regard to the results. With
    *spending* a day is a look whether anybody looks or not; it does not hold at single
    units within a day, for which *mixture* is meant.

    Args:
        looks: For each day in order, everything up to its end: day, control, treatment.
        metric: What is compared.
        planned_days: Days that the test was planned for; needed for ``spending``.
        covariates: Columns known before the test.
        alpha: Two-sided level over all looks.
        relative: How the relative interval is made.
        method: How the boundary is made.
        tuning_units: Units of both groups at which a mixture is narrowest, set beforehand.

    Raises:
        ParameterError: ``spending`` has no planned duration, or the days are not in order.
    """
    require_choice(method, Method, name="method")
    require_between(alpha, 0, 1, name="alpha", ends="open")
    if method == "spending" and not (planned_days and planned_days >= 1):
        raise ParameterError(
            f"planned_days is {planned_days!r}; spending needs the number of days that the test "
            "was planned for; without a plan use method='mixture'."
        )
    if any(later[0] <= earlier[0] for earlier, later in pairwise(looks)):
        raise ParameterError("looks must be in the order of their days, each day once.")
    first = looks[0][0] if looks else None
    used = _usable(looks, metric, covariates)
    units = np.array([harmonic_units(look[1].n, look[2].n) for look, _ in used])
    if method == "spending" and used and first is not None and planned_days:
        passed = [((look[0] - first).days + 1) / planned_days for look, _ in used]
        bounds = spending_boundary(units, passed=passed, alpha=alpha)
    else:
        whole = np.array([look[1].n + look[2].n for look, _ in used], float)
        rho2 = tune_mixture(tuning_units, alpha=alpha)
        bounds = mixture_boundary(whole, rho2=rho2, alpha=alpha)
    return SequentialPath(
        metric=metric,
        method=method,
        alpha=alpha,
        planned_days=planned_days or 0,
        steps=tuple(
            _step(look, held, float(bound), metric, covariates, alpha, relative)
            for (look, held), bound in zip(used, bounds, strict=True)
        ),
        passed_over=len(looks) - len(used),
    )


def _usable(
    looks: Sequence[Look], metric: ExperimentMetric, covariates: Sequence[Column]
) -> list[tuple[Look, Adjusted]]:
    """Looks at which something can be compared and something new has come."""
    outcome: Column = (
        (metric.numerator, metric.denominator) if metric.denominator else metric.numerator
    )
    used: list[tuple[Look, Adjusted]] = []
    before = 0.0
    for look in looks:
        control, treatment = look[1], look[2]
        units = harmonic_units(control.n, treatment.n)
        if min(control.n, treatment.n) < 2 or units - before < LEAST_STEP * units:
            continue
        held = adjust(control, treatment, columns=(outcome, *covariates))
        if sum(held.variances) > 0 and math.isfinite(held.pair.treatment - held.pair.control):
            used.append((look, held))
            before = units
    return used


def _step(
    look: Look,
    held: Adjusted,
    boundary: float,
    metric: ExperimentMetric,
    covariates: Sequence[Column],
    alpha: float,
    relative: Relative,
) -> Step:
    day, control, treatment = look
    error = math.sqrt(sum(held.variances))
    value = held.pair.treatment - held.pair.control
    return Step(
        day=day,
        fixed=compare(
            control,
            treatment,
            metric=metric,
            covariates=covariates,
            alpha=alpha,
            relative=relative,
        ),
        boundary=boundary,
        statistic=value / error,
        difference=Interval(
            value=value, low=value - boundary * error, high=value + boundary * error
        ),
        relative=_relative(held, boundary, relative),
    )


def _relative(held: Adjusted, boundary: float, method: Relative) -> Interval:
    if not math.isfinite(boundary):
        return Interval(value=held.pair.ratio - 1, low=-math.inf, high=math.inf)
    return relative_interval(held.pair, method=method, quantile=boundary, log_quantile=boundary)
