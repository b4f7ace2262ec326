"""How did the campaign go?"""

from ecops_lib.campaigns.retro.goals import Goals, compare_goals
from ecops_lib.campaigns.retro.loyalty import NewCustomers, compare_newcomers

__all__ = ["Goals", "NewCustomers", "compare_goals", "compare_newcomers"]
