"""What would have come without the campaign?"""

from ecops_lib.campaigns.lift.estimate import estimate_lift
from ecops_lib.campaigns.lift.panel import LiftPanel
from ecops_lib.campaigns.lift.randomised import measure_arms
from ecops_lib.campaigns.lift.result import Lift

__all__ = ["Lift", "LiftPanel", "estimate_lift", "measure_arms"]
