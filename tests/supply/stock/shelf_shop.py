"""A shop of a few SKUs by hand: what sold, what lay on the shelf, what was ordered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal

import pyarrow as pa

from tests.supply.tables import rows

ZONE = "Asia/Shanghai"
AS_OF = dt.date(2026, 10, 25)
"""A Sunday."""

Sale = tuple[str, int, int]
"""SKU, days before ``AS_OF``, units."""
Shelf = tuple[str, int, int]
"""SKU, days before ``AS_OF``, units on hand."""


def ago(days: float) -> dt.date:
    return AS_OF - dt.timedelta(days=days)


def noon(days: float) -> dt.datetime:
    """Noon in Shanghai so many days before."""
    return dt.datetime.combine(ago(days), dt.time(4), dt.UTC)


def order_lines(sales: Iterable[Sale], price: int = 10) -> pa.Table:
    held = [
        {
            "platform": "tmall",
            "order_id": f"O{number}",
            "line_id": "1",
            "created_at": noon(days),
            "sku_id": sku,
            "product_id": f"P-{sku}",
            "product_name": f"Lamp {sku}",
            "quantity": units,
            "ordered_amount": Decimal(units * price),
            "paid_amount": Decimal(units * price),
        }
        for number, (sku, days, units) in enumerate(sales)
    ]
    return rows("order_items", held)


def shelves(held: Iterable[Shelf], **more: object) -> pa.Table:
    return rows(
        "inventory",
        [
            {
                "day": ago(days),
                "warehouse_id": "*",
                "sku_id": sku,
                "product_id": f"P-{sku}",
                "on_hand": units,
                "reserved": 0,
                **more,
            }
            for sku, days, units in held
        ],
    )


def products(costs: Mapping[str, float | None], **more: object) -> pa.Table:
    return rows(
        "products",
        [
            {
                "platform": "tmall",
                "product_id": f"P-{sku}",
                "product_name": f"Lamp {sku}",
                "category": "lamps",
                "list_price": Decimal(10),
                "unit_cost": None if cost is None else Decimal(str(cost)),
                **more,
            }
            for sku, cost in costs.items()
        ],
    )


def every_day(sku: str, units: int, *, days: int = 200, until: int = 0) -> list[Sale]:
    """The same sale on each day, the last one ``until`` days before."""
    return [(sku, day, units) for day in range(until, until + days)]


def stages(
    purchase: str,
    sku: str,
    *,
    ordered: float,
    due: Mapping[str, float],
    done: Mapping[str, float],
    supplier: str = "S1",
    quantity: int = 100,
) -> list[dict[str, object]]:
    """Rows of a purchase order; days count from the order, ``ordered`` days before ``AS_OF``."""
    placed = noon(0) - dt.timedelta(days=ordered)
    return [
        {
            "purchase_id": purchase,
            "sku_id": sku,
            "stage": stage,
            "supplier_id": supplier,
            "quantity": quantity,
            "unit_cost": Decimal(4),
            "ordered_at": placed,
            "due_at": placed + dt.timedelta(days=due[stage]) if stage in due else None,
            "done_at": placed + dt.timedelta(days=done[stage]) if stage in done else None,
        }
        for stage in ("production", "inspection", "shipping", "receipt")
    ]
