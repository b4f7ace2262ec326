"""The peers' figures with their data, and a small world of visitors."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric

Z = 1.959963984540054
COLUMNS = ("paid_amount", "orders", "previous_amount", "previous_orders")


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


def shop(rng: np.random.Generator, n: int, *, lift: float = 1.0) -> np.ndarray:
    """Heavy-tailed spend of visitors, most of whom buy nothing, with what they bought before."""
    taste = rng.gamma(1.0, 1.0, n)
    before = rng.poisson(taste)
    past = before * rng.lognormal(3, 0.5, n)
    orders = rng.poisson(0.6 * taste)
    paid = orders * rng.lognormal(3, 0.5, n) * lift
    return np.column_stack([paid, orders, past, before]).astype(float)


def moments(values: np.ndarray) -> Moments:
    return Moments.of_values(COLUMNS, values)
