"""Sheets of the shop's own: Chinese headers, and the ``mapping.toml`` that explains them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ecops_lib.data.demo.world import Ints, Times, World

PLATFORM = "tmall"


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """One CSV that is no platform's format.

    Attributes:
        file: File name without its ending.
        table: Canonical table that it fills.
        columns: Header and cells (text) by canonical column.
        constants: Canonical columns with one value for all rows.
        unmapped: Further headers with their cells, which the table has no place for.
    """

    file: str
    table: str
    columns: Mapping[str, tuple[str, Sequence[str]]]
    constants: Mapping[str, str] = field(default_factory=dict)
    unmapped: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def headers(self) -> list[str]:
        """The header row."""
        return [header for header, _ in self.columns.values()] + list(self.unmapped)

    def rows(self) -> Iterable[tuple[str, ...]]:
        """The cells, row by row."""
        cells = [cells for _, cells in self.columns.values()] + list(self.unmapped.values())
        return zip(*cells, strict=True)


def write_mapping(sheets: Sequence[Sheet]) -> str:
    """The text of ``mapping.toml`` for these sheets."""
    parts = ["# Which sheet fills which table: canonical column = header in the sheet."]
    for sheet in sheets:
        parts += ["", "[[file]]", f"match = {_quoted(sheet.file + '*')}"]
        parts.append(f"table = {_quoted(sheet.table)}")
        parts.append("[file.columns]")
        parts += [f"{name} = {_quoted(header)}" for name, (header, _) in sheet.columns.items()]
        if sheet.constants:
            parts.append("[file.constants]")
            parts += [f"{name} = {_quoted(value)}" for name, value in sheet.constants.items()]
    return "\n".join(parts) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def yuan(cents: Ints) -> list[str]:
    """Cents as text in yuan.

    >>> yuan(np.array([1, 250, -305]))
    ['0.01', '2.50', '-3.05']
    """
    return [f"{'-' if c < 0 else ''}{abs(c) // 100}.{abs(c) % 100:02d}" for c in cents.tolist()]


def stamps(times: Times) -> list[str]:
    """Moments as exports print them; empty for NaT.

    >>> stamps(np.array(["2026-10-27T08:00:01", "NaT"], "datetime64[s]"))
    ['2026-10-27 08:00:01', '']
    """
    text = np.datetime_as_string(times.astype("datetime64[s]"), unit="s")
    shown: list[str] = np.where(np.isnat(times), "", np.char.replace(text, "T", " ")).tolist()
    return shown


def day_texts(world: World, index: Ints) -> list[str]:
    """Days of the shop as text; days beyond the last are counted on, empty for −1."""
    first = np.datetime64(world.first_day, "D")
    text = np.datetime_as_string(first + index.astype("timedelta64[D]"), unit="D")
    shown: list[str] = np.where(index < 0, "", text).tolist()
    return shown


def texts(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> list[str]:
    """Whole numbers, shares or words as text."""
    return [str(value) for value in values.tolist()]


def order_ids(created_at: Times) -> list[str]:
    """Nineteen-digit order numbers: by the second, then by place within the second."""
    second = created_at.astype("datetime64[s]").astype(np.int64)
    place = np.arange(len(second)) - np.searchsorted(second, second)
    return texts(second * 1_000_000_000 + 7_000_000 + place * 997)
