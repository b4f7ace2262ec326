"""What runs out, when, and what a day without it costs; the most pressing first."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data.settings import THRESHOLDS
from ecops_lib.metrics.bases import Source
from ecops_lib.supply.forecast.result import Forecast
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.policies import set_safety_stock
from ecops_lib.supply.replenish.leads import estimate_lead_times
from ecops_lib.supply.replenish.rules import OrderRules
from ecops_lib.supply.replenish.terms import read_sourcing
from ecops_lib.supply.stock.futures import WEEKS, Futures
from ecops_lib.supply.stock.view import StockView, view_stock

if TYPE_CHECKING:
    import pandas as pd

FUTURES = 500
"""Futures drawn of each SKU."""
CHUNK = 200
"""SKUs whose futures are in memory at a time."""
NAMED = 3
"""SKUs that have a finding of their own."""
ROWS = 12
"""Rows that a page shows."""
SOON = 7
"""Days within which running out is pressing."""

Threshold = Literal["fixed", "computed"]


@dataclass(frozen=True, kw_only=True, eq=False)
class StockAlerts(Result):
    """When each SKU that sells runs out if nothing comes in.

    Attributes:
        skus: One row a SKU that sells: ``words``, ``sku_id``, ``available``, ``coming``,
            ``threshold`` (units below which to act), ``days`` until it is out (median; 0 if
            it is, infinite beyond the horizon) with ``low`` and ``high`` (80 % interval),
            ``chance`` of running out within the horizon, ``pace`` and ``money`` a day, the
            sales at risk at its mean price (NaN where no price is told).
        as_of: Last day that counts.
        horizon: Days looked ahead.
        threshold: ``fixed`` (``low_stock`` of ``store.toml``) or ``computed``.
        owner: Who sees to stock.
        notes: What the figures lack.
    """

    sheet: ClassVar[str] = mark("Stock alerts")
    units: ClassVar[Mapping[str, Unit]] = {
        "available": "count",
        "threshold": "count",
        "days": "days",
        "low": "days",
        "high": "days",
        "money": "money",
        "coming": "count",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "words": mark("Product"),
        "sku_id": mark("SKU"),
        "available": mark("Units available"),
        "threshold": mark("Act below"),
        "days": mark("Out in"),
        "low": mark("At the earliest"),
        "high": mark("At the latest"),
        "money": mark("Sales at risk a day"),
        "coming": mark("Units on their way"),
    }

    skus: pd.DataFrame
    as_of: dt.date
    horizon: int
    threshold: Threshold
    owner: str
    notes: tuple[Finding, ...] = ()

    @property
    def pressing(self) -> pd.DataFrame:
        """The SKUs that are below their threshold or out within the horizon, soonest first."""
        held = self.skus
        low = (held["available"] < held["threshold"]) | (held["days"] <= self.horizon)
        return held[low].sort_values(["days", "money", "sku_id"], ascending=[True, False, True])

    def to_frame(self) -> pd.DataFrame:
        """One row a pressing SKU; days beyond the horizon are left empty."""
        held = self.pressing[[*self.labels]].reset_index(drop=True)
        for name in ("days", "low", "high"):
            held[name] = held[name].where(np.isfinite(held[name]))
        return held.assign(threshold=np.ceil(held["threshold"]))

    def page_frame(self) -> pd.DataFrame:
        """The most pressing SKUs."""
        return self.to_frame().head(ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """The most pressing SKUs one by one, then how many there are."""
        soon = self.pressing[self.pressing["days"] <= SOON].head(NAMED)
        named = [self._alert(row) for row in soon.to_dict("records")]
        return (*named, self._all(), *self.notes)

    def _alert(self, row: Mapping[object, object]) -> Finding:
        given = {
            "name": str(row["words"]),
            "units": show(row["available"], "count"),
            "days": show(row["days"], "days"),
            "low": show(row["low"], "count"),
            "high": self._most(float(row["high"])),  # type: ignore[arg-type]
            "money": show(row["money"], "money"),
            "coming": show(row["coming"], "count"),
        }
        out = not float(row["available"]) > 0  # type: ignore[arg-type]
        come = float(row["coming"]) > 0  # type: ignore[arg-type]
        if out and come:
            text = tr("{name} is out; {coming} units are on their way.", **given)
        elif out:
            text = tr("{name} is out and nothing is on its way.", **given)
        elif come:
            text = tr(
                "{name}: {units} units last about {days} ({low} to {high}); {coming} units are on "
                "their way.",
                **given,
            )
        else:
            text = tr(
                "{name}: {units} units last about {days} ({low} to {high}) and nothing is on its "
                "way.",
                **given,
            )
        todo = tr("have the order sped up, and slow its advertising until then") if come else tr(
            "reorder today, and slow its advertising until then"
        )  # fmt: skip
        money = float(row["money"])  # type: ignore[arg-type]
        return Finding(
            key=f"alerts/{row['sku_id']}",
            level="watch" if come and not out else "bad",
            text=text,
            evidence={"days": float(row["days"]), "available": float(row["available"])},  # type: ignore[arg-type]
            money=None if math.isnan(money) else money,
            action=Action(text=todo, owner=self.owner),
        )

    def _most(self, days: float) -> str:
        if math.isfinite(days):
            return show(days, "days")
        return tr("more than {days}", days=show(self.horizon, "days"))

    def _all(self) -> Finding:
        out = self.skus[self.skus["days"] <= self.horizon]
        given = {
            "all": show(len(self.skus), "count"),
            "count": show(len(out), "count"),
            "days": show(self.horizon, "days"),
            "money": show(out["money"].sum(min_count=1), "money"),
            "below": show(len(self.pressing), "count"),
        }
        if self.pressing.empty:
            text = tr(
                "Of {all} SKUs that sell none runs out within {days} or is below its threshold.",
                **given,
            )
            return Finding(key="alerts/all", level="good", text=text)
        text = tr(
            "Of {all} SKUs that sell {count} will be out within {days} if nothing comes in, sales "
            "of {money} a day in all; {below} are out by then or below their threshold.",
            **given,
        )
        numbers = {"skus": float(len(out)), "pressing": float(len(self.pressing))}
        return Finding(key="alerts/all", level="watch", text=text, evidence=numbers)


def forecast_stockouts(
    source: Source,
    *,
    as_of: dt.date | str,
    horizon: int = 30,
    forecast: Forecast | None = None,
    threshold: Threshold = "fixed",
    service: float = 0.95,
    seed: int = 0,
    time_zone: str | None = None,
) -> StockAlerts:
    """Tell when each SKU runs out if nothing comes in, and what a day without it costs.

    Days are those of 500 futures of its demand: by a forecast, else by its own last eight
    weeks (``Futures``). The threshold is ``low_stock`` of ``store.toml``, or computed for each
    SKU: expected demand over the lead time of its supplier and the safety stock of the normal
    formula (``policies.set_safety_stock``).

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        horizon: Days looked ahead.
        forecast: Daily demand from the day after ``as_of`` on.
        threshold: ``fixed`` or ``computed``.
        service: Chance of not running out before an order comes in, for ``computed``.
        seed: Seed of the futures.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no stock or no order line of that day or before.
        ParameterError: An argument has an impossible value.
    """
    require_between(horizon, 1, 366, name="horizon")
    require_choice(threshold, Threshold, name="threshold")
    require_between(service, 0.5, 1, name="service", ends="open")
    view = view_stock(source, as_of=as_of, days=182, time_zone=time_zone)
    futures = Futures(view, horizon=int(horizon), forecast=forecast)
    held = view.stocked[view.stocked["pace"] > 0]
    days = _days_out(held, futures, np.random.default_rng(seed))
    limits = fixed_limit(view) if threshold == "fixed" else _computed(view, held, service)
    skus = held.assign(
        low=days[0], days=days[1], high=days[2], chance=days[3], threshold=limits,
        money=held["pace"] * held["price"],
    )  # fmt: skip
    return StockAlerts(
        skus=skus.reset_index(),
        as_of=view.as_of,
        horizon=int(horizon),
        threshold=threshold,
        owner=view.owner,
        notes=view.notes(),
    )


def _days_out(held: pd.DataFrame, futures: Futures, rng: np.random.Generator) -> list[Floats]:
    """10 %, 50 % and 90 % of the days until each SKU is out, and the chance that it is."""
    found = []
    for first in range(0, len(held), CHUNK):
        part = held.iloc[first : first + CHUNK]
        asked = futures.draw(part, FUTURES, rng).cumsum(axis=2)
        found.append(run_out(part["available"].to_numpy(float), asked))
    if not found:
        return [np.zeros(0)] * 4
    days = np.concatenate(found)
    ends = np.quantile(days, (0.1, 0.5, 0.9), axis=1, method="inverted_cdf")
    return [*ends, np.isfinite(days).mean(axis=1)]


def run_out(available: Floats, asked: Floats) -> Floats:
    """Day on which units run out in each future; 0 if they have, infinite if they do not.

    Args:
        available: Units (SKUs,).
        asked: Units asked for up to each day (SKUs, futures, days), rising.

    >>> run_out(np.array([3.0, 0.0]), np.array([[[1.0, 3.0, 5.0]], [[1.0, 3.0, 5.0]]])).tolist()
    [[2.0], [0.0]]
    """
    gone = asked >= np.maximum(available, 0)[:, None, None]
    first = gone.argmax(axis=2) + 1.0
    days: Floats = np.where(gone.any(axis=2), first, np.inf)
    days[~(available > 0)] = 0.0
    return days


def fixed_limit(view: StockView) -> float:
    """``low_stock`` of the store, or its default."""
    settings = view.tables.store.settings if view.tables.store else None
    return float((settings.thresholds if settings else THRESHOLDS)["low_stock"])


def _computed(view: StockView, held: pd.DataFrame, service: float) -> list[float]:
    """Reorder point of the normal formula for each SKU."""
    sheet = read_sourcing(view.tables)
    pairs = zip(sheet["sku_id"], sheet["supplier_id"], strict=True)
    quoted = dict(zip(pairs, sheet["lead_days"].astype(float), strict=True))
    leads = estimate_lead_times(view.purchases, quoted=quoted, assumed=OrderRules().lead_days)
    spread = daily_spread(view.taken(view.demand.demand, held))
    limits = []
    for (sku, row), sd in zip(held.iterrows(), spread, strict=True):
        supplier = str(row["supplier_id"])
        lead = leads.of(supplier, quoted.get((str(sku), supplier), math.nan))
        point = set_safety_stock(
            demand_mean=float(row["pace"]), demand_sd=float(sd), lead_mean=lead.mean,
            lead_sd=lead.sd, csl=service,
        )  # fmt: skip
        limits.append(point.reorder_point)
    return limits


def daily_spread(demand: Floats) -> Floats:
    """Standard deviation of a day's demand, from that of the last weeks' sums: √(s² / 7).

    Weeks, so that the weekday's pattern is no spread and what goes on for days is. With fewer
    than two whole weeks it is Poisson's.
    """
    recent = demand[:, -7 * WEEKS :]
    whole = recent.shape[1] // 7
    sums = recent[:, recent.shape[1] - 7 * whole :].reshape(len(demand), whole, 7).sum(axis=2)
    known = (~np.isnan(sums)).sum(axis=1)
    mean = np.nansum(sums, axis=1) / np.maximum(known, 1)
    square = np.nansum((sums - mean[:, None]) ** 2, axis=1) / np.maximum(known - 1, 1)
    days = np.maximum((~np.isnan(recent)).sum(axis=1), 1)
    poisson = np.sqrt(np.nansum(recent, axis=1) / days)
    spread: Floats = np.where(known > 1, np.sqrt(square / 7), poisson)
    return spread
