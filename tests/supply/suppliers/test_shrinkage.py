"""Shrunk rates: a published example, planted suppliers, and few trials that tell little."""

from __future__ import annotations

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.suppliers import shrink_rates

HITS = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]
"""Hits of 18 batters in their first 45 at bats of 1970, and what they hit in the rest of the
season (Efron & Morris 1975, J. Am. Stat. Assoc. 70, table 1)."""
SEASON = [0.346, 0.298, 0.276, 0.222, 0.273, 0.270, 0.263, 0.210, 0.269, 0.230, 0.264, 0.256,
          0.303, 0.264, 0.226, 0.285, 0.316, 0.200]  # fmt: skip


def test_batting_averages_of_1970_are_told_better_shrunk_than_raw() -> None:
    hits, bats = np.array(HITS, float), np.full(18, 45.0)
    held = shrink_rates(hits, bats)
    raw, shrunk = (float(((told - SEASON) ** 2).sum()) for told in (hits / bats, held.rates))
    assert raw == pytest.approx(0.0755, abs=0.002)  # 17.56 / .0215 of their transformed scale
    assert shrunk < raw / 3
    assert held.mean == pytest.approx(0.265, abs=0.002)


def test_planted_rates_are_covered_and_squared_error_falls() -> None:
    rng = np.random.default_rng(8)
    covered, shrunk, raw, count = 0, 0.0, 0.0, 0
    for _ in range(60):
        true = rng.beta(18, 2, 40)
        trials = rng.integers(2, 60, 40).astype(float)
        good = rng.binomial(trials.astype(int), true)
        held = shrink_rates(good, trials)
        low, high = held.limits(0.9)
        covered += int(((low <= true) & (true <= high)).sum())
        shrunk += float(((held.rates - true) ** 2).sum())
        raw += float(((good / trials - true) ** 2).sum())
        count += 40
    assert covered / count == pytest.approx(0.9, abs=0.025)
    assert shrunk < 0.6 * raw


def test_three_good_deliveries_do_not_top_a_hundred() -> None:
    held = shrink_rates(np.array([3.0, 97, 80, 85, 90]), np.array([3.0, 100, 100, 100, 100]))
    assert held.rates[0] < held.rates[1]
    low, high = held.limits()
    assert high[0] - low[0] > 2 * (high[1] - low[1])


def test_one_supplier_and_wrong_counts() -> None:
    assert 0 < float(shrink_rates(np.array([2.0]), np.array([2.0])).rates[0]) < 1
    with pytest.raises(ParameterError, match="between 0 and trials"):
        shrink_rates(np.array([5.0]), np.array([4.0]))
