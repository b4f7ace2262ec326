"""The Excel workbook of a page's tables: one sheet a result, numbers as numbers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

from ecops_lib.core.findings import Level, level_word
from ecops_lib.core.formats import Unit, excel_format, show
from ecops_lib.core.language import tr

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

Bundle = Mapping[str, Any]
"""A result as plain values, as ``core.bundle.result_bundle`` makes it."""

LONGEST_CELL = 32_767
LONGEST_NAME = 31
MOST_ROWS = 1_048_576
WIDTHS = (8, 60)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]")


def workbook_bytes(
    bundles: Sequence[Bundle],
    findings: Sequence[Mapping[str, Any]],
    *,
    title: str,
    made_at: dt.datetime,
) -> bytes:
    """A workbook with the findings first and then one sheet a table.

    Text is written as text whatever it begins with: nothing from data becomes a
    formula or a link. The same content and time stamp give the same bytes.

    Args:
        bundles: The page's results in order; those without a table get no sheet.
        findings: All findings of the page, as ``Finding.to_dict`` makes them.
        title: Title of the document.
        made_at: Time stamp in the document's properties.
    """
    from xlsxwriter import Workbook

    held = BytesIO()
    safe = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = Workbook(held, safe)
    created = made_at.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": clean(title), "created": created})
    names: set[str] = set()
    _write_sheet(book, _findings_bundle(findings), names)
    for bundle in (one for held in bundles for one in (held, *held.get("behind", ()))):
        if bundle["columns"]:
            _write_sheet(book, bundle, names)
    book.close()
    return held.getvalue()


def _findings_bundle(findings: Sequence[Mapping[str, Any]]) -> Bundle:
    headings: list[tuple[str, Unit]] = [
        (tr("level"), "text"),
        (tr("finding"), "text"),
        (tr("money at stake"), "money"),
        (tr("what to do"), "text"),
        (tr("who"), "text"),
    ]
    rows = []
    for finding in findings:
        action = finding["action"] or {"text": None, "owner": None}
        word = level_word(cast("Level", finding["level"]))
        rows.append([word, finding["text"], finding["money"], action["text"], action["owner"]])
    columns = [{"name": label, "label": label, "unit": unit} for label, unit in headings]
    return {"sheet": tr("Findings"), "columns": columns, "rows": rows}


def _write_sheet(book: Workbook, bundle: Bundle, names: set[str]) -> None:
    sheet = book.add_worksheet(sheet_name(bundle["sheet"], names))
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    for place, column in enumerate(bundle["columns"]):
        cells = [row[place] for row in bundle["rows"][: MOST_ROWS - 1]]
        style = book.add_format({"num_format": excel_format(column["unit"]), "valign": "top"})
        if column["unit"] == "text":
            style.set_text_wrap()
        sheet.write_string(0, place, clean(column["label"]), bold)
        for line, value in enumerate(cells, start=1):
            _write_cell(sheet, (line, place), value, column["unit"], style)
        sheet.set_column(place, place, _width(column, cells))
    sheet.freeze_panes(1, 0)


def _write_cell(
    sheet: Worksheet, at: tuple[int, int], value: object, unit: Unit, style: Format
) -> None:
    if value is None:
        return
    moment = _moment(value) if unit in {"day", "time"} else None
    if moment is not None:
        sheet.write_datetime(*at, moment, style)
    elif isinstance(value, bool):
        sheet.write_boolean(*at, value, style)
    elif isinstance(value, int | float) and unit != "text":
        sheet.write_number(*at, value, style)
    else:
        sheet.write_string(*at, clean(str(value)), style)


def _moment(value: object) -> dt.datetime | None:
    """A day or time that Excel can hold; it knows none before 1900 and no zones."""
    try:
        moment = dt.datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError:
        return None
    return moment if moment.year >= 1900 else None


def _width(column: Mapping[str, Any], cells: Sequence[object]) -> float:
    shown = [v if isinstance(v, str) else show(v, column["unit"]) for v in cells[:200]]
    widest = max(_cells_wide(text) for text in (str(column["label"]), *shown))
    return min(max(widest + 2, WIDTHS[0]), WIDTHS[1])


def _cells_wide(text: str) -> int:
    """How wide the widest line is; a Chinese character counts as two."""
    lines = text.splitlines() or [""]
    return max(sum(2 if ord(sign) > 0x2E7F else 1 for sign in line) for line in lines)


def clean(text: str) -> str:
    r"""Text as an Excel cell can hold it: no control characters, not too long.

    >>> clean("a\x00b")
    'ab'
    """
    return CONTROL.sub("", text)[:LONGEST_CELL]


def sheet_name(wanted: str, taken: set[str]) -> str:
    """A legal name that no earlier sheet has (Excel ignores case); it is added to ``taken``.

    >>> taken = set()
    >>> sheet_name("A/B: by day?", taken), sheet_name("a b  by day", taken)
    ('A B by day', 'a b by day (2)')
    """
    legal = " ".join(re.sub(r"[\[\]:*?/\\]", " ", clean(wanted)).split()).strip("'")
    legal = legal[:LONGEST_NAME].strip() or tr("table")
    if legal.lower() == "history":
        legal += "_"
    name, count = legal, 1
    while name.lower() in taken:
        count += 1
        end = f" ({count})"
        name = legal[: LONGEST_NAME - len(end)] + end
    taken.add(name.lower())
    return name
