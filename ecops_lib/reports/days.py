"""Days said in words: ``yesterday``, ``last_week``, ``last_30_days``, 上月.

A word that means several days gives their last day, or their first where the parameter's
name says so (``start``, ``start_day``, ``first_day``, ``from_day``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import ParameterError
from ecops_lib.data.calendar.periods import Period, read_period
from ecops_lib.data.store import Store

if TYPE_CHECKING:
    import pandas as pd

ONE = dt.timedelta(days=1)
Span = tuple[dt.date, dt.date]

CHINESE: Mapping[str, str] = {
    "今天": "today",
    "昨天": "yesterday",
    "上周": "last_week",
    "上月": "last_month",
    "上季度": "last_quarter",
    "去年": "last_year",
}


def is_day_name(name: str) -> bool:
    """Whether a parameter of that name is a day.

    >>> [n for n in ("as_of", "start", "end_day", "daytime", "top") if is_day_name(n)]
    ['as_of', 'start', 'end_day']
    """
    return name in {"as_of", "day", "start", "end"} or name.endswith("_day")


def resolve_day(text: str, *, name: str, today: dt.date) -> str:
    """A day in ISO form from a day in ISO form or a word.

    Args:
        text: ``2026-11-11``, or a word; empty text stays empty (the notebook decides).
        name: The parameter, which says whether the first or the last day is meant.
        today: The present day where the shop is.

    Raises:
        ParameterError: The text is neither; the message lists the words.

    >>> resolve_day("last_week", name="as_of", today=dt.date(2026, 11, 11))
    '2026-11-08'
    >>> resolve_day("last_week", name="start", today=dt.date(2026, 11, 11))
    '2026-11-02'
    """
    if not text:
        return ""
    span = _span(CHINESE.get(text, text), today)
    if span is not None:
        first = name.startswith(("start", "first", "from"))
        return (span[0] if first else span[1]).isoformat()
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ParameterError(
            f"{name} is {text!r}; it must be a day such as '2026-11-01', "
            f"or one of {listed([*WORDS, 'last_7_days'])}{nearest(text, WORDS) or '.'}"
        ) from None


def diary_of(shop: Store) -> pd.DataFrame | None:
    """The shop's diary, if there is one."""
    return shop.frame("shop_events") if shop.has("shop_events") else None


def period_of(shop: Store, text: str, day: dt.date) -> Period:
    """The week or month that a text names, by the shop's calendar (see ``read_period``)."""
    return read_period(text, as_of=day, country=shop.settings.country, events=diary_of(shop))


def _span(word: str, today: dt.date) -> Span | None:
    if days := re.fullmatch(r"last_([1-9][0-9]{0,3})_days", word):
        return today - int(days[1]) * ONE, today - ONE
    return WORDS[word](today) if word in WORDS else None


def _last_week(today: dt.date) -> Span:
    monday = today - dt.timedelta(days=today.weekday() + 7)
    return monday, monday + 6 * ONE


def _last_month(today: dt.date) -> Span:
    last = today.replace(day=1) - ONE
    return last.replace(day=1), last


def _last_quarter(today: dt.date) -> Span:
    last = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1) - ONE
    return last.replace(month=last.month - 2, day=1), last


def _last_year(today: dt.date) -> Span:
    return dt.date(today.year - 1, 1, 1), dt.date(today.year - 1, 12, 31)


WORDS: Mapping[str, Callable[[dt.date], Span]] = {
    "today": lambda today: (today, today),
    "yesterday": lambda today: (today - ONE, today - ONE),
    "last_week": _last_week,
    "last_month": _last_month,
    "last_quarter": _last_quarter,
    "last_year": _last_year,
}
