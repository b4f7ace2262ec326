"""Margins: tests that keep their level, and sentences that follow the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.inference import compare, equivalence, non_inferiority
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS

RATE = METRICS["conversion_rate"]
SPEND = METRICS["paid_amount_per_visitor"]
REFUNDS = METRICS["refund_rate"]


def shares(found: int, units: int) -> Moments:
    return Moments.of_sums(["converted"], units, [found], [[found]])


def spend(rng: np.random.Generator, n: int, mean: float) -> Moments:
    return Moments.of_values(["paid_amount"], rng.exponential(mean, n))


def test_means_within_an_absolute_margin_as_in_statsmodels() -> None:
    from statsmodels.stats.weightstats import ttost_ind

    rng = np.random.default_rng(1)
    first, second = rng.normal(10, 2, 80), rng.normal(10.1, 3, 120)
    p_value, above, below = ttost_ind(second, first, -1.0, 1.0, usevar="unequal")
    groups = [Moments.of_values(["paid_amount"], values) for values in (first, second)]
    held = equivalence(*groups, metric=SPEND, margin=1.0, scale="absolute")
    assert held.p_value == pytest.approx(p_value)
    harm = non_inferiority(*groups, metric=SPEND, margin=1.0, scale="absolute")
    assert harm.p_value == pytest.approx(above[1])
    assert held.passed == (p_value <= 0.05)
    assert max(above[1], below[1]) == p_value


def test_shares_by_the_score_statistic_as_published() -> None:
    """Farrington and Manning (1990): z = (gap + margin) ÷ the error under the margin."""
    from ecops_lib.experiments.inference.score import difference_error

    control, treatment = shares(800, 1000), shares(790, 1000)
    held = non_inferiority(control, treatment, metric=RATE, margin=0.05, scale="absolute")
    error = difference_error(800, 1000, 790, 1000, difference=-0.05)
    z = (-0.01 + 0.05) / error
    assert held.p_value == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)))
    assert held.passed


@pytest.mark.parametrize("scale", ["absolute", "relative"])
def test_the_test_passes_exactly_where_the_interval_keeps_clear(scale: str) -> None:
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(250):
        n, m = rng.integers(300, 4000, 2)
        rate = rng.uniform(0.1, 0.5)
        control = shares(int(rng.binomial(n, rate)), int(n))
        treatment = shares(int(rng.binomial(m, rate)), int(m))
        margin = float(rng.uniform(0.01, 0.2))
        for test in (non_inferiority, equivalence):
            held = test(control, treatment, metric=RATE, margin=margin, scale=scale)  # type: ignore[arg-type]
            clear = held.interval.low > -margin
            if test is equivalence:
                clear = clear and held.interval.high < margin
            assert held.passed == clear
            seen.add((test.__name__, held.passed))
        money = spend(rng, 200, 30.0), spend(rng, 250, 29.0)
        margin *= 30 if scale == "absolute" else 1
        worse = non_inferiority(*money, metric=SPEND, margin=margin, scale=scale)  # type: ignore[arg-type]
        assert worse.passed == (worse.interval.low > -margin)
        seen.add(("means", worse.passed))
    assert len(seen) == 6


def test_where_less_is_better_the_harm_is_upward() -> None:
    rng = np.random.default_rng(2)
    paid = rng.exponential(100, 4000)
    columns = ["refund_amount", "paid_amount"]

    def group(share: float) -> Moments:
        refund = paid * (rng.random(4000) < share)
        return Moments.of_values(columns, np.column_stack([refund, paid]))

    low, high = group(0.05), group(0.15)
    assert not non_inferiority(low, high, metric=REFUNDS, margin=0.2).passed
    assert non_inferiority(high, low, metric=REFUNDS, margin=0.2).passed


def test_the_level_holds_at_the_margin() -> None:
    rng = np.random.default_rng(7)
    runs = 800
    passed = 0
    for _ in range(runs):
        control, treatment = spend(rng, 500, 20.0), spend(rng, 500, 18.0)
        passed += non_inferiority(control, treatment, metric=SPEND, margin=0.1, alpha=0.05).passed
    assert passed / runs == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / runs))


def test_words_turn_with_the_truth() -> None:
    close = [Moments.of_sums(["converted"], 50_000, [x], [[x]]) for x in (5000, 5010)]
    apart = [Moments.of_sums(["converted"], 50_000, [x], [[x]]) for x in (5000, 4300)]
    said = {
        (name, held.passed): held.findings()[0].text
        for name, test in (("harm", non_inferiority), ("equal", equivalence))
        for held in (
            test(*close, metric=RATE, margin=0.05),
            test(*apart, metric=RATE, margin=0.05),
        )
    }
    assert "not worse by 5.00% or more" in said["harm", True]
    assert "is not ruled out" in said["harm", False]
    assert "equal within 5.00%" in said["equal", True]
    assert "not shown to be equal" in said["equal", False]
    points = equivalence(*close, metric=RATE, margin=0.01, scale="absolute")
    assert "equal within 1.00 pp" in points.findings()[0].text
    assert points.to_frame().loc[0, "passed"]


def test_what_cannot_be_tested_does_not_pass() -> None:
    lone, none = Moments.of_values(["paid_amount"], [3.0]), shares(0, 100)
    for held in (
        non_inferiority(lone, lone, metric=SPEND, margin=0.1),
        equivalence(lone, lone, metric=SPEND, margin=0.1),
        non_inferiority(none, none, metric=RATE, margin=0.1),
    ):
        assert math.isnan(held.p_value)
        assert not held.passed
        assert "could not be tested" in held.findings()[0].text


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0, math.nan])
def test_impossible_margins_are_refused(margin: float) -> None:
    with pytest.raises(ParameterError, match="margin"):
        non_inferiority(shares(5, 50), shares(5, 50), metric=RATE, margin=margin)
    with pytest.raises(ParameterError, match="alpha"):
        equivalence(shares(5, 50), shares(5, 50), metric=RATE, margin=0.1, alpha=0.5)


def test_the_interval_is_that_of_the_comparison() -> None:
    control, treatment = shares(500, 5000), shares(520, 5000)
    held = non_inferiority(control, treatment, metric=RATE, margin=0.1)
    assert held.interval == compare(control, treatment, metric=RATE, alpha=0.05).relative
