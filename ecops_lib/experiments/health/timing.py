"""Is it too early to read the test?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.experiments.health.check import Check, CheckLevel
from ecops_lib.experiments.health.grid import DAY, Grid
from ecops_lib.experiments.plan import ExperimentPlan

WEEK = 7


@dataclass(frozen=True, kw_only=True, eq=False)
class TimingCheck(Check):
    """What the test has not reached yet. Anything missing is to be watched; never red.

    Attributes:
        days: Days from the first exposure to the last.
        end: Last planned day, where it is still to come; None otherwise.
        units: Units so far.
        planned_units: Units that the plan needs; None where not told.
        open_units: Units whose attribution window is not over.
        window_days: Its length [days].
    """

    key: ClassVar[str] = "timing"
    label: ClassVar[str] = mark("time and size reached")

    days: int
    end: dt.date | None
    units: int
    planned_units: int | None
    open_units: int
    window_days: int

    @property
    def unfinished(self) -> bool:
        """Whether something planned is still missing."""
        short = self.planned_units is not None and self.units < self.planned_units
        return self.end is not None or short or self.open_units > 0

    @property
    def too_early(self) -> bool:
        """Whether something planned, or a whole week, is still missing."""
        return self.unfinished or self.days < WEEK

    @property
    def level(self) -> CheckLevel:
        """To be watched while something is missing."""
        return "watch" if self.too_early else "ok"

    @property
    def figures(self) -> Mapping[str, float]:
        """Days, units, units planned and units whose window is open."""
        planned = float("nan") if self.planned_units is None else self.planned_units
        return {
            "days": self.days,
            "units": self.units,
            "planned_units": planned,
            "open_units": self.open_units,
        }

    @property
    def text(self) -> str:
        """Everything that is still missing, or that nothing is."""
        done = ntr(
            "The test has run for {days} and has {units} unit.",
            "The test has run for {days} and has {units} units.",
            self.units,
            days=show(self.days, "days"),
            units=show(self.units, "count"),
        )
        missing = self._missing() or [tr("Nothing planned is missing.")]
        for sentence in missing:
            done = joined(done, sentence)
        return done

    def _missing(self) -> list[str]:
        found = []
        if self.days < WEEK:
            found.append(tr("That is less than a whole week, so weekdays are not all in it."))
        if self.end is not None:
            found.append(tr("It is planned to run until {end}.", end=show(self.end, "day")))
        if self.planned_units is not None and self.units < self.planned_units:
            found.append(
                tr("The plan needs {units} units.", units=show(self.planned_units, "count"))
            )
        if self.open_units:
            found.append(
                ntr(
                    "{count} unit may still buy within the {days} that count.",
                    "{count} units may still buy within the {days} that count.",
                    self.open_units,
                    count=show(self.open_units, "count"),
                    days=show(self.window_days, "days"),
                )
            )
        return found


def check_timing(
    grid: Grid, *, plan: ExperimentPlan, as_of: dt.date, planned_units: int | None = None
) -> TimingCheck:
    """Check whether the planned days, units and windows are reached.

    A unit's window ends ``window_days`` days after its exposure, to the minute; it is over
    for all units of a day when the data hold the whole of that later day.

    Args:
        grid: Units by variant, day and segment.
        plan: The plan.
        as_of: The last whole day of the data.
        planned_units: Units that the plan needs, of all variants together.
    """
    by_day = grid.units.sum(axis=(0, 2))
    still = [n for day, n in zip(grid.days, by_day, strict=True) if is_open(day, plan, as_of)]
    return TimingCheck(
        days=len(grid.days),
        end=plan.end if plan.end is not None and as_of < plan.end else None,
        units=int(by_day.sum()),
        planned_units=planned_units,
        open_units=int(sum(still)),
        window_days=plan.window_days,
    )


def is_open(day: dt.date, plan: ExperimentPlan, as_of: dt.date) -> bool:
    """Whether the attribution window of units exposed on a day is not over."""
    return day + plan.window_days * DAY > as_of
