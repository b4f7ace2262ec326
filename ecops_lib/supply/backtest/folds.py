"""Folds: a panel cut at earlier days, with nothing of what came later."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats, Panel


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """One origin: what was known then, and what came.

    Attributes:
        past: The panel as it stood, with the series that had begun.
        rows: Positions of its series in the whole panel.
        actual: What came (series, horizon), NaN where nobody can know.
    """

    past: Panel
    rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    actual: Floats


def cut_folds(
    panel: Panel, *, horizon: int, origins: int = 2, known_ahead: int | None = None
) -> tuple[Fold, ...]:
    """The last non-overlapping windows of a panel, each with what was known before it.

    Nothing of the window is in ``past``: its values end at the origin, its drivers as many
    periods later as they are known today. A series without a value before an origin is not
    in that fold.

    Args:
        panel: The whole past.
        horizon: Periods of each window.
        origins: How many windows.
        known_ahead: Periods after an origin for which the drivers were known then; as many
            as the panel knows after its own end by default.

    Returns:
        The folds, earliest first.

    Raises:
        ParameterError: The panel is too short, or an argument has an impossible value.
    """
    if horizon < 1 or origins < 1 or (known_ahead is not None and known_ahead < 0):
        raise ParameterError(
            f"horizon is {horizon}, origins {origins} and known_ahead {known_ahead}; the first "
            "two must be at least 1, the last at least 0."
        )
    first = panel.periods - origins * horizon
    if first < 2:
        raise ParameterError(
            f"the panel has {panel.periods} periods; {origins} origins of {horizon} periods need "
            f"at least {origins * horizon + 2}. Shorten the horizon or take fewer origins."
        )
    return tuple(_fold(panel, first + k * horizon, horizon, known_ahead) for k in range(origins))


def cut_panel(panel: Panel, cut: int, *, known_ahead: int | None = None) -> Panel:
    """The panel as it was known after ``cut`` periods.

    Args:
        panel: The whole past.
        cut: Periods known.
        known_ahead: Periods after them for which the drivers were known; as many as the
            panel knows after its own end by default.
    """
    drivers = {}
    for name, held in panel.drivers.items():
        ahead = held.shape[1] - panel.periods if known_ahead is None else known_ahead
        drivers[name] = held[:, : cut + ahead]
    return replace(panel, values=panel.values[:, :cut], drivers=drivers)


def _fold(panel: Panel, cut: int, horizon: int, known_ahead: int | None) -> Fold:
    begun = np.flatnonzero((~np.isnan(panel.values[:, :cut])).any(axis=1))
    past = cut_panel(panel, cut, known_ahead=known_ahead).rows(begun)
    return Fold(past=past, rows=begun, actual=panel.values[begun, cut : cut + horizon])


def seasonal_naive(panel: Panel, horizon: int) -> Floats:
    """What was asked for one season earlier; the benchmark that every method must beat.

    An unknown period takes the value of the season before it, and a series without one its
    last known value; a past shorter than a season counts as one of a single period.

    Args:
        panel: The past.
        horizon: Periods ahead.

    Returns:
        (series, horizon); NaN where nothing is known of a series.
    """
    season = panel.season if panel.periods >= panel.season else 1
    filled = _last_known(panel.values)[:, -1:]
    latest = np.repeat(filled, season, axis=1)
    for age in range(panel.periods // season, 0, -1):
        end = panel.periods - (age - 1) * season
        held = panel.values[:, end - season : end]
        latest = np.where(np.isnan(held), latest, held)
    return latest[:, np.arange(horizon) % season]


def _last_known(values: Floats) -> Floats:
    """Each cell's latest known value up to it."""
    places = np.where(np.isnan(values), 0, np.arange(values.shape[1]))
    latest = np.maximum.accumulate(places, axis=1)
    return np.take_along_axis(values, latest, axis=1)
