"""Reading the stock of a day from snapshots, and its pace from the orders."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.core.formats import is_missing, show
from ecops_lib.core.language import tr
from ecops_lib.core.names import joined
from ecops_lib.data.frames import DAY, bring, lazy, within
from ecops_lib.data.schema import table_named
from ecops_lib.supply.stock.states import SkuStock, StockStates

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.data.store import Store

WINDOW = 28
"""Days of sales that tell how fast a SKU sells: four of each weekday."""

STALE = 3
"""Days after which a snapshot no longer tells what is in stock."""


def find_stock_trouble(store: Store, *, day: dt.date) -> StockStates:
    """SKUs that are out of stock, oversold or below their threshold at the end of a day.

    Stock is the last snapshot of the three days up to ``day``, over all warehouses. Of the
    SKUs that sold in the last 28 days, one is *out* with nothing on hand or with hours out
    of stock on that day, *low* with fewer units available than ``low_stock`` of
    ``store.toml``; any is *oversold* with more promised than on hand. Sales lost are its
    units a day (days out of stock left out of the count) for the hours out, at its mean
    price. A SKU in several warehouses is out for the shortest of their hours out: at most
    so long it was out everywhere.

    Args:
        store: The store.
        day: The day, in the store's zone.

    Returns:
        The SKUs in trouble; absent without a snapshot near the day.
    """
    empty = StockStates(
        day=day,
        owner=store.settings.owners.get("stock", tr("stock control")),
        threshold=store.settings.thresholds["low_stock"],
    )
    from dataclasses import replace

    hint = tr("To fill this section, import {file}.", file=tr(table_named("inventory").hint))
    if not store.has("inventory"):
        return replace(empty, reason=joined(tr("The store holds no stock figures."), hint))
    stock = _read_stock(store, day)
    if stock.empty:
        why = tr(
            "No stock figure lies within the {days} days up to {day}.",
            days=show(STALE, "count"),
            day=show(day, "day"),
        )
        return replace(empty, reason=joined(why, hint))
    snapshot = stock["day"].max()
    now = stock.loc[stock["day"] == snapshot].merge(
        _read_pace(store, day, stock), on="sku_id", how="left"
    )
    found = [_judged(row, empty.threshold) for row in now.to_dict("records")]
    return replace(
        empty,
        snapshot=snapshot.date(),
        skus=tuple(sorted((s for s in found if s is not None), key=lambda sku: sku.order)),
        counted=len(now),
    )


def _read_stock(store: Store, day: dt.date) -> pd.DataFrame:
    """Stock by day and SKU over the warehouses; empty without a snapshot near the day."""
    start = day - (WINDOW - 1) * DAY
    rows = lazy(store.scan("inventory", start=start, end=day), name="inventory").filter(
        (nw.col("day") >= start) & (nw.col("day") <= day)
    )
    told = nw.col("in_transit").count()
    stock = bring(
        rows.group_by("day", "sku_id").agg(
            nw.col("on_hand").sum(),
            nw.col("reserved").sum(),
            nw.col("in_transit").sum(),
            told.alias("told"),
            nw.col("hours_out").min(),
            nw.col("product_id").max(),
        ),
        sort=["day", "sku_id"],
    )
    if stock.empty or stock["day"].max().date() <= day - STALE * DAY:
        return stock.iloc[:0]
    stock["in_transit"] = stock["in_transit"].astype(float).where(stock.pop("told") > 0)
    gone = (stock["on_hand"] == 0) * 24.0
    stock["hours_out"] = stock["hours_out"].astype(float).fillna(gone)
    return stock


def _read_pace(store: Store, day: dt.date, stock: pd.DataFrame) -> pd.DataFrame:
    """Units sold a day in stock, mean price and name of each SKU that sold."""
    import pandas as pd

    if not store.has("order_items"):
        return pd.DataFrame(columns=["sku_id", "name", "variant", "daily_units", "price"])
    start = day - (WINDOW - 1) * DAY
    lines = lazy(store.scan("order_items", start=start, end=day), name="order_items").filter(
        within("created_at", start, day, store.zone) & ~nw.col("paid_amount").is_null()
    )
    sold = bring(
        lines.group_by("sku_id").agg(
            units=nw.col("quantity").sum(),
            amount=nw.col("paid_amount").sum(),
            name=nw.col("product_name").max(),
            variant=nw.col("variant").max(),
        )
    )
    days_out = stock.groupby("sku_id")["hours_out"].sum() / 24
    in_stock = (WINDOW - sold["sku_id"].map(days_out).fillna(0.0)).clip(lower=1.0)
    units = sold["units"].astype(float)
    price = sold["amount"].astype(float) / units.where(units > 0)
    named = sold[["sku_id", "name", "variant"]]
    return named.assign(daily_units=units / in_stock, price=price)


def _judged(row: dict[Any, Any], threshold: float) -> SkuStock | None:
    """The SKU with its state, or None where nothing is wrong with it."""
    available = float(row["on_hand"]) - float(row["reserved"])
    pace = 0.0 if is_missing(row["daily_units"]) else float(row["daily_units"])
    if available < 0:
        state = "oversold"
    elif pace > 0 and (row["on_hand"] == 0 or row["hours_out"] > 0):
        state = "out"
    elif pace > 0 and available < threshold:
        state = "low"
    else:
        return None
    return SkuStock(
        state=state,
        sku_id=str(row["sku_id"]),
        product_id="" if is_missing(row["product_id"]) else str(row["product_id"]),
        name="" if is_missing(row["name"]) else str(row["name"]),
        variant="" if is_missing(row["variant"]) else str(row["variant"]),
        available=available,
        in_transit=float(row["in_transit"]),
        daily_units=pace,
        cover_days=max(available, 0.0) / pace if pace else float("nan"),
        hours_out=float(row["hours_out"]),
        price=float(row["price"]),
    )
