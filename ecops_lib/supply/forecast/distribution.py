"""Distributions around a mean, calibrated by where earlier outcomes fell in them.

A series' distribution is its mean times a shape: its own outcomes over what was expected of
them, drawn to those of series like it. Where the outcomes of earlier windows fell in the
distributions forecast for them (their ranks) then says how the shape must be read: a quantile
of level p is the shape at the p-quantile of these ranks (conformal prediction with the
distribution as score: Chernozhukov, Wüthrich & Zhu 2021), and a path is the shape along the
ranks of one whole window, so that what hangs together in time stays together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecops_lib.supply.forecast.smoothing import row_quantiles
from ecops_lib.supply.panel import Floats

GRID = (np.arange(100) + 0.5) / 100
"""Levels at which a shape is held."""
OWN_PERIODS = 30.0
"""Known periods after which a series' own shape weighs as much as that of its group."""
RECENT = 364
"""Periods from which shapes are learnt."""
SINGLE = 1.5
"""Units a period that sold anything below which a series is one of single units."""
LEAST_WINDOWS = 20
"""Windows of a group below which it takes those of all series."""
MOST_CELLS = 500_000
"""Cells of paths that are drawn at a time."""
NOMINAL = np.arange(0.05, 1.001, 0.05)
"""Shares of a shape that intervals are tried with."""
MOST_POOLED = 200_000
"""Outcomes, evenly spread, from which a group's shape is learnt."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """How outcomes lie about the mean forecast.

    Attributes:
        centre: What the shapes are multiplied by (series, horizon): the mean, and where a
            seasonal naive forecast says 0 the mix's.
        shapes: Outcome over mean at the levels of ``GRID`` (series, 100), mean 1 a row.
        ranks: Where outcomes of earlier windows fell in the distribution as it was then
            (windows, horizon), from 0 to 1.
        held: Share of each window's outcomes in the interval of each share of
            ``NOMINAL`` (shares, windows).
        groups: Group of each series (series,).
        owners: Group of each window (windows,).
    """

    centre: Floats
    shapes: Floats
    ranks: Floats
    held: Floats
    groups: np.ndarray[Any, Any]
    owners: np.ndarray[Any, Any]

    def windows(self, group: object) -> Floats:
        """Ranks of the windows of a group, or of all where it has few."""
        return np.asarray(self.ranks[self._like(group)])

    def _like(self, group: object) -> np.ndarray[Any, Any]:
        mask = np.asarray(self.owners == group)
        return np.asarray(mask if mask.sum() >= LEAST_WINDOWS else np.ones_like(mask))

    def read_interval(self, share: float, *, whole: bool) -> tuple[Floats, Floats]:
        """The interval that held ``share`` of earlier outcomes (series, horizon)."""
        low, high = np.empty(self.centre.shape), np.empty(self.centre.shape)
        for group in np.unique(self.groups):
            rows = np.flatnonzero(self.groups == group)
            inside = np.maximum.accumulate(self.held[:, self._like(group)].mean(axis=1))
            nominal = float(np.interp(share, inside, NOMINAL))
            low[rows], high[rows] = lay_interval(
                self.shapes[rows], self.centre[rows], nominal, whole=whole
            )
        return low, high

    def draw_paths(
        self, rng: np.random.Generator, count: int, rows: np.ndarray[Any, Any]
    ) -> Floats:
        """Units along the ranks of whole windows drawn at random (rows, count, horizon).

        Their mean is the centre's: a few windows in a long tail would else lift it.
        """
        horizon = self.centre.shape[1]
        made = np.empty((len(rows), count, horizon))
        block = max(1, MOST_CELLS // (count * horizon))
        groups = self.groups[rows]
        for group in np.unique(groups):
            windows = self.windows(group)
            often = count_levels(windows)
            places = np.flatnonzero(groups == group)
            for some in np.array_split(places, -(-len(places) // block)):
                ranks = windows[rng.integers(len(windows), size=(len(some), count))]
                own = self.shapes[rows[some]]
                mean = (own @ often)[:, None]
                shapes = shape_at(own, ranks.reshape(len(some), -1)) / np.where(mean > 0, mean, 1.0)
                made[some] = shapes.reshape(len(some), count, horizon)
        return np.asarray(made * self.centre[rows][:, None, :])

    def read_levels(self, levels: Sequence[float], *, whole: bool) -> Floats:
        """Units at calibrated levels (levels, series, horizon), rising with the level."""
        out = np.empty((len(levels), *self.centre.shape))
        for group in np.unique(self.groups):
            rows = np.flatnonzero(self.groups == group)
            read = np.quantile(self.windows(group), levels)
            out[:, rows] = shape_at(self.shapes[rows], read).T[:, :, None] * self.centre[rows]
        out = np.maximum(out, 0)
        return np.asarray(np.round(out) if whole else out)


def shape_at(shapes: Floats, ranks: Floats) -> Floats:
    """Shapes at ranks: (series, 100) and (ranks,) or (series, ranks) give (series, ranks)."""
    ranks = np.broadcast_to(ranks, (len(shapes), np.shape(ranks)[-1]))
    place = np.clip(ranks * len(GRID) - 0.5, 0, len(GRID) - 1)
    low = np.floor(place).astype(int)
    below = np.take_along_axis(shapes, low, axis=1)
    above = np.take_along_axis(shapes, np.minimum(low + 1, len(GRID) - 1), axis=1)
    return np.asarray(below + (place - low) * (above - below))


def count_levels(ranks: Floats) -> Floats:
    """How often ``shape_at`` reads each level of ``GRID``, as shares (100,)."""
    place = np.clip(ranks.ravel() * len(GRID) - 0.5, 0, len(GRID) - 1)
    low = np.floor(place).astype(int)
    above = np.bincount(np.minimum(low + 1, len(GRID) - 1), place - low, len(GRID))
    return np.asarray((np.bincount(low, 1 - place + low, len(GRID)) + above) / len(place))


def lay_interval(
    shapes: Floats, centre: Floats, share: float, *, whole: bool
) -> tuple[Floats, Floats]:
    """Interval about a centre that holds a share of each shape (series, horizon).

    As much is left out below as above; where nothing lies below, because the lower end is 0
    already, all of it is left out above.
    """
    ranks = np.array([(1 - share) / 2, (1 + share) / 2, share])
    low, high, open_end = (
        shape_at(shapes, ranks[place : place + 1]) * centre for place in range(3)
    )
    if whole:
        low, high, open_end = np.round(low), np.round(high), np.round(open_end)
    return low, np.asarray(np.where(low <= 0, open_end, high))


def hold_outcomes(actual: Floats, centre: Floats, shapes: Floats, *, whole: bool) -> Floats:
    """Share of each series' outcomes in its intervals of each of ``NOMINAL`` (shares, series)."""
    count = np.maximum((~np.isnan(actual)).sum(axis=1), 1)
    out = np.empty((len(NOMINAL), len(actual)))
    for place, share in enumerate(NOMINAL):
        low, high = lay_interval(shapes, centre, float(share), whole=whole)
        out[place] = ((actual >= low) & (actual <= high)).sum(axis=1) / count
    return out


def learn_shapes(values: Floats, fitted: Floats, groups: np.ndarray[Any, Any]) -> Floats:
    """Shape of each series: its outcomes over what was expected, drawn to its group's.

    Args:
        values: Units (series, periods); NaN is unknown.
        fitted: What was expected of each period before it (series, periods).
        groups: Group of each series.

    Returns:
        (series, 100) outcome over mean at ``GRID``, mean 1 a row.
    """
    values, fitted = values[:, -RECENT:], fitted[:, -RECENT:]
    expected = np.where(np.nan_to_num(fitted) > 0, fitted, np.nan)
    ratios = values / expected
    known = (~np.isnan(ratios)).sum(axis=1)
    shapes = np.ones((len(values), len(GRID)))
    for group in np.unique(groups):
        rows = np.flatnonzero((groups == group) & (known > 0))
        if not len(rows):
            continue
        every = ratios[rows][~np.isnan(ratios[rows])]
        every = every[:: max(1, len(every) // MOST_POOLED)]
        weight = (known[rows] / (known[rows] + OWN_PERIODS))[:, None]
        own = row_quantiles(ratios[rows], list(GRID))
        shapes[rows] = weight * own + (1 - weight) * np.quantile(every, GRID)
    mean = shapes.mean(axis=1, keepdims=True)
    return np.asarray(np.where(mean > 0, shapes / np.where(mean > 0, mean, 1.0), 1.0))


def count_shapes(values: Floats, fitted: Floats, mean: Floats) -> Floats:
    """Shapes of series whose periods seldom see more than one unit; NaN rows for others.

    Where a mean of 0.2 doubles, one unit comes twice as often, it does not become two: so the
    shape is that of counts with the mean forecast, Poisson's or, where a series' counts
    spread more about what was expected of them (Pearson's dispersion), a negative binomial's.

    Args:
        values: Units (series, periods); NaN is unknown.
        fitted: What was expected of each period before it (series, periods).
        mean: Forecast mean of a period (series,).

    Returns:
        (series, 100) outcome over mean at ``GRID``, mean 1 a row.
    """
    from scipy import stats

    values, fitted = values[:, -RECENT:], fitted[:, -RECENT:]
    known = ~np.isnan(values) & (np.nan_to_num(fitted) > 0)
    sold = np.where(known & (values > 0), values, np.nan)
    size = np.nansum(sold, axis=1) / np.maximum((~np.isnan(sold)).sum(axis=1), 1)
    thin = np.flatnonzero((size > 0) & (size < SINGLE) & (mean > 0))
    shapes = np.full((len(values), len(GRID)), np.nan)
    gap = np.where(known, values - fitted, 0.0)[thin]
    spread = (gap**2).sum(axis=1) / np.where(known, fitted, 0.0)[thin].sum(axis=1)
    over = np.maximum(spread - 1, 1e-6)[:, None]
    units = stats.nbinom.ppf(GRID, mean[thin, None] / over, 1 / (1 + over))
    drawn = units.mean(axis=1, keepdims=True)
    shapes[thin] = np.where(drawn > 0, units / np.where(drawn > 0, drawn, 1.0), np.nan)
    return shapes


def rank_outcomes(
    actual: Floats, mean: Floats, shapes: Floats, rng: np.random.Generator, *, whole: bool
) -> Floats:
    """Where outcomes fall in their distributions (0 to 1), ties broken at random.

    Args:
        actual: What came (series, horizon); an unknown one gets a random rank.
        mean: What was forecast (series, horizon).
        shapes: Outcome over mean at ``GRID`` (series, 100).
        rng: Breaks ties.
        whole: Whether units are whole, so that half a unit either way is a tie.
    """
    half = 0.5 if whole else 1e-9
    drawn = np.asarray(rng.random(actual.shape))
    out = drawn.copy()
    for row in np.flatnonzero((~np.isnan(actual)).any(axis=1) & ~np.isnan(mean).any(axis=1)):
        units = np.maximum(mean[row], 1e-9)
        low = np.searchsorted(shapes[row], (actual[row] - half) / units, side="left")
        high = np.searchsorted(shapes[row], (actual[row] + half) / units, side="right")
        low = np.where(actual[row] <= 0, 0, low)
        placed = (low + drawn[row] * (high - low)) / len(GRID)
        out[row] = np.where(np.isnan(actual[row]), drawn[row], placed)
    return np.asarray(out)
