"""动销率 and 售罄率, kept apart: how many SKUs sell, and how much of what came in is sold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.checks import require_between
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data.frames import DAY, bring, instants
from ecops_lib.metrics.bases import Source
from ecops_lib.supply.demand.lines import SoldLines
from ecops_lib.supply.stock.view import StockView, view_stock

if TYPE_CHECKING:
    import pandas as pd

HISTORY = 730
"""Days that goods are followed back at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SellingRates(Result):
    """Both rates by category, and for the shop.

    Attributes:
        categories: One row a category: ``stocked`` SKUs (in stock on some day of the period),
            ``active`` (of them, those sold in it), ``available`` units since the first day
            known, ``sold`` of them, and ``left``.
        start: First local day of the period of the active rate.
        since: First day of stock known, from which units available are counted.
        as_of: Last day.
        over: SKUs that sold more than was ever available by the stock figures.
        receipts: Whether receipts were told; else what was sold plus what is left counts as
            available.
    """

    sheet: ClassVar[str] = mark("Active SKUs and sell-through")
    units: ClassVar[Mapping[str, Unit]] = {
        "stocked": "count",
        "active": "count",
        "active_rate": "share",
        "available": "count",
        "sold": "count",
        "sell_through": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "category": mark("Category"),
        "stocked": mark("SKUs in stock"),
        "active": mark("SKUs that sold"),
        "active_rate": mark("Active-SKU rate"),
        "available": mark("Units available since"),
        "sold": mark("Units sold since"),
        "sell_through": mark("Sell-through"),
    }

    categories: pd.DataFrame
    start: dt.date
    since: dt.date
    as_of: dt.date
    over: int
    receipts: bool

    @property
    def active_rate(self) -> float:
        """动销率 of the shop: SKUs that sold over SKUs in stock."""
        return self._ratio("active", "stocked")

    @property
    def sell_through(self) -> float:
        """售罄率 of the shop: units sold over units available."""
        return self._ratio("sold", "available")

    def _ratio(self, part: str, whole: str) -> float:
        sums = self.categories[[part, whole]].sum()
        return float(sums[part] / sums[whole]) if sums[whole] > 0 else float("nan")

    def to_frame(self) -> pd.DataFrame:
        """One row a category, most SKUs first."""
        held = self.categories.sort_values(["stocked", "category"], ascending=[False, True])
        held = held.assign(
            category=held["category"].replace("", tr("(no category)")),
            active_rate=_ratio(held["active"], held["stocked"]),
            sell_through=_ratio(held["sold"], held["available"]),
        )
        return held[[*self.labels]].reset_index(drop=True)

    def findings(self) -> tuple[Finding, ...]:
        """Each rate with what it counts, and what does not fit."""
        held = self.categories.sum(numeric_only=True)
        return (self._active(held), self._through(held), *self._over())

    def _active(self, held: pd.Series) -> Finding:
        if not held["stocked"]:
            text = tr("No SKU was in stock from {start} on.", start=show(self.start, "day"))
            return Finding(key="selling/active", level="info", text=text)
        text = tr(
            "Active-SKU rate: of {stocked} SKUs in stock from {start} to {end}, {active} sold at "
            "least once, {share}.",
            stocked=show(held["stocked"], "count"),
            start=show(self.start, "day"),
            end=show(self.as_of, "day"),
            active=show(held["active"], "count"),
            share=show(self.active_rate, "share"),
        )
        numbers = {"active_rate": self.active_rate}
        return Finding(key="selling/active", level="info", text=text, evidence=numbers)

    def _through(self, held: pd.Series) -> Finding:
        given = {
            "available": show(held["available"], "count"),
            "since": show(self.since, "day"),
            "sold": show(held["sold"], "count"),
            "share": show(self.sell_through, "share"),
        }
        if not held["available"] > 0:
            text = tr("Sell-through cannot be told: no unit was available since {since}.", **given)
            return Finding(key="selling/through", level="info", text=text)
        if self.receipts:
            text = tr(
                "Sell-through: of {available} units there on {since} or received after it, {sold} "
                "are sold, {share}.",
                **given,
            )
        else:
            text = tr(
                "Sell-through: of {available} units sold since {since} or still there, {sold} are "
                "sold, {share}; receipts are not told.",
                **given,
            )
        numbers = {"sell_through": self.sell_through}
        return Finding(key="selling/through", level="info", text=text, evidence=numbers)

    def _over(self) -> tuple[Finding, ...]:
        if not self.over:
            return ()
        text = ntr(
            "{count} SKU sold more units than the stock and purchase sheets ever had of it; "
            "receipts are missing, or returns were put back.",
            "{count} SKUs sold more units than the stock and purchase sheets ever had of them; "
            "receipts are missing, or returns were put back.",
            self.over,
            count=show(self.over, "count"),
        )
        numbers = {"skus": float(self.over)}
        return (Finding(key="selling/over", level="watch", text=text, evidence=numbers),)


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    """A ratio of sums by row; NaN over nothing."""
    ratio: pd.Series = part.astype(float) / whole.astype(float).where(whole > 0)
    return ratio


def measure_sell_through(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = 30,
    time_zone: str | None = None,
) -> SellingRates:
    """Measure 动销率 and 售罄率 by category; they are two different things.

    *Active-SKU rate* (动销率): of the SKUs in stock on some day of the last ``days``, the
    share that sold in them; never above 100 %. *Sell-through* (售罄率): units sold over units
    available, which are those of the first snapshot and all received after it; without a
    table of purchases, those sold plus those left.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Days of the active-SKU rate.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no stock or no order line of that day or before.
        ParameterError: An argument has an impossible value.
    """
    require_between(days, 1, 366, name="days")
    view = view_stock(source, as_of=as_of, days=182, time_zone=time_zone)
    start = view.as_of - (int(days) - 1) * DAY
    opening, since = _opening(view, start)
    sold = _sold(view, since)
    after = sold[sold["day"] > opening["first"].reindex(sold["sku_id"]).to_numpy()]
    skus = opening.assign(
        active=opening.index.isin(sold.loc[sold["day"].dt.date >= start, "sku_id"]),
        sold=after.groupby("sku_id")["units"].sum().reindex(opening.index).fillna(0.0),
        category=_categories(view, opening.index),
    )
    receipts = _receipts(view, opening)
    left = view.skus["on_hand"].reindex(skus.index).fillna(0.0).clip(lower=0)
    skus["available"] = skus["sold"] + left if receipts is None else skus["units"] + receipts
    skus["active"] = (skus["active"] & skus["stocked"]).astype(int)
    sums = skus.groupby("category")[["stocked", "active", "available", "sold"]].sum()
    return SellingRates(
        categories=sums.reset_index(),
        start=start,
        since=since,
        as_of=view.as_of,
        over=int((skus["sold"] > skus["available"]).sum()),
        receipts=receipts is not None,
    )


def _opening(view: StockView, start: dt.date) -> tuple[pd.DataFrame, dt.date]:
    """First snapshot of each SKU, its units, and whether it was in stock from ``start`` on."""
    low = view.as_of - HISTORY * DAY
    rows = view.tables.lazy("inventory", start=low, end=view.as_of)
    rows = rows.filter((nw.col("day") >= low) & (nw.col("day") <= view.as_of))
    sums = rows.group_by("sku_id", "day").agg(nw.col("on_hand").sum())
    begin = rows.group_by("sku_id").agg(first=nw.col("day").min())
    units = sums.join(begin, on="sku_id", how="inner").filter(nw.col("day") == nw.col("first"))
    held = bring(units.select("sku_id", "first", units="on_hand"), sort=["sku_id"])
    in_stock = sums.filter((nw.col("day") >= start) & (nw.col("on_hand") > 0))
    seen = bring(in_stock.select("sku_id").unique())["sku_id"]
    held = held.set_index("sku_id").astype({"units": float})
    held["stocked"] = held.index.isin(seen)
    held["units"] = held["units"].clip(lower=0)
    return held, held["first"].min().date()


def _sold(view: StockView, since: dt.date) -> pd.DataFrame:
    import pandas as pd

    held = SoldLines(view.tables, start=since, as_of=view.as_of, by_warehouse=False).daily()
    return held.assign(day=pd.to_datetime(held["day"]))


def _categories(view: StockView, skus: pd.Index) -> list[str]:
    if not view.tables.has("products"):
        return [""] * len(skus)
    held = bring(view.tables.lazy("products").select("product_id", "category"))
    named = held.drop_duplicates("product_id").set_index("product_id")["category"]
    products = view.skus["product_id"].reindex(skus)
    return products.map(named).fillna("").astype(str).tolist()


def _receipts(view: StockView, opening: pd.DataFrame) -> pd.Series | None:
    """Units received of each SKU after its first snapshot; None without a purchase table."""
    import pandas as pd

    if not view.tables.has("purchase_orders"):
        return None
    low = view.as_of - HISTORY * DAY
    first, over = instants(low, view.as_of, view.tables.zone)
    rows = view.tables.lazy("purchase_orders").filter(
        (nw.col("stage") == "receipt") & (nw.col("done_at") >= first) & (nw.col("done_at") < over)
    )
    held = bring(rows.select("sku_id", "quantity", "received", "rejected", "done_at"))
    got = held["received"].astype(float)
    net = held["quantity"].astype(float) - held["rejected"].astype(float).fillna(0.0)
    day = pd.to_datetime(held["done_at"], utc=True).dt.tz_convert(view.tables.zone)
    later = (
        day.dt.tz_localize(None).dt.normalize()
        > opening["first"].reindex(held["sku_id"]).to_numpy()
    )
    units = got.fillna(net)[later].groupby(held["sku_id"]).sum()
    return units.reindex(opening.index).fillna(0.0)
