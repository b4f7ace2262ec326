"""Distributions around a mean, calibrated by where earlier outcomes fell in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.supply.panel import Floats

GRID = (np.arange(100) + 0.5) / 100
"""Levels at which a shape is held."""
OWN_PERIODS = 30.0
"""Known periods after which a series' own shape weighs as much as the panel's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """How outcomes lie about the mean forecast.

    Attributes:
        shapes: Outcome over mean at the levels of ``GRID`` (series, 100), mean 1 a row.
        ranks: Where outcomes of earlier windows fell in the distribution as it was then
            (windows, horizon), from 0 to 1; whole windows, so that what hangs together in
            time stays together.
        owners: Row of the series of each window (windows,).
    """

    shapes: Floats
    ranks: Floats
    owners: np.ndarray[tuple[int], np.dtype[np.intp]]

    def at(self, mean: Floats, ranks: Floats) -> Floats:
        """Units at ranks of the shapes (rows, ...): ``mean`` and ``ranks`` (rows, horizon)."""
        place = np.clip(ranks * len(GRID) - 0.5, 0, len(GRID) - 1)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, len(GRID) - 1)
        below = np.take_along_axis(self.shapes, low, axis=1)
        above = np.take_along_axis(self.shapes, high, axis=1)
        return mean * (below + (place - low) * (above - below))


def learn_shapes(ratios: Floats) -> Floats:
    """Shape of each series: its own outcomes over their forecasts, drawn to the panel's.

    Args:
        ratios: Outcome over forecast of past periods (series, periods); NaN is left out.

    Returns:
        (series, 100) outcome over mean at ``GRID``.
    """
    known = (~np.isnan(ratios)).sum(axis=1)
    pooled = ratios[~np.isnan(ratios)]
    base = np.quantile(pooled, GRID) if len(pooled) else np.ones(len(GRID))
    own = np.tile(base, (len(ratios), 1))
    told = known > 0
    own[told] = np.nanquantile(ratios[told], GRID, axis=1).T
    weight = (known / (known + OWN_PERIODS))[:, None]
    shapes = weight * own + (1 - weight) * base
    return np.asarray(shapes / np.maximum(shapes.mean(axis=1, keepdims=True), 1e-9))


def rank_outcomes(
    actual: Floats, mean: Floats, shapes: Floats, rng: np.random.Generator, *, whole: bool
) -> Floats:
    """Where outcomes fall in their distributions, ties broken at random (0 to 1).

    Args:
        actual: What came (series, horizon).
        mean: What was forecast (series, horizon).
        shapes: Outcome over mean at ``GRID`` (series, 100).
        rng: Breaks ties.
        whole: Whether a unit's rounding counts as a tie.
    """
    half = 0.5 if whole else 0.0
    low = _rank(np.nan_to_num(actual) - half, mean, shapes, side="left")
    high = _rank(np.nan_to_num(actual) + half, mean, shapes, side="right")
    drawn = rng.random(actual.shape)
    return np.asarray(np.where(np.isnan(actual), drawn, low + drawn * (high - low)))


def _rank(value: Floats, mean: Floats, shapes: Floats, *, side: str) -> Floats:
    ratio = value / np.maximum(mean, 1e-9)
    if side == "left":
        counts = (shapes[:, None, :] < ratio[:, :, None] - 1e-12).sum(axis=2)
        out = counts / len(GRID)
        return np.asarray(np.where(value <= 0, 0.0, out))
    counts = (shapes[:, None, :] <= ratio[:, :, None] + 1e-12).sum(axis=2)
    return np.asarray(counts / len(GRID))
