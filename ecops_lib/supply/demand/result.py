"""The demand of a shop: what was asked for, what empty shelves hid, and what stands apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import line_chart
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.demand.classes import PATTERNS, classify_demand, measure_intermittency
from ecops_lib.supply.demand.periods import average_periods, sum_periods
from ecops_lib.supply.demand.words import tell_demand
from ecops_lib.supply.panel import Floats, Frequency, Panel

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

ROWS = 12
"""Rows that a page shows."""
PAGE = ("name", "variant", "sku_id", "sold", "returned", "days_out", "lost", "lost_amount",
        "pattern")  # fmt: skip
"""Columns that a page shows."""
KEYS = ("sku_id", "warehouse_id", "product_id", "name", "variant", "category", "launch", "price")
"""What a panel tells of a series."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Demand(Result):
    """Units asked for, by series and day.

    Attributes:
        items: One row a series, indexed by its id: ``sku_id`` (and ``warehouse_id``),
            ``product_id``, ``product_name``, ``variant``, ``category``, ``first_sale`` and
            ``last_sale`` of these days, ``launch`` (missing where it sold before them),
            ``last_day`` on sale (missing where it still is), ``price`` of a unit,
            ``days_out`` of stock, units ``returned`` (NaN where not told).
        start: First local day.
        as_of: Last local day.
        sold: Units sold (series, days); NaN outside the life of a series.
        usual: The same with bulk orders at their fence.
        exposure: Share of a day's usual demand that met stock.
        demand: Units asked for: ``usual``, and what empty shelves hid, estimate.
        drivers: What moves demand, past days and some ahead (``read_drivers``).
        bulk: One row a bulk order: ``sku_id``, ``day``, ``largest`` line and ``usual`` units.
        stock_from: First of these days that a table of stock tells of; None without one.
        unnamed: Paid lines that name neither SKU nor product.
        cancelled: Units refunded before they were shipped.
        all_units: All units of paid lines.
        owner: Who sees to stock.
    """

    sheet: ClassVar[str] = mark("Demand by SKU")
    units: ClassVar[Mapping[str, Unit]] = {
        "sold": "count",
        "days_out": "number",
        "lost": "number",
        "lost_amount": "money",
        "launch": "day",
        "last_day": "day",
        "returned": "number",
        "interval": "number",
        "variation": "ratio",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Product"),
        "variant": mark("Variant"),
        "sku_id": mark("SKU"),
        "category": mark("Category"),
        "sold": mark("Units sold"),
        "days_out": mark("Days out of stock"),
        "lost": mark("Units missed, estimate"),
        "lost_amount": mark("Sales missed, estimate"),
        "returned": mark("Units sent back"),
        "launch": mark("On sale since"),
        "last_day": mark("Last day on sale"),
        "interval": mark("Days between demands (ADI)"),
        "variation": mark("Variation of sizes (CV²)"),
        "pattern": mark("Pattern"),
    }

    items: pd.DataFrame
    start: dt.date
    as_of: dt.date
    sold: Floats
    usual: Floats
    exposure: Floats
    demand: Floats
    drivers: Mapping[str, Floats]
    bulk: pd.DataFrame
    stock_from: dt.date | None
    unnamed: int
    cancelled: int
    all_units: int
    owner: str

    @cached_property
    def lost(self) -> Floats:
        """Units missed for want of stock (series, days), estimate."""
        return np.nan_to_num(self.demand - self.usual)

    @cached_property
    def patterns(self) -> list[str]:
        """The class of each series' regularity."""
        return [str(pattern) for pattern in classify_demand(self.demand)]

    @cached_property
    def lost_amounts(self) -> Floats:
        """Sales missed by series, estimate [money]; NaN where no price is told."""
        amounts: Floats = self.lost.sum(axis=1) * self.items["price"].to_numpy(float)
        return amounts

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a series and day on sale: units sold, usual and asked for, share in stock."""
        import pandas as pd

        series, day = np.nonzero(~np.isnan(self.sold))
        days = pd.Timestamp(self.start) + pd.to_timedelta(np.arange(self.sold.shape[1]), unit="D")
        names = [name for name in ("sku_id", "warehouse_id") if name in self.items]
        held = self.items[names].iloc[series].reset_index(drop=True)
        cells = {"sold": self.sold, "usual": self.usual, "asked": self.demand,
                 "exposure": self.exposure}  # fmt: skip
        return held.assign(
            day=days[day], **{name: array[series, day] for name, array in cells.items()}
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a series, most units first."""
        interval, variation = measure_intermittency(self.demand)
        told = self.stock_from is not None
        pairs = zip(self.items["product_name"], self.items["sku_id"], strict=True)
        frame = self.items.assign(
            name=[short_name(name, sku) for name, sku in pairs],
            sold=np.nansum(self.sold, axis=1),
            days_out=self.items["days_out"] if told else np.nan,
            lost=self.lost.sum(axis=1) if told else np.nan,
            lost_amount=self.lost_amounts if told else np.nan,
            interval=interval,
            variation=variation,
            pattern=[tr(PATTERNS[pattern]) for pattern in self.patterns],
        )
        return frame.sort_values("sold", ascending=False, ignore_index=True)[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """The series that missed most sales, then those that sold most."""
        held = self.to_frame()[[*PAGE]]
        return held.sort_values(["lost_amount", "sold"], ascending=False, kind="stable").head(ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """Sales missed, bulk orders, what stands apart, and how regular demand is."""
        return tell_demand(self)

    def chart(self) -> Chart | None:
        """Units sold and asked for by week, all series together."""
        import pandas as pd

        weeks = self.panel(frequency="week")
        if weeks.periods < 2:
            return None
        sold = sum_periods(self.sold, self.start, "week")[1]
        frame = pd.DataFrame(
            {
                "day": weeks.days(),
                "asked": np.nansum(weeks.values, axis=0),
                "sold": np.nansum(sold, axis=0),
            }
        )
        return line_chart(
            frame,
            caption=tr("Units by week"),
            unit="count",
            labels={"asked": tr("Units asked for, estimate"), "sold": tr("Units sold")},
            value="asked",
            compare="sold",
        )

    def panel(self, *, frequency: Frequency = "day") -> Panel:
        """The demand as a panel with what is known ahead, for a forecast.

        Args:
            frequency: Length of a period; of weeks and months only whole ones count.
        """
        start, values = sum_periods(self.demand, self.start, frequency)
        told = self.items.rename(columns={"product_name": "name"})
        keys = told[[name for name in KEYS if name in told]]
        drivers = {
            name: average_periods(held, self.start, frequency)
            for name, held in self.drivers.items()
        }
        return Panel(
            keys=keys, start=start, frequency=frequency, values=values, drivers=drivers, whole=True
        )
