"""Who carries well, and who should?"""

from ecops_lib.supply.logistics.measuring import measure_carriers
from ecops_lib.supply.logistics.survival import estimate_survival

__all__ = ["estimate_survival", "measure_carriers"]
