"""What a variant is worth, if everybody saw it: a month, or each time it is sent."""

from __future__ import annotations

from dataclasses import dataclass

from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.experiment import Experiment
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.verdict import Decision, Verdict

MONTH = 30
"""Days of the month that money is told for."""

WEEK = 7
"""Days of exposure from which on a test tells of a stream of units, not of one mailing."""

MONEY_METRICS = ("net_paid_amount_per_visitor", "paid_amount_per_visitor")
"""Metrics whose difference per unit is money, the better one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What a variant brings against the control.

    Attributes:
        variant: The variant.
        metric: The money metric that it was computed from.
        per_unit: Difference a unit, with its interval [money].
        units: Units of the test, of all variants together.
        days: Days on which they came.
    """

    variant: str
    metric: str
    per_unit: Interval
    units: int
    days: int

    @property
    def once(self) -> bool:
        """Whether the units came at once, as those of a mailing do."""
        return self.days < WEEK

    @property
    def total(self) -> Interval:
        """Difference a month at the test's own traffic, or for one such mailing [money]."""
        times = self.units if self.once else self.units / self.days * MONTH
        held = self.per_unit
        return Interval(value=held.value * times, low=held.low * times, high=held.high * times)

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.per_unit.low > 0 or self.per_unit.high < 0

    def at_stake(self, decision: Decision) -> float | None:
        """Money to put beside a decision; None while its sign, or the decision, is open."""
        return abs(self.total.value) if self.clear and decision != "keep_running" else None

    def finding(self, decision: Decision) -> Finding:
        """The money in one sentence that fits the decision."""
        sentence = self._sentence(decision)
        named = sentence in (SAVED, GIVEN_UP)  # the sentence says which way, the sum does not
        ends = sorted((abs(self.total.low), abs(self.total.high)))
        low, high = ends if named else (self.total.low, self.total.high)
        words = {
            "variant": short_name(self.variant),
            "metric": tr(METRICS[self.metric].label),
            "money": show(
                abs(self.total.value) if named else self.total.value, "money", sign=not named
            ),
            "low": show(low, "money", sign=not named),
            "high": show(high, "money", sign=not named),
            "span": tr("each time") if self.once else tr("a month"),
            "basis": self._basis(),
        }
        text = tr(sentence, **{k: v for k, v in words.items() if "{" + k + "}" in sentence})
        held = self.total
        numbers = {"value": held.value, "low": held.low, "high": held.high}
        level: Level = "watch" if sentence == COSTLY else "info"
        return Finding(key=f"money/{self.variant}", level=level, text=text, evidence=numbers)

    def _basis(self) -> str:
        """How many units the money is told for."""
        if self.once:
            return tr("{units} units at once", units=show(self.units, "count"))
        pace = show(self.units / self.days, "count")
        return tr("the test's {units} units a day", units=pace)

    def _sentence(self, decision: Decision) -> str:
        if not self.clear:
            return UNCLEAR
        if decision == "stop":
            return SAVED if self.per_unit.value < 0 else GIVEN_UP
        if decision == "keep_running":
            return SO_FAR
        return BROUGHT if self.per_unit.value > 0 else COSTLY


BROUGHT = mark(
    "Shown to everybody, {variant} changes sales by {money} {span} ({low} to {high}): {metric}, "
    "{basis}."
)
SAVED = mark(
    "Stopping spares the shop {money} {span} ({low} to {high}), which {variant} would have "
    "cost: {metric}, {basis}."
)
GIVEN_UP = mark(
    "The price of stopping is {money} {span} ({low} to {high}) that {variant} sold more: "
    "{metric}, {basis}."
)
COSTLY = mark(
    "But sales fall: shown to everybody, {variant} changes them by {money} {span} ({low} to "
    "{high}): {metric}, {basis}."
)
SO_FAR = mark(
    "In money nothing is decided yet: read only once, the change by {variant} would lie between "
    "{low} and {high} {span}: {metric}, {basis}."
)
UNCLEAR = mark(
    "In money nothing is shown: the change by {variant} lies between {low} and {high} {span}: "
    "{metric}, {basis}."
)


def value_monthly(trial: Experiment, verdict: Verdict) -> Money | None:
    """What the variant of a verdict brings; None where it cannot be told.

    The traffic is the test's own, all variants together: so many units a day, or, where
    they came within less than a week, as many at once. The
    interval is that of the money metric read once, at the variants' shared level.

    Args:
        trial: The test.
        verdict: Its decision.
    """
    if verdict.standing is None:
        return None
    held = {metric.key for metric in trial.metrics}
    key = next((name for name in MONEY_METRICS if name in held), "")
    if not key:
        return None
    effect = trial.effects[verdict.standing.variant, key]
    days = len({day for _, day, _ in trial.facts.cells})
    if not effect.standard_error > 0 or not days:
        return None
    return Money(
        variant=verdict.standing.variant,
        metric=key,
        per_unit=effect.difference,
        units=trial.joined.prepared.count,
        days=days,
    )
