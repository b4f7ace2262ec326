"""Every figure of the textbook that lies beside the repository, to its own tolerance."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ecops_lib.supply import policies

FILE = Path(__file__).parents[4] / "shared" / "cases" / "inventory.json"
Inputs = dict[str, Any]
Figures = Mapping[str, Any]


def _lot(inputs: Inputs) -> Figures:
    lot = policies.economic_order_quantity(**inputs)
    return {"Q": lot.order_quantity, "cost": lot.cost}


def _backorders(inputs: Inputs) -> Figures:
    lot = policies.economic_order_quantity_with_backorders(**inputs)
    return {"Q": lot.order_quantity, "x": lot.stockout_fraction, "cost": lot.cost}


def _production(inputs: Inputs) -> Figures:
    lot = policies.economic_production_quantity(**inputs)
    return {"Q": lot.order_quantity, "cost": lot.cost}


def _all_units(inputs: Inputs) -> Figures:
    lot = policies.economic_order_quantity_with_all_units_discounts(**inputs)
    return {"Q": lot.order_quantity, "region": lot.region, "cost": lot.cost}


def _incremental(inputs: Inputs) -> Figures:
    lot = policies.economic_order_quantity_with_incremental_discounts(**inputs)
    return {"Q": lot.order_quantity, "region": lot.region, "cost": lot.cost}


def _disruptions(inputs: Inputs) -> Figures:
    lot = policies.eoq_with_disruptions(**inputs)
    return {"Q": lot.order_quantity, "cost": lot.cost}


def _wagner_whitin(inputs: Inputs) -> Figures:
    """The figures count periods from 1 and begin each list with a 0."""
    plan = policies.wagner_whitin(**inputs)
    return {
        "Q": [0, *plan.order_quantities],
        "cost": plan.cost,
        "theta": [0, *plan.costs_to_go],
        "s": [0, *(period + 1 for period in plan.next_orders)],
    }


def _joint(inputs: Inputs) -> Figures:
    order = policies.joint_replenishment(**inputs)
    return {
        "Q": order.order_quantities,
        "T": order.base_cycle_time,
        "multiples": order.order_multiples,
        "cost": order.cost,
    }


def _newsvendor(solve: Callable[..., Any]) -> Callable[[Inputs], Figures]:
    def figures(inputs: Inputs) -> Figures:
        stock = solve(**inputs)
        return {"S": stock.base_stock_level, "cost": stock.cost}

    return figures


def _order_point(solve: Callable[..., Any]) -> Callable[[Inputs], Figures]:
    def figures(inputs: Inputs) -> Figures:
        point = solve(**inputs)
        return {"r": point.reorder_point, "Q": point.order_quantity, "cost": point.cost}

    return figures


def _point_cost(inputs: Inputs) -> Figures:
    costs = {k: v for k, v in inputs.items() if k not in {"r", "Q"}}
    return {
        "cost": policies.r_q_cost(reorder_point=inputs["r"], order_quantity=inputs["Q"], **costs)
    }


def _order_up_to(inputs: Inputs) -> Figures:
    found = policies.s_s_exact(**{k: v for k, v in inputs.items() if k != "use_poisson"})
    return {"s": found.reorder_point, "S": found.order_up_to_level, "cost": found.cost}


def _power(inputs: Inputs) -> Figures:
    s, big = policies.s_s_power_approximation(**inputs)
    return {"s": s, "S": big}


def _horizon(inputs: Inputs) -> Figures:
    plan = policies.finite_horizon(**inputs)
    return {
        "s": [0, *plan.reorder_points],
        "S": [0, *plan.order_up_to_levels],
        "cost": plan.cost,
    }


def _tree(inputs: Inputs) -> Figures:
    """Snyder & Shen, figure 6.14: supplier 1, assembly 3, and two that sell, 2 and 4."""
    stages: dict[Any, policies.Stage] = {
        "1": policies.Stage(processing_time=2, holding_cost=1, inbound=1),
        "3": policies.Stage(processing_time=1, holding_cost=2),
        "2": policies.Stage(processing_time=1, holding_cost=3, demand_sd=1, outbound=0),
        "4": policies.Stage(processing_time=1, holding_cost=3, demand_sd=1, outbound=1),
    }
    times = policies.place_safety_stock(stages=stages, links=[("1", "3"), ("3", "2"), ("3", "4")])
    return {"cst": times.committed, "cost": times.cost}


def _loss(solve: Callable[..., Any]) -> Callable[[Inputs], Figures]:
    def figures(inputs: Inputs) -> Figures:
        loss = solve(inputs["x"], **{k: v for k, v in inputs.items() if k != "x"})
        return {"n": loss.loss, "nbar": loss.complement}

    return figures


def _standard_loss(inputs: Inputs) -> Figures:
    loss = policies.standard_normal_loss(inputs["z"])
    return {"loss": loss.loss, "complement": loss.complement}


def _safety(inputs: Inputs) -> Figures:
    stock = policies.set_safety_stock(**inputs)
    return {
        "z": stock.z,
        "sigma_L": stock.sigma_l,
        "ss": stock.safety_stock,
        "rop": stock.reorder_point,
    }


def _fill(inputs: Inputs) -> Figures:
    rate = policies.measure_fill_rate(
        order_quantity=inputs["Q"], safety_stock=inputs["ss"], sigma_l=inputs["sigma_L"]
    )
    return {"esc": rate.shortage, "fill_rate": rate.fill_rate}


SOLVERS: Mapping[str, Callable[[Inputs], Figures]] = {
    "eoqb": _backorders,
    "eoqd": _disruptions,
    "eoq_allunits": _all_units,
    "eoq_incremental": _incremental,
    "eoq": _lot,
    "epq": _production,
    "ww": _wagner_whitin,
    "jrp": _joint,
    "nv_normal": _newsvendor(policies.newsvendor_normal),
    "nv_poisson": _newsvendor(policies.newsvendor_poisson),
    "nv_lognormal": _newsvendor(policies.newsvendor_lognormal),
    "rq_exact": _order_point(policies.r_q_eil_approximation),  # its note: the approximation
    "rq_eil": _order_point(policies.r_q_eil_approximation),
    "rq_eoqb": _order_point(policies.r_q_eoqb_approximation),
    "rq_eoqss": _order_point(policies.r_q_eoqss_approximation),
    "rq_cost": _point_cost,
    "ss_power": _power,
    "ss_poisson": _order_up_to,
    "ss_zf": _order_up_to,
    "std_normal_loss": _standard_loss,
    "loss_poisson": _loss(policies.poisson_loss),
    "loss_gamma": _loss(policies.gamma_loss),
    "loss_lognormal": _loss(policies.lognormal_loss),
    "loss_exp": _loss(policies.exponential_loss),
    "loss_negbin": _loss(policies.negative_binomial_loss),
    "gsm_tree": _tree,
    "finite_horizon": _horizon,
    "safety_stock": _safety,
    "chopra_fillrate": _fill,
    "chopra": _safety,
}
"""Who solves the cases whose id begins so; the first that fits."""

CASES = json.loads(FILE.read_text("utf-8"))["cases"] if FILE.exists() else []


@pytest.mark.realdata
@pytest.mark.skipif(not CASES, reason="no folder of cases beside the repository")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_figure_is_met(case: dict[str, Any]) -> None:
    solve = next(solve for start, solve in SOLVERS.items() if case["id"].startswith(start))
    found = solve(dict(case["inputs"]))
    for name, wanted in case["expected"].items():
        near = pytest.approx(wanted, rel=case["tolerance"], abs=case["tolerance"])
        held = list(found[name]) if isinstance(wanted, list) else found[name]
        assert held == near, f"{name} of {case['source']}"
