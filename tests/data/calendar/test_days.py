"""Days in tables and in words, against the decrees and announcements of known years."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pandas as pd
import pytest

from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.calendar import day_words, describe_days
from ecops_lib.data.calendar.festivals import FESTIVALS, edition, festival_span
from ecops_lib.data.calendar.lunar import holiday_anchor, lunar_new_year, lunar_offset
from ecops_lib.data.calendar.national import UNANNOUNCED, announced_years, national


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def table(first: str, last: str, **options: object) -> pd.DataFrame:
    return describe_days(day(first), day(last), **options).set_index("day")


def test_national_day_2025_as_decreed_with_its_two_makeup_workdays() -> None:
    days = table("2025-09-27", "2025-10-12")
    off = days.index[(days["holiday"] != "")]
    assert [f"{d:%m-%d}" for d in off] == [f"10-{n:02d}" for n in range(1, 9)]
    assert [f"{d:%m-%d}" for d in days.index[days["is_makeup"]]] == ["09-28", "10-11"]
    assert days.loc["2025-10-06", "holiday"] == "mid_autumn"
    assert not days.loc["2025-09-27", "is_workday"]
    assert days.loc["2025-10-11", "is_workday"]


def test_spring_festival_2026_as_decreed() -> None:
    days = table("2026-02-13", "2026-02-28")
    off = days.index[days["holiday"] == "spring_festival"]
    assert (off.min(), off.max(), len(off)) == (
        pd.Timestamp("2026-02-15"),
        pd.Timestamp("2026-02-23"),
        9,
    )
    assert list(days.index[days["is_makeup"]]) == [
        pd.Timestamp("2026-02-14"),
        pd.Timestamp("2026-02-28"),
    ]


@pytest.mark.parametrize(
    "new_year", ["2020-01-25", "2023-01-22", "2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06"]
)
def test_lunar_new_year_and_the_days_around_it(new_year: str) -> None:
    first = day(new_year)
    assert lunar_new_year(first.year) == first
    near = [lunar_offset(first + dt.timedelta(days=n)) for n in (-31, -30, -1, 0, 30, 31)]
    assert near == [None, -30, -1, 0, 30, None]


def test_holidays_lie_on_the_day_they_are_about() -> None:
    for year in range(2008, 2027):
        for key in ("new_year", "spring_festival", "tomb_sweeping", "labour_day", "national_day"):
            assert national(holiday_anchor(key, year), "CN").holiday == key
        for key in ("dragon_boat", "mid_autumn"):
            held = national(holiday_anchor(key, year), "CN").holiday
            assert held in (key, "national_day")


def test_years_without_a_decree_are_unannounced_not_guessed() -> None:
    first, last = announced_years("CN")
    days = table(f"{last}-12-30", f"{last + 1}-01-02")
    assert days["is_workday"].isna().tolist() == [False, False, True, True]
    assert days["is_makeup"].isna().tolist() == [False, False, True, True]
    assert days["holiday"].tolist()[2:] == [UNANNOUNCED] * 2
    assert "not known" in day_words(dt.date(last + 1, 5, 1))
    assert national(dt.date(first - 1, 10, 1), "CN").holiday == UNANNOUNCED


@pytest.mark.parametrize(
    ("text", "festival", "phase", "basis"),
    [
        ("2022-10-23", "", "", ""),
        ("2022-10-24", "double11", "presale", "announced"),
        ("2022-10-31", "double11", "burst", "announced"),
        ("2022-11-05", "double11", "warmup", "recalled"),
        ("2024-10-14", "double11", "presale", "announced"),
        ("2025-10-15", "double11", "presale", "announced"),
        ("2024-05-20", "festival618", "burst", "announced"),
        ("2025-05-13", "festival618", "presale", "announced"),
        ("2020-06-20", "festival618", "encore", "announced"),
        ("2026-11-13", "double11", "encore", "pattern"),
        ("2026-03-08", "women38", "burst", "pattern"),
        ("2025-12-12", "double12", "burst", "pattern"),
        ("2026-01-29", "new_year_goods", "burst", "pattern"),
        ("2016-11-11", "double11", "burst", "peak only"),
        ("2016-11-10", "", "", ""),
        ("2008-11-11", "", "", ""),
    ],
)
def test_festival_phases(text: str, festival: str, phase: str, basis: str) -> None:
    row = table(text, text).iloc[0]
    assert (row["festival"], row["phase"], row["basis"]) == (festival, phase, basis)


@pytest.mark.parametrize("year", range(2019, 2032))
def test_spans_of_a_year_follow_one_another_without_overlap(year: int) -> None:
    spans = sorted(
        (span for name in FESTIVALS for span in edition(name, year)), key=lambda span: span.first
    )
    assert all(span.first <= span.last for span in spans)
    assert all(a.last < b.first for a, b in pairwise(spans))
    named = {name: [s for s in spans if s.festival == name] for name in FESTIVALS}
    assert all(any(s.phase == "burst" for s in held) for held in named.values())
    for name, month, date in (("double11", 11, 11), ("festival618", 6, 18), ("women38", 3, 8)):
        span = festival_span(dt.date(year, month, date))
        assert (span.festival, span.phase) == (name, "burst")


def test_own_campaigns_are_named_and_other_events_are_not() -> None:
    events = pd.DataFrame(
        {
            "kind": ["campaign", "campaign", "outage"],
            "name": ["<b>spring</b>", "live", "crash"],
            "starts_on": ["2026-04-01", "2026-04-02", "2026-04-02"],
            "ends_on": ["2026-04-02", None, None],
        }
    )
    days = table("2026-03-31", "2026-04-03", events=events)
    assert days["event"].tolist() == ["", "<b>spring</b>", "<b>spring</b> + live", ""]
    assert day_words(day("2026-04-01"), events=events).endswith("own campaign <b>spring</b>")
    with pytest.raises(ColumnError, match="shop_events has no column 'starts_on'"):
        describe_days(day("2026-04-01"), day("2026-04-01"), events=events.drop(columns="starts_on"))


def test_other_countries_have_their_holidays_and_no_chinese_festivals() -> None:
    days = table("2011-11-11", "2011-12-27", country="GB")
    assert set(days["festival"]) == {""}
    assert days["lunar_day"].isna().all()
    assert "Christmas" in days.loc["2011-12-27", "holiday"]
    assert not days.loc["2011-12-27", "is_workday"]
    assert national(day("2011-08-29"), "GB-ENG").holiday != ""
    with pytest.raises(ParameterError, match="country is 'XX'"):
        describe_days(day("2026-01-01"), day("2026-01-02"), country="XX")


def test_types_do_not_depend_on_the_days() -> None:
    one, year = table("2026-07-01", "2026-07-01"), table("2026-01-01", "2027-01-31")
    assert one.dtypes.to_dict() == year.dtypes.to_dict()
    assert list(year["weekday"][:4]) == [3, 4, 5, 6]
    with pytest.raises(ParameterError, match="ends on 2026-01-01 before"):
        describe_days(day("2026-01-02"), day("2026-01-01"))


def test_days_in_words_in_both_languages() -> None:
    assert day_words(day("2025-10-11")) == "Saturday, make-up workday for National Day"
    assert day_words(day("2025-01-29")) == "Wednesday, Spring Festival; lunar new year's day"
    assert day_words(day("2026-11-11")).endswith("Double 11 burst, day 12 (dates by pattern)")
    with reading("zh"):
        assert day_words(day("2024-10-17")) == "星期四，工作日；双11预售第4天"
        assert day_words(day("2025-01-28")) == "星期二，春节；春节前1天"
