"""An order proposal as workbooks: one a supplier, to check, change and send.

Text from data is written as text, whatever it begins with: nothing becomes a formula or a
link, and no name can lead a file out of its folder.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecops_lib.core.errors import FileError
from ecops_lib.core.formats import Unit, excel_format, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.supply.replenish.leads import BASES
from ecops_lib.supply.replenish.positions import ALL
from ecops_lib.supply.replenish.proposal import OrderProposal, supplier_words
from ecops_lib.supply.replenish.reasons import explain

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter import Workbook

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]")
LONGEST_CELL = 32_767
LONGEST_NAME = 40
"""Characters of a supplier's name in a file's name."""

COLUMNS: Sequence[tuple[str, str, Unit, int]] = (
    ("sku_id", mark("SKU"), "text", 18),
    ("name", mark("Product"), "text", 30),
    ("warehouse_id", mark("Warehouse"), "text", 12),
    ("quantity", mark("Units to order"), "count", 10),
    ("packs", mark("Packs"), "count", 8),
    ("unit_cost", mark("Price of one unit"), "money", 12),
    ("amount", mark("Amount"), "money", 14),
    ("position", mark("Stock position"), "count", 12),
    ("expected", mark("Expected until the next order comes in"), "count", 14),
    ("low", mark("At least (10 %)"), "count", 10),
    ("high", mark("At most (90 %)"), "count", 10),
    ("reorder_point", mark("Reorder point"), "count", 12),
    ("order_up_to", mark("Order up to"), "count", 12),
    ("service", mark("Service that it gives"), "share", 12),
    ("why", mark("Why"), "text", 60),
)
"""Column, heading, unit and width of an order's sheet."""


def write_orders(proposal: OrderProposal, out: str | Path) -> tuple[Path, ...]:
    """Write one workbook a supplier with something to order, each whole or not at all.

    Args:
        proposal: The proposal.
        out: Folder to write into; made if absent.

    Returns:
        The files, the largest order first; none where nothing is to be ordered.

    Raises:
        FileError: The folder or a file cannot be written.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder} cannot be made: {error}.") from error
    if proposal.absent() or proposal.orders.empty:
        return ()
    orders = proposal.orders
    amounts = orders.groupby("supplier_id")["amount"].sum().sort_values(ascending=False)
    taken: set[str] = set()
    written = []
    for supplier in amounts.index:
        lines = orders[orders["supplier_id"] == supplier]
        name = _file_name(supplier_words(next(lines.itertuples(index=False))), taken)
        path = folder / f"{proposal.as_of:%Y-%m-%d}_{name}.xlsx"
        _write_whole(proposal, lines, path)
        written.append(path)
    return tuple(written)


def _file_name(supplier: str, taken: set[str]) -> str:
    """Letters and digits of a supplier's name, unlike any other file's."""
    words = re.sub(r"[^\w]+", "_", supplier, flags=re.UNICODE).strip("_")
    start = words[:LONGEST_NAME].strip("_") or "supplier"
    name, number = start, 1
    while name.casefold() in taken:
        number += 1
        name = f"{start}_{number}"
    taken.add(name.casefold())
    return name


def _write_whole(proposal: OrderProposal, lines: pd.DataFrame, path: Path) -> None:
    from xlsxwriter import Workbook

    aside = path.with_name(f".{path.name}.part")
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    try:
        with Workbook(str(aside), safe) as book:
            _write_lines(book, proposal, lines)
            _write_notes(book, proposal, lines)
        os.replace(aside, path)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error}.") from error
    finally:
        aside.unlink(missing_ok=True)


def _write_lines(book: Workbook, proposal: OrderProposal, lines: pd.DataFrame) -> None:
    """The order, one row a SKU (× warehouse), and its sum."""
    sheet = book.add_worksheet(tr("Purchase order"))
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    columns = [c for c in COLUMNS if c[0] != "warehouse_id" or proposal.several]
    total = len(lines) + 1
    for place, (name, heading, unit, width) in enumerate(columns):
        style = book.add_format({"num_format": excel_format(unit), "valign": "top"})
        if unit == "text":
            style.set_text_wrap()
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, tr(heading), bold)
        for row, line in enumerate(lines.itertuples(index=False), start=1):
            _write_cell(sheet, (row, place), _value(line, name), style)
        if name in {"quantity", "amount"}:
            sheet.write_number(total, place, lines[name].to_numpy(float).sum(), style)
    sheet.write_string(total, 0, tr("Total"), bold)
    sheet.freeze_panes(1, 1)


def _value(line: Any, name: str) -> object:
    match name:
        case "why":
            return explain(line)
        case "packs":
            return line.quantity / line.pack_size
        case "name":
            return short_name(line.name, "")
        case "expected" | "low" | "high":
            return round(getattr(line, name))
        case _:
            return getattr(line, name)


def _write_cell(sheet: Any, at: tuple[int, int], value: object, style: Any) -> None:
    if is_missing(value):
        return
    if isinstance(value, int | float) and math.isfinite(value):
        sheet.write_number(*at, float(value), style)
    else:
        sheet.write_string(*at, CONTROL.sub("", str(value))[:LONGEST_CELL], style)


def _write_notes(book: Workbook, proposal: OrderProposal, lines: pd.DataFrame) -> None:
    """What the order rests on."""
    sheet = book.add_worksheet(tr("Notes"))
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    first: Any = next(lines.itertuples(index=False))
    goods = tr("all warehouses")
    if proposal.several:
        named = sorted({str(w) for w in lines["warehouse_id"] if w != ALL})
        goods = ", ".join(short_name(name) for name in named)
    rows = [
        (tr("Supplier"), supplier_words(first)),
        (tr("Last day known"), show(proposal.as_of, "day")),
        (tr("Goods for"), goods),
        (tr("Usual days from order to receipt"), show(first.lead_days, "days")),
        (tr("Which rest on"), tr(BASES[first.lead_basis])),
        (tr("Least amount of an order"), show(first.minimum_amount, "money")),
        (tr("Days to payment"), show(first.payment_days, "days")),
        (tr("What service counts"), tr(MEASURES[proposal.rules.measure])),
    ]
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 60)
    for row, (label, text) in enumerate(rows):
        _write_cell(sheet, (row, 0), label, wrapped)
        _write_cell(sheet, (row, 1), text, wrapped)


MEASURES = {
    "cycle": mark("the chance of no stock-out until the next order comes in"),
    "fill": mark("the share of demand met at once"),
}
