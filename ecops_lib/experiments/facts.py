"""Facts of a test: one pass over the units gives all that its statistics need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from ecops_lib.experiments.logs import Frame
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric
from ecops_lib.experiments.units import Units

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.experiments.plan import ExperimentPlan

Cell = tuple[str, dt.date, str]
Pairs = Sequence[tuple[str, str]]
Decoder = Callable[[Mapping[str, Any]], Cell]

BY = ("variant", "day", "segment")
WHOLE_DAY = dt.date(1970, 1, 1)
"""The day of all cells where the days were not asked for."""

SAMPLE = 1000
"""Rows of a table that tell around which constants it is summed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """Sums and sums of products around constants, one row a cell."""

    frame: pd.DataFrame
    centres: list[float]


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
        "variant": mark("Tested variant"),
        "units": mark("Units"),
    }
    sheet: ClassVar[str] = mark("Units of the test")

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
    units_table: Units | object,
    *,
    plan: ExperimentPlan,
    columns: Sequence[str],
    by: Sequence[str] = BY,
    pairs: Iterable[tuple[str, str]] | None = None,
) -> Facts:
    """Moments of the units of a test in one pass of any engine.

    Sums are taken around a constant for each column (its mean in the first rows, where
    that is far from 0 against its spread), so that large values do not cancel.

    Args:
        units_table: ``Units``, or a table of one row a unit: variant, the columns, and
            day (a date) and segment if asked for.
        plan: The test's plan; units of other variants are left out.
        columns: Outcomes and covariates.
        by: What the cells are split by, beside the variant: day, segment, both or none.
        pairs: Pairs of columns whose covariance is needed, beside variances; all pairs
            where None. The covariance of any other pair is NaN.

    Raises:
        ColumnError: A column is missing, or has empty cells.
    """
    wanted = _wanted(columns, pairs)
    if isinstance(units_table, Units):
        coded, keys = _coded(units_table, by)
        centres = {n: _whole(units_table.means.get(n, 0.0)) for n in columns}
        sums = sum_cells(coded, keys=keys, columns=columns, wanted=wanted, centres=centres)
        return _facts(sums, plan, tuple(columns), wanted, _decoder(units_table, by))
    keys = [name for name in BY if name == "variant" or name in by]
    table = frames.lazy(units_table, name="the units", needed=(*keys, *columns))
    centres = _sample_centres(table, columns)
    sums = sum_cells(
        table, keys=keys, columns=columns, wanted=wanted, centres=centres, variants=plan.variants
    )
    return _facts(sums, plan, tuple(columns), wanted, _plain)


def _coded(units: Units, by: Sequence[str]) -> tuple[Frame, list[str]]:
    """Units with one whole number for their cell, which engines group by fastest."""
    cell = nw.col("place")
    if "segment" in by:
        cell = cell + nw.col("segment") * len(units.plan.variants)
    if "day" in by:
        cell = cell + nw.col("day") * (len(units.plan.variants) * len(units.segments))
    return units.coded.with_columns(cell=cell), ["cell"]


def _decoder(units: Units, by: Sequence[str]) -> Decoder:
    width, kinds = len(units.plan.variants), len(units.segments)

    def decode(row: Mapping[str, Any]) -> Cell:
        rest, place = divmod(int(row["cell"]), width)
        number, segment = divmod(rest, kinds)
        day = units.first + number * frames.DAY if "day" in by else WHOLE_DAY
        name = units.segments[segment] if "segment" in by else ""
        return units.plan.variants[place], day, name

    return decode


def _plain(row: Mapping[str, Any]) -> Cell:
    day = row["day"].date() if "day" in row else WHOLE_DAY
    return row["variant"], day, row.get("segment") or ""


def sum_cells(
    table: Frame,
    *,
    keys: Sequence[str],
    columns: Sequence[str],
    wanted: Pairs,
    centres: Mapping[str, float],
    variants: Sequence[str] = (),
) -> Sums:
    """Counts, sums and sums of products of each cell, in one pass.

    Raises:
        ColumnError: A column has empty cells, or cells that are no numbers.
    """
    numbers = table.select(*keys, *(nw.col(name).cast(nw.Float64) for name in columns))
    moved = {n: nw.col(n) - c if (c := centres[n]) else nw.col(n) for n in columns}
    products = numbers.with_columns(**moved).with_columns(
        reduce(add, map(nw.col, columns), nw.lit(0.0)).alias("all told"),
        *((nw.col(a) * nw.col(b)).alias(f"{a}*{b}") for a, b in wanted),
    )
    sums = products.group_by(keys).agg(
        nw.len().alias("n"),
        nw.col("all told").count(),
        *(nw.col(name).sum() for name in columns),
        *(nw.col(f"{a}*{b}").sum() for a, b in wanted),
    )
    brought = frames.bring(sums)
    if variants:
        brought = brought[brought["variant"].isin(variants)]
    brought = brought.sort_values(list(keys), ignore_index=True)
    silent = bool((brought["n"] != brought["all told"]).any())
    if silent or not np.isfinite(brought[list(columns)].to_numpy(float)).all():
        raise ColumnError(_what_is_wrong(numbers, columns))
    return Sums(frame=brought, centres=[centres[name] for name in columns])


def _what_is_wrong(numbers: Frame, columns: Sequence[str]) -> str:
    """Which columns have empty cells, or cells that are no numbers."""
    told = numbers.select(nw.len().alias("n"), *(nw.col(name).count() for name in columns))
    row = frames.bring(told).iloc[0]
    empty = [f"{name} ({int(row['n'] - row[name]):,})" for name in columns if row["n"] > row[name]]
    cells = f"empty cells in {', '.join(empty)}" if empty else "cells that are no numbers"
    return (
        f"the units have {cells}; fill them (a unit that did nothing has 0) or leave the units out."
    )


def _sample_centres(table: Frame, columns: Sequence[str]) -> dict[str, float]:
    sample = table.select(nw.col(name).cast(nw.Float64) for name in columns).head(SAMPLE)
    means = frames.bring(sample).mean()
    return {name: _whole(float(means[name])) for name in columns}


def _whole(mean: float) -> float:
    """The nearest whole number, so that counts stay whole; 0 where nothing is known."""
    return float(round(mean)) if np.isfinite(mean) else 0.0


def needed_pairs(
    metrics: Iterable[ExperimentMetric], *, covariates: Sequence[str] = ()
) -> tuple[tuple[str, str], ...]:
    """Pairs of columns whose covariance metrics need: ratios, and outcomes with covariates.

    >>> from ecops_lib.experiments.outcomes import METRICS
    >>> needed_pairs([METRICS["average_order_value"]], covariates=["previous_amount"])[:2]
    (('paid_amount', 'orders'), ('paid_amount', 'previous_amount'))
    """
    pairs = []
    for metric in metrics:
        held = [name for name in (metric.numerator, metric.denominator) if name]
        pairs += [(held[0], held[1])] if metric.denominator else []
        pairs += [(name, known) for name in held for known in covariates]
    pairs += [(a, b) for i, a in enumerate(covariates) for b in covariates[i + 1 :]]
    return tuple(dict.fromkeys(pairs))


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


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _facts(
    sums: Sums, plan: ExperimentPlan, columns: tuple[str, ...], wanted: Pairs, decode: Decoder
) -> Facts:
    place = {name: number for number, name in enumerate(columns)}
    cells: dict[Cell, Moments] = {}
    for row in _records(sums.frame):
        products = np.full((len(columns), len(columns)), np.nan)
        for a, b in wanted:
            products[place[a], place[b]] = products[place[b], place[a]] = row[f"{a}*{b}"]
        cells[decode(row)] = Moments.of_sums(
            columns,
            int(row["n"]),
            [row[name] for name in columns],
            products,
            centre=sums.centres,
        )
    return Facts(plan=plan, columns=columns, cells=cells)
