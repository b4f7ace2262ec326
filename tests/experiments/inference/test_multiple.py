"""Several comparisons: the methods keep what they promise."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.experiments.effects import Effect
from ecops_lib.experiments.inference import (
    adjust_p_values,
    compare,
    compare_means,
    correct_multiplicity,
    interval_at,
)
from ecops_lib.experiments.inference.multiple import LABELS, STATSMODELS, levels
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS

SPEND = METRICS["paid_amount_per_visitor"]
RATE = METRICS["conversion_rate"]
METHODS: list[Any] = list(LABELS)


def effect_with(z: float) -> Effect:
    """A comparison of means with a normal statistic."""
    groups = [
        Moments.of_sums(["paid_amount"], 10_000, [10_000 * mean], [[10_000 * (1 + mean**2)]])
        for mean in (5.0, 5.0 + z * math.sqrt(2 / 10_000))
    ]
    return compare_means(*groups, metric=SPEND)


def test_each_method_equals_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(3)
    for count in (1, 5, 11):
        raw = rng.random(count) ** 3
        for method, theirs in STATSMODELS.items():
            ours = adjust_p_values(raw, method=method)  # type: ignore[arg-type]
            assert ours == pytest.approx(multipletests(raw, method=theirs)[1])


def test_sidak_step_up_by_hand() -> None:
    adjusted = adjust_p_values([0.03, 0.01, 0.04], method="hochberg-sidak")
    assert adjusted == pytest.approx([0.04, 1 - 0.99**3, 0.04])


@pytest.mark.parametrize("method", [m for m in METHODS if m != "hommel"])
def test_the_level_held_against_decides_as_the_adjusted_value_does(method: Any) -> None:
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(200):
        raw = rng.random(rng.integers(1, 9)) ** 4
        adjusted = adjust_p_values(raw, method=method)
        held = levels(raw, method=method, alpha=0.05)
        assert ((adjusted <= 0.05) == (raw <= held)).all()
        found += int((raw <= held).sum())
    assert found > 50


def test_what_was_not_tested_is_not_counted() -> None:
    adjusted = adjust_p_values([0.01, math.nan, 0.03])
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.03])
    assert math.isnan(adjusted[1])
    assert np.isnan(adjust_p_values([math.nan])).all()
    assert adjust_p_values([]).shape == (0,)


@pytest.mark.parametrize("bad", [-0.1, 1.1])
def test_impossible_p_values_are_refused(bad: float) -> None:
    with pytest.raises(ParameterError, match="p_values"):
        adjust_p_values([0.5, bad])
    with pytest.raises(ParameterError, match="method"):
        adjust_p_values([0.5], method="tukey")  # type: ignore[arg-type]


def test_the_count_is_printed() -> None:
    rng = np.random.default_rng(5)
    effects = {
        (variant, metric): effect_with(4.0 if metric == "a" else float(rng.normal()) / 2)
        for variant in ("B", "C")
        for metric in ("a", "b", "c")
    }
    held = correct_multiplicity(effects)
    assert held.counted == 6
    assert held.found == (True, False, False, True, False, False)
    text = held.findings()[0].text
    assert "6 comparisons were counted (2 × 3" in text
    assert "2 stand after the correction by Holm" in text
    assert list(held.to_frame()["found"]) == list(held.found)
    with reading("zh"):
        assert held.findings()[0].text.startswith("共计入 6 次比较（2 个版本 × 3 个指标）")


def test_joint_intervals_say_what_bonferroni_says() -> None:
    effects = {("B", str(place)): effect_with(z) for place, z in enumerate((3.0, 2.2, 0.5, -2.6))}
    held = correct_multiplicity(effects, method="bonferroni")
    for interval, found in zip(held.intervals, held.found, strict=True):
        assert interval.holds(0.0) != found
    assert held.found == (True, False, False, True)
    holm = correct_multiplicity(effects, method="holm")
    assert [i.low for i in holm.intervals] == pytest.approx([i.low for i in held.intervals])


def test_intervals_of_those_found_agree_with_the_finding() -> None:
    rng = np.random.default_rng(6)
    for _ in range(40):
        effects = {
            ("B", str(i)): effect_with(float(z)) for i, z in enumerate(rng.normal(0, 2.5, 8))
        }
        held = correct_multiplicity(effects, method="benjamini-hochberg")
        for interval, found in zip(held.intervals, held.found, strict=True):
            assert (not math.isnan(interval.low)) == found
            assert not (found and interval.holds(0.0))


def test_an_interval_at_another_level_is_that_of_the_comparison() -> None:
    shares = [Moments.of_sums(["converted"], 3000, [x], [[x]]) for x in (300, 345)]
    money = [
        Moments.of_values(["paid_amount"], values) for values in ([1, 2, 5, 9], [4, 5, 6, 9, 7])
    ]
    for groups, metric in ((shares, RATE), (money, SPEND)):
        effect = compare(*groups, metric=metric)
        other = compare(*groups, metric=metric, alpha=0.01).difference
        held = interval_at(effect, alpha=0.01)
        assert (held.low, held.high) == pytest.approx((other.low, other.high))


def test_a_missing_test_has_no_interval_and_is_not_found() -> None:
    effects = {
        ("B", "a"): effect_with(5.0),
        ("B", "b"): replace(effect_with(0.0), p_value=math.nan),
    }
    held = correct_multiplicity(effects, method="holm")
    assert held.found == (True, False)
    assert math.isnan(held.intervals[1].low)
    assert held.counted == 1


@pytest.mark.parametrize("method", ["holm", "hochberg", "benjamini-hochberg"])
def test_false_finds_are_held(method: Any) -> None:
    """40 metrics, 10 of them real: the share of false finds, and the chance of any."""
    from scipy.special import ndtr

    rng = np.random.default_rng(8)
    runs = 400
    z = rng.normal(size=(runs, 40))
    z[:, :10] += 3.0
    share, anyone = [], 0
    for row in 2 * ndtr(-np.abs(z)):
        found = adjust_p_values(row, method=method) <= 0.05
        false = int(found[10:].sum())
        share.append(false / max(int(found.sum()), 1))
        anyone += false > 0
    held = float(np.mean(share)) if method == "benjamini-hochberg" else anyone / runs
    assert held <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert held > 0.005
