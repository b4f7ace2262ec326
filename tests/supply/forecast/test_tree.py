"""Trees of sums against a slow quadratic program, and exact rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import nnls

from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.supply.forecast.tree import Tree, grow_tree, reconcile, round_whole
from ecops_lib.supply.panel import Floats


def made(groups: Sequence[str], narrower: Sequence[str] | None = None) -> Tree:
    keys = pd.DataFrame({"category": groups}, index=[f"S{n}" for n in range(len(groups))])
    if narrower is None:
        return grow_tree(keys, by=("category",))
    return grow_tree(keys.assign(kind=narrower), by=("category", "kind"))


def summing(tree: Tree) -> Floats:
    """The summing matrix, from each leaf's own sums."""
    return np.concatenate(tree.sums(np.eye(tree.sizes[-1])))


def random_case(rng: np.random.Generator) -> tuple[Tree, list[Floats], list[Floats]]:
    leaves = int(rng.integers(1, 12))
    tree = made(rng.choice(list("ABC"), leaves).tolist(), rng.choice(list("xy"), leaves).tolist())
    base = [rng.gamma(0.5, 10.0, (size, 1)) * rng.integers(0, 2, (size, 1)) for size in tree.sizes]
    return tree, base, [rng.gamma(1.0, 1.0, size) + 0.01 for size in tree.sizes]


@pytest.mark.parametrize("seed", range(40))
def test_nearest_coherent_leaves_against_least_squares(seed: int) -> None:
    """Non-negative least squares on the whole summing matrix (Lawson and Hanson)."""
    tree, base, spread = random_case(np.random.default_rng(seed))
    root = 1 / np.sqrt(np.concatenate(spread))
    slow, _ = nnls(summing(tree) * root[:, None], np.concatenate(base)[:, 0] * root)
    assert reconcile(tree, base, variances=spread)[:, 0] == pytest.approx(slow, abs=1e-8)


def test_without_bounds_it_is_mint_with_a_diagonal() -> None:
    """S (S' W^-1 S)^-1 S' W^-1 of the base forecasts, the projection of the paper."""
    rng = np.random.default_rng(3)
    tree = made(["A", "A", "B", "B", "B"])
    base = [level + 20 for level in tree.sums(rng.gamma(5.0, 8.0, (5, 3)))]
    spread = [rng.gamma(3.0, 1.0, size) for size in tree.sizes]
    matrix, inverse = summing(tree), np.diag(1 / np.concatenate(spread))
    weighted = matrix.T @ inverse
    slow = np.linalg.solve(weighted @ matrix, weighted @ np.concatenate(base))
    assert slow.min() > 0
    assert reconcile(tree, base, variances=spread) == pytest.approx(slow)


def test_structural_weights_by_hand() -> None:
    """Two SKUs of 10 in a shop of 26: variances 1, 1 and 2 share the gap of 6 alike."""
    tree = grow_tree(pd.DataFrame(index=["a", "b"]), by=())
    base = [np.array([[26.0]]), np.array([[10.0], [10.0]])]
    assert reconcile(tree, base)[:, 0] == pytest.approx([11.5, 11.5])


def test_coherent_forecasts_stay_as_they_are() -> None:
    rng = np.random.default_rng(5)
    tree = made(["A", "B", "A", "C"])
    leaves = rng.gamma(2.0, 3.0, (4, 6))
    leaves[1] = 0
    assert reconcile(tree, tree.sums(leaves)) == pytest.approx(leaves)


def test_never_negative_where_the_top_is_far_below() -> None:
    tree = made(["A", "A", "B"])
    base = [np.array([[1.0]]), np.array([[0.0], [1.0]]), np.array([[9.0], [0.5], [4.0]])]
    sure = [np.array([1e-6]), np.array([1e-6, 1e-6]), np.ones(3)]
    leaves = reconcile(tree, base, variances=sure)
    assert leaves.min() >= 0
    assert tree.sums(leaves)[0][0, 0] == pytest.approx(1, abs=1e-4)


def test_many_leaves_quickly() -> None:
    """50,000 leaves in 300 groups: sums exact, none negative, the sum of groups the shop's."""
    rng = np.random.default_rng(8)
    tree = made([f"C{n}" for n in rng.integers(0, 300, 50_000)])
    base = [rng.gamma(0.3, 4.0, (size, 3)) for size in tree.sizes]
    leaves = reconcile(tree, base, variances=[np.full(size, 4.0) for size in tree.sizes])
    shop, groups, _ = tree.sums(leaves)
    assert leaves.min() == 0
    assert shop[0] == pytest.approx(groups.sum(axis=0))


@pytest.mark.parametrize("seed", range(10))
def test_whole_numbers_add_up_and_stay_within_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = made(rng.choice(list("ABCD"), 30).tolist(), rng.choice(list("xyz"), 30).tolist())
    leaves = rng.gamma(0.4, 2.0, (30, 5)) * rng.integers(0, 2, (30, 5))
    whole = round_whole(tree, leaves)
    exact, told = tree.sums(leaves), tree.sums(whole)
    assert np.array_equal(whole, np.rint(whole))
    assert whole.min() >= 0
    assert np.array_equal(told[0], np.floor(exact[0] + 0.5))
    for level, rounded in zip(exact[1:], told[1:], strict=True):
        assert np.abs(level - rounded).max() < 1.5


def test_largest_remainders_by_hand() -> None:
    """1.4 + 1.4 + 0.2 are 3: the extra piece goes to the first of the largest remainders."""
    tree = grow_tree(pd.DataFrame(index=["a", "b", "c"]), by=())
    assert round_whole(tree, np.array([[1.4], [1.4], [0.2]]))[:, 0].tolist() == [2, 1, 0]
    assert round_whole(tree, np.zeros((3, 2))).tolist() == [[0, 0]] * 3


def test_a_missing_category_is_a_group_of_its_own() -> None:
    keys = pd.DataFrame({"category": ["<b>", None, "<b>", float("nan")]}, index=list("abcd"))
    tree = grow_tree(keys, by=("category",))
    assert tree.names[1] == ("<b>", "")
    assert tree.leaves_below()[1].tolist() == [2, 2]
    with pytest.raises(ColumnError, match="no column 'brand'"):
        grow_tree(keys, by=("brand",))


def test_same_kind_in_two_categories_is_two_groups() -> None:
    tree = made(["A", "B"], ["x", "x"])
    assert tree.sizes == (1, 2, 2, 2)


@pytest.mark.parametrize("spoilt", [np.nan, -1.0])
def test_unknown_and_negative_forecasts_are_refused(spoilt: float) -> None:
    tree = made(["A", "B"])
    base = tree.sums(np.ones((2, 2)))
    base[1][0, 0] = spoilt
    with pytest.raises(ParameterError, match="at least 0"):
        reconcile(tree, base)
    with pytest.raises(ParameterError, match="levels of the shapes"):
        reconcile(tree, base[1:])
    flat = [np.zeros(size) for size in tree.sizes]
    with pytest.raises(ParameterError, match="above 0"):
        reconcile(tree, tree.sums(np.ones((2, 2))), variances=flat)
