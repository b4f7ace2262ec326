"""The split of a change: exact, fair, whatever the numbers."""

from __future__ import annotations

from itertools import permutations
from math import nan, prod

import numpy as np
import pytest

from ecops_lib.diagnosis.split import round_to_sum, split_product


def averaged_over_orders(before: list[float], after: list[float]) -> list[float]:
    """Shapley's value by its definition: the mean step of each factor over all orders."""
    count = len(before)
    steps = [0.0] * count
    orders = list(permutations(range(count)))
    for order in orders:
        held = list(before)
        for factor in order:
            old = prod(held)
            held[factor] = after[factor]
            steps[factor] += (prod(held) - old) / len(orders)
    return steps


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_split_is_the_mean_step_over_all_orders(count: int) -> None:
    rng = np.random.default_rng(count)
    for _ in range(50):
        before, after = rng.normal(0, 10, (2, count)).tolist()
        expected = averaged_over_orders(before, after)
        assert split_product(before, after) == pytest.approx(expected, abs=1e-9)


def test_three_factors_follow_suns_complete_decomposition() -> None:
    # Sun (1998), Energy Economics 20: dA B C + dA (B dC + C dB) / 2 + dA dB dC / 3
    (a, b, c), (da, db, dc) = (1000.0, 0.05, 80.0), (-200.0, 0.01, 12.0)
    visitors, *_ = split_product([a, b, c], [a + da, b + db, c + dc])
    assert visitors == pytest.approx(da * b * c + da * (b * dc + c * db) / 2 + da * db * dc / 3)


def test_contributions_add_up_to_the_cent_on_any_data() -> None:
    rng = np.random.default_rng(7)
    for _ in range(500):
        before, after = rng.normal(0, 1, (2, 3)) * 10.0 ** rng.integers(-3, 4, (2, 3))
        change = round(float(np.prod(after) - np.prod(before)), 2)
        parts = round_to_sum(split_product(before, after), change)
        assert sum(round(part * 100) for part in parts) == round(change * 100)


def test_a_factor_that_did_not_change_gets_nothing() -> None:
    assert split_product([3.0, 5.0, 7.0], [4.0, 5.0, 9.0])[1] == 0.0


def test_order_of_the_factors_does_not_matter() -> None:
    before, after = [3.0, 0.0, 7.0], [4.0, 5.0, -9.0]
    parts = split_product(before, after)
    assert split_product(before[::-1], after[::-1])[::-1] == pytest.approx(parts)


def test_swapping_the_days_turns_every_sign() -> None:
    before, after = [900.0, 0.04, 81.0], [1100.0, 0.03, 95.0]
    there, back = split_product(before, after), split_product(after, before)
    assert there == pytest.approx([-part for part in back])


def test_a_day_without_visitors_is_all_the_visitors_doing() -> None:
    assert split_product([1000.0, 0.05, 80.0], [0.0, nan, nan]) == (-4000.0, 0.0, 0.0)


def test_a_day_without_buyers_is_all_conversions_doing() -> None:
    parts = split_product([1000.0, 0.05, 80.0], [1000.0, 0.0, nan])
    assert parts == pytest.approx((0.0, -4000.0, 0.0))


def test_rounding_gives_the_odd_cent_to_the_part_that_lost_most() -> None:
    assert round_to_sum([0.004, 0.004, 0.002], 0.01) == (0.01, 0.0, 0.0)
    assert round_to_sum([], 0.0) == ()
