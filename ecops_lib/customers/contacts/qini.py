"""Qini: how much more a ranking of customers brings than contacting as many at random.

The curve is what contacting the first share φ of the ranking adds, a customer of all; the
random line joins its ends. The coefficient is the area between the two. With u the place
of a customer in the ranking, from 0 to 1, it is the mean of (1/2 - u) times the transformed
outcome, so its error follows from the influence of each customer, that on the others'
places among it.

References:
    Radcliffe (2007), "Using control groups to target on predicted lift", Direct Marketing
    Analytics Journal 1, 14-21 (the curve and the coefficient; here not divided by the area
    of a perfect ranking, which noise makes unknowable); van der Vaart (1998), Asymptotic
    Statistics, chapter 20 (influence functions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.customers.contacts.ridge import Array
from ecops_lib.customers.curves import NORMAL

if TYPE_CHECKING:
    import pandas as pd

POINTS = 50
"""Points of a curve that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Qini:
    """A ranking's worth over chance.

    Attributes:
        value: The coefficient [outcome a customer].
        error: Its standard error.
        curve: ``share`` of customers contacted, ``gain`` of the ranking and ``random``
            [outcome a customer of all].
    """

    value: float
    error: float
    curve: pd.DataFrame

    @property
    def low(self) -> float:
        """Lower limit of the 95 % interval."""
        return self.value - NORMAL * self.error

    @property
    def high(self) -> float:
        """Upper limit of the 95 % interval."""
        return self.value + NORMAL * self.error

    @property
    def beats_random(self) -> bool:
        """Whether the interval lies above zero."""
        return self.low > 0


def measure_qini(score: Array, outcome: Array, unit: Array | None = None) -> Qini:
    """The Qini coefficient of a ranking with its error.

    Args:
        score: Predicted uplift; equal scores share their mean place.
        outcome: Transformed outcome, whose mean is the uplift.
        unit: Number of each row's customer, from 0, where one has several rows; they are
            taken together for the error.
    """
    n = len(score)
    place, after = _places(score, outcome)
    value = float(np.mean(outcome * (0.5 - place)))
    influence = outcome * (0.5 - place) - value - (after - after.mean())
    if unit is not None:
        influence = np.bincount(unit, influence)
    error = float(np.sqrt((influence**2).sum())) / n
    return Qini(value=value, error=error, curve=_curve(score, outcome))


def _places(score: Array, outcome: Array) -> tuple[Array, Array]:
    """Each row's place from 0 to 1, best first, and the mean outcome of those after it."""
    values, group, sizes = np.unique(-score, return_inverse=True, return_counts=True)
    n = len(score)
    ends = np.cumsum(sizes)
    sums = np.bincount(group, outcome, len(values)) / n
    later = sums.sum() - np.cumsum(sums) + sums / 2
    return ((ends - sizes / 2) / n)[group], later[group]


def _curve(score: Array, outcome: Array) -> pd.DataFrame:
    import pandas as pd

    n = len(score)
    values, group, sizes = np.unique(-score, return_inverse=True, return_counts=True)
    share = np.append(0.0, np.cumsum(sizes) / n)
    gain = np.append(0.0, np.cumsum(np.bincount(group, outcome, len(values))) / n)
    at = np.linspace(0, 1, POINTS + 1)
    held = np.interp(at, share, gain)
    return pd.DataFrame({"share": at, "gain": held, "random": at * gain[-1]})
