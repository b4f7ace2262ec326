"""What is promised to buyers and may not be there when it has to leave."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data.frames import DAY, bring, instants
from ecops_lib.data.settings import THRESHOLDS
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables
from ecops_lib.supply.demand.lines import SoldLines
from ecops_lib.supply.fulfilment import WINDOW, unshipped
from ecops_lib.supply.purchasing.arrivals import LEVELS, expect_arrivals
from ecops_lib.supply.purchasing.progress import day_number
from ecops_lib.supply.purchasing.stages import read_stages
from ecops_lib.supply.stock.view import StockView, view_stock

if TYPE_CHECKING:
    import pandas as pd

SURE = 0.8
"""Chance of being received in time from which units on their way are counted on."""
ROWS = 12
"""Rows that a page shows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OversellRisk(Result):
    """SKUs promised to buyers against what is there in time.

    Attributes:
        skus: One row a SKU with promised units: ``words``, ``sku_id``, ``on_hand``,
            ``reserved`` by the stock export, ``waiting`` (paid and not shipped by the
            orders), ``promised`` (the larger of the two), ``in_time`` (on their way and
            received within the days with a chance of 80 % or more), ``missing`` units and
            their ``money`` at the mean price (NaN where no price is told).
        as_of: Last day that counts.
        within: Days in which what is promised has to leave.
        orders_told: Whether a table of orders tells what waits.
        owner: Who sees to stock.
        notes: What the figures lack.
    """

    sheet: ClassVar[str] = mark("Oversell risk")
    units: ClassVar[Mapping[str, Unit]] = {
        "on_hand": "count",
        "reserved": "count",
        "waiting": "count",
        "in_time": "count",
        "missing": "count",
        "money": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "words": mark("Product"),
        "sku_id": mark("SKU"),
        "on_hand": mark("Units on hand"),
        "reserved": mark("Promised, by the stock export"),
        "waiting": mark("Paid and not shipped"),
        "in_time": mark("Received in time"),
        "missing": mark("Units missing"),
        "money": mark("Sales at risk"),
    }

    skus: pd.DataFrame
    as_of: dt.date
    within: int
    orders_told: bool
    owner: str
    notes: tuple[Finding, ...] = ()

    @property
    def missing(self) -> pd.DataFrame:
        """SKUs of which more is promised than is there in time, most money first."""
        held = self.skus[self.skus["missing"] > 0]
        return held.sort_values(["money", "missing", "sku_id"], ascending=[False, False, True])

    def to_frame(self) -> pd.DataFrame:
        """One row a SKU with promised units, those with missing units first."""
        held = self.skus.sort_values(["missing", "money", "sku_id"], ascending=[False, False, True])
        return held[[*self.labels]].reset_index(drop=True)

    def page_frame(self) -> pd.DataFrame:
        """The SKUs with most missing units."""
        return self.to_frame().head(ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """What is oversold, or that nothing is, and what the figures lack."""
        more = [*self._untold(), *self.notes]
        missing = self.missing
        days = show(self.within, "days")
        if missing.empty:
            text = ntr(
                "{units} unit is promised to buyers and there, or received within {days}.",
                "{units} units are promised to buyers; all are there, or received within {days}.",
                int(self.skus["promised"].sum()),
                units=show(float(self.skus["promised"].sum()), "count"),
                days=days,
            )
            return (Finding(key="oversell/all", level="good", text=text), *more)
        money, units = float(missing["money"].sum(min_count=1)), float(missing["missing"].sum())
        text = ntr(
            "{name}: {units} more units are promised than are there within {days}; sales of "
            "{money}.",
            "{count} SKUs are promised with {units} more units than are there within {days}; "
            "sales of {money}, most of them {name}.",
            len(missing),
            count=show(len(missing), "count"),
            units=show(units, "count"),
            days=days,
            money=show(money, "money"),
            name=str(missing["words"].iloc[0]),
        )
        found = Finding(
            key="oversell/all",
            level="bad",
            text=text,
            evidence={"skus": float(len(missing)), "units": units},
            money=None if math.isnan(money) else money,
            action=Action(
                text=tr("stop selling it, find the units, or tell those buyers today"),
                owner=self.owner,
            ),
        )
        return (found, *more)

    def _untold(self) -> tuple[Finding, ...]:
        if self.orders_told:
            return ()
        text = tr(
            "What is paid and not shipped cannot be told without a table of orders; only the "
            "stock export's own figure counts."
        )
        return (Finding(key="oversell/orders", level="info", text=text),)


def find_oversell(
    source: Source,
    *,
    as_of: dt.date | str,
    within: int | None = None,
    time_zone: str | None = None,
) -> OversellRisk:
    """Find SKUs of which more is promised to buyers than will be there in time.

    Promised is the larger of what the stock export calls reserved and what the orders tell to
    be paid and not shipped, sets as the SKUs inside: both count the same orders, so their sum
    would count them twice. There in time is what is on hand and what open purchase orders
    bring within the days with a chance of 80 % or more; units on their way without a purchase
    order have no day and do not count.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        within: Days in which what is promised has to leave; those of ``ship_within_hours``
            of ``store.toml`` by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no stock or no order line of that day or before.
        ParameterError: An argument has an impossible value.
    """
    view = view_stock(source, as_of=as_of, days=182, time_zone=time_zone)
    settings = view.tables.store.settings if view.tables.store else None
    hours = (settings.thresholds if settings else THRESHOLDS)["ship_within_hours"]
    days = math.ceil(hours / 24) if within is None else within
    require_between(days, 0, 366, name="within")
    waiting = _waiting(view.tables, view.as_of)
    held = view.stocked
    held = held.assign(
        waiting=waiting.reindex(held.index).fillna(0.0),
        in_time=_in_time(view, days).reindex(held.index).fillna(0.0),
    )
    held["promised"] = held[["reserved", "waiting"]].max(axis=1)
    there = held["on_hand"].clip(lower=0) + held["in_time"]
    held["missing"] = (held["promised"] - there).clip(lower=0.0)
    held["money"] = held["missing"] * held["price"]
    return OversellRisk(
        skus=held[held["promised"] > 0].reset_index(),
        as_of=view.as_of,
        within=int(days),
        orders_told=view.tables.has("orders"),
        owner=view.owner,
        notes=view.notes(),
    )


def _waiting(tables: Tables, as_of: dt.date) -> pd.Series:
    """Units of each SKU that were paid for in the last weeks and not shipped."""
    import pandas as pd

    if not tables.has("orders"):
        return pd.Series([], index=pd.Index([], dtype=object), dtype=float)
    start = as_of - WINDOW * DAY
    first, over = instants(start, as_of, tables.zone)
    earlier = start - 30 * DAY
    orders = tables.lazy("orders", start=earlier, end=as_of)
    paid = (nw.col("paid_at") >= first) & (nw.col("paid_at") < over)
    waits = orders.filter(paid.fill_null(value=False) & unshipped(over)).select(*ORDER_KEY)
    lines = SoldLines(tables, start=earlier, as_of=as_of, by_warehouse=False).lines()
    lines = lines.filter(~nw.col("cancelled")).join(waits, on=ORDER_KEY, how="semi")
    held = bring(lines.group_by("sku_id").agg(units=nw.col("units").sum()), sort=["sku_id"])
    return held.set_index("sku_id")["units"].astype(float)


def _in_time(view: StockView, within: int) -> pd.Series:
    """Units of open purchase orders that will surely be there."""
    import pandas as pd

    if not view.tables.has("purchase_orders"):
        return pd.Series([], index=pd.Index([], dtype=object), dtype=float)
    held = read_stages(view.tables, as_of=view.as_of)
    days = expect_arrivals(held).days
    opens = held[held["stage"] != ""]
    at = day_number(days[:, int(np.searchsorted(LEVELS, SURE))])
    sure = opens[at <= within]
    return sure.groupby("sku_id")["quantity"].sum()
