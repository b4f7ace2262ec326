"""Incidents: conversion, channels, stock and refunds, in the last days and before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class ConversionDrop:
    """A product's buyers change while its visitors stay as they were.

    Attributes:
        product: Rank of the product by visitors; 0 is the best seller.
        factor: Buyers as a share of what they would be; above 1 for a rise.
        begins: Days before the last day on which it begins.
        price_change: Share by which the price goes up (down, where ``factor`` is above 1)
            on that day: the first recorded reason.
        reviews: One- and two-star (five-star) reviews in the four days before the last
            day's end: the second recorded reason.
    """

    product: int = 0
    factor: float = 0.3
    begins: int = 2
    price_change: float = 0.25
    reviews: int = 14

    @property
    def price_factor(self) -> float:
        """New price over old price."""
        return 1 + self.price_change * (1 if self.factor < 1 else -1)


@dataclass(frozen=True, kw_only=True)
class ChannelLoss:
    """A channel's visitors change because its budget did.

    Attributes:
        channel: The channel; 直通车 is the one whose ad costs show the reason.
        factor: Visitors (and ad spend) as a share of what they would be; above 1 for a gain.
        begins: Days before the last day on which it begins.
    """

    channel: str = "直通车"
    factor: float = 0.4
    begins: int = 0


@dataclass(frozen=True, kw_only=True)
class StockOut:
    """A product has nothing left to sell, in any variant and warehouse.

    Attributes:
        product: Rank of the product by visitors.
        begins: Days before the last day on which it begins, at midnight.
    """

    product: int = 2
    begins: int = 1


@dataclass(frozen=True, kw_only=True)
class RefundWave:
    """Many claims against one product on the last day.

    Attributes:
        product: Rank of the product by visitors.
        share: Share of the product's parcels received in the last 30 days, and not
            claimed so far, that are claimed on the last day.
        reason: The reason that all of them give.
    """

    product: int = 1
    share: float = 0.2
    reason: str = "商品破损"


Recorded = Literal[
    "", "price", "coupon", "listing", "reviews", "ads", "competitor", "rule", "outage"
]
"""What the shop's tables hold of an incident's cause; empty for nothing."""


@dataclass(frozen=True, kw_only=True)
class PastIncident:
    """Some days on which a product sold, or a channel brought, less than it should.

    Attributes:
        cause: What is recorded of it.
        begins: Days before the last day on which it began.
        days: How long it lasted.
        factor: Buyers of the product, or visitors of the channel, as a share of what they
            would be.
        product: Rank of the product by visitors; −1 for none.
        channel: The channel; empty for none.
    """

    cause: Recorded
    begins: int
    days: int
    factor: float
    product: int = -1
    channel: str = ""


PAST = (
    PastIncident(cause="price", begins=176, days=7, factor=0.2, product=3),
    PastIncident(cause="ads", begins=172, days=4, factor=0.35, channel="直通车"),
    PastIncident(cause="", begins=164, days=3, factor=0.5, channel="手淘推荐"),
    PastIncident(cause="listing", begins=124, days=7, factor=0.1, product=2),
    PastIncident(cause="reviews", begins=120, days=4, factor=0.45, product=0),
    PastIncident(cause="outage", begins=113, days=2, factor=0.15, channel="短视频"),
    PastIncident(cause="coupon", begins=111, days=7, factor=0.2, product=1),
    PastIncident(cause="", begins=101, days=4, factor=0.4, product=0),
    PastIncident(cause="competitor", begins=85, days=7, factor=0.15, product=2),
    PastIncident(cause="rule", begins=78, days=4, factor=0.55, channel="手淘搜索"),
    PastIncident(cause="", begins=74, days=7, factor=0.1, product=1),
    PastIncident(cause="", begins=73, days=5, factor=0.3, channel="直播"),
)


@dataclass(frozen=True, kw_only=True)
class PastIncidents:
    """Twelve incidents of the months before, single and at the same time.

    Those that began in the shop's first four weeks, or before, are left out.

    Attributes:
        spans: When which.
    """

    spans: tuple[PastIncident, ...] = PAST
