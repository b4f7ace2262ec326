"""Quantiles: limits that hold with heaps of equal values and heavy tails."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.inference import Distribution, compare_quantiles


def spend(rng: np.random.Generator, n: int, idle: float, lift: float = 1.0) -> np.ndarray:
    paid = np.asarray(rng.lognormal(3, 1, n) * lift)
    return np.where(rng.random(n) < idle, 0.0, paid)


def true_quantile(share: float, idle: float, lift: float) -> float:
    from scipy.special import ndtri

    return 0.0 if share <= idle else float(lift * np.exp(3 + ndtri((share - idle) / (1 - idle))))


def test_quantiles_are_values_that_occur() -> None:
    held = Distribution.of([5, 1, 1, 9, 3])
    for share in (0.01, 0.2, 0.4, 0.5, 0.6, 0.61, 0.8, 0.99):
        theirs = np.quantile([5, 1, 1, 9, 3], share, method="inverted_cdf")
        assert held.quantile(share) == theirs


def test_limits_are_the_published_order_statistics() -> None:
    # Conover (1999), Practical Nonparametric Statistics, table A3: median of n = 16
    # lies between the 4th and the 13th of the values in 97.9 % of samples
    held = Distribution.of(np.arange(1, 17))
    assert held.interval(0.5, alpha=2 * 697 / 2**16) == pytest.approx((4.0, 13.0))


@pytest.mark.parametrize("n", [16, 800, 20_000])
@pytest.mark.parametrize("alpha", [0.9, 0.05, 1e-6])
def test_fractional_limits_hold_exactly_the_level(n: int, alpha: float) -> None:
    # Hutson (1999): place k of n uniform values has the law Beta(k, n - k + 1)
    from scipy.stats import beta

    low, high = Distribution.of(np.arange(1, n + 1)).interval(0.6, alpha=alpha)
    if math.isfinite(low):
        assert beta.sf(0.6, low, n - low + 1) == pytest.approx(alpha / 2, rel=1e-6)
    if math.isfinite(high):
        assert beta.cdf(0.6, high, n - high + 1) == pytest.approx(alpha / 2, rel=1e-6)


def test_a_limit_does_not_leave_a_heap() -> None:
    """Tied values: the outer order statistics, as the binomial distribution places them."""
    from scipy.stats import binom

    held = Distribution.of(np.repeat(np.arange(1.0, 101.0), 5))
    places = int(binom.ppf(0.025, 500, 0.5)), int(binom.isf(0.025, 500, 0.5)) + 1
    assert held.interval(0.5, alpha=0.05) == (held.at(places[0]), held.at(places[1])) == (46, 55)
    edge = Distribution.of([0.0] * 9 + [5.0, 6.0, 7.0])
    lows = {edge.interval(0.8, alpha=alpha)[0] for alpha in np.linspace(0.001, 0.999, 200)}
    assert lows == {0.0, 5.0}


@pytest.mark.parametrize(
    ("idle", "share"), [(0.0, 0.5), (0.0, 0.9), (0.48, 0.5), (0.5, 0.5), (0.7, 0.9), (0.88, 0.9)]
)
@pytest.mark.parametrize("lift", [1.0, 1.5])
def test_limits_hold_with_a_heap_at_zero(idle: float, share: float, lift: float) -> None:
    rng = np.random.default_rng(21)
    truth = true_quantile(share, idle, lift) - true_quantile(share, idle, 1.0)
    runs, held = 300, 0
    for _ in range(runs):
        effect = compare_quantiles(
            Distribution.of(spend(rng, 800, idle)),
            Distribution.of(spend(rng, 800, idle, lift)),
            share=share,
        )
        held += effect.difference.holds(truth)
    assert held / runs > 0.95 - 3 * math.sqrt(0.05 * 0.95 / runs)


def test_limits_are_not_idly_wide() -> None:
    """Half the width beyond what the normal theory of a median gives would be a waste."""
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, (2, 5000))
    effect = compare_quantiles(Distribution.of(values[0]), Distribution.of(values[1]), share=0.5)
    theory = 2 * 1.96 * math.sqrt(math.pi / 2 * 2 / 5000)
    assert effect.difference.high - effect.difference.low == pytest.approx(theory, rel=0.2)


def test_the_p_value_is_the_level_at_which_zero_leaves() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        first = Distribution.of(spend(rng, 300, 0.3))
        second = Distribution.of(spend(rng, 300, 0.3, 1.5))
        effect = compare_quantiles(first, second, share=0.6)
        if not 1e-12 < effect.p_value < 0.9:
            continue
        for factor, inside in ((1.02, False), (0.98, True)):
            at = compare_quantiles(first, second, share=0.6, alpha=effect.p_value * factor)
            assert at.difference.holds(0.0) == inside


def test_swapping_and_scaling() -> None:
    rng = np.random.default_rng(5)
    values = [spend(rng, 400, 0.2), spend(rng, 500, 0.2, 1.3)]
    one = compare_quantiles(*map(Distribution.of, values), share=0.8)
    other = compare_quantiles(*map(Distribution.of, values[::-1]), share=0.8)
    assert one.difference.low == pytest.approx(-other.difference.high)
    assert 1 + one.relative.low == pytest.approx(1 / (1 + other.relative.high))
    scaled = compare_quantiles(*(Distribution.of(100 * v) for v in values), share=0.8)
    assert np.array(astuple(one.difference)) * 100 == pytest.approx(astuple(scaled.difference))
    assert scaled.p_value == one.p_value


def test_nothing_and_too_little() -> None:
    zero = Distribution.of(np.zeros(200))
    effect = compare_quantiles(zero, zero, share=0.5)
    assert (effect.difference.low, effect.difference.high, effect.p_value) == (0.0, 0.0, 1.0)
    assert math.isnan(effect.relative.value)
    few = Distribution.of([1.0, 2.0, 3.0])
    small = compare_quantiles(few, Distribution.of([9.0, 8.0, 7.0]), share=0.9)
    assert small.difference.high == math.inf
    assert "too few units" in small.notes[0]


def test_impossible_values_are_refused() -> None:
    for values, counts in (([], None), ([1, math.nan], None), ([1, 2], [1, 0]), ([1, 2], [1])):
        with pytest.raises(ParameterError):
            Distribution.of(values, counts)
    with pytest.raises(ParameterError, match="share"):
        compare_quantiles(Distribution.of([1, 2]), Distribution.of([1, 2]), share=1.0)
