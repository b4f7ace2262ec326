"""Year-on-year days, rule by rule, on known dates."""

from __future__ import annotations

import datetime as dt

import pytest

from ecops_lib.core.language import reading
from ecops_lib.data.calendar import comparable_day

KNOWN = [
    # rule 1: festivals
    ("2025-11-11", "2024-11-11", "festival"),
    ("2025-10-15", "2024-10-14", "festival"),  # first day of pre-sale with first day
    ("2024-05-20", "2023-05-31", "festival"),  # first wave with first wave
    ("2025-06-18", "2024-06-18", "festival"),
    ("2026-03-08", "2025-03-08", "festival"),  # though the lunar new year is near
    ("2024-06-10", "2023-06-15", "festival"),  # 2023's main span was shorter
    ("2025-05-14", "2024-05-15", "weekday"),  # 618 of 2024 had no pre-sale
    # rule 2: public holidays
    ("2025-10-01", "2024-10-01", "holiday"),
    ("2025-10-06", "2024-10-06", "holiday"),  # mid-autumn inside the National Day week
    ("2025-10-08", "2024-10-07", "holiday"),  # an eighth day, where 2024 had seven
    ("2025-05-04", "2024-05-04", "holiday"),
    ("2024-09-17", "2023-09-29", "holiday"),  # mid-autumn by the moon
    ("2023-01-02", "2022-01-02", "holiday"),
    ("2022-12-31", "2022-01-01", "holiday"),  # New Year's of 2023 begins in 2022
    # rule 3: lunar new year
    ("2024-02-10", "2023-01-22", "lunar"),
    ("2025-01-29", "2024-02-10", "lunar"),
    ("2026-02-17", "2025-01-29", "lunar"),
    ("2026-02-10", "2025-01-22", "lunar"),
    ("2024-02-04", "2023-01-16", "lunar"),  # a make-up Sunday of Spring Festival
    # rule 4: make-up workdays
    ("2025-09-28", "2024-09-29", "makeup"),
    ("2025-10-11", "2024-10-12", "makeup"),
    ("2024-09-29", "2023-09-28", "makeup"),  # none before the holiday in 2023
    # rules 5 and 6: weekdays
    ("2026-07-21", "2025-07-22", "weekday"),
    ("2025-09-30", "2024-09-24", "near_weekday"),  # 364 days before was National Day
    ("2024-09-30", "2023-09-25", "near_weekday"),
]


@pytest.mark.parametrize(("text", "expected", "rule"), KNOWN)
def test_comparable_days_of_known_dates(text: str, expected: str, rule: str) -> None:
    found = comparable_day(dt.date.fromisoformat(text))
    assert (found.day.isoformat(), found.rule) == (expected, rule)


def test_every_day_has_one_about_a_year_before_and_words_for_it() -> None:
    for number in range(366 * 3):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=number)
        found = comparable_day(day)
        assert 300 < (day - found.day).days < 430
        assert found.label
        if found.rule.endswith("weekday"):
            assert found.day.weekday() == day.weekday()


def test_labels_name_the_rule_in_both_languages() -> None:
    october = comparable_day(dt.date(2025, 10, 8))
    assert october.label == "nearest day of last year's National Day, which was shorter"
    shifted = comparable_day(dt.date(2025, 9, 30))
    assert shifted.label == (
        "nearest ordinary one of that weekday, as 364 days before was: Tuesday, National Day"
    )
    with reading("zh"):
        assert comparable_day(dt.date(2025, 10, 15)).label == "对比去年双11预售第1天"
        assert comparable_day(dt.date(2026, 2, 10)).label == "按农历对齐：春节前7天"


def test_a_year_without_decree_says_so() -> None:
    assert "2028 not known" in comparable_day(dt.date(2028, 7, 4)).label


def test_other_countries_compare_holidays_by_name() -> None:
    christmas = comparable_day(dt.date(2025, 12, 25), country="US")
    assert (christmas.day, christmas.rule) == (dt.date(2024, 12, 25), "holiday")
    thanks = comparable_day(dt.date(2025, 11, 27), country="US")
    assert (thanks.day, thanks.rule) == (dt.date(2024, 11, 28), "holiday")
    plain = comparable_day(dt.date(2025, 11, 11), country="GB")
    assert (plain.day, plain.rule) == (dt.date(2024, 11, 12), "weekday")
