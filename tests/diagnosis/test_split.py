"""The split of a change: exact, fair, whatever the numbers."""

from __future__ import annotations

from itertools import permutations
from math import nan, prod

import numpy as np
import pytest

from ecops_lib.diagnosis.split import round_to_sum, split_product, split_ratio, split_sales


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


def test_sales_are_split_without_a_remainder_on_any_numbers() -> None:
    rng = np.random.default_rng(11)
    for _ in range(40):
        units = rng.integers(0, 9, (5, 2)).astype(float) + np.eye(5)[:, :2]
        amounts = units * rng.uniform(1, 90, (5, 2))
        before, after = rng.uniform(50, 900, (2, 2)).tolist()
        parts = split_sales(before, after, units, amounts)
        assert sum(parts) == pytest.approx(amounts[:, 1].sum() - amounts[:, 0].sum())


def test_each_part_of_sales_answers_to_its_own_change() -> None:
    units = np.array([[10.0, 10.0], [5.0, 5.0]])
    amounts = np.array([[100.0, 100.0], [200.0, 200.0]])
    visitors, conversion, basket, mix, price = split_sales(
        [1000.0, 10.0], [2000.0, 20.0], units * [1, 2], amounts * [1, 2]
    )
    assert visitors == pytest.approx(300)
    assert [conversion, basket, mix, price] == pytest.approx([0, 0, 0, 0], abs=1e-9)
    dearer = split_sales([100.0], [100.0], units, amounts * [1.0, 1.1])
    assert dearer == pytest.approx([0, 0, 0, 30])


def test_a_product_of_one_period_is_mix_and_not_price() -> None:
    units = np.array([[10.0, 8.0], [0.0, 2.0]])
    amounts = np.array([[100.0, 80.0], [0.0, 100.0]])
    assert split_sales([10.0], [10.0], units, amounts) == pytest.approx([0, 0, 80, 0])


def test_leading_counts_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        split_sales([0.0], [1.0], np.ones((1, 2)), np.ones((1, 2)))


def test_a_ratio_splits_into_rates_and_mix_without_a_remainder() -> None:
    rng = np.random.default_rng(12)
    for _ in range(40):
        under = np.vstack([rng.integers(0, 500, (4, 2)), [1, 1]]).astype(float)
        over = np.floor(under * rng.uniform(0, 1, (5, 2)))
        rate, mix = split_ratio(over, under)
        whole = over.sum(axis=0) / under.sum(axis=0)
        assert rate.sum() + mix.sum() == pytest.approx(whole[1] - whole[0])


def test_unchanged_rates_leave_all_to_the_mix() -> None:
    under = np.array([[100.0, 300.0], [100.0, 100.0]])
    over = under * [[0.1], [0.02]]
    rate, mix = split_ratio(over, under)
    assert rate == pytest.approx([0, 0])
    assert mix.sum() == pytest.approx(0.08 - 0.06)
