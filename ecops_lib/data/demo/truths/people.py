"""What customers do, and what messages, friends and chat groups do to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Habit:
    """A habit of some of the buyers.

    Attributes:
        share: Share who have it of the buyers who order often; nobody has two habits.
        strength: Share of their orders that are traded, where they do not suit the habit,
            for one of the same day that does, if the day has one.
    """

    share: float
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Habits:
    """Habits that tags should find.

    Attributes:
        night_owl: They order between 23:00 and 02:00.
        price_sensitive: They order where much is taken off the list price.
        category_lover: They order from one category, each from their own.
        high_return: They claim money back after receipt.
    """

    night_owl: Habit = field(default_factory=lambda: Habit(share=0.12))
    price_sensitive: Habit = field(default_factory=lambda: Habit(share=0.15))
    category_lover: Habit = field(default_factory=lambda: Habit(share=0.3))
    high_return: Habit = field(default_factory=lambda: Habit(share=0.1))


@dataclass(frozen=True, kw_only=True)
class MailingLift:
    """What the mailings do to those who can be moved: who last bought 30 to 90 days before.

    Attributes:
        lifts: By message, the share of these members, if they get it, who place an order
            more in the window; below 0, the share who give up the order that they would
            have placed. Messages that are not named do nothing, nor does any to others.
        window_days: Days after the message in which an order counts.
    """

    lifts: Mapping[str, float] = field(
        default_factory=lambda: {"周年庆短信": 0.0, "618召回券": 0.09, "中秋礼盒短信": 0.09}
    )
    window_days: int = 14


@dataclass(frozen=True, kw_only=True)
class Referrals:
    """Members who were brought by an earlier one.

    Attributes:
        share: Share of the new members.
    """

    share: float = 0.12


@dataclass(frozen=True, kw_only=True)
class SilentGroup:
    """A chat group that falls silent.

    Attributes:
        group: Its place among the shop's groups.
        begins: Days before the last day on which it begins.
        factor: Members who write or click, as a share of what they would be.
    """

    group: int = 1
    begins: int = 27
    factor: float = 0.1


@dataclass(frozen=True, kw_only=True)
class LatePosts:
    """A chat group that gets fewer posts than its content plan asks for.

    Attributes:
        group: Its place among the shop's groups.
        share: Share of the planned posts that are made.
    """

    group: int = 2
    share: float = 0.45


@dataclass(frozen=True, kw_only=True)
class ReviewDefect:
    """A product of which many buyers complain about one thing, in Chinese and English.

    Attributes:
        product: Rank of the product by visitors.
        aspect: What they complain about, as the review lexicon calls it.
        begins: Days before the last day on which it begins.
        reviews: Reviews of one or two stars that say so, spread over the days since.
    """

    product: int = 4
    aspect: str = "smell"
    begins: int = 45
    reviews: int = 30
