"""Small shops written by hand, for the tests of cohorts, repurchase and survival."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ecops_lib.data.schema import arrow_schema

START = dt.date(2025, 1, 1)
ZONE = {"time_zone": "Asia/Shanghai"}
Tables = dict[str, Any]


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def noon(number: int) -> dt.datetime:
    return dt.datetime.combine(day(number), dt.time(4), dt.UTC)


def to_table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    whole = [{column: row.get(column) for column in schema.names} for row in rows]
    return pa.Table.from_pylist(whole, schema=schema)


def make_shop(
    rows: Iterable[tuple[Any, ...]], *, refunds: Iterable[tuple[Any, int, float]] = ()
) -> Tables:
    """Orders of (buyer, day, amount, other columns); refunds of (buyer or order, day, amount).

    A refund whose first entry is a number names that order; else it names a buyer alone.
    """
    orders, items = [], []
    for number, (buyer, when, amount, *rest) in enumerate(rows):
        told = dict(rest[0]) if rest else {}
        line = {name: told.pop(name) for name in ("product_id", "product_name") if name in told}
        head = {
            "platform": "tmall",
            "order_id": str(number),
            "created_at": noon(when),
            "ordered_amount": Decimal(str(amount)),
            "paid_amount": Decimal(str(amount)),
        }
        orders.append({**head, "buyer_key": buyer, "paid_at": noon(when), "status": "paid", **told})
        if line:
            items.append({**head, "line_id": "1", "quantity": 1, **line})
    back = [
        {
            "platform": "tmall",
            "refund_id": str(number),
            "order_id": str(who) if isinstance(who, int) else None,
            "buyer_key": None if isinstance(who, int) else who,
            "finished_at": noon(when),
            "amount": Decimal(str(amount)),
            "status": "success",
        }
        for number, (who, when, amount) in enumerate(refunds)
    ]
    tables = {"orders": to_table("orders", orders), "refunds": to_table("refunds", back)}
    return {**tables, "order_items": to_table("order_items", items)} if items else tables
