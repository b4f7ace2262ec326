"""Relative effects: Fieller's sets in all shapes, and where the ways part."""

from __future__ import annotations

import math

import numpy as np
from inference_cases import moments, shop

from ecops_lib.core.language import reading
from ecops_lib.experiments.inference import Pair, compare, fieller_set, relative_interval
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS

SPEND = METRICS["paid_amount_per_visitor"]


def test_fieller_is_the_set_of_ratios_that_the_test_does_not_refuse() -> None:
    rng = np.random.default_rng(2)
    shapes = set()
    for _ in range(400):
        pair = Pair(
            control=float(rng.normal(1, 1.5)),
            treatment=float(rng.normal(1, 1.5)),
            var_control=float(rng.uniform(0.01, 1)),
            var_treatment=float(rng.uniform(0.01, 1)),
        )
        held = fieller_set(pair, quantile=1.96)
        shapes.add(held.shape)
        for effect in rng.normal(0, 3, 25):
            ratio = 1 + effect
            kept = abs(pair.treatment - ratio * pair.control) <= 1.96 * math.sqrt(
                pair.spread(ratio)
            )
            inside = held.low <= effect <= held.high
            assert (
                kept
                == {
                    "bounded": inside,
                    "complement": not inside,
                    "all": True,
                    "none": None,
                }[held.shape]
            )
    assert shapes == {"bounded", "complement", "all"}


def test_fieller_says_of_zero_what_the_difference_says() -> None:
    rng = np.random.default_rng(4)
    for _ in range(60):
        arms = (shop(rng, 150), shop(rng, 200, lift=float(rng.uniform(0.8, 1.6))))
        for covariates in ((), ("previous_amount",)):
            effect = compare(
                moments(arms[0]), moments(arms[1]), metric=SPEND, covariates=covariates
            )
            assert effect.difference.holds(0) == effect.relative.holds(0)
            assert effect.difference.holds(0) == (effect.p_value > 0.05)


def test_an_unbounded_relative_effect_is_said() -> None:
    pair = Pair(control=0.5, treatment=3.0, var_control=1.0, var_treatment=0.1)
    interval = relative_interval(pair, quantile=1.96)
    assert (interval.low, interval.high) == (-math.inf, math.inf)
    noisy = Moments.of_values(["paid_amount"], [0.0, 0.0, 0.0, 9.0])
    steady = Moments.of_values(["paid_amount"], [50.0, 51.0, 52.0, 53.0])
    effect = compare(noisy, steady, metric=SPEND)
    assert effect.difference.low > 0
    assert effect.relative.high == math.inf
    assert "cannot be told from zero" in effect.notes[0]
    delta = compare(noisy, steady, metric=SPEND, relative="delta")
    assert "must not be relied on" in delta.notes[0]


def test_a_control_at_or_below_zero_has_no_relative_effect() -> None:
    loss = Moments.of_values(["net_paid_amount"], [-3.0, -2.0, -4.0])
    gain = Moments.of_values(["net_paid_amount"], [3.0, 2.0, 4.0])
    effect = compare(loss, gain, metric=METRICS["net_paid_amount_per_visitor"])
    assert math.isnan(effect.relative.value)
    assert effect.difference.low > 0
    assert "not above zero" in effect.notes[0]


def test_ways_that_part_by_more_than_a_tenth_are_named() -> None:
    rng = np.random.default_rng(6)
    small = moments(shop(rng, 60)), moments(shop(rng, 60, lift=2.5))
    large = moments(shop(rng, 60_000)), moments(shop(rng, 60_000, lift=1.05))
    assert any("part here" in note for note in compare(*small, metric=SPEND).notes)
    assert not compare(*large, metric=SPEND).notes
    with reading("zh"):
        assert "Fieller 法为" in compare(*small, metric=SPEND).notes[0]
