"""One row a unit of a test, and what was set aside on the way to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

import narwhals as nw

from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.experiments.logs import REASONS, Frame, name_at

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.experiments.plan import ExperimentPlan


@dataclass(frozen=True, kw_only=True, eq=False)
class Units(Result):
    """One row a unit of a test, and what was set aside on the way.

    Attributes:
        plan: The test's plan.
        zone: Zone of the days.
        coded: Lazy frame of the units kept, in the log's own engine: unit_key, exposed_at
            (first exposure), at (the same in microseconds since 1970), place (of the
            variant in the plan), day (number since ``first``), segment (place in
            ``segments``, as told at the first exposure), exposures, and the columns.
        columns: Outcomes and covariates that the frame holds.
        means: Mean a row of the log's own columns, around which they are summed.
        segments: Names of the segments; empty text for none.
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
        "step": mark("Step"),
        "rows": mark("Rows"),
        "units": mark("Units"),
    }
    sheet: ClassVar[str] = mark("Exposures set aside")

    plan: ExperimentPlan
    zone: ZoneInfo
    coded: Frame
    columns: tuple[str, ...]
    means: Mapping[str, float]
    segments: tuple[str, ...]
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
    def table(self) -> Frame:
        """The units in words: unit_key, variant, exposed_at, day, segment, exposures, columns."""
        return self.coded.select(
            "unit_key",
            name_at(nw.col("place"), self.plan.variants).alias("variant"),
            "exposed_at",
            frames.local_day("exposed_at", self.first, self.last, self.zone).alias("day"),
            name_at(nw.col("segment"), self.segments).alias("segment"),
            "exposures",
            *self.columns,
        )

    @property
    def count(self) -> int:
        """Units kept."""
        return sum(self.kept.values())

    def to_frame(self) -> pd.DataFrame:
        """Rows and units at each step."""
        import pandas as pd

        given = sum(self.rows.values())
        steps: list[tuple[str, float, float]] = [(tr("rows of the test"), given, float("nan"))]
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
        text = SENTENCES[name](
            count, count=show(count, "count"), share=show(count / given, "share")
        )
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
SENTENCES: Mapping[str, Callable[..., str]] = {
    "no_unit": lambda n, **held: ntr(
        "{count} exposure ({share}) names no unit and is set aside.",
        "{count} exposures ({share}) name no unit and are set aside.",
        n,
        **held,
    ),
    "no_time": lambda n, **held: ntr(
        "{count} exposure ({share}) has no time and is set aside.",
        "{count} exposures ({share}) have no time and are set aside.",
        n,
        **held,
    ),
    "outside": lambda n, **held: ntr(
        "{count} exposure ({share}) lies outside the test's days and is set aside.",
        "{count} exposures ({share}) lie outside the test's days and are set aside.",
        n,
        **held,
    ),
    "other_variant": lambda n, **held: ntr(
        "{count} exposure ({share}) is of a variant that the plan does not have; set aside.",
        "{count} exposures ({share}) are of variants that the plan does not have; set aside.",
        n,
        **held,
    ),
    "mismatched": lambda n, **held: ntr(
        "{count} exposure ({share}) showed another variant than assigned and is set aside.",
        "{count} exposures ({share}) showed another variant than assigned and are set aside.",
        n,
        **held,
    ),
}
