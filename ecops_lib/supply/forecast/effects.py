"""What campaigns, prices and the calendar do to demand: multiplicative effects, pooled.

Each driver moves the logarithm of what is expected (Poisson regression with the smoothed
level as offset; McCullagh and Nelder 1989, chapter 6), the same for all series of the panel and
drawn to none, so that a driver that was hardly ever seen moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecops_lib.supply.panel import Floats, Panel

PRIOR_UNITS = 20.0
"""Weight of the belief in no effect, in units (as if demand were Poisson)."""
WIDEST = 3.0
"""Largest effect believed, in logarithms."""
FARTHEST = 3.0
"""Departures of a size beyond so many of its spreads count as so many."""
STEPS = 6
"""Newton steps; each is short enough to be safe."""
MOST_SERIES = 5000
"""Series, evenly spread, from which effects are learnt."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Effects:
    """Learnt effects.

    Attributes:
        names: Names of the drivers.
        slopes: Change of the logarithm per unit of each driver (drivers,).
        factors: Effect on each period (1 or series, periods + horizon).
        untold: Drivers that are not known for the whole horizon.
    """

    names: tuple[str, ...]
    slopes: Floats
    factors: Floats
    untold: tuple[str, ...]


def learn_effects(panel: Panel, fitted: Floats, *, horizon: int) -> Effects:
    """Learn the drivers' effects beside a level that is taken as given.

    Args:
        panel: The past with its drivers.
        fitted: What the level alone expects (series, periods).
        horizon: Periods ahead for which the effects are laid out.
    """
    drivers = {name: _usual(held, panel.periods) for name, held in panel.drivers.items()}
    wide = panel.periods + horizon
    short = tuple(name for name, held in drivers.items() if held.shape[1] < wide)
    laid = {name: _lay(held, wide) for name, held in drivers.items()}
    chosen = np.unique(np.linspace(0, len(panel) - 1, min(len(panel), MOST_SERIES)).astype(int))
    slopes = _fit(laid, panel.values[chosen], fitted[chosen], chosen)
    moved = np.zeros((1, wide))
    for slope, held in zip(slopes, laid.values(), strict=True):
        moved = moved + slope * held
    factors = np.exp(np.clip(moved, -WIDEST, WIDEST))
    return Effects(names=tuple(laid), slopes=slopes, factors=factors, untold=short)


def _usual(held: Floats, periods: int) -> Floats:
    """A driver as a departure from its usual: yes/no as it is, prices and sizes in logarithms."""
    past = held[:, :periods]
    if np.isin(past[~np.isnan(past)], (0, 1)).all():
        return np.nan_to_num(held)
    known = ~np.isnan(past)
    if (past[known] > 0).all():
        held, past = np.log(np.where(held > 0, held, np.nan)), np.log(np.where(known, past, np.nan))
    usual = np.full(len(past), np.nan)
    usual[known.any(axis=1)] = np.nanmedian(past[known.any(axis=1)], axis=1)
    spread = float(np.nanstd(past)) if known.any() else 0.0
    if not spread > 0:
        return np.zeros_like(held)
    return np.asarray(np.clip(np.nan_to_num((held - usual[:, None]) / spread), -FARTHEST, FARTHEST))


def _lay(held: Floats, wide: int) -> Floats:
    """As many periods as are needed: a yes/no is no where it is not told, a size stays."""
    more = ((0, 0), (0, max(0, wide - held.shape[1])))
    if np.isin(held, (0, 1)).all():
        return np.pad(held, more)[:, :wide]
    return np.pad(held, more, mode="edge")[:, :wide]


def _fit(
    laid: Mapping[str, Floats], values: Floats, fitted: Floats, rows: np.ndarray[Any, Any]
) -> Floats:
    """Newton's method on the penalised likelihood, all series together."""
    told = ~np.isnan(values) & (np.nan_to_num(fitted) > 0)
    came, level = values[told], fitted[told]
    columns = [np.ones(len(came))]  # the level's own error
    for held in laid.values():
        each = held[:, : values.shape[1]] if len(held) == 1 else held[rows, : values.shape[1]]
        columns.insert(-1, np.broadcast_to(each, values.shape)[told])
    design = np.stack(columns)
    if not len(came):
        return np.zeros(len(laid))
    slopes = np.zeros(len(design))
    prior = np.diag([PRIOR_UNITS] * len(laid) + [1e-6])
    for _ in range(STEPS):
        expected = level * np.exp(np.clip(slopes @ design, -WIDEST, WIDEST))
        loose = max(1.0, float(((came - expected) ** 2).sum() / expected.sum()))
        pull = design @ (came - expected) / loose - prior @ slopes
        bend = (design * expected) @ design.T / loose + prior
        slopes = np.clip(slopes + np.linalg.solve(bend, pull), -WIDEST, WIDEST)
    return np.asarray(slopes[:-1])
