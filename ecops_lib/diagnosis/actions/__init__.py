"""What to do, kept: findings become tasks, people close them, and the figures judge them."""

from ecops_lib.diagnosis.actions.followed import Followed
from ecops_lib.diagnosis.actions.keeping import Kept, close_action, due_day, keep_actions
from ecops_lib.diagnosis.actions.kept import KeptAction, read_actions
from ecops_lib.diagnosis.actions.measuring import measure_actions
from ecops_lib.diagnosis.actions.results import ActionResults

__all__ = [
    "ActionResults",
    "Followed",
    "Kept",
    "KeptAction",
    "close_action",
    "due_day",
    "keep_actions",
    "measure_actions",
    "read_actions",
]
