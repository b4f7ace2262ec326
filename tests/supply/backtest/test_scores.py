"""Scores against hand-computed figures, the figures measured on Online Retail, and loops."""

from __future__ import annotations

from math import isnan, nan, sqrt

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.backtest import scores

HISTORY = np.array([[3.0, 5.0, 4.0, 8.0]])
ACTUAL = np.array([[6.0, 2.0, nan, 4.0]])
FORECAST = np.array([[5.0, 4.0, 7.0, 4.0]])


def test_pooled_errors_by_hand() -> None:
    """|e| = 1, 2, 0 and e = -1, +2, 0 over 12 units."""
    assert scores.wape(ACTUAL, FORECAST) == 3 / 12
    assert scores.bias(ACTUAL, FORECAST) == 1 / 12


def test_weights_count_units_by_their_worth() -> None:
    actual, forecast = np.array([[10.0], [10.0]]), np.array([[12.0], [9.0]])
    price = np.array([1.0, 4.0])
    assert scores.wape(actual, forecast, weights=price) == (2 + 4) / 50
    assert scores.bias(actual, forecast, weights=price) == (2 - 4) / 50
    unknown = np.array([1.0, nan])
    assert scores.wape(actual, forecast, weights=unknown) == 2 / 10


def test_scaled_errors_by_hand() -> None:
    """Steps of the past are +2, -1, +4: mean |step| 7/3, mean square 7."""
    scale = scores.absolute_scale(HISTORY)
    assert scale == pytest.approx([7 / 3])
    assert scores.mase(ACTUAL, FORECAST, scale=scale) == pytest.approx([3 / 3 / (7 / 3)])
    squared = scores.squared_scale(HISTORY)
    assert squared == pytest.approx([7.0])
    assert scores.rmsse(ACTUAL, FORECAST, scale=squared) == pytest.approx([sqrt(5 / 3 / 7)])


def test_seasonal_scale_and_unknown_past() -> None:
    assert scores.absolute_scale(HISTORY, season=2) == pytest.approx([(1 + 3) / 2])
    past = np.array([[nan, nan, 4.0, 8.0, nan, 1.0]])
    assert scores.absolute_scale(past) == pytest.approx([4.0])
    assert np.isnan(scores.absolute_scale(np.full((1, 5), 2.0))).all()
    assert np.isnan(scores.squared_scale(np.array([[1.0]]))).all()
    with pytest.raises(ParameterError, match="at least 1 period"):
        scores.absolute_scale(HISTORY, season=0)


def test_smape_by_hand_and_zero_over_zero() -> None:
    """2·1/11, 2·2/6 and 0."""
    assert scores.smape(ACTUAL, FORECAST) == pytest.approx([(2 / 11 + 4 / 6 + 0) / 3])
    assert scores.smape(np.zeros((1, 2)), np.array([[0.0, 3.0]])) == pytest.approx([1.0])


def test_pinball_by_hand() -> None:
    """Half the absolute error at the median; nine to one at the level 0.9."""
    actual = np.array([[10.0, 10.0]])
    middle, upper = np.array([[8.0, 12.0]]), np.array([[5.0, 15.0]])
    assert scores.pinball(actual, middle[None], levels=(0.5,)) == pytest.approx([1.0])
    assert scores.pinball(actual, upper[None], levels=(0.9,)) == pytest.approx([(4.5 + 0.5) / 2])
    both = np.stack([middle, upper])
    assert scores.pinball(actual, both, levels=(0.5, 0.9)) == pytest.approx([1.75])


def test_pinball_is_least_at_the_true_quantile() -> None:
    drawn = np.random.default_rng(1).gamma(2.0, 3.0, (1, 20_000))
    tried = np.quantile(drawn, [0.6, 0.7, 0.8, 0.9])
    lost = [scores.pinball(drawn, np.full((1, *drawn.shape), q), levels=(0.8,))[0] for q in tried]
    assert int(np.argmin(lost)) == 2


def test_coverage_counts_both_ends() -> None:
    low, high = np.array([[6.0, 3.0, 0.0, 1.0]]), np.array([[7.0, 5.0, 0.0, 4.0]])
    assert scores.coverage(ACTUAL, low, high) == pytest.approx(2 / 3)
    assert np.isnan(scores.coverage(np.full((1, 4), nan), low, high))


def test_interval_score_by_hand() -> None:
    """Widths 2; 1 below at 2/0.2 = 10 a unit."""
    actual = np.array([[0.0, 2.0]])
    low, high = np.full((1, 2), 1.0), np.full((1, 2), 3.0)
    score = scores.interval_score(actual, low, high, level=0.8)
    assert score == pytest.approx([(2 + 10 + 2) / 2])
    with pytest.raises(ParameterError, match="level"):
        scores.interval_score(actual, low, high, level=80)


def test_cumulative_error_and_periods_in_stock() -> None:
    """A piece forecast for each of three days and never asked for lies 3 + 2 + 1 days."""
    none, one = np.zeros((1, 3)), np.ones((1, 3))
    assert scores.cumulative_error(none, one).tolist() == [[-1, -2, -3]]
    assert scores.periods_in_stock(none, one).tolist() == [6]
    assert scores.periods_in_stock(one, none).tolist() == [-6]


def test_late_demand_has_no_cumulative_error_but_periods_in_stock() -> None:
    """CFE cannot tell a late demand from none, PIS can (Wallström and Segerstedt's point)."""
    actual, forecast = np.array([[0.0, 0.0, 3.0]]), np.array([[3.0, 0.0, 0.0]])
    assert scores.cumulative_error(actual, forecast)[0, -1] == 0
    assert scores.periods_in_stock(actual, forecast).tolist() == [6]


def test_unknown_truth_counts_nowhere() -> None:
    """The third period changes nothing, whatever was forecast for it."""
    other = FORECAST.copy()
    other[0, 2] = 1e9
    scale = scores.absolute_scale(HISTORY)
    for score in (scores.wape, scores.bias, scores.smape, scores.cumulative_error):
        assert np.array_equal(score(ACTUAL, FORECAST), score(ACTUAL, other), equal_nan=True)
    assert scores.mase(ACTUAL, FORECAST, scale=scale) == scores.mase(ACTUAL, other, scale=scale)
    nothing = np.full((1, 4), nan)
    assert np.isnan(scores.wape(nothing, FORECAST))
    assert np.isnan(scores.smape(nothing, FORECAST)).all()
    assert np.isnan(scores.periods_in_stock(nothing, FORECAST)).all()


@pytest.mark.parametrize("score", [scores.wape, scores.bias, scores.smape])
def test_a_missing_forecast_is_refused(score: object) -> None:
    assert callable(score)
    with pytest.raises(ParameterError, match="missing in 1 cells"):
        score(ACTUAL, np.array([[5.0, nan, nan, 4.0]]))
    with pytest.raises(ParameterError, match="shape"):
        score(ACTUAL, FORECAST[:, :2])


def test_pinball_needs_a_level_for_each_quantile() -> None:
    with pytest.raises(ParameterError, match="one level for each"):
        scores.pinball(ACTUAL, FORECAST[None], levels=(0.1, 0.9))
    with pytest.raises(ParameterError, match="levels"):
        scores.pinball(ACTUAL, FORECAST[None], levels=(nan,))


def test_mean_score_leaves_the_unknown_out() -> None:
    held = np.array([1.0, nan, 4.0])
    assert scores.mean_score(held) == 2.5
    assert scores.mean_score(held, weights=np.array([3.0, 9.0, 1.0])) == 7 / 4
    assert np.isnan(scores.mean_score(np.array([nan])))


def test_every_score_against_a_loop() -> None:
    """Cell by cell, as the definitions read."""
    rng = np.random.default_rng(3)
    past, actual, forecast = (rng.poisson(3.0, (6, n)).astype(float) for n in (30, 9, 9))
    actual[rng.random(actual.shape) < 0.2] = nan
    past[2, :10] = nan
    mase = scores.mase(actual, forecast, scale=scores.absolute_scale(past, season=7))
    rmsse = scores.rmsse(actual, forecast, scale=scores.squared_scale(past))
    for row in range(6):
        steps = [past[row, t] - past[row, t - 7] for t in range(7, 30)]
        ones = [past[row, t] - past[row, t - 1] for t in range(1, 30)]
        known = [(a, f) for a, f in zip(actual[row], forecast[row], strict=True) if not isnan(a)]
        scale = _mean([abs(s) for s in steps if not isnan(s)])
        assert mase[row] == pytest.approx(_mean([abs(a - f) for a, f in known]) / scale)
        square = _mean([s * s for s in ones if not isnan(s)])
        assert rmsse[row] == pytest.approx(sqrt(_mean([(a - f) ** 2 for a, f in known]) / square))


def _mean(cells: list[float]) -> float:
    return sum(cells) / len(cells)
