"""Effects with their intervals and p-values, for a test that is read once."""

from ecops_lib.experiments.inference.adjustment import Adjusted, adjust, estimate_theta
from ecops_lib.experiments.inference.bounds import MarginTest, equivalence, non_inferiority
from ecops_lib.experiments.inference.clusters import compare_clusters
from ecops_lib.experiments.inference.compare import compare, estimates
from ecops_lib.experiments.inference.counts import Counts, share_interval
from ecops_lib.experiments.inference.means import compare_means
from ecops_lib.experiments.inference.multiple import (
    Multiplicity,
    adjust_p_values,
    correct_multiplicity,
    interval_at,
)
from ecops_lib.experiments.inference.proportions import (
    compare_proportions,
    difference_interval,
    pooled_z,
    proportion_p_value,
)
from ecops_lib.experiments.inference.quantiles import Distribution, compare_quantiles
from ecops_lib.experiments.inference.relative import (
    FiellerSet,
    Pair,
    delta_standard_error,
    fieller_set,
    relative_interval,
)
from ecops_lib.experiments.inference.resampling import (
    BootstrapCheck,
    Winsorised,
    check_by_bootstrap,
    winsorise,
)
from ecops_lib.experiments.inference.segments import Heterogeneity, cochran_q, compare_segments
from ecops_lib.experiments.inference.switchback import Cell, Switchback, compare_switchback

__all__ = [
    "Adjusted",
    "BootstrapCheck",
    "Cell",
    "Counts",
    "Distribution",
    "FiellerSet",
    "Heterogeneity",
    "MarginTest",
    "Multiplicity",
    "Pair",
    "Switchback",
    "Winsorised",
    "adjust",
    "adjust_p_values",
    "check_by_bootstrap",
    "cochran_q",
    "compare",
    "compare_clusters",
    "compare_means",
    "compare_proportions",
    "compare_quantiles",
    "compare_segments",
    "compare_switchback",
    "correct_multiplicity",
    "delta_standard_error",
    "difference_interval",
    "equivalence",
    "estimate_theta",
    "estimates",
    "fieller_set",
    "interval_at",
    "non_inferiority",
    "pooled_z",
    "proportion_p_value",
    "relative_interval",
    "share_interval",
    "winsorise",
]
