"""Long lists on a page: a plain table that a script of ours lets people sort and filter."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape

from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import reader, tr
from ecops_lib.reports.page import TEMPLATES

LONGEST = 400
"""Characters of a text in a cell; what is longer stands on the page that the row links to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a list.

    Attributes:
        label: Its heading, in the reader's language.
        number: Whether it holds numbers.
        wide: Whether it holds sentences.
        brief: Whether its texts stay on one line.
        name: Whether it holds short names, whose words are broken only where they must be.
    """

    label: str
    number: bool = False
    wide: bool = False
    brief: bool = False
    name: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell.

    Attributes:
        html: What it shows, in which all that comes from data is escaped.
        sort: What it is sorted by where that is not its text; empty comes last.
    """

    html: str
    sort: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row.

    Attributes:
        cells: One a column.
        choices: What it is filtered by, such as ``shop``, as people read it.
    """

    cells: Sequence[Cell]
    choices: Mapping[str, str] = field(default_factory=dict)


def list_html(
    rows: Sequence[Row], columns: Sequence[Column], *, filters: Mapping[str, str], caption: str
) -> str:
    """A list as HTML; without the script (``list_script``) it is a plain table.

    Args:
        rows: The rows, as they are to stand at first.
        columns: The columns.
        filters: Label of each choice that the list can be filtered by, by its name in
            ``Row.choices``: lower-case letters.
        caption: The table's title, in the reader's language.

    >>> row = Row(cells=[text_cell("A <b>")], choices={"shop": "A <b>"})
    >>> html = list_html([row], [Column(label="Shop")], filters={"shop": "Shop"}, caption="All")
    >>> 'data-shop="0"><td role="cell" data-head="Shop"><bdi>A &lt;b&gt;</bdi></td>' in html
    True
    """
    places = {
        name: {value: place for place, value in enumerate(_values(rows, name))} for name in filters
    }
    head = "".join(
        f'<th scope="col" role="columnheader"{_class(column)}>{escape(column.label)}</th>'
        for column in columns
    )
    body = "".join(_row_html(row, columns, places) for row in rows)
    nothing = escape(tr("Nothing matches; choose less."))
    return (
        f'<div class="pg-list">{_form_html(filters, places)}<div class="ec-scroll">'
        f'<table class="ec-table" role="table"><caption>{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table></div>'
        f'<p class="pg-none" hidden>{nothing}</p></div>'
    )


def _values(rows: Sequence[Row], name: str) -> list[str]:
    """The distinct values of a choice, in order; rows are told apart by their places."""
    return sorted({row.choices[name] for row in rows if name in row.choices})


def _class(column: Column) -> str:
    looks = {"ec-number": column.number, "pg-wide": column.wide, "pg-brief": column.brief,
             "pg-name": column.name}  # fmt: skip
    names = " ".join(name for name, held in looks.items() if held)
    return f' class="{names}"' if names else ""


def _row_html(row: Row, columns: Sequence[Column], places: Mapping[str, Mapping[str, int]]) -> str:
    data = "".join(f' data-{name}="{places[name][value]}"' for name, value in row.choices.items())
    cells = "".join(
        f'<td role="cell" data-head="{escape(column.label)}"{_sort(cell)}{_class(column)}>'
        f"{cell.html}</td>"
        for cell, column in zip(row.cells, columns, strict=True)
    )
    return f'<tr role="row"{data}>{cells}</tr>'


def _sort(cell: Cell) -> str:
    return "" if cell.sort is None else f' data-sort="{escape(cell.sort, quote=True)}"'


def _form_html(filters: Mapping[str, str], places: Mapping[str, Mapping[str, int]]) -> str:
    """The filters; hidden until the script shows them."""
    every, text, reset = (escape(word) for word in (tr("all"), tr("Text"), tr("Show all")))
    selects = "".join(
        f'<label>{escape(label)}<select name="{name}"><option value="">{every}</option>'
        + "".join(
            f'<option value="{place}">{escape(value)}</option>'
            for value, place in places[name].items()
        )
        + "</select></label>"
        for name, label in filters.items()
        if len(places[name]) > 1
    )
    count = escape(tr("{shown} of {all} shown", shown="{shown}", all="{all}"))
    return (
        f'<form hidden data-count="{count}"><label>{text}'
        f'<input type="search" name="text" autocomplete="off"></label>{selects}'
        f'<button type="reset">{reset}</button><output aria-live="polite"></output></form>'
    )


def text_cell(text: str) -> Cell:
    """A cell of one line of plain text."""
    return Cell(html=isolated(text) if text else "")


def number_cell(value: float, unit: Unit) -> Cell:
    """A cell of a number, sorted by its size."""
    return Cell(html=escape(show(value, unit)), sort=f"{value:.12g}")


def money_cell(value: float | None) -> Cell:
    """An amount in the reader's currency; amounts are sorted within their currency.

    >>> money_cell(12.5).sort
    'CNY 000000000012.50'
    """
    if value is None:
        return Cell(html="", sort="")
    return Cell(
        html=escape(show(value, "money")), sort=f"{reader().currency} {max(value, 0.0):015.2f}"
    )


def isolated(text: str) -> str:
    r"""Text as HTML that cannot turn the direction of what stands beside it.

    >>> isolated("a\u202e<b>")
    '<bdi>a &lt;b&gt;</bdi>'
    """
    return f"<bdi>{escape(cut(text))}</bdi>"


def cut(text: str, most: int = LONGEST) -> str:
    """Text on one line without control characters, cut to what a list has room for."""
    kept = "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\u200d" else c
                   for c in text[: 2 * most])  # fmt: skip
    words = " ".join(kept.split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


@cache
def list_script() -> str:
    """The script that sorts and filters every list of a page."""
    return (TEMPLATES / "list.js").read_text("utf-8")


@cache
def list_style() -> str:
    """The style sheet of lists."""
    return (TEMPLATES / "list.css").read_text("utf-8")
