"""From an exposure log to one row a unit: first exposure, and who is set aside.

After the rows (see ``logs``), the units: whoever was exposed to two variants, and whoever
was exposed more often in one day than people are, is set aside whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import narwhals as nw

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.data import frames
from ecops_lib.experiments.logs import (
    Frame,
    Survey,
    day_number,
    kept_rows,
    place_of,
    read_log,
    survey_log,
)
from ecops_lib.experiments.outcomes import COVARIATES
from ecops_lib.experiments.repeats import LARGE, is_repeated
from ecops_lib.experiments.units import Units

if TYPE_CHECKING:
    from ecops_lib.experiments.plan import ExperimentPlan

BOT_EXPOSURES = 100
"""Exposures in one local day beyond which a unit is taken for a programme."""

FLAGS = ("converted", "carted")
KEPT, CROSSED, BOT = range(3)


@dataclass(frozen=True, kw_only=True, eq=False)
class Grouped:
    """All units of a log, before any is set aside.

    Attributes:
        frame: The columns of ``Units.coded``, and crossed (0 or 1).
        rows: Unit and day of the rows that count.
        survey: What the rows told.
        single: Whether each unit is known to have one row.
    """

    frame: Frame
    rows: Frame
    survey: Survey
    single: bool


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
    log = read_log(exposures, plan=plan, zone=zone)
    survey = survey_log(log, plan=plan, zone=zone)
    if not survey.rows["kept"]:
        why = ", ".join(f"{name}: {n:,}" for name, n in survey.rows.items() if n)
        raise MissingDataError(
            f"of {sum(survey.rows.values()):,} exposures of {plan.experiment_id!r} none counts "
            f"({why}); check the plan's days and variants."
        )
    rows = kept_rows(log, survey, plan=plan)
    found = _group_units(rows, survey, plan=plan, zone=zone)
    counts, most = _count(found)
    bots = _find_bots(found, most=bot_exposures) if most > bot_exposures else []
    good = found.frame.filter(nw.col("crossed") == 0)
    if bots:
        counts, _ = _count(found, bots=bots)
        good = good.filter(~nw.col("unit_key").is_in(bots))
    return Units(
        plan=plan,
        zone=zone,
        coded=good,
        columns=survey.told,
        means=survey.means,
        segments=survey.segments,
        rows=survey.rows,
        kept=_of_state(counts, KEPT, plan),
        crossed=_of_state(counts, CROSSED, plan),
        bots=_of_state(counts, BOT, plan),
        bot_exposures=bot_exposures,
        silent={name: survey.rows["kept"] - survey.own[name] for name in survey.told},
        shown=survey.shown,
        first=survey.first,
        last=survey.last,
    )


def _of_state(
    counts: Mapping[tuple[int, int], int], state: int, plan: ExperimentPlan
) -> dict[str, int]:
    return {name: counts.get((state, place), 0) for place, name in enumerate(plan.variants)}


def _group_units(rows: Frame, survey: Survey, *, plan: ExperimentPlan, zone: ZoneInfo) -> Grouped:
    """All units; time, segment and variant packed into one number give the first of each."""
    width, kinds = len(plan.variants), len(survey.segments)
    coded = rows.select(
        "unit_key",
        "exposed_at",
        "at",
        "place",
        place_of(nw.col("segment"), survey.segments).alias("segment"),
        *(nw.col(name).fill_null(0.0) for name in survey.told),
    )
    single = survey.rows["kept"] >= LARGE and not is_repeated(coded, "unit_key")
    if single:
        units = coded.with_columns(exposures=nw.lit(1), crossed=nw.lit(0))
    else:
        units = _first_of_each(coded, survey, width=width, kinds=kinds)
    day = day_number(nw.col("at"), survey.first, survey.last, zone)
    return Grouped(
        frame=units.with_columns(day=day),
        rows=rows.select("unit_key", day.alias("day")),
        survey=survey,
        single=single,
    )


def _first_of_each(coded: Frame, survey: Survey, *, width: int, kinds: int) -> Frame:
    since = nw.col("at") - survey.base
    packed = (since * kinds + nw.col("segment")) * width + nw.col("place")
    grouped = (
        coded.with_columns(packed=packed, low=nw.col("place"), high=nw.col("place"))
        .group_by("unit_key")
        .agg(
            nw.col("exposed_at").min(),
            nw.col("low").min(),
            nw.col("high").max(),
            nw.col("packed").min(),
            nw.len().alias("exposures"),
            *(_whole(name) for name in survey.told),
        )
    )
    one = nw.col("low") == nw.col("high")
    apart = grouped.with_columns(
        crossed=nw.when(one).then(nw.lit(0)).otherwise(nw.lit(1)), pair=nw.col("packed") // width
    ).with_columns(since=nw.col("pair") // kinds)
    return apart.with_columns(
        at=nw.col("since") + survey.base,
        place=nw.col("packed") - nw.col("pair") * width,
        segment=nw.col("pair") - nw.col("since") * kinds,
    )


def _whole(name: str) -> nw.Expr:
    """One value of a unit from those of its rows."""
    column = nw.col(name)
    return column.max() if name in FLAGS or name in COVARIATES else column.sum()


def _count(
    found: Grouped, *, bots: list[Any] | None = None
) -> tuple[dict[tuple[int, int], int], int]:
    """Units by (state, variant), and the most exposures that one unit has."""
    if found.single:
        return {(KEPT, p): n for p, n in enumerate(found.survey.by_place)}, 1
    state = nw.when(nw.col("crossed") == 1).then(nw.lit(CROSSED)).otherwise(nw.lit(KEPT))
    if bots:
        bot = nw.col("unit_key").is_in(bots) & (nw.col("crossed") == 0)
        state = nw.when(bot).then(nw.lit(BOT)).otherwise(state)
    counted = found.frame.with_columns(state=state).group_by("state", "place")
    brought = frames.bring(counted.agg(nw.len().alias("n"), nw.col("exposures").max()))
    held = brought[["state", "place", "n"]].astype(int).to_numpy().tolist()
    counts = {(state, place): n for state, place, n in held}
    return counts, int(brought["exposures"].max())


def _find_bots(found: Grouped, *, most: int) -> list[Any]:
    """Units with more exposures in one local day than allowed."""
    often = found.frame.filter(nw.col("exposures") > most).select("unit_key")
    daily = found.rows.join(often, on="unit_key", how="semi")
    counted = daily.group_by("unit_key", "day").agg(nw.len().alias("n"))
    bots = counted.filter(nw.col("n") > most).select("unit_key").unique()
    return sorted(frames.bring(bots)["unit_key"].tolist())
