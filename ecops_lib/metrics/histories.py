"""Facts that look beyond the days asked for: earlier purchases, stock and sales to date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw

from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Tables
from ecops_lib.metrics.facts import FACTS, ORDER_DIMENSIONS, Fact, Frame, Query, Span

MEMORY_DAYS = 365
"""A buyer is returning who paid within so many days before the day (生意参谋's rule)."""
DEAD_DAYS = 90
"""Stock without a sale in so many days is dead."""
OFF_SALE = ("off sale", "inactive", "archived", "draft", "已下架", "下架", "仓库中")
"""States of a product that is not on sale; every other state counts as on sale."""

EVER = dt.date(1990, 1, 1)


def _payments(query: Query, span: Span) -> Frame:
    """(buyer, instant) of the payments of known buyers."""
    paid = frames.within("paid_at", *span, query.tables.zone)
    orders = query.tables.lazy("orders").filter(paid & ~nw.col("buyer_key").is_null())
    return orders.select("buyer_key", "paid_at")


def _returning(query: Query) -> Frame:
    """Payments of the days that can be told, each marked if its buyer had paid before."""
    known_days = remembered(query.tables)
    since = known_days[0] if known_days else query.ends[0]
    spans = tuple((max(start, since), end) for start, end in query.spans if end >= since)
    asked = replace(query, spans=spans or query.spans)
    first, last = asked.ends
    pay_day = frames.local_day("paid_at", first, last, query.tables.zone)
    rows = FACTS["paid"].build(asked).with_columns(pay_day=pay_day)
    now = _once(rows.filter(~nw.col("buyer_key").is_null()), "buyer_key", "pay_day")
    span = (first - dt.timedelta(days=MEMORY_DAYS), last)
    reach = nw.col("pay_day").dt.offset_by(f"-{MEMORY_DAYS}d")
    past_day = frames.local_day("paid_at", *span, query.tables.zone)
    mine = _payments(query, span).join(now, on="buyer_key", how="semi")
    mine = mine.select("buyer_key", past_day=past_day)
    pairs = now.join(_once(mine, "buyer_key", "past_day"), on="buyer_key", how="inner")
    again = pairs.filter((nw.col("past_day") < nw.col("pay_day")) & (nw.col("past_day") >= reach))
    known = _once(again, "buyer_key", "pay_day").with_columns(returning=nw.lit(1))
    return rows.join(known, on=["buyer_key", "pay_day"], how="left")


def _once(frame: Frame, *columns: str) -> Frame:
    """Each combination of values once (grouped, for engines that number rows in ``unique``)."""
    return frame.group_by(*columns).agg(times=nw.len()).select(*columns)


def remembered(tables: Tables) -> Span | None:
    """The days whose buyers can be told new from returning: enough days lie before them."""
    span = trade_span(tables)
    return (span[0] + dt.timedelta(days=MEMORY_DAYS), span[1]) if span else None


def _remembers(query: Query) -> str:
    span = remembered(query.tables)
    starts = [start for start, _ in query.spans]
    first = max(starts) if "day" in query.by else min(starts)
    if span and span[0] <= first:
        return ""
    return tr(
        "New and returning buyers need orders from {day} on ({days} days before); import those, "
        "or 生意参谋 宏观监控, which counts them.",
        day=show(first - dt.timedelta(days=MEMORY_DAYS), "day"),
        days=MEMORY_DAYS,
    )


def _came_back(query: Query) -> Frame:
    start, end = query.spans[0]
    before = (start - (end - start) - frames.DAY, start - frames.DAY)
    earlier = _payments(query, before).select("buyer_key").unique()
    later = _payments(query, (start, end)).select("buyer_key").unique()
    return earlier.join(later.with_columns(back=nw.lit(1)), on="buyer_key", how="left")


def _sold_to_date(query: Query) -> Frame:
    return FACTS["paid_lines"].build(replace(query, spans=((EVER, query.ends[1]),)))


def _received_to_date(query: Query) -> Frame:
    rows = query.tables.lazy("purchase_orders").filter(nw.col("stage") == "receipt")
    return rows.filter(frames.within("done_at", EVER, query.ends[1], query.tables.zone))


def _dead_stock(query: Query) -> Frame:
    last = query.ends[1]
    recent = (last - dt.timedelta(days=DEAD_DAYS - 1), last)
    lines = query.tables.lazy("order_items").filter(
        frames.within("created_at", *recent, query.tables.zone)
    )
    sold = lines.filter(~nw.col("sku_id").is_null()).select("sku_id").unique()
    return FACTS["stock"].build(query).join(sold, on="sku_id", how="anti")


def _on_sale(query: Query) -> Frame:
    return query.tables.lazy("products").filter(
        nw.col("status").is_null() | ~nw.col("status").is_in(OFF_SALE)
    )


HISTORIES: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact(
            name="returning",
            tables=("orders",),
            dimensions=ORDER_DIMENSIONS,
            build=_returning,
            clock="at",
            ready=_remembers,
        ),
        Fact(
            name="came_back",
            tables=("orders",),
            dimensions=(),
            build=_came_back,
            clock="",
            calendar=False,
        ),
        Fact(
            name="sold_to_date",
            tables=("orders", "order_items"),
            dimensions=("sku",),
            build=_sold_to_date,
            clock="at",
            calendar=False,
        ),
        Fact(
            name="received_to_date",
            tables=("purchase_orders",),
            dimensions=("sku",),
            build=_received_to_date,
            clock="done_at",
            calendar=False,
        ),
        Fact(
            name="dead_stock",
            tables=("inventory", "order_items"),
            dimensions=("product", "sku", "warehouse"),
            build=_dead_stock,
            clock="day",
            kind="day",
            reported=True,
            snapshot=True,
        ),
        Fact(
            name="on_sale",
            tables=("products",),
            dimensions=("platform", "category", "brand"),
            build=_on_sale,
            clock="",
            calendar=False,
        ),
    )
}


def fact_named(name: str, *, presale: str, refund_basis: str | None) -> Fact:
    """The fact of that name under the bases: ``refunds`` and ``payments`` depend on them."""
    if name == "refunds":
        name = f"refunds_{refund_basis}"
    if name == "payments" and presale == "full":
        name = "paid"
    return FACTS[name] if name in FACTS else HISTORIES[name]


def trade_span(tables: Tables) -> Span | None:
    """First and last local day that the orders cover."""
    return tables.span("orders", "created_at") if tables.has("orders") else None
