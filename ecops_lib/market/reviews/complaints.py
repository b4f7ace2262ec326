"""Complaints that grow: product by product and aspect by aspect, with what they are linked to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.charts import interval_chart
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.market.reviews.changes import FEW, HITS, Shift, find_shift, find_since
from ecops_lib.market.reviews.lexicon import aspect_name
from ecops_lib.market.reviews.lines import Flags
from ecops_lib.market.reviews.links import LINKS, find_link, read_links
from ecops_lib.market.reviews.reading import Reviews, read_reviews
from ecops_lib.metrics.anomalies import adjust_p_values
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

STARS = "stars"
"""What stands for an aspect where one and two stars are counted."""
FIGURES = (
    "product_id", "name", "aspect", "before", "now", "low", "high", "complaints", "of", "days",
    "p", "p_less",
)  # fmt: skip
LEVEL = 0.05
ROWS = 12
TOLD = 4
OWNERS: Mapping[str, str] = {
    "logistics": mark("warehouse"),
    "packaging": mark("warehouse"),
    "quality": mark("purchasing"),
    "smell": mark("purchasing"),
    "size": mark("product manager"),
    "description": mark("product manager"),
    "price": mark("product manager"),
    "service": mark("customer service"),
}
"""Who sees to an aspect."""


def owner_of(aspect: str) -> str:
    """Who sees to an aspect, in the reader's language."""
    return tr(OWNERS.get(aspect, "product manager"))


def aspect_words(aspect: str) -> str:
    """What is counted: low stars, or reviews that blame an aspect."""
    return tr("one or two stars") if aspect == STARS else aspect_name(aspect)


@dataclass(frozen=True, kw_only=True, eq=False)
class ComplaintWatch(Result):
    """Shares of reviews that complain, in the last days against before.

    Attributes:
        frame: One row a product × aspect that was judged, growing ones first: ``product_id``
            (empty for the whole shop), ``name``, ``aspect`` (``stars`` counts one and two
            stars), ``before`` and ``now`` (shares of reviews), ``low`` and ``high`` (95 %
            interval of the difference), ``complaints`` in the last ``days``, ``since``
            (first day after the most likely change), ``q`` of growth and ``q_less`` of
            decline, adjusted for all rows, ``verdict``: ``grows``, ``falls`` or ``level``,
            ``link``, ``value``, ``share`` and ``others`` (of what it is linked to).
        judged: Rows judged.
        thin: Products × aspects with complaints, too few to be judged.
        as_of: Last local day.
    """

    sheet: ClassVar[str] = mark("Complaints over time")
    units: ClassVar[Mapping[str, Unit]] = {
        "before": "share", "now": "share", "low": "points", "high": "points",
        "complaints": "count", "days": "days", "since": "day", "q": "p_value",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Product"),
        "about": mark("Complaint"),
        "before": mark("Before"),
        "now": mark("Last days"),
        "low": mark("Change, 95%, low"),
        "high": mark("Change, 95%, high"),
        "complaints": mark("Complaints in them"),
        "days": mark("Days"),
        "since": mark("Since about"),
        "q": mark("q"),
        "linked": mark("Linked to"),
    }

    frame: pd.DataFrame
    judged: int
    thin: int
    as_of: dt.date

    def absent(self) -> str:
        """Why nothing could be judged."""
        if self.judged:
            return ""
        return tr(
            "No complaint can be followed yet: it takes {hits} that are alike, and {few} reviews "
            "before and after.", hits=show(HITS, "count"), few=show(FEW, "count"),
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """One row a product × aspect, growing ones first."""
        rows = self.frame.assign(
            name=[_name(row) for row in self.frame.to_dict("records")],
            about=[aspect_words(aspect) for aspect in self.frame["aspect"]],
            linked=[_linked(row) for row in self.frame.to_dict("records")],
        )
        rows["since"] = rows["since"].where(rows["verdict"] != "level")
        return rows[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """What grows and falls, else the nearest to it."""
        columns = ["name", "about", "before", "now", "complaints", "days", "since", "q", "linked"]
        return self.to_frame().head(ROWS)[columns]

    def chart(self) -> Chart | None:
        """Change of the shares that grow or fall."""
        rows = self.frame[self.frame["verdict"] != "level"].head(ROWS)
        if rows.empty:
            return None
        named = rows.assign(
            name=[
                f"{_name(row)} · {aspect_words(row['aspect'])}" for row in rows.to_dict("records")
            ],
            value=rows["now"] - rows["before"],
        )
        return interval_chart(
            named.reset_index(drop=True),
            caption=tr("Change of the share of reviews that complain"),
            unit="points",
            better=["down"] * len(named),
        )

    def findings(self) -> tuple[Finding, ...]:
        """What grows and since when, what has become better, and how many were looked at."""
        if self.absent():
            return ()
        rows = self.frame.to_dict("records")
        of_products = {
            row["aspect"] for row in rows if row["verdict"] == "grows" and row["product_id"]
        }
        grows = [
            row for row in rows
            if row["verdict"] == "grows" and (row["product_id"] or row["aspect"] not in of_products)
        ]  # fmt: skip
        falls = [row for row in rows if row["verdict"] == "falls"]
        found = [self._grows(row) for row in grows[:TOLD]]
        found += [self._falls(row) for row in falls[:1]]
        if not grows:
            text = ntr(
                "No complaint has become more frequent beyond chance ({count} row of product and "
                "aspect looked at).",
                "No complaint has become more frequent beyond chance ({count} rows of product "
                "and aspect looked at).",
                self.judged, count=show(self.judged, "count"),
            )  # fmt: skip
            found.insert(0, Finding(key="complaints/level", level="good", text=text,
                                    evidence={"judged": float(self.judged)}))  # fmt: skip
        elif len(grows) > TOLD:
            text = ntr(
                "{count} more complaint has become more frequent; the table has it.",
                "{count} more complaints have become more frequent; the table has them.",
                len(grows) - TOLD, count=show(len(grows) - TOLD, "count"),
            )  # fmt: skip
            found.append(Finding(key="complaints/more", level="watch", text=text))
        return tuple(found)

    def _grows(self, row: dict[Any, Any]) -> Finding:
        given = {**_given(row), "since": show(row["since"], "day")}
        if row["aspect"] == STARS:
            text = tr(
                "{name}: one and two stars have become more frequent, {now} of the reviews of the "
                "last {days} against {before} before (q {q}), since about {since}.", **given,
            )  # fmt: skip
        else:
            text = tr(
                "{name}: more reviews blame the {aspect}, {now} of those of the last {days} "
                "against {before} before (q {q}), since about {since}.", **given,
            )  # fmt: skip
        for more in filter(None, (self._behind(row), _linked_words(row))):
            text = joined(text, more)
        todo = tr("read the quotes, check the goods of those days, and stop what causes it")
        return Finding(
            key=f"complaints/{row['product_id'] or '*'}/{row['aspect']}", level="bad", text=text,
            evidence={name: float(row[name]) for name in ("before", "now", "q")},
            action=Action(text=todo, owner=owner_of(row["aspect"])),
        )  # fmt: skip

    def _behind(self, row: Mapping[Any, Any]) -> str:
        """The aspect that low stars grow with, where one does."""
        if row["aspect"] != STARS:
            return ""
        mine = self.frame[
            (self.frame["product_id"] == row["product_id"])
            & (self.frame["verdict"] == "grows") & (self.frame["aspect"] != STARS)
        ]  # fmt: skip
        if mine.empty:
            return tr("No aspect grows with them beyond chance.")
        more = (mine["now"] - mine["before"]) * mine["of"]
        return tr("The aspect behind it is {aspect}.",
                  aspect=aspect_name(str(mine["aspect"].loc[more.idxmax()])))  # fmt: skip

    def _falls(self, row: dict[Any, Any]) -> Finding:
        given = {**_given(row), "q": show(row["q_less"], "p_value")}
        if row["aspect"] == STARS:
            text = tr(
                "{name}: one and two stars have become rarer, {now} of the reviews of the last "
                "{days} against {before} before (q {q}).", **given,
            )  # fmt: skip
        else:
            text = tr(
                "{name}: fewer reviews blame the {aspect}, {now} of those of the last {days} "
                "against {before} before (q {q}).", **given,
            )  # fmt: skip
        return Finding(
            key=f"complaints/{row['product_id'] or '*'}/{row['aspect']}", level="good", text=text,
            evidence={name: float(row[name]) for name in ("before", "now", "q_less")},
        )  # fmt: skip


def _name(row: Mapping[Any, Any]) -> str:
    return str(row["name"]) if row["product_id"] else tr("the whole shop")


def _given(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "name": _name(row), "aspect": aspect_words(row["aspect"]), "now": show(row["now"], "share"),
        "before": show(row["before"], "share"), "days": show(row["days"], "days"),
        "q": show(row["q"], "p_value"),
    }  # fmt: skip


def _linked_words(row: Mapping[Any, Any]) -> str:
    kind = LINKS.get(row["link"], "")
    given = {
        "value": short_name(row["value"]), "share": show(row["share"], "share"),
        "others": show(row["others"], "share"),
    }  # fmt: skip
    if row["link"] == "new_supplier":
        return tr("It began when the goods came from the supplier {value}.", **given)
    if row["link"]:
        return tr(
            "It goes with the {link} {value}: {share} of its reviews since then against {others} "
            "of the rest.", link=tr(kind), **given,
        )  # fmt: skip
    return ""


def _linked(row: Mapping[Any, Any]) -> str:
    kind = LINKS.get(row["link"], "")
    return f"{tr(kind)} {short_name(row['value'])}" if kind else ""


def watch_complaints(
    source: Source | Reviews, *, as_of: dt.date | str, time_zone: str | None = None
) -> ComplaintWatch:
    """Find complaints that have become more frequent, and what they are linked to.

    For each product, and the whole shop, and for each aspect, the share of reviews that blame
    it (and the share of one and two stars among the rated) in the last 14, 28, 56 … days is
    held against all days before (``find_shift``). What grows or falls is told where the
    chance, adjusted for all rows (Benjamini and Hochberg 1995), is at most 5 % and the 95 %
    interval of the change leaves out zero; of such rows one in twenty is expected to be false.
    A growing complaint is then held against the supplier, the delivery, the carrier, the
    warehouse and the refund reason of the orders, where tables tell them (``find_link``).

    Args:
        source: A store, tables by canonical name, or reviews already read.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no review by that day.
    """
    import pandas as pd

    held = read_reviews(source, as_of=as_of, time_zone=time_zone)
    ages = (pd.Timestamp(held.as_of) - held.frame["day"]).dt.days.to_numpy(np.int64)
    rows, series, thin = [], [], 0
    for product, aspect, places, hits in _rows(held):
        shift = find_shift(ages[places], hits)
        if shift is None:
            thin += 1
            continue
        rows.append({"product_id": product, "name": held.called(product) if product else "",
                     "aspect": aspect, **_figures(shift)})  # fmt: skip
        series.append((product, places, hits))
    frame = _verdicts(pd.DataFrame(rows, columns=[*FIGURES]))
    links = read_links(held) if (frame["verdict"] == "grows").any() else None
    told = [
        _told(held, ages, links, verdict, *pair)
        for verdict, pair in zip(frame["verdict"], series, strict=True)
    ]
    columns = ["since", "link", "value", "share", "others"]
    frame = frame.join(pd.DataFrame(told, columns=columns, index=frame.index))
    frame["rank"] = frame["verdict"].map({"grows": 0, "falls": 1, "level": 2})
    frame = frame.sort_values(
        ["rank", "q", "complaints", "product_id", "aspect"],
        ascending=[True, True, False, True, True],
        ignore_index=True,
    )
    return ComplaintWatch(frame=frame, judged=len(rows), thin=thin, as_of=held.as_of)


def _rows(held: Reviews) -> Iterator[tuple[str, str, np.ndarray, Flags]]:
    """Product, aspect, places of its reviews and which of them complain; only where any does."""
    low, written = held.low, (held.frame["text"] != "").to_numpy()
    blamed = held.aspects[held.aspects["polarity"] < 0]
    flags = {STARS: (~np.isnan(low), low == 1)}
    for aspect, rows in blamed.groupby("aspect", sort=True):
        hits = np.zeros(len(low), bool)
        hits[rows["row"].to_numpy()] = True
        flags[str(aspect)] = (written, hits)
    of_products = held.frame.groupby("product_id", sort=True).indices
    named = {str(product): np.asarray(rows) for product, rows in of_products.items() if product}
    everything = {} if len(named) == 1 else {"": np.arange(len(held.frame))}
    for product, mine in {**everything, **named}.items():
        for aspect, (counted, hits) in flags.items():
            places = mine[counted[mine]]
            if hits[places].any():
                yield product, aspect, places, hits[places]


def _figures(shift: Shift) -> dict[str, float]:
    return {
        "before": shift.usual, "now": shift.rate, "low": shift.low, "high": shift.high,
        "complaints": shift.now, "of": shift.of_now, "days": shift.days,
        "p": shift.p_more, "p_less": shift.p_less,
    }  # fmt: skip


def _verdicts(frame: pd.DataFrame) -> pd.DataFrame:
    frame["q"] = adjust_p_values(frame["p"].to_numpy(float))
    frame["q_less"] = adjust_p_values(frame["p_less"].to_numpy(float))
    grows = (frame["q"] <= LEVEL) & (frame["low"] > 0)
    falls = (frame["q_less"] <= LEVEL) & (frame["high"] < 0)
    frame["verdict"] = np.select([grows, falls], ["grows", "falls"], "level")
    return frame


def _told(
    held: Reviews,
    ages: np.ndarray,
    links: pd.DataFrame | None,
    verdict: str,
    product: str,
    places: np.ndarray,
    hits: Flags,
) -> tuple[object, str, str, float, float]:
    """Day since when, and what a growing complaint is linked to."""
    import pandas as pd

    if verdict == "level":
        return pd.NaT, "", "", np.nan, np.nan
    age = find_since(ages[places], hits)
    since = pd.Timestamp(held.as_of) - pd.Timedelta(days=age)
    found = None
    if links is not None and verdict == "grows":
        mine = links.iloc[places]
        if not product:  # a supplier's products differ from the others' anyway
            mine = mine.assign(supplier=None, delivery=None)
        found = find_link(hits, mine, ages[places] <= age)
    return (since, *(found or ("", "", np.nan, np.nan)))
