"""Carriers measured: by slow loops, in every engine, and honest where little is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from parcel_rows import START, ZONE, at, order, parcel, random_parcels, table

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply.logistics import measure_carriers
from ecops_lib.supply.logistics.likeness import compare_rates, compare_times, holm
from ecops_lib.supply.logistics.service import CarrierService

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]


def measure(tables: Any, day: int = 44, **more: Any) -> CarrierService:
    return measure_carriers(tables, as_of=START + dt.timedelta(days=day), time_zone=ZONE, **more)


def slow_carriers(rows: list[dict[str, Any]], day: int) -> dict[str, dict[str, float]]:
    """What each carrier did, parcel by parcel."""
    from statsmodels.duration.survfunc import SurvfuncRight

    over = at(24 * (day + 1))
    held: dict[str, dict[str, float]] = {}
    for carrier in {row["carrier"] for row in rows}:
        mine = [row for row in rows if row["carrier"] == carrier]
        times, came, kept, harmed, ended = [], [], [], [], 0
        for row in mine:
            begun, end = row["picked_up_at"] or row["shipped_at"], row["delivered_at"]
            arrived = end is not None and end < over
            gone = row["trouble"] == "lost" and not arrived
            took = ((end if arrived else over) - begun).total_seconds() // 60 // 60
            times.append(1440 if gone else took)
            came.append(arrived)
            ended += arrived or row["trouble"] is not None
            harmed.append(row["trouble"] == "破损")
            promise = row["promised_at"]
            if promise and (promise < over or (arrived and end <= promise)):
                kept.append(bool(arrived and end <= promise))
        both = [r for r in mine if r["cost"] is not None and r["weight"] is not None]
        priced = [r for r in mine if r["cost"] is not None]
        curve = SurvfuncRight(np.array(times), np.array(came, int))
        held[carrier] = {
            "parcels": len(mine),
            "orders": len({r["order_id"] for r in mine}),
            "median": _first(curve, 0.5),
            "p90": _first(curve, 0.1),
            "kept_share": float(np.mean(kept)),
            "damage": sum(harmed) / ended,
            "per_kilo": sum(float(r["cost"]) for r in both) / sum(r["weight"] for r in both),
            "per_order": sum(float(r["cost"]) for r in priced)
            / len({(r["order_id"], r["province"], r["size_class"]) for r in priced}),
        }
    return held


def _first(curve: Any, left: float) -> float:
    """First time at which at most this share is left, NaN where more always is."""
    held = curve.surv_times[curve.surv_prob <= left + 1e-12]
    return float(held[0]) if len(held) else float("nan")


def test_every_engine_gives_what_loops_give(light_engine: MakeTables) -> None:
    rows = random_parcels(np.random.default_rng(2), 300)
    expected = slow_carriers(rows, 44)
    found = measure(light_engine({"shipments": table("shipments", rows)})).carriers
    found = found.set_index("carrier")
    assert set(found.index) == set(expected)
    for carrier, told in expected.items():
        told.pop("orders")
        for name, value in told.items():
            assert found.loc[carrier, name] == pytest.approx(value, nan_ok=True), (carrier, name)


@pytest.mark.spark
def test_spark_gives_the_same(spark: Any) -> None:
    rows = random_parcels(np.random.default_rng(4), 60)
    held = table("shipments", rows)
    there = measure({"shipments": spark.createDataFrame(held)}).lanes
    pd.testing.assert_frame_equal(there, measure({"shipments": held}).lanes)


def slow_pick_ups(
    day: int,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Orders of which a reader can tell by hand whether they are due and in time."""
    orders = [order(n, 24 * n + 5) for n in range(day + 1)]
    parcels = [parcel(n, "甲", 24 * n + 5 + (20 if n % 2 else 40), 30) for n in range(day + 1)]
    orders += [order(100, 240, status="closed", shipped_at=None), order(101, 240, shipped_at=None),
               order(102, 240), order(103, 240), order(104, 240, shipped_at=None)]  # fmt: skip
    parcels += [parcel(103, "乙", 250, 30), parcel(103, "乙", 240 + 60, 30, parcel_id="x")]
    refunds = [{"platform": "tmall", "refund_id": "r1", "order_id": "o104", "applied_at": at(241),
                "amount": Decimal(20), "status": "success"}]  # fmt: skip
    return orders, parcels, refunds


def test_pick_up_counts_the_shifted_window(light_engine: MakeTables) -> None:
    """T is day 45: orders paid on days 12 … 41; those of day 10 are not due any more."""
    orders, parcels, refunds = slow_pick_ups(44)
    tables = {"orders": table("orders", orders), "shipments": table("shipments", parcels),
              "refunds": table("refunds", refunds)}  # fmt: skip
    held = measure(light_engine(tables)).pick_up
    assert held is not None
    assert (held.start, held.end) == (dt.date(2026, 1, 13), dt.date(2026, 2, 11))
    assert (held.due, held.in_24, held.in_48, held.untold) == (30, 15, 30, 0)
    early = measure(light_engine(tables), 40).pick_up  # paid on days 8 … 37: 30 and five
    assert early is not None
    # o100 closed and o104 refunded: not due; o101 never shipped, o103 one parcel late: late;
    # o102 shipped without a scan: not told
    assert (early.due, early.in_24, early.in_48, early.untold) == (32, 15, 30, 1)
    cells = early.cells.set_index("carrier")
    assert cells.loc["乙", ["due", "in_24", "in_48"]].tolist() == [1, 0, 0]


def lanes(slow: str, rough: str) -> dict[str, pa.Table]:
    """Two carriers on two lanes; one slow in 四川, one that breaks parcels; one alone."""
    rng = np.random.default_rng(6)
    rows = []
    for number in range(1600):
        carrier = ["甲", "乙"][number % 2]
        province = ["四川", "浙江"][number // 2 % 2]
        took = rng.gamma(20, 2) + (20 if carrier == slow and province == "四川" else 0)
        broken = rng.random() < (0.08 if carrier == rough else 0.005)
        rows.append(
            parcel(
                number,
                carrier,
                number / 2,
                took,
                province=province,
                promised_at=at(number / 2 + 58),
                trouble="damaged" if broken else None,
            )
        )
    for number in range(90):
        harm = "damaged" if number % 9 == 0 else None
        rows.append(parcel(9000 + number, "丙", 5 * number, 40, size_class="大件", trouble=harm))
    return {"shipments": table("shipments", rows)}


def test_the_sentences_turn_with_the_truth() -> None:
    told = {f.key: f.text for f in measure(lanes("甲", "乙")).findings()}
    assert told["carriers/slow/甲"].startswith(
        "甲 is slower than the other carriers on 1 lane: 四川"
    )
    assert told["carriers/broken"].startswith("甲 breaks its promise for")
    assert told["carriers/harm"].startswith("乙 damages or loses")
    assert told["carriers/alone"].startswith("丙 damaged 11.11% of its parcels")
    assert "cannot be told" in told["carriers/alone"]
    turned = {f.key: f.text for f in measure(lanes("乙", "甲")).findings()}
    assert turned["carriers/slow/乙"].startswith("乙 is slower")
    assert turned["carriers/harm"].startswith("甲 damages or loses")
    with reading("zh"):
        told = {f.key: f.text for f in measure(lanes("甲", "乙")).findings()}
        assert told["carriers/slow/甲"].startswith("甲在1条线路上比其他快递慢：四川 · 小件")
        assert told["carriers/harm"].startswith("乙有")
    even = measure(lanes("", ""))
    assert not [f for f in even.findings() if f.level == "watch"]


def test_the_log_rank_test_is_that_of_statsmodels() -> None:
    from statsmodels.duration.survfunc import survdiff

    rng = np.random.default_rng(1)
    times, came = np.ceil(rng.gamma(3, 10, 200)), rng.random(200) < 0.8
    group = rng.choice(["a", "b"], 200)
    held = pd.DataFrame({"hours": times, "came": came, "carrier": group}).value_counts()
    counts = held.rename("parcels").reset_index().assign(province="", size_class="")
    _, p_value = survdiff(times, came.astype(int), group)
    found = compare_times(counts)
    assert found["p_value"].tolist() == pytest.approx([min(2 * p_value, 1)] * 2)


def test_mantel_and_haenszel_is_that_of_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    sums = pd.DataFrame({"carrier": list("abab"), "province": ["x", "x", "y", "y"],
                         "size_class": "", "bad": [5.0, 9, 20, 40],
                         "all": [50.0, 60, 100, 110]})  # fmt: skip
    strata = [np.array([[5, 45], [9, 51]]), np.array([[20, 80], [40, 70]])]
    slow = StratifiedTable(strata).test_null_odds(correction=False).pvalue
    found = compare_rates(sums, "bad", "all")
    assert found["p_value"].tolist() == pytest.approx([2 * slow] * 2)
    assert found["rate"].tolist() == pytest.approx([25 / 150, 49 / 170])
    assert found.loc[0, "others"] == pytest.approx((50 * 9 / 60 + 100 * 40 / 110) / 150)


def test_holm_is_that_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p_values = np.array([0.04, 0.001, 0.2, 0.012])
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert np.isnan(holm(np.array([np.nan, 0.5]))[0])


def test_odd_shops() -> None:
    with pytest.raises(MissingDataError, match="no shipments"):
        measure({})
    some = {"shipments": table("shipments", [parcel(1, "<b>甲</b>", 5, None, picked_up_at=None)])}
    with pytest.raises(MissingDataError, match="No parcel was handed over"):
        measure(some, 300)
    with pytest.raises(ParameterError, match="days"):
        measure(some, days=0)
    one = measure(some)
    assert np.isnan(one.carriers["median"].iloc[0])  # nothing delivered yet
    assert one.carriers["kept_share"].iloc[0] == 0  # promised, due, not come
    assert one.chart() is None
    assert "<b>" not in one._repr_html_().replace("&lt;b&gt;", "")
    untold = ["carrier", "province", "size_class", "weight", "cost", "promised_at"]
    row = {**parcel(1, "甲", 5, 20), **dict.fromkeys(untold)}
    bare = measure({"shipments": table("shipments", [row])})
    assert bare.carriers[["kept_share", "per_order", "per_kilo"]].isna().all(axis=None)
    assert "carrier not told" in str(bare)
