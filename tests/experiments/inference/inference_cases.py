"""Reading the peers' figures, and the data they were computed on."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric

Z = 1.959963984540054


@cache
def read_cases(folder: Path, name: str) -> dict[str, dict[str, Any]]:
    held = json.loads((folder.parent / "cases" / name).read_text(encoding="utf-8"))
    return {case["id"]: case for case in held["cases"]}


@cache
def hillstrom(folder: Path) -> dict[str, Moments]:
    import pandas as pd

    columns = ["spend", "visit", "conversion", "recency", "history"]
    table = pd.read_parquet(folder / "hillstrom" / "customers.parquet")
    return {
        str(name): Moments.of_values(columns, held[columns].to_numpy(float))
        for name, held in table.groupby("segment")
    }


@cache
def users(folder: Path, name: str) -> tuple[Moments, Moments]:
    import pandas as pd

    table = pd.read_csv(folder.parent / "cases" / name)
    columns = [column for column in table.columns if column not in {"user", "variant"}]
    first, second = (
        Moments.of_values(columns, table.loc[table["variant"] == each, columns].to_numpy(float))
        for each in (0, 1)
    )
    return first, second


def metric(numerator: str, denominator: str = "") -> ExperimentMetric:
    return ExperimentMetric(
        key=numerator, label=numerator, numerator=numerator, denominator=denominator
    )


def close(value: float, expected: float, tolerance: float) -> bool:
    """Within the case's tolerance, relative to the figure, so that a tiny p counts, too."""
    return value == pytest.approx(expected, rel=tolerance, abs=1e-15)


def one_column(summary: dict[str, float], group: str) -> Moments:
    return Moments.of_sums(
        ["x"],
        int(summary[f"n_{group}"]),
        [summary[f"sum_{group}"]],
        [[summary[f"sumsq_{group}"]]],
    )
