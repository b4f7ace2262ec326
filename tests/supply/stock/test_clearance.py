"""Ways out for slow movers: each way by hand on every engine, prices, words, odd shops."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply import propose_clearance
from ecops_lib.supply.stock.clearance import mean_discount
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
from tests.supply.tables import rows

COSTS = dict.fromkeys(("live", "hold", "back", "promote", "bundle", "clear", "dead"), 4.0)
ON_HAND = {"live": 20, "hold": 200, "back": 400, "promote": 400, "bundle": 400, "clear": 900}


def shop(**more: Any) -> dict[str, Any]:
    sales = [sale for sku in ON_HAND for sale in every_day(sku, 1)]
    stock = [(sku, day, units) for sku, units in ON_HAND.items() for day in range(160)]
    stock += [("dead", day, 30) for day in range(160)]
    return {
        "order_items": rows("order_items", [*order_lines(sales).to_pylist(), *baskets("bundle")]),
        "inventory": shelves(stock),
        "products": products(COSTS),
        "traffic": traffic({"live": (1000, 28), "hold": (1000, 28), "back": (1000, 28),
                            "promote": (400, 28), "bundle": (1000, 28), "clear": (900, 20)}),
        "purchase_orders": received("back", 300),
        **more,
    }  # fmt: skip


def baskets(sku: str) -> list[dict[str, Any]]:
    return [
        {
            "platform": "tmall", "order_id": f"B{number}", "line_id": name,
            "created_at": noon(40 + number), "sku_id": name, "product_id": f"P-{name}",
            "product_name": f"Lamp {name}", "quantity": 1, "ordered_amount": Decimal(10),
            "paid_amount": Decimal(10),
        }
        for number in range(3) for name in (sku, "live")
    ]  # fmt: skip


def traffic(held: dict[str, tuple[int, int]]) -> Any:
    return rows("traffic", [
        {"platform": "tmall", "day": ago(3), "scope": "product", "scope_id": f"P-{sku}",
         "visitors": visitors, "paying_buyers": buyers}
        for sku, (visitors, buyers) in held.items()
    ])  # fmt: skip


def received(sku: str, units: int) -> Any:
    return rows("purchase_orders", [
        {"platform": "erp", "purchase_id": "U1", "sku_id": sku, "supplier_id": "S1",
         "supplier_name": "Lampworks", "stage": stage, "ordered_at": noon(40), "due_at": noon(20),
         "done_at": noon(20), "quantity": units, "unit_cost": Decimal(4)}
        for stage in ("order", "receipt")
    ])  # fmt: skip


def test_each_way_by_hand_on_every_engine(light_engine: Any) -> None:
    found = propose_clearance(light_engine(shop()), as_of=AS_OF, time_zone=ZONE)
    held = found.frame.set_index("sku_id")
    assert held["way"].to_dict() == {
        "hold": "hold", "back": "return", "promote": "promote", "bundle": "bundle",
        "clear": "clear", "dead": "clear",
    }  # fmt: skip
    assert held.loc["hold", "units"] == 200 - 120
    assert held.loc["back", "money"] == pytest.approx((400 - 120) * 4)
    assert held.loc["bundle", "partner"] == "Lamp live"
    assert held.loc["bundle", "money"] == pytest.approx((400 - 120) * 10)
    years = 900 / 365
    floor = 10 * (1 - math.exp(-0.12 * years)) / (0.12 * years)
    assert held.loc["clear", "floor"] == pytest.approx(floor)
    assert held.loc["clear", "money"] == pytest.approx((900 - 120) * floor)
    assert held.loc["dead", "floor"] == 0


def test_the_mean_discount_is_that_of_many_small_sales() -> None:
    years, rate = 3.0, 0.2
    times = (np.arange(100_000) + 0.5) / 100_000 * years
    assert mean_discount(np.array([years]), rate)[0] == pytest.approx(np.exp(-rate * times).mean())
    assert mean_discount(np.array([0.0, np.inf]), rate).tolist() == [1, 0]
    assert mean_discount(np.array([5.0]), 0.0).tolist() == [1]


def test_without_visitors_and_purchases_what_is_left_is_bundled_or_cleared() -> None:
    tables = {name: held for name, held in shop().items()
              if name not in {"traffic", "purchase_orders"}}  # fmt: skip
    held = propose_clearance(tables, as_of=AS_OF, time_zone=ZONE).frame.set_index("sku_id")["way"]
    assert held.to_dict() == {
        "hold": "hold", "back": "clear", "promote": "clear", "bundle": "bundle",
        "clear": "clear", "dead": "clear",
    }  # fmt: skip


def test_sentences_in_both_languages() -> None:
    found = propose_clearance(shop(), as_of=AS_OF, time_zone=ZONE)
    said = {f.key: f for f in found.findings()}
    assert said["clearance/return"].text == (
        "ask the supplier to take it back: 1 SKU with ¥1,120.00 at cost would bring ¥1,120.00, "
        "Lamp back first."
    )
    action = said["clearance/bundle"].action
    assert action is not None
    assert action.text == "offer Lamp bundle with Lamp live, with which it was bought before"
    with reading("zh", "CNY"):
        zh = {f.key: f.text for f in propose_clearance(shop(), as_of=AS_OF, time_zone=ZONE)
              .findings()}  # fmt: skip
    assert zh["clearance/return"].startswith("退回供应商：1 个 SKU")


def test_a_shop_without_slow_movers_says_so() -> None:
    tables = shop(inventory=shelves([("live", day, 20) for day in range(60)]))
    [told] = propose_clearance(tables, as_of=AS_OF, time_zone=ZONE).findings()
    assert told.key == "clearance/none"


def test_an_impossible_cost_of_money_is_refused() -> None:
    with pytest.raises(ParameterError, match="capital"):
        propose_clearance(shop(), as_of=AS_OF, capital=2, time_zone=ZONE)
