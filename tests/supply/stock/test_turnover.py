"""Turnover, days of inventory and cover, each by its own formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecops_lib.supply import measure_turnover
from ecops_lib.supply.stock.view import cover_by_forecast
from tests.supply.stock.shelf_shop import (
    AS_OF,
    ZONE,
    ago,
    every_day,
    noon,
    order_lines,
    products,
    shelves,
)


def saw(days: int = 90) -> list[tuple[str, int, int]]:
    """Stock that falls from 30 to 1 and is filled up again, three times in 90 days."""
    return [("a", day, day % 30 + 1) for day in range(days)]


def shop(**more: Any) -> dict[str, Any]:
    return {
        "order_items": order_lines(every_day("a", 1)),
        "inventory": shelves(saw()),
        "products": products({"a": 4.0}),
        **more,
    }


def test_turnover_by_hand_on_every_engine(light_engine: Any) -> None:
    found = measure_turnover(light_engine(shop()), as_of=AS_OF, time_zone=ZONE)
    average = sum(units for _, _, units in saw()) / 90 * 4
    row = found.skus.iloc[0]
    assert (found.start, found.days, found.snapshots) == (ago(89), 90, 90)
    assert row["average"] == pytest.approx(average) == pytest.approx(62.0)
    assert row["cost"] == 90 * 4
    assert found.inventory_days == pytest.approx(90 * average / 360)
    assert row["turnover"] == pytest.approx(365 * 360 / 90 / average)
    assert row["cover_pace"] == pytest.approx(1.0)  # one unit is left, one is sold a day


def test_two_points_would_have_said_something_else() -> None:
    level = [("a", day, 100 if 0 < day < 89 else 10) for day in range(90)]
    found = measure_turnover(shop(inventory=shelves(level)), as_of=AS_OF, time_zone=ZONE)
    assert found.inventory_days_of_ends == pytest.approx(10.0)
    assert found.inventory_days == pytest.approx(98.0)
    said = {f.key: f.text for f in found.findings()}
    assert said["turnover/ends"] == (
        "The mean of the first and the last day alone would have said 10 days of inventory "
        "instead of 98 days."
    )
    flat = [("a", day, 10) for day in range(90)]
    same = measure_turnover(shop(inventory=shelves(flat)), as_of=AS_OF, time_zone=ZONE)
    assert "turnover/ends" not in {f.key for f in same.findings()}


def test_a_weekly_warehouse_beside_a_daily_one_counts_alike() -> None:
    daily = shelves([("a", day, 10) for day in range(85)], warehouse_id="north")
    weekly = shelves([("a", day, 30) for day in range(0, 85, 7)], warehouse_id="south")
    import pyarrow as pa

    both = pa.concat_tables([daily, weekly])
    found = measure_turnover(shop(inventory=both), as_of=AS_OF, time_zone=ZONE)
    assert found.skus["average"].iloc[0] == pytest.approx(40 * 4)


def test_a_single_snapshot_tells_no_turnover_but_cover() -> None:
    found = measure_turnover(shop(inventory=shelves([("a", 0, 14)])), as_of=AS_OF, time_zone=ZONE)
    assert np.isnan(found.inventory_days)
    assert found.skus["cover_pace"].iloc[0] == pytest.approx(14.0)
    assert found.findings()[0].text == (
        "Turnover cannot be told: stock and orders are both known for 1 day only, and it takes "
        "28 days."
    )


def test_an_unknown_cost_is_apart_and_never_zero() -> None:
    tables = {
        "order_items": order_lines([*every_day("a", 1), *every_day("b", 1)]),
        "inventory": shelves([(sku, day, 10) for sku in "ab" for day in range(90)]),
        "products": products({"a": 4.0, "b": None}),
    }
    found = measure_turnover(tables, as_of=AS_OF, time_zone=ZONE)
    assert found.inventory_days == pytest.approx(10.0)
    row = found.skus.set_index("sku_id").loc["b"]
    assert row[["value", "average", "cost", "turnover"]].isna().all()
    assert found.findings()[-1].text == (
        "The cost of 1 SKU in stock is not told; its 10 units are in no amount at cost."
    )


def test_what_sells_after_the_day_is_not_known() -> None:
    later = order_lines([*every_day("a", 1), ("a", -3, 500)])
    stock = shelves([*saw(), ("a", -3, 900)])
    ours = measure_turnover(shop(order_items=later, inventory=stock), as_of=AS_OF, time_zone=ZONE)
    assert (
        ours.inventory_days == measure_turnover(shop(), as_of=AS_OF, time_zone=ZONE).inventory_days
    )
    assert noon(-3).date() > AS_OF


@pytest.mark.parametrize("seed", range(10))
def test_cover_by_forecast_is_the_day_the_stock_is_gone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    expected, units = rng.gamma(1.0, 2.0, size=20), float(rng.uniform(0, 60))
    left, days = units, 0.0
    for asked in np.tile(expected, 1):
        if left < asked:
            days += left / asked
            break
        left, days = left - asked, days + 1
    else:
        days = 20 * units / expected.sum()
    told = cover_by_forecast(np.array([units]), expected[None, :])
    assert told[0] == pytest.approx(days)
