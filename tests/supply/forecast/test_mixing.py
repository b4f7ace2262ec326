"""Parts of the default forecast, against slow loops and planted truths."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from ecops_lib.supply.backtest import scores
from ecops_lib.supply.forecast.candidates import make_candidates
from ecops_lib.supply.forecast.combining import draw_to_total, learn_weights, summarise_window
from ecops_lib.supply.forecast.distribution import (
    GRID,
    NOMINAL,
    count_shapes,
    hold_outcomes,
    lay_interval,
    learn_shapes,
    rank_outcomes,
    shape_at,
)
from ecops_lib.supply.forecast.effects import learn_effects
from ecops_lib.supply.forecast.origins import choose_cuts
from ecops_lib.supply.forecast.smoothing import (
    cap_bursts,
    closed_periods,
    cycle_profile,
    row_quantiles,
    smooth_levels,
)
from ecops_lib.supply.panel import Floats, Panel


def holed(rows: int, periods: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    values = rng.poisson(4, (rows, periods)).astype(float)
    values[rng.random(values.shape) < 0.2] = np.nan
    return values


def made(values: Floats) -> Panel:
    keys = pd.DataFrame(index=range(len(values)))
    return Panel(keys=keys, start=dt.date(2025, 1, 6), frequency="day", values=values)


def test_smoothing_is_the_textbook_recursion() -> None:
    """A mean until a period weighs less than alpha, then level + alpha (y - level)."""
    values = holed(5, 60, seed=1)
    found = smooth_levels(values, alphas=(0.1, 0.4))
    for place, alpha in enumerate((0.1, 0.4)):
        for row in range(5):
            weights: list[float] = []
            units: list[float] = []
            for t, unit in enumerate(values[row]):
                if not np.isnan(unit):
                    weights = [w * (1 - alpha) for w in weights] + [1.0]
                    units.append(unit)
                truth = np.average(units, weights=weights) if units else np.nan
                assert found[place, row, t + 1] == pytest.approx(truth, nan_ok=True)


def test_row_quantiles_are_numpys() -> None:
    values = holed(9, 41, seed=2)
    truth = np.nanquantile(values, (0, 0.13, 0.5, 0.95, 1), axis=1).T
    assert row_quantiles(values, (0, 0.13, 0.5, 0.95, 1)) == pytest.approx(truth)


def test_bursts_are_capped_at_the_series_own_quantile() -> None:
    values = holed(6, 100, seed=3)
    values[2, 50] = 900
    capped = cap_bursts(values, np.zeros(100, dtype=bool))
    assert capped[2, 50] == pytest.approx(np.nanquantile(values[2], 0.95))
    assert np.array_equal(np.isnan(capped), np.isnan(values))


def test_a_day_without_a_unit_in_the_whole_shop_is_closed_a_quiet_sku_is_not() -> None:
    rng = np.random.default_rng(4)
    values = rng.poisson(2, (40, 80)).astype(float)
    values[:, 33] = 0
    values[:, 44] = np.nan
    assert np.flatnonzero(closed_periods(values)).tolist() == [33]
    quiet = rng.poisson(0.2, (1, 80)).astype(float)
    assert not closed_periods(quiet).any()
    assert not closed_periods(np.zeros((50, 80))).any()


def test_profiles_are_shrunk_to_the_panels() -> None:
    rng = np.random.default_rng(5)
    week = np.array([1, 1, 1, 1, 1, 1, 8]) / 2
    values = rng.poisson(5 * np.tile(week, 30), (50, 210)).astype(float)
    values[0] = rng.poisson(5 * np.tile(week[::-1], 30)).astype(float)
    profile = cycle_profile(values, cycle=7)
    assert profile.mean(axis=1) == pytest.approx(1)
    assert profile[9] == pytest.approx(week, abs=0.25)
    assert week[0] < profile[0, 0] < week[6]
    own = cycle_profile(values, cycle=7, own_cycles=0.001)
    assert own[0] == pytest.approx(week[::-1], abs=0.25)


def test_the_candidate_that_was_right_gets_the_weight() -> None:
    rng = np.random.default_rng(6)
    truth = rng.uniform(5, 50, (80, 1)) * np.ones((1, 7))
    history = rng.poisson(20, (80, 60)).astype(float)
    said = np.stack([rng.permutation(truth), truth, rng.permutation(truth)])
    windows = [summarise_window(said, truth + rng.normal(0, 3, (80, 7)), history) for _ in range(4)]
    groups = np.repeat(["a", "b"], 40)
    weights = learn_weights(windows, prior=np.full(3, 1 / 3), groups=groups)
    assert weights.shape == (80, 3)
    assert (weights >= 0).all()
    assert weights[0, 1] > 0.8
    mixed = np.einsum("nk,knh->nh", weights, said)
    assert mixed.sum() == pytest.approx(truth.sum(), rel=0.03)


def test_a_window_in_squares_is_the_rmsse() -> None:
    rng = np.random.default_rng(7)
    said = rng.uniform(1, 9, (3, 12, 7))
    actual = rng.poisson(5, (12, 7)).astype(float)
    actual[3, 2:5] = np.nan
    history = rng.poisson(5, (12, 40)).astype(float)
    window = summarise_window(said, actual, history)
    weights = np.array([0.2, 0.5, 0.3])
    bent = np.einsum("nkj,k,j->n", window.squares, weights, weights)
    found = np.sqrt(window.actual - 2 * window.crosses @ weights + bent)
    mean = np.tensordot(weights, said, 1)
    truth = scores.rmsse(actual, mean, scale=scores.squared_scale(history))
    assert found == pytest.approx(truth)


def test_without_windows_the_weights_are_those_expected() -> None:
    weights = learn_weights([], prior=np.array([0.5, 0.5]), groups=np.array(["a"]))
    assert weights.tolist() == [[0.5, 0.5]]


def test_the_sum_moves_towards_the_panels_own() -> None:
    mean = np.full((4, 5), 2.0)
    drawn = draw_to_total(mean, np.full(5, 64.0))
    assert drawn.sum() == pytest.approx(40 * 8 ** (1 / 3))
    assert np.array_equal(draw_to_total(np.zeros((2, 3)), np.ones(3)), np.zeros((2, 3)))


def test_shares_follow_the_panels_level_sooner_than_a_slow_level_of_their_own() -> None:
    rng = np.random.default_rng(8)
    level = np.where(np.arange(140) < 126, 10.0, 20.0)
    values = rng.poisson(level, (60, 140)).astype(float)
    found = make_candidates(values, horizon=7, frequency="day", season=False)
    said = dict(zip(found.families, found.forecasts.mean(axis=(1, 2)), strict=False))
    own = found.forecasts[0].mean()
    assert said["share of the total"] > own + 2
    assert found.total.sum() == pytest.approx(60 * 7 * 18, rel=0.15)


def test_origins_know_two_horizons_and_end_before_the_last_window() -> None:
    cuts, season = choose_cuts(made(np.ones((2, 200))), horizon=14)
    assert not season
    assert cuts == sorted(cuts)
    assert len(cuts) == 10
    assert cuts[-1] == 186
    assert cuts[0] >= 28
    assert {186 - cut for cut in cuts} <= set(range(0, 200, 7))
    _, season = choose_cuts(made(np.ones((2, 739))), horizon=28)
    assert season


def test_shapes_have_mean_one_and_come_back() -> None:
    rng = np.random.default_rng(9)
    level = np.full((300, 200), 40.0)
    values = level * rng.gamma(4, 0.25, level.shape)
    shapes = learn_shapes(values, level, np.repeat("a", 300))
    assert shapes.mean(axis=1) == pytest.approx(1)
    truth = np.quantile(rng.gamma(4, 0.25, 400_000), GRID)
    inner = (GRID > 0.02) & (GRID < 0.98)  # the ends of 200 outcomes are rough
    assert shapes.mean(axis=0)[inner] == pytest.approx(truth[inner], abs=0.03)
    assert (np.diff(shapes, axis=1) >= 0).all()


def test_ranks_of_what_the_shapes_drew_are_even() -> None:
    rng = np.random.default_rng(10)
    shapes = np.sort(rng.gamma(2, 0.5, (200, 100)), axis=1)
    mean = rng.uniform(0.3, 6, (200, 10))
    drawn = np.round(shape_at(shapes, rng.random((200, 10))) * mean)
    ranks = rank_outcomes(drawn, mean, shapes, rng, whole=True)
    assert np.quantile(ranks, (0.1, 0.5, 0.9)) == pytest.approx((0.1, 0.5, 0.9), abs=0.04)
    actual = np.full((1, 10), np.nan)
    assert rank_outcomes(actual, mean[:1], shapes[:1], rng, whole=True).min() >= 0


def test_an_interval_leaves_out_above_what_it_cannot_leave_out_below() -> None:
    shapes = np.stack([np.linspace(0.505, 1.495, 100), np.repeat([0.0, 2.0], 50)])
    centre = np.array([[100.0], [3.0]])
    low, high = lay_interval(shapes, centre, 0.8, whole=True)
    assert (low[0, 0], high[0, 0]) == (60, 140)
    assert (low[1, 0], high[1, 0]) == (0, 6)
    outcomes = np.array([[59.0, 60, 140, 141], [0, 6, 7, np.nan]])
    held = hold_outcomes(outcomes, centre, shapes, whole=True)
    assert held[np.isclose(NOMINAL, 0.8)][0] == pytest.approx([0.5, 2 / 3])


def test_effects_are_those_planted_and_a_rare_driver_moves_little() -> None:
    rng = np.random.default_rng(12)
    level = np.full((40, 200), 6.0)
    sale = (rng.random((40, 207)) < 0.2).astype(float)
    once = np.zeros((1, 207))
    once[0, 50] = 1
    values = rng.poisson(level * np.exp(0.6 * sale[:, :200])).astype(float)
    panel = made(values)
    panel.drivers["sale"] = sale  # type: ignore[index]
    found = learn_effects(panel, level, horizon=7)
    assert found.slopes == pytest.approx([0.6], abs=0.05)
    assert found.factors.shape == (40, 207)
    assert found.untold == ()
    lone = made(values[:1])
    lone.drivers["once"] = once  # type: ignore[index]
    assert np.abs(learn_effects(lone, level[:1], horizon=7).slopes).max() < 0.35


def test_single_units_come_more_often_where_the_mean_is_higher_not_in_twos() -> None:
    rng = np.random.default_rng(8)
    rates = np.array([0.1, 0.4, 0.4, 30.0])
    values = rng.poisson(rates[:, None], (4, 364)).astype(float)
    fitted = np.repeat(rates[:, None], 364, axis=1)
    mean = np.array([0.2, 0.4, 0.0, 30.0])
    shapes = count_shapes(values, fitted, mean)
    assert np.isnan(shapes[2:]).all()  # nothing forecast; no series of single units
    assert shapes[:2].mean(axis=1) == pytest.approx(1)
    none = (shapes[:2] == 0).mean(axis=1)
    assert none == pytest.approx(np.exp(-mean[:2]), abs=0.02)  # Poisson's chance of no unit


def test_single_units_that_come_in_clusters_spread_more_than_poisson() -> None:
    rng = np.random.default_rng(9)
    level = rng.choice([0.02, 1.0], p=[0.8, 0.2], size=(1, 364))
    values = rng.poisson(level).astype(float)
    mean = level.mean()
    shapes = count_shapes(values, np.full((1, 364), mean), np.array([mean]))
    assert (shapes == 0).mean() == pytest.approx((values == 0).mean(), abs=0.03)
    assert (shapes == 0).mean() > np.exp(-mean) + 0.02
