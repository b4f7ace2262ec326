"""Who moved from one tier to another between two days, and the money in each move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.orders import EXACT, OrdersView, nobody_words
from ecops_lib.customers.people import MILS, to_mils
from ecops_lib.customers.segments import Array, Rule, Segmentation
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

NOBODY = Rule(key="nobody", label=mark("Not yet a customer"), when={})
UNKNOWN = Rule(key="unknown", label=mark("Unknown buyers"), when={})
MOST_DRAWN = 8
QUIET = ("potential", "asleep")
"""Tiers of customers who have stopped buying."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Moves(Result):
    """Moves between tiers from one day to another; their money adds up to all of it.

    Attributes:
        frame: One row a move that anybody made: ``from_key`` and ``to_key``,
            ``customers``, ``before`` and ``after``: net amount of the equal spans that end
            on the two days [store currency].
        tiers: The rules, the same on both days.
        start: The earlier day.
        end: The later day; refunds known by then count on both.
        whole: Whether the orders reach back over the whole earlier span.
        since: Day of the first order that the source knows.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Moves between tiers")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "share": "share",
        "before": "money",
        "after": "money",
        "change": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "from": mark("Tier before"),
        "to": mark("Tier now"),
        "customers": mark("Customers"),
        "share": mark("Share of the tier before"),
        "before": mark("Net amount, span before"),
        "after": mark("Net amount, span since"),
        "change": mark("Change"),
    }

    frame: pd.DataFrame
    tiers: Segmentation
    start: dt.date
    end: dt.date
    whole: bool
    since: dt.date
    owner: str

    def _label(self, key: str) -> str:
        rules = (*self.tiers.rules, NOBODY, UNKNOWN)
        return tr(next(rule.label for rule in rules if rule.key == key))

    def to_frame(self) -> pd.DataFrame:
        """One row a move, the greatest change of money first."""
        held = self.frame
        sizes = held.groupby("from_key")["customers"].transform("sum")
        named = held["from_key"].isin([rule.key for rule in self.tiers.rules])
        change = (held["after"] - held["before"]) if self.whole else np.nan
        shown = held.assign(
            **{"from": held["from_key"].map(self._label), "to": held["to_key"].map(self._label)},
            share=(held["customers"] / sizes).where(named),
            before=held["before"] if self.whole else np.nan,
            change=change,
        )
        size = (held["after"] - held["before"]).abs()
        return shown.loc[size.sort_values(ascending=False, kind="stable").index, list(self.labels)]

    def findings(self) -> tuple[Finding, ...]:
        """Who left, who came back, who rose, and what the span brought."""
        spans = [self._short()] if not self.whole else [self._total()]
        moves = (
            self._move(("core",), ("potential",), "watch"),
            self._move(("potential",), ("core",), "good"),
            self._move(("common", "new"), ("core",), "good"),
            self._move(("new",), ("asleep", "potential"), "watch"),
        )
        return (*(found for found in moves if found), *spans)

    def _move(self, before: tuple[str, ...], now: tuple[str, ...], level: Level) -> Finding | None:
        """One kind of move, if anybody made it."""
        held = self.frame
        mine = held.loc[held["from_key"].isin(before) & held["to_key"].isin(now)]
        count = int(mine["customers"].sum())
        if not count:
            return None
        share = count / int(held.loc[held["from_key"].isin(before), "customers"].sum())
        was, brought = float(mine["before"].sum()), float(mine["after"].sum())
        numbers = {"customers": float(count), "share": share, "after": brought}
        words = {
            "count": show(count, "count"),
            "share": show(share, "share"),
            "tiers": tr(" or ").join(map(self._label, before)),
            "now": tr(" or ").join(map(self._label, now)),
            "after": show(brought, "money"),
            "before": show(was, "money"),
            "days": show((self.end - self.start).days, "days"),
        }
        if self.whole:
            numbers["before"] = was
            text = ntr(
                "{count} customer ({share} of “{tiers}”) is now “{now}”: {after} in the last "
                "{days} after {before} in the {days} before.",
                "{count} customers ({share} of “{tiers}”) are now “{now}”: {after} in the last "
                "{days} after {before} in the {days} before.",
                count,
                **words,
            )
        else:
            text = ntr(
                "{count} customer ({share} of “{tiers}”) is now “{now}”: {after} in the last "
                "{days}.",
                "{count} customers ({share} of “{tiers}”) are now “{now}”: {after} in the last "
                "{days}.",
                count,
                **words,
            )
        return Finding(
            key=f"moves/{'+'.join(before)}/{'+'.join(now)}",
            level=level,
            text=text,
            evidence=numbers,
            money=abs(brought - was) if self.whole else None,
            action=self._action(now[0]),
        )

    def _action(self, key: str) -> Action:
        advice = next(rule.advice for rule in self.tiers.rules if rule.key == key)
        return Action(text=tr(advice), owner=self.owner)

    def _total(self) -> Finding:
        before, after = float(self.frame["before"].sum()), float(self.frame["after"].sum())
        new = self.frame["from_key"] == NOBODY.key
        fresh = float(self.frame.loc[new, "after"].sum())
        text = tr(
            "The {days} to {end} brought {after} net, the {days} before {before}: {change}. First "
            "purchases and what followed them brought {fresh} of it.",
            days=show((self.end - self.start).days, "days"),
            end=show(self.end, "day"),
            after=show(after, "money"),
            before=show(before, "money"),
            change=show(after - before, "money", sign=True),
            fresh=show(fresh, "money"),
        )
        numbers = {"before": before, "after": after, "new_customers": fresh}
        return Finding(key="moves/total", level="info", text=text, evidence=numbers)

    def _short(self) -> Finding:
        text = tr(
            "The orders begin on {since}, after the span before {start} does, so changes of money "
            "are not told; choose a shorter span or import older orders.",
            since=show(self.since, "day"),
            start=show(self.start, "day"),
        )
        return Finding(key="moves/short", level="watch", text=text)

    def matrix(self) -> Matrix:
        """The same customers as a square: tier before by tier now."""
        return Matrix(moves=self)

    def chart(self) -> Chart | None:
        """The moves with the greatest change of money."""
        shown = self.to_frame()
        shown = shown.loc[shown["change"].notna() & (shown["change"] != 0)].head(MOST_DRAWN)
        if shown.empty:
            return None
        return bar_chart(
            shown.assign(name=shown["from"] + " → " + shown["to"], value=shown["change"]),
            caption=tr("Change of the net amount by move"),
            unit="money",
            better="up",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix(Result):
    """Customers by tier before and tier now.

    Attributes:
        moves: The moves.
    """

    sheet: ClassVar[str] = mark("Migration matrix")

    moves: Moves

    def to_frame(self) -> pd.DataFrame:
        """One row a tier before; a column of customers for each tier now."""
        moves = self.moves
        now = [rule.key for rule in moves.tiers.rules]
        known = moves.frame.loc[moves.frame["from_key"] != UNKNOWN.key]
        square = known.pivot_table(
            index="from_key", columns="to_key", values="customers", aggfunc="sum"
        )
        square = square.reindex(index=[*now, NOBODY.key], columns=now).fillna(0).astype(int)
        square = square.assign(all=square.sum(axis=1))
        square.insert(0, "from", [moves._label(key) for key in square.index])
        return square.reset_index(drop=True).rename_axis(columns=None)

    def headings(self) -> dict[str, str]:
        """The tiers' names."""
        named = {rule.key: tr(rule.label) for rule in self.moves.tiers.rules}
        return {"from": tr("Tier before"), **named, "all": tr("Total")}

    def table_units(self) -> Mapping[str, Unit]:
        """All columns but the first count customers."""
        return {**{rule.key: "count" for rule in self.moves.tiers.rules}, "all": "count"}


def trace_moves(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    tiers: Segmentation,
    owner: str = "",
    time_zone: str | None = None,
) -> Moves:
    """Count customers by their tier on two days, with the money of the spans before each.

    Rules and refunds are the same on both days: a refund known by ``end`` also takes its
    order out of the tiers on ``start``, so that late refunds move nobody. Refunds that name
    a buyer but no order count on the day they were finished. That an active customer who
    becomes inactive brings less is the rule's own doing; what a contact changes takes a
    part of the customers left out at random to tell.

    Args:
        source: A store, or tables of any engine by canonical name.
        start: The earlier day.
        end: The later day; the last local day of payment that counts.
        tiers: The rules (see ``make_tiers``); only rules of age, recency and amount.
        owner: Who sees to it; customer operations by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by ``end``.
        ParameterError: ``start`` is not before ``end``, or an argument is impossible.
    """
    first, last = as_day(start, name="start"), as_day(end, name="end")
    if not first < last:
        raise ParameterError(f"start is {first} and end is {last}; start must be earlier.")
    view = OrdersView(source, as_of=last, by=None, time_zone=time_zone)
    held = _sum_spans(view, first)
    known = held["buyer_key"].notna() & held["first_day"].notna()
    if not known.any():
        raise MissingDataError(nobody_words(last))
    people = held.loc[known]
    now = tiers.assign(_fields(people, "last_day", "amount", last))
    earlier = (people["first_day"] <= np.datetime64(first)).to_numpy()
    was = np.full(len(people), -1, dtype=np.int8)
    was[earlier] = tiers.assign(_fields(people.loc[earlier], "last_before", "amount_before", first))
    keys = np.array([*(rule.key for rule in tiers.rules), NOBODY.key])
    frame = _by_move(people, keys[was], keys[now])
    apart = held.loc[held["buyer_key"].isna()]
    if len(apart):
        sums = [to_mils(apart[name].to_numpy(float)).sum() / MILS for name in ("before", "after")]
        frame.loc[len(frame)] = [UNKNOWN.key, UNKNOWN.key, 0, *sums]
    return Moves(
        frame=frame,
        tiers=tiers,
        start=first,
        end=last,
        whole=view.first <= first - (last - first) + frames.DAY,
        since=view.first,
        owner=owner or tr("customer operations"),
    )


def _by_move(people: pd.DataFrame, was: Array, now: Array) -> pd.DataFrame:
    """Customers and money of each move; sums are of whole ten-thousandths."""
    mils = {name: to_mils(people[name].to_numpy(float)) for name in ("before", "after")}
    moved = people.assign(from_key=was, to_key=now, **mils).groupby(["from_key", "to_key"])
    frame = moved.agg(customers=("before", "size"), before=("before", "sum"),
                      after=("after", "sum")).reset_index()  # fmt: skip
    return frame.assign(before=frame["before"] / MILS, after=frame["after"] / MILS)


def _fields(people: pd.DataFrame, last: str, amount: str, day: dt.date) -> Mapping[str, Array]:
    today = np.datetime64(day)
    return {
        "age": (today - people["first_day"].to_numpy("datetime64[D]")).astype(int),
        "recency": (today - people[last].to_numpy("datetime64[D]")).astype(int),
        "amount": to_mils(people[amount].to_numpy(float)) / MILS,
    }


def _sum_spans(view: OrdersView, start: dt.date) -> pd.DataFrame:
    """Each buyer's days and amounts up to both days, unknown buyers as one of them."""
    day = frames.local_day("paid_at", view.first, view.as_of, view.tables.zone)
    rows = view.orders().with_columns(day=day).filter(nw.col("kept"))
    bought = rows.select("buyer_key", "day", bought=nw.col("day"), net=nw.col("net").cast(EXACT))
    gone = view.loose()
    if gone is not None and view.tables.span("refunds", "finished_at"):
        back = nw.col("amount")
        gone = gone.filter(nw.col("placed"))
        never = nw.when(nw.lit(False)).then(nw.col("day"))
        net = (back - back - back).cast(EXACT)
        bought = frames.stack(bought, gone.select("buyer_key", "day", bought=never, net=net))
    ends = [dt.datetime.combine(d, dt.time()) for d in (start, start - (view.as_of - start))]
    by_start, early = nw.col("day") <= ends[0], nw.col("day") > ends[1]
    net = nw.col("net")
    columns = {
        "last_before": nw.when(by_start).then(nw.col("bought")),
        "amount_before": nw.when(by_start).then(net),
        "before": nw.when(by_start & early).then(net),
        "after": nw.when(~by_start).then(net),
    }
    sums = bought.with_columns(**columns).group_by("buyer_key")
    held = frames.bring(
        sums.agg(
            first_day=nw.col("bought").min(),
            last_day=nw.col("bought").max(),
            last_before=nw.col("last_before").max(),
            amount=nw.col("net").sum(),
            amount_before=nw.col("amount_before").sum(),
            before=nw.col("before").sum(),
            after=nw.col("after").sum(),
        )
    )
    money = ["amount", "amount_before", "before", "after"]
    held[money] = held[money].fillna(0.0)
    return held
