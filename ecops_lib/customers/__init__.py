"""Who are the customers, and what are they worth?"""

from ecops_lib.customers.purchases import (
    count_histories,
    count_purchases,
    sum_cohorts,
    sum_purchases,
)

__all__ = ["count_histories", "count_purchases", "sum_cohorts", "sum_purchases"]
