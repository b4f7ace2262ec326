"""Is the running campaign on its way, and where will it end?"""

from ecops_lib.campaigns.pacing.closing import Closing, Windows, forecast_close
from ecops_lib.campaigns.pacing.following import follow_campaign
from ecops_lib.campaigns.pacing.pace import Pace

__all__ = ["Closing", "Pace", "Windows", "follow_campaign", "forecast_close"]
