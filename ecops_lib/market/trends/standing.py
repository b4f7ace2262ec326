"""How our matched products stand besides price: stars shown, and whether they can be had."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.market.matching import ItemMatches
from ecops_lib.market.prices.basis import RECENT_DAYS, our_prices
from ecops_lib.market.snapshots import Snapshots
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

FEW_REVIEWS, FEW_PRODUCTS = 10, 5
"""Reviews of a product, and products, below which stars are not compared."""
ALPHA = 0.05
EVER = dt.date(1990, 1, 1)
SHOWN = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class RatingGap(Result):
    """Stars of our products beside those that competitors' listings of the same show.

    Attributes:
        frame: One row a product, the worst first: ``product_id``, ``product_name``, ``reviews``,
            ``ours`` (mean of our reviews), ``theirs`` (mean of the stars shown), ``gap``.
        gap: Mean of the gaps [stars]; NaN where products are too few.
        low: Lower 95 % limit (Student's t over products).
        high: Upper limit.
    """

    sheet: ClassVar[str] = mark("Stars beside competitors'")
    labels: ClassVar[Mapping[str, str]] = {
        "product_name": mark("Product"),
        "reviews": mark("Our reviews"),
        "ours": mark("Our stars"),
        "theirs": mark("Theirs"),
        "gap": mark("Stars against theirs"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "reviews": "count", "ours": "ratio", "theirs": "ratio", "gap": "ratio",
    }  # fmt: skip

    frame: pd.DataFrame
    gap: float
    low: float
    high: float

    def to_frame(self) -> pd.DataFrame:
        """One row a product."""
        return self.frame[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """The worst."""
        return self.to_frame().head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """Whether ours are rated better or worse."""
        words = {
            "count": show(len(self.frame), "count"), "size": show(abs(self.gap), "ratio"),
            "low": show(self.low, "ratio", sign=True), "high": show(self.high, "ratio", sign=True),
        }  # fmt: skip
        if math.isnan(self.gap):
            text = tr("Stars cannot be compared: {count} matched products with enough reviews of "
                      "ours and stars of theirs are too few.", **words)  # fmt: skip
            return (Finding(key="stars/untold", level="info", text=text),)
        text = tr("Our {count} matched products are rated like competitors' as far as can be told "
                  "({low} to {high} stars).", **words)  # fmt: skip
        if self.high < 0:
            text = tr(
                "Our {count} matched products have {size} stars less than competitors' show ({low} "
                "to {high}; ours are the mean of the reviews at hand).", **words,
            )  # fmt: skip
        if self.low > 0:
            text = tr(
                "Our {count} matched products have {size} stars more than competitors' show ({low} "
                "to {high}; ours are the mean of the reviews at hand).", **words,
            )  # fmt: skip
        level: Level = "watch" if self.high < 0 else "good" if self.low > 0 else "info"
        return (Finding(key="stars/gap", level=level, text=text, evidence={"gap": self.gap}),)


def compare_ratings(
    source: Source,
    snapshots: Snapshots,
    matches: ItemMatches,
    *,
    as_of: dt.date | str,
    time_zone: str | None = None,
) -> RatingGap:
    """Set the stars of our reviews beside those that competitors show for the same products.

    Ours are the mean of the reviews that were imported; theirs are what the listing shows on the
    last day, which platforms round and may weigh, so small differences mean little.

    Args:
        source: A store, or tables by canonical name; needs ``reviews``.
        snapshots: The competitors' listings.
        matches: Which of their items are ours.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no reviews, or no listing shows stars.
    """
    import pandas as pd
    from scipy import stats

    last = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    tables.require("reviews")
    items = snapshots.latest.dropna(subset=["rating"])
    if items.empty:
        raise MissingDataError(tr("No competitor's listing shows stars; snapshots may hold them."))
    ids = items["competitor"] + "/" + items["item_id"].astype(str)
    theirs = dict(zip(ids, items["rating"].astype(float), strict=True))
    pairs = matches.sure[matches.sure["their_id"].isin(theirs)]
    shown = pairs.assign(theirs=pairs["their_id"].map(theirs)).groupby("our_id")["theirs"].mean()
    ours = _our_stars(tables, last)
    held = ours[(ours["reviews"] >= FEW_REVIEWS) & ours["product_id"].isin(shown.index)]
    names = dict(zip(matches.frame["our_id"], matches.frame["our_title"], strict=True))
    theirs_mean = held["product_id"].map(shown).astype(float)
    frame = held.assign(
        product_name=held["product_id"].map(names), theirs=theirs_mean,
        gap=held["ours"].astype(float) - theirs_mean,
    ).sort_values("gap", kind="stable", ignore_index=True)  # fmt: skip
    gap = low = high = math.nan
    if len(frame) >= FEW_PRODUCTS:
        gap = float(frame["gap"].mean())
        error = float(frame["gap"].std(ddof=1)) / math.sqrt(len(frame))
        far = float(stats.t.ppf(1 - ALPHA / 2, len(frame) - 1)) * error
        low, high = gap - far, gap + far
    return RatingGap(frame=pd.DataFrame(frame), gap=gap, low=low, high=high)


def _our_stars(tables: Tables, last: dt.date) -> pd.DataFrame:
    """Mean stars and number of our reviews up to a day, by product."""
    written = frames.within("created_at", EVER, last, tables.zone)
    rows = tables.lazy("reviews").filter(written & ~nw.col("rating").is_null())
    rows = rows.with_columns(stars=nw.col("rating").cast(nw.Float64))
    by = rows.group_by("product_id").agg(ours=nw.col("stars").mean(), reviews=nw.len())
    return frames.bring(by, sort=["product_id"]).astype({"reviews": "int64"})


@dataclass(frozen=True, kw_only=True, eq=False)
class OutOfStock(Result):
    """Our matched products with nothing in stock while a competitor lists them.

    Attributes:
        frame: One row a product, the dearest first: ``product_id``, ``product_name``,
            ``competitors`` that list it now, ``sales`` of ours in four weeks [store currency].
        day: Day of the stock.
        known: Matched products whose stock is known.
    """

    sheet: ClassVar[str] = mark("Out of stock here, listed there")
    labels: ClassVar[Mapping[str, str]] = {
        "product_name": mark("Product"),
        "competitors": mark("Competitors that list it"),
        "sales": mark("Our sales of four weeks"),
    }
    units: ClassVar[Mapping[str, Unit]] = {"competitors": "count", "sales": "money"}

    frame: pd.DataFrame
    day: dt.date
    known: int

    def to_frame(self) -> pd.DataFrame:
        """One row a product."""
        return self.frame[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """The dearest."""
        return self.to_frame().head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """How many, and what they sold."""
        words = {"known": show(self.known, "count"), "day": show(self.day, "day")}
        if self.frame.empty:
            text = tr("None of {known} matched products is out of stock on {day}.", **words)
            return (Finding(key="stock/held", level="good", text=text),)
        sales = float(self.frame["sales"].sum())
        text = ntr(
            "{count} of {known} matched products is out of stock on {day} while competitors list "
            "it; it brought {sales} in {days} days.",
            "{count} of {known} matched products are out of stock on {day} while competitors list "
            "them; they brought {sales} in {days} days.", len(self.frame), **words,
            count=show(len(self.frame), "count"), sales=show(sales, "money"),
            days=show(RECENT_DAYS, "count"),
        )  # fmt: skip
        action = Action(text=tr("order more, or point buyers to what is there"),
                        owner=tr("purchasing"))  # fmt: skip
        return (Finding(key="stock/out", level="watch", text=text, money=sales, action=action,
                        evidence={"products": float(len(self.frame))}),)  # fmt: skip


def find_products_out(
    source: Source,
    snapshots: Snapshots,
    matches: ItemMatches,
    *,
    as_of: dt.date | str,
    time_zone: str | None = None,
) -> OutOfStock:
    """Our products that competitors sell too and that have nothing in stock here.

    Args:
        source: A store, or tables by canonical name; needs ``inventory``.
        snapshots: The competitors' listings.
        matches: Which of their items are ours.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No stock of a product is recorded up to that day.
    """
    last = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    tables.require("inventory")
    rows = tables.lazy("inventory").filter(
        (nw.col("day") <= last) & ~nw.col("product_id").is_null()
    )
    newest = frames.bring(rows.select(day=nw.col("day").max()))["day"].iloc[0]
    if is_missing(newest):
        raise MissingDataError(tr("No stock of a product is recorded up to {day}.",
                                  day=show(last, "day")))  # fmt: skip
    day = newest if type(newest) is dt.date else newest.date()
    there = rows.filter(nw.col("day") == day).with_columns(nw.col("on_hand").cast(nw.Float64))
    stock = frames.bring(
        there.group_by("product_id").agg(nw.col("on_hand").sum()), sort=["product_id"],
    )  # fmt: skip
    listed = set(snapshots.latest["competitor"] + "/" + snapshots.latest["item_id"].astype(str))
    pairs = matches.sure[matches.sure["their_id"].isin(listed)]
    by = pairs.groupby("our_id").agg(
        product_name=("our_title", "first"), competitors=("seller", "nunique")
    )
    held = stock[stock["product_id"].isin(by.index)]
    out = held[held["on_hand"] <= 0]
    sales = our_prices(tables, last)["sales"]
    frame = out.assign(
        product_name=out["product_id"].map(by["product_name"]),
        competitors=out["product_id"].map(by["competitors"]),
        sales=out["product_id"].map(sales).astype(float).fillna(0.0),
    ).sort_values("sales", ascending=False, kind="stable", ignore_index=True)  # fmt: skip
    return OutOfStock(frame=frame, day=day, known=len(held))
