"""Did the ads pay, and where should the money go?"""

from ecops_lib.campaigns.ads.ad_returns import AdReturns
from ecops_lib.campaigns.ads.returns import measure_ads

__all__ = ["AdReturns", "measure_ads"]
