"""Level and weekday profile of many series at once, in NumPy."""

from __future__ import annotations

import numpy as np

from ecops_lib.supply.panel import Floats

RECENT = 182
"""Periods from which a profile is learnt."""
OWN_CYCLES = 15.0
"""Cycles after which a series' own profile weighs as much as the panel's."""


def cycle_profile(values: Floats, *, cycle: int, own_cycles: float = OWN_CYCLES) -> Floats:
    """Factor of each place in the cycle, the panel's profile shrunk to each series'.

    Args:
        values: Units (series, periods); NaN is left out.
        cycle: Periods in a cycle, such as 7 days.
        own_cycles: Cycles after which the series' own profile weighs half.

    Returns:
        (series, cycle), mean 1 a row, in the order that begins with the period after the last.
    """
    if cycle == 1:
        return np.ones((len(values), 1))
    cycles = max(1, min(values.shape[1], RECENT) // cycle)
    held = values[:, -cycles * cycle :]
    if held.shape[1] < cycle:
        return np.ones((len(values), cycle))
    cube = held.reshape(len(values), cycles, cycle)
    known = (~np.isnan(cube)).sum(axis=1)
    sums = np.nansum(cube, axis=1)
    level = _ratio(sums.sum(axis=1, keepdims=True), known.sum(axis=1, keepdims=True))
    pooled = _ratio(sums.sum(axis=0), np.nansum(known * level, axis=0))
    pooled = np.where(np.isnan(pooled), 1.0, pooled)
    expected = level * (known + own_cycles)
    shape = _ratio(sums + own_cycles * level * pooled, expected)
    shape = np.where(np.isnan(shape), pooled, shape)
    return np.asarray(shape / np.maximum(shape.mean(axis=1, keepdims=True), 1e-12))


def smooth_levels(values: Floats, *, alpha: float) -> Floats:
    """Simple exponential smoothing of each row; unknown periods leave the level alone.

    Args:
        values: (series, periods).
        alpha: Weight of the newest period; the first ones count as a plain mean.

    Returns:
        (series, periods + 1): the level before each period, and after the last; NaN before
        anything is known.
    """
    rows, periods = values.shape
    levels = np.full((rows, periods + 1), np.nan)
    level, weight = np.zeros(rows), np.zeros(rows)
    for t in range(periods):
        known = ~np.isnan(values[:, t])
        weight = np.where(known, (1 - alpha) * weight + 1, weight)
        step = np.where(known, np.nan_to_num(values[:, t]) - level, 0.0)
        level = level + step / np.maximum(weight, 1.0)
        levels[:, t + 1] = np.where(weight > 0, level, np.nan)
    return levels


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
