"""The cells of one sheet: which column holds what, and the SQL that reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ecops_lib.core.errors import FileError
from ecops_lib.core.language import mark
from ecops_lib.data.imports import cleaning, identity
from ecops_lib.data.imports.formats import Recognised, plain_name
from ecops_lib.data.imports.loading import Loaded, quoted
from ecops_lib.data.imports.session import Session
from ecops_lib.data.schema import table_named
from ecops_lib.data.schema.types import Column

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
SLASHED = " *[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}( .*)?"
"""A date of which the day may stand before the month or after it."""
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
        dated: Of a time or day: its SQL once it is known what ``3/4/2026`` means.
    """

    kind: Kind
    sql: str
    cell: str = ""
    header: str = ""
    dated: Callable[[cleaning.DateOrder], str] | None = field(default=None, compare=False)


class Cells:
    """A loaded sheet whose columns are asked for by any of their names."""

    def __init__(self, session: Session, found: Recognised, loaded: Loaded) -> None:
        self.session = session
        self.found = found
        self.loaded = loaded
        self.zone = session.zone
        self._cells: dict[str, str] = {}
        for place in found.places():
            self._cells.setdefault(found.header[place], f"c{place}")
        self._orders: dict[str, cleaning.DateOrder] = {}

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
            if name in self.found.format.unread:
                raise LookupError(f"{self.found.format.key} says that it does not read {name}")
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

        def make(cell: str, order: cleaning.DateOrder) -> str:
            return cleaning.instant(cell, zone=self.zone, order=order, wall=f"wall_{cell}")

        return self._dated("time", names, make)

    def day(self, *names: str) -> Fill:
        """A day."""
        return self._dated("day", names, lambda cell, order: cleaning.day(cell, order=order))

    def _dated(
        self, kind: Kind, names: tuple[str, ...], make: Callable[[str, cleaning.DateOrder], str]
    ) -> Fill:
        fill = self._fill(kind, names, lambda cell: make(cell, ""))
        if not fill.cell:
            return fill
        fill = replace(fill, dated=lambda order: make(fill.cell, order))
        return self.redated(fill) if self._starts_with_slashes(fill.cell) else fill

    def redated(self, fill: Fill) -> Fill:
        """The same times with the meaning of ``3/4/2026`` that their column tells.

        Raises:
            FileError: It does not tell.
        """
        if fill.dated is None:
            return fill
        return replace(fill, sql=fill.dated(self._date_order(fill.cell)))

    def _starts_with_slashes(self, cell: str) -> bool:
        """Whether the first rows already have dates such as ``3/4/2026`` in a column."""
        place = int(cell.removeprefix("c"))
        rows = self.found.grid.rows[self.found.row + 1 :]
        return any(place < len(row) and re.fullmatch(SLASHED, row[place]) for row in rows)

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
            f"regexp_full_match({cell}, '{SLASHED}')"
        )
        if not count:
            return ""
        if (first > 12) == (second > 12):
            raise FileError(
                f"{self.title} writes dates such as 3/4/2026 and nothing in it tells the day from "
                "the month; export it with dates such as 2026-04-03."
            )
        return "dmy" if first > 12 else "mdy"


def rules_of(fills: Mapping[str, Fill], table: str) -> list[tuple[str, str, str]]:
    """Column, reason and SQL of each rule, in the order in which they are told."""
    held = {column.name: column for column in table_named(table).columns} if table else {}
    tests = []
    for name, fill in fills.items():
        if fill.kind not in WORDED and fill.cell:
            blank = cleaning.is_blank(fill.cell)
            tests.append((name, UNREADABLE[fill.kind], f'"{name}" IS NULL AND NOT {blank}'))
        if name in held:
            tests += _rules(held[name])
    return tests


def walls_of(fills: Mapping[str, Fill]) -> list[str]:
    """Columns that the SQL of times refers to: their cells as plain TIMESTAMPs."""
    cells = sorted({fill.cell for fill in fills.values() if fill.kind == "time" and fill.cell})
    return [f"TRY_CAST({cell} AS TIMESTAMP) AS wall_{cell}" for cell in cells]


def ids_of(fills: Mapping[str, Fill]) -> dict[str, Fill]:
    """The columns that hold ids or people."""
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
