"""Figures that tea-tasting gives on the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inference_cases import close, hillstrom, metric, read_cases, users

from ecops_lib.experiments.effects import Effect
from ecops_lib.experiments.inference import (
    Counts,
    adjust_p_values,
    compare_means,
    compare_proportions,
)
from ecops_lib.experiments.inference.multiple import levels

pytestmark = pytest.mark.realdata

TEA = ["1.14.0", "2.0.0"]


def assert_as_in_tea_tasting(effect: Effect, case: dict[str, Any]) -> None:
    ours = {
        "control": effect.control,
        "treatment": effect.treatment,
        "effect_size": effect.difference.value,
        "effect_size_ci_lower": effect.difference.low,
        "effect_size_ci_upper": effect.difference.high,
        "rel_effect_size": effect.relative.value,
        "rel_effect_size_ci_lower": effect.relative.low,
        "rel_effect_size_ci_upper": effect.relative.high,
        "pvalue": effect.p_value,
        "statistic": effect.statistic,
    }
    for key, value in case["expected"].items():
        assert close(ours[key], value, case["tolerance"]), (case["id"], key)


@pytest.mark.parametrize("version", TEA)
@pytest.mark.parametrize(
    ("name", "numerator", "denominator", "options"),
    [
        ("visit", "visit", "", {}),
        ("spend", "spend", "", {}),
        ("spend_z", "spend", "", {"reference": "normal"}),
        ("spend_per_visit", "spend", "visit", {}),
        ("spend_cuped", "spend", "", {"covariates": ("history",), "base": "adjusted"}),
        (
            "spend_per_visit_cuped",
            "spend",
            "visit",
            {"covariates": (("history", "recency"),), "base": "adjusted"},
        ),
    ],
)
def test_hillstrom_as_in_tea_tasting(
    shared: Path, version: str, name: str, numerator: str, denominator: str, options: dict[str, Any]
) -> None:
    case = read_cases(shared, f"ab_tea_tasting_{version}.json")[f"tea_hillstrom_mens_{name}"]
    control, treatment = (hillstrom(shared)[group] for group in ("No E-Mail", "Mens E-Mail"))
    chosen = metric(numerator, denominator)
    effect = compare_means(control, treatment, metric=chosen, relative="log", **options)
    assert_as_in_tea_tasting(effect, case)


@pytest.mark.parametrize("version", TEA)
def test_shares_as_in_tea_tasting(shared: Path, version: str) -> None:
    case = read_cases(shared, f"ab_tea_tasting_{version}.json")["tea_hillstrom_mens_visit_prop"]
    counts = [Counts.of(hillstrom(shared)[g], "visit") for g in ("No E-Mail", "Mens E-Mail")]
    effect = compare_proportions(*counts, relative="log", limits="pooled", continuity=True)
    assert_as_in_tea_tasting(effect, case)


@pytest.mark.parametrize("version", TEA)
@pytest.mark.parametrize(
    ("name", "numerator", "denominator", "covariates"),
    [
        ("sessions_per_user", "sessions", "", ()),
        ("orders_per_session", "orders", "sessions", ()),
        ("orders_per_user", "orders", "", ()),
        ("revenue_per_user", "revenue", "", ()),
        (
            "orders_per_session_cuped",
            "orders",
            "sessions",
            (("orders_covariate", "sessions_covariate"),),
        ),
        ("orders_cuped", "orders", "", ("orders_covariate",)),
    ],
)
def test_users_as_in_tea_tasting(
    shared: Path, version: str, name: str, numerator: str, denominator: str, covariates: Any
) -> None:
    case = read_cases(shared, f"ab_tea_tasting_{version}.json")[f"tea_users42_{name}"]
    control, treatment = users(shared, f"tea_users_data_seed42_cov_{version}.csv")
    effect = compare_means(
        control,
        treatment,
        metric=metric(numerator, denominator),
        covariates=covariates,
        relative="log",
        base="adjusted",
    )
    assert_as_in_tea_tasting(effect, case)


@pytest.mark.parametrize("version", TEA)
@pytest.mark.parametrize(
    ("case_id", "method"),
    [
        ("tea_adjust_fdr_arb", "benjamini-hochberg"),
        ("tea_adjust_fdr_indep", "benjamini-hochberg"),
        ("tea_adjust_fwer_arb", "hochberg-sidak"),
        ("tea_adjust_fwer_indep", "hochberg-sidak"),
    ],
)
def test_corrections_as_in_tea_tasting(
    shared: Path, version: str, case_id: str, method: Any
) -> None:
    case = read_cases(shared, f"ab_tea_tasting_{version}.json")[case_id]
    rows = []
    for items in case["expected"]:
        pairs = [item.strip("()").split(", ") for item in items]
        rows.append({key.strip("'"): value.strip("'") for key, value in pairs})
    control, treatment = users(shared, f"tea_users_data_seed42_cov_{version}.csv")
    metrics = {
        "a": metric("sessions"),
        "b": metric("orders"),
        "c": metric("revenue"),
        "d": metric("orders", "sessions"),
    }
    p_values = [
        compare_means(control, treatment, metric=metrics[row["metric"]]).p_value for row in rows
    ]
    adjusted = adjust_p_values(p_values, method=method)
    held = levels(p_values, method=method, alpha=0.05)
    assert adjusted == pytest.approx(
        [float(row["pvalue_adj"]) for row in rows], rel=case["tolerance"]
    )
    assert held == pytest.approx([float(row["alpha_adj"]) for row in rows], rel=case["tolerance"])
    assert [int(row["null_rejected"]) for row in rows] == list(np.asarray(adjusted <= 0.05, int))
