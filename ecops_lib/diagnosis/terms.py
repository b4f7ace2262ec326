"""Search terms and titles: words to add, to drop, to test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import narwhals as nw

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.titles import idle_words, nearest_title

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["keep", "add", "test", "misleads", "leave"]

VERDICTS: Mapping[Verdict, str] = {
    "keep": mark("in a title, fits"),
    "add": mark("sells, in no title: add"),
    "test": mark("in no title: test"),
    "misleads": mark("in a title, does not sell"),
    "leave": mark("in no title, does not sell"),
}

FALSE = 0.05
"""Share of the judged terms that may be judged wrongly (false discovery rate)."""

POOR = 0.5
"""Share of the usual conversion below which a term that converts less is said not to sell."""

SHOWN = 15


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchTerms(Result):
    """Terms of the platform's search against the shop's titles.

    Attributes:
        frame: One row a term: ``term``, ``visitors``, ``buyers``, ``rate`` with ``low`` and
            ``high`` (90 % interval, fractions), ``amount`` [store currency], ``verdict`` (key of
            ``VERDICTS``), ``product`` (title that comes nearest) and ``missing`` (what of the term
            is not in it).
        idle: One row a product whose title has words that no term asked for: ``product``,
            ``visitors`` and ``words``.
        rate: Buyers over visitors of all terms [fraction].
        start: First day.
        end: Last day.
        owner: Who writes titles.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Search terms")
    labels: ClassVar[Mapping[str, str]] = {
        "term": mark("Search term"),
        "visitors": mark("Visitors (days added)"),
        "buyers": mark("Buyers"),
        "rate": mark("Conversion"),
        "low": mark("At least (90 %)"),
        "high": mark("At most (90 %)"),
        "amount": mark("Amount paid"),
        "verdict": mark("Verdict"),
        "product": mark("Nearest title"),
        "missing": mark("Not in it"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "visitors": "count", "buyers": "count", "rate": "share", "low": "share", "high": "share",
        "amount": "money",
    }  # fmt: skip

    start: dt.date
    end: dt.date
    frame: pd.DataFrame
    idle: pd.DataFrame
    rate: float = float("nan")
    owner: str = ""
    reason: str = ""

    def absent(self) -> str:
        """Why there is nothing to show, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a term, most visitors first, verdicts in words."""
        words = [tr(VERDICTS[key]) for key in self.frame["verdict"]]
        return self.frame.assign(verdict=words)

    def page_frame(self) -> pd.DataFrame:
        """What asks for something first, then the terms with most visitors."""
        asks = self.frame["verdict"].isin(["add", "misleads"])
        order = asks.sort_values(ascending=False, kind="stable").index
        shown = self.to_frame().loc[order].head(SHOWN)
        return shown.drop(columns=["low", "high", "amount"])

    def findings(self) -> tuple[Finding, ...]:
        """Terms to add, terms that mislead, titles with words that nobody asks for."""
        if self.reason:
            return ()
        kinds = {key: self.frame.loc[self.frame["verdict"] == key] for key in VERDICTS}
        told = (
            *map(self._add, _rows(kinds["add"])),
            *map(self._misleads, _rows(kinds["misleads"])),
        )
        return (self._whole(kinds), *told, *self._idle())

    def _whole(self, kinds: Mapping[Verdict, pd.DataFrame]) -> Finding:
        told = tr("{tested} in no title may be tested", tested=show(len(kinds["test"]), "count"))
        text = ntr(
            "{count} search term brought {visitors} visitors, of whom {rate} paid{more}.",
            "{count} search terms brought {visitors} visitors, of whom {rate} paid{more}.",
            len(self.frame),
            count=show(len(self.frame), "count"),
            visitors=show(self.frame["visitors"].sum(), "count"),
            rate=show(self.rate, "share"),
            more=tr("; ") + told if len(kinds["test"]) else "",
        )
        numbers = {"terms": float(len(self.frame)), "rate": self.rate}
        return Finding(key="terms", level="info", text=text, evidence=numbers)

    def _add(self, row: Mapping[str, object]) -> Finding:
        text = tr(
            "“{term}” brought {visitors} visitors of whom {rate} paid (all terms {usual}), and no "
            "title has “{missing}”.",
            missing=short_name(row["missing"]),
            **self._numbers(row),
        )
        advice = (
            tr(
                "put it into the title of {product}, and compare two weeks before and after",
                product=short_name(row["product"]),
            )
            if row["product"]
            else tr("put it into the title of a product that it fits, and compare two weeks")
        )
        return self._told("add", row, text, advice)

    def _misleads(self, row: Mapping[str, object]) -> Finding:
        text = tr(
            "“{term}” brought {visitors} visitors of whom only {rate} paid (all terms {usual}), "
            "and {product} has it in its title.",
            product=short_name(row["product"]),
            **self._numbers(row),
        )
        advice = tr("say in title and main picture what it is, or take the word out as a test")
        return self._told("misleads", row, text, advice)

    def _numbers(self, row: Mapping[str, object]) -> dict[str, str]:
        return {
            "term": short_name(row["term"]), "visitors": show(row["visitors"], "count"),
            "rate": show(row["rate"], "share"), "usual": show(self.rate, "share"),
        }  # fmt: skip

    def _told(self, kind: str, row: Mapping[str, object], text: str, advice: str) -> Finding:
        numbers = {name: float(str(row[name])) for name in ("visitors", "buyers", "low", "high")}
        return Finding(
            key=f"terms/{kind}/{row['term']}", level="watch", text=text,
            evidence={**numbers, "usual": self.rate},
            action=Action(text=advice, owner=self.owner),
        )  # fmt: skip

    def _idle(self) -> tuple[Finding, ...]:
        if self.idle.empty:
            return ()
        row = self.idle.iloc[0]
        text = ntr(
            "{count} title has words that no term asked for: {product} with {visitors} visitors "
            "has {words}.",
            "{count} titles have words that no term asked for; the one with most visitors "
            "({visitors}), {product}, has {words}.",
            len(self.idle),
            count=show(len(self.idle), "count"),
            product=short_name(row["product"]),
            visitors=show(row["visitors"], "count"),
            words=row["words"],
        )
        numbers = {"titles": float(len(self.idle))}
        return (Finding(key="terms/idle", level="info", text=text, evidence=numbers),)


def rate_search_terms(history: History, *, start: dt.date, end: dt.date) -> SearchTerms:
    """Hold the terms by which visitors came against the titles of the shop.

    A term counts as in a title where all its words are (Latin words whole, others as parts). It
    sells where more of its visitors paid than of all terms' visitors, and does not sell where
    fewer did, and fewer than ``POOR`` of the usual share: exact binomial tests, ``FALSE`` of the
    judgements may be wrong. Everything else in no title is for a test. Platforms export the terms
    with most visitors only, so words that "no term asked for" may be asked for seldom.

    Args:
        history: The days before, up to ``end``.
        start: First day.
        end: Last day.

    Returns:
        The terms; absent where there is no export of search terms in these days.

    References:
        Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
    """
    import pandas as pd

    owner = history.settings.owners.get("product", tr("merchandising"))
    try:
        held = _terms(history, start, end)
    except MissingDataError as error:
        return SearchTerms(start=start, end=end, frame=pd.DataFrame(), idle=pd.DataFrame(),
                           reason=str(error))  # fmt: skip
    titles = _titles(history, start, end)
    judged = _judged(held)
    near = [nearest_title(term, list(titles["title"])) for term in held["term"]]
    signs = zip(near, judged["sells"], judged["poor"], strict=True)
    frame = judged.assign(
        verdict=[_verdict(not missing, sells, poor) for (_, missing), sells, poor in signs],
        product=[titles["title"].iloc[place] if place >= 0 else "" for place, _ in near],
        missing=[missing for _, missing in near],
    )  # fmt: skip
    return SearchTerms(
        start=start, end=end, frame=frame[list(SearchTerms.labels)],
        idle=idle_words(titles, list(held["term"])), owner=owner,
        rate=float(held["buyers"].sum() / held["visitors"].sum()),
    )  # fmt: skip


def _terms(history: History, start: dt.date, end: dt.date) -> pd.DataFrame:
    """Visitors, buyers and amount of each term, most visitors first."""
    tables = history.tables
    tables.require("traffic")
    inside = (nw.col("day") >= start) & (nw.col("day") <= end) & (nw.col("scope") == "keyword")
    rows = tables.lazy("traffic", start=start, end=end).filter(inside & (nw.col("visitors") > 0))
    held = frames.bring(
        rows.group_by("scope_id").agg(
            visitors=nw.col("visitors").sum(), buyers=nw.col("paying_buyers").sum(),
            told=nw.col("paying_buyers").count(),
            amount=nw.col("paid_amount").cast(nw.Float64).sum(),
        ),
        sort=["scope_id"],
    )  # fmt: skip
    known = held.loc[held["told"] > 0].rename(columns={"scope_id": "term"})
    if known.empty:
        raise MissingDataError(
            tr(
                "No search terms with visitors and buyers are told from {first} to {last}; import "
                "生意参谋 引流搜索关键词.",
                first=show(start, "day"),
                last=show(end, "day"),
            )
        )
    counts = known[["visitors", "buyers"]].astype(float)
    known = known.assign(visitors=counts["visitors"],
                         buyers=counts["buyers"].clip(upper=counts["visitors"]))  # fmt: skip
    ranked = known.sort_values(["visitors", "term"], ascending=[False, True], ignore_index=True)
    return ranked.drop(columns="told")


def _titles(history: History, start: dt.date, end: dt.date) -> pd.DataFrame:
    """Titles of the products on sale, those with most visitors first."""
    import pandas as pd

    seen = history.traffic.loc[lambda rows: rows["scope"] == "product"]
    inside = seen.loc[seen["day"].between(str(start), str(end))]
    visitors = inside.groupby("scope_id")["visitors"].sum()
    names = pd.Series(history.names, dtype=object)
    held = pd.DataFrame({"title": names, "visitors": visitors.reindex(names.index)})
    ordered = held.fillna({"visitors": 0.0}).sort_values(
        ["visitors", "title"], ascending=[False, True]
    )
    return ordered.reset_index(drop=True)


def _judged(held: pd.DataFrame) -> pd.DataFrame:
    """Each term's conversion with its interval, and whether it sells or does not."""
    from scipy import stats

    visitors, buyers = held["visitors"].to_numpy(float), held["buyers"].to_numpy(float)
    usual = float(buyers.sum() / visitors.sum())
    many = stats.binom.sf(buyers - 1, visitors, usual)
    few = stats.binom.cdf(buyers, visitors, usual)
    low, high = (stats.beta.ppf(q, buyers + 0.5, visitors - buyers + 0.5) for q in (0.05, 0.95))
    return held.assign(
        rate=buyers / visitors, low=low, high=high,
        sells=stats.false_discovery_control(many) <= FALSE,
        poor=(stats.false_discovery_control(few) <= FALSE) & (buyers / visitors < POOR * usual),
    )  # fmt: skip


def _verdict(inside: bool, sells: bool, poor: bool) -> Verdict:
    if inside:
        return "misleads" if poor else "keep"
    return "add" if sells else "leave" if poor else "test"


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
