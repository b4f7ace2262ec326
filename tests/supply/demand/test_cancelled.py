"""Which lines a refund undoes: each way of naming them by hand, in every engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from ecops_lib.data.schema import arrow_schema
from ecops_lib.supply.demand import build_demand
from ecops_lib.supply.demand.result import Demand

DAY = dt.date(2026, 3, 2)
MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]


def noon(day: int) -> dt.datetime:
    return dt.datetime.combine(DAY, dt.time(4), dt.UTC) + dt.timedelta(days=day)


def held(table: str, *rows: dict[str, Any]) -> pa.Table:
    schema = arrow_schema(table)
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema)


def line(order: str, place: int, sku: str, units: int, paid: int) -> dict[str, Any]:
    return {"platform": "tmall", "order_id": order, "line_id": str(place), "created_at": noon(0),
            "sku_id": sku, "product_id": sku[0], "quantity": units,
            "ordered_amount": Decimal(paid), "paid_amount": Decimal(paid)}  # fmt: skip


def back(number: int, order: str, amount: int, **more: Any) -> dict[str, Any]:
    told = {"status": "success", "stage": "before_shipping", "finished_at": noon(0)}
    return {"platform": "tmall", "refund_id": f"r{number}", "order_id": order,
            "amount": Decimal(amount), **told, **more}  # fmt: skip


LINES = [line("o1", 1, "a1", 1, 10), line("o1", 2, "b1", 2, 20), line("o1", 3, "a2", 4, 40)]
CASES = {
    "a line": ([back(1, "o1", 20, line_id="2")], {"a1": 1, "a2": 4}),
    "a SKU": ([back(1, "o1", 10, sku_id="a1", product_id="a")], {"b1": 2, "a2": 4}),
    "a product": ([back(1, "o1", 50, product_id="a")], {"b1": 2}),
    "the order": ([back(1, "o1", 70)], {}),
    "the order in two goes": ([back(1, "o1", 30), back(2, "o1", 40)], {}),
    "an order's discounts spread otherwise": (
        [back(1, "o1", 37, sku_id="a2")],
        {"a1": 1, "b1": 2},
    ),
    "a part of the order": ([back(1, "o1", 35)], {"a1": 1, "b1": 2, "a2": 4}),
    "a part of a line": ([back(1, "o1", 10, line_id="3")], {"a1": 1, "b1": 2, "a2": 4}),
    "another order": ([back(1, "o9", 70)], {"a1": 1, "b1": 2, "a2": 4}),
    "no order": ([back(1, "o1", 70, order_id=None)], {"a1": 1, "b1": 2, "a2": 4}),
    "after receipt": ([back(1, "o1", 70, stage="after_receipt")], {"a1": 1, "b1": 2, "a2": 4}),
    "nobody knows when": ([back(1, "o1", 70, stage=None)], {"a1": 1, "b1": 2, "a2": 4}),
    "closed": ([back(1, "o1", 70, status="closed")], {"a1": 1, "b1": 2, "a2": 4}),
    "later": ([back(1, "o1", 70, finished_at=noon(1))], {"a1": 1, "b1": 2, "a2": 4}),
}


def units(demand: Demand) -> dict[str, float]:
    totals = demand.sold.sum(axis=1).tolist()
    return dict(zip(demand.items["sku_id"], totals, strict=True))


def shop(backs: list[dict[str, Any]]) -> dict[str, pa.Table]:
    other = line("o2", 1, "c1", 1, 5)
    return {"order_items": held("order_items", *LINES, other), "refunds": held("refunds", *backs)}


@pytest.mark.parametrize("case", CASES)
def test_a_refund_before_shipping_undoes_what_it_names_as_a_whole(case: str) -> None:
    backs, left = CASES[case]
    demand = build_demand(shop(backs), as_of=DAY, time_zone="Asia/Shanghai")
    assert units(demand) == {**left, "c1": 1}
    assert demand.cancelled == 7 - sum(left.values())


def test_every_engine_undoes_the_same_lines(light_engine: MakeTables) -> None:
    backs = [back(1, "o1", 20, line_id="2"), back(2, "o1", 10, sku_id="a1"), back(3, "o2", 4)]
    demand = build_demand(light_engine(shop(backs)), as_of=DAY, time_zone="Asia/Shanghai")
    assert units(demand) == {"a2": 4, "c1": 1}
