"""Membership levels: who is a member, what each level bought, and who never did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_between
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.firsts import LEAST
from ecops_lib.customers.membership.level_sums import (
    LevelSum,
    add_up,
    list_members,
    sum_apart,
    sum_buyers,
    sum_levels,
    sum_strangers,
    sum_unknown,
)
from ecops_lib.customers.orders import Apart, OrdersView
from ecops_lib.customers.people import MILS
from ecops_lib.customers.shares import mean_between
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd


BESIDE: Mapping[int, str] = {
    1: mark(
        "From {start} to {end} {members} members who bought brought {each} each, {share} of the "
        "net amount, and {others} customers who are no members less, {other} each. Whether "
        "membership brings the difference cannot be told: who buys more joins."
    ),
    -1: mark(
        "From {start} to {end} {members} members who bought brought {each} each, {share} of the "
        "net amount, and {others} customers who are no members more, {other} each. Whether "
        "membership does it cannot be told: customers choose to join."
    ),
    0: mark(
        "From {start} to {end} {members} members who bought brought {each} each, {share} of the "
        "net amount, and {others} customers who are no members {other}: no difference beyond "
        "chance."
    ),
}
FEW = mark(
    "From {start} to {end} {members} members and {others} customers who are no members bought, too "
    "few to set beside each other."
)
REFUNDED = mark(
    "From {start} to {end} no more was paid than refunded, so members and others are not set "
    "beside each other."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Levels(Result):
    """Members by level beside customers who are no members, over a period.

    Attributes:
        levels: One entry a level, the dearest customers first, then members without one.
        strangers: Customers who are no members.
        apart: Orders of the period that belong to no customer.
        unknown_mils: Net amount of unknown buyers in the period [1/10,000 of the store
            currency].
        undated: Members whose day of joining is not told; they count as members.
        start: First local day of the period.
        end: Last one.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Membership levels")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "member_share": "share",
        "never": "count",
        "bought": "count",
        "orders": "count",
        "orders_each": "ratio",
        "again": "share",
        "amount": "money",
        "amount_share": "share",
        "average": "money",
        "each": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "level": mark("Level"),
        "customers": mark("Customers"),
        "member_share": mark("Share of members"),
        "never": mark("Never bought"),
        "bought": mark("Bought in the period"),
        "orders": mark("Orders"),
        "orders_each": mark("Orders a customer"),
        "again": mark("Bought on two days or more"),
        "amount": mark("Net amount"),
        "amount_share": mark("Share of net amount"),
        "average": mark("Net amount an order"),
        "each": mark("Net amount a buyer"),
    }

    levels: tuple[LevelSum, ...]
    strangers: LevelSum
    apart: Apart
    unknown_mils: int
    undated: int
    start: dt.date
    end: dt.date
    owner: str

    @property
    def members(self) -> LevelSum:
        """All members together."""
        return add_up(self.levels, kind="untold")

    @property
    def total(self) -> int:
        """Net amount of everybody, unknown buyers too [1/10,000 of the store currency]."""
        return self.members.mils + self.strangers.mils + self.unknown_mils

    def to_frame(self) -> pd.DataFrame:
        """One row a level, then customers who are no members, unknown buyers, and all."""
        import pandas as pd

        members, total = self.members.customers, self.total
        rows = [held.row(members, total) for held in (*self.levels, self.strangers)]
        unknown = self.apart.unknown_orders
        every = {"customers": members + self.strangers.customers,
                 "orders": self.members.orders + self.strangers.orders + unknown}  # fmt: skip
        for name, orders, mils in (
            (tr("Unknown buyers"), unknown, self.unknown_mils),
            (tr("Total"), every["orders"], total),
        ):
            share = mils / total if total > 0 else nan
            rows.append({"level": name, "orders": orders, "amount": mils / MILS,
                         "amount_share": share})  # fmt: skip
        rows[-1] |= every
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """Members beside the others, the level that brings most, and what is not told."""
        told = (self._beside(), self._most(), self._never(), self._undated())
        return (*(f for f in told if f), *self.apart.findings())

    def _beside(self) -> Finding:
        ours, theirs = self.members, self.strangers
        numbers = {
            "each": ours.each,
            "other": theirs.each,
            "share": ours.mils / (self.total or nan),
        }
        if self.total <= 0:
            words = REFUNDED
        elif min(ours.bought, theirs.bought) < LEAST:
            words = FEW
        else:
            words = BESIDE[mean_between(ours.sums, theirs.sums).sign]
        text = tr(
            words,
            members=show(ours.bought, "count"),
            others=show(theirs.bought, "count"),
            each=show(ours.each, "money"),
            other=show(theirs.each, "money"),
            share=show(numbers["share"], "share"),
            start=show(self.start, "day"),
            end=show(self.end, "day"),
        )
        return Finding(key="levels/beside", level="info", text=text, evidence=numbers)

    def _most(self) -> Finding | None:
        named, ours = [s for s in self.levels if s.kind == "level"], self.members
        if len(named) < 2 or ours.mils <= 0:
            return None
        best = max(named, key=lambda s: (s.mils, s.name))
        numbers = {"members": best.customers / ours.customers, "amount": best.mils / ours.mils}
        text = tr(
            "{level} is {members} of the members and {amount} of their net amount; levels are "
            "earned by buying, so this is no effect of the level.",
            level=best.name,
            **{name: show(value, "share") for name, value in numbers.items()},
        )
        return Finding(key="levels/most", level="info", text=text, evidence=numbers)

    def _never(self) -> Finding | None:
        ours = self.members
        if not ours.never:
            return None
        text = ntr(
            "{count} member has never bought ({share} of the members).",
            "{count} members have never bought ({share} of the members).",
            ours.never,
            count=show(ours.never, "count"),
            share=show(ours.never / ours.customers, "share"),
        )
        todo = tr("offer them a reason for a first order, and hold some out to see what it brings")
        numbers = {"members": float(ours.customers), "never": float(ours.never)}
        return Finding(key="levels/never", level="watch", text=text, evidence=numbers,
                       action=Action(text=todo, owner=self.owner))  # fmt: skip

    def _undated(self) -> Finding | None:
        if not self.undated:
            return None
        text = ntr(
            "The list does not tell when {count} member joined; it counts as a member.",
            "The list does not tell when {count} members joined; they count as members.",
            self.undated,
            count=show(self.undated, "count"),
        )
        numbers = {"members": float(self.undated)}
        return Finding(key="levels/undated", level="info", text=text, evidence=numbers)

    def chart(self) -> Chart | None:
        """Net amount by level."""
        held = (*self.levels, self.strangers)
        if not any(s.mils > 0 for s in held):
            return None
        import pandas as pd

        rows = pd.DataFrame(
            {"name": [s.name for s in held], "value": [s.mils / MILS for s in held]}
        )
        return bar_chart(rows, caption=tr("Net amount by membership level"), unit="money")


def review_levels(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = 365,
    owner: str = "",
    time_zone: str | None = None,
) -> Levels:
    """Say what members of each level bought in the days up to ``as_of``.

    A member is a customer on the member list who had not joined later than ``as_of``; a
    known buyer who is not on it is no member. Levels are those of the list, however they
    stood before. Net amounts are of orders paid in the period, less what was refunded of
    them by ``as_of``; levels, no members and unknown buyers add up to all of it.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Length of the period [days].
        owner: Who sees to it; customer operations by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no member list, or nothing was paid by then.
        ParameterError: An argument has an impossible value.
    """
    require_between(days, 1, 36_500, name="days")
    view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    start = view.as_of - dt.timedelta(days=days - 1)
    view.tables.require("customers")
    buyers, members = sum_buyers(view, start), list_members(view)
    late = frames.bring(members.select(n=nw.col("undated").sum()))["n"].fillna(0)
    return Levels(
        levels=sum_levels(members, buyers),
        strangers=sum_strangers(members, buyers),
        apart=sum_apart(view, start),
        unknown_mils=sum_unknown(view, start),
        undated=int(late.iloc[0]),
        start=start,
        end=view.as_of,
        owner=owner or tr("customer operations"),
    )
