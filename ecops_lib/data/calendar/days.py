"""A period as a table of days, and a day in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from ecops_lib.core.checks import require_columns, require_span
from ecops_lib.core.language import ntr, reader, tr
from ecops_lib.data.calendar.festivals import FESTIVALS, PHASES, Span, festival_span
from ecops_lib.data.calendar.lunar import lunar_offset
from ecops_lib.data.calendar.national import UNANNOUNCED, National, holiday_label, national

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
        country: ISO code; festivals of the Chinese platforms are for ``CN`` alone.
        events: The shop's own ``shop_events``: those of kind ``campaign`` are named.

    Returns:
        One row a day: ``day`` (datetime64), ``weekday`` (0 is Monday), ``is_workday``
        and ``is_makeup`` (nullable: missing where the year's holidays are not known),
        ``holiday`` (key, empty, or ``unannounced``), ``festival`` and ``phase`` (keys or
        empty), ``basis`` (how far the festival's dates can be relied on), ``lunar_day``
        (days from the lunar new year, within 30, else NaN), ``event``.

    Raises:
        ParameterError: The period ends before it starts, or the country is unknown.
        ColumnError: ``events`` lacks a column.

    >>> days = describe_days(dt.date(2025, 9, 28), dt.date(2025, 10, 1))
    >>> days[["is_workday", "is_makeup", "holiday"]].values.tolist()[0::3]
    [[True, True, ''], [False, False, 'national_day']]
    """
    import pandas as pd

    require_span(start, end)
    campaigns = _campaigns(events)
    days = [start + dt.timedelta(days=n) for n in range((end - start).days + 1)]
    frame = pd.DataFrame([_row(day, country, campaigns) for day in days])
    frame["day"] = pd.to_datetime(frame["day"])
    kinds = {"is_workday": "boolean", "is_makeup": "boolean", "lunar_day": "float64"}
    return frame.astype(kinds)


def day_words(day: dt.date, *, country: str = "CN", events: pd.DataFrame | None = None) -> str:
    """A day in the reader's language: weekday, holiday, festival, lunar new year, campaign.

    Args:
        day: The day.
        country: ISO code.
        events: The shop's own ``shop_events``.

    >>> day_words(dt.date(2024, 10, 17))
    'Thursday, workday; Double 11 pre-sale, day 4'
    """
    from babel.dates import format_date

    weekday = format_date(day, "EEEE", locale=reader().locale)
    state = _state_words(day, national(day, country))
    parts = [tr("{weekday}, {kind}", weekday=weekday, kind=state)]
    if span := span_of(day, country):
        parts.append(_span_words(span, day))
    offset = offset_of(day, country)
    if offset is not None:
        parts.append(lunar_words(offset))
    if event := _event(day, _campaigns(events)):
        parts.append(tr("own campaign {name}", name=event))
    return tr("; ").join(parts)


def span_of(day: dt.date, country: str) -> Span | None:
    """The festival phase of a day, for the country that has these festivals."""
    return festival_span(day) if country == "CN" else None


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


def _row(
    day: dt.date, country: str, campaigns: list[tuple[dt.date, dt.date, str]]
) -> dict[str, Any]:
    state, span, offset = national(day, country), span_of(day, country), offset_of(day, country)
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
        "event": _event(day, campaigns),
    }


def _campaigns(events: pd.DataFrame | None) -> list[tuple[dt.date, dt.date, str]]:
    """First day, last day and name of the shop's own campaigns; no last day means one day."""
    if events is None or events.empty:
        return []
    import pandas as pd

    require_columns(list(events.columns), ("kind", "name", "starts_on"), table="shop_events")
    own = events.loc[events["kind"] == "campaign"]
    first = pd.to_datetime(own["starts_on"])
    last = pd.to_datetime(own["ends_on"]).fillna(first) if "ends_on" in own.columns else first
    names = own["name"].astype("string").fillna("")
    rows = zip(first, last, names, strict=True)
    return sorted((a.date(), b.date(), str(name)) for a, b, name in rows if not pd.isna(a))


def _event(day: dt.date, campaigns: list[tuple[dt.date, dt.date, str]]) -> str:
    return " + ".join(name for first, last, name in campaigns if first <= day <= last)


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
