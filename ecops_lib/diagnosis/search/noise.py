"""How far a leaf strays from its expectation when nothing happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecops_lib.diagnosis.search.lattice import Numbers

TRIM = 2.5
"""Standard deviations at which a residual is cut: incidents are not noise."""

KEPT = 0.97756
"""Variance of a standard normal cut at ``TRIM``."""

MEDIAN = 0.45494
"""Median of chi-squared with one degree of freedom."""

ROUNDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Variance of a leaf as a function of its expectation μ: ``grain`` μ + ``spread``² μ².

    Attributes:
        grain: Variance a unit, as of counts (1 for Poisson; for money about the worth of an order).
        spread: Relative standard deviation of the leaf's own rate.
    """

    grain: float
    spread: float

    def variance(self, expected: Numbers) -> Numbers:
        """Variance of leaves with these expectations."""
        return self.grain * expected + (self.spread * expected) ** 2


def wilder(one: Noise, other: Noise) -> Noise:
    """The larger of two noises, coefficient by coefficient."""
    return Noise(grain=max(one.grain, other.grain), spread=max(one.spread, other.spread))


def estimate_noise(seen: Numbers, expected: Numbers, *, grain: float = 0.0) -> Noise:
    """Read the noise off leaves (or leaves × days) against their expectations.

    Both coefficients are fitted by weighted least squares of the squared residuals on μ and μ²,
    residuals beyond ``TRIM`` standard deviations being cut.

    Args:
        seen: What was seen.
        expected: What was expected, at least 0; leaves without expectation take no part.
        grain: Least grain: 1 for counts, for money the mean square of an order's amount over its
            mean (compound Poisson); 0 where the values are not sums of countable things.

    Returns:
        The noise; all 0 where no leaf has an expectation.

    References:
        Davidian and Carroll (1987), Variance function estimation, Journal of the American
        Statistical Association 82, 1079-1091, section 3.1 (squared residuals).

    >>> import numpy as np
    >>> rng = np.random.default_rng(7)
    >>> level = rng.uniform(20, 80, 20_000)
    >>> seen = rng.poisson(level * rng.gamma(25, 1 / 25, level.size))
    >>> found = estimate_noise(seen, level, grain=1)
    >>> round(found.spread, 2)
    0.2
    """
    import numpy as np

    told = expected > 0
    mean, square = expected[told], (seen[told] - expected[told]) ** 2
    if not mean.size:
        return Noise(grain=grain, spread=0.0)
    noise = Noise(grain=max(float(np.median(square / mean)) / MEDIAN, grain, 1e-9), spread=0.0)
    for _ in range(ROUNDS):
        variance = noise.variance(mean)
        noise = _fitted(mean, np.minimum(square, TRIM**2 * variance) / KEPT, variance, grain)
    return noise


def _fitted(mean: Numbers, square: Numbers, variance: Numbers, grain: float) -> Noise:
    """Least squares of squares on μ and μ², both coefficients kept where they may be.

    Where all means are alike, what goes beyond a known grain is spread.
    """
    import numpy as np

    weight = variance**-2.0
    one, two, three = (float((weight * mean**power).sum()) for power in (2, 3, 4))
    left, right = float((weight * mean * square).sum()), float((weight * mean**2 * square).sum())
    least = max(grain, 1e-9 * float(mean.max()))
    level = one * three - two * two
    flat = level <= 1e-9 * one * three
    slope = (left * three - right * two) / level if not flat else grain
    bend = (one * right - two * left) / level if not flat else float(grain > 0)
    if bend <= 0:
        return Noise(grain=max(left / one, least), spread=0.0)
    if slope > least:
        return Noise(grain=slope, spread=float(np.sqrt(bend)))
    rest = (right - least * two) / three
    return Noise(grain=least, spread=float(np.sqrt(max(rest, 0.0))))


def slice_spread(seen: Numbers, fitted: Numbers, usual: Numbers, noise: Noise) -> float:
    """Relative spread of a change over the leaves of a slice, beyond the noise.

    An incident does not hit all alike; a leaf inside it is news only beyond that spread.

    Args:
        seen: What was seen in the slice's leaves.
        fitted: What the slice's common change lets expect.
        usual: What was expected of the leaves without it.
        noise: The noise without it.
    """
    import numpy as np

    told = usual > 0
    square, base = (seen[told] - fitted[told]) ** 2, usual[told] ** 2
    plain = np.maximum(noise.variance(fitted[told]), 1e-9)
    extra = 0.0
    for _ in range(ROUNDS):
        variance = plain + extra * base
        excess = np.minimum(square, TRIM**2 * variance) / KEPT - plain
        weight = base / variance**2
        total = float((weight * base).sum())
        extra = max(float((weight * excess).sum()) / total, 0.0) if total else 0.0
    return float(np.sqrt(extra))
