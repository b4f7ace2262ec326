"""Order lines paid in a campaign, summed in the engine."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.campaigns.pacing.live import Live, instant_of
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY

if TYPE_CHECKING:
    import pandas as pd


def paid_lines(
    live: Live, *, since: dt.datetime, until: dt.datetime, whole_shop: bool = False
) -> nw.LazyFrame[Any]:
    """Lines of orders paid between two local times, of promoted products unless told.

    Columns: ``product_id``, ``sku_id``, ``channel``, ``warehouse_id``, ``paid_at``,
    ``quantity`` and ``amount`` [store currency].
    """
    zone = live.tables.zone
    begin, end = instant_of(since, zone), instant_of(until, zone)
    paid = live.tables.lazy("orders").filter(
        ~nw.col("paid_at").is_null() & (nw.col("paid_at") >= begin) & (nw.col("paid_at") < end)
    )
    lines = live.tables.lazy("order_items").filter(~nw.col("product_id").is_null())
    if live.campaign.products and not whole_shop:
        lines = lines.filter(nw.col("product_id").is_in(list(live.campaign.products)))
    kept = lines.select(
        *ORDER_KEY, "product_id", "sku_id", quantity=nw.col("quantity").cast(nw.Float64),
        amount=nw.col("paid_amount").cast(nw.Float64),
    )  # fmt: skip
    orders = paid.select(*ORDER_KEY, "paid_at", "channel", "warehouse_id")
    return kept.join(orders, on=ORDER_KEY, how="inner")


def sold_by(rows: nw.LazyFrame[Any], *keys: str) -> pd.DataFrame:
    """Lines, units and amount by keys; rows without one of them are left out."""
    for key in keys:
        rows = rows.filter(~nw.col(key).is_null())
    sums = rows.group_by(*keys).agg(
        lines=nw.len(), units=nw.col("quantity").sum(), amount=nw.col("amount").sum()
    )
    return frames.bring(sums, sort=keys)


def titles_of(live: Live) -> dict[str, str]:
    """Present title of each product that has one."""
    if not live.tables.has("products"):
        return {}
    held = frames.bring(live.tables.lazy("products").select("product_id", "product_name"))
    held = held.dropna()
    return dict(zip(held["product_id"].astype(str), held["product_name"].astype(str), strict=True))
