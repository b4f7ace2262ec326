"""Purchase orders by stage, when they come in, and what runs out before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import reading
from ecops_lib.metrics.bases import Tables
from ecops_lib.supply import find_arrival_gaps, follow_purchases, measure_stage_delays
from ecops_lib.supply.purchasing.arrivals import expect_arrivals, weigh_received
from ecops_lib.supply.purchasing.gaps import miss_until
from ecops_lib.supply.purchasing.stages import STAGES, read_stages
from tests.supply.stock.shelf_shop import (
    AS_OF,
    ZONE,
    every_day,
    order_lines,
    products,
    shelves,
    stages,
)
from tests.supply.tables import rows

PLAN = {"production": 10.0, "inspection": 12.0, "shipping": 14.0, "receipt": 20.0}


def past(number: int, *, late: float = 0.0, supplier: str = "S1", sku: str = "a") -> list[Any]:
    """A received order that lost ``late`` days in production."""
    done = {stage: day + late for stage, day in PLAN.items()}
    name = f"{supplier}-{number}"
    return stages(name, sku, ordered=40 + number, due=PLAN, done=done, supplier=supplier)


def opened(done: Mapping[str, float], *, ordered: float, sku: str = "a", **more: Any) -> list[Any]:
    return stages("OPEN", sku, ordered=ordered, due=PLAN, done=done, **more)


def bought(*parts: list[Any]) -> dict[str, Any]:
    return {"purchase_orders": rows("purchase_orders", [row for part in parts for row in part])}


def test_the_stage_of_each_order_on_every_engine(light_engine: Any) -> None:
    after = {"production": 9.0, "inspection": 11.0, "shipping": 30.0}
    tables = light_engine(bought(past(0), opened(after, ordered=15)))
    held = read_stages(Tables(tables, time_zone=ZONE), as_of=AS_OF).set_index("purchase_id")
    assert held["stage"].to_dict() == {"S1-0": "", "OPEN": "shipping"}  # sent only in 15 days
    row = held.loc["OPEN"]
    assert row["age"] == pytest.approx(15.5)  # from noon to the end of the day
    assert row["enter_shipping"] == pytest.approx(11.0)
    assert np.isnan(row["done_shipping"])
    assert row["due_receipt"] == pytest.approx(20.0)


def test_a_skipped_stage_is_over_when_a_later_one_is_done() -> None:
    tables = bought(past(0), opened({"production": 9.0, "shipping": 12.0}, ordered=15))
    held = read_stages(Tables(tables, time_zone=ZONE), as_of=AS_OF).set_index("purchase_id")
    assert held.loc["OPEN", "stage"] == "receipt"
    assert held.loc["OPEN", "enter_receipt"] == pytest.approx(12.0)


def test_what_is_expected_follows_the_history_and_the_time_spent() -> None:
    history = [past(number, late=float(number % 5)) for number in range(40)]
    fresh = follow_purchases(bought(*history, opened({}, ordered=0.4)), as_of=AS_OF, time_zone=ZONE)
    stuck = follow_purchases(
        bought(*history, opened({}, ordered=13.4)), as_of=AS_OF, time_zone=ZONE
    )
    first, second = fresh.orders.iloc[0], stuck.orders.iloc[0]
    assert first["stage"] == second["stage"] == "production"
    # 20 to 24 days from the order; one that is 13.9 days in production loses the full 4
    assert abs((first["expected"].date() - AS_OF).days - 22) <= 1
    assert first["low"] < first["expected"] < first["high"]
    assert (second["expected"].date() - AS_OF).days == pytest.approx(24 - 13, abs=1)
    assert second["late_days"] == pytest.approx(4, abs=1)


def test_an_order_in_its_stage_for_longer_than_any_is_named() -> None:
    history = [past(number, late=float(number % 3)) for number in range(20)]
    found = follow_purchases(bought(*history, opened({}, ordered=60)), as_of=AS_OF, time_zone=ZONE)
    said = {f.key: f for f in found.findings()}
    assert said["purchases/stuck"].level == "bad"
    assert said["purchases/stuck"].text == (
        "OPEN from S1 is in production for 60 days, longer than any order before."
    )
    with reading("zh", "CNY"):
        assert {f.key: f.text for f in found.findings()}["purchases/stuck"] == (
            "1 张采购单在当前阶段停留的时间比以往任何一单都久，"
            "最久的是 S1 的 OPEN：已在生产阶段 60 天。"
        )
    assert found.orders["overdue"].all()


def test_without_history_only_the_due_day_tells() -> None:
    found = follow_purchases(bought(opened({}, ordered=5)), as_of=AS_OF, time_zone=ZONE)
    row = found.orders.iloc[0]
    assert row["expected"].date() == AS_OF + dt.timedelta(days=15)
    assert pd.isna(row["low"])
    assert pd.isna(row["high"])
    assert found.findings()[-1].text == (
        "No purchase order was received yet, so only due days tell when these come in."
    )


def test_no_open_order_and_no_table() -> None:
    found = follow_purchases(bought(past(0)), as_of=AS_OF, time_zone=ZONE)
    assert [f.text for f in found.findings()] == ["No purchase order is open on 2026-10-25."]
    with pytest.raises(MissingDataError, match="the purchasing sheet"):
        follow_purchases({}, as_of=AS_OF, time_zone=ZONE)


def test_days_are_lost_where_they_were_planted_on_every_engine(light_engine: Any) -> None:
    tables = bought(
        *(past(number, late=6.0) for number in range(8)),
        *(past(number, supplier="S2") for number in range(8)),
    )
    found = measure_stage_delays(light_engine(tables), as_of=AS_OF, time_zone=ZONE)
    lost = found.steps.groupby(["supplier", "stage"])["lost"].mean()
    assert lost["S1", "production"] == pytest.approx(6.0)
    assert lost.drop(("S1", "production")).abs().max() == pytest.approx(0.0)
    texts = [f.text for f in found.findings()]
    assert texts == [
        "Most days are lost in production: 3 days beyond its plan on average over 16 orders, "
        "100.00% of all days lost.",
        "In production, S1 loses 6 days on average over 8 orders; the others lose 0 days.",
    ]


def test_stages_that_keep_their_plan_are_good() -> None:
    tables = bought(*(past(number) for number in range(6)))
    found = measure_stage_delays(tables, as_of=AS_OF, time_zone=ZONE)
    assert [f.level for f in found.findings()] == ["good"]
    held = found.to_frame().set_index("stage")
    assert held["planned"].tolist() == pytest.approx([10.0, 2.0, 2.0, 6.0])
    assert held["taken"].tolist() == pytest.approx([10.0, 2.0, 2.0, 6.0])


def test_an_open_stage_past_its_due_day_counts_so_far() -> None:
    tables = bought(past(0), opened({}, ordered=15))
    found = measure_stage_delays(tables, as_of=AS_OF, time_zone=ZONE)
    held = found.steps[found.steps["stage"] == "production"]
    assert sorted(held["lost"]) == pytest.approx([0.0, 5.5])


def shelf(units: int) -> dict[str, Any]:
    return {
        "order_items": order_lines(every_day("a", 4)),
        "inventory": shelves([("a", 0, units)]),
        "products": products({"a": 4.0}),
        **bought(
            *(past(number) for number in range(12)),
            opened({"production": 10.0, "inspection": 12.0, "shipping": 14.0}, ordered=14),
        ),
    }


def test_what_runs_out_before_its_order_by_hand_on_every_engine(light_engine: Any) -> None:
    found = find_arrival_gaps(light_engine(shelf(10)), as_of=AS_OF, time_zone=ZONE)
    row = found.skus.iloc[0]
    ahead = (row["expected"].date() - AS_OF).days
    assert ahead in {5, 6, 7}  # received at day 20, 14.5 are over
    assert row["out_in"] == 3
    assert row["chance"] > 0.9
    assert row["short"] == pytest.approx(4 * (ahead - 1) - 10, abs=4)
    assert row["money"] == pytest.approx(row["short"] * 10)
    assert found.findings()[0].level == "bad"


def test_enough_stock_turns_the_sentence() -> None:
    found = find_arrival_gaps(shelf(200), as_of=AS_OF, time_zone=ZONE)
    assert [f.text for f in found.findings()] == [
        "1 SKU that sells is on order; it will probably last until then."
    ]
    assert found.skus["short"].tolist() == [0.0]


@pytest.mark.parametrize("seed", range(5))
def test_missed_units_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units, asked = rng.integers(0, 9, size=3).astype(float), rng.poisson(2.0, size=(3, 4, 6))
    arrives = rng.integers(1, 9, size=(3, 4)).astype(float)
    told = miss_until(units, asked.cumsum(axis=2).astype(float), arrives)
    for sku, future in np.ndindex(3, 4):
        left, missed = units[sku], 0.0
        for day in range(1, 7):
            if day >= arrives[sku, future]:
                break
            want = asked[sku, future, day - 1]
            missed += max(want - left, 0.0)
            left = max(left - want, 0.0)
        assert told[sku, future] == missed


def test_weights_are_those_of_kaplan_and_meier_by_hand() -> None:
    """Survival 1, 3/4, 3/4·1/2 … of times 1, 2, 2+, 3: drops 1/4, 1/4, 1/2."""
    left, received = np.array([2.0, 1.0, 3.0, 2.0]), np.array([True, True, True, False])
    assert weigh_received(left, received) == pytest.approx(np.array([0.25, 0.25, 0.5, 0]))


def world(rng: np.random.Generator) -> pd.DataFrame:
    """Orders of eight suppliers over 300 days; slow orders are slow in every stage."""
    parts = []
    for supplier in range(8):
        plan = np.array([0.5, 0.1, 0.1, 0.3]) * rng.gamma(20, 1)
        speed, shape = rng.lognormal(0, 0.25), rng.uniform(4, 16)
        days = rng.gamma(shape, 1 / shape, size=(40, 4)) * rng.gamma(20, 1 / 20, size=(40, 1))
        done = np.cumsum(plan * speed * days, axis=1)
        part = pd.DataFrame({f"true_{s}": done[:, k] for k, s in enumerate(STAGES)})
        for stage, due in zip(STAGES, np.cumsum(plan), strict=True):
            part[f"due_{stage}"] = due
        parts.append(part.assign(supplier_id=f"S{supplier}", placed=rng.uniform(0, 300, size=40)))
    return pd.concat(parts, ignore_index=True)


def as_known(orders: pd.DataFrame, day: float) -> pd.DataFrame:
    """What ``read_stages`` would tell of them on a day."""
    held = orders[orders["placed"] < day].reset_index(drop=True)
    held = held.assign(age=day - held["placed"], purchase_id=held.index.astype(str), stage="")
    entered = pd.Series(0.0, index=held.index)
    for stage in STAGES:
        done = held[f"true_{stage}"].where(held[f"true_{stage}"] < held["age"])
        held[f"done_{stage}"], held[f"enter_{stage}"] = done, entered
        held["stage"] = held["stage"].mask(entered.notna() & done.isna(), stage)
        entered = done
    return held


@pytest.mark.parametrize("planned", [True, False])
def test_80_percent_intervals_cover_80_percent(planned: bool) -> None:
    rng = np.random.default_rng(11)
    inside: list[bool] = []
    for _ in range(60):
        held = as_known(world(rng), 300.0)
        if not planned:
            held[[f"due_{stage}" for stage in STAGES]] = np.nan
        opens = held[held["stage"] != ""]
        low, high = np.quantile(expect_arrivals(held).days, (0.1, 0.9), axis=1)
        left = opens["true_receipt"] - opens["age"]
        inside += ((left >= low) & (left <= high)).tolist()
    assert len(inside) > 1000
    assert np.mean(inside) == pytest.approx(0.80, abs=0.03)
