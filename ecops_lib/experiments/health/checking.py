"""All checks of a test at once, from its facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import add

from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.facts import WHOLE_DAY, Facts
from ecops_lib.experiments.health.balance import check_balance
from ecops_lib.experiments.health.breaks import check_breaks
from ecops_lib.experiments.health.check import Check
from ecops_lib.experiments.health.crossover import check_crossover
from ecops_lib.experiments.health.grid import Cells, Grid, lay_out
from ecops_lib.experiments.health.novelty import check_novelty
from ecops_lib.experiments.health.outliers import check_outliers
from ecops_lib.experiments.health.split import check_sample_ratio
from ecops_lib.experiments.health.summary import Health
from ecops_lib.experiments.health.timing import check_timing, is_open
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import COVARIATES, metrics_named
from ecops_lib.experiments.plan import ExperimentPlan
from ecops_lib.experiments.units import Units

COUNTED = ("converted", "carted")
"""Outcomes of 0 or 1 whose silence tells that logging stopped."""

MONEY = ("net_paid_amount", "paid_amount")
"""Money columns whose largest values are weighed, the first that is there."""


def check_health(
    facts: Facts,
    units: Units | None = None,
    *,
    as_of: dt.date,
    planned_units: int | None = None,
    largest: Mapping[str, float] | None = None,
    winsorised: float | None = None,
    cut: int = 0,
) -> Health:
    """Check a test before its effect is read; see ``check_cells``.

    Args:
        facts: Moments by variant, day and segment, with the outcomes and covariates.
        units: What was set aside on the way to them; None where that is not known.
        as_of: The last whole day of the data.
        planned_units: Units that the plan needs, of all variants together.
        largest: Largest value of each variant in its money column [money], as
            ``find_largest`` gives it; None where it is not known.
        winsorised: Cap that larger amounts were cut to; None where they stand whole.
        cut: Units that were cut.

    Raises:
        ParameterError: The facts are not by day.
    """
    if any(day == WHOLE_DAY for _, day, _ in facts.cells):
        raise ParameterError("the facts are not by day; collect them by day and segment.")
    return check_cells(
        facts.cells,
        plan=facts.plan,
        as_of=as_of,
        crossed=None if units is None else units.crossed,
        planned_units=planned_units,
        largest=largest,
        winsorised=winsorised,
        cut=cut,
    )


def check_cells(
    cells: Cells,
    *,
    plan: ExperimentPlan,
    as_of: dt.date,
    crossed: Mapping[str, int] | None = None,
    planned_units: int | None = None,
    largest: Mapping[str, float] | None = None,
    winsorised: float | None = None,
    cut: int = 0,
) -> Health:
    """Check a test before its effect is read.

    On a healthy test fewer than 1 in 100 are red, over all checks together.

    Args:
        cells: Moments of each variant, local day of first exposure and segment.
        plan: The plan.
        as_of: The last whole day of the data.
        crossed: Units that saw several variants and were set aside, by the first of them;
            None where that is not known.
        planned_units: Units that the plan needs, of all variants together.
        largest: Largest value of each variant in its money column [money]; None where it
            is not known.
        winsorised: Cap that larger amounts were cut to; None where they stand whole.
        cut: Units that were cut.

    Raises:
        ParameterError: A cell is of a variant that the plan does not have.
    """
    grid = lay_out(cells, variants=plan.variants)
    checks: list[Check] = [
        check_sample_ratio(grid, shares=plan.shares, told=plan.told),
        check_timing(grid, plan=plan, as_of=as_of, planned_units=planned_units),
    ]
    if crossed is not None:
        kept = int(grid.units.sum())
        checks.append(
            check_crossover(crossed, kept=kept, variants=plan.variants, shares=plan.shares)
        )
    if grid.days:
        checks += _outcome_checks(cells, grid, plan, as_of)
    by_variant = _by_variant(cells, plan.variants)
    money = [name for name in MONEY if name in _columns(cells)]
    if largest is not None and money and set(largest) == set(by_variant) == set(plan.variants):
        checks.append(
            check_outliers(
                by_variant,
                control=plan.control,
                column=money[0],
                largest=largest,
                winsorised=winsorised,
                cut=cut,
            )
        )
    return Health(checks=tuple(checks))


def _outcome_checks(
    cells: Cells, grid: Grid, plan: ExperimentPlan, as_of: dt.date
) -> Iterator[Check]:
    """The checks that need what units did, or what was known of them before."""
    columns, by_variant = _columns(cells), _by_variant(cells, plan.variants)
    settled = [not is_open(day, plan, as_of) for day in grid.days]
    outcomes = {name: grid.sums(cells, name) for name in COUNTED if name in columns}
    yield check_breaks(grid, shares=plan.shares, outcomes=outcomes, settled=settled)
    if set(by_variant) != set(plan.variants):
        return
    if covariates := [name for name in COVARIATES if name in columns]:
        yield check_balance(by_variant, control=plan.control, covariates=covariates)
    metric = metrics_named([plan.primary])[0]
    if {metric.numerator, metric.denominator} - {""} <= set(columns):
        days = [day for day, over in zip(grid.days, settled, strict=True) if over]
        daily = _by_day(cells, plan.variants, days)
        yield check_novelty(daily, control=plan.control, metric=metric)


def _columns(cells: Cells) -> tuple[str, ...]:
    return next(iter(cells.values())).columns if cells else ()


def _by_variant(cells: Cells, variants: Sequence[str]) -> dict[str, Moments]:
    """Moments of each variant that has units."""
    held = {name: [m for (v, _, _), m in cells.items() if v == name and m.n] for name in variants}
    return {name: reduce(add, moments) for name, moments in held.items() if moments}


def _by_day(
    cells: Cells, variants: Sequence[str], days: Sequence[dt.date]
) -> dict[str, dict[dt.date, Moments]]:
    """Moments of each variant on each of the days that has units."""
    held: dict[str, dict[dt.date, Moments]] = {name: {} for name in variants}
    wanted = set(days)
    for (variant, day, _), moments in cells.items():
        if day in wanted and moments.n:
            known = held[variant].get(day)
            held[variant][day] = moments if known is None else known + moments
    return held
