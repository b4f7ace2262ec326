"""(r, Q) policies under Poisson demand: whole units, watched all the time.

Equation numbers are those of Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd
edition (2019), chapter 5.
"""

from __future__ import annotations

import numpy as np

from ecops_lib.supply.policies.checks import require_no_less, require_positive, require_whole
from ecops_lib.supply.policies.continuous_review import OrderPoint
from ecops_lib.supply.policies.losses import poisson_loss


def r_q_cost_poisson(
    *,
    reorder_point: float,
    order_quantity: float,
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    demand_mean: float,
    lead_time: float,
) -> float:
    """Exact cost of an (r, Q) policy under Poisson demand, per unit of time (5.48).

    Args:
        reorder_point: Stock position at which to order, a whole number. [r]
        order_quantity: Units to order, a whole number. [Q]
        holding_cost: Cost of holding a unit for a unit of time. [h]
        stockout_cost: Cost of a unit that waits for a unit of time. [p]
        fixed_cost: Cost of placing an order. [K]
        demand_mean: Mean demand of a unit of time. [λ]
        lead_time: Time from order to receipt. [L]

    Raises:
        ParameterError: A number is not positive, or a stock not whole.
    """
    require_whole(reorder_point=reorder_point, order_quantity=order_quantity)
    require_no_less(1, order_quantity=order_quantity)
    require_positive(
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
        fixed_cost=fixed_cost,
        demand_mean=demand_mean,
        lead_time=lead_time,
    )
    levels = reorder_point + np.arange(1, int(order_quantity) + 1)
    short, over = poisson_loss(levels, mean=demand_mean * lead_time)
    rates = float((holding_cost * over + stockout_cost * short).sum())
    return (fixed_cost * demand_mean + rates) / order_quantity


def r_q_poisson_exact(
    *,
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    demand_mean: float,
    lead_time: float,
) -> OrderPoint:
    """The (r, Q) policy of least exact cost under Poisson demand.

    The cheapest levels are taken one after the other, best first, for as long as the next
    one costs less than the policy so far.

    Args:
        holding_cost: Cost of holding a unit for a unit of time. [h]
        stockout_cost: Cost of a unit that waits for a unit of time. [p]
        fixed_cost: Cost of placing an order. [K]
        demand_mean: Mean demand of a unit of time. [λ]
        lead_time: Time from order to receipt. [L]

    Raises:
        ParameterError: A number is not positive.

    References:
        Federgruen & Zheng (1992), Operations Research 40(4), 808-813; Snyder & Shen (5.48).
    """
    from scipy.stats import poisson

    require_positive(
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
        fixed_cost=fixed_cost,
        demand_mean=demand_mean,
        lead_time=lead_time,
    )
    mean = demand_mean * lead_time

    def rate(level: int) -> float:
        short, over = poisson_loss(level, mean=mean)
        return float(holding_cost * over + stockout_cost * short)

    low = high = int(poisson.ppf(stockout_cost / (stockout_cost + holding_cost), mean))
    total = fixed_cost * demand_mean + rate(low)
    below, above = rate(low - 1), rate(high + 1)
    while min(below, above) < total / (high - low + 1):
        total += min(below, above)
        if below < above:
            low, below = low - 1, rate(low - 2)
        else:
            high, above = high + 1, rate(high + 2)
    quantity = high - low + 1
    return OrderPoint(float(low - 1), float(quantity), total / quantity)
