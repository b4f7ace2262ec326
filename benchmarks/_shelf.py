"""A shelf, day by day: orders up to a level at each review, lead times at random, buyers wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Served:
    """What buyers met.

    Attributes:
        cycle: Share of cycles of each item that ended before the shelf was empty. A cycle
            lasts from the day a review's order is in to the day the next review's is.
        fill: Share of demand of each item met from the shelf on the day; NaN without demand.
        units: Units asked for of each item.
    """

    cycle: Array
    fill: Array
    units: Array


def serve(
    demand: Callable[[np.random.Generator], Array],
    levels: Array,
    leads: Callable[[np.random.Generator], Array],
    *,
    review_days: int,
    cycles: int,
    rng: np.random.Generator,
    overtaking: bool = False,
) -> Served:
    """Run shelves for some cycles; nothing here knows how the levels came about.

    Args:
        demand: Draws a day's demand of each item.
        levels: Stock position to order up to, of each item.
        leads: Draws the days that an order of each item takes.
        review_days: Days between two orders.
        cycles: Cycles to count, after a few to settle.
        rng: Source of randomness.
        overtaking: Whether an order may come in before an earlier one; else a supplier
            fills the older first, and the later one waits for it.
    """
    count, warm = len(levels), 8
    days = (cycles + warm) * review_days
    longest = 400
    coming = np.zeros((count, days + longest))
    ends = np.zeros((count, days + longest), bool)  # days on which a review's order is in
    net, position = levels.astype(float).copy(), levels.astype(float).copy()
    short, asked = np.zeros(count), np.zeros(count)
    empty, closed, last = np.zeros(count), np.zeros(count), np.zeros(count, int)
    for day in range(days):
        units = demand(rng)
        before = np.maximum(net, 0.0)
        net -= units
        position -= units
        counted = day >= warm * review_days
        if counted:
            short += np.maximum(units - before, 0.0)
            asked += units
            empty += ends[:, day] & (net < 0)
            closed += ends[:, day]
        net += coming[:, day]
        if day % review_days == 0:
            taken = day + leads(rng)
            last = taken = taken if overtaking else np.maximum(taken, last)
            taken = np.minimum(taken, days + longest - 1)
            coming[np.arange(count), taken] += levels - position
            ends[np.arange(count), taken] = True
            position = levels.astype(float).copy()
    with np.errstate(invalid="ignore"):
        return Served(1 - empty / closed, 1 - short / asked, asked)


def draws(kinds: Sequence[str], rates: Array) -> Callable[[np.random.Generator], Array]:
    """A day's demand of items: ``fast`` and ``slow`` are Poisson, ``lumpy`` comes in bulks."""
    lumpy = np.array([kind == "lumpy" for kind in kinds])

    def day(rng: np.random.Generator) -> Array:
        return np.where(lumpy, bulks(rng, rates), rng.poisson(rates)).astype(float)

    return day


def bulks(rng: np.random.Generator, rates: Array, shape: tuple[int, ...] = ()) -> Array:
    """Nothing on nine days of ten, then a bulk: ``rates`` + 0.1 units a day on average."""
    size = (*shape, *np.shape(rates))
    sizes = 1 + rng.negative_binomial(1.5, 1.5 / (1.5 + 10 * np.asarray(rates)), size)
    return np.where(rng.random(size) < 0.1, sizes, 0)
