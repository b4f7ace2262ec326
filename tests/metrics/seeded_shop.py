"""A small seeded shop as plain rows, the same as tables of any engine, and a slow oracle."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from ecops_lib.data.schema import arrow_schema, table_named

Row = dict[str, Any]
PRODUCTS = ("P1", "P2", "P3", "P<4>")
PROVINCES = ("浙江", "广东", None)


def make_rows(seed: int, *, first: dt.date, days: int, orders: int = 240) -> dict[str, list[Row]]:
    """Orders, lines, refunds, products, traffic and stock around the midnights of a span."""
    rng = random.Random(seed)
    rows: dict[str, list[Row]] = {name: [] for name in ("orders", "order_items", "refunds")}
    for number in range(orders):
        order = _order(rng, number, first, days)
        lines = _lines(rng, order)
        rows["orders"].append(order)
        rows["order_items"] += lines
        if order["paid_at"] and rng.random() < 0.3:
            rows["refunds"].append(_refund(rng, order, lines, number))
    rows["products"] = [
        {"platform": p, "product_id": name, "product_name": f"={name}", "category": category}
        for p in ("tmall", "douyin")
        for name, category in zip(PRODUCTS, ("tea", "tea", "cups", None), strict=True)
    ]
    rows["traffic"] = _traffic(rng, first, days)
    return rows


def _moment(rng: random.Random, first: dt.date, days: int) -> dt.datetime:
    """Often within minutes of an hour at which some zone's day begins."""
    midnight = dt.datetime.combine(first, dt.time(), dt.UTC)
    day = midnight + dt.timedelta(days=rng.randrange(days))
    hour = rng.choice((0, 1, 2, 3, 15, 16, 22, 23, rng.randrange(24)))
    around = dt.timedelta(seconds=rng.choice((-1, 0, 1, rng.randrange(-1800, 1800))))
    return day + dt.timedelta(hours=hour) + around


def _order(rng: random.Random, number: int, first: dt.date, days: int) -> Row:
    created = _moment(rng, first, days)
    paid = created + dt.timedelta(minutes=rng.randrange(0, 600)) if rng.random() < 0.8 else None
    amount = Decimal(rng.randrange(100, 99999)) / 100
    shipped = paid + dt.timedelta(minutes=rng.randrange(60, 4000)) if paid else None
    return {
        "platform": rng.choice(("tmall", "douyin")),
        "order_id": f"{number:05d}",
        "buyer_key": rng.choice((None, *(f"b{i}" for i in range(40)))),
        "created_at": created,
        "paid_at": paid,
        "shipped_at": shipped,
        "picked_up_at": shipped,
        "status": "completed" if paid else "unpaid",
        "ordered_amount": amount,
        "paid_amount": amount - Decimal("0.01") if paid else None,
        "province": rng.choice(PROVINCES),
        "is_presale": False,
    }


def _lines(rng: random.Random, order: Row) -> list[Row]:
    return [
        {
            "platform": order["platform"],
            "order_id": order["order_id"],
            "line_id": str(place),
            "created_at": order["created_at"],
            "product_id": product,
            "sku_id": f"{product}-s",
            "quantity": rng.randrange(1, 4),
            "ordered_amount": (amount := Decimal(rng.randrange(100, 9999)) / 100),
            "paid_amount": amount if order["paid_at"] else None,
        }
        for place, product in enumerate(rng.sample(PRODUCTS, rng.randrange(1, 3)))
    ]


def _refund(rng: random.Random, order: Row, lines: list[Row], number: int) -> Row:
    applied = order["paid_at"] + dt.timedelta(hours=rng.randrange(1, 200))
    status = rng.choice(("success", "success", "pending"))
    return {
        "platform": order["platform"],
        "refund_id": f"r{number}",
        "order_id": order["order_id"],
        "product_id": lines[0]["product_id"],
        "applied_at": applied,
        "finished_at": applied + dt.timedelta(minutes=rng.randrange(1, 5000))
        if status == "success"
        else None,
        "amount": order["paid_amount"] / 2,
        "status": status,
        "kind": rng.choice(("refund_only", "return_refund")),
        "stage": rng.choice(("before_shipping", "after_receipt")),
        "reason": rng.choice(("破损", "七天无理由", None)),
    }


def _traffic(rng: random.Random, first: dt.date, days: int) -> list[Row]:
    rows = []
    for number in range(days):
        day = first + dt.timedelta(days=number)
        for scope, names in (("shop", ("*",)), ("product", PRODUCTS)):
            for name in names:
                visitors = rng.randrange(50, 500)
                rows.append(
                    {
                        "platform": "tmall",
                        "day": day,
                        "scope": scope,
                        "scope_id": name,
                        "visitors": visitors,
                        "page_views": visitors * 3,
                        "stay_seconds": float(rng.randrange(10, 90)),
                        "cart_visitors": visitors // 10,
                    }
                )
    return rows


def to_arrow(rows: Mapping[str, list[Row]]) -> dict[str, pa.Table]:
    """The rows as canonical Arrow tables; what a row does not tell is null."""
    return {
        name: pa.Table.from_pylist(
            [{column: row.get(column) for column in table_named(name).names} for row in held],
            schema=arrow_schema(name),
        )
        for name, held in rows.items()
    }


def local(moment: dt.datetime, zone: str) -> dt.datetime:
    """Wall-clock time, by the standard library."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def grouped(
    rows: Iterable[Row], key: Callable[[Row], Any], value: Callable[[list[Row]], float]
) -> dict[Any, float]:
    """A value of the rows of each group, one group at a time."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return {name: value(held) for name, held in groups.items()}
