"""Segments: one test of parting first, and no sentence that says more than it found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.experiments.inference import cochran_q, compare, compare_segments
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS

RATE = METRICS["conversion_rate"]
SPEND = METRICS["paid_amount_per_visitor"]


def shares(found: int, units: int) -> Moments:
    return Moments.of_sums(["converted"], units, [found], [[found]])


def test_cochran_q_as_in_statsmodels() -> None:
    from statsmodels.stats.meta_analysis import combine_effects

    rng = np.random.default_rng(1)
    segments = {
        name: {
            "A": Moments.of_values(["paid_amount"], rng.exponential(20, 400)),
            "B": Moments.of_values(["paid_amount"], rng.exponential(20 + 3 * k, 500)),
        }
        for k, name in enumerate("uvwx")
    }
    held = compare_segments(segments, control="A", treatment="B", metric=SPEND)
    values = [e.difference.value for e in held.effects.values()]
    errors = [e.standard_error**2 for e in held.effects.values()]
    theirs = combine_effects(np.array(values), np.array(errors), method_re="dl")
    assert held.statistic == pytest.approx(theirs.q)
    assert held.p_value == pytest.approx(theirs.test_homogeneity().pvalue)
    assert held.i_squared == pytest.approx(max(0.0, theirs.i2))
    assert held.common == pytest.approx(theirs.mean_effect_fe)


def test_a_planted_parting_is_found_and_named() -> None:
    segments = {
        "new": {"A": shares(1000, 20_000), "B": shares(1400, 20_000)},
        "old": {"A": shares(1000, 20_000), "B": shares(1000, 20_000)},
        "=cmd()": {"A": shares(1000, 20_000), "B": shares(700, 20_000)},
    }
    held = compare_segments(segments, control="A", treatment="B", metric=RATE)
    assert held.differs
    assert held.found == ("new", "=cmd()")
    text = held.findings()[0].text
    assert "lowest in =cmd() (-1.50 pp) and highest in new (+2.00 pp)" in text
    assert "stands alone in 2 segments: new, =cmd()" in text
    turned = {name: {"A": held["B"], "B": held["A"]} for name, held in segments.items()}
    other = compare_segments(turned, control="A", treatment="B", metric=RATE).findings()[0].text
    assert "lowest in new (-2.00 pp) and highest in =cmd() (+1.50 pp)" in other
    with reading("zh"):
        said = held.findings()[0].text
        assert "=cmd() 最低" in said
        assert "new 最高" in said


def test_no_parting_is_no_claim() -> None:
    segments = {name: {"A": shares(1000, 20_000), "B": shares(1300, 20_000)} for name in "xyz"}
    held = compare_segments(segments, control="A", treatment="B", metric=RATE)
    assert not held.differs
    assert held.found == ("x", "y", "z")
    assert held.i_squared == 0.0
    text = held.findings()[0].text
    assert "no sign that the effect differs" in text
    assert "no proof" in text
    assert "stands alone" not in text


def test_segments_too_small_are_counted_not_hidden() -> None:
    segments = {
        "large": {"A": shares(100, 2000), "B": shares(120, 2000)},
        "small": {"A": shares(0, 3), "B": shares(0, 2)},
        "one-sided": {"A": shares(5, 30)},
    }
    held = compare_segments(segments, control="A", treatment="B", metric=RATE)
    assert held.judged == ("large",)
    assert math.isnan(held.p_value)
    assert not held.differs
    text = held.findings()[0].text
    assert "fewer than two segments" in text
    assert "1 segment holds too little" in text
    assert list(held.to_frame()["segment"]) == ["large", "small"]
    with pytest.raises(ParameterError, match="no segment holds both"):
        compare_segments(segments, control="A", treatment="C", metric=RATE)


def test_the_common_effect_is_near_the_whole() -> None:
    rng = np.random.default_rng(3)
    segments = {
        name: {
            variant: Moments.of_values(["paid_amount"], rng.exponential(mean, 3000))
            for variant, mean in (("A", 20.0), ("B", 22.0))
        }
        for name in "uvw"
    }
    held = compare_segments(segments, control="A", treatment="B", metric=SPEND)
    sides = []
    for variant in "AB":
        whole = segments["u"][variant] + segments["v"][variant] + segments["w"][variant]
        sides.append(whole)
    effect = compare(*sides, metric=SPEND)
    assert held.common == pytest.approx(effect.difference.value, abs=effect.standard_error)


def test_the_parting_test_keeps_its_level() -> None:
    rng = np.random.default_rng(6)
    runs, refused = 600, 0
    for _ in range(runs):
        effects = [
            compare(
                shares(int(rng.binomial(2000, 0.1)), 2000),
                shares(int(rng.binomial(1500, 0.12)), 1500),
                metric=RATE,
            )
            for _ in range(5)
        ]
        statistic, degrees, _ = cochran_q(effects)
        assert degrees == 4
        refused += statistic > 9.487729  # 95th percentile of chi-square with 4 degrees
    assert refused / runs == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / runs))
