"""Proposals: quantities, reasons and sentences, over planted worlds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply.replenish import OrderRules, Season, plan_horizon, propose_orders
from ecops_lib.supply.replenish.proposal import OrderProposal
from tests.supply.replenish.ordering_world import (
    AS_OF,
    ZONE,
    KnownForecast,
    fast,
    instant,
    lumpy,
    nothing,
    purchase_orders,
    slow,
    tables,
    whole_table,
)

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]
LEADS = [12, 13, 14, 15, 16] * 6


def terms(count: int, **columns: Any) -> pd.DataFrame:
    """A sheet of terms: all from supplier A at 10."""
    held = {"supplier_id": "A", "unit_cost": 10.0, "minimum_quantity": 0, "pack_size": 1}
    ids = [f"S{place:03d}" for place in range(count)]
    return pd.DataFrame({"sku_id": ids, **held, "lead_days": 14.0, **columns})


def suppliers(**columns: Any) -> pd.DataFrame:
    held = {"supplier_id": ["A"], "supplier_name": ["Works"], "payment_days": [30.0]}
    return pd.DataFrame({**held, "minimum_amount": [0.0], "order_cost": [0.0], **columns})


def propose(world: dict[str, Any], draws: list[Any], **arguments: Any) -> OrderProposal:
    forecast = arguments.pop("forecast", KnownForecast(draws=draws))
    rules = arguments.pop("rules", OrderRules(futures=400))
    return propose_orders(
        world, as_of=AS_OF, forecast=forecast, rules=rules, time_zone=ZONE, **arguments
    )


def texts(result: Any) -> dict[str, str]:
    return {finding.key: finding.text for finding in result.findings()}


def test_position_counts_what_is_promised_and_what_is_on_the_way() -> None:
    bought = purchase_orders(LEADS)
    open_one = bought.iloc[-1].to_dict() | {
        "purchase_id": "open", "quantity": 70, "done_at": None, "received": None
    }  # fmt: skip
    every = pd.DataFrame([*bought.to_dict("records"), open_one])
    world = tables(1, on_hand=100, purchases=every)
    stock = world["inventory"].to_pandas().assign(reserved=30, in_transit=50)
    world["inventory"] = whole_table("inventory", stock)
    [line] = propose(world, [fast]).lines.itertuples(index=False)
    assert (line.coming, line.position) == (70, 100 - 30 + 70)
    stock["in_transit"] = 90
    world["inventory"] = whole_table("inventory", stock)
    [line] = propose(world, [fast]).lines.itertuples(index=False)
    assert line.coming == 90


def test_the_future_is_not_known() -> None:
    """An order of a later day changes nothing; one received later is still open."""
    bought = purchase_orders(LEADS)
    alone = propose(tables(1, purchases=bought), [fast]).lines
    later = [
        row | {"purchase_id": f"{row['purchase_id']}x", "quantity": 10**6}
        | {name: row[name] + dt.timedelta(days=400) for name in ("ordered_at", "due_at", "done_at")}
        for row in bought.to_dict("records")
    ]  # fmt: skip
    world = tables(1, purchases=pd.DataFrame([*bought.to_dict("records"), *later]))
    pd.testing.assert_frame_equal(propose(world, [fast]).lines, alone)
    rows = bought.to_dict("records")
    rows[-1]["done_at"] = instant(AS_OF + dt.timedelta(days=1))
    late = propose(tables(1, purchases=pd.DataFrame(rows)), [fast]).lines
    assert (alone["coming"].iloc[0], late["coming"].iloc[0]) == (0, 10)


def test_level_is_the_quantile_of_demand_over_a_random_lead_time() -> None:
    """Demand of 40 a day for 14 days ± 2 and a week: against a million draws of the truth."""
    world = tables(1, purchases=purchase_orders(LEADS), sourcing=terms(1), suppliers=suppliers())
    result = propose(world, [fast], service=0.95, rules=OrderRules(futures=4000))
    [line] = result.lines.itertuples(index=False)
    rng = np.random.default_rng(9)
    days = rng.choice(LEADS, 1_000_000) + 7
    wanted = np.quantile(rng.poisson(40.0 * days), 0.95)
    assert line.reorder_point == pytest.approx(wanted, rel=0.02)
    assert line.expected == pytest.approx(40 * 21, rel=0.02)
    assert line.low < line.expected < line.high
    assert line.quantity == line.order_up_to == line.reorder_point
    assert line.amount == line.quantity * 10


def test_margins_decide_where_no_service_is_asked_for() -> None:
    """A margin of 0.05 against a week's holding of 10 × 20 % × 7 / 365: 0.57 (4.27)."""
    world = tables(1, price=10.05, purchases=purchase_orders(LEADS))
    [line] = propose(world, [fast]).lines.itertuples(index=False)
    holding = 10 * 0.2 * 7 / 365
    assert line.asked == pytest.approx(0.05 / (0.05 + holding), rel=1e-6)
    rich = propose(tables(1, purchases=purchase_orders(LEADS)), [fast]).lines
    assert rich["asked"].tolist() == [0.995]
    untold = tables(1, purchases=purchase_orders(LEADS))
    del untold["products"]
    assert propose(untold, [fast]).lines["asked"].tolist() == [0.95]


def test_packs_and_least_quantities() -> None:
    sheet = terms(2, pack_size=[50, 1], minimum_quantity=[0, 500])
    world = tables(2, purchases=purchase_orders(LEADS), sourcing=sheet, suppliers=suppliers())
    result = propose(world, [fast, slow], service=0.95)
    first, second = result.lines.itertuples(index=False)
    assert first.quantity % 50 == 0
    assert 0 <= first.quantity - first.order_up_to < 50
    assert second.quantity == 500
    reasons = dict(zip(result.to_frame()["item"], result.to_frame()["reason"], strict=True))
    assert reasons["S000 · Lamp 0"].endswith("Whole packs of 50.")
    assert reasons["S001 · Lamp 1"].endswith("Raised to the least quantity of 500.")


def test_enough_stock_orders_nothing_and_says_so() -> None:
    world = tables(1, on_hand=5000, purchases=purchase_orders(LEADS))
    result = propose(world, [fast], service=0.95)
    assert result.orders.empty
    assert texts(result)["order/head"] == (
        "Of 1 SKUs none is below the stock it needs until the next order comes in."
    )


def test_an_order_that_costs_is_placed_less_often() -> None:
    """√(2 · 400 / (0.2 · 10 · 40 / 365)) = 60 days: more than the horizon leaves, so its rest."""
    dear = suppliers(order_cost=[400.0])
    world = tables(1, purchases=purchase_orders(LEADS), sourcing=terms(1), suppliers=dear)
    result = propose(world, [fast], service=0.95, forecast=KnownForecast(draws=[fast], horizon=90))
    [line] = result.lines.itertuples(index=False)
    cycle = np.sqrt(2 * 400 / (0.2 * 10 * line.daily / 365))
    assert line.order_up_to - line.reorder_point == pytest.approx((cycle - 7) * line.daily, abs=1)
    held = tables(
        2, on_hand=[0, line.reorder_point + 5], purchases=purchase_orders(LEADS),
        sourcing=terms(2), suppliers=dear,
    )  # fmt: skip
    both = propose(
        held, [fast, fast], service=0.95, forecast=KnownForecast(draws=[fast] * 2, horizon=90)
    )
    assert (both.lines["quantity"] > 0).all()
    assert "ordered along with the supplier's other SKUs" in both.to_frame()["reason"].iloc[1]


def test_least_amount_draws_all_stock_out_by_the_same_days() -> None:
    world = tables(
        2, on_hand=[700, 30], purchases=purchase_orders(LEADS), sourcing=terms(2),
        suppliers=suppliers(minimum_amount=[9000.0]),
    )  # fmt: skip
    result = propose(world, [fast, lumpy], service=0.9)
    assert 9000 <= result.amount <= 9000 + 2 * 10 * 45
    lines = result.lines
    days = (lines["wanted"] - lines["needed"]) / lines["daily"]
    assert days.iloc[0] == pytest.approx(days.iloc[1], abs=1.5)
    assert "Raised by" in result.to_frame()["reason"].iloc[0]
    out_of_reach = world | {
        "suppliers": whole_table("suppliers", suppliers(minimum_amount=[10.0**6]))
    }
    found = texts(propose(out_of_reach, [fast, lumpy], service=0.9))["order/minimum"]
    assert found.startswith("The order from Works is ¥")
    assert found.endswith("below the least amount of ¥1,000,000.00: agree on less, or wait.")


def test_budget_buys_what_earns_most_and_tells_what_it_leaves_out() -> None:
    """Two SKUs alike, one with ten times the margin: its stock comes first."""
    world = tables(2, purchases=purchase_orders(LEADS), sourcing=terms(2), suppliers=suppliers())
    goods = world["products"].to_pandas()
    goods["list_price"] = [110.0, 20.0]
    world["products"] = whole_table("products", goods)
    free = propose(world, [fast, fast], service=0.95)
    result = propose(world, [fast, fast], service=0.95, budget=free.amount * 0.55)
    rich, poor = result.lines["quantity"]
    assert result.amount <= free.amount * 0.55
    assert rich > 0.9 * free.lines["quantity"].iloc[0]
    assert 0 < poor < 0.2 * free.lines["quantity"].iloc[1]
    fewer = result.lines["wanted"] - result.lines["quantity"]
    sold_less = np.minimum(result.demand, result.lines["wanted"].to_numpy()[:, None]).mean(axis=1)
    sold_less -= np.minimum(result.demand, result.lines["quantity"].to_numpy()[:, None]).mean(
        axis=1
    )
    saved = (fewer - sold_less) * 10 * 0.2 * 7 / 365
    wanted = float((sold_less * np.array([100.0, 10.0]) - saved).sum())
    assert float(result.lines["lost_profit"].sum()) == pytest.approx(wanted, rel=1e-3)
    told = texts(result)["order/budget"]
    assert told.startswith("The budget of ¥")
    assert f"leaves out goods for ¥{float(fewer.sum() * 10):,.2f}" in told
    plenty = propose(world, [fast, fast], service=0.95, budget=10**6)
    assert texts(plenty)["order/budget"] == (
        "The budget of ¥1,000,000.00 pays for all that is wanted."
    )
    none = propose(world, [fast, fast], service=0.95, budget=5)
    assert texts(none)["order/head"] == (
        "Of 2 SKUs 2 are below the stock they need, but the budget pays for none."
    )


def test_a_season_is_bought_once_by_the_newsvendor() -> None:
    """Ten days left, margin 15, a unit left over loses 8: the 65 % quantile of ten days."""
    season = {"S000": Season(end=AS_OF + dt.timedelta(days=10), salvage=0.2)}
    world = tables(1, purchases=purchase_orders([2] * 20))
    result = propose(world, [fast], seasons=season, rules=OrderRules(futures=4000))
    [line] = result.lines.itertuples(index=False)
    assert line.asked == pytest.approx(15 / 23)
    drawn = np.random.default_rng(2).poisson(400, 100_000)
    assert line.reorder_point == pytest.approx(np.quantile(drawn, 15 / 23), abs=3)
    assert np.isnan(line.normal_level)
    assert result.to_frame()["reason"].iloc[0] == (
        f"Bought once for the 10 days left of its season: {line.reorder_point:.0f} units are "
        "worth having."
    )


def test_a_campaign_is_stocked_before_it() -> None:
    """Four times the demand on days 15 to 17, before which the order must be in."""
    factor = np.ones(60)
    factor[14:17] = 4
    world = tables(1, purchases=purchase_orders(LEADS), sourcing=terms(1), suppliers=suppliers())
    plain = propose(world, [fast], service=0.95)
    result = propose(
        world, [fast], service=0.95, forecast=KnownForecast(draws=[fast], factor=factor)
    )
    more = result.lines["quantity"].iloc[0] - plain.lines["quantity"].iloc[0]
    assert more == pytest.approx(3 * 3 * 40, rel=0.2)
    assert "Demand peaks at 16" in result.to_frame()["reason"].iloc[0]


def test_what_runs_out_first_is_told() -> None:
    world = tables(2, on_hand=[100, 9000], purchases=purchase_orders(LEADS))
    result = propose(world, [fast, fast], service=0.95)
    [line] = [f for f in result.findings() if f.key == "order/late"]
    assert line.level == "bad"
    short = 14 * 40 - 100
    assert line.evidence["units"] == pytest.approx(short, rel=0.05)
    assert line.text.startswith("Lamp 0 will probably run out before an order placed now")
    late = texts(propose(tables(2, on_hand=9000, purchases=purchase_orders(LEADS)), [fast, fast]))
    assert "order/late" not in late


def test_words_in_chinese() -> None:
    world = tables(2, on_hand=[100, 9000], purchases=purchase_orders(LEADS))
    with reading("zh", "CNY"):
        result = propose(world, [fast, fast], service=0.95)
        told = texts(result)
        amount = f"{result.amount:,.2f}"
        assert told["order/head"] == (
            f"2 个 SKU 中，2026-09-30 之后建议采购 1 个，金额 ¥{amount}。"
        )
        assert told["order/late"].startswith("有 1 个 SKU 很可能在现在下单的货到之前断货，约缺")
        assert result.to_frame()["reason"].iloc[0].startswith("可用库存 100 件，低于下批货到前")
        assert result.headings()["order_up_to"] == "补至库存"


@pytest.mark.parametrize("by_warehouse", [False, True])
def test_engines_agree(light_engine: MakeTables, by_warehouse: bool) -> None:
    world = tables(
        3, on_hand=[10, 20, 500], purchases=purchase_orders(LEADS), sourcing=terms(3),
        suppliers=suppliers(),
    )  # fmt: skip
    if by_warehouse:
        stock = world["inventory"].to_pandas()
        two = pd.concat([stock.assign(warehouse_id=w) for w in ("东", "西")], ignore_index=True)
        world["inventory"] = whole_table("inventory", two)
    forecast = KnownForecast(
        draws=[fast, slow, lumpy], warehouse=["东"] * 3 if by_warehouse else None
    )
    expected = propose(world, [], forecast=forecast, service=0.9, budget=8000.0)
    found = propose(light_engine(world), [], forecast=forecast, service=0.9, budget=8000.0)
    pd.testing.assert_frame_equal(found.lines, expected.lines, check_dtype=False)
    assert texts(found) == texts(expected)
    assert found.several == by_warehouse


def test_honest_shops() -> None:
    """No stock, no purchase orders, one SKU, all zeros, a single day, another's SKUs."""
    empty = propose({"products": tables(1)["products"]}, [fast])
    assert empty.absent() == (
        "The store holds no stock snapshots; import the warehouse's stock export."
    )
    assert (empty.findings(), str(empty)) == ((), empty.absent())
    fresh = propose(tables(1), [fast])
    assert fresh.lines["lead_basis"].tolist() == ["assumed"]
    assert texts(fresh)["order/leads"].endswith("of 1 on an assumed 14 days.")
    zero = propose(tables(1), [nothing])
    assert zero.orders.empty
    assert zero.to_frame().empty
    one_day = propose(tables(1), [fast], forecast=KnownForecast(draws=[fast], horizon=1))
    assert texts(one_day)["order/horizon"].startswith(
        "The forecast ends before the next order of 1 SKU would come in"
    )
    other = tables(1)
    stock = other["inventory"].to_pandas().assign(sku_id="=HYPERLINK()")
    other["inventory"] = whole_table("inventory", stock)
    assert "check that both name SKUs alike" in propose(other, [fast]).absent()
    early = propose_orders(
        tables(1), as_of=AS_OF - dt.timedelta(days=1), time_zone=ZONE,
        forecast=KnownForecast(draws=[fast], start=AS_OF),
    )  # fmt: skip
    assert early.absent() == (
        "The store holds no stock of 2026-09-29 or before; import the warehouse's stock export."
    )


def test_old_stock_and_unknown_costs_are_told() -> None:
    world = tables(2)
    stock = world["inventory"].to_pandas()
    stock["day"] = AS_OF - dt.timedelta(days=3)
    world["inventory"] = whole_table("inventory", stock)
    del world["products"]
    told = texts(propose(world, [fast, fast, fast]))
    assert told["order/stale"] == (
        "The stock figures are those of 2026-09-27; what was sold since is not in them."
    )
    assert told["order/untold"] == (
        "1 SKU of the forecast is left out: no stock export tells its stock."
    )
    assert told["order/cost"] == (
        "The cost of 2 SKUs to be ordered is not told, so they are not in the amount."
    )


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(ParameterError, match="service is 1"):
        propose(tables(1), [fast], service=1)
    with pytest.raises(ParameterError, match="budget is nan"):
        propose(tables(1), [fast], budget=float("nan"))
    with pytest.raises(ParameterError, match="it must begin on 2026-10-01"):
        propose(tables(1), [], forecast=KnownForecast(draws=[fast], start=AS_OF))
    with pytest.raises(ParameterError, match="counts by month"):
        propose(tables(1), [], forecast=KnownForecast(draws=[fast], frequency="month"))
    with pytest.raises(ParameterError, match="review_days is 0"):
        OrderRules(review_days=0)
    with pytest.raises(ParameterError, match="salvage is 1"):
        Season(end=AS_OF, salvage=1)


def test_weeks_serve_as_days_do() -> None:
    def weekly(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        return rng.poisson(280.0, shape).astype(float)

    world = tables(1, purchases=purchase_orders(LEADS))
    days = propose(world, [fast], service=0.9, rules=OrderRules(futures=3000))
    weeks = propose(
        world, [], service=0.9, rules=OrderRules(futures=3000),
        forecast=KnownForecast(draws=[weekly], horizon=9, frequency="week"),
    )  # fmt: skip
    assert weeks.lines["expected"].iloc[0] == pytest.approx(
        days.lines["expected"].iloc[0], rel=0.02
    )
    assert weeks.lines["reorder_point"].iloc[0] == pytest.approx(
        days.lines["reorder_point"].iloc[0], rel=0.03
    )


def test_horizon_reaches_the_longest_supplier() -> None:
    world = tables(1, purchases=purchase_orders([40, 45, 50] * 5))
    days = plan_horizon(world, as_of=AS_OF, time_zone=ZONE)
    assert 50 + 14 <= days <= 70
    assert plan_horizon(tables(1), as_of=AS_OF, time_zone=ZONE) == 28


def test_spark_agrees(spark: Any) -> None:
    world = tables(2, on_hand=[10, 20], purchases=purchase_orders(LEADS))
    del world["products"]
    expected = propose(world, [fast, slow], service=0.9)
    there = {name: spark.createDataFrame(held) for name, held in world.items()}
    found = propose(there, [fast, slow], service=0.9)
    pd.testing.assert_frame_equal(found.lines, expected.lines, check_dtype=False)
