"""How did the campaign go?"""

from ecops_lib.campaigns.retro.breakdowns import (
    Breakdown,
    compare_buyers,
    compare_channels,
    compare_products,
    compare_regions,
)
from ecops_lib.campaigns.retro.funnel import PhaseFunnel, trace_funnel
from ecops_lib.campaigns.retro.goals import Goals, compare_goals
from ecops_lib.campaigns.retro.loyalty import NewCustomers, compare_newcomers
from ecops_lib.campaigns.retro.tactics import Tactics, weigh_tactics
from ecops_lib.campaigns.retro.troubles import Troubles, cost_troubles

__all__ = [
    "Breakdown",
    "Goals",
    "NewCustomers",
    "PhaseFunnel",
    "Tactics",
    "Troubles",
    "compare_buyers",
    "compare_channels",
    "compare_goals",
    "compare_newcomers",
    "compare_products",
    "compare_regions",
    "cost_troubles",
    "trace_funnel",
    "weigh_tactics",
]
