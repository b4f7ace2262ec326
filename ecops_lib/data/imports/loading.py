"""Rows of text in DuckDB, read from their file in the pass that types them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecops_lib.core.errors import FileError

MISSING = "MISSING COLUMNS"


@dataclass(kw_only=True)
class Loaded:
    """Rows of text columns ``c0``, ``c1``, …: a view of a file, or a table.

    Attributes:
        connection: DuckDB, where they are.
        table: The name that queries know them by; each query of a view reads the file again.
        skip: Lines of the file above its first row.
        fault: The sentence for a file that DuckDB cannot read, made of DuckDB's own.
        padded: What the view becomes if lines lack cells; empty where none can.
    """

    connection: Any
    table: str
    skip: int
    fault: Callable[[str], str] = str
    padded: str = ""

    def read_into(self, name: str, query: str) -> tuple[tuple[int, str], ...]:
        """Make a table of a query of these rows; its ``rowid`` is the row's place in the file.

        Returns:
            Lines that could not be cut into cells: line number and why. Ragged ones are padded.

        Raises:
            FileError: DuckDB cannot read the file at all.
        """
        torn = self._read(name, query)
        if self.padded and any(kind.startswith(MISSING) for _, kind in torn):
            self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {self.table} AS {self.padded}")
            torn = self._read(name, query)
        return torn

    def _read(self, name: str, query: str) -> tuple[tuple[int, str], ...]:
        import duckdb

        for old in ("torn", "torn_scans", name):
            self.connection.execute(f"DROP TABLE IF EXISTS {old}")
        self.connection.execute("SET preserve_insertion_order = true")
        try:
            self.connection.execute(f"CREATE TEMP TABLE {name} AS {query}")
        except duckdb.Error as error:
            raise FileError(self.fault(str(error).splitlines()[0][:120])) from error
        finally:
            self.connection.execute("SET preserve_insertion_order = false")
        if not self.padded:
            return ()
        found = self.connection.execute(
            "SELECT line, max(error_type::VARCHAR) FROM torn GROUP BY line ORDER BY line"
        ).fetchall()
        return tuple((int(line), str(kind)) for line, kind in found)


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
    """Let DuckDB read delimited text in UTF-8, when it is asked for."""
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
    plain = _csv(path, options, places)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS {plain}")
    return Loaded(
        connection=connection,
        table=table,
        skip=skip,
        fault=lambda why: (
            f"{path.name} cannot be read as rows of {width} columns ({why}); "
            "export it again as CSV in UTF-8, or as xlsx."
        ),
        padded=_csv(path, options | {"null_padding": "true", "parallel": "false"}, places),
    )


def _csv(path: Path, options: dict[str, str], places: list[int]) -> str:
    given = ", ".join(f"{name} = {value}" for name, value in options.items())
    cells = ", ".join(f"c{n}" for n in places)
    return f"SELECT {cells} FROM read_csv({quoted(str(path))}, {given})"


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
    return Loaded(connection=connection, table=table, skip=skip)


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
    """Let DuckDB read a Parquet file, every cell as text, when it is asked for.

    Raises:
        FileError: The file is damaged.
    """
    import duckdb

    cells = ", ".join(
        f'CAST("{name.replace(chr(34), chr(34) * 2)}" AS VARCHAR) AS c{n}'
        for n, name in enumerate(names)
        if n in places
    )
    damaged = f"{path.name} is a damaged or truncated Parquet file; download it again."
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {table} AS "
            f"SELECT {cells} FROM read_parquet({quoted(str(path))})"
        )
    except duckdb.Error as error:
        raise FileError(damaged) from error
    return Loaded(connection=connection, table=table, skip=0, fault=lambda _: damaged)
