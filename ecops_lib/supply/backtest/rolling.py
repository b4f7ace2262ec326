"""Rolling origin: forecast as of earlier days, and compare with what came after."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.backtest.board import NAIVE, Backtest
from ecops_lib.supply.backtest.folds import Fold, cut_folds, seasonal_naive
from ecops_lib.supply.backtest.scoring import MethodScores, score_method
from ecops_lib.supply.panel import Floats, Panel


class Distribution(Protocol):
    """A forecast with its quantiles, such as ``Forecast``."""

    @property
    def mean(self) -> Floats:
        """Expected units (series, horizon)."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles."""

    @property
    def quantiles(self) -> Floats:
        """(levels, series, horizon)."""


Forecaster = Callable[[Panel, int], "Floats | Distribution"]
"""Takes the past and a horizon; gives the mean (series, horizon), or a distribution."""


def backtest_forecasts(
    panel: Panel,
    *,
    methods: Mapping[str, Forecaster],
    horizon: int,
    origins: int = 2,
    worth: Floats | None = None,
    known_ahead: int | None = None,
) -> Backtest:
    """Score ways of forecasting on earlier days, beside the seasonal naive one.

    Args:
        panel: The whole past.
        methods: Ways of forecasting by name, the one in use first.
        horizon: Periods ahead to forecast from each origin.
        origins: How many non-overlapping windows at the end of the panel.
        worth: What a unit of each series is worth (series,) [store currency], such as its
            price; the scores weighted by it then stand beside the others.
        known_ahead: See ``cut_folds``.

    Returns:
        One row a method with all scores, pooled over series and origins.

    Raises:
        ParameterError: The panel is too short, no series has begun, or a method forecasts
            something of another shape, or nothing where the truth is known.
    """
    if worth is not None and np.shape(worth) != (len(panel),):
        raise ParameterError(
            f"worth has the shape {np.shape(worth)}; it must hold one value for each of the "
            f"{len(panel)} series."
        )
    folds = cut_folds(panel, horizon=horizon, origins=origins, known_ahead=known_ahead)
    if not sum(len(fold.rows) for fold in folds):
        raise ParameterError("no series of the panel has a known value before the first origin.")
    if NAIVE in methods:
        raise ParameterError(f"methods names {NAIVE!r}, which is added here; use another name.")
    every: dict[str, Forecaster] = {**methods, NAIVE: seasonal_naive}
    scored = tuple(_score(name, method, folds, horizon, worth) for name, method in every.items())
    return Backtest(
        methods=scored,
        origins=tuple(fold.past.days(ahead=1)[-1].date() for fold in folds),
        horizon=horizon,
        frequency=panel.frequency,
        series=len(panel),
        too_new=len(panel) - len(folds[-1].rows),
    )


def _score(
    name: str,
    method: Forecaster,
    folds: tuple[Fold, ...],
    horizon: int,
    worth: Floats | None,
) -> MethodScores:
    began = time.process_time()
    said = [method(fold.past, horizon) for fold in folds]
    seconds = time.process_time() - began
    given = [_parts(name, told, fold, horizon) for told, fold in zip(said, folds, strict=True)]
    levels = given[0][1]
    return score_method(
        name,
        folds=folds,
        mean=np.concatenate([mean for mean, _, _ in given]),
        levels=levels,
        quantiles=np.concatenate([held for _, _, held in given], axis=1),
        worth=worth,
        seconds=seconds,
    )


def _parts(
    name: str, told: Floats | Distribution, fold: Fold, horizon: int
) -> tuple[Floats, tuple[float, ...], Floats]:
    """Mean, levels and quantiles of what a method said."""
    shape = (len(fold.rows), horizon)
    levels: tuple[float, ...] = ()
    if isinstance(told, np.ndarray):
        mean, quantiles = told, np.empty((0, *shape))
    else:
        mean, levels, quantiles = told.mean, tuple(told.levels), told.quantiles
    if mean.shape != shape or quantiles.shape != (len(levels), *shape):
        raise ParameterError(
            f"method {name!r} forecast the shape {mean.shape}; it must be {shape}, and its "
            "quantiles one such table a level."
        )
    return mean, levels, quantiles
