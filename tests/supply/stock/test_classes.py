"""ABC-XYZ against a loop that a child could check."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply import classify_stock
from ecops_lib.supply.stock.classes import rank_abc, vary
from tests.supply.stock.shelf_shop import AS_OF, ZONE, every_day, order_lines, products, shelves


def shop() -> dict[str, Any]:
    lumpy = [("lumpy", day, 28) for day in range(3, 182, 28)]
    sales = [*every_day("steady", 10), *every_day("calm", 2), *lumpy, *every_day("late", 1, days=9)]
    costs = {"steady": 4.0, "calm": 4.0, "lumpy": 4.0, "late": 4.0, "never": 8.0}
    stock = [(sku, 0, 50) for sku in costs]
    return {
        "order_items": order_lines(sales),
        "inventory": shelves(stock),
        "products": products(costs),
    }


def test_classes_of_a_shop_by_hand_on_every_engine(light_engine: Any) -> None:
    found = classify_stock(light_engine(shop()), as_of=AS_OF, time_zone=ZONE)
    assert found.skus["cell"].to_dict() == {
        "steady": "AX",
        "calm": "AX",  # begins at 1,820 of 2,389, 76 %
        "lumpy": "BZ",  # begins at 2,184 of 2,389, 91 %
        "late": "new",
        "never": "unsold",
    }


@pytest.mark.parametrize("seed", range(20))
def test_letters_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth = rng.integers(0, 6, size=12).astype(float) * rng.integers(0, 3, size=12)
    expected = ["C"] * 12
    brought = 0.0
    for place in sorted(range(12), key=lambda k: (-worth[k], k)):
        if worth[place] > 0:
            share = brought / worth.sum()
            expected[place] = "A" if share < 0.8 - 1e-12 else "B" if share < 0.95 - 1e-12 else "C"
        brought += worth[place]
    assert rank_abc(worth, cuts=(0.8, 0.95)).tolist() == expected


@pytest.mark.parametrize("seed", range(5))
def test_variation_is_that_of_the_statistics_module(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weeks = rng.poisson(3.0, size=(4, 9)).astype(float)
    weeks[1, :4] = np.nan
    weeks[2, :6] = np.nan
    told = vary(weeks)
    for row, value in zip(weeks, told, strict=True):
        known = [week for week in row if not np.isnan(week)]
        if len(known) < 4:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(statistics.stdev(known) / statistics.mean(known))


def test_units_and_revenue_may_class_a_sku_differently() -> None:
    tables = {
        "order_items": order_lines([*every_day("many", 9), *every_day("few", 1)]),
        "inventory": shelves([("many", 0, 5), ("few", 0, 5)]),
    }
    by_units = classify_stock(tables, as_of=AS_OF, by="units", time_zone=ZONE)
    assert by_units.skus["cell"].to_dict() == {"few": "BX", "many": "AX"}


def test_the_sentence_turns_when_the_money_lies_elsewhere() -> None:
    sales = order_lines([*every_day("best", 97), *every_day("rest", 3)])
    costs = products({"best": 1.0, "rest": 1.0})
    said = {}
    for best, rest in ((97, 3), (3, 97)):
        stock = shelves([("best", 0, best), ("rest", 0, rest)])
        tables = {"order_items": sales, "inventory": stock, "products": costs}
        found = classify_stock(tables, as_of=AS_OF, time_zone=ZONE)
        said[best] = next(f for f in found.findings() if f.key == "classes/c")
    assert said[97].level == "good"
    assert said[97].text == (
        "Class C holds 3.00% of the stock at cost and brings 3.00%: money lies about where "
        "sales are."
    )
    assert said[3].level == "watch"
    assert said[3].text == (
        "Class C holds 97.00% of the stock at cost, ¥97.00, and brings only 3.00%."
    )
    assert said[3].money == pytest.approx(97.0)


def test_chinese_sentences() -> None:
    with reading("zh", "CNY"):
        found = classify_stock(shop(), as_of=AS_OF, time_zone=ZONE)
        assert found.findings()[0].text.startswith("5 个 SKU 中")


def test_one_sku_and_nothing_but_it() -> None:
    tables = {"order_items": order_lines([("a", 2, 1)]), "inventory": shelves([("a", 0, 3)])}
    found = classify_stock(tables, as_of=AS_OF, time_zone=ZONE)
    assert found.skus["cell"].tolist() == ["new"]
    assert found.skus["value"].isna().all()
    assert [f.key for f in found.findings()] == ["classes/new", "stock/costless"]


def test_a_shop_without_a_stock_table_is_told_what_to_import() -> None:
    with pytest.raises(MissingDataError, match="the warehouse's stock export"):
        classify_stock({"order_items": order_lines([])}, as_of=AS_OF, time_zone=ZONE)


def test_nothing_sold_at_all() -> None:
    tables = {"order_items": order_lines([]), "inventory": shelves([("a", 0, 3)])}
    with pytest.raises(MissingDataError, match="No paid order line"):
        classify_stock(tables, as_of=AS_OF, time_zone=ZONE)


@pytest.mark.parametrize(
    "given", [{"cuts": (0.9, 0.5)}, {"evenness": (1.0, 0.5)}, {"by": "margin"}, {"days": 3}]
)
def test_impossible_arguments(given: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        classify_stock(shop(), as_of=AS_OF, time_zone=ZONE, **given)
