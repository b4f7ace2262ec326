"""What did the campaign really bring?"""

from ecops_lib.campaigns.effect.measured import measure_effect
from ecops_lib.campaigns.effect.result import CampaignEffect

__all__ = ["CampaignEffect", "measure_effect"]
