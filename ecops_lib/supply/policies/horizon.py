"""A season of periods: the orders of least expected cost, by dynamic programming."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, TypedDict, Unpack, cast

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.policies.checks import require_no_less, require_whole
from ecops_lib.supply.policies.losses import normal_loss
from ecops_lib.supply.policies.lot_sizing import each_period

Series = float | Sequence[float]
"""One number for all periods, or one a period."""


class HorizonPlan(NamedTuple):
    """When to order, and up to where, in each period.

    Attributes:
        reorder_points: Highest stock at which to order. [s]
        order_up_to_levels: Stock to order up to. [S]
        cost: Expected discounted cost of all periods, from the initial stock. [θ1]
    """

    reorder_points: tuple[int, ...]
    order_up_to_levels: tuple[int, ...]
    cost: float


class SeasonCosts(TypedDict):
    """Costs and demand of each period."""

    holding_cost: Series
    stockout_cost: Series
    purchase_cost: Series
    fixed_cost: Series
    demand_mean: Series
    demand_sd: Series


class _Season(NamedTuple):
    """The numbers of each period."""

    holding_cost: Floats
    stockout_cost: Floats
    purchase_cost: Floats
    fixed_cost: Floats
    demand_mean: Floats
    demand_sd: Floats
    discount_factor: Floats


def finite_horizon(
    *,
    num_periods: int,
    terminal_holding_cost: float,
    terminal_stockout_cost: float,
    discount_factor: Series = 1.0,
    initial_inventory_level: float = 0.0,
    demand_spread: float = 4.0,
    **costs: Unpack[SeasonCosts],
) -> HorizonPlan:
    """The (s, S) policy of each period of a season; demand is normal, stock whole.

    Demand moves stock in whole units within ``demand_spread`` standard deviations of its
    mean and not below 0; what lies beyond (1 in 16,000 at 4) is taken to end all cost, as
    in the published figures. Costs of a period are those of the normal demand itself.

    Args:
        num_periods: Periods. [T]
        terminal_holding_cost: Cost of a unit left over at the very end.
        terminal_stockout_cost: Cost of a unit that waits at the very end.
        discount_factor: Worth of the next period's money now. [γ]
        initial_inventory_level: Stock before the first order, a whole number. [x1]
        demand_spread: Standard deviations of demand looked at.
        **costs: One number or one a period: ``holding_cost`` of a unit left over at the
            end of a period [h], ``stockout_cost`` of a unit that waits [p],
            ``purchase_cost`` of a unit [c], ``fixed_cost`` of an order [K],
            ``demand_mean`` [μ] and ``demand_sd`` [σ].

    Raises:
        ParameterError: A list has another length, or holds an impossible number.

    References:
        Snyder & Shen (4.66), algorithm 4.1.
    """
    require_no_less(1, num_periods=num_periods)
    require_whole(num_periods=num_periods, initial_inventory_level=initial_inventory_level)
    require_no_less(
        0,
        terminal_holding_cost=terminal_holding_cost,
        terminal_stockout_cost=terminal_stockout_cost,
    )
    given = {**costs, "discount_factor": discount_factor}
    season = _Season(
        **{
            name: each_period(cast("Series", value), num_periods, name=name)
            for name, value in given.items()
        }
    )
    discount = season.discount_factor
    if not ((discount > 0) & (discount <= 1)).all() or not (season.demand_sd > 0).all():
        raise ParameterError(
            "discount_factor must lie above 0 and not above 1, and demand_sd above 0, in each "
            "period."
        )
    units = _demands(season, demand_spread)
    low, high = _range(season, demand_spread, initial_inventory_level)
    ends = (terminal_holding_cost, terminal_stockout_cost)
    while True:
        found = _solve(season, units, np.arange(low, high + 1.0), ends)
        if found is not None:
            points, levels, to_go = found
            return HorizonPlan(points, levels, float(to_go[int(initial_inventory_level) - low]))
        high += high - low


def _demands(season: _Season, spread: float) -> Floats:
    low = max(0, round(float(season.demand_mean.min() - spread * season.demand_sd.max())))
    high = round(float(season.demand_mean.max() + spread * season.demand_sd.max()))
    return np.arange(low, high + 1.0)


def _range(season: _Season, spread: float, initial: float) -> tuple[int, int]:
    """Stocks looked at: a season's demand below, a generous lot above."""
    sd = float(season.demand_sd.max())
    low = round(float(season.demand_mean.min() - season.demand_mean.max() - sd * (5 + spread)))
    both = season.holding_cost * season.stockout_cost
    lots = [
        math.sqrt(2 * k * mean * (h + p) / b) if b else mean
        for k, mean, h, p, b in zip(
            season.fixed_cost,
            season.demand_mean,
            season.holding_cost,
            season.stockout_cost,
            both,
            strict=True,
        )
    ]
    high = round(float(season.demand_mean.max() + max(lots) + 5 * sd))
    return min(low, int(initial)), max(high, int(initial))


def _solve(
    season: _Season, units: Floats, stock: Floats, ends: tuple[float, float]
) -> tuple[tuple[int, ...], tuple[int, ...], Floats] | None:
    """Points, levels and the first period's costs; None where more stock would be cheaper."""
    from scipy.stats import norm

    low, size = int(stock[0]), len(stock)
    to_go = ends[0] * np.maximum(stock, 0) + ends[1] * np.maximum(-stock, 0)
    landing = np.clip(stock[:, None] - units[None, :], low, int(stock[-1])).astype(int) - low
    points, levels = [], []
    for t in reversed(range(len(season.demand_mean))):
        short, over = normal_loss(
            stock.astype(float), mean=season.demand_mean[t], sd=season.demand_sd[t]
        )
        chance = norm.cdf(units + 0.5, season.demand_mean[t], season.demand_sd[t])
        chance -= norm.cdf(units - 0.5, season.demand_mean[t], season.demand_sd[t])
        stay = season.holding_cost[t] * over + season.stockout_cost[t] * short
        stay = stay + season.discount_factor[t] * (to_go[landing] @ chance)
        order = stay + season.purchase_cost[t] * stock
        least = np.minimum.accumulate(order[::-1])[::-1]  # of all levels at or above a stock
        place = _last_least(order)
        above = np.append(least[1:], np.inf)
        pay = season.fixed_cost[t] - season.purchase_cost[t] * stock + above
        level = np.where(pay < stay, np.append(place[1:], size - 1), np.arange(size))
        if (level[:-1] == size - 1).any():
            return None
        to_go = np.minimum(stay, pay)
        levels.append(int(stock[level[0]]))
        same = np.flatnonzero(level != level[0])
        points.append(int(stock[same[0] - 1]))
    return tuple(reversed(points)), tuple(reversed(levels)), to_go


def _last_least(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Place of the least value at or after each place, the first of equals."""
    best = len(values) - 1
    places = np.empty(len(values), np.int64)
    for place in reversed(range(len(values))):
        if values[place] <= values[best]:
            best = place
        places[place] = best
    return places
