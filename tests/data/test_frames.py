"""The engine border: the same cases in every engine, and exact numbers out."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from ecops_lib.core.errors import ColumnError
from ecops_lib.data import frames


def _duckdb(table: pa.Table) -> Any:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection.from_arrow(table)


ENGINES = {
    "pandas": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "numpy": lambda table: table.to_pandas(),
    "polars": pl.from_arrow,
    "pyarrow": lambda table: table,
    "duckdb": _duckdb,
}


@pytest.fixture(params=ENGINES)
def frame(request: pytest.FixtureRequest) -> Any:
    """Makes a lazy frame of one engine from an Arrow table."""
    return lambda table: frames.lazy(ENGINES[request.param](table), name="rows")


def _moments(*moments: dt.datetime) -> pa.Table:
    return pa.table({"at": pa.array(moments, pa.timestamp("us", "UTC"))})


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Asia/Shanghai", dt.date(2026, 3, 1)),
        ("Europe/London", dt.date(2026, 3, 27)),
        ("Europe/London", dt.date(2026, 10, 23)),
        ("America/Sao_Paulo", dt.date(2018, 11, 2)),
    ],
)
def test_local_parts_are_those_of_the_standard_library(
    frame: Any, zone: str, first: dt.date
) -> None:
    zoned = ZoneInfo(zone)
    last = first + dt.timedelta(days=4)
    begin, over = frames.instants(first, last, zoned)
    step = dt.timedelta(minutes=29, seconds=59)
    moments = [begin + n * step for n in range(int((over - begin) / step))] + [
        over - dt.timedelta(microseconds=1)
    ]
    rows = frame(_moments(*moments))
    wall = frames.local_time("at", first, last, zoned)
    parts = {
        grain: frames.part_of(wall, grain) for grain in ("day", "week", "month", "hour", "weekday")
    }
    held = frames.bring(rows.select(nw.col("at"), **parts), sort=["at"])
    for moment, row in zip(moments, held.to_dict("records"), strict=True):
        local = moment.astimezone(zoned)
        day = local.date()
        assert row["day"].date() == day
        assert row["week"].date() == day - dt.timedelta(days=day.weekday())
        assert row["month"].date() == day.replace(day=1)
        assert (row["hour"], row["weekday"]) == (local.hour, day.isoweekday())


def test_within_holds_the_first_and_not_the_next_midnight(frame: Any) -> None:
    zone, day = ZoneInfo("Asia/Shanghai"), dt.date(2026, 3, 2)
    first, over = frames.instants(day, day, zone)
    tick = dt.timedelta(microseconds=1)
    rows = frame(_moments(first - tick, first, over - tick, over))
    held = frames.bring(rows.filter(frames.within("at", day, day, zone)), sort=["at"])
    assert len(held) == 2


def test_exact_sums_become_the_nearest_floats(frame: Any) -> None:
    rng = random.Random(3)
    amounts = [Decimal(rng.randrange(-(10**15), 10**15)).scaleb(-4) for _ in range(500)]
    table = pa.table(
        {
            "group": [n % 7 for n in range(500)],
            "amount": pa.array([None, *amounts[1:]], pa.decimal128(18, 4)),
        }
    )
    sums = frame(table).group_by("group").agg(nw.col("amount").sum())
    held = frames.bring(sums, sort=["group"])
    for group, amount in zip(held["group"], held["amount"], strict=True):
        exact = sum(a for n, a in enumerate(amounts) if n % 7 == group and n)
        assert amount == float(exact)


def test_huge_and_missing_decimals_come_as_floats() -> None:
    values = [None, Decimal("12345678901234567890.1234"), Decimal("-0.0001")]
    table = pa.table({"amount": pa.array(values, pa.decimal128(38, 4))})
    held = frames.bring(frames.lazy(table, name="rows"))["amount"]
    assert pd.isna(held[0])
    assert held[1:].tolist() == [float(v) for v in values[1:] if v is not None]


def test_minutes_between_are_whole_and_never_negative(frame: Any) -> None:
    start = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    ends = [start + dt.timedelta(seconds=s) for s in (0, 59, 61, -5)]
    table = pa.table(
        {
            "before": pa.array([start] * 5, pa.timestamp("us", "UTC")),
            "after": pa.array([*ends, None], pa.timestamp("us", "UTC")),
        }
    )
    rows = frame(table)
    held = frames.bring(rows.select(gap=frames.minutes_between(rows, "before", "after")))["gap"]
    assert held[:3].tolist() == [0, 0, 1]
    assert held[3:].isna().all()


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ColumnError, match="rows is a list; give a pandas, Polars"):
        frames.lazy([1], name="rows")
    with pytest.raises(ColumnError, match="rows has no column 'x'; it has 'at'"):
        frames.lazy(_moments(), name="rows", needed=["x"])


def test_sums_stand_beside_their_own_rows(frame: Any) -> None:
    rng = random.Random(5)
    keys = [rng.randrange(3000) for _ in range(100_000)]
    units = [rng.randrange(10_000) for _ in keys]
    held = frame(pa.table({"key": keys, "units": units}))
    told = frames.bring(frames.beside(held, "key", least=nw.col("units").min()))
    assert sorted(told["units"]) == sorted(units)
    assert (told["least"] == told.groupby("key")["units"].transform("min")).all()
