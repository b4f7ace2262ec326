"""Search terms that rise and fall, and whether our titles hold them."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.market.matching.words import plain
from ecops_lib.market.prices.basis import RECENT_DAYS, our_prices
from ecops_lib.market.trends.growth import BASIS_WORDS, BRIEF
from ecops_lib.market.trends.movement import mean_of_days
from ecops_lib.market.trends.series import (
    ALL,
    SPAN,
    MarketSeries,
    read_market,
    require_days,
)
from ecops_lib.metrics.anomalies import adjust_p_values
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

RATE = 0.1
"""Share of the terms called rising or falling that may be so by chance."""
FEW = 3
"""Terms below which there is no middle one to rise more than."""
SHOWN, TOLD = 15, 3
WAYS: Mapping[str, str] = {"rising": mark("rising"), "falling": mark("falling"), "": ""}
_LATIN = re.compile(r"[a-z0-9]")


def holds_term(title: object, term: object) -> bool:
    """Whether a title holds every part of a search term, whatever blanks and case.

    >>> holds_term("正山小种红茶 罐装250g", "红茶"), holds_term("Teapot 茶 具", "茶具 teapot")
    (True, True)
    >>> holds_term("Steakhouse", "tea"), holds_term(None, "tea")
    (False, False)
    """
    text = plain(title)
    joined = "".join(text.split())
    parts = plain(term).split()
    return bool(parts) and all(
        re.search(rf"(?<![a-z0-9]){re.escape(part)}(?![a-z0-9])", text) is not None
        if _LATIN.search(part) else part in joined
        for part in parts
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchTerms(Result):
    """Search terms of the industry, those that rise most surely first.

    Attributes:
        frame: One row a term and category: ``term``, ``category``, ``name``, ``basis``, ``growth``
            with its 95 % limits ``low`` and ``high``, ``p``, ``q`` (adjusted for the number of
            terms), ``way`` (rising, falling or empty), ``products`` (of ours, whose title holds
            it), ``sales`` of these in four weeks [store currency], ``try_on`` (title of our best
            seller of the category where no title holds it; empty where we sell none there).
        span: Days whose growth is told.
        rate: Share of the terms told that may be so by chance.
        last: Last day with a figure.
    """

    sheet: ClassVar[str] = mark("Search terms")
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Search term"),
        "growth": mark("Growth"),
        "low": mark("95%, low"),
        "high": mark("95%, high"),
        "against": mark("Against"),
        "way_word": mark("Surely"),
        "products": mark("Our titles with it"),
        "sales": mark("Their sales of four weeks"),
        "try_on": mark("Worth trying on"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "growth": "share", "low": "share", "high": "share", "products": "count", "sales": "money",
    }  # fmt: skip

    frame: pd.DataFrame
    span: int
    rate: float
    last: dt.date

    @property
    def untried(self) -> pd.DataFrame:
        """Terms in none of our titles that rise more than the middle one, and fit a product."""
        rows = self.frame
        told = rows["growth"].dropna()
        beyond = (rows["low"] > told.median()) if len(told) >= FEW else rows["low"] > 0
        return rows[
            (rows["way"] == "rising") & beyond & (rows["products"] == 0) & (rows["try_on"] != "")
        ]

    @property
    def fading(self) -> pd.DataFrame:
        """Falling terms in our titles, those with most sales first."""
        rows = self.frame[(self.frame["way"] == "falling") & (self.frame["products"] > 0)]
        return rows.sort_values("sales", ascending=False, kind="stable")

    def to_frame(self) -> pd.DataFrame:
        """One row a term."""
        return self.frame.assign(
            against=[tr(BRIEF[basis]) for basis in self.frame["basis"]],
            way_word=[tr(WAYS[way]) if way else "" for way in self.frame["way"]],
            try_on=self.frame["try_on"].where(self.frame.index.isin(self.untried.index), ""),
        )[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """Those that rise most surely, and as many that fall."""
        rows = self.to_frame()
        half = SHOWN // 2
        return rows if len(rows) <= SHOWN else rows.iloc[[*range(half), *range(-half, 0)]]

    def findings(self) -> tuple[Finding, ...]:
        """What is worth trying, what fades in our titles, and how many move at all."""
        told = [self._untried(row) for _, row in self.untried.head(TOLD).iterrows()]
        told += [self._fading(row) for _, row in self.fading.head(TOLD).iterrows()]
        tried = int(self.frame["p"].notna().sum())
        if not tried:
            text = tr(
                "How search terms moved cannot be told: none has figures of {days} and of days to "
                "compare them with.", days=show(self.span, "days"),
            )  # fmt: skip
            return (Finding(key="terms/untold", level="info", text=text),)
        way = self.frame["way"]
        text = ntr(
            "Of {count} search term {rising} surely rises and {falling} surely falls (at most "
            "about {rate} of these by chance).",
            "Of {count} search terms {rising} surely rise and {falling} surely fall (at most "
            "about {rate} of these by chance).", tried, count=show(tried, "count"),
            rising=show(int((way == "rising").sum()), "count"), rate=show(self.rate, "share"),
            falling=show(int((way == "falling").sum()), "count"),
        )  # fmt: skip
        return (*told, Finding(key="terms/moved", level="info", text=text))

    def _untried(self, row: pd.Series) -> Finding:
        text = tr(
            "Searches for “{term}” are up {size} against {basis} ({low} to {high}), and no title "
            "of ours holds it.", term=short_name(row["term"]), **_limits(row),
        )  # fmt: skip
        action = Action(
            text=tr("try it in the title of “{product}”, as a test",
                    product=short_name(row["try_on"])),
            owner=tr("operations"),
        )  # fmt: skip
        return Finding(key=f"terms/untried/{row['term']}", level="watch", text=text, action=action,
                       evidence={"growth": float(row["growth"]), "q": float(row["q"])})  # fmt: skip

    def _fading(self, row: pd.Series) -> Finding:
        text = ntr(
            "Searches for “{term}” are down {size} against {basis} ({low} to {high}); {count} "
            "title of ours holds it, with {sales} of sales in {days} days.",
            "Searches for “{term}” are down {size} against {basis} ({low} to {high}); {count} "
            "titles of ours hold it, with {sales} of sales in {days} days.", int(row["products"]),
            term=short_name(row["term"]), count=show(row["products"], "count"),
            sales=show(row["sales"], "money"), days=show(RECENT_DAYS, "count"), **_limits(row),
        )  # fmt: skip
        return Finding(key=f"terms/fading/{row['term']}", level="watch", text=text,
                       evidence={"growth": float(row["growth"]), "q": float(row["q"])})  # fmt: skip


def _limits(row: pd.Series) -> dict[str, str]:
    basis = BASIS_WORDS[row["basis"]]
    return {
        "basis": tr(basis),
        "size": show(abs(row["growth"]), "share"), "low": show(row["low"], "share", sign=True),
        "high": show(row["high"], "share", sign=True),
    }  # fmt: skip


def rank_search_terms(
    source: Source,
    *,
    as_of: dt.date | str,
    market: MarketSeries | None = None,
    span: int = SPAN,
    rate: float = RATE,
    country: str | None = None,
    time_zone: str | None = None,
) -> SearchTerms:
    """Tell which search terms rise and fall beyond chance, and which our titles hold.

    Growth is told as ``measure_market`` does. Of the terms called rising or falling at most about a
    share ``rate`` are so by chance (Benjamini and Hochberg 1995). Searches are a figure of the
    industry, so what a term would bring us is not told: a test is proposed instead.

    Args:
        source: A store, or tables by canonical name; needs ``market``; ``products`` tell the
            titles, orders their sales.
        as_of: Last local day that counts.
        market: The series, if they are read already.
        span: Days whose growth is told, whole weeks.
        rate: Share of the terms told that may be so by chance, above 0 and under 1.
        country: ISO code of the calendar; the store's by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no search term up to that day.
        ParameterError: ``span`` or ``rate`` is out of range.
    """
    import pandas as pd

    require_days(span)
    require_between(rate, 0, 1, name="rate", ends="open")
    held = market or read_market(source, as_of=as_of, country=country, time_zone=time_zone)
    places = np.flatnonzero(held.keys["kind"].to_numpy(str) == "term")
    if not len(places):
        raise MissingDataError(tr(
            "There is no search term among the industry's figures; import 生意参谋 搜索分析, each "
            "as a series “搜索词:…”."
        ))  # fmt: skip
    rows = held.keys.iloc[places][["term", "category", "name"]].reset_index(drop=True)
    rows = rows.join(pd.DataFrame([_growth(held, int(place), span) for place in places]))
    rows["q"] = math.nan
    tried = rows["p"].notna()
    rows.loc[tried, "q"] = adjust_p_values(rows.loc[tried, "p"].to_numpy(float))
    sure = rows["q"] <= rate
    rows["way"] = np.select([sure & (rows["growth"] > 0), sure & (rows["growth"] < 0)],
                            ["rising", "falling"], "")  # fmt: skip
    goods = _goods(Tables(source, time_zone=time_zone), held.last)
    ours = pd.DataFrame([_ours(goods, row) for row in rows.to_dict("records")])
    frame = rows.join(ours).sort_values(["low", "term"], ascending=[False, True], kind="stable")
    return SearchTerms(frame=frame.reset_index(drop=True), span=span, rate=rate, last=held.last)


def _growth(market: MarketSeries, place: int, span: int) -> dict[str, object]:
    basis, change, _ = market.change(place, span)
    mean = mean_of_days(change)
    return {
        "basis": basis, "growth": float(np.expm1(mean.value)), "low": float(np.expm1(mean.low)),
        "high": float(np.expm1(mean.high)), "p": mean.p,
    }  # fmt: skip


def _goods(tables: Tables, last: dt.date) -> pd.DataFrame:
    """Our titles with category and sales of four weeks, best seller first."""
    import pandas as pd

    if not tables.has("products"):
        return pd.DataFrame(columns=["title", "category", "sales"])
    rows = tables.lazy("products").filter(~nw.col("product_name").is_null())
    wanted = ["product_id", "product_name", "category"]
    held = frames.bring(rows.select(*wanted), sort=wanted).drop_duplicates("product_id")
    sales = held["product_id"].map(our_prices(tables, last)["sales"]).astype(float).fillna(0.0)
    goods = pd.DataFrame({
        "title": held["product_name"], "sales": sales,
        "category": [plain(category) for category in held["category"]],
    })  # fmt: skip
    return goods.sort_values("sales", ascending=False, kind="stable")


def _ours(goods: pd.DataFrame, row: Mapping[Any, Any]) -> dict[str, object]:
    """Our titles that hold a term, their sales, and where else it may be tried."""
    mine = goods.loc[np.array([holds_term(t, row["term"]) for t in goods["title"]], bool)]
    there = goods if row["category"] == ALL else goods[goods["category"] == plain(row["category"])]
    best = "" if len(mine) or there.empty else str(there["title"].iloc[0])
    return {"products": len(mine), "sales": float(mine["sales"].sum()), "try_on": best}
