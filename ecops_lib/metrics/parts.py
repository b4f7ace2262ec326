"""Parts: each measure over the groups asked for, all of one fact in one pass of its engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import listed
from ecops_lib.core.errors import MetricError, MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.data.schema import table_named
from ecops_lib.metrics.bases import missing_words
from ecops_lib.metrics.facts import COLUMNS, Fact, Frame, Query
from ecops_lib.metrics.histories import fact_named, remembered, trade_span
from ecops_lib.metrics.measures import MEASURES, Route

if TYPE_CHECKING:
    import pandas as pd

LOW, HIGH = "_low", "_high"
_numbers = count()
SNAPSHOT = "snapshot_day"
GRAINS = ("day", "week", "month", "hour", "weekday")
DATED = ("day", "week", "month")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One measure over the groups.

    Attributes:
        key: The measure.
        route: How it was had.
        fact: Of which rows.
        values: One row a group: its dimensions, the value, its least and its most.
        rows: Rows behind it.
        untold: Rows that do not tell it.
        batch: The same for parts whose values have the same rows.
        split: Whether any row tells the dimensions.
        instead_of: The fact that should have told it and did not.
    """

    key: str
    route: Route
    fact: Fact
    values: pd.DataFrame
    rows: int
    untold: int
    batch: int
    split: bool = True
    instead_of: str = ""

    @property
    def empty(self) -> bool:
        """Whether there were rows, but none told the value or the dimension."""
        silent = self.route.told and self.untold == self.rows
        return self.rows > 0 and (silent or not self.split)

    def refusal(self, query: Query) -> str:
        """Why an empty part gives no number, and what would."""
        table = tr(table_named(self.fact.tables[0]).hint)
        if not self.split:
            return tr(
                "No row of these days tells the {dimension}; import {hint}, if it does.",
                dimension=listed(query.by),
                hint=table,
            )
        if self.key == "buyers":
            return tr(
                "None of {count} paid orders names its buyer; import an order export that does, "
                "or the platform's own count of buyers (生意参谋 宏观监控).",
                count=show(self.rows, "count"),
            )
        return tr(
            "None of {count} rows of these days tells what it needs; import {hint}, if it does.",
            count=show(self.rows, "count"),
            hint=table,
        )


def fact_of(route: Route, query: Query) -> Fact:
    """The fact of a route under the bases of a question."""
    return fact_named(
        route.fact, presale=query.bases.presale, refund_basis=query.bases.refund_basis
    )


def routes_for(key: str, query: Query, *, metric: str) -> list[Route]:
    """The routes that can serve a measure, best first.

    Raises:
        MetricError: None holds the dimensions asked for.
        MissingDataError: Their tables, or the days that they need, are not there.
    """
    fitting = [r for r in MEASURES[key] if set(query.by) <= set(fact_of(r, query).splits)]
    if not fitting:
        offered = {name for r in MEASURES[key] for name in fact_of(r, query).splits}
        known = [name for name in COLUMNS if name in offered]
        raise MetricError(
            f"{metric} cannot be split by {listed(query.by)}: its part {key} can be split by "
            f"{listed(known) if known else 'nothing'}."
        )
    reasons = [_obstacle(fact_of(route, query), query) for route in fitting]
    ready = [route for route, reason in zip(fitting, reasons, strict=True) if not reason]
    if not ready:
        raise MissingDataError(reasons[0])
    return ready


def _obstacle(fact: Fact, query: Query) -> str:
    tables = fact.tables
    if {"category", "brand"} & set(query.by):
        tables = (*tables, "products")
    for table in tables:
        if not query.tables.has(table):
            return missing_words(table)
    return fact.ready(query) if fact.ready else ""


def gather(query: Query, routes: Mapping[str, list[Route]]) -> dict[str, Part]:
    """Every measure by its routes, each fact read once.

    Where a route's rows tell nothing (no buyer is named, no channel is known), the
    next route is taken and a note says so.
    """
    waiting = dict(routes)
    done: dict[str, Part] = {}
    while waiting:
        by_fact: dict[str, dict[str, Route]] = {}
        for key, (first, *_) in waiting.items():
            by_fact.setdefault(fact_of(first, query).name, {})[key] = first
        again: dict[str, list[Route]] = {}
        for part in (part for chosen in by_fact.values() for part in collect(query, chosen)):
            rest = waiting[part.key][1:]
            if part.empty and rest:
                again[part.key] = rest
            if part.key not in done or not part.empty:
                was = done.get(part.key)
                done[part.key] = replace(part, instead_of=was.fact.name) if was else part
        waiting = again
    return done


def collect(query: Query, chosen: Mapping[str, Route]) -> list[Part]:
    """Compute the measures of one fact together, in its own engine."""
    fact = fact_of(next(iter(chosen.values())), query)
    frame = fact.build(query)
    keys = _keys(query, fact)
    plain = {k: r for k, r in chosen.items() if r.kind != "twice"}
    parts = []
    if plain:
        held = _aggregated(query, frame, keys, plain)
        batch = next(_numbers)
        parts += [_part(query, fact, key, route, held, batch) for key, route in plain.items()]
    for key, route in chosen.items():
        if route.kind == "twice":
            held = _counted_twice(query, frame, keys, key, route)
            parts.append(_part(query, fact, key, route, held, next(_numbers)))
    return parts


def _keys(query: Query, fact: Fact) -> dict[str, nw.Expr]:
    keys: dict[str, nw.Expr] = {}
    for name in query.by:
        if name in GRAINS:
            keys[COLUMNS[name]] = frames.part_of(_wall(query, fact), name)  # type: ignore[arg-type]
        else:
            keys[COLUMNS[name]] = nw.col(COLUMNS[name])
    if fact.snapshot:
        keys[SNAPSHOT] = frames.part_of(_wall(query, fact), "day")
    return keys


def _wall(query: Query, fact: Fact) -> nw.Expr:
    if fact.kind == "day":
        return nw.col(fact.clock).cast(nw.Datetime("us"))
    return frames.local_time(fact.clock, *query.ends, query.tables.zone)


def _value(query: Query, frame: Frame, route: Route) -> nw.Expr:
    return route.value if isinstance(route.value, nw.Expr) else route.value(query, frame)


def _aggregated(
    query: Query, frame: Frame, keys: Mapping[str, nw.Expr], chosen: Mapping[str, Route]
) -> pd.DataFrame:
    values = {k: _value(query, frame, r).alias(k) for k, r in chosen.items() if r.kind != "rows"}
    rows = frame.select(**keys, **values) if keys or values else frame
    wanted: list[nw.Expr] = [nw.len().alias("rows_")]
    for key, route in chosen.items():
        wanted += _aggregates(key, route)
    found = rows.group_by(*keys).agg(*wanted) if keys else rows.select(*wanted)
    return frames.bring(found, sort=keys)


def _aggregates(key: str, route: Route) -> list[nw.Expr]:
    column = nw.col(key)
    told = [column.count().alias(f"{key}_n")] if route.told or route.kind == "distinct" else []
    match route.kind:
        case "distinct":
            return [column.n_unique().alias(key), *told]
        case "reported":
            return [column.sum().alias(key), column.max().alias(f"{key}_max"), *told]
        case "rows":
            return [nw.len().alias(key)]
        case _:
            return [column.sum().alias(key), *told]


def _counted_twice(
    query: Query, frame: Frame, keys: Mapping[str, nw.Expr], key: str, route: Route
) -> pd.DataFrame:
    """How many entities occur with two different others."""
    other = route.other if route.other is not None else nw.lit(1)
    pairs = frame.select(**keys, entity=_value(query, frame, route), other=other)
    known = pairs.filter(~nw.col("entity").is_null() & ~nw.col("other").is_null()).unique()
    counts = known.group_by(*keys, "entity").agg(nw.len().alias("times"))
    again = counts.with_columns(
        **{key: nw.when(nw.col("times") > 1).then(nw.lit(1)).otherwise(nw.lit(0))}
    )
    wanted = [nw.len().alias("rows_"), nw.col(key).sum()]
    found = again.group_by(*keys).agg(*wanted) if keys else again.select(*wanted)
    return frames.bring(found, sort=keys)


def _part(query: Query, fact: Fact, key: str, route: Route, held: pd.DataFrame, batch: int) -> Part:
    """The values of one measure, with bounds and missing ones told apart from zeros."""
    groups = [COLUMNS[name] for name in query.by]
    rows = held["rows_"].to_numpy(float)
    told = held[f"{key}_n"].to_numpy(float) if f"{key}_n" in held else rows
    value = held[key].to_numpy(float)
    if route.kind == "distinct":
        value = value - (rows > told)
    nothing = (told == 0) & ((rows > 0) | fact.reported) & route.told
    if not query.by and fact.kind == "time" and not rows.sum() and not covered(query, fact):
        nothing = np.ones(len(held), bool)
    exact = low = high = np.where(nothing, np.nan, value)
    if route.kind == "reported":
        exact = np.where(told > 1, np.nan, high)
        low = held[f"{key}_max"].to_numpy(float)
    table = _beside(held, groups, {key: exact, key + LOW: low, key + HIGH: high})
    if fact.snapshot:
        table = _of_snapshots(table.assign(**{SNAPSHOT: held[SNAPSHOT]}), key, groups, route)
    split = not len(held) or all(held[name].notna().any() for name in groups)
    return Part(
        key=key,
        route=route,
        fact=fact,
        values=table,
        rows=int(rows.sum()),
        untold=int((rows - told).sum()),
        batch=next(_numbers) if fact.snapshot else batch,
        split=split,
    )


def _beside(
    held: pd.DataFrame, groups: Sequence[str], columns: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({**{name: held[name] for name in groups}, **columns}, index=held.index)


def _of_snapshots(
    table: pd.DataFrame, key: str, groups: Sequence[str], route: Route
) -> pd.DataFrame:
    """The last snapshot of each period, or the mean of its first and last."""
    times = [name for name in groups if name in DATED]
    days = table.groupby(times, dropna=False)[SNAPSHOT] if times else None
    last = days.transform("max") if days is not None else table[SNAPSHOT].max()
    first = days.transform("min") if days is not None else table[SNAPSHOT].min()
    ends = table[table[SNAPSHOT] == last]
    if route.kind == "mean_ends":
        starts = table[table[SNAPSHOT] == first]
        both = _stacked([starts, ends])
        ends = both.groupby(list(groups), dropna=False, as_index=False).sum() if groups else both
        ends = (
            _halved(ends, key) if groups else _halved(both.sum(numeric_only=True).to_frame().T, key)
        )
    return ends.drop(columns=[SNAPSHOT], errors="ignore").reset_index(drop=True)


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([t.drop(columns=[SNAPSHOT]) for t in tables], ignore_index=True)


def _halved(table: pd.DataFrame, key: str) -> pd.DataFrame:
    columns = [key, key + LOW, key + HIGH]
    return table.assign(**{name: table[name] / 2 for name in columns})


def covered(
    query: Query, fact: Fact, day: dt.date | None = None, until: dt.date | None = None
) -> bool:
    """Whether a fact's tables reach into a period (the whole question by default)."""
    span = coverage(query, fact)
    if span is None:
        return False
    if day is None:
        return any(start <= span[1] and end >= span[0] for start, end in query.spans)
    return day <= span[1] and (until or day) >= span[0]


def coverage(query: Query, fact: Fact) -> tuple[dt.date, dt.date] | None:
    """First and last local day of a fact's tables."""
    tables = query.tables
    if fact.reported:
        return tables.span(fact.tables[0], "day")
    if "orders" not in fact.tables:
        column = {"claims": "applied_at"}.get(fact.name, fact.clock)
        return tables.span(fact.tables[0], column) if column else query.ends
    orders = remembered(tables) if fact.name == "returning" else trade_span(tables)
    if orders and fact.name == "refunds_refund":
        done = tables.span("refunds", "finished_at")
        return orders[0], max(orders[1], done[1]) if done else orders[1]
    return orders
