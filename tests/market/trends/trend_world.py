"""An industry made by hand: what its series do is known."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.signal import lfilter

ZONE = "Asia/Shanghai"
LAST = dt.date(2026, 10, 18)
DAYS = 560
DAY = dt.timedelta(days=1)
WEEKDAYS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.1, 1.2])
Series = dict[tuple[str, str], Any]


def days(count: int = DAYS) -> list[dt.date]:
    return [LAST - (count - 1 - k) * DAY for k in range(count)]


def wander(rng: np.random.Generator, rho: float, size: float, count: int = DAYS) -> Any:
    """Noise that hangs together from day to day, of a given standard deviation."""
    drawn = lfilter([1.0], [1.0, -rho], rng.normal(size=count + 200))[200:]
    return size * np.sqrt(1 - rho**2) * drawn


def industry(
    *, growth: float = 0.0, noise: float = 0.02, rho: float = 0.5, seed: int = 1, count: int = DAYS
) -> Any:
    """A series with weekdays and growth a year, and noise that hangs together."""
    weekday = WEEKDAYS[[day.weekday() for day in days(count)]]
    years = np.arange(count) / 364
    rng = np.random.default_rng(seed)
    return 5000 * weekday * (1 + growth) ** years * np.exp(wander(rng, rho, noise, count))


def market(series: Series, count: int = DAYS) -> pa.Table:
    """The ``market`` table of series by name and category; None is a null."""
    rows = [
        (day, name, category, value)
        for (name, category), values in series.items()
        for day, value in zip(days(count), values, strict=True)
    ]
    day, name, category, value = (list(column) for column in zip(*rows, strict=True))
    text = pa.string()
    return pa.table({"day": day, "series": pa.array(name, text),
                     "category": pa.array(category, text),
                     "value": pa.array(value, pa.float64())})  # fmt: skip


def trade(
    amounts: dict[str, Any], *, names: dict[str, str] | None = None, count: int = DAYS
) -> dict[str, pa.Table]:
    """One order a day of each category's only product, of a given amount."""
    rows = [
        (f"{category}-{k}", day, category, float(amount))
        for category, values in amounts.items()
        for k, (day, amount) in enumerate(zip(days(count), values, strict=True))
        if amount > 0
    ]
    order, day, product, amount = (list(column) for column in zip(*rows, strict=True))
    paid = pa.array([dt.datetime.combine(d, dt.time(4), dt.UTC) for d in day],
                    pa.timestamp("us", "UTC"))  # fmt: skip
    known = list(amounts)
    return {
        "orders": pa.table({"platform": ["tmall"] * len(rows), "order_id": order,
                            "created_at": paid, "paid_at": paid, "buyer_key": order,
                            "status": ["paid"] * len(rows), "paid_amount": amount}),
        "order_items": pa.table({"platform": ["tmall"] * len(rows), "order_id": order,
                                 "line_id": ["1"] * len(rows), "created_at": paid,
                                 "product_id": product, "quantity": [1] * len(rows),
                                 "paid_amount": amount}),
        "products": pa.table({"platform": ["tmall"] * len(known), "product_id": known,
                              "product_name": [(names or {}).get(p, f"商品 {p}") for p in known],
                              "category": known, "brand": pa.nulls(len(known), pa.string())}),
    }  # fmt: skip
