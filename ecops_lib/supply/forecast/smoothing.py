"""Levels and weekday profiles of many series at once, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecops_lib.supply.panel import Floats

CYCLES = 52
"""Cycles from which a profile is learnt."""
OWN_CYCLES = 40.0
"""Cycles after which a series' own profile weighs as much as the panel's."""
LEAST_CHANCE = np.log(0.001)
"""Logarithm of the chance of an empty period below which it is taken for a closed one."""
LEAST_FACTOR = 0.02
"""Factor of the profile below which a place of the cycle tells nothing of the level."""


def closed_periods(values: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Periods in which the shop must have been closed: nothing at all was asked for.

    That is told where chance would hardly leave every series without a unit at once, judged by
    how often each has none; a few rarely sold series can have such a period by chance.

    Args:
        values: Units (series, periods); NaN is unknown.

    >>> closed_periods(np.array([[0, 2, 0, 0, 1.0]])).any()
    np.False_
    """
    known = ~np.isnan(values)
    none = known & (values == 0)
    empty = (np.nansum(values, axis=0) == 0) & known.any(axis=0)
    seen = known[:, ~empty].sum(axis=1)
    chance = np.log((none[:, ~empty].sum(axis=1) + 1) / (seen + 2))
    return np.asarray(empty & (not empty.all()) & (chance @ known < LEAST_CHANCE))


def cap_bursts(
    values: Floats, closed: np.ndarray[Any, Any], *, level: float = 0.95, recent: int = 182
) -> Floats:
    """Units without what lies above the series' own quantile of its recent periods.

    Bulk orders come and go; a level that follows each of them is worse for it. Closed periods
    do not count, and the cap is at least one unit.

    Args:
        values: Units (series, periods); NaN is unknown.
        closed: Periods in which the shop was closed (periods,).
        level: Level of the quantile.
        recent: Periods from which it is taken.
    """
    held = np.where(closed[-recent:], np.nan, values[:, -recent:])
    told = (~np.isnan(held)).any(axis=1)
    caps = np.full(len(values), np.inf)
    if told.any():
        caps[told] = row_quantiles(held[told], (level,))[:, 0]
    return np.asarray(np.minimum(values, np.maximum(caps, 1.0)[:, None]))


def row_quantiles(values: Floats, levels: Sequence[float]) -> Floats:
    """Quantiles of each row's known cells (rows, levels), linear between cells.

    As ``numpy.nanquantile``, at the speed of one sort.
    """
    ordered = np.sort(values, axis=1)
    last = (~np.isnan(values)).sum(axis=1)[:, None] - 1
    place = np.maximum(last, 0) * np.asarray(levels)[None, :]
    low = np.floor(place).astype(int)
    below = np.take_along_axis(ordered, low, axis=1)
    above = np.take_along_axis(ordered, np.minimum(low + 1, np.maximum(last, 0)), axis=1)
    return np.asarray(below + (place - low) * (above - below))


def cycle_profile(values: Floats, *, cycle: int, own_cycles: float = OWN_CYCLES) -> Floats:
    """Factor of each place in the cycle: the panel's profile, shrunk to by each series' own.

    Args:
        values: Units (series, periods); NaN is left out.
        cycle: Periods in a cycle, such as 7 days; 1 for none.
        own_cycles: Cycles after which the series' own profile weighs half.

    Returns:
        (series, cycle), mean 1 a row; the first place is that of the period after the last.
    """
    cycles = min(values.shape[1] // cycle, CYCLES)
    if cycle == 1 or not cycles:
        return np.ones((len(values), cycle))
    cube = values[:, -cycles * cycle :].reshape(len(values), cycles, cycle)
    known = (~np.isnan(cube)).sum(axis=1).astype(float)
    sums = np.nansum(cube, axis=1)
    level = _ratio(sums.sum(axis=1, keepdims=True), known.sum(axis=1, keepdims=True))
    level = np.nan_to_num(level)
    pooled = _ratio(sums.sum(axis=0), (known * level).sum(axis=0))
    pooled = np.where(np.isnan(pooled), 1.0, pooled)
    shape = _ratio(sums + own_cycles * level * pooled, level * (known + own_cycles))
    shape = np.where(np.isnan(shape), pooled, shape)
    shape[:, (sums.sum(axis=0) == 0) & (known.sum(axis=0) > 0)] = 0.0
    mean = shape.mean(axis=1, keepdims=True)
    return np.asarray(np.where(mean > 0, shape / np.where(mean > 0, mean, 1), 1.0))


def lay_profile(profile: Floats, *, past: int, ahead: int) -> tuple[Floats, Floats]:
    """The profile over past and coming periods: (series, past) and (series, ahead)."""
    cycle = profile.shape[1]
    return profile[:, np.arange(-past, 0) % cycle], profile[:, np.arange(ahead) % cycle]


def flatten(values: Floats, factors: Floats, closed: np.ndarray[Any, Any]) -> Floats:
    """Units without the profile; NaN where a place tells nothing or the shop was closed."""
    useful = (factors > LEAST_FACTOR) & ~closed[None, :]
    return np.asarray(np.where(useful, values / np.where(useful, factors, 1.0), np.nan))


def smooth_levels(values: Floats, *, alphas: Sequence[float]) -> Floats:
    """Simple exponential smoothing of each row; unknown periods leave the level alone.

    The first periods count as a plain mean until a period weighs less than ``alpha``.

    Args:
        values: (series, periods).
        alphas: Weights of the newest period.

    Returns:
        (alphas, series, periods + 1): the level before each period and after the last; NaN
        before anything is known.
    """
    rows, periods = values.shape
    gains = np.asarray(alphas, dtype=float)[:, None]
    levels = np.full((len(gains), rows, periods + 1), np.nan)
    level, weight = np.zeros((len(gains), rows)), np.zeros((len(gains), rows))
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    for t in range(periods):
        told = known[:, t]
        weight = np.where(told, (1 - gains) * weight + 1, weight)
        level = level + np.where(told, (filled[:, t] - level) / np.maximum(weight, 1.0), 0.0)
        levels[:, :, t + 1] = np.where(weight > 0, level, np.nan)
    return levels


def _ratio(above: Floats, below: Floats) -> Floats:
    nothing = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    return np.asarray(np.divide(above, below, out=nothing, where=below > 0))
