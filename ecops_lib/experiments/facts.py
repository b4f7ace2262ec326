"""Facts of a test: one pass over the units gives all that its statistics need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.core.errors import ColumnError
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import mark
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.experiments.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.experiments.plan import ExperimentPlan

Frame = nw.LazyFrame[Any]
Cell = tuple[str, dt.date, str]

BY = ("variant", "day", "segment")
WHOLE_DAY = dt.date(1970, 1, 1)
"""The day of all cells where the days were not asked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts(Result):
    """Moments of a test's units, by variant, local day of first exposure and segment.

    Attributes:
        plan: The test's plan.
        columns: Outcomes and covariates, as the moments name them.
        cells: Moments of each (variant, day, segment) that has units.
    """

    units: ClassVar[Mapping[str, Unit]] = {"units": "count"}
    labels: ClassVar[Mapping[str, str]] = {
        "variant": mark("variant"),
        "units": mark("units"),
    }
    sheet: ClassVar[str] = mark("units of the test")

    plan: ExperimentPlan
    columns: tuple[str, ...]
    cells: Mapping[Cell, Moments]

    def variant(self, name: str) -> Moments:
        """Moments of a variant over all days and segments; of no unit if it has none."""
        return self._merged(m for (variant, _, _), m in self.cells.items() if variant == name)

    def by_segment(self) -> dict[str, dict[str, Moments]]:
        """Moments of each segment's variants, segments in order of name."""
        return self._by(2)

    def by_day(self) -> dict[dt.date, dict[str, Moments]]:
        """Moments of each day's variants, days in order."""
        return self._by(1)

    def cumulative(self) -> list[tuple[dt.date, dict[str, Moments]]]:
        """Moments of each variant up to and with each day."""
        running = {name: self.empty() for name in self.plan.variants}
        looks = []
        for day, held in self.by_day().items():
            running = {name: running[name] + held[name] for name in running}
            looks.append((day, running))
        return looks

    def empty(self) -> Moments:
        """Moments of no unit."""
        width = len(self.columns)
        return Moments.of_sums(self.columns, 0, np.zeros(width), np.zeros((width, width)))

    def to_frame(self) -> pd.DataFrame:
        """Units and means of each variant."""
        import pandas as pd

        held = {name: self.variant(name) for name in self.plan.variants}
        rows = [
            {"variant": name, "units": m.n, **dict(zip(self.columns, m.mean, strict=True))}
            for name, m in held.items()
        ]
        return pd.DataFrame(rows)

    def _by(self, place: int) -> dict[Any, dict[str, Moments]]:
        groups: dict[Any, dict[str, list[Moments]]] = {}
        for cell, moments in self.cells.items():
            groups.setdefault(cell[place], {}).setdefault(cell[0], []).append(moments)
        return {
            key: {name: self._merged(groups[key].get(name, ())) for name in self.plan.variants}
            for key in sorted(groups)
        }

    def _merged(self, parts: Iterable[Moments]) -> Moments:
        return reduce(add, parts, self.empty())


def collect_facts(
    units_table: object,
    *,
    plan: ExperimentPlan,
    columns: Sequence[str],
    by: Sequence[str] = BY,
    pairs: Iterable[tuple[str, str]] | None = None,
) -> Facts:
    """Moments of the units of a test in one pass of any engine.

    Args:
        units_table: One row a unit: variant, the columns, and day and segment if asked for.
        plan: The test's plan; units of other variants are left out.
        columns: Outcomes and covariates.
        by: What the cells are split by, beside the variant: day, segment, both or none.
        pairs: Pairs of columns whose covariance is needed, beside variances; all pairs
            where None. The covariance of any other pair is NaN.

    Raises:
        ColumnError: A column is missing, or has empty cells.
    """
    keys = [name for name in BY if name == "variant" or name in by]
    table = frames.lazy(units_table, name="the units", needed=(*keys, *columns))
    wanted = _wanted(columns, pairs)
    values = table.filter(nw.col("variant").is_in(list(plan.variants))).select(
        *keys, *(nw.col(name).cast(nw.Float64) for name in columns)
    )
    products = values.with_columns((nw.col(a) * nw.col(b)).alias(f"{a}*{b}") for a, b in wanted)
    sums = products.group_by(keys).agg(
        nw.len().alias("n"),
        *(nw.col(name).count().alias(f"{name} told") for name in columns),
        *(nw.col(name).sum() for name in columns),
        *(nw.col(f"{a}*{b}").sum() for a, b in wanted),
    )
    brought = frames.bring(sums, sort=keys)
    for name in columns:
        if empty := int((brought["n"] - brought[f"{name} told"]).sum()):
            raise ColumnError(
                f"column {name!r} of the units has {empty:,} empty cells; fill them (a unit that "
                "did nothing has 0) or leave the units out."
            )
    return Facts(plan=plan, columns=tuple(columns), cells=_cells(brought, tuple(columns), wanted))


def _wanted(
    columns: Sequence[str], pairs: Iterable[tuple[str, str]] | None
) -> list[tuple[str, str]]:
    own = [(name, name) for name in columns]
    if pairs is None:
        rest = [(a, b) for i, a in enumerate(columns) for b in columns[i + 1 :]]
    else:
        place = {name: number for number, name in enumerate(columns)}
        rest = [(a, b) if place[a] < place[b] else (b, a) for a, b in pairs if a != b]
    return list(dict.fromkeys([*own, *rest]))


def _cells(
    sums: pd.DataFrame, columns: tuple[str, ...], wanted: list[tuple[str, str]]
) -> dict[Cell, Moments]:
    place = {name: number for number, name in enumerate(columns)}
    cells: dict[Cell, Moments] = {}
    for row in sums.to_dict("records"):
        products = np.full((len(columns), len(columns)), np.nan)
        for a, b in wanted:
            products[place[a], place[b]] = products[place[b], place[a]] = row[f"{a}*{b}"]
        day = row["day"].date() if "day" in row else WHOLE_DAY
        cells[row["variant"], day, row.get("segment", "")] = Moments.of_sums(
            columns, int(row["n"]), [row[name] for name in columns], products
        )
    return cells
