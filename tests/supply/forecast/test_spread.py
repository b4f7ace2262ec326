"""Forecasts in parts: here, in processes and on Spark the same numbers."""

from __future__ import annotations

import datetime as dt
import os
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.forecast import Forecast, forecast_demand
from ecops_lib.supply.forecast.spread import deal_out, spread_forecast, work_on_parts
from ecops_lib.supply.panel import Panel


def made(series: int = 30, periods: int = 63) -> Panel:
    rng = np.random.default_rng(3)
    level = rng.gamma(1.0, 6.0, (series, 1)) * np.tile([1.0, 1, 1, 1, 1, 3, 2], periods // 7)
    values = rng.poisson(level).astype(float)
    values[2, :40] = np.nan
    keys = pd.DataFrame({"sku_id": [f"S{n}" for n in range(series)]}, index=range(series))
    return Panel(keys=keys, start=dt.date(2026, 1, 5), frequency="day", values=values)


def total(part: Panel) -> tuple[float, str]:
    """Units of a part, and how many threads its process was given."""
    return float(np.nansum(part.values)), os.environ.get("OMP_NUM_THREADS", "")


def assert_same(one: Forecast, other: Forecast) -> None:
    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.quantiles, other.quantiles)
    assert one.method.tolist() == other.method.tolist()
    assert np.array_equal(one.paths(4, 3), other.paths(4, 3))


def test_every_series_is_in_one_part_and_parts_are_samples() -> None:
    places = deal_out(10, size=4)
    assert [p.tolist() for p in places] == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]
    assert sorted(np.concatenate(places).tolist()) == list(range(10))


def test_one_part_is_the_plain_forecast() -> None:
    panel = made()
    plain, spread = forecast_demand(panel, horizon=7), spread_forecast(panel, horizon=7)
    assert np.array_equal(plain.mean, spread.mean)
    assert np.array_equal(plain.naive, spread.naive)
    assert np.array_equal(plain.quantiles, spread.quantiles)
    assert np.array_equal(plain.paths(1, 5), spread.paths(1, 5))
    assert plain.start == spread.start
    assert plain.levels == spread.levels


def test_each_part_is_forecast_by_itself_and_put_back_in_its_place() -> None:
    panel = made()
    spread = spread_forecast(panel, horizon=7, size=12)
    for rows in deal_out(30, size=12):
        alone = forecast_demand(panel.rows(rows), horizon=7)
        assert np.array_equal(spread.mean[rows], alone.mean)
        assert np.array_equal(spread.quantiles[:, rows], alone.quantiles)
    assert spread.keys.index.tolist() == list(range(30))
    assert spread.keys["sku_id"].tolist() == panel.keys["sku_id"].tolist()


def test_paths_of_some_series_come_in_the_order_asked_for() -> None:
    spread = spread_forecast(made(), horizon=7, size=12)
    some = spread.paths(2, 400, rows=np.array([17, 3, 29]))
    assert some.shape == (3, 400, 7)
    asked = spread.mean[[17, 3, 29]].sum(axis=1)
    assert some.sum(axis=2).mean(axis=1) == pytest.approx(asked, rel=0.25)


def test_processes_give_the_same_numbers_and_tell_how_far_they_are() -> None:
    panel = made()
    told: list[tuple[int, int]] = []
    here = spread_forecast(panel, horizon=7, size=12)
    there = spread_forecast(panel, horizon=7, size=12, workers=2, tell=lambda *n: told.append(n))
    assert_same(here, there)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_each_process_has_one_thread_and_ours_keeps_its_own() -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    panel = made()
    said = work_on_parts(panel, total, size=16, workers=2)
    assert [threads for _, threads in said] == ["1", "1"]
    assert sum(units for units, _ in said) == np.nansum(panel.values)
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_impossible_parts_are_refused() -> None:
    with pytest.raises(ParameterError, match="0 series"):
        spread_forecast(made().rows(np.zeros(30, bool)), horizon=7)
    with pytest.raises(ParameterError, match="size is 0"):
        deal_out(3, size=0)
    with pytest.raises(ParameterError, match="workers is 0"):
        work_on_parts(made(), total, workers=0)


@pytest.mark.spark
def test_spark_gives_the_same_numbers(spark: Any) -> None:
    panel = made()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = spread_forecast(panel, horizon=7, size=15, spark=spark)
    assert_same(spread_forecast(panel, horizon=7, size=15), there)
