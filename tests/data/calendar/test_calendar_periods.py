"""Weeks and months: which days they are, and which days are like them."""

from __future__ import annotations

import datetime as dt

import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.calendar.periods import read_period

AS_OF = dt.date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "first", "end", "name"),
    [
        ("2026-W46", "2026-11-09", "2026-11-15", "2026-W46"),
        ("2026W7", "2026-02-09", "2026-02-15", "2026-W07"),
        ("2025-W01", "2024-12-30", "2025-01-05", "2025-W01"),
        ("2026-10", "2026-10-01", "2026-10-31", "2026-10"),
        ("2024-2", "2024-02-01", "2024-02-29", "2024-02"),
        ("", "2026-11-16", "2026-11-22", "2026-W47"),
        ("上周", "2026-11-16", "2026-11-22", "2026-W47"),
        ("last_month", "2026-10-01", "2026-10-31", "2026-10"),
    ],
)
def test_names_give_their_days(text: str, first: str, end: str, name: str) -> None:
    period = read_period(text, as_of=AS_OF)
    assert (str(period.first), str(period.end), period.name) == (first, end, name)
    assert period.whole


@pytest.mark.parametrize("text", ["2026-W46", "2026-10", "2026-02", "2026-11", "2026-W47"])
def test_the_days_before_have_the_same_weekdays_and_do_not_overlap(text: str) -> None:
    period = read_period(text, as_of=AS_OF)
    first, last = period.before
    assert last < period.first
    assert (last - first).days + 1 == period.days
    assert first.weekday() == period.first.weekday()
    assert (period.year[1] - period.year[0]).days + 1 == period.days


def test_a_month_that_goes_on_is_cut_and_says_so() -> None:
    period = read_period("2026-11", as_of=AS_OF)
    assert (period.last, period.days, period.whole) == (AS_OF, 22, False)
    assert period.words() == "2026-11 so far (2026-11-01 to 2026-11-22)"
    with reading("zh", "CNY"):
        assert period.words() == "2026-11（截至目前，2026-11-01 至 2026-11-22）"


def test_a_week_of_the_mid_autumn_festival_is_compared_with_the_festival() -> None:
    period = read_period("2026-W39", as_of=AS_OF)
    assert period.first == dt.date(
        2026, 9, 21
    )  # Mid-Autumn is 25 September 2026, was 6 October 2025
    lunar = read_period("2026-02", as_of=AS_OF)
    assert (lunar.first - lunar.year[0]).days > 364 - 40


def test_what_names_no_period_is_refused() -> None:
    for text in ("2026-13", "2026-W60", "autumn", "2026", "2026-10-05"):
        with pytest.raises(ParameterError, match="use a week such as '2026-W46'"):
            read_period(text, as_of=AS_OF)
    with pytest.raises(ParameterError, match="which begins on 2026-12-01; the data end on"):
        read_period("2026-12", as_of=AS_OF)
