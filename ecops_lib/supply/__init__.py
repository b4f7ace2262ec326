"""What to ship and what to order?"""

from ecops_lib.supply.backtest import backtest_forecasts, replay_orders
from ecops_lib.supply.demand import build_demand
from ecops_lib.supply.forecast.coherence import reconcile_forecasts
from ecops_lib.supply.forecast.lens import inspect_series
from ecops_lib.supply.forecast.newcomers import forecast_newcomers
from ecops_lib.supply.forecast.spread import spread_forecast
from ecops_lib.supply.fulfilment import find_waiting
from ecops_lib.supply.replenish import (
    OrderRules,
    Season,
    judge_proposals,
    keep_proposal,
    plan_horizon,
    propose_orders,
    simulate_proposal,
    write_orders,
)
from ecops_lib.supply.stock.snapshot import find_stock_trouble
from ecops_lib.supply.suppliers import rate_suppliers

__all__ = [
    "OrderRules",
    "Season",
    "backtest_forecasts",
    "build_demand",
    "find_stock_trouble",
    "find_waiting",
    "forecast_newcomers",
    "inspect_series",
    "judge_proposals",
    "keep_proposal",
    "plan_horizon",
    "propose_orders",
    "rate_suppliers",
    "reconcile_forecasts",
    "replay_orders",
    "simulate_proposal",
    "spread_forecast",
    "write_orders",
]
