"""Dead, slow and too much stock; 动销率 and 售罄率."""

from __future__ import annotations

from typing import Any

import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply import find_idle_stock, measure_sell_through
from tests.supply.stock.shelf_shop import (
    AS_OF,
    ZONE,
    ago,
    every_day,
    order_lines,
    products,
    shelves,
    stages,
)
from tests.supply.tables import rows

COSTS = {"live": 4.0, "slow": 4.0, "dead": 4.0, "old": 4.0, "fresh": 4.0, "over": 2.0}


def shop(**more: Any) -> dict[str, Any]:
    sales = [
        *every_day("live", 2),
        ("slow", 45, 3),
        ("dead", 100, 1),
        ("old", 150, 1),
        *every_day("over", 1),
        ("gone", 140, 5),
        ("back", 140, 5),
    ]
    stock = [(sku, day, 20) for sku in ("live", "slow", "dead", "old") for day in range(160)]
    stock += [("over", day, 320) for day in range(160)]
    stock += [("fresh", day, 7) for day in range(10)]
    stock += [("gone", day, 0) for day in range(160)]
    stock += [("back", day, 0 if day > 5 else 9) for day in range(160)]
    return {
        "order_items": order_lines(sales),
        "inventory": shelves(stock),
        "products": products(COSTS),
        **more,
    }


def test_each_state_by_hand_on_every_engine(light_engine: Any) -> None:
    found = find_idle_stock(light_engine(shop()), as_of=AS_OF, time_zone=ZONE)
    held = found.skus.set_index("sku_id")
    assert held["state"].to_dict() == {
        "live": "",
        "slow": "idle",
        "dead": "idle",
        "old": "idle",
        "fresh": "",  # came in ten days ago
        "back": "",  # was out until six days ago
        "over": "over",
    }
    assert held["idle_days"].to_dict() == {
        "live": 0, "slow": 45, "dead": 100, "old": 150, "fresh": 9, "back": 5, "over": 0,
    }  # fmt: skip
    assert held["step"].to_dict() == {
        "live": 0, "slow": 1, "dead": 2, "old": 3, "fresh": 0, "back": 0, "over": 0,
    }  # fmt: skip
    assert held.loc["over", "excess"] == pytest.approx(320 - 120)
    assert held.loc["over", "excess_value"] == pytest.approx(400.0)
    assert found.new == 2


def test_sentences_and_money_in_both_languages() -> None:
    found = find_idle_stock(shop(), as_of=AS_OF, time_zone=ZONE)
    said = {f.key: f for f in found.findings()}
    assert said["idle/dead"].text == (
        "2 SKUs in stock have had no sale for 90 days or more: 40 units, ¥160.00 at cost. Most "
        "of it lies in Lamp dead."
    )
    assert said["idle/slow"].text == (
        "1 SKU has had no sale for 30 to 90 days: ¥80.00 at cost. It is Lamp slow."
    )
    assert said["idle/over"].text == (
        "1 SKU that sells has stock for more than 120 days: 200 units and ¥400.00 at cost too "
        "much. It is Lamp over."
    )
    assert [said[key].money for key in ("idle/dead", "idle/slow", "idle/over")] == [160, 80, 400]
    with reading("zh", "CNY"):
        texts = {f.key: f.text for f in found.findings()}
    assert texts["idle/dead"] == (
        "2 个有库存的 SKU 已有 90 天或更久没有卖出：40 件，成本 ¥160.00，"
        "其中占用最多的是 Lamp dead。"
    )


def test_all_is_well_when_everything_sells() -> None:
    tables = {
        "order_items": order_lines(every_day("a", 1)),
        "inventory": shelves([("a", day, 10) for day in range(160)]),
    }
    found = find_idle_stock(tables, as_of=AS_OF, time_zone=ZONE)
    assert [(f.key, f.level) for f in found.findings()][:2] == [
        ("idle/dead", "good"),
        ("idle/over", "good"),
    ]
    assert found.to_frame().empty


def test_a_never_sold_sku_of_unknown_age_is_apart() -> None:
    tables = {
        "order_items": order_lines(every_day("a", 1)),
        "inventory": shelves([("a", 0, 10), ("b", 0, 5)]),
        "products": products({"a": 1.0, "b": 3.0}),
    }
    found = find_idle_stock(tables, as_of=AS_OF, time_zone=ZONE)
    assert found.skus.set_index("sku_id")["state"].to_dict() == {"a": "", "b": "unknown"}
    listed = {**tables, "products": products({"a": 1.0, "b": 3.0}, listed_on=ago(95))}
    told = find_idle_stock(listed, as_of=AS_OF, time_zone=ZONE)
    assert told.skus.set_index("sku_id").loc["b", ["state", "idle_days"]].tolist() == ["idle", 95]


def test_a_never_sold_sku_is_idle_for_as_long_as_snapshots_show_it() -> None:
    stock = [(sku, day, 9) for sku in "ab" for day in range(101)]
    tables = {"order_items": order_lines(every_day("a", 1)), "inventory": shelves(stock)}
    found = find_idle_stock(tables, as_of=AS_OF, time_zone=ZONE)
    row = found.skus.set_index("sku_id").loc["b"]
    assert row[["state", "step", "idle_days"]].tolist() == ["idle", 2, 100]


def test_a_short_history_of_orders_calls_nothing_older() -> None:
    tables = shop(order_items=order_lines(every_day("live", 2, days=20)))
    found = find_idle_stock(tables, as_of=AS_OF, time_zone=ZONE)
    assert (found.skus["state"] != "idle").all()
    assert "idle/short" in {f.key for f in found.findings()}


def test_impossible_steps() -> None:
    with pytest.raises(ParameterError, match="rising"):
        find_idle_stock(shop(), as_of=AS_OF, time_zone=ZONE, steps=(90, 30))


def purchase(sku: str, ago_ordered: float, quantity: int) -> list[dict[str, object]]:
    done = {"production": 2.0, "inspection": 3.0, "shipping": 4.0, "receipt": 10.0}
    return stages(f"PO-{sku}", sku, ordered=ago_ordered, due={}, done=done, quantity=quantity)


def test_both_rates_are_kept_apart_on_every_engine(light_engine: Any) -> None:
    bought = rows("purchase_orders", [*purchase("live", 60, 350), *purchase("live2", 9, 70)])
    tables = shop(purchase_orders=bought)
    found = measure_sell_through(light_engine(tables), as_of=AS_OF, time_zone=ZONE)
    held = found.to_frame().set_index("category")
    # in stock in the last 30 days: live, slow, dead, old, over, fresh, back; live and over sold
    assert found.active_rate == pytest.approx(2 / 7)
    # live: 20 there + 350 received, 2 × 159 sold after the first snapshot; over 320 and 159 ...
    available = (20 + 350) + 20 + 20 + 20 + 320 + 7 + 0 + 0
    sold = 2 * 159 + 3 + 1 + 1 + 159 + 0 + 5 + 5
    assert held["available"].sum() == available
    assert held["sold"].sum() == sold
    assert found.sell_through == pytest.approx(sold / available)
    assert found.over == 2  # gone and back sold five units that no sheet tells of


def test_without_receipts_what_is_left_counts() -> None:
    tables = {
        "order_items": order_lines([*every_day("a", 1, days=30), ("b", 3, 1)]),
        "inventory": shelves([("a", 29, 40), ("a", 0, 11)]),
    }
    found = measure_sell_through(tables, as_of=AS_OF, time_zone=ZONE)
    assert found.sell_through == pytest.approx(29 / (29 + 11))
    assert found.findings()[1].text == (
        "Sell-through: of 40 units sold since 2026-09-26 or still there, 29 are sold, 72.50%; "
        "receipts are not told."
    )


def test_rejected_goods_were_never_available() -> None:
    bought = [
        {**row, "rejected": 30 if row["stage"] == "receipt" else None}
        for row in purchase("a", 20, 100)
    ]
    tables = {
        "order_items": order_lines(every_day("a", 1, days=30)),
        "inventory": shelves([("a", 29, 0), ("a", 0, 11)]),
        "purchase_orders": rows("purchase_orders", bought),
    }
    found = measure_sell_through(tables, as_of=AS_OF, time_zone=ZONE)
    assert found.categories["available"].sum() == 70


def test_hostile_names_stay_text() -> None:
    lines = order_lines([("<b>x</b>", day, 1) for day in range(60)]).to_pylist()
    named = [{**line, "product_name": "<script>alert(1)</script>\n=1+1 🦔"} for line in lines]
    tables = {
        "order_items": rows("order_items", named),
        "inventory": shelves([("<b>x</b>", day, 4000) for day in range(50)]),
        "products": products({"<b>x</b>": 1.0}, product_name="<script>alert(1)</script>"),
    }
    shown = find_idle_stock(tables, as_of=AS_OF, time_zone=ZONE)._repr_html_()
    assert "<script>" not in shown
    assert "<b>x</b>" not in shown
