"""Forecasts of SKUs, categories and the shop that agree, and what they gain."""

from __future__ import annotations

import datetime as dt
from math import nan

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply.backtest import seasonal_naive
from ecops_lib.supply.forecast import forecast_demand
from ecops_lib.supply.forecast.coherence import Coherent, reconcile_forecasts
from ecops_lib.supply.panel import Floats, Panel

HORIZON = 14


def made(values: Floats, groups: list[str] | None = None, **more: object) -> Panel:
    names = groups or ["ABC"[n % 3] for n in range(len(values))]
    keys = pd.DataFrame({"category": names}, index=[f"S{n}" for n in range(len(values))])
    held = {"keys": keys, "start": dt.date(2026, 1, 1), "frequency": "day", "values": values}
    return Panel(**{**held, **more})  # type: ignore[arg-type]


def planted(seed: int, rows: int = 60, days: int = 126) -> Floats:
    """Sparse SKUs that share a weekly rhythm: the sums can be forecast, a SKU hardly."""
    rng = np.random.default_rng(seed)
    week = np.tile([0.6, 0.7, 0.8, 0.9, 1.1, 1.6, 1.3], days // 7)
    return rng.poisson(rng.gamma(0.7, 1.0, (rows, 1)) * week).astype(float)


def by_size(past: Panel, horizon: int) -> Floats:
    """The mean of eight weeks, by weekday where a series sells enough to show a rhythm."""
    weeks = past.values[:, -56:].reshape(len(past), 8, 7).mean(axis=1)
    level = np.repeat(weeks.mean(axis=1, keepdims=True), 7, axis=1)
    held = np.where(level > 5, weeks, level)
    return np.tile(held, horizon // 7)


def run(panel: Panel, **more: object) -> Coherent:
    held = {"forecaster": seasonal_naive, "horizon": HORIZON}
    return reconcile_forecasts(panel, **{**held, **more})  # type: ignore[arg-type]


def test_sums_are_exact_and_nothing_is_negative() -> None:
    found = run(made(planted(1)))
    shop, groups, leaves = found.tree.sums(found.mean)
    assert leaves.min() >= 0
    assert shop[0] == pytest.approx(groups.sum(axis=0))
    assert found.whole.sum(axis=0).tolist() == np.floor(shop[0] + 0.5).tolist()


def test_agreeing_loses_no_accuracy_on_a_planted_tree() -> None:
    """Over 20 shops, SKUs gain the rhythm that only their sums show, the sums lose nothing."""
    errors = np.zeros((2, 3))
    for seed in range(20):
        values = planted(seed)
        found = run(made(values[:, :-HORIZON]), forecaster=by_size)
        truth = found.tree.sums(values[:, -HORIZON:])
        for way, levels in enumerate((found.base, found.tree.sums(found.mean))):
            errors[way] += [((a - b) ** 2).sum() for a, b in zip(levels, truth, strict=True)]
    own, agreed = errors
    assert (agreed <= own * 1.02).all()
    assert agreed[2] < 0.97 * own[2]


def test_the_surer_level_moves_less() -> None:
    """The shop's forecast is right to the unit, the SKUs' are doubled: they give way."""
    rng = np.random.default_rng(2)
    values = rng.poisson(4.0, (30, 84)).astype(float)

    def lopsided(past: Panel, horizon: int) -> Floats:
        level = past.values[:, -28:].mean(axis=1, keepdims=True)
        wrong = 2 if len(past) == 30 else 1
        return np.repeat(wrong * level, horizon, axis=1)

    found = run(made(values), forecaster=lopsided)
    own, below = found.base[0].sum(), found.base[-1].sum()
    assert below == pytest.approx(2 * own)
    assert abs(found.mean.sum() - own) < 0.15 * own


def test_a_forecast_at_hand_is_taken() -> None:
    class Told:
        mean = np.full((60, HORIZON), 1.0)
        levels = ()
        quantiles = np.empty((0, 60, HORIZON))

    found = run(made(planted(3)), forecast=Told())
    assert np.array_equal(found.base[-1], Told.mean)


def test_unknown_days_of_a_life_count_with_its_mean() -> None:
    """One SKU of 4 a day whose last week nobody knows, one launched late."""
    values = np.full((2, 60), 4.0)
    values[0, 40:47] = nan
    values[1, :30] = nan
    seen: list[Floats] = []

    def spy(past: Panel, horizon: int) -> Floats:
        seen.append(past.values)
        return np.repeat(np.nanmean(past.values, axis=1, keepdims=True), horizon, axis=1)

    run(made(values), forecaster=spy)
    assert seen[1][0].tolist() == [4.0] * 30 + [8.0] * 30


def test_drivers_of_groups_are_the_skus_weighted() -> None:
    values = np.concatenate([np.full((1, 60), 3.0), np.full((1, 60), 1.0)])
    drivers = {"campaign": np.array([[1.0], [0.0]]) * np.ones(74), "festival": np.ones((1, 74))}
    seen: list[dict[str, Floats]] = []

    def spy(past: Panel, horizon: int) -> Floats:
        seen.append(dict(past.drivers))
        return seasonal_naive(past, horizon)

    run(made(values, ["A", "A"], drivers=drivers), forecaster=spy)
    assert seen[1]["campaign"] == pytest.approx(np.full((1, 74), 0.75))
    assert seen[1]["festival"].shape == (1, 74)


@pytest.mark.parametrize(
    ("factor", "words"),
    [(2.0, ", more than the "), (0.5, ", fewer than the "), (1.0, " are close; agreed on ")],
)
def test_the_gap_is_said_both_ways(factor: float, words: str) -> None:
    values = np.full((6, 60), 10.0)

    def method(past: Panel, horizon: int) -> Floats:
        return seasonal_naive(past, horizon) * (factor if len(past) == 1 else 1)

    found = run(made(values), forecaster=method)
    assert words in found.findings()[0].text
    assert str(found)


def test_sentence_word_by_word_in_both_languages() -> None:
    found = run(made(np.full((6, 60), 10.0)))
    assert found.findings()[0].text == (
        "The shop's forecast of 840 units and the 840 of its 6 SKUs together are close; agreed "
        "on 840."
    )
    with reading("zh", "CNY"):
        assert found.findings()[0].text == (
            "全店整体预测 840 件，与 6 个SKU合计的 840 件接近；统一为 840 件。"
        )


def test_a_sku_without_a_past_is_left_out_and_said() -> None:
    """ecops' own forecast, which has nothing to say of a SKU that never sold."""
    values = planted(1, rows=20)
    values[3] = nan
    found = run(made(values), forecaster=lambda past, h: forecast_demand(past, horizon=h))
    assert found.rows.tolist() == [n for n in range(20) if n != 3]
    assert found.whole.sum() == found.tree.sums(found.whole)[0].sum()
    assert found.findings()[-1].text == (
        "1 SKU without a forecast of its own is in none of these sums."
    )
    with pytest.raises(ParameterError, match="has a forecast"):
        run(made(np.full((2, 60), nan)))


def test_table_has_the_shop_and_its_groups() -> None:
    values = np.full((3, 60), 10.0)
    values[2] = 0
    table = run(made(values, ["<i>A</i>", "", "Z"])).to_frame()
    assert table["group"].tolist() == ["whole shop", "<i>A</i>", "no group", "Z"]
    assert table["coherent"].tolist() == pytest.approx([280, 140, 140, 0])
    assert table["change"].isna().tolist() == [False, False, False, True]


def test_a_shop_of_one_sku_or_of_zeros() -> None:
    assert run(made(np.full((1, 60), 5.0))).mean == pytest.approx(np.full((1, 14), 5.0))
    nothing = run(made(np.zeros((4, 60))))
    assert nothing.whole.sum() == 0


def test_empty_panels_and_unknown_columns_are_refused() -> None:
    with pytest.raises(ParameterError, match="no series"):
        run(made(np.empty((0, 60))))
    with pytest.raises(ColumnError, match="brand"):
        run(made(planted(1)), by=("brand",))
    with pytest.raises(ParameterError, match="periods"):
        run(made(planted(1)[:, :10]))
