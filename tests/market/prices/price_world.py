"""Competitors' prices and our own orders, made by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ecops_lib.market.matching import ItemMatches
from ecops_lib.market.snapshots import Snapshots, read_snapshots

ZONE = "Asia/Shanghai"
FIRST, DAYS = dt.date(2026, 1, 1), 70
LAST = FIRST + dt.timedelta(days=DAYS - 1)
DAY = dt.timedelta(days=1)


def listings(prices: dict[tuple[str, str], Any], **columns: list[Any]) -> pa.Table:
    """Snapshots of items by competitor and item: a price for each day."""
    rows = [(FIRST + k * DAY, name, item, float(price)) for (name, item), series in prices.items()
            for k, price in enumerate(np.broadcast_to(series, DAYS)) if price > 0]  # fmt: skip
    day, competitor, item, price = (list(column) for column in zip(*rows, strict=True))
    none = pa.nulls(len(rows), pa.string())
    return pa.table({
        "day": day, "competitor": competitor, "item_id": item,
        "title": [f"茶 {i} 100g" for i in item], "category": none, "our_product_id": none,
        "price": price, "list_price": pa.nulls(len(rows), pa.float64()),
        "sales_counter": pa.nulls(len(rows), pa.int64()),
        "review_count": pa.nulls(len(rows), pa.int64()),
        "rating": pa.nulls(len(rows), pa.float64()), **columns,
    })  # fmt: skip


def seen(prices: dict[tuple[str, str], Any]) -> Snapshots:
    return read_snapshots({"competitor_items": listings(prices)}, as_of=LAST, time_zone=ZONE)


def matched(*pairs: tuple[str, str]) -> ItemMatches:
    """Pairs of our product and ``competitor/item``."""
    frame = pd.DataFrame(pairs, columns=["our_id", "their_id"])
    frame = frame.assign(
        our_title=[f"茶 {p} 100g" for p in frame["our_id"]], seller=frame["their_id"].str[0],
        their_title="", chance=1.0, source="judged",
    )  # fmt: skip
    return ItemMatches(frame=frame, candidates=frame, ours=9, theirs=9)


def shop(units: dict[str, Any], prices: dict[str, Any]) -> dict[str, pa.Table]:
    """Orders of units of each product a day, at a price a day."""
    rows = [
        (f"{p}-{k}", FIRST + k * DAY, p, int(u), float(q))
        for p in units
        for k, (u, q) in enumerate(zip(np.broadcast_to(units[p], DAYS),
                                       np.broadcast_to(prices[p], DAYS), strict=True))
        if u > 0
    ]  # fmt: skip
    order, day, product, count, price = (list(column) for column in zip(*rows, strict=True))
    paid = pa.array([dt.datetime.combine(d, dt.time(4), dt.UTC) for d in day],
                    pa.timestamp("us", "UTC"))  # fmt: skip
    amount = [u * q for u, q in zip(count, price, strict=True)]
    return {
        "orders": pa.table({"platform": ["tmall"] * len(rows), "order_id": order,
                            "created_at": paid, "paid_at": paid, "paid_amount": amount}),
        "order_items": pa.table({"platform": ["tmall"] * len(rows), "order_id": order,
                                 "line_id": ["1"] * len(rows), "created_at": paid,
                                 "product_id": product, "quantity": count,
                                 "paid_amount": amount}),
        "products": pa.table({"platform": ["tmall"] * len(units), "product_id": list(units),
                              "product_name": [f"茶 {p} 100g" for p in units],
                              "brand": pa.nulls(len(units), pa.string())}),
    }  # fmt: skip
