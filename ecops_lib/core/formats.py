"""One formatter for words, tables and charts, so that they print the same number."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from typing import Literal

from ecops_lib.core.language import Reader, ntr, reader, tr

Unit = Literal[
    "money",
    "count",
    "number",
    "share",
    "points",
    "ratio",
    "p_value",
    "days",
    "hours",
    "seconds",
    "day",
    "time",
    "text",
]
"""How a number is shown. ``share`` is a fraction shown in per cent; ``points`` is a
difference of two shares in percentage points; ``ratio`` a plain quotient such as ROAS;
``p_value`` a chance under a null hypothesis, shown as small when it is; ``number`` a
count that need not be whole; ``day`` a date and ``time`` a moment."""

MISSING = "—"
LEAST_P = 0.001
"""P-values below this one are all shown alike."""


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing: None, NaN, NaT or pandas' NA."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    if type(value).__name__ == "datetime64":
        return str(value) == "NaT"
    return isinstance(value, Real) and math.isnan(value)


def show(value: object, unit: Unit = "text", *, sign: bool = False) -> str:
    """A value as the present reader expects to see it.

    Args:
        value: The number, date or text; a missing one is shown as a dash.
        unit: What the number measures.
        sign: Whether a positive number carries a plus sign.

    >>> show(0.0345, "share"), show(-1234.5, "money"), show(float("nan"), "count")
    ('3.45%', '-¥1,234.50', '—')
    >>> show(0.012, "points", sign=True), show(0.0321, "p_value"), show(1e-9, "p_value")
    ('+1.20 pp', '0.032', '< 0.001')
    """
    if is_missing(value):
        return MISSING
    if isinstance(value, dt.datetime | dt.date) or unit in {"day", "time", "text"}:
        return _show_words(value, unit)
    number = float(value)  # type: ignore[arg-type]
    if math.isinf(number):
        return MISSING
    if unit == "p_value":
        return _show_p_value(number)
    text = _show_size(abs(number), unit, reader())
    if not any(digit in text for digit in "123456789"):
        return text
    return ("-" if number < 0 else "+" if sign else "") + text


def show_short(value: object, unit: Unit = "number", *, sign: bool = False) -> str:
    """A value in the little room of an axis: about three digits, 万 and 亿 or K and M.

    Args:
        value: The number or day; a missing one is shown as a dash.
        unit: What the number measures.
        sign: Whether a positive number carries a plus sign.

    >>> show_short(123456, "money"), show_short(0.035, "share"), show_short(-1500, "count")
    ('¥123.5K', '3.5%', '-1.5K')
    >>> show_short(dt.date(2026, 11, 5), "day")
    '11-05'
    """
    from babel.numbers import format_compact_decimal, format_percent, get_currency_symbol

    if not is_missing(value) and isinstance(value, dt.date):
        return f"{value:%m-%d %H:%M}" if unit == "time" else f"{value:%m-%d}"
    if unit in {"points", "days", "hours", "seconds", "day", "time", "text"} or is_missing(value):
        return show(value, unit, sign=sign)
    number, locale = float(value), reader().locale  # type: ignore[arg-type]
    if math.isinf(number):
        return MISSING
    if unit == "share":
        text = format_percent(abs(number), "#,##0.#%", locale=locale)
    else:
        text = format_compact_decimal(abs(number), locale=locale, fraction_digits=1)
    if unit == "money":
        text = get_currency_symbol(_currency(), locale=locale).replace("CN¥", "¥") + text
    if not any(digit in text for digit in "123456789"):
        return text
    return ("-" if number < 0 else "+" if sign else "") + text


def _show_words(value: object, unit: Unit) -> str:
    from babel.dates import format_date

    if isinstance(value, dt.datetime) and unit == "time":
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, dt.date):
        return format_date(value, "yyyy-MM-dd", locale=reader().locale)
    return str(value)


def _show_p_value(number: float) -> str:
    """Three places, never a zero, which no test can show; a dash for what is no chance."""
    from babel.numbers import format_decimal

    if not -1e-6 <= number <= 1 + 1e-6:
        return MISSING
    if number < LEAST_P:
        return f"< {format_decimal(LEAST_P, '0.000', locale=reader().locale)}"
    return format_decimal(number, "0.000", locale=reader().locale)


@lru_cache(maxsize=50_000)
def _show_size(number: float, unit: Unit, reader: Reader) -> str:
    """A size in its unit; kept, for a page shows most numbers twice."""
    from babel.numbers import format_currency, format_decimal, format_percent

    locale = reader.locale
    match unit:
        case "money":
            symbol = format_currency(number, reader.currency, locale=locale)
            return symbol.replace("CN¥", "¥")
        case "share":
            return format_percent(number, "#,##0.00%", locale=locale)
        case "points":
            return tr("{number} pp", number=format_decimal(number * 100, "#,##0.00", locale=locale))
        case "ratio":
            return format_decimal(number, "#,##0.00", locale=locale)
        case "days" | "hours" | "seconds":
            return _show_duration(number, unit)
        case "count":
            return format_decimal(number, "#,##0", locale=locale)
        case _:
            return format_decimal(number, "#,##0.##", locale=locale)


def _currency() -> str:
    return reader().currency


def _show_duration(number: float, unit: Literal["days", "hours", "seconds"]) -> str:
    from babel.numbers import format_decimal

    text = format_decimal(number, "#,##0.#", locale=reader().locale)
    match unit:
        case "days":
            return ntr("{number} day", "{number} days", number, number=text)
        case "hours":
            return ntr("{number} hour", "{number} hours", number, number=text)
        case "seconds":
            return ntr("{number} second", "{number} seconds", number, number=text)


def excel_format(unit: Unit) -> str:
    """The number format of a workbook's column for a unit."""
    return {
        "money": "#,##0.00",
        "count": "#,##0",
        "number": "#,##0.##",
        "share": "0.00%",
        "points": "0.00%",
        "ratio": "0.00",
        "p_value": "0.000",
        "days": "0.0",
        "hours": "0.0",
        "seconds": "0",
        "day": "yyyy-mm-dd",
        "time": "yyyy-mm-dd hh:mm",
    }.get(unit, "@")
