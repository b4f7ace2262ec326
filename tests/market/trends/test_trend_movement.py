"""Means and breaks of daily series: published values, coverage, and the rate of false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from trend_world import wander

from ecops_lib.market.trends import movement
from ecops_lib.market.trends.movement import EDGE, find_break, long_run_variance, mean_of_days


def test_the_statistic_has_the_published_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shao and Zhang (2010), table 1, q = 1: 29.6 at 90 % and 40.1 at 95 %."""
    monkeypatch.setattr(movement, "EDGE", 1)
    drawn = np.random.default_rng(4).normal(size=(2000, 300))
    statistic, _ = movement._statistic(drawn)
    assert np.quantile(statistic, 0.9) == pytest.approx(29.6, rel=0.08)
    assert np.quantile(statistic, 0.95) == pytest.approx(40.1, rel=0.08)


def slow_statistic(x: np.ndarray) -> tuple[float, int]:
    """The definition, term by term."""
    n, best = len(x), (-1.0, 0)
    for k in range(EDGE, n - EDGE + 1):
        contrast = (x[:k].sum() - k / n * x.sum()) / np.sqrt(n)
        left = sum((x[:t].sum() - t / k * x[:k].sum()) ** 2 for t in range(1, k + 1))
        right = sum((x[t:].sum() - (n - t) / (n - k) * x[k:].sum()) ** 2 for t in range(k, n))
        best = max(best, (contrast**2 / ((left + right) / n**2), k))
    return best


def test_the_statistic_is_that_of_the_definition() -> None:
    x = np.random.default_rng(5).normal(size=60)
    statistic, at = movement._statistic(x[None, :])
    assert (statistic[0], at[0]) == pytest.approx(slow_statistic(x))


def test_the_cosines_give_the_variance_of_plain_noise() -> None:
    rng = np.random.default_rng(6)
    assert long_run_variance(rng.normal(0, 3, 20_000), 2_000) == pytest.approx(9, rel=0.1)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_no_break_is_found_in_a_twentieth_of_series_without_one(rho: float) -> None:
    rng = np.random.default_rng(7)
    found = [find_break(wander(rng, rho, 1.0, 180)) for _ in range(300)]
    assert np.mean([one is not None and one.p < 0.05 for one in found]) <= 0.09


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_the_interval_of_a_mean_covers_it(rho: float) -> None:
    rng = np.random.default_rng(8)
    held = [mean_of_days(wander(rng, rho, 1.0, 56)) for _ in range(300)]
    assert np.mean([one.low <= 0 <= one.high for one in held]) >= 0.9
    for one in held:
        assert (one.p < 0.05) == (not one.low <= 0 <= one.high)


def test_a_planted_step_is_dated_and_measured() -> None:
    rng = np.random.default_rng(9)
    values = wander(rng, 0.5, 0.05, 180)
    values[120:] += 0.3
    found = find_break(values)
    assert found is not None
    assert found.p < 0.01
    assert abs(found.at - 120) <= 2
    assert found.low < 0.3 < found.high
    assert not found.drift


def test_growth_in_a_line_is_called_drift() -> None:
    values = np.arange(180) / 100 + wander(np.random.default_rng(10), 0.5, 0.05, 180)
    found = find_break(values)
    assert found is not None
    assert found.drift


def test_days_without_a_value_are_left_out_and_counted() -> None:
    values = np.random.default_rng(11).normal(0, 0.1, 120)
    values[70:] += 1
    holes = values.copy()
    holes[::5] = np.nan
    found = find_break(holes)
    assert found is not None
    assert abs(found.at - 70) <= 1


def test_too_short_or_even_series_tell_nothing() -> None:
    assert find_break(np.ones(200)) is None
    assert find_break(np.arange(40.0)) is None
    assert find_break(np.full(200, np.nan)) is None
    assert np.isnan(mean_of_days(np.ones(5)).low)
    assert mean_of_days(np.ones(20)).value == 1
