"""Who carries well, and who should?"""

from ecops_lib.supply.logistics.choosing import choose_carriers
from ecops_lib.supply.logistics.measuring import measure_carriers
from ecops_lib.supply.logistics.promising import measure_promises
from ecops_lib.supply.logistics.survival import estimate_survival

__all__ = ["choose_carriers", "estimate_survival", "measure_carriers", "measure_promises"]
