"""What campaigns bring: the platform's big ones, and the shop's own."""

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


@dataclass(frozen=True, kw_only=True)
class OwnCampaign:
    """The shop's own tea festival, three days of warm-up and seven of sale.

    Attributes:
        lift: Order lines of the promoted products in the sale as a multiple of what they
            would be; 1 for a campaign that does nothing at all, whatever the rest says.
        pull_forward: Share of these lines missing in the warm-up and in the seven days after.
        products: Ranks of the promoted products.
        sister: Rank of the product that the sale takes orders from, and what is left of them.
        halo: Rank of the product that sells with the promoted ones, and the multiple.
        refunds: Claims after receipt of what was bought in the sale, as a multiple.
        carts: Carts and favourites a visitor of the warm-up, as a multiple.
        off: Share of the list price taken off.
        coupon: Order amount from which the coupon can be used, and what it takes off, in cents.
        used: Share of the orders that could use the coupon that do.
    """

    lift: float = 2.2
    pull_forward: float = 0.45
    products: tuple[int, ...] = (7, 8, 13, 18, 19, 24, 25, 30, 31, 36, 37, 42, 43, 48, 49, 54, 55)
    sister: tuple[int, float] = (1, 0.2)
    halo: tuple[int, float] = (2, 2.2)
    refunds: float = 2.0
    carts: float = 2.0
    off: float = 0.1
    coupon: tuple[int, int] = (15000, 1500)
    used: float = 0.5


@dataclass(frozen=True, kw_only=True)
class MemberDay:
    """The members' days, every quarter; the last is on its second day when the exports end.

    Attributes:
        lift: Order lines of the promoted products as a multiple of what they would be.
        hot: Rank of the one that sells best, and its multiple.
        products: Ranks of the promoted products.
        shape: What of the lift each day has.
        threshold: Order amount from which it takes something off, and what, in cents.
        sku: Code of the hot product's SKU whose stock will not last.
        left: Units of it left in each warehouse at the end of the last day.
        comes: Days after the last day on which the next units come in.
    """

    lift: float = 2.0
    hot: tuple[int, float] = (11, 5.0)
    products: tuple[int, ...] = (11, 15, 17, 21, 23, 27, 35, 41, 45, 53)
    shape: tuple[float, ...] = (1.3, 0.8, 0.8, 1.1)
    threshold: tuple[int, int] = (19900, 2000)
    sku: str = "SY-COOK-02-A"
    left: int = 2
    comes: int = 6
