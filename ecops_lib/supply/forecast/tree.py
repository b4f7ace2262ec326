"""A tree of sums: SKUs within categories within the shop, and forecasts made to add up.

Forecasts of every node are moved as little as possible, each weighed by how sure it is, so
that each node is the sum of its children and none is negative: the minimum of the sum of
(coherent - base)² / variance over all nodes, with the leaves at least 0. Without the bound
this is MinT with a diagonal variance (Wickramasuriya, Athanasopoulos and Hyndman 2019,
eq. 9 with W diagonal: "WLS"); with it, their non-negative case of 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.core.checks import require_columns
from ecops_lib.core.errors import EcopsError, ParameterError
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd

Places = np.ndarray[Any, np.dtype[np.intp]]

ROUNDS = 200
"""Changes of the set of leaves at zero after which something is wrong."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    """Nested groups of leaves.

    Attributes:
        names: Names of each level's nodes, the single top first, the leaves last.
        parents: For each level below the top, each node's parent in the level above.
    """

    names: tuple[tuple[str, ...], ...]
    parents: tuple[Places, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Nodes of each level."""
        return tuple(len(level) for level in self.names)

    def sums(self, leaves: Floats) -> list[Floats]:
        """Every level's values from the leaves' (leaves, periods): the top first."""
        levels = [leaves]
        for depth in range(len(self.parents) - 1, -1, -1):
            levels.insert(0, self.gather(depth, levels[0]))
        return levels

    def gather(self, depth: int, children: Floats) -> Floats:
        """Sums of the children of each node of level ``depth`` (nodes, periods)."""
        return _gather(children, self.parents[depth], self.sizes[depth])

    def leaves_below(self) -> list[Floats]:
        """How many leaves each node of each level holds."""
        return [level[:, 0] for level in self.sums(np.ones((self.sizes[-1], 1)))]


def grow_tree(keys: pd.DataFrame, *, by: Sequence[str]) -> Tree:
    """The tree of a table of series.

    Args:
        keys: One row a leaf, indexed by a unique id, with the columns of ``by``; a missing
            value is a group of its own.
        by: Columns of the groups, the widest first, such as ``("category",)``.

    Raises:
        ColumnError: A column is missing.
    """
    require_columns(list(keys.columns), by, table="keys")
    paths: list[list[tuple[str, ...]]] = [[()] * len(keys)]
    for column in by:
        told = keys[column].astype(object).where(keys[column].notna(), "").astype(str)
        paths.append([(*above, name) for above, name in zip(paths[-1], told, strict=True)])
    names: list[tuple[str, ...]] = [("",)]
    parents: list[Places] = []
    held: dict[tuple[str, ...], int] = {(): 0}
    for level in paths[1:]:
        nodes = {path: place for place, path in enumerate(dict.fromkeys(level))}
        parents.append(np.array([held[path[:-1]] for path in nodes], dtype=np.intp))
        names.append(tuple(path[-1] for path in nodes))
        held = nodes
    parents.append(np.array([held[path] for path in paths[-1]], dtype=np.intp))
    names.append(tuple(str(name) for name in keys.index))
    return Tree(names=tuple(names), parents=tuple(parents))


def reconcile(
    tree: Tree, base: Sequence[Floats], *, variances: Sequence[Floats] | None = None
) -> Floats:
    """Leaves that add up and lie nearest to the forecasts of all nodes.

    Args:
        tree: The tree.
        base: Forecasts of each level, the top first (nodes, periods); leaves at least 0.
        variances: Error variance of each node's forecast, level by level (nodes,); the
            number of leaves below by default ("WLS-struct", Athanasopoulos et al. 2017).

    Returns:
        Leaves (leaves, periods), none negative; the levels above are ``tree.sums`` of them.

    Raises:
        ParameterError: A forecast is missing, or shapes or variances are impossible.
    """
    spread = tree.leaves_below() if variances is None else list(variances)
    _require(tree, base, spread)
    free = np.ones(base[-1].shape, dtype=bool)
    near = 1e-12 * max(float(level.max(initial=0.0)) for level in base)
    for _ in range(ROUNDS):
        pull = _pulls(tree, base, spread, free)
        wanted = base[-1] - pull * spread[-1][:, None]
        moved = (wanted > 0) != free
        if not (np.abs(wanted[moved]) > near).any():
            return np.asarray(np.where(free, np.maximum(wanted, 0.0), 0.0))
        free = wanted > 0
    raise EcopsError(
        "base forecasts could not be made coherent: the set of series at zero does not settle. "
        "Give variances of similar size."
    )


def _pulls(tree: Tree, base: Sequence[Floats], spread: Sequence[Floats], free: Places) -> Floats:
    """How strongly the levels above pull each leaf down (their multipliers summed).

    Each node's sum answers a pull p from above as a - b·p: of a leaf a is its forecast and b
    its variance (both 0 where it is held at zero), of a node they follow from its children.
    """
    answers = [(np.where(free, base[-1], 0.0), free * spread[-1][:, None])]
    for depth in range(len(tree.parents) - 1, -1, -1):
        parents, size = tree.parents[depth], tree.sizes[depth]
        level, slope = (_gather(part, parents, size) for part in answers[0])
        weight = 1 / spread[depth][:, None]
        less = 1 + slope * weight
        answers.insert(0, ((level + slope * weight * base[depth]) / less, slope / less))
    pull = np.zeros_like(base[0])
    for depth, parents in enumerate(tree.parents):
        level, slope = answers[depth]
        own = (level - slope * pull - base[depth]) / spread[depth][:, None]
        pull = (pull + own)[parents]
    return pull


def round_whole(tree: Tree, leaves: Floats) -> Floats:
    """Whole leaves whose sums are the rounded sums, from the top down.

    The top is rounded to the nearest; each node's whole sum is shared among its children by
    their largest remainders (Hamilton's method).

    Args:
        tree: The tree.
        leaves: (leaves, periods), none negative.
    """
    levels = tree.sums(leaves)
    held = np.floor(levels[0] + 0.5)
    for parents, values in zip(tree.parents, levels[1:], strict=True):
        held = _shared(values, parents, held)
    return held


def _shared(values: Floats, parents: Places, totals: Floats) -> Floats:
    """Whole children that add up to each parent's whole total."""
    sums = _gather(values, parents, len(totals))
    factor = np.divide(totals, sums, out=np.zeros_like(sums), where=sums > 0)
    scaled = values * factor[parents]
    whole = np.floor(scaled + 1e-9)
    missing = np.rint(totals - _gather(whole, parents, len(totals))).astype(int)
    for period in range(values.shape[1]):
        rest = scaled[:, period] - whole[:, period]
        order = np.lexsort((-rest, parents))
        first = np.searchsorted(parents[order], np.arange(len(totals)))
        rank = np.arange(len(order)) - first[parents[order]]
        whole[order, period] += rank < missing[parents[order], period]
    return np.asarray(whole)


def _gather(values: Floats, parents: Places, size: int) -> Floats:
    """Sums of the rows of each parent."""
    total = np.zeros((size, values.shape[1]))
    np.add.at(total, parents, values)
    return total


def _require(tree: Tree, base: Sequence[Floats], spread: Sequence[Floats]) -> None:
    shapes = [level.shape for level in base]
    periods = base[-1].shape[1] if base and base[-1].ndim == 2 else 0
    if shapes != [(size, periods) for size in tree.sizes]:
        raise ParameterError(
            f"base has levels of the shapes {shapes}; the tree needs {list(tree.sizes)} nodes, "
            "each with as many periods."
        )
    if not all((level >= 0).all() for level in base):
        raise ParameterError("base forecasts must be known and at least 0 in every node.")
    fits = [np.shape(level) == (size,) for level, size in zip(spread, tree.sizes, strict=True)]
    if not (all(fits) and all(((v > 0) & np.isfinite(v)).all() for v in spread)):
        raise ParameterError("variances must be known and above 0 for every node of the tree.")
