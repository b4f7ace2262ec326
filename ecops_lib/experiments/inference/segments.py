"""Does the effect differ between segments? One test of that before any single one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.experiments.effects import Effect
from ecops_lib.experiments.inference.adjustment import Column
from ecops_lib.experiments.inference.compare import compare
from ecops_lib.experiments.inference.multiple import adjust_p_values
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class Heterogeneity(Result):
    """One effect by segment, and whether the segments part.

    Attributes:
        metric: What was compared.
        effects: Each segment's effect; all of them, also those that cannot be judged.
        adjusted: Benjamini-Hochberg's p-value of each segment's own effect; NaN where it
            could not be tested.
        statistic: Cochran's Q over the segments that can be judged.
        degrees: Such segments less one.
        p_value: Of "the effect is the same in each"; NaN with fewer than two.
        i_squared: Share of the spread between segments that chance does not explain.
        common: The effect with each segment weighed by its precision.
        alpha: Level.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "n_control": "count",
        "n_treatment": "count",
        "p_value": "p_value",
        "adjusted_p_value": "p_value",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "segment": mark("Segment of units"),
        "n_control": mark("Units in control"),
        "n_treatment": mark("Units in treatment"),
        "difference": mark("Difference to the control"),
        "low": mark("From"),
        "high": mark("To"),
        "p_value": mark("P-value"),
        "adjusted_p_value": mark("Adjusted p-value"),
    }
    sheet: ClassVar[str] = mark("Segments")

    metric: ExperimentMetric
    effects: Mapping[str, Effect]
    adjusted: Mapping[str, float]
    statistic: float
    degrees: int
    p_value: float
    i_squared: float
    common: float
    alpha: float

    @property
    def judged(self) -> tuple[str, ...]:
        """Segments whose effect has an error, so that it can be held against the others."""
        return tuple(name for name, effect in self.effects.items() if _judged(effect))

    @property
    def found(self) -> tuple[str, ...]:
        """Segments whose own effect stands after the correction."""
        return tuple(name for name, value in self.adjusted.items() if value <= self.alpha)

    @property
    def differs(self) -> bool:
        """Whether the segments' effects part by more than chance explains."""
        return self.p_value <= self.alpha

    def to_frame(self) -> pd.DataFrame:
        """One row a segment."""
        import pandas as pd

        held = self.effects.values()
        return pd.DataFrame(
            {
                "segment": list(self.effects),
                "n_control": [effect.n_control for effect in held],
                "n_treatment": [effect.n_treatment for effect in held],
                "difference": [effect.difference.value for effect in held],
                "low": [effect.difference.low for effect in held],
                "high": [effect.difference.high for effect in held],
                "p_value": [effect.p_value for effect in held],
                "adjusted_p_value": list(self.adjusted.values()),
            }
        )

    def table_units(self) -> Mapping[str, Unit]:
        """Differences in the metric's unit."""
        unit = _unit(self.metric)
        return {**self.units, "difference": unit, "low": unit, "high": unit}

    def findings(self) -> tuple[Finding, ...]:
        """Whether the segments part; which single effects stand, never more than that."""
        evidence = {
            "statistic": self.statistic,
            "p_value": self.p_value,
            "i_squared": self.i_squared,
            "segments": len(self.judged),
            "found": len(self.found),
        }
        text = " ".join(filter(None, (self._parting(), self._single(), self._left_out())))
        return (
            Finding(
                key=f"segments/{self.metric.key}",
                level="watch" if self.differs else "info",
                text=text,
                evidence=evidence,
            ),
        )

    def _parting(self) -> str:
        values = {
            "metric": tr(self.metric.label),
            "count": show(len(self.judged), "count"),
            "p": f"{self.p_value:.3f}",
            "part": show(self.i_squared, "share"),
        }
        if math.isnan(self.p_value):
            return tr("{metric}: fewer than two segments can be held against each other.", **values)
        if not self.differs:
            return tr(
                "{metric}: no sign that the effect differs between {count} segments"
                " (interaction p = {p}); that is no proof that it is the same.",
                **values,
            )
        order = sorted(self.judged, key=lambda name: self.effects[name].difference.value)
        return tr(
            "{metric}: the effect differs between {count} segments (interaction p = {p},"
            " I² = {part}), lowest in {low} ({least}) and highest in {high} ({most});"
            " take it as a lead for a test of its own.",
            low=order[0],
            high=order[-1],
            least=self._shown(order[0]),
            most=self._shown(order[-1]),
            **values,
        )

    def _shown(self, segment: str) -> str:
        return show(self.effects[segment].difference.value, _unit(self.metric), sign=True)

    def _single(self) -> str:
        if not self.found or not self.differs:
            return ""
        return ntr(
            "After correction for {tested}, the effect stands alone in {count} segment: {names}.",
            "After correction for {tested}, the effect stands alone in {count} segments: {names}.",
            len(self.found),
            tested=show(sum(not math.isnan(p) for p in self.adjusted.values()), "count"),
            count=show(len(self.found), "count"),
            names=tr(", ").join(self.found),
        )

    def _left_out(self) -> str:
        count = len(self.effects) - len(self.judged)
        if not count:
            return ""
        return ntr(
            "{count} segment holds too little to be judged.",
            "{count} segments hold too little to be judged.",
            count,
            count=show(count, "count"),
        )


def _unit(metric: ExperimentMetric) -> Unit:
    return "points" if metric.unit == "share" else metric.unit


def _judged(effect: Effect) -> bool:
    return math.isfinite(effect.difference.value) and effect.standard_error > 0


def compare_segments(
    segments: Mapping[str, Mapping[str, Moments]],
    *,
    control: str,
    treatment: str,
    metric: ExperimentMetric,
    covariates: Sequence[Column] = (),
    alpha: float = 0.05,
) -> Heterogeneity:
    """One metric's effect in each segment, and whether the segments part.

    Args:
        segments: Moments by segment and variant; segments must have been set before
            the test began and must not overlap.
        control: Name of the control variant.
        treatment: Name of the other variant.
        metric: What is compared, on its absolute scale.
        covariates: Columns known before the test.
        alpha: Level of the test of parting and of the false finds among segments.

    Returns:
        Each segment's effect, Cochran's Q with I², and corrected p-values. A segment
        without one of the variants is left out of ``effects``.

    Raises:
        ParameterError: No segment holds both variants, or ``alpha`` is impossible.

    References:
        Cochran (1954), Biometrics 10, 101-129; Higgins and Thompson (2002), Statistics
        in Medicine 21, 1539-1558 (I²).
    """
    require_between(alpha, 0.0, 1.0, name="alpha", ends="open")
    both = {
        name: held
        for name, held in segments.items()
        if control in held and treatment in held and held[control].n and held[treatment].n
    }
    if not both:
        raise ParameterError(
            f"no segment holds both {control!r} and {treatment!r}; name two variants that met."
        )
    effects = {
        name: compare(
            held[control], held[treatment], metric=metric, covariates=covariates, alpha=alpha
        )
        for name, held in both.items()
    }
    adjusted = adjust_p_values(
        [effect.p_value for effect in effects.values()], method="benjamini-hochberg"
    )
    statistic, degrees, common = cochran_q(
        [effect for effect in effects.values() if _judged(effect)]
    )
    return Heterogeneity(
        metric=metric,
        effects=effects,
        adjusted={name: float(p) for name, p in zip(effects, adjusted, strict=True)},
        statistic=statistic,
        degrees=degrees,
        p_value=_chi_square_tail(statistic, degrees),
        i_squared=max(0.0, 1 - degrees / statistic) if statistic > 0 else statistic * 0,
        common=common,
        alpha=alpha,
    )


def cochran_q(effects: Sequence[Effect]) -> tuple[float, int, float]:
    """Cochran's Q of several effects, its degrees of freedom, and their common value.

    Returns:
        Q = Σ wᵢ (dᵢ − d̄)² with wᵢ = 1 ÷ sᵢ² and d̄ the mean weighed by them; NaN where
        fewer than two effects are given.
    """
    if len(effects) < 2:
        return math.nan, 0, effects[0].difference.value if effects else math.nan
    weights = [1 / effect.standard_error**2 for effect in effects]
    values = [effect.difference.value for effect in effects]
    common = math.fsum(w * v for w, v in zip(weights, values, strict=True)) / math.fsum(weights)
    spread = math.fsum(w * (v - common) ** 2 for w, v in zip(weights, values, strict=True))
    return spread, len(effects) - 1, common


def _chi_square_tail(statistic: float, degrees: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(degrees, statistic)) if degrees else math.nan
