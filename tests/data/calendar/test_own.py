"""The shop's own festival dates in place of the table's."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from ecops_lib.core.language import reading
from ecops_lib.data.calendar import comparable_day, day_words, describe_days
from ecops_lib.data.calendar.festivals import edition
from ecops_lib.data.calendar.own import named_phase, read_calendar

DOUBLE_11 = (
    ("双11预售", "10-20", "10-31"),
    ("双11开门红", "11-01", "11-03"),
    ("双11预热", "11-04", "11-09"),
    ("双11爆发", "11-10", "11-11"),
    ("双11返场", "11-12", "11-13"),
)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def diary(*rows: tuple[str, str, str | None], **columns: object) -> pd.DataFrame:
    held = pd.DataFrame(rows, columns=["name", "starts_on", "ends_on"])
    return held.assign(**{"kind": "campaign", **columns})


def year_of(year: int) -> pd.DataFrame:
    return diary(*((name, f"{year}-{a}", f"{year}-{b}") for name, a, b in DOUBLE_11))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("天猫双11预售", ("double11", "presale")),
        ("双十一 开门红", ("double11", "burst")),
        ("双１１返场", ("double11", "encore")),
        ("Double 11 Warm-up", ("double11", "warmup")),
        ("Singles’ Day burst", ("double11", "burst")),
        ("11.11 encore", ("double11", "encore")),
        ("双11预售正式开启", ("double11", "presale")),
        ("双11正式开售", ("double11", "burst")),
        ("618预热", ("festival618", "warmup")),
        ("双12爆发", ("double12", "burst")),
        ("Double Twelve opening", ("double12", "burst")),
        ("38预热", ("women38", "warmup")),
        ("三八女王节爆发", ("women38", "burst")),
        ("3.8 festival pre-sale", ("women38", "presale")),
        ("年货节预售", ("new_year_goods", "presale")),
        ("双11", None),  # which phase?
        ("预售", None),  # of what?
        ("双11双12预热", None),
        ("双11预售预热", None),
        ("满618减38爆发", None),  # prices
        ("618元爆发价", None),
        ("货号1618爆发", None),
        ("双111预热", None),
    ],
)
def test_a_name_dates_a_festival_if_it_names_one_and_one_phase(
    name: str, expected: tuple[str, str] | None
) -> None:
    assert named_phase(name) == expected


def test_own_dates_stand_in_place_of_the_whole_edition() -> None:
    days = describe_days(day("2026-10-09"), day("2026-11-15"), events=year_of(2026))
    dated = days[days["festival"] != ""]
    told = dated.groupby("phase")["day"].agg(["min", "max", "size"])
    assert {phase: f"{a:%m-%d} {b:%m-%d} {n}" for phase, a, b, n in told.itertuples()} == {
        "presale": "10-20 10-31 12",
        "warmup": "11-04 11-09 6",
        "burst": "11-01 11-11 5",
        "encore": "11-12 11-13 2",
    }
    assert set(dated["festival"]) == {"double11"}
    assert set(dated["basis"]) == {"own"}
    assert days.set_index("day").loc["2026-10-15", "phase"] == ""  # the table's pre-sale


def test_other_festivals_and_other_years_keep_the_table() -> None:
    calendar = read_calendar("CN", year_of(2026))
    assert calendar.edition("double11", 2025) == edition("double11", 2025)
    assert calendar.edition("festival618", 2026) == edition("festival618", 2026)
    assert [s.wave for s in calendar.edition("double11", 2026) if s.phase == "burst"] == [1, 2]


@pytest.mark.parametrize(
    "events",
    [
        diary(("春季上新", "2026-10-20", "2026-10-31")),
        diary(("双11", "2026-10-20", "2026-10-31")),
        diary(("双11预售", "2026-10-20", "2026-10-31"), kind="coupon"),
        diary(("双11预售", "2026-10-20", "2026-10-31"), product_id="P1"),
        diary(("双11预售", "2026-10-31", "2026-10-20")),  # ends before it starts
        diary(("双11预售", None, None)),
        year_of(2026).head(0),
    ],
)
def test_what_names_no_festival_of_the_shop_changes_no_festival(events: pd.DataFrame) -> None:
    columns = ["festival", "phase", "basis"]
    first, last = day("2026-10-01"), day("2026-11-20")
    with_diary = describe_days(first, last, events=events)
    pd.testing.assert_frame_equal(with_diary[columns], describe_days(first, last)[columns])
    assert comparable_day(day("2026-10-27"), events=events) == comparable_day(day("2026-10-27"))


def test_words_are_sure_of_the_shop_s_own_dates() -> None:
    assert day_words(day("2026-10-27")).endswith("Double 11 warm-up, day 3 (dates by pattern)")
    events = year_of(2026)
    words = day_words(day("2026-10-27"), events=events)
    assert words == "Tuesday, workday; Double 11 pre-sale, day 8; own campaign 双11预售"
    with reading("zh"):
        assert "双11预售第8天" in day_words(day("2026-10-27"), events=events)


@pytest.mark.parametrize(
    ("text", "own_years", "expected"),
    [
        ("2026-10-27", (2025, 2026), "2025-10-27"),  # day 8 with day 8
        ("2026-10-20", (2026,), "2025-10-15"),  # day 1 with day 1 of the table's
        ("2026-10-24", (2026,), "2025-10-19"),  # day 5, the table's last
        ("2026-10-27", (2026,), "2025-10-19"),  # the table's was shorter
        ("2026-10-15", (2025,), "2025-10-20"),  # the table's day 1 with the shop's
        ("2026-11-05", (2025, 2026), "2025-11-05"),
        ("2026-11-11", (2025, 2026), "2025-11-11"),
    ],
)
def test_phases_meet_day_by_day_across_the_years(
    text: str, own_years: tuple[int, ...], expected: str
) -> None:
    events = pd.concat([year_of(year) for year in own_years], ignore_index=True)
    found = comparable_day(day(text), events=events)
    assert (found.day.isoformat(), found.rule) == (expected, "festival")


def test_a_shifted_presale_is_compared_by_number_not_by_date() -> None:
    events = diary(
        ("双11预售", "2025-10-18", "2025-10-29"), ("双11预售", "2026-10-20", "2026-10-31")
    )
    found = comparable_day(day("2026-10-27"), events=events)
    assert found.day == day("2025-10-25")
    assert found.label == "day 8 of last year's Double 11 pre-sale"


def test_ordinary_days_are_ordinary_on_the_shop_s_dates_too() -> None:
    # 364 days before 2026-10-14 the table has nothing, but the shop had its pre-sale
    events = diary(
        ("双11预售", "2025-10-13", "2025-10-17"), ("双11预售", "2026-10-20", "2026-10-31")
    )
    found = comparable_day(day("2026-10-14"), events=events)
    assert (found.day, found.rule) == (day("2025-10-22"), "near_weekday")


def test_the_later_campaign_wins_and_overlapping_ones_of_a_phase_are_one() -> None:
    events = diary(
        ("天猫双11预售", "2026-10-14", "2026-10-20"),
        ("京东双11预售", "2026-10-12", "2026-10-18"),
        ("双11爆发", "2026-10-20", "2026-10-24"),
    )
    spans = read_calendar("CN", events).edition("double11", 2026)
    assert [(s.phase, s.wave, s.first.day, s.last.day) for s in spans] == [
        ("presale", 1, 12, 20),
        ("burst", 1, 20, 24),
    ]
    assert describe_days(day("2026-10-20"), day("2026-10-20"), events=events)["phase"][0] == "burst"


def test_new_year_goods_belong_to_the_new_year_they_lead_to() -> None:
    calendar = read_calendar("CN", diary(("年货节预热", "2025-12-28", "2026-01-04")))
    assert [s.phase for s in calendar.edition("new_year_goods", 2026)] == ["warmup"]
    assert calendar.span_of(day("2026-01-02")).festival == "new_year_goods"
    assert calendar.span_of(day("2026-01-29")) is None  # the table's burst no longer counts
    assert calendar.edition("new_year_goods", 2025) == edition("new_year_goods", 2025)


def test_own_festivals_count_in_other_countries_as_well() -> None:
    events = diary(("11.11 burst", "2026-11-11", None))
    assert describe_days(day("2026-11-11"), day("2026-11-12"), country="MY", events=events)[
        "festival"
    ].tolist() == ["double11", ""]
