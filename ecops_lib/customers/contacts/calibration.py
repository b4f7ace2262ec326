"""From a score to an uplift, and to the sum of the uplifts of a list with its error.

Both rest on the transformed outcomes of customers whom the score's model had not seen. For
one customer they are regressed on the scores: a slope of 1 leaves the score as it is, one
of 0 says that it tells nothing of the differences, and then everybody gets the average. For
a list, whose members are not a line's average, their means count by step of the score.

References:
    Chernozhukov, Demirer, Duflo and Fernandez-Val (2018), "Generic machine learning
    inference on heterogeneous treatment effects", NBER working paper 24678, section 3.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ecops_lib.customers.contacts.ridge import Array
from ecops_lib.customers.curves import NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A sum with its error.

    Attributes:
        customers: Customers whom it is of.
        value: The sum.
        error: Its standard error.
    """

    customers: int
    value: float
    error: float

    @property
    def low(self) -> float:
        """Lower limit of the 95 % interval."""
        return self.value - NORMAL * self.error

    @property
    def high(self) -> float:
        """Upper limit of the 95 % interval."""
        return self.value + NORMAL * self.error

    def profit(self, *, margin: float, cost: float) -> Gain:
        """What is left of it: its worth less the cost of all messages."""
        value = margin * self.value - cost * self.customers
        return Gain(customers=self.customers, value=value, error=abs(margin) * self.error)

    def plus(self, other: Gain) -> Gain:
        """The sum of two that were measured apart."""
        return Gain(
            customers=self.customers + other.customers,
            value=self.value + other.value,
            error=math.hypot(self.error, other.error),
        )


NOTHING = Gain(customers=0, value=0.0, error=0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """Mean transformed outcome by step of the score: what a list of customers adds up to.

    Attributes:
        edges: Scores at which a step begins, but for the first; rising.
        means: Mean of each step; that of all where a step has fewer than two rows.
        errors: Standard error of each mean.
    """

    edges: Array
    means: Array
    errors: Array

    def total(self, score: Array) -> Gain:
        """The uplift of customers of these scores, all together."""
        counts = np.bincount(np.searchsorted(self.edges, score), minlength=len(self.means))
        return Gain(
            customers=len(score),
            value=float(counts @ self.means),
            error=float(np.sqrt(counts.astype(float) ** 2 @ self.errors**2)),
        )


def learn_steps(score: Array, outcome: Array, unit: Array, edges: Array) -> Steps:
    """Measure the steps on customers whom the score's model had not seen.

    Args:
        score: Their scores.
        outcome: Their transformed outcomes.
        unit: Number of each row's customer, from 0; rows of one are taken together.
        edges: Scores at which a step begins, but for the first; rising.
    """
    step, everybody = np.searchsorted(edges, score), summed(outcome, unit)
    parts = []
    for place in range(len(edges) + 1):
        mine = step == place
        part = summed(outcome[mine], unit[mine]) if mine.sum() > 1 else everybody
        parts.append((part.value / part.customers, part.error / part.customers))
    means, errors = np.array(parts).T
    return Steps(edges=edges, means=means, errors=errors)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """The uplift that a score stands for.

    Attributes:
        level: Uplift at the mean score.
        slope: Uplift for one more of the score; 0 where the score tells nothing.
        centre: The mean score.
    """

    level: float
    slope: float
    centre: float

    def uplift(self, score: Array) -> Array:
        """The uplift of each customer."""
        held: Array = self.level + self.slope * (score - self.centre)
        return held

    def edge(self, uplift: float) -> float:
        """The score of an uplift; only where the slope is above 0."""
        return self.centre + (uplift - self.level) / self.slope


def calibrate(score: Array, outcome: Array) -> Calibration:
    """Learn what a score stands for from customers whom its model had not seen.

    Args:
        score: Their scores.
        outcome: Their transformed outcomes.

    >>> calibrate(np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.5, 2.0])).uplift(np.array([4.0]))
    array([3.])
    """
    centre, level = float(score.mean()), float(outcome.mean())
    apart = score - centre
    spread = float(apart @ apart)
    slope = float(apart @ outcome) / spread if spread > 0 else 0.0
    return Calibration(level=level, slope=max(slope, 0.0), centre=centre)


def summed(outcome: Array, unit: Array) -> Gain:
    """The uplift that some customers really had, all together.

    Args:
        outcome: Their transformed outcomes.
        unit: Number of each row's customer, from 0.
    """
    if not len(outcome):
        return NOTHING
    apart = np.bincount(unit, outcome - outcome.mean())
    return Gain(
        customers=len(outcome),
        value=float(outcome.sum()),
        error=float(np.sqrt(apart @ apart)),
    )
