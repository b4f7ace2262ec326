"""Likelihoods against published figures, exact arithmetic, integrals and differences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from simulated import histories, history, simulate

from ecops_lib.customers.lifetime.fit import NEW, Model, fit_histories
from ecops_lib.customers.lifetime.future import (
    discounted_purchases,
    expected_purchases,
    median_purchases,
    purchase_chances,
    purchase_rate,
    purchase_variance,
)
from ecops_lib.customers.lifetime.likelihood import History, alive, log_likelihood
from ecops_lib.customers.lifetime.spend import SpendFit, fit_spend
from ecops_lib.customers.lifetime.value import discounted_by_month
from ecops_lib.customers.purchases import Histories

PARAMS = {
    "bg": (0.243, 4.414, 0.793, 2.426),
    "mbg": (0.525, 6.183, 0.891, 1.614),
    "pareto": (0.553, 10.578, 0.606, 11.669),
    "nbd": (0.385, 12.07),
}
FEW = History(
    x=np.array([2.0, 0, 1, 29, 7, 26, 0, 120]),
    tx=np.array([30.43, 0, 1.71, 38, 29.43, 30.86, 0, 2]),
    T=np.array([38.86, 38.86, 38.86, 38.86, 38.86, 31, 27, 39]),
    customers=np.array([3.0, 50, 7, 1, 2, 1, 40, 1]),
)


def case(name: str) -> dict[str, Any]:
    file = Path(__file__).parents[2] / ".." / "shared" / "cases" / "clv.json"
    if not file.exists():
        pytest.skip("no folder of reference cases beside the repository")
    cases = json.loads(file.read_text("utf-8"))["cases"]
    return next(held for held in cases if held["id"] == name)


def probes(held: dict[str, Any]) -> History:
    x, tx, age = np.array(held["inputs"]["probes_x_tx_T"], float).T
    return History(x=x, tx=tx, T=age, customers=np.ones_like(x))


@pytest.fixture
def cdnow(shared: Path) -> Histories:
    """The 2,357 customers of the CDNOW sample; x, tx and T as published, in weeks."""
    frame = pd.read_parquet(shared / "cdnow" / "cdnow_customers_summary.parquet")
    named = frame.rename(columns={"frequency": "x", "recency": "tx"})
    return histories(named.groupby(["x", "tx", "T"]).size().rename("customers").reset_index())


@pytest.mark.realdata
def test_bg_nbd_on_cdnow_as_published_by_fader_hardie_and_lee_2005(cdnow: Histories) -> None:
    """Marketing Science 24, table 2: .243, 4.414, .793, 2.426, LL -9582.4."""
    (model,) = fit_histories(cdnow, models=("bg",)).models
    assert model.params.round(3).tolist() == [0.243, 4.414, 0.793, 2.426]
    expected = case("bgnbd_fit_cdnow")["expected"]
    assert model.params == pytest.approx([expected[k] for k in ("r", "alpha", "a", "b")], rel=1e-6)
    assert model.log_likelihood == pytest.approx(expected["loglik"], abs=1e-6)


@pytest.mark.realdata
def test_pareto_nbd_on_cdnow_as_published_by_fader_hardie_and_lee_2005(cdnow: Histories) -> None:
    """The same table: .553, 10.578, .606, 11.669, LL -9595.0."""
    (model,) = fit_histories(cdnow, models=("pareto",)).models
    assert model.params == pytest.approx([0.553, 10.578, 0.606, 11.669], abs=2e-3)
    assert model.params == pytest.approx([0.55328, 10.5776, 0.60621, 11.6679], rel=1e-4)
    assert model.log_likelihood == pytest.approx(-9594.974, abs=1e-3)


@pytest.mark.realdata
def test_nbd_on_cdnow_as_published(cdnow: Histories) -> None:
    """Fader and Hardie, "Implementing the BG/NBD in Excel" and BTYD: r .385, alpha 12.07."""
    (model,) = fit_histories(cdnow, models=("nbd",)).models
    assert model.params == pytest.approx([0.385, 12.072], abs=5e-4)


@pytest.mark.parametrize(
    ("name", "case_id"),
    [
        ("bg", "bgnbd_cond_published_params"),
        ("bg", "bgnbd_cond_mle"),
        ("pareto", "paretonbd_cond_published_params"),
    ],
)
def test_expectations_meet_forty_digit_arithmetic(name: Any, case_id: str) -> None:
    """E[Y(39) | 2, 30.43, 38.86] = 1.226 in the 2005 note; the rest by mpmath."""
    held = case(case_id)
    params, told = np.array(held["inputs"]["params"]), held["expected"]
    seen = expected_purchases(name, params, probes(held), horizon=39.0)
    assert seen == pytest.approx(told.get("E39_mpmath", told["E39"]), rel=1e-12)
    assert alive(name, params, probes(held)) == pytest.approx(told["p_alive"], abs=1e-13)
    new = [expected_purchases(name, params, NEW, horizon=t)[0] for t in (1, 4, 13, 39, 52, 78)]
    assert new == pytest.approx(told["E_new"], rel=1e-12)


def test_chances_of_a_new_customer_as_in_equation_8() -> None:
    held = case("bgnbd_pmf")
    seen = purchase_chances("bg", np.array(PARAMS["bg"]), NEW, horizon=39.0, most=7)[0]
    assert seen == pytest.approx(held["expected"]["pmf"], abs=1e-15)


@pytest.mark.parametrize("name", PARAMS)
def test_derivatives_are_those_of_the_value(name: Any) -> None:
    theta, step = np.log(PARAMS[name]) + 0.1, 1e-5
    held = log_likelihood(name, np.exp(theta), FEW)
    sides = [
        [log_likelihood(name, np.exp(theta + sign * step * axis), FEW) for sign in (1, -1)]
        for axis in np.eye(len(theta))
    ]
    slope = [(up.value - down.value) / 2 / step for up, down in sides]
    assert held.gradient == pytest.approx(np.array(slope), rel=1e-6, abs=1e-6)
    bent = [(up.gradient - down.gradient) / 2 / step for up, down in sides]
    assert held.hessian == pytest.approx(np.array(bent), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("params", [(0.5, 10.0, 0.6, 12.0), (2.0, 3.0, 0.4, 90.0), (1, 60, 2, 0.1)])
def test_pareto_likelihood_is_its_integral_over_the_time_of_leaving(params: Any) -> None:
    """Adaptive quadrature of the definition, customer by customer."""
    from scipy.special import gammaln

    r, alpha, s, beta = params
    for x, tx, age in zip(FEW.x, FEW.tx, FEW.T, strict=True):
        one = History(x=np.array([x]), tx=np.array([tx]), T=np.array([age]), customers=np.ones(1))
        front = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        scale = (r + x) * np.log(alpha + tx) + (s + 1) * np.log(beta + tx)

        def leaving(tau: float, x: float = x, scale: float = scale) -> float:
            return float(
                np.exp(scale - (r + x) * np.log(alpha + tau) - (s + 1) * np.log(beta + tau))
            )

        gone = s * quad(leaving, tx, age, epsabs=0, epsrel=1e-12, limit=500)[0]
        still = np.exp(scale - (r + x) * np.log(alpha + age) - s * np.log(beta + age))
        expected = front - scale + np.log(gone + still)
        assert log_likelihood("pareto", np.array(params, float), one).value == pytest.approx(
            expected, abs=1e-9
        )


@pytest.mark.parametrize("name", PARAMS)
def test_rate_chances_and_moments_agree(name: Any) -> None:
    """The rate adds up to the expectation, and the chances to one, mean and variance."""
    params = np.array(PARAMS[name])
    mean = expected_purchases(name, params, FEW, horizon=20.0)
    at, weight = np.polynomial.legendre.leggauss(60)
    rate = purchase_rate(name, params, FEW, after=10 * (at + 1)) @ (10 * weight)
    assert rate == pytest.approx(mean, rel=1e-10)
    chances = purchase_chances(name, params, FEW, horizon=20.0, most=600)
    number = np.arange(601)
    assert chances.sum(axis=1) == pytest.approx(np.ones(len(FEW)), abs=1e-10)
    assert chances @ number == pytest.approx(mean, rel=1e-8)
    spread = chances @ number**2 - mean**2
    assert purchase_variance(name, params, FEW, horizon=20.0) == pytest.approx(spread, rel=1e-6)
    half = (np.cumsum(chances, axis=1) < 0.5).sum(axis=1)
    assert median_purchases(name, params, FEW, horizon=20.0).tolist() == half.tolist()


@pytest.mark.parametrize("name", PARAMS)
def test_discounted_purchases_are_their_integral(name: Any) -> None:
    """Fader, Hardie and Lee (2005), JMR 42: 15 % a year is .0027 a week."""
    params, discount = np.array(PARAMS[name]), 0.0027
    seen = discounted_purchases(name, params, FEW, discount=discount)
    for place in (0, 3, 6):

        def faded(u: float, place: int = place) -> float:
            after = np.array([np.expm1(u)])
            rate = purchase_rate(name, params, FEW, after=after)[place, 0]
            return float(rate * np.exp(u - discount * after[0]))

        assert seen[place] == pytest.approx(quad(faded, 0, 11, limit=400)[0], rel=1e-7)


@pytest.mark.parametrize("name", ["bg", "mbg"])
def test_a_of_one_is_no_hole(name: Any) -> None:
    params = np.array([0.5, 6.0, 1.0, 2.0])
    near = [
        expected_purchases(name, params + np.array([0, 0, gap, 0]), FEW, horizon=39.0)
        for gap in (-1e-3, 0.0, 1e-3)
    ]
    assert near[1] == pytest.approx((near[0] + near[2]) / 2, rel=1e-5)


@pytest.mark.parametrize("name", ["bg", "mbg", "pareto"])
def test_figures_are_those_of_simulated_customers(name: Any) -> None:
    """Purchase by purchase from the definition; the sums within four standard errors."""
    rng = np.random.default_rng(11)
    params = np.array(PARAMS[name])
    frame, later = simulate(name, PARAMS[name], rng.uniform(10, 60, 60_000), rng, later=30.0)
    held = history(frame)
    expected = expected_purchases(name, params, held, horizon=30.0)
    spread = purchase_variance(name, params, held, horizon=30.0)
    assert abs(later.sum() - expected.sum()) < 4 * np.sqrt(spread.sum())
    assert (later - expected).var() == pytest.approx(spread.mean(), rel=0.15)
    active = frame["x"].to_numpy() >= 3
    assert abs((later - expected)[active].sum()) < 4 * np.sqrt(spread[active].sum())
    (model,) = fit_histories(histories(frame), models=(name,)).models
    assert np.abs((np.log(model.params) - np.log(params)) * params / model.errors).max() < 4


def test_intervals_of_parameters_cover_the_truth() -> None:
    """95 % intervals of four parameters in 120 simulated shops: 456 of 480 expected."""
    rng, inside = np.random.default_rng(5), []
    params = (0.8, 6.0, 0.8, 2.5)
    for _ in range(120):
        frame, _ = simulate("bg", params, rng.uniform(20, 80, 1500), rng)
        (model,) = fit_histories(histories(frame), models=("bg",)).models
        gap = np.log(model.params / np.array(params))
        inside.append(np.abs(gap) <= 1.96 * np.sqrt(np.diag(model.covariance)))
    assert 0.93 <= np.mean(inside) <= 0.97


def spend(params: tuple[float, float, float]) -> SpendFit:
    empty = np.zeros((3, 3))
    return SpendFit(
        params=np.array(params), errors=np.zeros(3), log_likelihood=0.0, covariance=empty,
        customers=946, left_out=0, mean=38.0, correlation=0.0,
    )  # fmt: skip


def test_amounts_of_fader_and_hardie_2013() -> None:
    held = case("gammagamma_cond")
    count, mean = (np.array(held["inputs"][name], float) for name in ("x", "zbar"))
    seen = spend((6.25, 3.74, 15.44)).expect(count, mean)
    assert seen == pytest.approx(held["expected"]["E_M"], rel=1e-12)


def test_gamma_gamma_finds_what_was_simulated() -> None:
    rng = np.random.default_rng(3)
    count = rng.integers(1, 12, 40_000).astype(float)
    scale = rng.gamma(3.74, 1 / 15.44, len(count))
    mean = rng.gamma(6.25 * count, 1 / (scale * count))
    held = fit_spend(count, mean)
    assert np.abs((held.params - [6.25, 3.74, 15.44]) / held.errors).max() < 4
    assert held.population_mean == pytest.approx(6.25 * 15.44 / 2.74, rel=0.02)


def test_value_of_twelve_months_by_the_convention_of_lifetimes() -> None:
    held = case("bgnbd_clv_12m")
    given = held["inputs"]
    params = np.array(given["params_bg"])
    nothing = np.zeros(8)
    model = Model(
        name="bg", params=params, log_likelihood=0.0, covariance=np.zeros((4, 4)), reached=True,
        counts=nothing, fitted=nothing,
    )  # fmt: skip
    one = History(
        x=np.array([2.0]), tx=np.array([30.43]), T=np.array([38.86]), customers=np.ones(1)
    )
    factors = (1 + given["monthly_discount"]) ** -np.arange(1.0, 13)
    _, worth = discounted_by_month(model, one, factors=factors, weeks_a_month=4.345)
    amount = spend(tuple(given["params_gg"])).expect(np.array([2.0]), np.array([given["zbar"]]))
    assert worth * amount == pytest.approx([held["expected"]["clv"]], rel=1e-12)
