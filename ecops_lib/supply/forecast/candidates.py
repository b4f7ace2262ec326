"""The candidates: many cheap forecasts of each series, to be weighed against each other.

All share one weekday profile and differ in the level: how fast it follows, whether bulk
orders count in full, whether it is the series' own or its share of the panel's total, and
whether last year's season is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ecops_lib.core.language import mark
from ecops_lib.supply.forecast.smoothing import (
    cap_bursts,
    closed_periods,
    cycle_profile,
    flatten,
    lay_profile,
    smooth_levels,
)
from ecops_lib.supply.panel import Floats, Frequency

SPEEDS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Weights of the newest period in a series' own level."""
TOTAL_SPEEDS = {"day": (0.05, 0.15), "week": (0.3, 0.6), "month": (0.3, 0.6)}
"""Weights of the newest period in the panel's level: slow and fast."""
SHARE_SPEEDS = {"day": (0.01, 0.025), "week": (0.05, 0.12), "month": (0.05, 0.12)}
"""Weights of the newest period in a series' share of it."""
YEARS: Mapping[str, int] = {"day": 364, "week": 52, "month": 12}
"""Periods in a year, whole weeks."""
CYCLES: Mapping[str, int] = {"day": 7, "week": 1, "month": 1}
"""Periods of the profile that is learnt."""
BURST_PERIODS: Mapping[str, int] = {"day": 182, "week": 52, "month": 52}
"""Recent periods that say what a bulk order is."""
OWN, SHARE, YEAR = (
    mark("own level"),
    mark("share of the total"),
    mark("last year's season"),
)
"""Families of candidates, in words."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """What the candidates say of one origin.

    Attributes:
        forecasts: (candidates, series, horizon); NaN where nothing is known of a series.
        families: Family of each candidate.
        total: Sum over the series as the panel's own level says (horizon,).
        fitted: One-step forecasts of the past by the slow level (series, periods).
    """

    forecasts: Floats
    families: tuple[str, ...]
    total: Floats
    fitted: Floats


def has_season(periods: int, *, frequency: Frequency) -> bool:
    """Whether a past is long enough for last year's season."""
    return periods >= YEARS[frequency] + max(2, YEARS[frequency] // 13)


def make_candidates(
    values: Floats, *, horizon: int, frequency: Frequency, season: bool
) -> Candidates:
    """Every candidate's forecast of every series.

    Args:
        values: Units (series, periods), drivers' effects taken out; NaN is unknown.
        horizon: Periods ahead.
        frequency: Length of a period.
        season: Whether last year's season is used; see ``has_season``.
    """
    closed = closed_periods(values)
    capped = cap_bursts(values, closed, recent=BURST_PERIODS[frequency])
    profile = cycle_profile(capped, cycle=CYCLES[frequency])
    past, ahead = lay_profile(profile, past=values.shape[1], ahead=horizon)
    levels: list[Floats] = []
    families: list[str] = []
    totals: list[Floats] = []
    fitted = np.empty(0)
    for units in (values, capped):
        flat = flatten(units, past, closed)
        own = smooth_levels(flat, alphas=SPEEDS)
        shared = _shared_levels(flat, frequency)
        if units is values:
            totals = [np.nansum(level[:, None] * ahead, axis=0) for level in shared]
            fitted = own[1, :, :-1] * past
        levels += [*own[:, :, -1], *shared]
        families += [OWN] * len(own) + [SHARE] * len(shared)
        if season:
            yearly = _yearly_levels(flat, own[1], horizon=horizon, year=YEARS[frequency])
            levels += yearly
            families += [YEAR] * len(yearly)
    slow = levels[1]
    told = [np.where(np.isnan(level), slow, level) for level in levels]
    return Candidates(
        forecasts=np.stack([level[:, None] * ahead for level in told]),
        families=tuple(families),
        total=np.mean(totals, axis=0),
        fitted=fitted,
    )


def _shared_levels(flat: Floats, frequency: Frequency) -> list[Floats]:
    """Level of each series as its share of the panel's level, slow and fast."""
    known = (~np.isnan(flat)).any(axis=0)
    total = np.where(known, np.nansum(flat, axis=0), np.nan)[None, :]
    out = []
    for follows in smooth_levels(total, alphas=TOTAL_SPEEDS[frequency])[:, 0]:
        safe = np.where(follows[1:] > 0, follows[1:], np.nan)
        shares = smooth_levels(flat / safe, alphas=SHARE_SPEEDS[frequency])[:, :, -1]
        out += list(shares * follows[-1])
    return out


def _yearly_levels(flat: Floats, own: Floats, *, horizon: int, year: int) -> list[Floats]:
    """Last year's level, the growth it had then, and the panel's growth then."""
    periods = flat.shape[1]
    begin = periods - year
    held = flat[:, begin : min(periods, begin + horizon)]
    known = (~np.isnan(held)).sum(axis=1)
    then = np.divide(np.nansum(held, axis=1), known, out=own[:, -1].copy(), where=known > 0)
    now, before = own[:, -1], own[:, begin]
    before = np.where(np.isnan(before), now, before)
    then = np.where(np.isnan(before) | np.isnan(then), now, then)
    prior = 0.5 * np.nanmean(before) if np.isfinite(before).any() else 0.0
    grown = np.divide(then + prior, before + prior, out=np.ones(len(now)), where=before + prior > 0)
    base = np.nansum(before)
    pooled = np.nansum(then) / base if base > 0 else 1.0
    return [then, now * np.clip(grown, 1 / 3, 3), now * pooled]
