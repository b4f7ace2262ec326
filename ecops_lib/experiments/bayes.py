"""Bayesian comparison: the chance that a variant is better, and what a wrong choice costs.

Three models, each with its prior told in words: Beta-Binomial for shares, Gamma-Poisson
for counts, and the normal model for everything else, where the estimate and its standard
error stand for the data (variance taken as known; Gelman et al. 2013, eq. 2.10).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ecops_lib.core.checks import require_choice
from ecops_lib.core.errors import MetricError, ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.experiments.inference.adjustment import Column, adjust
from ecops_lib.experiments.inference.relative import delta_standard_error
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric
from ecops_lib.experiments.posteriors import Scale
from ecops_lib.experiments.priors import (
    NOTHING,
    Belief,
    BetaPrior,
    GammaPrior,
    NormalPrior,
    Prior,
    update_counts,
    update_normal,
    update_shares,
)

if TYPE_CHECKING:
    import pandas as pd

Model = Literal["beta_binomial", "gamma_poisson", "normal"]


@dataclass(frozen=True, kw_only=True, eq=False)
class BayesianEffect(Result):
    """One metric's effect as a posterior.

    Attributes:
        metric: What is compared.
        model: Which model.
        prior: What was held beforehand.
        scale: Whether ``belief.effect`` is relative or a difference.
        control: The metric in the control group.
        treatment: The metric in the treatment group.
        belief: The posterior.
        level: Of its interval.
    """

    sheet: ClassVar[str] = mark("Bayesian comparison")
    labels: ClassVar[Mapping[str, str]] = {
        "metric": mark("Metric"),
        "control": mark("Control"),
        "treatment": mark("Treatment"),
        "effect": mark("Effect"),
        "low": mark("Lower limit"),
        "high": mark("Upper limit"),
        "chance_to_win": mark("Chance to be better"),
        "loss": mark("Expected loss if chosen"),
        "loss_control": mark("Expected loss if not chosen"),
        "prior": mark("Prior"),
    }

    metric: ExperimentMetric
    model: Model
    prior: Prior
    scale: Scale
    control: float
    treatment: float
    belief: Belief
    level: float

    @property
    def chance_to_win(self) -> float:
        """Chance that the treatment is the better one, as the metric is good up or down."""
        return self.belief.chance if self.metric.good > 0 else 1 - self.belief.chance

    @property
    def loss(self) -> float:
        """Mean cost of choosing the treatment."""
        return self.belief.loss if self.metric.good > 0 else self.belief.gain

    @property
    def loss_control(self) -> float:
        """Mean cost of keeping the control."""
        return self.belief.gain if self.metric.good > 0 else self.belief.loss

    @property
    def loss_unit(self) -> Unit:
        """Unit of the costs: the relative effect's in the normal model, else the metric's."""
        return "share" if self._relative_costs else _difference_unit(self.metric)

    @property
    def _relative_costs(self) -> bool:
        return self.model == "normal" and self.scale == "relative"

    @property
    def _effect_unit(self) -> Unit:
        return "share" if self.scale == "relative" else _difference_unit(self.metric)

    def table_units(self) -> Mapping[str, Unit]:
        """The effect is shown on its scale, the values as the metric is."""
        value, effect, cost = self.metric.unit, self._effect_unit, self.loss_unit
        return {
            "control": value,
            "treatment": value,
            "effect": effect,
            "low": effect,
            "high": effect,
            "loss": cost,
            "loss_control": cost,
        }

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        import pandas as pd

        row = (
            tr(self.metric.label),
            self.control,
            self.treatment,
            self.belief.effect.value,
            self.belief.effect.low,
            self.belief.effect.high,
            show_chance(self.chance_to_win),
            self.loss,
            self.loss_control,
            self.prior.words(),
        )
        return pd.DataFrame([row], columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """The chance to be better and what a wrong choice costs; a belief decides nothing."""
        effect = self.belief.effect
        if math.isnan(self.belief.chance):
            text = tr(
                "{metric}: no posterior can be had, as a group has too few units or no spread.",
                metric=tr(self.metric.label),
            )
            return (Finding(key=f"bayes/{self.metric.key}", level="watch", text=text),)
        text = tr(
            "{metric}: the treatment is better than the control with a chance of {chance}; "
            "the {scale} lies between {low} and {high} with a chance of {level}. If the "
            "treatment is chosen, the expected loss is {loss}; if not, {loss_control} ({prior}).",
            metric=tr(self.metric.label),
            chance=show_chance(self.chance_to_win),
            scale=tr("relative effect") if self.scale == "relative" else tr("difference"),
            low=show(effect.low, self._effect_unit, sign=True),
            high=show(effect.high, self._effect_unit, sign=True),
            level=show(self.level, "share"),
            loss=show(self.loss, self.loss_unit),
            loss_control=show(self.loss_control, self.loss_unit),
            prior=self.prior.words(),
        )
        evidence = {
            "chance_to_win": self.chance_to_win,
            "effect": effect.value,
            "low": effect.low,
            "high": effect.high,
            "loss": self.loss,
            "loss_control": self.loss_control,
        }
        return (
            Finding(key=f"bayes/{self.metric.key}", level="info", text=text, evidence=evidence),
        )


def show_chance(chance: float) -> str:
    """A chance as a share that is never shown as certain.

    >>> show_chance(0.99999999), show_chance(0.5)
    ('more than 99.99%', '50.00%')
    """
    if chance > 0.9999:
        return tr("more than {share}", share=show(0.9999, "share"))
    if chance < 0.0001:
        return tr("less than {share}", share=show(0.0001, "share"))
    return show(chance, "share")


def compare_bayes(
    control: Moments,
    treatment: Moments,
    *,
    metric: ExperimentMetric,
    model: Model | None = None,
    prior: Prior | None = None,
    covariates: Sequence[Column] = (),
    scale: Scale = "relative",
    level: float = 0.95,
) -> BayesianEffect:
    """Treatment against control on one metric, as a posterior.

    Args:
        control: Moments of the control group.
        treatment: Moments of the treatment group.
        metric: What is compared.
        model: Which model; Beta-Binomial for a metric that is 0 or 1 a unit (without
            covariates), else the normal one where None.
        prior: What is held beforehand; the model's default where None: every share
            alike, Gamma(1, 1), or relative effects normal around 0 with an sd of 30 %.
        covariates: Columns known before the test (normal model only).
        scale: Whether the effect is relative or a difference.
        level: Of the credible interval.

    Raises:
        ParameterError: The prior is not one of the model's, or an option is impossible.
        MetricError: The metric cannot be had by the model.
    """
    require_choice(scale, Scale, name="scale")
    plain = metric.binary and not metric.denominator and not covariates
    chosen: Model = model or ("beta_binomial" if plain else "normal")
    require_choice(chosen, Model, name="model")
    before = _prior(chosen, prior)
    if chosen != "normal" and (metric.denominator or covariates):
        raise MetricError(
            f"{metric.key!r} is a ratio or has covariates, which the model {chosen!r} cannot "
            "take; use 'normal'."
        )
    belief = _belief(control, treatment, metric, before, covariates, scale, level)
    return BayesianEffect(
        metric=metric,
        model=chosen,
        prior=before,
        scale=scale,
        control=_value(control, metric),
        treatment=_value(treatment, metric),
        belief=belief,
        level=level,
    )


def _prior(model: Model, prior: Prior | None) -> Prior:
    kinds: Mapping[Model, type[Prior]] = {
        "beta_binomial": BetaPrior,
        "gamma_poisson": GammaPrior,
        "normal": NormalPrior,
    }
    held = prior or kinds[model]()
    if not isinstance(held, kinds[model]):
        raise ParameterError(
            f"prior is a {type(held).__name__}; the model {model!r} takes a "
            f"{kinds[model].__name__}."
        )
    return held


def _belief(
    control: Moments,
    treatment: Moments,
    metric: ExperimentMetric,
    prior: Prior,
    covariates: Sequence[Column],
    scale: Scale,
    level: float,
) -> Belief:
    if isinstance(prior, NormalPrior):
        return _normal_belief(control, treatment, metric, prior, covariates, scale, level)
    if not control.n or not treatment.n:
        return NOTHING
    column = metric.numerator
    pairs = [(round(group.total(column), 9), group.n) for group in (control, treatment)]
    if isinstance(prior, BetaPrior):
        return update_shares(pairs[0], pairs[1], prior=prior, scale=scale, level=level)
    return update_counts(pairs[0], pairs[1], prior=prior, scale=scale, level=level)


def _normal_belief(
    control: Moments,
    treatment: Moments,
    metric: ExperimentMetric,
    prior: NormalPrior,
    covariates: Sequence[Column],
    scale: Scale,
    level: float,
) -> Belief:
    """The estimate with its (delta) standard error, and the prior moved to its scale."""
    outcome: Column = (
        (metric.numerator, metric.denominator) if metric.denominator else metric.numerator
    )
    held = adjust(control, treatment, columns=(outcome, *covariates))
    base = abs(held.pair.control)
    if scale == "relative":
        estimate, error = held.pair.ratio - 1, delta_standard_error(held.pair)
        factor = 1.0 if prior.scale == "relative" else 1 / base if base else math.nan
    else:
        estimate = held.pair.treatment - held.pair.control
        variance = sum(held.variances)
        error = math.sqrt(variance) if variance > 0 else math.nan
        factor = base if prior.scale == "relative" else 1.0
    if math.isinf(prior.sd):
        return update_normal(estimate, error, sd=math.inf, level=level)
    if not factor > 0:
        return NOTHING
    return update_normal(
        estimate, error, mean=prior.mean * factor, sd=prior.sd * factor, level=level
    )


def _value(group: Moments, metric: ExperimentMetric) -> float:
    if not group.n:
        return math.nan
    above = group.average(metric.numerator)
    if not metric.denominator:
        return above
    below = group.average(metric.denominator)
    return above / below if below else math.nan


def _difference_unit(metric: ExperimentMetric) -> Unit:
    return "points" if metric.unit == "share" else metric.unit
