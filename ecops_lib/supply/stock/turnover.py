"""How fast stock turns: turnover, days of inventory, and how long it lasts from here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.data.frames import bring
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.supply.forecast.result import Forecast
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.stock.view import (
    PACE_DAYS,
    cover_by_forecast,
    cover_by_pace,
    require_daily,
    view_stock,
)

if TYPE_CHECKING:
    import pandas as pd

DAYS = 90
"""Days that turnover is measured over: a quarter."""
APART = 0.05
"""Share by which two points must differ from the daily average to be told."""
ROWS = 12
"""Rows that a page shows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Turnover(Result):
    """How fast stock turned, by SKU and for the shop.

    Attributes:
        skus: One row a SKU in stock: ``name``, ``sku_id``, ``value`` now and ``average`` at
            cost, ``ends`` (mean of the first and the last day, at cost), ``cost`` of goods
            sold, ``turnover`` a year, ``inventory_days``, ``cover_pace`` and
            ``cover_forecast`` [days]; NaN where the cost is not told.
        start: First local day that counts.
        as_of: Last one.
        snapshots: Days with a stock snapshot in between.
        forecast: Whether a forecast was given.
        notes: What the figures lack.
    """

    sheet: ClassVar[str] = mark("Stock turnover")
    units: ClassVar[Mapping[str, Unit]] = {
        "value": "money",
        "average": "money",
        "cost": "money",
        "turnover": "number",
        "inventory_days": "days",
        "cover_pace": "days",
        "cover_forecast": "days",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Product"),
        "sku_id": mark("SKU"),
        "value": mark("Stock at cost"),
        "average": mark("Average stock at cost"),
        "cost": mark("Cost of goods sold"),
        "turnover": mark("Turns a year"),
        "inventory_days": mark("Days of inventory"),
        "cover_pace": mark("Lasts at its pace"),
        "cover_forecast": mark("Lasts by forecast"),
    }

    skus: pd.DataFrame
    start: dt.date
    as_of: dt.date
    snapshots: int
    forecast: bool
    notes: tuple[Finding, ...] = ()

    @property
    def days(self) -> int:
        """Days measured over."""
        return (self.as_of - self.start).days + 1

    @property
    def inventory_days(self) -> float:
        """Days of inventory of the shop: days × average stock / cost of goods sold."""
        return self._days_of("average")

    @property
    def inventory_days_of_ends(self) -> float:
        """The same from the first and the last day's stock alone."""
        return self._days_of("ends")

    def _days_of(self, column: str) -> float:
        cost = float(self.skus["cost"].sum())
        held = float(self.skus[column].sum(min_count=1))
        return self.days * held / cost if cost > 0 else float("nan")

    def to_frame(self) -> pd.DataFrame:
        """One row a SKU, most money in stock first."""
        held = self.skus.sort_values(["value", "sku_id"], ascending=[False, True])
        columns = [c for c in self.labels if self.forecast or c != "cover_forecast"]
        return held[columns].reset_index(drop=True)

    def page_frame(self) -> pd.DataFrame:
        """The SKUs that hold most money."""
        return self.to_frame().head(ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """Turnover of the shop, what two points would have said, and how long stock lasts."""
        found = [self._turned(), self._ends(), self._cover()]
        return (*(finding for finding in found if finding), *self.notes)

    def _turned(self) -> Finding:
        given = {
            "start": show(self.start, "day"),
            "end": show(self.as_of, "day"),
            "cost": show(self.skus["cost"].sum(), "money"),
            "average": show(self.skus["average"].sum(), "money"),
            "snapshots": show(self.snapshots, "count"),
        }
        if self.snapshots == 0 or self.days < PACE_DAYS:
            text = tr(
                "Turnover cannot be told: stock and orders are both known for {days} only, and "
                "it takes {least}.",
                days=show(self.days if self.snapshots else 0, "days"),
                least=show(PACE_DAYS, "days"),
            )
            return Finding(key="turnover/shop", level="info", text=text)
        days = self.inventory_days
        if np.isnan(days) or not days > 0:
            text = tr(
                "Turnover cannot be told: from {start} to {end} the cost of goods sold is {cost} "
                "and the average stock {average}.",
                **given,
            )
            return Finding(key="turnover/shop", level="info", text=text)
        text = tr(
            "Stock turned at a rate of {turns} times a year: {cost} of goods sold from {start} to "
            "{end} over an average stock of {average} at cost ({snapshots} daily snapshots), "
            "which is {days} of inventory.",
            turns=show(365 / days, "number"),
            days=show(days, "days"),
            **given,
        )
        numbers = {"turnover": 365 / days, "inventory_days": days}
        return Finding(key="turnover/shop", level="info", text=text, evidence=numbers)

    def _ends(self) -> Finding | None:
        """What the usual formula, (start + end) / 2, would have said."""
        days, ends = self.inventory_days, self.inventory_days_of_ends
        if not days > 0 or not abs(ends / days - 1) > APART:
            return None
        text = tr(
            "The mean of the first and the last day alone would have said {ends} of inventory "
            "instead of {days}.",
            ends=show(ends, "days"),
            days=show(days, "days"),
        )
        numbers = {"ends": ends, "inventory_days": days}
        return Finding(key="turnover/ends", level="info", text=text, evidence=numbers)

    def _cover(self) -> Finding | None:
        """How long the goods that sell last."""
        sells = self.skus[self.skus["cover_pace"].notna()]
        if sells.empty:
            return None
        middle = float(sells["cover_pace"].median())
        text = tr(
            "Half of the SKUs that sell last for {days} or less at the pace of the last {pace}.",
            days=show(middle, "days"),
            pace=show(PACE_DAYS, "days"),
        )
        numbers = {"cover_pace": middle}
        if self.forecast:
            ahead = float(sells["cover_forecast"].median())
            more = tr("By the forecast it is {days}.", days=show(ahead, "days"))
            text, numbers = joined(text, more), {**numbers, "cover_forecast": ahead}
        return Finding(key="turnover/cover", level="info", text=text, evidence=numbers)


def measure_turnover(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = DAYS,
    forecast: Forecast | None = None,
    time_zone: str | None = None,
) -> Turnover:
    """Measure turnover, days of inventory and cover days, each by its own formula.

    *Turnover* is the cost of goods sold over the average stock at cost, as a yearly rate;
    *days of inventory* the days over turnover. The average is that of all snapshots, each
    warehouse over its own, in the days for which both stock and orders are known. *Cover
    days* look ahead: units available over the pace of the last 28 days, and by the forecast.
    Goods are counted as they were sold (paid, not cancelled before shipping), at today's cost.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Days measured over, at least 28.
        forecast: Daily demand from the day after ``as_of`` on, for cover by forecast.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no stock or no order line of that day or before.
        ParameterError: An argument has an impossible value.
    """
    view = view_stock(source, as_of=as_of, days=days, time_zone=time_zone)
    if forecast is not None:
        require_daily(forecast, view.as_of)
    first = max(view.as_of - dt.timedelta(days=int(days) - 1), view.demand.start)
    average = average_stock(view.tables, start=first, as_of=view.as_of)
    start = max(first, average.first or first)
    skus = view.stocked.join(average.skus)
    sold = view.taken(view.demand.sold, skus)[:, (start - view.demand.start).days :]
    cost = skus["unit_cost"]
    told = (view.as_of - start).days + 1 >= PACE_DAYS and average.days > 0
    held = skus.assign(
        average=(skus["mean"].fillna(0.0) * cost) if told else np.nan,
        ends=(skus["ends"].fillna(0.0) * cost) if told else np.nan,
        cost=np.nansum(sold, axis=1) * cost,
        cover_pace=cover_by_pace(skus["available"].to_numpy(float), skus["pace"].to_numpy(float)),
        cover_forecast=_ahead(skus, forecast),
    )
    spans = (view.as_of - start).days + 1
    held["inventory_days"] = spans * held["average"] / held["cost"].where(held["cost"] > 0)
    held["turnover"] = 365 / held["inventory_days"].where(held["inventory_days"] > 0)
    return Turnover(
        skus=held.reset_index(),
        start=start,
        as_of=view.as_of,
        snapshots=average.days,
        forecast=forecast is not None,
        notes=view.notes(),
    )


def _ahead(skus: pd.DataFrame, forecast: Forecast | None) -> Floats:
    if forecast is None:
        return np.full(len(skus), np.nan)
    place = forecast.keys.index.get_indexer(skus.index)
    mean = np.where(place[:, None] >= 0, forecast.mean[np.maximum(place, 0)], np.nan)
    return cover_by_forecast(skus["available"].to_numpy(float), np.nan_to_num(mean))


@dataclass(frozen=True, kw_only=True, eq=False)
class AverageStock:
    """Stock over some days.

    Attributes:
        skus: Indexed by ``sku_id``: ``mean`` units over all snapshots and ``ends``, the mean
            of the first and the last snapshot.
        first: Day of the first snapshot; None without any.
        days: Days with a snapshot.
    """

    skus: pd.DataFrame
    first: dt.date | None
    days: int


def average_stock(tables: Tables, *, start: dt.date, as_of: dt.date) -> AverageStock:
    """Average stock of each SKU over the snapshots of some days.

    Each warehouse is averaged over its own snapshots, for it need not send one every day; one
    that was there for a part of the time counts for that part. A SKU that a warehouse's
    snapshot does not name has none there.
    """
    rows = tables.lazy("inventory", start=start, end=as_of)
    rows = rows.filter((nw.col("day") >= start) & (nw.col("day") <= as_of))
    spans = bring(
        rows.group_by("warehouse_id").agg(
            first=nw.col("day").min(), last=nw.col("day").max(), days=nw.col("day").n_unique()
        ),
        sort=["warehouse_id"],
    ).set_index("warehouse_id")
    keys = ["warehouse_id", "sku_id"]
    sums = bring(rows.group_by(*keys).agg(units=nw.col("on_hand").sum()), sort=keys)
    if spans.empty:
        none = sums.set_index("sku_id").assign(mean=0.0, ends=0.0)
        return AverageStock(skus=none[["mean", "ends"]], first=None, days=0)
    whole = (spans["last"].max() - spans["first"].min()).days + 1
    part = ((spans["last"] - spans["first"]).dt.days + 1) / whole / spans["days"]
    units = sums["units"].astype(float) * sums["warehouse_id"].map(part)
    skus = units.groupby(sums["sku_id"]).sum().rename("mean").to_frame()
    days = sorted({spans["first"].min().date(), spans["last"].max().date()})
    points = bring(
        rows.filter(nw.col("day").is_in(days)).group_by("sku_id").agg(nw.col("on_hand").sum())
    )
    ends = points.set_index("sku_id")["on_hand"].astype(float) / len(days)
    count = bring(rows.select(nw.col("day").n_unique()))["day"].iloc[0]
    return AverageStock(skus=skus.assign(ends=ends), first=days[0], days=int(count))
