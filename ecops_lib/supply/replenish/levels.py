"""Stock levels from sampled demand: how much until the next order comes in.

A level of S units, counted in stock position when ordering, keeps a cycle free of a
stock-out if the demand until the *next* order comes in is at most S. The fill rate is the
share of demand met at once: a cycle's shortage is what (D(lead + review) - S)+ exceeds
(D(lead) - S)+ by (Silver, Pyke & Peterson, chapter 7, for order-up-to systems).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ecops_lib.supply.panel import Floats
from ecops_lib.supply.replenish.sampling import Sample

Measure = Literal["cycle", "fill"]
"""What a service level is: the chance of no stock-out until the next order comes in, or the
share of demand met at once."""

Mask = np.ndarray[Any, np.dtype[np.bool_]]
GRID = 200
"""Quantiles that a distribution is kept as."""


def find_levels(sample: Sample, asked: Floats, *, measure: Measure) -> Floats:
    """The least whole level of each item that gives at least the service asked for.

    Args:
        sample: Demand of the items.
        asked: Service of each item, between 0 and 1.
        measure: What it counts.
    """
    if measure == "cycle":
        return cycle_levels(sample.total, asked)
    low, high = np.zeros(len(asked)), np.ceil(sample.total.max(axis=1))
    while (high - low > 0).any():
        middle = np.floor((low + high) / 2)
        enough = measure_service(sample, middle, measure="fill") >= asked
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
        low = np.minimum(low, high)
    return np.asarray(high)


def cycle_levels(total: Floats, asked: Floats) -> Floats:
    """The least whole level of each item that covers its share of cycles.

    It is the order statistic of rank ⌈share × (futures + 1)⌉, which covers a new future with
    that chance (Wilks 1941).
    """
    futures = total.shape[1]
    rank = np.ceil(asked * (futures + 1) - 1e-9).astype(int)
    place = np.clip(rank, 1, futures) - 1
    ordered = np.sort(total, axis=1)
    return np.maximum(
        0.0, np.ceil(np.take_along_axis(ordered, place[:, None], axis=1)[:, 0] - 1e-9)
    )


def measure_service(sample: Sample, level: Floats, *, measure: Measure) -> Floats:
    """Service that each item's level gives; 1 where nothing is asked for."""
    if measure == "cycle":
        return np.asarray((sample.total <= level[:, None] + 1e-9).mean(axis=1))
    short = np.maximum(sample.total - level[:, None], 0.0).mean(axis=1)
    short -= np.maximum(sample.before - level[:, None], 0.0).mean(axis=1)
    asked_for = (sample.total - sample.before).mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(asked_for > 0, 1 - short / asked_for, 1.0))


def share_units(
    served: Floats, below: Floats, weight: Floats, worth: Floats, *, asked: float, free: Mask
) -> Mask:
    """Items that do with one unit less, so that all together give the service asked for.

    Whole units give slow items more than asked; the units that bring the least service for
    their money are left out while the weighted mean stays at least as asked.

    Args:
        served: Service of each item at its level.
        below: Service of each item with one unit less.
        weight: Weight of each item in the mean.
        worth: What one unit costs.
        asked: Service that the weighted mean must keep.
        free: Items that may do with one unit less.

    Returns:
        Whether the item does with one unit less.
    """
    whole = weight.sum()
    fewer = np.zeros(len(served), bool)
    if not whole > 0:
        return fewer
    spare = float(served @ weight) - asked * whole
    loss = np.maximum(served - below, 0.0) * weight
    for place in np.argsort(loss / np.maximum(worth, 1e-12), kind="stable"):
        if free[place] and loss[place] <= spare:
            fewer[place] = True
            spare -= loss[place]
    return fewer


def thin(total: Floats) -> Floats:
    """A distribution as the middles of ``GRID`` equal parts (items, GRID), in float32."""
    shares = (np.arange(GRID) + 0.5) / GRID
    return np.quantile(total, shares, axis=1).T.astype(np.float32)


def expected_sales(grid: np.ndarray[Any, Any], level: Floats) -> Floats:
    """E[min(demand, level)] of each item, from its thinned distribution."""
    return np.asarray(np.minimum(grid, np.maximum(level, 0.0)[:, None]).mean(axis=1))
