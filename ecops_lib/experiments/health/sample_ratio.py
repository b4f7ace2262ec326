"""Did the split come out as planned? Sample-ratio mismatch, per variant, segment and day.

A red mismatch (p < .001, the usual threshold) means that units were lost or doubled in
one variant: whatever the effect, the groups are no longer alike.

References:
    Fabijan, Gupchup, Gupta, Omhover, Qin, Vermeer, Dmitriev (2019), "Diagnosing sample
    ratio mismatch in online controlled experiments", KDD.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.inference.multiple import adjust_p_values

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

FEWEST = 5.0
"""Expected units below which chi-square gives way to an exact test (Cochran 1954)."""

MOST_OUTCOMES = 200_000
"""Ways to split the units up to which the exact multinomial test lists them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """A split of units against the plan.

    Attributes:
        observed: Units of each variant.
        expected: Units that the plan lets expect.
        statistic: Pearson's chi-square.
        degrees: Its degrees of freedom.
        p_chi_square: Its p-value.
        p_exact: The exact p-value; NaN where it was not needed.
    """

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: float
    degrees: int
    p_chi_square: float
    p_exact: float

    @property
    def p_value(self) -> float:
        """The exact p-value where there is one, else that of chi-square; NaN without units."""
        return self.p_chi_square if np.isnan(self.p_exact) else self.p_exact


def compare_split(observed: ArrayLike, shares: ArrayLike) -> SampleRatio:
    """Test the units of the variants against their planned shares.

    Chi-square with k − 1 degrees of freedom. Where fewer than 5 units are expected in a
    variant, the exact binomial test, or the exact multinomial test (outcomes at most as
    likely as the one seen); where those are too many to list, each rare variant's exact
    binomial test beside chi-square of the rest, Bonferroni.

    Args:
        observed: Units of each variant.
        shares: Planned shares in any unit (1 : 1 : 2 will do).

    Raises:
        ParameterError: Counts are no counts, shares are not positive, or their numbers differ.

    >>> compare_split([80500, 19500], [0.8, 0.2]).statistic
    15.625
    >>> round(compare_split([4, 0], [1, 1]).p_value, 3)
    0.125
    """
    from scipy.stats import chi2

    counts, planned = _checked(observed, shares)
    total = counts.sum()
    expected = planned * total
    statistic = float((((counts - expected) ** 2) / expected).sum()) if total else np.nan
    return SampleRatio(
        observed=tuple(int(n) for n in counts),
        expected=tuple(float(n) for n in expected),
        statistic=statistic,
        degrees=len(counts) - 1,
        p_chi_square=float(chi2.sf(statistic, len(counts) - 1)),
        p_exact=_exact(counts, planned) if total and expected.min() < FEWEST else np.nan,
    )


def _checked(observed: ArrayLike, shares: ArrayLike) -> tuple[Floats, Floats]:
    counts, planned = np.asarray(observed, float), np.asarray(shares, float)
    if not np.all(np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts))):
        raise ParameterError(f"observed is {observed!r}; it must hold whole numbers from 0 up.")
    if counts.ndim < 1 or planned.shape != counts.shape[:1] or len(planned) < 2:
        raise ParameterError("observed and shares must hold the same two or more variants.")
    if not np.all(np.isfinite(planned) & (planned > 0)):
        raise ParameterError(f"shares are {shares!r}; each must be greater than 0.")
    return counts, planned / planned.sum()


def _exact(counts: Floats, shares: Floats) -> float:
    from scipy.stats import binomtest

    n, k = int(counts.sum()), len(counts)
    if k == 2:
        return float(binomtest(int(counts[0]), n, float(shares[0])).pvalue)
    if comb(n + k - 1, k - 1) <= MOST_OUTCOMES:
        return _multinomial(counts, shares)
    return _rare_apart(counts, shares)


def _multinomial(counts: Floats, shares: Floats) -> float:
    """Probability of all outcomes that are at most as likely as the one seen."""
    from scipy.stats import multinomial

    n, k = int(counts.sum()), len(counts)
    bars = np.array(list(combinations(range(n + k - 1), k - 1)), int).reshape(-1, k - 1)
    ends = np.full((len(bars), 1), n + k - 1)
    outcomes = np.diff(np.hstack([np.full((len(bars), 1), -1), bars, ends]), axis=1) - 1
    law = multinomial(n, shares)
    chances, seen = law.pmf(outcomes), law.pmf(counts)
    return float(min(1.0, chances[chances <= seen * (1 + 1e-7)].sum()))


def _rare_apart(counts: Floats, shares: Floats) -> float:
    """Rare variants each against all others, the rest among themselves; Bonferroni."""
    from scipy.stats import binomtest

    rare = shares * counts.sum() < FEWEST
    n = int(counts.sum())
    p = [
        binomtest(int(c), n, float(s)).pvalue
        for c, s in zip(counts[rare], shares[rare], strict=True)
    ]
    if (~rare).sum() > 1 and counts[~rare].sum():
        p.append(compare_split(counts[~rare], shares[~rare]).p_chi_square)
    return float(min(1.0, len(p) * min(p)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SplitCells:
    """Each variant in each group of units (segments, or days) against the plan.

    Attributes:
        residual: Standardised residuals of shape (variants, groups): deviation from the
            plan in standard deviations of the binomial count; NaN without units.
        p_value: Exact binomial p-values, two-sided (twice the smaller tail).
        adjusted: The same, Holm-corrected over all cells; two variants mirror each other
            and count once.
    """

    residual: Floats
    p_value: Floats
    adjusted: Floats


def compare_cells(counts: ArrayLike, shares: ArrayLike) -> SplitCells:
    """Standardised residuals of every variant in every group, with Holm's correction.

    Args:
        counts: Units, of shape (variants, groups).
        shares: Planned shares of the variants.

    Raises:
        ParameterError: As for ``compare_split``.

    >>> compare_cells([[520, 400], [480, 500]], [1, 1]).residual.round(2).tolist()
    [[1.26, -3.33], [-1.26, 3.33]]
    """
    from scipy.stats import binom

    held, planned = _checked(counts, shares)
    held = held.reshape(len(planned), -1)
    total, share = held.sum(axis=0), planned[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        residual = (held - total * share) / np.sqrt(total * share * (1 - share))
    tails = np.minimum(binom.cdf(held, total, share), binom.sf(held - 1, total, share))
    p = np.where(total > 0, np.minimum(2 * tails, 1.0), np.nan)
    family = adjust_p_values(p[:1] if len(planned) == 2 else p)
    return SplitCells(residual=residual, p_value=p, adjusted=np.broadcast_to(family, p.shape))
