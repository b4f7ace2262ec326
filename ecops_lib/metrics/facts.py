"""Facts: the canonical tables as rows that can be counted on a day and split.

A fact is one lazy frame of rows with one clock. Measures of the same fact are
computed together, in one pass over its tables. A fact applies the days asked for
before it joins anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Literal

import narwhals as nw

from ecops_lib.core.errors import MetricError
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Bases, Tables

Span = tuple[dt.date, dt.date]
Frame = nw.LazyFrame[Any]

EXACT = nw.Decimal(38, 4)
"""Room for differences of amounts, which each engine would give another precision."""

CALENDAR = ("day", "week", "month", "weekday")
COLUMNS: Mapping[str, str] = {
    "day": "day",
    "week": "week",
    "month": "month",
    "hour": "hour",
    "weekday": "weekday",
    "platform": "platform",
    "product": "product_id",
    "sku": "sku_id",
    "category": "category",
    "brand": "brand",
    "channel": "channel",
    "province": "province",
    "campaign": "campaign_id",
    "creator": "creator_id",
    "warehouse": "warehouse_id",
    "keyword": "keyword",
    "ad_campaign": "ad_campaign_id",
    "ad_line": "product_line",
    "reason": "reason",
    "stage": "stage",
}
"""The column of the result for each dimension."""

Dimension = Literal[
    "day", "week", "month", "hour", "weekday", "platform", "product", "sku", "category",
    "brand", "channel", "province", "campaign", "creator", "warehouse", "keyword",
    "ad_campaign", "ad_line", "reason", "stage",
]  # fmt: skip

BUYER_DIMENSIONS = ("channel", "province", "campaign", "creator", "warehouse")
ORDER_DIMENSIONS = ("platform", *BUYER_DIMENSIONS)
PRODUCT_DIMENSIONS = ("product", "category", "brand")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked of a fact: which days, split by what, resting on what."""

    tables: Tables
    spans: tuple[Span, ...]
    by: tuple[str, ...]
    bases: Bases

    @property
    def ends(self) -> Span:
        """The first and the last day asked for."""
        return min(start for start, _ in self.spans), max(end for _, end in self.spans)

    def during(self, column: str) -> nw.Expr:
        """Whether an instant falls on the days asked for."""
        zone = self.tables.zone
        inside = [frames.within(column, start, end, zone) for start, end in self.spans]
        if len(inside) == 1:
            return inside[0]
        return frames.within(column, *self.ends, zone) & reduce(or_, inside)

    def on_days(self, column: str = "day") -> nw.Expr:
        """Whether a calendar day is one of those asked for."""
        day = nw.col(column)
        inside = [(day >= start) & (day <= end) for start, end in self.spans]
        return reduce(or_, inside)

    def columns(self, dimensions: tuple[str, ...]) -> list[str]:
        """Columns of those dimensions that the question splits by."""
        return [COLUMNS[name] for name in dimensions if name in self.by]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Rows with one clock.

    Attributes:
        name: What it is called in a plan.
        tables: Tables without which it cannot be had.
        dimensions: What its rows can be split by, beside the calendar.
        build: Makes the rows of the days asked for.
        clock: Column of its day, after building.
        kind: Whether the clock is an instant or a calendar day.
        reported: Whether an absent row means "not told" rather than nothing happened.
        snapshot: Whether rows are states, of which only the last counts.
        calendar: Whether it can be split by days, weeks and so on.
        ready: Says why it cannot serve the days asked for; nothing if it can.
    """

    name: str
    tables: tuple[str, ...]
    dimensions: tuple[str, ...]
    build: Callable[[Query], Frame]
    clock: str
    kind: Literal["time", "day"] = "time"
    reported: bool = False
    snapshot: bool = False
    calendar: bool = True
    ready: Callable[[Query], str] | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """Everything its rows can be split by."""
        hours = ("hour",) if self.kind == "time" else ()
        return ((*CALENDAR, *hours) if self.calendar else ()) + self.dimensions


def _placed(query: Query) -> Frame:
    return query.tables.lazy("orders").filter(query.during("created_at"))


def _paid(query: Query) -> Frame:
    orders = query.tables.lazy("orders").filter(query.during("paid_at"))
    return orders.with_columns(
        at=nw.col("paid_at"), amount=nw.col("paid_amount"), counted=nw.lit(1)
    )


def _paid_with_deposits(query: Query) -> Frame:
    """Payments: deposits when paid, and at full payment what was not paid before."""
    staged = nw.col("is_presale") & (nw.col("deposit_amount") > 0)
    staged = staged & ~nw.col("deposit_paid_at").is_null()
    rest = nw.col("paid_amount") - nw.col("deposit_amount")
    orders = query.tables.lazy("orders")
    full = orders.filter(query.during("paid_at")).with_columns(
        at=nw.col("paid_at"),
        amount=nw.when(staged).then(rest).otherwise(nw.col("paid_amount")).cast(EXACT),
        counted=nw.when(staged).then(nw.lit(0)).otherwise(nw.lit(1)),
    )
    deposits = orders.filter(staged & query.during("deposit_paid_at")).with_columns(
        at=nw.col("deposit_paid_at"),
        amount=nw.col("deposit_amount").cast(EXACT),
        counted=nw.lit(1),
    )
    kept = [*ORDER_KEY, "buyer_key", *(COLUMNS[name] for name in BUYER_DIMENSIONS)]
    kept += ["at", "amount", "counted"]
    return frames.stack(full.select(kept), deposits.select(kept))


def _deposits(query: Query) -> Frame:
    return query.tables.lazy("orders").filter(query.during("deposit_paid_at"))


def _placed_lines(query: Query) -> Frame:
    lines = query.tables.lazy("order_items").filter(query.during("created_at"))
    if query.columns(BUYER_DIMENSIONS):
        kept = [*ORDER_KEY, *query.columns(BUYER_DIMENSIONS)]
        lines = lines.join(query.tables.lazy("orders").select(kept), on=ORDER_KEY, how="left")
    return with_product(lines, query)


def _paid_lines(query: Query) -> Frame:
    if query.bases.presale == "deposit":
        raise MetricError(
            tr(
                "A deposit belongs to an order, not to its lines; use presale='full' to split "
                "by product."
            )
        )
    kept = [*ORDER_KEY, "buyer_key", "at", *query.columns(BUYER_DIMENSIONS)]
    lines = query.tables.lazy("order_items").join(
        _paid(query).select(kept), on=ORDER_KEY, how="inner"
    )
    return with_product(lines, query)


def with_product(frame: Frame, query: Query) -> Frame:
    """Add the product's category and brand where the question splits by them."""
    columns = query.columns(("category", "brand"))
    if not columns:
        return frame
    key = ["platform", "product_id"]
    products = query.tables.lazy("products").select([*key, *columns])
    return frame.join(products, on=key, how="left")


def _refunds(query: Query) -> Frame:
    return query.tables.lazy("refunds").filter(nw.col("status") == "success")


def _refunds_by_pay_day(query: Query) -> Frame:
    kept = [*ORDER_KEY, "at", *query.columns(BUYER_DIMENSIONS)]
    orders = _paid(query)
    if query.bases.presale == "deposit":
        orders = _paid_with_deposits(query).filter(nw.col("counted") == 1)
    return with_product(_refunds(query).join(orders.select(kept), on=ORDER_KEY), query)


def _refunds_by_refund_day(query: Query) -> Frame:
    rows = _refunds(query).filter(query.during("finished_at"))
    rows = rows.with_columns(at=nw.col("finished_at"))
    return with_product(_with_buyer_columns(rows, query), query)


def _claims(query: Query) -> Frame:
    rows = query.tables.lazy("refunds").filter(query.during("applied_at"))
    return with_product(_with_buyer_columns(rows, query), query)


def _with_buyer_columns(rows: Frame, query: Query) -> Frame:
    columns = query.columns(BUYER_DIMENSIONS)
    if not columns:
        return rows
    orders = query.tables.lazy("orders").select([*ORDER_KEY, *columns])
    return rows.join(orders, on=ORDER_KEY, how="left")


def _traffic(scope: str, column: str = "") -> Callable[[Query], Frame]:
    def build(query: Query) -> Frame:
        first, last = query.ends
        rows = query.tables.lazy("traffic", start=first, end=last)
        rows = rows.filter((nw.col("scope") == scope) & query.on_days())
        named = rows.with_columns(nw.col("scope_id").alias(column)) if column else rows
        return with_product(named, query) if scope == "product" else named

    return build


def _ads(query: Query) -> Frame:
    first, last = query.ends
    rows = query.tables.lazy("ads", start=first, end=last).filter(query.on_days())
    return with_product(rows.with_columns(ad_campaign_id=nw.col("campaign_id")), query)


def _dated(table: str) -> Callable[[Query], Frame]:
    def build(query: Query) -> Frame:
        first, last = query.ends
        return query.tables.lazy(table, start=first, end=last).filter(query.on_days())

    return build


def _timed(table: str, column: str) -> Callable[[Query], Frame]:
    def build(query: Query) -> Frame:
        return with_product(query.tables.lazy(table).filter(query.during(column)), query)

    return build


REFUND_SPLITS = (*ORDER_DIMENSIONS, *PRODUCT_DIMENSIONS, "sku", "reason", "stage")
TRADE = ("orders",)
LINES = ("orders", "order_items")

FACTS: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact(
            name="placed",
            tables=TRADE,
            dimensions=ORDER_DIMENSIONS,
            build=_placed,
            clock="created_at",
        ),
        Fact(name="paid", tables=TRADE, dimensions=ORDER_DIMENSIONS, build=_paid, clock="at"),
        Fact(
            name="payments",
            tables=TRADE,
            dimensions=ORDER_DIMENSIONS,
            build=_paid_with_deposits,
            clock="at",
        ),
        Fact(
            name="deposits",
            tables=TRADE,
            dimensions=ORDER_DIMENSIONS,
            build=_deposits,
            clock="deposit_paid_at",
        ),
        Fact(
            name="placed_lines",
            tables=LINES,
            dimensions=(*ORDER_DIMENSIONS, *PRODUCT_DIMENSIONS, "sku"),
            build=_placed_lines,
            clock="created_at",
        ),
        Fact(
            name="paid_lines",
            tables=LINES,
            dimensions=(*ORDER_DIMENSIONS, *PRODUCT_DIMENSIONS, "sku"),
            build=_paid_lines,
            clock="at",
        ),
        Fact(
            name="refunds_pay",
            tables=("refunds", "orders"),
            dimensions=REFUND_SPLITS,
            build=_refunds_by_pay_day,
            clock="at",
        ),
        Fact(
            name="refunds_refund",
            tables=("refunds", "orders"),
            dimensions=REFUND_SPLITS,
            build=_refunds_by_refund_day,
            clock="at",
        ),
        Fact(
            name="claims",
            tables=("refunds",),
            dimensions=REFUND_SPLITS,
            build=_claims,
            clock="applied_at",
        ),
        *(
            Fact(
                name=f"traffic_{scope}",
                tables=("traffic",),
                dimensions=("platform", *dimensions),
                build=_traffic(scope, column),
                clock="day",
                kind="day",
                reported=True,
            )
            for scope, column, dimensions in (
                ("shop", "", ()),
                ("product", "product_id", PRODUCT_DIMENSIONS),
                ("channel", "channel", ("channel",)),
                ("keyword", "keyword", ("keyword",)),
            )
        ),
        Fact(
            name="ads",
            tables=("ads",),
            dimensions=("platform", *PRODUCT_DIMENSIONS, "keyword", "ad_campaign", "ad_line"),
            build=_ads,
            clock="day",
            kind="day",
            reported=True,
        ),
        Fact(
            name="costs",
            tables=("costs",),
            dimensions=("product",),
            build=_dated("costs"),
            clock="day",
            kind="day",
            reported=True,
        ),
        Fact(
            name="stock",
            tables=("inventory",),
            dimensions=("product", "sku", "warehouse"),
            build=_dated("inventory"),
            clock="day",
            kind="day",
            reported=True,
            snapshot=True,
        ),
        Fact(
            name="reviews",
            tables=("reviews",),
            dimensions=("platform", *PRODUCT_DIMENSIONS),
            build=_timed("reviews", "created_at"),
            clock="created_at",
        ),
        Fact(
            name="tickets",
            tables=("tickets",),
            dimensions=("platform", *PRODUCT_DIMENSIONS),
            build=_timed("tickets", "opened_at"),
            clock="opened_at",
        ),
        Fact(
            name="events",
            tables=("events",),
            dimensions=("platform", *PRODUCT_DIMENSIONS, "channel"),
            build=_timed("events", "happened_at"),
            clock="happened_at",
        ),
    )
}
