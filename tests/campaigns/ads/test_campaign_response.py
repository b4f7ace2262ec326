"""Response curves: planted curves recovered, refusals, and budgets against a solver."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ad_world import START, ad, day, table, trade
from scipy.optimize import minimize

from ecops_lib.campaigns.ads import fit_response, reallocate_budget
from ecops_lib.campaigns.ads.curves import FAMILIES, Family, level, slope
from ecops_lib.campaigns.ads.response_fit import SpendDays, fit_curves
from ecops_lib.campaigns.ads.responses import Responses
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]
DAYS = 180


@pytest.mark.parametrize("family", FAMILIES)
def test_curves_are_concave_and_have_their_elasticity(family: Family) -> None:
    ratio = np.linspace(0.05, 4, 200)
    for elasticity in (0.05, 0.4, 0.8, 1.0):
        e = np.array(elasticity)
        held = level(family, e, ratio)
        assert level(family, e, np.array(1.0)) == pytest.approx(1, abs=1e-6)
        assert slope(family, e, np.array(1.0)) == pytest.approx(elasticity, abs=2e-3)
        assert np.gradient(held, ratio)[1:-1] == pytest.approx(
            slope(family, e, ratio)[1:-1], rel=0.05
        )
        assert (np.diff(slope(family, e, ratio)) <= 1e-9).all()


def plan(
    rng: np.random.Generator, elasticity: float, *, family: Family = "power", spread: float = 0.5,
    driven: float = 0.0, told: bool = True, base: float = 600.0,
) -> tuple[SpendDays, float]:  # fmt: skip
    """Half a year of one plan, and the true marginal amount at its present spend."""
    days = np.arange(DAYS)
    demand = 0.15 * rng.standard_normal(DAYS)
    weekday = (days[:, None] % 7 == np.arange(6)).astype(float)
    trend = (days - days.mean()) / DAYS
    spend = 200 * np.exp(spread * rng.standard_normal(DAYS) + driven * demand / 0.15)
    usual = np.exp(np.log(spend).mean())
    amount = base * np.exp(0.2 * weekday[:, 0] + 0.2 * trend + 0.6 * demand)
    e = np.array(elasticity)
    orders = rng.poisson(amount * level(family, e, spend / usual) / 80)
    recent = days >= DAYS - 28
    held = SpendDays(
        spend=spend,
        brought=np.array([rng.gamma(2, 40, n).sum() for n in orders]),
        controls=np.column_stack([weekday, trend]),
        demand=demand if told else None,
        recent=recent,
    )
    now = spend[recent].mean() / usual
    return held, float(amount[recent].mean() * slope(family, e, np.array(now)) / usual)


def test_planted_marginal_returns_are_covered() -> None:
    """Thirty plans in six worlds; ``benchmarks/ad_response.py`` takes two hundred."""
    rng = np.random.default_rng(11)
    inside, error = [], []
    for _ in range(6):
        made = [plan(rng, rng.beta(6, 6), family=FAMILIES[n % 3]) for n in range(5)]
        for curve, (_, true) in zip(fit_curves([p for p, _ in made]), made, strict=True):
            assert curve.trouble in {"", "wide"}
            draws = curve.marginal(curve.present)
            low, high = np.quantile(draws, [0.05, 0.95])
            inside.append(low <= true <= high)
            error.append(draws.mean() / true - 1)
    assert np.mean(inside) >= 0.8
    assert abs(np.mean(error)) < 0.1


def test_neighbours_lend_a_plan_of_few_sales_their_shape() -> None:
    rng = np.random.default_rng(12)
    rich = [plan(rng, 0.3, base=4000)[0] for _ in range(6)]
    poor = plan(rng, 0.3, base=150)[0]
    alone, pooled = fit_curves([poor])[0], fit_curves([*rich, poor])[-1]
    assert np.ptp(np.quantile(pooled.elasticity, [0.05, 0.95])) < 0.7 * np.ptp(
        np.quantile(alone.elasticity, [0.05, 0.95])
    )
    assert abs(pooled.elasticity.mean() - 0.3) < 0.1


def test_days_that_cannot_tell_are_refused() -> None:
    rng = np.random.default_rng(13)
    still = plan(rng, 0.5, spread=0.05)[0]
    driven = plan(rng, 0.5, driven=1.2)[0]
    few = plan(rng, 0.5)[0]
    few = dataclasses.replace(few, spend=few.spend[:30], brought=few.brought[:30],
                              controls=few.controls[:30], demand=None,
                              recent=few.recent[:30])  # fmt: skip
    blind = plan(rng, 0.5, driven=0.0, told=False)[0]
    steep = dataclasses.replace(blind, brought=blind.spend**2 / 100)
    faint = plan(rng, 0.5, spread=0.12, base=60)[0]
    empty = dataclasses.replace(few, spend=np.empty(0), brought=np.empty(0),
                                controls=np.empty((0, 7)), recent=np.empty(0, bool))  # fmt: skip
    gone = plan(rng, 0.5)[0]
    gone = dataclasses.replace(gone, brought=np.where(gone.recent, 0.0, gone.brought),
                               controls=np.column_stack([gone.controls, gone.recent]))  # fmt: skip
    curves = fit_curves([still, driven, few, steep, faint, empty])
    assert [c.trouble for c in curves] == ["still", "demand", "few", "steep", "wide", "few"]
    assert fit_curves([gone])[0].trouble == "wide"
    assert fit_curves([]) == ()


SHAPES = {"G": (0.75, 8.0), "B": (0.2, 2.0), "C": (0.5, 4.0)}


@cache
def shop(driven: float = 0.0, *, spread: float = 0.5, traffic: bool = True) -> dict[str, pa.Table]:
    """Three plans of one product at 100 a day, elasticity and ROI as in ``SHAPES``."""
    rng = np.random.default_rng(14)
    demand = 0.15 * rng.standard_normal(DAYS)
    rows, seen = [], []
    for n in range(DAYS):
        seen.append({"platform": "tmall", "day": day(n), "scope": "channel", "scope_id": "search",
                     "visitors": int(2000 * np.exp(demand[n]))})  # fmt: skip
        seen.append({**seen[-1], "scope_id": "直通车", "visitors": 300})
        for name, (elasticity, roi) in SHAPES.items():
            ratio = float(np.exp(spread * rng.standard_normal() + driven * demand[n] / 0.15))
            orders = rng.poisson(roi * ratio**elasticity * np.exp(0.5 * demand[n]))
            rows.append(
                ad(
                    n,
                    name,
                    clicks=50,
                    cost=100 * ratio,
                    attributed_orders=int(orders),
                    attributed_amount=float(rng.gamma(4, 25, orders).sum()),
                )
            )
        rows.append(ad(n, "T", product="*", product_line="commission", cost=10,
                       attributed_amount=100, attributed_orders=1))  # fmt: skip
    held = {**trade(), "ads": table("ads", rows)}
    return {**held, "traffic": table("traffic", seen)} if traffic else held


def fit(tables: Any, **more: Any) -> Responses:
    given = {"start": START, "end": day(DAYS - 1), "time_zone": "UTC", **more}
    return fit_response(tables, **given)


def test_every_engine_fits_the_planted_plans(light_engine: MakeTables) -> None:
    held = fit(light_engine(shop()))
    assert [p.plan for p in held.plans if not p.told] == []
    assert {p.plan for p in held.plans} == set(SHAPES)
    assert held.left_out == pytest.approx(10 * DAYS)
    frame = held.to_frame().set_index("plan")
    for name, (elasticity, _) in SHAPES.items():
        assert frame.loc[name, "elasticity"] == pytest.approx(elasticity, abs=0.12)
        assert frame.loc[name, "margin"] == pytest.approx(0.4)
    verdicts = {p.plan: p.verdict() for p in held.plans}
    assert verdicts["G"] == "more"
    assert verdicts["B"] == "less"
    moved = reallocate_budget(held).frame.set_index("plan")
    assert moved.loc["G", "change"] > 0 > moved.loc["B", "change"]


def test_the_budget_is_what_a_general_solver_finds() -> None:
    held = fit(shop())
    moved = reallocate_budget(held)
    plans = [next(p for p in held.plans if p.plan == name) for name in moved.frame["plan"]]

    def loss(spend: np.ndarray) -> float:
        kept = (p.curve.brings(x).mean() * p.margin for p, x in zip(plans, spend, strict=True))
        return -float(sum(kept))

    present = moved.frame["present"].to_numpy()
    best = minimize(
        loss, present, method="SLSQP", bounds=[(p.curve.low, p.curve.high) for p in plans],
        constraints={"type": "eq", "fun": lambda x: x.sum() - present.sum()},
        options={"ftol": 1e-10},
    )  # fmt: skip
    proposed = moved.frame["proposed"].to_numpy()
    assert proposed.sum() == pytest.approx(present.sum())
    assert -loss(proposed) >= -best.fun - 1e-3
    assert proposed == pytest.approx(best.x, abs=2)
    assert (proposed >= moved.frame["low"] - 1e-9).all()
    assert (proposed <= moved.frame["high"] + 1e-9).all()
    assert moved.gain[0] == pytest.approx(-loss(proposed) + loss(present))
    less = reallocate_budget(held, total=0.8 * present.sum())
    assert less.frame["proposed"].sum() == pytest.approx(0.8 * present.sum())
    with pytest.raises(ParameterError, match="the plans have spent from"):
        reallocate_budget(held, total=10 * present.sum())


def test_the_gain_is_there_when_the_money_is_moved() -> None:
    """On the planted curves the proposed division brings more, within the interval told."""
    moved = reallocate_budget(fit(shop()))

    def kept(spend: dict[str, float]) -> float:
        return sum(0.4 * 100 * roi * (spend[name] / 100) ** e for name, (e, roi) in SHAPES.items())

    by = moved.frame.set_index("plan")
    true = kept(by["proposed"].to_dict()) - kept(by["present"].to_dict())
    assert moved.pays
    assert moved.gain[1] < true < moved.gain[2]


def test_the_words_turn_with_the_truth() -> None:
    found = {f.key: f for f in fit(shop()).findings()}
    assert {"response/less/B", "response/more/G", "response/limits"} <= set(found)
    assert found["response/less/B"].text.startswith("B is spent beyond its worth: at ¥1")
    assert found["response/more/G"].text.startswith("G is worth more money: at ¥1")
    assert "Affiliate commission (¥1,800.00) is left out" in found["response/limits"].text
    assert "could not be checked" not in found["response/limits"].text
    blind = fit(shop(traffic=False))
    assert "could not be checked" in blind.findings()[-1].text
    moved = {f.key: f for f in reallocate_budget(fit(shop())).findings()}
    assert " less on B and " in moved["budget/move"].text
    assert " more on G would bring " in moved["budget/move"].text
    with reading("zh"):
        assert "边际" in " ".join(f.text for f in fit(shop()).findings())


def test_confounded_and_still_spend_are_refused_in_words() -> None:
    driven = fit(shop(1.2))
    assert {p.curve.trouble for p in driven.plans} == {"demand"}
    texts = [f.text for f in driven.findings()]
    assert texts[0] == "Of no plan can it be told what more money would bring."
    assert "its spend moved with demand, so the two cannot be told apart" in texts[1]
    assert "at random by ±30% for four weeks" in texts[1]
    with pytest.raises(MissingDataError, match="Fewer than two plans"):
        reallocate_budget(driven)
    still = fit(shop(spread=0.01))
    assert "its spend hardly varied" in still.findings()[1].text
    assert driven.chart() is None
    assert str(still)


def test_unknown_margins_and_odd_shops() -> None:
    bare = {"ads": shop()["ads"]}
    held = fit(bare)
    assert "Whether more money on any plan pays cannot be told." in held.findings()[0].text
    assert {p.verdict() for p in held.plans} == {"open"}
    with pytest.raises(MissingDataError, match="Fewer than two plans"):
        reallocate_budget(held)
    with pytest.raises(MissingDataError, match="no row from"):
        fit(shop(), start=day(300), end=day(320))
    one = fit({**trade(), "ads": table("ads", [ad(0, "<b>", cost=5, attributed_amount=0)])})
    assert one.plans[0].curve.trouble == "few"
    assert "<b>" not in one._repr_html_()
    kinds = fit(shop(), by="line")
    assert [p.name for p in kinds.plans] == ["keyword ads"]
