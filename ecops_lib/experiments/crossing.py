"""How often a test that is looked at several times crosses its boundaries.

The sums S of a test behave like a Brownian motion in information: between two looks S
gains a normal amount with the information gained as variance. The chance to be still
between the boundaries is carried from look to look by numerical integration (Armitage,
McPherson, Rowe 1969; Jennison & Turnbull 2000, ch. 19), with Gauss–Legendre nodes close
enough that a normal density of the step's width is integrated to about 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

FARTHEST = 9.0
"""Standard errors beyond which a boundary is as good as none (two-sided chance 2e-19)."""

LEAST_STEP = 5e-4
"""Share by which information must grow from one look to the next."""

NODES_A_STEP = 3.8
"""Nodes for each standard deviation of the narrowest step, in a region's middle."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Walk:
    """Where a test may stand after some looks, if it has not stopped.

    Attributes:
        information: Information so far; 0 before the first look.
        places: Nodes of S = z·√information.
        chances: Chance of each node (density × weight); they sum to the chance of going on.
        step: Standard deviation of the last step.
    """

    information: float
    places: Floats
    chances: Floats
    step: float

    def above(self, z: float, information: float, *, drift: float = 0.0) -> float:
        """Chance to be at or above z at the next look."""
        return self._tail(z, information, drift, 1.0)

    def below(self, z: float, information: float, *, drift: float = 0.0) -> float:
        """Chance to be at or below z at the next look."""
        return self._tail(-z, information, drift, -1.0)

    def _tail(self, z: float, information: float, drift: float, sign: float) -> float:
        from scipy.special import ndtr

        step = np.sqrt(information - self.information)
        middle = self.places + drift * (information - self.information)
        away = (sign * middle - z * np.sqrt(information)) / step
        return float(self.chances @ ndtr(away))

    def advance(
        self, low: float, high: float, information: float, then: float, *, drift: float = 0.0
    ) -> Walk:
        """After a look at which z lay between ``low`` and ``high``; ``then`` is the next one's."""
        gained = information - self.information
        step, root = float(np.sqrt(gained)), float(np.sqrt(information))
        middle = drift * information / root
        least, most = max(low, middle - FARTHEST), min(high, middle + FARTHEST)
        narrow = min(step, float(np.sqrt(then - information))) / root
        nodes, weights = _nodes(least, most, narrow)
        places = nodes * root
        away = (places[:, None] - self.places[None, :] - drift * gained) / step
        density = np.exp(-0.5 * away * away) @ self.chances / (step * np.sqrt(2 * np.pi))
        return Walk(
            information=information,
            places=places,
            chances=density * weights * root,
            step=step,
        )


START = Walk(information=0.0, places=np.zeros(1), chances=np.ones(1), step=0.0)


def _nodes(low: float, high: float, narrow: float) -> tuple[Floats, Floats]:
    if not low < high:
        return np.zeros(1), np.zeros(1)
    nodes, weights = _legendre(math.ceil((high - low) / narrow * NODES_A_STEP / 32) + 2)
    half = (high - low) / 2
    return low + half * (nodes + 1), weights * half


@lru_cache(maxsize=64)
def _legendre(sixteens: int) -> tuple[Floats, Floats]:
    """Nodes and weights on −1 … 1, in multiples of 16, which are costly to find."""
    nodes, weights = np.polynomial.legendre.leggauss(16 * sixteens)
    return nodes, weights


def as_information(values: ArrayLike) -> Floats:
    """Information of the looks, checked: positive and growing from look to look.

    Raises:
        ParameterError: It is not, or grows by less than ``LEAST_STEP`` of itself.
    """
    held = np.asarray(values, float)
    if held.ndim != 1 or not held.size or not np.isfinite(held).all() or held[0] <= 0:
        raise ParameterError("information must be a list of positive numbers, one a look.")
    if (np.diff(held) < LEAST_STEP * held[1:]).any():
        raise ParameterError(
            f"information must grow by at least {LEAST_STEP:.2%} from look to look; "
            "leave out the looks between."
        )
    return held


def spend_boundaries(information: ArrayLike, spent: Sequence[float] | Floats) -> Floats:
    """Symmetric boundaries in z that spend a two-sided error chance look by look.

    Args:
        information: Information at each look, in any unit (only ratios count).
        spent: Chance to have crossed by each look if there is no effect, not decreasing.

    Returns:
        The boundary |z| of each look; infinite where there is nothing to spend.

    >>> spend_boundaries([1.0, 2.0], [0.025, 0.05]).round(3)
    array([2.241, 2.125])
    """
    held, allowed = as_information(information), np.asarray(spent, float)
    if allowed.shape != held.shape or (np.diff(allowed) < 0).any():
        raise ParameterError("spent must hold one share a look and must not fall.")
    walk, used, found = START, 0.0, []
    for place, level in enumerate(held):
        bound = _bound(walk, level, allowed[place] - used)
        used += 2 * walk.above(min(bound, FARTHEST), level)
        found.append(bound)
        if place + 1 < len(held):
            walk = walk.advance(-bound, bound, level, held[place + 1])
    return np.array(found)


def _bound(walk: Walk, information: float, chance: float) -> float:
    """The |z| that is crossed with a chance; infinite where that is as good as none."""
    from scipy.optimize import brentq

    if 2 * walk.above(FARTHEST, information) >= chance:
        return np.inf
    return float(
        brentq(lambda z: 2 * walk.above(z, information) - chance, 0.0, FARTHEST, xtol=1e-11)
    )


def crossing_chances(
    information: ArrayLike, *, low: ArrayLike, high: ArrayLike, drift: float = 0.0
) -> tuple[Floats, Floats]:
    """Chance to leave upwards, and downwards, for the first time at each look.

    Args:
        information: Information at each look (1 ÷ squared standard error).
        low: Lower boundary in z at each look; −inf for none.
        high: Upper boundary in z at each look; inf for none.
        drift: The true effect, in the unit whose information is given.

    >>> up, down = crossing_chances([1.0, 2.0], low=[-2.241, -2.125], high=[2.241, 2.125])
    >>> round(float((up + down).sum()), 3)
    0.05
    """
    held = as_information(information)
    lower, upper = np.asarray(low, float), np.asarray(high, float)
    if lower.shape != held.shape or upper.shape != held.shape or (lower > upper).any():
        raise ParameterError("low and high must hold one boundary a look, low below high.")
    walk, up, down = START, [], []
    for place, level in enumerate(held):
        up.append(walk.above(upper[place], level, drift=drift))
        down.append(walk.below(lower[place], level, drift=drift))
        if place + 1 < len(held):
            walk = walk.advance(lower[place], upper[place], level, held[place + 1], drift=drift)
    return np.array(up), np.array(down)
