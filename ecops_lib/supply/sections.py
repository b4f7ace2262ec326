"""The page on supply: one reading of the shop for all its sections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.core.sections import Unshown, section
from ecops_lib.data.store import Store
from ecops_lib.supply.demand import build_demand
from ecops_lib.supply.demand.result import Demand
from ecops_lib.supply.forecast import forecast_demand
from ecops_lib.supply.forecast.result import Forecast
from ecops_lib.supply.logistics import choose_carriers, measure_carriers, measure_promises
from ecops_lib.supply.purchasing import (
    find_arrival_gaps,
    follow_purchases,
    measure_stage_delays,
)
from ecops_lib.supply.replenish import (
    judge_proposals,
    plan_horizon,
    propose_orders,
    simulate_proposal,
)
from ecops_lib.supply.replenish.proposal import OrderProposal
from ecops_lib.supply.stock import (
    classify_stock,
    find_idle_stock,
    find_oversell,
    forecast_stockouts,
    measure_sell_through,
    measure_turnover,
)
from ecops_lib.supply.suppliers import rate_suppliers

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 6
"""Findings at the head of the page."""


class SupplyBase:
    """What a store tells of its goods up to a day; each part is computed once.

    Attributes:
        store: The shop.
        day: Last local day that counts.
    """

    def __init__(
        self, store: Store, *, day: dt.date, service: float = 0.0, budget: float = 0.0
    ) -> None:
        """Agree on the service and on the budget.

        Args:
            store: The shop.
            day: Last local day that counts.
            service: Chance of no stock-out until the next order comes in; 0 weighs margins.
            budget: Most that all orders may cost [store currency]; 0 for no limit.

        Raises:
            ParameterError: An argument has an impossible value.
        """
        require_between(service, 0, 0.999, name="service")
        require_between(budget, 0, float("inf"), name="budget")
        self.store, self.day = store, day
        self._service, self._budget = service or None, budget or None

    @cached_property
    def demand(self) -> Demand:
        """Units asked for by SKU and day."""
        return build_demand(self.store, as_of=self.day)

    @cached_property
    def forecast(self) -> Forecast:
        """What will be asked for until the orders after today's come in."""
        horizon = plan_horizon(self.store, as_of=self.day)
        return forecast_demand(self.demand.panel(), horizon=horizon)

    @cached_property
    def proposal(self) -> OrderProposal:
        """What to order today."""
        return propose_orders(
            self.store,
            as_of=self.day,
            forecast=self.forecast,
            service=self._service,
            budget=self._budget,
        )

    def section(self, name: str) -> Result:
        """A part of this base as a section: ``demand``, ``forecast`` or ``proposal``.

        Args:
            name: The part; where the shop lacks its data, a sentence stands for it.
        """
        return section(lambda: getattr(self, name))

    def simulate(self) -> Result:
        """The proposal against a thousand futures, with and without the order."""
        try:
            if why := self.proposal.absent():
                return Unshown(why=why)
            return simulate_proposal(self.proposal, self.forecast)
        except MissingDataError as error:
            return Unshown(why=str(error))

    def judge(self) -> Result:
        """How good the last proposals were."""
        if not self.store.has("proposals"):
            why = tr(
                "No proposal has been kept yet; ecops order keeps what it proposes, and once its "
                "days are over this section judges it."
            )
            return Unshown(why=why)
        return section(
            lambda: judge_proposals(self.store, as_of=self.day, panel=self.demand.panel())
        )

    @cached_property
    def alerts(self) -> tuple[Result, ...]:
        """What runs out, and what is promised beyond stock."""
        return self._each(forecast_stockouts, forecast=True), self._each(find_oversell)

    @cached_property
    def stock(self) -> tuple[Result, ...]:
        """Classes, turnover, rates of selling, and what lies idle."""
        return (
            self._each(classify_stock),
            self._each(measure_turnover, forecast=True),
            self._each(measure_sell_through),
            self._each(find_idle_stock),
        )

    @cached_property
    def purchases(self) -> tuple[Result, ...]:
        """Open purchase orders, what runs out before they come, and where they lose days."""
        return (
            self._each(follow_purchases),
            self._each(find_arrival_gaps, forecast=True),
            self._each(measure_stage_delays),
        )

    @cached_property
    def suppliers(self) -> Result:
        """Who delivers on time, in full and well."""
        return self._each(rate_suppliers)

    @cached_property
    def carriers(self) -> tuple[Result, ...]:
        """How carriers deliver, which of them suits which lane, and promises kept."""
        parts = (measure_carriers, choose_carriers, measure_promises)
        return tuple(self._each(part) for part in parts)

    def _each(self, make: Callable[..., Result], *, forecast: bool = False) -> Result:
        """A result of the store; without demand it goes by its own pace."""
        options: dict[str, Any] = {}
        if forecast and not self.section("forecast").absent():
            options["forecast"] = self.forecast
        return section(make, self.store, as_of=self.day, **options)


@dataclass(frozen=True, kw_only=True, eq=False)
class Overview(Result):
    """What matters most about the goods.

    Attributes:
        base: The shop's goods.
        sections: Results whose findings may matter most.
    """

    sheet: ClassVar[str] = mark("Supply at a glance")
    labels: ClassVar[Mapping[str, str]] = {"item": mark("Item"), "value": mark("Value")}

    base: SupplyBase
    sections: tuple[Result, ...]

    def findings(self) -> tuple[Finding, ...]:
        """The findings that matter most."""
        told = (held for held in self.sections if not held.absent())
        return most_important((f for held in told for f in held.findings()), most=MOST_TOLD)

    def to_frame(self) -> pd.DataFrame:
        """One row a figure."""
        import pandas as pd

        demand, forecast = self.base.demand, self.base.forecast
        weeks = min(28, forecast.horizon)
        rows = [
            (tr("SKUs asked for"), show(len(demand.items), "count")),
            (tr("Units asked for in the last 28 days"), show(_last(demand.demand, 28), "count")),
            (
                tr("Units expected in the next {days} days", days=show(weeks, "count")),
                show(float(np.nansum(forecast.mean[:, :weeks])), "count"),
            ),
            (tr("Demand known from"), show(demand.start, "day")),
            (tr("Last day that counts"), show(demand.as_of, "day")),
        ]
        return pd.DataFrame(rows, columns=list(self.labels))


def _last(values: np.ndarray, days: int) -> float:
    return float(np.nansum(values[:, -days:]))


def review_supply(base: SupplyBase, *sections: Result) -> Result:
    """Say what matters most about a shop's goods.

    Args:
        base: The shop's goods.
        *sections: Results whose findings may matter most.
    """
    try:
        _ = base.forecast
    except MissingDataError as error:
        return Unshown(why=str(error))
    return Overview(base=base, sections=sections)
