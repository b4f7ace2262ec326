"""Sizes, power and effects against statsmodels, R's help pages, Dunnett's table, simulation."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.power import (
    dunnett_level,
    mean_effect,
    mean_power,
    mean_size,
    non_inferiority_size,
    share_effect,
    share_power,
    share_size,
)


@cache
def _cases(shared: Path, name: str) -> dict[str, dict[str, Any]]:
    held = json.loads((shared.parent / "cases" / name).read_text(encoding="utf-8"))
    return {case["id"]: case for case in held["cases"]}


@pytest.mark.realdata
def test_sizes_of_the_reference_cases(shared: Path) -> None:
    """statsmodels and SciPy; "evanmiller" is the formula of a common web calculator."""
    names = {
        "n_pooled": "pooled",
        "n_unpooled": "unpooled",
        "n_arcsine": "arcsine",
        "n_evanmiller": "control",
        "n_statsmodels_2indep": "pooled",
    }
    checked = 0
    for name, case in _cases(shared, "ab_statsmodels.json").items():
        given, wanted, near = case["inputs"], case["expected"], case["tolerance"]
        if name.startswith("n_prop"):
            levels = {"alpha": given["alpha"], "power": given["power"], "sides": given["sides"]}
            for figure, method in names.items():
                found = share_size(given["p1"], given["p2"], method=method, **levels)
                assert found == pytest.approx(wanted[figure], abs=near), (name, figure)
        elif name.startswith("n_t_"):
            for figure, reference in (("n_t", "t"), ("n_z", "z")):
                found = mean_size(
                    given["delta"],
                    given["sd"],
                    alpha=given["alpha"],
                    power=given["power"],
                    reference=reference,
                )
                assert found == pytest.approx(wanted[figure], abs=near), (name, figure)
        elif name.startswith("power_t"):
            found = mean_power(given["n"], given["delta"], given["sd"], alpha=given["alpha"])
            assert found == pytest.approx(wanted["power"], abs=near)
        elif name.startswith("power_prop"):
            found = share_power(given["n"], given["p1"], given["p2"], alpha=given["alpha"])
            assert found == pytest.approx(wanted["power_pooled"], abs=near)
        elif name.startswith("mde"):
            ratio = given["n_treatment"] / given["n_control"]
            for figure, reference in (("mde_t", "t"), ("mde_z", "z")):
                found = mean_effect(
                    given["n_control"],
                    given["sd"],
                    alpha=given["alpha"],
                    power=given["power"],
                    ratio=ratio,
                    reference=reference,
                )
                assert found == pytest.approx(wanted[figure], abs=near), (name, figure)
        else:
            continue
        checked += 1
    assert checked == 10


@pytest.mark.realdata
@pytest.mark.parametrize("release", ["1.14.0", "2.0.0"])
def test_power_of_tea_tasting(shared: Path, release: str) -> None:
    """tea-tasting's Mean("revenue", "revenue_covariate").solve_power on all users."""
    import pandas as pd

    table = pd.read_csv(shared.parent / "cases" / f"tea_users_data_seed42_cov_{release}.csv")
    mean = table["revenue"].mean()
    explained = table["revenue"].corr(table["revenue_covariate"]) ** 2
    sd = table["revenue"].std() * math.sqrt(1 - explained)
    checked = 0
    for name, case in _cases(shared, f"ab_tea_tasting_{release}.json").items():
        if not name.startswith("tea_power"):
            continue
        for held in map(dict, case["expected"]):
            if "n_obs" in case["inputs"]:
                found = mean_effect(held["n_obs"] / 2, sd, power=held["power"])
                assert found == pytest.approx(held["effect_size"], abs=case["tolerance"])
                assert found / mean == pytest.approx(held["rel_effect_size"], abs=1e-6)
            else:
                found = 2 * mean_size(held["effect_size"], sd, power=held["power"])
                assert math.ceil(found) == held["n_obs"]
            checked += 1
    assert checked == 3


def test_sizes_of_r_help_pages() -> None:
    """?power.prop.test and ?power.t.test."""
    assert share_size(0.5, 0.75, power=0.9) == pytest.approx(76.7, abs=0.05)
    assert share_power(50, 0.5, 0.75) == pytest.approx(0.740, abs=5e-4)
    assert mean_size(1.0, 1.0, power=0.9) == pytest.approx(22.021, abs=1e-3)
    assert mean_power(20, 1.0, 1.0) == pytest.approx(0.8689528, abs=1e-6)


@pytest.mark.parametrize(("treatments", "limit"), [(1, 1.96), (2, 2.21), (3, 2.35), (5, 2.51)])
def test_levels_of_dunnett(treatments: int, limit: float) -> None:
    """Dunnett 1964, table of two-sided 5 % limits for infinite degrees, equal groups."""
    level = dunnett_level([1.0] * (treatments + 1))
    assert -ndtri(level / 2) == pytest.approx(limit, abs=5e-3)
    assert 0.05 / treatments <= level + 1e-9, "Bonferroni's is never the larger"


def test_dunnett_for_uneven_groups_is_what_simulation_gives() -> None:
    shares = np.array([0.5, 0.3, 0.2])
    limit = -ndtri(dunnett_level(list(shares)) / 2)
    rng = np.random.default_rng(6)
    noise = rng.normal(size=(400_000, 3)) / np.sqrt(shares)
    z = (noise[:, 1:] - noise[:, :1]) / np.sqrt(1 / shares[0] + 1 / shares[1:])
    assert (np.abs(z).max(axis=1) > limit).mean() == pytest.approx(0.05, abs=0.0015)


@pytest.mark.parametrize("method", ["pooled", "unpooled", "arcsine", "control"])
@pytest.mark.parametrize("ratio", [0.25, 1.0, 3.0])
def test_size_power_and_effect_of_shares_agree(method: Any, ratio: float) -> None:
    n = share_size(0.04, 0.05, ratio=ratio, method=method, power=0.87)
    assert share_power(n, 0.04, 0.05, ratio=ratio, method=method) == pytest.approx(0.87)
    gap = share_effect(n, 0.04, ratio=ratio, method=method, power=0.87)
    assert gap == pytest.approx(0.01, abs=1e-9)


@pytest.mark.parametrize("reference", ["t", "z"])
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("ratio", [0.25, 1.0, 3.0])
def test_size_power_and_effect_of_means_agree(reference: Any, sides: Any, ratio: float) -> None:
    given = {"ratio": ratio, "reference": reference, "sides": sides}
    n = mean_size(0.3, 2.0, power=0.9, **given)
    assert mean_power(n, 0.3, 2.0, **given) == pytest.approx(0.9)
    assert mean_effect(n, 2.0, power=0.9, **given) == pytest.approx(0.3)


def test_power_is_what_simulated_tests_reach() -> None:
    rng = np.random.default_rng(7)
    n, ratio = 300, 2.0
    first = rng.binomial(n, 0.10, 20_000) / n
    second = rng.binomial(int(n * ratio), 0.16, 20_000) / (n * ratio)
    mean = (first + ratio * second) / (1 + ratio)
    z = (second - first) / np.sqrt(mean * (1 - mean) * (1 / n + 1 / (n * ratio)))
    found = (z > ndtri(0.975)).mean()
    assert share_power(n, 0.10, 0.16, ratio=ratio) == pytest.approx(found, abs=0.02)


def test_non_inferiority_is_the_closed_form_and_what_simulation_reaches() -> None:
    """Chow et al. 2018, section 4.2.2: (z + z)²(p₁q₁ + p₂q₂) ÷ (ε − δ)²."""
    p = 0.65
    n = non_inferiority_size(0.10, (p * (1 - p),) * 2, effect=0.0, alpha=0.05, power=0.8)
    assert n == pytest.approx((1.959964 + 0.841621) ** 2 * 2 * p * (1 - p) / 0.01, rel=1e-6)
    rng = np.random.default_rng(8)
    size = math.ceil(n)
    x, y = (rng.binomial(size, p, 20_000) / size for _ in range(2))
    low = y - x - 1.959964 * np.sqrt((x * (1 - x) + y * (1 - y)) / size)
    assert (low > -0.10).mean() == pytest.approx(0.8, abs=0.015)


def test_edges() -> None:
    assert math.isinf(share_size(0.1, 0.1))
    assert math.isinf(mean_size(0.0, 1.0))
    assert math.isinf(non_inferiority_size(0.01, (1.0, 1.0), effect=-0.02))
    assert math.isnan(share_effect(3, 0.5))
    assert math.isnan(mean_power(1, 1.0, 1.0))
    assert mean_size(1e-4, 1.0) == pytest.approx(2 * (ndtri(0.975) + ndtri(0.8)) ** 2 * 1e8)
    assert mean_size(9.0, 1.0) < 3


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, math.nan])
def test_impossible_levels_are_refused(value: float) -> None:
    for call in (
        lambda: share_size(0.1, 0.2, alpha=value),
        lambda: mean_size(1.0, 1.0, power=value),
        lambda: dunnett_level([0.5, 0.5], alpha=value),
    ):
        with pytest.raises(ParameterError):
            call()
    with pytest.raises(ParameterError):
        share_size(1.2, 0.5)
    with pytest.raises(ParameterError):
        mean_power(10, 1.0, math.nan)
