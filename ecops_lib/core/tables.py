"""A table as people read it: labels and numbers in the reader's language, escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from ecops_lib.core.formats import Unit, show

if TYPE_CHECKING:
    import pandas as pd

TEXT_UNITS = frozenset({"text", "day", "time"})


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
    """The frame as an HTML table drawn by Great Tables, styled by the page alone."""
    from great_tables import GT

    shown = pretty(frame, units=units, labels=labels)
    shown.columns = [str(column) for column in frame.columns]
    drawn = GT(shown, id=name).cols_label({c: heading(c, labels) for c in shown.columns})
    numbers = [c for c in shown.columns if units.get(c, "text") not in TEXT_UNITS]
    html = drawn.cols_align("left").cols_align("right", numbers).as_raw_html()
    html = re.sub(r"<style>.*?</style>|<div[^>]*>|</div>", "", html, flags=re.DOTALL)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    html = re.sub(r"<table[^>]*>", f'<table class="ec-table">{title}', html, count=1)
    return f'<div class="ec-scroll" tabindex="0">{html.strip()}</div>'
