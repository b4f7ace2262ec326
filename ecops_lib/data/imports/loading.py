"""Rows into DuckDB: a table of text columns whose ``rowid`` is the place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecops_lib.core.errors import FileError

if TYPE_CHECKING:
    import duckdb

MISSING = "MISSING COLUMNS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A loaded table.

    Attributes:
        table: Its name in DuckDB.
        rows: Rows loaded.
        skip: Lines of the file above its first row.
        torn: Lines that could not be cut into cells: line number and why.
    """

    table: str
    rows: int
    skip: int
    torn: tuple[tuple[int, str], ...] = ()


def quoted(text: str) -> str:
    """A text as an SQL literal.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def load_text(
    connection: Any,
    table: str,
    path: Path,
    delimiter: str,
    *,
    width: int,
    skip: int,
    limit: int,
    places: list[int],
) -> Loaded:
    """Read delimited text in UTF-8; ragged lines are padded, torn ones are told.

    Raises:
        FileError: DuckDB cannot read the file at all.
    """
    import duckdb

    options = {
        "columns": "{" + ", ".join(f"'c{n}': 'VARCHAR'" for n in range(width)) + "}",
        "delim": quoted(delimiter),
        "skip": str(skip),
        "max_line_size": str(limit + 1),
        "header": "false",
        "auto_detect": "false",
        "quote": "'\"'",
        "escape": "'\"'",
        "strict_mode": "true",
        "store_rejects": "true",
        "rejects_table": "'torn'",
        "rejects_scan": "'torn_scans'",
        "rejects_limit": "100000",
    }
    try:
        torn = _read_csv(connection, table, path, options, places)
        if any(kind.startswith(MISSING) for _, kind in torn):
            options |= {"null_padding": "true", "parallel": "false"}
            torn = _read_csv(connection, table, path, options, places)
    except duckdb.Error as error:
        raise FileError(
            f"{path.name} cannot be read as rows of {width} columns "
            f"({str(error).splitlines()[0][:120]}); export it again as CSV in UTF-8, or as xlsx."
        ) from error
    return Loaded(table=table, rows=_count(connection, table), skip=skip, torn=torn)


def _read_csv(
    connection: Any,
    table: str,
    path: Path,
    options: dict[str, str],
    places: list[int],
) -> tuple[tuple[int, str], ...]:
    for name in ("torn", "torn_scans", table):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    given = ", ".join(f"{name} = {value}" for name, value in options.items())
    cells = ", ".join(f"c{n}" for n in places)
    connection.execute("SET preserve_insertion_order = true")
    try:
        connection.execute(
            f"CREATE TEMP TABLE {table} AS "
            f"SELECT {cells} FROM read_csv({quoted(str(path))}, {given})"
        )
    finally:
        connection.execute("SET preserve_insertion_order = false")
    found = connection.execute(
        "SELECT line, max(error_type::VARCHAR) FROM torn GROUP BY line ORDER BY line"
    ).fetchall()
    return tuple((int(line), str(kind)) for line, kind in found)


def load_rows(
    connection: Any, table: str, rows: list[list[str]], *, places: list[int], skip: int
) -> Loaded:
    """Hand rows of text to DuckDB; short rows are padded, wholly empty ones kept as nulls."""
    import pyarrow as pa

    columns = {
        f"c{n}": pa.array([row[n] or None if n < len(row) else None for row in rows], pa.string())
        for n in places
    }
    held = pa.table(columns)
    connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.execute("SET preserve_insertion_order = true")
    connection.register("given_rows", held)
    connection.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM given_rows")
    connection.unregister("given_rows")
    connection.execute("SET preserve_insertion_order = false")
    return Loaded(table=table, rows=len(rows), skip=skip)


def parquet_head(path: Path) -> list[list[str]]:
    """The header of a Parquet file as its one first row.

    Raises:
        FileError: The file is damaged or truncated.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return [list(pq.read_schema(path).names)]
    except (pa.ArrowInvalid, OSError) as error:
        raise FileError(
            f"{path.name} is a damaged or truncated Parquet file; download it again."
        ) from error


def load_parquet(
    connection: Any, table: str, path: Path, names: list[str], *, places: list[int]
) -> Loaded:
    """Let DuckDB read a Parquet file, every cell as text.

    Raises:
        FileError: The file is damaged.
    """
    import duckdb

    cells = ", ".join(
        f'CAST("{name.replace(chr(34), chr(34) * 2)}" AS VARCHAR) AS c{n}'
        for n, name in enumerate(names)
        if n in places
    )
    connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.execute("SET preserve_insertion_order = true")
    try:
        connection.execute(
            f"CREATE TEMP TABLE {table} AS SELECT {cells} FROM read_parquet({quoted(str(path))})"
        )
    except duckdb.Error as error:
        raise FileError(
            f"{path.name} is a damaged or truncated Parquet file; download it again."
        ) from error
    finally:
        connection.execute("SET preserve_insertion_order = false")
    return Loaded(table=table, rows=_count(connection, table), skip=0)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(rows)
