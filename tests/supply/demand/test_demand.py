"""Demand from order lines: each rule by hand, in every engine, in both languages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema
from ecops_lib.metrics.bases import Tables
from ecops_lib.supply.demand import build_demand, classify_demand, measure_intermittency
from ecops_lib.supply.demand.lines import SoldLines
from ecops_lib.supply.demand.result import Demand

START = dt.date(2026, 3, 2)  # a Monday
MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]


def rows(table: str, held: list[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(table)
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in held], schema)


def noon(day: int) -> dt.datetime:
    return dt.datetime.combine(START, dt.time(4), dt.UTC) + dt.timedelta(days=day)


def line(number: int, day: int, sku: str | None, units: int, **more: Any) -> dict[str, Any]:
    amount = Decimal(10 * units)
    head = {"platform": "tmall", "order_id": f"o{number}", "line_id": "1", "created_at": noon(day)}
    told = {"sku_id": sku, "product_id": f"p-{sku}" if sku else None, "product_name": f"Tea {sku}"}
    return {**head, **told, "quantity": units, "ordered_amount": amount, "paid_amount": amount,
            **more}  # fmt: skip


def shop() -> dict[str, pa.Table]:
    """Two weeks of ``a`` at 2 a day, ``b`` launched on day 7, a set of both, and odd lines."""
    held = [line(n, n, "a", 2) for n in range(14)] + [line(50 + n, n, "b", 1) for n in (8, 10)]
    held += [
        line(100, 3, "set", 1),
        line(101, 4, "a", 90),
        line(102, 5, "a", 7, paid_amount=None),
        line(103, 5, None, 1),
        line(104, 6, "a", 3),
        line(105, 13, "a", 4),
    ]
    gone = [
        {"platform": "tmall", "refund_id": "r1", "order_id": "o104", "amount": Decimal(30),
         "status": "success", "stage": "before_shipping", "finished_at": noon(7)},
        {"platform": "tmall", "refund_id": "r2", "order_id": "o105", "line_id": "1",
         "amount": Decimal(40), "status": "success", "stage": "after_receipt",
         "finished_at": noon(13)},
    ]  # fmt: skip
    orders = [
        {"platform": "tmall", "order_id": each["order_id"], "created_at": each["created_at"],
         "ordered_amount": each["ordered_amount"],
         "warehouse_id": "east" if int(each["order_id"][1:]) % 2 else "west"}
        for each in held
    ]  # fmt: skip
    stock = [
        {"day": START + dt.timedelta(days=n), "warehouse_id": "east", "sku_id": "a",
         "on_hand": 0 if n == 9 else 40, "hours_out": 24.0 if n == 9 else 0.0}
        for n in range(14)
    ]  # fmt: skip
    parts = [{"kit_sku_id": "set", "sku_id": "a", "quantity": 2},
             {"kit_sku_id": "set", "sku_id": "b", "quantity": 1}]  # fmt: skip
    goods = [{"platform": "tmall", "product_id": "p-b", "category": "tea",
              "listed_on": START + dt.timedelta(days=2)}]  # fmt: skip
    tables: Mapping[str, list[dict[str, Any]]] = {
        "order_items": held, "orders": orders, "refunds": gone, "inventory": stock,
        "kits": parts, "products": goods,
    }  # fmt: skip
    return {name: rows(name, each) for name, each in tables.items()}


def build(tables: Mapping[str, Any], day: int = 13, **more: Any) -> Demand:
    as_of = START + dt.timedelta(days=day)
    return build_demand(tables, as_of=as_of, time_zone="Asia/Shanghai", **more)


def test_every_engine_builds_the_same_demand(light_engine: MakeTables) -> None:
    held = build(light_engine(shop()))
    assert held.items.index.tolist() == ["a", "b"]
    a, b = held.sold
    assert a.tolist() == [2, 2, 2, 4, 92, 2, 2, 2, 2, 2, 2, 2, 2, 6]
    assert np.isnan(b[:2]).all()
    assert b[2:].tolist() == [0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0]
    assert (held.unnamed, held.cancelled) == (1, 3)
    assert held.bulk[["sku_id", "largest"]].values.tolist() == [["a", 90]]
    assert held.usual[0, 4] == 2 + 5  # the fence: both quartiles are 2, but 5 at least
    assert held.exposure[0].tolist() == [1.0] * 9 + [0.0] + [1.0] * 4
    assert held.demand[0, 9] > 2
    assert held.items["category"].tolist()[1] == "tea"


def test_each_warehouse_has_its_own_series() -> None:
    held = build(shop(), by_warehouse=True)
    whole = build(shop())
    assert {"a@east", "a@west"} <= set(held.items.index)
    assert np.nansum(held.sold) == np.nansum(whole.sold)
    assert held.exposure[held.items.index.get_loc("a@west")].min() == 1


def test_nothing_after_the_last_day_is_known() -> None:
    held = build(shop(), 5)
    assert held.sold.shape == (2, 6)
    assert held.cancelled == 0
    assert build(shop(), 6).sold[0, 6] == 5  # its refund comes a day later


def test_whole_weeks_and_what_is_known_ahead() -> None:
    held = build(shop(), 12)
    panel = held.panel(frequency="week")
    assert (panel.start, panel.periods) == (START, 1)
    assert panel.values[0, 0] == np.nansum(held.demand[0, :7])
    assert np.isnan(panel.values[1, 0])
    assert held.panel().days(ahead=1)[-1] == pd.Timestamp(START + dt.timedelta(days=13))


def test_intervals_and_classes_agree_with_the_definitions() -> None:
    rng = np.random.default_rng(3)
    values = rng.poisson(0.7, (40, 60)).astype(float) * rng.integers(1, 9, (40, 60))
    values[0, :30] = np.nan
    adi, cv2 = measure_intermittency(values)
    names = classify_demand(values)
    for row, interval, variation, name in zip(values, adi, cv2, names, strict=True):
        known = row[~np.isnan(row)].tolist()
        sizes = [v for v in known if v > 0]
        assert interval == pytest.approx(len(known) / len(sizes))
        assert variation == pytest.approx(float(np.var(sizes) / np.mean(sizes) ** 2))
        table = {(0, 0): "smooth", (0, 1): "erratic", (1, 0): "intermittent", (1, 1): "lumpy"}
        assert name == table[int(interval >= 1.32), int(variation >= 0.49)]


def test_the_sentences_say_what_is_missing_and_turn_with_the_truth() -> None:
    held = build(shop())
    texts = {finding.key: finding.text for finding in held.findings()}
    assert texts["demand/missed"].startswith("Empty shelves hid about")
    assert "Tea a" in texts["demand/missed"]
    assert texts["demand/unnamed"].startswith("1 paid order line names neither")
    day = {"day": START, "warehouse_id": "east", "sku_id": "a", "on_hand": 9, "hours_out": 0.0}
    whole = {**shop(), "inventory": rows("inventory", [day])}
    [missed] = [f for f in build(whole).findings() if f.key == "demand/missed"]
    assert missed.text == "No sale was missed for want of stock since 2026-03-02."
    blind = {name: table for name, table in shop().items() if name != "inventory"}
    assert "stock export" in build(blind).findings()[0].text
    with reading("zh"):
        assert "缺货" in held.findings()[0].text
        assert "库存" in build(blind).findings()[0].text


def test_odd_shops_are_told_or_built() -> None:
    with pytest.raises(MissingDataError, match="order-line export"):
        build({"orders": shop()["orders"]})
    with pytest.raises(MissingDataError, match="names a SKU or a product"):
        build({"order_items": rows("order_items", [line(1, 5, None, 1)])})
    one = build({"order_items": rows("order_items", [line(1, 0, "a", 1)])}, 0)
    assert one.demand.tolist() == [[1.0]]
    assert str(one)
    assert one.chart() is None
    hostile = build({"order_items": rows("order_items", [line(1, 0, "<b>x</b>", 1)])}, 0)
    assert "<b>" not in hostile._repr_html_().replace("&lt;b&gt;", "")


@pytest.mark.spark
def test_spark_counts_the_same_days(spark: Any) -> None:
    there = {name: spark.createDataFrame(shop()[name]) for name in ("order_items", "refunds")}
    last = START + dt.timedelta(days=13)
    told, plain = (
        SoldLines(Tables(held, time_zone="UTC"), start=START, as_of=last, by_warehouse=False)
        for held in (there, {name: shop()[name] for name in there})
    )
    pd.testing.assert_frame_equal(told.daily(), plain.daily(), check_dtype=False)


def test_a_short_window_knows_what_was_on_sale_before_it() -> None:
    """``b`` sold on days 8 and 10; seen from day 9 on it is no launch of day 10."""
    tables = {name: table for name, table in shop().items() if name not in {"products", "kits"}}
    held = build(tables, days=5)
    assert held.items.index.tolist() == ["a", "b"]
    assert held.sold[1].tolist() == [0, 1, 0, 0, 0]
    assert held.items["launch"].isna().all()


def test_an_order_paid_later_is_not_known_yet() -> None:
    orders = shop()["orders"].to_pylist()
    for each in orders:
        each["paid_at"] = noon(9) if each["order_id"] == "o3" else each["created_at"]
    tables = {**shop(), "orders": rows("orders", orders)}
    assert build(tables, 8).sold[0, 3] == 2
    assert build(tables, 9).sold[0, 3] == 4
