"""Units sent back, counted apart: told units, whole lines, sets, in every engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from ecops_lib.data.schema import arrow_schema
from ecops_lib.supply.demand import build_demand

DAY = dt.date(2026, 3, 2)
MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]


def at(day: int) -> dt.datetime:
    return dt.datetime.combine(DAY, dt.time(4), dt.UTC) + dt.timedelta(days=day)


def held(table: str, *rows: dict[str, Any]) -> pa.Table:
    schema = arrow_schema(table)
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema)


def line(order: str, place: int, sku: str, units: int) -> dict[str, Any]:
    return {"platform": "tmall", "order_id": order, "line_id": str(place), "created_at": at(0),
            "sku_id": sku, "quantity": units, "ordered_amount": Decimal(10 * units),
            "paid_amount": Decimal(10 * units)}  # fmt: skip


def back(number: int, order: str | None, amount: int, **more: Any) -> dict[str, Any]:
    return {"platform": "tmall", "refund_id": f"r{number}", "order_id": order, "kind":
            "return_refund", "stage": "after_receipt", "amount": Decimal(amount),
            "status": "success", "finished_at": at(1), **more}  # fmt: skip


def shop() -> dict[str, pa.Table]:
    lines = [line("o1", 1, "a", 3), line("o1", 2, "b", 2), line("o2", 1, "set", 2),
             line("o3", 1, "b", 5)]  # fmt: skip
    backs = [
        back(1, "o1", 30, sku_id="a"),
        back(2, None, 10, sku_id="b", quantity=4, kind=None, stage=None),
        back(3, "o2", 20),
        back(4, "o3", 50, kind="refund_only"),
        back(5, "o3", 20, line_id="1"),
        back(6, "o3", 50, finished_at=at(2)),
        back(7, "o3", 50, status="pending"),
    ]
    kit = {"kit_sku_id": "set", "sku_id": "a", "quantity": 10}
    return {
        "order_items": held("order_items", *lines),
        "refunds": held("refunds", *backs),
        "kits": held("kits", kit),
    }


def test_every_engine_counts_what_was_sent_back(light_engine: MakeTables) -> None:
    as_of = DAY + dt.timedelta(days=1)
    demand = build_demand(light_engine(shop()), as_of=as_of, time_zone="Asia/Shanghai")
    assert dict(zip(demand.items["sku_id"], demand.items["returned"], strict=True)) == {
        "a": 3 + 2 * 10,
        "b": 4,
    }
    assert np.nansum(demand.sold) == 3 + 2 + 20 + 5


def test_without_refunds_nobody_knows_what_came_back() -> None:
    tables = {name: table for name, table in shop().items() if name != "refunds"}
    demand = build_demand(tables, as_of=DAY, time_zone="Asia/Shanghai")
    assert demand.items["returned"].isna().all()
