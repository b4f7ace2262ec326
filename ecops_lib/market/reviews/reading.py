"""The reviews of a source up to a day, cleaned, with what they speak of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.formats import is_missing, show
from ecops_lib.core.language import tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.data import frames
from ecops_lib.market.reviews.lexicon import Lexicon, read_lexicon
from ecops_lib.market.reviews.lines import Floats
from ecops_lib.market.reviews.matching import make_matcher
from ecops_lib.market.reviews.model import SentimentModel, fit_sentiment
from ecops_lib.market.reviews.texts import LONGEST, clean_text
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("platform", "review_id", "order_id", "product_id", "created_at", "rating", "text")
UNWRITTEN = (
    "此用户没有填写评价", "该用户没有填写评价", "此用户未填写评价", "用户未填写评价",
    "系统默认好评", "系统默认评价", "买家默认好评", "默认好评", "评价方未及时做出评价",
    "买家未及时做出评价",
)  # fmt: skip
"""How platforms fill in the words of those who wrote none."""
LOW_STARS, HIGH_STARS = 2, 4
SURE = 0.8
"""Chance from which a model is taken to be sure of a clause."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reviews:
    """Reviews up to a day; what is asked of them is worked out once.

    Attributes:
        tables: Where they come from.
        as_of: Last local day that counts.
        frame: One row a review, by day and id: ``platform``, ``review_id``, ``order_id``,
            ``product_id`` (empty where not told), local ``day``, ``stars`` (NaN where none)
            and cleaned ``text`` (empty where nothing was written).
        lexicon: Words by which aspects are known.
    """

    tables: Tables
    as_of: dt.date
    frame: pd.DataFrame
    lexicon: Lexicon

    @cached_property
    def model(self) -> SentimentModel:
        """What tells negative texts, learnt from these reviews where stars allow it."""
        return fit_sentiment(self.frame["text"].tolist(), self.frame["stars"].tolist())

    @cached_property
    def chances(self) -> Floats:
        """Chance of each review to be negative by its words; NaN without words.

        Of rated ones by a model that had not seen them; of unrated ones, where there are
        hundreds, by one that has adapted to them.
        """
        told = self.model.held_out.copy()
        bare = self.frame["stars"].isna() & (self.frame["text"] != "")
        texts = self.frame["text"][bare].tolist()
        adapted = self.model.adapt(texts)
        if adapted is not self.model:
            told[bare.to_numpy()] = adapted.chance_negative(texts)
        return told

    @cached_property
    def aspects(self) -> pd.DataFrame:
        """One row a review × aspect: ``row`` in the frame, ``aspect``, ``polarity``, ``clause``.

        Where the model was learnt from stars it judges what the words leave open, and where it
        is sure of the opposite the clause counts for neither (``settle_polarity``).
        """
        import pandas as pd

        matcher = make_matcher(self.lexicon)
        found = [
            (row, mention) for row, text in enumerate(self.frame["text"].tolist())
            for mention in matcher.find(text)
        ]  # fmt: skip
        polarity = np.array([mention.polarity for _, mention in found], np.int64)
        if found and self.model.kind == "stars":
            chances = self.model.chance_negative([mention.words for _, mention in found])
            polarity = settle_polarity(polarity, chances)
        told = pd.DataFrame({
            "row": [row for row, _ in found], "aspect": [m.aspect for _, m in found],
            "polarity": polarity, "clause": [m.words for _, m in found],
        })  # fmt: skip
        total = told.groupby(["row", "aspect"])["polarity"].transform("sum")
        told["apart"] = told["polarity"] != np.sign(total)
        told["polarity"] = np.sign(total)
        first = told.sort_values(["row", "aspect", "apart"], kind="stable")
        held = first.drop_duplicates(["row", "aspect"]).drop(columns="apart")
        return held.reset_index(drop=True)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Names of the products, where a table tells them."""
        if not self.tables.has("products"):
            return {}
        columns = ["product_id", "product_name"]
        held = frames.bring(self.tables.lazy("products").select(*columns), sort=columns).dropna()
        return dict(zip(held["product_id"].map(str), held["product_name"].map(str), strict=True))

    @property
    def low(self) -> Floats:
        """1 for at most two stars, 0 for more, NaN without stars."""
        stars = self.frame["stars"].to_numpy(float)
        return np.where(np.isnan(stars), np.nan, stars <= LOW_STARS)

    def called(self, product: object) -> str:
        """A product's name as a sentence has room for it, else its id."""
        if not product:
            return tr("reviews that name no product")
        return short_name(self.names.get(str(product)), product)


def settle_polarity(polarity: NDArray[np.int64], chances: Floats) -> NDArray[np.int64]:
    """What words say of a clause, with what a model says of it.

    Args:
        polarity: 1 praise, -1 blame, 0 neither, by the words.
        chances: Chance of each clause to be negative; NaN counts as unsure.

    >>> settle_polarity(np.array([0, 0, -1, -1]), np.array([0.9, 0.5, 0.5, 0.1])).tolist()
    [-1, 0, -1, 0]
    """
    sure = np.where(chances > SURE, -1, np.where(chances < 1 - SURE, 1, 0))
    return np.where(polarity == 0, sure, np.where(sure == -polarity, 0, polarity))


def read_reviews(
    source: Source | Reviews, *, as_of: dt.date | str, time_zone: str | None = None
) -> Reviews:
    """Read the reviews that were written up to a day.

    Args:
        source: A store, or tables by canonical name; uses ``reviews``. Reviews that were
            read before come back as they are.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no table of reviews, or none was written by that day.
        ParameterError: Reviews read before end on another day.
        StoreError: The store's ``aspects.toml`` cannot be read.
    """
    day = as_day(as_of, name="as_of")
    if isinstance(source, Reviews):
        if source.as_of != day:
            raise ParameterError(f"as_of is {day}, but the reviews were read up to {source.as_of}.")
        return source
    tables = Tables(source, time_zone=time_zone)
    tables.require("reviews")
    span = tables.span("reviews", "created_at")
    if span is None or span[0] > day:
        text = tr("No review was written by {day}.", day=show(day, "day"))
        if span:
            text = joined(text, tr("The first is of {day}.", day=show(span[0], "day")))
        raise MissingDataError(text)
    lexicon = read_lexicon(tables.store.path if tables.store else None)
    return Reviews(tables=tables, as_of=day, frame=_frame(tables, span[0], day), lexicon=lexicon)


def _frame(tables: Tables, start: dt.date, end: dt.date) -> pd.DataFrame:
    import pandas as pd

    rows = tables.lazy("reviews", start=start, end=end)
    rows = rows.filter(frames.within("created_at", start, end, tables.zone)).select(
        *[name for name in COLUMNS if name not in {"created_at", "text"}],
        day=frames.local_day("created_at", start, end, tables.zone),
        text=nw.col("text").str.slice(0, 4 * LONGEST),
    )
    held = frames.bring(rows, sort=["day", "platform", "review_id"])
    texts = [clean_text(text) for text in held["text"].tolist()]
    empty = [not text or text.strip("。.!！ ").startswith(UNWRITTEN) for text in texts]
    return pd.DataFrame({
        "platform": _words(held["platform"]),
        "review_id": _words(held["review_id"]),
        "order_id": _words(held["order_id"]),
        "product_id": _words(held["product_id"]),
        "day": pd.to_datetime(held["day"]),
        "stars": held["rating"].astype(float),
        "text": pd.Series(
            ["" if none else text for none, text in zip(empty, texts, strict=True)], dtype=object
        ),
    })  # fmt: skip


def _words(column: pd.Series) -> pd.Series:
    """Plain text, empty where missing."""
    import pandas as pd

    held = ["" if is_missing(value) else str(value) for value in column.tolist()]
    return pd.Series(held, dtype=object)
