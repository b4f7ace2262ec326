"""From measures to metrics: ratios of sums, and bounds where distinct counts overlap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.data import frames
from ecops_lib.metrics.facts import COLUMNS, Fact, Query
from ecops_lib.metrics.parts import DATED, HIGH, LOW, Part, covered
from ecops_lib.metrics.registry import Metric

if TYPE_CHECKING:
    import pandas as pd

Bounded = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Values, and the least and the most that they can be; the three are equal where exact."""


def joined(query: Query, parts: Mapping[str, Part]) -> pd.DataFrame:
    """All measures side by side; a group that a fact lacks is 0 where nothing happened."""
    import pandas as pd

    groups = [COLUMNS[name] for name in query.by]
    if not parts and not (len(query.by) == 1 and query.by[0] in DATED):
        return pd.DataFrame(columns=groups, index=range(int(not groups)))
    if not groups:
        return pd.concat([part.values.reset_index(drop=True) for part in parts.values()], axis=1)
    batches = _batches(parts)
    tables = [_side_by_side(batch) for batch in batches]
    known = [_calendar(query)] if len(query.by) == 1 and query.by[0] in DATED else []
    whole = reduce(lambda a, b: a.merge(b, on=groups, how="outer"), [*known, *tables])
    for batch, table in zip(batches, tables, strict=True):
        if not batch[0].fact.reported and batch[0].split:
            _fill_zeros(query, batch[0].fact, table, whole)
    return whole.sort_values(groups, ignore_index=True)


def _batches(parts: Mapping[str, Part]) -> list[list[Part]]:
    """The parts whose values have the same rows: those that were counted together."""
    found: dict[int, list[Part]] = {}
    for part in parts.values():
        found.setdefault(part.batch, []).append(part)
    return list(found.values())


def _side_by_side(batch: Sequence[Part]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: part.values[name] for part in batch for name in part.values})


def _fill_zeros(query: Query, fact: Fact, table: pd.DataFrame, whole: pd.DataFrame) -> None:
    """Zeros for the groups that a fact lacks on days that its tables cover."""
    groups = [COLUMNS[name] for name in query.by]
    absent = (
        whole[groups].merge(table[groups].assign(held_=True), on=groups, how="left")["held_"].isna()
    )
    dated = next((name for name in query.by if name in DATED), "")
    if dated:
        moments = whole[dated].drop_duplicates()
        inside = {moment: _bucket_covered(query, fact, moment, dated) for moment in moments}
        absent &= whole[dated].map(inside)
    elif not covered(query, fact):
        return
    whole.loc[absent.to_numpy(bool), [name for name in table if name not in groups]] = 0.0


def _bucket_covered(query: Query, fact: Fact, moment: Any, grain: str) -> bool:
    day = moment.date()
    until = {"day": day, "week": day + dt.timedelta(days=6)}.get(grain)
    if until is None:
        until = (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - frames.DAY
    return covered(query, fact, day, until)


def _calendar(query: Query) -> pd.DataFrame:
    """Every day, week or month asked for, so that a day without rows is seen."""
    import pandas as pd

    days = pd.DatetimeIndex(
        [day for start, end in query.spans for day in pd.date_range(start, end, freq="D")]
    )
    period = {"day": "D", "week": "W-SUN", "month": "M"}[query.by[0]]
    starts = days.to_period(period).start_time.unique().sort_values()
    return pd.DataFrame({query.by[0]: starts.astype("datetime64[us]")})


def evaluate(metric: Metric, table: pd.DataFrame, *, query: Query) -> Bounded:
    """A metric from its measures in a table: a ratio of sums, never a mean of ratios.

    Returns:
        Its values, the least and the most that they can be, one a row.
    """
    factor = metric.scale * _lengths(query, table) if metric.per_day else metric.scale
    value, low, high = (
        _quotient(metric, table, above, below) * factor
        for above, below in (("", ""), (LOW, HIGH), (HIGH, LOW))
    )
    return value, low, high


def sides(metric: Metric, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator of a ratio from its measures in a table, one value a row."""
    top = _summed(table, metric.numerator, metric.less, "", "")
    return top * metric.scale, _summed(table, metric.denominator, metric.under, "", "")


def _quotient(metric: Metric, table: pd.DataFrame, above: str, below: str) -> np.ndarray:
    top = _summed(table, metric.numerator, metric.less, above, below)
    if not metric.denominator:
        return top
    bottom = _summed(table, metric.denominator, metric.under, below, above)
    return top / np.where(bottom == 0, np.nan, bottom)


def _lengths(query: Query, table: pd.DataFrame) -> np.ndarray:
    """Days of each group's period; NaN where it is split by weekday or hour."""
    if "month" in query.by and "day" not in query.by:
        lengths: np.ndarray = table["month"].dt.days_in_month.to_numpy(float)
        return lengths
    length = float(sum((end - start).days + 1 for start, end in query.spans))
    if {"day", "week"} & set(query.by):
        length = 1.0 if "day" in query.by else 7.0
    elif {"weekday", "hour"} & set(query.by):
        length = float("nan")
    return np.full(len(table), length)


def _summed(
    table: pd.DataFrame, plus: Sequence[str], minus: Sequence[str], above: str, below: str
) -> np.ndarray:
    total = np.zeros(len(table))
    for name in plus:
        total = total + table[name + above].to_numpy(float)
    for name in minus:
        total = total - table[name + below].to_numpy(float)
    return total
