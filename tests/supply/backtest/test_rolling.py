"""Rolling origins: no look-ahead, known figures on car parts, and what the board says."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply.backtest import (
    Backtest,
    backtest_forecasts,
    cut_folds,
    scores,
    seasonal_naive,
)
from ecops_lib.supply.panel import Floats, Panel

START = dt.date(2026, 1, 1)


def made(values: Floats, **more: object) -> Panel:
    keys = pd.DataFrame(index=[f"S{n}" for n in range(len(values))])
    held = {"keys": keys, "start": START, "frequency": "day", "values": values, **more}
    return Panel(**held)  # type: ignore[arg-type]


def weekly_shape(rows: int = 12, weeks: int = 10, seed: int = 4) -> Floats:
    """Units with a weekday pattern and noise."""
    rng = np.random.default_rng(seed)
    level = np.tile([2.0, 2, 3, 4, 6, 12, 9], weeks)
    return rng.poisson(level, (rows, 7 * weeks)).astype(float)


def tomorrow(values: Floats) -> object:
    """A method that knows the whole panel: how far ahead it may look is what is tested."""

    def method(past: Panel, horizon: int) -> Floats:
        return values[:, past.periods : past.periods + horizon]

    return method


def mean_of(past: Panel, horizon: int) -> Floats:
    return np.repeat(past.values.mean(axis=1, keepdims=True), horizon, axis=1)


def weekday_mean(past: Panel, horizon: int) -> Floats:
    shape = past.values.reshape(len(past), -1, 7).mean(axis=1)
    return np.tile(shape, 1 + horizon // 7)[:, :horizon]


@dataclass(frozen=True)
class Banded:
    """A distribution of three levels."""

    mean: Floats
    levels: tuple[float, ...]
    quantiles: Floats


def banded(half: float) -> object:
    def method(past: Panel, horizon: int) -> Banded:
        mean = weekday_mean(past, horizon)
        bands = np.stack([mean - half, mean, mean + half])
        return Banded(mean, (0.1, 0.5, 0.9), np.maximum(bands, 0))

    return method


def run(values: Floats, method: object, **more: object) -> Backtest:
    held = {"methods": {"ours": method}, "horizon": 14, **more}
    return backtest_forecasts(made(values), **held)  # type: ignore[arg-type]


def texts(found: Backtest) -> list[str]:
    return [finding.text for finding in found.findings()]


def test_windows_are_the_last_ones_and_do_not_overlap() -> None:
    values = np.arange(40.0)[None]
    first, second = cut_folds(made(values), horizon=5, origins=2)
    assert first.past.values.tolist() == values[:, :30].tolist()
    assert first.actual.tolist() == values[:, 30:35].tolist()
    assert second.past.periods == 35
    assert second.actual.tolist() == values[:, 35:].tolist()


def test_the_past_knows_nothing_later() -> None:
    """What comes after an origin may be anything: the forecast stays the same."""
    values = weekly_shape()
    seen: list[Floats] = []

    def spy(past: Panel, horizon: int) -> Floats:
        seen.append(past.values.copy())
        seen.extend(held.copy() for held in past.drivers.values())
        return mean_of(past, horizon)

    for changed in (values, np.concatenate([values[:, :42], values[:, 42:] + 100], axis=1)):
        panel = made(changed, drivers={"price": changed})
        backtest_forecasts(panel, methods={"spy": spy}, horizon=14)
    assert len(seen) == 8
    assert np.array_equal(seen[0], seen[4])
    assert np.array_equal(seen[1], seen[5])


@pytest.mark.parametrize(("given", "periods"), [(None, 33), (5, 35), (0, 30)])
def test_drivers_reach_as_far_as_they_were_known(given: int | None, periods: int) -> None:
    """Three periods after today's end are known, so three after each origin."""
    panel = made(np.ones((2, 40)), drivers={"campaign": np.arange(43.0)[None]})
    fold = cut_folds(panel, horizon=5, origins=2, known_ahead=given)[0]
    assert fold.past.drivers["campaign"].shape == (1, periods)


def test_series_not_yet_begun_are_left_out_and_said() -> None:
    values = weekly_shape()
    values[0, :60] = nan
    values[1, :50] = nan
    found = run(values, mean_of_known)
    assert found.too_new == 1
    assert len(cut_folds(made(values), horizon=14)[0].rows) == 10
    expected = "1 of 12 series had no past at the last origin and is not scored."
    assert texts(found)[-1] == expected


def mean_of_known(past: Panel, horizon: int) -> Floats:
    return np.repeat(np.nanmean(past.values, axis=1, keepdims=True), horizon, axis=1)


def test_naive_repeats_the_last_known_season() -> None:
    values = np.array([[1.0, 2, 3, 4, 5, 6, 7, 8, nan, 10, 11, 12, 13, nan], [nan] * 13 + [4.0]])
    said = seasonal_naive(made(values), 9)
    assert said[0].tolist() == [8, 2, 10, 11, 12, 13, 7, 8, 2]
    assert said[1].tolist() == [4] * 9
    short = seasonal_naive(made(values[:, 9:13]), 3)
    assert short[0].tolist() == [13] * 3
    assert np.isnan(short[1]).all()


def test_knowing_the_future_scores_zero() -> None:
    values = weekly_shape()
    ours = run(values, tomorrow(values)).methods[0].by_units
    assert (ours.wape, ours.bias, ours.window_error, ours.in_stock) == (0, 0, 0, 0)
    assert (ours.mase, ours.rmsse, ours.smape) == (0, 0, 0)


def test_scores_by_hand() -> None:
    """Two windows of two days, forecast 1 a day; asked for 2, 0 and 1, 3."""
    values = np.array([[1.0, 3, 1, 3, 2, 0, 1, 3]])
    ours = run(values, lambda p, h: np.ones((1, h)), horizon=2).methods[0].by_units
    assert ours.wape == 4 / 6
    assert ours.bias == -2 / 6
    assert ours.window_error == (0 + 2) / 6
    assert ours.in_stock == ((-1 + 0) + (0 - 2)) / 6
    steps = [[4, 4, 4], [4, 4, 4, 1, 4]]
    roots = [np.sqrt(square / np.mean(s)) for square, s in zip([1, 2], steps, strict=True)]
    assert ours.rmsse == pytest.approx(np.mean(roots))


def test_worth_weighs_units_by_value() -> None:
    values = np.concatenate([np.full((1, 60), 10.0), np.full((1, 60), 10.0)])
    values[:, ::2] += 2
    said = np.array([[12.0], [11.0]])
    worth = np.array([1.0, 99.0])
    found = run(values, lambda p, h: np.repeat(said, h, axis=1), worth=worth)
    board = found.to_frame()
    assert board["method"].tolist()[:2] == ["ours", "ours, by value"]
    assert board["bias"].tolist()[:2] == pytest.approx([0.5 / 11, 1 / 100 / 11])


def test_better_worse_and_untold_by_their_words() -> None:
    values = weekly_shape()
    better = run(values, weekday_mean)
    ours, naive = (f"{m.by_units.rmsse:.2f}" for m in better.methods)
    assert texts(better)[0] == (
        f"ours forecasts better than last season's figures: RMSSE {ours} against {naive} on "
        "12 series and 2 windows."
    )
    worse = run(values, lambda p, h: 3 * mean_of(p, h))
    assert worse.findings()[0].level == "bad"
    assert "worse than last season's figures" in texts(worse)[0]
    same = run(values, seasonal_naive)
    assert "no better than last season's figures beyond chance" in texts(same)[0]
    few = run(values[:3], weekday_mean, origins=1)
    assert texts(few)[0] == (
        "Whether ours forecasts better than last season's figures cannot be told from 3 series."
    )


def test_bias_reverses_its_sentence() -> None:
    values = weekly_shape(rows=80)
    words = [texts(run(values, lambda p, h, k=k: k * weekday_mean(p, h)))[1] for k in (2, 1, 0.5)]
    assert "more than was asked for: stock piles up." in words[0]
    assert "is close to unbiased" in words[1]
    assert "less than was asked for: shelves empty." in words[2]


@pytest.mark.parametrize(
    ("half", "words"), [(99, "100.00% of periods lay in"), (0.1, "are too narrow: only")]
)
def test_width_of_the_intervals(half: float, words: str) -> None:
    found = run(weekly_shape(), banded(half))
    assert words in texts(found)[2]
    assert found.methods[0].by_units.pinball > 0


def test_chinese_sentences() -> None:
    with reading("zh", "CNY"):
        found = run(weekly_shape(), banded(4.0))
        assert "优于上一周期同期值" in texts(found)[0]
        assert found.to_frame()["method"].tolist() == ["ours", "季节性朴素"]


def test_a_method_of_another_shape_is_refused() -> None:
    values = weekly_shape()
    with pytest.raises(ParameterError, match=r"method 'ours' forecast the shape \(12, 1\)"):
        run(values, lambda p, h: np.ones((12, 1)))
    with pytest.raises(ParameterError, match="missing in"):
        run(values, lambda p, h: np.full((12, h), nan))
    with pytest.raises(ParameterError, match="another name"):
        backtest_forecasts(made(values), methods={"seasonal naive": mean_of}, horizon=7)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"horizon": 0}, "at least 1"),
        ({"horizon": 14, "origins": 5}, "needs? at least|need at least 72"),
        ({"horizon": 14, "known_ahead": -1}, "at least 0"),
    ],
)
def test_impossible_windows_are_refused(given: dict[str, int], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        cut_folds(made(weekly_shape()), **given)


def test_nothing_begun_and_wrong_worth_are_refused() -> None:
    with pytest.raises(ParameterError, match="no series"):
        run(np.full((2, 60), nan), mean_of)
    with pytest.raises(ParameterError, match="one value for each"):
        run(weekly_shape(), mean_of, worth=np.ones(3))


def test_a_shop_that_sold_nothing_has_no_score() -> None:
    found = run(np.zeros((2, 60)), mean_of)
    ours = found.methods[0].by_units
    assert np.isnan([ours.wape, ours.bias, ours.mase, ours.rmsse]).all()
    assert found.chart() is None
    assert "cannot be told" in texts(found)[0]


@pytest.mark.realdata
def test_car_parts_as_measured(shared: Path) -> None:
    """The last 12 of 51 months of 2,208 parts: figures measured with statsforecast 2.0.1."""
    table = pd.read_parquet(shared / "intermittent_demand" / "carparts.parquet")
    wide = table.pivot_table(index="series", columns="month", values="units", dropna=False)
    wide = wide[wide.notna().all(axis=1)]
    wide = wide[(wide.iloc[:, :39] > 0).sum(axis=1) >= 3]
    assert wide.shape == (2208, 51)
    panel = Panel(
        keys=pd.DataFrame(index=wide.index),
        start=dt.date(1998, 1, 1),
        frequency="month",
        values=wide.to_numpy(dtype=float),
    )
    found = backtest_forecasts(
        panel,
        methods={"zero": lambda p, h: np.zeros((len(p), h)), "mean": mean_of},
        horizon=12,
        origins=1,
    )
    zero, mean = (method.by_units for method in found.methods[:2])
    fold = cut_folds(panel, horizon=12, origins=1)[0]
    scale = scores.absolute_scale(fold.past.values)
    said = [np.zeros_like(fold.actual), mean_of(fold.past, 12)]
    mase = [scores.mean_score(scores.mase(fold.actual, f, scale=scale)) for f in said]
    assert mase == pytest.approx([0.7267, 1.1046], abs=0.002)
    assert zero.rmsse == pytest.approx(0.6753, abs=0.002)
    assert mean.rmsse == pytest.approx(0.7203, abs=0.002)
