"""Sums of members by level, of customers who are no members, and of what is nobody's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import narwhals as nw

from ecops_lib.core.formats import is_missing
from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name
from ecops_lib.customers.membership.landmark import flag
from ecops_lib.customers.orders import EARLIEST, EXACT, Apart, Frame, OrdersView
from ecops_lib.customers.people import MILS, to_mils
from ecops_lib.customers.shares import Sums
from ecops_lib.data import frames

MOST = 12
"""Levels that stand alone; the smaller ones are put together."""
COUNTS = ("customers", "bought", "never", "orders", "again", "mils", "squares")


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSum:
    """What the customers of one level, or of none, bought.

    Attributes:
        level: The level; None where the list tells none.
        kind: ``level``, ``other`` (small levels together), ``untold`` (a member without a
            level) or ``stranger`` (a customer who is no member).
        customers: How many they are.
        bought: Of them, those with a purchase in the period.
        never: Of them, those who have never bought.
        orders: Their orders of the period.
        again: Of ``bought``, those with purchases on two days of the period.
        mils: Net amount of the period [1/10,000 of the store currency].
        squares: Sum of the squares of each one's net amount [store currency squared].
    """

    level: object
    kind: str
    customers: int
    bought: int
    never: int
    orders: int
    again: int
    mils: int
    squares: float

    @property
    def name(self) -> str:
        """The level as people call it."""
        match self.kind:
            case "stranger":
                return tr("Not members")
            case "other":
                return tr("all others")
            case "untold":
                return tr("Level not told")
        return short_name(self.level)

    @property
    def each(self) -> float:
        """Net amount of a customer who bought in the period [store currency]."""
        return self.sums.mean

    @property
    def sums(self) -> Sums:
        """Buyers of the period and what they brought."""
        return Sums(self.bought, self.mils / MILS, self.squares)

    def row(self, members: int, total: int) -> dict[str, object]:
        """One row of the table."""
        is_member = self.kind != "stranger"
        return {
            "level": self.name,
            "customers": self.customers,
            "member_share": self.customers / members if is_member and members else nan,
            "never": self.never,
            "bought": self.bought,
            "orders": self.orders,
            "orders_each": self.orders / self.customers if self.customers else nan,
            "again": self.again / self.bought if self.bought else nan,
            "amount": self.mils / MILS,
            "amount_share": self.mils / total if total > 0 else nan,
            "average": self.mils / MILS / self.orders if self.orders else nan,
            "each": self.each,
        }


def add_up(sums: tuple[LevelSum, ...], *, kind: str) -> LevelSum:
    """Several levels as one."""
    added = {name: sum(getattr(s, name) for s in sums) for name in COUNTS}
    return LevelSum(level=None, kind=kind, **added)


def list_members(view: OrdersView) -> Frame:
    """One row a member who had joined by ``as_of``: ``buyer_key``, ``level``, ``undated``."""
    dateless = nw.col("joined_at").is_null()
    by_then = frames.within("joined_at", EARLIEST, view.as_of, view.tables.zone)
    held = view.tables.lazy("customers").filter(dateless | by_then)
    level = nw.when(nw.col("level") != "").then(nw.col("level"))
    told = held.select("buyer_key", level=level, undated=flag(dateless))
    return told.group_by("buyer_key").agg(
        level=nw.col("level").max(), undated=nw.col("undated").max()
    )


def sum_buyers(view: OrdersView, start: dt.date) -> Frame:
    """What each known buyer bought from ``start`` on, and whether ever before."""
    rows = _rows(view, start).filter(~nw.col("buyer_key").is_null())
    daily = rows.group_by("buyer_key", "recent", "day").agg(
        orders=nw.col("kept").sum(), net=nw.col("net").sum()
    )
    recent = nw.col("recent") == 1
    told = daily.with_columns(
        now=nw.when(recent).then(nw.col("orders")),
        net=nw.when(recent).then(nw.col("net")),
        bought=nw.when(recent & (nw.col("orders") > 0)).then(nw.lit(1)),
    )
    return told.group_by("buyer_key").agg(
        ever=nw.col("orders").sum(),
        orders=nw.col("now").sum(),
        net=nw.col("net").sum(),
        days=nw.col("bought").count(),
    )


def _rows(view: OrdersView, start: dt.date) -> Frame:
    """Paid orders and, as amounts given back, refunds that name a buyer but no order."""
    exact = nw.col("net").cast(EXACT)
    recent = flag(nw.col("day") >= dt.datetime.combine(start, dt.time()))
    day = frames.local_day("paid_at", view.first, view.as_of, view.tables.zone)
    paid = view.orders().with_columns(kept=flag(nw.col("kept")).cast(nw.Int64), day=day, net=exact)
    columns = ["buyer_key", "day", "kept", "net"]
    loose = view.loose()
    if loose is None or not view.tables.span("refunds", "finished_at"):
        return paid.select(*columns).with_columns(recent=recent)
    back = nw.col("amount")
    lost = loose.filter(~nw.col("day").is_null()).select(
        "buyer_key", "day", kept=nw.lit(0).cast(nw.Int64), net=(back - back - back).cast(EXACT)
    )
    both = frames.stack(paid.select(*columns), lost.select(*columns))
    return both.with_columns(recent=recent)


def sum_levels(members: Frame, buyers: Frame) -> tuple[LevelSum, ...]:
    """Members by level, the dearest first, the smallest together, those without one last."""
    held = members.join(buyers, on="buyer_key", how="left")
    bought = ~nw.col("ever").is_null() & (nw.col("ever") > 0)
    sums = _sums(held.with_columns(never=flag(~bought)), "level")
    levels = [
        LevelSum(level=None if is_missing(row["level"]) else row["level"],
                 kind="untold" if is_missing(row["level"]) else "level",
                 **_plain(row))
        for row in sums
    ]  # fmt: skip
    named = sorted((s for s in levels if s.kind == "level"), key=lambda s: (-s.customers, s.name))
    few = MOST if len(named) > MOST + 1 else len(named)
    shown = sorted(named[:few], key=lambda s: (-s.mils / max(1, s.customers), s.name))
    others = (add_up(tuple(named[few:]), kind="other"),) if named[few:] else ()
    return (*shown, *others, *(s for s in levels if s.kind == "untold"))


def sum_strangers(members: Frame, buyers: Frame) -> LevelSum:
    """Known buyers who are no members."""
    theirs = buyers.join(members.select("buyer_key"), on="buyer_key", how="anti")
    rows = _sums(theirs.with_columns(never=nw.lit(0), level=nw.lit("")), "level")
    held = rows[0] if rows else dict.fromkeys(COUNTS, 0)
    return LevelSum(level=None, kind="stranger", **_plain(held))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: float(row[name]) if name == "squares" else int(row[name]) for name in COUNTS}


def _sums(customers: Frame, by: str) -> list[dict[str, Any]]:
    """Counts and the net amount of the customers by level."""
    days = nw.col("days")
    told = customers.with_columns(
        bought=flag(~days.is_null() & (days > 0)),
        again=flag(~days.is_null() & (days > 1)),
        squares=nw.col("net").cast(nw.Float64) * nw.col("net").cast(nw.Float64),
    )
    names = ("bought", "again", "never", "orders", "net", "squares")
    sums = told.group_by(by).agg(customers=nw.len(), **{n: nw.col(n).sum() for n in names})
    held = frames.bring(sums, sort=[by])
    held["mils"] = to_mils(held["net"].fillna(0.0).to_numpy(float))
    filled = held.fillna({"orders": 0, "squares": 0.0})
    return [{str(name): row[name] for name in filled.columns} for _, row in filled.iterrows()]


def sum_unknown(view: OrdersView, start: dt.date) -> int:
    """Net amount of orders, and refunds without an order, that name no buyer."""
    rows = _rows(view, start).filter(nw.col("buyer_key").is_null() & (nw.col("recent") == 1))
    net = frames.bring(rows.select(net=nw.col("net").sum()))["net"]
    return int(to_mils(net.fillna(0.0).to_numpy(float)).sum())


def sum_apart(view: OrdersView, start: dt.date) -> Apart:
    """Orders of the period that are no purchases of anybody known."""
    kept, untold = nw.col("kept"), nw.col("net").is_null()
    parts = {"unknown": kept & nw.col("buyer_key").is_null(), "refunded": ~kept & ~untold}
    amounts = {f"{name}_net": nw.when(part).then(nw.col("net")) for name, part in parts.items()}
    counts = {name: flag(part) for name, part in {**parts, "untold": untold}.items()}
    rows = view.orders().filter(frames.within("paid_at", start, view.as_of, view.tables.zone))
    told = rows.with_columns(**counts, **amounts)
    sums = told.select(*(nw.col(name).sum() for name in (*counts, *amounts)))
    [row] = frames.bring(sums).fillna(0).to_dict("records")
    return Apart(
        unknown_orders=int(row["unknown"]),
        unknown_amount=float(row["unknown_net"]),
        refunded_orders=int(row["refunded"]),
        refunded_amount=float(row["refunded_net"]),
        untold_orders=int(row["untold"]),
        has_refunds=view.tables.has("refunds"),
    )
