"""Which export is this? Told by the names in its header, scored, and explained."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecops_lib.core.checks import listed
from ecops_lib.core.errors import FileError
from ecops_lib.core.language import tr

if TYPE_CHECKING:
    from ecops_lib.data.imports.job import Job
    from ecops_lib.data.imports.reader import Grid, Sheet
    from ecops_lib.data.imports.session import Session

LEAST_SCORE = 0.4
"""Share of a header's names that a format must know."""

TOO_CLOSE = 0.02
"""Two formats whose scores differ by less are not told apart."""

Names = tuple[str, ...]
"""Names of one column through the generations of an export."""


def plain_name(name: str) -> str:
    """A header's name without the accidents of width and blanks.

    What stands in brackets stays: （支付时间） and （退款时间） are different numbers.

    >>> plain_name(" 收货地址　"), plain_name("退款金额（支付时间）")
    ('收货地址', '退款金额(支付时间)')
    """
    return " ".join(unicodedata.normalize("NFKC", name).replace("\ufeff", "").split())


@dataclass(frozen=True, kw_only=True, eq=False)
class Format:
    """One kind of export.

    Attributes:
        key: Its name in code and in records.
        label: Its name for people, marked for the catalogue.
        platform: Value of the column ``platform``.
        must: Columns that it always has, each by any of its names.
        known: Other names that may stand in its header.
        unread: Names among the known that ``load`` never asks for; a wide text file is
            loaded without them.
        never: Names that rule it out.
        rank: Files of a lower rank are read first, because others need them.
        least: Score below which a file is not taken for it.
        currency: Currency of its amounts, where the export has only one.
        time_zone: Zone of its times, where they carry none.
        tell: Currency and zone that a file itself tells, for formats of many countries.
        load: Reads a sheet into canonical tables; None for a file that is known, but that
            a store has no use for: it is passed over.
        finish: Called once after all files, for formats whose files belong together.
    """

    key: str
    label: str
    platform: str
    must: tuple[Names, ...]
    known: Names = ()
    unread: Names = ()
    never: Names = ()
    rank: int = 0
    least: float = LEAST_SCORE
    currency: str = ""
    time_zone: str = ""
    tell: Callable[[Recognised], tuple[str, str]] | None = None
    load: Callable[[Job], None] | None
    finish: Callable[[Session], None] | None = None

    @property
    def needed(self) -> bool:
        """Whether a store has use for it."""
        return self.load is not None

    def names(self) -> frozenset[str]:
        """All names that it knows."""
        return frozenset(plain_name(n) for group in (*self.must, self.known) for n in group)

    def score(self, header: Iterable[str]) -> float:
        """Share of the header's names that it knows; 0 where it cannot be this format."""
        held = {name for name in header if name}
        lacks = any(not held & {plain_name(n) for n in group} for group in self.must)
        if not held or lacks or held & {plain_name(n) for n in self.never}:
            return 0.0
        return len(held & self.names()) / len(held)


@dataclass(frozen=True, kw_only=True, eq=False)
class Recognised:
    """A sheet whose format is known.

    Attributes:
        sheet: The sheet.
        format: Its format.
        grid: The way to cut it.
        row: Index of the header's row.
        header: The header's names, plain.
        score: Share of the names that the format knows.
    """

    sheet: Sheet
    format: Format
    grid: Grid
    row: int
    header: tuple[str, ...]
    score: float

    def told(self) -> tuple[str, str]:
        """Currency and zone that the file or its format tells; empty where it does not."""
        if self.format.tell is not None:
            return self.format.tell(self)
        return self.format.currency, self.format.time_zone

    def places(self) -> list[int]:
        """Places of the columns that are worth loading."""
        unread = {plain_name(name) for name in self.format.unread}
        return [n for n, name in enumerate(self.header) if name not in unread]

    def explanation(self) -> str:
        """Why it was taken for this format, in the reader's language."""
        known = [name for name in self.header if name in self.format.names()]
        return tr(
            "{known} of {all} column names are known, among them {names}",
            known=len(known),
            all=sum(bool(name) for name in self.header),
            names=", ".join(known[:4]),
        )


def recognise(sheet: Sheet, formats: Sequence[Format]) -> Recognised:
    """Find the header among the first rows, and the one format that it speaks of.

    Raises:
        FileError: No format fits, or two fit equally well.
    """
    fits = sorted(
        (
            Recognised(sheet=sheet, format=kind, grid=grid, row=row, header=header, score=score)
            for grid in sheet.grids
            for row, header in _headers(grid)
            for kind in formats
            if (score := kind.score(header)) > 0 and score >= kind.least
        ),
        key=lambda fit: (-fit.score, fit.row),
    )
    if not fits:
        raise FileError(_unknown(sheet, formats))
    best = fits[0]
    rival = next((f for f in fits if f.format is not best.format), None)
    if rival is not None and best.score - rival.score < TOO_CLOSE:
        raise FileError(
            f"{sheet.title} could be {best.format.key} or {rival.format.key}: both know "
            f"{best.score:.0%} of its columns; say which by an entry in mapping.toml."
        )
    return best


def _headers(grid: Grid) -> Iterable[tuple[int, tuple[str, ...]]]:
    for row, cells in enumerate(grid.rows):
        if len(cells) > 1:
            yield row, tuple(plain_name(cell) for cell in cells)


def _unknown(sheet: Sheet, formats: Sequence[Format]) -> str:
    header = likely_header(sheet)
    if not header:
        return (
            f"{sheet.title} holds no row of two or more columns among its first lines; "
            "it is not an export that ecops reads."
        )
    near = max(formats, key=lambda kind: len(kind.names() & set(header)), default=None)
    hint = ""
    if near is not None and (shared := near.names() & set(header)):
        wanted = [group for group in near.must if not set(header) & {plain_name(n) for n in group}]
        lacks = f", but it lacks {listed('/'.join(group) for group in wanted)}" if wanted else ""
        hint = f"; nearest is {near.key} with {len(shared)} of them{lacks}"
    shown = listed(name[:30] for name in header[:8])
    more = f" and {len(header) - 8} more" if len(header) > 8 else ""
    return (
        f"{sheet.title} is no export that ecops knows: its columns are {shown}{more}{hint}; "
        "download the platform's own export, or describe the file in mapping.toml "
        "([[file]] match, table, [file.columns])."
    )


def likely_header(sheet: Sheet) -> tuple[str, ...]:
    """What looks most like a header: the first row with the most filled cells."""
    rows = [header for grid in sheet.grids for _, header in _headers(grid)]
    best = max(rows, key=lambda header: sum(bool(name) for name in header), default=())
    return tuple(name for name in best if name)
