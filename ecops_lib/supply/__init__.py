"""What to ship and what to order?"""

from ecops_lib.supply.fulfilment import find_waiting
from ecops_lib.supply.snapshot import find_stock_trouble

__all__ = ["find_stock_trouble", "find_waiting"]
