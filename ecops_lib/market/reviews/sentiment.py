"""How customers judge products in words, beside the stars that they give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import line_chart
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.market.reviews.model import LEAST, SentimentModel
from ecops_lib.market.reviews.reading import HIGH_STARS, LOW_STARS, Reviews, read_reviews
from ecops_lib.metrics.anomalies import adjust_p_values
from ecops_lib.metrics.bases import Source
from ecops_lib.metrics.refunds import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

LEVEL = 0.05
SURE = 0.9
"""Chance from which words are held against stars."""
ROWS = 12
TOLD = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Sentiment(Result):
    """Negative reviews by product and by month.

    Attributes:
        products: One row a product, the worst first: ``product_id``, ``name``, ``reviews``,
            ``texts`` (reviews with words), ``stars`` (mean), ``low_stars`` (share with at
            most two), ``negative`` (share of texts), its 95 % interval ``low`` and ``high``,
            ``q`` of being worse than the others (adjusted for the number of products).
        months: The same by ``month``.
        reviews: All reviews with ``chance`` to be negative, NaN without words.
        model: What told them.
        as_of: Last local day.
    """

    sheet: ClassVar[str] = mark("Reviews by product")
    units: ClassVar[Mapping[str, Unit]] = {
        "reviews": "count", "texts": "count", "stars": "ratio", "low_stars": "share",
        "negative": "share", "low": "share", "high": "share", "q": "p_value",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Product"),
        "reviews": mark("Reviews"),
        "texts": mark("With words"),
        "stars": mark("Stars"),
        "low_stars": mark("One or two stars"),
        "negative": mark("Negative words"),
        "low": mark("95%, low"),
        "high": mark("95%, high"),
        "q": mark("q, worse than others"),
    }

    products: pd.DataFrame
    months: pd.DataFrame
    reviews: pd.DataFrame
    model: SentimentModel
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a product, the worst first."""
        return self.products[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """The worst."""
        return self.to_frame().head(ROWS)

    def chart(self) -> Chart | None:
        """Share of negative words by month."""
        if self.months["negative"].notna().sum() < 2:
            return None
        return line_chart(
            self.months,
            caption=tr("Share of reviews with negative words, by month"),
            unit="share",
            labels={"negative": tr("negative"), "low": tr("interval of 95%")},
            day="month",
            value="negative",
            band=("low", "high"),
        )

    def findings(self) -> tuple[Finding, ...]:
        """All reviews, products that stand out, words against stars, and how it is told."""
        told = [self._overall(), *self._worse(), *self._against(), self._method()]
        return tuple(finding for finding in told if finding)

    def _overall(self) -> Finding | None:
        chances = self.reviews["chance"].dropna().to_numpy(float)
        if not len(chances):
            text = tr("No review up to {day} has words.", day=show(self.as_of, "day"))
            return Finding(key="reviews/negative", level="info", text=text)
        bad, texts = int((chances > 0.5).sum()), len(chances)
        low, high = (float(v[0]) for v in wilson_interval(np.array([bad]), np.array([texts])))
        given = {
            "texts": show(texts, "count"), "share": show(bad / texts, "share"),
            "low": show(low, "share"), "high": show(high, "share"), "day": show(self.as_of, "day"),
        }  # fmt: skip
        stars = self.reviews["stars"].mean()
        numbers = {"negative": bad / texts, "texts": float(texts)}
        if np.isnan(stars):
            text = tr(
                "Of {texts} reviews with words up to {day}, {share} are negative ({low} to "
                "{high}); none has stars.", **given,
            )  # fmt: skip
            return Finding(key="reviews/negative", level="info", text=text, evidence=numbers)
        text = tr(
            "Of {texts} reviews with words up to {day}, {share} are negative ({low} to {high}); "
            "the mean is {stars} stars.", stars=show(stars, "ratio"), **given,
        )  # fmt: skip
        return Finding(key="reviews/negative", level="info", text=text,
                       evidence={**numbers, "stars": float(stars)})  # fmt: skip

    def _worse(self) -> list[Finding]:
        rows = self.products[(self.products["q"] <= LEVEL) & (self.products["product_id"] != "")]
        found = []
        for row in rows.head(TOLD).to_dict("records"):
            text = tr(
                "{name}: {share} of its {texts} reviews with words are negative ({low} to {high}), "
                "against {others} of the others' (q {q}).",
                name=row["name"],
                texts=show(row["texts"], "count"),
                others=show(row["others"], "share"),
                share=show(row["negative"], "share"),
                q=show(row["q"], "p_value"),
                **{end: show(row[end], "share") for end in ("low", "high")},
            )
            numbers = {"negative": float(row["negative"]), "q": float(row["q"])}
            found.append(Finding(
                key=f"reviews/worse/{row['product_id']}", level="bad", text=text, evidence=numbers,
                action=Action(text=tr("read what they blame below, and put it right"),
                              owner=tr("product manager")),
            ))  # fmt: skip
        return found

    def _against(self) -> list[Finding]:
        stars, chance = self.reviews["stars"], self.reviews["chance"]
        praised = int(((stars >= HIGH_STARS) & (chance >= SURE)).sum())
        blamed = int(((stars <= LOW_STARS) & (chance <= 1 - SURE)).sum())
        found = []
        if praised:
            text = ntr(
                "{count} review gives four or five stars and yet blames in its words; its stars "
                "hide a complaint.",
                "{count} reviews give four or five stars and yet blame in their words; their "
                "stars hide complaints.",
                praised, count=show(praised, "count"),
            )  # fmt: skip
            found.append(Finding(key="reviews/hidden", level="watch", text=text,
                                 evidence={"reviews": float(praised)}))  # fmt: skip
        if blamed:
            text = ntr(
                "{count} review gives one or two stars and praises in its words; the stars may "
                "be a slip.",
                "{count} reviews give one or two stars and praise in their words; the stars may "
                "be slips.",
                blamed, count=show(blamed, "count"),
            )  # fmt: skip
            found.append(Finding(key="reviews/slips", level="info", text=text,
                                 evidence={"reviews": float(blamed)}))  # fmt: skip
        return found

    def _method(self) -> Finding:
        model = self.model
        given = {
            "negatives": show(model.negatives, "count"),
            "positives": show(model.positives, "count"),
            "accuracy": show(model.accuracy, "share"), "usual": show(model.usual, "share"),
            "error": show(model.error, "points"), "least": show(LEAST, "count"),
        }  # fmt: skip
        if model.kind == "stars":
            text = tr(
                "Words are judged by a model learnt from {negatives} negative and {positives} "
                "positive reviews with stars: it told {accuracy} of those that it had not seen "
                "right (calling all alike: {usual}), and its chances are off by {error} on "
                "average.",
                **given,
            )
        elif np.isnan(model.accuracy):
            text = tr(
                "Words are judged by a list, for only {negatives} negative and {positives} "
                "positive reviews have stars ({least} of each are needed to learn from); how "
                "often the list is right here cannot be told.", **given,
            )  # fmt: skip
        else:
            text = tr(
                "Words are judged by a list, which told {accuracy} of {negatives} negative and "
                "{positives} positive reviews with stars right (calling all alike: {usual}); a "
                "model learnt from them did no better, or they are too few for one ({least} of "
                "each).", **given,
            )  # fmt: skip
        return Finding(key="reviews/method", level="info", text=text,
                       evidence={"accuracy": model.accuracy, "error": model.error})  # fmt: skip


def rate_sentiment(
    source: Source | Reviews, *, as_of: dt.date | str, time_zone: str | None = None
) -> Sentiment:
    """Judge the words of reviews, by product and by month, and hold them against the stars.

    A review is negative where its chance to be so is above one half (``fit_sentiment``, learnt
    from the shop's own stars up to the day, and adapted to reviews without stars). Intervals of
    shares are Wilson's; a product is held against all others by Fisher's exact test, adjusted
    for the number of products (Benjamini and Hochberg 1995).

    Args:
        source: A store, tables by canonical name, or reviews already read.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no review by that day.
    """
    held = read_reviews(source, as_of=as_of, time_zone=time_zone)
    rows = held.frame.assign(chance=held.chances)
    rows["month"] = rows["day"].dt.to_period("M").dt.to_timestamp()
    products = _compared(_shares(rows, "product_id"))
    products.insert(1, "name", [held.called(each) for each in products["product_id"]])
    order = ["low", "texts", "product_id"]
    return Sentiment(
        products=products.sort_values(order, ascending=[False, False, True], ignore_index=True),
        months=_every_month(_shares(rows, "month")),
        reviews=rows.drop(columns="month"),
        model=held.model,
        as_of=held.as_of,
    )


def _shares(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Counts, mean stars and shares with Wilson's interval, by product or month."""
    flags = rows.assign(
        text=rows["chance"].notna(),
        bad=rows["chance"] > 0.5,
        low=(rows["stars"] <= LOW_STARS).where(rows["stars"].notna()).astype(float),
    )
    sums = flags.groupby(by, sort=True).agg(
        reviews=("text", "size"), texts=("text", "sum"), stars=("stars", "mean"),
        low_stars=("low", "mean"), bad=("bad", "sum"),
    ).reset_index()  # fmt: skip
    sums["negative"] = sums["bad"] / sums["texts"].where(sums["texts"] > 0)
    sums["low"], sums["high"] = wilson_interval(sums["bad"].to_numpy(), sums["texts"].to_numpy())
    return sums


def _compared(sums: pd.DataFrame) -> pd.DataFrame:
    """Each product's negative share beside all others', with an adjusted one-sided p-value."""
    from scipy.stats import hypergeom

    bad, texts = sums["bad"].sum(), sums["texts"].sum()
    rest = texts - sums["texts"]
    sums["others"] = (bad - sums["bad"]) / rest.where(rest > 0)
    told = ((sums["texts"] > 0) & (rest > 0)).to_numpy()
    p = hypergeom.sf(sums["bad"] - 1, texts, bad, sums["texts"])
    q = np.full(len(sums), np.nan)
    q[told] = adjust_p_values(np.asarray(p)[told])
    return sums.assign(q=q)


def _every_month(sums: pd.DataFrame) -> pd.DataFrame:
    """Months without reviews as rows without shares, so that a chart has gaps there."""
    import pandas as pd

    months = pd.date_range(sums["month"].min(), sums["month"].max(), freq="MS")
    held: pd.DataFrame = sums.set_index("month").reindex(months).rename_axis("month").reset_index()
    return held.fillna({"reviews": 0, "texts": 0, "bad": 0})
