"""Which stage of purchasing loses the days, and at which supplier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import as_day
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.supply.purchasing.progress import name_suppliers
from ecops_lib.supply.purchasing.stages import STAGES, Stage, as_orders, read_stages

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 5
"""Orders from which a supplier's stage is named."""
SMALL = 0.5
"""Days below which a stage keeps to its plan."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StageDelays(Result):
    """Days that each stage loses against its plan.

    Attributes:
        steps: One row a purchase order × stage that is done, or open and past its due day:
            ``supplier_id``, ``supplier``, ``stage``, ``taken`` days, ``planned`` days,
            ``lost`` days that the stage added to the order's delay (NaN without a plan), and
            ``late`` (whether it was done after its due day; NaN without one).
        as_of: Last day that counts.
        owner: Who sees to purchases.
    """

    sheet: ClassVar[str] = mark("Delays by stage")
    units: ClassVar[Mapping[str, Unit]] = {
        "orders": "count",
        "planned": "days",
        "taken": "days",
        "longest": "days",
        "lost": "days",
        "late": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "supplier": mark("Supplier"),
        "stage": mark("Stage"),
        "orders": mark("Orders"),
        "planned": mark("Planned, on average"),
        "taken": mark("Taken, on average"),
        "longest": mark("Nine in ten within"),
        "lost": mark("Days lost, on average"),
        "late": mark("After its due day"),
    }

    steps: pd.DataFrame
    as_of: dt.date
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """All suppliers by stage, then each supplier's stages, most days lost first."""
        import pandas as pd

        whole = self.steps.assign(supplier_id="", supplier=tr("all suppliers"))
        parts = [_summed(whole)]
        each = _summed(self.steps)
        total = each["lost"] * each["orders"]
        each = each.assign(total=total.fillna(-np.inf)).sort_values(
            ["total", "supplier_id"], ascending=[False, True], kind="stable"
        )
        if each["supplier_id"].nunique() > 1:
            parts.append(each)
        held = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
        return held.assign(stage=[tr(STAGES[s]) for s in held["stage"]])[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """All suppliers, and the stages that lose most days."""
        return self.to_frame().head(12)

    def findings(self) -> tuple[Finding, ...]:
        """The stage that loses the days, and the supplier at which it does."""
        if self.steps.empty:
            text = tr(
                "No stage of a purchase order was done by {day}.", day=show(self.as_of, "day")
            )
            return (Finding(key="delays/stage", level="info", text=text),)
        lost = self.steps.dropna(subset=["lost"])
        if lost.empty:
            text = tr(
                "Which stage loses days cannot be told: the purchasing sheet has no due day by "
                "stage."
            )
            return (Finding(key="delays/stage", level="info", text=text),)
        return self._told(lost)

    def _told(self, lost: pd.DataFrame) -> tuple[Finding, ...]:
        lost_by = {str(stage): rows["lost"] for stage, rows in lost.groupby("stage")}
        worst = max(lost_by, key=lambda stage: float(lost_by[stage].sum()))
        mean = float(lost_by[worst].mean())
        numbers = {f"lost_{stage}": float(days.mean()) for stage, days in lost_by.items()}
        given = {
            "stage": tr(STAGES[worst]),  # type: ignore[index]
            "days": show(mean, "days"),
            "orders": show(len(lost_by[worst]), "count"),
        }
        if mean <= 0:
            text = tr("On average every stage keeps to its plan ({orders} orders).", **given)
            return (Finding(key="delays/stage", level="good", text=text, evidence=numbers),)
        if mean < SMALL:
            text = tr(
                "Stages keep to their plan; the slowest, {stage}, adds {days} on average over "
                "{orders} orders.",
                **given,
            )
            return (Finding(key="delays/stage", level="good", text=text, evidence=numbers),)
        gains = {stage: max(float(days.sum()), 0.0) for stage, days in lost_by.items()}
        text = tr(
            "Most days are lost in {stage}: {days} beyond its plan on average over {orders} "
            "orders, {share} of all days lost.",
            share=show(gains[worst] / sum(gains.values()), "share"),
            **given,
        )
        first = Finding(
            key="delays/stage",
            level="watch",
            text=text,
            evidence=numbers,
            action=Action(
                text=tr("agree on a date for this stage and follow it"), owner=self.owner
            ),
        )
        return (first, *self._supplier(lost[lost["stage"] == worst], worst))

    def _supplier(self, lost: pd.DataFrame, stage: str) -> tuple[Finding, ...]:
        means = {
            str(name): (float(rows["lost"].mean()), len(rows))
            for name, rows in lost.groupby("supplier")
            if len(rows) >= FEWEST
        }
        if len(means) < 2:
            return ()
        worst = max(means, key=lambda name: means[name])
        mean, orders = means[worst]
        rest = float(lost[lost["supplier"] != worst]["lost"].mean())
        if mean < SMALL or mean - rest < SMALL:
            return ()
        text = tr(
            "In {stage}, {supplier} loses {days} on average over {orders} orders; the others lose "
            "{rest}.",
            stage=tr(STAGES[stage]),  # type: ignore[index]
            supplier=worst,
            days=show(mean, "days"),
            orders=show(orders, "count"),
            rest=show(rest, "days"),
        )
        numbers = {"lost": mean, "rest": rest}
        return (Finding(key="delays/supplier", level="watch", text=text, evidence=numbers),)

    def chart(self) -> Chart | None:
        """Days lost on average by stage."""
        import pandas as pd

        lost = self.steps.groupby("stage")["lost"].mean().dropna()
        if lost.empty or not (lost != 0).any():
            return None
        rows = [{"name": tr(STAGES[s]), "value": lost[s]} for s in STAGES if s in lost.index]
        return bar_chart(
            pd.DataFrame(rows),
            caption=tr("Days lost by stage, on average"),
            unit="days",
            better="down",
        )


def _summed(steps: pd.DataFrame) -> pd.DataFrame:
    held = steps.groupby(["supplier_id", "supplier", "stage"], sort=False).agg(
        orders=("taken", "size"),
        planned=("planned", "mean"),
        taken=("taken", "mean"),
        longest=("taken", lambda days: days.quantile(0.9)),
        lost=("lost", "mean"),
        late=("late", "mean"),
    )
    held = held.reset_index()
    place = held["stage"].map(list(STAGES).index)
    return held.iloc[np.lexsort((place, held["supplier_id"]))].reset_index(drop=True)


def measure_stage_delays(
    source: Source, *, as_of: dt.date | str, time_zone: str | None = None
) -> StageDelays:
    """Tell which stage of purchasing loses the days, and at which supplier.

    A stage loses what it adds to an order's delay: its end against its due day, less the delay
    with which the order came into it. A stage that is open past its due day counts with the
    days lost so far. Purchase orders whose SKUs moved together count once.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts; what was done later is not known yet.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no table of purchase orders.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    orders = as_orders(read_stages(tables, as_of=last)).reset_index(drop=True)
    orders["supplier"] = name_suppliers(tables, orders["supplier_id"])
    settings = tables.store.settings if tables.store else None
    return StageDelays(
        steps=_steps(orders),
        as_of=last,
        owner=(settings.owners if settings else {}).get("purchasing", tr("purchasing")),
    )


def _steps(orders: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    before = np.zeros(len(orders))
    planned_to = np.zeros(len(orders))
    parts = []
    for stage in STAGES:
        step, before, planned_to = _step(orders, stage, before, planned_to)
        parts.append(step)
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0]


def _step(
    orders: pd.DataFrame, stage: Stage, before: np.ndarray, planned_to: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """A stage of all orders; the delay and the planned end with which they leave it."""
    due = orders[f"due_{stage}"].to_numpy(float)
    done = orders[f"done_{stage}"].to_numpy(float)
    age = orders["age"].to_numpy(float)
    waits = (orders["stage"] == stage).to_numpy() & (age > due)
    end = np.where(waits, age, done)
    delay = end - due
    told = ~np.isnan(end)
    step = orders[["supplier_id", "supplier"]].assign(
        stage=stage,
        taken=end - orders[f"enter_{stage}"].to_numpy(float),
        planned=due - planned_to,
        lost=delay - before,
        late=np.where(np.isnan(delay), np.nan, delay > 0),
    )[told]
    known = ~np.isnan(delay)
    return step, np.where(known, delay, before), np.where(np.isnan(due), planned_to, due)
