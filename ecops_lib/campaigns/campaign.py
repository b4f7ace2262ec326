"""A campaign: its phases, products, targets and offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from ecops_lib.data.calendar.festivals import Phase
from ecops_lib.data.calendar.own import FESTIVAL_NAMES

PHASES: tuple[Phase, ...] = get_args(Phase)
SELLING: tuple[Phase, ...] = ("burst", "encore")
"""Phases in which the campaign's prices hold and everybody can pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSpan:
    """Days of one phase.

    Attributes:
        phase: What happens.
        first: First local day.
        last: Last local day, included.
    """

    phase: Phase
    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        """How many days it lasts."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One edition of a campaign.

    Attributes:
        campaign_id: Its id, such as ``618-2026``.
        name: What it is called.
        kind: What its editions share: a festival's key such as ``double11``, or any word.
        spans: Its phases in order of their first days; at least one is a selling phase.
        products: Products promoted; empty for the whole shop.
        targets: Targets for the selling days by metric, such as ``paid_amount``.
        budget: Money for ads [store currency]; None where not told.
        promotions: Its offers as written; whoever prices baskets checks them.
        written: Whether ``store.toml`` tells it.
    """

    campaign_id: str
    name: str
    kind: str
    spans: tuple[PhaseSpan, ...]
    products: tuple[str, ...] = ()
    targets: Mapping[str, float] = field(default_factory=dict)
    budget: float | None = None
    promotions: tuple[Mapping[str, Any], ...] = ()
    written: bool = False

    @property
    def first(self) -> dt.date:
        """First day of its first phase."""
        return self.spans[0].first

    @property
    def last(self) -> dt.date:
        """Last day of all."""
        return max(span.last for span in self.spans)

    @property
    def selling(self) -> tuple[dt.date, dt.date]:
        """First and last day on which its prices hold."""
        held = [span for span in self.spans if span.phase in SELLING]
        return held[0].first, max(span.last for span in held)

    @property
    def whole_shop(self) -> bool:
        """Whether it names no products."""
        return not self.products

    def days_of(self, *phases: Phase) -> tuple[dt.date, ...]:
        """The days of some phases, in order; of all where none is named."""
        wanted = phases or PHASES
        days = {
            span.first + dt.timedelta(days=k)
            for span in self.spans
            if span.phase in wanted
            for k in range(span.days)
        }
        return tuple(sorted(days))

    def phase_of(self, day: dt.date) -> Phase | None:
        """The phase of a day; of several the one that began last."""
        held = [span for span in self.spans if span.first <= day <= span.last]
        return held[-1].phase if held else None


def festival_key(kind: str) -> str:
    """The key of the festival that a kind names, else the kind itself.

    >>> festival_key("双11"), festival_key("autumn tea")
    ('double11', 'autumn tea')
    """
    found = [key for key, words in FESTIVAL_NAMES.items() if words.search(kind.casefold())]
    return found[0] if len(found) == 1 else kind


def in_order(spans: Iterable[PhaseSpan]) -> tuple[PhaseSpan, ...]:
    """Phases by their first days."""
    return tuple(sorted(spans, key=lambda span: (span.first, span.last)))
