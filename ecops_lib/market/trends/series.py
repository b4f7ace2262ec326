"""The industry's figures by day, told apart by what they are, each day beside its fair twin."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name
from ecops_lib.data import frames
from ecops_lib.data.calendar import comparable_day
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.metrics.periods import read_events

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["index", "term", "share"]
Basis = Literal["year", "span", ""]
"""What a span is compared with: the same days of last year's calendar, the span before, or
nothing, where neither has been recorded."""
Floats = NDArray[np.float64]
SPAN = 56
"""Days of the span whose growth is told."""
WEEK, LONGEST = 7, 364
DENSE = 0.75
"""Share of a span's days that must have a figure on both sides."""
STALE = 7
"""Days without a figure before the last day from which a series has ended."""
REACH = 56
"""Days by which the comparable day may lie less than a year before."""
ALL = "*"
_TERM = re.compile(r"^\s*(?:搜索词|关键词|search term|keyword)\s*:\s*(.+?)\s*$", re.IGNORECASE)
_SHARE = re.compile(r"占比|份额|\bshare\b", re.IGNORECASE)


def kind_of(series: object) -> tuple[Kind, str]:
    """What a series is, by its name, and the search term where it is one.

    >>> kind_of("搜索词:红茶"), kind_of("类目占比"), kind_of("行业访客指数")
    (('term', '红茶'), ('share', ''), ('index', ''))
    """
    name = unicodedata.normalize("NFKC", str(series))
    if found := _TERM.match(name):
        return "term", found[1]
    return ("share" if _SHARE.search(name) else "index"), ""


def series_name(series: object, category: object) -> str:
    """A series and its category as people read them.

    >>> series_name("行业访客指数", "茶叶"), series_name("Index", "*")
    ('行业访客指数 · 茶叶', 'Index')
    """
    _, term = kind_of(series)
    head = tr("“{term}”", term=short_name(term)) if term else short_name(series)
    return head if category == ALL else f"{head} · {short_name(category)}"


def require_days(span: int) -> None:
    """Refuse a span that is no whole number of weeks of at most a year.

    Raises:
        ParameterError: It is not.
    """
    if isinstance(span, bool) or span % WEEK or not 2 * WEEK <= span <= LONGEST:
        raise ParameterError(
            f"span is {span!r}; use whole weeks of 14 to {LONGEST} days, such as {SPAN}."
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class MarketSeries:
    """Series of the industry by day.

    Attributes:
        values: Days × series, every day from the first to the last; NaN where there is none,
            or where the value is not above zero.
        keys: One row a series, in the columns' order: ``series``, ``category``, ``kind``
            (index, term or share), ``term`` and ``name`` for people.
        refused: Values not above zero, which have no growth.
        country: ISO code of the calendar.
        events: The shop's own campaigns, which date festivals; None without a diary.
    """

    values: Floats
    keys: pd.DataFrame
    first: dt.date
    last: dt.date
    refused: int
    country: str
    events: pd.DataFrame | None

    @property
    def days(self) -> list[dt.date]:
        """Every day, in order."""
        return [self.first + dt.timedelta(days=k) for k in range(len(self.values))]

    @cached_property
    def twins(self) -> NDArray[np.int64]:
        """Row of the day of last year's calendar that each day is compared with, or −1."""
        found = np.full(len(self.values), -1)
        for row, day in enumerate(self.days):
            if row < LONGEST - REACH:
                continue
            found[row] = max((self._twin(day) - self.first).days, -1)
        return found

    def _twin(self, day: dt.date) -> dt.date:
        if self.events is None:
            return _plain_twin(day, self.country)
        return comparable_day(day, country=self.country, events=self.events).day

    @cached_property
    def year(self) -> Floats:
        """Logarithm of each value over that of its twin of last year; NaN where one lacks."""
        change = np.full_like(self.values, np.nan)
        known = self.twins >= 0
        change[known] = np.log(self.values[known]) - np.log(self.values[self.twins[known]])
        return change

    def change(self, place: int, span: int) -> tuple[Basis, Floats, NDArray[np.int64]]:
        """How a series moved in the last days, on what basis, and the rows compared with.

        Args:
            place: Column of the series.
            span: Days, whole weeks.

        Returns:
            The basis (empty where nothing can be told), the logarithmic change of each day of
            the span, and the row of the day that each is compared with.
        """
        rows = np.arange(len(self.values) - span, len(self.values))
        none = np.full(span, -1)
        if rows[0] < 0 or not np.isfinite(self.values[-STALE:, place]).any():
            return "", np.full(span, np.nan), none
        if np.isfinite(self.year[rows, place]).mean() >= DENSE:
            return "year", self.year[rows, place], self.twins[rows]
        if rows[0] - span < 0:
            return "", np.full(span, np.nan), none
        before = np.log(self.values[rows, place]) - np.log(self.values[rows - span, place])
        if np.isfinite(before).mean() >= DENSE:
            return "span", before, rows - span
        return "", np.full(span, np.nan), none


@lru_cache(maxsize=20_000)
def _plain_twin(day: dt.date, country: str) -> dt.date:
    """The comparable day of a country's calendar without a shop's own dates."""
    return comparable_day(day, country=country).day


def read_market(
    source: Source,
    *,
    as_of: dt.date | str,
    country: str | None = None,
    time_zone: str | None = None,
) -> MarketSeries:
    """Read the industry's figures up to a day.

    Args:
        source: A store, or tables by canonical name; needs ``market``.
        as_of: Last local day that counts.
        country: ISO code of the calendar; the store's by default, else China's.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no figure above zero up to that day.
    """
    import pandas as pd

    day = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    tables.require("market")
    wanted = ["day", "series", "category", "value"]
    rows = tables.lazy("market").filter((nw.col("day") <= day) & ~nw.col("series").is_null())
    held = frames.bring(rows.select(*wanted), sort=wanted)
    held["value"] = held["value"].astype(float)
    good = np.isfinite(held["value"]) & (held["value"] > 0)
    refused = int((held["value"].notna() & ~good).sum())
    held = held[good].fillna({"category": ALL}).astype({"series": str, "category": str})
    if held.empty:
        raise MissingDataError(tr(
            "There is no figure of the industry up to {day}; import 生意参谋 市场 exports.",
            day=show(day, "day"),
        ))  # fmt: skip
    held["day"] = pd.to_datetime(held["day"])
    wide = held.pivot_table(
        index="day", columns=["series", "category"], values="value", aggfunc="last"
    ).sort_index(axis=1)
    wide = wide.reindex(pd.date_range(wide.index[0], wide.index[-1]))
    keys = wide.columns.to_frame(index=False)
    kinds = [kind_of(series) for series in keys["series"]]
    keys = keys.assign(
        kind=[kind for kind, _ in kinds], term=[term for _, term in kinds],
        name=[series_name(*key) for key in zip(keys["series"], keys["category"], strict=True)],
    )  # fmt: skip
    settings = tables.store.settings if tables.store else None
    return MarketSeries(
        values=wide.to_numpy(float), keys=keys, first=wide.index[0].date(),
        last=wide.index[-1].date(), refused=refused,
        country=country or (settings.country if settings else "CN"), events=read_events(tables),
    )  # fmt: skip
