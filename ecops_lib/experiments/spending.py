"""The boundary of a test that is looked at every day, with or without an end.

Most of the error chance is spent up to the planned end, with the third power of the share
of the plan that has passed (Kim & DeMets 1987), and the rest is kept for the days after
it: the sum never comes to α, so the test may be looked at for ever. Boundaries follow by
exact integration over the looks (Lan & DeMets 1983).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.experiments.crossing import spend_boundaries

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

PLANNED_SHARE = 0.9
"""Share of the error chance that is spent by the planned end."""

POWER = 3
"""Power of the passed share of the plan by which it is spent."""


def spent_chance(passed: ArrayLike, *, alpha: float = 0.05) -> Floats:
    """Error chance that may be used up once a share of the plan has passed.

    0.9·α·f³ up to the planned end (f = 1), then α·(1 − 0.1 ÷ f), which never comes to α.

    >>> spent_chance([0.5, 1.0, 2.0]).round(4)
    array([0.0056, 0.045 , 0.0475])
    """
    share = np.asarray(passed, float)
    after = 1 - (1 - PLANNED_SHARE) / np.maximum(share, 1.0)
    held: Floats = alpha * np.where(share <= 1, PLANNED_SHARE * share**POWER, after)
    return held


def spending_boundary(
    units: ArrayLike, *, passed: ArrayLike | None = None, planned: float = 0.0, alpha: float = 0.05
) -> Floats:
    """The boundary in z at each look of a test that is looked at again and again.

    Args:
        units: Units so far at each look (any measure that grows with information, such
            as n·m ÷ (n + m) of the two groups).
        passed: Share of the plan that has passed at each look, known without the
            results (days ÷ planned days); by default units ÷ ``planned``.
        planned: Units at the planned end, in the measure of ``units``.
        alpha: Two-sided level over all looks, those after the planned end included.

    Raises:
        ParameterError: Units do not grow, or nothing tells how much of the plan passed.

    >>> spending_boundary([2500, 5000, 10000], planned=5000).round(2)
    array([2.77, 2.03, 2.75])
    """
    require_between(alpha, 0, 1, name="alpha", ends="open")
    held = np.atleast_1d(np.asarray(units, float))
    if passed is None:
        require_between(planned, 0, math.inf, name="planned", ends="open")
        passed = held / planned
    share = np.atleast_1d(np.asarray(passed, float))
    return np.array(_cached(tuple(held / held[-1]), tuple(spent_chance(share, alpha=alpha))))


@lru_cache(maxsize=256)
def _cached(information: tuple[float, ...], spent: tuple[float, ...]) -> tuple[float, ...]:
    """Boundaries depend on the looks alone, so a test's metrics share them."""
    return tuple(spend_boundaries(information, np.array(spent)))


def harmonic_units(control: float, treatment: float) -> float:
    """n·m ÷ (n + m): what the information of a comparison grows with.

    >>> harmonic_units(100, 100)
    50.0
    """
    return control * treatment / (control + treatment) if control and treatment else 0.0
