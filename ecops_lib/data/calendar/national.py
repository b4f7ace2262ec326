"""Public holidays: who is off work, and who works on a Sunday to make up for it.

China moves weekends around its holidays (调休) by a decree of each autumn, so only
decreed years are known; other years are said to be unannounced, never guessed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from ecops_lib.core.checks import nearest
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import mark, tr

UNANNOUNCED = "unannounced"
"""The ``holiday`` of a day whose year's public holidays are not known."""

HOLIDAYS: Mapping[str, str] = {
    "new_year": mark("New Year's Day"),
    "spring_festival": mark("Spring Festival"),
    "tomb_sweeping": mark("Tomb-Sweeping Day"),
    "labour_day": mark("Labour Day"),
    "dragon_boat": mark("Dragon Boat Festival"),
    "mid_autumn": mark("Mid-Autumn Festival"),
    "national_day": mark("National Day"),
    "victory_day": mark("Victory Day"),
}

_CHINESE_KEYS: Mapping[str, str] = {
    "New Year's Day": "new_year",
    "Spring Festival": "spring_festival",
    "Tomb-sweeping Day": "tomb_sweeping",
    "Labour Day": "labour_day",
    "Dragon Boat Festival": "dragon_boat",
    "Mid-autumn Festival": "mid_autumn",
    "National Day": "national_day",
    "Anti-Fascist 70th Day": "victory_day",
}


@dataclass(frozen=True, slots=True)
class National:
    """What the state says of a day.

    Attributes:
        is_workday: Whether people work; None where not announced.
        holiday: Key of the holiday that the day is off for, empty for none,
            ``unannounced`` where not known. Weekend days inside a holiday count as it.
        makes_up: Key of the holiday that a worked weekend day makes up for, or empty.
    """

    is_workday: bool | None
    holiday: str = ""
    makes_up: str = ""


@lru_cache(maxsize=20_000)
def national(day: dt.date, country: str) -> National:
    """What the state says of a day.

    Args:
        day: The day.
        country: ISO code of the country, with its part where that has holidays of its
            own: ``CN``, ``GB-ENG``.

    Raises:
        ParameterError: The country is not known.

    >>> national(dt.date(2025, 9, 28), "CN")
    National(is_workday=True, holiday='', makes_up='national_day')
    """
    return _chinese(day) if country == "CN" else _elsewhere(day, country)


def announced_years(country: str) -> tuple[int, int]:
    """First and last year whose public holidays are known."""
    if country == "CN":
        from chinese_calendar.constants import holidays

        return min(holidays).year, max(holidays).year
    book = _book(country)
    return int(book.start_year), int(book.end_year)


def holiday_label(key: str) -> str:
    """A holiday's name in the reader's language; other countries' as their book has it."""
    return tr(HOLIDAYS[key]) if key in HOLIDAYS else key


def _chinese(day: dt.date) -> National:
    if not _known(day, "CN"):
        return National(None, UNANNOUNCED)
    off, key = _decree(day)
    if off and not key:
        before, after = (_decree(day + dt.timedelta(days=n))[1] for n in (-1, 1))
        key = before if before == after else ""
    return National(not off, key if off else "", "" if off else key)


def _decree(day: dt.date) -> tuple[bool, str]:
    """Whether a day is off, and for which holiday (or which one it makes up for)."""
    from chinese_calendar import get_holiday_detail

    if not _known(day, "CN"):
        return False, ""
    off, occasion = get_holiday_detail(day)
    return bool(off), _CHINESE_KEYS[occasion] if occasion else ""


def _elsewhere(day: dt.date, country: str) -> National:
    book = _book(country)
    if not _known(day, country):
        return National(None, UNANNOUNCED)
    name = book.get(day, "")
    works = bool(book.is_working_day(day))
    makes_up = works and bool(book.is_weekend(day))
    return National(works, "" if works else name, name or country if makes_up else "")


def _known(day: dt.date, country: str) -> bool:
    first, last = announced_years(country)
    return first <= day.year <= last


@cache
def _book(country: str) -> Any:
    import holidays

    state, _, part = country.partition("-")
    parts = holidays.list_supported_countries(include_aliases=False)
    if state not in parts or (part and part not in parts[state]):
        raise ParameterError(
            f"country is {country!r}, whose holidays are not known; use an ISO code such as "
            f"'CN', 'US' or 'GB-ENG'{nearest(country, parts) or '.'}"
        )
    languages = holidays.list_localized_countries().get(state, [])
    english = next((name for name in ("en_US", "en_GB") if name in languages), None)
    return holidays.country_holidays(state, subdiv=part or None, language=english)
