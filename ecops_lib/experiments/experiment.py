"""One test of a shop: read once, for all sections of a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import narwhals as nw

from ecops_lib.data import frames
from ecops_lib.data.store import Store
from ecops_lib.experiments.effects import Effect
from ecops_lib.experiments.exposures import prepare_units
from ecops_lib.experiments.facts import Facts, collect_facts, needed_pairs
from ecops_lib.experiments.health import Health, check_health, find_largest
from ecops_lib.experiments.health.checking import MONEY
from ecops_lib.experiments.inference import compare
from ecops_lib.experiments.joining import Joined, join_outcomes
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import COVARIATES, METRICS, ExperimentMetric, metrics_named
from ecops_lib.experiments.plan import ExperimentPlan
from ecops_lib.experiments.plans import TABLE, read_plan
from ecops_lib.experiments.sequential import Look, SequentialPath, follow_effect

CLOCKS = {
    "orders": ("paid_at",),
    "refunds": ("finished_at", "applied_at"),
    "events": ("happened_at",),
}
"""When a row of a table became known: the first of these instants that it tells."""


HELD_UNITS = 2_000_000
"""Units up to which what they did is kept in memory between the sections of a page."""


class Experiment:
    """What a store tells of one test up to the end of one day.

    Attributes:
        store: The shop.
        day: The day; what came later is not looked at.
        plan: What was agreed of the test.
    """

    def __init__(
        self,
        store: Store,
        experiment_id: str = "",
        *,
        day: dt.date,
        plan: ExperimentPlan | None = None,
    ) -> None:
        """Open a test of a store.

        Args:
            store: The shop.
            experiment_id: The test; empty for the one that began last, up to the day.
            day: Last local day that counts.
            plan: What was agreed, where ``store.toml`` does not say it.

        Raises:
            MissingDataError: The store holds no test.
            ParameterError: The test is unknown, or nothing tells its control.
        """
        store.require(TABLE)
        self.store = store
        self.day = day
        self.plan = plan or read_plan(store, experiment_id, day=day)

    @property
    def treatments(self) -> tuple[str, ...]:
        """Every variant but the control."""
        return self.plan.variants[1:]

    @property
    def primary(self) -> ExperimentMetric:
        """The metric that decides."""
        return METRICS[self.plan.primary]

    @property
    def level(self) -> float:
        """Level of each variant's own comparison: alpha is shared among them (Bonferroni)."""
        return self.plan.alpha / len(self.treatments)

    @cached_property
    def joined(self) -> Joined:
        """The units of the test with what they did."""
        units = prepare_units(
            self._until(TABLE, ("exposed_at",)), plan=self.plan, zone=self.store.zone
        )
        tables = {
            name: self._until(name, clocks) for name, clocks in CLOCKS.items() if self._has(name)
        }
        if self._has("order_items"):
            tables["order_items"] = frames.lazy(self.store.scan("order_items"), name="order_items")
        return _held(join_outcomes(units, tables))

    def _has(self, table: str) -> bool:
        return self.store.has(table)

    def _until(self, table: str, clocks: tuple[str, ...]) -> nw.LazyFrame[Any]:
        """A table as it stood at the end of the day."""
        rows = frames.lazy(self.store.scan(table), name=table)
        _, over = frames.instants(self.day, self.day, self.store.zone)
        return rows.filter(nw.coalesce(*map(nw.col, clocks)) < over)

    @cached_property
    def metrics(self) -> tuple[ExperimentMetric, ...]:
        """The plan's metrics that the data can tell, the deciding one first."""
        held = set(self.joined.prepared.columns)
        return tuple(
            metric
            for metric in metrics_named(self.plan.metrics)
            if {metric.numerator, metric.denominator} - {""} <= held
        )

    @property
    def untold(self) -> tuple[ExperimentMetric, ...]:
        """Metrics that were agreed on, or guard the test, and that the data cannot tell."""
        agreed = self.plan.metrics if self.plan.told else self.plan.guardrails
        return tuple(m for m in metrics_named(agreed) if m not in self.metrics)

    @cached_property
    def known(self) -> tuple[str, ...]:
        """Covariates that the units have."""
        return tuple(name for name in COVARIATES if name in self.joined.prepared.columns)

    @cached_property
    def facts(self) -> Facts:
        """Moments by variant, day and segment, in one pass over the units."""
        held = set(self.joined.prepared.columns)
        needed = [c for m in self.metrics for c in (m.numerator, m.denominator) if c]
        watched = [c for c in ("converted", *MONEY) if c in held]
        columns = tuple(dict.fromkeys([*needed, *watched, *self.known]))
        pairs = needed_pairs(self.metrics, covariates=self.known)
        return collect_facts(self.joined.prepared, plan=self.plan, columns=columns, pairs=pairs)

    @cached_property
    def health(self) -> Health:
        """What was found before any effect is read."""
        money = next((name for name in MONEY if name in self.facts.columns), "")
        units = self.joined.prepared
        return check_health(
            self.facts,
            units,
            as_of=self._settled(),
            largest=find_largest(units.table, column=money) if money else None,
        )

    def _settled(self) -> dt.date:
        """The day up to which outcomes are known; a results sheet tells the whole window."""
        runs = self.plan.end is not None and self.day < self.plan.end
        if runs or not self.joined.own:
            return self.day
        return max(self.day, self.joined.prepared.last + self.plan.window_days * frames.DAY)

    def covariates(self, metric: ExperimentMetric) -> tuple[str, ...]:
        """Covariates that a metric is adjusted for: all that vary; none for 0 or 1 a unit."""
        if metric.binary:
            return ()
        held = self.facts.variant(self.plan.control)
        return tuple(name for name in self.known if held.n > 1 and held.variance(name) > 0)

    @cached_property
    def effects(self) -> Mapping[tuple[str, str], Effect]:
        """Every variant against the control on every metric, as if read once."""
        return {
            (variant, metric.key): self.effect(variant, metric)
            for variant in self.treatments
            for metric in self.metrics
        }

    def effect(self, variant: str, metric: ExperimentMetric) -> Effect:
        """One variant against the control on one metric, as if read once."""
        return compare(
            self.facts.variant(self.plan.control),
            self.facts.variant(variant),
            metric=metric,
            covariates=self.covariates(metric),
            alpha=self.level,
        )

    @cached_property
    def paths(self) -> Mapping[str, SequentialPath]:
        """The deciding metric of every variant, look by look."""
        return {v: self._path(v, self.primary, alpha=self.level) for v in self.treatments}

    @cached_property
    def guarded(self) -> Mapping[tuple[str, str], SequentialPath]:
        """Every guardrail that the data tell, by (variant, metric), look by look.

        The level is shared among all of them (Bonferroni), so that a harm that comes and
        goes by chance stops a test as seldom as the plan allows, however often one looks.
        """
        told = [m for m in self.metrics if m.key in self.plan.guardrails]
        return {
            (variant, metric.key): self._path(variant, metric, alpha=self.level / len(told))
            for variant in self.treatments
            for metric in told
        }

    def _path(self, variant: str, metric: ExperimentMetric, *, alpha: float) -> SequentialPath:
        planned = self._planned_days()
        return follow_effect(
            self._looks(variant),
            metric=metric,
            planned_days=planned,
            covariates=self.covariates(metric),
            alpha=alpha,
            method="spending" if planned else "mixture",
        )

    def _planned_days(self) -> int | None:
        """Days that the test was to run; None where its end was not told."""
        if self.plan.end is None:
            return None
        start = self.plan.start or self.joined.prepared.first
        return (self.plan.end - start).days + 1

    def _looks(self, variant: str) -> list[Look]:
        control = self.plan.control
        return [(day, held[control], held[variant]) for day, held in self.facts.cumulative()]

    def moments(self, variant: str) -> Moments:
        """Moments of a variant's units."""
        return self.facts.variant(variant)


def _held(joined: Joined) -> Joined:
    """Units with their outcomes computed once, unless they are too many to keep."""
    units = joined.prepared
    if units.count > HELD_UNITS:
        return joined
    table = units.coded.collect("pyarrow").lazy("duckdb")
    return replace(joined, prepared=replace(units, coded=table))
