"""Newsvendors, (r, Q), (s, S), seasons, trees and safety stocks against slow oracles."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply import policies

LINE: dict[str, float] = {
    "holding_cost": 0.225, "stockout_cost": 7.5, "fixed_cost": 8,
    "demand_mean": 1300, "demand_sd": 150, "lead_time": 1 / 12,
}  # fmt: skip


def test_newsvendor_against_every_level() -> None:
    """Figures of problem 4.8(a) of Snyder & Shen among them."""
    units = np.arange(200)
    chance = stats.poisson(18).pmf(units)
    costs = [
        200 * (chance @ np.maximum(level - units, 0))
        + 270 * (chance @ np.maximum(units - level, 0))
        for level in range(60)
    ]
    found = policies.newsvendor_poisson(holding_cost=200, stockout_cost=270, demand_mean=18)
    assert found.base_stock_level == int(np.argmin(costs)) == 19
    assert found.cost == pytest.approx(min(costs))
    same = policies.newsvendor_discrete(
        holding_cost=200, stockout_cost=270, demand_distrib=stats.poisson(18)
    )
    assert same == pytest.approx(found)
    pmf = dict(zip(units.tolist(), (chance / chance.sum()).tolist(), strict=True))
    told = policies.newsvendor_discrete(holding_cost=200, stockout_cost=270, demand_pmf=pmf)
    assert told == pytest.approx(found)


def test_newsvendor_families_agree() -> None:
    costs: dict[str, Any] = {"holding_cost": 0.18, "stockout_cost": 0.7}
    normal = policies.newsvendor_normal(**costs, demand_mean=50, demand_sd=8)
    any_normal = policies.newsvendor_continuous(**costs, demand_distrib=stats.norm(50, 8))
    assert any_normal == pytest.approx(normal, rel=1e-6)
    log = policies.newsvendor_lognormal(**costs, lognormal_mu=6, lognormal_sigma=0.3)
    any_log = policies.newsvendor_continuous(
        **costs, demand_distrib=stats.lognorm(0.3, scale=math.exp(6))
    )
    assert any_log == pytest.approx(log, rel=1e-6)
    given = policies.newsvendor_normal(**costs, demand_mean=50, demand_sd=8, base_stock_level=40)
    assert given.cost > normal.cost
    waiting = policies.newsvendor_poisson(**costs, demand_mean=5, lead_time=2)
    assert waiting == policies.newsvendor_poisson(**costs, demand_mean=15)


def test_a_season_in_prices_against_a_simulation() -> None:
    demand = stats.gamma(4, scale=25)
    prices: dict[str, Any] = {"revenue": 30, "purchase_cost": 12, "salvage_value": 5}
    best = policies.newsvendor_explicit(**prices, demand_distrib=demand)
    assert best.base_stock_level == pytest.approx(demand.ppf(18 / 25))
    drawn = demand.rvs(400_000, random_state=np.random.default_rng(5))
    sold = np.minimum(drawn, best.base_stock_level)
    profit = (30 * sold + 5 * (best.base_stock_level - sold) - 12 * best.base_stock_level).mean()
    assert best.profit == pytest.approx(profit, rel=2e-3)
    whole = policies.newsvendor_explicit(**prices, demand_distrib=stats.poisson(18))
    others = [
        policies.newsvendor_explicit(
            **prices, demand_distrib=stats.poisson(18), base_stock_level=level
        ).profit
        for level in range(10, 30)
    ]
    assert whole.profit == pytest.approx(max(others))


def test_a_supplier_who_fails_against_a_chain() -> None:
    """Stock of a base-stock level, from the days since the supplier last delivered."""
    costs: dict[str, Any] = {"holding_cost": 0.25, "stockout_cost": 3, "demand": 2000}
    best = policies.newsvendor_with_disruptions(**costs, disruption_prob=0.04, recovery_prob=0.25)
    rng = np.random.default_rng(1)
    up, days, owed = True, 300_000, []
    missed = 0
    for draw in rng.random(days):
        up = draw >= 0.04 if up else draw < 0.25
        missed = 0 if up else missed + 1
        owed.append(missed)
    wanted = 2000.0 * (1 + np.array(owed))
    rates = {
        level: float(np.where(level > wanted, 0.25, 3) @ np.abs(level - wanted)) / days
        for level in (2000.0, 4000.0, 6000.0, 8000.0)
    }
    assert best.base_stock_level == min(rates, key=lambda level: rates[level])
    assert best.cost == pytest.approx(rates[best.base_stock_level], rel=0.03)


def test_r_q_cost_against_its_integral() -> None:
    """(5.7), by a sum over 20,000 levels."""
    r, q = 126.8, 328.5
    levels = r + (np.arange(20_000) + 0.5) * q / 20_000
    mean, sd = 1300 / 12, 150 / math.sqrt(12)
    short, over = policies.normal_loss(levels, mean=mean, sd=sd)
    wanted = (8 * 1300 + q * (0.225 * over + 7.5 * short).mean()) / q
    found = policies.r_q_cost(reorder_point=r, order_quantity=q, **LINE)
    assert found == pytest.approx(wanted, rel=1e-8)


def test_r_q_exact_is_the_least_of_a_grid() -> None:
    best = policies.r_q_exact(**LINE)  # type: ignore[arg-type]
    assert best.cost == pytest.approx(78.07, abs=0.01)  # Snyder & Shen, example 5.2
    grid = [
        policies.r_q_cost(reorder_point=r, order_quantity=q, **LINE)
        for r in np.linspace(100, 160, 25)
        for q in np.linspace(250, 420, 25)
    ]
    assert best.cost <= min(grid)
    others = (
        policies.r_q_eil_approximation,
        policies.r_q_eoqb_approximation,
        policies.r_q_eoqss_approximation,
        policies.r_q_loss_function_approximation,
    )
    for solve in others:
        found = solve(**LINE)  # type: ignore[arg-type]
        exact = policies.r_q_cost(
            reorder_point=found.reorder_point, order_quantity=found.order_quantity, **LINE
        )
        assert exact >= best.cost - 1e-9, solve.__name__


def test_loss_function_approximation_solves_its_equations() -> None:
    """(5.28) and (5.29) at once."""
    found = policies.r_q_loss_function_approximation(**LINE)  # type: ignore[arg-type]
    mean, sd = 1300 / 12, 150 / math.sqrt(12)
    r, q = found.reorder_point, found.order_quantity
    short = policies.normal_loss(r, mean=mean, sd=sd).loss
    second = policies.normal_second_loss(r, mean=mean, sd=sd).loss
    assert short == pytest.approx(0.225 * q / 7.725)
    assert q == pytest.approx(math.sqrt(2 * (8 * 1300 + 7.725 * second) / 0.225))


def test_r_q_poisson_against_every_policy() -> None:
    line: dict[str, Any] = {
        "holding_cost": 20, "stockout_cost": 150, "fixed_cost": 100, "demand_mean": 1.5,
        "lead_time": 2,
    }  # fmt: skip
    best = policies.r_q_poisson_exact(**line)
    every = {
        (r, q): policies.r_q_cost_poisson(reorder_point=r, order_quantity=q, **line)
        for r in range(-3, 12)
        for q in range(1, 15)
    }
    assert (best.reorder_point, best.order_quantity) == min(every, key=lambda rq: every[rq])
    assert best.cost == pytest.approx(min(every.values()))


@pytest.mark.parametrize("lead_time", [0, 2])
def test_s_s_exact_against_every_policy(lead_time: int) -> None:
    pmf = [0.25, 0.3, 0.2, 0.0, 0.15, 0.1]
    costs: dict[str, Any] = {"holding_cost": 1, "stockout_cost": 8, "fixed_cost": 12}
    best = policies.s_s_exact(**costs, demand_pmf=pmf, lead_time=lead_time)
    every = {
        (s, big): policies.s_s_cost(
            reorder_point=s, order_up_to_level=big, **costs, demand_pmf=pmf, lead_time=lead_time
        )
        for s in range(-4, 10)
        for big in range(s + 1, 26)
    }
    assert best.cost == pytest.approx(min(every.values()))
    assert every[int(best.reorder_point), int(best.order_up_to_level)] == best.cost


@pytest.mark.parametrize("lead_time", [0, 2])
def test_s_s_cost_against_a_simulation(lead_time: int) -> None:
    rng = np.random.default_rng(8)
    s, big, periods = 4, 13, 300_000
    demand = rng.choice(6, size=periods, p=[0.25, 0.3, 0.2, 0.0, 0.15, 0.1])
    position, net, cost, coming = big, float(big), 0.0, [0] * (periods + lead_time + 1)
    for t, units in enumerate(demand):
        if position <= s:
            coming[t + lead_time] += big - position
            position, cost = big, cost + 12
        net += coming[t] - units
        position -= units
        cost += net if net > 0 else -8 * net
    found = policies.s_s_cost(
        reorder_point=s, order_up_to_level=big, holding_cost=1, stockout_cost=8, fixed_cost=12,
        demand_pmf=[0.25, 0.3, 0.2, 0.0, 0.15, 0.1], lead_time=lead_time,
    )  # fmt: skip
    assert found == pytest.approx(cost / periods, rel=0.01)


def test_a_season_against_a_small_program() -> None:
    """Three periods, each state and order tried in plain loops."""
    costs: dict[str, Any] = {
        "holding_cost": 1.0, "stockout_cost": 10.0, "purchase_cost": 2.0, "fixed_cost": 15.0,
        "demand_mean": 10.0, "demand_sd": 2.0,
    }  # fmt: skip
    demand = stats.norm(10, 2)
    units = range(2, 19)
    chance = {d: demand.cdf(d + 0.5) - demand.cdf(d - 0.5) for d in units}
    to_go = {x: 1.0 * max(x, 0) + 10.0 * max(-x, 0) for x in range(-60, 60)}
    for _ in range(3):
        stay = {}
        for y in range(-40, 60):
            short, over = policies.normal_loss(float(y), mean=10, sd=2)
            stay[y] = over + 10 * short + 0.9 * sum(chance[d] * to_go[y - d] for d in units)
        to_go = {
            x: min([stay[x], *(15 + 2 * (y - x) + stay[y] for y in range(x + 1, 60))])
            for x in range(-40, 60)
        } | dict.fromkeys(range(-60, -40), 1e9)
    plan = policies.finite_horizon(
        num_periods=3, terminal_holding_cost=1, terminal_stockout_cost=10, discount_factor=0.9,
        initial_inventory_level=4, **costs,
    )  # fmt: skip
    assert plan.cost == pytest.approx(to_go[4], rel=1e-9)
    wide = policies.finite_horizon(
        num_periods=3, terminal_holding_cost=1, terminal_stockout_cost=10, discount_factor=0.9,
        initial_inventory_level=4, demand_spread=6, **costs,
    )  # fmt: skip
    assert wide.cost == pytest.approx(plan.cost, rel=1e-3)


def test_a_tree_against_every_set_of_service_times() -> None:
    rng = np.random.default_rng(2)
    stages = {
        name: policies.Stage(
            processing_time=int(rng.integers(0, 4)),
            holding_cost=float(rng.uniform(1, 5)),
            demand_sd=float(rng.uniform(0.5, 2)) if name in "de" else 0.0,
            outbound=1 if name in "de" else None,
            inbound=2 if name == "a" else 0,
        )
        for name in "abcde"
    }
    links = [("a", "c"), ("b", "c"), ("c", "d"), ("c", "e")]
    pooled = {"a": "de", "b": "de", "c": "de", "d": "d", "e": "e"}
    sd = {n: math.sqrt(sum(stages[m].demand_sd ** 2 for m in pooled[n])) for n in stages}
    least = math.inf
    for out in itertools.product(range(9), repeat=3):
        times = dict(zip("abc", out, strict=True))
        for ends in itertools.product(range(2), repeat=2):
            times |= dict(zip("de", ends, strict=True))
            least = min(least, _tree_cost(stages, links, times, sd))
    found = policies.place_safety_stock(stages=stages, links=links)
    assert found.cost == pytest.approx(least)
    assert _tree_cost(stages, links, found.committed, sd) == pytest.approx(least)


def _tree_cost(stages: Any, links: Any, times: Any, sd: Any) -> float:
    cost = 0.0
    for name, stage in stages.items():
        inbound = max([stage.inbound, *(times[a] for a, b in links if b == name)])
        span = inbound + stage.processing_time - times[name]
        if span < 0:
            return math.inf
        cost += stage.holding_cost * stage.demand_bound * sd[name] * math.sqrt(span)
    return cost


def test_safety_stock_against_a_simulation() -> None:
    """Demand over a random lead time: its mean, deviation and the chance of running out."""
    stock = policies.set_safety_stock(
        demand_mean=50, demand_sd=10, lead_mean=20, lead_sd=3, csl=0.95
    )
    rng = np.random.default_rng(4)
    leads = rng.normal(20, 3, 400_000)
    demand = rng.normal(50 * leads, 10 * np.sqrt(np.maximum(leads, 0)))
    assert demand.std() == pytest.approx(stock.sigma_l, rel=0.01)
    assert (demand <= stock.reorder_point).mean() == pytest.approx(0.95, abs=0.003)


def test_fill_rate_there_and_back() -> None:
    stock = policies.set_fill_rate_stock(order_quantity=500, sigma_l=200, fill_rate=0.98)
    found = policies.measure_fill_rate(order_quantity=500, safety_stock=stock, sigma_l=200)
    assert found.fill_rate == pytest.approx(0.98)
    plenty = policies.set_fill_rate_stock(order_quantity=5000, sigma_l=200, fill_rate=0.9)
    assert plenty < 0


def test_impossible_policies_are_refused() -> None:
    with pytest.raises(ParameterError, match="too low for a reorder point"):
        policies.r_q_eil_approximation(**(LINE | {"stockout_cost": 0.01}))  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="lead_time is nan"):
        policies.r_q_exact(**(LINE | {"lead_time": math.nan}))  # type: ignore[arg-type]
    costs: dict[str, Any] = {"holding_cost": 1, "stockout_cost": 8, "fixed_cost": 12}
    with pytest.raises(ParameterError, match="one of the two"):
        policies.s_s_exact(**costs)
    with pytest.raises(ParameterError, match="never above 0"):
        policies.s_s_exact(**costs, demand_pmf=[1.0])
    with pytest.raises(ParameterError, match="must be below order_up_to_level"):
        policies.s_s_cost(reorder_point=5, order_up_to_level=5, **costs, demand_mean=3)
    with pytest.raises(ParameterError, match="they must fall in this order"):
        policies.newsvendor_explicit(
            revenue=5, purchase_cost=6, salvage_value=1, demand_distrib=stats.norm(5, 1)
        )
    stage = policies.Stage(processing_time=1, holding_cost=1)
    with pytest.raises(ParameterError, match="a tree has one fewer"):
        policies.place_safety_stock(stages={"a": stage, "b": stage}, links=[])
    with pytest.raises(ParameterError, match="csl is 1"):
        policies.set_safety_stock(demand_mean=1, demand_sd=1, lead_mean=1, csl=1)
