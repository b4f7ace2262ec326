"""Delta Lake and DuckDB under the store: versions, files, upserts by key."""

from __future__ import annotations

import datetime as dt
import errno
import glob
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

from ecops_lib.core.checks import listed, require_columns
from ecops_lib.core.errors import ColumnError, EcopsError, StoreError
from ecops_lib.data.parts import BATCH, MONTH, Part, write_parts
from ecops_lib.data.schema import arrow_schema, table_named
from ecops_lib.data.schema.types import Column, Table

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from deltalake import DeltaTable

CONFIGURATION = {"delta.enableExpiredLogCleanup": "false"}
"""Of every table: Delta would forget versions after 30 days, but a store forgets none."""

SQL_TYPES = {
    "text": "VARCHAR",
    "money": "DECIMAL(18,4)",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
    "time": "TIMESTAMP WITH TIME ZONE",
    "day": "DATE",
}


def check_path(folder: Path) -> None:
    """Refuse a folder whose path Delta Lake's library would misread.

    Raises:
        StoreError: The path holds such a character.
    """
    found = re.search(r"[\[\]^|\\\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}", folder.resolve().as_posix())
    if found:
        raise StoreError(
            f"a store cannot lie in {str(folder.resolve())!r}, because its tables cannot be kept "
            f"under a path with {found.group()!r}; choose a folder without it."
        )


def connect(memory_limit: str) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in UTC with bounded memory that spills to the system's scratch folder."""
    import duckdb

    spill = Path(tempfile.gettempdir()) / f"ecops-{os.getpid()}-{secrets.token_hex(4)}"
    connection = duckdb.connect(config={"temp_directory": str(spill)})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = '{memory_limit}'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET allocator_background_threads = true")  # gives freed memory back
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        connection.execute("SET enable_progress_bar = false")  # refused in a bare JupyterLab
    return connection


def files(
    folder: Path, version: int, *, start: dt.date | None = None, end: dt.date | None = None
) -> list[str]:
    """The Parquet files of a table at a version, less those of months outside a span."""
    table = open_table(folder, version)
    if not table.metadata().partition_columns or not (start or end):
        return table.file_uris()
    first = f"{start - dt.timedelta(days=1):%Y-%m}" if start else ""
    last = f"{end + dt.timedelta(days=1):%Y-%m}" if end else "9999-12"
    return [uri for uri in table.file_uris() if first <= _month_of(uri) <= last]


def _month_of(uri: str) -> str:
    """The month of a fact's file, which its folder names."""
    return uri.rpartition(f"{MONTH}=")[2].partition("/")[0]


def relation(
    connection: duckdb.DuckDBPyConnection, table: str, uris: list[str]
) -> duckdb.DuckDBPyRelation:
    """The rows of Parquet files as a relation; no files give no rows, but the columns.

    A column that the schema has gained since a file was written is empty there.

    Raises:
        StoreError: A file is gone.
    """
    if not uris:
        return connection.from_arrow(arrow_schema(table).empty_table())
    paths = [url2pathname(urlparse(uri).path) for uri in uris]
    for path in paths:
        if not os.path.exists(path):
            raise StoreError(f"{path}, a file of {table}, is gone; bring it back from a copy.")
    wanted = table_named(table)
    mixed = any(not _columns_of(path) >= set(wanted.names) for path in paths)
    found = connection.read_parquet(
        list(map(glob.escape, paths)), hive_partitioning=False, union_by_name=mixed
    )
    held = set(found.columns)
    columns = (_column(column, held) for column in wanted.columns)
    return found.project(", ".join(columns))


@lru_cache(maxsize=10_000)
def _columns_of(path: str) -> frozenset[str]:
    """Columns of a file of a table; such a file never changes."""
    import pyarrow.parquet as pq

    return frozenset(pq.read_schema(path).names)


def _column(column: Column, held: set[str]) -> str:
    """A column by name, or nulls of its type."""
    if column.name in held:
        return f'"{column.name}"'
    return f'CAST(NULL AS {SQL_TYPES[column.type]}) AS "{column.name}"'


def upsert(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    version: int | None,
    table: Table,
    rows: duckdb.DuckDBPyRelation | pa.Table,
    *,
    checked: bool = False,
) -> tuple[int, int]:
    """Insert rows, or complete those of the same key; returns the version and the count.

    Args:
        connection: Where the rows are.
        folder: The Delta table's folder.
        version: Its version; None for a table that is not there yet.
        table: The canonical table.
        rows: Its rows.
        checked: Whether the caller vouches for types and unique keys (an import does), so
            that a first load needs no second look at a million rows.

    Raises:
        ColumnError: The rows lack a column, or hold something else in it.
        StoreError: Two of the rows have the same key, or one has none.
    """
    if checked and version is None and _is_typed(rows, table):
        return _first_load(connection, folder, table, rows)
    count = _take(connection, table, rows)
    if not count:
        return (version or 0), 0
    if version is None:
        return _write(connection, "SELECT * FROM incoming", folder, table, None), count
    return _merge(connection, folder, version, table), count


def _is_typed(rows: duckdb.DuckDBPyRelation | pa.Table, table: Table) -> bool:
    """Whether rows are a relation with the schema's own columns and types."""
    import duckdb

    if not isinstance(rows, duckdb.DuckDBPyRelation):
        return False
    own = [(column.name, SQL_TYPES[column.type]) for column in table.columns]
    return list(zip(rows.columns, map(str, rows.types), strict=True)) == own


def _first_load(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    table: Table,
    rows: duckdb.DuckDBPyRelation,
) -> tuple[int, int]:
    [(count,)] = rows.aggregate("count(*)").fetchall()
    if not count:
        return 0, 0
    rows.create_view("incoming_rows", replace=True)
    return _write(connection, "SELECT * FROM incoming_rows", folder, table, None), int(count)


def _take(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: duckdb.DuckDBPyRelation | pa.Table
) -> int:
    """Put rows into the table ``incoming`` with the schema's own types; returns how many."""
    import duckdb

    given = rows if isinstance(rows, duckdb.DuckDBPyRelation) else connection.from_arrow(rows)
    require_columns(given.columns, table.names, table=f"the table given for {table.name}")
    held = dict(zip(given.columns, map(str, given.types), strict=True))
    connection.execute("DROP TABLE IF EXISTS incoming")
    typed = ", ".join(_typed(column, held[column.name], table) for column in table.columns)
    try:
        given.project(typed).create("incoming")
    except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise ColumnError(f"a row for {table.name} does not fit its column: {error}.") from error
    return _count_checked(connection, table)


def _typed(column: Column, given: str, table: Table) -> str:
    if column.type == "time" and not re.search("WITH TIME ZONE|TIMESTAMPTZ|NULL", given):
        raise ColumnError(
            f"column {column.name!r} of {table.name} is {given}; "
            "it must hold instants with a time zone, such as UTC."
        )
    return f'CAST("{column.name}" AS {SQL_TYPES[column.type]}) AS "{column.name}"'


def _count_checked(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """The number of incoming rows, once each has a clock and a key of its own."""
    keys = ", ".join(f'"{name}"' for name in table.key)
    needed = dict.fromkeys((*table.key, table.clock) if table.clock else table.key)
    empty = " OR ".join(f'"{name}" IS NULL' for name in needed)
    [(count, lacking, distinct)] = connection.execute(
        f"SELECT count(*), count(*) FILTER ({empty}), "
        f"(SELECT count(*) FROM (SELECT DISTINCT {keys} FROM incoming)) FROM incoming"
    ).fetchall()
    if lacking:
        raise StoreError(
            f"{lacking} of {count} rows for {table.name} have an empty cell in "
            f"{listed(needed)}; fill them or leave the rows out."
        )
    if count != distinct:
        raise StoreError(
            f"{count - distinct} of {count} rows for {table.name} share their key "
            f"({listed(table.key)}) with another; keep one row a key."
        )
    return int(count)


def _merge(connection: duckdb.DuckDBPyConnection, folder: Path, version: int, table: Table) -> int:
    months = _months_touched(connection, folder, version, table)
    uris = open_table(folder, version).file_uris()
    if table.clock:
        uris = [uri for uri in uris if _month_of(uri) in months]
    relation(connection, table.name, uris).create_view("held", replace=True)
    keys = ", ".join(f'"{name}"' for name in table.key)
    columns = ", ".join(
        f'"{name}"' if name in table.key else f'coalesce(n."{name}", o."{name}") AS "{name}"'
        for name in table.names
    )
    query = f"SELECT {columns} FROM incoming n FULL JOIN held o USING ({keys})"
    return _write(connection, query, folder, table, months if table.clock else [])


def _months_touched(
    connection: duckdb.DuckDBPyConnection, folder: Path, version: int, table: Table
) -> list[str]:
    """Months of the new rows and of the held rows that they replace."""
    if not table.clock:
        return []
    relation(connection, table.name, files(folder, version)).create_view("held", replace=True)
    keys = ", ".join(f'"{name}"' for name in table.key)
    found = connection.execute(
        f"SELECT {_month(table)} FROM incoming UNION "
        f"SELECT {_month(table)} FROM held SEMI JOIN incoming USING ({keys})"
    ).fetchall()
    return sorted(month for (month,) in found)


def _month(table: Table) -> str:
    """The month (UTC) of a row's clock in SQL."""
    return f"strftime({_first_of_month(table)}, '%Y-%m')"


def _first_of_month(table: Table) -> str:
    """The first day of a row's month (UTC) in SQL, whatever zone the connection is set to."""
    clock = f'"{table.clock}"'
    if table.column(table.clock).type == "time":
        clock = f"make_timestamp(epoch_us({clock}))"
    return f"CAST(date_trunc('month', {clock}) AS DATE)"


def _write(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    folder: Path,
    table: Table,
    months: list[str] | None,
) -> int:
    """Write a query's rows: a new table (months None), whole months, or the whole table."""
    by_month = bool(table.clock)
    stamped = f"SELECT *, {_first_of_month(table)} AS {MONTH} FROM ({query})" if by_month else query
    rows = connection.sql(stamped).to_arrow_reader(BATCH)
    _commit(folder, table, write_parts(folder, rows, by_month=by_month), months)
    return open_table(folder, None).version()


def _commit(folder: Path, table: Table, parts: list[Part], months: list[str] | None) -> None:
    """Make files that lie in a table's folder part of it, in place of those of their months."""
    from deltalake import Schema
    from deltalake.transaction import AddAction, create_table_with_add_actions

    now = int(time.time() * 1000)
    adds = [
        AddAction(
            path=part.path,
            size=part.size,
            partition_values={MONTH: part.month} if part.month else {},
            modification_time=now,
            data_change=True,
            stats=part.stats,
        )
        for part in parts
    ]
    fields = arrow_schema(table.name)
    by = [MONTH] if table.clock else []
    schema = Schema.from_arrow(_with_month(fields) if by else fields)
    if months is None:
        create_table_with_add_actions(
            str(folder), schema, adds, partition_by=by, configuration=CONFIGURATION
        )
        return
    open_table(folder, None).create_write_transaction(
        [*adds],
        "overwrite",
        schema,
        partition_by=by,
        partition_filters=[(MONTH, "in", months)] if by else None,
    )


def _with_month(fields: pa.Schema) -> pa.Schema:
    import pyarrow as pa

    return fields.append(pa.field(MONTH, pa.string()))


def compact(folder: Path) -> int:
    """Merge a table's small files; returns the new version."""
    table = open_table(folder, None)
    table.optimize.compact()
    return table.version()


def open_table(folder: Path, version: int | None) -> DeltaTable:
    """A Delta table at a version, or at its head.

    Raises:
        StoreError: The table is damaged, or has no such version.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    try:
        return DeltaTable(str(folder), version=version)
    except (TableNotFoundError, DeltaError) as error:
        when = "" if version is None else f" at version {version}"
        raise StoreError(
            f"the table {folder.name} of {folder.parents[1]} cannot be read{when}; "
            f"bring its folder back from a copy ({error})."
        ) from error


@contextmanager
def full_disk_told(path: Path) -> Iterator[None]:
    """Turn any library's full-disk error into one sentence."""
    try:
        yield
    except EcopsError:
        raise
    except Exception as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if full or "No space left on device" in str(error):
            raise StoreError(
                f"the disk under {path} is full; free some space and run it again: "
                "the store is as it was."
            ) from error
        raise
