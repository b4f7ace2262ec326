"""A test planned from the shop's own tables: what it can find, and by when."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data.store import Store
from ecops_lib.experiments.design import TestDesign, plan_test
from ecops_lib.experiments.duration import MOST_WEEKS, WEEK, TestDuration, plan_duration
from ecops_lib.experiments.history import (
    LOOKBACK_DAYS,
    History,
    UnitKind,
    collect_customers,
    collect_visitors,
)
from ecops_lib.experiments.outcomes import metrics_named
from ecops_lib.experiments.plan import ExperimentPlan

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

FIRST_LOOKS = 14
"""Daily looks that the first guess at the duration supposes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExperimentDesign(Result):
    """A test planned from the shop's history.

    Attributes:
        design: Units that it needs.
        history: Where its figures come from.
        duration: Weeks that it takes; None for customers, who are all there at once.
        as_of: Last day of the history.
    """

    sheet: ClassVar[str] = mark("What the test can find")
    units: ClassVar[Mapping[str, Unit]] = {
        "week": "count",
        "day": "day",
        "units": "count",
        "detectable": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "week": mark("Weeks"),
        "day": mark("Last day"),
        "units": mark("Units by then"),
        "detectable": mark("Smallest effect found"),
    }

    design: TestDesign
    history: History
    duration: TestDuration | None
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a week (for customers a single row): units, and the effect they find."""
        import pandas as pd

        held = self.duration
        first = (held.start if held else None) or self.as_of + dt.timedelta(days=1)
        weekly = held.weekly[:MOST_WEEKS] if held else (float(self.history.moments.n),)
        rows = [
            (week, first + dt.timedelta(days=week * WEEK - 1), n, self.design.detectable(n))
            for week, n in enumerate(weekly, start=1)
        ]
        frame = pd.DataFrame(rows, columns=list(self.labels))
        return frame if held else frame.drop(columns=["week", "day"])

    def chart(self) -> Chart | None:
        """The smallest effect found, week by week."""
        from ecops_lib.core.charts import line_chart

        frame = self.to_frame()
        if self.duration is None or not frame["detectable"].notna().any():
            return None
        return line_chart(
            frame.assign(wanted=self.design.least_effect),
            caption=tr("Smallest effect found, by duration of the test"),
            unit="share",
            labels={
                "detectable": tr("smallest effect found"),
                "wanted": tr("smallest effect worth having"),
            },
            value="detectable",
            compare="wanted",
        )

    def findings(self) -> tuple[Finding, ...]:
        """Units, weeks, and what the units are."""
        more = self.duration.findings() if self.duration else (self._customers(),)
        return (*self.design.findings(), *more, self._basis())

    def _customers(self) -> Finding:
        n = self.history.moments.n
        enough = n >= self.design.total
        values = {
            "n": show(n, "count"),
            "days": show(LOOKBACK_DAYS, "count"),
            "effect": show(self.design.detectable(n), "share"),
        }
        text = (
            tr(
                "The shop has {n} customers of the last {days} days: enough; all of them would "
                "show an effect of {effect}.",
                **values,
            )
            if enough
            else tr(
                "The shop has {n} customers of the last {days} days: too few; all of them show "
                "only an effect of {effect} or more.",
                **values,
            )
        )
        return Finding(
            key="design/customers",
            level="info" if enough else "watch",
            text=text,
            evidence={"customers": n, "needed": self.design.total},
        )

    def _basis(self) -> Finding:
        days = {"start": show(self.history.start, "day"), "end": show(self.history.end, "day")}
        if self.history.unit == "visitor":
            text = tr(
                "Figures are of visitor-days from {start} to {end}: platforms do not tell who came "
                "again, so a test that knows its visitors takes longer than this.",
                **days,
            )
        else:
            text = tr(
                "Figures are of customers known before {start} and what they bought by {end}.",
                **days,
            )
        return Finding(key="design/basis", level="info", text=text)


def plan_experiment(
    store: Store,
    *,
    plan: ExperimentPlan,
    as_of: dt.date,
    unit: UnitKind = "visitor",
    weeks: int = 8,
    daily_looks: bool = True,
) -> ExperimentDesign:
    """Plan a test from the shop's own orders and traffic.

    Args:
        store: The store.
        plan: Variants, primary metric, smallest effect worth having, window, start.
        as_of: Last day of the history that figures are taken from.
        unit: Visitors, or customers who already bought (tests of messages and coupons).
        weeks: Weeks of history for visitors.
        daily_looks: Whether the path will be read every day; it costs a few more units.

    Raises:
        MissingDataError: The tables do not tell the metric for that unit.
        ParameterError: The plan or an argument is impossible.
    """
    from typing import get_args

    require_choice(unit, get_args(UnitKind), name="unit")
    require_between(weeks, 1, 104, name="weeks")
    (metric,) = metrics_named([plan.primary])
    start = as_of - dt.timedelta(days=weeks * WEEK - 1)
    history = (
        collect_visitors(store, start=start, end=as_of)
        if unit == "visitor"
        else collect_customers(store, end=as_of, window_days=plan.window_days)
    )
    base, variance = history.value(metric)
    if not base > 0:
        raise MissingDataError(
            f"{metric.key!r} is {base:g} in the history to {as_of}; there is nothing to plan from."
        )

    def needed(looks: int) -> TestDesign:
        return plan_test(
            plan,
            base=base,
            variance=None if metric.binary else variance,
            explained=history.explained(metric),
            daily_looks=looks,
        )

    if unit == "customer":
        return ExperimentDesign(design=needed(0), history=history, duration=None, as_of=as_of)
    design = needed(FIRST_LOOKS if daily_looks else 0)
    duration = _duration(store, history, design, plan)
    if daily_looks and math.isfinite(duration.weeks):
        design = needed(int(min(duration.weeks, MOST_WEEKS)) * WEEK)
        duration = _duration(store, history, design, plan)
    return ExperimentDesign(design=design, history=history, duration=duration, as_of=as_of)


def _duration(
    store: Store, history: History, design: TestDesign, plan: ExperimentPlan
) -> TestDuration:
    """Weeks by the history's days, each missing day counting no visitor."""
    import pandas as pd

    days = pd.date_range(history.start, history.end, name="day")
    return plan_duration(
        history.daily_units.reindex(days, fill_value=0.0),
        units=sum(design.per_variant.values()),
        window_days=plan.window_days,
        start=plan.start,
        country=store.settings.country,
        events=store.frame("shop_events") if store.has("shop_events") else None,
    )
