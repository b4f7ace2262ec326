"""Lots against grids and lists of all ways that there are."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply import policies

BREAKS: list[dict[str, Any]] = [
    {"breakpoints": [0, 400, 800], "unit_costs": [0.75, 0.72, 0.68]},
    {"breakpoints": [0, 100, 2000], "unit_costs": [0.75, 0.70, 0.69]},
    {"breakpoints": [0], "unit_costs": [0.7]},
]
COSTS: dict[str, Any] = {"fixed_cost": 8, "holding_cost_rate": 0.3, "demand_rate": 1300}


@pytest.mark.parametrize("breaks", BREAKS)
def test_discounts_against_every_lot(breaks: dict[str, Any]) -> None:
    lots = np.arange(1.0, 6000)
    place = np.searchsorted(breaks["breakpoints"], lots, side="right") - 1
    price = np.asarray(breaks["unit_costs"])[place]
    all_units = price * 1300 + 8 * 1300 / lots + 0.3 * price * lots / 2
    found = policies.economic_order_quantity_with_all_units_discounts(**COSTS, **breaks)
    assert found.cost <= all_units.min() + 1e-9
    assert found.cost == pytest.approx(all_units.min(), rel=1e-4)
    assert found.region == place[int(found.order_quantity) - 1]

    edges = [*breaks["breakpoints"], np.inf]
    paid = sum(
        np.clip(lots - low, 0, high - low) * cost
        for low, high, cost in zip(edges, edges[1:], breaks["unit_costs"], strict=False)
    )
    incremental = paid * 1300 / lots + 8 * 1300 / lots + 0.3 * paid / 2
    found = policies.economic_order_quantity_with_incremental_discounts(**COSTS, **breaks)
    assert found.cost <= incremental.min() + 1e-9
    assert found.cost == pytest.approx(incremental.min(), rel=1e-4)


def test_no_other_lot_costs_less() -> None:
    costs = {"fixed_cost": 8.0, "holding_cost": 0.225, "demand_rate": 1300.0}
    best = policies.economic_order_quantity(**costs)
    wait = policies.economic_order_quantity_with_backorders(**costs, stockout_cost=5)
    make = policies.economic_production_quantity(**costs, production_rate=2000)
    for factor in (0.5, 0.9, 1.1, 2.0):
        other = policies.economic_order_quantity(
            **costs, order_quantity=best.order_quantity * factor
        )
        assert other.cost > best.cost
        waited = policies.economic_order_quantity_with_backorders(
            **costs, stockout_cost=5, order_quantity=wait.order_quantity * factor
        )
        assert waited.cost > wait.cost
        made = policies.economic_production_quantity(
            **costs, production_rate=2000, order_quantity=make.order_quantity * factor
        )
        assert made.cost > make.cost


@pytest.mark.parametrize("seed", range(4))
def test_wagner_whitin_against_all_sets_of_orders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    periods = 7
    demand = rng.integers(0, 200, periods).astype(float)
    hold, fixed = rng.uniform(0.1, 2, periods), rng.uniform(50, 300, periods)
    price = rng.uniform(1, 2, periods)
    least = np.inf
    for on in itertools.product([False, True], repeat=periods):
        cost, last = 0.0, -1
        for t in range(periods):
            last = t if on[t] else last
            if demand[t] and last < 0:
                cost = np.inf
                break
            cost += demand[t] * (price[last] + hold[last:t].sum()) if demand[t] else 0.0
        cost += sum(f for f, used in zip(fixed, on, strict=True) if used)
        least = min(least, cost)
    plan = policies.wagner_whitin(
        num_periods=periods,
        holding_cost=hold.tolist(),
        fixed_cost=fixed.tolist(),
        demand=demand.tolist(),
        purchase_cost=price.tolist(),
    )
    assert plan.cost == pytest.approx(least)
    assert sum(plan.order_quantities) == pytest.approx(demand.sum())


def test_joint_orders_near_the_best_of_all_multiples() -> None:
    costs: dict[str, Any] = {
        "shared_fixed_cost": 40,
        "individual_fixed_costs": [15, 15, 15, 15],
        "holding_costs": [0.24] * 4,
        "demand_rates": [86000, 12500, 1400, 3000],
    }
    found = policies.joint_replenishment(**costs)
    flow = np.array(costs["holding_costs"]) * costs["demand_rates"]
    least = min(
        np.sqrt(2 * (40 + (15 / np.array(m)).sum()) * (flow * m).sum())
        for m in itertools.product(range(1, 7), repeat=4)
    )
    assert least <= found.cost <= 1.01 * least


def test_supply_that_fails_against_a_simulation() -> None:
    """The cost of a lot, from cycles drawn one by one."""
    rng = np.random.default_rng(3)
    lot, cycles = 500.0, 400_000
    long = lot / 1300
    down = rng.random(cycles) < 1.5 / 15.5 * (1 - np.exp(-15.5 * long))
    wait = np.where(down, rng.exponential(1 / 14, cycles), 0.0)
    cost = (8 + 0.225 * lot * long / 2 + 5 * 1300 * wait).sum() / (long + wait).sum()
    costs: dict[str, Any] = {
        "fixed_cost": 8, "holding_cost": 0.225, "stockout_cost": 5, "demand_rate": 1300,
        "disruption_rate": 1.5, "recovery_rate": 14,
    }  # fmt: skip
    told = policies.eoq_with_disruptions_cost(order_quantity=lot, **costs)
    assert told == pytest.approx(cost, rel=0.02)
    best = policies.eoq_with_disruptions(**costs)
    for factor in (0.8, 1.25):
        quantity = best.order_quantity * factor
        assert policies.eoq_with_disruptions_cost(order_quantity=quantity, **costs) > best.cost


def test_impossible_lots_are_refused() -> None:
    with pytest.raises(ParameterError, match="fixed_cost is nan"):
        policies.economic_order_quantity(fixed_cost=float("nan"), holding_cost=1, demand_rate=1)
    with pytest.raises(ParameterError, match="must be below production_rate"):
        policies.economic_production_quantity(
            fixed_cost=1, holding_cost=1, demand_rate=5, production_rate=5
        )
    with pytest.raises(ParameterError, match="must rise from 0"):
        policies.economic_order_quantity_with_all_units_discounts(
            **COSTS, breakpoints=[0, 5, 5], unit_costs=[3, 2, 1]
        )
    with pytest.raises(ParameterError, match="prices must fall"):
        policies.economic_order_quantity_with_all_units_discounts(
            **COSTS, breakpoints=[0, 5], unit_costs=[2, 3]
        )
    with pytest.raises(ParameterError, match="holds 2 prices for 1 breakpoints"):
        policies.economic_order_quantity_with_incremental_discounts(
            **COSTS, breakpoints=[0], unit_costs=[2, 1]
        )
    with pytest.raises(ParameterError, match="demand holds 2 numbers for 3 periods"):
        policies.wagner_whitin(num_periods=3, holding_cost=1, fixed_cost=1, demand=[1, 2])
    with pytest.raises(ParameterError, match="each must hold one for each item"):
        policies.joint_replenishment(
            shared_fixed_cost=1,
            individual_fixed_costs=[1],
            holding_costs=[1, 1],
            demand_rates=[1, 1],
        )
