"""Safety stock: what to hold against uncertain demand over an uncertain lead time."""

from __future__ import annotations

import math
from typing import NamedTuple

from ecops_lib.core.checks import require_between
from ecops_lib.supply.policies.checks import require_no_less, require_positive
from ecops_lib.supply.policies.losses import normal_loss, standard_normal_loss


class SafetyStock(NamedTuple):
    """Safety stock and what it follows from.

    Attributes:
        z: Standard deviations held.
        sigma_l: Standard deviation of the demand over the lead time.
        safety_stock: Units held against it.
        reorder_point: Expected demand over the lead time and the safety stock.
    """

    z: float
    sigma_l: float
    safety_stock: float
    reorder_point: float


class FillRate(NamedTuple):
    """How much of demand is met from the shelf.

    Attributes:
        shortage: Expected units short in a cycle. [ESC]
        fill_rate: Share of demand that is met at once.
    """

    shortage: float
    fill_rate: float


def set_safety_stock(
    *,
    demand_mean: float,
    demand_sd: float,
    lead_mean: float,
    lead_sd: float = 0.0,
    csl: float,
    review_period: float = 0.0,
) -> SafetyStock:
    """Safety stock for a chance of not running out in a cycle, demand being normal.

    Args:
        demand_mean: Mean demand of a period. [D]
        demand_sd: Its standard deviation; periods are independent. [σ_D]
        lead_mean: Mean lead time in periods. [L]
        lead_sd: Its standard deviation. [s_L]
        csl: Cycle service level: chance of not running out before an order comes in.
        review_period: Periods between two reviews; 0 where the shelf is always watched. [T]

    Raises:
        ParameterError: A number is impossible.

    References:
        Chopra & Meindl, Supply Chain Management, chapter on safety inventory:
        σ_L = √(L σ_D² + D² s_L²); Silver, Pyke & Peterson chapter 7.

    >>> stock = set_safety_stock(demand_mean=2500, demand_sd=500, lead_mean=7, lead_sd=7, csl=0.9)
    >>> round(stock.sigma_l), round(stock.safety_stock)
    (17550, 22491)
    """
    from scipy.stats import norm

    require_no_less(
        0,
        demand_mean=demand_mean,
        demand_sd=demand_sd,
        lead_mean=lead_mean,
        lead_sd=lead_sd,
        review_period=review_period,
    )
    require_between(csl, 0, 1, name="csl", ends="open")
    periods = lead_mean + review_period
    sigma = math.sqrt(periods * demand_sd**2 + (demand_mean * lead_sd) ** 2)
    z = float(norm.ppf(csl))
    return SafetyStock(z, sigma, z * sigma, demand_mean * periods + z * sigma)


def measure_fill_rate(*, order_quantity: float, safety_stock: float, sigma_l: float) -> FillRate:
    """Share of demand met at once by an order quantity and a safety stock.

    Args:
        order_quantity: Units of an order. [Q]
        safety_stock: Units held against uncertainty. [ss]
        sigma_l: Standard deviation of the demand over the lead time. [σ_L]

    Raises:
        ParameterError: The order or the deviation is not positive.

    References:
        Chopra & Meindl: ESC = -ss (1 - F(ss / σ_L)) + σ_L f(ss / σ_L), fr = 1 - ESC / Q.

    >>> round(measure_fill_rate(order_quantity=10000, safety_stock=1000, sigma_l=707).shortage)
    25
    """
    require_positive(order_quantity=order_quantity, sigma_l=sigma_l)
    short = float(normal_loss(safety_stock, mean=0.0, sd=sigma_l).loss)
    return FillRate(short, 1 - short / order_quantity)


def set_fill_rate_stock(*, order_quantity: float, sigma_l: float, fill_rate: float) -> float:
    """Safety stock that meets a share of demand at once, demand being normal.

    Args:
        order_quantity: Units of an order. [Q]
        sigma_l: Standard deviation of the demand over the lead time. [σ_L]
        fill_rate: Share of demand to be met at once.

    Returns:
        The safety stock; negative where the order alone does better than asked.

    Raises:
        ParameterError: A number is impossible.

    References:
        Chopra & Meindl: the ss at which ESC = (1 - fr) Q; Silver, Pyke & Peterson chapter 7.
    """
    from scipy.optimize import brentq

    require_positive(order_quantity=order_quantity, sigma_l=sigma_l)
    require_between(fill_rate, 0, 1, name="fill_rate", ends="open")
    wanted = (1 - fill_rate) * order_quantity / sigma_l
    z = brentq(lambda z: float(standard_normal_loss(z).loss) - wanted, -wanted - 10, 40)
    return float(z) * sigma_l
