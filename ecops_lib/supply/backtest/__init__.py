"""How good was the forecast, and what would ordering by it have cost?"""

from ecops_lib.supply.backtest.board import Backtest
from ecops_lib.supply.backtest.folds import cut_folds, seasonal_naive
from ecops_lib.supply.backtest.ledger import Replay
from ecops_lib.supply.backtest.replay import UnitCosts, replay_orders
from ecops_lib.supply.backtest.rolling import backtest_forecasts
from ecops_lib.supply.backtest.scoring import MethodScores, Scores

__all__ = [
    "Backtest",
    "MethodScores",
    "Replay",
    "Scores",
    "UnitCosts",
    "backtest_forecasts",
    "cut_folds",
    "replay_orders",
    "seasonal_naive",
]
