"""For what share of a day's usual demand there was stock, from daily snapshots."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.data.frames import bring
from ecops_lib.metrics.bases import Tables
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd


def read_stock_days(
    tables: Tables, *, start: dt.date, as_of: dt.date, by: list[str]
) -> pd.DataFrame:
    """Hours out of stock and units at the end of each day and series.

    Over several warehouses a SKU is out for the shortest of their hours: at most so long
    it was out everywhere.

    Returns:
        ``by``, ``day``, ``hours_out`` (NaN where not told) and ``on_hand``; empty without
        a table of stock.
    """
    import pandas as pd

    if not tables.has("inventory"):
        return pd.DataFrame(columns=[*by, "day", "hours_out", "on_hand"])
    rows = tables.lazy("inventory", start=start, end=as_of)
    rows = rows.filter((nw.col("day") >= start) & (nw.col("day") <= as_of))
    held = bring(
        rows.group_by(*by, "day").agg(
            hours_out=nw.col("hours_out").min(), on_hand=nw.col("on_hand").sum()
        ),
        sort=[*by, "day"],
    )
    return held.astype({"hours_out": float, "on_hand": float})


def clock_profile(hours: pd.DataFrame) -> Floats:
    """Share of the units that each hour of the day brings; even where too few are known."""
    units = hours.set_index("hour")["units"].reindex(range(24)).fillna(0.0).to_numpy(float)
    smoothed = units + 24.0  # a unit an hour of each day's four weeks: even until more is known
    return np.asarray(smoothed / smoothed.sum(), dtype=float)


def expose(hours_out: Floats, on_hand: Floats, clock: Floats) -> Floats:
    """Share of a day's usual demand that met stock.

    Which hours were out is not told: with nothing at the day's end it was the last ones,
    else the first ones, until the goods came.

    Args:
        hours_out: Hours out of stock (series, days); NaN where not told.
        on_hand: Units at the day's end; NaN where not told.
        clock: Share of demand by hour of the day, 24 numbers.

    Returns:
        The share, 0 to 1. Where hours are not told it is 0 if there was nothing at this
        day's end nor at the end of the day before, else 1.

    >>> hours, left = np.array([[6.0, 6.0, np.nan, np.nan]]), np.array([[0, 5, 0.0, 0]])
    >>> expose(hours, left, np.full(24, 1 / 24)).round(2).tolist()
    [[0.75, 0.75, 1.0, 0.0]]
    """
    ahead = np.concatenate([[0.0], np.cumsum(clock)])
    hours = np.clip(np.nan_to_num(hours_out), 0, 24)
    grid = np.arange(25.0)
    late, early = np.interp(24 - hours, grid, ahead), 1 - np.interp(hours, grid, ahead)
    share = np.where(on_hand > 0, early, late)
    before = np.column_stack([np.full(len(on_hand), np.nan), on_hand[:, :-1]])
    untold = np.where((on_hand <= 0) & (before <= 0), 0.0, 1.0)
    told: Floats = np.clip(np.where(np.isnan(hours_out), untold, share), 0.0, 1.0)
    return told
