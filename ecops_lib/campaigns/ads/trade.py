"""What orders paid for each product, and what of it went back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals as nw

from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Tables

EARLIEST = dt.date(1990, 1, 1)
LINE = [*ORDER_KEY, "product_id"]


def trade_lines(
    tables: Tables, *, start: dt.date, end: dt.date, as_of: dt.date, more: tuple[str, ...] = ()
) -> nw.LazyFrame[Any]:
    """One row an order paid in a span and product.

    A refund that names its product falls on that, one of the whole order on all its lines in
    proportion; no more than was paid goes back. Without refunds in the source nothing has.

    Args:
        tables: The source; needs ``orders`` and ``order_items``.
        start: First local day of payment.
        end: Last one.
        as_of: Last local day on which a refund was finished that counts.
        more: Further columns of ``orders``.

    Returns:
        The order's key, ``product_id``, ``units``, ``paid``, ``back``, ``hit`` (1 where
        something went back) and the further columns.
    """
    orders = tables.lazy("orders").filter(frames.within("paid_at", start, end, tables.zone))
    lines = tables.lazy("order_items").select(*LINE, "quantity", "paid_amount")
    told = lines.filter(~nw.col("product_id").is_null() & ~nw.col("paid_amount").is_null())
    sums = told.group_by(*LINE).agg(
        units=nw.col("quantity").sum(), paid=nw.col("paid_amount").sum()
    )
    rows = sums.join(orders.select(*ORDER_KEY, *more), on=ORDER_KEY, how="inner")
    rows = rows.with_columns(nw.col("paid").cast(nw.Float64))
    if not tables.has("refunds"):
        return rows.with_columns(back=nw.lit(0.0), hit=nw.lit(0))
    totals = rows.group_by(*ORDER_KEY).agg(order_paid=nw.col("paid").sum())
    good = _successful(tables, as_of).select(*LINE, amount=nw.col("amount").cast(nw.Float64))
    whole = good.filter(nw.col("product_id").is_null()).group_by(*ORDER_KEY)
    named = good.filter(~nw.col("product_id").is_null()).group_by(*LINE)
    rows = (
        rows.join(totals, on=ORDER_KEY, how="left")
        .join(whole.agg(whole=nw.col("amount").sum()), on=ORDER_KEY, how="left")
        .join(named.agg(named=nw.col("amount").sum()), on=LINE, how="left")
    )
    share = nw.when(nw.col("order_paid") > 0).then(nw.col("paid") / nw.col("order_paid"))
    back = nw.col("named").fill_null(0.0) + nw.col("whole").fill_null(0.0) * share.fill_null(0.0)
    rows = rows.with_columns(back=nw.min_horizontal(back, nw.col("paid")))
    hit = nw.when(nw.col("back") > 0).then(nw.lit(1)).otherwise(nw.lit(0))
    return rows.with_columns(hit=hit).drop("order_paid", "whole", "named")


def _successful(tables: Tables, as_of: dt.date) -> nw.LazyFrame[Any]:
    done = frames.within("finished_at", EARLIEST, as_of, tables.zone)
    known = done | nw.col("finished_at").is_null()
    return tables.lazy("refunds").filter(
        (nw.col("status") == "success") & known & ~nw.col("order_id").is_null()
    )
