"""Units by variant, day and segment, as the checks of the split take them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.checks import listed
from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.moments import Moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Cells = Mapping[tuple[str, dt.date, str], Moments]
"""Moments of each variant, local day of first exposure and segment."""

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Units of a test laid out; every day from the first to the last has its place.

    Attributes:
        variants: The plan's variants, the control first.
        days: All days from the first exposure to the last.
        segments: Segments that have units.
        units: Units, of shape (variants, days, segments).
    """

    variants: tuple[str, ...]
    days: tuple[dt.date, ...]
    segments: tuple[str, ...]
    units: Floats

    def sums(self, cells: Cells, column: str) -> Floats:
        """Sums of a column, of the shape of ``units``."""
        totals = np.zeros(self.units.shape)
        for (variant, day, segment), held in cells.items():
            if held.n:
                totals[self._place(variant, day, segment)] += held.total(column)
        return totals

    def _place(self, variant: str, day: dt.date, segment: str) -> tuple[int, int, int]:
        row, column = self.variants.index(variant), (day - self.days[0]).days
        return row, column, self.segments.index(segment)


def lay_out(cells: Cells, *, variants: Sequence[str]) -> Grid:
    """The grid of units of a test's cells.

    Args:
        cells: Moments of each variant, day and segment.
        variants: The plan's variants.

    Raises:
        ParameterError: A cell is of a variant that the plan does not have.
    """
    if unknown := {variant for variant, _, _ in cells} - set(variants):
        raise ParameterError(
            f"units are of {listed(sorted(unknown))}; the plan has {listed(variants)}."
        )
    held = sorted({day for (_, day, _), moments in cells.items() if moments.n})
    span = (held[-1] - held[0]).days + 1 if held else 0
    grid = Grid(
        variants=tuple(variants),
        days=tuple(held[0] + place * DAY for place in range(span)),
        segments=tuple(sorted({segment for (_, _, segment), m in cells.items() if m.n})),
        units=np.zeros((len(variants), span, 0)),
    )
    units = np.zeros((len(variants), span, len(grid.segments)))
    for (variant, day, segment), moments in cells.items():
        if moments.n:
            units[grid._place(variant, day, segment)] += moments.n
    return Grid(variants=grid.variants, days=grid.days, segments=grid.segments, units=units)
