"""What campaigns bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class CampaignLift:
    """Lift of the big campaigns, and what they borrow from the days around them.

    Attributes:
        orders: Expected orders in the main phase as a multiple of an ordinary day.
        pull_forward: Share of orders missing in pre-sale, in warm-up and in the five days after.
    """

    orders: Mapping[str, float] = field(
        default_factory=lambda: {"618": 2.4, "双11": 3.2, "双12": 1.6, "38": 1.5, "年货节": 1.3}
    )
    pull_forward: float = 0.12
