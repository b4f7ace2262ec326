"""A period as a table of days, and a day in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from ecops_lib.core.checks import require_span
from ecops_lib.core.language import ntr, reader, tr
from ecops_lib.data.calendar.festivals import FESTIVALS, PHASES, Span
from ecops_lib.data.calendar.lunar import lunar_offset
from ecops_lib.data.calendar.national import UNANNOUNCED, National, holiday_label, national
from ecops_lib.data.calendar.own import ShopCalendar, read_calendar

if TYPE_CHECKING:
    import pandas as pd

LUNAR_COUNTRIES = frozenset({"CN", "HK", "MO", "TW", "SG", "MY"})
"""Countries whose days are counted from the lunar new year."""


def describe_days(
    start: dt.date,
    end: dt.date,
    *,
    country: str = "CN",
    events: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What kind of day each day of a period is.

    Args:
        start: First day.
        end: Last day, included.
        country: ISO code; the table of the Chinese platforms' festivals is for ``CN`` alone.
        events: The shop's own ``shop_events``: those of kind ``campaign`` are named, and
            those that name a festival and a phase date it instead of the table.

    Returns:
        One row a day: ``day`` (datetime64), ``weekday`` (0 is Monday), ``is_workday``
        and ``is_makeup`` (nullable: missing where the year's holidays are not known),
        ``holiday`` (key, empty, or ``unannounced``), ``festival`` and ``phase`` (keys or
        empty), ``basis`` (how far the festival's dates can be relied on; ``own`` are the
        shop's), ``lunar_day`` (days from the lunar new year, within 30, else NaN),
        ``event`` (names of its campaigns).

    Raises:
        ParameterError: The period ends before it starts, or the country is unknown.
        ColumnError: ``events`` lacks a column.

    >>> days = describe_days(dt.date(2025, 9, 28), dt.date(2025, 10, 1))
    >>> days[["is_workday", "is_makeup", "holiday"]].values.tolist()[0::3]
    [[True, True, ''], [False, False, 'national_day']]
    """
    import pandas as pd

    require_span(start, end)
    calendar = read_calendar(country, events)
    days = [start + dt.timedelta(days=n) for n in range((end - start).days + 1)]
    frame = pd.DataFrame([_row(day, calendar) for day in days])
    frame["day"] = pd.to_datetime(frame["day"])
    kinds = {"is_workday": "boolean", "is_makeup": "boolean", "lunar_day": "float64"}
    return frame.astype(kinds)


def day_words(day: dt.date, *, country: str = "CN", events: pd.DataFrame | None = None) -> str:
    """A day in the reader's language: weekday, holiday, festival, lunar new year, campaign.

    Args:
        day: The day.
        country: ISO code.
        events: The shop's own ``shop_events``, as for ``describe_days``.

    >>> day_words(dt.date(2024, 10, 17))
    'Thursday, workday; Double 11 pre-sale, day 4'
    """
    return calendar_words(day, read_calendar(country, events))


def calendar_words(day: dt.date, calendar: ShopCalendar) -> str:
    """A day in words, as ``day_words``, with the diary already read."""
    from babel.dates import format_date

    weekday = format_date(day, "EEEE", locale=reader().locale)
    state = _state_words(day, national(day, calendar.country))
    parts = [tr("{weekday}, {kind}", weekday=weekday, kind=state)]
    if span := calendar.span_of(day):
        parts.append(_span_words(span, day))
    offset = offset_of(day, calendar.country)
    if offset is not None:
        parts.append(lunar_words(offset))
    if event := calendar.event(day):
        parts.append(tr("own campaign {name}", name=event))
    return tr("; ").join(parts)


def offset_of(day: dt.date, country: str) -> int | None:
    """Days from the lunar new year, for the countries that celebrate it."""
    return lunar_offset(day) if country in LUNAR_COUNTRIES else None


def lunar_words(offset: int) -> str:
    """Days from the lunar new year in words."""
    if offset == 0:
        return tr("lunar new year's day")
    if offset < 0:
        return ntr(
            "{n} day before the lunar new year",
            "{n} days before the lunar new year",
            -offset,
            n=-offset,
        )
    return ntr(
        "{n} day after the lunar new year", "{n} days after the lunar new year", offset, n=offset
    )


def _row(day: dt.date, calendar: ShopCalendar) -> dict[str, Any]:
    country, span = calendar.country, calendar.span_of(day)
    state, offset = national(day, country), offset_of(day, country)
    known = state.is_workday is not None
    return {
        "day": day,
        "weekday": day.weekday(),
        "is_workday": state.is_workday,
        "holiday": state.holiday,
        "is_makeup": bool(state.makes_up) if known else None,
        "festival": span.festival if span else "",
        "phase": span.phase if span else "",
        "basis": span.basis if span else "",
        "lunar_day": offset,
        "event": calendar.event(day),
    }


def _state_words(day: dt.date, state: National) -> str:
    if state.holiday == UNANNOUNCED:
        return tr("public holidays of {year} not known", year=day.year)
    if state.makes_up:
        return tr("make-up workday for {holiday}", holiday=holiday_label(state.makes_up))
    if state.holiday:
        return holiday_label(state.holiday)
    return tr("workday") if state.is_workday else tr("day off")


def _span_words(span: Span, day: dt.date) -> str:
    words = tr(
        "{festival} {phase}, day {number}",
        festival=tr(FESTIVALS[span.festival]),
        phase=tr(PHASES[span.phase]),
        number=span.number(day),
    )
    return tr("{words} (dates by pattern)", words=words) if span.basis == "pattern" else words
