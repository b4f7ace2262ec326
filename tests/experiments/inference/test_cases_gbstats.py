"""Figures that GrowthBook's engine gbstats gives on the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from inference_cases import close, hillstrom, metric, read_cases

from ecops_lib.experiments.effects import Effect
from ecops_lib.experiments.inference import (
    Pair,
    adjust,
    compare_means,
    delta_standard_error,
    estimate_theta,
)

pytestmark = pytest.mark.realdata

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
