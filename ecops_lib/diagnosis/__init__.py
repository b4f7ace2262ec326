"""Why did it happen? The change split, what moved, and what the data show around it."""

from ecops_lib.diagnosis.actions import keep_actions, measure_actions, read_actions
from ecops_lib.diagnosis.claims import find_claim_waves
from ecops_lib.diagnosis.decompose import split_amount
from ecops_lib.diagnosis.falls import find_conversion_shifts, find_traffic_shifts
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.levels import find_unusual_totals
from ecops_lib.diagnosis.limits import list_limits
from ecops_lib.diagnosis.movers import find_movers
from ecops_lib.diagnosis.review import review_day
from ecops_lib.diagnosis.search.slices import find_slices
from ecops_lib.diagnosis.tasks import follow_tasks

__all__ = [
    "History",
    "find_claim_waves",
    "find_conversion_shifts",
    "find_movers",
    "find_slices",
    "find_traffic_shifts",
    "find_unusual_totals",
    "follow_tasks",
    "keep_actions",
    "list_limits",
    "measure_actions",
    "read_actions",
    "review_day",
    "split_amount",
]
