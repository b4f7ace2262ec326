"""What must each day bring, with which products, and does the plan fit together?"""

from ecops_lib.campaigns.plan.check import PlanCheck, check_plan
from ecops_lib.campaigns.plan.products import ProductMatrix, plan_products
from ecops_lib.campaigns.plan.targets import (
    DailyTargets,
    HourlyTargets,
    break_down_hours,
    break_down_targets,
)

__all__ = [
    "DailyTargets",
    "HourlyTargets",
    "PlanCheck",
    "ProductMatrix",
    "break_down_hours",
    "break_down_targets",
    "check_plan",
    "plan_products",
]
