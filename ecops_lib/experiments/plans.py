"""Which tests does the store hold, and what was agreed of each?"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.data.schema import table_named
from ecops_lib.data.settings import plan_text
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.plan import ExperimentPlan, make_plan

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.data.store import Store

TABLE = "experiments"
CONTROL_NAMES = re.compile(
    r"a|control([ _-].*)?|ctrl|(old|original)([ _-](page|version))?|baseline|base|status quo"
    r"|hold-?out|none|no[ _-](e-?mail|message|sms|coupon)"
    r"|(对照|原|旧版|不发|未发).*|控制组|基准|基线|旧|老版|老版本|现状|不变|空白组?|留白组?|无",
    re.IGNORECASE,
)
"""Names of a variant that is taken for the shop as it was."""
SHOWN = 20
"""Names that an error lists before it stops."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExperimentList(Result):
    """The tests of a store, the one that began last first.

    Attributes:
        table: One row a test: ``experiment_id``, ``variants`` (names, by alphabet),
            ``first_day`` and ``last_day`` of its exposures (local), ``exposures``,
            ``units`` and ``planned`` (whether ``store.toml`` holds its plan).
        unseen: Tests planned in ``store.toml`` of which the store holds no exposure.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "first_day": "day",
        "last_day": "day",
        "exposures": "count",
        "units": "count",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "experiment_id": mark("Test"),
        "variants": mark("Variants"),
        "first_day": mark("First exposure"),
        "last_day": mark("Last exposure"),
        "exposures": mark("Exposures"),
        "units": mark("Units"),
        "planned": mark("Has a plan"),
    }
    sheet: ClassVar[str] = mark("Tests in the store")

    table: pd.DataFrame
    unseen: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The tests, with words for the reader."""
        told = {True: tr("yes"), False: tr("no")}
        return self.table.assign(
            variants=[", ".join(names) for names in self.table["variants"]],
            planned=[told[planned] for planned in self.table["planned"]],
        )

    def findings(self) -> tuple[Finding, ...]:
        """Tests without a plan, and plans without a test."""
        return (*self._without_plan(), *self._without_exposures())

    def _without_plan(self) -> tuple[Finding, ...]:
        names = self.table.loc[~self.table["planned"].astype(bool), "experiment_id"].tolist()
        if not names:
            return ()
        text = ntr(
            "{names} has no plan in store.toml: its control, its planned shares and the metric "
            "that decides are guessed, or must be told there.",
            "{names} have no plan in store.toml: their controls, their planned shares and the "
            "metrics that decide are guessed, or must be told there.",
            len(names),
            names=_few(names),
        )
        return (
            Finding(
                key="tests/unplanned", level="watch", text=text, evidence={"tests": len(names)}
            ),
        )

    def _without_exposures(self) -> tuple[Finding, ...]:
        if not self.unseen:
            return ()
        text = ntr(
            "store.toml plans {names}, of which the store holds no exposure; import its log, "
            "or write its name as the log does.",
            "store.toml plans {names}, of which the store holds no exposure; import their logs, "
            "or write their names as the logs do.",
            len(self.unseen),
            names=_few(self.unseen),
        )
        return (
            Finding(
                key="tests/unseen", level="watch", text=text, evidence={"tests": len(self.unseen)}
            ),
        )

    def absent(self) -> str:
        """Why there is no test; empty where there is one."""
        if len(self.table):
            return ""
        return tr("The store holds no test; import {hint}.", hint=tr(table_named(TABLE).hint))


def _few(names: Iterable[str]) -> str:
    held = [short_name(name) for name in names]
    return ", ".join(held[:SHOWN]) + (" …" if len(held) > SHOWN else "")


def list_tests(store: Store, *, day: dt.date | None = None) -> ExperimentList:
    """The tests whose exposures the store holds, and whether each has a plan.

    Args:
        store: Its table ``experiments`` and its ``store.toml`` are read.
        day: Last local day whose exposures count; None for all.
    """
    import pandas as pd

    plans = store.settings.tests
    logged = _logged(store, units=True, day=day) if store.has(TABLE) else {}
    table = pd.DataFrame(
        [
            {
                "experiment_id": name,
                "variants": log.variants,
                "first_day": pd.Timestamp(log.first),
                "last_day": pd.Timestamp(log.last),
                "exposures": log.exposures,
                "units": log.units,
                "planned": name in plans,
            }
            for name, log in logged.items()
        ],
        columns=list(ExperimentList.labels),
    )
    ever = logged if day is None or not store.has(TABLE) else _logged(store)
    unseen = tuple(name for name in plans if name not in ever)
    return ExperimentList(table=table, unseen=unseen)


def read_plan(
    store: Store, experiment_id: str = "", *, day: dt.date | None = None
) -> ExperimentPlan:
    """The plan of a test: what ``store.toml`` says, or else what its log lets one infer.

    Without a plan in ``store.toml`` the shares are taken to be equal, the days are those
    of the log, every metric is looked at, and the control is the one variant whose name
    says so (``CONTROL_NAMES``); such a plan has ``told=False``.

    Args:
        store: Where the test is.
        experiment_id: The test; empty for the one that began last.
        day: Local day by which that one must have begun; None for any.

    Raises:
        MissingDataError: No test is named, and the store holds none, or none had begun.
        ParameterError: The test is unknown, its plan impossible, or its control untold.
        MetricError: Its plan names an unknown metric.
    """
    plans = store.settings.tests
    if experiment_id in plans:
        return make_plan(experiment_id, plans[experiment_id])
    if not experiment_id:
        store.require(TABLE)
    logged = _logged(store) if store.has(TABLE) else {}
    name = experiment_id or _newest(logged, day)
    if name in plans:
        return make_plan(name, plans[name])
    if name not in logged:
        known = [*logged, *(other for other in plans if other not in logged)]
        raise ParameterError(
            f"experiment_id is {name!r}; the store knows {listed(known[:SHOWN])}"
            f"{nearest(name, known) or '.'}"
        )
    return _inferred(store, name, logged[name])


def _newest(logged: Mapping[str, _Log], day: dt.date | None) -> str:
    """The test that began last, by a day."""
    begun = (name for name, log in logged.items() if day is None or log.first <= day)
    name = next(begun, "")
    if not name:
        first = min(log.first for log in logged.values())
        raise MissingDataError(
            f"no test of the store had begun by {day}; the first one began on {first}: choose a "
            "later day."
        )
    return name


@dataclass(frozen=True, kw_only=True)
class _Log:
    """What the exposures of one test say of it; units are 0 where not counted."""

    variants: tuple[str, ...]
    first: dt.date
    last: dt.date
    exposures: int
    units: int


def _logged(store: Store, *, units: bool = False, day: dt.date | None = None) -> dict[str, _Log]:
    """The log of each test up to a day, the test that began last first."""
    people = "count(DISTINCT unit_key)" if units else "0"
    log = store.scan(TABLE)
    if day is not None:
        _, over = frames.instants(day, day, store.zone)
        log = log.filter(f"exposed_at < TIMESTAMPTZ '{over.isoformat()}'")
    rows = (
        log.aggregate(
            "experiment_id, list_sort(list(DISTINCT variant)), "
            "min(epoch_us(exposed_at)) AS first, max(epoch_us(exposed_at)), "
            f"count(*), {people}",
            "experiment_id",
        )
        .order("first DESC, experiment_id")
        .fetchall()
    )
    return {
        name: _Log(
            variants=tuple(variants),
            first=_local_day(store, first),
            last=_local_day(store, last),
            exposures=exposures,
            units=people,
        )
        for name, variants, first, last, exposures, people in rows
    }


def _local_day(store: Store, microseconds: int) -> dt.date:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)
    return moment.astimezone(store.zone).date()


def is_control_name(variant: str) -> bool:
    """Whether a variant's name says that it is the shop as it was.

    >>> [is_control_name(name) for name in ("Control", "原主图", "No E-Mail", "A", "红色")]
    [True, True, True, True, False]
    """
    return CONTROL_NAMES.fullmatch(" ".join(variant.split())) is not None


def _inferred(store: Store, name: str, log: _Log) -> ExperimentPlan:
    if len(log.variants) < 2:
        raise ParameterError(
            f"test {name!r} shows only the variant {listed(log.variants)}; a test needs a control "
            "and at least one other variant, so import the rest of its log."
        )
    controls = [variant for variant in log.variants if is_control_name(variant)]
    held = {
        "control": controls[0] if controls else log.variants[0],
        "shares": dict.fromkeys(log.variants, 1 / len(log.variants)),
        "start": log.first,
        "end": log.last,
    }
    if len(controls) != 1:
        raise ParameterError(
            f"nothing tells which variant of test {name!r} is the control: it shows "
            f"{listed(log.variants)}; put its plan into {store.path / 'store.toml'}, such as\n\n"
            f"{plan_text(name, held)}"
        )
    plan = make_plan(name, held)
    return replace(plan, secondary=tuple(METRICS), told=False)
