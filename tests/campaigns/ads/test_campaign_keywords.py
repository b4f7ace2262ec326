"""Keywords rated: shrinkage against published averages and planted truth, classes, words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ad_world import ad, day, table, trade
from scipy.stats import betabinom

from ecops_lib.campaigns.ads import rate_keywords
from ecops_lib.campaigns.ads.keyword_ratings import KeywordRatings
from ecops_lib.campaigns.ads.shrinkage import weigh_rates, weigh_values
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]


def test_batting_averages_of_1970_are_told_better_shrunk_than_raw() -> None:
    """Efron and Morris (1975), JASA 70, table 1: hits in 45 at bats, averages of the season."""
    hits = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7], float)
    season = np.array([0.346, 0.298, 0.276, 0.222, 0.273, 0.270, 0.263, 0.210, 0.269, 0.230,
                       0.264, 0.256, 0.303, 0.264, 0.226, 0.285, 0.316, 0.200])  # fmt: skip
    bats = np.full(18, 45.0)
    shrunk = weigh_rates(hits, bats).mean_of(hits, bats)
    raw_error, error = (float(((told - season) ** 2).sum()) for told in (hits / bats, shrunk))
    assert raw_error == pytest.approx(0.0755, abs=0.002)
    assert error < raw_error / 3


def test_the_weights_are_the_beta_binomial_likelihood() -> None:
    good, all_ = np.array([0.0, 3, 9, 0]), np.array([10.0, 40, 90, 10])
    prior = weigh_rates(good, all_)
    a, b = prior.means * prior.concentrations, (1 - prior.means) * prior.concentrations
    level = sum(betabinom.logpmf(g, n, a, b) for g, n in zip(good, all_, strict=True))
    level = level - 0.5 * np.log(prior.concentrations)
    weights = np.exp(level - level.max())
    assert prior.weights == pytest.approx(weights / weights.sum(), rel=1e-6)


def test_shrunk_rates_are_calibrated() -> None:
    """Of rates drawn from a beta, each chance told is kept; squared error falls."""
    rng = np.random.default_rng(6)
    below, told, shrunk, raw = [], [], 0.0, 0.0
    for _ in range(25):
        true = rng.beta(4, 96, 80)
        clicks = np.ceil(rng.lognormal(4, 1.2, 80))
        orders = rng.binomial(clicks.astype(int), true).astype(float)
        prior = weigh_rates(orders, clicks)
        told.append(prior.chance_below(np.full(80, 0.04), orders, clicks))
        below.append(true < 0.04)
        shrunk += float(((prior.mean_of(orders, clicks) - true) ** 2).sum())
        raw += float(((orders / clicks - true) ** 2).sum())
    chance, held = np.concatenate(told), np.concatenate(below)
    for low, high in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1)):
        own = (chance >= low) & (chance <= high)
        assert held[own].mean() == pytest.approx(chance[own].mean(), abs=0.06)
    assert shrunk < 0.4 * raw


def test_values_of_few_orders_are_drawn_to_the_mean_of_all() -> None:
    rng = np.random.default_rng(7)
    mean = 3 * 200 / rng.gamma(9, 1, 300)
    orders = rng.integers(0, 12, 300).astype(float)
    amounts = np.array(
        [rng.gamma(3, m / 3, int(n)).sum() for m, n in zip(mean, orders, strict=True)]
    )
    held = weigh_values(amounts, orders)
    assert held is not None
    told = held.mean_of(amounts, orders)
    some = orders > 0
    raw = amounts[some] / orders[some]
    assert ((told[some] - mean[some]) ** 2).sum() < 0.7 * ((raw - mean[some]) ** 2).sum()
    draws = held.draw(rng, 1500, amounts, orders)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    assert ((low < mean) & (mean < high)).mean() == pytest.approx(0.9, abs=0.05)
    assert draws.mean(axis=0) == pytest.approx(told, rel=0.15)
    assert weigh_values(np.zeros(2), np.zeros(2)) is None


@cache
def words(*, bad: str = "waste", star: str = "star", ppc: float = 1.5) -> dict[str, pa.Table]:
    """Sixty usual keywords at 4 % and 40 kept an order, a waste, a star and a young one."""
    rng = np.random.default_rng(1)
    rows = []
    plans = [(f"w{n:02d}", int(rng.lognormal(5, 1)), rng.beta(8, 192)) for n in range(60)]
    plans += [(bad, 900, 0.008), (star, 300, 0.12)]
    for word, clicks, rate in plans:
        orders = int(rng.binomial(clicks, rate))
        rows.append(
            ad(
                40,
                word=word,
                clicks=clicks,
                impressions=30 * clicks,
                cost=clicks * ppc,
                attributed_orders=orders,
                attributed_amount=float(rng.gamma(3, 100 / 3, orders).sum()),
            )
        )
    rows.append(ad(40, word="young", clicks=10, impressions=300, cost=15, attributed_orders=0))
    rows.append(ad(40, word="unseen", impressions=50, clicks=0, cost=0, attributed_orders=0))
    rows.append(ad(40, word="*", clicks=500, cost=900, attributed_orders=4))
    return {**trade(), "ads": table("ads", rows)}


def rate(tables: Any, **more: Any) -> KeywordRatings:
    given = {"start": day(0), "end": day(60), "as_of": day(110), "time_zone": "UTC", **more}
    return rate_keywords(tables, **given)


def test_every_engine_classes_the_planted_keywords(light_engine: MakeTables) -> None:
    held = rate(light_engine(words()))
    rows = held.frame.set_index("keyword")
    assert rows.loc[["waste", "star", "young"], "kind"].to_list() == ["pause", "raise", "test"]
    assert rows.loc["young", "needed"] > 30
    assert rows.loc["young", "chance"] < 0.75
    assert rows.loc["waste", "profit"] < -900
    assert rows.loc["waste", "wrong"] < 1
    assert held.unrated == 1
    below = rows["roi_high"] * rows["margin"] < 1
    assert (below == (rows["kind"] == "pause")).all()
    assert len(rows) == 63
    assert rows["margin"].to_numpy() == pytest.approx(0.4, abs=2e-3)


def test_needed_clicks_are_those_after_which_none_would_be_paused() -> None:
    tables = words()
    needed = int(rate(tables).frame.set_index("keyword").loc["young", "needed"])
    for clicks, kind in ((round(needed * 0.8), "test"), (round(needed * 1.25), "pause")):
        rows = [r for r in tables["ads"].to_pylist() if r["keyword"] != "young"]
        rows.append(ad(40, word="young", clicks=clicks, cost=1.5 * clicks, attributed_orders=0))
        held = rate({**tables, "ads": table("ads", rows)}).frame.set_index("keyword")
        assert held.loc["young", "kind"] == kind


def test_the_words_turn_with_the_truth() -> None:
    found = {f.key: f for f in rate(words()).findings()}
    assert list(found) == [f"keywords/{k}" for k in ("classes", "pause", "raise", "test", "limits")]
    assert found["keywords/pause"].text.startswith("Pause waste, w")
    assert "star" in found["keywords/raise"].text
    assert "clicks without an order, which is not yet bad" in found["keywords/test"].text
    turned = {f.key: f for f in rate(words(bad="star", star="waste")).findings()}
    assert turned["keywords/pause"].text.startswith("Pause star, w")
    assert "waste" in turned["keywords/raise"].text
    cheap = {f.key: f for f in rate(words(ppc=0.05)).findings()}
    assert "keywords/pause" not in cheap
    with reading("zh"):
        assert "暂停" in rate(words()).findings()[1].text


def test_a_single_losing_keyword_has_its_own_sentence() -> None:
    rows = [ad(40, word="a", clicks=4000, cost=8000, attributed_orders=8, attributed_amount=800)]
    [_, pause, *_] = rate({**trade(), "ads": table("ads", rows)}).findings()
    assert pause.text.startswith("Pause a: it cost ¥8,000.00 in 61 days and brought 8 orders in ")
    assert pause.money == pytest.approx(8000 - 320, rel=0.05)


def test_paused_keywords_do_lose_and_raised_ones_earn() -> None:
    """Of planted keywords classed with 90 % sureness, at least nine in ten are classed rightly."""
    right = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        true = rng.beta(3, 72, 120)
        clicks = np.ceil(rng.lognormal(5, 1.2, 120)).astype(int)
        orders = rng.binomial(clicks, true)
        rows = [ad(40, word=f"w{n}", clicks=int(clicks[n]), cost=1.5 * clicks[n],
                   attributed_orders=int(orders[n]),
                   attributed_amount=float(rng.gamma(3, 100 / 3, orders[n]).sum()))
                for n in range(120)]  # fmt: skip
        held = rate({**trade(), "ads": table("ads", rows)}).frame
        profit = dict(zip((f"w{n}" for n in range(120)), true * 40 - 1.5, strict=True))
        classed = held[held["kind"].isin(["pause", "raise"])]
        loses = classed["keyword"].map(profit) < 0
        right.extend(loses == (classed["kind"] == "pause"))
    assert np.mean(right) > 0.93
    assert len(right) > 60


def test_odd_shops() -> None:
    tables = words()
    with pytest.raises(MissingDataError, match="unit_cost"):
        rate({**tables, **trade(unit_cost=None)})
    with pytest.raises(MissingDataError, match="names no keyword"):
        rate({**tables, "ads": table("ads", [ad(40, clicks=5, cost=5)])})
    with pytest.raises(MissingDataError, match="does not tell the orders"):
        rate({**tables, "ads": table("ads", [ad(40, word="a", clicks=5, cost=5)])})
    none = ad(40, word="a", clicks=5, cost=5, attributed_orders=0, attributed_amount=0)
    with pytest.raises(MissingDataError, match="none can be rated"):
        rate({**tables, "ads": table("ads", [none])})
    with pytest.raises(ParameterError, match="sure"):
        rate(tables, sure=float("nan"))
    many = ad(40, word="<i>x", clicks=2, cost=2, attributed_orders=3, attributed_amount=300)
    held = rate({**tables, "ads": table("ads", [many])})
    assert "<i>" not in held._repr_html_()
