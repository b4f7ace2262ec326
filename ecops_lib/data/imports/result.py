"""What an import did, file by file, in numbers and in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding, level_word
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import mark, reading, tr
from ecops_lib.core.results import Result
from ecops_lib.core.tables import pretty
from ecops_lib.data.imports import wording
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
        needed: Whether a store has use for such a file; one that has none is not read.
        rows: Rows read.
        written: Rows that went into each canonical table; a table made of lines that
            another table counts is left out, so that they do not count twice.
        repeated: Rows of these tables whose key an earlier row has.
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
    needed: bool = True
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
        held: Those of them that were in the store.
        derived: Tables made of lines that are counted in another table as well.
        conflicts: Keys of each table whose rows told different things; the last holds.
        missing: Canonical tables that are still empty.
        superseded: Refunds of order files that gave way to those of the refund export.
        skipped: Files of a folder and sheets of a workbook that are no known tables.
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
        "why": mark("why"),
    }
    sheet: ClassVar[str] = mark("Imported files")
    short: ClassVar[tuple[str, ...]] = ("file", "format", "rows", "written", "repeated", "refused")
    """Columns that a line of a terminal has room for."""

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
    held: Mapping[str, int]
    derived: frozenset[str]
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
                "why": file.why(),
            }
            for file in self.files
        ]
        return pd.DataFrame(rows, columns=list(self.labels), dtype=object)

    def findings(self) -> tuple[Finding, ...]:
        """What needs a look first, then what was read, given twice, and is missing."""
        with reading(currency=self.currency):
            return tuple(wording.summary(self))

    def remarks(self) -> tuple[Finding, ...]:
        """What was recognised and cleaned, file by file: too much for a summary."""
        with reading(currency=self.currency):
            return tuple(remark for file in self.files for remark in wording.remarks(file))

    def refusals(self) -> pd.DataFrame:
        """Rows in quarantine by file, column and reason, in the reader's language."""
        import pandas as pd

        rows = [
            {
                "file": file.name,
                "column": column or tr("line"),
                "reason": tr(reason),
                "refused": count,
            }
            for file in self.files
            for (column, reason), count in file.refused.items()
        ]
        return pd.DataFrame(rows, columns=["file", "column", "reason", "refused"], dtype=object)

    def still_missing(self) -> pd.DataFrame:
        """The tables that are empty and what fills them; those of the daily review come first."""
        import pandas as pd

        rows = [
            {"table": wording.table_word(name), "hint": tr(TABLES[name].hint)}
            for name in wording.by_use(self.missing)
        ]
        return pd.DataFrame(rows, columns=["table", "hint"], dtype=object)

    def __str__(self) -> str:
        """A line a file, and the findings."""
        shown = pretty(self.to_frame()[list(self.short)], units=self.units, labels=self.headings())
        words = [f"[{level_word(finding.level)}] {finding.text}" for finding in self.findings()]
        return "\n".join([shown.to_string(index=False), *words])
