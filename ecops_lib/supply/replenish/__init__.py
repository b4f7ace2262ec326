"""What to order: from the distribution of demand over a random lead time."""

from ecops_lib.supply.replenish.judging import judge_proposals
from ecops_lib.supply.replenish.keeping import keep_proposal
from ecops_lib.supply.replenish.proposing import plan_horizon, propose_orders
from ecops_lib.supply.replenish.rules import OrderRules, Season
from ecops_lib.supply.replenish.simulating import simulate_proposal
from ecops_lib.supply.replenish.workbook import write_orders

__all__ = [
    "OrderRules",
    "Season",
    "judge_proposals",
    "keep_proposal",
    "plan_horizon",
    "propose_orders",
    "simulate_proposal",
    "write_orders",
]
