"""The bootstrap check and the cut of extreme values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.experiments.inference import check_by_bootstrap, winsorise
from ecops_lib.experiments.outcomes import METRICS

SPEND = METRICS["paid_amount_per_visitor"]
AOV = METRICS["average_order_value"]


@pytest.mark.parametrize("weights", ["multinomial", "poisson"])
def test_the_bootstrap_bears_out_the_formula_where_it_holds(weights: str) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(50, 9, 3000), rng.normal(51, 9, 3000)
    held = check_by_bootstrap(first, second, metric=SPEND, weights=weights, rng=2)  # type: ignore[arg-type]
    assert held.agrees
    assert held.apart < 0.06
    assert "bear out" in held.findings()[0].text


def test_the_bootstrap_speaks_up_where_one_unit_rules() -> None:
    rng = np.random.default_rng(3)
    first = np.where(rng.random(400) < 0.05, rng.pareto(1.2, 400) * 50, 0.0)
    second = np.where(rng.random(400) < 0.05, rng.pareto(1.2, 400) * 50, 0.0)
    second[0] = 40_000.0
    held = check_by_bootstrap(first, second, metric=SPEND, rng=4)
    assert not held.agrees
    assert held.bootstrap.high > held.effect.difference.high
    text = held.findings()[0].text
    assert "where the formula gives" in text
    with reading("zh"):
        assert "重抽样得到" in held.findings()[0].text


def test_equal_units_drawn_together_are_drawn_right() -> None:
    """Against a plain bootstrap that draws every unit, on a small sample with ties."""
    rng = np.random.default_rng(5)
    first = rng.poisson(1.0, 60).astype(float)
    second = rng.poisson(1.5, 70).astype(float)
    held = check_by_bootstrap(first, second, metric=SPEND, draws=20_000, rng=6)
    gap = second.mean() - first.mean()
    error = math.sqrt(first.var(ddof=1) / 60 + second.var(ddof=1) / 70)
    one = first[rng.integers(0, 60, (20_000, 60))]
    two = second[rng.integers(0, 70, (20_000, 70))]
    errors = np.sqrt(one.var(axis=1, ddof=1) / 60 + two.var(axis=1, ddof=1) / 70)
    away = (two.mean(axis=1) - one.mean(axis=1) - gap) / errors
    reach = np.quantile(np.abs(away), 0.95) * error
    assert held.bootstrap.low == pytest.approx(gap - reach, abs=0.03 * error * 2)
    assert held.bootstrap.high == pytest.approx(gap + reach, abs=0.03 * error * 2)


def test_spend_of_few_buyers_gives_no_more_false_finds_than_promised() -> None:
    """Log-normal spend of 6 % of the units; limits from each tail apart find 10 % here."""
    rng = np.random.default_rng(12)
    runs, found = 500, 0
    for _ in range(runs):
        first, second = (
            np.append(np.zeros(1000 - n), rng.lognormal(0, 1, n))
            for n in rng.binomial(1000, 0.06, 2)
        )
        held = check_by_bootstrap(first, second, metric=SPEND, draws=199, rng=rng)
        found += not held.bootstrap.holds(0.0)
    assert found / runs < 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / runs)


def test_ratios_are_checked_too() -> None:
    rng = np.random.default_rng(7)
    groups = []
    for lift in (1.0, 1.1):
        orders = rng.poisson(1.2, 2500)
        groups.append(np.column_stack([orders * rng.gamma(9, 10, 2500) * lift, orders]))
    held = check_by_bootstrap(*groups, metric=AOV, rng=8)
    assert held.agrees
    assert held.effect.control == pytest.approx(groups[0][:, 0].sum() / groups[0][:, 1].sum())
    assert list(held.to_frame()["interval"]) == ["analytic", "bootstrap"]


def test_the_bootstrap_is_seeded() -> None:
    rng = np.random.default_rng(9)
    first, second = rng.exponential(5, 200), rng.exponential(6, 220)
    one, two = (check_by_bootstrap(first, second, metric=SPEND, rng=1) for _ in range(2))
    assert one.bootstrap == two.bootstrap
    assert one.bootstrap != check_by_bootstrap(first, second, metric=SPEND, rng=2).bootstrap


def test_no_spread_is_no_agreement() -> None:
    held = check_by_bootstrap(np.ones(20), np.ones(20), metric=SPEND)
    assert not held.agrees
    assert math.isnan(held.bootstrap.low)
    assert "could not be made" in held.findings()[0].text


def test_the_resampled_interval_covers() -> None:
    rng = np.random.default_rng(10)
    runs, ours = 300, 0
    for _ in range(runs):
        first, second = (rng.lognormal(0, 0.5, n) for n in (80, 300))
        held = check_by_bootstrap(first, second, metric=SPEND, draws=400, rng=rng)
        ours += held.bootstrap.holds(0.0)
    assert ours / runs == pytest.approx(0.95, abs=3 * math.sqrt(0.05 * 0.95 / runs))


@pytest.mark.parametrize("options", [{"weights": "jackknife"}, {"draws": 10}, {"alpha": 0.0}])
def test_impossible_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_by_bootstrap([1.0, 2.0], [1.0, 3.0], metric=SPEND, **options)  # type: ignore[arg-type]


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ParameterError, match="finite"):
        check_by_bootstrap([1.0, math.nan], [1.0, 2.0], metric=SPEND)
    with pytest.raises(ParameterError, match="finite"):
        winsorise([1.0, math.inf], [1.0])


def test_the_cut_is_one_for_both_groups_and_told() -> None:
    first = np.arange(1000.0)
    second = np.concatenate([np.arange(999.0), [1e9]])
    held = winsorise(first, second, share=0.999)
    assert held.cut == 998.0
    assert held.clipped == (1, 1)
    assert held.treatment.max() == held.cut
    assert first.max() == 999.0
    assert held.sentence("money") == (
        "2 units above ¥998.00 were set to it (control 1, treatment 1)."
    )
    untouched = winsorise([1.0, 2.0], [3.0], share=1.0)
    assert untouched.clipped == (0, 0)
