"""Is the running campaign on its way, where will it end, and what is to be changed now?"""

from ecops_lib.campaigns.pacing.alarms import Alarms, find_alarms
from ecops_lib.campaigns.pacing.changes import BestSellers, Changes, list_changes, rank_sellers
from ecops_lib.campaigns.pacing.closing import Closing, Windows, forecast_close
from ecops_lib.campaigns.pacing.following import follow_campaign
from ecops_lib.campaigns.pacing.live import live_day, live_moment
from ecops_lib.campaigns.pacing.pace import Pace
from ecops_lib.campaigns.pacing.run_outs import RunOuts, find_run_outs

__all__ = [
    "Alarms",
    "BestSellers",
    "Changes",
    "Closing",
    "Pace",
    "RunOuts",
    "Windows",
    "find_alarms",
    "find_run_outs",
    "follow_campaign",
    "forecast_close",
    "list_changes",
    "live_day",
    "live_moment",
    "rank_sellers",
]
