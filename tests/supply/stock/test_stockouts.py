"""When stock runs out, and what is promised beyond it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply import find_oversell, forecast_stockouts
from ecops_lib.supply.policies import set_safety_stock
from ecops_lib.supply.stock.futures import draw_weeks
from ecops_lib.supply.stock.stockouts import run_out
from tests.supply.stock.shelf_shop import (
    AS_OF,
    ZONE,
    every_day,
    noon,
    order_lines,
    products,
    shelves,
    stages,
)
from tests.supply.tables import rows


def shop(**more: Any) -> dict[str, Any]:
    skus = {"even": 24, "out": 0, "rich": 900}
    sales = [sale for sku in skus for sale in every_day(sku, 3)]
    return {
        "order_items": order_lines(sales),
        "inventory": shelves([(sku, 0, units) for sku, units in skus.items()]),
        "products": products(dict.fromkeys(skus, 4.0)),
        **more,
    }


def test_days_to_stock_out_by_hand_on_every_engine(light_engine: Any) -> None:
    found = forecast_stockouts(light_engine(shop()), as_of=AS_OF, time_zone=ZONE)
    held = found.skus.set_index("sku_id")
    assert held["days"].to_dict() == {"even": 8.0, "out": 0.0, "rich": float("inf")}
    assert held["money"].tolist() == pytest.approx([30.0] * 3)
    assert found.to_frame()["sku_id"].tolist() == ["out", "even"]


def test_words_name_the_most_pressing_first_in_both_languages() -> None:
    found = forecast_stockouts(shop(), as_of=AS_OF, time_zone=ZONE)
    texts = [f.text for f in found.findings()]
    assert texts[0] == "Lamp out is out and nothing is on its way."
    assert texts[1] == (
        "Of 3 SKUs that sell 2 will be out within 30 days if nothing comes in, sales of ¥60.00 a "
        "day in all; 2 are out by then or below their threshold."
    )
    with reading("zh", "CNY"):
        assert found.findings()[0].text == "Lamp out 已断货，且没有在途。"


def test_goods_on_their_way_change_the_sentence() -> None:
    coming = rows(
        "purchase_orders",
        stages("PO1", "out", ordered=5, due={"receipt": 20.0}, done={"production": 2.0}),
    )
    found = forecast_stockouts(shop(purchase_orders=coming), as_of=AS_OF, time_zone=ZONE)
    assert found.findings()[0].text == "Lamp out is out; 100 units are on their way."


def test_a_computed_threshold_is_the_textbook_reorder_point() -> None:
    received = {"production": 5.0, "inspection": 6.0, "shipping": 7.0, "receipt": 9.0}
    past = [
        row
        for number in range(9)
        for row in stages(f"PO{number}", "even", ordered=20 + number, due={}, done=received)
    ]
    tables = shop(purchase_orders=rows("purchase_orders", past))
    found = forecast_stockouts(tables, as_of=AS_OF, time_zone=ZONE, threshold="computed")
    expected = set_safety_stock(demand_mean=3, demand_sd=0, lead_mean=9, csl=0.95)
    limits = found.skus.set_index("sku_id")["threshold"]
    assert limits["even"] == pytest.approx(expected.reorder_point)
    fixed = forecast_stockouts(tables, as_of=AS_OF, time_zone=ZONE)
    assert set(fixed.skus["threshold"]) == {50.0}


@pytest.mark.parametrize("seed", range(5))
def test_running_out_is_that_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units, asked = rng.integers(-2, 20, size=4).astype(float), rng.poisson(2.0, size=(4, 6, 8))
    told = run_out(units, asked.cumsum(axis=2).astype(float))
    for sku, future in np.ndindex(4, 6):
        left, day = units[sku], 0
        while left > 0 and day < 8:
            left -= asked[sku, future, day]
            day += 1
        assert told[sku, future] == (day if left <= 0 else np.inf)


def test_the_interval_of_the_day_covers_what_happens() -> None:
    """80 % intervals of Poisson, over-dispersed and weekly patterned demand, 900 SKUs."""
    rng = np.random.default_rng(3)
    week = np.array([0.6, 0.8, 0.9, 1.0, 1.1, 1.3, 1.3])
    rate = rng.gamma(3, 2, size=(900, 1)) * np.tile(week, 16)[None, :]
    noise = np.where(np.arange(900)[:, None] % 2, rng.gamma(2, 0.5, size=(900, 112)), 1.0)
    days = rng.poisson(rate * noise).astype(float)
    past, ahead = days[:, :56], days[:, 56:]
    units = np.round(past.mean(axis=1) * 20)
    asked = draw_weeks(past, count=200, days=56, rng=rng).cumsum(axis=2)
    drawn = run_out(units, asked)
    low, high = np.quantile(drawn, (0.1, 0.9), axis=1, method="inverted_cdf")
    happened = run_out(units, ahead.cumsum(axis=1)[:, None, :])[:, 0]
    kept = units > 0
    inside = ((happened >= low) & (happened <= high))[kept].mean()
    assert 0.77 <= inside <= 0.86  # whole days: the ends belong to the interval


def waiting(sku: str, number: int, **more: object) -> dict[str, Any]:
    placed = noon(1)
    return {
        "platform": "tmall",
        "order_id": f"W{number}",
        "created_at": placed,
        "paid_at": placed,
        "status": "paid",
        **more,
    }


def oversold(**more: Any) -> dict[str, Any]:
    base = shop()
    lines = base["order_items"].to_pylist()
    for number in range(6):
        lines.append({**lines[0], "order_id": f"W{number}", "sku_id": "out", "quantity": 2,
                      "product_id": "P-out", "product_name": "Lamp out", "paid_amount": 20,
                      "created_at": noon(1)})  # fmt: skip
    orders = [waiting("out", number) for number in range(5)]
    orders.append(waiting("out", 5, shipped_at=noon(0), status="shipped"))
    return {
        **base,
        "order_items": rows("order_items", lines),
        "orders": rows("orders", orders),
        **more,
    }


def test_promised_units_are_counted_once_on_every_engine(light_engine: Any) -> None:
    tables = oversold(
        inventory=shelves([("even", 0, 24), ("rich", 0, 9), ("out", 0, 3)], reserved=10)
    )
    found = find_oversell(light_engine(tables), as_of=AS_OF, time_zone=ZONE)
    held = found.skus.set_index("sku_id")
    assert held["waiting"].to_dict() == {"even": 0, "rich": 0, "out": 10}  # one of six is shipped
    assert held["missing"].to_dict() == {"even": 0, "rich": 1, "out": 7}
    assert found.findings()[0].level == "bad"


def test_goods_that_come_in_time_save_the_promise() -> None:
    quick = {"production": 1.0, "inspection": 1.2, "shipping": 1.5, "receipt": 3.0}
    past = [
        row
        for number in range(12)
        for row in stages(f"PO{number}", "rich", ordered=30 + number, due={}, done=quick)
    ]
    sent = {stage: day for stage, day in quick.items() if stage != "receipt"}
    coming = stages("PO-new", "out", ordered=2.2, due={}, done=sent)
    told = {}
    for name, bought in {"without": past, "with": [*past, *coming]}.items():
        tables = oversold(purchase_orders=rows("purchase_orders", bought))
        told[name] = find_oversell(tables, as_of=AS_OF, time_zone=ZONE).findings()[0]
    assert told["without"].text == (
        "Lamp out: 10 more units are promised than are there within 2 days; sales of ¥100.00."
    )
    assert told["with"].level == "good"


def test_a_weekly_forecast_is_refused() -> None:
    class Weekly:
        frequency, start = "week", AS_OF

    with pytest.raises(ParameterError, match="by day"):
        forecast_stockouts(shop(), as_of=AS_OF, time_zone=ZONE, forecast=Weekly())  # type: ignore[arg-type]
