"""A small shop with a campaign of four days, three past editions, and planted troubles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan
from ecops_lib.data.schema import arrow_schema

ZONE = "Asia/Shanghai"
FIRST = dt.datetime.fromisoformat("2026-05-01")
DAYS = 155
EDITIONS = (dt.date(2026, 6, 1), dt.date(2026, 7, 13), dt.date(2026, 8, 24))
NOW = dt.date(2026, 9, 28)
LENGTH = 4
NOON = dt.datetime.fromisoformat("2026-09-29T12:00")
PROMOTED = ("P0", "P1", "P2", "P3", "P4")
PRODUCTS = (*PROMOTED, "P5", "P6")
CHANNELS = ("search", "live", "ads")
HOURS = np.array([0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 2, 2, 3, 3, 3, 2, 2, 3, 4, 5, 4, 2, 1.0])
ORDERS_A_DAY, LIFT, PRICE = 40, 3.0, 100


@dataclass(frozen=True, kw_only=True)
class World:
    """What is planted: sales stop for a product or channel from a local time on."""

    stopped: str = ""
    collapsed: str = ""
    since: dt.datetime = NOON
    seed: int = 3


def campaign(first: dt.date = NOW, **changes: Any) -> Campaign:
    last = first + dt.timedelta(days=LENGTH - 1)
    return Campaign(**{
        "campaign_id": f"member-{first}", "name": "Member day", "kind": "Member day",
        "spans": (PhaseSpan(phase="burst", first=first, last=last),), "products": PROMOTED,
        **changes,
    })  # fmt: skip


@cache
def rows_of(world: World) -> list[dict[str, Any]]:
    """One row an order: local time, product, channel."""
    rng = np.random.default_rng(world.seed)
    busy = {e + dt.timedelta(days=k) for e in (*EDITIONS, NOW) for k in range(LENGTH)}
    rows = []
    for place in range(DAYS):
        day = FIRST + dt.timedelta(days=place)
        weights = np.array([LIFT if day.date() in busy and p in PROMOTED else 1 for p in PRODUCTS])
        mean = ORDERS_A_DAY * weights.sum() / len(PRODUCTS)
        for hour, count in enumerate(rng.poisson(mean * HOURS / HOURS.sum())):
            for _ in range(count):
                at = day + dt.timedelta(hours=hour, minutes=int(rng.integers(60)))
                product = str(rng.choice(PRODUCTS, p=weights / weights.sum()))
                channel = str(rng.choice(CHANNELS, p=[0.5, 0.3, 0.2]))
                gone = at >= world.since and (
                    product == world.stopped or channel == world.collapsed
                )
                buyer = f"b{int(rng.integers(4000))}"
                if not gone:
                    rows.append({"at": at, "product": product, "channel": channel, "buyer": buyer})
    return rows


def shop_of(world: World, *, events: bool = True) -> dict[str, pa.Table]:
    orders, items = [], []
    for place, row in enumerate(rows_of(world)):
        at = (row["at"] - dt.timedelta(hours=8)).replace(tzinfo=dt.UTC)
        key = {"platform": "tmall", "order_id": f"{place:06d}", "created_at": at}
        money = {"ordered_amount": Decimal(PRICE), "paid_amount": Decimal(PRICE)}
        orders.append({
            **key, **money, "paid_at": at + dt.timedelta(seconds=30), "status": "paid",
            "buyer_key": row["buyer"], "channel": row["channel"], "warehouse_id": "W1",
        })  # fmt: skip
        items.append({
            **key, **money, "line_id": "1", "product_id": row["product"],
            "sku_id": f"{row['product']}-A", "product_name": f"Tea {row['product']}",
            "quantity": 1,
        })  # fmt: skip
    tables = {"orders": _table("orders", orders), "order_items": _table("order_items", items)}
    if events:
        tables["shop_events"] = _table("shop_events", [_event(first) for first in EDITIONS])
    return tables


def stock(units: Mapping[str, int], *, day: dt.date, warehouse: str = "W1") -> pa.Table:
    """A snapshot of SKUs at the end of a day."""
    return _table("inventory", [
        {
            "day": day, "warehouse_id": warehouse, "sku_id": sku, "product_id": sku[:2],
            "on_hand": count,
        }
        for sku, count in units.items()
    ])  # fmt: skip


def _event(first: dt.date) -> dict[str, Any]:
    return {
        "event_id": f"e{first}", "kind": "campaign", "name": "Member day", "starts_on": first,
        "ends_on": first + dt.timedelta(days=LENGTH - 1),
    }  # fmt: skip


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    whole = [{column: row.get(column) for column in schema.names} for row in rows]
    return pa.Table.from_pylist(whole, schema=schema)
