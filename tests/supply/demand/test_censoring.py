"""Hidden demand: planted rates come back, and real stock-outs put on days in stock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.demand import estimate_demand
from ecops_lib.supply.demand.stock_days import expose, share_in_stock


def planted(spread: float, seed: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Demand of 300 series, the share of each day with stock, and what then sold."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(2, 3, (300, 1))
    week = np.tile([0.8, 0.9, 1.0, 1.0, 1.1, 1.3, 0.9], 20)
    rate = level * week * np.exp(rng.normal(0, 0.2, 140))
    if spread:
        rate = rate * rng.gamma(1 / spread, spread, rate.shape)
    demand = rng.poisson(rate)
    exposure = np.where(rng.random(rate.shape) < 0.3, rng.choice([0, 0.3, 0.7], rate.shape), 1.0)
    return demand, exposure, rng.binomial(demand, exposure)


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_planted_demand_comes_back_without_bias(spread: float) -> None:
    demand, exposure, sold = planted(spread)
    told = estimate_demand(sold.astype(float), exposure)
    hidden = exposure < 1
    naive = sold[hidden].sum() / demand[hidden].sum() - 1
    bias = told.demand[hidden].sum() / demand[hidden].sum() - 1
    assert naive < -0.5
    assert abs(bias) < 0.03
    assert (told.demand[~hidden] == sold[~hidden]).all()
    assert told.spread == pytest.approx(spread, abs=0.12)


def test_what_sold_in_the_hours_in_stock_tells_of_the_rest() -> None:
    units = np.full((1, 60), 4.0)
    units[0, ::3] = 8
    exposure = np.ones_like(units)
    exposure[0, 30:32], units[0, 30:32] = 0.5, (8.0, 0.0)
    strong, weak = estimate_demand(units, exposure).demand[0, 30:32] - units[0, 30:32]
    assert strong > weak > 0


def test_a_series_that_was_never_in_stock_has_no_demand_to_tell() -> None:
    units, exposure = np.zeros((2, 28)), np.ones((2, 28))
    units[0], exposure[1] = 5, 0
    assert estimate_demand(units, exposure).demand[1].tolist() == [0.0] * 28


def test_unknown_days_stay_unknown_and_wrong_shares_are_refused() -> None:
    units = np.array([[np.nan, 1.0, 2.0]])
    held = estimate_demand(units, np.array([[1.0, 0.0, 1.0]])).demand
    assert np.isnan(held[0, 0])
    assert not np.isnan(held[0, 1:]).any()
    with pytest.raises(ParameterError, match="between 0 and 1"):
        estimate_demand(units, np.array([[1.0, 1.2, 1.0]]))
    with pytest.raises(ParameterError, match="both must be"):
        estimate_demand(units, np.ones((1, 2)))


def test_hours_out_are_the_last_of_an_empty_day_and_the_first_of_a_filled_one() -> None:
    clock = np.zeros(24)
    clock[20:] = 0.25
    share = expose(np.array([[2.0, 2.0]]), np.array([[0.0, 9.0]]), clock)
    assert share.tolist() == [[0.5, 1.0]]


@pytest.mark.parametrize("begins", [True, False])
@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("hours", [0, 3, 12, 23, 24])
def test_the_share_in_stock_agrees_with_every_place_that_the_hours_may_have(
    begins: bool, ends: bool, hours: int
) -> None:
    """Each possible place of the hours out, a thousandth of the range apart, one by one."""
    clock = np.random.default_rng(6).dirichlet(np.ones(24))
    until = np.concatenate([[0.0], np.cumsum(clock)])

    def before(hour: float) -> float:
        return float(np.interp(hour, np.arange(25), until))

    if begins and ends:
        cuts = np.linspace(0, hours, 1001)
        slow = [before(24 - hours + cut) - before(cut) for cut in cuts]
    elif begins or ends:
        slow = [1 - before(hours) if begins else before(24 - hours)]
    else:
        slow = [1 - before(at + hours) + before(at) for at in np.linspace(0, 24 - hours, 1001)]
    flags = (np.array([[flag]]) for flag in (begins, ends))
    share = share_in_stock(np.array([[float(hours)]]), *flags, clock)
    assert share[0, 0] == pytest.approx(np.mean(slow), abs=0.01)


def test_the_end_of_the_day_before_tells_which_hours_were_out() -> None:
    clock = np.zeros(24)
    clock[:6] = 1 / 6
    left = np.array([[5.0, 0, 0, 5, 5]])
    share = expose(np.array([[0.0, 6, 6, 6, 0]]), left, clock)
    assert share[0, [0, 1, 3, 4]].tolist() == pytest.approx([1, 1, 0, 1])
    assert share[0, 2] == pytest.approx(0.5)


@pytest.mark.realdata
def test_real_stock_outs_leave_a_third_of_the_naive_bias_at_most(shared: Path) -> None:
    """FreshRetailNet: the hours that other days were out, put on days in stock."""
    held = pd.read_parquet(
        shared / "freshretailnet" / "hourly_stores_mod45.parquet",
        filters=[("store_id", "<", 200)],
    ).sort_values(["store_id", "product_id", "dt", "hour"])
    shape = (-1, held["dt"].nunique(), 24)
    sold = held["hourly_sale"].to_numpy(float).reshape(shape)
    out = held["hourly_stockout"].to_numpy().reshape(shape) > 0
    rng, masked = np.random.default_rng(1), out.copy()
    for series in range(len(out)):
        whole, short = (np.flatnonzero(out[series].any(axis=1) == known) for known in (False, True))
        chosen = whole[rng.random(len(whole)) < 0.25]
        if len(short):
            masked[series, chosen] = out[series, rng.choice(short, len(chosen))]
    target = masked.any(axis=2) & ~out.any(axis=2)
    shown = np.where(masked, 0, sold)
    clock = shown.sum(axis=(0, 1)) / (~masked).sum(axis=(0, 1))
    exposure = np.clip((~masked * clock / clock.sum()).sum(axis=2), 0, 1)
    hours = 24.0 * masked.mean(axis=2)
    counted = share_in_stock(hours, masked[:, :, 0], masked[:, :, -1], clock / clock.sum())
    truth, naive = sold.sum(axis=2)[target].sum(), shown.sum(axis=2)[target].sum()
    assert target.sum() > 1000
    assert naive / truth < 0.8
    for share in (exposure, counted):
        told = estimate_demand(shown.sum(axis=2), share).demand[target].sum()
        assert abs(told / truth - 1) < (1 - naive / truth) / 3
