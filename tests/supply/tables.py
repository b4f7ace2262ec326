"""Rows for a store, with only the columns that a test is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.settings import Settings, settings_text
from ecops_lib.data.store import Store, create_store, open_store


def rows(table: str, held: Iterable[Mapping[str, object]]) -> pa.Table:
    schema = arrow_schema(table)
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in held], schema)


def make_store(
    folder: Path, tables: Mapping[str, Iterable[Mapping[str, object]]], settings: Settings
) -> Store:
    store = create_store(folder, name="Test", key=b"k" * 32)
    (folder / "store.toml").write_text(settings_text(settings), "utf-8")
    with store.writing() as writer:
        for name, held in tables.items():
            writer.upsert(name, rows(name, held))
    return open_store(folder)
