"""Small tables of rows for tests of the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import Store, open_store


def moment(day: str) -> dt.datetime:
    """Noon of a day, UTC."""
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(12), dt.UTC)


def order(
    number: object, day: str = "2026-10-05", amount: str = "10", **more: Any
) -> dict[str, Any]:
    """One order."""
    return {
        "platform": "tmall",
        "order_id": str(number),
        "created_at": moment(day),
        "ordered_amount": Decimal(amount),
        **more,
    }


def arrow(rows: Iterable[dict[str, Any]], table: str = "orders") -> pa.Table:
    """Rows as an Arrow table of the schema."""
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(table))


def put(store: Store, *rows: dict[str, Any], table: str = "orders") -> Store:
    """Upsert rows in one change."""
    with store.writing() as writer:
        writer.upsert(table, arrow(rows, table))
    return store


def held(store: Store, table: str = "orders") -> dict[str, dict[str, Any]]:
    """A table's rows by their last key column, without empty cells."""
    if not store.has(table):
        return {}
    rows = store.scan(table).to_arrow_table().to_pylist()
    key = store.scan(table).columns
    name = "order_id" if "order_id" in key else key[0]
    found = {row[name]: {k: v for k, v in row.items() if v is not None} for row in rows}
    assert len(found) == len(rows), "a key stands twice"
    return found


def held_at(path: Path, version: int) -> dict[str, dict[str, Any]]:
    """The orders of a store at a version."""
    return held(open_store(path, version=version))
