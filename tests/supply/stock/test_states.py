"""Stock: what is out, oversold or low, and what it costs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from ecops_lib.core.language import reading
from ecops_lib.data.settings import Settings
from ecops_lib.supply import find_stock_trouble
from ecops_lib.supply.stock.states import StockStates
from tests.supply.tables import make_store

DAY = dt.date(2026, 10, 27)
SETTINGS = Settings(name="Test", thresholds={"low_stock": 50, "ship_within_hours": 48})


def stock(sku: str, on_hand: int, **more: object) -> dict[str, object]:
    held = {"day": DAY, "warehouse_id": "*", "sku_id": sku, "product_id": f"P-{sku}"}
    return {**held, "on_hand": on_hand, "reserved": 0, **more}


def sold(sku: str, units: int, price: int = 100) -> dict[str, object]:
    """So many units over the 28 days up to the day."""
    moment = dt.datetime(2026, 10, 10, 4, tzinfo=dt.UTC)
    return {
        "platform": "tmall",
        "order_id": f"O-{sku}",
        "line_id": "1",
        "created_at": moment,
        "sku_id": sku,
        "product_name": f"Lamp {sku}",
        "quantity": units,
        "ordered_amount": Decimal(units * price),
        "paid_amount": Decimal(units * price),
    }


def look(
    folder: Path, inventory: list[dict[str, object]], *lines: dict[str, object]
) -> StockStates:
    tables = {"inventory": inventory, "order_items": lines}
    return find_stock_trouble(make_store(folder / "store", tables, SETTINGS), day=DAY)


def states(found: StockStates) -> dict[str, str]:
    return {sku.sku_id: sku.state for sku in found.skus}


def test_skus_are_out_oversold_or_low(tmp_path: Path) -> None:
    inventory = [
        stock("out", 0),
        stock("back", 500, hours_out=6.0),
        stock("oversold", 10, reserved=12),
        stock("low", 40),
        stock("fine", 400),
        stock("still", 3),
    ]
    lines = [sold(name, 28) for name in ("out", "back", "oversold", "low", "fine")]
    found = look(tmp_path, inventory, *lines)
    assert states(found) == {"out": "out", "back": "out", "oversold": "oversold", "low": "low"}
    assert found.counted == 6


def test_pace_leaves_out_the_days_out_of_stock_and_prices_the_loss(tmp_path: Path) -> None:
    earlier = [stock("a", 0, day=DAY - dt.timedelta(days=n), hours_out=24.0) for n in range(1, 14)]
    found = look(tmp_path, [stock("a", 0, hours_out=24.0), *earlier], sold("a", 28, price=50))
    [sku] = found.skus
    assert sku.daily_units == pytest.approx(2.0)  # 28 units in 14 days in stock
    assert sku.lost_amount == pytest.approx(2.0 * 50)


def test_warehouses_are_added_up(tmp_path: Path) -> None:
    inventory = [stock("a", 30, warehouse_id="N"), stock("a", 0, warehouse_id="S", hours_out=24.0)]
    [sku] = look(tmp_path, [*inventory], sold("a", 28)).skus
    assert (sku.state, sku.available, sku.hours_out) == ("out", 30, 24.0)


def test_variants_of_a_product_make_one_finding(tmp_path: Path) -> None:
    inventory = [stock("a", 0, product_id="P"), stock("b", 0, product_id="P")]
    found = look(tmp_path, inventory, sold("a", 27), sold("b", 54))
    [finding] = found.findings()
    assert finding.key == "stock_out/P"
    assert finding.text == (
        "Lamp b is out of stock in 2 variants, up to 24 hours of this day; they sell 3 units a day."
    )
    assert finding.money == pytest.approx(300.0)
    with reading("zh"):
        assert "断货，2 个规格" in found.findings()[0].text


def test_a_stock_that_came_back_is_watched_not_acted_on(tmp_path: Path) -> None:
    [finding] = look(tmp_path, [stock("a", 500, hours_out=6.0)], sold("a", 28)).findings()
    assert finding.level == "watch"
    assert "was out of stock for 6 hours of this day and is back" in finding.text


def test_low_stock_names_the_first_to_run_out(tmp_path: Path) -> None:
    inventory = [stock("slow", 10), stock("fast", 40)]
    [finding] = look(tmp_path, inventory, sold("slow", 28), sold("fast", 280)).findings()
    assert finding.text == (
        "2 SKUs that sell are below 50 units; the first to run out is Lamp fast, which lasts "
        "for 4 days more at its present pace."
    )


def test_oversold_units_are_counted_and_priced(tmp_path: Path) -> None:
    [finding] = look(tmp_path, [stock("a", 10, reserved=13)], sold("a", 28)).findings()
    assert finding.text == "Lamp a: 3 units are promised to orders and not in stock."
    assert finding.money == pytest.approx(300.0)


def test_an_older_snapshot_is_dated_and_a_stale_one_refused(tmp_path: Path) -> None:
    day_before = stock("a", 500, day=DAY - dt.timedelta(days=1))
    found = look(tmp_path / "new", [day_before], sold("a", 28))
    assert found.findings()[-1].text == "The stock figures are those of 2026-10-26."
    long_ago = stock("a", 500, day=DAY - dt.timedelta(days=9))
    assert "within the 3 days" in look(tmp_path / "old", [long_ago], sold("a", 28)).absent()


def test_all_in_stock_is_said_plainly(tmp_path: Path) -> None:
    [finding] = look(tmp_path, [stock("a", 500), stock("b", 900)], sold("a", 28)).findings()
    assert finding.level == "good"
    assert finding.text.startswith("2 SKUs looked at; of those that sell none is out of stock")


def test_no_inventory_says_what_to_import(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", {"order_items": [sold("a", 28)]}, SETTINGS)
    absent = find_stock_trouble(store, day=DAY).absent()
    assert "import the warehouse's stock export" in absent
