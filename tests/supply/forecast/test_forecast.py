"""The default forecast: planted shapes found, calibrated, honest where nothing can be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply.backtest import cut_folds, scores, seasonal_naive
from ecops_lib.supply.forecast import Forecast, forecast_demand
from ecops_lib.supply.forecast.result import LEVELS
from ecops_lib.supply.panel import Floats, Frequency, Panel

START = dt.date(2025, 1, 6)
WEEK = np.array([2.0, 2, 3, 4, 6, 12, 9])


def made(
    values: Floats,
    *,
    drivers: Mapping[str, Floats] | None = None,
    frequency: Frequency = "day",
    whole: bool = True,
) -> Panel:
    return Panel(
        keys=pd.DataFrame(index=[f"S{n}" for n in range(len(values))]),
        start=START,
        frequency=frequency,
        values=values,
        drivers=drivers or {},
        whole=whole,
    )


def weekly_shape(rows: int = 30, weeks: int = 20, seed: int = 4) -> Floats:
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.5, 3, (rows, 1))
    return rng.poisson(size * np.tile(WEEK, weeks)).astype(float)


def wandering(rows: int, periods: int, seed: int) -> Floats:
    """Demand whose level wanders, so that days ahead rise and fall together."""
    rng = np.random.default_rng(seed)
    level = np.exp(np.cumsum(rng.normal(0, 0.08, (rows, periods)), axis=1))
    return rng.poisson(np.clip(8 * level, 0.5, 80)).astype(float)


def texts(found: Forecast) -> list[str]:
    return [finding.text for finding in found.findings()]


def test_a_planted_weekday_shape_comes_back() -> None:
    rng = np.random.default_rng(8)
    size = rng.uniform(0.5, 3, (40, 1))
    panel = made(rng.poisson(size * np.tile(WEEK, 20)).astype(float))
    found = forecast_demand(panel, horizon=14)
    truth = size * np.tile(WEEK, 2)
    assert found.mean.shape == (40, 14)
    assert np.abs(found.mean - truth).sum() / truth.sum() < 0.08
    assert found.start == START + dt.timedelta(days=140)


def test_better_than_last_season_and_says_so() -> None:
    found = forecast_demand(made(weekly_shape()), horizon=14)
    assert found.backtest is not None
    ours, naive = found.backtest.methods
    assert ours.by_units.rmsse < 0.9 * naive.by_units.rmsse
    assert any("forecasts better than last season's figures" in text for text in texts(found))


def test_where_last_season_is_as_good_it_is_used_and_said() -> None:
    """Weeks that repeat to the unit, each series in a rhythm of its own."""
    rng = np.random.default_rng(3)
    values = np.tile(rng.integers(0, 30, (25, 7)), 24).astype(float)
    panel = made(values)
    found = forecast_demand(panel, horizon=14)
    assert np.array_equal(found.mean, seasonal_naive(panel, 14))
    assert set(found.method) == {"seasonal naive"}
    assert set(found.to_frame()["method"]) == {"seasonal naive"}


def test_no_look_ahead() -> None:
    values = weekly_shape()
    early = forecast_demand(made(values[:, :112]), horizon=14)
    later = forecast_demand(made(values).until(112), horizon=14)
    assert np.array_equal(early.mean, later.mean)
    assert np.array_equal(early.quantiles, later.quantiles)


def test_same_seed_same_bytes_and_the_argument_is_left_alone() -> None:
    values = weekly_shape()
    panel = made(values.copy())
    one, two = (forecast_demand(panel, horizon=7, seed=5) for _ in range(2))
    assert np.array_equal(one.quantiles, two.quantiles)
    assert np.array_equal(one.paths(1, 9), two.paths(1, 9))
    assert np.array_equal(panel.values, values)


def test_money_scales() -> None:
    """Ten times the units is ten times the forecast, where units are not whole."""
    values = weekly_shape()
    one = forecast_demand(made(values + 2, whole=False), horizon=7)
    ten = forecast_demand(made(10 * (values + 2), whole=False), horizon=7)
    assert ten.mean == pytest.approx(10 * one.mean, rel=1e-6)


def test_unknown_periods_are_left_out_not_zero() -> None:
    rng = np.random.default_rng(2)
    values = weekly_shape(rows=30, weeks=16)
    holes = np.where(rng.random(values.shape) < 0.3, np.nan, values)
    whole, holed = (forecast_demand(made(v), horizon=14) for v in (values, holes))
    assert holed.mean.sum() == pytest.approx(whole.mean.sum(), rel=0.05)
    zeros = forecast_demand(made(np.nan_to_num(holes)), horizon=14)
    assert zeros.mean.sum() < 0.8 * whole.mean.sum()


def test_a_closed_weekday_stays_closed() -> None:
    values = weekly_shape()
    values[:, 6::7] = 0
    found = forecast_demand(made(values), horizon=14)
    assert (found.mean[:, [6, 13]] == 0).all()
    assert (found.quantiles[:, :, 6] == 0).all()
    assert (found.paths(0, 20)[:, :, 6] == 0).all()


def test_bulk_orders_do_not_move_the_level_much() -> None:
    values = weekly_shape(rows=30, weeks=16)
    struck = values.copy()
    struck[::4, -3] += 500
    plain, bulk = (forecast_demand(made(v), horizon=14) for v in (values, struck))
    added = (bulk.mean - plain.mean)[::4].sum() / plain.mean[::4].sum()
    naive = (seasonal_naive(made(struck), 14) - seasonal_naive(made(values), 14))[::4].sum()
    assert added < 0.35 * naive / plain.mean[::4].sum()


def test_quantiles_are_ordered_whole_and_not_negative() -> None:
    found = forecast_demand(made(weekly_shape()), horizon=14)
    assert found.levels == LEVELS
    assert found.quantiles.shape == (len(LEVELS), 30, 14)
    assert (np.diff(found.quantiles, axis=0) >= 0).all()
    assert (found.quantiles >= 0).all()
    assert (found.quantiles == np.round(found.quantiles)).all()


def test_quantiles_cover_what_they_claim() -> None:
    values = wandering(200, 168, seed=6)
    found = forecast_demand(made(values[:, :154]), horizon=14)
    came = values[:, 154:]
    for level in (0.1, 0.5, 0.9):
        below = (came <= found.quantiles[LEVELS.index(level)]).mean()
        assert below == pytest.approx(level, abs=0.08)
    low, high = found.interval(0.8)
    assert ((came >= low) & (came <= high)).mean() == pytest.approx(0.8, abs=0.07)


def test_the_total_over_a_lead_time_covers_too() -> None:
    """Paths hang together in time: independent days would cover far too little."""
    values = wandering(200, 168, seed=7)
    found = forecast_demand(made(values[:, :154]), horizon=14)
    came = values[:, 154:].sum(axis=1)
    paths = found.paths(1, 400)
    low, high = np.quantile(paths.sum(axis=2), (0.1, 0.9), axis=1)
    held = ((came >= low) & (came <= high)).mean()
    assert held == pytest.approx(0.8, abs=0.08)
    rng = np.random.default_rng(0)
    alone = rng.permuted(paths, axis=1)  # each day on its own
    low, high = np.quantile(alone.sum(axis=2), (0.1, 0.9), axis=1)
    assert ((came >= low) & (came <= high)).mean() < held - 0.2


def test_paths_agree_with_the_quantiles() -> None:
    found = forecast_demand(made(wandering(20, 140, seed=9)), horizon=7)
    paths = found.paths(3, 4000)
    assert paths.shape == (20, 4000, 7)
    for level in (0.1, 0.5, 0.9):
        drawn = np.quantile(paths, level, axis=1)
        said = found.quantiles[LEVELS.index(level)]
        assert np.abs(drawn - said).mean() < 0.12 * said.mean() + 0.35
    some = found.paths(3, 4000, rows=np.array([4, 2]))
    assert some.mean(axis=(1, 2)) == pytest.approx(paths[[4, 2]].mean(axis=(1, 2)), rel=0.05)


@pytest.mark.parametrize("rate", [0.1, 3.0])
def test_the_mean_of_paths_is_the_forecast_though_a_few_days_see_many(rate: float) -> None:
    rng = np.random.default_rng(11)
    bulk = np.where(rng.random((40, 364)) < 0.05, rng.choice([1, 4, 20, 40], (40, 364)), 0)
    values = (rng.poisson(rate, (40, 364)) + bulk * (rate < 1)).astype(float)
    found = forecast_demand(made(values), horizon=14)
    paths = found.paths(5, 2000)
    assert paths.mean() == pytest.approx(found.mean.mean(), rel=0.03)


def test_an_interval_is_narrower_where_most_days_see_nothing() -> None:
    rng = np.random.default_rng(1)
    values = rng.poisson(0.25, (80, 154)).astype(float)
    found = forecast_demand(made(values[:, :140]), horizon=14)
    low, high = found.interval(0.8)
    central = found.quantiles[LEVELS.index(0.9)] - found.quantiles[LEVELS.index(0.1)]
    assert (high - low).sum() <= central.sum()
    with pytest.raises(ParameterError, match="share"):
        found.interval(1.5)


def test_a_promotion_known_ahead_lifts_its_days() -> None:
    """Planted: promotions double demand; the coming week has one from Friday to Sunday."""
    rng = np.random.default_rng(5)
    rows, days, ahead = 60, 168, 7
    promo = (rng.random((rows, days + ahead)) < 0.12).astype(float)
    promo[:, days:] = [0, 0, 0, 0, 1, 1, 1]
    values = rng.poisson(5 * np.exp(np.log(2) * promo[:, :days])).astype(float)
    found = forecast_demand(made(values, drivers={"campaign": promo}), horizon=ahead)
    assert found.effects is not None
    assert np.exp(found.effects.slopes[0]) == pytest.approx(2, rel=0.07)
    lifted = found.mean[:, 4:].mean() / found.mean[:, :4].mean()
    assert lifted == pytest.approx(2, rel=0.08)


def test_a_price_moves_demand_by_its_elasticity() -> None:
    """Planted: an elasticity of -1.5; the coming week is a fifth cheaper."""
    rng = np.random.default_rng(6)
    rows, days, ahead = 60, 168, 7
    price = 10 * np.exp(rng.choice([0, -0.2, 0.15], (rows, days + ahead), p=[0.8, 0.1, 0.1]))
    price[:, days:] = 8.0
    values = rng.poisson(6 * (price[:, :days] / 10) ** -1.5).astype(float)
    found = forecast_demand(made(values, drivers={"price": price}), horizon=ahead)
    assert found.mean.mean() == pytest.approx(6 * 0.8**-1.5, rel=0.08)


def test_a_driver_without_effect_moves_nothing() -> None:
    rng = np.random.default_rng(7)
    mark = (rng.random((1, 147)) < 0.1).astype(float)
    values = weekly_shape(weeks=20)
    plain = forecast_demand(made(values), horizon=7)
    with_it = forecast_demand(made(values, drivers={"festival": mark}), horizon=7)
    assert with_it.mean == pytest.approx(plain.mean, rel=0.08)


def test_a_driver_not_known_ahead_is_named() -> None:
    values = weekly_shape(weeks=20)
    price = np.full((1, 140), 9.0)
    price[0, ::9] = 7.0
    found = forecast_demand(made(values, drivers={"price": price}), horizon=7)
    assert (
        "Not known for all days ahead, and taken as they usually are or last were: price."
        in texts(found)
    )


def test_last_years_season_is_found_where_a_year_is_known() -> None:
    """Months with a December that triples, in four years."""
    rng = np.random.default_rng(11)
    shape = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1.3, 1.8, 3.0])
    values = rng.poisson(40 * np.tile(shape, 4)[None, :] * rng.uniform(0.5, 2, (40, 1)))
    found = forecast_demand(made(values.astype(float), frequency="month"), horizon=12)
    share = found.mean[:, 11].sum() / found.mean.sum()
    assert found.mean.shape == (40, 12)
    assert share > 1.5 / 12


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
@pytest.mark.parametrize("periods", [1, 2, 5, 15])
def test_any_short_past_gives_a_forecast(frequency: Frequency, periods: int) -> None:
    values = np.arange(3 * periods, dtype=float).reshape(3, periods)
    found = forecast_demand(made(values, frequency=frequency), horizon=4)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.quantiles).all()
    assert found.paths(0, 3).shape == (3, 3, 4)
    assert len(found.to_frame()) == 3
    assert found.findings()


def test_too_short_a_past_says_that_it_cannot_be_judged() -> None:
    found = forecast_demand(made(np.ones((2, 3))), horizon=7)
    assert found.backtest is None
    assert (
        "How good this forecast is cannot be told: the past is too short to forecast any of it "
        "and compare." in texts(found)
    )


def test_all_zeros_one_series_and_nothing_known() -> None:
    zeros = forecast_demand(made(np.zeros((2, 90))), horizon=7)
    assert (zeros.mean == 0).all()
    assert (zeros.paths(0, 5) == 0).all()
    assert zeros.chart() is not None
    single = forecast_demand(made(weekly_shape(rows=1)), horizon=7)
    assert single.mean.sum() == pytest.approx(weekly_shape(rows=1)[:, -70:].sum() / 10, rel=0.3)
    values = weekly_shape(rows=3)
    values[1] = np.nan
    partly = forecast_demand(made(values), horizon=7)
    assert np.isnan(partly.mean[1]).all()
    assert np.isfinite(partly.mean[[0, 2]]).all()
    assert "1 of 3 series has no known past and cannot be forecast from it." in texts(partly)
    assert len(partly.to_frame()) == 3
    nothing = forecast_demand(made(np.full((2, 30), np.nan)), horizon=7)
    assert np.isnan(nothing.mean).all()
    assert nothing.chart() is None
    assert len(nothing.findings()) == 2


def test_impossible_arguments_are_named() -> None:
    panel = made(weekly_shape(rows=2))
    with pytest.raises(ParameterError, match="horizon is 0; it must be at least 1 period"):
        forecast_demand(panel, horizon=0)
    with pytest.raises(ParameterError, match="0 periods; a forecast needs at least one"):
        forecast_demand(made(np.empty((2, 0))), horizon=7)
    with pytest.raises(ParameterError, match="count is 0"):
        forecast_demand(panel, horizon=7).paths(0, 0)


def test_what_it_says_in_both_languages() -> None:
    found = forecast_demand(made(weekly_shape(rows=9)), horizon=7)
    units, naive = round(found.mean.sum()), round(found.naive.sum())
    with reading("en"):
        assert texts(found)[0] == (
            f"{units:,} units are expected of 9 series from 2025-05-26 to 2025-06-01; last "
            f"season's figures would say {naive:,}."
        )
        assert list(found.headings().values())[:3] == ["Series", "Expected units", "At least (10%)"]
    with reading("zh"):
        assert f"{units:,}" in texts(found)[0]
    frame = found.to_frame()
    assert (frame["low"] <= frame["expected"]).all()
    assert (frame["expected"] <= frame["high"]).all()
    assert len(found.labels) == len(frame.columns) <= 9


@pytest.mark.realdata
def test_car_parts_beat_every_single_model(shared: Path) -> None:
    """Best single model measured with statsforecast 2.0.1: IMAPA, RMSSE 0.663."""
    table = pd.read_parquet(shared / "intermittent_demand" / "carparts.parquet")
    wide = table.pivot_table(index="series", columns="month", values="units", dropna=False)
    wide = wide[wide.notna().all(axis=1)]
    wide = wide[(wide.iloc[:, :39] > 0).sum(axis=1) >= 3]
    fold = cut_folds(made(wide.to_numpy(dtype=float), frequency="month"), horizon=12, origins=1)[0]
    found = forecast_demand(fold.past, horizon=12)
    scale = scores.squared_scale(fold.past.values)
    assert scores.mean_score(scores.rmsse(fold.actual, found.mean, scale=scale)) < 0.6555
