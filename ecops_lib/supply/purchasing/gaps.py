"""What will run out before its purchase order comes in."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.bases import Source
from ecops_lib.supply.forecast.result import Forecast
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.purchasing.arrivals import LEVELS, expect_arrivals
from ecops_lib.supply.purchasing.progress import day_number
from ecops_lib.supply.purchasing.stages import read_stages
from ecops_lib.supply.stock.futures import Futures
from ecops_lib.supply.stock.view import StockView, view_stock

if TYPE_CHECKING:
    import pandas as pd

FUTURES = 500
"""Futures drawn of each SKU."""
CHUNK = 100
"""SKUs whose futures are in memory at a time."""
FARTHEST = 120
"""Days looked ahead at most."""
LIKELY = 0.5
"""Chance of running out from which a SKU is named."""
NAMED = 3
"""SKUs that have a finding of their own."""
ROWS = 12
"""Rows that a page shows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrivalGaps(Result):
    """SKUs on order that sell: whether they run out before the next order comes in.

    Attributes:
        skus: One row a SKU: ``words``, ``sku_id``, ``available``, ``out_in`` days (median;
            infinite beyond the horizon), ``expected`` day of the next receipt with its
            ``latest`` (90 %), ``chance`` of running out before it, ``short`` units missed
            until then on average, ``money`` they would have brought (NaN where no price is
            told), and ``supplier`` ids.
        as_of: Last day that counts.
        owner: Who sees to purchases.
        notes: What the figures lack.
    """

    sheet: ClassVar[str] = mark("Out before the order is in")
    units: ClassVar[Mapping[str, Unit]] = {
        "available": "count",
        "out_in": "days",
        "expected": "day",
        "latest": "day",
        "chance": "share",
        "short": "number",
        "money": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "words": mark("Product"),
        "sku_id": mark("SKU"),
        "available": mark("Units available"),
        "out_in": mark("Out in"),
        "expected": mark("Next receipt"),
        "latest": mark("At the latest"),
        "chance": mark("Chance to run out before"),
        "short": mark("Units missed, estimate"),
        "money": mark("Sales missed, estimate"),
    }

    skus: pd.DataFrame
    as_of: dt.date
    owner: str
    notes: tuple[Finding, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row a SKU on order, most sales missed first."""
        held = self.skus.sort_values(["money", "chance", "sku_id"], ascending=[False, False, True])[
            [*self.labels]
        ]
        out_in = held["out_in"].where(np.isfinite(held["out_in"]))
        return held.assign(out_in=out_in).reset_index(drop=True)

    def page_frame(self) -> pd.DataFrame:
        """The SKUs that will miss most sales."""
        return self.to_frame().head(ROWS)

    @property
    def likely(self) -> pd.DataFrame:
        """SKUs that run out before the receipt more likely than not, most sales missed first."""
        held = self.skus[self.skus["chance"] > LIKELY]
        return held.sort_values(["money", "short", "sku_id"], ascending=[False, False, True])

    def findings(self) -> tuple[Finding, ...]:
        """The SKUs that will run out one by one, then how many there are."""
        named = [self._gap(row) for row in self.likely.head(NAMED).to_dict("records")]
        return (*named, self._all(), *self.notes)

    def _gap(self, row: Mapping[object, object]) -> Finding:
        money, short = float(row["money"]), float(row["short"])  # type: ignore[arg-type]
        given = {
            "name": str(row["words"]),
            "units": show(row["available"], "count"),
            "days": show(row["out_in"], "days"),
            "expected": show(row["expected"], "day"),
            "latest": show(row["latest"], "day"),
            "chance": show(row["chance"], "share"),
            "short": show(round(short), "count"),
            "money": show(money, "money"),
        }
        if float(row["available"]) > 0:  # type: ignore[arg-type]
            text = tr(
                "{name} has {units} units for about {days}; its order is expected {expected} (by "
                "{latest} at the latest). It runs out before with a chance of {chance}, about "
                "{short} units and {money} of sales missed.",
                **given,
            )
        else:
            text = tr(
                "{name} is out and its order is expected {expected} (by {latest} at the latest): "
                "about {short} units and {money} of sales missed until then.",
                **given,
            )
        return Finding(
            key=f"gaps/{row['sku_id']}",
            level="bad",
            text=text,
            evidence={"chance": float(row["chance"]), "short": short},  # type: ignore[arg-type]
            money=None if math.isnan(money) else money,
            action=Action(
                text=tr("have it sped up or a part sent by air; slow its advertising until then"),
                owner=self.owner,
            ),
        )

    def _all(self) -> Finding:
        held = self.skus
        if held.empty:
            text = tr("No SKU that sells is on order.")
            return Finding(key="gaps/all", level="info", text=text)
        given = {
            "all": show(len(held), "count"),
            "count": show(len(self.likely), "count"),
            "money": show(float(held["money"].sum()), "money"),
        }
        numbers = {"skus": float(len(self.likely)), "money": float(held["money"].sum())}
        if self.likely.empty:
            text = ntr(
                "{all} SKU that sells is on order; it will probably last until then.",
                "{all} SKUs that sell are on order; each will probably last until then.",
                len(held),
                **given,
            )
            return Finding(key="gaps/all", level="good", text=text, evidence=numbers)
        text = tr(
            "Of {all} SKUs that sell and are on order {count} will probably run out before it "
            "comes in; sales of {money} are expected to be missed in all.",
            **given,
        )
        return Finding(key="gaps/all", level="watch", text=text, evidence=numbers,
                       money=numbers["money"])  # fmt: skip


def find_arrival_gaps(
    source: Source,
    *,
    as_of: dt.date | str,
    forecast: Forecast | None = None,
    seed: int = 0,
    time_zone: str | None = None,
) -> ArrivalGaps:
    """Find the SKUs on order that will run out before the next order comes in.

    In each of 500 futures demand follows the forecast, else the SKU's own last weeks
    (``Futures``), and each open order comes in after a time drawn from ``expect_arrivals``;
    until the first is there, what the stock does not cover is missed.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        forecast: Daily demand from the day after ``as_of`` on.
        seed: Seed of the futures.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no purchase orders, no stock or no order lines.
        ParameterError: An argument has an impossible value.
    """
    view = view_stock(source, as_of=as_of, days=182, time_zone=time_zone)
    held = read_stages(view.tables, as_of=view.as_of)
    days = expect_arrivals(held).days
    opens = held[held["stage"] != ""]
    known = np.flatnonzero(~np.isnan(days).any(axis=1))
    opens, days = opens.iloc[known], days[known]
    stock = view.stocked
    skus = stock[(stock["pace"] > 0) & stock.index.isin(opens["sku_id"])]
    settings = view.tables.store.settings if view.tables.store else None
    return ArrivalGaps(
        skus=_gaps(view, skus, opens, days, forecast, seed),
        as_of=view.as_of,
        owner=(settings.owners if settings else {}).get("purchasing", tr("purchasing")),
        notes=view.notes(),
    )


def _gaps(
    view: StockView,
    skus: pd.DataFrame,
    opens: pd.DataFrame,
    days: Floats,
    forecast: Forecast | None,
    seed: int,
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arrives = draw_first(skus.index, opens["sku_id"].to_numpy(), days, rng)
    latest = np.quantile(arrives, 0.9, axis=1) if len(skus) else np.zeros(0)
    reach = int(min(latest.max(initial=1.0), FARTHEST))
    futures = Futures(view, horizon=reach, forecast=forecast)
    out, short, chance = np.zeros(len(skus)), np.zeros(len(skus)), np.zeros(len(skus))
    for low in range(0, len(skus), CHUNK):
        part = slice(low, low + CHUNK)
        asked = futures.draw(skus.iloc[part], FUTURES, rng).cumsum(axis=2)
        units = np.maximum(skus["available"].to_numpy(float)[part], 0)
        short_of = miss_until(units, asked, arrives[part])
        short[part], chance[part] = short_of.mean(axis=1), (short_of > 0).mean(axis=1)
        gone = asked >= units[:, None, None]
        day = np.where(gone.any(axis=2), gone.argmax(axis=2) + 1.0, np.inf)
        out[part] = np.quantile(day, 0.5, axis=1, method="inverted_cdf")
    out[skus["available"].to_numpy(float) <= 0] = 0.0
    import pandas as pd

    middle = np.quantile(arrives, 0.5, axis=1) if len(skus) else np.zeros(0)
    return skus.assign(
        out_in=out,
        expected=pd.Timestamp(view.as_of) + pd.to_timedelta(middle.round(), unit="D"),
        latest=pd.Timestamp(view.as_of) + pd.to_timedelta(latest.round(), unit="D"),
        chance=chance,
        short=short,
        money=short * skus["price"],
    ).reset_index()


def draw_first(
    skus: pd.Index, ordered: np.ndarray, days: Floats, rng: np.random.Generator
) -> Floats:
    """Days until the first open order of each SKU comes in (SKUs, futures)."""
    first = np.full((len(skus), FUTURES), np.inf)
    for place, sku in enumerate(skus):
        for row in days[ordered == sku]:
            drawn = row[rng.integers(len(LEVELS), size=FUTURES)]
            first[place] = np.minimum(first[place], day_number(drawn))
    return first


def miss_until(units: Floats, asked: Floats, arrives: Floats) -> Floats:
    """Units asked for beyond the stock on the days before the receipt.

    Args:
        units: Units available (SKUs,).
        asked: Units asked for up to each day (SKUs, futures, days), rising.
        arrives: Day of the receipt, from 1 (SKUs, futures); its own demand is met.

    >>> miss_until(np.array([3.0]), np.array([[[2.0, 4.0, 6.0]]]), np.array([[3.0]])).tolist()
    [[1.0]]
    """
    whole = np.minimum(arrives - 1, asked.shape[2]).astype(int)
    until = np.take_along_axis(asked, np.maximum(whole - 1, 0)[:, :, None], axis=2)[:, :, 0]
    missed: Floats = np.where(whole > 0, np.maximum(until - units[:, None], 0.0), 0.0)
    return missed
