"""May the effect be read at all? Checks of a test before any result."""

from ecops_lib.experiments.health.check import Check, CheckLevel
from ecops_lib.experiments.health.checking import check_cells, check_health
from ecops_lib.experiments.health.outliers import find_largest
from ecops_lib.experiments.health.sample_ratio import compare_split
from ecops_lib.experiments.health.summary import Health

__all__ = [
    "Check",
    "CheckLevel",
    "Health",
    "check_cells",
    "check_health",
    "compare_split",
    "find_largest",
]
