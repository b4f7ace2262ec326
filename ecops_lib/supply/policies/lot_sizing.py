"""Lot sizing over known demand: Wagner and Whitin's algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats


class LotPlan(NamedTuple):
    """When to order how much.

    Attributes:
        order_quantities: Units to order in each period. [Q]
        cost: Cost over all periods.
        costs_to_go: Cost from each period to the end; one more at the end, 0. [θ]
        next_orders: Place of the period up to which an order of this period would last
            (0 is the first period). [s]
    """

    order_quantities: tuple[float, ...]
    cost: float
    costs_to_go: tuple[float, ...]
    next_orders: tuple[int, ...]


def wagner_whitin(
    *,
    num_periods: int,
    holding_cost: float | Sequence[float],
    fixed_cost: float | Sequence[float],
    demand: float | Sequence[float],
    purchase_cost: float | Sequence[float] = 0.0,
) -> LotPlan:
    """The cheapest orders that meet known demand, none late.

    Args:
        num_periods: Periods. [T]
        holding_cost: Cost of a unit held to the next period, one or one a period. [h]
        fixed_cost: Cost of an order, one or one a period. [K]
        demand: Units asked for, one or one a period. [d]
        purchase_cost: Price of a unit, one or one a period. [c]

    Raises:
        ParameterError: A list has another length, or holds a negative number.

    References:
        Wagner & Whitin (1958), Management Science 5(1), 89-96; Snyder & Shen (3.39),
        Algorithm 3.1.

    >>> plan = wagner_whitin(num_periods=4, holding_cost=2, fixed_cost=500,
    ...                      demand=[90, 120, 80, 70])
    >>> plan.order_quantities, plan.cost, plan.next_orders
    ((210.0, 0.0, 150.0, 0.0), 1380.0, (2, 4, 4, 4))
    """
    if not num_periods >= 1:
        raise ParameterError(f"num_periods is {num_periods!r}; it must be 1 at least.")
    h = each_period(holding_cost, num_periods, name="holding_cost")
    k = each_period(fixed_cost, num_periods, name="fixed_cost")
    d = each_period(demand, num_periods, name="demand")
    c = each_period(purchase_cost, num_periods, name="purchase_cost")
    to_go = np.zeros(num_periods + 1)
    following = np.zeros(num_periods, int)
    for t in reversed(range(num_periods)):
        held = np.concatenate([[0.0], np.cumsum(h[t:-1])])  # of a unit kept from t on
        units = np.cumsum(d[t:])
        costs = k[t] * (units > 0) + c[t] * units + np.cumsum(held * d[t:]) + to_go[t + 1 :]
        following[t] = t + 1 + int(np.argmin(costs))
        to_go[t] = costs.min()
    orders, t = np.zeros(num_periods), 0
    while t < num_periods:
        orders[t] = d[t : following[t]].sum()
        t = following[t]
    return LotPlan(
        tuple(orders.tolist()),
        float(to_go[0]),
        tuple(to_go.tolist()),
        tuple(following.tolist()),
    )


def each_period(values: float | Sequence[float], periods: int, *, name: str) -> Floats:
    """One number for each period, from one number or a list of them.

    Raises:
        ParameterError: The list has another length, or a number is negative or missing.
    """
    held = np.asarray(values, float)
    if held.ndim == 0:
        held = np.full(periods, float(held))
    if held.shape != (periods,):
        raise ParameterError(f"{name} holds {held.size} numbers for {periods} periods.")
    if not ((held >= 0) & np.isfinite(held)).all():
        raise ParameterError(f"{name} is {values!r}; it must hold numbers of at least 0.")
    return held
