"""How do our prices stand, and who moves first?"""

from ecops_lib.market.prices.basis import Basket, fill_basket, pair_items
from ecops_lib.market.prices.elasticity import Elasticity, measure_elasticity
from ecops_lib.market.prices.index import (
    PriceGaps,
    PriceIndex,
    compare_prices,
    find_price_gaps,
    index_prices,
)
from ecops_lib.market.prices.leaders import PriceLeaders, find_price_leaders
from ecops_lib.market.prices.promotions import Promotions, rate_promotions

__all__ = [
    "Basket",
    "Elasticity",
    "PriceGaps",
    "PriceIndex",
    "PriceLeaders",
    "Promotions",
    "compare_prices",
    "fill_basket",
    "find_price_gaps",
    "find_price_leaders",
    "index_prices",
    "measure_elasticity",
    "pair_items",
    "rate_promotions",
]
