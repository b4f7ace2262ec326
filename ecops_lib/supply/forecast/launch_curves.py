"""Launch curves: what items sold at each age, and how far one item is from its group's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecops_lib.supply.panel import Floats, Panel

Places = np.ndarray[Any, np.dtype[np.intp]]

LEAST = 5
"""Earlier launches that make a group."""
STEADIEST, LOOSEST = 50.0, 0.1
"""Bounds of the shape of the gamma distribution of items' levels about their group's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Items by age, free of the week's rhythm.

    Attributes:
        units: Units asked for by age (items, ages); NaN beyond what is known.
        rhythm: Share of a usual period that each age's period had (items, ages).
    """

    units: Floats
    rhythm: Floats

    def rows(self, places: Places) -> Curves:
        """Some of the items."""
        return Curves(units=self.units[places], rhythm=self.rhythm[places])

    def mean(self) -> Floats:
        """Units a usual period by age: the sum over items over the sum of their rhythm."""
        known = ~np.isnan(self.units)
        exposure = np.where(known, self.rhythm, 0).sum(axis=0)
        total = np.where(known, self.units, 0).sum(axis=0)
        return np.asarray(
            np.divide(total, exposure, out=np.full(len(total), np.nan), where=exposure > 0)
        )


def first_known(values: Floats) -> Places:
    """First known period of each series; the number of periods where there is none."""
    known = ~np.isnan(values)
    return np.asarray(np.where(known.any(axis=1), known.argmax(axis=1), values.shape[1]))


def weekly_rhythm(panel: Panel, *, ahead: int) -> Floats:
    """Share of a usual period of each period and of those ahead, mean 1 over a week.

    From the sums of the series that were there from the first period on, or of all where
    there are none; 1 for weeks and months.
    """
    if panel.frequency != "day":
        return np.ones(panel.periods + ahead)
    old = first_known(panel.values) == 0
    sums = np.nansum(panel.values[old] if old.any() else panel.values, axis=0)
    phase = np.arange(panel.periods + ahead) % panel.season
    total = np.bincount(phase[: panel.periods], sums, minlength=panel.season)
    count = np.bincount(phase[: panel.periods], minlength=panel.season)
    mean = np.divide(total, count, out=np.zeros(panel.season), where=count > 0)
    if not (mean > 0).all():
        return np.ones(len(phase))
    return np.asarray((mean / mean.mean())[phase])


def curves_by_age(values: Floats, rhythm: Floats, launched: Places, *, ages: int) -> Curves:
    """Series moved so that each begins with its launch (items, ages)."""
    places = launched[:, None] + np.arange(ages)
    inside = places < values.shape[1]
    held = np.take_along_axis(values, np.minimum(places, values.shape[1] - 1), axis=1)
    beat = rhythm[np.minimum(places, len(rhythm) - 1)]
    return Curves(units=np.where(inside, held, np.nan), rhythm=beat)


def learn_shape(units: Floats, expected: Floats) -> float:
    """How alike items are: the shape of the gamma distribution of their levels.

    Items' units are Poisson around level times expected, levels gamma with mean 1; the
    variance of the levels is what the ratios vary by beyond Poisson (method of moments).

    Args:
        units: Units of each item (items,).
        expected: Units expected of a middling item in the same time (items,).
    """
    known = (expected > 0) & ~np.isnan(units)
    if known.sum() < 2:
        return LOOSEST
    ratio = units[known] / expected[known]
    noise = float(np.mean(1 / expected[known]))
    variance = float(np.mean((ratio - 1) ** 2)) - noise
    return float(np.clip(1 / variance if variance > 0 else STEADIEST, LOOSEST, STEADIEST))


def level_of(units: Floats, expected: Floats, *, shape: float) -> Floats:
    """An item's level given what it has sold: (shape + units) / (shape + expected).

    The mean of the gamma posterior (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6);
    1 for an item that has not begun.

    >>> import numpy as np
    >>> level_of(np.array([0.0, 30.0]), np.array([0.0, 10.0]), shape=2.0).round(3)
    array([1.   , 2.667])
    """
    return np.asarray((shape + units) / (shape + expected))
