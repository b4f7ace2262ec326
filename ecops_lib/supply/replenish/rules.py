"""What a proposal goes by: reviews, service, and what is assumed where nothing tells."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.supply.replenish.levels import Measure

MOST = 0.995
"""Highest service that margins may ask for: beyond it, sampled futures tell little."""
LEAST = 0.5
"""Lowest service that margins may ask for."""


@dataclass(frozen=True, kw_only=True)
class OrderRules:
    """How a shop orders.

    Attributes:
        review_days: Days between two orders.
        measure: What a service level counts: ``cycle``, the chance of no stock-out until the
            next order comes in, or ``fill``, the share of demand met at once.
        holding_rate: What holding stock costs in a year, as a share of its cost.
        lead_days: Days from order to receipt where neither receipts nor a quotation tell.
        usual_service: Service where the margin of a SKU is not known.
        futures: Futures sampled for each SKU.
        seed: Seed of the futures.

    Raises:
        ParameterError: A number is impossible.
    """

    review_days: int = 7
    measure: Measure = "cycle"
    holding_rate: float = 0.2
    lead_days: float = 14.0
    usual_service: float = 0.95
    futures: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice(self.measure, Measure, name="measure")
        require_between(self.review_days, 1, 366, name="review_days")
        require_between(self.holding_rate, 0, 10, name="holding_rate")
        require_between(self.lead_days, 0, 366, name="lead_days")
        require_between(self.usual_service, 0, 1, name="usual_service", ends="open")
        require_between(self.futures, 50, 100_000, name="futures")


@dataclass(frozen=True, kw_only=True)
class Season:
    """Goods that sell until a day and are sold off then.

    Attributes:
        end: Last day of the season.
        salvage: What a unit left over still brings, as a share of its cost.

    Raises:
        ParameterError: The share is not below 1, for leftovers would then cost nothing.
    """

    end: dt.date
    salvage: float = 0.0

    def __post_init__(self) -> None:
        require_between(self.salvage, 0, 0.999, name="salvage")
