"""Loss functions against sums and integrals written from the definition."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply import policies

Case = tuple[Callable[..., Any], Callable[..., Any], dict[str, float], Any]

CONTINUOUS: list[Case] = [
    (policies.normal_loss, policies.normal_second_loss, {"mean": 50, "sd": 8},
     stats.norm(50, 8)),
    (policies.lognormal_loss, policies.lognormal_second_loss, {"mu": 2, "sigma": 0.3},
     stats.lognorm(0.3, scale=np.exp(2))),
    (policies.exponential_loss, policies.exponential_second_loss, {"mu": 0.04},
     stats.expon(scale=25)),
    (policies.gamma_loss, policies.gamma_second_loss, {"a": 2, "b": 3}, stats.gamma(2, scale=3)),
    (policies.uniform_loss, policies.uniform_second_loss, {"a": 3, "b": 9},
     stats.uniform(3, 6)),
]  # fmt: skip
DISCRETE: list[Case] = [
    (policies.poisson_loss, policies.poisson_second_loss, {"mean": 15}, stats.poisson(15)),
    (policies.geometric_loss, policies.geometric_second_loss, {"p": 0.3}, stats.geom(0.3)),
    (policies.binomial_loss, policies.binomial_second_loss, {"n": 12, "p": 0.3},
     stats.binom(12, 0.3)),
    (policies.negative_binomial_loss, policies.negative_binomial_second_loss,
     {"r": 2.5, "p": 0.2}, stats.nbinom(2.5, 0.2)),
]  # fmt: skip


def _places(demand: Any) -> list[float]:
    return [float(x) for x in np.round(demand.ppf([0.01, 0.3, 0.5, 0.9, 0.999]))]


@pytest.mark.parametrize("case", CONTINUOUS, ids=lambda case: case[0].__name__)
def test_continuous_families_are_their_integrals(case: Case) -> None:
    first, second, arguments, demand = case
    low, high = demand.ppf([0, 1 - 1e-13])
    low = max(low, demand.ppf(1e-13))

    def part(of: Callable[[float], float], a: float, b: float) -> float:
        return float(integrate.quad(lambda y: of(y) * demand.pdf(y), a, b, limit=300)[0])

    for x in _places(demand):
        loss, twice = first(x, **arguments), second(x, **arguments)
        gap = [partial(_power, x, k) for k in (1, 2)]
        over, below = (max(x, low), high), (low, max(x, low))
        assert loss.loss == pytest.approx(part(gap[0], *over), abs=1e-7)
        assert loss.complement == pytest.approx(-part(gap[0], *below), abs=1e-7)
        assert twice.loss == pytest.approx(part(gap[1], *over) / 2, rel=1e-5)
        assert twice.complement == pytest.approx(part(gap[1], *below) / 2, rel=1e-6, abs=1e-6)


def _power(x: float, k: int, y: float) -> float:
    return (y - x) ** k


@pytest.mark.parametrize("case", DISCRETE, ids=lambda case: case[0].__name__)
def test_discrete_families_are_their_sums(case: Case) -> None:
    first, second, arguments, demand = case
    units = np.arange(400)
    chance = demand.pmf(units)
    for x in _places(demand):
        loss, twice = first(x, **arguments), second(x, **arguments)
        over, below = np.maximum(units - x, 0), np.maximum(x - units, 0)
        assert loss.loss == pytest.approx(chance @ over, abs=1e-9)
        assert loss.complement == pytest.approx(chance @ below, abs=1e-9)
        assert twice.loss == pytest.approx(chance @ (over * (over - 1)) / 2, abs=1e-7)
        assert twice.complement == pytest.approx(chance @ (below * (below + 1)) / 2, abs=1e-7)


@pytest.mark.parametrize("case", [*CONTINUOUS, *DISCRETE], ids=lambda case: case[0].__name__)
def test_arrays_give_what_numbers_give(case: Case) -> None:
    first, second, arguments, demand = case
    places = np.array(_places(demand))
    for solve in (first, second):
        whole = solve(places, **arguments)
        single = [solve(x, **arguments) for x in places]
        assert whole.loss == pytest.approx([one.loss for one in single], abs=1e-12)
        assert whole.complement == pytest.approx([one.complement for one in single], abs=1e-12)


def test_any_distribution_agrees_with_its_own_formula() -> None:
    for first, second, arguments, demand in CONTINUOUS:
        for x in _places(demand):
            found = policies.continuous_loss(x, distrib=demand)
            assert found == pytest.approx(first(x, **arguments), abs=1e-6)
            twice = policies.continuous_second_loss(x, distrib=demand)
            assert twice == pytest.approx(second(x, **arguments), abs=1e-5)
    for first, second, arguments, demand in DISCRETE:
        for x in _places(demand):
            found = policies.discrete_loss(x, distrib=demand)
            assert found == pytest.approx(first(x, **arguments), abs=1e-8)
            twice = policies.discrete_second_loss(x, distrib=demand)
            assert twice == pytest.approx(second(x, **arguments), abs=1e-6)


def test_below_the_least_demand_all_of_it_is_short() -> None:
    assert policies.uniform_loss(1.0, a=3, b=9) == pytest.approx((5.0, 0.0))
    assert policies.exponential_loss(-2.0, mu=0.5) == pytest.approx((4.0, 0.0))
    assert policies.continuous_loss(1.0, distrib=stats.uniform(3, 6)) == pytest.approx((5.0, 0.0))
    wanted = policies.uniform_second_loss(1.0, a=3, b=9)
    found = policies.continuous_second_loss(1.0, distrib=stats.uniform(3, 6))
    assert found == pytest.approx(wanted, abs=1e-9)


def test_a_die_by_hand() -> None:
    die = dict.fromkeys(range(1, 7), 1 / 6)
    assert policies.discrete_loss(4, pmf=die) == pytest.approx(((1 + 2) / 6, (3 + 2 + 1) / 6))


def test_negative_binomial_by_mean_and_deviation() -> None:
    by_mean = policies.negative_binomial_loss(14, mean=6, sd=12**0.5)
    assert by_mean == pytest.approx(policies.negative_binomial_loss(14, r=6, p=0.5))


def test_impossible_demand_is_refused() -> None:
    with pytest.raises(ParameterError, match="variance above its mean"):
        policies.negative_binomial_loss(3, mean=6, sd=2)
    with pytest.raises(ParameterError, match="needs r and p, or mean and sd"):
        policies.negative_binomial_loss(3, r=6)
    with pytest.raises(ParameterError, match=r"adds up to 0\.9"):
        policies.discrete_loss(3, pmf={1: 0.9})
    with pytest.raises(ParameterError, match="needs distrib or pmf"):
        policies.discrete_loss(3)
    with pytest.raises(ParameterError, match="sd is nan"):
        policies.normal_loss(3, mean=1, sd=float("nan"))
    with pytest.raises(ParameterError, match="must be below b"):
        policies.uniform_loss(3, a=2, b=2)
