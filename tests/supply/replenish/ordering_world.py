"""A small world for proposals: a forecast whose truth is known, and the tables around it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ecops_lib.data.schema import arrow_schema

AS_OF = dt.date(2026, 9, 30)
ZONE = "Asia/Shanghai"

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray[Any, Any]]


def fast(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Some 40 units a day."""
    return rng.poisson(40.0, shape).astype(float)


def slow(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A unit in three days or so."""
    return rng.poisson(0.3, shape).astype(float)


def lumpy(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Nothing on nine days of ten, then a bulk."""
    asked = rng.random(shape) < 0.1
    return np.where(asked, 1 + rng.negative_binomial(1.5, 0.1, shape), 0).astype(float)


def nothing(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Never a unit."""
    return np.zeros(shape)


@dataclass(frozen=True, kw_only=True)
class KnownForecast:
    """A forecast that knows the true distribution of each series."""

    draws: Sequence[Draw]
    horizon: int = 60
    start: dt.date = AS_OF + dt.timedelta(days=1)
    frequency: Any = "day"
    warehouse: Sequence[str] | None = None
    factor: Any = 1.0

    @property
    def keys(self) -> pd.DataFrame:
        ids = [f"S{place:03d}" for place in range(len(self.draws))]
        held = pd.DataFrame({"sku_id": ids})
        if self.warehouse is not None:
            held["warehouse_id"] = list(self.warehouse)
        return held.set_index(pd.Index(range(len(ids)), name="series"))

    @property
    def mean(self) -> np.ndarray[Any, Any]:
        return self.paths(np.random.default_rng(1), 400).mean(axis=1)

    def paths(
        self, rng: np.random.Generator, count: int, *, rows: Any = None
    ) -> np.ndarray[Any, Any]:
        at = range(len(self.draws)) if rows is None else rows
        shape = (count, self.horizon)
        return np.stack([self.draws[i](rng, shape) * self.factor for i in at])


def instant(day: dt.date) -> dt.datetime:
    """Noon in Shanghai."""
    return dt.datetime(day.year, day.month, day.day, 4, tzinfo=dt.UTC)


def purchase_orders(
    leads: Sequence[int], *, supplier: str = "A", sku: str = "S000", every: int = 9
) -> pd.DataFrame:
    """Received orders, one every nine days, the last of them received before ``AS_OF``."""
    rows = []
    for place, lead in enumerate(leads):
        ordered = AS_OF - dt.timedelta(days=40 + every * (len(leads) - place))
        rows.append(
            {
                "purchase_id": f"{supplier}{place:04d}",
                "sku_id": sku,
                "stage": "receipt",
                "supplier_id": supplier,
                "quantity": 10,
                "unit_cost": 10.0,
                "ordered_at": instant(ordered),
                "due_at": instant(ordered + dt.timedelta(days=int(np.median(leads)))),
                "done_at": instant(ordered + dt.timedelta(days=int(lead))),
                "rejected": 0,
                "received": 10,
                "warehouse_id": None,
            }
        )
    return pd.DataFrame(rows)


def tables(
    count: int,
    *,
    on_hand: float | Sequence[float] = 0,
    purchases: pd.DataFrame | None = None,
    cost: float = 10.0,
    price: float = 25.0,
    **others: pd.DataFrame,
) -> dict[str, Any]:
    """Inventory and products of ``count`` SKUs; every SKU is a product of its own."""
    ids = [f"S{place:03d}" for place in range(count)]
    day = pd.Timestamp(AS_OF)
    held = np.broadcast_to(np.asarray(on_hand, float), (count,))
    stock = pd.DataFrame(
        {
            "day": [day.date()] * count,
            "warehouse_id": ["*"] * count,
            "sku_id": ids,
            "product_id": [f"P{place:03d}" for place in range(count)],
            "on_hand": held,
            "reserved": [0] * count,
            "in_transit": [0] * count,
            "hours_out": [0.0] * count,
        }
    )
    goods = pd.DataFrame(
        {
            "platform": "tmall",
            "product_id": stock["product_id"],
            "product_name": [f"Lamp {place}" for place in range(count)],
            "unit_cost": cost,
            "list_price": price,
        }
    )
    found: dict[str, Any] = {"inventory": stock, "products": goods, **others}
    if purchases is not None:
        found["purchase_orders"] = purchases
    return {name: whole_table(name, frame) for name, frame in found.items()}


def whole_table(name: str, frame: pd.DataFrame) -> pa.Table:
    """Rows as the store would hold them: all columns, exact amounts, instants in UTC."""
    schema = arrow_schema(name)
    rows = [
        {column.name: _cell(row.get(column.name), column) for column in schema}
        for row in frame.astype(object).to_dict("records")
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _cell(value: Any, column: pa.Field) -> Any:
    if pd.isna(value):
        return None
    if pa.types.is_decimal(column.type):
        return Decimal(str(value))
    return int(value) if pa.types.is_integer(column.type) else value
