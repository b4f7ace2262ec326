"""What reviews speak of, such as quality, smell or packaging, and whether they praise it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.charts import bar_chart
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.market.reviews.lexicon import Lexicon, aspect_name, built_in
from ecops_lib.market.reviews.matching import Mention, make_matcher
from ecops_lib.market.reviews.reading import Reviews, read_reviews
from ecops_lib.metrics.bases import Source
from ecops_lib.metrics.refunds import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

TOLD = 3
ENOUGH = 30
"""Reviews that speak of an aspect from which a sentence is told of it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AspectCounts(Result):
    """How many reviews speak of each aspect, and how.

    Attributes:
        frame: One row an aspect, the most blamed first: ``aspect``, ``reviews`` that speak of
            it, ``share`` of those with words, ``praised``, ``blamed``, ``open`` (named without
            either), ``blame`` (share blamed of praised and blamed) with its 95 % interval
            ``low`` and ``high``, ``stars`` (mean of its reviews), ``others`` (of those that do
            not speak of it), ``cases`` of the service desk whose topic names it (NaN where no
            table tells them).
        products: The counts by ``product_id`` and ``aspect``.
        texts: Reviews with words.
        as_of: Last local day.
    """

    sheet: ClassVar[str] = mark("What reviews speak of")
    units: ClassVar[Mapping[str, Unit]] = {
        "reviews": "count", "share": "share", "praised": "count", "blamed": "count",
        "blame": "share", "low": "share", "high": "share", "stars": "ratio",
        "others": "ratio", "cases": "count",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Aspect"),
        "reviews": mark("Reviews"),
        "share": mark("Of those with words"),
        "praised": mark("Praise"),
        "blamed": mark("Blame"),
        "blame": mark("Blamed, of judged"),
        "low": mark("95%, low"),
        "high": mark("95%, high"),
        "stars": mark("Stars"),
        "others": mark("Stars of other reviews"),
        "cases": mark("Service cases"),
    }

    frame: pd.DataFrame
    products: pd.DataFrame
    texts: int
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row an aspect, the most blamed first."""
        names = [aspect_name(aspect) for aspect in self.frame["aspect"]]
        return self.frame.assign(name=names)[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """What is counted, and how surely."""
        return self.to_frame()[["name", "reviews", "share", "praised", "blamed", "blame", "low",
                                "high", "cases"]]  # fmt: skip

    def chart(self) -> Chart | None:
        """Reviews that blame each aspect."""
        rows = self.to_frame()[self.frame["blamed"].to_numpy() > 0]
        if rows.empty:
            return None
        return bar_chart(rows, caption=tr("Reviews that blame, by aspect"), unit="count",
                         value="blamed")  # fmt: skip

    def findings(self) -> tuple[Finding, ...]:
        """What is blamed most, and what is praised most surely."""
        if not self.texts:
            text = tr("No review up to {day} has words.", day=show(self.as_of, "day"))
            return (Finding(key="aspects/none", level="info", text=text),)
        rows = self.frame[self.frame["reviews"] >= ENOUGH]
        worst = rows[rows["blamed"] > 0].head(TOLD)
        found = [self._told(row, blamed=True) for row in worst.to_dict("records")]
        best = rows.sort_values("high").head(1)
        best = best[~best["aspect"].isin(worst["aspect"])]
        found += [self._told(row, blamed=False) for row in best.to_dict("records")]
        if not found:
            text = ntr(
                "{count} review has words, too few to tell what is blamed most.",
                "{count} reviews have words, too few to tell what is blamed most.",
                self.texts, count=show(self.texts, "count"),
            )  # fmt: skip
            found = [Finding(key="aspects/few", level="info", text=text)]
        return tuple(found)

    def _told(self, row: Mapping[object, object], *, blamed: bool) -> Finding:
        given = {
            "name": aspect_name(str(row["aspect"])), "count": show(row["reviews"], "count"),
            "blamed": show(row["blamed"], "count"), "praised": show(row["praised"], "count"),
            "blame": show(row["blame"], "share"), "low": show(row["low"], "share"),
            "high": show(row["high"], "share"),
        }  # fmt: skip
        if blamed:
            text = tr(
                "{count} reviews speak of {name}: {blamed} blame it and {praised} praise it, so "
                "{blame} blame ({low} to {high}).", **given,
            )  # fmt: skip
        else:
            text = tr(
                "{count} reviews speak of {name}, which is blamed least: by {blame} of those that "
                "judge it ({low} to {high}).", **given,
            )  # fmt: skip
        numbers = {"reviews": float(str(row["reviews"])), "blamed": float(str(row["blamed"]))}
        return Finding(key=f"aspects/{row['aspect']}", level="info", text=text, evidence=numbers)


def find_aspects(text: str, *, lexicon: Lexicon | None = None) -> tuple[Mention, ...]:
    """The aspects that a text speaks of, and whether it praises or blames them.

    Clause by clause: words of ``lexicon.toml`` name an aspect; words of praise and blame in
    the same clause, turned by a negation before them, judge the nearest aspect named; a
    clause without a judgement takes that of the next one where that names nothing. Clauses
    that wish, ask or suppose say nothing.

    Args:
        text: In Chinese or English; cleaned here.
        lexicon: Words to use; those that come with ecops by default.

    >>> [(m.aspect, m.polarity) for m in find_aspects("物流很快，但是包装破了，没有异味")]
    [('logistics', 1), ('packaging', -1), ('smell', 1)]
    >>> [(m.aspect, m.polarity) for m in find_aspects("Not as described, and it stinks.")]
    [('description', -1), ('smell', -1)]
    """
    return make_matcher(lexicon or built_in()).find(text)


def count_aspects(
    source: Source | Reviews,
    *,
    as_of: dt.date | str,
    lexicon: Lexicon | None = None,
    time_zone: str | None = None,
) -> AspectCounts:
    """Count the reviews that speak of each aspect, and how, in all and by product.

    A review counts once for an aspect, with the sign of the sum of its clauses.

    Args:
        source: A store, tables by canonical name, or reviews already read.
        as_of: Last local day that counts.
        lexicon: Words to use; by default those that come with ecops and those that the
            store's ``aspects.toml`` adds.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no review by that day.
        StoreError: The store's ``aspects.toml`` cannot be read.
    """
    held = read_reviews(source, as_of=as_of, time_zone=time_zone)
    held = replace(held, lexicon=lexicon) if lexicon else held
    texts = int((held.frame["text"] != "").sum())
    rows = held.aspects.assign(
        product_id=held.frame["product_id"].to_numpy()[held.aspects["row"]],
        stars=held.frame["stars"].to_numpy()[held.aspects["row"]],
    )
    frame = _counts(rows, ["aspect"])
    frame = frame.set_index("aspect").reindex(list(held.lexicon.aspects)).reset_index()
    counts = ["reviews", "praised", "blamed", "open"]
    frame[counts] = frame[counts].fillna(0).astype(int)
    frame["share"] = frame["reviews"] / texts if texts else float("nan")
    judged = frame["praised"] + frame["blamed"]
    frame["blame"] = frame["blamed"] / judged.where(judged > 0)
    frame["low"], frame["high"] = wilson_interval(frame["blamed"].to_numpy(), judged.to_numpy())
    frame["cases"] = _cases(held, list(frame["aspect"]))
    frame["others"] = [_others(held, rows, aspect) for aspect in frame["aspect"]]
    return AspectCounts(
        frame=frame.sort_values(["blamed", "aspect"], ascending=[False, True], ignore_index=True),
        products=_counts(rows, ["product_id", "aspect"]),
        texts=texts,
        as_of=held.as_of,
    )


def _counts(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    signs = rows.assign(
        praised=rows["polarity"] > 0, blamed=rows["polarity"] < 0, open=rows["polarity"] == 0
    )
    return signs.groupby(by, as_index=False).agg(
        reviews=("row", "size"), praised=("praised", "sum"), blamed=("blamed", "sum"),
        open=("open", "sum"), stars=("stars", "mean"),
    )  # fmt: skip


def _cases(held: Reviews, aspects: list[str]) -> list[float]:
    """Cases of the service desk up to the day whose topic names each aspect."""
    span = held.tables.span("tickets", "opened_at") if held.tables.has("tickets") else None
    if span is None or span[0] > held.as_of:
        return [float("nan")] * len(aspects)
    rows = held.tables.lazy("tickets").filter(
        frames.within("opened_at", span[0], held.as_of, held.tables.zone)
        & ~nw.col("topic").is_null()
    )
    counts = frames.bring(rows.group_by("topic").agg(cases=nw.len()))
    matcher = make_matcher(held.lexicon)
    about = [{m.aspect for m in matcher.find(topic)} for topic in counts["topic"]]
    cases = counts["cases"].tolist()
    return [float(sum(n for n, told in zip(cases, about, strict=True) if aspect in told))
            for aspect in aspects]  # fmt: skip


def _others(held: Reviews, rows: pd.DataFrame, aspect: str) -> float:
    """Mean stars of reviews with words that do not speak of an aspect."""
    spoken = rows.loc[rows["aspect"] == aspect, "row"]
    rest = held.frame[(held.frame["text"] != "") & ~held.frame.index.isin(spoken)]
    return float(rest["stars"].mean())
