"""A result as plain values inside a notebook: how numbers get out of the kernel.

A notebook's output carries, beside the HTML that people see, the same table and the
same findings as JSON. The workbook and ``findings.json`` are made from these, so that
they hold exactly what the page shows, and no code of the notebook is run again.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from ecops_lib.core.formats import is_missing
from ecops_lib.core.language import tr

if TYPE_CHECKING:
    from ecops_lib.core.results import Result

RESULT_MIME = "application/vnd.ecops.result+json"
DIGITS = 12
"""Digits kept of a number: sums made in another order differ only after these."""


def result_bundle(result: Result) -> dict[str, Any]:
    """What a result shows, as plain values in the present reader's language.

    Returns:
        ``sheet`` (name), ``absent`` (why there is nothing, or empty), ``columns``
        (name, label, unit), ``rows`` (lists of numbers, text or None; days and times in
        ISO form), ``findings`` (as ``Finding.to_dict``), ``figures`` (see
        ``core.figures``) and ``behind`` (bundles of tables for the workbook alone).
    """
    held: dict[str, Any] = {
        "sheet": tr(result.sheet) if result.sheet else type(result).__name__,
        "absent": result.absent(),
        "columns": [],
        "rows": [],
        "findings": [],
        "figures": [],
        "behind": [],
    }
    if held["absent"]:
        return held
    frame, units, labels = result.to_frame(), result.table_units(), result.headings()
    held["columns"] = [
        {"name": str(c), "label": labels.get(str(c), str(c)), "unit": units.get(str(c), "text")}
        for c in frame.columns
    ]
    cells = [
        [plain(value, whole=column["unit"] == "count") for value in frame.iloc[:, place]]
        for place, column in enumerate(held["columns"])
    ]
    held["rows"] = [list(row) for row in zip(*cells, strict=True)]
    held["findings"] = [finding.to_dict() for finding in result.findings()]
    held["figures"] = [figure.to_dict() for figure in result.key_figures()]
    held["behind"] = [result_bundle(other) for other in result.behind()]
    return held


def plain(value: object, *, whole: bool = False) -> object:
    """A cell as JSON can hold it; missing and infinite numbers become None.

    Args:
        value: What the cell holds.
        whole: Whether a float without a fraction is written as a whole number.

    >>> plain(float("nan")), plain(0.1 + 0.2), plain(dt.date(2026, 11, 1))
    (None, 0.3, '2026-11-01')
    """
    if is_missing(value):
        return None
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, dt.date):
        return value.isoformat()
    if hasattr(value, "item"):
        return plain(value.item(), whole=whole)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
    if not math.isfinite(number):
        return None
    return int(number) if whole and number.is_integer() else float(f"{number:.{DIGITS}g}")
