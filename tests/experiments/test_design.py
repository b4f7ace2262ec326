"""Designs: what they need, how long they take, what the shop's tables tell, A/A runs."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ecops_lib.core.errors import ColumnError, MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import Store, create_store
from ecops_lib.experiments.design import looks_inflation, plan_test
from ecops_lib.experiments.duration import plan_duration
from ecops_lib.experiments.history import collect_customers, collect_visitors
from ecops_lib.experiments.null_simulation import simulate_null
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.plan import ExperimentPlan
from ecops_lib.experiments.planning import plan_experiment
from ecops_lib.experiments.power import mean_size, share_size
from ecops_lib.experiments.spending import spending_boundary

PLAN = ExperimentPlan(
    experiment_id="title", control="old", shares={"new": 0.5, "old": 0.5}, least_effect=0.1
)
FIRST = dt.date(2026, 3, 2)
AMOUNT = METRICS["paid_amount_per_visitor"]


def test_a_share_needs_what_the_formula_says() -> None:
    design = plan_test(PLAN, base=0.03)
    wanted = math.ceil(share_size(0.03, 0.033))
    assert design.per_variant == {"old": wanted, "new": wanted}
    assert design.findings()[0].text == (
        "conversion rate (now 3.00%): to find a change of 10.00% with a chance of 80.00%, the "
        "largest variant needs 53,211 units, all together 106,422 (level 5.00% a comparison)."
    )


def test_what_it_finds_is_what_it_was_made_for() -> None:
    for plan, given in (
        (PLAN, {"base": 0.03}),
        (replace(PLAN, shares={"old": 0.6, "x": 0.3, "y": 0.1}), {"base": 0.03}),
        (replace(PLAN, primary="paid_amount_per_visitor"), {"base": 8.0, "variance": 900.0}),
        (replace(PLAN, primary="refund_rate"), {"base": 0.08, "variance": 3.0}),
    ):
        for more in ({}, {"explained": 0.4}, {"daily_looks": 14}):
            design = plan_test(plan, **given, **more)
            assert design.detectable(design.total) == pytest.approx(0.1, rel=1e-6)


def test_several_treatments_covariates_and_looks_have_their_price() -> None:
    three = replace(PLAN, shares={"old": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    totals = {
        name: plan_test(three, base=0.03, correction=name).total
        for name in ("none", "dunnett", "bonferroni")
    }
    assert totals["none"] < totals["dunnett"] < totals["bonferroni"]
    plain = plan_test(PLAN, base=0.03)
    assert plan_test(PLAN, base=0.03, explained=0.3).total == pytest.approx(0.7 * plain.total)
    looked = plan_test(PLAN, base=0.03, daily_looks=28)
    assert 1.02 < looked.total / plain.total < 1.2
    keys = [f.key for f in plan_test(three, base=0.03, explained=0.3, daily_looks=7).findings()]
    assert keys[1:] == ["design/treatments", "design/explained", "design/looks"]


def test_daily_looks_reach_the_power_they_are_paid_for() -> None:
    """Simulated walks with the inflated drift cross the daily boundary in 80 % of runs."""
    days = 14
    bound = spending_boundary(np.arange(1, days + 1), planned=days)
    drift = (1.959964 + 0.841621) * math.sqrt(looks_inflation(days))
    rng = np.random.default_rng(10)
    steps = rng.normal(drift / days, math.sqrt(1 / days), (100_000, days))
    z = steps.cumsum(axis=1) / np.sqrt(np.arange(1, days + 1) / days)
    assert (z >= bound).any(axis=1).mean() == pytest.approx(0.8, abs=0.005)


def test_a_mean_and_a_margin() -> None:
    plan = replace(PLAN, primary="paid_amount_per_visitor", guardrail_margin=0.05)
    design = plan_test(plan, base=8.0, variance=900.0)
    assert design.total / 2 == pytest.approx(mean_size(0.8, 30.0))
    margin = plan_test(plan, base=8.0, variance=900.0, purpose="non_inferiority")
    assert margin.total / 2 == pytest.approx((2.8015850 / 0.4) ** 2 * 1800, rel=1e-6)
    assert "not worse by 5.00%" in margin.findings()[0].text


@pytest.mark.parametrize(
    "given",
    [
        {"base": 0.0},
        {"base": math.nan},
        {"base": 1.2},
        {"base": 0.95},
        {"base": 0.1, "explained": 1.0},
        {"base": 0.1, "metric": "average_order_value"},
        {"base": 0.1, "daily_looks": -1},
    ],
)
def test_impossible_designs_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        plan_test(PLAN, **given)


def _daily(values: list[float]) -> Any:
    import pandas as pd

    return pd.Series(values, index=pd.date_range(FIRST, periods=len(values)), dtype=float)


def test_duration_counts_whole_weeks() -> None:
    week = [100.0, 100, 100, 100, 150, 200, 250]
    for units, weeks in ((999, 1), (1000, 1), (1001, 2), (5000, 5), (5001, 6)):
        assert plan_duration(_daily(week * 3), units=units).weeks == weeks
    fading = plan_duration(_daily([70.0] * 7 + [35.0] * 7), units=900)
    assert fading.weeks == 2 + math.ceil((900 - 735) / ((490 + 245) / 2))
    assert math.isinf(plan_duration(_daily([0.0] * 7), units=1).weeks)


def test_duration_tells_its_days_and_festivals() -> None:
    held = plan_duration(_daily([100.0] * 14), units=1300, start=dt.date(2025, 9, 29))
    assert (held.end, held.readout) == (dt.date(2025, 10, 12), dt.date(2025, 10, 20))
    texts = [f.text for f in held.findings()]
    assert texts[0].startswith("The test needs 1,300 units: 2 whole weeks, to 2025-10-12")
    assert "National Day" in texts[1]
    assert [f.level for f in held.findings()] == ["info", "watch"]
    long = plan_duration(_daily([10.0] * 7), units=5_000)
    assert "more than 12 weeks" in long.findings()[0].text
    never = plan_duration(_daily([0.0] * 7), units=5)
    assert "never come" in never.findings()[0].text


@pytest.mark.parametrize("values", [[], [1.0] * 6, [1.0] * 6 + [math.nan], [1.0] * 6 + [-1.0]])
def test_impossible_histories_are_refused(values: list[float]) -> None:
    with pytest.raises(ParameterError):
        plan_duration(_daily(values), units=10)


DAYS = 28
VISITORS = 200


def _row(name: str, **cells: Any) -> dict[str, Any]:
    return {column: cells.get(column) for column in arrow_schema(name).names}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """28 days with 200 visitors and orders 10 × (1 + day % 3) by buyers who come again."""
    import pyarrow as pa

    store = create_store(tmp_path_factory.mktemp("shop"), name="Planning 店", key=b"k" * 32)
    orders, traffic, refunds = [], [], []
    for day in range(DAYS):
        noon = dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC) + dt.timedelta(days=day)
        traffic.append(
            _row(
                "traffic",
                platform="tmall",
                day=FIRST + dt.timedelta(days=day),
                scope="shop",
                scope_id="*",
                visitors=VISITORS,
            )
        )
        for number in range(10):
            amount = Decimal(10 * (1 + day % 3))
            key = f"{day:02d}{number}"
            orders.append(
                _row(
                    "orders",
                    platform="tmall",
                    order_id=key,
                    buyer_key=None if number == 9 else f"b{(day * 10 + number) % 120}",
                    created_at=noon,
                    paid_at=noon,
                    status="paid",
                    ordered_amount=amount,
                    paid_amount=amount,
                )
            )
        refunds.append(
            _row(
                "refunds",
                platform="tmall",
                refund_id=f"r{day}",
                order_id=f"{day:02d}0",
                amount=Decimal(4),
                status="success",
                kind="refund_only",
            )
        )
    tables = {"orders": orders, "traffic": traffic, "refunds": refunds}
    with store.writing() as writer:
        for name, rows in tables.items():
            writer.upsert(name, pa.Table.from_pylist(rows, schema=arrow_schema(name)))
        writer.record({"name": "a.csv", "sha256": "ab" * 32, "rows": len(orders)})
    from ecops_lib.data.store import open_store

    return open_store(store.path)


LAST = FIRST + dt.timedelta(days=DAYS - 1)


def test_history_of_visitors_is_counted_by_hand(shop: Store) -> None:
    held = collect_visitors(shop, start=FIRST, end=LAST)
    spend = np.zeros(DAYS * VISITORS)
    for day in range(DAYS):
        spend[day * VISITORS : day * VISITORS + 10] = 10 * (1 + day % 3)
    assert held.value(METRICS["conversion_rate"])[0] == pytest.approx(0.05)
    mean, variance = held.value(AMOUNT)
    assert (mean, variance) == (pytest.approx(spend.mean()), pytest.approx(spend.var(ddof=1)))
    net = held.value(METRICS["net_paid_amount_per_visitor"])[0]
    assert net == pytest.approx((spend.sum() - 4 * DAYS) / len(spend))
    assert held.value(METRICS["refunded_order_rate"])[0] == pytest.approx(0.1)
    assert held.explained(AMOUNT) == 0.0
    with pytest.raises(MissingDataError, match="carted"):
        held.value(METRICS["cart_rate"])


def test_history_of_customers_is_counted_by_hand(shop: Store) -> None:
    held = collect_customers(shop, end=LAST, window_days=7)
    cut = DAYS - 7
    before: dict[str, list[float]] = {}
    after: dict[str, float] = {}
    for day in range(DAYS):
        for number in range(9):
            buyer, amount = f"b{(day * 10 + number) % 120}", 10.0 * (1 + day % 3)
            if day < cut:
                before.setdefault(buyer, []).append(amount)
            else:
                after[buyer] = after.get(buyer, 0.0) + amount
    x = np.array([sum(before[b]) for b in sorted(before)])
    counts = np.array([len(before[b]) for b in sorted(before)])
    y = np.array([after.get(b, 0.0) for b in sorted(before)])
    assert held.moments.n == len(before)
    mean, variance = held.value(AMOUNT)
    assert (mean, variance) == (pytest.approx(y.mean()), pytest.approx(y.var(ddof=1)))
    known = np.column_stack([np.ones(len(y)), counts, x])
    rest = y - known @ np.linalg.lstsq(known, y, rcond=None)[0]
    assert held.explained(AMOUNT) == pytest.approx(1 - rest.var() / y.var(), abs=1e-9)


def test_an_experiment_planned_from_the_shop(shop: Store) -> None:
    plan = replace(PLAN, least_effect=0.5, start=LAST + dt.timedelta(days=1))
    held = plan_experiment(shop, plan=plan, as_of=LAST, weeks=4, daily_looks=False)
    wanted = 2 * math.ceil(share_size(0.05, 0.075))
    assert held.duration is not None
    assert held.duration.weeks == math.ceil(wanted / (7 * VISITORS))
    assert held.duration.start == plan.start
    frame = held.to_frame()
    row = frame.loc[frame["week"] == held.duration.weeks].iloc[0]
    assert row["units"] >= wanted
    assert row["detectable"] <= 0.5
    assert held.chart() is not None
    looked = plan_experiment(shop, plan=plan, as_of=LAST, weeks=4)
    assert looked.design.total > held.design.total
    with reading("zh"):
        assert all("{" not in f.text for f in looked.findings())


def test_a_mailing_planned_from_the_shop(shop: Store) -> None:
    held = plan_experiment(shop, plan=PLAN, as_of=LAST, unit="customer")
    assert held.duration is None
    assert "too few" in held.findings()[-2].text
    easy = plan_experiment(shop, plan=replace(PLAN, least_effect=0.6), as_of=LAST, unit="customer")
    assert "108 customers of the last 365 days: enough" in str(easy)
    assert held.chart() is None


def test_a_shop_without_visitors_is_told_so(small_shop: Store) -> None:
    with pytest.raises(MissingDataError, match="traffic"):
        plan_experiment(small_shop, plan=PLAN, as_of=dt.date(2026, 11, 5))


def _spend(n: int, seed: int) -> Any:
    import pandas as pd

    rng = np.random.default_rng(seed)
    spend = np.where(rng.random(n) < 0.3, rng.lognormal(3, 1, n), 0.0)
    return pd.DataFrame({"paid_amount": spend, "orders": (spend > 0).astype(float)})


def test_nothing_is_found_where_nothing_is() -> None:
    held = simulate_null(_spend(2_000, 1), metric=AMOUNT, rng=3, runs=600)
    assert held.sound
    assert held.uniform_p > 0.001
    assert held.to_frame()["runs"].sum() == 600
    assert held.findings()[0].level == "good"
    again = simulate_null(_spend(2_000, 1), metric=AMOUNT, rng=3, runs=600)
    assert (held.p_values == again.p_values).all()


def test_a_single_huge_buyer_is_seen() -> None:
    """One unit holds nearly all of the spend: Welch's test hardly ever rejects."""
    table = _spend(500, 2).assign(paid_amount=lambda t: t["paid_amount"] / 1e4)
    table.loc[0, "paid_amount"] = 1e6
    held = simulate_null(table, metric=AMOUNT, rng=3, runs=400)
    assert not held.sound
    assert "too cautious" in held.findings()[0].text
    assert held.uniform_p < 1e-6


def test_null_simulation_takes_ratios_and_refuses_what_it_cannot_test() -> None:
    ratio = METRICS["average_order_value"]
    assert simulate_null(_spend(800, 4), metric=ratio, rng=1, runs=50).runs == 50
    with pytest.raises(ColumnError):
        simulate_null(_spend(800, 4).drop(columns="orders"), metric=ratio, rng=1)
    with pytest.raises(ParameterError, match="at least four"):
        simulate_null(_spend(3, 4), metric=AMOUNT, rng=1)
    flat = _spend(50, 4).assign(paid_amount=1.0)
    held = simulate_null(flat, metric=AMOUNT, rng=1, runs=20)
    assert held.untested == 20
