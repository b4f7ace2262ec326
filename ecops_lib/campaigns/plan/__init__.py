"""What must each day bring, and does the plan fit together?"""

from ecops_lib.campaigns.plan.check import PlanCheck, check_plan
from ecops_lib.campaigns.plan.targets import DailyTargets, break_down_targets

__all__ = ["DailyTargets", "PlanCheck", "break_down_targets", "check_plan"]
