"""From measures to metrics: ratios of sums, and bounds where distinct counts overlap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from ecops_lib.data import frames
from ecops_lib.metrics.facts import COLUMNS, Fact, Query
from ecops_lib.metrics.parts import DATED, HIGH, LOW, Part, covered
from ecops_lib.metrics.registry import Metric

if TYPE_CHECKING:
    import pandas as pd


def joined(query: Query, parts: Mapping[str, Part]) -> pd.DataFrame:
    """All measures side by side; a group that a fact lacks is 0 where nothing happened."""
    import pandas as pd

    groups = [COLUMNS[name] for name in query.by]
    if not parts and not (len(query.by) == 1 and query.by[0] in DATED):
        return pd.DataFrame(columns=groups, index=range(int(not groups)))
    if not groups:
        return pd.concat([part.values.reset_index(drop=True) for part in parts.values()], axis=1)
    batches = _batches(parts)
    tables = [_side_by_side(batch, groups) for batch in batches]
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


def _side_by_side(batch: Sequence[Part], groups: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    first, *more = [part.values for part in batch]
    return pd.concat([first, *(table.drop(columns=list(groups)) for table in more)], axis=1)


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


def evaluate(metric: Metric, table: pd.DataFrame, *, query: Query) -> pd.DataFrame:
    """A metric's value and bounds from its measures: a ratio of sums, never a mean of ratios."""
    import pandas as pd

    found = {}
    for name, above, below in (("", "", ""), (LOW, LOW, HIGH), (HIGH, HIGH, LOW)):
        top = _summed(table, metric.numerator, metric.less, above, below)
        if metric.denominator:
            bottom = _summed(table, metric.denominator, metric.under, below, above)
            top = top / bottom.where(bottom != 0)
        found[metric.key + name] = top * metric.scale
    held = pd.DataFrame(found)
    return held.mul(_lengths(query, table), axis=0) if metric.per_day else held


def _lengths(query: Query, table: pd.DataFrame) -> pd.Series[float]:
    """Days of each group's period; NaN where it is split by weekday or hour."""
    import pandas as pd

    if "day" in query.by:
        return pd.Series(1.0, index=table.index)
    if "month" in query.by:
        lengths: pd.Series[float] = table["month"].dt.days_in_month.astype(float)
        return lengths
    if "week" in query.by:
        return pd.Series(7.0, index=table.index)
    whole = float(sum((end - start).days + 1 for start, end in query.spans))
    parts = {"weekday", "hour"} & set(query.by)
    return pd.Series(float("nan") if parts else whole, index=table.index)


def _summed(
    table: pd.DataFrame, plus: Sequence[str], minus: Sequence[str], above: str, below: str
) -> pd.Series[float]:
    added: pd.Series[float] = table[[name + above for name in plus]].sum(axis=1, skipna=False)
    taken: pd.Series[float] = table[[name + below for name in minus]].sum(axis=1, skipna=False)
    total: pd.Series[float] = added - taken
    return total
