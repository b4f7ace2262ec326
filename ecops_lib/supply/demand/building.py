"""Building the demand of a shop: dense days, stock-outs estimated, events marked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import reader, tr
from ecops_lib.data.store import Store
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.supply.demand.bulk import cap_bulk, find_fences
from ecops_lib.supply.demand.censoring import estimate_demand
from ecops_lib.supply.demand.drivers import read_drivers
from ecops_lib.supply.demand.grid import Grid
from ecops_lib.supply.demand.items import describe_items
from ecops_lib.supply.demand.life import find_ends, find_launches
from ecops_lib.supply.demand.lines import SoldLines
from ecops_lib.supply.demand.result import Demand
from ecops_lib.supply.demand.returned import count_returned
from ecops_lib.supply.demand.stock_days import (
    clock_profiles,
    expose,
    read_ordered,
    read_stock_days,
)
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd

DAYS = 730
"""Days looked back at most: two of each season."""
DAY = dt.timedelta(days=1)

_built: WeakKeyDictionary[Store, dict[tuple[object, ...], Demand]] = WeakKeyDictionary()
"""Demand of each store in use: a page has many sections on the same days."""


def build_demand(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = DAYS,
    by_warehouse: bool = False,
    time_zone: str | None = None,
) -> Demand:
    """What buyers asked for, by SKU and day: sales, and what empty shelves hid.

    Units count on the local day on which an order was placed that was paid by ``as_of``,
    sets as the SKUs inside (table ``kits``), lines without a SKU as their product. What was
    refunded as a whole before shipping was no demand (``lines_refunded``); what came back
    later was, and is counted apart. A day without a sale is 0 from the launch on
    (``products.listed_on``, else the first sale) and unknown before it and after the
    delisting (``find_ends``). A bulk order counts up to Tukey's outer fence (``cap_bulk``).
    Hours out of stock hide demand, which is estimated (``estimate_demand``).

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Days looked back, at least 1.
        by_warehouse: Whether each warehouse has a series of its own.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No paid order line names a thing in these days.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    require_between(days, 1, 3650, name="days")
    tables = Tables(source, time_zone=time_zone)
    if not tables.store:
        return _build(tables, last, int(days), by_warehouse=by_warehouse)
    built = _built.setdefault(tables.store, {})
    key = (last, int(days), by_warehouse, tables.zone_name, reader().language)
    if key not in built:
        built[key] = _build(tables, last, int(days), by_warehouse=by_warehouse)
    return built[key]


def _build(tables: Tables, last: dt.date, days: int, *, by_warehouse: bool) -> Demand:
    first = _first_day(tables, last)
    start = max(last - (days - 1) * DAY, first)
    sold = SoldLines(tables, start=start, as_of=last, by_warehouse=by_warehouse)
    daily = cap_bulk(sold.daily(), find_fences(sold.sizes()))
    if daily.empty:
        raise MissingDataError(_nothing(last))
    items = describe_items(sold, daily, _sold_before(sold, first))
    return _dense(sold, daily, items, Grid(items.index, start=start, last=last, by=sold.by))


def _dense(sold: SoldLines, daily: pd.DataFrame, items: pd.DataFrame, grid: Grid) -> Demand:
    """Days and series as arrays: lives, stock-outs, and what they hid."""
    tables, last = sold.tables, sold.as_of
    stock = read_stock_days(tables, start=grid.start, as_of=last, by=sold.by)
    hours, on_hand = (grid.fill(stock, name, np.nan) for name in ("hours_out", "on_hand"))
    launches = find_launches(items, grid)
    ends = find_ends(
        items,
        grid,
        on_hand=on_hand,
        coming=grid.fill(stock, "coming", np.nan),
        ordered=read_ordered(tables, as_of=last),
    )
    day = np.arange(grid.days)
    alive = (day >= launches[:, None]) & (day <= ends[:, None])
    clock = clock_profiles(sold.hours(), list(items["sku_id"]), list(items["category"]))
    exposure = np.where(alive, expose(hours, on_hand, clock), 1.0)
    units, usual = (
        np.where(alive, grid.fill(daily, name, 0.0), np.nan) for name in ("units", "usual")
    )
    asked = estimate_demand(usual, exposure, weekday=grid.start.weekday())
    unnamed, cancelled, all_units = sold.apart()
    settings = tables.store.settings if tables.store else None
    return Demand(
        items=items.assign(
            launch=grid.dates(launches).where(launches >= 0),
            last_day=grid.dates(ends).where(ends < grid.days - 1),
            returned=_returned(sold, items),
            days_out=_days_out(np.where(alive, hours, np.nan), exposure),
        ).drop(columns=["sold_before", "listed_on", "status"]),
        start=grid.start,
        as_of=last,
        sold=units,
        usual=usual,
        exposure=exposure,
        demand=asked.demand,
        drivers=read_drivers(tables, grid, items, price=_prices(daily, grid)),
        bulk=daily[daily["bulk"]].reset_index(drop=True),
        stock_from=None if stock.empty else stock["day"].min().date(),
        unnamed=unnamed,
        cancelled=cancelled,
        all_units=all_units,
        owner=(settings.owners if settings else {}).get("stock", tr("stock control")),
    )


def _first_day(tables: Tables, last: dt.date) -> dt.date:
    tables.require("order_items")
    span = tables.span("order_items", "created_at")
    if span is None or span[0] > last:
        raise MissingDataError(_nothing(last))
    return span[0]


def _nothing(last: dt.date) -> str:
    return tr(
        "No paid order line up to {day} names a SKU or a product; import the platform's "
        "order-line export.",
        day=last.isoformat(),
    )


def _sold_before(sold: SoldLines, first: dt.date) -> pd.DataFrame:
    """Series that were sold before the first day looked at."""
    import pandas as pd

    if sold.start <= first:
        return pd.DataFrame(columns=sold.by, dtype=object)
    whole = "warehouse_id" in sold.by
    return SoldLines(sold.tables, start=first, as_of=sold.start - DAY, by_warehouse=whole).series()


def _returned(sold: SoldLines, items: pd.DataFrame) -> pd.Series:
    """Units sent back; NaN where no refunds are told, or which warehouse's they are."""
    held = count_returned(sold)
    if not sold.tables.has("refunds") or "warehouse_id" in sold.by:
        return items["sku_id"].map({}).astype(float)
    return items["sku_id"].map(held).fillna(0.0).astype(float)


def _days_out(hours: Floats, exposure: Floats) -> Floats:
    """Days' worth of hours out of stock; whole days where hours are not told."""
    told = np.where(np.isnan(hours), 1 - exposure, np.clip(hours, 0, 24) / 24)
    out: Floats = told.sum(axis=1)
    return out


def _prices(daily: pd.DataFrame, grid: Grid) -> Floats:
    """Mean amount paid for a unit (series, days), ratio of sums; NaN where none was told."""
    amount, units = grid.fill(daily, "amount", np.nan), grid.fill(daily, "amounted", 0.0)
    price: Floats = np.where(amount > 0, amount / np.where(units > 0, units, np.nan), np.nan)
    return price
