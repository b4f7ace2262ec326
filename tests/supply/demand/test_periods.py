"""Days as weeks and months against pandas, and the hours of the day."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from ecops_lib.supply.demand.periods import average_periods, sum_periods
from ecops_lib.supply.demand.stock_days import PRIOR_UNITS, clock_profiles, expose
from ecops_lib.supply.panel import Frequency


@pytest.mark.parametrize(("frequency", "rule"), [("week", "W-SUN"), ("month", "M")])
@pytest.mark.parametrize("start", [dt.date(2026, 3, 2), dt.date(2026, 3, 1), dt.date(2026, 3, 5)])
def test_whole_periods_agree_with_pandas(frequency: Frequency, rule: str, start: dt.date) -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 9, (3, 95)).astype(float)
    values[1, :40] = np.nan
    days = pd.date_range(start, periods=95)
    named = pd.DataFrame(values.T, index=days)
    groups = named.groupby(days.to_period(rule))
    lasts = [(each.end_time - each.start_time).days + 1 for each in groups.size().index]
    whole = groups.size() == lasts
    expected = groups.apply(lambda part: part.sum(skipna=False))[whole]
    first, sums = sum_periods(values, start, frequency)
    assert first == expected.index[0].start_time.date()
    np.testing.assert_array_equal(sums, expected.to_numpy().T)
    marks = average_periods(np.nan_to_num(values), start, frequency)
    means = groups.apply(lambda part: part.fillna(0).mean())[whole]
    np.testing.assert_allclose(marks, means.to_numpy().T)


def test_less_than_a_period_is_none() -> None:
    _, sums = sum_periods(np.ones((2, 5)), dt.date(2026, 3, 3), "week")
    assert sums.shape == (2, 0)


def hours(units: dict[tuple[str, int], float]) -> pd.DataFrame:
    rows = [(sku, hour, each) for (sku, hour), each in units.items()]
    return pd.DataFrame(rows, columns=["sku_id", "hour", "units"])


def test_a_category_has_its_own_hours_shrunk_to_the_shops() -> None:
    told = hours({("a", 8): 4000.0, ("b", 20): 4000.0, ("c", 8): 10.0, ("c", 20): 10.0})
    clock = clock_profiles(told, ["a", "b", "c", "d"], ["morning", "evening", None, None])
    np.testing.assert_allclose(clock.sum(axis=1), 1)
    shop = (4010 + 1) / (8020 + 24)
    assert clock[0, 8] == pytest.approx((4000 + PRIOR_UNITS * shop) / (4000 + PRIOR_UNITS))
    assert clock[1, 8] == pytest.approx(PRIOR_UNITS * shop / (4000 + PRIOR_UNITS))
    assert clock[2].tolist() == clock[3].tolist()
    out = expose(np.full((4, 1), 12.0), np.zeros((4, 1)), clock)
    assert out[0, 0] > 0.95
    assert 0.4 < out[2, 0] < 0.6
    assert out[1, 0] < 0.05


def test_orders_that_tell_the_day_alone_have_even_hours() -> None:
    clock = clock_profiles(hours({("a", 0): 5000.0}), ["a"], [None])
    assert clock[0].tolist() == [1 / 24] * 24
    few = clock_profiles(hours({("a", 0): 24.0}), ["a"], [None])
    assert 0.4 < few[0, 0] < 0.6
