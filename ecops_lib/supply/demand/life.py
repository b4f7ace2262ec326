"""From when to when a thing was on sale: before and after it, nobody could ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.supply.demand.grid import Grid, Whole
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd

QUIET = 90
"""Days without a sale, without stock and with none on order, after which a thing is over."""
SEASON = 365
"""Days without a sale after which one is over where no stock is told: no season is longer."""
GONE = ("下架", "删除", "停售", "delisted", "archived", "discontinued", "inactive")
"""Words in a product's status that say it is no longer on sale."""


def find_launches(items: pd.DataFrame, grid: Grid) -> Whole:
    """Number of the first day on sale; negative where it lies before the first day.

    Args:
        items: ``listed_on``, ``first_sale`` and ``sold_before`` (whether it sold before
            the first day) of each series. A thing that sold before it was listed was on
            sale since it sold.
        grid: The days.
    """
    never = grid.days
    sold = np.where(items["sold_before"], -1, grid.numbers(items["first_sale"], absent=never))
    listed = grid.numbers(items["listed_on"], absent=never)
    first: Whole = np.minimum(sold, listed)
    return first


def find_ends(
    items: pd.DataFrame, grid: Grid, *, on_hand: Floats, coming: Floats, ordered: pd.Index
) -> Whole:
    """Number of the last day on sale; the last of all days where it still is.

    A thing is over that the platform calls so, or that has had no sale and nothing in stock
    or on its way for ``QUIET`` days; where no stock is told, no sale for ``SEASON`` days.

    Args:
        items: ``sku_id``, ``last_sale`` and ``status`` of each series.
        grid: The days.
        on_hand: Units at each day's end (series, days); NaN where not told.
        coming: Units on their way in, alike.
        ordered: SKUs of purchase orders that are still out.
    """
    last = grid.days - 1
    sale = grid.numbers(items["last_sale"], absent=-1)
    some = (np.nan_to_num(on_hand) > 0) | (np.nan_to_num(coming) > 0)
    place = np.arange(grid.days)
    supply = np.where(some, place, -1).max(axis=1, initial=-1)
    told = ~np.isnan(on_hand[:, -QUIET:]).all(axis=1)
    final = np.maximum(sale, supply)
    empty = told & (final <= last - QUIET) & ~items["sku_id"].isin(ordered).to_numpy(bool)
    silent = np.isnan(on_hand).all(axis=1) & (sale <= last - SEASON)
    words = items["status"].fillna("").astype(str).str.casefold()
    gone = words.map(lambda word: any(each in word for each in GONE)).to_numpy(bool)
    ends: Whole = np.where(gone | silent, sale, np.where(empty, final, last))
    return ends
