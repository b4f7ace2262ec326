"""Who are the customers, and what are they worth?"""

from ecops_lib.customers.cohorts import compare_cohorts
from ecops_lib.customers.gaps import time_between
from ecops_lib.customers.lapsed import find_lapsed
from ecops_lib.customers.purchases import (
    count_histories,
    count_purchases,
    sum_cohorts,
    sum_purchases,
)
from ecops_lib.customers.repurchase import compare_repurchase
from ecops_lib.customers.survival import follow_survival

__all__ = [
    "compare_cohorts",
    "compare_repurchase",
    "count_histories",
    "count_purchases",
    "find_lapsed",
    "follow_survival",
    "sum_cohorts",
    "sum_purchases",
    "time_between",
]
