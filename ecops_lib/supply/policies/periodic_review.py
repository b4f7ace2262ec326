"""(s, S) policies: at each review, order up to S if stock has fallen to s or below.

Demand of a period comes before its costs are counted; buyers wait. Equation numbers are
those of Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd edition (2019), chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.policies.checks import require_no_less, require_positive, require_whole

REST = 1e-15
"""Probability of a Poisson demand's upper tail that is left out."""


class OrderUpTo(NamedTuple):
    """When to order, and up to where.

    Attributes:
        reorder_point: Stock at or below which to order. [s]
        order_up_to_level: Stock to order up to. [S]
        cost: Expected cost of a period. [g]
    """

    reorder_point: float
    order_up_to_level: float
    cost: float


class _Review:
    """Demand of a period, the cost of a level, and how long stock lasts."""

    def __init__(
        self, holding_cost: float, stockout_cost: float, pmf: Floats, lead_time: int
    ) -> None:
        require_positive(holding_cost=holding_cost, stockout_cost=stockout_cost)
        require_no_less(0, lead_time=lead_time)
        require_whole(lead_time=lead_time)
        if not pmf[0] < 1:
            raise ParameterError("demand is never above 0; there is nothing to order for.")
        self.holding, self.stockout, self.pmf = holding_cost, stockout_cost, pmf
        total = pmf
        for _ in range(int(lead_time)):
            total = np.convolve(total, pmf)
        self.below = np.cumsum(total)
        self.mean = float(np.arange(len(total)) @ total)
        self.over = np.concatenate([[0.0], np.cumsum(self.below)])  # E[(x - D)+] at x = 0, 1, …
        self._lasts = [1.0 / (1.0 - float(pmf[0]))]

    def rate(self, level: int) -> float:
        """Expected cost of a period that begins at a level (4.6)."""
        if level <= 0:
            over = 0.0
        elif level < len(self.over):
            over = float(self.over[level])
        else:
            over = float(self.over[-1]) + level - (len(self.over) - 1)
        return self.holding * over + self.stockout * (self.mean - level + over)

    def lasts(self, units: int) -> Floats:
        """Expected periods that stock spends 0, 1, … units below S (4.73), (4.74)."""
        held = self._lasts
        for j in range(len(held), units):
            chances = self.pmf[1 : j + 1]
            recent = held[j - 1 : (j - len(chances) - 1 if j > len(chances) else None) : -1]
            held.append(held[0] * float(chances @ np.asarray(recent)))
        return np.asarray(held[:units])

    def cost(self, s: int, big: int, fixed_cost: float) -> float:
        """Cost of a period under (s, S) (4.71), (4.75)."""
        spent = self.lasts(big - s)
        rates = [self.rate(big - d) for d in range(big - s)]
        return float((fixed_cost + spent @ np.asarray(rates)) / spent.sum())

    @property
    def best_level(self) -> int:
        ratio = self.stockout / (self.stockout + self.holding)
        return int(np.searchsorted(self.below, ratio - 1e-14))


def s_s_cost(
    *,
    reorder_point: float,
    order_up_to_level: float,
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    demand_mean: float | None = None,
    demand_pmf: Sequence[float] | Mapping[int, float] | None = None,
    lead_time: int = 0,
) -> float:
    """Exact cost of an (s, S) policy, per period.

    Args:
        reorder_point: Stock at or below which to order. [s]
        order_up_to_level: Stock to order up to. [S]
        holding_cost: Cost of a unit left over at the end of a period. [h]
        stockout_cost: Cost of a unit that waits at the end of a period. [p]
        fixed_cost: Cost of placing an order. [K]
        demand_mean: Mean of a Poisson demand of a period. [λ]
        demand_pmf: Or the probability of each number of units of a period, from 0 on.
        lead_time: Whole periods that an order takes beyond its own. [L]

    Raises:
        ParameterError: A cost is not positive, a stock not whole, or no demand is given.

    References:
        Snyder & Shen (4.71)-(4.75); Veinott & Wagner (1965).
    """
    require_whole(reorder_point=reorder_point, order_up_to_level=order_up_to_level)
    require_positive(fixed_cost=fixed_cost)
    if not reorder_point < order_up_to_level:
        raise ParameterError(
            f"reorder_point is {reorder_point!r}; it must be below order_up_to_level, "
            f"{order_up_to_level!r}."
        )
    review = _Review(holding_cost, stockout_cost, _chances(demand_mean, demand_pmf), lead_time)
    return review.cost(int(reorder_point), int(order_up_to_level), fixed_cost)


def s_s_exact(
    *,
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    demand_mean: float | None = None,
    demand_pmf: Sequence[float] | Mapping[int, float] | None = None,
    lead_time: int = 0,
) -> OrderUpTo:
    """The (s, S) policy of least cost under a demand in whole units.

    Args:
        holding_cost: Cost of a unit left over at the end of a period. [h]
        stockout_cost: Cost of a unit that waits at the end of a period. [p]
        fixed_cost: Cost of placing an order. [K]
        demand_mean: Mean of a Poisson demand of a period. [λ]
        demand_pmf: Or the probability of each number of units of a period, from 0 on.
        lead_time: Whole periods that an order takes beyond its own. [L]

    Raises:
        ParameterError: A cost is not positive, or no demand is given.

    References:
        Zheng & Federgruen (1991), Operations Research 39(4), 654-665; Snyder & Shen
        algorithm 4.2.

    >>> best = s_s_exact(holding_cost=1, stockout_cost=9, fixed_cost=64, demand_mean=10)
    >>> best.reorder_point, best.order_up_to_level, round(best.cost, 3)
    (6.0, 40.0, 35.022)
    """
    require_positive(fixed_cost=fixed_cost)
    review = _Review(holding_cost, stockout_cost, _chances(demand_mean, demand_pmf), lead_time)
    big = review.best_level
    s = big - 1
    while review.cost(s, big, fixed_cost) > review.rate(s):
        s -= 1
    best, least = (s, big), review.cost(s, big, fixed_cost)
    while review.rate(big + 1) <= least:
        big += 1
        if review.cost(s, big, fixed_cost) < least:
            while review.cost(s, big, fixed_cost) <= review.rate(s + 1):
                s += 1
            best, least = (s, big), review.cost(s, big, fixed_cost)
    return OrderUpTo(float(best[0]), float(best[1]), least)


def _chances(mean: float | None, pmf: Sequence[float] | Mapping[int, float] | None) -> Floats:
    """Probability of 0, 1, 2, … units."""
    from scipy.stats import poisson

    if (mean is None) == (pmf is None):
        raise ParameterError("give demand_mean (Poisson) or demand_pmf, one of the two.")
    if pmf is None:
        require_positive(demand_mean=mean or math.nan)
        return np.asarray(poisson.pmf(np.arange(int(poisson.isf(REST, mean)) + 1), mean))
    if isinstance(pmf, Mapping):
        pmf = [pmf.get(unit, 0.0) for unit in range(max(pmf) + 1)]
    held = np.asarray(pmf, float)
    if not ((held >= 0).all() and abs(held.sum() - 1) <= 1e-9):
        raise ParameterError(
            f"demand_pmf adds up to {float(held.sum()):.9g}; probabilities must be at least 0 "
            "and add up to 1."
        )
    return held


def s_s_power_approximation(
    *,
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    demand_mean: float,
    demand_sd: float,
    lead_time: float = 0.0,
) -> tuple[float, float]:
    """A near-best (s, S) policy from mean and deviation alone.

    Args:
        holding_cost: Cost of a unit left over at the end of a period. [h]
        stockout_cost: Cost of a unit that waits at the end of a period. [p]
        fixed_cost: Cost of placing an order. [K]
        demand_mean: Mean demand of a period. [μ]
        demand_sd: Its standard deviation. [σ]
        lead_time: Periods that an order takes beyond its own. [L]

    Returns:
        The reorder point s and the order-up-to level S.

    Raises:
        ParameterError: A number is not positive.

    References:
        Ehrhardt & Mosier (1984), Management Science 30(5), 618-622; Snyder & Shen
        (4.77)-(4.80), which has no lead time.
    """
    require_positive(
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
        fixed_cost=fixed_cost,
        demand_mean=demand_mean,
        demand_sd=demand_sd,
    )
    require_no_less(0, lead_time=lead_time)
    mean, sd = demand_mean * (lead_time + 1), demand_sd * math.sqrt(lead_time + 1)
    spread = (1 + (sd / demand_mean) ** 2) ** 0.116
    lot = 1.3 * demand_mean**0.494 * (fixed_cost / holding_cost) ** 0.506 * spread
    z = math.sqrt(lot / sd * holding_cost / stockout_cost)
    s = 0.973 * mean + sd * (0.183 / z + 1.063 - 2.192 * z)
    return s, s + lot
