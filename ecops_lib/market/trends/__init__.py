"""How does the market move, and what do we answer?"""

from ecops_lib.market.trends.growth import MarketTrends, measure_market
from ecops_lib.market.trends.responses import Responses, propose_responses
from ecops_lib.market.trends.rules import RuleChanges, list_rule_changes
from ecops_lib.market.trends.series import MarketSeries, read_market
from ecops_lib.market.trends.share import MovementShare, compare_with_market
from ecops_lib.market.trends.standing import (
    OutOfStock,
    RatingGap,
    compare_ratings,
    find_products_out,
)
from ecops_lib.market.trends.summary import MarketSummary, sum_up_market
from ecops_lib.market.trends.terms import SearchTerms, rank_search_terms

__all__ = [
    "MarketSeries",
    "MarketSummary",
    "MarketTrends",
    "MovementShare",
    "OutOfStock",
    "RatingGap",
    "Responses",
    "RuleChanges",
    "SearchTerms",
    "compare_ratings",
    "compare_with_market",
    "find_products_out",
    "list_rule_changes",
    "measure_market",
    "propose_responses",
    "rank_search_terms",
    "read_market",
    "sum_up_market",
]
