"""The weekdays and months of an industry's series."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.formats import show
from ecops_lib.core.language import reader, tr

Floats = NDArray[np.float64]
WEEK, WEEKS = 7, 4
"""Days of a week, and how often each weekday must have been seen."""
MONTH_DAYS = 20
"""Days of a month that must have been seen."""
YEAR = 365.25


@dataclass(frozen=True, kw_only=True)
class Season:
    """Factors of weekdays (from Monday) and months (from January); NaN where not told."""

    weekdays: tuple[float, ...]
    months: tuple[float, ...]


def measure_season(values: Floats, days: list[dt.date], *, growth: float) -> Season:
    """The median of each weekday and month over the whole, as multiples of the mean one.

    Weekdays are told from each day over the seven days around it, so that neither growth nor
    season counts. Months are told from the days less growth, and only where all twelve have
    been seen and growth is known: less than a year tells no month from growth.

    Args:
        values: One value a day in order, above zero; NaN where there is none.
        days: The days.
        growth: Logarithmic growth a year; NaN where it is not known.

    >>> days = [dt.date(2026, 1, 5) + dt.timedelta(days=k) for k in range(70)]
    >>> values = np.where(np.arange(70) % 7 == 6, 200.0, 100.0)
    >>> [round(factor, 2) for factor in measure_season(values, days, growth=0.0).weekdays]
    [0.88, 0.88, 0.88, 0.88, 0.88, 0.88, 1.75]
    """
    logs = np.log(values)
    weekday = np.array([day.weekday() for day in days])
    month = np.array([day.month - 1 for day in days])
    around = np.convolve(logs, np.ones(WEEK) / WEEK, mode="valid")
    inner = slice(WEEK // 2, len(logs) - WEEK // 2)
    near = logs[inner] - around if len(logs) >= WEEK else np.zeros(0)
    past = np.arange(len(logs)) / YEAR
    level = logs - growth * past
    return Season(
        weekdays=_factors(near, weekday[inner][: len(near)], WEEK, WEEKS),
        months=_factors(level, month, 12, MONTH_DAYS),
    )


def _factors(logs: Floats, part: NDArray[np.int64], parts: int, least: int) -> tuple[float, ...]:
    """The median of each part over their mean; NaN for all where one was seen too little."""
    held = [logs[(part == k) & np.isfinite(logs)] for k in range(parts)]
    if min(map(len, held)) < least:
        return (float("nan"),) * parts
    middle = np.array([np.median(one) for one in held])
    factors = np.exp(middle)
    return tuple(float(factor) for factor in factors / factors.mean())


def season_words(factors: tuple[float, ...]) -> str:
    """The strongest and the weakest part with what it is above or below the mean one."""
    from babel.dates import format_date

    if np.isnan(factors).any():
        return ""
    form = "EEE" if len(factors) == WEEK else "LLL"
    days = [
        dt.date(2024, 1, 1 + k) if len(factors) == WEEK else dt.date(2024, 1 + k, 1)
        for k in range(len(factors))
    ]
    return tr("{most} {above}, {least} {below}", **{
        key: word for names, place in ((("most", "above"), np.argmax(factors)),
                                       (("least", "below"), np.argmin(factors)))
        for key, word in zip(names, (
            format_date(days[place], form, locale=reader().locale),
            show(factors[place] - 1, "share", sign=True),
        ), strict=True)
    })  # fmt: skip
