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
