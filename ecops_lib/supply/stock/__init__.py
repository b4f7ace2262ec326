"""What lies in stock: states, classes, turnover, idle goods, what runs out."""

from ecops_lib.supply.stock.classes import classify_stock
from ecops_lib.supply.stock.clearance import propose_clearance
from ecops_lib.supply.stock.idle import find_idle_stock
from ecops_lib.supply.stock.oversell import find_oversell
from ecops_lib.supply.stock.selling import measure_sell_through
from ecops_lib.supply.stock.snapshot import find_stock_trouble
from ecops_lib.supply.stock.stockouts import forecast_stockouts
from ecops_lib.supply.stock.turnover import measure_turnover

__all__ = [
    "classify_stock",
    "find_idle_stock",
    "find_oversell",
    "find_stock_trouble",
    "forecast_stockouts",
    "measure_sell_through",
    "measure_turnover",
    "propose_clearance",
]
