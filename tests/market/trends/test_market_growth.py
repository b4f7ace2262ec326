"""The industry's growth, season and breaks, and our share of its movement."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from trend_world import DAYS, LAST, WEEKDAYS, ZONE, days, industry, market, trade, wander

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.market.trends.growth import MarketTrends, measure_market
from ecops_lib.market.trends.share import MovementShare, compare_with_market


def trends(series: dict[tuple[str, str], Any], count: int = DAYS, **options: Any) -> MarketTrends:
    tables = {"market": market(series, count)}
    return measure_market(tables, as_of=LAST, time_zone=ZONE, **options)


def test_growth_is_that_of_a_year_whatever_weekday_and_noise() -> None:
    row = trends({("访客指数", "茶"): industry(growth=0.2)}).frame.iloc[0]
    assert row["basis"] == "year"
    assert row["low"] < 0.2 < row["high"]
    assert row["growth"] == pytest.approx(0.2, abs=0.03)


def test_without_noise_growth_and_weekdays_are_exact() -> None:
    doubled = np.where(np.arange(DAYS) < DAYS - 100, 50.0, 100.0)
    assert trends({("i", "*"): doubled}, span=28).frame["growth"][0] == pytest.approx(1.0)
    held = trends({("i", "*"): 5000 * WEEKDAYS[[day.weekday() for day in days()]]})
    assert held.frame["weekdays"][0] == pytest.approx(WEEKDAYS / WEEKDAYS.mean())


def test_before_a_year_the_span_before_is_compared_and_said() -> None:
    held = trends({("访客指数", "茶"): industry(count=200)}, count=200)
    assert held.frame["basis"].tolist() == ["span"]
    assert "the days before, season included" in held.findings()[0].text
    assert np.isnan(held.frame["months"].iloc[0]).all()


def test_a_moved_level_is_dated_and_told() -> None:
    values = industry(growth=0.1)
    values[-60:] *= 1.3
    held = trends({("访客指数", "茶"): values, ("访客指数", "杯"): industry(growth=0.1, seed=2)})
    [row] = held.breaks.to_dict("records")
    assert row["category"] == "茶"
    assert abs((row["broke"] - days()[-60]).days) <= 3
    assert row["shift_low"] < 0.3 < row["shift_high"]
    [told] = [f for f in held.findings() if f.key.startswith("market/break")]
    assert " higher from about " in told.text
    lower = trends({("访客指数", "茶"): np.where(np.arange(DAYS) < DAYS - 60, 1, 0.7) * values})
    assert " lower from about " in next(f for f in lower.findings() if "break" in f.key).text


def test_industries_without_a_break_seldom_claim_one() -> None:
    claims = sum(
        len(trends({("i", str(k)): industry(seed=50 * seed + k, rho=0.7) for k in range(8)}).breaks)
        > 0
        for seed in range(12)
    )
    assert claims <= 2


def test_hostile_figures_are_left_out_and_counted() -> None:
    values = industry().tolist()
    values[-3:] = [0.0, -5.0, float("inf")]
    values[-10] = None
    series = {("<b>指数</b>", "=cmd"): values, ("指数 🍵", "茶"): industry(seed=2),
              (None, None): industry(seed=3), ("搜索词:茶", "茶"): industry(seed=4)}  # fmt: skip
    held = trends(series)
    assert len(held.frame) == 2
    assert held.refused == 3
    assert "<b>" not in held._repr_html_()
    assert held.chart() is not None
    with reading("zh"):
        assert "3 个" in str(held)


def test_what_lacks_is_said() -> None:
    with pytest.raises(MissingDataError, match="only search terms"):
        trends({("搜索词:茶", "茶"): industry()})
    with pytest.raises(MissingDataError, match="no figure of the industry up to"):
        measure_market(
            {"market": market({("i", "*"): industry()})}, as_of="2020-01-01", time_zone=ZONE
        )
    with pytest.raises(ParameterError, match="whole weeks"):
        trends({("i", "*"): industry()}, span=30)
    short = trends({("i", "*"): industry(count=20)}, count=20)
    assert "cannot be told" in short.findings()[0].text
    assert short.chart() is None


def test_a_series_that_has_ended_tells_no_growth() -> None:
    values = industry()
    values[-20:] = np.nan
    held = trends({("old", "*"): values, ("new", "*"): industry(seed=2)})
    assert held.frame.set_index("series")["basis"].to_dict() == {"old": "", "new": "year"}


def beside(gap: float, *, seed: int = 1, noise: float = 0.3, engine: Any = dict) -> MovementShare:
    """Two categories that move with their index but for a gap in the last eight weeks."""
    rng = np.random.default_rng(seed)
    index = {
        ("访客指数", c): industry(growth=0.2, seed=10 * seed + k) for k, c in enumerate("茶杯")
    }
    late = np.where(np.arange(DAYS) >= DAYS - 56, 1 + gap, 1.0)
    amounts = {
        "茶": index["访客指数", "茶"] * late * np.exp(wander(rng, 0.2, noise)),
        "杯": index["访客指数", "杯"] * np.exp(wander(rng, 0.2, noise)),
    }
    tables = {"market": market(index), **trade(amounts)}
    return compare_with_market(engine(tables), as_of=LAST, time_zone=ZONE)


def test_lost_share_is_found_and_is_money() -> None:
    held = beside(-0.4)
    row = held.frame.set_index("category").loc["茶"]
    assert row["low"] < -0.4 < row["high"] < 0
    assert row["money"] == pytest.approx(row["sold"] - row["would"])
    assert row["sold"] / row["would"] - 1 == pytest.approx(row["gap"])
    [told] = [f for f in held.findings() if f.key.endswith("/茶")]
    assert told.text.startswith("We fell behind the industry (访客指数 · 茶): our sales ")
    assert told.money == pytest.approx(-row["money"])
    assert told.action is not None


def test_gained_share_turns_the_words() -> None:
    held = beside(0.8)
    [told] = [f for f in held.findings() if f.key.endswith("/茶")]
    assert told.text.startswith("We gained on the industry (访客指数 · 茶)")
    assert told.level == "good"
    assert told.money is None


def test_all_together_is_the_sum_of_money_not_of_indices() -> None:
    held = beside(-0.4).frame.set_index("category")
    assert held.loc["", "money"] == pytest.approx(held.loc[["茶", "杯"], "money"].sum())
    assert held.loc["", "would"] == pytest.approx(held.loc[["茶", "杯"], "would"].sum())


def test_shops_that_move_along_seldom_claim_a_gap() -> None:
    held = [beside(0.0, seed=seed) for seed in range(20)]
    assert sum(len(one.told) > 0 for one in held) <= 3
    quiet = next(one for one in held if one.told.empty)
    assert quiet.findings()[0].text.startswith("Our sales moved with the industry")


def test_an_index_of_no_category_of_ours_is_named() -> None:
    tables = {"market": market({("访客指数", "猫粮"): industry()}), **trade({"茶": industry()})}
    alone = compare_with_market(tables, as_of=LAST, time_zone=ZONE)
    assert alone.apart == ("访客指数 · 猫粮",)
    assert alone.findings()[0].text.startswith("No index can be set beside our sales")
    assert alone.chart() is None
    del tables["products"]
    with pytest.raises(MissingDataError):
        compare_with_market(tables, as_of=LAST, time_zone=ZONE)


def test_an_index_beside_others_that_is_not_ours_is_said_to_be_left_out() -> None:
    index = {("访客指数", "茶"): industry(), ("访客指数", "猫粮"): industry(seed=2)}
    tables = {"market": market(index), **trade({"茶": index["访客指数", "茶"]})}
    told = compare_with_market(tables, as_of=LAST, time_zone=ZONE).findings()[-1]
    assert told.text.startswith(
        "1 index is left out, such as 访客指数 · 猫粮: it is of no category"
    )


def test_a_shop_younger_than_the_index_is_compared_with_days_it_was_open() -> None:
    index = {("访客指数", "茶"): industry(growth=0.2)}
    young = np.where(np.arange(DAYS) < DAYS - 250, 0.0, index["访客指数", "茶"])
    tables = {"market": market(index), **trade({"茶": young})}
    held = compare_with_market(tables, as_of=LAST, time_zone=ZONE)
    assert held.frame.empty
    assert held.apart == ("访客指数 · 茶",)


def test_engines_agree_on_the_market(light_engine: Any) -> None:
    one, two = beside(-0.4, engine=light_engine), beside(-0.4)
    pd.testing.assert_frame_equal(one.frame, two.frame, rtol=1e-9)
    series = {("访客指数", "茶"): industry()}
    tables = light_engine({"market": market(series)})
    held = measure_market(tables, as_of=dt.date(2026, 10, 18), time_zone=ZONE)
    assert held.frame["growth"].tolist() == trends(series).frame["growth"].tolist()
