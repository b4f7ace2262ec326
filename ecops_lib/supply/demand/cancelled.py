"""Which order lines their refunds undo: called off before shipping, or sent back after it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals as nw

from ecops_lib.data.frames import instants, stack
from ecops_lib.metrics.bases import ORDER_KEY, Tables

Frame = nw.LazyFrame[Any]
LINE_KEY = [*ORDER_KEY, "line_id"]
WHOLE = 0.9
"""Share of what was paid from which a refund is for all of it: an order's discounts are
spread over its lines in more than one way, so that line and refund differ by some per cent."""


def read_refunds(tables: Tables, *, as_of: dt.date) -> Frame:
    """Successful refunds known by the end of a day."""
    _, over = instants(as_of, as_of, tables.zone)
    back = tables.lazy("refunds").filter(nw.col("status") == "success")
    ended = nw.coalesce("finished_at", "applied_at")
    return back.with_columns(ended=ended).filter(ended.is_null() | (ended < over))


def before_shipping() -> nw.Expr:
    """Whether a refund came before the goods left; one that does not say did not."""
    return nw.col("stage").fill_null("") == "before_shipping"


def lines_refunded(rows: Frame, back: Frame) -> Frame:
    """The keys of the lines that were refunded as a whole.

    A refund is for the line that it names, else for the lines of its SKU, else of its
    product, else for all lines of its order; these are refunded where it is at least
    ``WHOLE`` of what was paid for them. A refund of a part undoes no line.

    Args:
        rows: Paid lines: ``LINE_KEY``, ``sku_id``, ``product_id`` and ``paid_amount``.
        back: Refunds.
    """
    line, sku, product = (_told(name) for name in ("line_id", "sku_id", "product_id"))
    scopes = (
        (LINE_KEY, line),
        ([*ORDER_KEY, "sku_id"], ~line & sku),
        ([*ORDER_KEY, "product_id"], ~line & ~sku & product),
        (ORDER_KEY, ~line & ~sku & ~product),
    )
    named = back.filter(~nw.col("order_id").is_null())
    parts = [_wholly(rows, named.filter(scope), keys) for keys, scope in scopes]
    return stack(*parts).unique()


def _told(column: str) -> nw.Expr:
    return nw.col(column).fill_null("") != ""


def _wholly(rows: Frame, back: Frame, keys: list[str]) -> Frame:
    """Lines of the groups of ``keys`` whose refunds are as large as what was paid."""
    sums = back.group_by(*keys).agg(back=nw.col("amount").sum())
    hit = rows.join(sums, on=keys, how="inner")
    groups = hit.group_by(*keys).agg(nw.col("paid_amount").sum(), nw.col("back").max())
    paid, given = (nw.col(name).cast(nw.Float64) for name in ("paid_amount", "back"))
    whole = groups.filter(given >= WHOLE * paid).select(*keys)
    return hit.join(whole, on=keys, how="semi").select(*LINE_KEY)
