"""Pairs that somebody judges: a file that is honoured for ever after."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.formats import is_missing
from ecops_lib.data.recovery import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.market.matching.items import ItemMatches

FILE = "matches.csv"
"""Name of the file in a store's folder."""
COLUMNS = ("same", "our_title", "their_title", "seller", "chance", "our_id", "their_id")
WORDS = {
    **dict.fromkeys(("yes", "y", "1", "true", "是", "同款"), True),
    **dict.fromkeys(("no", "n", "0", "false", "否", "不是"), False),
}
"""What may stand in the column ``same``, in any case."""

_ROUNDED = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)


def read_review(file: Path) -> pd.DataFrame:
    """Read judged pairs: ``our_id``, ``their_id``, ``match``; empty where there is no file.

    Rows whose ``same`` is empty are not judged yet and left out.

    Args:
        file: The review file, as a spreadsheet may have saved it.

    Raises:
        ParameterError: A column lacks, a word in ``same`` is unknown, or an id was rounded by a
            spreadsheet; the row is named.
    """
    import pandas as pd

    rows = [
        (row["our_id"], row["their_id"], WORDS[row["same"].lower()])
        for row in _rows(file)
        if row["same"]
    ]
    return pd.DataFrame(rows, columns=["our_id", "their_id", "match"])


def write_review(matches: ItemMatches, file: Path) -> int:
    """Write the uncertain pairs into the review file; what is judged there stays as it is.

    Ids and titles that a spreadsheet would take for numbers or formulas begin with an apostrophe.

    Args:
        matches: What was matched.
        file: The review file; replaced whole.

    Returns:
        How many pairs wait for a judgement.

    Raises:
        ParameterError: The file that is there cannot be read.
    """
    judged = [row for row in _rows(file) if row["same"]]
    known = {(row["our_id"], row["their_id"]) for row in judged}
    waiting: list[dict[str, Any]] = [
        {
            **{str(name): value for name, value in row.items()},
            "chance": "" if is_missing(row["chance"]) else f"{row['chance']:.2f}",
        }
        for row in matches.uncertain.to_dict("records")
        if (row["our_id"], row["their_id"]) not in known
    ]
    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    for row in (*waiting, *judged):
        lines.writerow([_safe(name, row.get(name, "")) for name in COLUMNS])
    write_whole(file, out.getvalue().encode("utf-8-sig"))
    return len(waiting)


def _rows(file: Path) -> list[dict[str, str]]:
    """Rows of the file, checked; none where there is no file."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8-sig", newline="") as text:
        lines = csv.DictReader(text)
        if lack := {"same", "our_id", "their_id"} - set(lines.fieldnames or ()):
            raise ParameterError(
                f"{file} has no column {min(lack)!r}; delete the file to have it written anew."
            )
        return [_checked(row, f"{file}, line {lines.line_num}") for row in lines]


def _checked(row: dict[str, str | None], where: str) -> dict[str, str]:
    held = {name: (row.get(name) or "").strip().removeprefix("'") for name in COLUMNS}
    if held["same"] and held["same"].lower() not in WORDS:
        raise ParameterError(f"{where} says same={held['same']!r}; write yes or no, or nothing.")
    for name in ("our_id", "their_id"):
        if _ROUNDED.fullmatch(held[name]):
            raise ParameterError(
                f"{where} has {name} {held[name]}, rounded by a spreadsheet; delete the line and "
                "have it written anew."
            )
    return held


def _safe(name: str, value: object) -> str:
    """A cell that a spreadsheet keeps as text."""
    text = "" if is_missing(value) else str(value)
    risky = text[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{text}" if text and (name.endswith("_id") or risky) else text
