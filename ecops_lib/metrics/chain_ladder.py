"""Chain ladder: how amounts that are still growing will end, with their standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def chain_factors(triangle: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Chain-ladder factors from each age to the next, and the cohorts behind them.

    Args:
        triangle: Cumulative amounts, cohorts × ages; NaN where the age is not reached.

    Returns:
        Factors (ages − 1) and counts of cohorts; a factor is NaN where nothing was
        refunded by the earlier age.

    References:
        Mack (1993), ASTIN Bulletin 23, equation (2).

    >>> chain_factors(np.array([[1.0, 2.0, 3.0], [2.0, 4.0, np.nan]]))[0].tolist()
    [2.0, 1.5]
    """
    later = ~np.isnan(triangle[:, 1:])
    before, after = _sums(triangle, later)
    factors = np.divide(after, before, out=np.full(before.shape, np.nan), where=before > 0)
    return factors, later.sum(axis=0)


def _sums(triangle: Floats, later: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Sums at each age and at the next, over the cohorts that reached the next."""
    before = np.where(later, triangle[:, :-1], 0.0).sum(axis=0)
    return before, np.where(later, triangle[:, 1:], 0.0).sum(axis=0)


@dataclass(frozen=True, slots=True)
class Ladder:
    """Factors with what is needed for the error of what they lead to.

    Attributes:
        factors: From each age to the next (ages − 1).
        variances: Mack's σ² by age (ages − 1), in the triangle's unit.
        sums: Amounts behind each factor (ages − 1).
    """

    factors: Floats
    variances: Floats
    sums: Floats

    @classmethod
    def learn(cls, triangle: Floats) -> Ladder:
        """Learn factors and variances from a triangle, cohorts × ages, NaN where not reached.

        A cohort that had nothing by an age tells nothing of the spread there. The last variance,
        behind which stands a single cohort, is Mack's extrapolation.

        References:
            Mack (1993), ASTIN Bulletin 23, equations (2) and (5), and page 217 on the last.
        """
        factors, _ = chain_factors(triangle)
        later = ~np.isnan(triangle[:, 1:])
        before, after = triangle[:, :-1], triangle[:, 1:]
        told = later & (np.nan_to_num(before) > 0)
        ratio = np.divide(after, before, out=np.ones_like(after), where=told)
        gaps = np.where(told, np.nan_to_num(before) * (ratio - factors) ** 2, 0.0).sum(axis=0)
        free = told.sum(axis=0) - 1
        variances = np.divide(gaps, free, out=np.full(gaps.shape, np.nan), where=free > 0)
        return cls(factors, _carried(variances), _sums(triangle, later)[0])

    def error(self, age: int, amount: float) -> float:
        """Standard error, as a share of it, of what an amount at an age ends as.

        Both kinds: of the factors, and of what comes by them. NaN where a factor or a variance
        on the way is not known or the amount is not positive; 0 at the last age.

        References:
            Mack (1993), equation (7).
        """
        if amount <= 0:
            return math.nan
        factors, variances = self.factors[age:], self.variances[age:]
        amounts = amount * np.cumprod(np.append(1.0, factors))[:-1]
        parts = variances / factors**2 * (1 / amounts + 1 / self.sums[age:])
        return math.sqrt(float(parts.sum()))


def _carried(variances: Floats) -> Floats:
    """The last variance by extrapolation where it is not known (Mack 1993, page 217)."""
    held = variances.copy()
    if len(held) > 2 and math.isnan(held[-1]) and held[-3] > 0:
        two, one = held[-3], held[-2]
        held[-1] = min(one**2 / two, two, one)
    return held
