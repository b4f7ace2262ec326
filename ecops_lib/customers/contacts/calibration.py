"""From a score to an uplift that can be added up: the best linear predictor, and its error.

The transformed outcomes of customers whom the score's model had not seen are regressed on
their scores. A slope of 1 leaves the score as it is, one of 0 says that it tells nothing of
the differences: then everybody gets the average.

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
class Calibration:
    """The uplift that a score stands for.

    Attributes:
        level: Uplift at the mean score.
        slope: Uplift for one more of the score; 0 where the score tells nothing.
        centre: The mean score.
        spread: Covariance of level and slope.
    """

    level: float
    slope: float
    centre: float
    spread: Array

    def uplift(self, score: Array) -> Array:
        """The uplift of each customer."""
        held: Array = self.level + self.slope * (score - self.centre)
        return held

    def total(self, score: Array) -> Gain:
        """The uplift of all customers together."""
        n = len(score)
        if not n:
            return NOTHING
        along = np.array([1.0, float(score.mean(dtype=float)) - self.centre])
        value = n * float(along @ (self.level, self.slope))
        return Gain(
            customers=n, value=value, error=n * math.sqrt(float(along @ self.spread @ along))
        )


def calibrate(score: Array, outcome: Array, unit: Array) -> Calibration:
    """Learn what a score stands for from customers whom its model had not seen.

    Args:
        score: Their scores.
        outcome: Their transformed outcomes.
        unit: Number of each row's customer, from 0; rows of one are taken together.
    """
    centre = float(score.mean())
    held = _regress(np.column_stack([np.ones(len(score)), score - centre]), outcome, unit)
    if held is None or held[0][1] <= 0:
        (level,), variance = _mean(outcome, unit)
        spread = np.array([[variance, 0.0], [0.0, 0.0]])
        return Calibration(level=level, slope=0.0, centre=centre, spread=spread)
    (level, slope), spread = held
    return Calibration(level=float(level), slope=float(slope), centre=centre, spread=spread)


def _regress(x: Array, y: Array, unit: Array) -> tuple[Array, Array] | None:
    """Least squares with errors robust to unequal spread and to rows of one customer."""
    inner = x.T @ x
    if np.linalg.cond(inner) > 1e12:
        return None
    inverse = np.linalg.inv(inner)
    slopes = inverse @ (x.T @ y)
    left = x * (y - x @ slopes)[:, None]
    parts = np.column_stack([np.bincount(unit, column) for column in left.T])
    return slopes, inverse @ (parts.T @ parts) @ inverse


def _mean(y: Array, unit: Array) -> tuple[tuple[float], float]:
    mean = float(y.mean())
    return (mean,), float((np.bincount(unit, y - mean) ** 2).sum()) / len(y) ** 2


def summed(outcome: Array, unit: Array) -> Gain:
    """The uplift that some customers really had, all together.

    Args:
        outcome: Their transformed outcomes.
        unit: Number of each row's customer, from 0.
    """
    if not len(outcome):
        return NOTHING
    (mean,), variance = _mean(outcome, unit)
    n = len(outcome)
    return Gain(customers=n, value=n * mean, error=n * math.sqrt(variance))
