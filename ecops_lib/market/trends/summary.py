"""Strengths, weaknesses, opportunities and threats, each read off a section of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.market.events import CutEffects
from ecops_lib.market.launches import RECENT, Launches
from ecops_lib.market.prices import PriceGaps, PriceIndex, Promotions
from ecops_lib.market.prices.index import DEEP, NEAR
from ecops_lib.market.trends.growth import MarketTrends
from ecops_lib.market.trends.responses import Responses
from ecops_lib.market.trends.rules import RuleChanges
from ecops_lib.market.trends.share import MovementShare
from ecops_lib.market.trends.standing import OutOfStock, RatingGap
from ecops_lib.market.trends.terms import SearchTerms

if TYPE_CHECKING:
    import pandas as pd

Side = Literal["strength", "weakness", "opportunity", "threat"]
SIDES: Mapping[Side, str] = {
    "strength": mark("Strengths"), "weakness": mark("Weaknesses"),
    "opportunity": mark("Opportunities"), "threat": mark("Threats"),
}  # fmt: skip
MOST = 4
"""Lines of a side that a page shows."""
OFTENER = 2.0
"""How many times its usual share a competitor must have on promotion to be told."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of evidence.

    Attributes:
        side: Where it belongs.
        text: What it says, in the reader's language.
        figure: The number that says it, shown.
        money: Store currency at stake; NaN where it cannot be told.
        source: Sheet of the section that it was read off, in English.
    """

    side: Side
    text: str
    figure: str
    money: float = math.nan
    source: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class MarketSummary(Result):
    """What the page's sections say for us and against us.

    Attributes:
        lines: The evidence, by side, most money first.
        read: Sections that were read.
        silent: Sections that had nothing to show for want of data.
    """

    sheet: ClassVar[str] = mark("Strengths, weaknesses, opportunities, threats")
    labels: ClassVar[Mapping[str, str]] = {
        "side": mark("Side"),
        "text": mark("What the data say"),
        "figure": mark("Figure"),
        "money": mark("At stake"),
        "source": mark("Section"),
    }
    units: ClassVar[Mapping[str, Unit]] = {"money": "money"}

    lines: tuple[Line, ...]
    read: int
    silent: int

    def side(self, name: Side) -> tuple[Line, ...]:
        """The lines of one side."""
        return tuple(line for line in self.lines if line.side == name)

    def to_frame(self) -> pd.DataFrame:
        """One row a line; a side without any says so."""
        return self._rows(len(self.lines))

    def page_frame(self) -> pd.DataFrame:
        """The first lines of each side."""
        return self._rows(MOST)

    def _rows(self, most: int) -> pd.DataFrame:
        import pandas as pd

        rows = []
        for name, label in SIDES.items():
            held = self.side(name)[:most] or (
                Line(side=name, text=tr("no section of this page tells of one"), figure=""),
            )
            rows += [(tr(label), line.text, line.figure, line.money,
                      tr(line.source) if line.source else "") for line in held]  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """How many lines each side has, and how much could not be read."""
        counts = {name: show(len(self.side(name)), "count") for name in SIDES}
        text = tr(
            "Read off {read} sections ({silent} had no data): strengths {strength}, weaknesses "
            "{weakness}, opportunities {opportunity}, threats {threat}.",
            read=show(self.read, "count"), silent=show(self.silent, "count"), **counts,
        )  # fmt: skip
        numbers: dict[str, float] = {name: float(len(self.side(name))) for name in SIDES}
        return (Finding(key="summary/sides", level="info", text=text, evidence=numbers),)


def sum_up_market(*sections: Result) -> MarketSummary:
    """Sort what the page's sections show into strengths, weaknesses, opportunities and threats.

    Nothing is said that a section does not show: each line is read off one result, with the number
    and the section's name, and only where that section's own test or threshold is passed.
    Strengths and weaknesses are what we have in hand (prices, share, stars, stock, titles),
    opportunities and threats what others do (the industry, competitors, the platform).

    Args:
        *sections: Results of the page in any order; those of other kinds are not read.

    Examples:
        >>> [len(sum_up_market().side(name)) for name in SIDES]
        [0, 0, 0, 0]
    """
    known = [result for result in sections if type(result) in READERS]
    silent = sum(bool(result.absent()) for result in sections)
    lines = [line for result in known for line in READERS[type(result)](result)]
    order = {name: place for place, name in enumerate(SIDES)}
    lines.sort(key=lambda line: (order[line.side], -line.money if line.money > 0 else 0.0))
    return MarketSummary(lines=tuple(lines), read=len(known), silent=silent)


def _index(result: PriceIndex) -> Iterator[Line]:
    far, source = result.market - 1, PriceIndex.sheet
    words = {"size": show(abs(far), "share"), "pairs": show(len(result.basket.pairs), "count")}
    if far > NEAR:
        text = tr(
            "the cheapest offer elsewhere is {size} dearer than ours ({pairs} pairs)", **words
        )
        yield Line(side="strength", text=text, figure=show(far, "share", sign=True), source=source)
    elif far < -NEAR:
        text = tr(
            "the cheapest offer elsewhere is {size} cheaper than ours ({pairs} pairs)", **words
        )
        yield Line(side="weakness", text=text, figure=show(far, "share", sign=True), source=source)


def _gaps(result: PriceGaps) -> Iterator[Line]:
    deep = result.frame[result.frame["gap"] >= DEEP]
    if len(deep):
        text = tr("products that are {part} or more cheaper at a competitor",
                  part=show(DEEP, "share"))  # fmt: skip
        money = float((deep["sales"] * deep["gap"]).sum())
        yield Line(side="weakness", text=text, figure=show(len(deep), "count"), money=money,
                   source=PriceGaps.sheet)  # fmt: skip


def _share(result: MovementShare) -> Iterator[Line]:
    for row in result.told.to_dict("records"):
        lost = row["gap"] < 0
        text = tr("our sales ran ahead of the industry: {name}", name=row["name"])
        if lost:
            text = tr("our sales fell behind the industry: {name}", name=row["name"])
        yield Line(
            side="weakness" if lost else "strength", text=text, money=abs(row["money"]),
            figure=show(row["gap"], "share", sign=True), source=MovementShare.sheet,
        )  # fmt: skip


def _stars(result: RatingGap) -> Iterator[Line]:
    figure, source = show(result.gap, "ratio", sign=True), RatingGap.sheet
    if result.low > 0:
        text = tr("our matched products have more stars than competitors'")
        yield Line(side="strength", text=text, figure=figure, source=source)
    if result.high < 0:
        text = tr("our matched products have fewer stars than competitors'")
        yield Line(side="weakness", text=text, figure=figure, source=source)


def _stock(result: OutOfStock) -> Iterator[Line]:
    if len(result.frame):
        yield Line(
            side="weakness", text=tr("products that competitors list are out of stock here"),
            figure=show(len(result.frame), "count"), money=float(result.frame["sales"].sum()),
            source=OutOfStock.sheet,
        )  # fmt: skip


def _terms(result: SearchTerms) -> Iterator[Line]:
    for row in result.fading.to_dict("records"):
        text = tr("our titles rest on “{term}”, which is searched less",
                  term=short_name(row["term"]))  # fmt: skip
        yield Line(side="weakness", text=text, figure=show(row["growth"], "share", sign=True),
                   source=SearchTerms.sheet)  # fmt: skip
    for row in result.untried.to_dict("records"):
        text = tr("“{term}” is searched more, and no title of ours holds it",
                  term=short_name(row["term"]))  # fmt: skip
        yield Line(side="opportunity", text=text, figure=show(row["growth"], "share", sign=True),
                   source=SearchTerms.sheet)  # fmt: skip


def _market(result: MarketTrends) -> Iterator[Line]:
    told = result.frame.dropna(subset=["low"])
    told = told[(told["basis"] == "year") & ((told["low"] > 0) | (told["high"] < 0))]
    order = told.sort_values("growth", kind="stable")
    up, down = order[order["growth"] > 0], order[order["growth"] < 0]
    if len(up):
        text = tr("{count} of {all} indices grow over the year, most {name}",
                  count=show(len(up), "count"), all=show(len(result.frame), "count"),
                  name=up["name"].iloc[-1])  # fmt: skip
        yield Line(side="opportunity", text=text, source=MarketTrends.sheet,
                   figure=show(up["growth"].iloc[-1], "share", sign=True))  # fmt: skip
    if len(down):
        text = tr("{count} of {all} indices shrink over the year, most {name}",
                  count=show(len(down), "count"), all=show(len(result.frame), "count"),
                  name=down["name"].iloc[0])  # fmt: skip
        yield Line(side="threat", text=text, source=MarketTrends.sheet,
                   figure=show(down["growth"].iloc[0], "share", sign=True))  # fmt: skip
    for row in result.breaks.to_dict("records"):
        rising = row["shift"] > 0
        text = tr("{name} moved to a higher level on about {day}", name=row["name"],
                  day=show(row["broke"], "day"))  # fmt: skip
        if not rising:
            text = tr("{name} moved to a lower level on about {day}", name=row["name"],
                      day=show(row["broke"], "day"))  # fmt: skip
        yield Line(
            side="opportunity" if rising else "threat", text=text, source=MarketTrends.sheet,
            figure=show(row["shift"], "share", sign=True),
        )  # fmt: skip


def _launches(result: Launches) -> Iterator[Line]:
    for row in result.frame.to_dict("records"):
        words = {"competitor": short_name(row["competitor"]), "days": show(RECENT, "count")}
        if row["launched"] > 0:
            text = tr("{competitor} brought out new items in {days} days", **words)
            yield Line(side="threat", text=text, figure=show(row["launched"], "count"),
                       source=Launches.sheet)  # fmt: skip
        if row["gone"] > 0:
            text = tr("{competitor} took items off in {days} days", **words)
            yield Line(side="opportunity", text=text, figure=show(row["gone"], "count"),
                       source=Launches.sheet)  # fmt: skip


def _promotions(result: Promotions) -> Iterator[Line]:
    rows = result.frame[result.frame["now"] >= OFTENER * result.frame["share"]]
    for row in rows[rows["now"] > 0].to_dict("records"):
        text = tr(
            "{competitor} has more on promotion than usual ({share} of its item-days)",
            competitor=short_name(row["competitor"]), share=show(row["share"], "share"),
        )  # fmt: skip
        yield Line(side="threat", text=text, figure=show(row["now"], "share"),
                   source=Promotions.sheet)  # fmt: skip


def _cuts(result: CutEffects) -> Iterator[Line]:
    if not result.untold and result.high < 0:
        text = tr("competitors' lasting cuts cost us sales of the same products")
        yield Line(side="threat", text=text, figure=show(result.effect, "share", sign=True),
                   money=float(result.frame["money"].sum()), source=CutEffects.sheet)  # fmt: skip


def _responses(result: Responses) -> Iterator[Line]:
    for row in result.frame[result.frame["answer"] == "hold"].to_dict("records"):
        text = tr("{competitor} cut the price of {product} on {day}",
                  competitor=short_name(row["competitor"]), day=show(row["since"], "day"),
                  product=short_name(row["product_name"], row["product_id"]))  # fmt: skip
        if row["kind"] == "launch":
            text = tr("{competitor} launched the same as {product} on {day}",
                      competitor=short_name(row["competitor"]), day=show(row["since"], "day"),
                      product=short_name(row["product_name"], row["product_id"]))  # fmt: skip
        yield Line(
            side="threat", text=text, source=Responses.sheet,
            figure=show(row["depth"], "share") if row["kind"] == "cut" else "",
            money=-float(row["money"]) if row["high"] < 0 else math.nan,
        )  # fmt: skip


def _rules(result: RuleChanges) -> Iterator[Line]:
    for row in result.moved.to_dict("records"):
        rising = row["effect"] > 0
        words = {"figure": row["figure"], "rule": short_name(row["rule"], row["event_id"])}
        text = tr("{figure} rose after “{rule}”", **words)
        if not rising:
            text = tr("{figure} fell after “{rule}”", **words)
        yield Line(
            side="opportunity" if rising else "threat", text=text,
            figure=show(row["effect"], "share", sign=True), source=RuleChanges.sheet,
        )  # fmt: skip


READERS: Mapping[type[Result], Callable[[Any], Iterator[Line]]] = {
    PriceIndex: _index, PriceGaps: _gaps, MovementShare: _share, RatingGap: _stars,
    OutOfStock: _stock, SearchTerms: _terms, MarketTrends: _market, Launches: _launches,
    Promotions: _promotions, CutEffects: _cuts, Responses: _responses, RuleChanges: _rules,
}  # fmt: skip
"""What reads the lines off each kind of section."""
