"""Where an uneven split comes from: the fewest segments, or the days, without which it is right.

A culprit is named only if it is one: the units left over must split as planned, and the
culprit's own split must differ from theirs. A mismatch that runs through everything has
no culprit, and none is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.experiments.health.check import WATCH
from ecops_lib.experiments.health.sample_ratio import compare_cells, compare_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RIGHT = 0.005
"""p-value from which on what is left counts as split as planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """The one variant that is off in some units, judged by the others there.

    Attributes:
        variant: Its place; −1 where no single variant explains the split.
        observed: Its units.
        expected: The units it would have by the other variants' counts.
    """

    variant: int
    observed: int
    expected: float

    @property
    def missing(self) -> float:
        """Units lost; negative where there are too many."""
        return self.expected - self.observed

    @property
    def loss(self) -> float:
        """Share of its units that was lost; negative where there are too many."""
        return self.missing / self.expected if self.expected else float("nan")


def find_segments(counts: Floats, shares: Floats) -> tuple[int, ...]:
    """The fewest segments without which the split is as planned; empty where there are none.

    The segments' chi-squares add up, so leaving out those with the largest is the best
    set of its size: they are left out one after the other until the rest is right, both
    pooled and segment by segment. Each one left out must itself be off (Holm, p < .01), at
    most half of them may be, and together they must differ from the rest.

    Args:
        counts: Units, of shape (variants, segments).
        shares: Planned shares of the variants.
    """
    held = counts.sum(axis=0) > 0
    places = np.flatnonzero(held)
    cells = compare_cells(counts[:, held], shares)
    off = cells.adjusted.min(axis=0)
    order = np.argsort(-_chi_squares(counts[:, held], shares), kind="stable")
    for size in range(1, len(places) // 2 + 1):
        taken = order[:size]
        if off[taken[-1]] >= WATCH:
            return ()
        inside = np.isin(np.arange(len(places)), taken)
        if _is_right(counts[:, held][:, ~inside], shares):
            rest = counts[:, held][:, ~inside].sum(axis=1, keepdims=True)
            apart = _differ(np.hstack([rest, counts[:, held][:, inside]])) < WATCH
            return tuple(int(p) for p in np.sort(places[taken])) if apart else ()
    return ()


def find_days(counts: Floats, shares: Floats) -> tuple[int, int] | None:
    """The first and last of the days without which the split is as planned; None if there are none.

    The run of days with the largest chi-square of its pooled units, if the other days are
    right without it and differ from it (Bonferroni over all runs).

    Args:
        counts: Units, of shape (variants, days), days in order.
        shares: Planned shares of the variants.
    """
    days = counts.shape[1]
    sums = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(counts, axis=1)], axis=1)
    first, last = np.triu_indices(days)
    runs = _chi_squares(sums[:, last + 1] - sums[:, first], shares)
    best = int(np.argmax(runs))
    inside = (np.arange(days) >= first[best]) & (np.arange(days) <= last[best])
    if inside.all() or not _is_right(counts[:, ~inside], shares):
        return None
    groups = [counts[:, ~inside].sum(axis=1), counts[:, inside].sum(axis=1)]
    apart = _differ(np.stack(groups, axis=1)) * len(runs) < WATCH
    return (int(first[best]), int(last[best])) if apart else None


def find_variant(counts: Floats, shares: Floats) -> Shortfall:
    """The one variant that is off: without it, the others split as planned among themselves.

    Two variants mirror each other: units are lost far oftener than doubled, so the one
    that is short is named. Where losses of several variants cancel, none is.

    Args:
        counts: Units of each variant.
        shares: Planned shares.
    """
    residual = compare_cells(counts[:, None], shares).residual[:, 0]
    place = int(np.argmin(residual)) if len(counts) == 2 else int(np.argmax(np.abs(residual)))
    others = np.arange(len(counts)) != place
    cancelled = compare_split(counts, shares).p_value >= RIGHT
    several = len(counts) > 2 and compare_split(counts[others], shares[others]).p_value < RIGHT
    if cancelled or several:
        return Shortfall(variant=-1, observed=int(counts.sum()), expected=float("nan"))
    expected = counts[others].sum() * shares[place] / shares[others].sum()
    return Shortfall(variant=place, observed=int(counts[place]), expected=float(expected))


def _chi_squares(counts: Floats, shares: Floats) -> Floats:
    """Pearson's chi-square of each column of counts; 0 without units."""
    planned = shares[:, None] / shares.sum()
    expected = counts.sum(axis=0) * planned
    with np.errstate(invalid="ignore", divide="ignore"):
        columns: Floats = np.nan_to_num((counts - expected) ** 2 / expected).sum(axis=0)
    return columns


def _is_right(counts: Floats, shares: Floats) -> bool:
    """Whether these columns are split as planned, pooled and one by one."""
    from scipy.stats import chi2

    pooled = compare_split(counts.sum(axis=1), shares).p_value
    apart = chi2.sf(_chi_squares(counts, shares).sum(), counts.shape[1] * (len(shares) - 1))
    return bool(pooled >= RIGHT and apart >= RIGHT)


def _differ(groups: Floats) -> float:
    """p-value of "all these groups split alike" (chi-square of independence)."""
    from scipy.stats import chi2_contingency

    table = groups[groups.sum(axis=1) > 0][:, groups.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return 1.0
    return float(chi2_contingency(table, correction=False).pvalue)
