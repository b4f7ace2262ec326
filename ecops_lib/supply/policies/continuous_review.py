"""(r, Q) policies: when stock falls to r, order Q; the shelf is watched all the time.

Demand over the lead time is normal with mean λL and variance σ²L, or Poisson; buyers wait.
Equation numbers are those of Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd
edition (2019), chapter 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, TypedDict, Unpack

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.policies.checks import require_positive
from ecops_lib.supply.policies.eoq import (
    economic_order_quantity,
    economic_order_quantity_with_backorders,
)
from ecops_lib.supply.policies.losses import normal_loss, normal_second_loss

ROUNDS = 1000
"""Turns after which an iteration that does not settle is given up."""
CLOSE = 1e-11
"""Relative change at which an iteration has settled."""


class OrderPoint(NamedTuple):
    """When to order, and how much.

    Attributes:
        reorder_point: Stock position at which to order. [r]
        order_quantity: Units to order. [Q]
        cost: Expected cost per unit of time; which cost, each function says. [g]
    """

    reorder_point: float
    order_quantity: float
    cost: float


class LineCosts(TypedDict):
    """One item's costs, and its normal demand of a unit of time."""

    holding_cost: float
    stockout_cost: float
    fixed_cost: float
    demand_mean: float
    demand_sd: float
    lead_time: float


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One item's costs and its normal demand over the lead time."""

    holding_cost: float
    stockout_cost: float
    fixed_cost: float
    demand_mean: float
    demand_sd: float
    lead_time: float

    def __post_init__(self) -> None:
        require_positive(**vars(self))

    @property
    def mean(self) -> float:
        return self.demand_mean * self.lead_time

    @property
    def sd(self) -> float:
        return self.demand_sd * math.sqrt(self.lead_time)

    def rate(self, level: float) -> float:
        """Cost per unit of time while the stock position is at a level (4.24)."""
        short, over = normal_loss(level, mean=self.mean, sd=self.sd)
        return float(self.holding_cost * over + self.stockout_cost * short)

    def cost(self, r: float, q: float) -> float:
        """(5.7): the integral of the rate between r and r + Q, in second-order losses."""
        (short_r, over_r), (short_q, over_q) = (
            normal_second_loss(level, mean=self.mean, sd=self.sd) for level in (r, r + q)
        )
        held = self.holding_cost * (over_q - over_r) + self.stockout_cost * (short_r - short_q)
        return float((self.fixed_cost * self.demand_mean + held) / q)

    def best_point(self, q: float) -> float:
        """(5.9): the r at which the rate is the same at both ends."""
        from scipy.optimize import brentq

        low, high = self.mean - 10 * self.sd - q, self.mean + 10 * self.sd
        while self.rate(low) < self.rate(low + q):
            low -= q + self.sd
        while self.rate(high) > self.rate(high + q):
            high += q + self.sd
        return float(brentq(lambda r: self.rate(r) - self.rate(r + q), low, high, xtol=1e-12))


def r_q_cost(
    *,
    reorder_point: float,
    order_quantity: float,
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    demand_mean: float,
    demand_sd: float,
    lead_time: float,
) -> float:
    """Exact cost of an (r, Q) policy under normal demand, per unit of time (5.7).

    Args:
        reorder_point: Stock position at which to order. [r]
        order_quantity: Units to order. [Q]
        holding_cost: Cost of holding a unit for a unit of time. [h]
        stockout_cost: Cost of a unit that waits for a unit of time. [p]
        fixed_cost: Cost of placing an order. [K]
        demand_mean: Mean demand of a unit of time. [λ]
        demand_sd: Its standard deviation. [τ]
        lead_time: Time from order to receipt. [L]

    Raises:
        ParameterError: A number is not positive.
    """
    require_positive(order_quantity=order_quantity)
    line = _Line(
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
        fixed_cost=fixed_cost,
        demand_mean=demand_mean,
        demand_sd=demand_sd,
        lead_time=lead_time,
    )
    return line.cost(reorder_point, order_quantity)


def r_q_best_point(
    *,
    order_quantity: float,
    holding_cost: float,
    stockout_cost: float,
    demand_mean: float,
    demand_sd: float,
    lead_time: float,
) -> float:
    """The reorder point that suits a given order quantity best (5.9).

    Raises:
        ParameterError: A number is not positive.
    """
    require_positive(order_quantity=order_quantity)
    line = _Line(
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
        fixed_cost=1.0,
        demand_mean=demand_mean,
        demand_sd=demand_sd,
        lead_time=lead_time,
    )
    return line.best_point(order_quantity)


def r_q_exact(**costs: Unpack[LineCosts]) -> OrderPoint:
    """The (r, Q) policy of least exact cost (5.7) under normal demand.

    Args:
        **costs: ``holding_cost``, ``stockout_cost``, ``fixed_cost``, ``demand_mean``,
            ``demand_sd`` and ``lead_time``, as in ``r_q_cost``.

    Raises:
        ParameterError: A number is not positive.

    References:
        Snyder & Shen (5.7), (5.9); Zheng (1992), Management Science 38(1), 87-103.
    """
    from scipy.optimize import minimize_scalar

    line = _Line(**costs)
    start = economic_order_quantity(
        fixed_cost=line.fixed_cost, holding_cost=line.holding_cost, demand_rate=line.demand_mean
    ).order_quantity
    most = 4 * (start * math.sqrt(1 + line.holding_cost / line.stockout_cost) + line.sd)
    found = minimize_scalar(
        lambda q: line.cost(line.best_point(q), q),
        bounds=(start / 4, most),
        method="bounded",
        options={"xatol": 1e-9 * most},
    )
    q = float(found.x)
    return OrderPoint(line.best_point(q), q, float(found.fun))


def r_q_eil_approximation(**costs: Unpack[LineCosts]) -> OrderPoint:
    """The (r, Q) policy of the expected-inventory-level approximation.

    A stock-out costs ``stockout_cost`` a unit, however long it lasts; ``cost`` is the
    approximation's own (5.16).

    Args:
        **costs: ``holding_cost``, ``stockout_cost``, ``fixed_cost``, ``demand_mean``,
            ``demand_sd`` and ``lead_time``, as in ``r_q_cost``.

    Raises:
        ParameterError: A number is not positive, or stock-outs are so cheap that none of
            the policies is best.

    References:
        Snyder & Shen (5.16)-(5.18), algorithm 5.1.

    >>> best = r_q_eil_approximation(holding_cost=0.225, stockout_cost=7.5, fixed_cost=8,
    ...                              demand_mean=1300, demand_sd=150, lead_time=1 / 12)
    >>> round(best.reorder_point, 2), round(best.order_quantity, 2), round(best.cost, 2)
    (213.97, 318.59, 95.45)
    """
    from scipy.stats import norm

    line = _Line(**costs)
    q = math.sqrt(2 * line.fixed_cost * line.demand_mean / line.holding_cost)
    for _ in range(ROUNDS):
        chance = q * line.holding_cost / (line.stockout_cost * line.demand_mean)
        if not chance < 1:
            raise ParameterError(
                f"stockout_cost is {line.stockout_cost!r}; it is too low for a reorder point, "
                "for waiting costs less than holding stock for a whole cycle."
            )
        r = float(norm.isf(chance, line.mean, line.sd))
        short = float(normal_loss(r, mean=line.mean, sd=line.sd).loss)
        before = q
        q = math.sqrt(
            2 * line.demand_mean * (line.fixed_cost + line.stockout_cost * short)
            / line.holding_cost
        )  # fmt: skip
        if abs(q - before) <= CLOSE * q:
            break
    cost = line.holding_cost * (r - line.mean + q / 2)
    cost += line.demand_mean * (line.fixed_cost + line.stockout_cost * short) / q
    return OrderPoint(r, q, cost)


def r_q_eoqb_approximation(**costs: Unpack[LineCosts]) -> OrderPoint:
    """The lot of the EOQ with backorders, and the reorder point that suits it best.

    Args:
        **costs: ``holding_cost``, ``stockout_cost``, ``fixed_cost``, ``demand_mean``,
            ``demand_sd`` and ``lead_time``, as in ``r_q_cost``; ``cost`` is exact.

    Raises:
        ParameterError: A number is not positive.

    References:
        Snyder & Shen (3.27), (5.9).
    """
    line = _Line(**costs)
    q = economic_order_quantity_with_backorders(
        fixed_cost=line.fixed_cost,
        holding_cost=line.holding_cost,
        stockout_cost=line.stockout_cost,
        demand_rate=line.demand_mean,
    ).order_quantity
    r = line.best_point(q)
    return OrderPoint(r, q, line.cost(r, q))


def r_q_eoqss_approximation(**costs: Unpack[LineCosts]) -> OrderPoint:
    """The EOQ, and the newsvendor's level over the lead time as reorder point.

    Args:
        **costs: ``holding_cost``, ``stockout_cost``, ``fixed_cost``, ``demand_mean``,
            ``demand_sd`` and ``lead_time``, as in ``r_q_cost``; ``cost`` is exact.

    Raises:
        ParameterError: A number is not positive.

    References:
        Snyder & Shen (3.4), (5.21).
    """
    from scipy.stats import norm

    line = _Line(**costs)
    q = math.sqrt(2 * line.fixed_cost * line.demand_mean / line.holding_cost)
    ratio = line.stockout_cost / (line.stockout_cost + line.holding_cost)
    r = float(norm.ppf(ratio, line.mean, line.sd))
    return OrderPoint(r, q, line.cost(r, q))


def r_q_loss_function_approximation(**costs: Unpack[LineCosts]) -> OrderPoint:
    """The (r, Q) policy whose stock-outs are counted by loss functions alone.

    Args:
        **costs: ``holding_cost``, ``stockout_cost``, ``fixed_cost``, ``demand_mean``,
            ``demand_sd`` and ``lead_time``, as in ``r_q_cost``; ``cost`` is exact.

    Raises:
        ParameterError: A number is not positive.

    References:
        Snyder & Shen (5.28), (5.29); Hadley & Whitin (1963).
    """
    from scipy.optimize import brentq

    line = _Line(**costs)
    both = line.holding_cost + line.stockout_cost
    q = math.sqrt(2 * line.fixed_cost * line.demand_mean / line.holding_cost)
    for _ in range(ROUNDS):
        wanted = line.holding_cost * q / both
        low, high = line.mean - wanted - 10 * line.sd, line.mean + 40 * line.sd
        r = float(
            brentq(
                lambda y: float(normal_loss(y, mean=line.mean, sd=line.sd).loss) - wanted,  # noqa: B023
                low,
                high,
                xtol=1e-12,
            )
        )
        second = float(normal_second_loss(r, mean=line.mean, sd=line.sd).loss)
        before = q
        q = math.sqrt(2 * (line.fixed_cost * line.demand_mean + both * second) / line.holding_cost)
        if abs(q - before) <= CLOSE * q:
            break
    return OrderPoint(r, q, line.cost(r, q))
