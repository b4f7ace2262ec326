"""Reading one sheet: typed columns, rules, refused rows, and what goes into which table."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ecops_lib.core.errors import FileError
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.data.imports import cleaning, identity
from ecops_lib.data.imports.formats import Recognised, plain_name
from ecops_lib.data.imports.loading import Loaded, quoted
from ecops_lib.data.schema import table_named
from ecops_lib.data.schema.types import Column

if TYPE_CHECKING:
    import duckdb

Kind = Literal["id", "text", "money", "integer", "number", "flag", "time", "day", "who"]

SQL_TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "id": "VARCHAR",
    "who": "VARCHAR",
    "money": "DECIMAL(18, 4)",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
    "time": "TIMESTAMPTZ",
    "day": "DATE",
}
WORDED: tuple[Kind, ...] = ("id", "text", "who")
"""Kinds whose every cell is readable."""


EMPTY = mark("it is empty")
UNKNOWN = mark("the word is not known")
TOO_SMALL = mark("it is below what is allowed")
TORN = mark("the line cannot be cut into cells")
UNREADABLE: Mapping[Kind, str] = {
    "money": mark("it is not a number"),
    "integer": mark("it is not a whole number"),
    "number": mark("it is not a number"),
    "flag": mark("it is neither yes nor no"),
    "time": mark("it is not a time"),
    "day": mark("it is not a day"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One typed column: its SQL, and the cell that it was read from, if one.

    Attributes:
        kind: What it is.
        sql: Expression over the raw table.
        cell: The raw column, such as ``c3``; empty for computed values.
        header: The column's name in the file.
    """

    kind: Kind
    sql: str
    cell: str = ""
    header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One refused row; the reason is in English, marked."""

    line: int
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
    """Rows that a sheet gives to a canonical table."""

    table: str
    query: str
    tally: Tally
    number: int


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

    def emit(self, table: str, query: str, tally: Tally) -> None:
        """Give the rows of a query to a canonical table; columns not named are null."""
        number = len(self.emissions)
        self.emissions.append(Emission(table=table, query=query, tally=tally, number=number))

    def gathered(self, table: str, columns: str) -> str:
        """A query of what this call and the store know of a table; the call's rows come first."""
        parts = [f"SELECT {columns}, 0 AS _age FROM ({e.query})" for e in self.emissions if e.table == table]
        held = self.held(table)
        if held is not None:
            name = self.name("held")
            held.create_view(name)
            parts.append(f"SELECT {columns}, 1 AS _age FROM {name}")
        return " UNION ALL ".join(parts)


class Job:
    """One recognised sheet, loaded as text, being read."""

    def __init__(self, session: Session, found: Recognised, loaded: Loaded) -> None:
        self.session = session
        self.found = found
        self.loaded = loaded
        self.tally = Tally(rows=loaded.rows)
        self.zone = session.zone
        self._cells: dict[str, str] = {}
        for place, name in enumerate(found.header):
            self._cells.setdefault(name, f"c{place}")
        self._orders: dict[str, cleaning.DateOrder] = {}
        self._totals = "FALSE"
        for line, _ in loaded.torn:
            self.tally.refused.append(
                Refused(line=line, column="", value="", reason=TORN)
            )

    @property
    def title(self) -> str:
        """The sheet's name for messages."""
        return self.found.sheet.title

    def has(self, *names: str) -> bool:
        """Whether the sheet has a column by any of its names."""
        return any(plain_name(name) in self._cells for name in names)

    def cell(self, *names: str) -> tuple[str, str]:
        """The raw column of the first name that exists, and that name; two empty texts if none."""
        for name in names:
            if plain_name(name) in self._cells:
                return self._cells[plain_name(name)], name
        return "", ""

    def _fill(self, kind: Kind, names: tuple[str, ...], make: Callable[[str], str]) -> Fill:
        cell, header = self.cell(*names)
        if not cell:
            return self.nothing(kind)
        return Fill(kind=kind, sql=make(cell), cell=cell, header=header)

    def id(self, *names: str) -> Fill:
        """An id, unwrapped."""
        return self._fill("id", names, cleaning.identifier)

    def who(self, *names: str) -> Fill:
        """What names a person; it leaves ``typed`` as a keyed hash only."""
        return self._fill("who", names, identity.person)

    def text(self, *names: str) -> Fill:
        """Text."""
        return self._fill("text", names, cleaning.text)

    def choice(self, words: dict[str, str], *names: str) -> Fill:
        """One of the platform's words as a canonical one."""
        return self._fill("text", names, lambda cell: cleaning.choice(cell, words))

    def province(self, *names: str) -> Fill:
        """The province of a Chinese address, and nothing else of it."""
        return self._fill("text", names, cleaning.province)

    def money(self, *names: str) -> Fill:
        """An amount."""
        return self._fill("money", names, cleaning.money)

    def integer(self, *names: str) -> Fill:
        """A whole number."""
        return self._fill("integer", names, cleaning.integer)

    def number(self, *names: str) -> Fill:
        """A number."""
        return self._fill("number", names, cleaning.number)

    def share(self, *names: str, percent: bool) -> Fill:
        """A fraction, by the rule of its source."""
        return self._fill("number", names, lambda cell: cleaning.share(cell, percent=percent))

    def flag(self, *names: str) -> Fill:
        """Yes or no."""
        return self._fill("flag", names, cleaning.flag)

    def time(self, *names: str) -> Fill:
        """An instant; times without an offset are on the store's clock."""
        return self._fill(
            "time",
            names,
            lambda cell: cleaning.instant(cell, zone=self.zone, order=self._date_order(cell)),
        )

    def day(self, *names: str) -> Fill:
        """A day."""
        return self._fill("day", names, lambda cell: cleaning.day(cell, order=self._date_order(cell)))

    def value(self, value: str) -> Fill:
        """The same text in every row."""
        return Fill(kind="text", sql=quoted(value))

    def constant(self, kind: Kind, value: str) -> Fill:
        """The same value in every row, of any kind."""
        return Fill(kind=kind, sql=f"CAST({quoted(value)} AS {SQL_TYPES[kind]})")

    def nothing(self, kind: Kind) -> Fill:
        """No value at all."""
        return Fill(kind=kind, sql=f"CAST(NULL AS {SQL_TYPES[kind]})")

    def computed(self, kind: Kind, sql: str) -> Fill:
        """A value computed from raw columns by SQL."""
        return Fill(kind=kind, sql=sql)

    def _date_order(self, cell: str) -> cleaning.DateOrder:
        if cell not in self._orders:
            self._orders[cell] = self._find_date_order(cell)
        return self._orders[cell]

    def _find_date_order(self, cell: str) -> cleaning.DateOrder:
        """Whether ``3/4/2026`` is in March or in April: the column must tell, or is refused."""
        parts = f"regexp_extract_all({cell}, '[0-9]+')"
        [(count, first, second)] = self.session.sql(
            f"SELECT count(*), max(CAST({parts}[1] AS INT)), max(CAST({parts}[2] AS INT)) "
            f"FROM {self.loaded.table} WHERE {cell} LIKE '%/%/%' AND "
            f"regexp_full_match({cell}, ' *[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}}( .*)?')"
        )
        if not count:
            return ""
        if (first > 12) == (second > 12):
            raise FileError(
                f"{self.title} writes dates such as 3/4/2026 and nothing in it tells the day from "
                "the month; export it with dates such as 2026-04-03."
            )
        return "dmy" if first > 12 else "mdy"

    def totals(self, *names: str, words: tuple[str, ...] = ()) -> None:
        """Say in which columns a totals row gives itself away (合计, 总计, or ``words``)."""
        cells = [cell for name in names if (cell := self.cell(name)[0])]
        tests = [cleaning.is_total(cell, words=words) for cell in cells]
        self._totals = " OR ".join(tests) or "FALSE"

    def typed(self, fills: Mapping[str, Fill], *, rules: str = "", where: str = "TRUE") -> str:
        """Make a typed table of the good rows; the others are refused with a reason.

        Args:
            fills: Columns to make. Those of the canonical table ``rules`` obey its rules.
            rules: A canonical table, whose required cells, choices and ranges hold.
            where: Raw rows to read.

        Returns:
            The table's name. It has a column ``line_no`` (the row's place, from 0), and
            people are keyed hashes in it.

        Raises:
            FileError: Ids have lost digits, or every row is bad.
        """
        name = self.session.name("typed")
        values = ", ".join(f'{fill.sql} AS "{column}"' for column, fill in fills.items())
        cells = ", ".join(sorted({fill.cell for fill in fills.values() if fill.cell}))
        tests = self._tests(fills, rules)
        cases = " ".join(f"WHEN {test} THEN {n}" for n, (_, _, test) in enumerate(tests))
        bad = f"CASE {cases} END" if cases else "CAST(NULL AS INTEGER)"
        changed = "".join(
            f', "{column}" <> {fill.cell} AS "_{column}"' for column, fill in _ids(fills).items()
        )
        columns = ", ".join(f'"{column}"' for column in fills)
        self.session.sql(
            f"CREATE TEMP TABLE {name} AS SELECT line_no, {columns}, {bad} AS _bad{changed} FROM ("
            f"SELECT rowid AS line_no, {values}{', ' + cells if cells else ''} "
            f"FROM {self.loaded.table} WHERE ({where}) AND NOT ({self._totals}))"
        )
        self._count(name, fills)
        self._refuse(name, fills, tests)
        return self._finished(name, fills)

    def _tests(self, fills: Mapping[str, Fill], rules: str) -> list[tuple[str, str, str]]:
        """Column, reason and SQL of each rule, in the order in which they are told."""
        held = {column.name: column for column in table_named(rules).columns} if rules else {}
        tests = []
        for name, fill in fills.items():
            if fill.kind not in WORDED and fill.cell:
                blank = cleaning.is_blank(fill.cell)
                tests.append((name, UNREADABLE[fill.kind], f'"{name}" IS NULL AND NOT {blank}'))
            if name in held:
                tests += _rules(held[name])
        return tests

    def _count(self, name: str, fills: Mapping[str, Fill]) -> None:
        """Ids that were unwrapped, ids that have lost digits, names that are masked."""
        ids = _ids(fills)
        sums = []
        for column in ids:
            lost = cleaning.lost_digits(f'"{column}"')
            sums += [
                f'count_if("_{column}")',
                f"count_if({lost})",
                f'any_value("{column}") FILTER ({lost})',
            ]
        if not sums:
            return
        [found] = self.session.sql(f"SELECT {', '.join(sums)} FROM {name}")
        for place, fill in enumerate(ids.values()):
            unwrapped, lost, example = found[place * 3 : place * 3 + 3]
            if lost:
                raise FileError(
                    f"{self.title}: {lost} cells of {fill.header!r} are numbers such as {example} "
                    "whose last digits Excel has dropped; download the export again and import it "
                    "without opening and saving it in Excel."
                )
            if unwrapped:
                self.tally.unwrapped[fill.header] += unwrapped

    def _refuse(
        self, name: str, fills: Mapping[str, Fill], tests: list[tuple[str, str, str]]
    ) -> None:
        rows = self.session.sql(
            f"SELECT _bad, list(line_no ORDER BY line_no) FROM {name} "
            "WHERE _bad IS NOT NULL GROUP BY _bad ORDER BY _bad"
        )
        for bad, places in rows:
            column, reason, _ = tests[bad]
            fill = fills[column]
            values = {}
            if fill.cell and fill.kind != "who":
                values = dict(
                    self.session.sql(
                        f"SELECT line_no, left(r.{fill.cell}, 200) FROM {name} t "
                        f"JOIN {self.loaded.table} r ON r.rowid = line_no WHERE _bad = {bad}"
                    )
                )
            self.tally.refused += [
                Refused(
                    line=self.line(place),
                    column=fill.header or column,
                    value=values.get(place) or "",
                    reason=reason,
                )
                for place in places
            ]

    def refuse_rows(self, rows: list[tuple[int, str]], *, column: str, reason: str) -> None:
        """Refuse rows given by their place and the value to show."""
        self.tally.refused += [
            Refused(line=self.line(place), column=column, value=value or "", reason=reason)
            for place, value in rows
        ]

    def line(self, place: int) -> int:
        """The line of the file that a row stands on, where no cell holds a line break."""
        return self.loaded.skip + place + 1

    def _finished(self, name: str, fills: Mapping[str, Fill]) -> str:
        """A view of the good rows with people as keyed hashes."""
        people = [column for column, fill in fills.items() if fill.kind == "who" and fill.cell]
        view, joins, replaced = self.session.name("good"), "", []
        for column in people:
            key = self.session.name("people")
            identity.hash_people(
                self.session.connection, table=name, column=column, key=self.session.key, into=key
            )
            joins += f' LEFT JOIN {key} ON t."{column}" = {key}.who'
            replaced.append(f'{key}.buyer_key AS "{column}"')
            masked = identity.is_masked(f'"{column}"')
            [(hidden,)] = self.session.sql(f"SELECT count_if({masked}) FROM {name}")
            self.tally.masked += hidden or 0
        columns = ", ".join(
            ["t.line_no", *(f't."{c}"' for c in fills if c not in people), *replaced]
        )
        self.session.sql(
            f"CREATE TEMP VIEW {view} AS SELECT {columns} FROM {name} t{joins} WHERE t._bad IS NULL"
        )
        return view

    def emit(self, table: str, query: str) -> None:
        """Give the rows of a query to a canonical table."""
        self.session.emit(table, query, self.tally)

    def keep(self, part: str, view: str) -> None:
        """Keep a typed table until all files are read."""
        self.session.parts.setdefault(part, []).append((view, self))

    def note_money(self, count: int, money: object, message: str) -> None:
        """Note what became of some rows, by a marked message with ``count`` and ``money``."""
        if count:
            self.tally.notes.append(
                lambda: tr(message, count=show(count, "count"), money=show(money, "money"))
            )

    def note(self, sentence: Callable[[], str]) -> None:
        """Note something for the import's page; the words are made when they are read."""
        self.tally.notes.append(sentence)

    def check_totals(self, sums: Mapping[str, Fill]) -> None:
        """Hold the totals row, if there is one, against the sums of the file's own rows."""
        known = {name: fill for name, fill in sums.items() if fill.cell}
        if not known or self._totals == "FALSE":
            return
        raw = self.loaded.table
        [(count,)] = self.session.sql(f"SELECT count(*) FROM {raw} WHERE {self._totals}")
        self.tally.totals_rows += count
        if count != 1:
            return
        parts = ", ".join(
            f"sum({f.sql}) FILTER ({self._totals}), sum({f.sql}) FILTER (NOT ({self._totals}))"
            for f in known.values()
        )
        [found] = self.session.sql(f"SELECT {parts} FROM {raw}")
        for place, fill in enumerate(known.values()):
            told, summed = found[place * 2 : place * 2 + 2]
            if told is not None:
                self.tally.totals.append(
                    TotalsCheck(column=fill.header, told=float(told), summed=float(summed or 0))
                )

    def span(self, view: str, column: str) -> tuple[dt.datetime, dt.datetime] | None:
        """The first and last value of a column."""
        [(first, last)] = self.session.sql(f'SELECT min("{column}"), max("{column}") FROM {view}')
        return None if first is None else (first, last)


def _ids(fills: Mapping[str, Fill]) -> dict[str, Fill]:
    return {c: fill for c, fill in fills.items() if fill.kind in {"id", "who"} and fill.cell}


def _rules(column: Column) -> list[tuple[str, str, str]]:
    """The schema's rules for a column as (column, reason, SQL that is true for bad rows)."""
    rules = []
    if column.required:
        rules.append((column.name, EMPTY, f'"{column.name}" IS NULL'))
    if column.choices:
        known = ", ".join(map(quoted, column.choices))
        rules.append((column.name, UNKNOWN, f'"{column.name}" NOT IN ({known})'))
    if column.least is not None:
        rules.append((column.name, TOO_SMALL, f'"{column.name}" < {column.least:g}'))
    return rules
