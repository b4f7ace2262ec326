"""Which day of last year a day is fairly compared with.

The first rule that finds a day decides:

1. ``festival``: a day of a shopping festival with the same day of last year's: in the
   span that holds the festival's own date, the same date; in any other, the same number
   within the same wave of the same phase. Where last year's was shorter, its last day.
2. ``holiday``: a public holiday with the same distance from the day it is about (the
   1st of October, the mid-autumn moon …); where last year's was shorter, its nearest day.
3. ``lunar``: within 30 days of the lunar new year, the same distance from it. Spring
   Festival, its make-up workdays and 年货节 come under this rule.
4. ``makeup``: a worked weekend day with last year's for the same holiday, on the same
   side of it; where there was none, with the ordinary workday nearest to 364 days before.
5. ``weekday``: the same weekday 364 days before, if that was an ordinary day.
6. ``near_weekday``: else the ordinary one of that weekday nearest to it, up to 8 weeks off.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ecops_lib.core.language import tr
from ecops_lib.data.calendar.days import calendar_words, lunar_words, offset_of
from ecops_lib.data.calendar.festivals import FESTIVALS, PHASES, Span, peak_day
from ecops_lib.data.calendar.lunar import FIRST_YEAR, LAST_YEAR, holiday_anchor, lunar_new_year
from ecops_lib.data.calendar.national import UNANNOUNCED, holiday_label, national
from ecops_lib.data.calendar.own import ShopCalendar, read_calendar

if TYPE_CHECKING:
    import pandas as pd

Rule = Literal["festival", "holiday", "lunar", "makeup", "weekday", "near_weekday"]

YEAR = dt.timedelta(days=364)
REACH = 20
"""Days around a holiday in which its days off and make-up workdays lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparableDay:
    """The day of last year to compare with, and why that one.

    Attributes:
        day: The day.
        rule: Key of the rule that chose it.
        label: The rule in the reader's language.
    """

    day: dt.date
    rule: Rule
    label: str


def comparable_day(
    day: dt.date, *, country: str = "CN", events: pd.DataFrame | None = None
) -> ComparableDay:
    """The day of last year's calendar that a day is compared with.

    Args:
        day: The day.
        country: ISO code of the country whose calendar counts.
        events: The shop's own ``shop_events``: festivals count on the dates that its
            campaigns give them, in both years.

    Raises:
        ParameterError: The country is unknown.
        ColumnError: ``events`` lacks a column.

    >>> comparable_day(dt.date(2025, 10, 15)).day, comparable_day(dt.date(2025, 10, 15)).label
    (datetime.date(2024, 10, 14), "day 1 of last year's Double 11 pre-sale")
    """
    calendar = read_calendar(country, events)
    return (
        _by_festival(day, calendar)
        or _by_holiday(day, country)
        or _by_lunar(day, country)
        or _by_makeup(day, calendar)
        or _by_weekday(day, calendar)
    )


def _by_festival(day: dt.date, calendar: ShopCalendar) -> ComparableDay | None:
    span = calendar.span_of(day)
    if span is None or span.festival == "new_year_goods":
        return None
    year = span.first.year
    before = calendar.edition(span.festival, year - 1)
    peak, peak_before = peak_day(span.festival, year), peak_day(span.festival, year - 1)
    if peak and peak_before and span.first <= peak <= span.last:
        return _around_peak(day, span, [s for s in before if s.phase == span.phase], peak_before)
    twin = next((s for s in before if (s.phase, s.wave) == (span.phase, span.wave)), None)
    return None if twin is None else _by_number(span.number(day), twin)


def _by_number(number: int, twin: Span) -> ComparableDay:
    names = _span_names(twin)
    found = twin.first + dt.timedelta(days=number - 1)
    if found <= twin.last:
        words = tr("day {number} of last year's {festival} {phase}", number=number, **names)
        return ComparableDay(day=found, rule="festival", label=words)
    words = tr("last day of last year's {festival} {phase}, which was shorter", **names)
    return ComparableDay(day=twin.last, rule="festival", label=words)


def _around_peak(
    day: dt.date, span: Span, twins: list[Span], peak: dt.date
) -> ComparableDay | None:
    same = dt.date(day.year - 1, day.month, day.day)
    names = _span_names(span)
    if any(s.first <= same <= s.last for s in twins):
        words = tr("same date of last year's {festival} {phase}", **names)
        return ComparableDay(day=same, rule="festival", label=words)
    twin = next((s for s in twins if s.first <= peak <= s.last), None)
    if twin is None:
        return None
    words = tr("nearest day of last year's {festival} {phase}, which was shorter", **names)
    nearest = twin.first if same < twin.first else twin.last
    return ComparableDay(day=nearest, rule="festival", label=words)


def _span_names(span: Span) -> dict[str, str]:
    return {"festival": tr(FESTIVALS[span.festival]), "phase": tr(PHASES[span.phase])}


def _by_holiday(day: dt.date, country: str) -> ComparableDay | None:
    key = _occasion(day, country)
    if key in ("", UNANNOUNCED, "spring_festival"):
        return None
    about, target = _anchors(day, key, country)
    if target is None or about is None:
        return None
    held = [d for d in _around(target) if key in (_occasion(d, country), _holiday(d, country))]
    if not held:
        return None
    wanted = target + (day - about)
    found = min(held, key=lambda d: abs(d - wanted))
    words = (
        tr("same day of last year's {holiday}", holiday=holiday_label(key))
        if found == wanted
        else tr(
            "nearest day of last year's {holiday}, which was shorter", holiday=holiday_label(key)
        )
    )
    return ComparableDay(day=found, rule="holiday", label=words)


def _anchors(day: dt.date, key: str, country: str) -> tuple[dt.date | None, dt.date | None]:
    """The days that a holiday is about: the one near a day, and last year's."""
    if country != "CN":
        named = (d for d in _around(day - YEAR) if _holiday(d, country) == key)
        return day, next(named, None)
    years = [holiday_anchor(key, y) for y in (day.year, day.year + 1) if y <= LAST_YEAR]
    about = min((a for a in years if a), key=lambda a: abs(a - day), default=None)
    return about, holiday_anchor(key, about.year - 1) if about else None


def _occasion(day: dt.date, country: str) -> str:
    """The holiday of a day; a mid-autumn day inside the National Day week counts as that."""
    key = _holiday(day, country)
    if key != "mid_autumn" or country != "CN":
        return key
    beside = {_holiday(day + dt.timedelta(days=n), country) for n in (-1, 1)}
    return "national_day" if "national_day" in beside else key


def _holiday(day: dt.date, country: str) -> str:
    return national(day, country).holiday


def _by_lunar(day: dt.date, country: str) -> ComparableDay | None:
    offset = offset_of(day, country)
    if offset is None:
        return None
    year = (day - dt.timedelta(days=offset)).year - 1
    if year < FIRST_YEAR:
        return None
    return ComparableDay(
        day=lunar_new_year(year) + dt.timedelta(days=offset),
        rule="lunar",
        label=tr("same distance from the lunar new year: {distance}", distance=lunar_words(offset)),
    )


def _by_makeup(day: dt.date, calendar: ShopCalendar) -> ComparableDay | None:
    country = calendar.country
    key = national(day, country).makes_up
    if not key:
        return None
    about, target = _anchors(day, key, country) if country == "CN" else (None, None)
    if about and target:
        wanted = target + (day - about)
        held = [
            d
            for d in _around(target)
            if national(d, country).makes_up == key and (d < target) == (day < about)
        ]
        if held:
            words = tr("last year's make-up workday for {holiday}", holiday=holiday_label(key))
            found = min(held, key=lambda d: abs(d - wanted))
            return ComparableDay(day=found, rule="makeup", label=words)
    work = (d for d in _around(day - YEAR) if _is_ordinary(d, calendar) and _works(d, country))
    return ComparableDay(
        day=min(work, key=lambda d: abs(d - (day - YEAR))),
        rule="makeup",
        label=tr("nearest ordinary workday 364 days before, for want of a make-up workday"),
    )


def _by_weekday(day: dt.date, calendar: ShopCalendar) -> ComparableDay:
    country, plain = calendar.country, day - YEAR
    if _is_ordinary(plain, calendar):
        label = tr("same weekday 364 days before")
        return ComparableDay(
            day=plain, rule="weekday", label=_with_doubt(label, country, day, plain)
        )
    weeks = sorted(range(-8, 9), key=abs)
    near = (plain + dt.timedelta(weeks=n) for n in weeks)
    found = next((d for d in near if _is_ordinary(d, calendar)), plain)
    label = tr(
        "nearest ordinary one of that weekday, as 364 days before was: {words}",
        words=calendar_words(plain, calendar),
    )
    return ComparableDay(
        day=found, rule="near_weekday", label=_with_doubt(label, country, day, found)
    )


def _with_doubt(label: str, country: str, *days: dt.date) -> str:
    """The label, saying so where the public holidays of a day's year are not known."""
    for day in days:
        if _holiday(day, country) == UNANNOUNCED:
            return tr("{label} (public holidays of {year} not known)", label=label, year=day.year)
    return label


def _is_ordinary(day: dt.date, calendar: ShopCalendar) -> bool:
    """No holiday, no make-up workday, no festival, no lunar new year near."""
    country = calendar.country
    state = national(day, country)
    special = state.holiday not in ("", UNANNOUNCED) or state.makes_up
    away = offset_of(day, country) is None and calendar.span_of(day) is None
    return not special and away


def _works(day: dt.date, country: str) -> bool:
    return national(day, country).is_workday is True


def _around(day: dt.date) -> Iterator[dt.date]:
    """The days around a day, in order."""
    for offset in range(-REACH, REACH + 1):
        yield day + dt.timedelta(days=offset)
