"""Days as whole weeks and months: sums of units, means of marks."""

from __future__ import annotations

import datetime as dt

import numpy as np

from ecops_lib.supply.demand.grid import Whole
from ecops_lib.supply.panel import Floats, Frequency


def sum_periods(values: Floats, start: dt.date, frequency: Frequency) -> tuple[dt.date, Floats]:
    """Sums of whole periods, and the first day of the first one; NaN where a day is.

    Args:
        values: By day (series, days).
        start: First day.
        frequency: Length of a period; weeks begin on Monday.
    """
    first, edges = _edges(start, values.shape[1], frequency)
    if frequency == "day":
        return first, values
    total = np.concatenate([np.zeros((len(values), 1)), np.nan_to_num(values).cumsum(axis=1)], 1)
    blank = np.concatenate([np.zeros((len(values), 1)), np.isnan(values).cumsum(axis=1)], 1)
    sums, unknown = np.diff(total[:, edges], axis=1), np.diff(blank[:, edges], axis=1)
    return first, np.where(unknown > 0, np.nan, sums)


def average_periods(values: Floats, start: dt.date, frequency: Frequency) -> Floats:
    """Means over the days of whole periods, such as the share of days that have a mark.

    Args:
        values: By day (series, days).
        start: First day.
        frequency: Length of a period; weeks begin on Monday.
    """
    _, edges = _edges(start, values.shape[1], frequency)
    if frequency == "day":
        return values
    total = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    means: Floats = np.diff(total[:, edges], axis=1) / np.diff(edges)
    return means


def _edges(start: dt.date, days: int, frequency: Frequency) -> tuple[dt.date, Whole]:
    """First day of the first whole period, and where periods begin and the last one ends."""
    import pandas as pd

    if frequency == "day":
        return start, np.arange(days + 1)
    step = "W-MON" if frequency == "week" else "MS"
    end = pd.Timestamp(start) + pd.Timedelta(days=days)
    marks = pd.date_range(start, end, freq=step)
    if not len(marks):
        return start, np.array([0])
    return marks[0].date(), ((marks - pd.Timestamp(start)).days).to_numpy()
