"""How many whole weeks a test must run for the units that it needs."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data.calendar import describe_days
from ecops_lib.data.calendar.festivals import FESTIVALS
from ecops_lib.data.calendar.national import UNANNOUNCED, holiday_label

if TYPE_CHECKING:
    import pandas as pd

WEEK = 7
RATE_WEEKS = 4
"""Last weeks of the history whose mean is taken for the weeks beyond it."""

MOST_WEEKS = 12
"""Weeks beyond which a test is hardly ever worth its while: the shop has changed by then."""


MOST_NAMES = 5
"""Special days that a sentence names."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TestDuration(Result):
    """Whole weeks of a test.

    Attributes:
        units_needed: Units of all variants.
        weekly: Units expected by the end of each week: the history's, then its last rate.
        weeks: Whole weeks of exposure; infinite where the units never come.
        window_days: Days after the last exposure in which outcomes still count.
        start: First day; None where not told.
        special: Words for the holidays, festivals and campaigns it would run over.
    """

    __test__ = False  # the name is not that of a test case
    sheet: ClassVar[str] = mark("Duration")
    units: ClassVar[Mapping[str, Unit]] = {"week": "count", "units": "count", "share": "share"}
    labels: ClassVar[Mapping[str, str]] = {
        "week": mark("Weeks"),
        "units": mark("Units by then"),
        "share": mark("Share of those needed"),
    }

    units_needed: float
    weekly: tuple[float, ...]
    weeks: float
    window_days: int
    start: dt.date | None
    special: tuple[str, ...]

    @property
    def end(self) -> dt.date | None:
        """Last day of exposure; None without a start or an end."""
        if self.start is None or not math.isfinite(self.weeks):
            return None
        return self.start + dt.timedelta(days=int(self.weeks) * WEEK - 1)

    @property
    def readout(self) -> dt.date | None:
        """First day on which all outcomes are known."""
        return self.end and self.end + dt.timedelta(days=self.window_days + 1)

    def to_frame(self) -> pd.DataFrame:
        """One row a week."""
        import pandas as pd

        rows = [
            (week, units, units / self.units_needed)
            for week, units in enumerate(self.weekly, start=1)
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """The duration, and what lies within it."""
        found = [self._length()]
        if self.special:
            text = tr(
                "The test would run over {days}: buyers then are not those of ordinary weeks, so "
                "another start or a second look after it is wise.",
                days=_named(self.special),
            )
            found.append(Finding(key="duration/special", level="watch", text=text))
        return tuple(found)

    def _length(self) -> Finding:
        evidence = {"weeks": self.weeks, "units": self.units_needed}
        values = {"units": show(self.units_needed, "count"), "most": show(MOST_WEEKS, "count")}
        if not math.isfinite(self.weeks):
            text = tr("The {units} units that the test needs never come.", **values)
            return Finding(key="duration", level="bad", text=text, evidence=evidence)
        weeks = ntr("{n} whole week", "{n} whole weeks", self.weeks, n=show(self.weeks, "count"))
        if self.weeks > MOST_WEEKS:
            text = tr(
                "The test needs {units} units, which take {weeks}: more than {most} weeks, so look "
                "for a larger effect or a metric with less spread.",
                weeks=weeks,
                **values,
            )
            return Finding(key="duration", level="watch", text=text, evidence=evidence)
        last, read = self.end, self.readout
        if last is None or read is None:
            text = tr("The test needs {units} units: {weeks}.", weeks=weeks, **values)
        else:
            text = tr(
                "The test needs {units} units: {weeks}, to {end}; read it from {readout} on, when "
                "all outcomes are known.",
                weeks=weeks,
                end=show(last, "day"),
                readout=show(read, "day"),
                **values,
            )
        return Finding(key="duration", level="info", text=text, evidence=evidence)


def _named(special: tuple[str, ...]) -> str:
    names = tr(", ").join(special[:MOST_NAMES])
    more = len(special) - MOST_NAMES
    if more <= 0:
        return names
    return tr("{names} and {more} more", names=names, more=show(more, "count"))


def plan_duration(
    daily_units: pd.Series[float],
    *,
    units: float,
    window_days: int = 7,
    start: dt.date | None = None,
    country: str = "CN",
    events: pd.DataFrame | None = None,
) -> TestDuration:
    """Whole weeks until a test has its units, as if it met the history's units again.

    Whole weeks, because weekdays differ: a test of ten days has two weekends and one
    and a half working weeks. The history's last days that fill no week are left out;
    beyond the history its last four weeks' mean goes on.

    Args:
        daily_units: Units new to the test on each day, one row a day in order, indexed by
            day; a unit that comes again must not be counted again, where that is known.
        units: Units of all variants that the test needs.
        window_days: Days after the last exposure in which outcomes still count [days].
        start: First day of the test, to look its days up in the calendar.
        country: ISO code of the country whose calendar counts.
        events: The shop's own ``shop_events``.

    Raises:
        ParameterError: There is less than a week of history, days are missing or out of
            order, or the units are not above zero.
    """
    require_between(units, 0, math.inf, name="units", ends="open")
    known = _weekly(daily_units)
    rate = sum(known[-RATE_WEEKS:]) / len(known[-RATE_WEEKS:])
    beyond = [rate] * max(MOST_WEEKS - len(known), 0)
    reached = tuple(float(total) for total in accumulate([*known, *beyond]))
    weeks = next((float(n) for n, total in enumerate(reached, start=1) if total >= units), math.inf)
    if math.isinf(weeks) and rate > 0:
        weeks = len(reached) + math.ceil((units - reached[-1]) / rate)
    last = start + dt.timedelta(days=int(weeks) * WEEK - 1) if start and weeks < 520 else None
    return TestDuration(
        units_needed=units,
        weekly=reached,
        weeks=weeks,
        window_days=window_days,
        start=start,
        special=_special(start, last, country, events) if start and last else (),
    )


def _weekly(daily: pd.Series[float]) -> list[float]:
    """Units of each whole week from the first day on."""
    import numpy as np
    import pandas as pd

    days = pd.DatetimeIndex(daily.index)
    values = np.asarray(daily, float)
    if len(days) < WEEK or (np.diff(days.to_numpy()) != np.timedelta64(1, "D")).any():
        raise ParameterError(
            f"daily_units has {len(days)} days; give every day of at least one week, in order."
        )
    if not np.isfinite(values).all() or (values < 0).any():
        raise ParameterError("daily_units must hold a number of units, 0 or more, on every day.")
    whole = len(values) // WEEK * WEEK
    return [float(week) for week in values[:whole].reshape(-1, WEEK).sum(axis=1)]


def _special(
    start: dt.date, end: dt.date, country: str, events: pd.DataFrame | None
) -> tuple[str, ...]:
    """Holidays, festivals and own campaigns of a period, each once, in order."""
    found: dict[str, None] = {}
    for row in describe_days(start, end, country=country, events=events).itertuples():
        if row.holiday and row.holiday != UNANNOUNCED:
            found[holiday_label(str(row.holiday))] = None
        if row.festival:
            found[tr(FESTIVALS[str(row.festival)])] = None
        if row.event:
            found[str(row.event)] = None
    return tuple(found)
