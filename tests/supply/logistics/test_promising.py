"""Promises kept: by hand, in every engine, weighted, and on a marketplace's sample."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from parcel_rows import START, ZONE, order, parcel, table

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.store import open_store
from ecops_lib.supply.logistics import measure_promises
from ecops_lib.supply.logistics.promises import PromisesKept

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]


def measure(tables: Any, **more: Any) -> PromisesKept:
    return measure_promises(tables, as_of=START + dt.timedelta(days=30), time_zone=ZONE, **more)


def shop(worse: str = "四川") -> dict[str, pa.Table]:
    """60 orders to each of two provinces; in one, 20 come late and 4 not at all."""
    rows, orders = [], []
    for number in range(120):
        province = ["四川", "浙江"][number % 2]
        bad = province == worse and number < 48
        took = None if bad and number < 8 else 90 if bad else 40
        rows.append(
            parcel(number, "甲", number, took, province=province, seller_id=f"s{number % 3}")
        )
        orders.append(order(number, number, status="shipped" if took is None else "completed"))
    rows.append(parcel(0, "乙", 0, 40, parcel_id="second"))  # of an order that is broken anyway
    rows.append(parcel(500, "甲", 31 * 24 - 10, None))  # not due
    return {"shipments": table("shipments", rows), "orders": table("orders", orders)}


def test_every_engine_counts_orders_by_hand(light_engine: MakeTables) -> None:
    held = measure(light_engine(shop()))
    rows = held.frame.set_index("key")
    assert rows.loc["四川", ["orders", "kept", "late", "never"]].tolist() == pytest.approx(
        [60, 36 / 60, 20 / 60, 4 / 60]
    )
    assert rows.loc["浙江", ["orders", "kept"]].tolist() == [61, 1]  # one order goes to both
    assert (held.whole["orders"], held.whole["kept"]) == (120, pytest.approx(96 / 120))


def test_weights_stand_for_what_a_sample_left_out(light_engine: MakeTables) -> None:
    held = measure(light_engine(shop()), weights={"completed": 3.0})
    row = held.frame.set_index("key").loc["四川"]
    assert row["due"] == 4 + 56 * 3
    assert row["kept"] == pytest.approx(36 * 3 / 172)
    assert row["never"] == pytest.approx(4 / 172)
    assert "Orders are weighted: 120 were counted." in held.findings()[0].text


def test_the_sentences_turn_with_the_truth() -> None:
    texts = [f.text for f in measure(shop()).findings()]
    assert texts == [
        "80.00% of 120 orders that were due came as promised; 16.67% came late, 3.33% have not "
        "come.",
        "1 group surely keeps fewer promises than the rest: 四川, 60.00% against 100.00%, which "
        "is 24 broken promises more.",
    ]
    assert "浙江, 6" in measure(shop("浙江")).findings()[1].text
    assert measure(shop("")).findings()[1].level == "good"
    with reading("zh"):
        assert measure(shop()).findings()[0].text == (
            "已到承诺日的120笔订单中，80.00%按承诺送达，16.67%迟到，3.33%至今未到。"
        )


def test_odd_shops() -> None:
    with pytest.raises(MissingDataError, match="no shipments"):
        measure({})
    with pytest.raises(MissingDataError, match="promised"):
        measure({"shipments": table("shipments", [parcel(1, "甲", 5, 3, promised_at=None)])})
    with pytest.raises(ParameterError, match="weights"):
        measure(shop(), weights={"completed": -1})
    with pytest.raises(ParameterError, match="by"):
        measure(shop(), by="moon")
    one = measure({"shipments": table("shipments", [parcel(1, "甲", 5, 3, province="<i>x</i>")])})
    assert one.chart() is None
    assert len(one.findings()) == 1
    assert "<i>" not in one._repr_html_().replace("&lt;i&gt;", "")


WEIGHT = 96478 / 29973
"""Of the sample's delivered orders, what each stands for (its README)."""


@pytest.mark.realdata
def test_a_marketplace_kept_its_promises(shared: Path, tmp_path: Path, ecops: Any) -> None:
    """Olist by state and seller: 90.51 % of 99,437 orders, Rio de Janeiro 84.41 %."""
    folder = shared / "olist"
    names = ("orders", "order_items", "payments_FULL", "customers")
    files = [folder / f"{name}.parquet" for name in names]
    ecops("import", *map(str, files), "--store", str(tmp_path / "s"))
    store, end = open_store(tmp_path / "s"), pd.Timestamp("2018-10-18")
    orders, items, people = (pd.read_parquet(files[n]) for n in (0, 1, 3))
    over = orders["order_estimated_delivery_date"] + pd.Timedelta(days=1)
    came = orders["order_delivered_customer_date"]
    kept = (came < over) & (came < end)
    orders = orders.merge(people[["customer_id", "customer_state"]]).assign(
        kept=kept, weight=orders["order_status"].eq("delivered").map({True: WEIGHT, False: 1.0})
    )
    due = orders[kept | (over <= end)]
    assert (len(orders), len(due)) == (32_936, 32_932)
    asked = {"as_of": "2018-10-17", "weights": {"completed": WEIGHT}}
    states = measure_promises(store, **asked)  # type: ignore[arg-type]
    assert states.whole["due"] == pytest.approx(due["weight"].sum())
    assert states.whole["kept"] == pytest.approx(0.9051, abs=5e-5)
    _agree(states, due, "customer_state")
    assert states.findings()[1].key == "promises/RJ"
    assert states.frame.set_index("key").loc["RJ", "kept"] == pytest.approx(0.8441, abs=5e-5)
    sellers = measure_promises(store, by="seller_id", **asked)  # type: ignore[arg-type]
    pairs = items[["order_id", "seller_id"]].drop_duplicates()
    _agree(sellers, due.merge(pairs, on="order_id"), "seller_id")


def _agree(held: PromisesKept, due: pd.DataFrame, by: str) -> None:
    """Weighted shares by plain pandas."""
    sums = due.assign(good=due["kept"] * due["weight"]).groupby(by)[["good", "weight"]].sum()
    found = held.frame.set_index("key")["kept"]
    pd.testing.assert_series_equal(
        found.sort_index(),
        (sums["good"] / sums["weight"]).sort_index(),
        check_names=False,
        check_index_type=False,
    )
