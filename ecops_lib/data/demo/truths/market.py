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
