"""The memo's sentences: one for each reason, made from the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.experiments.outcomes import METRICS, ExperimentMetric
from ecops_lib.experiments.sequential import difference_unit
from ecops_lib.experiments.verdict import Decision, Reason, Standing, Verdict

SENTENCES: Mapping[Reason, str] = {
    "red": mark(
        "Do not trust this test: {checks}. No effect is shown, because it would not be the "
        "variant's."
    ),
    "winner": mark(
        "Ship {variant}: {metric} is {effect} against the control ({low} to {high}), {treatment} "
        "against {control}, and no guardrail is worse."
    ),
    "winner_unsure": mark(
        "Ship {variant}, and watch {guardrails}: {metric} is {effect} against the control "
        "({low} to {high}), {treatment} against {control}; no guardrail is shown to be worse, but "
        "a harm above the margin is not ruled out for {guardrails}."
    ),
    "week": mark(
        "Keep running: {variant} is ahead ({metric} {effect}, {low} to {high}), but the test has "
        "not yet seen a whole week."
    ),
    "guardrail_open": mark(
        "Keep running: {variant} is ahead ({metric} {effect}, {low} to {high}), but a harm above "
        "the margin is not yet ruled out for {guardrails}."
    ),
    "running": mark(
        "Keep running: {metric} of {variant} lies between {low} and {high} against the control, "
        "which decides nothing yet."
    ),
    "guardrail": mark(
        "Stop {variant}: {metric} is {effect} against the control ({low} to {high}), but "
        "{guardrails} got worse."
    ),
    "harm": mark(
        "Stop {variant}: {metric} is worse, {effect} against the control ({low} to {high}), "
        "{treatment} against {control}."
    ),
    "small": mark(
        "Stop {variant}: {metric} is {effect} against the control ({low} to {high}), which rules "
        "out a gain of {least} or more."
    ),
    "not_shown": mark(
        "Stop {variant}: no effect on {metric} is shown ({effect}, {low} to {high}), and the test "
        "is over. It could find effects from about {findable} on."
    ),
}

UNGUARDED = mark(
    "Ship {variant}: {metric} is {effect} against the control ({low} to {high}), {treatment} "
    "against {control}; the test has no guardrail."
)
NO_SPREAD = mark(
    "Stop {variant}: no effect on {metric} is shown ({treatment} against {control}), and the test "
    "is over; the groups do not vary enough to tell one."
)

ACTIONS: Mapping[Decision, str] = {
    "ship": mark("show {variant} to everybody, and note the day as an event of the shop"),
    "stop": mark("go back to {control} for everybody, and write down what was learnt"),
    "keep_running": mark("change nothing until {end}; look again then"),
    "do_not_trust": mark("mend the cause, then run the test again from the start"),
}


def verdict_sentence(
    verdict: Verdict,
    *,
    metric: ExperimentMetric,
    checks: tuple[str, ...],
    least_effect: float,
    findable: float,
    guarded: bool = True,
) -> str:
    """The one sentence of a verdict.

    Args:
        verdict: The decision and its reason.
        metric: The metric that decides.
        checks: Names of the health checks that forbid to read the effect.
        least_effect: Smallest relative gain worth having.
        findable: Smallest relative effect that the test could find.
        guarded: Whether the test has a guardrail.
    """
    text = SENTENCES[verdict.reason]
    if verdict.reason == "winner" and not guarded:
        text = UNGUARDED
    if verdict.reason == "not_shown" and math.isnan(findable):
        text = NO_SPREAD
    if verdict.standing is None:
        return tr(text, checks=", ".join(tr(check) for check in checks))
    words = {
        **_standing_words(verdict.standing, metric),
        "least": show(least_effect, "share"),
        "findable": show(findable, "share"),
        "guardrails": guardrail_names(_concerned(verdict)),
    }
    return tr(text, **{name: word for name, word in words.items() if "{" + name + "}" in text})


def _concerned(verdict: Verdict) -> tuple[str, ...]:
    standing = verdict.standing
    if standing is None:
        return ()
    return standing.broken if verdict.reason == "guardrail" else standing.unsure


def _standing_words(standing: Standing, metric: ExperimentMetric) -> dict[str, str]:
    return {
        "variant": short_name(standing.variant),
        "metric": tr(metric.label),
        **_effect_words(standing, metric),
        "control": show(standing.control, metric.unit),
        "treatment": show(standing.treatment, metric.unit),
    }


def _effect_words(standing: Standing, metric: ExperimentMetric) -> dict[str, str]:
    """The effect in percent of the control; where that cannot be told, the difference."""
    held = standing.absolute or standing.relative
    unit = difference_unit(metric) if standing.absolute else "share"
    return {
        "effect": show(held.value, unit, sign=True),
        "low": show_limit(held.low, unit),
        "high": show_limit(held.high, unit),
    }


def show_limit(value: float, unit: Unit) -> str:
    """A limit of an interval; infinite ones in words."""
    if value == math.inf:
        return tr("no upper limit")
    if value == -math.inf:
        return tr("no lower limit")
    return show(value, unit, sign=True)


def guardrail_names(keys: tuple[str, ...]) -> str:
    """Guardrails by their labels."""
    return tr(", ").join(tr(METRICS[key].label) for key in keys)


def action_words(verdict: Verdict, *, control: str, end: str) -> str:
    """What to do now.

    Args:
        verdict: The decision.
        control: Name of the control variant.
        end: Day on which the test may be read, as text; empty where it has no end.
    """
    text = ACTIONS[verdict.decision]
    if verdict.decision == "keep_running" and not end:
        return tr("change nothing; look again tomorrow")
    variant = short_name(verdict.standing.variant) if verdict.standing else ""
    words = {"variant": variant, "control": short_name(control), "end": end}
    return tr(text, **{name: word for name, word in words.items() if "{" + name + "}" in text})
