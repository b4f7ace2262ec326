"""What the sheets of one import share: the connection, the tallies, what goes where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from ecops_lib.data.imports.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One refused row; the reason is in English, marked."""

    record: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsCheck:
    """A totals row held against the sum of its rows."""

    column: str
    told: float
    summed: float

    @property
    def agrees(self) -> bool:
        """Whether both are the same to half a cent a thousand."""
        return abs(self.told - self.summed) <= max(0.005, 5e-6 * abs(self.told))


@dataclass(kw_only=True)
class Tally:
    """What happened while a sheet was read; the numbers of its line on the import's page."""

    rows: int = 0
    unwrapped: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)
    masked: int = 0
    totals_rows: int = 0
    totals: list[TotalsCheck] = field(default_factory=list)
    notes: list[Callable[[], str]] = field(default_factory=list)


@dataclass(kw_only=True)
class Emission:
    """Rows that a sheet gives to a canonical table.

    Attributes:
        table: The canonical table.
        query: Gives the rows.
        tally: The sheet's.
        number: Its place among all.
        plain: Whether the query makes each row of one row, so that asking twice costs little.
        unique: Whether the query cannot give two rows of one key, so that none is looked for.
        derived: Whether its rows are made of lines that another table of the file counts.
    """

    table: str
    query: str
    tally: Tally
    number: int
    plain: bool = False
    unique: bool = False
    derived: bool = False


@dataclass(kw_only=True)
class Session:
    """One call of ``import_files``: what its sheets share.

    Attributes:
        connection: DuckDB, the store's own.
        zone: The store's IANA zone.
        currency: The store's currency.
        key: The store's secret.
        held: Gives a relation of a table as the store holds it, or None.
        parts: Typed tables kept by name for formats whose files belong together.
    """

    connection: duckdb.DuckDBPyConnection
    zone: str
    currency: str
    key: bytes
    held: Callable[[str], Any]
    emissions: list[Emission] = field(default_factory=list)
    parts: dict[str, list[tuple[str, Job]]] = field(default_factory=dict)
    made: int = 0

    def name(self, stem: str) -> str:
        """A fresh name for a table."""
        self.made += 1
        return f"{stem}_{self.made}"

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Run a query and fetch all of it."""
        found: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return found

    def sql_in_order(self, query: str) -> None:
        """Make a table whose ``rowid`` is in the order of the rows that it is made of."""
        self.connection.execute("SET preserve_insertion_order = true")
        try:
            self.connection.execute(query)
        finally:
            self.connection.execute("SET preserve_insertion_order = false")

    def emit(self, emission: Emission) -> None:
        """Give the rows of a query to a canonical table; columns not named are null."""
        self.emissions.append(emission)

    def gathered(self, table: str, columns: str) -> str:
        """A query of what this call and the store know of a table; the call's rows come first."""
        parts = [
            f"SELECT {columns}, 0 AS _age FROM ({e.query})"
            for e in self.emissions
            if e.table == table
        ]
        held = self.held(table)
        if held is not None:
            name = self.name("held")
            held.create_view(name)
            parts.append(f"SELECT {columns}, 1 AS _age FROM {name}")
        return " UNION ALL ".join(parts)
