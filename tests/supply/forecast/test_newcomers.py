"""New items from planted look-alikes, and from the launches of a real shop."""

from __future__ import annotations

import datetime as dt
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.supply.forecast.launch_curves import (
    Curves,
    curves_by_age,
    learn_shape,
    weekly_rhythm,
)
from ecops_lib.supply.forecast.newcomers import Newcomers, forecast_newcomers
from ecops_lib.supply.panel import Floats, Panel

START = dt.date(2026, 1, 1)
SHAPES = {"toys": 30 * np.exp(-np.arange(80) / 10), "tools": 2 + np.arange(80) / 4.0}


def launch(rng: np.random.Generator, kind: str, at: int, days: int) -> Floats:
    """A life that begins on a day: its kind's curve, a level of its own, the week's rhythm."""
    week = np.array([0.7, 0.7, 0.8, 0.9, 1.1, 1.5, 1.3])[np.arange(days) % 7]
    values = np.full(days, nan)
    curve = SHAPES[kind][np.minimum(np.arange(days - at), 79)] * rng.gamma(6.0, 1 / 6)
    values[at:] = rng.poisson(curve * week[at:])
    return values


def planted(seed: int, *, each: int = 30, new: int = 10, days: int = 120) -> tuple[Panel, Floats]:
    """Two kinds with launches of their own, an old one each, and the truth of the next 14 days."""
    rng = np.random.default_rng(seed)
    rows, kinds = [], []
    for kind in SHAPES:
        ages = [*rng.integers(43, 100, each).tolist(), *(7 * (n % 2) for n in range(new))]
        rows += [launch(rng, kind, days - age, days + 14) for age in ages]
        kinds += [kind] * (each + new)
        old = rng.poisson(20 * np.array([0.7, 0.7, 0.8, 0.9, 1.1, 1.5, 1.3])[np.arange(134) % 7])
        rows.append(old.astype(float))
        kinds.append(kind)
    whole = np.array(rows)
    keys = pd.DataFrame({"category": kinds}, index=[f"S{n}" for n in range(len(rows))])
    return made(whole[:, :days], keys), whole[:, days:]


def made(values: Floats, keys: pd.DataFrame, frequency: str = "day") -> Panel:
    return Panel(keys=keys, start=START, frequency=frequency, values=values)  # type: ignore[arg-type]


def sums(found: Newcomers) -> Floats:
    return np.array([item.mean.sum() for item in found.items])


def test_look_alikes_foretell_planted_launches() -> None:
    """Ten shops: nearer than the run so far, unbiased, and four in five within the interval."""
    off = plain = total = said = inside = count = 0.0
    for seed in range(10):
        panel, truth = planted(seed)
        found = forecast_newcomers(panel, horizon=14)
        came = np.array([truth[item.row].sum() for item in found.items])
        off += np.abs(sums(found) - came).sum()
        run = [i.units / i.age * 14 if i.age else came.mean() for i in found.items]
        plain += np.abs(np.array(run) - came).sum()
        total, said = total + came.sum(), said + sums(found).sum()
        inside += sum(i.low <= c <= i.high for i, c in zip(found.items, came, strict=True))
        count += len(came)
    assert count == 200
    assert off < 0.6 * plain
    assert said == pytest.approx(total, rel=0.05)
    assert inside / count == pytest.approx(0.8, abs=0.06)


def test_each_kind_has_its_own_curve() -> None:
    panel, _ = planted(3)
    found = forecast_newcomers(panel, horizon=14)
    begun = {item.row: item for item in found.items if not item.age}
    kinds = panel.keys["category"].to_numpy()
    toys = next(item for row, item in begun.items() if kinds[row] == "toys")
    tools = next(item for row, item in begun.items() if kinds[row] == "tools")
    assert toys.mean[:7].sum() > 2 * tools.mean[:7].sum()
    assert toys.mean[7:].sum() < toys.mean[:7].sum()
    assert tools.mean[7:].sum() > tools.mean[:7].sum()
    assert (toys.kind, toys.alike) == ("group", 30)


def test_what_was_sold_moves_the_level() -> None:
    panel, _ = planted(4, new=2)
    week_old = [row for row in range(len(panel)) if 0 < np.isnan(panel.values[row]).sum() == 113]
    more = panel.values.copy()
    more[week_old[0], -7:] *= 3
    before = forecast_newcomers(panel, horizon=14)
    after = forecast_newcomers(made(more, panel.keys), horizon=14)
    row = [item.row for item in before.items].index(week_old[0])
    assert sums(after)[row] > 1.5 * sums(before)[row]


def test_price_bands_within_a_group() -> None:
    """Dear items sell a tenth: a new dear one is forecast from dear ones."""
    rng = np.random.default_rng(5)
    price = np.repeat([10.0, 20, 90], 12)
    values = np.full((37, 90), nan)
    values[:36, 20:] = rng.poisson(np.where(price > 50, 1.0, 10.0)[:, None], (36, 70))
    keys = pd.DataFrame({"category": "all", "price": [*price, 95.0]}, index=range(37))
    found = forecast_newcomers(made(values, keys), horizon=14)
    (item,) = found.items
    assert (item.kind, item.alike) == ("band", 12)
    assert item.mean.sum() == pytest.approx(14, rel=0.15)
    keys["price"] = nan
    assert forecast_newcomers(made(values, keys), horizon=14).items[0].kind == "group"


def test_few_launches_of_a_kind_fall_back_and_none_is_said() -> None:
    panel, _ = planted(6)
    keys = panel.keys.copy()
    row = next(n for n in range(len(panel)) if np.isnan(panel.values[n]).all())
    keys.iloc[row, 0] = "<b>new kind</b>"
    found = forecast_newcomers(made(panel.values, keys), horizon=14)
    assert next(item for item in found.items if item.row == row).kind == "all"
    alone = made(np.full((1, 60), nan), pd.DataFrame({"category": ["x"]}, index=["<i>A</i>"]))
    nothing = forecast_newcomers(alone, horizon=14)
    assert [finding.text for finding in nothing.findings()] == [
        "What 1 new item will sell cannot be told: too few earlier launches are known."
    ]
    assert np.isnan(nothing.items[0].low)
    assert "<i>" not in nothing._repr_html_()


def test_few_launches_have_no_interval() -> None:
    """Six launches cannot tell what one in ten exceeds."""
    values = np.full((7, 90), nan)
    values[:6, 20:] = np.random.default_rng(1).poisson(5.0, (6, 70))
    keys = pd.DataFrame({"category": "x"}, index=range(7))
    (item,) = forecast_newcomers(made(values, keys), horizon=14).items
    assert item.mean.sum() == pytest.approx(70, rel=0.1)
    assert np.isnan([item.low, item.high]).all()


def test_sentences_word_by_word() -> None:
    found = forecast_newcomers(planted(7)[0], horizon=14)
    expected, trust = (finding.text for finding in found.findings())
    assert expected == (
        f"20 new items are expected to sell {sums(found).sum():,.0f} units, going by 60 earlier "
        "launches."
    )
    assert trust == (
        f"Earlier launches forecast this way were {found.error:.2%} off, nearer than their run so "
        f"far ({found.error_plain:.2%}); {found.inside:.2%} lay within their intervals."
    )
    with reading("zh", "CNY"):
        assert found.findings()[0].text.startswith("预计 20 个新品将售出")


def test_launches_without_a_pattern_are_said_to_be_no_nearer() -> None:
    """Items of wholly different and steady levels: their own run says more."""
    rng = np.random.default_rng(8)
    level = np.exp(rng.normal(3.0, 1.5, 41))
    values = np.full((41, 90), nan)
    values[:40, 20:] = np.rint(level[:40, None] * np.ones((1, 70)))
    values[40, -7:] = 20
    keys = pd.DataFrame({"category": "x"}, index=range(41))
    found = forecast_newcomers(made(values, keys), horizon=14)
    assert found.findings()[1].level == "watch"
    assert "no nearer than their run so far" in found.findings()[1].text


def test_a_shop_where_nothing_is_new() -> None:
    keys = pd.DataFrame({"category": ["x", "y"]}, index=["A", "B"])
    found = forecast_newcomers(made(np.ones((2, 60)), keys), horizon=7)
    assert found.absent() == "No item is new: all have been sold for longer."
    with pytest.raises(ColumnError, match="no column 'category'"):
        forecast_newcomers(made(np.ones((2, 60)), keys[[]]), horizon=7)
    with pytest.raises(ParameterError, match="at least 1 period"):
        forecast_newcomers(made(np.ones((2, 60)), keys), horizon=0)


def test_mean_curve_is_a_ratio_of_sums() -> None:
    curves = Curves(
        units=np.array([[4.0, 2.0], [8.0, nan]]), rhythm=np.array([[0.5, 1.0], [1.5, 1.0]])
    )
    assert curves.mean().tolist() == [6.0, 2.0]


def test_rhythm_has_mean_one_and_is_that_of_old_items() -> None:
    week = np.array([1.0, 1, 1, 1, 2, 5, 3])
    values = np.stack([np.tile(week, 6), np.full(42, nan)])
    keys = pd.DataFrame({"category": ["x", "x"]}, index=["A", "B"])
    rhythm = weekly_rhythm(made(values, keys), ahead=7)
    assert rhythm == pytest.approx(np.tile(week / 2, 7))
    assert weekly_rhythm(made(values, keys, "week"), ahead=2).tolist() == [1.0] * 44


def test_curves_begin_with_the_launch() -> None:
    values = np.array([[nan, nan, 5.0, 6.0]])
    curves = curves_by_age(values, np.ones(6), np.array([2]), ages=4)
    assert curves.units[0, :2].tolist() == [5, 6]
    assert np.isnan(curves.units[0, 2:]).all()


@pytest.mark.parametrize("shape", [0.5, 2.0, 10.0])
def test_shape_of_the_levels_is_found_again(shape: float) -> None:
    rng = np.random.default_rng(9)
    expected = rng.uniform(5, 50, 20_000)
    units = rng.poisson(expected * rng.gamma(shape, 1 / shape, 20_000)).astype(float)
    assert learn_shape(units, expected) == pytest.approx(shape, rel=0.1)


@pytest.mark.realdata
def test_launches_of_a_real_shop(shared: Path) -> None:
    """Items launched in 2011, at the age of two weeks, by the launches of 2010."""
    panel, truth = weekly_launches(shared)
    found = forecast_newcomers(panel, horizon=8)
    told = [(item, truth[item.row].sum()) for item in found.items if item.age >= 2]
    told = [(item, came) for item, came in told if not np.isnan(came)]
    off = sum(abs(item.mean.sum() - came) for item, came in told)
    run = sum(abs(item.units / item.age * 8 - came) for item, came in told)
    inside = np.mean([item.low <= came <= item.high for item, came in told])
    assert len(told) > 50
    assert off < 0.95 * run
    assert 0.7 < inside < 0.95


def weekly_launches(shared: Path) -> tuple[Panel, Floats]:
    """Weekly units of Online Retail II until mid June 2011, and the eight weeks after."""
    wanted = ["Invoice", "StockCode", "Quantity", "Price", "InvoiceDate"]
    folder = shared / "online_retail_ii"
    first = pd.read_parquet(folder / "year_2009_2010.parquet", columns=wanted)
    second = pd.read_parquet(folder / "year_2010_2011.parquet", columns=wanted)
    lines = pd.concat([first[first["InvoiceDate"] < second["InvoiceDate"].min()], second])
    sold = lines[(lines["Quantity"] > 0) & (lines["Quantity"] <= 5000) & (lines["Price"] > 0)]
    sold = sold[sold["StockCode"].str.match(r"^\d{5}", na=False)]
    week = (pd.to_datetime(sold["InvoiceDate"]) - pd.Timestamp("2009-11-30")).dt.days // 7
    sold = sold.assign(week=week)
    wide = sold.pivot_table(index="StockCode", columns="week", values="Quantity", aggfunc="sum")
    wide = wide.reindex(columns=range(106)).loc[lambda w: w.notna().sum(axis=1) >= 6]
    values = wide.fillna(0).to_numpy(dtype=float)
    begun = np.maximum.accumulate(values > 0, axis=1)
    values = np.where(begun, values, nan)
    price = sold.groupby("StockCode")["Price"].median().reindex(wide.index)
    keys = pd.DataFrame({"category": "gifts", "price": price.to_numpy()}, index=wide.index)
    cut = 80
    return Panel(keys=keys, start=START, frequency="week", values=values[:, :cut]), values[
        :, cut : cut + 8
    ]
