"""Replay of ordering: a slow oracle, the newsvendor's optimum, and what the ledger says."""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply.backtest import Replay, UnitCosts, replay_orders
from ecops_lib.supply.backtest.flow import simulate_orders
from ecops_lib.supply.forecast import forecast_demand
from ecops_lib.supply.panel import Floats, Panel


def made(values: Floats) -> Panel:
    keys = pd.DataFrame(index=[f"S{n}" for n in range(len(values))])
    return Panel(keys=keys, start=dt.date(2026, 1, 1), frequency="day", values=values)


def weekly_shape(rows: int = 20, weeks: int = 16, seed: int = 4) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.poisson(np.tile([2.0, 2, 3, 4, 6, 12, 9], weeks), (rows, 7 * weeks)).astype(float)


def costs(rows: int, margin: float = 5.0, holding: float = 0.05, order: float = 1.0) -> UnitCosts:
    return UnitCosts(margin=np.full(rows, margin), holding=np.full(rows, holding), order=order)


def weekday_mean(past: Panel, horizon: int) -> Floats:
    weeks = past.values[:, past.periods % 7 :].reshape(len(past), -1, 7).mean(axis=1)
    return np.tile(weeks, 2 + horizon // 7)[:, :horizon]


@dataclass(frozen=True)
class Futures:
    """A Poisson distribution around a mean."""

    mean: Floats
    levels: tuple[float, ...] = ()

    def paths(self, rng: np.random.Generator, count: int) -> Floats:
        shape = (len(self.mean), count, self.mean.shape[1])
        return rng.poisson(self.mean[:, None], shape).astype(float)

    @property
    def quantiles(self) -> Floats:
        return np.empty((0, *self.mean.shape))


def futures(past: Panel, horizon: int) -> Futures:
    return Futures(weekday_mean(past, horizon))


def run(values: Floats, method: object, **more: object) -> Replay:
    held = {"methods": {"ours": method}, "costs": costs(len(values)), "lead_time": 3, "review": 7}
    return replay_orders(made(values), **{**held, **more})  # type: ignore[arg-type]


def slow_day_by_day(
    demand: list[float], levels: list[float], lead_time: int, review: int
) -> list[tuple[float, float, float, float]]:
    """One series, one unit of thought at a time."""
    stock = levels[0]
    lorries: deque[tuple[int, float]] = deque()
    told = []
    for day, asked in enumerate(demand):
        order = 0.0
        if day % review == 0:
            order = max(levels[day // review] - stock - sum(units for _, units in lorries), 0)
            lorries.append((day + lead_time, order))
        while lorries and lorries[0][0] <= day:
            stock += lorries.popleft()[1]
        sold = min(stock, asked)
        stock -= sold
        told.append((sold, asked - sold, stock, order))
    return told


@pytest.mark.parametrize(("lead_time", "review"), [(0, 1), (0, 4), (3, 1), (2, 5), (9, 4)])
def test_flow_against_a_slow_diary(lead_time: int, review: int) -> None:
    rng = np.random.default_rng(5)
    demand = rng.poisson(4.0, (5, 23)).astype(float)
    levels = rng.integers(5, 40, (5, -(-23 // review))).astype(float)
    flow = simulate_orders(demand, levels, lead_time=lead_time, review=review)
    for row in range(5):
        slow = slow_day_by_day(demand[row].tolist(), levels[row].tolist(), lead_time, review)
        parts = (flow.sold[row], flow.lost[row], flow.stock[row], flow.ordered[row])
        assert list(zip(*(part.tolist() for part in parts), strict=True)) == slow


def test_units_are_conserved() -> None:
    demand = weekly_shape()
    flow = simulate_orders(demand, np.full((20, 16), 45.0), lead_time=0, review=7)
    first, last = np.full(20, 45.0), flow.stock[:, -1]
    assert np.array_equal(first + flow.ordered.sum(axis=1), flow.sold.sum(axis=1) + last)
    assert np.array_equal(flow.sold + flow.lost, demand)


def test_cheapest_level_is_the_newsvendor_quantile() -> None:
    """At once delivered, what is left keeps its worth: the best level is F^-1(b / (b + h))."""
    margin, holding = 4.0, 1.0
    demand = np.random.default_rng(6).poisson(20.0, (1, 40_000)).astype(float)
    tried = np.arange(15, 31)
    flow = simulate_orders(
        np.repeat(demand, len(tried), axis=0),
        np.repeat(tried[:, None].astype(float), demand.shape[1], axis=1),
        lead_time=0,
        review=1,
    )
    cost = margin * flow.lost.sum(axis=1) + holding * flow.stock.sum(axis=1)
    best = tried[int(cost.argmin())]
    assert best == np.quantile(demand, margin / (margin + holding)) == 24


def test_service_asked_for_is_the_share_of_reviews_without_loss() -> None:
    """The futures are the truth, so nine windows in ten last until the next arrival."""
    values = np.random.default_rng(7).poisson(6.0, (400, 150)).astype(float)

    def truth(past: Panel, horizon: int) -> Futures:
        return Futures(np.full((len(past), horizon), 6.0))

    found = run(values, truth, service=0.9, lead_time=0, review=7, reviews=4)
    aims = np.full((400, 4), np.quantile(np.random.default_rng(0).poisson(42.0, 10_000), 0.9))
    flow = simulate_orders(values[:, -28:], aims, lead_time=0, review=7)
    kept = (flow.lost.reshape(400, 4, 7).sum(axis=2) == 0).mean()
    assert kept == pytest.approx(0.9, abs=0.02)
    assert found.ledgers[0].lost_units == pytest.approx(flow.lost.sum(), rel=0.1)


def test_a_bare_mean_learns_its_safety_from_its_own_errors() -> None:
    """A tenth too little or too much forecast is made good by what its errors teach."""
    values = weekly_shape(rows=200)
    fill = [
        run(values, lambda p, h, k=k: k * weekday_mean(p, h), service=0.9).ledgers[0].fill_rate
        for k in (0.9, 1.0, 1.1)
    ]
    assert fill == pytest.approx([fill[1]] * 3, abs=0.01)
    assert 0.97 < fill[1] < 1


def test_knowing_the_future_loses_nothing_and_holds_little() -> None:
    values = weekly_shape()

    def tomorrow(past: Panel, horizon: int) -> Floats:
        ahead = values[:, past.periods : past.periods + horizon]
        return np.pad(ahead, ((0, 0), (0, horizon - ahead.shape[1])), mode="edge")

    found = run(values, tomorrow, lead_time=0)
    ours, naive = found.ledgers
    assert ours.lost_units == 0
    assert ours.mean_stock < naive.mean_stock
    assert found.findings()[0].level == "good"


def test_futures_of_our_own_forecast_serve_as_asked() -> None:
    """Steady demand, nine windows in ten asked for: few units lost, and no more stock."""
    values = weekly_shape(rows=60)
    found = run(values, lambda p, h: forecast_demand(p, horizon=h), service=0.9, reviews=3)
    ours, naive = found.ledgers
    assert 0.97 < ours.fill_rate < 1
    assert ours.cost < naive.cost


def test_nothing_after_the_last_review_is_seen() -> None:
    seen: list[Floats] = []

    def spy(past: Panel, horizon: int) -> Floats:
        seen.append(past.values)
        return weekday_mean(past, horizon)

    values = weekly_shape()
    run(values, spy)
    later = values.copy()
    later[:, -3:] += 50
    run(later, spy)
    half = len(seen) // 2
    assert max(past.shape[1] for past in seen) == 112 - 3
    assert all(np.array_equal(a, b) for a, b in zip(seen[:half], seen[half:], strict=True))


def test_cheaper_dearer_and_untold_by_their_words() -> None:
    """Futures are sharp, the naive forecast is noisy; with the futures blown up it turns."""
    values = weekly_shape(rows=60)
    better = run(values, futures)
    ours, naive = better.ledgers
    assert better.findings()[0].text == (
        f"Ordering by ours would have cost ¥{naive.cost - ours.cost:,.2f} less than by last "
        f"season's figures on 60 series: fill rate {ours.fill_rate:.2%} against "
        f"{naive.fill_rate:.2%}."
    )
    worse = run(values, lambda p, h: Futures(4 * weekday_mean(p, h)))
    assert worse.findings()[0].level == "bad"
    assert worse.findings()[0].money == pytest.approx(worse.ledgers[0].cost - naive.cost)
    assert "more than by last season's figures" in worse.findings()[0].text
    few = run(values[:4], futures)
    assert "cannot be told from 4 series" in few.findings()[0].text


def test_ledger_adds_up_and_is_drawn() -> None:
    found = run(weekly_shape(), futures)
    frame = found.to_frame()
    parts = frame["lost_margin"] + frame["holding_cost"] + frame["order_cost"]
    assert frame["cost"].tolist() == pytest.approx(parts.tolist())
    for held in found.ledgers:
        assert held.cost == pytest.approx(held.cost_each.sum())
        assert held.order_cost == held.orders
    assert found.periods == 28
    assert found.start == dt.date(2026, 1, 1) + dt.timedelta(days=112 - 28)
    assert found.chart() is not None
    with reading("zh", "CNY"):
        assert found.findings()[0].text.startswith("从 20 个序列 尚不能判断按“ours”订货")


def test_series_with_unknown_days_are_left_out_and_said() -> None:
    values = weekly_shape()
    values[3, -5] = nan
    found = run(values, futures)
    assert (found.series, found.left_out) == (19, 1)
    assert found.findings()[-1].text == "1 series has days nobody knows and is not replayed."


def test_unknown_days_before_the_replay_only_teach_less() -> None:
    """A third of the earlier days unknown: much the same safety from the windows left."""
    values = weekly_shape(rows=200)
    gaps = values.copy()
    gaps[: 200 // 3, 50:70] = nan

    def mean_known(past: Panel, horizon: int) -> Floats:
        return np.repeat(np.nanmean(past.values, axis=1, keepdims=True), horizon, axis=1)

    whole, holed = (run(held, mean_known, service=0.9) for held in (values, gaps))
    assert holed.series == 200
    assert holed.ledgers[0].fill_rate == pytest.approx(whole.ledgers[0].fill_rate, abs=0.01)
    gaps[:, 50:80] = nan
    with pytest.raises(ParameterError, match="longer panel"):
        run(gaps, mean_known)


def test_a_shop_that_sold_nothing_orders_nothing() -> None:
    found = run(np.zeros((3, 112)), lambda p, h: np.zeros((len(p), h)))
    ours = found.ledgers[0]
    assert (ours.orders, ours.cost) == (0, 0)
    assert np.isnan(ours.fill_rate)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"review": 0}, "must be at least 0, 1 and 1"),
        ({"reviews": 20}, "need at least"),
        ({"service": 95.0}, "service"),
        ({"costs": costs(3)}, "20 rows"),
    ],
)
def test_impossible_replays_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        run(weekly_shape(), weekday_mean, **given)


def test_unknown_costs_and_demand_are_refused() -> None:
    with pytest.raises(ParameterError, match="margin and holding"):
        costs(2, margin=nan)
    with pytest.raises(ParameterError, match="known and at least 0"):
        simulate_orders(np.full((1, 3), nan), np.ones((1, 3)), lead_time=0, review=1)
    with pytest.raises(ParameterError, match="levels has the shape"):
        simulate_orders(np.ones((1, 3)), np.ones((1, 2)), lead_time=0, review=1)
    with pytest.raises(ParameterError, match="no series"):
        run(np.full((2, 112), nan), weekday_mean, costs=costs(2))
