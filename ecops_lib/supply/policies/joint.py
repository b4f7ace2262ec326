"""Joint replenishment: items that share the cost of an order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.policies.checks import require_all, require_no_less


class JointOrder(NamedTuple):
    """Items ordered together.

    Attributes:
        order_quantities: Units of each item when it is ordered. [Q]
        base_cycle_time: Time between two orders. [T]
        order_multiples: Each item is in every 1st, 2nd, 3rd … order. [m]
        cost: Cost per unit of time. [g]
    """

    order_quantities: tuple[float, ...]
    base_cycle_time: float
    order_multiples: tuple[int, ...]
    cost: float


def joint_replenishment(
    *,
    shared_fixed_cost: float,
    individual_fixed_costs: Sequence[float],
    holding_costs: Sequence[float],
    demand_rates: Sequence[float],
) -> JointOrder:
    """How often to order, and which items with which order (Silver's heuristic).

    Args:
        shared_fixed_cost: Cost of an order, whatever is in it. [K]
        individual_fixed_costs: Cost of an item's line in an order. [k]
        holding_costs: Cost of holding a unit of each item for a unit of time. [h]
        demand_rates: Units of each item asked for per unit of time. [λ]

    Raises:
        ParameterError: The lists differ in length, or hold impossible numbers.

    References:
        Silver (1976), Management Science 22(12), 1351-1361; Silver, Pyke & Peterson
        chapter 11.
    """
    require_no_less(0, shared_fixed_cost=shared_fixed_cost)
    require_all(individual_fixed_costs, name="individual_fixed_costs", above=-1e-300)
    require_all(holding_costs, name="holding_costs", above=0)
    require_all(demand_rates, name="demand_rates", above=0)
    if not len(individual_fixed_costs) == len(holding_costs) == len(demand_rates):
        raise ParameterError(
            f"individual_fixed_costs, holding_costs and demand_rates hold "
            f"{len(individual_fixed_costs)}, {len(holding_costs)} and {len(demand_rates)} numbers; "
            "each must hold one for each item."
        )
    line = np.asarray(individual_fixed_costs, float)
    rate = np.asarray(demand_rates, float)
    flow = np.asarray(holding_costs, float) * rate
    first = int(np.argmin(line / flow))
    shared = shared_fixed_cost + line[first]
    if not shared > 0:
        raise ParameterError("an order costs nothing; one of its fixed costs must be above 0.")
    wanted = np.sqrt(line / flow * flow[first] / shared)
    multiples = np.maximum(1, np.round(wanted)).astype(int)
    multiples[first] = 1
    ordering = shared_fixed_cost + float((line / multiples).sum())
    holding = float((flow * multiples).sum())
    cycle = math.sqrt(2 * ordering / holding)
    return JointOrder(
        tuple((cycle * multiples * rate).tolist()),
        cycle,
        tuple(multiples.tolist()),
        ordering / cycle + cycle * holding / 2,
    )
