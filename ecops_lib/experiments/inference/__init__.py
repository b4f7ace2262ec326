"""Effects with their intervals and p-values, for a test that is read once."""

from ecops_lib.experiments.inference.compare import compare
from ecops_lib.experiments.inference.means import compare_means
from ecops_lib.experiments.inference.proportions import Counts, compare_proportions

__all__ = ["Counts", "compare", "compare_means", "compare_proportions"]
