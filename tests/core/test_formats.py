"""One formatter: every unit in both languages, and every kind of nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.formats import MISSING, Unit, excel_format, is_missing, show
from ecops_lib.core.language import reading

UNITS = get_args(Unit)
NUMBERS = tuple(unit for unit in UNITS if unit not in {"day", "time", "text"})
NOTHING = [
    None,
    float("nan"),
    np.float32("nan"),
    np.float64("nan"),
    Decimal("NaN"),
    Decimal("sNaN"),
    pd.NA,
    pd.NaT,
    np.datetime64("NaT"),
]
SHOWN = [
    (1234567.891, "money", "¥1,234,567.89", "¥1,234,567.89"),
    (Decimal("1234567.8950"), "money", "¥1,234,567.90", "¥1,234,567.90"),
    (1234567.4, "count", "1,234,567", "1,234,567"),
    (1234.567, "number", "1,234.57", "1,234.57"),
    (1234.0, "number", "1,234", "1,234"),
    (0.12345, "share", "12.34%", "12.34%"),
    (0.0123, "points", "1.23 pp", "1.23 个百分点"),
    (3.14159, "ratio", "3.14", "3.14"),
    (0.0321, "p_value", "0.032", "0.032"),
    (1e-9, "p_value", "< 0.001", "< 0.001"),
    (0.0, "p_value", "< 0.001", "< 0.001"),
    (1.5, "p_value", "—", "—"),
    (-12.5, "p_value", "—", "—"),
    (1, "days", "1 day", "1 天"),
    (2.5, "days", "2.5 days", "2.5 天"),
    (1, "hours", "1 hour", "1 小时"),
    (48, "hours", "48 hours", "48 小时"),
    (1, "seconds", "1 second", "1 秒"),
    (90.25, "seconds", "90.2 seconds", "90.2 秒"),
    (dt.date(2026, 11, 5), "day", "2026-11-05", "2026-11-05"),
    (pd.Timestamp("2026-11-05 07:08:09"), "time", "2026-11-05 07:08", "2026-11-05 07:08"),
    (pd.Timestamp("2026-11-05 07:08:09"), "day", "2026-11-05", "2026-11-05"),
    ("<b>文字</b> 😀", "text", "<b>文字</b> 😀", "<b>文字</b> 😀"),
    (np.int64(7), "count", "7", "7"),
]


@pytest.mark.parametrize(("value", "unit", "english", "chinese"), SHOWN)
def test_every_unit_in_both_languages(
    value: object, unit: Unit, english: str, chinese: str
) -> None:
    assert show(value, unit) == english
    with reading("zh"):
        assert show(value, unit) == chinese


def test_the_cases_above_leave_no_unit_out() -> None:
    assert {unit for _, unit, _, _ in SHOWN} == set(UNITS)


@pytest.mark.parametrize("value", NOTHING, ids=repr)
@pytest.mark.parametrize("unit", UNITS)
def test_nothing_is_a_dash_in_every_unit(value: object, unit: Unit) -> None:
    assert is_missing(value)
    assert show(value, unit) == show(value, unit, sign=True) == MISSING


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), Decimal("Infinity")], ids=repr)
@pytest.mark.parametrize("unit", NUMBERS)
def test_infinity_is_a_dash_and_not_a_number(value: object, unit: Unit) -> None:
    assert not is_missing(value)
    assert show(value, unit) == MISSING


@pytest.mark.parametrize("text", ["", "NaN", "NaT", "None", "nan"])
def test_text_that_looks_like_nothing_is_text(text: str) -> None:
    assert not is_missing(text)
    assert show(text) == text


@pytest.mark.parametrize("unit", NUMBERS)
@pytest.mark.parametrize("value", [0, 0.0, -0.0, Decimal("-0"), -1e-9, 1e-9], ids=repr)
def test_zero_carries_no_sign(value: object, unit: Unit) -> None:
    assert show(value, unit, sign=True) == show(0, unit)
    assert "-" not in show(value, unit)


@pytest.mark.parametrize("unit", [unit for unit in NUMBERS if unit != "p_value"])
def test_signs_stand_before_the_number(unit: Unit) -> None:
    assert show(-12.5, unit) == "-" + show(12.5, unit)
    assert show(12.5, unit, sign=True) == "+" + show(12.5, unit)


@pytest.mark.parametrize(
    ("currency", "english", "chinese"),
    [
        ("USD", "-$1,234.50", "-US$1,234.50"),
        ("GBP", "-£1,234.50", "-£1,234.50"),
        ("JPY", "-¥1,235", "-JP¥1,235"),
        ("CNY", "-¥1,234.50", "-¥1,234.50"),
    ],
)
def test_money_is_in_the_readers_currency(currency: str, english: str, chinese: str) -> None:
    value = -1234.5 if currency != "JPY" else -1234.6
    with reading("en", currency):
        assert show(value, "money") == english
    with reading("zh", currency):
        assert show(value, "money") == chinese


def test_a_workbook_has_a_format_for_every_unit() -> None:
    assert excel_format("text") == "@"
    assert {unit for unit in UNITS if excel_format(unit) == "@"} == {"text"}
