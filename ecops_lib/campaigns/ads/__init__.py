"""Did the ads pay, and where should the money go?"""

from ecops_lib.campaigns.ads.ad_returns import AdReturns
from ecops_lib.campaigns.ads.budget import Reallocation, reallocate_budget
from ecops_lib.campaigns.ads.creator_ratings import CreatorRatings
from ecops_lib.campaigns.ads.creators import rate_creators
from ecops_lib.campaigns.ads.keyword_ratings import KeywordRatings
from ecops_lib.campaigns.ads.keywords import rate_keywords
from ecops_lib.campaigns.ads.response import fit_response
from ecops_lib.campaigns.ads.responses import Responses
from ecops_lib.campaigns.ads.returns import measure_ads

__all__ = [
    "AdReturns",
    "CreatorRatings",
    "KeywordRatings",
    "Reallocation",
    "Responses",
    "fit_response",
    "measure_ads",
    "rate_creators",
    "rate_keywords",
    "reallocate_budget",
]
