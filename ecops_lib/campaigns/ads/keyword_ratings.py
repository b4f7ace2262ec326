"""Keywords to pause, to raise and to test, and what it says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.campaigns.ads.margins import Margins
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12
NAMED = 3
PAGE = ("kind", "plan", "keyword", "clicks", "cost", "attributed_orders", "roi", "chance", "profit")
KINDS: Mapping[str, str] = {
    "pause": mark("pause"),
    "raise": mark("raise"),
    "test": mark("test on"),
    "keep": mark("keep"),
}
ORDER = ("pause", "raise", "test", "keep")
QUOTA = {"pause": 5, "raise": 4, "test": 3}
"""Rows of each class on the page."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KeywordRatings(Result):
    """Keywords of a period, rated.

    Attributes:
        frame: One row a plan and keyword: counts, rates drawn towards those of its plan,
            ``roi`` with what the true one is at least and at most, each with chance ``sure``,
            ``chance`` of a loss, ``profit`` expected after refunds and costs, ``wrong``: what
            pausing it would forgo on average, ``needed`` clicks without an order before
            it may be judged, ``stake``.
        margins: What is kept of an amount paid.
        sure: Chance from which a keyword is paused or raised.
        start: First day.
        end: Last day, included.
        days: Days of the period.
        unrated: Keywords without clicks, or whose orders are not told.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Keywords")
    labels: ClassVar[Mapping[str, str]] = {
        "kind": mark("What to do"),
        "plan": mark("Plan"),
        "keyword": mark("Keyword"),
        "impressions": mark("Impressions"),
        "clicks": mark("Clicks"),
        "cost": mark("Cost"),
        "cost_per_click": mark("Cost per click"),
        "attributed_orders": mark("Credited orders"),
        "attributed_amount": mark("Credited amount"),
        "conversion": mark("Conversion, shrunk"),
        "value": mark("Value of an order, shrunk"),
        "margin": mark("Kept of an amount"),
        "roi": mark("ROI as credited"),
        "roi_low": mark("ROI at least"),
        "roi_high": mark("ROI at most"),
        "chance": mark("Chance of a loss"),
        "profit": mark("Expected profit"),
        "wrong": mark("Forgone if paused wrongly"),
        "needed": mark("Clicks needed to judge"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "impressions": "count",
        "clicks": "count",
        "cost": "money",
        "cost_per_click": "money",
        "attributed_orders": "count",
        "attributed_amount": "money",
        "conversion": "share",
        "value": "money",
        "margin": "share",
        "roi": "ratio",
        "roi_low": "ratio",
        "roi_high": "ratio",
        "chance": "share",
        "profit": "money",
        "wrong": "money",
        "needed": "count",
    }

    frame: pd.DataFrame
    margins: Margins
    sure: float
    start: dt.date
    end: dt.date
    days: int
    unrated: int
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a plan and keyword, most at stake first."""
        held = self.frame[list(self.labels)]
        return held.assign(kind=[tr(KINDS[kind]) for kind in held["kind"]])

    def page_frame(self) -> pd.DataFrame:
        """Those to pause, to raise and to test on with the most money in them."""
        import pandas as pd

        ranked = self.frame.assign(size=self.frame["stake"].where(self.frame["kind"] != "test",
                                                                  self.frame["cost"]))  # fmt: skip
        parts = [
            ranked[ranked["kind"] == kind].nlargest(most, "size") for kind, most in QUOTA.items()
        ]
        held = pd.concat(parts) if any(map(len, parts)) else self.frame.head(SHOWN)
        return held[list(PAGE)].assign(kind=[tr(KINDS[kind]) for kind in held["kind"]])

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The keywords of one class, most at stake first."""
        held = self.frame[self.frame["kind"] == kind]
        rows: list[dict[str, Any]] = held.to_dict("records")  # type: ignore[assignment]
        return rows

    def findings(self) -> tuple[Finding, ...]:
        """How many of each class, which to pause, raise and test, and what that rests on."""
        found = [self._whole(), self._pause(), self._raise(), self._test(), self._limits()]
        return tuple(f for f in found if f)

    def _whole(self) -> Finding:
        counts = {kind: len(self.of(kind)) for kind in ORDER}
        text = tr(
            "Of {all} keywords with clicks, {pause} are to be paused, {raised} to be raised, "
            "{test} need more clicks before they can be judged, {keep} are kept as they are.",
            all=show(len(self.frame), "count"),
            pause=show(counts["pause"], "count"),
            raised=show(counts["raise"], "count"),
            test=show(counts["test"], "count"),
            keep=show(counts["keep"], "count"),
        )
        evidence = {kind: float(count) for kind, count in counts.items()}
        return Finding(key="keywords/classes", level="info", text=text, evidence=evidence)

    def _sums(self, rows: list[dict[str, Any]]) -> dict[str, float]:
        names = ("clicks", "cost", "attributed_orders", "profit", "wrong")
        return {name: float(sum(row[name] for row in rows)) for name in names}

    def _pause(self) -> Finding | None:
        rows = self.of("pause")
        if not rows:
            return None
        sums = self._sums(rows)
        text = ntr(
            "Pause {names}: it cost {cost} in {days} days and brought {orders} orders in {clicks} "
            "clicks. Expected to save {saved} in as many days; should it be wrong, it forgoes "
            "{wrong} on average.",
            "Pause {names}: they cost {cost} in {days} days and brought {orders} orders in "
            "{clicks} clicks. Expected to save {saved} in as many days; should it be wrong, it "
            "forgoes {wrong} on average.",
            len(rows),
            names=_names(rows),
            cost=show(sums["cost"], "money"),
            days=show(self.days, "count"),
            orders=show(sums["attributed_orders"], "count"),
            clicks=show(sums["clicks"], "count"),
            saved=show(-sums["profit"], "money"),
            wrong=show(sums["wrong"], "money"),
        )
        return Finding(
            key="keywords/pause",
            level="bad",
            text=text,
            evidence=sums,
            money=-sums["profit"],
            action=Action(text=tr("pause these keywords"), owner=self.owner),
        )

    def _raise(self) -> Finding | None:
        rows = self.of("raise")
        if not rows:
            return None
        sums = self._sums(rows)
        text = ntr(
            "Raise {names}: it pays, and is expected to even at clicks a quarter dearer. As many "
            "clicks again at today's price would be worth {profit}; whether there are so many "
            "cannot be told.",
            "Raise {names}: they pay, and are expected to even at clicks a quarter dearer. As "
            "many clicks again at today's price would be worth {profit}; whether there are so "
            "many cannot be told.",
            len(rows),
            names=_names(rows),
            profit=show(sums["profit"], "money"),
        )
        return Finding(
            key="keywords/raise",
            level="good",
            text=text,
            evidence=sums,
            money=sums["profit"],
            action=Action(
                text=tr("raise their bids step by step and watch the cost of a click"),
                owner=self.owner,
            ),
        )

    def _test(self) -> Finding | None:
        """The keyword without an order that looks worst and is not yet bad."""
        rows = [row for row in self.of("test") if not row["attributed_orders"]]
        if not rows:
            return None
        row = max(rows, key=lambda r: (r["cost"], r["keyword"]))
        text = tr(
            "{keyword} has {clicks} clicks without an order, which is not yet bad: at {price} a "
            "click it takes {needed} such clicks to be sure; its chance of a loss is {chance}.",
            keyword=short_name(row["keyword"]),
            clicks=show(row["clicks"], "count"),
            price=show(row["cost_per_click"], "money"),
            needed=show(row["needed"], "count"),
            chance=show(row["chance"], "share"),
        )
        return Finding(
            key="keywords/test",
            level="info",
            text=text,
            evidence={name: float(row[name]) for name in ("clicks", "needed", "chance")},
        )

    def _limits(self) -> Finding:
        text = tr(
            "Rates of few clicks are drawn towards those of their plan. Profits count what the "
            "platform credits; orders that the last days' clicks bring later are missing. {why}",
            why=self.margins.sentence(),
        )
        return Finding(key="keywords/limits", level="info", text=text)


def _names(rows: list[dict[str, Any]]) -> str:
    held = tr(", ").join(short_name(row["keyword"]) for row in rows[:NAMED])
    more = len(rows) - NAMED
    if more <= 0:
        return held
    return tr("{names} and {count} more", names=held, count=show(more, "count"))
