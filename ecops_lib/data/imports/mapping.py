"""``mapping.toml``: any other file, told by its name, column by column.

    [[file]]
    match = "库存*.csv"          # the file's name; * stands for anything
    table = "inventory"          # a canonical table
    [file.columns]               # canonical = "column in the file"
    day = "日期"
    on_hand = "可用库存"
    [file.percent]               # likewise, for columns written in per cent
    bounce_rate = "跳出率"
    [file.constants]             # canonical = the same value in every row
    platform = "tmall"

Columns that name people (``buyer_key``, ``referred_by``, ``visitor_key``, ``unit_key``)
become keyed hashes.
A file whose rows are people without a name (a results sheet) has ``unit_key = "#row"``: the
file's name and the row's number.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import FileError
from ecops_lib.core.language import mark
from ecops_lib.data.imports.cells import Fill
from ecops_lib.data.imports.formats import Format
from ecops_lib.data.imports.job import Job
from ecops_lib.data.imports.loading import quoted
from ecops_lib.data.schema import TABLES, table_named
from ecops_lib.data.schema.types import Column, Table

NAME = "mapping.toml"
ROW = "#row"
"""Stands for a column that holds the rows' numbers."""

PEOPLE = frozenset({"buyer_key", "referred_by", "visitor_key", "unit_key"})
WILD = frozenset(
    {"scope_id", "campaign_id", "product_id", "keyword", "warehouse_id", "category", "province"}
)
"""Columns of a key in which ``*`` stands for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One ``[[file]]`` of a mapping."""

    match: str
    table: str
    columns: Mapping[str, str]
    percent: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)

    def numbered(self) -> tuple[str, ...]:
        """The column, if any, that the rows' numbers fill."""
        return tuple(name for name, header in self.columns.items() if header == ROW)[:1]

    def format(self) -> Format:
        """The format that this entry describes."""
        named = {**self.columns, **self.percent}
        return Format(
            key=f"mapping:{self.match}",
            label=mark("described in mapping.toml"),
            platform=self.constants.get("platform", ""),
            must=tuple((header,) for header in named.values() if header != ROW),
            rank=2,
            least=0.0,
            load=partial(_load, entry=self),
        )


def read_mapping(path: Path) -> tuple[Entry, ...]:
    """Read and check a mapping.

    Raises:
        FileError: It is not TOML, or names a table or column that there is not.
    """
    try:
        held = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"{path} is no readable TOML: {error}.") from error
    entries = held.get("file")
    if set(held) != {"file"} or not isinstance(entries, list):
        raise FileError(f"{path} holds {listed(held)}; it must hold [[file]] entries and no more.")
    return tuple(_entry(given, path) for given in entries)


def _entry(given: Mapping[str, object], path: Path) -> Entry:
    known = set(Entry.__dataclass_fields__)
    if unknown := sorted(set(given) - known):
        raise FileError(f"{path}: a [[file]] has {unknown[0]!r}; it takes {listed(sorted(known))}.")
    for word in ("match", "table"):
        if not isinstance(given.get(word), str):
            raise FileError(f'{path}: a [[file]] has no {word}; add a line such as {word} = "…".')
    table = str(given["table"])
    if table not in TABLES:
        raise FileError(
            f"{path}: there is no table {table!r}{nearest(table, TABLES)}; the tables are "
            f"{listed(TABLES)}."
        )
    parts = {
        word: _names(given.get(word, {}), path, table)
        for word in ("columns", "percent", "constants")
    }
    entry = Entry(match=str(given["match"]), table=table, **parts)
    _require_key(entry, path)
    return entry


def _names(given: object, path: Path, table: str) -> dict[str, str]:
    if not isinstance(given, dict):
        raise FileError(f'{path}: {given!r} must be a table of canonical = "column in the file".')
    names = table_named(table).names
    for name in given:
        if name not in names:
            raise FileError(
                f"{path}: {table} has no column {name!r}{nearest(name, names)}; it has "
                f"{listed(names)}."
            )
    return {name: str(value) for name, value in given.items()}


def _require_key(entry: Entry, path: Path) -> None:
    told = {*entry.columns, *entry.percent, *entry.constants}
    table = table_named(entry.table)
    needed = [
        column.name for column in table.columns if column.required and column.name not in told
    ]
    if needed := [name for name in needed if name not in WILD]:
        raise FileError(
            f"{path}: the entry for {entry.match!r} does not tell {listed(needed)}, which "
            f"{entry.table} needs; add it under [file.columns] or [file.constants]."
        )


def entry_for(entries: tuple[Entry, ...], name: str) -> Entry | None:
    """The first entry whose pattern fits a file's name, whatever its letters' case."""
    return next((e for e in entries if fnmatchcase(name.lower(), e.match.lower())), None)


def _load(job: Job, *, entry: Entry) -> None:
    table = table_named(entry.table)
    fills = {column.name: _fill(job, entry, column) for column in table.columns}
    key = table.key[0]
    job.totals(
        *(header for name, header in entry.columns.items() if name in {key, "day", *table.key})
    )
    good = job.typed(fills, rules=table.name)
    named = "".join(f" REPLACE ({_row_id(job)} AS {name})" for name in entry.numbered())
    job.emit(table.name, f"SELECT * EXCLUDE (line_no){named} FROM {good}")


def _row_id(job: Job) -> str:
    """File and number of a row: a name that the next import gives it again."""
    name = quoted(f"{job.found.sheet.source.name}#")
    return f"{name} || (line_no + 1)"


def _fill(job: Job, entry: Entry, column: Column) -> Fill:
    if column.name in entry.percent:
        return job.share(entry.percent[column.name], percent=True)
    if column.name in entry.columns:
        return _wild(_typed(job, column, entry.columns[column.name], _table(entry)), column)
    if column.name in entry.constants:
        return job.constant(column.type, entry.constants[column.name])
    if column.name in WILD and column.required:
        return job.value("*")
    return job.nothing(column.type)


def _table(entry: Entry) -> Table:
    return table_named(entry.table)


def _wild(fill: Fill, column: Column) -> Fill:
    """An empty cell of a key that may be ``*`` means all."""
    if column.name in WILD and column.required:
        sql = f"coalesce({fill.sql}, {quoted('*')})"
        return Fill(kind=fill.kind, sql=sql, cell=fill.cell, header=fill.header)
    return fill


def _typed(job: Job, column: Column, header: str, table: Table) -> Fill:
    if header == ROW:
        return job.value(ROW)
    if column.name in PEOPLE:
        return job.who(header)
    if column.type == "text":
        is_id = column.name.endswith("_id") or column.name in table.key
        return job.id(header) if is_id else job.text(header)
    readers = {
        "money": job.money,
        "integer": job.integer,
        "number": job.number,
        "flag": job.flag,
        "time": job.time,
        "day": job.day,
    }
    return readers[column.type](header)
