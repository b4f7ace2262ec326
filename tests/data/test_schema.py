"""The canonical tables: their rules, their Arrow and pandera forms, and the page made from them."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.core.errors import StoreError
from ecops_lib.core.language import reading, tr
from ecops_lib.data.imports.wording import TABLE_WORDS
from ecops_lib.data.schema import TABLES, arrow_schema, pandera_schema, table_named

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from scripts import schema_docs  # noqa: E402

NOW = dt.datetime(2026, 11, 11, 3, 4, 5, 678901, tzinfo=dt.UTC)
CELLS = {
    "text": "文字 😀",
    "money": Decimal("12.3400"),
    "integer": 3,
    "number": 1.5,
    "flag": True,
    "time": NOW,
    "day": NOW.date(),
}
ORDER = {
    "platform": "tmall",
    "order_id": "1",
    "created_at": NOW,
    "ordered_amount": Decimal("1.0000"),
    "status": "paid",
}


def full_row(name: str) -> dict[str, object]:
    table = table_named(name)
    return {c.name: c.choices[0] if c.choices else CELLS[c.type] for c in table.columns}


def frame(name: str, *rows: dict[str, object]) -> pd.DataFrame:
    table = pa.Table.from_pylist(list(rows), schema=arrow_schema(name))
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def refusal(name: str, table: pd.DataFrame) -> str:
    schema = pandera_schema(name)
    from pandera import errors  # after pandera_schema: see the test of time zones below

    with pytest.raises((errors.SchemaError, errors.SchemaErrors)) as caught:
        schema.validate(table)
    return str(caught.value)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_table_keeps_the_rules_of_the_house(table) -> None:
    assert len(set(table.names)) == len(table.names)
    assert set(table.key) <= set(table.names)
    assert all(table.column(name).required for name in table.key), "a key is never empty"
    if table.clock:
        assert table.column(table.clock).type in {"time", "day"}
        assert table.column(table.clock).required, "a fact without a clock has no month"
    assert "month" not in table.names, "the partition column is the store's own"
    for column in table.columns:
        assert not column.choices or column.type == "text"
        assert column.least is None or column.type in {"money", "integer", "number"}


@pytest.mark.parametrize("name", TABLES)
def test_every_meaning_and_hint_has_chinese_of_its_own(name: str) -> None:
    table = table_named(name)
    for message in (table.meaning, table.hint, *(column.meaning for column in table.columns)):
        with reading("zh"):
            assert any("\u4e00" <= sign <= "\u9fff" for sign in tr(message)) or message in {"SKU"}
            assert tr(message) != message


@pytest.mark.parametrize("name", TABLES)
def test_a_full_and_a_bare_row_pass_the_pandera_model(name: str) -> None:
    table, full = table_named(name), full_row(name)
    bare = {column: full[column] if table.column(column).required else None for column in full}
    for row in (full, bare):
        assert len(pandera_schema(name).validate(frame(name, row))) == 1


@pytest.mark.parametrize("name", TABLES)
def test_arrow_keeps_every_cell(name: str) -> None:
    row = full_row(name)
    assert pa.Table.from_pylist([row], schema=arrow_schema(name)).to_pylist() == [row]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"order_id": None}, "non-nullable series 'order_id' contains null"),
        ({"created_at": None}, "non-nullable series 'created_at' contains null"),
        ({"status": "lost"}, "isin"),
    ],
)
def test_pandera_refuses_a_bad_cell(change: dict[str, object], said: str) -> None:
    assert said in refusal("orders", frame("orders", ORDER | change))


def test_pandera_refuses_a_number_below_the_least() -> None:
    row = full_row("ads") | {"cost": Decimal("-0.0100")}
    assert "greater_than_or_equal_to(0)" in refusal("ads", frame("ads", row))


def test_pandera_refuses_nan_in_place_of_a_number() -> None:
    row = full_row("reviews") | {"rating": float("nan")}
    assert "greater_than_or_equal_to(1)" in refusal("reviews", frame("reviews", row))


def test_pandera_refuses_a_key_given_twice() -> None:
    assert "not unique" in refusal("orders", frame("orders", ORDER, ORDER | {"status": "closed"}))


def test_pandera_refuses_a_column_too_many_and_one_too_few() -> None:
    good = frame("orders", ORDER)
    assert "not in DataFrameSchema" in refusal("orders", good.assign(gmv=1))
    assert "'province' not in dataframe" in refusal("orders", good.drop(columns="province"))


def test_pandera_refuses_a_column_of_another_type() -> None:
    good = frame("orders", ORDER)
    assert "ordered_amount" in refusal("orders", good.assign(ordered_amount=["1.00 元"]))
    assert "created_at" in refusal("orders", good.assign(created_at=["2026-11-11"]))


def test_checking_a_table_leaves_arrow_its_time_zones() -> None:
    """pandera imports pyspark.pandas, which has Arrow read 01:00+08:00 as 01:00 UTC."""
    pandera_schema.__wrapped__("orders")
    early = dt.datetime(2026, 10, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    [cell] = pa.array([early], pa.timestamp("us", "UTC")).to_pylist()
    assert cell == early


def test_unknown_table_is_refused_with_a_hint() -> None:
    with pytest.raises(StoreError) as caught:
        table_named("order")
    assert str(caught.value).startswith("there is no table 'order'; did you mean 'orders'?")
    assert "'targets'" in str(caught.value)


def test_the_page_on_the_schema_is_what_the_script_makes() -> None:
    assert schema_docs.PAGE.read_text("utf-8") == schema_docs.page()


def test_the_page_has_a_line_for_every_column_in_both_languages() -> None:
    lines = schema_docs.page().splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == sum(len(table.columns) for table in TABLES.values())
    assert all(line.count(" | ") == 6 for line in rows)
    assert "| `ship_by` | time |  |  |  | promised shipping deadline | 承诺发货截止时间 |" in rows


def test_every_table_has_a_word_for_its_rows() -> None:
    assert set(TABLE_WORDS) == set(TABLES)
