"""What does an offer cost, who bears it, and what would another one do?"""

from ecops_lib.campaigns.promotions.baskets import PricedBaskets, price_baskets
from ecops_lib.campaigns.promotions.choice import ThresholdChoice
from ecops_lib.campaigns.promotions.choose import choose_threshold
from ecops_lib.campaigns.promotions.rules import (
    BEARERS,
    Bearer,
    Coupon,
    Discount,
    Gift,
    GroupPrice,
    NthItem,
    Presale,
    Promotion,
    Threshold,
)
from ecops_lib.campaigns.promotions.simulate import simulate_promotions
from ecops_lib.campaigns.promotions.simulation import PromotionSimulation
from ecops_lib.campaigns.promotions.written import campaign_promotions, read_promotions

__all__ = [
    "BEARERS",
    "Bearer",
    "Coupon",
    "Discount",
    "Gift",
    "GroupPrice",
    "NthItem",
    "Presale",
    "PricedBaskets",
    "Promotion",
    "PromotionSimulation",
    "Threshold",
    "ThresholdChoice",
    "campaign_promotions",
    "choose_threshold",
    "price_baskets",
    "read_promotions",
    "simulate_promotions",
]
