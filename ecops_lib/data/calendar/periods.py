"""Weeks and months of a shop, and the days that are like them."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data.calendar.compare import comparable_day

if TYPE_CHECKING:
    import pandas as pd

DAY = dt.timedelta(days=1)

Span = tuple[dt.date, dt.date]
Kind = Literal["week", "month"]

WORDS = {"": "week", "last_week": "week", "上周": "week", "last_month": "month", "上月": "month"}
"""Words for the last whole week or month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A week or a month, as far as it is over, and what it is compared with.

    Attributes:
        kind: Week (Monday to Sunday) or month.
        name: As in ISO: ``2026-W46`` or ``2026-10``.
        first: First day.
        last: Last day that counts.
        end: Last day of the whole period.
        before: As many days before it on the same weekdays: whole weeks earlier.
        year: As many days of last year, moved as the calendar moves most of them.
    """

    kind: Kind
    name: str
    first: dt.date
    last: dt.date
    end: dt.date
    before: Span
    year: Span

    @property
    def days(self) -> int:
        """How many days count."""
        return (self.last - self.first).days + 1

    @property
    def whole(self) -> bool:
        """Whether it is over."""
        return self.last == self.end

    def words(self) -> str:
        """The period in words."""
        values = {
            "name": self.name,
            "first": show(self.first, "day"),
            "last": show(self.last, "day"),
        }
        if not self.whole:
            return tr("{name} so far ({first} to {last})", **values)
        return tr("{name} ({first} to {last})", **values)

    def before_words(self) -> str:
        """The days before, in words."""
        first, last = self.before
        return tr(
            "the {days} days on the same weekdays before, {first} to {last}",
            days=self.days,
            first=show(first, "day"),
            last=show(last, "day"),
        )

    def year_words(self) -> str:
        """The days of last year, in words."""
        first, last = self.year
        return tr(
            "last year by the calendar, {first} to {last}",
            first=show(first, "day"),
            last=show(last, "day"),
        )


def read_period(
    text: str, *, as_of: dt.date, country: str = "CN", events: pd.DataFrame | None = None
) -> Period:
    """A week or month from its name.

    A period is compared with as many days on the same weekdays: a month begins on another
    weekday than the one before, and five Saturdays are more than four. Against last year its
    days are moved as the calendar of holidays and festivals moves most of them.

    Args:
        text: ``2026-W46``, ``2026-10``, ``last_week``, ``last_month`` or their Chinese; empty for
            the last whole week.
        as_of: Last whole day of the data; a period that goes on is cut there.
        country: Whose calendar decides the days of last year.
        events: The shop's diary, for its own festival dates.

    Raises:
        ParameterError: The text names no period, or one that begins after ``as_of``.

    >>> period = read_period("2026-10", as_of=dt.date(2026, 11, 22))
    >>> period.days, period.before
    (31, (datetime.date(2026, 8, 27), datetime.date(2026, 9, 26)))
    """
    first, end = _ends(text.strip(), as_of)
    if first > as_of:
        raise ParameterError(
            f"period is {text!r}, which begins on {first}; the data end on {as_of}."
        )
    last = min(end, as_of)
    step = -(-((last - first).days + 1) // 7) * 7
    kind: Kind = "week" if (end - first).days == 6 else "month"
    week = first.isocalendar()
    return Period(
        kind=kind,
        name=f"{week.year}-W{week.week:02d}" if kind == "week" else f"{first:%Y-%m}",
        first=first,
        last=last,
        end=end,
        before=(first - step * DAY, last - step * DAY),
        year=_last_year(first, last, country, events),
    )


def _ends(text: str, as_of: dt.date) -> Span:
    """First and last day of the period that a text names."""
    if text in WORDS:
        today = as_of + DAY
        if WORDS[text] == "week":
            monday = today - (today.weekday() + 7) * DAY
            return monday, monday + 6 * DAY
        last = today.replace(day=1) - DAY
        return last.replace(day=1), last
    try:
        if week := re.fullmatch(r"(\d{4})-?W(\d{1,2})", text):
            monday = dt.date.fromisocalendar(int(week[1]), int(week[2]), 1)
            return monday, monday + 6 * DAY
        if month := re.fullmatch(r"(\d{4})-(\d{1,2})", text):
            first = dt.date(int(month[1]), int(month[2]), 1)
            return first, (first + 31 * DAY).replace(day=1) - DAY
    except ValueError:
        pass  # the sentence below says what would do
    raise ParameterError(
        f"period is {text!r}; use a week such as '2026-W46', a month such as '2026-10', "
        "'last_week' or 'last_month'."
    )


def _last_year(first: dt.date, last: dt.date, country: str, events: pd.DataFrame | None) -> Span:
    days = [first + n * DAY for n in range((last - first).days + 1)]
    moved = Counter(d - comparable_day(d, country=country, events=events).day for d in days)
    shift = max(moved, key=lambda one: (moved[one], one))
    return first - shift, last - shift
