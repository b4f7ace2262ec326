"""Figures that statsmodels, SciPy, gbstats and tea-tasting give on the same data."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecops_lib.experiments.effects import Effect
from ecops_lib.experiments.inference import (
    Counts,
    Pair,
    adjust,
    adjust_p_values,
    compare_means,
    compare_proportions,
    delta_standard_error,
    difference_interval,
    estimate_theta,
    proportion_p_value,
    relative_interval,
    share_interval,
)
from ecops_lib.experiments.inference.multiple import levels
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric

pytestmark = pytest.mark.realdata

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


# --- statsmodels 0.15 and SciPy 1.17 -----------------------------------------


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


# --- GrowthBook's gbstats ------------------------------------------------------

GBSTATS = ["ab_gbstats_0.8.0.json", "ab_gbstats_head-8f1db44.json"]


def gbstats_effect(shared: Path, given: dict[str, Any]) -> tuple[Effect, float]:
    """Our effect for a case, and the standard error of its relative effect by the delta method."""
    control, treatment = (hillstrom(shared)[name] for name in ("No E-Mail", "Mens E-Mail"))
    chosen = metric(given["num"], given["den"]) if "num" in given else metric(given["metric"])
    covariates = tuple(filter(None, (given.get("covariate"),)))
    effect = compare_means(
        control, treatment, metric=chosen, covariates=covariates, relative="delta"
    )
    outcome: Any = (chosen.numerator, chosen.denominator) if "num" in given else chosen.numerator
    pair = adjust(control, treatment, columns=(outcome, *covariates)).pair
    return effect, delta_standard_error(pair)


@pytest.mark.parametrize("name", GBSTATS)
def test_fixed_horizon_as_in_gbstats(shared: Path, name: str) -> None:
    met = []
    for case in read_cases(shared, name).values():
        if "_freq_" not in case["id"]:
            continue
        expected, tolerance = case["expected"], case["tolerance"]
        effect, relative_error = gbstats_effect(shared, case["inputs"])
        absolute = case["inputs"]["difference_type"] == "absolute"
        interval = effect.difference if absolute else effect.relative
        error = effect.standard_error if absolute else relative_error
        assert close(interval.value, expected["expected"], tolerance), case["id"]
        assert close(interval.low, expected["ci"][0], tolerance), case["id"]
        assert close(interval.high, expected["ci"][1], tolerance), case["id"]
        assert close(error, expected["uplift"]["stddev"], tolerance), case["id"]
        if absolute:
            p_value = expected.get("p_value", expected.get("pValue"))
            assert close(effect.p_value, p_value, tolerance), case["id"]
        met.append(case["id"])
    assert len(met) == 5


def test_the_delta_p_value_of_gbstats_is_that_of_its_own_interval(shared: Path) -> None:
    from scipy.special import stdtr

    for case_id in (
        "gb_hill_mens_spend_freq_relative",
        "gb_hill_mens_spend_per_visit_freq_relative",
    ):
        case = read_cases(shared, GBSTATS[0])[case_id]
        effect, error = gbstats_effect(shared, case["inputs"])
        p_value = 2 * float(stdtr(effect.degrees, -abs(effect.relative.value / error)))
        assert close(p_value, case["expected"]["p_value"], case["tolerance"])


def test_relative_cuped_as_in_newer_gbstats_is_ours(shared: Path) -> None:
    """The newer engine knows that the control's plain and adjusted means vary together."""
    met = 0
    for case in read_cases(shared, GBSTATS[1]).values():
        if "_cuped_" in case["id"] and "_relative" in case["id"] and "bayes_N0" not in case["id"]:
            effect, error = gbstats_effect(shared, case["inputs"])
            expected = case["expected"]
            assert close(effect.relative.value, expected["expected"], case["tolerance"])
            assert close(error, expected["uplift"]["stddev"], case["tolerance"])
            met += 1
    assert met == 3


def test_relative_cuped_of_gbstats_0_8_takes_the_two_means_as_unrelated(shared: Path) -> None:
    """The older engine divides by the plain mean but lends it the adjusted mean's variance."""
    control, treatment = (hillstrom(shared)[name] for name in ("No E-Mail", "Mens E-Mail"))
    held = adjust(control, treatment, columns=("spend", "history"))
    unrelated = Pair(
        control=control.average("spend"),
        treatment=treatment.average("spend"),
        var_control=held.variances[0],
        var_treatment=held.variances[1],
    )
    met = 0
    for case in read_cases(shared, GBSTATS[0]).values():
        if "_cuped_" in case["id"] and "_relative" in case["id"] and "bayes_N0" not in case["id"]:
            stddev = case["expected"]["uplift"]["stddev"]
            assert close(delta_standard_error(unrelated), stddev, case["tolerance"])
            assert close(held.pair.ratio - 1, case["expected"]["expected"], case["tolerance"])
            met += 1
    assert met == 3


def test_theta_as_in_gbstats(shared: Path) -> None:
    case = read_cases(shared, GBSTATS[0])["gb_theta"]
    control, treatment = (hillstrom(shared)[name] for name in ("No E-Mail", "Mens E-Mail"))
    theta = estimate_theta(control, treatment, ("spend", "history"))
    assert close(float(theta[0]), case["expected"]["theta"], case["tolerance"])


# --- tea-tasting ---------------------------------------------------------------

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
