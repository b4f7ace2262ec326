"""Argument checks: one home, one wording."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Literal, cast, get_args

from ecops_lib.core.errors import ColumnError, ParameterError


def listed(names: Iterable[object]) -> str:
    """Names in quotes with commas, for error messages.

    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    return ", ".join(repr(str(name)) for name in names) or "nothing"


def nearest(given: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: ``; did you mean 'x'?``, or nothing.

    >>> nearest("visitor", ["visitors", "buyers"])
    "; did you mean 'visitors'?"
    """
    close = get_close_matches(given, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def require_columns(columns: Sequence[str], needed: Iterable[str], *, table: str) -> None:
    """Refuse a table that lacks one of the columns needed.

    Raises:
        ColumnError: A column is missing; the message lists those that exist.
    """
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ColumnError(f"{table} has no column {listed(missing)}; it has {listed(columns)}.")


def require_choice(value: str, choices: object, *, name: str) -> None:
    """Refuse a value outside a ``Literal`` type (or any iterable of names).

    Raises:
        ParameterError: The value is none of the choices.
    """
    known: tuple[str, ...] = get_args(choices) or tuple(cast("Iterable[str]", choices))
    if value not in known:
        hint = nearest(str(value), known) or "."
        raise ParameterError(f"{name} is {value!r}; it must be one of {listed(known)}{hint}")


def require_between(
    value: float,
    low: float,
    high: float,
    *,
    name: str,
    ends: Literal["closed", "open"] = "closed",
) -> None:
    """Refuse a number outside a range; NaN is outside every range.

    Raises:
        ParameterError: The number lies outside.
    """
    inside = low <= value <= high if ends == "closed" else low < value < high
    if not inside:
        between = "between" if ends == "closed" else "strictly between"
        raise ParameterError(f"{name} is {value!r}; it must lie {between} {low} and {high}.")


def as_day(value: str | dt.date, *, name: str) -> dt.date:
    """A calendar day from a ``date``, a ``datetime`` or text such as ``2026-11-01``.

    Raises:
        ParameterError: The text is not a day in ISO form.
    """
    try:
        if isinstance(value, dt.datetime):
            return dt.date(value.year, value.month, value.day)
        return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ParameterError(
            f"{name} is {value!r}; it must be a day such as '2026-11-01'."
        ) from None


def require_span(start: dt.date, end: dt.date) -> None:
    """Refuse a period that ends before it starts.

    Raises:
        ParameterError: The last day lies before the first.
    """
    if end < start:
        raise ParameterError(f"the period ends on {end} before it starts on {start}; swap the two.")
