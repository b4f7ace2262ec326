"""Whole cents shared out over the lines of baskets, none lost and none made.

Lines lie in order of their baskets; ``starts`` are the places of the baskets' first lines.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecops_lib.campaigns.promotions.rules import MILLION

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


def add_up(values: Ints, starts: Ints) -> Ints:
    """The sum of each basket's lines."""
    sums: Ints = np.add.reduceat(values, starts)
    return sums


def portion(amounts: Ints, parts: int) -> Ints:
    """So many millionths of amounts, halves up."""
    held: Ints = (amounts * parts + MILLION // 2) // MILLION
    return held


def share_out(amounts: Ints, weights: Ints, basket: Ints, starts: Ints) -> Ints:
    """Share each basket's amount over its lines in proportion to their weights.

    The largest remainders get the cents left over (Hamilton's method), the earlier line
    first where they are equal.

    Args:
        amounts: By basket [cents]; no more than its weights' sum.
        weights: By line, from 0; the product of a basket's amount and weight must fit 63 bits.
        basket: By line, the place of its basket.
        starts: By basket.

    Returns:
        By line [cents], adding up to each basket's amount.
    """
    whole = np.maximum(add_up(weights, starts), 1)[basket]
    exact = amounts[basket] * weights
    held, rest = np.divmod(exact, whole)
    left = amounts - add_up(held, starts)
    near = np.flatnonzero((left[basket] > 0) & (rest > 0))
    if not len(near):
        return held
    order = near[np.lexsort((near, -rest[near], basket[near]))]
    first = np.flatnonzero(np.diff(basket[order], prepend=-1))
    sizes = np.diff(first, append=len(order))
    rank = np.arange(len(order)) - np.repeat(first, sizes)
    held[order[rank < left[basket[order]]]] += 1
    return held


def split_parts(amounts: Ints, shares: tuple[int, ...], basket: Ints, starts: Ints) -> Ints:
    """Split each line's amount among bearers, so that each basket's split is right as well.

    The first bearer's part of a basket's running total is rounded, so no line's error adds to
    another's; the rest is split among the others alike.

    Args:
        amounts: By line [cents], from 0.
        shares: Of the bearers [millionths], 1 in sum.
        basket: By line.
        starts: By basket.

    Returns:
        Line × bearer [cents], each from 0, adding up to the line's amount.
    """
    parts = np.zeros((len(amounts), len(shares)), np.int64)
    rest, left = amounts, MILLION
    for place, share in enumerate(shares):
        if share == left:
            parts[:, place] = rest
            break
        if share:
            running = _running(rest, basket, starts)
            upto = (running * share + left // 2) // left
            upfrom = ((running - rest) * share + left // 2) // left
            parts[:, place] = upto - upfrom
            rest = rest - parts[:, place]
            left -= share
    return parts


def _running(values: Ints, basket: Ints, starts: Ints) -> Ints:
    """Sum of a basket's lines up to and with each."""
    total = values.cumsum()
    held: Ints = total - (total[starts] - values[starts])[basket]
    return held
