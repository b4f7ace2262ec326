"""From a test to its memo: the standings, the correction, the one decision."""

from __future__ import annotations

import math

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import tr
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.experiment import Experiment
from ecops_lib.experiments.inference import adjust_p_values, non_inferiority
from ecops_lib.experiments.memo import Memo, raw_value
from ecops_lib.experiments.money import value_monthly
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.untested import list_untested
from ecops_lib.experiments.verdict import Side, Standing, decide, side_of

WEEK = 7
UNKNOWN = Interval(value=math.nan, low=-math.inf, high=math.inf)


def read_out(trial: Experiment) -> Memo:
    """One decision on a test, and the figures that bear it.

    The deciding metric is held against the boundary for daily looks; with several variants
    the level is shared among them (Bonferroni). Guardrails are a family of their own, held
    against such a boundary too: one is broken where it is shown to be worse, and sure where
    harm beyond the plan's margin is ruled out. Metrics that are only shown are corrected
    by Holm's method, so that a long list of figures does not hide a harm.

    Args:
        trial: The test.

    Raises:
        MissingDataError: The data do not tell the metric that decides.
    """
    require_primary(trial)
    red = bool(trial.health.red)
    others = {} if red else correct_others(trial)
    standings = () if red else tuple(_standing(trial, v) for v in trial.treatments)
    finished = not trial.health.unfinished
    verdict = decide(
        standings,
        good=trial.primary.good,
        red=red,
        finished=finished,
        whole_week=finished or len({day for _, day, _ in trial.facts.cells}) >= WEEK,
    )
    return Memo(
        experiment=trial,
        verdict=verdict,
        standings=standings,
        others=others,
        money=value_monthly(trial, verdict),
        untested=() if red else tuple(list_untested(trial, standings)),
        owner=trial.store.settings.owners.get("tests", tr("operations")),
    )


def require_primary(trial: Experiment) -> None:
    """Refuse a test whose deciding metric the data do not tell.

    Raises:
        MissingDataError: They do not.
    """
    if trial.primary not in trial.metrics:
        needed = " / ".join(n for n in (trial.primary.numerator, trial.primary.denominator) if n)
        raise MissingDataError(
            f"the test {trial.plan.experiment_id!r} is decided by {trial.plan.primary!r}, but the "
            f"data do not tell {needed}; import what does, or choose another primary metric."
        )


def correct_others(trial: Experiment) -> dict[tuple[str, str], float]:
    """P-values by (variant, metric) of guardrails and of metrics that are only shown (Holm)."""
    guardrails = _guardrails(trial)
    shown = tuple(
        m.key for m in trial.metrics if m.key != trial.plan.primary and m.key not in guardrails
    )
    return {**_corrected(trial, guardrails), **_corrected(trial, shown)}


def _corrected(trial: Experiment, keys: tuple[str, ...]) -> dict[tuple[str, str], float]:
    """One family of metrics over all variants, corrected for being several."""
    family = {place: effect for place, effect in trial.effects.items() if place[1] in keys}
    adjusted = adjust_p_values([effect.p_value for effect in family.values()], method="holm")
    return dict(zip(family, adjusted.tolist(), strict=True))


def _standing(trial: Experiment, variant: str) -> Standing:
    last = trial.paths[variant].last
    relative, difference = (last.relative, last.difference) if last else (UNKNOWN, None)
    return Standing(
        variant=variant,
        control=raw_value(trial, trial.plan.control, trial.primary),
        treatment=raw_value(trial, variant, trial.primary),
        relative=relative,
        side=_side(trial, relative, difference),
        broken=_broken(trial, variant),
        unsure=_unsure(trial, variant),
        difference=difference,
    )


def _side(trial: Experiment, relative: Interval, difference: Interval | None) -> Side:
    """What the interval says; the difference's where nothing relative can be told."""
    good = trial.primary.good
    if difference is not None and math.isnan(relative.value):
        return side_of(difference, good=good, least_effect=0.0)
    return side_of(relative, good=good, least_effect=trial.plan.least_effect)


def _guardrails(trial: Experiment) -> tuple[str, ...]:
    """Guardrails that the data tell."""
    return tuple(m.key for m in trial.metrics if m.key in trial.plan.guardrails)


def _broken(trial: Experiment, variant: str) -> tuple[str, ...]:
    """Guardrails that are shown to be worse, beyond the boundary for daily looks."""
    return tuple(
        key
        for key in _guardrails(trial)
        if (last := trial.guarded[variant, key].last)
        and last.crossed
        and last.difference.value * METRICS[key].good < 0
    )


def _unsure(trial: Experiment, variant: str) -> tuple[str, ...]:
    """Guardrails for which harm beyond the margin is not ruled out, or was not measured."""
    told = _guardrails(trial)
    return tuple(
        key
        for key in trial.plan.guardrails
        if key not in told
        or not non_inferiority(
            trial.moments(trial.plan.control),
            trial.moments(variant),
            metric=METRICS[key],
            margin=trial.plan.guardrail_margin,
            covariates=trial.covariates(METRICS[key]),
            alpha=trial.level / 2,
        ).passed
    )
