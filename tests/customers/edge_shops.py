"""Shops at the edge of what there is: nobody known, one customer, everything back, wild names."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from ecops_lib.data.store import Store, create_store
from tests.customers.customer_shop import Tables, day, make_shop, noon, to_table

LAST = 120
WILD = "<script>alert('x')</script>=HYPERLINK(1) 😀\n{brace} %s"


def wild_orders() -> list[tuple[Any, ...]]:
    told = {"channel": WILD, "province": WILD, "product_id": WILD, "product_name": WILD}
    return [(f"b{n % 50}", n, 20 + n % 7, told) for n in range(LAST)]


def extras() -> Tables:
    """What surrounds the orders: ads, members, contacts, points and groups, some of it null."""
    buyers = [f"b{n}" for n in range(50)]
    ads = [{"platform": "tmall", "day": day(n), "campaign_id": WILD, "product_line": line,
            "product_id": "*", "keyword": "*", "cost": Decimal(3)}
           for n in range(LAST) for line in [WILD if n % 2 else None]]  # fmt: skip
    members = [{"buyer_key": b, "joined_at": noon(n) if n % 3 else None, "level": WILD if n % 2
                else None, "source": WILD, "referred_by": buyers[n - 1] if n % 5 == 1 else None,
                "community_joined_at": noon(n) if n % 4 == 0 else None}
               for n, b in enumerate(buyers)]  # fmt: skip
    contacts = [{"contact_id": WILD, "buyer_key": b, "sent_at": noon(60), "held_out": n % 2 == 0,
                 "message": WILD, "cost": Decimal("0.05")}
                for n, b in enumerate(buyers)]  # fmt: skip
    points = [{"movement_id": f"{n}", "buyer_key": b, "moved_at": noon(n), "kind": "earned",
               "points": 10} for n, b in enumerate(buyers)]  # fmt: skip
    groups = [{"day": day(n), "group_id": WILD, "members": 40, "joined": 1, "left": 0,
               "active_members": 7, "planned_posts": 2, "posts": 1, "clicks": 9, "orders": 1,
               "paid_amount": Decimal(30)} for n in range(30, LAST)]  # fmt: skip
    rows = {"ads": ads, "customers": members, "contacts": contacts, "points": points,
            "community": groups}  # fmt: skip
    return {name: to_table(name, held) for name, held in rows.items()}


def shops() -> dict[str, Tables]:
    """Every shop by what is odd about it; all but the empty one have orders up to a day."""
    same = [(f"b{n}", when, 10, {"channel": "a"}) for n in range(50) for when in (0, LAST - 1)]
    many = [(f"b{n % 40}", n, 30 + n % 5, {"channel": "a"}) for n in range(LAST)]
    beyond = [(number, LAST - 1, 55) for number in range(0, LAST, 2)]
    return {
        "empty": {"orders": to_table("orders", [])},
        "nobody known": {**make_shop([(None, n, 10) for n in range(LAST)]), **extras()},
        "one customer": make_shop([("b0", 3, 12.5), ("b0", LAST - 1, 7)]),
        "one order": make_shop([("b0", LAST - 1, 12.5)]),
        "all the same": {**make_shop(same), **extras()},
        "refunds beyond payment": {**make_shop(many, refunds=beyond), **extras()},
        "more back than spent": {
            **make_shop(many, refunds=[(f"b{n}", 100, 500) for n in range(40)]),
            **extras(),
        },
        "everything refunded": {
            **make_shop(many, refunds=[(n, LAST - 1, 40) for n in range(LAST)]),
            **extras(),
        },
        "all free": {**make_shop([(b, when, 0, told) for b, when, _, told in many]), **extras()},
        "one day": {
            **make_shop([(f"b{n}", LAST - 1, 10 + n, {"channel": "a"}) for n in range(50)]),
            **extras(),
        },
        "wild names": {**make_shop(wild_orders()), **extras()},
    }


def to_store(folder: Path, tables: Tables) -> Store:
    """The tables as a store; a table without rows is none."""
    store = create_store(folder, name="Edge 店", key=b"k" * 32, time_zone="Asia/Shanghai")
    with store.writing() as writer:
        for name, held in tables.items():
            if isinstance(held, pa.Table) and held.num_rows:
                writer.upsert(name, held)
        writer.record({"name": "edge.csv", "sha256": "ab" * 32, "rows": 1})
    from ecops_lib import open_store

    return open_store(folder)
