"""What a variant is worth a month, if everybody saw it."""

from __future__ import annotations

from dataclasses import dataclass

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.experiment import Experiment
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.verdict import Decision, Verdict

MONTH = 30
"""Days of the month that money is told for."""

MONEY_METRICS = ("net_paid_amount_per_visitor", "paid_amount_per_visitor")
"""Metrics whose difference per unit is money, the better one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What a variant brings a month against the control.

    Attributes:
        variant: The variant.
        metric: The money metric that it was computed from.
        per_unit: Difference a unit, with its interval [money].
        units_per_day: Units a day that the test had, of all variants together.
    """

    variant: str
    metric: str
    per_unit: Interval
    units_per_day: float

    @property
    def monthly(self) -> Interval:
        """Difference a month at the test's own traffic [money]."""
        times = self.units_per_day * MONTH
        held = self.per_unit
        return Interval(value=held.value * times, low=held.low * times, high=held.high * times)

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.per_unit.low > 0 or self.per_unit.high < 0

    @property
    def at_stake(self) -> float | None:
        """Money to put beside the verdict; None where its sign is not known."""
        return abs(self.monthly.value) if self.clear else None

    def finding(self, decision: Decision) -> Finding:
        """The money in one sentence that fits the decision."""
        words = {
            "variant": short_name(self.variant),
            "metric": tr(METRICS[self.metric].label),
            "money": show(self.monthly.value, "money", sign=True),
            "low": show(self.monthly.low, "money", sign=True),
            "high": show(self.monthly.high, "money", sign=True),
            "units": show(self.units_per_day, "count"),
        }
        sentence = self._sentence(decision)
        text = tr(sentence, **{k: v for k, v in words.items() if "{" + k + "}" in sentence})
        held = self.monthly
        numbers = {"monthly": held.value, "low": held.low, "high": held.high}
        return Finding(key=f"money/{self.variant}", level="info", text=text, evidence=numbers)

    def _sentence(self, decision: Decision) -> str:
        if not self.clear:
            return UNCLEAR
        if decision == "stop":
            return SAVED if self.per_unit.value < 0 else GIVEN_UP
        return BROUGHT


BROUGHT = mark(
    "Shown to everybody, {variant} changes sales by {money} a month ({low} to {high}): {metric}, "
    "at the test's {units} units a day."
)
SAVED = mark(
    "Stopping spares the shop {money} a month ({low} to {high}), which {variant} would have "
    "cost: {metric}, at the test's {units} units a day."
)
GIVEN_UP = mark(
    "The price of stopping is {money} a month ({low} to {high}) that {variant} sold more: "
    "{metric}, at the test's {units} units a day."
)
UNCLEAR = mark(
    "In money nothing is shown: the change by {variant} lies between {low} and {high} a month: "
    "{metric}, at the test's {units} units a day."
)


def value_monthly(trial: Experiment, verdict: Verdict) -> Money | None:
    """What the variant of a verdict brings a month; None where it cannot be told.

    The traffic is the test's own: units a day over its days, all variants together. The
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
        units_per_day=trial.joined.prepared.count / days,
    )
