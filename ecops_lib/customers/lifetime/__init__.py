"""How often will customers buy again, and what is that worth?"""

from ecops_lib.customers.lifetime.ages import value_ages
from ecops_lib.customers.lifetime.fit import fit_histories, fit_lifetime
from ecops_lib.customers.lifetime.forecast import forecast_total, measure_drift
from ecops_lib.customers.lifetime.holdout import check_holdout
from ecops_lib.customers.lifetime.segments import fit_segments
from ecops_lib.customers.lifetime.spend import fit_spend
from ecops_lib.customers.lifetime.value import value_customers

__all__ = [
    "check_holdout",
    "fit_histories",
    "fit_lifetime",
    "fit_segments",
    "fit_spend",
    "forecast_total",
    "measure_drift",
    "value_ages",
    "value_customers",
]
