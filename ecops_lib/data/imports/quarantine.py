"""Refused rows: one CSV a file in the store's ``quarantine`` folder."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ecops_lib.data.imports.session import Refused

COLUMNS = ("file", "record", "column", "value", "reason")
"""A record's number is that of its row in a spreadsheet: header and lines above count, and a
record whose cells hold line breaks is one."""


def write_quarantine(
    folder: Path, *, file: str, sha256: str, refused: Sequence[Refused]
) -> Path | None:
    """Write the refused rows of a file; names of people never reach this place.

    A value that a spreadsheet would run as a formula is written with a ``'`` before it.

    Returns:
        The file written, or None where nothing was refused.
    """
    if not refused:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{sha256[:8]}-{Path(file).name}.csv"
    with target.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for row in sorted(refused, key=lambda r: (r.record, r.column)):
            writer.writerow((file, row.record, row.column, _harmless(row.value), row.reason))
    return target


def _harmless(value: str) -> str:
    return f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t"} else value
