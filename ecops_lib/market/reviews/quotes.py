"""A few reviews that stand for many, fit to be shown to anybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.market.reviews.grams import count_runs, find_runs
from ecops_lib.market.reviews.lexicon import aspect_name
from ecops_lib.market.reviews.reading import Reviews, read_reviews
from ecops_lib.market.reviews.texts import mask_text, shorten_text
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

Tone = Literal["blame", "praise"]
MOST = 5_000
"""Reviews that quotes are chosen from; the last ones of more."""
LENGTH = 90
"""Characters of a quote at most."""
ALIKE = 0.6
"""Likeness to a quote already chosen from which a review adds nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Quotes(Result):
    """Reviews that stand for those that blame (or praise) an aspect.

    Attributes:
        frame: One row a quote, the most typical first: ``name`` of the product, ``aspect``,
            ``stars``, ``day``, ``quote`` (masked, shortened, on one line).
        of: Reviews that they stand for.
        as_of: Last local day.
    """

    sheet: ClassVar[str] = mark("In their words")
    units: ClassVar[Mapping[str, Unit]] = {"stars": "number", "day": "day"}
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Product"),
        "about": mark("Aspect"),
        "stars": mark("Stars"),
        "day": mark("Day"),
        "quote": mark("Quote"),
    }

    frame: pd.DataFrame
    of: int
    as_of: dt.date

    def absent(self) -> str:
        """Why there is nothing to quote."""
        if len(self.frame):
            return ""
        return tr("No review up to {day} says this.", day=show(self.as_of, "day"))

    def to_frame(self) -> pd.DataFrame:
        """One row a quote."""
        about = [aspect_name(aspect) for aspect in self.frame["aspect"]]
        return self.frame.assign(about=about)[[*self.labels]]


def quote_reviews(
    source: Source | Reviews,
    *,
    as_of: dt.date | str,
    product: str | None = None,
    aspect: str | None = None,
    tone: Tone = "blame",
    days: int | None = None,
    most: int = 5,
    time_zone: str | None = None,
) -> Quotes:
    """Choose reviews that say what many say.

    The reviews nearest to the mean of those that blame (or praise) the aspect, by the angle
    between their counts of runs of characters; one that is much like a quote already chosen
    is passed over. Phones, names, addresses, e-mails, accounts, links and order numbers are
    masked before a text is cut.

    Args:
        source: A store, tables by canonical name, or reviews already read.
        as_of: Last local day that counts.
        product: Reviews of this product alone; all by default.
        aspect: Reviews that speak of this aspect; any by default.
        tone: Whether they blame or praise it.
        days: Of the last so many days; all by default.
        most: Quotes at most, from 1.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no review by that day.
        ParameterError: An argument has an impossible value.
    """
    import pandas as pd

    require_between(most, 1, 100, name="most")
    require_choice(tone, Tone, name="tone")
    held = read_reviews(source, as_of=as_of, time_zone=time_zone)
    if aspect is not None:
        require_choice(aspect, held.lexicon.aspects, name="aspect")
    told = held.aspects.join(held.frame, on="row")
    told = told[told["polarity"] == (-1 if tone == "blame" else 1)]
    told = told if product is None else told[told["product_id"] == product]
    told = told if aspect is None else told[told["aspect"] == aspect]
    if days is not None:
        told = told[told["day"] > pd.Timestamp(held.as_of) - pd.Timedelta(days=days)]
    told = told.drop_duplicates("row").reset_index(drop=True)
    count, told = len(told), told.tail(MOST)
    chosen = told.iloc[_typical(told["text"].tolist(), most)]
    frame = pd.DataFrame({
        "name": [held.called(each) for each in chosen["product_id"]],
        "aspect": chosen["aspect"].to_numpy(), "stars": chosen["stars"].to_numpy(),
        "day": chosen["day"].to_numpy(),
        "quote": [quote_text(text, around=clause)
                  for text, clause in zip(chosen["text"], chosen["clause"], strict=True)],
    })  # fmt: skip
    return Quotes(frame=frame, of=count, as_of=held.as_of)


def quote_text(text: str, *, around: str = "", most: int = LENGTH) -> str:
    """A cleaned text masked and cut to what a table has room for.

    Args:
        text: Cleaned text.
        around: A clause of it in lower case that the quote should begin with where the whole
            text is too long.
        most: Characters at most.

    >>> quote_text("找客服小王 13812345678 退款，三天没人理我", around="三天没人理我", most=12)
    '…三天没人理我'
    """
    masked = mask_text(text)
    place = masked.lower().find(around) if around and len(masked) > most else 0
    if place <= 0:
        return shorten_text(masked, most=most)
    return "…" + shorten_text(masked[place:], most=most - 1)


def _typical(texts: list[str], most: int) -> list[int]:
    """Places of the texts nearest to the mean of all, each unlike those before it."""
    if not texts:
        return []
    counts = count_runs(texts, find_runs(texts))
    counts.data[:] = 1 + np.log(counts.data)
    sizes = np.sqrt(counts.multiply(counts).sum(axis=1)).A1
    unit = counts.multiply(1 / np.where(sizes > 0, sizes, 1)[:, None]).tocsr()
    likeness = unit @ np.asarray(unit.mean(axis=0)).ravel()
    chosen: list[int] = []
    for place in np.lexsort((np.arange(len(texts)), -likeness.round(9))).tolist():
        others = unit[chosen] @ unit[place].T if chosen else None
        same = any(texts[place] == texts[other] for other in chosen)
        if not same and (others is None or others.max() < ALIKE):
            chosen.append(place)
        if len(chosen) == most:
            break
    return chosen
