"""Files with the same bytes each time: GB18030 CSV, zipped CSV, xlsx, BIFF xls."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

STAMP = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - workbooks know no zone
Encoding = Literal["gb18030", "utf-8-sig", "utf-8"]


def header_names(text: str) -> tuple[str, ...]:
    """A header row from names with blanks between; ␠ stands for a blank within a name.

    >>> header_names("订单编号 收货地址␠")
    ('订单编号', '收货地址 ')
    """
    return tuple(name.replace("␠", " ") for name in text.split())


def write_csv(
    file: Path, headers: Sequence[str], rows: Iterable[Sequence[str]], *, encoding: Encoding
) -> None:
    """Write a CSV with Windows line ends, as platforms do."""
    file.write_bytes(_csv_bytes(headers, rows, encoding))


def write_zipped_csv(
    file: Path, headers: Sequence[str], rows: Iterable[Sequence[str]], *, encoding: Encoding
) -> None:
    """Write a zip that holds one CSV of the same name, without a time of its own."""
    _write_zip(file, ".csv", _csv_bytes(headers, rows, encoding))


def _write_zip(file: Path, suffix: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(file.with_suffix(suffix).name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "w") as out:
        out.writestr(entry, content, compresslevel=4)


def _csv_bytes(headers: Sequence[str], rows: Iterable[Sequence[str]], encoding: Encoding) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def write_xlsx(file: Path, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a workbook of text cells; formulas stay text."""
    import xlsxwriter

    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False})
    book.set_properties({"created": STAMP})
    sheet = book.add_worksheet("Sheet1")
    for number, row in enumerate([headers, *rows]):
        for column, cell in enumerate(row):
            if cell:
                sheet.write_string(number, column, cell)
    book.close()


def write_xls(
    file: Path, preamble: Sequence[str], headers: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Write an old binary workbook: a preamble, one line a row, then header and text cells.

    A file whose name ends in ``.zip`` becomes a zip that holds the workbook.
    """
    import xlwt
    from xlwt.Cell import StrCell

    book = xlwt.Workbook(encoding="utf-8")
    plain = book.add_style(xlwt.Style.default_style)
    sheet = book.add_sheet("Sheet1")
    for number, line in enumerate(preamble):
        sheet.write(number, 0, line)
    for number, cells in enumerate([headers, *rows], len(preamble)):
        row = sheet.row(number)
        for column in {0, len(cells) - 1}:  # these set the row's bounds; the rest goes faster
            row.set_cell_text(column, cells[column])
        for column, cell in enumerate(cells[1:-1], 1):
            row.insert_cell(column, StrCell(number, column, plain, book.add_str(cell)))
    content = io.BytesIO()
    book.save(content)
    if file.suffix == ".zip":
        _write_zip(file, ".xls", content.getvalue())
    else:
        file.write_bytes(content.getvalue())
