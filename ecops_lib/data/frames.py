"""The engine border: line-level tables in, small pandas results out.

Every function above this border takes a pandas, Polars or PyArrow table, a DuckDB
relation or a PySpark DataFrame, builds one lazy Narwhals expression in that engine,
and brings back only the small result. Below it all is plain pandas and NumPy.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import require_columns
from ecops_lib.core.errors import ColumnError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

DAY = dt.timedelta(days=1)

Grain = Literal["day", "week", "month", "hour", "weekday"]
"""Parts of the calendar; weeks begin on Monday, weekdays run from 1 (Monday) to 7."""


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
    import pyarrow as pa

    words = pd.StringDtype("pyarrow", na_value=np.nan)  # what pandas 3 takes of itself
    table: pa.Table = frame.collect("pyarrow").to_native()
    held = pd.DataFrame(index=range(table.num_rows))
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_decimal(field.type):
            held[field.name] = _floats(column)
        elif pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
            held[field.name] = column.cast(pa.timestamp("us")).to_pandas()
        elif pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            held[field.name] = pd.array(column, dtype=words)
        else:
            held[field.name] = column.to_pandas()
    keys = list(sort)
    return held.sort_values(keys, ignore_index=True) if keys else held


def stack(*parts: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Rows of frames of one engine with the same columns, one below the other."""
    with warnings.catch_warnings():
        # pandas 2 warns that parts without values will count for a column's type: either will do
        warnings.filterwarnings("ignore", "The behavior of DataFrame concat", FutureWarning)
        return nw.concat(parts, how="vertical")


def beside(frame: nw.LazyFrame[Any], by: str, **sums: nw.Expr) -> nw.LazyFrame[Any]:
    """Sums over the rows of the same ``by`` (never null), beside each of these rows.

    A window, so that the engine works the rows out once and can spill; only for Arrow a
    join, for Narwhals' windows on Arrow give rows the sums of others (its join keeps no order).
    """
    if frame.implementation.is_pyarrow():
        return frame.join(frame.group_by(by).agg(**sums), on=by, how="left")
    return frame.with_columns(**{name: each.over(by) for name, each in sums.items()})


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    """Exact decimals as the nearest floats (Arrow's own cast may be one off in the last bit)."""
    import numpy as np
    import pyarrow as pa

    scale = column.type.scale
    whole = column.cast(pa.decimal128(38, scale)).combine_chunks()
    words = np.frombuffer(whole.buffers()[1], dtype="<i8")
    low, high = words[whole.offset * 2 :: 2][: len(whole)], words[whole.offset * 2 + 1 :: 2]
    told = whole.is_valid().to_numpy(zero_copy_only=False)
    small = (high[: len(whole)] == low >> 63) & (np.abs(low) < 2**53)
    if not (small | ~told).all():
        return np.array([float("nan") if v is None else float(v) for v in whole.to_pylist()])
    return np.where(told, low / 10.0**scale, np.nan)


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


def part_of(wall: nw.Expr, grain: Grain) -> nw.Expr:
    """The day, week, month, hour or weekday of a wall-clock time, in any engine."""
    match grain:
        case "hour":
            return wall.dt.hour().cast(nw.Int64)
        case "weekday":
            return _weekday(wall)
        case "month":
            return wall.dt.truncate("1mo")
        case "day":
            return wall.dt.truncate("1d")
    day = wall.dt.truncate("1d")
    monday = day
    for weekday in range(2, 8):
        earlier = day.dt.offset_by(f"-{weekday - 1}d")
        monday = nw.when(_weekday(wall) == weekday).then(earlier).otherwise(monday)
    return monday


def _weekday(wall: nw.Expr) -> nw.Expr:
    """1 (Monday) to 7, also where Narwhals gives 0 for Sunday (Spark)."""
    number = wall.dt.weekday().cast(nw.Int64)
    return nw.when(number == 0).then(nw.lit(7)).otherwise(number)


def minutes_between(frame: nw.LazyFrame[Any], before: str, after: str) -> nw.Expr:
    """Whole minutes from one instant to a later one; null where it is not later.

    Args:
        frame: The frame that holds the columns (its engine decides the arithmetic).
        before: Column of the earlier instant.
        after: Column of the later instant.
    """
    first, last = nw.col(before), nw.col(after)
    if frame.implementation.is_pyspark() or frame.implementation.is_pyspark_connect():
        gap = (last.cast(nw.Int64) - first.cast(nw.Int64)) // 60
    else:
        gap = (last - first).dt.total_minutes()
    return nw.when(last >= first).then(gap)


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
