"""Our figures by day, and how unusual a week of them is among all the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data.calendar import describe_days
from ecops_lib.market.events import read_ratio
from ecops_lib.market.trends.season import measure_season
from ecops_lib.metrics.bases import Tables
from ecops_lib.metrics.measuring import measure_spans
from ecops_lib.metrics.periods import read_events

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Key = tuple[str, str]
"""A metric, and the channel that it is of (empty for the shop)."""
BEFORE, AFTER = 28, 7
"""Days before an event that tell what was to be expected, and days from it on that count."""
LEAST_BEFORE, LEAST_AFTER = 14, 4
"""Ordinary days that each must hold."""
FEWEST = 60
"""Other weeks that must be there to compare with."""
LOOK_BACK = 730
NEAR_NEW_YEAR = 10
"""Days from the lunar new year within which no day is ordinary."""
METRICS = ("paid_amount", "buyers", "visitors")
RATIO, ABOVE, BELOW = "conversion_rate", "buyers", "visitors"
Lack = Literal["before", "others", "none"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Figures:
    """Figures by day.

    Attributes:
        values: By metric and channel, one value a day; NaN where it was not recorded.
        ordinary: Whether each day is neither festival nor holiday nor campaign.
        first: First day.
    """

    values: dict[Key, Floats]
    ordinary: Flags
    first: dt.date

    @property
    def count(self) -> int:
        """Days."""
        return len(self.ordinary)

    @property
    def keys(self) -> list[Key]:
        """Figures that can be told, the conversion among them where it can be computed."""
        both = {(ABOVE, ""), (BELOW, "")} <= set(self.values)
        return [*self.values, *([(RATIO, "")] if both else [])]

    @cached_property
    def _level(self) -> dict[Key, Floats]:
        """Values less weekdays, ordinary days alone."""
        days = [self.first + dt.timedelta(days=k) for k in range(self.count)]
        weekday = np.array([day.weekday() for day in days])
        found = {}
        for key, values in self.values.items():
            seen = np.where(self.ordinary & (values > 0), values, np.nan)
            factors = np.array(measure_season(seen, days, growth=0.0).weekdays)
            factors = np.where(factors > 0, factors, 1.0)
            found[key] = np.where(self.ordinary, values, np.nan) / factors[weekday]
        return found

    def place(self, day: dt.date) -> int:
        """The row of a day."""
        return (day - self.first).days

    def crowded(self, at: int) -> bool:
        """Whether too few of the days from a row on are ordinary."""
        return int(self.ordinary[at : at + AFTER].sum()) < LEAST_AFTER

    def ratios(self, key: Key) -> Floats:
        """Mean of the ordinary days of the week from each row on over those of the days before.

        NaN where either side has too few days.
        """
        if key == (RATIO, ""):
            return self.ratios((ABOVE, "")) / self.ratios((BELOW, ""))
        level = self._level[key]
        known = np.isfinite(level)
        sums = np.append(0.0, np.where(known, level, 0.0).cumsum())
        counts = np.append(0, known.cumsum())
        rows = np.arange(self.count)
        since, until = np.maximum(rows - BEFORE, 0), np.minimum(rows + AFTER, self.count)
        before, after = counts[rows] - counts[since], counts[until] - counts[rows]
        good = (before >= LEAST_BEFORE) & (after >= LEAST_AFTER) & (rows + AFTER <= self.count)
        was = (sums[rows] - sums[since]) / np.maximum(before, 1)
        now = (sums[until] - sums[rows]) / np.maximum(after, 1)
        good &= (was > 0) & (now > 0)
        return np.where(good, now / np.where(was > 0, was, 1.0), np.nan)

    def effect(self, key: Key, at: int, busy: Sequence[int]) -> dict[str, float] | Lack:
        """What a figure did in the week from a row on, or why that cannot be told.

        Args:
            key: The figure.
            at: Row of the event.
            busy: Rows of all such events: weeks that hold or follow one are no placebos.
        """
        ratios = self.ratios(key)
        if not 0 <= at < self.count or not np.isfinite(ratios[at]):
            return "before" if at < LEAST_BEFORE else "none"
        rows = np.arange(self.count)
        free = np.isfinite(ratios)
        for row in busy:
            free &= (rows + AFTER <= row) | (rows - BEFORE >= row + AFTER)
        if free.sum() < FEWEST:
            return "others"
        effect, low, high, p = read_ratio(float(ratios[at]), ratios[free])
        actual = self._mean(key, at, at + AFTER)
        return {
            "effect": effect, "low": low, "high": high, "p": p, "actual": actual,
            "expected": actual / (1 + effect),
        }  # fmt: skip

    def _mean(self, key: Key, since: int, until: int) -> float:
        """Mean of a day's value, whatever the day."""
        if key == (RATIO, ""):
            return self._mean((ABOVE, ""), since, until) / self._mean((BELOW, ""), since, until)
        return float(np.nanmean(self.values[key][since:until]))


def read_figures(
    tables: Tables, last: dt.date, *, channels: Sequence[str] = (), country: str | None = None
) -> Figures:
    """Read our sales, buyers and visitors by day, and the visitors of some channels.

    Args:
        tables: Needs ``orders``; ``traffic`` adds visitors.
        last: Last local day.
        channels: Whose visitors are wanted too.
        country: ISO code of the calendar; the store's by default, else China's.

    Raises:
        MissingDataError: No order was paid up to that day.
    """
    tables.require("orders")
    span = tables.span("orders", "paid_at")
    if span is None or span[0] > last:
        raise MissingDataError(tr("No order was paid up to {day}.", day=show(last, "day")))
    first = max(span[0], last - dt.timedelta(days=LOOK_BACK))
    days = [(first, last)]
    shop = measure_spans(tables, METRICS, spans=tuple(days), by=("day",), lenient=True).frame
    values = {
        (name, ""): shop[name].to_numpy(float)
        for name in METRICS
        if name in shop and shop[name].notna().any()
    }
    if channels and ("visitors", "") in values:
        values |= _of_channels(tables, (first, last), channels)
    settings = tables.store.settings if tables.store else None
    place = country or (settings.country if settings else "CN")
    calendar = describe_days(first, last, country=place, events=read_events(tables))
    ordinary = (
        (calendar["festival"] == "")
        & calendar["holiday"].isin(["", "unannounced"])
        & (calendar["event"] == "")
        & ~(calendar["lunar_day"].abs() <= NEAR_NEW_YEAR)
    )
    return Figures(values=values, ordinary=ordinary.to_numpy(bool), first=first)


def _of_channels(
    tables: Tables, span: tuple[dt.date, dt.date], channels: Sequence[str]
) -> dict[Key, Floats]:
    """Visitors of channels by day."""
    import pandas as pd

    held = measure_spans(
        tables, ["visitors"], spans=(span,), by=("day", "channel"), lenient=True
    ).frame
    if "visitors" not in held:
        return {}
    wide = held.pivot_table(index="day", columns="channel", values="visitors", aggfunc="sum")
    wide = wide.reindex(pd.date_range(*span))
    return {("visitors", name): wide[name].to_numpy(float) for name in channels if name in wide}
