"""Argument checks say what was given, what would do, and which argument it is."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import pandas as pd
import pytest

from ecops_lib.core.checks import (
    as_day,
    listed,
    nearest,
    require_between,
    require_choice,
    require_columns,
    require_span,
)
from ecops_lib.core.errors import ColumnError, ParameterError

Basis = Literal["pay", "refund"]
NAN = float("nan")


def sentence(error: type[Exception], check, *args, **named) -> str:
    with pytest.raises(error) as caught:
        check(*args, **named)
    return str(caught.value)


def test_names_are_listed_in_quotes() -> None:
    assert listed(["a", 1]) == "'a', '1'"
    assert listed([]) == "nothing"


def test_a_misspelt_name_gets_a_hint_and_a_strange_one_does_not() -> None:
    assert nearest("ordrs", ["orders", "refunds"]) == "; did you mean 'orders'?"
    assert nearest("xyz", ["orders", "refunds"]) == ""


def test_missing_columns_are_named_with_those_that_exist() -> None:
    require_columns(["a", "b"], ["a"], table="orders")
    said = sentence(ColumnError, require_columns, ["a"], ["gmv", "a", "b"], table="orders")
    assert said == "orders has no column 'gmv', 'b'; it has 'a'."
    assert sentence(ColumnError, require_columns, [], ["x"], table="t").endswith("has nothing.")


@pytest.mark.parametrize("choices", [Basis, ("pay", "refund"), ["pay", "refund"]])
def test_a_choice_is_one_of_a_literal_or_of_names(choices: object) -> None:
    require_choice("pay", choices, name="basis")
    said = sentence(ParameterError, require_choice, "refunds", choices, name="basis")
    assert said == ("basis is 'refunds'; it must be one of 'pay', 'refund'; did you mean 'refund'?")


@pytest.mark.parametrize("value", [0, 1, 0.5])
def test_a_closed_range_holds_its_ends(value: float) -> None:
    require_between(value, 0, 1, name="alpha")


@pytest.mark.parametrize("value", [-0.1, 1.1, NAN, float("inf")])
def test_nothing_outside_a_closed_range_passes_nan_least_of_all(value: float) -> None:
    said = sentence(ParameterError, require_between, value, 0, 1, name="alpha")
    assert said == f"alpha is {value!r}; it must lie between 0 and 1."


@pytest.mark.parametrize("value", [0, 1, -1, NAN])
def test_an_open_range_leaves_its_ends_out(value: float) -> None:
    said = sentence(ParameterError, require_between, value, 0, 1, name="alpha", ends="open")
    assert said == f"alpha is {value!r}; it must lie strictly between 0 and 1."


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-11",
        dt.date(2026, 11, 11),
        dt.datetime(2026, 11, 11, 23, tzinfo=dt.UTC),
        pd.Timestamp("2026-11-11"),
    ],
)
def test_a_day_comes_from_a_day_a_moment_or_text(value: object) -> None:
    day = as_day(value, name="as_of")  # type: ignore[arg-type]
    assert day == dt.date(2026, 11, 11)
    assert type(day) is dt.date


@pytest.mark.parametrize("value", ["11/11/2026", "2026-02-30", "", "yesterday", 20261111, None])
def test_what_is_no_day_is_refused(value: object) -> None:
    said = sentence(ParameterError, as_day, value, name="as_of")
    assert said == f"as_of is {value!r}; it must be a day such as '2026-11-01'."


def test_not_a_time_is_no_day() -> None:
    assert "as_of is NaT" in sentence(ParameterError, as_day, pd.NaT, name="as_of")


def test_a_period_may_be_one_day_but_not_less() -> None:
    day = dt.date(2026, 11, 11)
    require_span(day, day)
    assert sentence(ParameterError, require_span, day, dt.date(2026, 11, 1)) == (
        "the period ends on 2026-11-01 before it starts on 2026-11-11; swap the two."
    )
