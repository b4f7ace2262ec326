"""The plan of a test: what was agreed before it began."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ecops_lib.core.checks import as_day, listed, nearest, require_between, require_span
from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.outcomes import metrics_named

GUARDRAILS = ("refund_rate",)
UNWRITTEN = ("experiment_id", "told")
"""Fields of a plan that its table does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPlan:
    """What was agreed before a test began; ``[tests."its id"]`` of ``store.toml``.

    Attributes:
        experiment_id: The test.
        control: The variant that is the shop as it was.
        shares: Planned share of each variant; they sum to 1.
        start: First local day of exposure; None where not told.
        end: Last planned local day of exposure; None where not told.
        primary: The one metric that decides.
        secondary: Metrics that are shown and corrected for being several.
        guardrails: Metrics that must not get worse.
        window_days: Days after a unit's first exposure in which its orders count.
        alpha: Two-sided level of the decision.
        power: Chance to find the smallest effect worth having.
        least_effect: Smallest relative effect on the primary metric worth having.
        guardrail_margin: Largest relative harm of a guardrail that is accepted.
        told: Whether somebody wrote it down; False where it was inferred from the log.
    """

    experiment_id: str
    control: str
    shares: Mapping[str, float]
    start: dt.date | None = None
    end: dt.date | None = None
    primary: str = "conversion_rate"
    secondary: tuple[str, ...] = ("net_paid_amount_per_visitor", "average_order_value")
    guardrails: tuple[str, ...] = GUARDRAILS
    window_days: int = 7
    alpha: float = 0.05
    power: float = 0.8
    least_effect: float = 0.02
    guardrail_margin: float = 0.05
    told: bool = field(default=True, compare=False)

    @property
    def variants(self) -> tuple[str, ...]:
        """The control first, then the others in the order of the plan."""
        return (self.control, *(name for name in self.shares if name != self.control))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric of the plan once, the primary one first."""
        return tuple(dict.fromkeys((self.primary, *self.secondary, *self.guardrails)))


def make_plan(experiment_id: str, held: Mapping[str, Any]) -> ExperimentPlan:
    """A plan from the values of ``[tests."id"]``, once each of them is possible.

    Raises:
        ParameterError: A value is unknown or impossible.
        MetricError: A metric is unknown.
    """
    where = f'[tests."{experiment_id}"]'
    _require_known(held, where)
    days = {name: as_day(held[name], name=f"{name} of {where}") for name in _days(held)}
    lists = {name: _names(held[name], name, where) for name in _lists(held)}
    plan = ExperimentPlan(**{**held, **days, **lists, "experiment_id": experiment_id})
    _require_possible(plan, where)
    return plan


def _require_known(held: Mapping[str, Any], where: str) -> None:
    """Refuse a plan with a setting that there is not, or without its control or shares."""
    known = [item.name for item in fields(ExperimentPlan) if item.name not in UNWRITTEN]
    if unknown := sorted(set(held) - set(known)):
        hint = nearest(unknown[0], known) or "."
        raise ParameterError(f"{where} has {unknown[0]!r}; it may hold {listed(known)}{hint}")
    if not isinstance(held.get("control"), str):
        raise ParameterError(
            f'{where} does not tell the control; add a line such as control = "old".'
        )
    if not isinstance(held.get("shares"), Mapping):
        raise ParameterError(
            f"{where} does not tell the planned shares; add a line such as "
            'shares = { "old" = 0.5, "new" = 0.5 }.'
        )


def _days(held: Mapping[str, Any]) -> list[str]:
    return [name for name in ("start", "end") if name in held]


def _lists(held: Mapping[str, Any]) -> list[str]:
    return [name for name in ("secondary", "guardrails") if name in held]


def _names(value: object, name: str, where: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ParameterError(f"{name} of {where} is {value!r}; it must be a list of metrics.")
    return tuple(str(item) for item in value)


def _require_possible(plan: ExperimentPlan, where: str) -> None:
    """Refuse a plan whose values cannot be."""
    if plan.control not in plan.shares or len(plan.shares) < 2:
        raise ParameterError(
            f"{where} has shares for {listed(plan.shares)}; they must name the control "
            f"{plan.control!r} and at least one other variant."
        )
    for name, share in plan.shares.items():
        _require_number(share, f"share of {name!r} in {where}")
        require_between(share, 0, 1, name=f"share of {name!r} in {where}", ends="open")
    if not math.isclose(sum(plan.shares.values()), 1, abs_tol=1e-6):
        raise ParameterError(f"shares in {where} sum to {sum(plan.shares.values()):g}, not to 1.")
    if plan.start and plan.end:
        require_span(plan.start, plan.end)
    if not isinstance(plan.primary, str):
        raise ParameterError(f"primary of {where} is {plan.primary!r}; it must be one metric.")
    metrics_named(plan.metrics)
    if not isinstance(plan.window_days, int) or isinstance(plan.window_days, bool):
        raise ParameterError(
            f"window_days in {where} is {plan.window_days!r}; it must be a whole number."
        )
    require_between(plan.window_days, 1, 365, name=f"window_days in {where}")
    for name in ("alpha", "power", "least_effect", "guardrail_margin"):
        _require_number(getattr(plan, name), f"{name} in {where}")
        require_between(getattr(plan, name), 0, 1, name=f"{name} in {where}", ends="open")


def _require_number(value: object, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ParameterError(f"{name} is {value!r}; it must be a number.")
