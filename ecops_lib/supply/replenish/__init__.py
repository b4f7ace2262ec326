"""What to order: from the distribution of demand over a random lead time."""

from ecops_lib.supply.replenish.proposal import OrderProposal
from ecops_lib.supply.replenish.proposing import plan_horizon, propose_orders
from ecops_lib.supply.replenish.rules import OrderRules, Season

__all__ = ["OrderProposal", "OrderRules", "Season", "plan_horizon", "propose_orders"]
