"""Futures of each SKU's demand: from a forecast, or by its own last weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.supply.forecast.result import Forecast
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.stock.view import StockView, require_daily

if TYPE_CHECKING:
    import pandas as pd

WEEKS = 8
"""Last weeks of demand that futures are drawn from."""
FEWEST = 4
"""Whole weeks from which they are drawn; with fewer, days are taken as Poisson."""


class Futures:
    """Draws demand of the days ahead.

    With a forecast these are its paths. Without one, whole weeks of the last eight follow one
    another at random, each weekday in its place; how often each week comes is itself drawn
    (the Bayesian bootstrap), for eight weeks do not tell the pace exactly. A SKU with fewer
    than four whole weeks has Poisson days, its rate drawn from what its days tell (gamma).
    Beyond a forecast's end its last week comes again.

    Attributes:
        horizon: Days ahead.

    References:
        Rubin (1981), The Bayesian Bootstrap, Annals of Statistics 9, 130-134.
    """

    def __init__(self, view: StockView, *, horizon: int, forecast: Forecast | None = None) -> None:
        if forecast is not None:
            require_daily(forecast, view.as_of)
        self.view, self.horizon, self.forecast = view, horizon, forecast

    def draw(self, skus: pd.DataFrame, count: int, rng: np.random.Generator) -> Floats:
        """Units asked for: (SKUs, count, horizon)."""
        if self.forecast is not None:
            return self._of_forecast(self.forecast, skus, count, rng)
        return draw_weeks(
            self.view.taken(self.view.demand.demand, skus), count=count, days=self.horizon, rng=rng
        )

    def _of_forecast(
        self, forecast: Forecast, skus: pd.DataFrame, count: int, rng: np.random.Generator
    ) -> Floats:
        place = forecast.keys.index.get_indexer(skus.index)
        made = np.zeros((len(skus), count, forecast.horizon))
        known = place >= 0
        if known.any():
            made[known] = np.nan_to_num(forecast.paths(rng, count, rows=place[known]))
        days = np.arange(self.horizon)
        back = min(7, forecast.horizon)
        beyond = forecast.horizon - back + (days - forecast.horizon) % back
        return made[:, :, np.where(days < forecast.horizon, days, beyond)]


def draw_weeks(demand: Floats, *, count: int, days: int, rng: np.random.Generator) -> Floats:
    """Futures by the last weeks of each series.

    Args:
        demand: Units asked for (series, days); NaN where unknown.
        count: Futures of each series.
        days: Days ahead.
        rng: Generator.

    Returns:
        (series, count, days).
    """
    recent = demand[:, -7 * WEEKS :]
    whole = recent.shape[1] // 7
    blocks = recent[:, recent.shape[1] - 7 * whole :].reshape(len(demand), whole, 7)
    known = np.asarray(~np.isnan(blocks).any(axis=2))
    ahead = -(-days // 7)
    made = np.empty((len(demand), count, days))
    for place, row in enumerate(known):
        if row.sum() < FEWEST:
            made[place] = _poisson(recent[place], count, days, rng)
            continue
        held = blocks[place, row]
        chance = np.cumsum(rng.dirichlet(np.ones(len(held)), size=count), axis=1)
        drawn = rng.random((count, ahead))
        week = (drawn[:, :, None] > chance[:, None, :]).sum(axis=2).clip(max=len(held) - 1)
        made[place] = held[week].reshape(count, ahead * 7)[:, :days]
    return made


def _poisson(recent: Floats, count: int, days: int, rng: np.random.Generator) -> Floats:
    known = recent[~np.isnan(recent)]
    if not known.sum() > 0:
        return np.zeros((count, days))
    rate = rng.gamma(known.sum() + 0.5, 1 / len(known), size=count)
    return rng.poisson(rate[:, None], size=(count, days)).astype(float)
