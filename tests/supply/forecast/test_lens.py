"""One series under the lens: planted level, trend, rhythm and drivers found again."""

from __future__ import annotations

import datetime as dt
from math import nan

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply.forecast.lens import SeriesLens, inspect_series
from ecops_lib.supply.forecast.structure import take_apart
from ecops_lib.supply.panel import Floats, Panel

START = dt.date(2026, 1, 5)
"""A Monday."""
WEEK = np.array([-10.0, -6, -4, 0, 2, 12, 6])


def made(values: Floats, **more: object) -> Panel:
    keys = pd.DataFrame(index=["A1"])
    held = {"keys": keys, "start": START, "frequency": "day", "values": np.atleast_2d(values)}
    return Panel(**{**held, **more})  # type: ignore[arg-type]


def planted(
    days: int = 196,
    *,
    slope: float = 0.0,
    week: Floats = WEEK,
    campaign: float = 0.0,
    seed: int = 1,
) -> tuple[Floats, Floats]:
    """Units of a series and the campaign, known fourteen days ahead."""
    rng = np.random.default_rng(seed)
    driver = np.zeros(days + 14)
    driver[days // 2 : days // 2 + 14] = 1
    driver[days + 3 : days + 7] = 1
    time = np.arange(days)
    level = 80 + slope * time / 7 + week[time % 7] + campaign * driver[:days]
    return np.maximum(level + rng.normal(0, 5, days), 0), driver[None]


def look(values: Floats, driver: Floats | None = None) -> SeriesLens:
    drivers = {} if driver is None else {"campaign": driver}
    return inspect_series(made(values, drivers=drivers), series="A1", horizon=14)


def texts(found: SeriesLens) -> str:
    return " ".join(finding.text for finding in found.findings())


def test_forecast_and_errors_are_those_of_statsmodels() -> None:
    """Mean and standard error of each day ahead, from the library's own forecast."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    values, driver = planted(slope=1.0, campaign=30.0)
    values[40:50] = nan
    held = take_apart(values, horizon=14, season=7, drivers={"campaign": driver[0]})
    scale = np.nanstd(values)
    model = UnobservedComponents(
        values / scale,
        level="local linear deterministic trend",
        freq_seasonal=[{"period": 7, "harmonics": 3}],
        stochastic_freq_seasonal=[False],
        exog=driver[0, :196],
        mle_regression=False,
    )
    told = model.fit(disp=0, maxiter=200).get_forecast(14, exog=driver[0, 196:])
    assert held.ahead == pytest.approx(told.predicted_mean * scale)
    assert held.ahead_error == pytest.approx(told.se_mean * scale)


def test_error_of_the_sum_by_simulation() -> None:
    """A level that wanders: errors of the days ahead move together, their sum errs far more."""
    rng = np.random.default_rng(4)
    values = 300 + np.cumsum(rng.normal(0, 5, 150)) + rng.normal(0, 3, 150)
    held = take_apart(values, horizon=14, season=1, drivers={})
    assert held.total.value == pytest.approx(held.ahead.sum())
    independent = np.sqrt((held.ahead_error**2).sum())
    walk = np.cumsum(rng.normal(0, 5, (20_000, 14)), axis=1).sum(axis=1)
    slow = np.hypot(walk.std(), 3 * np.sqrt(14))
    assert held.total.error > 2 * independent
    assert held.total.error == pytest.approx(slow, rel=0.3)


def test_planted_parts_are_found_again() -> None:
    """In 20 worlds the intervals of trend and campaign hold the truth nearly always."""
    hits = {"trend": 0, "campaign": 0, "total": 0}
    for seed in range(20):
        values, driver = planted(slope=1.4, campaign=25.0, seed=seed)
        held = look(values, driver).structure
        assert held is not None
        truth = 80 * 14 + sum(1.4 * d / 7 + WEEK[d % 7] for d in range(196, 210)) + 4 * 25
        hits["trend"] += held.trend.low <= 0.2 <= held.trend.high
        hits["campaign"] += held.drivers["campaign"].low <= 25 <= held.drivers["campaign"].high
        hits["total"] += abs(held.total.value - truth) <= 2 * held.total.error
        assert [r.value for r in held.rhythm] == pytest.approx(WEEK.tolist(), abs=4)
    assert min(hits.values()) >= 17


@pytest.mark.parametrize(
    ("slope", "words"), [(3.0, "A1 grows by +"), (-2.0, "A1 shrinks by -"), (0.0, "no trend")]
)
def test_trend_reverses_its_sentence(slope: float, words: str) -> None:
    assert words in texts(look(planted(slope=slope)[0]))


def test_rhythm_is_told_by_its_days_or_not_at_all() -> None:
    found = look(planted()[0])
    assert "A1 sells most in Saturday (+" in texts(found)
    assert "and least in Monday (-" in texts(found)
    assert "A1 has no rhythm beyond chance." in texts(look(planted(week=0 * WEEK)[0]))
    with reading("zh", "CNY"):
        assert "“A1”周六卖得最多" in texts(look(planted()[0]))


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (30.0, "Each unit of campaign brings +"),
        (-30.0, "Each unit of campaign takes -"),
        (0.0, "Whether campaign moves sales cannot be told"),
    ],
)
def test_drivers_reverse_their_sentence(effect: float, words: str) -> None:
    assert words in texts(look(*planted(campaign=effect)))


def test_drivers_that_cannot_be_used_are_said() -> None:
    values, driver = planted()
    panel = made(values, drivers={"short": driver[:, :200], "still": np.ones((1, 210))})
    found = inspect_series(panel, series="A1", horizon=14)
    assert found.findings()[-1].text == (
        "Not considered: short (not known for the whole horizon), still (never changed)."
    )


def test_an_odd_day_is_named() -> None:
    values, _ = planted()
    values[150] = 284
    found = look(values)
    day = START + dt.timedelta(days=150)
    assert f"1 period stands out, {day}: 284 units." in texts(found)


def test_a_pattern_left_over_is_said() -> None:
    """A rhythm of ten days is none that the model knows."""
    time = np.arange(210)
    noise = np.random.default_rng(2).normal(0, 1, 210)
    found = look(50 + 20.0 * (time % 10 < 3) + noise)
    assert "still follows a pattern" in texts(found)
    assert "looks like chance" in texts(look(planted()[0]))


@pytest.mark.parametrize("values", [np.full(20, 5.0), np.zeros(90), np.eye(1, 90)[0] * 7])
def test_short_empty_and_sparse_series_cannot_be_told(values: Floats) -> None:
    found = look(values)
    assert found.structure is None
    assert "cannot be told" in found.absent()
    assert "cannot be told" in texts(found)
    assert found.chart() is None
    assert found.decomposition().empty


def test_unknown_days_and_the_time_before_the_launch_are_passed_over() -> None:
    values, _ = planted()
    values[:30] = nan
    values[100:110] = nan
    found = look(values)
    assert found.days[0] == START + dt.timedelta(days=30)
    assert found.known == 156
    held = found.decomposition()
    assert held["fitted"].notna().all()
    assert held["surprise"].isna().sum() >= 10
    assert "A1 sells most in Saturday" in texts(found)


def test_table_chart_and_hostile_name() -> None:
    values, driver = planted(campaign=10.0)
    keys = pd.DataFrame({"name": ["<script>=1+1\n"]}, index=["A1"])
    panel = made(values, drivers={"<b>": driver}, keys=keys)
    found = inspect_series(panel, series="A1", horizon=14)
    assert found.to_frame()["part"].tolist()[0] == "trend a week"
    assert found.to_frame()["part"].tolist()[-2:] == ["<b>", "sum ahead"]
    assert "<script>" not in found._repr_html_()


def test_unknown_series_and_horizon_are_refused() -> None:
    panel = made(planted()[0])
    with pytest.raises(ParameterError, match="did you mean 'A1'"):
        inspect_series(panel, series="A11", horizon=14)
    with pytest.raises(ParameterError, match="at least 1"):
        inspect_series(panel, series="A1", horizon=0)
