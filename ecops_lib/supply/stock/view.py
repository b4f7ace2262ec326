"""The stock of a day with what it cost and how fast it sells, one row a SKU."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import is_missing, show
from ecops_lib.core.language import ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.supply.demand.building import build_demand
from ecops_lib.supply.demand.result import Demand
from ecops_lib.supply.forecast.result import Forecast
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.replenish.positions import read_positions
from ecops_lib.supply.replenish.purchases import read_purchases
from ecops_lib.supply.replenish.terms import read_terms

if TYPE_CHECKING:
    import pandas as pd

PACE_DAYS = 28
"""Days that tell how fast a SKU sells: four of each weekday."""
SILENT = 3
"""Days without any paid order after which the orders may simply not be imported."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StockView:
    """What the functions of this folder look at.

    Attributes:
        tables: The source.
        as_of: Last local day that counts.
        snapshot: Day of the newest stock figures.
        skus: One row a SKU, indexed by ``sku_id``: ``product_id``, ``name``, ``variant``,
            ``words`` (for a sentence), ``on_hand``, ``reserved``, ``coming``, ``available``
            (on hand less promised), ``unit_cost``, ``price``, ``value`` at cost (NaN where
            the cost is not told), ``pace`` (units asked for a day) and ``place`` (row in the
            demand, -1 for none); stock is NaN where no export tells it.
        purchases: Purchase orders as known then (``read_purchases``).
        demand: Demand by SKU and day.
        owner: Who sees to stock.
    """

    tables: Tables
    as_of: dt.date
    snapshot: dt.date
    skus: pd.DataFrame
    purchases: pd.DataFrame
    demand: Demand
    owner: str

    @property
    def stocked(self) -> pd.DataFrame:
        """The SKUs that a stock export tells of."""
        return self.skus[self.skus["on_hand"].notna()]

    def taken(self, held: Floats, skus: pd.DataFrame) -> Floats:
        """Rows of an array of the demand for some SKUs; 0 where none was ever asked for."""
        place = skus["place"].to_numpy(int)
        found: Floats = held[np.maximum(place, 0)]
        found[place < 0] = 0.0
        return found

    def notes(self) -> tuple[Finding, ...]:
        """That the stock or the orders are older than the page, and SKUs without a cost."""
        return tuple(note for note in (self._stale(), self._silent(), self._costless()) if note)

    def _stale(self) -> Finding | None:
        if self.snapshot == self.as_of:
            return None
        text = tr("The stock figures are those of {day}.", day=show(self.snapshot, "day"))
        return Finding(key="stock/stale", level="info", text=text)

    def _silent(self) -> Finding | None:
        last = self.demand.items["last_sale"].max().date()
        if (self.as_of - last).days < SILENT:
            return None
        text = tr(
            "The last paid order is of {day}; if later ones are only not imported, every pace "
            "here is too low.",
            day=show(last, "day"),
        )
        return Finding(key="stock/silent", level="watch", text=text)

    def _costless(self) -> Finding | None:
        held = self.stocked
        count = int(((held["on_hand"] > 0) & held["unit_cost"].isna()).sum())
        if not count:
            return None
        units = float(held.loc[held["unit_cost"].isna(), "on_hand"].clip(lower=0).sum())
        text = ntr(
            "The cost of {count} SKU in stock is not told; its {units} units are in no amount "
            "at cost.",
            "The cost of {count} SKUs in stock is not told; their {units} units are in no amount "
            "at cost.",
            count,
            count=show(count, "count"),
            units=show(units, "count"),
        )
        evidence = {"skus": float(count), "units": units}
        return Finding(key="stock/costless", level="watch", text=text, evidence=evidence)


def view_stock(
    source: Source, *, as_of: dt.date | str, days: int, time_zone: str | None = None
) -> StockView:
    """Read the stock of a day, its cost, and the demand of the days up to it.

    A SKU costs what the sheet of terms says, else its last purchase order, else the product.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Days of demand looked back, at least 28.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no stock or no order line of that day or before.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    require_between(days, PACE_DAYS, 3650, name="days")
    tables = Tables(source, time_zone=time_zone)
    tables.require("inventory", "order_items")
    purchases = read_purchases(tables, as_of=last)
    stock, snapshot = read_positions(tables, as_of=last, purchases=purchases, by_warehouse=False)
    demand = build_demand(source, as_of=last, days=int(days), time_zone=time_zone)
    settings = tables.store.settings if tables.store else None
    return StockView(
        tables=tables,
        as_of=last,
        snapshot=snapshot,
        skus=_skus(tables, last, stock, demand, purchases),
        purchases=purchases,
        demand=demand,
        owner=(settings.owners if settings else {}).get("stock", tr("stock control")),
    )


def _skus(
    tables: Tables,
    as_of: dt.date,
    stock: pd.DataFrame,
    demand: Demand,
    purchases: pd.DataFrame,
) -> pd.DataFrame:
    columns = ["on_hand", "reserved", "coming", "product_id"]
    held = stock.set_index("sku_id")[columns]
    held = held.reindex(held.index.union(demand.items.index).rename("sku_id"))
    told = held["product_id"].where(held["product_id"].notna(), demand.items["product_id"])
    asked = told.rename("product_id").reset_index()
    terms = read_terms(tables, as_of=as_of, skus=asked, purchases=purchases)
    held["product_id"] = told
    names = terms["name"].where(terms["name"].notna(), demand.items["product_name"])
    held = held.join(terms[["supplier_id", "supplier_name", "unit_cost", "price", "lead_days"]])
    held["variant"] = demand.items["variant"].reindex(held.index)
    held["name"] = [short_name(n, sku) for sku, n in names.reindex(held.index).items()]
    held["words"] = [
        name if is_missing(variant) or not str(variant).strip()
        else f"{name} ({short_name(variant)})"
        for name, variant in zip(held["name"], held["variant"], strict=True)
    ]  # fmt: skip
    held["available"] = held["on_hand"] - held["reserved"]
    held["value"] = held["on_hand"].clip(lower=0) * held["unit_cost"]
    held["place"] = demand.items.index.get_indexer(held.index)
    held["pace"] = _pace(demand).reindex(held.index).fillna(0.0)
    return held


def _pace(demand: Demand) -> pd.Series:
    """Units asked for a day, of the last 28 known days; 0 for what is off sale since then."""
    import pandas as pd

    recent = demand.demand[:, -PACE_DAYS:]
    known = (~np.isnan(recent)).sum(axis=1)
    pace = np.nansum(recent, axis=1) / np.maximum(known, 1)
    return pd.Series(pace, index=demand.items.index)


def known_days(view: StockView) -> pd.Series:
    """Of the last 28 days, those on which each SKU could be asked for; 28 for the never sold."""
    import pandas as pd

    recent = view.demand.demand[:, -PACE_DAYS:]
    known = pd.Series((~np.isnan(recent)).sum(axis=1), index=view.demand.items.index)
    return known.reindex(view.skus.index).fillna(PACE_DAYS)


def require_daily(forecast: Forecast, as_of: dt.date) -> None:
    """Refuse a forecast that is not of the days after ``as_of``.

    Raises:
        ParameterError: It is by week or month, or begins on another day.
    """
    if forecast.frequency != "day" or forecast.start != as_of + dt.timedelta(days=1):
        raise ParameterError(
            f"forecast is by {forecast.frequency} from {forecast.start}; it must be by day from "
            f"the day after {as_of}."
        )


def cover_by_pace(units: Floats, pace: Floats) -> Floats:
    """Days that units last at a pace; NaN where nothing is asked for.

    >>> cover_by_pace(np.array([30.0, 5.0, -2.0]), np.array([3.0, 0.0, 1.0])).tolist()
    [10.0, nan, 0.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        days: Floats = np.where(pace > 0, np.maximum(units, 0) / pace, np.nan)
    return days


def cover_by_forecast(units: Floats, expected: Floats) -> Floats:
    """Days that units last by a forecast; beyond its end at its mean pace.

    Args:
        units: Units available (series,).
        expected: Expected units (series, days ahead); NaN where nothing is forecast.

    >>> cover_by_forecast(np.array([5.0, 100.0]), np.array([[2.0, 6.0], [2.0, 6.0]])).tolist()
    [1.5, 25.0]
    """
    held = np.maximum(units, 0)
    ahead = np.concatenate([np.zeros((len(held), 1)), np.cumsum(expected, axis=1)], axis=1)
    days = np.full(len(held), np.nan)
    for place, row in enumerate(ahead):
        if not row[-1] > 0 or np.isnan(held[place]):
            continue
        if held[place] >= row[-1]:
            days[place] = held[place] / row[-1] * (len(row) - 1)
        else:
            after = int(np.searchsorted(row, held[place], side="right"))
            part = (held[place] - row[after - 1]) / (row[after] - row[after - 1])
            days[place] = after - 1 + part
    return days
