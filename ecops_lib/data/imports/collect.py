"""From what the sheets give to one set of rows a table: one row a key, all rules kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from ecops_lib.core.errors import FileError
from ecops_lib.data.imports.ad_rests import keep_rests
from ecops_lib.data.imports.cells import SQL_TYPES
from ecops_lib.data.imports.session import Emission, Session
from ecops_lib.data.imports.tmall import DERIVED
from ecops_lib.data.schema import TABLES, table_named
from ecops_lib.data.schema.types import Table

CHANGED = ("refunds", "ads")
"""Tables of which some rows give way to others once all are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The rows for one canonical table.

    Attributes:
        table: The canonical table.
        relation: Name of the DuckDB table that holds them.
        rows: How many.
        given: Rows by emission, before duplicates went.
        repeated: Rows by emission whose key an earlier row of the call has.
        conflicting: Keys whose rows differ; the last cell told holds.
        held: Keys that the store has already.
        superseded: Refunds of order files that gave way to those of the refund export.
        spans: First and last day by emission, on the store's clock.
    """

    table: str
    relation: str
    rows: int
    given: dict[int, int]
    repeated: dict[int, int]
    conflicting: int
    held: int
    superseded: int
    spans: dict[int, tuple[dt.date, dt.date]]


def collect(session: Session) -> list[Collected]:
    """Gather every table's rows, in schema order."""
    given = {emission.table for emission in session.emissions}
    return [_collect(session, table_named(name)) for name in TABLES if name in given]


def _collect(session: Session, table: Table) -> Collected:
    emissions = [e for e in session.emissions if e.table == table.name]
    name = session.name("collected")
    as_is = len(emissions) == 1 and emissions[0].plain and table.name not in CHANGED
    session.sql_in_order(
        f"CREATE TEMP {'VIEW' if as_is else 'TABLE'} {name} AS "
        + " UNION ALL ".join(_cast(session, table, e) for e in emissions)
    )
    superseded = _supersede(session, name) if table.name == "refunds" else 0
    told = _told(session, table, name)
    rows = sum(count for _, count, _, _ in told)
    repeated: dict[int, int] = {}
    conflicting = 0
    told_apart = len(emissions) == 1 and emissions[0].unique
    if not told_apart and rows != _distinct(session, table, name):
        if as_is:
            name = _copied(session, name)
        repeated, conflicting = _one_a_key(session, table, name)
        [(rows,)] = session.sql(f"SELECT count(*) FROM {name}")
    if table.name == "ads":
        keep_rests(session, name)
        [(rows,)] = session.sql(f"SELECT count(*) FROM {name}")
    return Collected(
        table=table.name,
        relation=name,
        rows=rows,
        given={number: count for number, count, _, _ in told},
        repeated=repeated,
        conflicting=conflicting,
        held=_held(session, table, name),
        superseded=superseded,
        spans={number: (first, last) for number, _, first, last in told if first is not None},
    )


def _day(session: Session, table: Table) -> Callable[[str], str]:
    """SQL of the first or last day of a table's clock."""

    def ask(which: str) -> str:
        if not table.clock:
            return "NULL"
        moment = f'{which}("{table.clock}")'
        if table.column(table.clock).type == "time":
            moment = f"timezone('{session.zone}', {moment})"
        return f"CAST({moment} AS DATE)"

    return ask


def _cast(session: Session, table: Table, emission: Emission) -> str:
    told = [row[0] for row in session.sql(f"DESCRIBE {emission.query}")]
    columns = ", ".join(
        f"CAST({_quoted(column.name) if column.name in told else 'NULL'} AS "
        f"{SQL_TYPES[column.type]}) "
        f"AS {_quoted(column.name)}"
        for column in table.columns
    )
    return f"SELECT {columns}, {emission.number} AS _from FROM ({emission.query})"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _keys(table: Table) -> str:
    return ", ".join(map(_quoted, table.key))


def _told(session: Session, table: Table, name: str) -> list[tuple[int, int, dt.date, dt.date]]:
    """Number, rows, first and last day of each emission; days are null without a clock.

    Raises:
        FileError: A computed row lacks what its table needs: a fault of the format.
    """
    day = _day(session, table)
    needed = [column.name for column in table.columns if column.required]
    empty = ", ".join(f"count(*) - count({_quoted(column)})" for column in needed)
    found = session.sql(
        f"SELECT _from, count(*), {day('min')}, {day('max')}, {empty} FROM {name} GROUP BY _from"
    )
    for place, column in enumerate(needed, start=4):
        if lacking := sum(row[place] for row in found):
            raise FileError(
                f"{lacking} rows for {table.name} have no {column}; the files given do not hold "
                "it: look at their columns, or describe them in mapping.toml."
            )
    return [(row[0], row[1], row[2], row[3]) for row in found]


def _distinct(session: Session, table: Table, name: str) -> int:
    """How many hashes the keys have: as many as rows only if no two rows share their key."""
    [(count,)] = session.sql(
        f"SELECT count(*) FROM (SELECT hash({_keys(table)}) AS h FROM {name} GROUP BY h)"
    )
    return int(count)


def _copied(session: Session, view: str) -> str:
    """The rows of a view in a table of their own, which can be changed."""
    name = session.name("collected")
    session.sql_in_order(f"CREATE TEMP TABLE {name} AS SELECT * FROM {view}")
    return name


def _one_a_key(session: Session, table: Table, name: str) -> tuple[dict[int, int], int]:
    """Keep one row a key: equal rows count once, of different ones the last cell told holds."""
    keys = _keys(table)
    others = [c for c in table.names if c not in table.key]
    many = session.name("many")
    session.sql(
        f"CREATE TEMP TABLE {many} AS SELECT *, rowid AS _place FROM {name} SEMI JOIN "
        f"(SELECT {keys} FROM {name} GROUP BY {keys} HAVING count(*) > 1) USING ({keys})"
    )
    repeated = dict(
        session.sql(
            f"SELECT _from, count(*) FROM (SELECT _from, row_number() OVER (PARTITION BY {keys} "
            f"ORDER BY _from, _place) AS n FROM {many}) WHERE n > 1 GROUP BY _from"
        )
    )
    differ = " OR ".join(f"min({_quoted(c)}) <> max({_quoted(c)})" for c in others) or "FALSE"
    [(conflicting,)] = session.sql(
        f"SELECT count(*) FROM (SELECT {keys} FROM {many} GROUP BY {keys} HAVING {differ})"
    )
    last = ", ".join(f"arg_max({_quoted(c)}, (_from, _place)) AS {_quoted(c)}" for c in others)
    session.sql(f"DELETE FROM {name} WHERE ({keys}) IN (SELECT ({keys}) FROM {many})")
    session.sql(
        f"INSERT INTO {name} BY NAME SELECT {keys}{', ' + last if last else ''}, max(_from) AS "
        "_from "
        f"FROM {many} GROUP BY {keys}"
    )
    return repeated, conflicting


def _supersede(session: Session, name: str) -> int:
    """Let refunds that only an order file tells of give way to the refund export's rows.

    Those not yet stored are left out; those stored already are closed, because a store
    forgets nothing.
    """
    held = session.held("refunds")
    told = f"SELECT platform, order_id FROM {name} WHERE NOT starts_with(refund_id, '{DERIVED}')"
    if held is not None:
        view = session.name("held_refunds")
        held.create_view(view)
        told += (
            f" UNION SELECT platform, order_id FROM {view} "
            f"WHERE NOT starts_with(refund_id, '{DERIVED}')"
        )
    both = (
        f"(platform, order_id) IN (SELECT (platform, order_id) FROM ({told}) WHERE order_id IS "
        "NOT NULL)"
    )
    [(gone,)] = session.sql(
        f"DELETE FROM {name} WHERE starts_with(refund_id, '{DERIVED}') AND {both}"
    )
    if held is None:
        return int(gone)
    [(closed,)] = session.sql(
        f"INSERT INTO {name} BY NAME SELECT * REPLACE ('closed' AS status), -1 AS _from FROM "
        f"{view} "
        f"WHERE starts_with(refund_id, '{DERIVED}') AND status = 'success' AND {both}"
    )
    return int(gone + closed)


def _held(session: Session, table: Table, name: str) -> int:
    held = session.held(table.name)
    if held is None:
        return 0
    view = session.name("held")
    held.create_view(view)
    [(count,)] = session.sql(f"SELECT count(*) FROM {name} SEMI JOIN {view} USING ({_keys(table)})")
    return int(count)
