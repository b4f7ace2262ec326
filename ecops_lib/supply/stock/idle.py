"""Stock that does not move: dead, slow and too much of it, with the money tied up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data.frames import DAY, bring
from ecops_lib.metrics.bases import Source
from ecops_lib.supply.demand.lines import SoldLines
from ecops_lib.supply.stock.view import (
    PACE_DAYS,
    StockView,
    cover_by_pace,
    known_days,
    view_stock,
)

if TYPE_CHECKING:
    import pandas as pd

HISTORY = 730
"""Days of orders searched for the last sale."""
STATES: Mapping[str, str] = {
    "idle": mark("No sale"),
    "over": mark("Too much"),
    "unknown": mark("Age not told"),
}
ROWS = 12
"""Rows that a page shows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class IdleStock(Result):
    """SKUs that do not sell, or of which there is too much.

    Attributes:
        skus: One row a SKU with stock: ``words``, ``sku_id``, ``on_hand``, ``value`` at cost
            (NaN where the cost is not told), ``last_sale``, ``idle_days`` without a sale while
            on sale and in stock, ``cover_days``, ``excess`` units beyond the cover,
            ``excess_value``, ``state`` (empty where all is well) and ``step`` (how many of
            ``steps`` have passed).
        steps: Days without a sale by which stock is told apart.
        cover: Days of cover beyond which there is too much.
        since: First day of the orders searched.
        first_snapshot: First day of stock known.
        as_of: Last day.
        new: SKUs without a sale that came in within the first step.
        owner: Who sees to stock.
        notes: What the figures lack.
    """

    sheet: ClassVar[str] = mark("Idle stock")
    units: ClassVar[Mapping[str, Unit]] = {
        "on_hand": "count",
        "value": "money",
        "last_sale": "day",
        "idle_days": "days",
        "cover_days": "days",
        "excess": "count",
        "excess_value": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "state": mark("State"),
        "words": mark("Product"),
        "sku_id": mark("SKU"),
        "on_hand": mark("Units on hand"),
        "value": mark("Stock at cost"),
        "last_sale": mark("Last sale"),
        "idle_days": mark("Days without a sale"),
        "cover_days": mark("Lasts for"),
        "excess_value": mark("Too much, at cost"),
    }

    skus: pd.DataFrame
    steps: tuple[int, ...]
    cover: int
    since: dt.date
    first_snapshot: dt.date
    as_of: dt.date
    new: int
    owner: str
    notes: tuple[Finding, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row a SKU in trouble, most money first."""
        held = self.skus[self.skus["state"] != ""]
        stake = held["value"].where(held["state"] != "over", held["excess_value"])
        held = held.assign(stake=stake, state=[self._state(*row) for row in _pairs(held)])
        held = held.sort_values(["stake", "sku_id"], ascending=[False, True])
        return held[[*self.labels]].reset_index(drop=True)

    def page_frame(self) -> pd.DataFrame:
        """The SKUs with most money tied up."""
        return self.to_frame().head(ROWS)

    def _state(self, state: str, step: int) -> str:
        if state != "idle":
            return tr(STATES[state])
        return tr("No sale in {days}", days=show(self.steps[step - 1], "days"))

    def findings(self) -> tuple[Finding, ...]:
        """Dead, slow and too much stock with the money in it, and what cannot be told."""
        found = [self._dead(), self._slow(), self._over(), self._unknown(), self._short()]
        return (*(finding for finding in found if finding), *self.notes)

    def _idle(self, low: int, high: int) -> pd.DataFrame:
        step = self.skus["step"].where(self.skus["state"] == "idle", 0)
        return self.skus[(step >= low) & (step <= high)]

    def _dead(self) -> Finding | None:
        days = show(self.steps[1], "days")
        dead = self._idle(2, len(self.steps))
        if dead.empty:
            text = tr("No SKU in stock has gone without a sale for {days}.", days=days)
            return Finding(key="idle/dead", level="good", text=text)
        text = ntr(
            "{count} SKU in stock has had no sale for {days} or more: {units} units, {money} at "
            "cost. It is {name}.",
            "{count} SKUs in stock have had no sale for {days} or more: {units} units, {money} at "
            "cost. Most of it lies in {name}.",
            len(dead),
            days=days,
            **_given(dead, "value"),
        )
        todo = tr("clear it: mark it down, bundle it or give it away, and do not reorder")
        return self._finding("idle/dead", "watch", text, dead, "value", todo)

    def _slow(self) -> Finding | None:
        slow = self._idle(1, 1)
        if slow.empty:
            return None
        text = ntr(
            "{count} SKU has had no sale for {low} to {high}: {money} at cost. It is {name}.",
            "{count} SKUs have had no sale for {low} to {high}: {money} at cost. Most of it lies "
            "in {name}.",
            len(slow),
            low=show(self.steps[0], "count"),
            high=show(self.steps[1], "days"),
            **_given(slow, "value"),
        )
        todo = tr("find out why: price, page or search; then promote it or stop reordering")
        return self._finding("idle/slow", "watch", text, slow, "value", todo)

    def _over(self) -> Finding | None:
        over = self.skus[self.skus["state"] == "over"]
        days = show(self.cover, "days")
        if over.empty:
            text = tr("No SKU that sells has stock for more than {days}.", days=days)
            return Finding(key="idle/over", level="good", text=text)
        text = ntr(
            "{count} SKU that sells has stock for more than {days}: {excess} units and {money} at "
            "cost too much. It is {name}.",
            "{count} SKUs that sell have stock for more than {days}: {excess} units and {money} "
            "at cost too much, most of it {name}.",
            len(over),
            days=days,
            excess=show(round(float(over["excess"].sum())), "count"),
            **_given(over, "excess_value"),
        )
        todo = tr("stop reordering it until its stock is down; cancel what is not made yet")
        return self._finding("idle/over", "watch", text, over, "excess_value", todo)

    def _finding(
        self, key: str, level: str, text: str, held: pd.DataFrame, column: str, todo: str
    ) -> Finding:
        money = float(held[column].sum())
        return Finding(
            key=key,
            level=level,  # type: ignore[arg-type]
            text=text,
            evidence={"skus": float(len(held)), "money": money},
            money=money,
            action=Action(text=todo, owner=self.owner),
        )

    def _unknown(self) -> Finding | None:
        held = self.skus[self.skus["state"] == "unknown"]
        if held.empty:
            return None
        text = ntr(
            "{count} SKU in stock was never sold and nothing tells since when it is there; "
            "{money} at cost.",
            "{count} SKUs in stock were never sold and nothing tells since when they are there; "
            "{money} at cost.",
            len(held),
            **_given(held, "value"),
        )
        numbers = {"skus": float(len(held)), "money": float(held["value"].sum())}
        return Finding(key="idle/unknown", level="watch", text=text, evidence=numbers)

    def _short(self) -> Finding | None:
        """That stock or orders are known for a shorter time than the longest step."""
        longest = self.as_of - self.steps[-1] * DAY
        if self.since > longest:
            text = tr(
                "Orders are known since {day} only: no SKU can be told to be idle for longer.",
                day=show(self.since, "day"),
            )
        elif self.first_snapshot > longest:
            text = tr(
                "Stock is known since {day} only: what came in before that day after its last "
                "sale may count as idle for too long.",
                day=show(self.first_snapshot, "day"),
            )
        else:
            return None
        return Finding(key="idle/short", level="info", text=text)

    def chart(self) -> Chart | None:
        """Money in stock by days without a sale."""
        import pandas as pd

        step = self.skus["step"].where(self.skus["state"] != "unknown", -1)
        edges = (0, *self.steps)
        rows = []
        for number, low in enumerate(edges):
            value = float(self.skus.loc[step == number, "value"].sum())
            if number == len(self.steps):
                name = tr("{days} and more", days=show(low, "days"))
            else:
                name = tr(
                    "{low} to {high}", low=show(low, "count"), high=show(edges[number + 1], "days")
                )
            rows.append({"name": name, "value": value})
        frame = pd.DataFrame(rows)
        if not frame["value"].sum() > 0:
            return None
        return bar_chart(frame, caption=tr("Stock at cost by days without a sale"), unit="money")


def _pairs(held: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(held["state"], held["step"].astype(int), strict=True))


def _given(held: pd.DataFrame, column: str) -> dict[str, str]:
    """Count, units, money and the SKU with most of it."""
    worst = held[column].fillna(-1.0).to_numpy(float).argmax()
    return {
        "count": show(len(held), "count"),
        "units": show(float(held["on_hand"].sum()), "count"),
        "money": show(float(held[column].sum(min_count=1)), "money"),
        "name": str(held["words"].iloc[int(worst)]),
    }


def find_idle_stock(
    source: Source,
    *,
    as_of: dt.date | str,
    steps: tuple[int, ...] = (30, 90, 120),
    cover: int = 120,
    time_zone: str | None = None,
) -> IdleStock:
    """Find stock that has not sold for 30, 90 or 120 days, and stock for too long a time.

    Days without a sale count from the last sale, the day it was listed or the day it came in
    after it had run out, whichever is last: new arrivals are not idle. *Too much* is what is
    available beyond ``cover`` days at the pace of the last 28 days.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        steps: Days without a sale, rising, at least two: slow from the first, dead from the
            second.
        cover: Days of cover beyond which there is too much.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no stock or no order line of that day or before.
        ParameterError: An argument has an impossible value.
    """
    if len(steps) < 2 or list(steps) != sorted(set(steps)) or steps[0] < 1:
        raise ParameterError(f"steps is {steps!r}; it must be rising numbers of days from 1.")
    require_between(cover, 1, 3650, name="cover")
    view = view_stock(source, as_of=as_of, days=182, time_zone=time_zone)
    orders = view.tables.span("order_items", "created_at")
    since = max(view.as_of - HISTORY * DAY, orders[0]) if orders else view.as_of
    held, first_snapshot = _ages(view, since, steps[0])
    idle = held["idle_days"].to_numpy(float)
    step = np.searchsorted(np.array(steps), np.nan_to_num(idle), side="right")
    sells = (held["pace"] > 0) & (known_days(view).reindex(held.index) >= PACE_DAYS / 2)
    excess = (held["available"] - held["pace"] * cover).clip(lower=0.0).where(sells, 0.0)
    state = np.where(step > 0, "idle", np.where(excess >= 1, "over", ""))
    state = np.where(np.isnan(idle), "unknown", state)
    never = held["last_sale"].isna() | (held["last_sale"] < held["arrived"])
    held = held.assign(
        step=step,
        state=state,
        excess=excess,
        excess_value=excess * held["unit_cost"],
        cover_days=cover_by_pace(held["available"].to_numpy(float), held["pace"].to_numpy(float)),
    )
    return IdleStock(
        skus=held.reset_index(),
        steps=steps,
        cover=int(cover),
        since=since,
        first_snapshot=first_snapshot,
        as_of=view.as_of,
        new=int((never & (step == 0) & (state != "unknown")).sum()),
        owner=view.owner,
        notes=view.notes(),
    )


def _ages(view: StockView, since: dt.date, least: int) -> tuple[pd.DataFrame, dt.date]:
    """SKUs with stock: last sale, arrival, and days without a sale; and the first snapshot.

    A SKU that was never sold and never listed is idle for as long as snapshots have shown it,
    if that is ``least`` days or more; else its age is not told.
    """
    import pandas as pd

    skus = view.stocked
    skus = skus[skus["on_hand"] > 0]
    lines = SoldLines(view.tables, start=since, as_of=view.as_of, by_warehouse=False).lines()
    kept = lines.filter(~nw.col("cancelled")).group_by("sku_id")
    sales = bring(kept.agg(last_sale=nw.col("day").max())).set_index("sku_id")["last_sale"]
    seen, first_snapshot = _arrivals(view)
    listed = pd.to_datetime(_listed(view)).reindex(skus["product_id"].to_numpy())
    held = skus.assign(
        last_sale=pd.to_datetime(sales).reindex(skus.index),
        arrived=seen.reindex(skus.index),
    )
    listed.index = skus.index
    held["arrived"] = held["arrived"].where(~(listed > held["arrived"]), listed).fillna(listed)
    latest = held[["last_sale", "arrived"]].max(axis=1)
    known = latest.where(latest.isna() | (latest >= pd.Timestamp(since)), pd.Timestamp(since))
    held["idle_days"] = (pd.Timestamp(view.as_of) - known).dt.days.astype(float)
    seen_for = float((view.as_of - max(first_snapshot, since)).days)  # in every snapshot, so long
    untold = held["idle_days"].isna()
    held["idle_days"] = held["idle_days"].where(~untold | (seen_for < least), seen_for)
    return held, first_snapshot


def _arrivals(view: StockView) -> tuple[pd.Series, dt.date]:
    """Day on which each SKU came in as far as snapshots tell, and the first snapshot's day.

    It is the day after the last snapshot without it, or the first with it if that is not the
    first of all; missing where it was there in every snapshot.
    """
    import pandas as pd

    start = view.as_of - HISTORY * DAY
    rows = view.tables.lazy("inventory", start=start, end=view.as_of)
    rows = rows.filter((nw.col("day") >= start) & (nw.col("day") <= view.as_of))
    sums = rows.group_by("sku_id", "day").agg(nw.col("on_hand").sum())
    empty = nw.when(nw.col("on_hand") <= 0).then(nw.col("day"))
    held = bring(
        sums.with_columns(empty=empty)
        .group_by("sku_id")
        .agg(first=nw.col("day").min(), empty=nw.col("empty").max())
    ).set_index("sku_id")
    begin = held["first"].min()
    first = held["first"].where(held["first"] > begin)
    after = pd.to_datetime(held["empty"]) + pd.Timedelta(days=1)
    return pd.concat([first, after], axis=1).max(axis=1), begin.date()


def _listed(view: StockView) -> pd.Series:
    """Day on which each product was listed."""
    import pandas as pd

    if not view.tables.has("products"):
        return pd.Series([], index=pd.Index([], dtype=object), dtype="datetime64[us]")
    held = bring(view.tables.lazy("products").select("product_id", "listed_on"))
    return held.groupby("product_id")["listed_on"].max()
