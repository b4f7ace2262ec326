"""The list as a file: CSV or a workbook that can be sent, and imported again as contacts.

Customers are named by their hashed keys only. Keys and names stay text wherever the file is
opened: what a spreadsheet would take for a formula or a number gets an apostrophe before
it in CSV, which the import takes off again; a workbook's cells are texts anyway.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from ecops_lib.core.errors import FileError, ParameterError
from ecops_lib.core.language import tr
from ecops_lib.customers.contacts.contact_list import ContactList

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("contact_id", "buyer_key", "sent_at", "held_out", "message", "cost", "tier", "chance",
           "expected_profit")  # fmt: skip
CHUNK = 50_000
"""Rows that are written at a time."""
MOST_ROWS = 1_048_576
"""Rows of a workbook's sheet, its heading among them."""
RISKY = r"^(?:[=+\-@\t\r'].*|[0-9.,eE+\-/: ]+)$"
"""Texts that a spreadsheet would take for a formula, a number or a time."""


def write_contacts(result: ContactList, out: str | Path) -> Path:
    """Write a contact list, whole or not at all.

    The columns are those of the table ``contacts`` (``sent_at`` is midnight of the day of
    sending, on the store's clock), and what the choice rests on. To judge the list later,
    import the file as it is, with the time of sending if it differs.

    Args:
        result: The list.
        out: File to write: ``.csv`` (UTF-8) or ``.xlsx``.

    Returns:
        The file.

    Raises:
        ParameterError: The file's ending is another, or a workbook has no room for the list.
        FileError: The file cannot be written.
    """
    path = Path(out)
    kind = path.suffix.lower()
    if kind not in {".csv", ".xlsx"}:
        raise ParameterError(f"out is {str(path)!r}; its name must end in .csv or .xlsx.")
    if kind == ".xlsx" and len(result.chosen) >= MOST_ROWS:
        raise ParameterError(
            f"the list has {len(result.chosen)} customers, but a workbook's sheet holds "
            f"{MOST_ROWS - 1}; write it as .csv."
        )
    if not path.parent.is_dir():
        raise FileError(f"{path} cannot be written: there is no folder {path.parent}.")
    aside = path.with_name(f".{path.name}.part")
    try:
        (_write_csv if kind == ".csv" else _write_xlsx)(result, aside)
        os.replace(aside, path)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error}.") from error
    finally:
        aside.unlink(missing_ok=True)
    return path


def _chunks(result: ContactList, *, safe: bool) -> Iterator[pd.DataFrame]:
    """The rows in the file's columns, a part at a time, the most worthwhile first."""
    held = result.chosen
    names = {rule.key: tr(rule.label) for rule in result.tiers.rules}
    sent_at = datetime.combine(result.send_on, time()).isoformat(" ")
    for at in range(0, len(held), CHUNK):
        part = held.iloc[at : at + CHUNK]
        rows = part.assign(
            contact_id=result.contact_id,
            sent_at=sent_at,
            held_out=part["held_out"].map({True: "1", False: "0"}),
            message=part["message"].astype(object),
            tier=part["tier"].astype(object).map(names),
            cost=part["cost"].round(4),
            chance=part["chance"].astype(float).round(6),
            expected_profit=part["expected_profit"].astype(float).round(4),
        )
        if safe:
            rows = rows.assign(
                **{name: _safe(rows[name]) for name in ("contact_id", "buyer_key", "message")}
            )
        yield rows[[*COLUMNS]]


def _safe(texts: pd.Series) -> pd.Series:
    """Texts that no spreadsheet takes for anything else."""
    held = texts.astype(object)
    risky = held.str.match(RISKY)
    return held.where(~risky, "'" + held)


def _write_csv(result: ContactList, file: Path) -> None:
    with file.open("w", encoding="utf-8-sig", newline="") as lines:
        lines.write(",".join(COLUMNS) + "\r\n")
        for rows in _chunks(result, safe=True):
            rows.to_csv(lines, index=False, header=False, lineterminator="\r\n")


def _write_xlsx(result: ContactList, file: Path) -> None:
    from xlsxwriter import Workbook

    texts = {"contact_id", "buyer_key", "sent_at", "held_out", "message", "tier"}
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(str(file), options) as book:
        sheet = book.add_worksheet("contacts")
        sheet.write_row(0, 0, COLUMNS)
        sheet.freeze_panes(1, 0)
        line = 1
        for rows in _chunks(result, safe=False):
            for row in rows.itertuples(index=False):
                for place, name in enumerate(COLUMNS):
                    write = sheet.write_string if name in texts else sheet.write_number
                    write(line, place, row[place])
                line += 1
