"""What would have been asked for while the shelf was empty.

Sales of a day that was partly out of stock are censored: they tell of the hours in stock
alone. Each series has a level that drifts, a weekday profile shrunk to that of its group,
and shares the days of the group that are strong or weak for all; all three are ratios of
sums over units and *exposure* (the share of the day's demand that met stock), the maximum
likelihood estimates of Poisson rates (McCullagh & Nelder 1989, §6.2.1). What was missed in
a day is then the posterior mean of a gamma-Poisson model given what did sell in the hours
in stock (Gelman et al. 2013, §2.6), with the spread of the rates from the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats

HALF_LIFE = 14.0
"""Days after which a day counts half as much for a series' level."""
PRIOR_DAYS = 2.0
"""Days that the series' own mean counts for in its level."""
PRIOR_UNITS = 20.0
"""Units that the group's weekday profile counts for in a series' own."""
ROUNDS = 4
"""Rounds in which level, profile and common days settle."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Uncensored:
    """Demand as it would have been with stock all day.

    Attributes:
        demand: Units sold plus those missed, estimate (series, days); NaN where unknown.
        expected: Rate expected of each day before its own sales are looked at.
        spread: Variance of a day's rate around the expected one, relative to its square.
    """

    demand: Floats
    expected: Floats
    spread: float


def estimate_demand(units: Floats, exposure: Floats, *, weekday: int = 0) -> Uncensored:
    """Estimate the demand of days that were out of stock for a part or all of the day.

    Args:
        units: Units sold (series, days), from 0; NaN where unknown.
        exposure: Share of the day's usual demand for which there was stock, 0 to 1.
        weekday: Weekday of the first day, 0 to 6; only where the profile starts.

    Returns:
        The estimate; days with an exposure of 1 keep their units exactly.

    Raises:
        ParameterError: The shapes differ, or an exposure lies outside 0 to 1.

    >>> units = np.tile([2.0, 4, 2, 4, 2, 4, 2], (1, 6))
    >>> exposure = np.ones_like(units)
    >>> units[0, 20], exposure[0, 20] = 0, 0
    >>> round(float(estimate_demand(units, exposure).demand[0, 20]), 1)
    2.0
    """
    if units.shape != exposure.shape or units.ndim != 2:
        raise ParameterError(
            f"units has the shape {units.shape} and exposure {exposure.shape}; both must be "
            "(series, days)."
        )
    if not ((exposure >= 0) & (exposure <= 1)).all():
        raise ParameterError("exposure must lie between 0 and 1 everywhere.")
    known = ~np.isnan(units)
    sold, shown = np.where(known, units, 0.0), np.where(known, exposure, 0.0)
    expected = _expect(sold, shown, (np.arange(units.shape[1]) + weekday) % 7)
    spread = _spread(sold, shown * expected)
    missed = (1 - exposure) * _posterior(sold, shown * expected, expected, spread)
    demand = np.where(known, units + np.where(exposure < 1, missed, 0.0), np.nan)
    return Uncensored(demand=demand, expected=expected, spread=spread)


def _expect(sold: Floats, shown: Floats, weekday: np.ndarray) -> Floats:
    """Level × weekday profile × common day."""
    days = sold.shape[1]
    profile, common = np.ones((len(sold), 7)), np.ones(days)
    level = np.ones_like(sold)
    for _ in range(ROUNDS):
        pattern = profile[:, weekday] * common
        level = _level(sold, shown * pattern)
        profile = _profile(sold, shown * level * common, weekday)
        base = shown * level * profile[:, weekday]
        common = (sold.sum(axis=0) + PRIOR_UNITS) / (base.sum(axis=0) + PRIOR_UNITS)
    return level * profile[:, weekday] * common


def _level(sold: Floats, exposed: Floats) -> Floats:
    """Units per exposed day, near days counting most; shrunk to the series' own mean."""
    total = exposed.sum(axis=1, keepdims=True)
    mean = sold.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
    near, seen = _near(sold), _near(exposed)
    level: Floats = (near + PRIOR_DAYS * mean) / (seen + PRIOR_DAYS)
    return level


def _near(values: Floats) -> Floats:
    """Sums over all days, halved for each half-life between."""
    from scipy.signal import lfilter

    keep = 0.5 ** (1 / HALF_LIFE)
    before = lfilter([1.0], [1.0, -keep], values, axis=1)
    after = lfilter([1.0], [1.0, -keep], values[:, ::-1], axis=1)[:, ::-1]
    both: Floats = before + after - values
    return both


def _profile(sold: Floats, expected: Floats, weekday: np.ndarray) -> Floats:
    """Weekday factors of each series, shrunk to those of all."""
    own = np.zeros((len(sold), 7))
    hoped = np.zeros((len(sold), 7))
    for day in range(7):
        own[:, day] = sold[:, weekday == day].sum(axis=1)
        hoped[:, day] = expected[:, weekday == day].sum(axis=1)
    seen = hoped.sum(axis=0)
    pooled = np.where(seen > 0, own.sum(axis=0) / np.where(seen > 0, seen, 1.0), 1.0)
    factors: Floats = (own + PRIOR_UNITS * pooled) / (hoped + PRIOR_UNITS)
    return factors


def _spread(sold: Floats, hoped: Floats) -> float:
    """Squared coefficient of variation of the rates, by moments; 0 for pure Poisson."""
    seen = hoped > 0
    weight = float((hoped[seen] ** 2).sum())
    if not weight:
        return 0.0
    surplus = ((sold[seen] - hoped[seen]) ** 2 - hoped[seen]).sum()
    return max(float(surplus) / weight, 0.0)


def _posterior(sold: Floats, hoped: Floats, expected: Floats, spread: float) -> Floats:
    """Rate of a whole day, given what its exposed part sold."""
    if not spread:
        return expected
    shape = 1 / spread
    rate: Floats = expected * (shape + sold) / (shape + hoped)
    return rate
