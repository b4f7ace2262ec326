"""What to ship and what to order?"""

from ecops_lib.supply.backtest import backtest_forecasts, replay_orders
from ecops_lib.supply.demand import build_demand
from ecops_lib.supply.forecast.coherence import reconcile_forecasts
from ecops_lib.supply.forecast.lens import inspect_series
from ecops_lib.supply.forecast.newcomers import forecast_newcomers
from ecops_lib.supply.forecast.spread import spread_forecast
from ecops_lib.supply.fulfilment import find_waiting
from ecops_lib.supply.logistics import choose_carriers, measure_carriers, measure_promises
from ecops_lib.supply.purchasing import (
    find_arrival_gaps,
    follow_purchases,
    measure_stage_delays,
)
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
from ecops_lib.supply.stock import (
    classify_stock,
    find_idle_stock,
    find_oversell,
    find_stock_trouble,
    forecast_stockouts,
    measure_sell_through,
    measure_turnover,
    propose_clearance,
)
from ecops_lib.supply.suppliers import rate_suppliers

__all__ = [
    "OrderRules",
    "Season",
    "backtest_forecasts",
    "build_demand",
    "choose_carriers",
    "classify_stock",
    "find_arrival_gaps",
    "find_idle_stock",
    "find_oversell",
    "find_stock_trouble",
    "find_waiting",
    "follow_purchases",
    "forecast_newcomers",
    "forecast_stockouts",
    "inspect_series",
    "judge_proposals",
    "keep_proposal",
    "measure_carriers",
    "measure_promises",
    "measure_sell_through",
    "measure_stage_delays",
    "measure_turnover",
    "plan_horizon",
    "propose_clearance",
    "propose_orders",
    "rate_suppliers",
    "reconcile_forecasts",
    "replay_orders",
    "simulate_proposal",
    "spread_forecast",
    "write_orders",
]
