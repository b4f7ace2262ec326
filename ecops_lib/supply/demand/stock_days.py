"""For what share of a day's usual demand there was stock, from daily snapshots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from ecops_lib.data.frames import bring, instants
from ecops_lib.metrics.bases import Tables
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd

Flags = np.ndarray[Any, np.dtype[np.bool_]]

COLUMNS = ("day", "hours_out", "on_hand", "coming")
PRIOR_UNITS = 200.0
"""Units that the shop's hours count for in those of a category."""
ONE_HOUR = 0.5
"""Share of a shop's units in one hour of the day from which its orders tell the day alone."""


def read_stock_days(
    tables: Tables, *, start: dt.date, as_of: dt.date, by: list[str]
) -> pd.DataFrame:
    """Hours out of stock, units at the end of each day and units on their way, by series.

    Over several warehouses a SKU is out for the shortest of their hours: at most so long
    it was out everywhere. Where one of them does not tell its hours, nobody knows.

    Returns:
        ``by``, ``day``, ``hours_out`` and ``coming`` (NaN where not told) and ``on_hand``;
        empty without a table of stock.
    """
    import pandas as pd

    if not tables.has("inventory"):
        return pd.DataFrame(columns=[*by, *COLUMNS])
    rows = tables.lazy("inventory", start=start, end=as_of)
    rows = rows.filter((nw.col("day") >= start) & (nw.col("day") <= as_of))
    held = bring(
        rows.group_by(*by, "day").agg(
            hours_out=nw.col("hours_out").min(),
            told=nw.col("hours_out").count(),
            rows=nw.col("on_hand").count(),
            on_hand=nw.col("on_hand").sum(),
            coming=nw.col("in_transit").sum(),
        ),
        sort=[*by, "day"],
    )
    hours = held["hours_out"].where(held["told"] == held["rows"])
    held = held.assign(hours_out=hours)[[*by, *COLUMNS]]
    return held.astype({"hours_out": float, "on_hand": float, "coming": float})


def read_ordered(tables: Tables, *, as_of: dt.date) -> pd.Index:
    """SKUs of purchase orders that had been placed and not received by the end of a day."""
    import pandas as pd

    if not tables.has("purchase_orders"):
        return pd.Index([], dtype=object)
    _, over = instants(as_of, as_of, tables.zone)
    rows = tables.lazy("purchase_orders").filter(
        (nw.col("stage") == "receipt")
        & (nw.col("ordered_at") < over)
        & (nw.col("done_at").is_null() | (nw.col("done_at") >= over))
    )
    open_skus = bring(rows.select("sku_id").unique())["sku_id"]
    held: pd.Index = pd.Index(open_skus)
    return held


def clock_profiles(hours: pd.DataFrame, skus: Sequence[str], groups: Sequence[object]) -> Floats:
    """Share of the units that each hour of the day brings, of the group of each series.

    Args:
        hours: ``sku_id``, ``hour`` of the day and ``units``.
        skus: SKU of each series.
        groups: Category of each series, as far as told; a category's hours are shrunk to
            the shop's by ``PRIOR_UNITS``.

    Returns:
        (series, 24), rows of sum 1; even where orders tell no hours.
    """
    import pandas as pd

    held = pd.Series(list(groups), index=pd.Index(list(skus), name="sku_id"), dtype=object)
    named = held[~held.index.duplicated()].where(lambda group: group.notna(), "")
    rows = hours.assign(group=hours["sku_id"].map(named).fillna(""))
    table = rows.pivot_table(index="group", columns="hour", values="units", aggfunc="sum")
    table = table.reindex(index=pd.unique(held.fillna("")), columns=range(24)).fillna(0.0)
    units = hours.groupby("hour")["units"].sum().reindex(range(24)).fillna(0.0).to_numpy(float)
    shop = (units + 1) / (units.sum() + 24)  # a unit an hour: even until more is known
    if shop.max() > ONE_HOUR and units.sum() > PRIOR_UNITS:
        return np.full((len(held), 24), 1 / 24)
    own = table.to_numpy(float) + PRIOR_UNITS * shop
    shares = own / own.sum(axis=1, keepdims=True)
    place = table.index.get_indexer(pd.Index(held.fillna("")))
    profiles: Floats = shares[place]
    return profiles


def expose(hours_out: Floats, on_hand: Floats, clock: Floats) -> Floats:
    """Share of a day's usual demand that met stock.

    Which hours were out is not told, but whether there was stock as the day began (the end
    of the day before) and ended is: see ``share_in_stock``. The first day's beginning is
    taken for in stock if its end is not.

    Args:
        hours_out: Hours out of stock (series, days); NaN where not told.
        on_hand: Units at the day's end; NaN where not told.
        clock: Share of demand by hour of the day (series, 24), or 24 for all.

    Returns:
        The share, 0 to 1. Where hours are not told it is 0 if there was nothing at this
        day's end nor at the end of the day before, else 1.

    >>> hours, left = np.array([[6.0, 6.0, np.nan, np.nan]]), np.array([[0, 5, 0.0, 0]])
    >>> expose(hours, left, np.full(24, 1 / 24)).round(2).tolist()
    [[0.75, 0.75, 1.0, 0.0]]
    """
    before = np.column_stack([np.full(len(on_hand), np.nan), on_hand[:, :-1]])
    ends = on_hand <= 0
    begins = np.where(np.isnan(before), ~ends, before <= 0)
    hours = np.clip(np.nan_to_num(hours_out), 0, 24)
    share = share_in_stock(hours, begins, ends, clock)
    untold = np.where((on_hand <= 0) & (before <= 0), 0.0, 1.0)
    told: Floats = np.where(np.isnan(hours_out), untold, share)
    return told


def share_in_stock(hours: Floats, begins: Flags, ends: Flags, clock: Floats) -> Floats:
    """Share of a day's demand that falls into its hours in stock.

    The hours out are the first ones of a day that begins empty, the last ones of one that
    ends empty; of one that does both any split of them is as likely, and of one that does
    neither any place in the day.

    Args:
        hours: Hours out of stock (series, days), 0 to 24.
        begins: Whether the day began without stock.
        ends: Whether it ended without.
        clock: Share of demand by hour of the day (series, 24), or 24 for all.
    """
    shares = np.broadcast_to(clock, (len(hours), 24))
    zero = np.zeros((len(shares), 1))
    until = np.concatenate([zero, np.cumsum(shares, axis=1)], axis=1)
    area = np.concatenate([zero, np.cumsum((until[:, 1:] + until[:, :-1]) / 2, axis=1)], axis=1)
    left = 24 - hours
    out, rest, whole = _at(area, hours), _at(area, left), area[:, -1:]
    first, last = 1 - _at(until, hours), _at(until, left)
    split = np.where(hours > 0, (whole - rest - out) / np.where(hours > 0, hours, 1), 1)
    within = np.where(left > 0, 1 - (whole - out - rest) / np.where(left > 0, left, 1), 0)
    share = np.where(begins, np.where(ends, split, first), np.where(ends, last, within))
    bounded: Floats = np.clip(share, 0.0, 1.0)
    return bounded


def _at(table: Floats, hour: Floats) -> Floats:
    """Values of each row's table (series, 25) at an hour, even within one."""
    low = np.minimum(hour.astype(np.int64), 23)
    first, following = (np.take_along_axis(table, at, axis=1) for at in (low, low + 1))
    held: Floats = first + (hour - low) * (following - first)
    return held
