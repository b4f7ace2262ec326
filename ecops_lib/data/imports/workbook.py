"""Workbooks (xls, xlsx) and HTML tables as rows of text."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser
from pathlib import Path

from ecops_lib.core.errors import FileError

EXACT = 1e15
"""Excel keeps 15 digits; a longer whole number in a cell has lost its last ones."""


def read_workbook(path: Path) -> dict[str, list[list[str]]]:
    """The sheets of a workbook that hold anything, every cell as text.

    Raises:
        FileError: The workbook is damaged, protected, or empty.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = {name: _rows(book, name) for name in book.sheet_names}
    except PasswordError as error:
        raise FileError(
            f"{path.name} is protected by a password; open it in Excel, "
            "save it without the password, and import that."
        ) from error
    except (CalamineError, OSError) as error:
        raise FileError(
            f"{path.name} is a damaged or truncated workbook; download it again."
        ) from error
    held = {name: rows for name, rows in sheets.items() if rows}
    if not held:
        raise FileError(f"{path.name} is a workbook without any filled cell; download it again.")
    return held


def _rows(book: object, name: str) -> list[list[str]]:
    sheet = book.get_sheet_by_name(name)  # type: ignore[attr-defined]
    rows = [[cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    return rows if any(any(row) for row in rows) else []


def cell_text(cell: object) -> str:
    """A cell as the text that a CSV export would hold.

    A whole number too long for Excel is written with an exponent, so that an id which
    has lost digits is seen to have lost them.

    >>> cell_text(17850.0), cell_text(1.5), cell_text(1234567890123456789.0)
    ('17850', '1.5', '1.234567890123457E+18')
    """
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        if abs(cell) >= EXACT:
            return f"{cell:.15E}"
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    return "" if cell is None else str(cell)


class _Table(HTMLParser):
    """Collects the cells of every table of a page; scripts are text that is passed over."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in {"td", "th"} and self.tables and self.tables[-1]:
            self._cell = []

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"} and self._cell is not None:
            self.tables[-1][-1].append("".join(self._cell).strip())
            self._cell = None


def read_html(path: Path) -> list[list[str]]:
    """The longest table of a page (what some platforms call ``.xls``); empty if none."""
    parser = _Table()
    parser.feed(path.read_text("utf-8-sig"))
    parser.close()
    return max(parser.tables, key=len, default=[])
