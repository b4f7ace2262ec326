"""Incidents of the last days: conversion, channel, stock and refunds."""

from __future__ import annotations

from dataclasses import dataclass


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
