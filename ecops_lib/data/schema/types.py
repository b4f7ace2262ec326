"""What a canonical table is made of: columns with types, units and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ecops_lib.core.language import mark

Type = Literal["text", "money", "integer", "number", "flag", "time", "day"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, its unit, and what may stand in it.

    Attributes:
        name: Canonical name.
        type: ``money`` is a decimal(18, 4) in the store currency; ``time`` an instant.
        meaning: What it means, in English, marked for the catalogue.
        unit: Unit other than the type's own, such as ``pieces`` or ``hours``.
        required: Whether a row without it goes to quarantine.
        choices: The values allowed, where there are few.
        least: The smallest number allowed.
    """

    name: str
    type: Type
    meaning: str
    unit: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    least: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One canonical table.

    Attributes:
        name: Canonical name.
        meaning: The grain, in English, marked for the catalogue.
        key: Columns that identify a row; an import replaces rows by it.
        columns: All columns, in order.
        clock: The column whose month (UTC) partitions the table; empty for none.
        hint: Which export fills it, for the sentence of an empty section.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    clock: str = ""
    hint: str = ""

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)


def text_column(
    name: str, meaning: str, *, required: bool = False, choices: tuple[str, ...] = ()
) -> Column:
    """A column of text."""
    return Column(name, "text", meaning, required=required, choices=choices)


def key_column(name: str, meaning: str) -> Column:
    """A column of the key: text, never missing."""
    return Column(name, "text", meaning, required=True)


def money_column(
    name: str, meaning: str, *, required: bool = False, least: float | None = None
) -> Column:
    """A column of amounts in the store currency."""
    return Column(name, "money", meaning, unit="store currency", required=required, least=least)


def count_column(name: str, meaning: str, *, unit: str = "", required: bool = False) -> Column:
    """A column of whole numbers from 0."""
    return Column(name, "integer", meaning, unit=unit, required=required, least=0)


def number_column(name: str, meaning: str, *, unit: str = "") -> Column:
    """A column of floating-point numbers."""
    return Column(name, "number", meaning, unit=unit)


def time_column(name: str, meaning: str, *, required: bool = False) -> Column:
    """A column of instants."""
    return Column(name, "time", meaning, required=required)


def day_column(name: str, meaning: str, *, required: bool = False) -> Column:
    """A column of calendar days."""
    return Column(name, "day", meaning, required=required)


PLATFORM = key_column("platform", mark("platform the row comes from, such as tmall or shopify"))
ORDER = key_column("order_id", mark("order number as the platform prints it"))
