"""Small shops with members, points and chat groups, for the tests of membership."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tests.customers.customer_shop import ZONE, Tables, day, make_shop, noon, to_table

__all__ = ["ZONE", "Tables", "add_customers", "add_groups", "add_points", "day", "make_shop"]

Row = dict[str, Any]


def add_customers(tables: Tables, rows: Iterable[Row]) -> Tables:
    """With a member list; days are numbers, and members joined on day 0 unless told otherwise."""
    told = []
    for row in rows:
        held = {"joined_at": 0, **row}
        for name in ("joined_at", "community_joined_at"):
            if held.get(name) is not None:
                held[name] = noon(held[name])
        told.append(held)
    return {**tables, "customers": to_table("customers", told)}


def add_points(tables: Tables, rows: Iterable[tuple[Any, ...]]) -> Tables:
    """With movements of (buyer, day, kind, points)."""
    told = [
        {"movement_id": str(n), "buyer_key": buyer, "moved_at": noon(when), "kind": kind,
         "points": points}
        for n, (buyer, when, kind, points) in enumerate(rows)
    ]  # fmt: skip
    return {**tables, "points": loose_table("points", told)}


def add_groups(tables: Tables, rows: Iterable[Row]) -> Tables:
    """With the statistics of chat groups; ``day`` is a number, amounts are plain."""
    told = [
        {**row, "day": day(row["day"]), "paid_amount": _money(row.get("paid_amount"))}
        for row in rows
    ]
    return {**tables, "community": loose_table("community", told)}


def loose_table(name: str, rows: list[Row]) -> pa.Table:
    """A canonical table, also with the empty cells that an import would refuse."""
    return to_table(name, rows)


def _money(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def random_orders(seed: int, buyers: int = 30) -> tuple[list[tuple[Any, ...]], list[Any]]:
    """Orders and refunds as ``make_shop`` takes them; some are nobody's, free or sent back."""
    rng = random.Random(seed)
    names = (None, *(f"b{n}" for n in range(buyers)))
    orders = [(rng.choice(names), rng.randrange(220), rng.randrange(0, 60)) for _ in range(220)]
    refunds = [
        (number, orders[number][1] + rng.randrange(9), rng.choice((5, orders[number][2])))
        for number in rng.sample(range(len(orders)), 30)
    ]
    refunds += [("b1", 60, 7), ("b2", 190, 3)]
    return orders, refunds
