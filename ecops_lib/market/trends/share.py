"""Our sales beside the industry's index: did we gain or lose share of its movement?"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.intervals import interval_chart
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.market.matching.words import plain
from ecops_lib.market.trends.growth import BASIS_WORDS, BRIEF
from ecops_lib.market.trends.movement import ALPHA, mean_of_days
from ecops_lib.market.trends.series import (
    ALL,
    DENSE,
    SPAN,
    Basis,
    Floats,
    MarketSeries,
    read_market,
    require_days,
)
from ecops_lib.metrics import measure
from ecops_lib.metrics.anomalies import adjust_p_values
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

OFTEN = 0.5
"""Share of days, now and then, on which we must have sold something."""
SHOWN, TOLD = 12, 3


@dataclass(frozen=True, kw_only=True, eq=False)
class MovementShare(Result):
    """How much more or less we sold than if we had moved as the index of the category did.

    Attributes:
        frame: One row an index and category of ours, those that cost most first, the row of all
            together (``category`` empty) at the head: ``series``, ``category``, ``name``,
            ``basis``, ``sold`` [store currency], ``would`` (sales of the days compared with, each
            times the index's change), ``ours`` and ``market`` (growth of sales and of the index,
            weighed by our sales), ``gap`` (sold over would, less 1) with its 95 % limits ``low``
            and ``high``, ``money`` (sold less would), ``p`` and ``q`` (adjusted for their number).
        span: Days told.
        last: Last of them.
        apart: Names of indices without a category of ours, or with too few sales.
    """

    sheet: ClassVar[str] = mark("We and the industry")
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Index"),
        "ours": mark("Our sales grew"),
        "market": mark("The index grew"),
        "gap": mark("We against it"),
        "low": mark("95%, low"),
        "high": mark("95%, high"),
        "sold": mark("Our sales"),
        "money": mark("More than moving along"),
        "against": mark("Against"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "ours": "share", "market": "share", "gap": "share", "low": "share", "high": "share",
        "sold": "money", "money": "money",
    }  # fmt: skip

    frame: pd.DataFrame
    span: int
    last: dt.date
    apart: tuple[str, ...]

    @property
    def told(self) -> pd.DataFrame:
        """Rows whose gap can be shown."""
        return self.frame[self.frame["q"] < ALPHA]

    def to_frame(self) -> pd.DataFrame:
        """One row an index."""
        return self.frame.assign(against=[tr(BRIEF[key]) for key in self.frame["basis"]])[
            list(self.labels)
        ]

    def page_frame(self) -> pd.DataFrame:
        """Those that cost most."""
        return self.to_frame().head(SHOWN)

    def chart(self) -> Chart | None:
        """The gap of each category."""
        if self.frame.empty:
            return None
        rows = self.frame.head(SHOWN)
        return interval_chart(rows, caption=tr("Our sales against the index"), unit="share",
                              better=["up"] * len(rows), value="gap")  # fmt: skip

    def findings(self) -> tuple[Finding, ...]:
        """Where we gained or lost against the index, all together first; what is left out."""
        told = self._gaps()
        if self.frame.empty or not self.apart:
            return told
        text = ntr(
            "{count} index is left out, such as {name}: it is of no category in which we sell on "
            "most days.",
            "{count} indices are left out, such as {name}: they are of no category in which we "
            "sell on most days.", len(self.apart), count=show(len(self.apart), "count"),
            name=self.apart[0],
        )  # fmt: skip
        return (*told, Finding(key="share/apart", level="info", text=text))

    def _gaps(self) -> tuple[Finding, ...]:
        if self.frame.empty:
            text = tr(
                "No index can be set beside our sales: none is of a category in which we sell on "
                "most days of both spans."
            )  # fmt: skip
            return (Finding(key="share/none", level="info", text=text),)
        rows = self.told.head(TOLD + 1)
        if rows.empty:
            row = self.frame.iloc[0]
            text = tr(
                "Our sales moved with the industry as far as can be told ({name}: {low} to {high} "
                "against the index over {days}).", name=row["name"],
                low=show(row["low"], "share", sign=True), days=show(self.span, "days"),
                high=show(row["high"], "share", sign=True),
            )  # fmt: skip
            apart = int(((self.frame["low"] > 0) | (self.frame["high"] < 0)).sum())
            if apart:
                text = joined(text, ntr(
                    "Of {all} intervals {apart} lies beside zero, as chance alone may bring.",
                    "Of {all} intervals {apart} lie beside zero, as chance alone may bring.", apart,
                    all=show(len(self.frame), "count"), apart=show(apart, "count"),
                ))  # fmt: skip
            return (Finding(key="share/level", level="info", text=text),)
        return tuple(self._gap(row) for _, row in rows.iterrows())

    def _gap(self, row: pd.Series) -> Finding:
        basis = BASIS_WORDS[row["basis"]]
        words = {
            "name": row["name"], "size": show(abs(row["gap"]), "share"),
            "low": show(row["low"], "share", sign=True), "days": show(self.span, "days"),
            "high": show(row["high"], "share", sign=True),
            "ours": show(row["ours"], "share", sign=True),
            "market": show(row["market"], "share", sign=True),
            "money": show(abs(row["money"]), "money"), "basis": tr(basis),
        }  # fmt: skip
        lost = row["gap"] < 0
        text = tr(
            "We gained on the industry ({name}): our sales {ours}, the index {market} against "
            "{basis}; we sold {money} more than moving along with it ({low} to {high}; {days}).",
            **words,
        )  # fmt: skip
        if lost:
            text = tr(
                "We fell behind the industry ({name}): our sales {ours}, the index {market} "
                "against {basis}; we sold {money} less than moving along with it ({low} to "
                "{high}; {days}).", **words,
            )  # fmt: skip
        action = Action(
            text=tr("look at our traffic, prices and new products there"), owner=tr("operations")
        )
        return Finding(
            key=f"share/{row['series']}/{row['category']}", level="watch" if lost else "good",
            text=text, money=abs(float(row["money"])) if lost else None,
            evidence={name: float(row[name]) for name in ("gap", "low", "high", "q")},
            action=action if lost else None,
        )  # fmt: skip


def compare_with_market(
    source: Source,
    *,
    as_of: dt.date | str,
    market: MarketSeries | None = None,
    span: int = SPAN,
    country: str | None = None,
    time_zone: str | None = None,
) -> MovementShare:
    """Set our sales of each category beside the industry's index of it.

    Had we moved with the index, each day would have brought the sales of the day it is compared
    with times the index's change between the two. What we sold over the sum of these, less one, is
    the share of movement that we gained or lost; its interval allows for days that hang together.
    Indices are never added up: what is added up is our own money.

    Args:
        source: A store, or tables by canonical name; needs ``market``, ``orders``, ``order_items``
            and ``products``.
        as_of: Last local day that counts.
        market: The series, if they are read already.
        span: Days told, whole weeks.
        country: ISO code of the calendar; the store's by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: A table lacks, or there is no figure of the industry.
        ParameterError: ``span`` is not whole weeks of 14 to 364 days.
    """
    import pandas as pd

    require_days(span)
    tables = Tables(source, time_zone=time_zone)
    tables.require("market", "orders", "order_items", "products")
    held = market or read_market(source, as_of=as_of, country=country, time_zone=time_zone)
    sales = _our_sales(tables, held)
    rows: list[dict[str, object]] = []
    parts: dict[tuple[str, Basis], dict[str, tuple[Floats, Floats, Floats]]] = {}
    apart: list[str] = []
    for place in np.flatnonzero(held.keys["kind"].to_numpy(str) == "index"):
        key = held.keys.iloc[place]
        mine = sales.get(plain(key["category"]) if key["category"] != ALL else ALL)
        basis, change, twins = held.change(int(place), span)
        pair = _pair(mine, change, twins, span) if mine is not None and basis else None
        if pair is None:
            apart.append(str(key["name"]))
            continue
        parts.setdefault((key["series"], basis), {})[key["category"]] = pair
        rows.append({**key[["series", "category", "name"]], **_compare(basis, *pair)})
    rows += _together(parts)
    columns = ["series", "category", "name", *_compare("", *np.ones((3, 1)))]
    frame = pd.DataFrame(rows, columns=columns)
    frame["q"] = adjust_p_values(frame["p"].to_numpy(float))
    frame = frame.assign(part=frame["category"] != "").sort_values(
        ["part", "money"], kind="stable", ignore_index=True
    ).drop(columns="part")  # fmt: skip
    return MovementShare(frame=frame, span=span, last=held.last, apart=tuple(apart))


def _our_sales(tables: Tables, market: MarketSeries) -> dict[str, Floats]:
    """Our paid amount by day, by category in plain letters and of all; NaN without orders yet."""
    import pandas as pd

    found = measure(
        tables.source, ["paid_amount"], start=market.first, end=market.last,
        by=("day", "category"), time_zone=tables.zone_name,
    ).frame  # fmt: skip
    found = found.assign(category=[plain(category) for category in found["category"]])
    wide = found.pivot_table(index="day", columns="category", values="paid_amount", aggfunc="sum")
    every = pd.date_range(market.first, market.last)
    wide = wide.reindex(every).fillna(0.0)
    first, last = tables.span("orders", "paid_at") or (market.last, market.first)
    wide.loc[(every < pd.Timestamp(first)) | (every > pd.Timestamp(last))] = np.nan
    whole = {ALL: wide.to_numpy(float).sum(axis=1)}
    return {**{str(name): wide[name].to_numpy(float) for name in wide if name}, **whole}


def _pair(
    mine: Floats, change: Floats, twins: np.ndarray, span: int
) -> tuple[Floats, Floats, Floats] | None:
    """Our sales of each day, what moving along would have brought, and sales compared with."""
    now, then = mine[-span:], mine[twins]
    known = np.isfinite(change) & np.isfinite(now) & np.isfinite(then)
    if known.mean() < DENSE or min((now[known] > 0).mean(), (then[known] > 0).mean()) < OFTEN:
        return None
    return (
        np.where(known, now, np.nan),
        np.where(known, then * np.exp(change), np.nan),
        np.where(known, then, np.nan),
    )


def _compare(basis: Basis, now: Floats, would: Floats, then: Floats) -> dict[str, object]:
    """Sums over the days and the gap with its interval, by the linear part of the ratio."""
    sold, along, before = (float(np.nansum(part)) for part in (now, would, then))
    gap = math.log(sold / along)
    mean = mean_of_days(now / np.nanmean(now) - would / np.nanmean(would) + gap)
    return {
        "basis": basis, "sold": sold, "would": along, "ours": sold / before - 1,
        "market": along / before - 1, "gap": math.expm1(gap), "low": math.expm1(mean.low),
        "high": math.expm1(mean.high), "money": sold - along, "p": mean.p,
    }  # fmt: skip


def _together(
    parts: Mapping[tuple[str, Basis], Mapping[str, tuple[Floats, Floats, Floats]]],
) -> list[dict[str, object]]:
    """The row of all categories of the series that has most of them."""
    single = {key: {c: p for c, p in held.items() if c != ALL} for key, held in parts.items()}
    key = max(single, key=lambda one: len(single[one]), default=None)
    if key is None or len(single[key]) < 2:
        return []
    now, would, then = (
        np.nansum([pair[k] for pair in single[key].values()], axis=0) for k in range(3)
    )
    name = tr("{series}, all our categories", series=key[0])
    return [{"series": key[0], "category": "", "name": name, **_compare(key[1], now, would, then)}]
