"""Which days does the store cover, and which day is the last whole one?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw

from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.data.frames import DAY, bring, lazy, local_time, within
from ecops_lib.data.schema import table_named
from ecops_lib.data.store import Store

TRADING_DAYS = 28
"""Days with orders that the last day's closing time is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The first and the last local day of a table's rows."""

    first: dt.date
    last: dt.date


def covers(store: Store) -> Mapping[str, Span]:
    """First and last day of each table that has a clock, in the store's zone."""
    spans = {name: _span(store, name) for name in store.tables if table_named(name).clock}
    return {name: span for name, span in spans.items() if span is not None}


def _span(store: Store, table: str) -> Span | None:
    clock = table_named(table).clock
    ends = store.scan(table).aggregate(f"min({clock}) AS first, max({clock}) AS last")
    [row] = ends.to_arrow_table().to_pylist()
    first, last = row["first"], row["last"]
    if first is None:
        return None
    return Span(first=_local(first, store), last=_local(last, store))


def _local(value: dt.datetime | dt.date, store: Store) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=value.tzinfo or dt.UTC).astimezone(store.zone).date()
    return value


def last_whole_day(store: Store) -> dt.date:
    """The last local day of which the store holds everything, as far as can be told.

    It is the last day D with an order, unless D's last order falls before the earliest
    last-order time of the day among the 28 trading days before D: then the export was
    made while D was still going on, and the day before D is the last whole one. A store
    without orders has the last day of its traffic, which platforms export by whole days;
    one that holds nothing but tests has the last day of their exposures.

    Raises:
        MissingDataError: The store holds neither orders nor traffic nor a test.
    """
    if not store.has("orders"):
        return _day_without_orders(store)
    span = _span(store, "orders")
    if span is None:
        return _day_without_orders(store)
    closing = _closing_times(store, span.last)
    *before, last = closing[-TRADING_DAYS - 1 :]
    return span.last - DAY if before and last < min(before) else span.last


def _day_without_orders(store: Store) -> dt.date:
    """The last day of traffic, or of a test's exposures where there is nothing else."""
    for table in ("traffic", "experiments"):
        span = _span(store, table) if store.has(table) else None
        if span is not None:
            return span.last
    raise MissingDataError(
        "the store holds no orders, no traffic and no test, so it has no last day; "
        f"import {table_named('orders').hint}."
    )


def _closing_times(store: Store, last: dt.date) -> list[dt.timedelta]:
    """How long after midnight the last order came, for each recent day with orders."""
    start = last - 10 * TRADING_DAYS * DAY
    rows = lazy(store.scan("orders", start=start, end=last), name="orders")
    recent = rows.filter(within("created_at", start, last, store.zone))
    moments = recent.select(at=local_time("created_at", start, last, store.zone))
    by_day = moments.with_columns(day=nw.col("at").dt.truncate("1d"))
    days = bring(by_day.group_by("day").agg(nw.col("at").max()), sort=["day"])
    return [dt.timedelta(seconds=s) for s in (days["at"] - days["day"]).dt.total_seconds()]


def report_day(store: Store, as_of: str | dt.date = "") -> dt.date:
    """The day that a page is about: the one given, or the last whole day of the store.

    Raises:
        MissingDataError: The store's orders and traffic do not reach the day given.
        ParameterError: The text is not a day.
    """
    if as_of == "":
        return last_whole_day(store)
    day = as_day(as_of, name="as_of")
    spans = [s for name, s in covers(store).items() if name in {"orders", "traffic"}]
    if not spans:
        return _day_without_orders(store)
    first, last = min(s.first for s in spans), max(s.last for s in spans)
    if not first <= day <= last:
        raise MissingDataError(
            f"as_of is {day}, but the store's orders and traffic run from {first} to {last}; "
            "choose a day between, or import the exports of that day."
        )
    return day
