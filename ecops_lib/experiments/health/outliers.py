"""How much hangs on single units: what the largest one moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, sqrt
from typing import ClassVar

import narwhals as nw

from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.data import frames
from ecops_lib.experiments.health.check import Check, CheckLevel
from ecops_lib.experiments.moments import Moments

HEAVY = 0.5
"""Part of the difference's squared standard error from which on one unit is too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """The largest unit of a variant.

    Attributes:
        variant: The variant.
        value: The unit's value.
        of_total: Its part of the variant's total.
        of_spread: Its part of the variant's sum of squared deviations.
        of_error: Its part of the squared standard error of the difference.
    """

    variant: str
    value: float
    of_total: float
    of_spread: float
    of_error: float


@dataclass(frozen=True, kw_only=True, eq=False)
class OutlierCheck(Check):
    """The largest unit of each variant in the money metric.

    A mean is judged by the normal law, which holds while no single unit holds much of
    the sum of squares (Noether's condition). Watched: one unit makes half or more of the
    squared standard error of the difference.

    Attributes:
        rows: One entry a variant.
        difference: Treatment − control [money a unit].
        without: The same without the largest unit of either.
        winsorised: Cap that larger values were cut to [money]; None where they stand whole.
        cut: Units that were cut.
    """

    key: ClassVar[str] = "outliers"
    label: ClassVar[str] = mark("largest buyers")

    rows: tuple[Largest, ...]
    difference: float
    without: float
    winsorised: float | None = None
    cut: int = 0

    @property
    def heaviest(self) -> Largest | None:
        """The unit that makes most of the difference uncertain."""
        known = [row for row in self.rows if not isnan(row.of_error)]
        return max(known, key=lambda row: row.of_error) if known else None

    @property
    def level(self) -> CheckLevel:
        """By the heaviest unit; never red, for cutting it back is a cure."""
        return "watch" if self.heaviest and self.heaviest.of_error >= HEAVY else "ok"

    @property
    def figures(self) -> Mapping[str, float]:
        """The heaviest unit, and the difference with and without the largest units."""
        if self.heaviest is None:
            return {}
        return {
            "value": self.heaviest.value,
            "of_total": self.heaviest.of_total,
            "of_spread": self.heaviest.of_spread,
            "of_error": self.heaviest.of_error,
            "difference": self.difference,
            "without": self.without,
        }

    @property
    def text(self) -> str:
        """What the largest unit holds, and what was cut."""
        row = self.heaviest
        if row is None:
            return tr("No amount was paid that could stand out.")
        given = {
            "variant": short_name(row.variant),
            "value": show(row.value, "money"),
            "part": show(row.of_total, "share"),
            "error": show(row.of_error, "share"),
            "difference": show(self.difference, "money", sign=True),
            "without": show(self.without, "money", sign=True),
        }
        if self.level == "ok":
            text = tr(
                "No single buyer decides: the largest, {value} in {variant}, is {part} of its "
                "amount and makes {error} of the difference's variance.",
                **given,
            )
        else:
            text = tr(
                "Much hangs on one buyer: {value} in {variant} is {part} of its amount and "
                "makes {error} of the difference's variance. The difference per unit is "
                "{difference}; without the largest buyer of both groups {without}.",
                **given,
            )
        return joined(text, self._cut_words())

    def _cut_words(self) -> str:
        if self.winsorised is None:
            return tr("No amount was cut back.")
        return tr(
            "Amounts above {cap} a unit were cut back to it ({count} units).",
            cap=show(self.winsorised, "money"),
            count=show(self.cut, "count"),
        )


def find_largest(units_table: object, *, column: str) -> dict[str, float]:
    """The largest value of each variant, in one pass of any engine.

    Args:
        units_table: One row a unit: variant and the column.
        column: The money column.

    Raises:
        ColumnError: A column is missing.
    """
    table = frames.lazy(units_table, name="the units", needed=("variant", column))
    amounts = table.select("variant", nw.col(column).cast(nw.Float64))
    found = frames.bring(amounts.group_by("variant").agg(nw.col(column).max()))
    return {
        str(name): float(most) for name, most in zip(found["variant"], found[column], strict=True)
    }


def check_outliers(
    moments: Mapping[str, Moments],
    *,
    control: str,
    column: str,
    largest: Mapping[str, float],
    winsorised: float | None = None,
    cut: int = 0,
) -> OutlierCheck:
    """Check how much of a money metric hangs on the largest unit of each variant.

    Args:
        moments: Moments of each variant.
        control: The control variant.
        column: The money column.
        largest: Largest value of each variant [money].
        winsorised: Cap that larger values were cut to before; None where there was none.
        cut: Units that were cut.
    """
    base = moments[control].variance(column) / moments[control].n
    errors = {
        name: sqrt(held.variance(column) / held.n + (0 if name == control else base))
        for name, held in moments.items()
    }
    errors[control] = min(error for name, error in errors.items() if name != control)
    rows = tuple(
        _weigh(name, held, column, largest[name], errors[name]) for name, held in moments.items()
    )
    # of several treatments, the one whose largest unit weighs most is told
    others = [row for row in rows if row.variant != control]
    told = max(others, key=lambda row: -1.0 if isnan(row.of_error) else row.of_error).variant
    apart = [_without(moments[name], column, largest[name]) for name in (told, control)]
    return OutlierCheck(
        rows=rows,
        difference=moments[told].average(column) - moments[control].average(column),
        without=apart[0] - apart[1],
        winsorised=winsorised,
        cut=cut,
    )


def _weigh(variant: str, held: Moments, column: str, value: float, error: float) -> Largest:
    total, spread = held.total(column), held.variance(column) * (held.n - 1)
    of_spread = (value - held.average(column)) ** 2 / spread if spread > 0 else float("nan")
    return Largest(
        variant=variant,
        value=value,
        of_total=value / total if total > 0 else float("nan"),
        of_spread=of_spread,
        of_error=of_spread * held.variance(column) / held.n / error**2 if error else float("nan"),
    )


def _without(held: Moments, column: str, value: float) -> float:
    """The mean of a group without one unit of that value."""
    return (held.total(column) - value) / (held.n - 1) if held.n > 1 else float("nan")
