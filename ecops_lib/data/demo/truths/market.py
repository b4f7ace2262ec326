"""What competitors do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CompetitorCut:
    """A competitor lowers the price of the item that rivals one of ours.

    Attributes:
        product: Rank of our product that it rivals.
        factor: New price over old price.
        begins: Days before the last day on which it begins.
    """

    product: int = 4
    factor: float = 0.8
    begins: int = 5


@dataclass(frozen=True, kw_only=True)
class Rivals:
    """Competitors who move: one cuts prices and another follows, items come and go.

    Attributes:
        lag: Days after which the follower cuts.
        depth: Part by which both cut.
        cuts: Cuts of each of the products that both sell.
        items: Items that are launched, and as many that are taken off.
    """

    lag: int = 3
    depth: float = 0.12
    cuts: int = 5
    items: int = 5


@dataclass(frozen=True, kw_only=True)
class MarketMoves:
    """An industry that moves without the shop: one category gains, terms come and go.

    Attributes:
        category: Category whose visitor index moves to another level.
        factor: New level over the old one.
        begins: Days before the last day on which it begins.
        falling: Search term of the shop's titles that fades.
        fall: Its searches after a year, as a share of the year before.
        rising: Search term, in none of the shop's titles, that grows.
        rise: Its searches after a year, as a multiple of the year before.
    """

    category: str = "香薰"
    factor: float = 1.3
    begins: int = 75
    falling: str = "收纳箱"
    fall: float = 0.6
    rising: str = "围炉煮茶"
    rise: float = 2.5
