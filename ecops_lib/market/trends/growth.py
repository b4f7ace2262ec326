"""How the industry moves: growth, season, and days on which a level moved."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.intervals import interval_chart
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.market.trends.movement import ALPHA, Break, find_break, mean_of_days
from ecops_lib.market.trends.season import measure_season, season_words
from ecops_lib.market.trends.series import (
    SPAN,
    Floats,
    MarketSeries,
    read_market,
    require_days,
)
from ecops_lib.metrics.anomalies import adjust_p_values
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

SHOWN, TOLD = 12, 3
YEAR_DAYS = 364
BASIS_WORDS: Mapping[str, str] = {
    "year": mark("the same days of last year"),
    "span": mark("the days before, season included"),
    "": mark("nothing: too few days"),
}
BRIEF: Mapping[str, str] = {
    "year": mark("last year"), "span": mark("the span before"), "": mark("too few days"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class MarketTrends(Result):
    """Indices and shares of the industry: how they grew, their season, where they broke.

    An index is a scale and no money: its changes are told, and it is never added up.

    Attributes:
        frame: One row a series, indices first, fastest first: ``series``, ``category``, ``kind``,
            ``name``, ``basis`` (what the span is compared with), ``growth`` with its 95 % limits
            ``low`` and ``high`` (geometric mean over the span), ``weekdays`` and ``months``
            (factors), ``broke`` (first day of another level), ``shift`` with ``shift_low`` and
            ``shift_high``, ``q`` (chance adjusted for the number of series) and ``drift``
            (whether a straight line tells it better).
        span: Days whose growth is told.
        last: Last day with a figure.
        refused: Values that are not above zero.
    """

    sheet: ClassVar[str] = mark("The industry")
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Series"),
        "growth": mark("Growth"),
        "low": mark("95%, low"),
        "high": mark("95%, high"),
        "against": mark("Against"),
        "week": mark("Weekdays"),
        "year": mark("Months"),
        "broke": mark("Another level from"),
        "shift": mark("By"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "growth": "share", "low": "share", "high": "share", "broke": "day", "shift": "share",
    }  # fmt: skip

    frame: pd.DataFrame
    span: int
    last: dt.date
    refused: int

    @property
    def breaks(self) -> pd.DataFrame:
        """The series whose level moved, the newest first."""
        sure = self.frame["broke"].notna() & (self.frame["q"] < ALPHA) & ~self.frame["drift"]
        return self.frame[sure].sort_values("broke", ascending=False, kind="stable")

    def to_frame(self) -> pd.DataFrame:
        """One row a series."""
        sure = self.frame.index.isin(self.breaks.index)
        return self.frame.assign(
            against=[tr(BRIEF[basis]) for basis in self.frame["basis"]],
            week=[season_words(factors) for factors in self.frame["weekdays"]],
            year=[season_words(factors) for factors in self.frame["months"]],
            broke=self.frame["broke"].where(sure), shift=self.frame["shift"].where(sure),
        )[list(self.labels)]  # fmt: skip

    def page_frame(self) -> pd.DataFrame:
        """Those that moved most."""
        return self.to_frame().head(SHOWN)

    def chart(self) -> Chart | None:
        """Growth of each series with its interval."""
        rows = self.frame.dropna(subset=["growth"]).head(SHOWN)
        if rows.empty:
            return None
        caption = tr("Growth over {days}", days=show(self.span, "days"))
        return interval_chart(rows, caption=caption, unit="share", better=["up"] * len(rows),
                              value="growth")  # fmt: skip

    def findings(self) -> tuple[Finding, ...]:
        """The fastest and the slowest series, and the levels that moved."""
        told = [*self._grown(), *(self._broke(row) for _, row in self.breaks.head(TOLD).iterrows())]
        if self.refused:
            text = ntr(
                "{count} figure of the industry is not above zero and is left out.",
                "{count} figures of the industry are not above zero and are left out.",
                self.refused, count=show(self.refused, "count"),
            )  # fmt: skip
            told.append(Finding(key="market/refused", level="info", text=text))
        return tuple(told)

    def _grown(self) -> list[Finding]:
        held = self.frame.dropna(subset=["low"])
        if held.empty:
            text = tr(
                "How the industry grew cannot be told: no series has figures of {days} and of "
                "days to compare them with.", days=show(self.span, "days"),
            )  # fmt: skip
            return [Finding(key="market/growth", level="info", text=text)]
        order = held.sort_values("growth", kind="stable")
        ends = [order.iloc[-1]] + ([order.iloc[0]] if len(order) > 1 else [])
        return [self._growth(row) for row in ends]

    def _growth(self, row: pd.Series) -> Finding:
        basis = BASIS_WORDS[row["basis"]]
        words = {
            "name": row["name"], "days": show(self.span, "days"), "last": show(self.last, "day"),
            "size": show(abs(row["growth"]), "share"), "low": show(row["low"], "share", sign=True),
            "high": show(row["high"], "share", sign=True), "basis": tr(basis),
        }  # fmt: skip
        if row["low"] > 0:
            text = tr("{name} is {size} higher than {basis} ({low} to {high}; {days} to {last}).",
                      **words)  # fmt: skip
        elif row["high"] < 0:
            text = tr("{name} is {size} lower than {basis} ({low} to {high}; {days} to {last}).",
                      **words)  # fmt: skip
        else:
            text = tr("Whether {name} rose or fell against {basis} cannot be told ({low} to "
                      "{high}; {days} to {last}).", **words)  # fmt: skip
        return Finding(
            key=f"market/growth/{row['series']}/{row['category']}", level="info", text=text,
            evidence={name: float(row[name]) for name in ("growth", "low", "high")},
        )  # fmt: skip

    def _broke(self, row: pd.Series) -> Finding:
        words = {
            "name": row["name"], "day": show(row["broke"], "day"),
            "size": show(abs(row["shift"]), "share"),
            "low": show(row["shift_low"], "share", sign=True),
            "high": show(row["shift_high"], "share", sign=True),
        }  # fmt: skip
        text = tr("{name} has been {size} higher from about {day} on ({low} to {high}).", **words)
        if row["shift"] < 0:
            text = tr("{name} has been {size} lower from about {day} on ({low} to {high}).",
                      **words)  # fmt: skip
        action = Action(text=tr("find out what changed in the market that day"),
                        owner=tr("merchandising"))  # fmt: skip
        return Finding(
            key=f"market/break/{row['series']}/{row['category']}", level="watch", text=text,
            evidence={"shift": float(row["shift"]), "q": float(row["q"])}, action=action,
        )  # fmt: skip


def measure_market(
    source: Source | MarketSeries,
    *,
    as_of: dt.date | str,
    span: int = SPAN,
    country: str | None = None,
    time_zone: str | None = None,
) -> MarketTrends:
    """Tell how each index and share of the industry grew, its season, and where its level moved.

    Growth is the mean logarithmic change of the last ``span`` days against the same days of last
    year's calendar (festivals with festivals, weekdays with weekdays), or against the span before
    where last year was not recorded; its interval allows for days that hang together. A moved
    level is looked for in the change over the year, or in the level less weekdays where there is
    no year, and its chance is adjusted for the number of series. Search terms are told by
    ``rank_search_terms``.

    Args:
        source: A store, or tables by canonical name; needs ``market``; or series already read.
        as_of: Last local day that counts.
        span: Days whose growth is told, whole weeks.
        country: ISO code of the calendar; the store's by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no index and no share up to that day.
        ParameterError: ``span`` is not whole weeks of 14 to 364 days.

    References:
        See ``ecops_lib.market.trends.movement`` for the intervals and the test.
    """
    import pandas as pd

    require_days(span)
    market = (
        source
        if isinstance(source, MarketSeries)
        else read_market(source, as_of=as_of, country=country, time_zone=time_zone)
    )
    places = np.flatnonzero(market.keys["kind"].to_numpy(str) != "term")
    if not len(places):
        raise MissingDataError(tr(
            "There is no index of the industry, only search terms; import 生意参谋 市场大盘."
        ))  # fmt: skip
    rows = pd.DataFrame([_row(market, int(place), span) for place in places])
    tried = rows["p"].notna()
    rows.loc[tried, "q"] = adjust_p_values(rows.loc[tried, "p"].to_numpy(float))
    frame = pd.concat([market.keys.iloc[places].reset_index(drop=True), rows], axis=1)
    order = frame.sort_values(["kind", "growth"], ascending=[True, False], kind="stable")
    return MarketTrends(
        frame=order.reset_index(drop=True), span=span, last=market.last, refused=market.refused
    )


def _row(market: MarketSeries, place: int, span: int) -> dict[str, object]:
    """Growth, break, and the season of what is left without the break, of one series."""
    basis, change, _ = market.change(place, span)
    mean = mean_of_days(change)
    year, values = market.year[:, place], market.values[:, place]
    long = np.isfinite(year).sum() >= YEAR_DAYS // 4
    found = find_break(year if long else _level(market, place))
    if found and found.p < ALPHA and not found.drift:
        step = np.where(np.arange(len(values)) >= found.at, found.size, 0.0)
        year, values = year - step, values / np.exp(step)
    growth = float(np.nanmean(year)) if long else math.nan
    season = measure_season(values, market.days, growth=growth)
    return {
        "basis": basis, **_limits("", mean.value, mean.low, mean.high),
        "weekdays": season.weekdays, "months": season.months, **_broken(market, found),
        "q": math.nan,
    }  # fmt: skip


def _level(market: MarketSeries, place: int) -> Floats:
    """The logarithmic level less weekdays."""
    weekdays = measure_season(market.values[:, place], market.days, growth=math.nan).weekdays
    factors = np.array([weekdays[day.weekday()] for day in market.days])
    level: Floats = np.log(market.values[:, place]) - np.log(np.where(factors > 0, factors, 1.0))
    return level


def _broken(market: MarketSeries, found: Break | None) -> dict[str, object]:
    if found is None:
        return {"broke": None, **_limits("shift_", *(math.nan,) * 3), "p": math.nan, "drift": False}
    return {
        "broke": market.days[found.at], **_limits("shift_", found.size, found.low, found.high),
        "p": found.p, "drift": found.drift,
    }  # fmt: skip


def _limits(head: str, *logs: float) -> dict[str, float]:
    """Changes from logarithmic ones, named."""
    names = ("shift", "shift_low", "shift_high") if head else ("growth", "low", "high")
    return {
        name: math.nan if is_missing(log) else math.expm1(log)
        for name, log in zip(names, logs, strict=True)
    }
