"""The economic order quantity and its kin: one item, steady demand.

Equation numbers are those of Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd
edition (2019). Costs are per unit of time unless said otherwise; any unit of time and any
currency will do as long as they are the same throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.policies.checks import require_all, require_positive


class Lot(NamedTuple):
    """How much to order at a time.

    Attributes:
        order_quantity: Units of an order. [Q]
        cost: Cost per unit of time. [g]
    """

    order_quantity: float
    cost: float


class BackorderedLot(NamedTuple):
    """How much to order at a time where buyers wait.

    Attributes:
        order_quantity: Units of an order. [Q]
        stockout_fraction: Share of demand that waits. [x]
        cost: Cost per unit of time. [g]
    """

    order_quantity: float
    stockout_fraction: float
    cost: float


class DiscountedLot(NamedTuple):
    """How much to order at a time where price falls with quantity.

    Attributes:
        order_quantity: Units of an order. [Q]
        region: Place of its price in the list, from 0. [j]
        cost: Cost per unit of time, purchases among it. [g]
    """

    order_quantity: float
    region: int
    cost: float


def economic_order_quantity(
    *,
    fixed_cost: float,
    holding_cost: float,
    demand_rate: float,
    order_quantity: float | None = None,
) -> Lot:
    """The lot that balances ordering and holding (EOQ), or the cost of a given one.

    Args:
        fixed_cost: Cost of placing an order. [K]
        holding_cost: Cost of holding a unit for a unit of time. [h]
        demand_rate: Units asked for per unit of time. [λ]
        order_quantity: Lot whose cost is asked for; the best one unless given. [Q]

    Raises:
        ParameterError: A cost or a rate is not positive.

    References:
        Snyder & Shen (3.4), (3.5); Harris (1913).

    >>> lot = economic_order_quantity(fixed_cost=8, holding_cost=0.225, demand_rate=1300)
    >>> round(lot.order_quantity, 2), round(lot.cost, 2)
    (304.05, 68.41)
    """
    require_positive(fixed_cost=fixed_cost, holding_cost=holding_cost, demand_rate=demand_rate)
    best = math.sqrt(2 * fixed_cost * demand_rate / holding_cost)
    lot = best if order_quantity is None else order_quantity
    require_positive(order_quantity=lot)
    return Lot(lot, fixed_cost * demand_rate / lot + holding_cost * lot / 2)


def economic_order_quantity_with_backorders(
    *,
    fixed_cost: float,
    holding_cost: float,
    stockout_cost: float,
    demand_rate: float,
    order_quantity: float | None = None,
    stockout_fraction: float | None = None,
) -> BackorderedLot:
    """The lot, and the share of demand that waits for it (EOQB), or the cost of given ones.

    Args:
        fixed_cost: Cost of placing an order. [K]
        holding_cost: Cost of holding a unit for a unit of time. [h]
        stockout_cost: Cost of a unit that waits for a unit of time. [p]
        demand_rate: Units asked for per unit of time. [λ]
        order_quantity: Lot; the best one unless given. [Q]
        stockout_fraction: Share that waits; the best one unless given. [x]

    Raises:
        ParameterError: A cost or a rate is not positive, or the share is none.

    References:
        Snyder & Shen (3.27)-(3.29).

    >>> economic_order_quantity_with_backorders(
    ...     fixed_cost=8, holding_cost=0.225, stockout_cost=5, demand_rate=1300).cost
    66.92136355097325
    """
    require_positive(
        fixed_cost=fixed_cost,
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
        demand_rate=demand_rate,
    )
    h, p = holding_cost, stockout_cost
    lot = order_quantity
    if lot is None:
        lot = math.sqrt(2 * fixed_cost * demand_rate * (h + p) / (h * p))
    share = h / (h + p) if stockout_fraction is None else stockout_fraction
    require_positive(order_quantity=lot)
    require_between(share, 0, 1, name="stockout_fraction")
    held = h * lot * (1 - share) ** 2 / 2 + p * lot * share**2 / 2
    return BackorderedLot(lot, share, held + fixed_cost * demand_rate / lot)


def economic_production_quantity(
    *,
    fixed_cost: float,
    holding_cost: float,
    demand_rate: float,
    production_rate: float,
    order_quantity: float | None = None,
) -> Lot:
    """The lot of an item that comes in bit by bit (EPQ), or the cost of a given one.

    Args:
        fixed_cost: Cost of starting a lot. [K]
        holding_cost: Cost of holding a unit for a unit of time. [h]
        demand_rate: Units asked for per unit of time. [λ]
        production_rate: Units that come in per unit of time, above demand. [μ]
        order_quantity: Lot whose cost is asked for; the best one unless given. [Q]

    Raises:
        ParameterError: A cost or a rate is not positive, or demand is not below production.

    References:
        Snyder & Shen (3.31), (3.32).
    """
    require_positive(demand_rate=demand_rate, production_rate=production_rate)
    if not demand_rate < production_rate:
        raise ParameterError(
            f"demand_rate is {demand_rate!r}; it must be below production_rate, "
            f"{production_rate!r}."
        )
    return economic_order_quantity(
        fixed_cost=fixed_cost,
        holding_cost=holding_cost * (1 - demand_rate / production_rate),
        demand_rate=demand_rate,
        order_quantity=order_quantity,
    )


def economic_order_quantity_with_all_units_discounts(
    *,
    fixed_cost: float,
    holding_cost_rate: float,
    demand_rate: float,
    breakpoints: Sequence[float],
    unit_costs: Sequence[float],
) -> DiscountedLot:
    """The lot where the price of all units falls once an order is large enough.

    Args:
        fixed_cost: Cost of placing an order. [K]
        holding_cost_rate: Cost of holding for a unit of time, as a share of the price. [i]
        demand_rate: Units asked for per unit of time. [λ]
        breakpoints: Units from which each price holds, the first 0. [b]
        unit_costs: Price of a unit from each breakpoint on, falling. [c]

    Raises:
        ParameterError: The breakpoints do not rise from 0, or do not fit the prices.

    References:
        Snyder & Shen (3.18), (3.19).
    """
    _require_regions(fixed_cost, holding_cost_rate, demand_rate, breakpoints, unit_costs)
    ends = [*breakpoints[1:], math.inf]
    found = []
    for region, (start, end, price) in enumerate(zip(breakpoints, ends, unit_costs, strict=True)):
        best = math.sqrt(2 * fixed_cost * demand_rate / (holding_cost_rate * price))
        if best >= end:  # the next price begins below: no lot of this region beats its start
            continue
        lot = max(best, start)
        cost = price * demand_rate + fixed_cost * demand_rate / lot
        found.append(DiscountedLot(lot, region, cost + holding_cost_rate * price * lot / 2))
    return min(found, key=lambda lot: lot.cost)


def economic_order_quantity_with_incremental_discounts(
    *,
    fixed_cost: float,
    holding_cost_rate: float,
    demand_rate: float,
    breakpoints: Sequence[float],
    unit_costs: Sequence[float],
) -> DiscountedLot:
    """The lot where only the units above a breakpoint are cheaper.

    Args:
        fixed_cost: Cost of placing an order. [K]
        holding_cost_rate: Cost of holding for a unit of time, as a share of the price. [i]
        demand_rate: Units asked for per unit of time. [λ]
        breakpoints: Units from which each price holds, the first 0. [b]
        unit_costs: Price of a unit above each breakpoint, falling. [c]

    Raises:
        ParameterError: The breakpoints do not rise from 0, or do not fit the prices.

    References:
        Snyder & Shen (3.20)-(3.22).
    """
    _require_regions(fixed_cost, holding_cost_rate, demand_rate, breakpoints, unit_costs)
    ends = [*breakpoints[1:], math.inf]
    found, spent = [], 0.0
    for region, (start, end, price) in enumerate(zip(breakpoints, ends, unit_costs, strict=True)):
        extra = spent - price * start  # paid for the dearer units before this region
        best = math.sqrt(2 * (fixed_cost + extra) * demand_rate / (holding_cost_rate * price))
        lot = min(max(best, start), end)
        cost = price * demand_rate + (fixed_cost + extra) * demand_rate / lot if lot else math.inf
        cost += holding_cost_rate * (extra + price * lot) / 2
        found.append(DiscountedLot(lot, region, cost))
        spent += price * (end - start) if end < math.inf else 0.0
    return min(found, key=lambda lot: lot.cost)


def _require_regions(
    fixed_cost: float,
    rate: float,
    demand_rate: float,
    breakpoints: Sequence[float],
    unit_costs: Sequence[float],
) -> None:
    require_positive(fixed_cost=fixed_cost, holding_cost_rate=rate, demand_rate=demand_rate)
    require_all(unit_costs, name="unit_costs", above=0)
    rising = all(a < b for a, b in pairwise(breakpoints))
    if not breakpoints or breakpoints[0] != 0 or not rising:
        raise ParameterError(f"breakpoints is {list(breakpoints)!r}; it must rise from 0.")
    if len(unit_costs) != len(breakpoints):
        raise ParameterError(
            f"unit_costs holds {len(unit_costs)} prices for {len(breakpoints)} breakpoints; "
            "give one for each."
        )
    if any(a < b for a, b in pairwise(unit_costs)):
        raise ParameterError(f"unit_costs is {list(unit_costs)!r}; prices must fall with quantity.")
