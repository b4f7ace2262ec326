"""The engine border: line-level tables in, small pandas results out.

Every function above this border takes a pandas, Polars or PyArrow table, a DuckDB
relation or a PySpark DataFrame, builds one lazy Narwhals expression in that engine,
and brings back only the small result. Below it all is plain pandas and NumPy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import narwhals as nw

from ecops_lib.core.checks import require_columns
from ecops_lib.core.errors import ColumnError

if TYPE_CHECKING:
    import pandas as pd

DAY = dt.timedelta(days=1)


def lazy(table: object, *, name: str, needed: Iterable[str] = ()) -> nw.LazyFrame[Any]:
    """A table of any engine as a lazy Narwhals frame.

    Args:
        table: pandas, Polars, PyArrow, DuckDB relation, PySpark DataFrame, or Narwhals.
        name: What to call it in an error.
        needed: Columns that it must have.

    Raises:
        ColumnError: The engine is unknown, or a column is missing.
    """
    try:
        frame = nw.from_native(table)  # type: ignore[call-overload]
    except TypeError as error:
        raise ColumnError(
            f"{name} is a {type(table).__name__}; give a pandas, Polars, PyArrow, "
            "DuckDB or PySpark table."
        ) from error
    held = frame if isinstance(frame, nw.LazyFrame) else frame.lazy()
    require_columns(held.collect_schema().names(), needed, table=name)
    return held


def bring(frame: nw.LazyFrame[Any], *, sort: Iterable[str] = ()) -> pd.DataFrame:
    """Compute a lazy frame and bring the small result to pandas.

    Exact decimal sums become floats here and days become ``datetime64``, so that
    every engine gives the same frame.

    Args:
        frame: What to compute.
        sort: Columns to sort by, for engines that keep no order.
    """
    import pandas as pd

    held: pd.DataFrame = frame.collect("pyarrow").to_native().to_pandas()
    for name in held.columns:
        column = held[name]
        if column.dtype == object and any(isinstance(v, Decimal) for v in column.head(50)):
            held[name] = column.astype(float)
        elif column.dtype == object and any(isinstance(v, dt.date) for v in column.head(50)):
            held[name] = pd.to_datetime(column)
    keys = list(sort)
    return held.sort_values(keys, ignore_index=True) if keys else held


def instants(start: dt.date, end: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """The UTC instants at which a span of local days begins and is over.

    >>> instants(dt.date(2026, 11, 11), dt.date(2026, 11, 11), ZoneInfo("Asia/Shanghai"))[0]
    datetime.datetime(2026, 11, 10, 16, 0, tzinfo=datetime.timezone.utc)
    """
    first = dt.datetime.combine(start, dt.time(), zone)
    over = dt.datetime.combine(end + DAY, dt.time(), zone)
    return first.astimezone(dt.UTC), over.astimezone(dt.UTC)


def within(column: str, start: dt.date, end: dt.date, zone: ZoneInfo) -> nw.Expr:
    """Whether an instant falls on the local days ``start`` … ``end``."""
    first, over = instants(start, end, zone)
    return (nw.col(column) >= first) & (nw.col(column) < over)


def local_time(column: str, start: dt.date, end: dt.date, zone: ZoneInfo) -> nw.Expr:
    """An instant as wall-clock time in a zone, right for instants on ``start`` … ``end``.

    Engines differ in what they know of zones, so the zone's offsets in the span are
    worked out here and applied as plain shifts.
    """
    naive = nw.col(column).dt.replace_time_zone(None)
    offsets = _offsets(start, end, zone)
    shifted = naive.dt.offset_by(_minutes(offsets[0][1]))
    for since, offset in offsets[1:]:
        late = naive.dt.offset_by(_minutes(offset))
        shifted = nw.when(nw.col(column) >= since).then(late).otherwise(shifted)
    return shifted


def local_day(column: str, start: dt.date, end: dt.date, zone: ZoneInfo) -> nw.Expr:
    """The local day of an instant, right for instants on ``start`` … ``end``."""
    return local_time(column, start, end, zone).dt.truncate("1d")


def _minutes(offset: dt.timedelta) -> str:
    return f"{int(offset.total_seconds()) // 60}m"


def _offsets(
    start: dt.date, end: dt.date, zone: ZoneInfo
) -> list[tuple[dt.datetime, dt.timedelta]]:
    """Each UTC offset in a span with the instant from which it holds."""
    moment, over = instants(start, end, zone)
    found = [(moment, _offset(moment, zone))]
    while moment < over:
        later = min(moment + DAY, over)
        if _offset(later, zone) != found[-1][1]:
            since = _change(moment, later, zone)
            found.append((since, _offset(since, zone)))
        moment = later
    return found


def _offset(moment: dt.datetime, zone: ZoneInfo) -> dt.timedelta:
    return moment.astimezone(zone).utcoffset() or dt.timedelta()


def _change(before: dt.datetime, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The minute at which the offset changes between two instants."""
    old = _offset(before, zone)
    while after - before > dt.timedelta(minutes=1):
        middle = before + (after - before) / 2
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after.replace(second=0, microsecond=0)
