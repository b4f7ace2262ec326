"""What a test does not tell, in words: the honest end of its memo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name
from ecops_lib.experiments.experiment import Experiment
from ecops_lib.experiments.verdict import Standing


def list_untested(trial: Experiment, standings: Sequence[Standing]) -> Iterator[str]:
    """What was not measured, not compared or not agreed beforehand, one sentence each.

    Args:
        trial: The test.
        standings: Its variants against the control.
    """
    if trial.untold:
        names = tr(", ").join(tr(metric.label) for metric in trial.untold)
        yield tr("Not measured, because no file tells it: {metrics}.", metrics=names)
    yield _later(trial)
    if len(standings) > 1:
        yield tr(
            "Each variant was compared with {control} only; the variants were not compared with "
            "one another.",
            control=short_name(trial.plan.control),
        )
    if not trial.plan.told:
        yield tr(
            "store.toml holds no plan of this test: control, shares, days and metrics are "
            "guessed from its log, so what was agreed beforehand was not tested."
        )


def _later(trial: Experiment) -> str:
    """What comes after the time in which outcomes count."""
    if trial.joined.own:
        return tr("Not measured: whether the effect lasts longer than the exposure log tells.")
    return tr(
        "Not measured: what happens more than {days} after the first exposure, and whether the "
        "effect lasts.",
        days=show(trial.plan.window_days, "days"),
    )
