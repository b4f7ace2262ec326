"""Steady demand, unsteady supply: suppliers who fail at times, and yields that vary.

Equation numbers are those of Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd
edition (2019), chapter 9.
"""

from __future__ import annotations

import math

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.supply.policies.checks import require_positive
from ecops_lib.supply.policies.eoq import Lot
from ecops_lib.supply.policies.newsvendor import BaseStock, critical_ratio


def eoq_with_disruptions_cost(
    *,
    order_quantity: float,
    fixed_cost: float,
    holding_cost: float,
    stockout_cost: float,
    demand_rate: float,
    disruption_rate: float,
    recovery_rate: float,
    approximate: bool = False,
) -> float:
    """Cost per unit of time of a lot whose supplier fails at times; buyers do not wait.

    Args:
        order_quantity: Units of an order. [Q]
        fixed_cost: Cost of placing an order. [K]
        holding_cost: Cost of holding a unit for a unit of time. [h]
        stockout_cost: Cost of a unit not sold. [p]
        demand_rate: Units asked for per unit of time. [d]
        disruption_rate: Failures per unit of time that the supplier delivers. [λ]
        recovery_rate: Recoveries per unit of time that it does not. [μ]
        approximate: Whether a cycle is taken to end in a failure with the long-run chance.

    Raises:
        ParameterError: A number is not positive.

    References:
        Snyder & Shen (9.5); Berk & Arreola-Risa (1994); approximation: Snyder (2014).
    """
    require_positive(
        order_quantity=order_quantity,
        fixed_cost=fixed_cost,
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
        demand_rate=demand_rate,
        disruption_rate=disruption_rate,
        recovery_rate=recovery_rate,
    )
    rates, cycle = disruption_rate + recovery_rate, order_quantity / demand_rate
    down = disruption_rate / rates
    if not approximate:
        down *= -math.expm1(-rates * cycle)
    wait = down / recovery_rate
    held = holding_cost * order_quantity * cycle / 2
    return (fixed_cost + held + stockout_cost * demand_rate * wait) / (cycle + wait)


def eoq_with_disruptions(
    *,
    fixed_cost: float,
    holding_cost: float,
    stockout_cost: float,
    demand_rate: float,
    disruption_rate: float,
    recovery_rate: float,
    approximate: bool = False,
) -> Lot:
    """The lot whose supplier fails at times (EOQD).

    Args:
        fixed_cost: Cost of placing an order. [K]
        holding_cost: Cost of holding a unit for a unit of time. [h]
        stockout_cost: Cost of a unit not sold. [p]
        demand_rate: Units asked for per unit of time. [d]
        disruption_rate: Failures per unit of time that the supplier delivers. [λ]
        recovery_rate: Recoveries per unit of time that it does not. [μ]
        approximate: Whether to take the closed form, whose cost is h Q.

    Raises:
        ParameterError: A number is not positive.

    References:
        Snyder & Shen (9.5) and the approximation after it.
    """
    from scipy.optimize import minimize_scalar

    down = disruption_rate / (disruption_rate + recovery_rate)
    half = down * demand_rate * holding_cost
    spent = fixed_cost * demand_rate * recovery_rate + demand_rate**2 * stockout_cost * down
    root = math.sqrt(half**2 + 2 * holding_cost * recovery_rate * spent)
    lot = (root - half) / (holding_cost * recovery_rate)

    def cost(quantity: float) -> float:
        return eoq_with_disruptions_cost(
            order_quantity=quantity,
            fixed_cost=fixed_cost,
            holding_cost=holding_cost,
            stockout_cost=stockout_cost,
            demand_rate=demand_rate,
            disruption_rate=disruption_rate,
            recovery_rate=recovery_rate,
            approximate=approximate,
        )

    if approximate:
        return Lot(lot, cost(lot))
    found = minimize_scalar(cost, bracket=(lot / 10, lot, lot * 10), method="brent", tol=1e-10)
    return Lot(float(found.x), float(found.fun))


def newsvendor_with_disruptions(
    *,
    holding_cost: float,
    stockout_cost: float,
    demand: float,
    disruption_prob: float,
    recovery_prob: float,
) -> BaseStock:
    """The base-stock level of a steady demand whose supplier fails at times.

    Args:
        holding_cost: Cost of a unit left over at the end of a period. [h]
        stockout_cost: Cost of a unit short at the end of a period. [p]
        demand: Units asked for in each period. [d]
        disruption_prob: Chance that a supplier who delivers fails in the next period. [α]
        recovery_prob: Chance that one who fails delivers in the next period. [β]

    Raises:
        ParameterError: A cost or the demand is not positive, or a chance is none.

    References:
        Snyder & Shen (9.14), (9.18).
    """
    require_positive(demand=demand)
    require_between(disruption_prob, 0, 1, name="disruption_prob", ends="open")
    require_between(recovery_prob, 0, 1, name="recovery_prob", ends="open")
    ratio = critical_ratio(holding_cost=holding_cost, stockout_cost=stockout_cost)
    down = disruption_prob / (disruption_prob + recovery_prob)
    last = int(np.ceil(np.log(1e-16 / down) / np.log1p(-recovery_prob))) if down > 1e-16 else 0
    spells = np.arange(1, max(last, 1) + 1)
    chance = np.concatenate(
        [[1 - down], down * recovery_prob * (1 - recovery_prob) ** (spells - 1)]
    )
    wanted = demand * np.arange(1, len(chance) + 1)
    place = int(np.searchsorted(np.cumsum(chance), ratio))
    level = float(wanted[min(place, len(wanted) - 1)])
    gap = level - wanted
    cost = holding_cost * np.maximum(gap, 0) + stockout_cost * np.maximum(-gap, 0)
    return BaseStock(level, float(chance @ cost))
