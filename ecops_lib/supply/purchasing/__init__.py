"""What is ordered and not here yet: its stage, its arrival, and what runs out before."""

from ecops_lib.supply.purchasing.delays import measure_stage_delays
from ecops_lib.supply.purchasing.gaps import find_arrival_gaps
from ecops_lib.supply.purchasing.progress import follow_purchases

__all__ = ["find_arrival_gaps", "follow_purchases", "measure_stage_delays"]
