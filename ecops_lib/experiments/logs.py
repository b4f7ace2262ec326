"""The rows of an exposure log: which belong to the test, and what became of the others.

A row counts if it names a unit, a time within the test's days and a variant of the plan,
and if what was really shown (where the log tells) is what its variant shows. One pass
over the log counts them all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import narwhals as nw

from ecops_lib.core.checks import listed
from ecops_lib.core.errors import ColumnError, MissingDataError
from ecops_lib.data import frames
from ecops_lib.experiments.outcomes import COVARIATES, OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.experiments.plan import ExperimentPlan

Frame = nw.LazyFrame[Any]

NEEDED = ("unit_key", "variant", "exposed_at")
OWN = (*OUTCOMES, *COVARIATES)
"""Columns in which a log itself may tell what its units did."""

REASONS = ("kept", "no_unit", "no_time", "outside", "other_variant", "mismatched")
"""What becomes of a row; of several reasons the first one counts."""

MOST_SEGMENTS = 1000
"""Segments (or pages shown) beyond which a column is something else."""

MOST_NAMED = 100
"""Segments that are told apart; each is a level of a nested expression."""

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
DAY_LENGTH = 86_400_000_000
"""Microseconds of a usual day."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """What one pass over a log tells.

    Attributes:
        rows: Rows by what becomes of them; all of ``REASONS``.
        by_place: Rows kept of each variant, in the plan's order.
        base: Earliest exposure kept, in microseconds since 1970.
        first: First local day of the rows kept.
        last: Their last local day.
        segments: Segments of the rows kept, sorted; empty text for none.
        shown: What each variant shows; empty where the log does not tell.
        own: Rows kept that tell a value, for each of the log's own outcome columns.
        means: Mean of those values.
    """

    rows: Mapping[str, int]
    by_place: tuple[int, ...]
    base: int
    first: dt.date
    last: dt.date
    segments: tuple[str, ...]
    shown: Mapping[str, str]
    own: Mapping[str, int]
    means: Mapping[str, float]

    @property
    def told(self) -> tuple[str, ...]:
        """The log's own outcome columns that tell anything."""
        return tuple(name for name, rows in self.own.items() if rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class Log:
    """A test's rows as a lazy frame with a ``reason`` (its place in ``REASONS``).

    Its columns are unit_key, exposed_at, at (the same in microseconds since 1970), place (of
    the variant in the plan), segment and shown (empty for none), and the outcome columns
    that the log holds.
    """

    frame: Frame
    own: tuple[str, ...]


def read_log(exposures: object, *, plan: ExperimentPlan, zone: ZoneInfo) -> Log:
    """The rows of a plan's test, each with what speaks against it so far.

    Raises:
        ColumnError: A column is missing, or times have no zone.
    """
    rows = frames.lazy(exposures, name="exposures", needed=NEEDED)
    schema = rows.collect_schema()
    if "experiment_id" in schema:
        rows = rows.filter(nw.col("experiment_id") == plan.experiment_id)
    own = tuple(name for name in OWN if name in schema)
    timed = with_microseconds(rows.with_columns(_in_utc(schema["exposed_at"])), at="exposed_at")
    known = timed.select(
        "unit_key",
        "exposed_at",
        "at",
        place_of(nw.col("variant"), plan.variants).alias("place"),
        *(_told(name, schema) for name in ("segment", "shown")),
        *(nw.col(name).cast(nw.Float64) for name in own),
    )
    return Log(frame=known.with_columns(reason=_reason(plan, zone)), own=own)


def _in_utc(held: Any) -> nw.Expr:
    if not isinstance(held, nw.Datetime) or not held.time_zone:
        raise ColumnError(
            f"column 'exposed_at' of exposures is {held}; it must hold instants with a time zone, "
            "such as UTC."
        )
    moment = nw.col("exposed_at")
    return moment if held.time_zone == "UTC" else moment.dt.convert_time_zone("UTC")


def _told(name: str, schema: Any) -> nw.Expr:
    """A column as text, empty where it tells nothing."""
    if name not in schema:
        return nw.lit("").alias(name)
    return nw.col(name).cast(nw.String).fill_null("")


def place_of(column: nw.Expr, names: tuple[str, ...]) -> nw.Expr:
    """The place of a text among names; −1 for another one."""
    found = nw.lit(-1)
    for place, name in reversed(list(enumerate(names))):
        found = nw.when(column == name).then(nw.lit(place)).otherwise(found)
    return found


def name_at(column: nw.Expr, names: tuple[str, ...]) -> nw.Expr:
    """The name at a place: what ``place_of`` has coded."""
    found = nw.lit(names[0])
    for place, name in enumerate(names[1:], start=1):
        found = nw.when(column == place).then(nw.lit(name)).otherwise(found)
    return found


def _reason(plan: ExperimentPlan, zone: ZoneInfo) -> nw.Expr:
    moment = nw.col("exposed_at")
    code = nw.when(nw.col("place") < 0).then(nw.lit(REASONS.index("other_variant")))
    found = code.otherwise(nw.lit(REASONS.index("kept")))
    outside = nw.lit(REASONS.index("outside"))
    if plan.start:
        first, _ = frames.instants(plan.start, plan.start, zone)
        found = nw.when(moment < first).then(outside).otherwise(found)
    if plan.end:
        _, over = frames.instants(plan.end, plan.end, zone)
        found = nw.when(moment >= over).then(outside).otherwise(found)
    found = nw.when(moment.is_null()).then(nw.lit(REASONS.index("no_time"))).otherwise(found)
    no_unit = nw.lit(REASONS.index("no_unit"))
    return nw.when(nw.col("unit_key").is_null()).then(no_unit).otherwise(found)


def survey_log(log: Log, *, plan: ExperimentPlan, zone: ZoneInfo) -> Survey:
    """Count the rows of a log; what each variant shows is learnt from it.

    Raises:
        ColumnError: The pages shown do not tell the variants apart, or there are too many
            segments.
        MissingDataError: The log holds no row of the test.
    """
    groups = _groups(log)
    if groups.empty:
        raise MissingDataError(
            f"exposures hold no row of the test {plan.experiment_id!r} up to the last day that "
            "counts; import its exposure log, or choose a later day."
        )
    counted = groups.groupby("reason")["n"].sum()
    rows = {name: int(counted.get(code, 0)) for code, name in enumerate(REASONS)}
    kept = groups[groups["reason"] == 0]
    shown = _pages(kept, plan)
    good = kept.loc[[_fits(row, shown, plan) for row in kept.itertuples()]]
    right = int(good["n"].sum())
    segments = tuple(sorted(set(good["segment"])))
    if len(segments) > MOST_NAMED:
        raise ColumnError(
            f"column 'segment' of exposures names {len(segments):,} segments; at most {MOST_NAMED} "
            "are told apart: put them together into fewer, or leave the column out."
        )
    by_place = good.groupby("place")["n"].sum()
    base = int(good["first"].min()) if right else 0
    last = int(good["last"].max()) if right else 0
    own = {name: int(good[name].sum()) for name in log.own}
    return Survey(
        rows=rows | {"kept": right, "mismatched": rows["kept"] - right},
        by_place=tuple(int(by_place.get(place, 0)) for place in range(len(plan.variants))),
        base=base,
        first=_local_day(base, zone),
        last=_local_day(last, zone),
        segments=segments,
        shown=shown,
        own=own,
        means={name: float(good[f"{name} sum"].sum()) / own[name] for name in own if own[name]},
    )


def _fits(row: Any, shown: Mapping[str, str], plan: ExperimentPlan) -> bool:
    """Whether rows show what their variant does, or tell nothing of it."""
    return not shown or not row.shown or row.shown == shown[plan.variants[int(row.place)]]


def _local_day(at: int, zone: ZoneInfo) -> dt.date:
    return (EPOCH + dt.timedelta(microseconds=at)).astimezone(zone).date()


def _groups(log: Log) -> pd.DataFrame:
    """Rows by reason, variant, segment and page shown."""
    keys = ["reason", "place", "segment", "shown"]
    counted = log.frame.group_by(keys).agg(
        nw.len().alias("n"),
        nw.col("at").min().alias("first"),
        nw.col("at").max().alias("last"),
        *(nw.col(name).count() for name in log.own),
        *(nw.col(name).sum().alias(f"{name} sum") for name in log.own),
    )
    most = MOST_SEGMENTS * len(REASONS)
    groups = frames.bring(counted.head(most + 1))
    if len(groups) > most:
        raise ColumnError(
            f"columns 'segment' and 'shown' of exposures have more than {most:,} combinations; "
            "a segment or page must be shared by many units: check which columns they are."
        )
    return groups.sort_values(keys, ignore_index=True)


def _pages(kept: pd.DataFrame, plan: ExperimentPlan) -> dict[str, str]:
    """What each variant shows: the page of most of its rows, another one for each."""
    told = kept[kept["shown"] != ""]
    if told.empty:
        return {}
    counts = told.groupby(["place", "shown"])["n"].sum()
    pages = {}
    for place, name in enumerate(plan.variants):
        if place not in counts.index.get_level_values(0):
            raise ColumnError(
                f"column 'shown' of exposures tells nothing of variant {name!r}, but of others; "
                "fill it for all variants, or leave it empty."
            )
        mine = counts[place]
        if 2 * mine.max() <= mine.sum():
            raise ColumnError(
                f"column 'shown' of exposures has no page that most rows of variant {name!r} show "
                f"(most often {mine.idxmax()!r}, {mine.max():,} of {mine.sum():,} rows); check "
                "which column holds the variant and which what was shown."
            )
        pages[name] = str(mine.idxmax())
    if len(set(pages.values())) < len(pages):
        raise ColumnError(
            f"variants {listed(pages)} mostly show {listed(pages.values())}, so the page does not "
            "tell them apart; check which column holds the variant and which what was shown."
        )
    return pages


def kept_rows(log: Log, survey: Survey, *, plan: ExperimentPlan) -> Frame:
    """The rows that count."""
    rows = log.frame.filter(nw.col("reason") == 0)
    if not survey.rows["mismatched"]:
        return rows
    pages = tuple(survey.shown[name] for name in plan.variants)
    told = nw.col("shown")
    return rows.filter((told == "") | (place_of(told, pages) == nw.col("place")))


def with_microseconds(frame: Frame, **columns: str) -> Frame:
    """Add instants as whole microseconds since 1970, as each engine does it fastest.

    Args:
        frame: The table.
        columns: Name of each new column, and the instant that it is made of.
    """
    if frame.implementation.is_duckdb():
        added = [f'epoch_us("{moment}") AS "{name}"' for name, moment in columns.items()]
        made: Frame = nw.from_native(frame.to_native().project(", ".join(["*", *added])))
        return made
    spark = frame.implementation.is_pyspark() or frame.implementation.is_pyspark_connect()
    make = _spark_microseconds if spark else _microseconds
    return frame.with_columns(**{name: make(nw.col(held)) for name, held in columns.items()})


def _spark_microseconds(moment: nw.Expr) -> nw.Expr:
    return moment.cast(nw.Int64) * 1_000_000 + moment.dt.microsecond().cast(nw.Int64)


def _microseconds(moment: nw.Expr) -> nw.Expr:
    return (moment - nw.lit(EPOCH)).dt.total_microseconds()


def day_number(at: nw.Expr, first: dt.date, last: dt.date, zone: ZoneInfo) -> nw.Expr:
    """The number of local days since ``first`` (day 0) of microseconds up to ``last``.

    Days begin at the zone's midnights; a day of 23 or 25 hours moves all later ones.
    """
    span = range((last - first).days + 2)
    begins = [_midnight(first + place * frames.DAY, zone) for place in span]
    number = (at - begins[0]) // DAY_LENGTH
    for place in span[1:]:
        if begins[place] - begins[place - 1] != DAY_LENGTH:
            before = nw.when(number < place).then(number).otherwise(nw.lit(place - 1))
            since = (at - begins[place]) // DAY_LENGTH + place
            number = nw.when(at >= begins[place]).then(since).otherwise(before)
    return number


def _midnight(day: dt.date, zone: ZoneInfo) -> int:
    return (frames.instants(day, day, zone)[0] - EPOCH) // dt.timedelta(microseconds=1)
