"""The list as a file: text stays text, and it comes back as contacts."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from contact_worlds import ZONE, contact, local_day, make_tables, moment, order

from ecops_lib.core.errors import FileError, ParameterError
from ecops_lib.customers import ContactRules, choose_contacts, judge_contacts, write_contacts
from ecops_lib.customers.contacts import writing
from ecops_lib.customers.contacts.contact_list import ContactList
from ecops_lib.data.imports import import_files
from ecops_lib.data.store import Store, create_store, open_store

RULES = ContactRules(salt="secret", time_zone="Asia/Shanghai")
KEYS = ["0" * 31 + "7", "1e" + "2" * 30, *(f"{n:032x}" for n in range(3, 60))]


def make_list(message: str = "召回", keys: list[str] = KEYS) -> ContactList:
    rows = [order(n, key, moment(50 + n % 30), 80.0) for n, key in enumerate(keys)]
    rows += [order(900 + n, key, moment(95), 90.0) for n, key in enumerate(keys)]
    return choose_contacts(
        make_tables(rows), as_of=local_day(100), message=message, cost=0.5, margin=0.5,
        hold_out=0.3, rules=RULES,
    )  # fmt: skip


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def empty_store(folder: Path) -> Store:
    return create_store(folder, name="店", key=b"k" * 32)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_list_comes_back_as_contacts(tmp_path: Path, ending: str) -> None:
    held = make_list()
    file = write_contacts(held, tmp_path / f"list.{ending}")
    empty_store(tmp_path / "S")
    import_files([file], store=tmp_path / "S")
    store = open_store(tmp_path / "S")
    back = store.frame("contacts").set_index("buyer_key").sort_index()
    sent = held.chosen.set_index("buyer_key").sort_index()
    assert back.index.tolist() == sent.index.tolist()
    assert back["held_out"].tolist() == sent["held_out"].tolist()
    assert back["cost"].astype(float).tolist() == pytest.approx(sent["cost"].tolist())
    assert set(back["message"]) == {"召回"}
    assert set(back["contact_id"]) == {"list-2025-04-12"}
    sent_at = back["sent_at"].iloc[0].to_pydatetime()
    assert sent_at == dt.datetime(2025, 4, 11, 16, tzinfo=dt.UTC)


def test_a_list_that_came_back_is_judged(tmp_path: Path) -> None:
    """Everybody contacted buys in the window, nobody held out does."""
    held = make_list()
    empty_store(tmp_path / "S")
    import_files([write_contacts(held, tmp_path / "list.csv")], store=tmp_path / "S")
    rows = open_store(tmp_path / "S").scan("contacts").to_arrow_table()
    sent = held.chosen.loc[~held.chosen["held_out"], "buyer_key"]
    orders = [order(n, key, moment(105), 100.0) for n, key in enumerate(sent)]
    orders += [order(500 + n, key, moment(9), 1.0) for n, key in enumerate(KEYS)]
    tables = {**make_tables(orders), "contacts": rows}
    found = judge_contacts(tables, as_of=local_day(130), **ZONE).frame.iloc[0]
    assert (found["share"], found["share_held"]) == (1.0, 0.0)
    assert found["contacted"] == len(sent)


HOSTILE = ['=HYPERLINK("http://x")', "+1", "-2", "@cmd", "\tx", "'=1", "2026-01-01", "1e5", "<b>"]


@pytest.mark.parametrize("message", HOSTILE)
def test_nothing_in_a_csv_becomes_a_formula_or_a_number(tmp_path: Path, message: str) -> None:
    keys = ["=cmd|' /C calc'!A0", *KEYS]
    file = write_contacts(make_list(message, keys), tmp_path / "list.csv")
    rows = read_csv(file)
    for row in rows:
        for name in ("contact_id", "buyer_key", "message"):
            assert not row[name].startswith(("=", "+", "-", "@", "\t"))
    text = {row["buyer_key"].removeprefix("'") for row in rows}
    assert text <= set(keys)
    numeric = [row["buyer_key"] for row in rows if row["buyer_key"].strip("'").isdigit()]
    assert numeric
    assert all(key.startswith("'") for key in numeric)
    empty_store(tmp_path / "S")
    import_files([file], store=tmp_path / "S")
    store = open_store(tmp_path / "S")
    assert set(store.frame("contacts")["message"]) == {message}
    hashed = set(store.frame("contacts")["buyer_key"])
    assert keys[0] not in hashed
    assert set(KEYS) & set(text) <= hashed


def test_a_workbook_holds_texts_as_texts(tmp_path: Path) -> None:
    held = make_list("=1+1", ["=2+2", *KEYS])
    book = openpyxl.load_workbook(write_contacts(held, tmp_path / "list.xlsx"))
    heading, *rows = book["contacts"].iter_rows()
    assert [cell.value for cell in heading] == list(writing.COLUMNS)
    assert len(rows) == len(held.chosen)
    place = {cell.value: number for number, cell in enumerate(heading)}
    for row in rows:
        for name in ("buyer_key", "message", "contact_id", "held_out"):
            assert row[place[name]].data_type == "s"
        assert row[place["cost"]].data_type == "n"
    assert {row[place["message"]].value for row in rows} == {"=1+1"}


def test_a_list_of_nobody_is_a_heading(tmp_path: Path) -> None:
    held = make_list()
    nobody = replace(held, chosen=held.chosen.iloc[:0])
    assert read_csv(write_contacts(nobody, tmp_path / "list.csv")) == []
    rows = openpyxl.load_workbook(write_contacts(nobody, tmp_path / "l.xlsx"))["contacts"]
    assert rows.max_row == 1


def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = make_list()
    file = tmp_path / "list.csv"
    file.write_text("before")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(FileError, match="No space left"):
        write_contacts(held, file)
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]
    with pytest.raises(ParameterError, match=r"end in \.csv or \.xlsx"):
        write_contacts(held, tmp_path / "list.txt")
    with pytest.raises(FileError, match="cannot be written"):
        write_contacts(held, tmp_path / "nowhere" / "list.xlsx")


def test_a_workbook_has_no_room_for_more_than_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert writing.MOST_ROWS == 2**20
    held = make_list()
    monkeypatch.setattr(writing, "MOST_ROWS", len(held.chosen))
    with pytest.raises(ParameterError, match=r"write it as \.csv"):
        write_contacts(held, tmp_path / "list.xlsx")
    monkeypatch.setattr(writing, "MOST_ROWS", len(held.chosen) + 1)
    assert write_contacts(held, tmp_path / "list.xlsx").exists()


def test_names_in_a_list_are_hashed_like_any_other(tmp_path: Path) -> None:
    """Whoever fills in names for keys before importing gets the keys of those names."""
    orders = tmp_path / "o.csv"
    orders.write_text(
        "contact_id,buyer_key,sent_at,held_out\nA,张三,2025-01-01 10:00:00,0\n", "utf-8"
    )
    empty_store(tmp_path / "S")
    import_files([orders], store=tmp_path / "S")
    [key] = open_store(tmp_path / "S").frame("contacts")["buyer_key"]
    assert len(key) == 32
    assert "张" not in key
    assert pa.scalar(key).type == pa.string()
    assert contact("A", key, moment(0), False)["buyer_key"] == key
