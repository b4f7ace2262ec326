"""What each customer's first purchase was like: the cohort that the customer belongs to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import narwhals as nw

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.customers.orders import EXACT, Frame, OrdersView
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, missing_words

if TYPE_CHECKING:
    import pandas as pd

By = Literal["month", "channel", "product", "discount"]
"""First purchase: its month, its channel, its dearest product, its discount."""

LEAST = 30
"""Customers below which nothing is compared in words."""
MOST = 12
"""Channels or products that stand alone; the smaller ones are put together."""
QUIET = 7
"""Days without any payment before ``as_of`` from which files may be missing."""

BANDS: Mapping[str, str] = {
    "none": mark("no discount"),
    "small": mark("under 10% off"),
    "middle": mark("10% to 30% off"),
    "large": mark("30% off or more"),
}
DISCOUNTS = ("discount_platform", "discount_merchant", "discount_creator")

UNTOLD: Mapping[str, str] = {
    "channel": mark(
        "No first order tells its channel; import orders with a channel, or split customers by "
        "month."
    ),
    "product": mark(
        "No line of a first order names its product; import order lines with products."
    ),
    "discount": mark(
        "No first order tells both its list price and its discounts; import orders with both."
    ),
}


def day_number(column: str) -> nw.Expr:
    """The proleptic ordinal of a local day, as ``date.toordinal`` gives it, in any engine."""
    year = nw.col(column).dt.year().cast(nw.Int64) - 1
    leaps = year // 4 - year // 100 + year // 400
    return year * 365 + leaps + nw.col(column).dt.ordinal_day().cast(nw.Int64)


def why_untold(view: OrdersView, by: By | None) -> str:
    """Which table is wanting, if one is."""
    if by == "product" and not view.tables.has("order_items"):
        return missing_words("order_items")
    return ""


def label_customers(view: OrdersView, by: By | None) -> Frame:
    """Each known buyer's first day and cohort (null where the first order tells none)."""
    first = view.buyers().select("buyer_key", "first_day")
    if by is None:
        return first.with_columns(cohort=nw.lit("all"))
    if by == "month":
        return first.with_columns(cohort=nw.col("first_day").dt.truncate("1mo"))
    opening = _opening(view, first)
    told = {"channel": _channels, "product": _products, "discount": _bands}[by](view, opening)
    return first.join(told, on="buyer_key", how="left")


def _opening(view: OrdersView, first: Frame) -> Frame:
    """The orders of each buyer's first day."""
    day = frames.local_day("paid_at", view.first, view.as_of, view.tables.zone)
    kept = view.orders().filter(nw.col("kept") & ~nw.col("buyer_key").is_null())
    dated = kept.select(*ORDER_KEY, "buyer_key", day=day)
    return dated.join(
        first, left_on=["buyer_key", "day"], right_on=["buyer_key", "first_day"], how="inner"
    ).select(*ORDER_KEY, "buyer_key")


def _channels(view: OrdersView, opening: Frame) -> Frame:
    channel = nw.when(nw.col("channel") != "").then(nw.col("channel"))
    told = view.tables.lazy("orders").select(*ORDER_KEY, cohort=channel)
    joined = opening.join(told, on=ORDER_KEY, how="inner")
    return joined.group_by("buyer_key").agg(cohort=nw.col("cohort").min())


def _products(view: OrdersView, opening: Frame) -> Frame:
    """The product that the buyer paid most for on the first day."""
    value = nw.coalesce("paid_amount", "ordered_amount").cast(EXACT)
    lines = view.tables.lazy("order_items").filter(nw.col("product_id") != "")
    lines = lines.select(*ORDER_KEY, cohort=nw.col("product_id"), value=value)
    joined = opening.join(lines, on=ORDER_KEY, how="inner")
    sums = joined.group_by("buyer_key", "cohort").agg(value=nw.col("value").sum())
    most = sums.group_by("buyer_key").agg(value=nw.col("value").max())
    best = sums.join(most, on=["buyer_key", "value"], how="inner")
    return best.group_by("buyer_key").agg(cohort=nw.col("cohort").min())


def _bands(view: OrdersView, opening: Frame) -> Frame:
    """Discounts of all bearers as a share of the list price."""
    known = ~nw.all_horizontal(*(nw.col(c).is_null() for c in DISCOUNTS), ignore_nulls=False)
    told = known & (nw.col("list_amount") > 0)
    first, second, third = (_or_nothing(column) for column in DISCOUNTS)
    off = first + second + third
    orders = view.tables.lazy("orders").select(
        *ORDER_KEY, off=nw.when(told).then(off), whole=nw.when(told).then(nw.col("list_amount"))
    )
    joined = opening.join(orders, on=ORDER_KEY, how="inner")
    sums = joined.group_by("buyer_key").agg(off=nw.col("off").sum(), whole=nw.col("whole").sum())
    sums = sums.with_columns(nw.col("off", "whole").cast(nw.Float64))
    known = nw.col("whole") > 0
    small, middle = nw.col("off") * 10 < nw.col("whole"), nw.col("off") * 10 < nw.col("whole") * 3
    band = nw.when(known & (nw.col("off") <= 0)).then(nw.lit("none")).otherwise(
        nw.when(known & small).then(nw.lit("small")).otherwise(
            nw.when(known & middle).then(nw.lit("middle")).otherwise(
                nw.when(known).then(nw.lit("large")))))  # fmt: skip
    return sums.select("buyer_key", cohort=band)


def _or_nothing(column: str) -> nw.Expr:
    """An amount; 0 where it is null (pandas cannot fill decimals)."""
    held = nw.col(column).cast(EXACT)
    return nw.when(~nw.col(column).is_null()).then(held).otherwise(nw.lit(0).cast(EXACT))


def pool_cohorts(sizes: pd.Series, by: By | None) -> dict[object, str]:
    """The cohort that each value falls in: itself, ``other``, or ``untold`` where missing.

    Args:
        sizes: Customers by value; missing values are not in its index.
        by: What the values are.

    Returns:
        ``named`` or ``other`` of each value, in the order in which people read them.
    """
    if by == "discount":
        return {band: "named" for band in BANDS if band in sizes.index}
    if by in {"month", None}:
        return dict.fromkeys(sorted(sizes.index), "named")
    ranked = sorted(sizes.index, key=lambda value: (-sizes[value], str(value)))
    few = MOST if len(ranked) > MOST + 1 else len(ranked)
    return {value: "named" if place < few else "other" for place, value in enumerate(ranked)}


def cohort_name(value: object, kind: str, by: By | None, names: Mapping[str, str]) -> str:
    """A cohort as people call it; names from data are cut to one line, not escaped."""
    if kind == "other":
        return tr("all others")
    if kind == "untold" or is_missing(value):
        return tr("not told")
    if by is None:
        return tr("all customers")
    if by == "discount":
        return tr(BANDS[str(value)])
    if isinstance(value, dt.date):
        return f"{value:%Y-%m}"
    return short_name(names.get(str(value)), value)


def product_names(view: OrdersView, products: list[str]) -> dict[str, str]:
    """The title of each product that most of its order lines have."""
    lines = view.tables.lazy("order_items").filter(nw.col("product_id").is_in(products))
    titles = lines.group_by("product_id", "product_name").agg(lines=nw.len())
    held = frames.bring(titles, sort=["lines", "product_name"]).dropna(subset=["product_name"])
    return dict(zip(held["product_id"], held["product_name"], strict=True))


def coverage_findings(view: OrdersView) -> tuple[Finding, ...]:
    """That the last days before ``as_of`` hold no payment, if so: silence may be a gap of files."""
    span = view.tables.span("orders", "paid_at")
    last = span[1] if span else view.as_of
    quiet = (view.as_of - last).days
    if quiet < QUIET:
        return ()
    text = ntr(
        "The last payment known is of {last}, {days} before {as_of}: if later orders were not "
        "imported, customers look more silent than they are.",
        "The last payment known is of {last}, {days} before {as_of}: if later orders were not "
        "imported, customers look more silent than they are.",
        quiet,
        last=show(last, "day"),
        days=show(quiet, "days"),
        as_of=show(view.as_of, "day"),
    )
    return (
        Finding(key="customers/quiet", level="watch", text=text, evidence={"days": float(quiet)}),
    )
