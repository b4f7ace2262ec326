"""Figures that statsmodels 0.15 and SciPy 1.17 give on the same data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from inference_cases import Z, close, hillstrom, metric, one_column, read_cases

from ecops_lib.experiments.inference import (
    Counts,
    adjust,
    adjust_p_values,
    compare_means,
    delta_standard_error,
    difference_interval,
    proportion_p_value,
    relative_interval,
    share_interval,
)
from ecops_lib.experiments.moments import Moments

pytestmark = pytest.mark.realdata


@pytest.mark.parametrize("case_id", ["3_15_9_15", "0_20_4_20", "56_70_48_80"])
def test_two_shares_as_in_statsmodels_and_scipy(shared: Path, case_id: str) -> None:
    case = read_cases(shared, "ab_statsmodels.json")[f"prop2_small_{case_id}"]
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    control = Counts(successes=given["x_control"], units=given["n_control"])
    treatment = Counts(successes=given["x_treatment"], units=given["n_treatment"])
    for method, name in (
        ("wald", "wald"),
        ("agresti-caffo", "agresti-caffo"),
        ("newcombe", "newcomb"),
    ):
        interval = difference_interval(control, treatment, method=method)  # type: ignore[arg-type]
        low, high = expected[f"ci95_diff_{name}"]
        assert close(interval.low, low, tolerance)
        assert close(interval.high, high, tolerance)
    for test in ("fisher", "barnard", "boschloo"):
        p_value = proportion_p_value(control, treatment, test=test)  # type: ignore[arg-type]
        assert p_value == pytest.approx(expected[f"p_{test}"], abs=tolerance)


def misprinted_limits(control: Counts, treatment: Counts) -> tuple[float, float]:
    """Score limits as in statsmodels up to 0.15, whose cubic holds x₀δ where n₀δ belongs.

    https://github.com/statsmodels/statsmodels/issues/10269
    """
    from scipy.optimize import brentq

    x0, n0, x1, n1 = control.successes, control.units, treatment.successes, treatment.units
    total, found = n0 + n1, x0 + x1

    def statistic(gap: float) -> float:
        square = ((n1 + 2 * n0) * gap - total - found) / (3 * total)
        line = ((x0 * gap - total - 2 * x0) * gap + found) / total
        bend = square**3 - line * square / 2 + x0 * gap * (1 - gap) / total / 2
        size = math.copysign(math.sqrt(square**2 - line / 3), bend)
        rate = 2 * size * math.cos((math.pi + math.acos(bend / size**3)) / 3) - square
        other = rate + gap
        variance = (other * (1 - other) / n1 + rate * (1 - rate) / n0) * total / (total - 1)
        return (treatment.rate - control.rate - gap) / math.sqrt(variance)

    value = treatment.rate - control.rate
    low = brentq(lambda gap: statistic(gap) - Z, value - 0.25, value - 0.05)
    high = brentq(lambda gap: statistic(gap) + Z, value + 0.05, value + 0.25)
    return float(low), float(high)


@pytest.mark.parametrize("case_id", ["0_20_4_20", "56_70_48_80"])
def test_the_score_interval_of_statsmodels_rests_on_a_misprint(shared: Path, case_id: str) -> None:
    case = read_cases(shared, "ab_statsmodels.json")[f"prop2_small_{case_id}"]
    given, expected = case["inputs"], case["expected"]["ci95_diff_score"]
    control = Counts(successes=given["x_control"], units=given["n_control"])
    treatment = Counts(successes=given["x_treatment"], units=given["n_treatment"])
    assert misprinted_limits(control, treatment) == pytest.approx(expected, abs=case["tolerance"])
    ours = difference_interval(control, treatment, method="miettinen-nurminen")
    assert ours.low == pytest.approx(expected[0], abs=5e-3)
    assert ours.high == pytest.approx(expected[1], abs=5e-3)
    assert max(abs(ours.low - expected[0]), abs(ours.high - expected[1])) > case["tolerance"]


@pytest.mark.parametrize("case_id", ["0_20", "15_148", "81_263", "1_29"])
def test_one_share_as_in_statsmodels(shared: Path, case_id: str) -> None:
    case = read_cases(shared, "ab_statsmodels.json")[f"prop1_ci_{case_id}"]
    counts = Counts(successes=case["inputs"]["x"], units=case["inputs"]["n"])
    for method, name in (
        ("wilson", "wilson"),
        ("beta", "beta"),
        ("jeffreys", "jeffreys"),
        ("agresti-coull", "agresti_coull"),
        ("wald", "normal"),
    ):
        interval = share_interval(counts, method=method)  # type: ignore[arg-type]
        held = (interval.low, interval.high)
        assert held == pytest.approx(case["expected"][name], abs=case["tolerance"])


@pytest.mark.parametrize("name", ["spend", "visit", "conversion"])
def test_welch_as_in_statsmodels(shared: Path, name: str) -> None:
    case = read_cases(shared, "ab_statsmodels.json")[f"welch_hillstrom_mens_{name}"]
    expected, tolerance = case["expected"], case["tolerance"]
    control, treatment = (
        one_column(case["inputs"]["summary"], group) for group in ("control", "treatment")
    )
    effect = compare_means(control, treatment, metric=metric("x"))
    pooled = compare_means(control, treatment, metric=metric("x"), reference="pooled")
    for value, key in (
        (effect.control, "mean_control"),
        (effect.treatment, "mean_treatment"),
        (effect.difference.value, "diff"),
        (effect.statistic, "t"),
        (effect.degrees, "df"),
        (effect.p_value, "p"),
        (pooled.statistic, "t_pooled"),
        (pooled.p_value, "p_pooled"),
    ):
        assert close(value, expected[key], tolerance), key
    assert close(effect.difference.low, expected["ci95"][0], tolerance)
    assert close(effect.difference.high, expected["ci95"][1], tolerance)


def test_three_relative_intervals_as_in_closed_form(shared: Path) -> None:
    case = read_cases(shared, "ab_statsmodels.json")["rel_lift_means_hillstrom_mens_spend"]
    control, treatment = (hillstrom(shared)[name] for name in ("No E-Mail", "Mens E-Mail"))
    pair = adjust(control, treatment, columns=("spend",)).pair
    expected, tolerance = case["expected"], case["tolerance"]
    assert close(pair.ratio, expected["ratio"], tolerance)
    assert close(delta_standard_error(pair), expected["se_delta"], tolerance)
    for method in ("fieller", "log", "delta"):
        interval = relative_interval(pair, method=method, quantile=Z)  # type: ignore[arg-type]
        held = (interval.low, interval.high)
        assert held == pytest.approx(expected[f"{method}_ci"], rel=tolerance)


@pytest.mark.parametrize("arm", ["mens", "womens"])
def test_ratio_as_in_closed_form(shared: Path, arm: str) -> None:
    case = read_cases(shared, "ab_statsmodels.json")[f"ratio_hillstrom_{arm}_spend_per_visit"]
    groups = []
    for name in ("sums_control", "sums_treatment"):
        s = case["inputs"][name]
        products = [[s["sxx"], s["sxy"]], [s["sxy"], s["syy"]]]
        groups.append(Moments.of_sums(["spend", "visit"], s["n"], [s["sx"], s["sy"]], products))
    expected, tolerance = case["expected"], case["tolerance"]
    ratio = metric("spend", "visit")
    effect = compare_means(*groups, metric=ratio, relative="delta")
    normal = compare_means(*groups, metric=ratio, relative="delta", reference="normal")
    held = adjust(*groups, columns=(("spend", "visit"),))
    for value, key in (
        (effect.control, "ratio_control"),
        (effect.treatment, "ratio_treatment"),
        (held.variances[0] * held.sizes[0], "delta_var_control"),
        (held.variances[1] * held.sizes[1], "delta_var_treatment"),
        (effect.difference.value, "diff"),
        (effect.standard_error, "se"),
        (effect.statistic, "z"),
        (normal.p_value, "p_normal"),
        (effect.degrees, "df_welch"),
        (effect.p_value, "p_t"),
        (effect.relative.value, "rel"),
        (delta_standard_error(held.pair), "rel_se_delta"),
    ):
        assert close(value, expected[key], tolerance), key
    for each, key in ((normal, "ci95_normal"), (effect, "ci95_t")):
        limits = (each.difference.low, each.difference.high)
        assert limits == pytest.approx(expected[key], rel=tolerance)


@pytest.mark.parametrize("theta", ["all", "within"])
def test_cuped_as_in_closed_form(shared: Path, theta: Any) -> None:
    case = read_cases(shared, "ab_statsmodels.json")["cuped_hillstrom_mens_visit_recency"]
    control, treatment = (hillstrom(shared)[name] for name in ("No E-Mail", "Mens E-Mail"))
    expected, tolerance = case["expected"][f"theta_{theta}"], case["tolerance"]
    effect = compare_means(
        control,
        treatment,
        metric=metric("visit"),
        covariates=("recency",),
        theta=theta,
        base="adjusted",
    )
    held = adjust(control, treatment, columns=("visit", "recency"), theta=theta)
    for value, key in (
        (float(held.theta[0]), "theta"),
        (effect.control, "mean_control_adj"),
        (effect.treatment, "mean_treatment_adj"),
        (effect.difference.value, "diff"),
        (effect.statistic, "t"),
        (effect.degrees, "df"),
        (effect.p_value, "p"),
        (held.explained[0], "var_reduction_control"),
        (held.explained[1], "var_reduction_treatment"),
    ):
        assert close(value, expected[key], tolerance), key
    limits = (effect.difference.low, effect.difference.high)
    assert limits == pytest.approx(expected["ci95"], rel=tolerance)


def test_corrections_as_in_statsmodels(shared: Path) -> None:
    case = read_cases(shared, "ab_statsmodels.json")["multitest_small"]
    for method, name in (
        ("bonferroni", "bonferroni"),
        ("holm", "holm"),
        ("holm-sidak", "holm-sidak"),
        ("hommel", "hommel"),
        ("hochberg", "simes-hochberg"),
        ("benjamini-hochberg", "fdr_bh"),
        ("benjamini-yekutieli", "fdr_by"),
    ):
        adjusted = adjust_p_values(case["inputs"]["pvalues"], method=method)  # type: ignore[arg-type]
        assert adjusted == pytest.approx(case["expected"][name], abs=case["tolerance"])
