"""New items from their look-alikes: what earlier launches of their kind sold at each age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.checks import require_columns
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.forecast.launch_curves import (
    curves_by_age,
    first_known,
    weekly_rhythm,
)
from ecops_lib.supply.forecast.look_alikes import Judged, Kinds, Trial
from ecops_lib.supply.panel import Floats, Panel

if TYPE_CHECKING:
    import pandas as pd

YOUNG = {"day": 28, "week": 8, "month": 3}
"""Periods for which an item is new."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Newcomer:
    """One new item.

    Attributes:
        row: Its position in the panel.
        name: What it is.
        alike: Earlier launches that it is forecast from.
        kind: How near these are: its price band and group, its group, or all.
        age: Periods that it has been sold.
        units: Units asked for so far.
        mean: Expected units (horizon,); NaN where there is nothing to go by.
        low: Units over the horizon that nine in ten exceed; NaN where too few launches tell.
        high: Units over the horizon that one in ten exceeds; NaN likewise.
    """

    row: int
    name: str
    alike: int
    kind: str
    age: int
    units: float
    mean: Floats
    low: float
    high: float


KINDS = {
    "band": mark("group and price band"),
    "group": mark("group"),
    "all": mark("all launches"),
    "none": mark("nothing to go by"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Newcomers(Result):
    """New items, forecast from earlier launches.

    Attributes:
        items: The new ones.
        launches: Earlier launches that are known from their first period.
        error: Absolute error of the sum over the horizon, when each earlier launch is
            forecast from the others at the new items' ages, over what they sold.
        error_plain: The same when an item is forecast to go on as it has, and one that has
            not begun as the mean of all launches.
        inside: Share of earlier launches within their interval.
        start: First day ahead.
    """

    sheet: ClassVar[str] = mark("New items")
    units: ClassVar[dict[str, Unit]] = {
        "age": "count",
        "units": "count",
        "expected": "count",
        "low": "count",
        "high": "count",
        "alike": "count",
    }
    labels: ClassVar[dict[str, str]] = {
        "item": mark("Item"),
        "age": mark("Periods on sale"),
        "units": mark("Sold so far"),
        "expected": mark("Expected"),
        "low": mark("Low (1 in 10)"),
        "high": mark("High (1 in 10)"),
        "alike": mark("Look-alikes"),
        "kind": mark("Alike in"),
    }

    items: tuple[Newcomer, ...]
    launches: int
    error: float
    error_plain: float
    inside: float
    start: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a new item, the most expected first."""
        import pandas as pd

        rows = [
            {
                "item": item.name,
                "age": item.age,
                "units": item.units,
                "expected": float(item.mean.sum()),
                "low": item.low,
                "high": item.high,
                "alike": item.alike,
                "kind": tr(KINDS[item.kind]),
            }
            for item in sorted(self.items, key=lambda i: -np.nan_to_num(i.mean.sum(), nan=-1.0))
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def absent(self) -> str:
        """Said where nothing is new."""
        return "" if self.items else tr("No item is new: all have been sold for longer.")

    def findings(self) -> tuple[Finding, ...]:
        """What new items are expected to sell, how far that can be trusted, who has nobody."""
        told = [item for item in self.items if not np.isnan(item.mean).any()]
        found = [self._expected(told)] if told else []
        if not np.isnan(self.error):
            found.append(self._trust())
        if len(told) < len(self.items):
            found.append(self._untold(len(self.items) - len(told)))
        return tuple(found)

    def _expected(self, told: Sequence[Newcomer]) -> Finding:
        units = sum(float(item.mean.sum()) for item in told)
        text = ntr(
            "{count} new item is expected to sell {units} units, going by {launches} earlier "
            "launches.",
            "{count} new items are expected to sell {units} units, going by {launches} earlier "
            "launches.",
            len(told),
            count=show(len(told), "count"),
            units=show(units, "count"),
            launches=show(self.launches, "count"),
        )
        return Finding(key="newcomers/expected", level="info", text=text, evidence={"units": units})

    def _trust(self) -> Finding:
        given = {
            "error": show(self.error, "share"),
            "plain": show(self.error_plain, "share"),
            "inside": show(self.inside, "share"),
        }
        level: Level = "good"
        if self.error < self.error_plain:
            text = tr(
                "Earlier launches forecast this way were {error} off, nearer than their run so far "
                "({plain}); {inside} lay within their intervals.",
                **given,
            )
        else:
            level = "watch"
            text = tr(
                "Earlier launches forecast this way were {error} off, no nearer than their run so "
                "far ({plain}); {inside} lay within their intervals. Order small and look again.",
                **given,
            )
        evidence = {"error": self.error, "plain": self.error_plain, "inside": self.inside}
        return Finding(key="newcomers/trust", level=level, text=text, evidence=evidence)

    def _untold(self, count: int) -> Finding:
        text = ntr(
            "What {count} new item will sell cannot be told: too few earlier launches are known.",
            "What {count} new items will sell cannot be told: too few earlier launches are known.",
            count,
            count=show(count, "count"),
        )
        return Finding(key="newcomers/untold", level="watch", text=text, evidence={"items": count})


def forecast_newcomers(
    panel: Panel, *, horizon: int, group: str = "category", price: str = "price"
) -> Newcomers:
    """Forecast items too new for a past of their own.

    An item is new for its first 28 days (8 weeks, 3 months), or when it has not begun.
    Earlier launches of its group and price band give the units expected at each age; where
    there are fewer than five, those of its group, else all. What the item has sold so far
    moves its level (gamma-Poisson). The interval is how far earlier launches came from their
    own forecasts at the same age, made from all launches but themselves.

    Args:
        panel: All items; NaN before a launch. ``keys`` has the column ``group``, and may
            have ``price`` (planned or charged) and ``name``.
        horizon: Periods ahead.
        group: Column of the items' kind.
        price: Column of the price.

    Raises:
        ColumnError: ``keys`` has no column ``group``.
        ParameterError: The horizon is not positive.
    """
    if horizon < 1:
        raise ParameterError(f"horizon is {horizon}; it must be at least 1 period.")
    require_columns(list(panel.keys.columns), (group,), table="keys")
    launched = first_known(panel.values)
    young = YOUNG[panel.frequency]
    age = panel.periods - launched
    new = np.flatnonzero((age < young) & (launched > 0))
    donors = np.flatnonzero((age >= young) & (launched > 0))
    donors = donors[np.argsort(launched[donors], kind="stable")]
    rhythm = weekly_rhythm(panel, ahead=horizon)
    ages = young + horizon
    kinds = Kinds(panel, donors, group, price)
    curves = curves_by_age(panel.values, rhythm, launched, ages=ages)
    trial = Trial(curves, kinds, horizon)
    items = [_item(panel, int(row), int(age[row]), trial) for row in new]
    errors = [trial.judged(int(a)) for a in sorted({int(age[row]) for row in new})]
    return Newcomers(
        items=tuple(items),
        launches=len(donors),
        error=_pooled([e.said for e in errors], [e.came for e in errors]),
        error_plain=_pooled([e.plain for e in errors], [e.came for e in errors]),
        inside=_share_inside(errors),
        start=panel.days(ahead=1)[-1].date(),
    )


def _item(panel: Panel, row: int, age: int, trial: Trial) -> Newcomer:
    kind, alike, mean = trial.forecast(row, age)
    low, high = trial.interval(age, float(mean.sum()))
    named = panel.keys["name"].iloc[row] if "name" in panel.keys.columns else None
    return Newcomer(
        row=row,
        name=short_name(named, panel.keys.index[row]),
        alike=len(alike),
        kind=kind,
        age=age,
        units=float(np.nansum(panel.values[row])),
        mean=mean,
        low=low,
        high=high,
    )


def _pooled(said: Sequence[Floats], came: Sequence[Floats]) -> float:
    truth = sum(float(part.sum()) for part in came)
    off = sum(float(np.abs(a - b).sum()) for a, b in zip(said, came, strict=True))
    return off / truth if truth > 0 else nan


def _share_inside(errors: Sequence[Judged]) -> float:
    """Share of launches between the ranks of the others' ratios, each left out in turn."""
    inside = [hit for judged in errors for hit in judged.hits()]
    return sum(inside) / len(inside) if inside else nan
