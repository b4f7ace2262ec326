"""The lesson of past tests: pooled effects, and estimates drawn towards them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecops_lib.experiments.past import FEWEST, pool_effects, shrink_effect


def test_pooling_agrees_with_statsmodels() -> None:
    from statsmodels.stats.meta_analysis import combine_effects

    effects, errors = [0.1, 0.3, -0.05, 0.2, 0.02], [0.05, 0.1, 0.04, 0.08, 0.03]
    peer = combine_effects(np.array(effects), np.array(errors) ** 2, method_re="dl")
    mean, spread = pool_effects(effects, errors)
    assert mean == pytest.approx(peer.mean_effect_re)
    assert spread**2 == pytest.approx(peer.tau2)


def test_few_tests_teach_nothing() -> None:
    mean, spread = pool_effects([0.1] * (FEWEST - 1), [0.1] * (FEWEST - 1))
    assert math.isnan(mean)
    assert math.isnan(spread)


def test_shrunken_winners_are_right_on_average() -> None:
    rng = np.random.default_rng(7)
    truth = rng.normal(0.01, 0.05, (400, 20))
    seen = truth + rng.normal(0, 0.05, truth.shape)
    best = seen.argmax(axis=1)
    rows = np.arange(len(best))
    drawn = []
    for row in rows:
        mean, spread = pool_effects(seen[row].tolist(), [0.05] * 20)
        drawn.append(shrink_effect(seen[row, best[row]], 0.05, mean=mean, spread=spread))
    won = truth[rows, best]
    raw_bias = float(np.mean(seen[rows, best] - won))
    assert raw_bias > 0.04
    assert abs(float(np.mean(drawn - won))) < 0.2 * raw_bias
