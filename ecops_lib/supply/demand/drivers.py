"""What moves demand and is known ahead: festivals, campaigns, coupons, holidays, prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.data.calendar import describe_days
from ecops_lib.data.frames import bring
from ecops_lib.metrics.bases import Tables
from ecops_lib.supply.demand.grid import Grid
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd

AHEAD = 120
"""Days ahead for which festivals and the shop's own plans are marked."""
SALES = ("burst", "campaign", "coupon")
"""Marks whose days have prices of their own: what these do is part of the mark's effect, for
ahead nobody tells them."""
RECENT = 28
"""Days whose price holds for the days ahead."""


def read_drivers(
    tables: Tables, grid: Grid, items: pd.DataFrame, *, price: Floats
) -> Mapping[str, Floats]:
    """Marks and prices of the past days and ``AHEAD`` more.

    Args:
        tables: The source.
        grid: The series and days.
        items: ``product_id`` of each series.
        price: Mean amount paid for a unit (series, days); NaN where none was sold.

    Returns:
        (1 or series, days + ``AHEAD``) each: ``burst``, ``campaign`` (other days of a
        festival or of the shop's own campaigns), ``coupon`` and ``holiday``, 1 or 0;
        ``promoted``, 1 where a campaign or coupon of the product alone runs; ``price``
        beside the series' median price on days without sales, on days with sales as usual,
        ahead the recent one, moved by the price changes that are planned. A mark that is
        never set is left out.
    """
    events = _events(tables)
    days = grid.days + AHEAD
    marks = dict(_calendar(tables, grid, events, days))
    for name, kinds in (("coupon", {"coupon"}), ("promoted", {"campaign", "coupon"})):
        own = events[events["kind"].isin(kinds)]
        if name == "promoted":
            marks[name] = _own_products(own, grid, items, days)
        else:
            marks[name] = _whole_shop(own[own["product_id"].isna()], grid, days)
    told: dict[str, Floats] = {name: held for name, held in marks.items() if held.any()}
    sale = np.any([told[name][0, : grid.days] > 0 for name in SALES if name in told], axis=0)
    everyday = np.where(sale, np.nan, price)
    return {**told, "price": _prices(events, grid, items, everyday)}


def _events(tables: Tables) -> pd.DataFrame:
    """The shop's diary; empty where there is none. An open end is the first day."""
    import pandas as pd

    columns = ["kind", "name", "starts_on", "ends_on", "product_id", "before", "after", "note"]
    if not tables.has("shop_events"):
        return pd.DataFrame(columns=columns)
    held = bring(tables.lazy("shop_events"))
    held["product_id"] = held["product_id"].replace("", None)
    return held.assign(ends_on=held["ends_on"].fillna(held["starts_on"]))


def _calendar(tables: Tables, grid: Grid, events: pd.DataFrame, days: int) -> Mapping[str, Floats]:
    settings = tables.store.settings if tables.store else None
    end = grid.start + dt.timedelta(days=days - 1)
    shop_wide = events[(events["kind"] == "campaign") & events["product_id"].isna()]
    held = describe_days(
        grid.start,
        end,
        country=settings.country if settings else "CN",
        events=shop_wide if len(shop_wide) else None,
    )
    burst = held["phase"] == "burst"
    marked = ((held["event"] != "") | (held["phase"] != "")) & ~burst
    holiday = ~held["holiday"].isin(["", "unannounced"])
    named = {"burst": burst, "campaign": marked, "holiday": holiday}
    return {name: np.asarray(column, dtype=float)[None, :] for name, column in named.items()}


def _spans(events: pd.DataFrame, grid: Grid) -> list[tuple[int, int]]:
    """First day of each event and the day after its last one, as numbers of days."""
    first = grid.numbers(events["starts_on"], absent=-1)
    last = grid.numbers(events["ends_on"], absent=-1)
    return [(max(int(a), 0), max(int(b) + 1, 0)) for a, b in zip(first, last, strict=True)]


def _whole_shop(events: pd.DataFrame, grid: Grid, days: int) -> Floats:
    marks = np.zeros((1, days))
    for first, over in _spans(events, grid):
        marks[:, first:over] = 1
    return marks


def _own_products(events: pd.DataFrame, grid: Grid, items: pd.DataFrame, days: int) -> Floats:
    of_one = events[events["product_id"].notna()]
    marks = np.zeros((len(items) if len(of_one) else 1, days))
    for product, (first, over) in zip(of_one["product_id"], _spans(of_one, grid), strict=True):
        marks[(items["product_id"] == product).to_numpy(bool), first:over] = 1
    return marks


def _prices(events: pd.DataFrame, grid: Grid, items: pd.DataFrame, price: Floats) -> Floats:
    """Relative prices of the past, and ahead as the recent ones and the diary have them."""
    usual = _medians(price, otherwise=1.0)
    recent, fallback = price[:, -RECENT:].copy(), usual.copy()
    moved = np.ones((len(price), AHEAD))
    for product, factor, first, over in _changes(events, grid):
        mine = (items["product_id"] == product).to_numpy(bool)
        lasting = over - first <= 1  # a change without an end holds from then on
        begins, ends = first - grid.days, AHEAD if lasting else over - grid.days
        if begins >= 0:
            moved[mine, begins : max(ends, 0)] *= factor
        elif lasting and begins > -recent.shape[1]:
            recent[mine, :begins] = np.nan
            fallback[mine] *= factor
        elif not lasting:
            since = max(begins + recent.shape[1], 0)
            recent[mine, since : max(ends + recent.shape[1], 0)] = np.nan
            moved[mine, : max(ends, 0)] *= factor
    now = _medians(recent, otherwise=fallback) / usual
    past = np.nan_to_num(price / usual[:, None], nan=1.0)
    return np.concatenate([past, now[:, None] * moved], axis=1)


def _changes(events: pd.DataFrame, grid: Grid) -> list[tuple[str, float, int, int]]:
    """Price changes: product, factor, first day and the day after the last one."""
    told = events[(events["kind"] == "price") & events["product_id"].notna()]
    told = told[(told["before"] > 0) & (told["after"] > 0)].sort_values("starts_on")
    factors = (told["after"] / told["before"]).astype(float)
    return [
        (str(product), float(factor), first, over)
        for product, factor, (first, over) in zip(
            told["product_id"], factors, _spans(told, grid), strict=True
        )
    ]


def _medians(price: Floats, *, otherwise: Floats | float) -> Floats:
    """Median of each row's told prices."""
    rows = [row[row > 0] for row in price]
    middle = np.array([np.median(row) if len(row) else np.nan for row in rows])
    held: Floats = np.where(np.isnan(middle), otherwise, middle)
    return held
