"""A small shop in which trouble comes and goes on planted days."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import Store, create_store
from ecops_lib.diagnosis.actions import KeptAction

DAY = dt.date(2026, 9, 30)
"""The last day; no holiday or festival lies near the days that are measured."""
DAYS = 110
FOUND, CLOSED = 21, 13
"""Days before the last one on which the trouble was found, and on which it was seen to."""
PRICE = Decimal(80)
BACK, LOST, CALM, RARE, GONE, OUT, WAVE = "P0", "P1", "P2", "P3", "P4", "P5", "P6"
"""Products whose conversion came back, did not, was never low; with few visitors; taken off
sale; out of stock and back; with a wave of claims that ended."""
PRODUCTS = (BACK, LOST, CALM, RARE, GONE, OUT, WAVE)
HELD, CUT = "手淘搜索", "直通车"
"""Channels whose visitors came back, and did not."""


def day_of(ago: int) -> dt.date:
    return DAY - dt.timedelta(days=ago)


def action(key: str, metric: str, part: str, **given: Any) -> KeptAction:
    """One that was found on the trouble's third day and seen to."""
    told = {"status": "done", "closed_on": day_of(CLOSED), "since": day_of(FOUND + 2)}
    told |= {"due": day_of(FOUND - 1), "owner": "Li", "task": "do it", "text": "It fell."}
    told |= {"level": "bad", "expected_money": 100.0, "opened_on": day_of(FOUND)}
    return KeptAction(key=key, metric=metric, slice=part, **(told | given))


def make_world(folder: Path, *, seed: int = 5) -> Store:
    rng = np.random.default_rng(seed)
    store = create_store(folder, name="Test shop", key=b"k" * 32)
    lines = _lines(rng)
    tables = {"traffic": _traffic(rng), **lines}
    with store.writing() as writer:
        for name, rows in tables.items():
            schema = arrow_schema(name)
            whole = [{column: row.get(column) for column in schema.names} for row in rows]
            writer.upsert(name, pa.Table.from_pylist(whole, schema=schema))
    return store


def _traffic(rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = []
    for ago in range(DAYS):
        common = {"platform": "tmall", "day": day_of(ago)}
        trouble = CLOSED <= ago <= FOUND + 2
        for product in PRODUCTS:
            if product == GONE and ago < CLOSED:
                continue
            visitors = int(rng.poisson(4 if product == RARE else 800))
            low = (product == BACK and trouble) or (product == LOST and ago <= FOUND + 2)
            buyers = int(rng.binomial(visitors, 0.05 * (0.4 if low else 1.0)))
            rows.append(
                common
                | {"scope": "product", "scope_id": product, "visitors": visitors}
                | {"paying_buyers": buyers, "paid_amount": buyers * PRICE}
            )
        for channel in (HELD, CUT, "推荐"):
            low = (channel == HELD and trouble) or (channel == CUT and ago <= FOUND + 2)
            visitors = int(rng.poisson(600 * (0.5 if low else 1.0)))
            rows.append(common | {"scope": "channel", "scope_id": channel, "visitors": visitors})
        shop = {"scope": "shop", "scope_id": "*", "visitors": int(rng.poisson(4000))}
        rows.append(common | shop)
    return rows


def _lines(rng: np.random.Generator) -> dict[str, list[dict[str, Any]]]:
    """Orders of one line each: the stock-out's product sells none in the trouble."""
    orders, items, refunds = [], [], []
    for ago in range(DAYS):
        trouble = CLOSED <= ago <= FOUND + 2
        for product, pace in ((OUT, 0 if trouble else 8), (WAVE, 12), (CALM, 10)):
            for number in range(int(rng.poisson(pace))):
                at = dt.datetime.combine(day_of(ago), dt.time(4), dt.UTC)
                row = {
                    "platform": "tmall",
                    "order_id": f"{product}-{ago}-{number}",
                    "created_at": at,
                }
                row |= {"ordered_amount": PRICE, "paid_amount": PRICE}
                orders.append(row | {"paid_at": at, "status": "paid"})
                line = {"line_id": "1", "product_id": product, "sku_id": f"{product}-a"}
                items.append(row | line | {"product_name": f"<b>{product}</b>", "quantity": 1})
                wave = product == WAVE and CLOSED <= ago - 3 <= FOUND + 2
                if ago >= 3 and rng.random() < (0.7 if wave else 0.15):
                    claim = {"refund_id": row["order_id"], "product_id": product, "amount": PRICE}
                    claim |= {"applied_at": at + dt.timedelta(days=3), "status": "pending"}
                    refunds.append(row | claim | {"reason": "商品破损"})
    return {"orders": orders, "order_items": items, "refunds": refunds}
