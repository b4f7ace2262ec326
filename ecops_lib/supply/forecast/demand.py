"""Forecast the demand of a panel."""

from __future__ import annotations

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import mark
from ecops_lib.supply.backtest.folds import Fold, cut_folds, seasonal_naive
from ecops_lib.supply.forecast.distribution import Spread, learn_shapes, rank_outcomes
from ecops_lib.supply.forecast.result import LEVELS, Forecast
from ecops_lib.supply.forecast.smoothing import cycle_profile, smooth_levels
from ecops_lib.supply.panel import Floats, Panel

ALPHA = 0.05
ORIGINS = 3
PROFILE = mark("weekday profile and slow level")


def forecast_demand(panel: Panel, *, horizon: int, seed: int = 0) -> Forecast:
    """Forecast what will be asked for, with quantiles and paths.

    Args:
        panel: The past.
        horizon: Periods ahead.
        seed: Breaks ties of whole units.

    Raises:
        ParameterError: The horizon is not positive, or the panel holds no period.
    """
    if horizon < 1:
        raise ParameterError(f"horizon is {horizon}; it must be at least 1 period.")
    if not panel.periods:
        raise ParameterError("values holds no period; a forecast needs at least one.")
    rng = np.random.default_rng(seed)
    origins = min(ORIGINS, max(0, (panel.periods - 2) // horizon - 1))
    folds = cut_folds(panel, horizon=horizon, origins=origins) if origins else ()
    ranks, owners = [], []
    for fold in folds:
        ranks.append(_fold_ranks(fold, horizon, rng))
        owners.append(fold.rows)
    mean, shapes = _mean_and_shapes(panel, horizon)
    spread = Spread(
        shapes=shapes,
        ranks=np.concatenate(ranks) if ranks else rng.random((len(panel), horizon)),
        owners=np.concatenate(owners) if owners else np.arange(len(panel)),
    )
    return Forecast(
        keys=panel.keys,
        start=panel.days(ahead=1)[-1].date(),
        frequency=panel.frequency,
        mean=mean,
        naive=seasonal_naive(panel, horizon),
        levels=LEVELS,
        quantiles=_quantiles(mean, spread, whole=panel.whole),
        method=np.full(len(panel), PROFILE, dtype=object),
        whole=panel.whole,
        spread=spread,
    )


def _mean_and_shapes(panel: Panel, horizon: int) -> tuple[Floats, Floats]:
    cycle = 7 if panel.frequency == "day" and panel.periods >= 14 else 1
    profile = cycle_profile(panel.values, cycle=cycle)
    places = (np.arange(panel.periods) - panel.periods) % cycle
    factors = profile[:, places]
    even = np.where(factors > 0.02, panel.values / np.maximum(factors, 0.02), np.nan)
    levels = smooth_levels(even, alpha=ALPHA)
    ahead = profile[:, np.arange(horizon) % cycle]
    fitted = levels[:, :-1] * factors
    ratios = np.where(fitted > 1e-6, panel.values / np.maximum(fitted, 1e-6), np.nan)
    return levels[:, -1:] * ahead, learn_shapes(ratios[:, -365:])


def _fold_ranks(fold: Fold, horizon: int, rng: np.random.Generator) -> Floats:
    mean, shapes = _mean_and_shapes(fold.past, horizon)
    return rank_outcomes(fold.actual, mean, shapes, rng, whole=fold.past.whole)


def _quantiles(mean: Floats, spread: Spread, *, whole: bool) -> Floats:
    levels = np.quantile(spread.ranks, LEVELS)
    held = np.stack([spread.at(mean, np.full(mean.shape, level)) for level in levels])
    held = np.maximum.accumulate(np.maximum(held, 0), axis=0)
    return np.round(held) if whole else held
