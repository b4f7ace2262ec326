"""Days counted from the lunar new year, and the holidays that follow the moon or the sun."""

from __future__ import annotations

import datetime as dt
from functools import cache

from ecops_lib.core.errors import MissingDataError

FIRST_YEAR, LAST_YEAR = 1900, 2099
REACH = 30
"""Days before and after the lunar new year that are counted from it."""


@cache
def lunar_day(year: int, month: int, day: int) -> dt.date:
    """The date of a day of the Chinese lunar calendar.

    Args:
        year: Lunar year, named after the Gregorian year that it begins in.
        month: Lunar month (leap months cannot be asked for).
        day: Day of the month.

    Raises:
        MissingDataError: The year lies outside 1900 … 2099.

    >>> lunar_day(2026, 1, 1), lunar_day(2025, 8, 15)
    (datetime.date(2026, 2, 17), datetime.date(2025, 10, 6))
    """
    from lunardate import LunarDate

    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise MissingDataError(
            f"the lunar calendar is known for {FIRST_YEAR} to {LAST_YEAR}, not for {year}."
        )
    found: dt.date = LunarDate(year, month, day).to_solar_date()
    return found


def lunar_new_year(year: int) -> dt.date:
    """The first day of the lunar year that begins in a Gregorian year.

    >>> lunar_new_year(2024)
    datetime.date(2024, 2, 10)
    """
    return lunar_day(year, 1, 1)


def lunar_offset(day: dt.date) -> int | None:
    """Days from the lunar new year, or None more than 30 days away from it.

    >>> lunar_offset(dt.date(2025, 1, 28)), lunar_offset(dt.date(2025, 7, 1))
    (-1, None)
    """
    for year in (day.year, day.year + 1):
        if FIRST_YEAR <= year <= LAST_YEAR:
            offset = (day - lunar_new_year(year)).days
            if abs(offset) <= REACH:
                return offset
    return None


def holiday_anchor(key: str, year: int) -> dt.date | None:
    """The day that a Chinese public holiday is about, in a given year.

    Args:
        key: Holiday, as in ``national.HOLIDAYS``.
        year: Gregorian year.

    Returns:
        The day itself (not the first day off); None for a holiday held only once.

    >>> holiday_anchor("tomb_sweeping", 2024), holiday_anchor("mid_autumn", 2024)
    (datetime.date(2024, 4, 4), datetime.date(2024, 9, 17))
    """
    match key:
        case "new_year":
            return dt.date(year, 1, 1)
        case "spring_festival":
            return lunar_new_year(year)
        case "tomb_sweeping":
            return dt.date(year, 4, _qingming(year))
        case "labour_day":
            return dt.date(year, 5, 1)
        case "dragon_boat":
            return lunar_day(year, 5, 5)
        case "mid_autumn":
            return lunar_day(year, 8, 15)
        case "national_day":
            return dt.date(year, 10, 1)
        case _:
            return None


def _qingming(year: int) -> int:
    """Day of April of the solar term 清明, 2000 to 2099 (Shou Xing's formula)."""
    y = year % 100
    return int(y * 0.2422 + 4.81) - y // 4
