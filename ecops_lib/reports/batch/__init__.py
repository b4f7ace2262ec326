"""Many reports at once: the plan, the engine, the runs."""

from ecops_lib.reports.batch.making import Limits, failed_reports, run_batch
from ecops_lib.reports.batch.overview import write_runs
from ecops_lib.reports.batch.plan import Plan, Task, check_plan, matrix_plan, read_plan
from ecops_lib.reports.batch.runs import Run, list_runs, prune_runs

__all__ = [
    "Limits",
    "Plan",
    "Run",
    "Task",
    "check_plan",
    "failed_reports",
    "list_runs",
    "matrix_plan",
    "prune_runs",
    "read_plan",
    "run_batch",
    "write_runs",
]
