"""A small shop with ads, its trade and what is kept of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ecops_lib.data.schema import arrow_schema

START = dt.date(2026, 1, 1)


def table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema)


def day(place: int) -> dt.date:
    return START + dt.timedelta(days=place)


def at(place: float) -> dt.datetime:
    return dt.datetime.combine(START, dt.time(4), dt.UTC) + dt.timedelta(days=place)


def money(value: float) -> Decimal:
    return Decimal(f"{value:.4f}")


def ad(
    place: int, plan: str = "A", product: str = "p", word: str = "*", **more: Any
) -> dict[str, Any]:
    """A row of the ad report; amounts as plain numbers."""
    held = {"platform": "tmall", "day": day(place), "campaign_id": plan, "campaign_name": plan,
            "product_line": "keyword", "product_id": product, "keyword": word}  # fmt: skip
    names = ("cost", "attributed_amount", "direct_amount", "indirect_amount")
    return {**held, **{k: money(v) if k in names and v is not None else v for k, v in more.items()}}


def trade(
    orders: int = 200, *, refunded: int = 20, price: float = 100, unit_cost: float | None = 50,
    fees: float = 5, products: tuple[str, ...] = ("p",), days: int = 60,
) -> dict[str, pa.Table]:  # fmt: skip
    """Orders of one unit each, the first ``refunded`` of each product given back in full.

    Kept of an amount: (1 − refunded / orders) × (1 − unit_cost / price) − fees / price.
    """
    held, lines, back, cost = [], [], [], []
    for product in products:
        for n in range(orders):
            key = {"platform": "tmall", "order_id": f"{product}{n}"}
            moment = at(n * days / orders)
            held.append({**key, "created_at": moment, "paid_at": moment, "status": "completed",
                         "ordered_amount": money(price), "paid_amount": money(price)})  # fmt: skip
            lines.append({**key, "line_id": "1", "created_at": moment, "product_id": product,
                          "quantity": 1, "ordered_amount": money(price),
                          "paid_amount": money(price)})  # fmt: skip
            if n < refunded:
                back.append({"platform": "tmall", "refund_id": f"r{product}{n}",
                             "order_id": f"{product}{n}", "amount": money(price),
                             "finished_at": moment + dt.timedelta(days=2),
                             "status": "success"})  # fmt: skip
        told = None if unit_cost is None else money(unit_cost)
        cost.append({"platform": "tmall", "product_id": product, "product_name": product.upper(),
                     "unit_cost": told})  # fmt: skip
    paid = orders * len(products) * fees
    rows = [{"day": day(0), "kind": "platform fee", "product_id": "*", "amount": money(paid)}]
    return {
        "orders": table("orders", held),
        "order_items": table("order_items", lines),
        "refunds": table("refunds", back),
        "products": table("products", cost),
        "costs": table("costs", rows if fees else []),
    }
