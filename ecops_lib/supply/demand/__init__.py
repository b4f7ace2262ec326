"""What will be asked for: units by SKU and day, with what empty shelves hid."""

from ecops_lib.supply.demand.building import build_demand
from ecops_lib.supply.demand.censoring import estimate_demand
from ecops_lib.supply.demand.classes import classify_demand, measure_intermittency

__all__ = ["build_demand", "classify_demand", "estimate_demand", "measure_intermittency"]
