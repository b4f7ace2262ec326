"""Stock on a day: what has run out, what was sold twice, what is about to run out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data.frames import DAY, bring, lazy, within
from ecops_lib.data.schema import table_named

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.data.store import Store

WINDOW = 28
"""Days of sales that tell how fast a SKU sells: four of each weekday."""

STALE = 3
"""Days after which a snapshot no longer tells what is in stock."""

NAMED = 5
"""Findings that name a SKU; the rest are counted."""

STATES: Mapping[str, str] = {
    "out": mark("out of stock"),
    "oversold": mark("sold beyond stock"),
    "low": mark("below the threshold"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class StockStates(Result):
    """SKUs that ran out, were oversold or are low, as of a day.

    Attributes:
        day: The day of the page.
        snapshot: The day of the stock figures.
        skus: One row a SKU in trouble: ``state``, ``available`` [pieces], ``daily_units``
            [pieces a day in stock], ``cover_days`` [days], ``hours_out`` [hours of that
            day], ``lost_amount`` [store currency], most costly first.
        counted: SKUs looked at.
        threshold: Units below which a SKU is low.
        owner: Who sees to it.
        reason: Why there is nothing to show; empty where there is something.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "available": "count",
        "in_transit": "count",
        "daily_units": "number",
        "cover_days": "days",
        "hours_out": "hours",
        "lost_amount": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "state": mark("state"),
        "sku_id": mark("SKU"),
        "name": mark("name"),
        "available": mark("units available"),
        "in_transit": mark("units on their way"),
        "daily_units": mark("units sold a day"),
        "cover_days": mark("lasts for"),
        "hours_out": mark("hours out of stock"),
        "lost_amount": mark("sales lost that day, estimate"),
    }
    sheet: ClassVar[str] = mark("stock")

    day: dt.date
    snapshot: dt.date
    skus: pd.DataFrame
    counted: int
    threshold: float
    owner: str
    reason: str = ""

    def absent(self) -> str:
        """Why nothing is known of the stock, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a SKU in trouble."""
        shown = self.skus.drop(columns=["product_id", "price"])
        return shown.assign(state=[tr(STATES[state]) for state in shown["state"]])

    def findings(self) -> tuple[Finding, ...]:
        """Each stock-out and oversold SKU with sales, then the low ones together."""
        if self.reason:
            return ()
        states = {state: self.skus.loc[self.skus["state"] == state] for state in STATES}
        found = [_out(row, self.owner) for row in _named(states["out"])]
        found += [_oversold(row, self.owner) for row in _named(states["oversold"])]
        found += self._low(states["low"])
        return tuple(found) or (self._fine(),)

    def _low(self, low: pd.DataFrame) -> list[Finding]:
        if low.empty:
            return []
        first = low.sort_values(["cover_days", "sku_id"]).iloc[0]
        text = ntr(
            "{count} SKU is below {threshold} units; {name} runs out first, in {days} "
            "at its present pace.",
            "{count} SKUs are below {threshold} units; {name} runs out first, in {days} "
            "at its present pace.",
            len(low),
            count=show(len(low), "count"),
            threshold=show(self.threshold, "number"),
            name=short_name(first["name"], first["sku_id"]),
            days=show(first["cover_days"], "days"),
        )
        evidence = {
            "skus": float(len(low)),
            "threshold": self.threshold,
            "cover_days": float(first["cover_days"]),
        }
        action = Action(text=tr("reorder, or slow its advertising"), owner=self.owner)
        return [
            Finding(key="stock_low", level="watch", text=text, evidence=evidence, action=action)
        ]

    def _fine(self) -> Finding:
        text = ntr(
            "The one SKU that sells is in stock and above its threshold.",
            "None of {count} SKUs is out of stock, oversold or below its threshold.",
            self.counted,
            count=show(self.counted, "count"),
        )
        return Finding(key="stock_low", level="good", text=text)


def _named(rows: pd.DataFrame) -> list[Mapping[str, object]]:
    selling = rows.loc[(rows["daily_units"] > 0) | (rows["state"] == "oversold")]
    held: list[Mapping[str, object]] = selling.head(NAMED).to_dict("records")
    return held


def _numbers(row: Mapping[str, object], *names: str) -> dict[str, float]:
    return {name: float(row[name]) for name in names}  # type: ignore[arg-type]


def _out(row: Mapping[str, object], owner: str) -> Finding:
    evidence = _numbers(row, "hours_out", "daily_units", "available", "lost_amount")
    name = short_name(row["name"], row["sku_id"])
    pace = show(row["daily_units"], "number")
    back = evidence["available"] > 0
    if back:
        text = tr(
            "{name} was out of stock for {hours} and is back; it sells {pace} a day.",
            name=name,
            hours=show(row["hours_out"], "hours"),
            pace=pace,
        )
    else:
        text = tr("{name} is out of stock; it sells {pace} a day.", name=name, pace=pace)
    todo = tr("check why it ran out") if back else tr("restock, or pause its advertising")
    return Finding(
        key=f"stock_out/{row['sku_id']}",
        level="watch" if back else "bad",
        text=text,
        evidence=evidence,
        money=evidence["lost_amount"],
        action=Action(text=todo, owner=owner),
    )


def _oversold(row: Mapping[str, object], owner: str) -> Finding:
    missing = -float(row["available"])  # type: ignore[arg-type]
    text = ntr(
        "{name}: {count} unit is promised to orders and not in stock.",
        "{name}: {count} units are promised to orders and not in stock.",
        missing,
        name=short_name(row["name"], row["sku_id"]),
        count=show(missing, "count"),
    )
    price = float(row["price"])  # type: ignore[arg-type]
    return Finding(
        key=f"oversold/{row['sku_id']}",
        level="bad",
        text=text,
        evidence={"missing_units": missing},
        money=missing * price if not is_missing(price) else None,
        action=Action(text=tr("find the units, or offer those buyers another"), owner=owner),
    )


def find_stock_trouble(store: Store, *, day: dt.date) -> StockStates:
    """SKUs that are out of stock, oversold or below their threshold at the end of a day.

    Stock is the last snapshot of the three days up to ``day``, over all warehouses. A SKU
    is *out* with nothing on hand or with hours out on that day, *oversold* with more
    promised than on hand, *low* with fewer units available than ``low_stock`` of
    ``store.toml`` although it sold in the last 28 days. Sales lost are its units a day
    (days out left out of the count) times the hours out at its mean price.

    Args:
        store: The store.
        day: The day, in the store's zone.

    Returns:
        The SKUs in trouble; absent without a snapshot near the day.
    """
    threshold = store.settings.thresholds["low_stock"]
    owner = store.settings.owners.get("stock", tr("stock control"))
    if not store.has("inventory"):
        return _absent(day, threshold, owner, tr("The store holds no stock figures."))
    stock = _read_stock(store, day)
    if stock.empty:
        why = tr("There is no stock figure of the {days} days up to {day}.", days=STALE, day=day)
        return _absent(day, threshold, owner, why)
    snapshot = stock["day"].max()
    now = stock.loc[stock["day"] == snapshot].merge(
        _read_pace(store, day, stock), on="sku_id", how="left"
    )
    return StockStates(
        day=day,
        snapshot=snapshot.date(),
        skus=_judged(now, threshold),
        counted=len(now),
        threshold=threshold,
        owner=owner,
    )


def _absent(day: dt.date, threshold: float, owner: str, why: str) -> StockStates:
    import pandas as pd

    hint = tr("To fill this section, import {file}.", file=tr(table_named("inventory").hint))
    return StockStates(
        day=day,
        snapshot=day,
        skus=pd.DataFrame(),
        counted=0,
        threshold=threshold,
        owner=owner,
        reason=f"{why} {hint}",
    )


def _read_stock(store: Store, day: dt.date) -> pd.DataFrame:
    """Stock by day and SKU over the warehouses; empty without a snapshot near the day."""
    start = day - (WINDOW - 1) * DAY
    rows = lazy(store.scan("inventory", start=start, end=day), name="inventory").filter(
        (nw.col("day") >= start) & (nw.col("day") <= day)
    )
    amounts = ["on_hand", "reserved", "in_transit"]
    stock = bring(
        rows.group_by("day", "sku_id").agg(
            *(nw.col(name).sum() for name in amounts),
            nw.col("hours_out").min(),
            nw.col("product_id").max(),
        ),
        sort=["day", "sku_id"],
    )
    if stock.empty or stock["day"].max().date() <= day - STALE * DAY:
        return stock.iloc[:0]
    return stock


def _read_pace(store: Store, day: dt.date, stock: pd.DataFrame) -> pd.DataFrame:
    """Units sold a day in stock, mean price and name of each SKU."""
    import pandas as pd

    columns = ["sku_id", "units", "amount", "name"]
    if not store.has("order_items"):
        sold = pd.DataFrame(columns=columns).astype({"units": float, "amount": float})
    else:
        start = day - (WINDOW - 1) * DAY
        lines = lazy(store.scan("order_items", start=start, end=day), name="order_items")
        kept = lines.filter(
            within("created_at", start, day, store.zone) & ~nw.col("paid_amount").is_null()
        )
        sold = bring(
            kept.group_by("sku_id").agg(
                units=nw.col("quantity").sum(),
                amount=nw.col("paid_amount").sum(),
                name=nw.col("product_name").max(),
                variant=nw.col("variant").max(),
            ),
            sort=["sku_id"],
        )
        both = sold["name"].str.cat(sold.pop("variant"), sep=" ", na_rep="")
        sold["name"] = both.str.strip()
    out = stock.groupby("sku_id")["hours_out"].sum() / 24
    days = (WINDOW - sold["sku_id"].map(out).fillna(0.0)).clip(lower=1.0)
    sold["daily_units"] = sold["units"].astype(float) / days
    sold["price"] = sold["amount"] / sold["units"].where(sold["units"] > 0)
    return sold[["sku_id", "name", "daily_units", "price"]]


def _judged(now: pd.DataFrame, threshold: float) -> pd.DataFrame:
    import numpy as np

    rows = now.assign(
        available=now["on_hand"] - now["reserved"].fillna(0),
        daily_units=now["daily_units"].astype(float).fillna(0.0),
    )
    gone = np.where(rows["on_hand"] == 0, 24.0, 0.0)
    rows["hours_out"] = (
        rows["hours_out"].astype(float).fillna(0.0).where(rows["hours_out"].notna(), gone)
    )
    selling = rows["daily_units"] > 0
    rows["state"] = np.select(
        [
            rows["available"] < 0,
            (rows["on_hand"] == 0) | (rows["hours_out"] > 0),
            (rows["available"] < threshold) & selling,
        ],
        ["oversold", "out", "low"],
        "",
    )
    rows["cover_days"] = (rows["available"].clip(lower=0) / rows["daily_units"]).where(selling)
    lost = rows["daily_units"] * rows["hours_out"] / 24 * rows["price"]
    rows["lost_amount"] = lost.astype(float)
    order = {"out": 0, "oversold": 1, "low": 2}
    kept = rows.loc[rows["state"] != ""].assign(rank=lambda f: f["state"].map(order))
    kept = kept.sort_values(
        ["rank", "lost_amount", "cover_days", "sku_id"], ascending=[True, False, True, True]
    )
    columns = ["state", "sku_id", "name", "available", "in_transit", "daily_units"]
    columns += ["cover_days", "hours_out", "lost_amount", "product_id", "price"]
    return kept[columns].reset_index(drop=True)
