"""Did the test pay? From the plan of an A/B test to a decision that its numbers bear."""

from ecops_lib.experiments.experiment import Experiment
from ecops_lib.experiments.memo import Memo
from ecops_lib.experiments.past import read_past
from ecops_lib.experiments.plans import list_tests, read_plan
from ecops_lib.experiments.readout import read_out
from ecops_lib.experiments.sections import (
    check_resampled,
    compare_metrics,
    follow_looks,
    split_segments,
    weigh_beliefs,
)

__all__ = [
    "Experiment",
    "Memo",
    "check_resampled",
    "compare_metrics",
    "follow_looks",
    "list_tests",
    "read_out",
    "read_past",
    "read_plan",
    "split_segments",
    "weigh_beliefs",
]
