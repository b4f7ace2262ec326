"""The demand of a shop: what was asked for, what empty shelves hid, and what stands apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import line_chart
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.demand.classes import PATTERNS, classify_demand, measure_intermittency
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
NAMED = 3
"""Bulk orders that are named."""


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
        stock_told: Whether a table of stock tells of stock-outs.
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
    stock_told: bool
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
        told = self.stock_told
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
        found = [self._missed(), *self._bulky(), self._patterned(), self._apart(), self._unnamed()]
        return tuple(finding for finding in found if finding)

    def _missed(self) -> Finding:
        if not self.stock_told:
            text = tr(
                "No table tells of stock, so days without stock count as days without demand; "
                "import the warehouse's stock export."
            )
            return Finding(key="demand/untold", level="watch", text=text)
        lost, amounts = self.lost.sum(axis=1), np.nan_to_num(self.lost_amounts)
        money = float(amounts.sum())
        if lost.sum() < 0.5:
            text = tr("No sale was missed for want of stock in these days.")
            return Finding(key="demand/missed", level="good", text=text)
        worst = int(np.argmax(amounts)) if money else int(np.argmax(lost))
        row = self.items.iloc[worst]
        text = tr(
            "Empty shelves hid about {units} units, {money}, since {start}; most of it, {worst} "
            "units, of {name}. The forecast counts them as demand.",
            units=show(float(lost.sum()), "count"),
            money=show(money, "money"),
            start=show(self.start, "day"),
            worst=show(float(lost[worst]), "count"),
            name=short_name(row["product_name"], row["sku_id"]),
        )
        numbers = {"units": float(lost.sum()), "worst": float(lost[worst])}
        action = Action(text=tr("order earlier, by the proposal of this page"), owner=self.owner)
        return Finding(key="demand/missed", level="watch", text=text, evidence=numbers,
                       money=money, action=action)  # fmt: skip

    def _bulky(self) -> list[Finding]:
        held = self.bulk.sort_values("largest", ascending=False).head(NAMED)
        names = dict(zip(self.items["sku_id"], self.items["product_name"], strict=False))
        found = []
        for row in held.to_dict("records"):
            capped = row["units"] - row["usual"]
            text = tr(
                "One order of {day} took {units} units of {name}; the forecast counts {capped} "
                "of them out as a bulk order.",
                day=show(row["day"], "day"),
                units=show(float(row["largest"]), "count"),
                name=short_name(names.get(row["sku_id"]), row["sku_id"]),
                capped=show(float(capped), "count"),
            )
            numbers = {"units": float(row["largest"]), "capped": float(capped)}
            key = f"demand/bulk/{row['sku_id']}/{row['day']:%Y-%m-%d}"
            found.append(Finding(key=key, level="info", text=text, evidence=numbers))
        return found

    def _patterned(self) -> Finding:
        counts = {name: self.patterns.count(name) for name in PATTERNS}
        told = [f"{tr(PATTERNS[name])} {show(n, 'count')}" for name, n in counts.items() if n]
        text = ntr(
            "{count} SKU by how regularly it is asked for: {told}.",
            "{count} SKUs by how regularly they are asked for: {told}.",
            len(self.patterns),
            count=show(len(self.patterns), "count"),
            told=tr(", ").join(told),
        )
        numbers = {name: float(n) for name, n in counts.items()}
        return Finding(key="demand/patterns", level="info", text=text, evidence=numbers)

    def _apart(self) -> Finding | None:
        if not self.cancelled:
            return None
        text = tr(
            "{units} of {all} units were refunded before they were shipped and count as no demand.",
            units=show(self.cancelled, "count"),
            all=show(self.all_units, "count"),
        )
        numbers = {"units": float(self.cancelled)}
        return Finding(key="demand/cancelled", level="info", text=text, evidence=numbers)

    def _unnamed(self) -> Finding | None:
        if not self.unnamed:
            return None
        text = ntr(
            "{count} paid order line names neither SKU nor product and is left out.",
            "{count} paid order lines name neither SKU nor product and are left out.",
            self.unnamed,
            count=show(self.unnamed, "count"),
        )
        numbers = {"lines": float(self.unnamed)}
        return Finding(key="demand/unnamed", level="watch", text=text, evidence=numbers)

    def chart(self) -> Chart | None:
        """Units sold and asked for by week, all series together."""
        import pandas as pd

        weeks = self.panel(frequency="week")
        if weeks.periods < 2:
            return None
        sold = _summed(self.sold, self.start, "week")[1]
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
        start, values = _summed(self.demand, self.start, frequency)
        told = self.items.rename(columns={"product_name": "name"})
        keys = told[[name for name in KEYS if name in told]]
        drivers = {
            name: _averaged(held, self.start, frequency) for name, held in self.drivers.items()
        }
        return Panel(
            keys=keys, start=start, frequency=frequency, values=values, drivers=drivers, whole=True
        )


def _edges(start: dt.date, days: int, frequency: Frequency) -> tuple[dt.date, np.ndarray]:
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


def _summed(values: Floats, start: dt.date, frequency: Frequency) -> tuple[dt.date, Floats]:
    """Sums of whole periods; unknown where a day is."""
    first, edges = _edges(start, values.shape[1], frequency)
    if frequency == "day":
        return first, values
    total = np.concatenate([np.zeros((len(values), 1)), np.nan_to_num(values).cumsum(axis=1)], 1)
    blank = np.concatenate([np.zeros((len(values), 1)), np.isnan(values).cumsum(axis=1)], 1)
    sums, unknown = np.diff(total[:, edges], axis=1), np.diff(blank[:, edges], axis=1)
    return first, np.where(unknown > 0, np.nan, sums)


def _averaged(values: Floats, start: dt.date, frequency: Frequency) -> Floats:
    """Share of each whole period's days that have a mark."""
    _, edges = _edges(start, values.shape[1], frequency)
    if frequency == "day":
        return values
    total = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    return np.diff(total[:, edges], axis=1) / np.diff(edges)
