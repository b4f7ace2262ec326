"""Go, stop, keep running, or do not trust: one decision from the figures alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ecops_lib.experiments.effects import Interval

Decision = Literal["ship", "stop", "keep_running", "do_not_trust"]

Reason = Literal[
    "red",
    "winner",
    "winner_unsure",
    "week",
    "guardrail_open",
    "running",
    "guardrail",
    "harm",
    "small",
    "not_shown",
]
"""Why: each reason belongs to one decision and has one sentence."""

Side = Literal["better", "worse", "small", "open"]

DECISIONS: dict[Reason, Decision] = {
    "red": "do_not_trust",
    "winner": "ship",
    "winner_unsure": "ship",
    "week": "keep_running",
    "guardrail_open": "keep_running",
    "running": "keep_running",
    "guardrail": "stop",
    "harm": "stop",
    "small": "stop",
    "not_shown": "stop",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one variant stands against the control.

    Attributes:
        variant: Its name.
        control: The deciding metric in the control group.
        treatment: The deciding metric in the variant.
        relative: Relative effect, with the interval that holds at this look; NaN where the
            control has none to be relative to.
        side: What the interval says.
        broken: Guardrails that are shown to be worse.
        unsure: Guardrails that are not shown to be within their margin.
        difference: Treatment − control, with the interval that holds at this look.
    """

    variant: str
    control: float
    treatment: float
    relative: Interval
    side: Side
    broken: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    difference: Interval | None = None

    @property
    def absolute(self) -> Interval | None:
        """The difference, where nothing relative can be told; else None."""
        return self.difference if math.isnan(self.relative.value) else None

    @property
    def stands(self) -> bool:
        """Whether the interval leaves out zero."""
        held = self.absolute or self.relative
        return held.low > 0 or held.high < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision, why, and the variant that it is about.

    Attributes:
        reason: Why.
        standing: The variant; None where no effect may be read.
    """

    reason: Reason
    standing: Standing | None

    @property
    def decision(self) -> Decision:
        """What to do."""
        return DECISIONS[self.reason]


def side_of(relative: Interval, *, good: int, least_effect: float) -> Side:
    """What a relative interval says of a variant.

    Args:
        relative: The relative effect, in the metric's own direction.
        good: +1 where more is better, −1 where less is.
        least_effect: Smallest relative gain worth having.

    >>> side_of(Interval(value=0.1, low=0.05, high=0.15), good=1, least_effect=0.02)
    'better'
    >>> side_of(Interval(value=0.1, low=0.05, high=0.15), good=-1, least_effect=0.02)
    'worse'
    """
    low, high = sorted((good * relative.low, good * relative.high))
    if math.isnan(low) or math.isnan(high):
        return "open"
    if high < 0:
        return "worse"
    if high < least_effect:
        return "small"
    return "better" if low > 0 else "open"


def decide(
    standings: Sequence[Standing],
    *,
    good: int,
    red: bool,
    finished: bool,
    whole_week: bool,
) -> Verdict:
    """The one decision that the figures bear.

    In this order: a test whose health is red decides nothing; a variant that is better
    and breaks no guardrail is shipped, once a whole week is in and its guardrails are
    known or the test is over; while the test runs and any variant may still win, it runs
    on; otherwise it is stopped, and the reason says what was learnt.

    Args:
        standings: Every variant but the control.
        good: +1 where more of the deciding metric is better, −1 where less is.
        red: Whether a health check forbids to read the effect.
        finished: Whether everything planned has been reached.
        whole_week: Whether the test has run for seven days at least, or for as long as it was
            planned (a mailing goes out in one).
    """
    if red:
        return Verdict(reason="red", standing=None)
    winners = [s for s in standings if s.side == "better" and not s.broken]
    if winners:
        best = _best(winners, good)
        return Verdict(reason=_won(best, finished, whole_week), standing=best)
    if not finished and any(s.side == "open" for s in standings):
        return Verdict(reason="running", standing=_best(standings, good))
    for side, reason in _LOSSES:
        held = [s for s in standings if s.side == side]
        if held:
            return Verdict(reason=reason, standing=_best(held, good))
    return Verdict(reason="harm", standing=_best(standings, good))


_LOSSES: tuple[tuple[Side, Reason], ...] = (
    ("better", "guardrail"),
    ("open", "not_shown"),
    ("small", "small"),
)


def _won(best: Standing, finished: bool, whole_week: bool) -> Reason:
    if not whole_week:
        return "week"
    if best.unsure and not finished:
        return "guardrail_open"
    return "winner_unsure" if best.unsure else "winner"


def _best(standings: Sequence[Standing], good: int) -> Standing:
    """The variant with the best estimate; one without an estimate comes last."""

    def gain(standing: Standing) -> float:
        value = good * standing.relative.value
        return -math.inf if math.isnan(value) else value

    return max(standings, key=gain)
