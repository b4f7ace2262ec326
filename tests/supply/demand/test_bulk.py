"""Bulk orders: the fence against a slow oracle, and what is capped."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecops_lib.supply.demand.bulk import FEW, cap_bulk, find_fences


def counted(lines: dict[str, list[int]]) -> pd.DataFrame:
    rows = [(sku, units) for sku, held in lines.items() for units in held]
    frame = pd.DataFrame(rows, columns=["sku_id", "units"])
    return frame.groupby(["sku_id", "units"]).size().rename("lines").reset_index()


def slow_quartile(lines: list[int], share: float) -> int:
    for size in sorted(lines):
        if sum(each <= size for each in lines) >= share * len(lines):
            return size
    raise AssertionError("no line")


def slow_fence(lines: list[int]) -> float:
    low, high = (float(np.log2(slow_quartile(lines, share))) for share in (0.25, 0.75))
    return float(2 ** (high + 3 * (high - low)))


def test_fences_agree_with_their_definition() -> None:
    rng = np.random.default_rng(5)
    lines = {
        f"s{n}": (1 + rng.negative_binomial(1, 0.2, rng.integers(FEW, 60))).tolist()
        for n in range(30)
    }
    fences = find_fences(counted(lines))
    for sku, held in lines.items():
        assert fences[sku] == pytest.approx(max(slow_fence(held), 5.0))


def test_few_lines_are_judged_by_the_shop_and_by_the_others() -> None:
    lines = {"many": [1, 2, 3, 4] * 10, "one": [9000], "wholesale": [5000, 6000, 7000]}
    fences = find_fences(counted(lines))
    shop = slow_fence([units for held in lines.values() for units in held])
    assert fences["one"] == pytest.approx(shop)
    assert shop < 9000
    assert fences["wholesale"] == 5000.0


def test_a_bulk_day_is_named_and_capped_and_nothing_is_dropped() -> None:
    daily = pd.DataFrame(
        {
            "sku_id": ["a"] * 4 + ["b"],
            "units": [3.0, 4.0, 98.0, 20.0, 500.0],
            "largest": [2.0, 2.0, 90.0, 16.0, 500.0],
        }
    )
    held = cap_bulk(daily, pd.Series({"a": 15.5, "b": 40.0}))
    assert held["bulk"].tolist() == [False, False, True, False, True]
    assert held["usual"].tolist() == [3, 4, 98 - 90 + 16, 20, 40]
    assert held["units"].tolist() == daily["units"].tolist()
