"""A kept list: read as a hand left it, replaced whole, its past kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ecops_lib.core.errors import StoreError
from ecops_lib.data.entries import Entries, read_entries, write_entries


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "list.toml"
    rows = [
        {"key": '甲"\n', "on": dt.date(2026, 1, 2), "money": 1.5, "seen": [{"a b": True}], "我": 1}
    ]
    first = write_entries(file, rows, heading="items", before=read_entries(file, heading="items"))
    again = read_entries(file, heading="items")
    assert (again.rows, again.revision) == (tuple(rows), 1)
    assert write_entries(file, rows, heading="items", before=again) is again
    assert not (tmp_path / "list.history").exists()
    held = file.read_bytes()
    write_entries(file, [*rows, {"key": "乙"}], heading="items", before=first)
    assert (tmp_path / "list.history" / "0001.toml").read_bytes() == held
    assert read_entries(file, heading="items").revision == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("items = 3", r"items in .* must be tables, each headed \[\[items\]\]"),
        ("items = [1]", "must be tables"),
        ("revision = 'x'", "revision in .* is 'x'; it must be a whole number"),
        ("[[items]", "is not readable TOML"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "list.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(StoreError, match=said):
        read_entries(file, heading="items")


def test_no_file_is_an_empty_list(tmp_path: Path) -> None:
    held = read_entries(tmp_path / "none.toml", heading="items")
    assert (held.rows, held.revision) == (Entries().rows, 0)
