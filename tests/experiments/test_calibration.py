"""The statistics keep their promises: a fast part of ``benchmarks/experiment_calibration.py``.

A few hundred simulated tests a claim; a bar is widened by three Monte-Carlo errors, which
still tells a method that is off by half from one that is right.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import experiment_calibration as calibration
from benchmarks._experiment_world import COLUMNS, Lift, draw_groups, squared_correlation
from ecops_lib.experiments.effects import Effect
from ecops_lib.experiments.moments import Moments

Section = Callable[[int, np.random.Generator], Iterator[calibration.Claim]]

RUNS = 200


@pytest.mark.parametrize(
    ("section", "claims"),
    [
        (calibration.measure_type_one, 9),
        (calibration.measure_coverage, 12),
        (calibration.measure_cuped, 2),
        (calibration.measure_looks, 9),
        (calibration.measure_many, 4),
        (calibration.measure_health, 10),
        (calibration.measure_quantiles, 4),
        (calibration.measure_resampled, 2),
    ],
)
def test_every_claim_holds_over_a_few_hundred_tests(section: Section, claims: int) -> None:
    measured = list(section(RUNS, np.random.default_rng(20261122)))
    assert len(measured) == claims
    assert [claim.line() for claim in measured if not claim.met] == []


def test_a_method_whose_errors_are_a_third_too_small_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from scipy.stats import norm

    honest = calibration.MEANS["Welch"]

    def too_sure(control: Moments, treatment: Moments) -> Effect:
        effect = honest(control, treatment)
        return replace(effect, p_value=float(2 * norm.sf(abs(1.5 * effect.statistic))))

    monkeypatch.setattr(calibration, "MEANS", {"too sure": too_sure})
    claims = calibration.measure_type_one(RUNS, np.random.default_rng(1))
    found = {claim.name: claim.met for claim in claims}
    assert found["too sure"] is False


def test_bars_are_strict_at_full_length_and_wider_below() -> None:
    full = calibration.share_of("x", 560, 10_000, 0.045, 0.055)
    assert not full.met
    assert calibration.share_of("x", 17, 300, 0.045, 0.055).met
    assert not calibration.share_of("x", 60, 300, 0.045, 0.055).met
    assert "MISS" in full.line()
    nothing = calibration.share_of("x", float("nan"), 10_000, 0.0, 1.0)
    assert not nothing.met


def test_the_made_up_shop_is_as_its_truths_say() -> None:
    rng, units, groups = np.random.default_rng(2), 50_000, 60
    for lift in (Lift(), Lift(buyers=1.2, amount=1.1)):
        sums, products = draw_groups(rng, groups, units, lift).sums()
        whole = Moments.of_sums(COLUMNS, units * groups, sums.sum(axis=0), products.sum(axis=0))
        rate = whole.average("converted")
        assert rate == pytest.approx(lift.truth("conversion_rate"), rel=0.02)
        spend = lift.truth("paid_amount_per_visitor")
        assert whole.average("paid_amount") == pytest.approx(spend, rel=0.03)
        value = whole.average("paid_amount") / whole.average("orders")
        assert value == pytest.approx(lift.truth("average_order_value"), rel=0.02)
        assert whole.average("previous_orders") == pytest.approx(0.1, rel=0.02)
    sums, products = draw_groups(rng, groups, units, Lift()).sums()
    whole = Moments.of_sums(COLUMNS, units * groups, sums.sum(axis=0), products.sum(axis=0))
    cov = whole.covariance("paid_amount", "previous_amount")
    spreads = whole.variance("paid_amount") * whole.variance("previous_amount")
    assert cov**2 / spreads == pytest.approx(squared_correlation(), rel=0.1)


def test_the_true_quantile_is_that_of_many_units() -> None:
    rng, lift = np.random.default_rng(3), Lift(buyers=1.1, amount=1.05)
    drawn = draw_groups(rng, 1, 2_000_000, lift)
    paid = np.sort(drawn.values[:, 2])
    above = len(paid) - np.searchsorted(paid, lift.quantile(0.98))
    assert above / 2_000_000 == pytest.approx(0.02, rel=0.02)
