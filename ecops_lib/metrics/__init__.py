"""What happened? Metrics, how they are computed, and how they moved."""

from __future__ import annotations

from ecops_lib.metrics.measuring import Measures, measure
from ecops_lib.metrics.registry import Metric, add_up, all_metrics, metric_named

__all__ = ["Measures", "Metric", "add_up", "all_metrics", "measure", "metric_named"]
