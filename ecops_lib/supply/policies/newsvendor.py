"""One order for one season (or one review): the newsvendor and its base-stock level.

Equation numbers are those of Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd
edition (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.policies.checks import require_no_less, require_positive
from ecops_lib.supply.policies.losses import (
    Loss,
    continuous_loss,
    discrete_loss,
    lognormal_loss,
    normal_loss,
    poisson_loss,
)


class BaseStock(NamedTuple):
    """How much to have.

    Attributes:
        base_stock_level: Units to order up to. [S]
        cost: Expected cost of a period. [g]
    """

    base_stock_level: float
    cost: float


class ExplicitStock(NamedTuple):
    """How much to buy for a season.

    Attributes:
        base_stock_level: Units to buy. [S]
        profit: Expected profit of the season.
    """

    base_stock_level: float
    profit: float


def critical_ratio(*, holding_cost: float, stockout_cost: float) -> float:
    """Chance of not running out that balances both costs: p / (p + h).

    Args:
        holding_cost: Cost of a unit left over. [h]
        stockout_cost: Cost of a unit short. [p]

    Raises:
        ParameterError: A cost is not positive.

    References:
        Snyder & Shen (4.27).
    """
    require_positive(holding_cost=holding_cost, stockout_cost=stockout_cost)
    return stockout_cost / (stockout_cost + holding_cost)


def newsvendor_normal(
    *,
    holding_cost: float,
    stockout_cost: float,
    demand_mean: float,
    demand_sd: float,
    lead_time: float = 0.0,
    base_stock_level: float | None = None,
) -> BaseStock:
    """The base-stock level of a normal demand, or the cost of a given one.

    Args:
        holding_cost: Cost of a unit left over at the end of a period. [h]
        stockout_cost: Cost of a unit short at the end of a period. [p]
        demand_mean: Mean demand of a period. [μ]
        demand_sd: Its standard deviation. [σ]
        lead_time: Whole periods that an order takes beyond its own. [L]
        base_stock_level: Level whose cost is asked for; the best one unless given. [S]

    Raises:
        ParameterError: A cost or the deviation is not positive.

    References:
        Snyder & Shen (4.24), (4.30), (4.37).

    >>> best = newsvendor_normal(holding_cost=0.18, stockout_cost=0.7, demand_mean=50, demand_sd=8)
    >>> round(best.base_stock_level, 1), round(best.cost, 4)
    (56.6, 1.9976)
    """
    from scipy.stats import norm

    require_no_less(0, lead_time=lead_time)
    require_positive(demand_sd=demand_sd)
    mean, sd = demand_mean * (lead_time + 1), demand_sd * float(np.sqrt(lead_time + 1))
    return _stock(
        holding_cost,
        stockout_cost,
        base_stock_level,
        best=lambda ratio: norm.ppf(ratio, mean, sd),
        loss=lambda x: normal_loss(x, mean=mean, sd=sd),
    )


def newsvendor_poisson(
    *,
    holding_cost: float,
    stockout_cost: float,
    demand_mean: float,
    lead_time: float = 0.0,
    base_stock_level: float | None = None,
) -> BaseStock:
    """The base-stock level of a Poisson demand, or the cost of a given one.

    Args:
        holding_cost: Cost of a unit left over at the end of a period. [h]
        stockout_cost: Cost of a unit short at the end of a period. [p]
        demand_mean: Mean demand of a period. [λ]
        lead_time: Whole periods that an order takes beyond its own. [L]
        base_stock_level: Level whose cost is asked for; the best one unless given. [S]

    Raises:
        ParameterError: A cost or the mean is not positive.

    References:
        Snyder & Shen (4.6), (4.35).
    """
    from scipy.stats import poisson

    require_no_less(0, lead_time=lead_time)
    mean = demand_mean * (lead_time + 1)
    return _stock(
        holding_cost,
        stockout_cost,
        base_stock_level,
        best=lambda ratio: poisson.ppf(ratio, mean),
        loss=lambda x: poisson_loss(x, mean=mean),
    )


def newsvendor_lognormal(
    *,
    holding_cost: float,
    stockout_cost: float,
    lognormal_mu: float,
    lognormal_sigma: float,
    base_stock_level: float | None = None,
) -> BaseStock:
    """The base-stock level of a lognormal demand, or the cost of a given one.

    Args:
        holding_cost: Cost of a unit left over at the end of a period. [h]
        stockout_cost: Cost of a unit short at the end of a period. [p]
        lognormal_mu: Mean of the logarithm of demand.
        lognormal_sigma: Standard deviation of the logarithm of demand.
        base_stock_level: Level whose cost is asked for; the best one unless given. [S]

    Raises:
        ParameterError: A cost or the deviation is not positive.

    References:
        Snyder & Shen problem 4.8(b), (4.102).
    """
    from scipy.stats import norm

    mu, sigma = lognormal_mu, lognormal_sigma
    return _stock(
        holding_cost,
        stockout_cost,
        base_stock_level,
        best=lambda ratio: np.exp(mu + sigma * norm.ppf(ratio)),
        loss=lambda x: lognormal_loss(x, mu=mu, sigma=sigma),
    )


def newsvendor_continuous(
    *,
    holding_cost: float,
    stockout_cost: float,
    demand_distrib: Any,
    base_stock_level: float | None = None,
) -> BaseStock:
    """The base-stock level of any continuous demand, or the cost of a given one.

    Args:
        holding_cost: Cost of a unit left over at the end of a period. [h]
        stockout_cost: Cost of a unit short at the end of a period. [p]
        demand_distrib: A frozen distribution of SciPy, such as ``scipy.stats.gamma(2)``.
        base_stock_level: Level whose cost is asked for; the best one unless given. [S]

    Raises:
        ParameterError: A cost is not positive.

    References:
        Snyder & Shen (4.24), (4.27).
    """
    return _stock(
        holding_cost,
        stockout_cost,
        base_stock_level,
        best=demand_distrib.ppf,
        loss=lambda x: continuous_loss(x, distrib=demand_distrib),
    )


def newsvendor_discrete(
    *,
    holding_cost: float,
    stockout_cost: float,
    demand_distrib: Any = None,
    demand_pmf: Mapping[int, float] | None = None,
    base_stock_level: float | None = None,
) -> BaseStock:
    """The base-stock level of any demand in whole units, or the cost of a given one.

    Args:
        holding_cost: Cost of a unit left over at the end of a period. [h]
        stockout_cost: Cost of a unit short at the end of a period. [p]
        demand_distrib: A frozen discrete distribution of SciPy.
        demand_pmf: Or the probability of each number of units.
        base_stock_level: Level whose cost is asked for; the best one unless given. [S]

    Raises:
        ParameterError: A cost is not positive, or no demand is given.

    References:
        Snyder & Shen (4.6), (4.35).
    """
    if demand_distrib is None and demand_pmf is None:
        raise ParameterError("a discrete newsvendor needs demand_distrib or demand_pmf.")
    quantile = demand_distrib.ppf if demand_pmf is None else _quantile(demand_pmf)
    return _stock(
        holding_cost,
        stockout_cost,
        base_stock_level,
        best=quantile,
        loss=lambda x: discrete_loss(x, distrib=demand_distrib, pmf=demand_pmf),
    )


def _quantile(pmf: Mapping[int, float]) -> Callable[[float], float]:
    units = sorted(pmf)
    below = np.cumsum([pmf[unit] for unit in units])

    def quantile(ratio: float) -> float:
        return units[min(int(np.searchsorted(below, ratio - 1e-12)), len(units) - 1)]

    return quantile


def _stock(
    holding_cost: float,
    stockout_cost: float,
    level: float | None,
    *,
    best: Callable[[float], float],
    loss: Callable[[float], Loss],
) -> BaseStock:
    ratio = critical_ratio(holding_cost=holding_cost, stockout_cost=stockout_cost)
    held = float(best(ratio) if level is None else level)
    short, over = loss(held)
    return BaseStock(held, float(holding_cost * over + stockout_cost * short))


def newsvendor_explicit(
    *,
    revenue: float,
    purchase_cost: float,
    salvage_value: float,
    demand_distrib: Any,
    holding_cost: float = 0.0,
    stockout_cost: float = 0.0,
    base_stock_level: float | None = None,
) -> ExplicitStock:
    """What to buy for a season whose rest is sold off, in prices instead of costs.

    Args:
        revenue: Price that a unit sells for. [r]
        purchase_cost: Price that a unit is bought for, below ``revenue``. [c]
        salvage_value: What a unit left over still brings, below ``purchase_cost``. [v]
        demand_distrib: Demand of the season: a frozen distribution of SciPy, continuous or
            discrete.
        holding_cost: Cost of a unit left over, besides. [h]
        stockout_cost: Cost of a unit short beyond its lost margin. [p]
        base_stock_level: Level whose profit is asked for; the best one unless given. [S]

    Raises:
        ParameterError: The prices do not fall from revenue to salvage value.

    References:
        Chopra & Meindl, Supply Chain Management, chapter on product availability, whose
        level (p - c) / (p - s) is that of no other costs.
    """
    require_no_less(0, holding_cost=holding_cost, stockout_cost=stockout_cost)
    if not salvage_value < purchase_cost < revenue:
        raise ParameterError(
            f"revenue is {revenue!r}, purchase_cost {purchase_cost!r} and salvage_value "
            f"{salvage_value!r}; they must fall in this order."
        )
    margin = revenue - purchase_cost + stockout_cost
    rest = purchase_cost - salvage_value + holding_cost
    level = base_stock_level
    if level is None:
        level = float(demand_distrib.ppf(margin / (margin + rest)))
    over = loss_of(level, demand_distrib).complement
    mean = float(demand_distrib.mean())
    return ExplicitStock(
        level, float(margin * level - stockout_cost * mean - (margin + rest) * over)
    )


def loss_of(x: float, distrib: Any) -> Loss:
    """Loss of a frozen distribution of SciPy, continuous or discrete."""
    family = discrete_loss if hasattr(distrib, "pmf") else continuous_loss
    return family(x, distrib=distrib)
