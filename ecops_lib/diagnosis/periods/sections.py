"""The page on a week or month: one reading of the shop for all its sections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast

from ecops_lib.core.checks import require_choice
from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr
from ecops_lib.core.results import Result
from ecops_lib.data.calendar.periods import Period, read_period
from ecops_lib.data.coverage import report_day
from ecops_lib.data.frames import DAY
from ecops_lib.data.settings import RefundBasis
from ecops_lib.data.store import Store
from ecops_lib.diagnosis.actions import ActionResults, measure_actions, read_actions
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.paths.steps import PathSteps, StepSlices, review_paths
from ecops_lib.diagnosis.periods.channels import ChannelMix, compare_channels
from ecops_lib.diagnosis.periods.drivers import SalesDrivers, split_period
from ecops_lib.diagnosis.periods.figures import PeriodFigures, compare_period
from ecops_lib.diagnosis.periods.funnel import PeriodFunnel, trace_period
from ecops_lib.diagnosis.periods.incidents import PeriodIncidents, find_incidents
from ecops_lib.diagnosis.periods.products import (
    PriceBands,
    ProductRanks,
    count_bands,
    rank_products,
)
from ecops_lib.diagnosis.periods.rates import search_rates
from ecops_lib.diagnosis.review import looked_at
from ecops_lib.diagnosis.search.rate_slices import RateSlices
from ecops_lib.diagnosis.search.slices import Slices, find_slices
from ecops_lib.diagnosis.terms import SearchTerms, rate_search_terms

if TYPE_CHECKING:
    import pandas as pd

MOST = 3
"""Priorities of the next period."""

QUARTER = 91
TERM_DAYS = 28
"""Days of search terms at the least: a week of them tells little of conversion."""


class PeriodBase:
    """What a store tells of a week or month; each part is computed once.

    Attributes:
        store: The shop.
        period: The period.
        history: The days up to its last one.
    """

    def __init__(
        self, store: Store, *, period: str = "", as_of: str = "", refund_basis: str = ""
    ) -> None:
        """Agree on the days.

        Args:
            store: The shop.
            period: As ``read_period`` takes it.
            as_of: Last day that counts; empty for the last whole day of the data.
            refund_basis: ``pay`` or ``refund``; empty for the store's.

        Raises:
            ParameterError: ``period`` names none, or one that the data do not reach.
        """
        day = report_day(store, as_of)
        events = History(store, day=day).events
        self.store = store
        self.period = read_period(period, as_of=day, country=store.settings.country, events=events)
        self.history = History(store, day=self.period.last)
        if refund_basis:
            require_choice(refund_basis, RefundBasis, name="refund_basis")
        self._basis = cast("RefundBasis | None", refund_basis or None)

    @property
    def day(self) -> dt.date:
        """The period's last day that counts."""
        return self.period.last

    @property
    def span(self) -> dict[str, dt.date]:
        """``start`` and ``end``, for sections that take them."""
        return {"start": self.period.first, "end": self.period.last}

    @property
    def quarter(self) -> dict[str, dt.date]:
        """``start`` and ``end`` of the thirteen weeks up to the period's last day."""
        return {"start": self.period.last - (QUARTER - 1) * DAY, "end": self.period.last}

    @cached_property
    def actions(self) -> ActionResults:
        """What became of the tasks that earlier pages asked for."""
        held = read_actions(self.store)
        return measure_actions(self.history, held, as_of=self.day, days=max(28, self.period.days))

    @cached_property
    def figures(self) -> PeriodFigures:
        """Key figures."""
        return compare_period(self.history, self.period, refund_basis=self._basis)

    @cached_property
    def drivers(self) -> SalesDrivers:
        """What made the change of sales."""
        return split_period(self.history, self.period, self.figures)

    @cached_property
    def slices(self) -> Slices:
        """Where sales changed."""
        return find_slices(self.history, start=self.period.first, end=self.period.last)

    @cached_property
    def rates(self) -> RateSlices:
        """Where conversion and refund claims changed."""
        return search_rates(self.history, self.period)

    @cached_property
    def paths(self) -> tuple[PathSteps, StepSlices]:
        """How far visits went, and where more of them ended than usual."""
        return review_paths(self.history, start=self.period.first, end=self.period.last)

    @cached_property
    def terms(self) -> SearchTerms:
        """Search terms of the period (four weeks at least) against the titles."""
        start = min(self.period.first, self.period.last - (TERM_DAYS - 1) * DAY)
        return rate_search_terms(self.history, start=start, end=self.period.last)

    @cached_property
    def incidents(self) -> PeriodIncidents:
        """What went out of its range on the period's days."""
        return find_incidents(self.store, self.period)

    @cached_property
    def channels(self) -> ChannelMix:
        """Channels."""
        return compare_channels(self.history, self.period)

    @property
    def funnel(self) -> PeriodFunnel:
        """From visit to payment."""
        return trace_period(self.history, self.period)

    @cached_property
    def products(self) -> ProductRanks:
        """Products."""
        return rank_products(self.history, self.period)

    @cached_property
    def bands(self) -> PriceBands:
        """Price bands."""
        return count_bands(self.products)


@dataclass(frozen=True, kw_only=True, eq=False)
class PeriodReview(Result):
    """A period in a few sentences, and what comes first in the next one.

    Attributes:
        period: The period.
        headline: Results whose first sentence says what was paid and what made the change.
        sections: The results that were looked at, in the order of the page.
    """

    units: ClassVar[Mapping[str, Unit]] = {"count": "count"}
    labels: ClassVar[Mapping[str, str]] = {
        "section": mark("Section"),
        "state": mark("State"),
        "count": mark("Findings"),
    }
    sheet: ClassVar[str] = mark("What was looked at")

    period: Period
    headline: tuple[Result, ...]
    sections: tuple[Result, ...]

    @property
    def priorities(self) -> tuple[Finding, ...]:
        """What matters most and asks for action, at most ``MOST``, each thing once."""
        urgent: dict[str, Finding] = {}
        for held in self.sections:
            for finding in () if held.absent() else held.findings():
                if finding.level in {"bad", "watch"} and finding.action is not None:
                    urgent.setdefault(finding.key.partition("/")[2] or finding.key, finding)
        return tuple(most_important(urgent.values(), most=MOST))

    def to_frame(self) -> pd.DataFrame:
        """One row a section: whether it was looked at and what it found."""
        import pandas as pd

        return pd.DataFrame(list(map(looked_at, self.sections)))

    def findings(self) -> tuple[Finding, ...]:
        """The headline, then the priorities, or that there is none."""
        name = Finding(key="period", level="info", text=self.period.words())
        told = (finding for held in self.headline for finding in held.findings()[:1])
        return (name, *told, *(self.priorities or (self._calm(),)))

    def _calm(self) -> Finding:
        looked = sum(not section.absent() for section in self.sections)
        text = ntr(
            "Nothing that asks for action in the {looked} section that the data let look at.",
            "Nothing that asks for action in the {looked} sections that the data let look at.",
            looked,
            looked=show(looked, "count"),
        )
        numbers = {"looked": float(looked), "sections": float(len(self.sections))}
        return Finding(key="period/calm", level="good", text=text, evidence=numbers)


def review_period(base: PeriodBase, *others: Result) -> PeriodReview:
    """Sum up a period over all sections: the headline and three priorities for the next one.

    Args:
        base: The reading of the shop.
        *others: Further sections of the page (ads, stock, customers, logistics, actions).
    """
    return PeriodReview(
        period=base.period,
        headline=(base.figures, base.drivers),
        sections=(
            base.incidents,
            base.slices,
            base.rates,
            *base.paths,
            base.channels,
            base.products,
            base.terms,
            *others,
        ),
    )
