"""The memo's evidence, section by section; silent where no effect may be read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import tr
from ecops_lib.core.results import Result
from ecops_lib.core.sections import Unshown
from ecops_lib.data import frames
from ecops_lib.experiments.bayes import compare_bayes
from ecops_lib.experiments.comparisons import list_comparisons
from ecops_lib.experiments.experiment import Experiment
from ecops_lib.experiments.inference import check_by_bootstrap, compare_segments
from ecops_lib.experiments.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

MOST_RESAMPLED = 200_000
"""Units up to which they are resampled; beyond, the normal law needs no second opinion."""


def _silenced(trial: Experiment) -> Unshown | None:
    """The section that stands for one on an effect that must not be read."""
    if not trial.health.red:
        return None
    names = tr(", ").join(tr(check.label) for check in trial.health.red)
    return Unshown(
        why=tr("Not shown, because the test's health forbids it: {checks}.", checks=names)
    )


def _chosen(trial: Experiment, variant: str) -> str:
    """The variant asked for, or the one with the best estimate of the deciding metric.

    Raises:
        ParameterError: It is none of the test's variants.
    """
    if variant and variant not in trial.treatments:
        raise ParameterError(
            f"variant is {variant!r}; it must be one of {', '.join(map(repr, trial.treatments))}, "
            "or empty for the best one."
        )

    def gain(name: str) -> float:
        value = trial.effects[name, trial.plan.primary].difference.value
        return -math.inf if math.isnan(value) else trial.primary.good * value

    return variant or max(trial.treatments, key=gain)


def follow_looks(trial: Experiment, *, variant: str = "") -> Result:
    """The deciding metric day by day with the boundary that it must cross.

    Args:
        trial: The test.
        variant: The variant; empty for the best one.
    """
    return _silenced(trial) or trial.paths[_chosen(trial, variant)]


def compare_metrics(memo: Memo) -> Result:
    """Every comparison of the test, corrected for being several, and what was counted.

    Args:
        memo: The test's memo.
    """
    return _silenced(memo.experiment) or list_comparisons(memo)


def split_segments(trial: Experiment, *, variant: str = "") -> Result:
    """The deciding metric's effect in each segment, and whether the segments part.

    Args:
        trial: The test.
        variant: The variant; empty for the best one.
    """
    silent = _silenced(trial)
    if silent is not None:
        return silent
    segments = {name: held for name, held in trial.facts.by_segment().items() if name}
    if len(segments) < 2:
        return Unshown(why=tr("The exposure log names fewer than two segments to compare."))
    return compare_segments(
        segments,
        control=trial.plan.control,
        treatment=_chosen(trial, variant),
        metric=trial.primary,
        covariates=trial.covariates(trial.primary),
        alpha=trial.plan.alpha,
    )


def weigh_beliefs(trial: Experiment, *, variant: str = "") -> Result:
    """The chance that a variant is better and what a wrong choice costs, prior stated.

    Args:
        trial: The test.
        variant: The variant; empty for the best one.
    """
    return _silenced(trial) or compare_bayes(
        trial.moments(trial.plan.control),
        trial.moments(_chosen(trial, variant)),
        metric=trial.primary,
        covariates=trial.covariates(trial.primary),
    )


def check_resampled(trial: Experiment, *, variant: str = "") -> Result:
    """The deciding metric's interval beside one from resampled units.

    Args:
        trial: The test.
        variant: The variant; empty for the best one.
    """
    silent = _silenced(trial)
    if silent is not None:
        return silent
    if trial.joined.prepared.count > MOST_RESAMPLED:
        return Unshown(why=tr("Not resampled: with so many units the normal law holds."))
    names = (trial.plan.control, _chosen(trial, variant))
    if min(trial.moments(name).n for name in names) < 2:
        return Unshown(why=tr("Not resampled: a group has fewer than two units."))
    metric = trial.primary
    columns = [name for name in (metric.numerator, metric.denominator) if name]
    control, treatment = (_values(trial, name, columns) for name in names)
    return check_by_bootstrap(control, treatment, metric=metric, alpha=trial.level)


def _values(trial: Experiment, variant: str, columns: Sequence[str]) -> np.ndarray[Any, Any]:
    """A variant's units, one row each, in an order that does not depend on the engine."""
    mine = trial.joined.prepared.table.filter(nw.col("variant") == variant)
    held = frames.bring(mine.select(*columns), sort=columns)
    return held.to_numpy(float)
