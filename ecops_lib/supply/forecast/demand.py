"""Forecast the demand of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import mark
from ecops_lib.supply.backtest.board import NAIVE, Backtest
from ecops_lib.supply.backtest.folds import Fold, cut_panel, seasonal_naive
from ecops_lib.supply.backtest.scores import mean_score, rmsse, squared_scale
from ecops_lib.supply.backtest.scoring import score_method
from ecops_lib.supply.forecast.distribution import (
    GRID,
    NOMINAL,
    Spread,
    count_shapes,
    hold_outcomes,
    learn_shapes,
    rank_outcomes,
)
from ecops_lib.supply.forecast.origins import Origin, choose_cuts, walk_origins
from ecops_lib.supply.forecast.result import LEVELS, Forecast
from ecops_lib.supply.panel import Floats, Panel

OURS = mark("ecops' mix")
"""Name of the forecast on the board."""
SCORED = 2
"""Non-overlapping windows at the end of the past that are scored."""


def forecast_demand(panel: Panel, *, horizon: int, seed: int = 0) -> Forecast:
    """Forecast what will be asked for, with quantiles, paths and a backtest.

    Many cheap forecasts of each series (its own level fast and slow, with bulk orders and
    without, its share of the panel's level, last year's season) are mixed by weights learnt on
    up to ten earlier origins, for each class of regularity; the sum is drawn part of the way to
    what the panel's own level says. Known drivers move all series alike. Where the seasonal naive
    forecast was as good on earlier days, it is used instead. Unknown periods (NaN) are left
    out, never taken as 0.

    Args:
        panel: The past, and what is known of the future.
        horizon: Periods ahead.
        seed: Breaks ties between whole units.

    Returns:
        The forecast; series without a known period have NaN.

    Raises:
        ParameterError: The horizon is not positive, or the panel holds no series or period.
    """
    if horizon < 1:
        raise ParameterError(f"horizon is {horizon}; it must be at least 1 period.")
    if not panel.periods or not len(panel):
        raise ParameterError(
            f"the panel has {len(panel)} series and {panel.periods} periods; a forecast needs at "
            "least one of each."
        )
    cuts, season = choose_cuts(panel, horizon=horizon)
    walked = walk_origins(panel, horizon=horizon, cuts=[*cuts, panel.periods], season=season)
    steps = _take_steps(panel, walked, horizon, np.random.default_rng(seed))
    last = _choose(steps, len(steps) - 1, whole=panel.whole)
    return Forecast(
        keys=panel.keys,
        start=panel.days(ahead=1)[-1].date(),
        frequency=panel.frequency,
        mean=last.mean,
        naive=steps[-1].naive,
        levels=LEVELS,
        quantiles=last.quantiles,
        method=last.method,
        whole=panel.whole,
        spread=last.spread,
        effects=walked[-1].effects,
        backtest=_board(panel, steps, horizon),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Step:
    """An origin with what came after it, and how it and the naive forecast fared."""

    origin: Origin
    naive: Floats
    shapes: Floats
    ranks: Floats
    held: Floats
    told: np.ndarray[Any, Any]
    errors: Floats
    naive_errors: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class _Chosen:
    mean: Floats
    method: np.ndarray[Any, Any]
    spread: Spread
    quantiles: Floats


def _take_steps(
    panel: Panel, walked: Sequence[Origin], horizon: int, rng: np.random.Generator
) -> list[_Step]:
    out = []
    for origin in walked:
        past = cut_panel(panel, origin.cut)
        actual = np.full(origin.mean.shape, np.nan)
        came = panel.values[:, origin.cut : origin.cut + horizon]
        actual[:, : came.shape[1]] = came
        shapes = learn_shapes(past.values, origin.fitted, origin.groups)
        if panel.whole:
            ahead = np.nan_to_num(origin.mean).mean(axis=1)
            counts = count_shapes(past.values, origin.fitted, ahead)
            shapes = np.where(np.isnan(counts), shapes, counts)
        told = (~np.isnan(actual)).any(axis=1) & ~np.isnan(origin.mean).any(axis=1)
        scale = squared_scale(past.values)[told]
        naive = seasonal_naive(past, horizon)
        ranks = rank_outcomes(actual, origin.mean, shapes, rng, whole=panel.whole)
        out.append(
            _Step(
                origin=origin,
                naive=naive,
                shapes=shapes,
                ranks=ranks[told],
                held=hold_outcomes(
                    actual[told], origin.mean[told], shapes[told], whole=panel.whole
                ),
                told=told,
                errors=rmsse(actual[told], origin.mean[told], scale=scale),
                naive_errors=rmsse(actual[told], naive[told], scale=scale),
            )
        )
    return out


def _choose(steps: Sequence[_Step], place: int, *, whole: bool) -> _Chosen:
    """The forecast of one origin by what was known of earlier ones."""
    now = steps[place]
    origin, horizon = now.origin, now.origin.mean.shape[1]
    before = [step for step in steps[:place] if step.origin.cut + horizon <= origin.cut]
    naive = np.isin(origin.groups, _naive_groups(before)) & ~np.isnan(origin.mean).any(axis=1)
    mean = np.where(naive[:, None], now.naive, origin.mean)
    ranks, held = [step.ranks for step in before], [step.held for step in before]
    owners = [step.origin.groups[step.told] for step in before]
    if not sum(map(len, ranks)):  # nothing to calibrate by: the shapes as they are
        ranks, owners = [np.tile(GRID[:, None], horizon)], [np.full(len(GRID), "")]
        held = [np.tile(NOMINAL[:, None], len(GRID))]
    spread = Spread(
        centre=np.where(mean > 0, mean, origin.mean),
        shapes=now.shapes,
        ranks=np.concatenate(ranks),
        held=np.concatenate(held, axis=1),
        groups=origin.groups,
        owners=np.concatenate(owners),
    )
    return _Chosen(
        mean=mean,
        method=np.where(naive, NAIVE, origin.method),
        spread=spread,
        quantiles=spread.read_levels(LEVELS, whole=whole),
    )


def _naive_groups(before: Sequence[_Step]) -> list[str]:
    """Groups for which the seasonal naive forecast was as good in the windows so far."""
    if not before:
        return []
    groups = np.concatenate([step.origin.groups[step.told] for step in before])
    gaps = np.concatenate([step.errors - step.naive_errors for step in before])
    return [str(name) for name in np.unique(groups) if mean_score(gaps[groups == name]) >= 0]


def _board(panel: Panel, steps: Sequence[_Step], horizon: int) -> Backtest | None:
    """Scores of the last non-overlapping windows; None where there is none."""
    ends = [panel.periods - horizon * k for k in range(1, SCORED + 1)]
    places = [n for n, step in enumerate(steps) if step.origin.cut in ends and step.told.any()]
    if not places:
        return None
    folds = []
    for place in places:
        cut, rows = steps[place].origin.cut, np.flatnonzero(steps[place].told)
        actual = panel.values[rows, cut : cut + horizon]
        past = cut_panel(panel, cut).rows(rows)
        folds.append(Fold(past=past, rows=rows, actual=actual))
    said = [_choose(steps, place, whole=panel.whole) for place in places]
    mean = np.concatenate([s.mean[fold.rows] for s, fold in zip(said, folds, strict=True)])
    bands = [s.quantiles[:, fold.rows] for s, fold in zip(said, folds, strict=True)]
    naive = [steps[n].naive[fold.rows] for n, fold in zip(places, folds, strict=True)]
    ours = score_method(
        OURS, folds=folds, mean=mean, levels=LEVELS, quantiles=np.concatenate(bands, axis=1)
    )
    plain = score_method(
        NAIVE, folds=folds, mean=np.concatenate(naive), levels=(), quantiles=bands[0][:0]
    )
    return Backtest(
        methods=(ours, plain),
        origins=tuple(fold.past.days(ahead=1)[-1].date() for fold in folds),
        horizon=horizon,
        frequency=panel.frequency,
        series=len(panel),
        too_new=len(panel) - len(folds[-1].rows),
    )
