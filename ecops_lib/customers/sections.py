"""The page on customers: one reading of the shop for all its sections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import EcopsError
from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.core.sections import Unshown, section
from ecops_lib.customers.acquisition import cost_acquisition
from ecops_lib.customers.acquisition.cost import Acquisition
from ecops_lib.customers.contacts.choosing import choose_contacts
from ecops_lib.customers.contacts.contact_list import ContactList
from ecops_lib.customers.contacts.judging import judge_contacts
from ecops_lib.customers.contacts.rules import ContactRules
from ecops_lib.customers.lifetime import check_holdout, value_customers
from ecops_lib.customers.lifetime.value import CustomerValues
from ecops_lib.customers.membership.community import review_community
from ecops_lib.customers.membership.levels import review_levels
from ecops_lib.customers.membership.points import review_points
from ecops_lib.customers.membership.referrals import review_referrals
from ecops_lib.customers.migration import Moves, trace_moves
from ecops_lib.customers.playbook import read_playbook
from ecops_lib.customers.rfm import Scores, score_customers
from ecops_lib.customers.segment_worth import Segments, segment_customers
from ecops_lib.customers.segments import make_tiers
from ecops_lib.customers.touches import TouchPlan, plan_touches
from ecops_lib.data.store import Store

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 6
"""Findings at the head of the page."""
HELD_OUT = 3
"""The last third of the known days judges the forecast made from those before."""


class CustomerBase:
    """What a store tells of its customers up to a day; each part is computed once.

    Attributes:
        store: The shop.
        day: Last local day that counts.
        margin: Share of the net amount that counts as value.
        owner: Who sees to the customers.
    """

    def __init__(
        self,
        store: Store,
        *,
        day: dt.date,
        high_value: float = 0.0,
        active_days: int = 90,
        new_days: int = 30,
        span_days: int = 90,
        margin: float = 1.0,
        months: int = 12,
    ) -> None:
        """Agree on the tiers and on what counts as value.

        Args:
            store: The shop.
            day: Last local day that counts.
            high_value: Least net amount of a high-value customer [store currency]; 0 for
                the customers' mean.
            active_days: Most days since the last purchase of an active customer.
            new_days: Most days since the first purchase of a newcomer.
            span_days: Days between the two days that moves are told of.
            margin: Share of the net amount that counts as value, 0 to 1.
            months: How many months ahead value looks.

        Raises:
            ParameterError: An argument has an impossible value.
        """
        require_between(span_days, 1, float("inf"), name="span_days")
        require_between(margin, 0, 1, name="margin")
        self.store, self.day, self.margin = store, day, margin
        self.owner = store.settings.owners.get("customers", tr("customer operations"))
        self._high_value, self._span = high_value, dt.timedelta(days=span_days)
        self._active_days, self._new_days, self._months = active_days, new_days, months

    @cached_property
    def scores(self) -> Scores:
        """Every customer's recency, frequency and monetary value."""
        return score_customers(self.store, as_of=self.day)

    @cached_property
    def tiers(self) -> Segments:
        """The tiers of value and activity."""
        rules = make_tiers(
            high_value=self._high_value or self.scores.mean_amount,
            active_days=self._active_days,
            new_days=self._new_days,
        )
        return segment_customers(self.scores, tiers=rules, owner=self.owner)

    @cached_property
    def moves(self) -> Moves:
        """Moves between the tiers over the span."""
        return trace_moves(
            self.store,
            start=self.day - self._span,
            end=self.day,
            tiers=self.tiers.segmentation,
            owner=self.owner,
        )

    @cached_property
    def values(self) -> CustomerValues:
        """What each customer is worth from now on."""
        return value_customers(self.store, as_of=self.day, margin=self.margin, months=self._months)

    @cached_property
    def acquisition(self) -> Acquisition:
        """What a new customer costs by channel, and whether it pays."""
        return cost_acquisition(
            self.store,
            as_of=self.day,
            margin=self.margin,
            months=self._months,
            values=self.values,
            owner=self.store.settings.owners.get("ads", ""),
        )

    @cached_property
    def touches(self) -> TouchPlan:
        """What each tier gets, and how it is contacted, by the store's playbook."""
        return plan_touches(self.tiers, read_playbook(self.store))

    def choose(self, *, budget: float = 0.0) -> Result:
        """Whom to contact this week.

        Args:
            budget: Most that all messages may cost [store currency]; 0 for no limit.
        """
        return section(
            choose_contacts,
            self.store,
            as_of=self.day,
            margin=self.margin,
            budget=budget or None,
            rules=ContactRules(tiers=self.tiers.segmentation),
        )

    def groups(self, by: str) -> Segments:
        """Groups by scores: ``groups`` or ``shopify``."""
        return segment_customers(self.scores, by=by, owner=self.owner)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, eq=False)
class Overview(Result):
    """What matters most about the customers.

    Attributes:
        base: The shop's customers.
        sections: Results besides tiers and moves whose findings may matter most.
    """

    sheet: ClassVar[str] = mark("Customers at a glance")
    labels: ClassVar[Mapping[str, str]] = {"item": mark("Item"), "value": mark("Value")}

    base: CustomerBase
    sections: tuple[Result, ...] = ()

    def findings(self) -> tuple[Finding, ...]:
        """The findings that matter most."""
        told = (self.base.moves, self.base.tiers, *self.sections)
        return most_important((f for held in told for f in held.findings()), most=MOST_TOLD)

    def to_frame(self) -> pd.DataFrame:
        """One row a figure."""
        import pandas as pd

        scores = self.base.scores
        people = scores.people
        again = int((people.orders > 1).sum())
        rows = [
            (tr("Customers"), show(len(people), "count")),
            (tr("Net amount of customers"), show(float(scores.fields["amount"].sum()), "money")),
            (tr("Net amount of unknown buyers"), show(scores.apart.unknown_amount, "money")),
            (tr("Customers with more than one order"), show(again, "count")),
            (tr("Their share"), show(again / len(people), "share")),
            (tr("Days since the last purchase, median"),
             show(float(np.median(people.recency)), "days")),
            (tr("Orders known from"), show(scores.since, "day")),
            (tr("Last day that counts"), show(scores.as_of, "day")),
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))


def review_customers(base: CustomerBase, *sections: Result) -> Overview:
    """Say what matters most about a shop's customers.

    Args:
        base: The shop's customers.
        *sections: Results besides tiers and moves whose findings may matter most.
    """
    return Overview(base=base, sections=sections)


@dataclass(frozen=True, kw_only=True, eq=False)
class TierValues(Result):
    """What each tier is expected to bring from now on.

    Attributes:
        frame: One row a tier: ``tier``, ``customers``, ``alive`` (mean probability to be
            still active), ``purchases``, ``value`` with its 95 % interval ``low`` to
            ``high``, ``each`` (all three [store currency]) and its ``share``.
        values: Each customer's value, and the interval of their sum.
        margin: Share of the net amount that counts as value.
    """

    sheet: ClassVar[str] = mark("Value by tier")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "alive": "share",
        "purchases": "number",
        "value": "money",
        "low": "money",
        "high": "money",
        "each": "money",
        "share": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "tier": mark("Segment"),
        "customers": mark("Customers"),
        "alive": mark("Likely still active"),
        "purchases": mark("Purchases expected"),
        "value": mark("Expected value"),
        "low": mark("at least"),
        "high": mark("at most"),
        "each": mark("Expected value a customer"),
        "share": mark("Share of the value"),
    }

    frame: pd.DataFrame
    values: CustomerValues
    margin: float

    def to_frame(self) -> pd.DataFrame:
        """One row a tier."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """The sum with its interval, and on what it rests."""
        values = self.values
        rest = (*values.fit.findings(), *(values.drift.findings() if values.drift else ()))
        if np.isnan(values.value):
            return rest
        text = tr(
            "In the next {months} months all customers are expected to bring {value} ({low} to "
            "{high}), at a margin of {margin} of the net amount; {tier} brings the most: {most}.",
            months=show(values.months, "count"),
            value=show(values.value, "money"),
            low=show(values.low, "money"),
            high=show(values.high, "money"),
            margin=show(self.margin, "share"),
            tier=self.frame.sort_values("value")["tier"].iloc[-1],
            most=show(self.frame["value"].max(), "money"),
        )
        numbers = {"value": values.value, "low": values.low, "high": values.high}
        return (Finding(key="tiers/value", level="info", text=text, evidence=numbers), *rest)


def value_tiers(base: CustomerBase) -> TierValues:
    """Value the next months of each tier's customers.

    Args:
        base: The shop's customers.

    Raises:
        MissingDataError: No known buyer has bought by the day.
        ParameterError: An argument has an impossible value.
    """
    import pandas as pd

    values, rules = base.values, base.tiers.segmentation.rules
    tier = pd.Series(base.tiers.place, index=base.scores.people.keys)
    held = values.customers.assign(place=values.customers["buyer_key"].map(tier))
    sums = held.groupby("place").agg(
        customers=("value", "size"),
        alive=("alive", "mean"),
        purchases=("purchases", "sum"),
        value=("value", "sum"),
    )
    ends = [values.limits(held["place"].to_numpy() == place) for place in sums.index]
    sums = sums.assign(
        low=[low for low, _ in ends],
        high=[high for _, high in ends],
        tier=[tr(rules[int(place)].label) for place in sums.index],
        each=sums["value"] / sums["customers"],
        share=sums["value"] / (values.value or np.nan),
    )
    frame = sums.reset_index(drop=True)[list(TierValues.labels)]
    return TierValues(frame=frame, values=values, margin=base.margin)


def check_forecast(base: CustomerBase) -> Result:
    """Set a forecast made from the first two thirds of the known days against the last.

    Args:
        base: The shop's customers.
    """
    known = base.day - base.scores.since
    try:
        return check_holdout(base.store, split=base.day - known / HELD_OUT, end=base.day)
    except EcopsError as error:
        return Unshown(why=tr("The forecast cannot be checked: {reason}", reason=str(error)))


def judge_past(base: CustomerBase, chosen: Result) -> Result:
    """What past contacts brought; a list of contacts rests on this already.

    Args:
        base: The shop's customers.
        chosen: This week's list.
    """
    if isinstance(chosen, ContactList) and chosen.past is not None:
        return chosen.past
    return section(judge_contacts, base.store, as_of=base.day, margin=base.margin)


def review_club(base: CustomerBase) -> tuple[Result, ...]:
    """Members' levels, points, chat groups and referrals; each says what it lacks.

    Args:
        base: The shop's customers.
    """
    parts = (review_levels, review_points, review_community, review_referrals)
    return tuple(section(part, base.store, as_of=base.day) for part in parts)
