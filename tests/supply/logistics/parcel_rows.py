"""Parcels of a small shop, and their orders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from ecops_lib.data.schema import arrow_schema

START = dt.date(2026, 1, 1)
ZONE = "Asia/Shanghai"


def at(hours: float) -> dt.datetime:
    """An instant so many hours after the first local midnight."""
    return dt.datetime(2025, 12, 31, 16, tzinfo=dt.UTC) + dt.timedelta(hours=hours)


def parcel(
    number: int, carrier: str, begun: float, took: float | None, **more: Any
) -> dict[str, Any]:
    told = {"platform": "tmall", "order_id": f"o{number}", "parcel_id": f"p{number}",
            "carrier": carrier, "province": "浙江", "size_class": "小件", "weight": 0.7,
            "cost": Decimal(4), "shipped_at": at(begun - 2), "picked_up_at": at(begun),
            "delivered_at": None if took is None else at(begun + took),
            "promised_at": at(begun + 72)}  # fmt: skip
    return {**told, **more}


def table(name: str, held: Iterable[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    whole = [{**dict.fromkeys(schema.names), **row} for row in held]
    return pa.Table.from_pylist(whole, schema=schema)


def order(number: int, paid: float, **more: Any) -> dict[str, Any]:
    told = {"platform": "tmall", "order_id": f"o{number}", "created_at": at(paid),
            "paid_at": at(paid), "status": "shipped", "ordered_amount": Decimal(20),
            "paid_amount": Decimal(20), "shipped_at": at(paid + 1)}  # fmt: skip
    return {**told, **more}


def random_parcels(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Parcels of three carriers on four lanes, some open, lost, damaged or not told."""
    rows = []
    for number in range(count):
        begun = float(rng.uniform(0, 40 * 24))
        took = float(rng.gamma(4, 12))
        open_ = rng.random() < 0.1
        rows.append(parcel(
            number, str(rng.choice(["甲", "乙", "丙"])), begun, None if open_ else took,
            province=str(rng.choice(["浙江", "四川"])),
            size_class=str(rng.choice(["小件", "大件"])),
            weight=None if rng.random() < 0.1 else round(float(rng.gamma(2, 1)), 2),
            cost=None if rng.random() < 0.1 else Decimal(str(round(float(rng.gamma(4, 1)), 2))),
            trouble=str(rng.choice(["lost", "破损", ""], p=[0.03, 0.07, 0.9])) or None,
            promised_at=None if rng.random() < 0.1 else at(begun + 48),
            picked_up_at=None if rng.random() < 0.1 else at(begun),
            order_id=f"o{number // 2 if rng.random() < 0.3 else number}",
        ))  # fmt: skip
    return rows
