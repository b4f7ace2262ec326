"""From an exposure log to one row a unit: first exposure, and who is set aside.

After the rows (see ``logs``), the units: whoever was exposed to two variants, and whoever
was exposed more often in one day than people are, is set aside whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

import narwhals as nw

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.experiments.logs import (
    REASONS,
    Frame,
    Log,
    Survey,
    kept_rows,
    microseconds,
    name_at,
    read_log,
    survey_log,
)
from ecops_lib.experiments.outcomes import COVARIATES

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.experiments.plan import ExperimentPlan

BOT_EXPOSURES = 100
"""Exposures in one local day beyond which a unit is taken for a programme."""

FLAGS = ("converted", "carted")
STATES = ("kept", "crossed", "bot")
UNIT_COLUMNS = ("unit_key", "variant", "exposed_at", "day", "segment", "exposures")


@dataclass(frozen=True, kw_only=True, eq=False)
class Units(Result):
    """One row a unit of a test, and what was set aside on the way.

    Attributes:
        plan: The test's plan.
        table: Lazy frame of the units kept, in the log's own engine: unit_key, variant,
            exposed_at (first exposure), day (its local day), segment (at the first
            exposure; empty for none), exposures, and the outcome columns of the log.
        own: The log's outcome columns that tell anything.
        rows: Rows of the log by what became of them (``logs.REASONS``).
        kept: Units kept, by variant.
        crossed: Units exposed to two variants and set aside, by the variant they saw first.
        bots: Units set aside as programmes, by variant.
        bot_exposures: Exposures a day beyond which a unit was taken for one.
        silent: Rows kept that leave an outcome empty, by column; they count as 0.
        shown: What each variant shows, as learnt from the log; empty if it does not tell.
        first: First local day of exposure.
        last: Last local day of exposure.
    """

    units: ClassVar[Mapping[str, Unit]] = {"rows": "count", "units": "count"}
    labels: ClassVar[Mapping[str, str]] = {
        "step": mark("step"),
        "rows": mark("rows"),
        "units": mark("units"),
    }
    sheet: ClassVar[str] = mark("exposures set aside")

    plan: ExperimentPlan
    table: Frame
    own: tuple[str, ...]
    rows: Mapping[str, int]
    kept: Mapping[str, int]
    crossed: Mapping[str, int]
    bots: Mapping[str, int]
    bot_exposures: int
    silent: Mapping[str, int]
    shown: Mapping[str, str]
    first: dt.date
    last: dt.date

    @property
    def count(self) -> int:
        """Units kept."""
        return sum(self.kept.values())

    def to_frame(self) -> pd.DataFrame:
        """Rows and units at each step."""
        import pandas as pd

        given = sum(self.rows.values())
        steps = [(tr("rows of the test"), given, float("nan"))]
        steps += [(tr(WORDS[name]), self.rows[name], float("nan")) for name in REASONS[1:]]
        seen = self.count + sum(self.crossed.values()) + sum(self.bots.values())
        steps += [
            (tr("rows that count, and their units"), self.rows["kept"], seen),
            (tr("set aside: exposed to two variants"), float("nan"), sum(self.crossed.values())),
            (tr("set aside: programmes"), float("nan"), sum(self.bots.values())),
            (tr("units of the test"), float("nan"), self.count),
        ]
        return pd.DataFrame(steps, columns=["step", "rows", "units"])

    def findings(self) -> tuple[Finding, ...]:
        """What was set aside, each rule with its count."""
        found = [self._rows_set_aside(name) for name in REASONS[1:] if self.rows[name]]
        if sum(self.crossed.values()):
            found.append(self._crossed())
        if sum(self.bots.values()):
            found.append(self._bots())
        found += [self._silent(name, count) for name, count in self.silent.items() if count]
        return tuple(found)

    def _rows_set_aside(self, name: str) -> Finding:
        count, given = self.rows[name], sum(self.rows.values())
        one, many = SENTENCES[name]
        text = ntr(one, many, count, count=show(count, "count"), share=show(count / given, "share"))
        level: Level = "watch" if name in {"mismatched", "other_variant", "no_unit"} else "info"
        return Finding(
            key=f"exposures/{name}",
            level=level,
            text=text,
            evidence={"count": count, "share": count / given},
        )

    def _crossed(self) -> Finding:
        count = sum(self.crossed.values())
        return Finding(
            key="exposures/crossed",
            level="info",
            text=ntr(
                "{count} unit was exposed to two variants and is set aside whole.",
                "{count} units were exposed to two variants and are set aside whole.",
                count,
                count=show(count, "count"),
            ),
            evidence={"count": count},
        )

    def _bots(self) -> Finding:
        count = sum(self.bots.values())
        return Finding(
            key="exposures/bots",
            level="info",
            text=ntr(
                "{count} unit had more than {most} exposures in one day, as programmes have, "
                "and is set aside.",
                "{count} units had more than {most} exposures in one day, as programmes have, "
                "and are set aside.",
                count,
                count=show(count, "count"),
                most=show(self.bot_exposures, "count"),
            ),
            evidence={"count": count, "most": self.bot_exposures},
        )

    def _silent(self, name: str, count: int) -> Finding:
        return Finding(
            key=f"exposures/silent/{name}",
            level="watch",
            text=ntr(
                "{count} exposure leaves the column {column} empty and counts as 0 there.",
                "{count} exposures leave the column {column} empty and count as 0 there.",
                count,
                count=show(count, "count"),
                column=short_name(name),
            ),
            evidence={"count": count},
        )


WORDS: Mapping[str, str] = {
    "no_unit": mark("set aside: no unit named"),
    "no_time": mark("set aside: no time"),
    "outside": mark("set aside: outside the test's days"),
    "other_variant": mark("set aside: a variant that the plan does not have"),
    "mismatched": mark("set aside: shown another variant than assigned"),
}
SENTENCES: Mapping[str, tuple[str, str]] = {
    "no_unit": (
        mark("{count} exposure ({share}) names no unit and is set aside."),
        mark("{count} exposures ({share}) name no unit and are set aside."),
    ),
    "no_time": (
        mark("{count} exposure ({share}) has no time and is set aside."),
        mark("{count} exposures ({share}) have no time and are set aside."),
    ),
    "outside": (
        mark("{count} exposure ({share}) lies outside the test's days and is set aside."),
        mark("{count} exposures ({share}) lie outside the test's days and are set aside."),
    ),
    "other_variant": (
        mark("{count} exposure ({share}) is of a variant that the plan does not have; set aside."),
        mark("{count} exposures ({share}) are of variants that the plan does not have; set aside."),
    ),
    "mismatched": (
        mark("{count} exposure ({share}) showed another variant than assigned and is set aside."),
        mark("{count} exposures ({share}) showed another variant than assigned and are set aside."),
    ),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Grouped:
    """All units of a log, before any is set aside; what both passes over it share.

    Attributes:
        frame: unit_key, place (of the variant first seen), exposed_at, day, segment (its
            place), exposures, crossed (0 or 1), and the outcome columns.
        survey: What the rows told.
        own: Outcome columns that tell anything.
        days: First and last local day.
    """

    frame: Frame
    rows: Frame
    survey: Survey
    own: tuple[str, ...]
    days: tuple[dt.date, dt.date]


def prepare_units(
    exposures: object,
    *,
    plan: ExperimentPlan,
    zone: ZoneInfo,
    bot_exposures: int = BOT_EXPOSURES,
) -> Units:
    """One row a unit of a test, from its exposure log in any engine.

    Rules, in this order; of several that would do, the first counts.

    * Rows without a unit or a time, outside the plan's days (the shop's local days), of a
      variant that the plan does not have, or that show another variant's page (the page
      of most rows of a variant is its own) are set aside by themselves.
    * Units whose remaining rows are of two variants are set aside whole.
    * Units with more than ``bot_exposures`` remaining rows in one local day are set aside.
    * A unit counts from its first remaining exposure, in the segment told there.
    * The log's own outcomes: flags are true if any of the unit's rows says so, counts and
      amounts are added up, covariates (known before) are the largest told. Empty is 0.

    Args:
        exposures: The log; unit_key, variant, exposed_at (instants with a zone), and if
            it has them experiment_id (other tests' rows are left out), segment, shown
            and outcome columns.
        plan: The test's plan.
        zone: Zone of the shop's days.
        bot_exposures: Exposures in one local day beyond which a unit is a programme.

    Raises:
        ColumnError: A column is missing, or holds something else.
        MissingDataError: The log has no row of the test that counts.
    """
    require_between(bot_exposures, 1, float("inf"), name="bot_exposures")
    found = group_units(exposures, plan=plan, zone=zone)
    bots = find_bots(found, zone=zone, most=bot_exposures)
    state = nw.when(nw.col("crossed") == 1).then(nw.lit(1)).otherwise(nw.lit(0))
    if bots:
        state = (
            nw.when(nw.col("unit_key").is_in(bots) & (nw.col("crossed") == 0))
            .then(nw.lit(2))
            .otherwise(state)
        )
    counted = frames.bring(
        found.frame.with_columns(state=state).group_by("state", "place").agg(nw.len().alias("n"))
    )
    counts = {(int(r.state), int(r.place)): int(r.n) for r in counted.itertuples()}
    by_state = [
        {name: counts.get((code, place), 0) for place, name in enumerate(plan.variants)}
        for code in range(len(STATES))
    ]
    good = found.frame.filter(nw.col("crossed") == 0)
    if bots:
        good = good.filter(~nw.col("unit_key").is_in(bots))
    rows = found.survey.rows
    return Units(
        plan=plan,
        table=_named(good, found, plan),
        own=found.own,
        rows=rows,
        kept=by_state[0],
        crossed=by_state[1],
        bots=by_state[2],
        bot_exposures=bot_exposures,
        silent={name: rows["kept"] - found.survey.own[name] for name in found.own},
        shown=found.survey.shown,
        first=found.days[0],
        last=found.days[1],
    )


def _named(good: Frame, found: Grouped, plan: ExperimentPlan) -> Frame:
    return good.select(
        "unit_key",
        name_at(nw.col("place"), plan.variants).alias("variant"),
        "exposed_at",
        "day",
        name_at(nw.col("segment"), found.survey.segments).alias("segment"),
        "exposures",
        *found.own,
    )


def group_units(exposures: object, *, plan: ExperimentPlan, zone: ZoneInfo) -> Grouped:
    """All units of a log with their first exposure; see ``prepare_units``."""
    log = read_log(exposures, plan=plan, zone=zone)
    survey = survey_log(log, plan=plan)
    if survey.first is None or survey.last is None:
        raise MissingDataError(
            f"of {sum(survey.rows.values()):,} exposures of {plan.experiment_id!r} none counts "
            f"({_why(survey)}); check the plan's days and variants."
        )
    own = tuple(name for name, told in survey.own.items() if told)
    days = survey.first.astimezone(zone).date(), survey.last.astimezone(zone).date()
    rows = kept_rows(log, survey, plan=plan)
    return Grouped(
        frame=_by_unit(rows, log, survey, own, plan, days, zone),
        rows=rows,
        survey=survey,
        own=own,
        days=days,
    )


def _why(survey: Survey) -> str:
    return ", ".join(f"{name}: {n:,}" for name, n in survey.rows.items() if n)


def _by_unit(
    rows: Frame,
    log: Log,
    survey: Survey,
    own: tuple[str, ...],
    plan: ExperimentPlan,
    days: tuple[dt.date, dt.date],
    zone: ZoneInfo,
) -> Frame:
    """Group by unit; time, segment and variant packed into one number give the first of each."""
    from ecops_lib.experiments.logs import EPOCH, place_of

    width, kinds = len(plan.variants), len(survey.segments)
    assert survey.first is not None
    base = round((survey.first - EPOCH).total_seconds()) * 1_000_000
    since = microseconds(rows, "exposed_at") - base
    packed = (since * kinds + place_of(nw.col("segment"), survey.segments)) * width + nw.col(
        "place"
    )
    coded = rows.select(
        "unit_key",
        "exposed_at",
        nw.col("place").alias("low"),
        nw.col("place").alias("high"),
        packed.alias("packed"),
        *(_number(name, log) for name in own),
    )
    grouped = coded.group_by("unit_key").agg(
        nw.col("exposed_at").min(),
        nw.col("low").min(),
        nw.col("high").max(),
        nw.col("packed").min(),
        nw.len().alias("exposures"),
        *(_whole(name) for name in own),
    )
    packed_at = nw.col("packed")
    return grouped.with_columns(
        place=packed_at % width,
        segment=(packed_at // width) % kinds,
        day=frames.local_day("exposed_at", *days, zone),
        crossed=nw.when(nw.col("low") == nw.col("high")).then(nw.lit(0)).otherwise(nw.lit(1)),
    )


def _number(name: str, log: Log) -> nw.Expr:
    return nw.col(name).cast(nw.Float64).fill_null(0.0)


def _whole(name: str) -> nw.Expr:
    column = nw.col(name)
    return column.max() if name in FLAGS or name in COVARIATES else column.sum()


def find_bots(found: Grouped, *, zone: ZoneInfo, most: int) -> list[Any]:
    """Units with more exposures in one local day than allowed."""
    day = frames.local_day("exposed_at", *found.days, zone)
    often = found.frame.filter(nw.col("exposures") > most).select("unit_key")
    daily = found.rows.join(often, on="unit_key", how="semi").with_columns(day=day)
    counted = daily.group_by("unit_key", "day").agg(nw.len().alias("n"))
    bots = counted.filter(nw.col("n") > most).select("unit_key").unique()
    return sorted(frames.bring(bots)["unit_key"].tolist())
