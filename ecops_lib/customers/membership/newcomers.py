"""Customers whom others brought against other new customers, at equal age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.customers.firsts import LEAST
from ecops_lib.customers.membership.landmark import flag
from ecops_lib.customers.orders import Frame, OrdersView
from ecops_lib.customers.shares import Sums, mean_between, share_between, share_interval
from ecops_lib.data import frames

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """New customers of one kind.

    Attributes:
        customers: How many they are.
        first: What their first purchases brought, net.
        watched: Of them, those who were watched for the whole age.
        again: Of the watched, those who bought again by that age.
    """

    customers: int
    first: Sums
    watched: int
    again: int

    def without(self, other: Side) -> Side:
        """What is left without a part."""
        return Side(
            customers=self.customers - other.customers,
            first=self.first.without(other.first),
            watched=self.watched - other.watched,
            again=self.again - other.again,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Newcomers(Result):
    """First purchases and repurchase of customers brought and of other new ones.

    Attributes:
        brought: Customers brought by others.
        others: New customers of the same days of whom no referrer is told.
        since: Day of the first customer brought; None where there is none.
        age: Days after the first purchase in which a second one counts.
    """

    sheet: ClassVar[str] = mark("Customers brought and other new ones")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "first": "money",
        "young": "count",
        "watched": "count",
        "again": "share",
        "low": "share",
        "high": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "group": mark("New customers"),
        "customers": mark("Customers"),
        "first": mark("First purchase, net, mean"),
        "young": mark("Too young to tell"),
        "watched": mark("Watched for the whole age"),
        "again": mark("Of them bought again"),
        "low": mark("At least"),
        "high": mark("At most"),
    }

    brought: Side
    others: Side
    since: dt.date | None
    age: int

    def to_frame(self) -> pd.DataFrame:
        """One row a group."""
        import pandas as pd

        groups = (
            (tr("Brought by customers"), self.brought),
            (tr("Other new customers"), self.others),
        )
        rows = [
            [name, held.customers, held.first.mean, held.customers - held.watched, held.watched,
             held.again / held.watched if held.watched else nan,
             *share_interval(held.again, held.watched)]
            for name, held in groups
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """Whether customers brought buy differently, and that the reason cannot be told."""
        if self.since is None:
            return ()
        key, a, b = "referrals/quality", self.brought, self.others
        if min(a.watched, b.watched) < LEAST:
            text = tr(
                "Whether customers brought by others come back as other new ones do cannot be "
                "told: fewer than {least} of either were watched for {age}.",
                least=show(LEAST, "count"),
                age=show(self.age, "days"),
            )
            return (Finding(key=key, level="info", text=text),)
        again = share_between((a.again, b.again), (a.watched, b.watched))
        first = mean_between(a.first, b.first)
        given = {
            "age": show(self.age, "days"),
            "share": show(a.again / a.watched, "share"),
            "other": show(b.again / b.watched, "share"),
            "low": show(again.low, "points", sign=True),
            "high": show(again.high, "points", sign=True),
            "first": show(a.first.mean, "money"),
            "other_first": show(b.first.mean, "money"),
        }
        numbers = {"again": again.gap, "low": again.low, "high": again.high, "first": first.gap}
        text = joined(self._again(again.sign, given), self._first(first.sign, given))
        return (Finding(key=key, level="info", text=text, evidence=numbers),)

    def _again(self, sign: int, given: Mapping[str, str]) -> str:
        if sign > 0:
            return tr(
                "Within {age} more of the customers brought by others bought again than of other "
                "new customers: {share} against {other} ({low} to {high}). Whether being brought "
                "does it cannot be told: friends of buyers may be buyers anyway.",
                **given,
            )
        if sign < 0:
            return tr(
                "Within {age} fewer of the customers brought by others bought again than of other "
                "new customers: {share} against {other} ({low} to {high}). Whether being brought "
                "does it cannot be told: some may have come for the reward alone.",
                **given,
            )
        return tr(
            "Within {age} {share} of the customers brought by others bought again and {other} of "
            "other new customers, no difference beyond chance ({low} to {high}).",
            **given,
        )

    def _first(self, sign: int, given: Mapping[str, str]) -> str:
        if sign > 0:
            return tr("Their first purchase was larger: {first} against {other_first}.", **given)
        if sign < 0:
            return tr("Their first purchase was smaller: {first} against {other_first}.", **given)
        return tr(
            "Their first purchase was {first} against {other_first}, no difference beyond chance.",
            **given,
        )


def compare_newcomers(
    view: OrdersView, firsts: Frame, pairs: pd.DataFrame, good: pd.Series, *, age: int
) -> Newcomers:
    """Set customers brought against the new customers of the same days of whom nothing is told.

    Args:
        view: The orders.
        firsts: Each known buyer's first purchase.
        pairs: Customers said to be brought; those that are not good are on neither side.
        good: Which pairs count.
        age: Days after the first purchase in which a second one counts.
    """
    known = pairs[pairs["first"].notna()]
    brought = known[good[known.index]]
    since = int(brought["first"].min()) if len(brought) else view.as_of.toordinal() + 1
    told = known[known["first"] >= since]
    every = _sum_all(view, firsts, since, age)
    return Newcomers(
        brought=_sum_some(brought, view, age),
        others=every.without(_sum_some(told, view, age)),
        since=dt.date.fromordinal(since) if len(brought) else None,
        age=age,
    )


def _sum_all(view: OrdersView, firsts: Frame, since: int, age: int) -> Side:
    old = nw.col("first") <= view.as_of.toordinal() - age
    first = nw.col("first_amount").cast(nw.Float64)
    again = ~nw.col("wait").is_null() & (nw.col("wait") <= age)
    rows = firsts.filter(nw.col("first") >= since).select(
        one=nw.lit(1), value=first, square=first * first, watched=flag(old), again=flag(old & again)
    )
    names = ("one", "value", "square", "watched", "again")
    [row] = (
        frames.bring(rows.select(*(nw.col(n).sum() for n in names))).fillna(0).to_dict("records")
    )
    return Side(
        customers=int(row["one"]),
        first=Sums(float(row["one"]), float(row["value"]), float(row["square"])),
        watched=int(row["watched"]),
        again=int(row["again"]),
    )


def _sum_some(rows: pd.DataFrame, view: OrdersView, age: int) -> Side:
    old = rows["first"] <= view.as_of.toordinal() - age
    first = rows["first_amount"].astype(float)
    return Side(
        customers=len(rows),
        first=Sums(float(len(rows)), float(first.sum()), float((first**2).sum())),
        watched=int(old.sum()),
        again=int((old & (rows["wait"] <= age)).sum()),
    )
