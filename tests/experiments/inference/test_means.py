"""Means, ratios, covariates and relative effects: laws and oracles."""

from __future__ import annotations

import math
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from inference_cases import COLUMNS, moments, shop

from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.experiments.effects import Effect
from ecops_lib.experiments.inference import (
    adjust,
    compare,
    compare_means,
    estimate_theta,
)
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS, ExperimentMetric

SPEND = METRICS["paid_amount_per_visitor"]
AOV = METRICS["average_order_value"]


@pytest.fixture
def arms() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    return shop(rng, 900), shop(rng, 1300, lift=1.15)


def numbers(effect: Effect) -> list[float]:
    return [*astuple(effect.difference), *astuple(effect.relative), effect.p_value]


def test_welch_equals_scipy(arms: tuple[np.ndarray, np.ndarray]) -> None:
    from scipy import stats

    effect = compare(moments(arms[0]), moments(arms[1]), metric=SPEND, alpha=0.1)
    theirs = stats.ttest_ind(arms[1][:, 0], arms[0][:, 0], equal_var=False)
    span = theirs.confidence_interval(0.9)
    assert effect.p_value == pytest.approx(theirs.pvalue)
    assert effect.statistic == pytest.approx(theirs.statistic)
    assert effect.degrees == pytest.approx(theirs.df)
    assert (effect.difference.low, effect.difference.high) == pytest.approx(tuple(span))


def test_student_sleep_data() -> None:
    """Student (1908), extra hours of sleep; R: t.test(extra ~ group, sleep), p = 0.07939."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    metric = ExperimentMetric(key="extra", label="extra", numerator="extra")
    effect = compare_means(
        Moments.of_values(["extra"], first), Moments.of_values(["extra"], second), metric=metric
    )
    assert round(effect.p_value, 5) == 0.07939
    assert round(effect.degrees, 3) == 17.776
    assert round(effect.difference.low, 7) == -0.2054832
    assert round(effect.difference.high, 7) == 3.3654832


def test_swapping_the_groups(arms: tuple[np.ndarray, np.ndarray]) -> None:
    for metric in (SPEND, AOV):
        one = compare(moments(arms[0]), moments(arms[1]), metric=metric)
        other = compare(moments(arms[1]), moments(arms[0]), metric=metric)
        assert one.difference.low == pytest.approx(-other.difference.high)
        assert one.p_value == pytest.approx(other.p_value)
        assert 1 + one.relative.low == pytest.approx(1 / (1 + other.relative.high))
        assert 1 + one.relative.high == pytest.approx(1 / (1 + other.relative.low))


@pytest.mark.parametrize("metric", [SPEND, AOV])
def test_money_scales(metric: ExperimentMetric, arms: tuple[np.ndarray, np.ndarray]) -> None:
    fold = np.array([100.0, 1.0, 100.0, 1.0])
    covariates = ("previous_amount",)
    one, other = (
        compare(moments(arms[0] * by), moments(arms[1] * by), metric=metric, covariates=covariates)
        for by in (1.0, fold)
    )
    assert np.array(astuple(one.difference)) * 100 == pytest.approx(astuple(other.difference))
    assert astuple(one.relative) == pytest.approx(astuple(other.relative))
    assert one.p_value == pytest.approx(other.p_value)


def test_a_constant_moves_the_means_only(arms: tuple[np.ndarray, np.ndarray]) -> None:
    up = np.array([50.0, 0.0, 7.0, 0.0])
    covariates = ("previous_amount", "previous_orders")
    one, other = (
        compare(moments(arms[0] + by), moments(arms[1] + by), metric=SPEND, covariates=covariates)
        for by in (0.0, up)
    )
    assert astuple(one.difference) == pytest.approx(astuple(other.difference))
    assert other.control == pytest.approx(one.control + 50)
    assert one.p_value == pytest.approx(other.p_value)


def test_a_ratio_is_its_linearised_outcome(arms: tuple[np.ndarray, np.ndarray]) -> None:
    from scipy import stats

    lines = []
    for values in arms:
        ratio = values[:, 0].sum() / values[:, 1].sum()
        lines.append(ratio + (values[:, 0] - ratio * values[:, 1]) / values[:, 1].mean())
    theirs = stats.ttest_ind(lines[1], lines[0], equal_var=False)
    effect = compare(moments(arms[0]), moments(arms[1]), metric=AOV)
    assert effect.statistic == pytest.approx(theirs.statistic)
    assert effect.p_value == pytest.approx(theirs.pvalue)


def test_one_slope_within_groups_is_ancova(arms: tuple[np.ndarray, np.ndarray]) -> None:
    """θ within the groups is the regression of the outcome on group and covariates."""
    import statsmodels.api as sm

    both = np.concatenate(arms)
    group = np.repeat([0.0, 1.0], [len(arms[0]), len(arms[1])])
    design = np.column_stack([np.ones(len(both)), group, both[:, 2:]])
    fitted = sm.OLS(both[:, 0], design).fit()
    held = adjust(
        moments(arms[0]),
        moments(arms[1]),
        columns=("paid_amount", "previous_amount", "previous_orders"),
        theta="within",
    )
    assert held.theta == pytest.approx(fitted.params[2:])
    assert held.pair.treatment - held.pair.control == pytest.approx(fitted.params[1])


def test_one_slope_a_group_is_the_regression_with_interactions() -> None:
    """Lin (2013): covariates centred over all units, group and interactions."""
    import statsmodels.api as sm

    rng = np.random.default_rng(14)
    arms = (shop(rng, 20_000), shop(rng, 30_000, lift=1.5))
    both = np.concatenate(arms)
    group = np.repeat([0.0, 1.0], [len(arms[0]), len(arms[1])])
    centred = both[:, 2:] - both[:, 2:].mean(axis=0)
    design = np.column_stack([np.ones(len(both)), group, centred, group[:, None] * centred])
    fitted = sm.OLS(both[:, 0], design).fit(cov_type="HC2")
    held = adjust(
        moments(arms[0]),
        moments(arms[1]),
        columns=("paid_amount", "previous_amount", "previous_orders"),
        theta="each",
    )
    assert held.pair.treatment - held.pair.control == pytest.approx(fitted.params[1])
    # ours adds that the covariates' mean over all units is itself a sample's
    parting = fitted.params[4:]
    sampled = parting @ np.cov(both[:, 2:].T) @ parting / len(both)
    assert sampled > 0.005 * fitted.bse[1] ** 2
    assert sum(held.variances) == pytest.approx(fitted.bse[1] ** 2 + sampled, rel=2e-3)


def test_cuped_takes_out_the_share_that_the_covariate_explains() -> None:
    rng = np.random.default_rng(3)
    for rho in (0.3, 0.6, 0.9):
        noise = rng.normal(size=(2, 40_000, 2))
        noise[:, :, 0] = rho * noise[:, :, 1] + math.sqrt(1 - rho**2) * noise[:, :, 0]
        groups = [Moments.of_values(["y", "x"], values) for values in noise]
        held = adjust(*groups, columns=("y", "x"))
        assert held.explained == pytest.approx((rho**2, rho**2), abs=0.02)


def test_covariates_that_say_nothing_change_nothing(arms: tuple[np.ndarray, np.ndarray]) -> None:
    plain = compare(moments(arms[0]), moments(arms[1]), metric=SPEND)
    constant = [values.copy() for values in arms]
    for values in constant:
        values[:, 2] = 4.0
    effect = compare(*map(moments, constant), metric=SPEND, covariates=("previous_amount",))
    assert numbers(effect) == pytest.approx(numbers(plain))


def test_a_covariate_given_twice_counts_once(arms: tuple[np.ndarray, np.ndarray]) -> None:
    groups = [
        Moments.of_values((*COLUMNS, "again"), np.column_stack([v, 3 * v[:, 2] + 5])) for v in arms
    ]
    once = compare(*groups, metric=SPEND, covariates=("previous_amount",))
    twice = compare(*groups, metric=SPEND, covariates=("previous_amount", "again"))
    assert numbers(once) == pytest.approx(numbers(twice), rel=1e-6)


def test_both_bases_give_the_same_difference_and_near_relatives(
    arms: tuple[np.ndarray, np.ndarray],
) -> None:
    held = {
        base: compare_means(
            moments(arms[0]),
            moments(arms[1]),
            metric=SPEND,
            covariates=("previous_amount",),
            base=base,  # type: ignore[arg-type]
        )
        for base in ("observed", "adjusted")
    }
    assert astuple(held["observed"].difference) == pytest.approx(
        astuple(held["adjusted"].difference)
    )
    assert held["observed"].control == pytest.approx(arms[0][:, 0].mean())
    width = held["observed"].relative.high - held["observed"].relative.low
    assert held["observed"].relative.low == pytest.approx(
        held["adjusted"].relative.low, abs=width / 5
    )


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([5.0], [1.0, 2.0], "fewer than two"),
        ([5.0, 5.0], [7.0, 7.0], "any spread"),
        ([], [1.0, 2.0], "fewer than two"),
    ],
)
def test_what_cannot_be_tested_is_never_decided(
    first: list[float], second: list[float], words: str
) -> None:
    groups = [Moments.of_values(["paid_amount"], values) for values in (first, second)]
    effect = compare(*groups, metric=SPEND)
    assert math.isnan(effect.p_value)
    assert math.isnan(effect.difference.low)
    assert words in effect.notes[0]


def test_a_ratio_over_nothing_is_said() -> None:
    groups = [
        Moments.of_values(["paid_amount", "orders"], values)
        for values in ([[0, 0], [0, 0]], [[5, 1], [9, 2]])
    ]
    effect = compare(*groups, metric=AOV)
    assert math.isnan(effect.control)
    assert math.isnan(effect.p_value)
    assert "denominator is zero" in effect.notes[0]


def test_a_value_that_is_not_finite_is_refused() -> None:
    good = Moments.of_values(["paid_amount"], [1.0, 2.0])
    for bad in (math.nan, math.inf):
        with np.errstate(invalid="ignore"):
            broken = Moments.of_values(["paid_amount"], [1.0, bad])
        with pytest.raises(ParameterError, match="treatment group holds a value"):
            compare(good, broken, metric=SPEND)


def test_impossible_options_are_refused() -> None:
    group = Moments.of_values(["paid_amount"], [1.0, 2.0, 3.0])
    bad: list[dict[str, Any]] = [
        {"alpha": 0.0},
        {"alpha": math.nan},
        {"relative": "best"},
        {"reference": "z"},
        {"base": "raw", "covariates": ("paid_amount",)},
        {"theta": "some", "covariates": ("paid_amount",)},
    ]
    for options in bad:
        with pytest.raises(ParameterError):
            compare_means(group, group, metric=SPEND, **options)
    with pytest.raises(ColumnError, match="previous_amount"):
        compare(group, group, metric=SPEND, covariates=("previous_amount",))


def test_covariates_are_left_out_where_slopes_would_fit_chance() -> None:
    rng = np.random.default_rng(30)
    for n, adjusted in ((2, False), (29, False), (30, True)):
        groups = [moments(shop(rng, n)) for _ in range(2)]
        covariates = ("previous_amount", "previous_orders")
        effect = compare(*groups, metric=SPEND, covariates=covariates)
        assert ("CUPED" in effect.method) == adjusted
        assert any("unadjusted" in note for note in effect.notes) != adjusted


def test_theta_over_days_is_theta_over_all() -> None:
    rng = np.random.default_rng(9)
    days = [(shop(rng, 80), shop(rng, 90)) for _ in range(5)]
    whole = [moments(np.concatenate([day[place] for day in days])) for place in (0, 1)]
    added = []
    for place in (0, 1):
        group = moments(days[0][place])
        for day in days[1:]:
            group += moments(day[place])
        added.append(group)
    columns = ("paid_amount", "previous_amount")
    assert estimate_theta(*added, columns) == pytest.approx(estimate_theta(*whole, columns))


@pytest.mark.parametrize(
    ("metric", "covariates"),
    [(SPEND, ()), (AOV, ()), (SPEND, ("previous_amount", "previous_orders"))],
)
def test_level_and_coverage(metric: ExperimentMetric, covariates: tuple[str, ...]) -> None:
    """Under a planted 20 % lift, 500 tests: 95 % of intervals hold it, within 3 errors."""
    rng = np.random.default_rng(17)
    runs, lift = 500, 1.2
    base = 0.6 * math.exp(3.125) if metric is SPEND else math.exp(3.125)
    absolute = relative = 0
    for _ in range(runs):
        groups = moments(shop(rng, 600)), moments(shop(rng, 600, lift=lift))
        effect = compare(*groups, metric=metric, covariates=covariates)
        absolute += effect.difference.holds(base * (lift - 1))
        relative += effect.relative.holds(lift - 1)
    band = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert absolute / runs == pytest.approx(0.95, abs=band)
    assert relative / runs == pytest.approx(0.95, abs=band)
