"""The test of a split: published cases, slow oracles, hostile counts."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.health.check import level_of, p_words
from ecops_lib.experiments.health.sample_ratio import compare_cells, compare_split

SOURCES = ("ab_statsmodels", "ab_gbstats_0.8.0", "ab_gbstats_head-8f1db44")


@pytest.mark.realdata
@pytest.mark.parametrize("name", SOURCES)
def test_cases_of_scipy_and_growthbook_are_met(shared: Path, name: str) -> None:
    cases = json.loads((shared.parent / "cases" / f"{name}.json").read_text("utf-8"))["cases"]
    held = [case for case in cases if "srm_" in case["id"]]
    assert len(held) >= 3
    for case in held:
        given, expected = case["inputs"], case["expected"]
        shares = given.get("expected_ratio") or given["weights"]
        ours = compare_split(given["observed"], shares)
        assert ours.p_chi_square == pytest.approx(expected["p"], rel=case["tolerance"])
        if "chi2" in expected:
            assert ours.statistic == pytest.approx(expected["chi2"], rel=case["tolerance"])
            assert ours.degrees == expected["df"]
        if min(ours.expected) < 5:
            exact = expected["p_exact_binom"]
            assert ours.p_value == pytest.approx(exact, rel=case["tolerance"])


def test_fabijan_and_others_example() -> None:
    """821,588 against 815,482 users: p = 1.8e-6 (Fabijan et al. 2019, section 1)."""
    assert compare_split([821588, 815482], [1, 1]).p_value == pytest.approx(1.8e-6, rel=0.02)


@pytest.mark.parametrize(
    ("observed", "shares"),
    [([3, 0, 1], [1, 1, 1]), ([2, 2, 4, 0], [0.4, 0.3, 0.2, 0.1]), ([0, 6], [0.7, 0.3])],
)
def test_tiny_counts_are_judged_by_every_possible_split(
    observed: list[int], shares: list[float]
) -> None:
    n, total = sum(observed), sum(shares)

    def chance(split: tuple[int, ...]) -> float:
        ways = math.factorial(n)
        for count in split:
            ways //= math.factorial(count)
        return ways * math.prod((s / total) ** c for s, c in zip(shares, split, strict=True))

    splits = (s for s in itertools.product(range(n + 1), repeat=len(shares)) if sum(s) == n)
    seen = chance(tuple(observed))
    oracle = sum(p for p in map(chance, splits) if p <= seen * (1 + 1e-9))
    assert compare_split(observed, shares).p_value == pytest.approx(oracle, rel=1e-9)


def test_a_rare_variant_of_a_large_test_is_judged_exactly() -> None:
    shares = [0.6, 0.3999, 0.0001]
    ours = compare_split([6000, 3999, 8], shares)
    assert ours.p_chi_square < 1e-9
    assert 1e-6 < ours.p_value < 1e-3
    assert compare_split([6000, 3999, 1], shares).p_value == 1.0


def test_the_exact_test_keeps_its_level() -> None:
    rng = np.random.default_rng(5)
    draws = rng.multinomial(12, [0.2, 0.5, 0.3], size=2000)
    p = np.array([compare_split(draw, [0.2, 0.5, 0.3]).p_value for draw in draws])
    assert (p < 0.05).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


def test_shares_may_be_in_any_unit_and_variants_in_any_order() -> None:
    ours = compare_split([80500, 19500], [4, 1])
    other = compare_split([19500, 80500], [0.2, 0.8])
    assert ours.p_value == pytest.approx(other.p_value, rel=1e-12)
    assert ours.expected == pytest.approx((80000, 20000))


def test_no_units_give_no_p_value() -> None:
    assert math.isnan(compare_split([0, 0], [1, 1]).p_value)


@pytest.mark.parametrize(
    ("observed", "shares"),
    [
        ([10, -1], [1, 1]),
        ([10, float("nan")], [1, 1]),
        ([10, 0.5], [1, 1]),
        ([10, 10], [1, 0]),
        ([10, 10], [1, float("nan")]),
        ([10, 10], [1, 1, 1]),
        ([10], [1]),
        ([], []),
    ],
)
def test_impossible_counts_and_shares_are_refused(
    observed: list[float], shares: list[float]
) -> None:
    with pytest.raises(ParameterError):
        compare_split(observed, shares)


def test_residuals_square_up_to_chi_square_for_two_variants() -> None:
    cells = compare_cells([[520, 400], [480, 500]], [1, 1])
    for column, counts in enumerate([[520, 480], [400, 500]]):
        statistic = compare_split(counts, [1, 1]).statistic
        assert cells.residual[0, column] ** 2 == pytest.approx(statistic)
        assert cells.residual[1, column] == pytest.approx(-cells.residual[0, column])


def test_cells_are_corrected_for_being_several() -> None:
    from statsmodels.stats.multitest import multipletests

    counts = np.array([[30, 41, 50], [33, 40, 20], [29, 44, 35]])
    cells = compare_cells(counts, [1, 1, 1])
    oracle = multipletests(cells.p_value.ravel(), method="holm")[1]
    np.testing.assert_allclose(cells.adjusted.ravel(), oracle)


def test_empty_cells_are_no_evidence() -> None:
    cells = compare_cells([[10, 0], [12, 0]], [1, 1])
    assert np.isnan(cells.p_value[:, 1]).all()
    assert np.isfinite(cells.adjusted[:, 0]).all()


def test_levels_and_words_of_p_values() -> None:
    assert [level_of(p) for p in (0.0, 0.00099, 0.001, 0.0099, 0.01, 1.0)] == [
        "red",
        "red",
        "watch",
        "watch",
        "ok",
        "ok",
    ]
    assert level_of(math.nan) == "ok"
    assert p_words(math.nan) == "p = —"
