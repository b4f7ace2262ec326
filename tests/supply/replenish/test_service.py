"""The bar: shelves that are run for long give the service that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import replenish_service as bench
from ecops_lib.supply.replenish.levels import (
    cycle_levels,
    expected_sales,
    find_levels,
    measure_service,
    share_units,
    thin,
)
from ecops_lib.supply.replenish.sampling import Sample


@pytest.mark.parametrize("kind", list(bench.RATES))
def test_service_is_within_a_point_of_what_was_asked(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fast part of ``benchmarks/replenish_service.py``: 95 %, 60 SKUs, 200 cycles.

    Two standard errors of a run are allowed besides: 0.6 points, as measured over seeds.
    """
    monkeypatch.setattr(bench, "CYCLES", 200)
    monkeypatch.setattr(bench, "ASKED", (0.95,))
    for row in bench.run(kind, 60, known=True):
        assert row["got"] == pytest.approx(0.95, abs=bench.BAR + 0.006), row["service"]


def _sample(total: np.ndarray, before: np.ndarray) -> Sample:
    nothing = np.zeros(len(total))
    return Sample(total=total, before=before, daily=nothing, spread=nothing, beyond=nothing)


def test_cycle_level_covers_a_new_future_as_often_as_asked() -> None:
    """Of 99 futures the 90th covers a hundredth one with 90 %: uniform demand, by hand."""
    total = np.arange(1.0, 100.0)[None, :]
    assert cycle_levels(total, np.array([0.9])).tolist() == [90]
    assert cycle_levels(total, np.array([0.995])).tolist() == [99]
    assert cycle_levels(np.zeros((1, 99)), np.array([0.95])).tolist() == [0]


def test_fill_level_against_every_level() -> None:
    rng = np.random.default_rng(3)
    before = rng.poisson(12, (4, 400)).astype(float)
    total = before + rng.poisson(6, (4, 400))
    sample = _sample(total, before)
    found = find_levels(sample, np.full(4, 0.95), measure="fill")
    for row, level in enumerate(found):
        short = [
            np.maximum(total[row] - s, 0).mean() - np.maximum(before[row] - s, 0).mean()
            for s in range(60)
        ]
        served = 1 - np.array(short) / (total[row] - before[row]).mean()
        assert level == int(np.argmax(served >= 0.95))
    told = measure_service(sample, found, measure="fill")
    assert (told >= 0.95).all()


def test_nothing_asked_for_is_always_served() -> None:
    sample = _sample(np.zeros((1, 50)), np.zeros((1, 50)))
    assert find_levels(sample, np.array([0.95]), measure="fill").tolist() == [0]
    assert measure_service(sample, np.zeros(1), measure="fill").tolist() == [1]


def test_units_that_serve_least_for_their_money_are_left_out() -> None:
    """Three SKUs at 99 %, asked for 97.5: the dear one goes, then the cheap; the third serves."""
    served, below = np.array([0.99, 0.99, 0.99]), np.array([0.98, 0.95, 0.98])
    cost, free = np.array([1.0, 1.0, 50.0]), np.array([True, True, True])
    fewer = share_units(served, below, np.ones(3), cost, asked=0.975, free=free)
    assert fewer.tolist() == [True, False, True]
    kept = share_units(served, below, np.ones(3), cost, asked=0.975, free=~free)
    assert not kept.any()
    none = share_units(served, below, np.ones(3), np.ones(3), asked=0.99, free=np.array([True] * 3))
    assert not none.any()


def test_thinned_distribution_keeps_expected_sales() -> None:
    total = np.random.default_rng(5).gamma(2, 30, (3, 4000))
    levels = np.array([10.0, 60.0, 300.0])
    wanted = np.minimum(total, levels[:, None]).mean(axis=1)
    assert expected_sales(thin(total), levels) == pytest.approx(wanted, rel=0.01)
    assert expected_sales(thin(total), np.array([-5.0, 0.0, -1.0])).tolist() == [0, 0, 0]
