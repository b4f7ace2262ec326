"""Weights of the candidates, learnt on earlier origins.

The weights are at least 0 and make the mean RMSSE of the windows so far as small as can be,
while the sum over all series is drawn to what was asked for, so that a candidate that buys
accuracy with empty shelves pays for it. They are drawn to equal weights where windows are few.
Afterwards the series are scaled so that their sum comes nearer to the panel's own level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecops_lib.supply.backtest.scores import squared_scale
from ecops_lib.supply.panel import Floats

RIDGE = 0.03
"""Pull to the weights expected beforehand, as a share of a candidate's mean squared error."""
BALANCE = 3.0
"""Pull of the sum over all series to what was asked for."""
GROUP_SERIES = 1000.0
"""Windows of series after which a group's own weights count as much as those of all."""
TO_TOTAL = 1 / 3
"""Part of the way, in logarithms, that the sum moves to the panel's own total."""
TINY = 1e-9
"""Least squared error, so that candidates alike can be told apart by the pull alone."""
ROUNDS = 4
"""Rounds of reweighting by the windows' own errors."""
LEAST_ERROR = 0.1
"""Least RMSSE that a window counts with, lest a perfect one takes all."""
MOST_SERIES = 2000
"""Series, evenly spread, from which weights are learnt; more tell nothing new."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Window:
    """One origin in squares: all that the weights need to know of it.

    Attributes:
        rows: Positions of its series.
        squares: Mean of candidate times candidate (series, candidates, candidates), scaled.
        crosses: Mean of candidate times actual (series, candidates), scaled.
        actual: Mean of actual squared (series,), scaled.
        sums: Units that each candidate forecast (series, candidates).
        asked: Units asked for (series,).
    """

    rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    squares: Floats
    crosses: Floats
    actual: Floats
    sums: Floats
    asked: Floats

    def of(self, chosen: np.ndarray[Any, Any]) -> Window:
        """The window of some of the series, by mask over all of the panel's."""
        held = chosen[self.rows]
        return Window(**{name: value[held] for name, value in vars(self).items()})


def summarise_window(forecasts: Floats, actual: Floats, history: Floats) -> Window:
    """Squares of the candidates of one origin, each series scaled as in RMSSE.

    Args:
        forecasts: (candidates, series, horizon).
        actual: What came (series, horizon); NaN is unknown.
        history: What was known (series, periods).
    """
    scale = squared_scale(history)
    told = np.isfinite(scale) & np.isfinite(forecasts[0]).all(axis=1) & (~np.isnan(actual)).any(1)
    rows = np.flatnonzero(told)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_SERIES)).astype(int))]
    known = ~np.isnan(actual[rows])
    weight = known / (known.sum(axis=1) * scale[rows])[:, None]
    said, came = forecasts[:, rows], np.nan_to_num(actual[rows])
    weighted = said * weight
    return Window(
        rows=rows,
        squares=np.matmul(weighted.transpose(1, 0, 2), said.transpose(1, 2, 0)),
        crosses=np.einsum("knh,nh->nk", weighted, came),
        actual=(came**2 * weight).sum(axis=1),
        sums=np.einsum("knh,nh->nk", said, known.astype(float)),
        asked=came.sum(axis=1),
    )


def learn_weights(
    windows: Sequence[Window], *, prior: Floats, groups: np.ndarray[Any, Any]
) -> Floats:
    """Weights of the candidates by series (series, candidates).

    Those of all series are drawn to ``prior``, those of each group to those of all.

    Args:
        windows: Earlier windows.
        prior: Weights expected beforehand (candidates,).
        groups: Group of each series (series,).
    """
    common = _weigh(windows, prior, RIDGE)
    weights = np.tile(common, (len(groups), 1))
    for group in np.unique(groups):
        chosen = groups == group
        if chosen.all():
            continue
        held = [window.of(chosen) for window in windows]
        seen = sum(len(window.rows) for window in held)
        weights[chosen] = _weigh(held, common, RIDGE + GROUP_SERIES / max(seen, 1))
    return weights


def _weigh(windows: Sequence[Window], prior: Floats, ridge: float) -> Floats:
    from scipy.optimize import nnls

    told = [window for window in windows if window.asked.sum() > 0]
    weights, count = prior, len(prior)
    for _ in range(ROUNDS if told else 0):
        square, cross, missed = _sum_squares(told, weights)
        size = np.trace(square) / count
        asked = sum(float(window.asked.sum()) for window in told)
        share = np.sum([window.sums.sum(axis=0) for window in told], axis=0) / asked
        square = square + ridge * missed * np.eye(count)
        square += BALANCE * size * count * np.outer(share, share)
        cross = cross + ridge * missed * prior + BALANCE * size * count * share
        root = np.linalg.cholesky(square)
        weights, _ = nnls(root.T, np.linalg.solve(root, cross))
    return np.asarray(weights)


def _sum_squares(windows: Sequence[Window], weights: Floats) -> tuple[Floats, Floats, float]:
    """Normal equations, each window of a series weighing one over its error so far.

    With them the mean squared error of a candidate alone.
    """
    count = len(weights)
    square, cross, seen, actual = np.zeros((count, count)), np.zeros(count), 0, 0.0
    for window in windows:
        bent = np.einsum("nkj,k,j->n", window.squares, weights, weights)
        error = np.sqrt(np.maximum(window.actual - 2 * window.crosses @ weights + bent, 0))
        weight = 1 / np.maximum(error, LEAST_ERROR)
        square += np.einsum("nkj,n->kj", window.squares, weight)
        cross += weight @ window.crosses
        actual += float(weight @ window.actual)
        seen += len(weight)
    missed = (np.trace(square) - 2 * cross.sum()) / count + actual
    return square / seen, cross / seen, max(float(missed), TINY) / seen


def draw_to_total(mean: Floats, total: Floats) -> Floats:
    """The series scaled so that their sum moves part of the way to the panel's own total.

    Args:
        mean: (series, horizon).
        total: What the panel's own level says of their sum (horizon,).
    """
    held, asked = np.nansum(mean), total.sum()
    return np.asarray(mean * (asked / held) ** TO_TOTAL) if held > 0 and asked > 0 else mean
