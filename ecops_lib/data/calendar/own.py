"""The shop's own dates: campaigns of its diary that name a festival and a phase.

They hold instead of the table's: where the shop names one phase of a year's festival, no
date of the table counts for that festival in that year. A campaign that names no festival
or no phase, or several, dates nothing; neither does one for a single product.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecops_lib.core.checks import require_columns
from ecops_lib.data.calendar.festivals import Phase, Span, edition, festival_span
from ecops_lib.data.calendar.lunar import FIRST_YEAR, LAST_YEAR, lunar_new_year

if TYPE_CHECKING:
    import pandas as pd

_OPEN, _END = r"(?<![\d.满减省¥$])", r"(?![\d元块折%])"
"""No part of a longer number or of a price: 满618减38 names no festival."""

FESTIVAL_NAMES: Mapping[str, re.Pattern[str]] = {
    "new_year_goods": re.compile(r"年货|new year goods"),
    "women38": re.compile(rf"三八|女王节|女神节|women'?s day|queen'?s day|{_OPEN}3[.·]?8{_END}"),
    "festival618": re.compile(rf"{_OPEN}6[.·]?18{_END}"),
    "double11": re.compile(
        r"双\s*(?:11(?!\d)|十一)|double[\s-]*(?:11(?!\d)|eleven)|singles'? day"
        rf"|{_OPEN}11[.·]11{_END}"
    ),
    "double12": re.compile(
        rf"双\s*(?:12(?!\d)|十二)|double[\s-]*(?:12(?!\d)|twelve)|{_OPEN}12[.·]12{_END}"
    ),
}

PHASE_NAMES: Mapping[Phase, re.Pattern[str]] = {
    "presale": re.compile(r"预售|pre[\s-]?sale"),
    "warmup": re.compile(r"预热|warm[\s-]?up"),
    "burst": re.compile(
        r"爆发|开门红|(?<!预售)(?<!预热)(?<!返场)正式(?!预售|预热|返场)"
        r"|burst|\bopening\b|\bmain (?:sale|event|phase)\b"
    ),
    "encore": re.compile(r"返场|encore"),
}

Dates = Mapping[tuple[str, int], tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign of the shop's diary.

    Attributes:
        first: First day.
        last: Last day, included.
        name: What the shop calls it.
        product: The one product that it is for; empty for the whole shop.
    """

    first: dt.date
    last: dt.date
    name: str
    product: str = ""

    @property
    def whole_shop(self) -> bool:
        """Whether it is for more than one product."""
        return not self.product


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopCalendar:
    """Which festival dates hold for a shop.

    Attributes:
        country: ISO code; the table of festivals is for ``CN`` alone, own dates for all.
        campaigns: The shop's own campaigns, by first day.
        own: Spans by festival and year, where the shop dates them itself.
    """

    country: str
    campaigns: tuple[Campaign, ...] = ()
    own: Dates = field(default_factory=dict)

    def edition(self, festival: str, year: int) -> tuple[Span, ...]:
        """The spans of a festival in a year: the shop's own, else the table's."""
        if (festival, year) in self.own:
            return self.own[festival, year]
        return edition(festival, year) if self.country == "CN" else ()

    def span_of(self, day: dt.date) -> Span | None:
        """The festival phase of a day."""
        return festival_span(day, editions=self.edition)

    def event(self, day: dt.date) -> str:
        """The names of the campaigns of a day; empty for none."""
        return " + ".join(c.name for c in self.campaigns if c.first <= day <= c.last)


def read_calendar(country: str, events: pd.DataFrame | None) -> ShopCalendar:
    """The festival dates of a country, with those that a shop's diary puts in their place.

    Args:
        country: ISO code.
        events: The shop's own ``shop_events``; those of kind ``campaign`` count. A
            campaign without a last day lasts one day.

    Raises:
        ColumnError: ``events`` lacks a column.
    """
    campaigns = _campaigns(events)
    return ShopCalendar(country=country, campaigns=campaigns, own=_own_dates(campaigns))


def named_phase(name: str) -> tuple[str, Phase] | None:
    """The festival and the phase that a campaign's name names; None unless one of each.

    >>> named_phase("天猫双十一正式开售"), named_phase("Double 11 pre-sale")
    (('double11', 'burst'), ('double11', 'presale'))
    >>> named_phase("满618减38 爆发"), named_phase("双11"), named_phase("双11双12预热")
    (None, None, None)
    """
    text = unicodedata.normalize("NFKC", name).casefold().replace("’", "'")
    festivals = [key for key, words in FESTIVAL_NAMES.items() if words.search(text)]
    phases = [key for key, words in PHASE_NAMES.items() if words.search(text)]
    return (festivals[0], phases[0]) if len(festivals) == len(phases) == 1 else None


def _campaigns(events: pd.DataFrame | None) -> tuple[Campaign, ...]:
    if events is None or events.empty:
        return ()
    import pandas as pd

    require_columns(list(events.columns), ("kind", "name", "starts_on"), table="shop_events")
    held = events.reindex(columns=["kind", "name", "starts_on", "ends_on", "product_id"])
    held = held.loc[held["kind"] == "campaign"]
    first = pd.to_datetime(held["starts_on"])
    last = pd.to_datetime(held["ends_on"]).fillna(first)
    texts = held[["name", "product_id"]].astype("string").fillna("")
    rows = zip(first, last, texts["name"], texts["product_id"], strict=True)
    found = [
        Campaign(a.date(), b.date(), str(name), str(product))
        for a, b, name, product in rows
        if not pd.isna(a)
    ]
    return tuple(sorted(found, key=lambda c: (c.first, c.last, c.name)))


def _own_dates(campaigns: Iterable[Campaign]) -> Dates:
    """Spans by festival and year; what overlaps within a phase is one span."""
    joined: dict[tuple[str, int], list[tuple[Phase, dt.date, dt.date]]] = {}
    for campaign in campaigns:
        named = named_phase(campaign.name)
        if named is None or not campaign.whole_shop or campaign.last < campaign.first:
            continue
        festival, phase = named
        held = joined.setdefault((festival, _year(festival, campaign.first)), [])
        first, last = campaign.first, campaign.last
        for known in [k for k in held if k[0] == phase and k[2] >= first]:
            held.remove(known)
            first, last = known[1], max(last, known[2])
        held.append((phase, first, last))
    return {key: _numbered(key[0], held) for key, held in joined.items()}


def _numbered(festival: str, held: list[tuple[Phase, dt.date, dt.date]]) -> tuple[Span, ...]:
    waves: dict[str, int] = {}
    spans = []
    for phase, first, last in sorted(held, key=lambda row: (row[1], row[2])):
        waves[phase] = waves.get(phase, 0) + 1
        spans.append(Span(festival, phase, first, last, waves[phase], "own"))
    return tuple(spans)


def _year(festival: str, first: dt.date) -> int:
    """The year of a campaign's festival; 年货节 belongs to the lunar new year nearest to it."""
    if festival != "new_year_goods":
        return first.year
    years = [y for y in (first.year, first.year + 1) if FIRST_YEAR <= y <= LAST_YEAR]
    return min(years, key=lambda y: abs(lunar_new_year(y) - first), default=first.year)
