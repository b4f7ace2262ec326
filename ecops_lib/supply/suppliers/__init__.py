"""Who delivers well?"""

from ecops_lib.supply.suppliers.rating import rate_suppliers
from ecops_lib.supply.suppliers.shrinkage import shrink_rates

__all__ = ["rate_suppliers", "shrink_rates"]
