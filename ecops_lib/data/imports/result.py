"""What an import did, file by file, in numbers and in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, reading, tr
from ecops_lib.core.results import Result
from ecops_lib.data.imports.session import TotalsCheck
from ecops_lib.data.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class FileReport:
    """One file, or one sheet of a workbook.

    Attributes:
        name: The file's name, with the sheet's where there are several.
        sha256: Hash of its bytes.
        encoding: How its text was decoded; empty for other kinds.
        format: The format's name in code.
        label: The format's name for people, in English.
        score: Share of its column names that the format knows.
        why: Why it was taken for this format.
        again: Whether the same bytes had been imported before, so that nothing was read.
        rows: Rows read.
        written: Rows that went into each canonical table.
        repeated: Rows whose key an earlier row has.
        unwrapped: Ids freed of wrapping, by column.
        refused: Rows in quarantine, by column and reason.
        masked: Rows whose buyer the platform has masked.
        totals: Totals rows held against the sums.
        notes: Further sentences.
        first: First day in it, on the store's clock.
        last: Last day in it.
    """

    name: str
    sha256: str
    encoding: str = ""
    format: str = ""
    label: str = ""
    score: float = 1.0
    why: Callable[[], str] = str
    again: bool = False
    rows: int = 0
    written: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    unwrapped: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[tuple[str, str], int] = field(default_factory=dict)
    masked: int = 0
    totals: tuple[TotalsCheck, ...] = ()
    notes: tuple[Callable[[], str], ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ImportResult(Result):
    """What one import did.

    Attributes:
        store: The store's folder.
        version: The store's version after it.
        changed: Whether the store changed.
        created: Why a new store has its currency and zone; empty for a store that was there.
        currency: The store's currency.
        time_zone: The store's zone.
        files: One report a file or sheet.
        rows: Rows written into each canonical table, after duplicates.
        overlap: Rows of each table that were given more than once, or were in the store.
        conflicts: Keys of each table whose rows told different things; the last holds.
        missing: Canonical tables that are still empty.
        superseded: Refunds of order files that gave way to those of the refund export.
        skipped: Files of a folder that are no tables.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "score": "share",
        "rows": "count",
        "written": "count",
        "repeated": "count",
        "unwrapped": "count",
        "refused": "count",
        "first": "day",
        "last": "day",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "file": mark("file"),
        "format": mark("recognised as"),
        "score": mark("match"),
        "encoding": mark("encoding"),
        "rows": mark("rows read"),
        "written": mark("rows written"),
        "repeated": mark("given before"),
        "unwrapped": mark("ids cleaned"),
        "refused": mark("refused"),
        "first": mark("from"),
        "last": mark("to"),
    }
    sheet: ClassVar[str] = mark("Imported files")

    store: str
    version: int
    changed: bool
    created: bool
    currency: str
    time_zone: str
    files: tuple[FileReport, ...]
    rows: Mapping[str, int]
    overlap: Mapping[str, int]
    conflicts: Mapping[str, int]
    missing: tuple[str, ...]
    superseded: int = 0
    skipped: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row a file."""
        import pandas as pd

        rows = [
            {
                "file": file.name,
                "format": tr(file.label),
                "score": file.score,
                "encoding": file.encoding,
                "rows": file.rows,
                "written": sum(file.written.values()),
                "repeated": file.repeated,
                "unwrapped": sum(file.unwrapped.values()),
                "refused": sum(file.refused.values()),
                "first": file.first,
                "last": file.last,
            }
            for file in self.files
        ]
        return pd.DataFrame(rows, columns=list(self.labels), dtype=object)

    def findings(self) -> tuple[Finding, ...]:
        """What was recognised, cleaned, refused, and what is missing."""
        with reading(currency=self.currency):
            words = [*self._store_words()]
            for file in self.files:
                words += _file_words(file)
            return (
                *words,
                *self._overlap_words(),
                *self._superseded_words(),
                *self._missing_words(),
            )

    def _store_words(self) -> Iterator[Finding]:
        if self.created:
            yield _note(
                "store_made",
                tr(
                    "A new store was made: currency {currency}, time zone {zone}.",
                    currency=self.currency,
                    zone=self.time_zone,
                ),
            )
        if not self.changed:
            yield _note("unchanged", tr("Nothing new: the store is as it was."))
        if self.skipped:
            names = ", ".join(self.skipped[:5])
            yield _note(
                "skipped",
                tr("Not tables, so not read: {names}.", names=names),
                files=len(self.skipped),
            )

    def _overlap_words(self) -> Iterator[Finding]:
        for table, count in self.overlap.items():
            if count:
                yield _note(
                    f"overlap/{table}",
                    ntr(
                        "{count} row for {table} was given more than once or was in the store; "
                        "it counts once.",
                        "{count} rows for {table} were given more than once or were in the "
                        "store; they count once.",
                        count,
                        count=show(count, "count"),
                        table=table,
                    ),
                    rows=count,
                )
        for table, count in self.conflicts.items():
            if count:
                text = ntr(
                    "{count} key of {table} was told differently by different rows; the last "
                    "holds.",
                    "{count} keys of {table} were told differently by different rows; the last "
                    "holds.",
                    count,
                    count=show(count, "count"),
                    table=table,
                )
                yield Finding(
                    key=f"conflict/{table}", level="watch", text=text, evidence={"keys": count}
                )

    def _superseded_words(self) -> Iterator[Finding]:
        if self.superseded:
            text = ntr(
                "{count} refund that an order file tells of gave way to that of the refund export.",
                "{count} refunds that order files tell of gave way to those of the refund export.",
                self.superseded,
                count=show(self.superseded, "count"),
            )
            yield _note("superseded", text, rows=self.superseded)

    def _missing_words(self) -> Iterator[Finding]:
        for table in self.missing:
            yield _note(
                f"missing/{table}",
                tr(
                    "Still empty: {table}. To fill it, import {hint}.",
                    table=table,
                    hint=tr(TABLES[table].hint),
                ),
            )


def _note(key: str, text: str, **evidence: float) -> Finding:
    return Finding(key=key, level="info", text=text, evidence=evidence)


def _file_words(file: FileReport) -> list[Finding]:
    if file.again:
        text = tr("{file} was imported before, byte for byte; it changes nothing.", file=file.name)
        return [_note(f"again/{file.name}", text)]
    return [
        _recognised(file),
        *_cleaned(file),
        *_totals(file),
        *_refused(file),
        *(_note(f"note/{file.name}", f"{file.name}: {note()}") for note in file.notes),
    ]


def _recognised(file: FileReport) -> Finding:
    tables = ", ".join(f"{name} {show(rows, 'count')}" for name, rows in file.written.items())
    text = tr(
        "{file}: {label} ({why}); {rows} rows read, written: {tables}.",
        file=file.name,
        label=tr(file.label),
        why=file.why(),
        rows=show(file.rows, "count"),
        tables=tables or tr("nothing"),
    )
    return _note(f"recognised/{file.name}", text, rows=file.rows, score=file.score)


def _cleaned(file: FileReport) -> Iterator[Finding]:
    if file.unwrapped:
        cells = sum(file.unwrapped.values())
        text = ntr(
            "{file}: {count} id was cleaned of marks around it ({columns}).",
            "{file}: {count} ids were cleaned of marks around them ({columns}).",
            cells,
            file=file.name,
            count=show(cells, "count"),
            columns=", ".join(file.unwrapped),
        )
        yield _note(f"cleaned/{file.name}", text, cells=cells)
    if file.masked:
        text = ntr(
            "{file}: the platform has masked the buyer of {count} row; it cannot be told who "
            "bought.",
            "{file}: the platform has masked the buyers of {count} rows; it cannot be told who "
            "bought.",
            file.masked,
            file=file.name,
            count=show(file.masked, "count"),
        )
        yield Finding(
            key=f"masked/{file.name}", level="watch", text=text, evidence={"rows": file.masked}
        )


def _totals(file: FileReport) -> Iterator[Finding]:
    for check in file.totals:
        if not check.agrees:
            text = tr(
                "{file}: the totals row says {told} for {column}, but the rows add up to {summed}; "
                "the download may be cut off: download it again.",
                file=file.name,
                column=check.column,
                told=show(check.told, "number"),
                summed=show(check.summed, "number"),
            )
            evidence = {"told": check.told, "summed": check.summed}
            yield Finding(
                key=f"totals/{file.name}/{check.column}", level="bad", text=text, evidence=evidence
            )
    right = sum(check.agrees for check in file.totals)
    if right:
        text = ntr(
            "{file}: its totals row agrees with its rows in {count} column.",
            "{file}: its totals row agrees with its rows in {count} columns.",
            right,
            file=file.name,
            count=right,
        )
        yield Finding(
            key=f"totals/{file.name}", level="good", text=text, evidence={"columns": right}
        )


def _refused(file: FileReport) -> Iterator[Finding]:
    for (column, reason), count in file.refused.items():
        text = ntr(
            "{file}: {count} row was refused ({column}: {reason}); see the store's quarantine "
            "folder.",
            "{file}: {count} rows were refused ({column}: {reason}); see the store's quarantine "
            "folder.",
            count,
            file=file.name,
            count=show(count, "count"),
            column=column or tr("line"),
            reason=tr(reason),
        )
        yield Finding(
            key=f"refused/{file.name}/{column}/{reason}",
            level="watch",
            text=text,
            evidence={"rows": count},
        )
