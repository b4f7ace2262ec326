"""A table as people read it: labels and numbers in the reader's language, escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING

from ecops_lib.core.formats import Unit, show
from ecops_lib.core.svg import text_width

if TYPE_CHECKING:
    import pandas as pd

TEXT_UNITS = frozenset({"text", "day", "time"})
NUMBER = re.compile(r"[-+]?[¥$€£]?\d[\d,]*(\.\d+)?(%| ?[^\d\s]{1,5})?|—")
"""A number with its unit, as the formatter shows it."""
BRIEF = 9
"""Widest text in em that stays on one line."""
LONG = 22
"""Widest text in em that needs no room of its own."""
TALL = 20
"""Most rows of a table that does not scroll up and down inside its box."""
WIDE = 8
"""Most columns of a table that keeps its size on paper."""


def pretty(
    frame: pd.DataFrame, *, units: Mapping[str, Unit], labels: Mapping[str, str]
) -> pd.DataFrame:
    """The frame with every cell shown in its unit and every column named for people.

    Args:
        frame: Columns as computed; the index is dropped.
        units: Unit of a column; ``text`` where absent.
        labels: Heading of a column, already translated; its own name where absent.
    """
    import pandas as pd

    shown = {
        name: [show(value, units.get(str(name), "text")) for value in frame[name]]
        for name in frame.columns
    }
    named = pd.DataFrame(shown, dtype=object)
    named.columns = pd.Index(heading(str(name), labels) for name in frame.columns)
    return named


def heading(name: str, labels: Mapping[str, str]) -> str:
    """A column's heading."""
    return labels.get(name, name.replace("_", " "))


def table_html(
    frame: pd.DataFrame,
    *,
    units: Mapping[str, Unit],
    labels: Mapping[str, str],
    caption: str = "",
    name: str = "table",
) -> str:
    """The frame as an HTML table drawn by Great Tables, styled by the page alone.

    Args:
        frame: Columns as computed; the index is dropped.
        units: Unit of a column; ``text`` where absent.
        labels: Heading of a column, already translated; its own name where absent.
        caption: The table's title; plain text.
        name: Name of the table for Great Tables.

    Returns:
        The table in a box that scrolls; everything from the frame is escaped.
    """
    from great_tables import GT

    shown = pretty(frame, units=units, labels=labels)
    heads = list(shown.columns)
    shown.columns = [str(place) for place in range(len(heads))]
    drawn = GT(shown, id=name).cols_label(dict(zip(shown.columns, heads, strict=True)))
    numbers = {c for c in map(str, frame.columns) if units.get(c, "text") not in TEXT_UNITS}
    looks = [
        _look(shown[place].tolist(), head, number=str(column) in numbers)
        for place, head, column in zip(shown.columns, heads, frame.columns, strict=True)
    ]
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    size = (" ec-tall" if len(frame) > TALL else "") + (" ec-wide" if len(heads) > WIDE else "")
    inside = _in_our_classes(drawn.as_raw_html(), looks)
    return (
        f'<div class="ec-scroll{size}" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="ec-table">{title}{inside}</table></div>'
    )


def _look(cells: Sequence[str], head: str, *, number: bool) -> str:
    """A column's class: numbers (also in words), a few characters on one line, a long text."""
    if number or (cells and all(map(NUMBER.fullmatch, cells))):
        return ' class="ec-number"'
    widest = max((text_width(cell, 1) for cell in cells), default=0.0)
    if max(widest, text_width(head, 1)) <= BRIEF:
        return ' class="ec-brief"'
    return ' class="ec-long"' if widest > LONG else ""


def _in_our_classes(html: str, looks: Sequence[str]) -> str:
    """Head and body of Great Tables' table, without its ids, classes and styles."""
    rows = html[html.index("<thead>") : html.index("</table>")]
    heads, cells = cycle(looks), cycle(looks)
    rows = re.sub(r"<th [^>]*>", lambda _: f'<th scope="col"{next(heads)}>', rows)
    rows = re.sub(r"<td [^>]*>", lambda _: f"<td{next(cells)}>", rows)
    rows = re.sub(r"<(tr|tbody) [^>]*>", r"<\1>", rows)
    return re.sub(r">\s+<", "><", rows).strip()
