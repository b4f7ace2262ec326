"""Demand beyond a stock, family by family: what the loss functions are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.policies.checks import require_positive, require_whole

Number = Any
SUM = 1e-9
"""How far probabilities may be from adding up to 1."""


class Tail(NamedTuple):
    """Moments of demand X, whole and beyond x.

    Attributes:
        m0: P(X > x).
        m1: E[X; X > x].
        m2: E[X²; X > x].
        mean: E[X].
        variance: Var[X].
        whole: Whether demand comes in whole units.
    """

    m0: Number
    m1: Number
    m2: Number
    mean: float
    variance: float
    whole: bool = False


def normal_tail(x: Number, mean: float, sd: float) -> Tail:
    """Of a normal demand."""
    from scipy.stats import norm

    require_positive(sd=sd)
    z = (x - mean) / sd
    m0, density = norm.sf(z), sd * norm.pdf(z)
    m1 = mean * m0 + density
    return Tail(m0, m1, (mean**2 + sd**2) * m0 + (mean + x) * density, mean, sd**2)


def lognormal_tail(x: Number, mu: float, sigma: float) -> Tail:
    """Of a demand whose logarithm is normal; the k-th moment is that of a shifted normal."""
    from scipy.stats import norm

    require_positive(sigma=sigma)
    with np.errstate(divide="ignore"):
        log = np.log(np.maximum(x, 0.0))

    def moment(k: int) -> Number:
        whole = np.exp(k * mu + (k * sigma) ** 2 / 2)
        return whole * norm.cdf((mu + k * sigma**2 - log) / sigma)

    mean = float(np.exp(mu + sigma**2 / 2))
    return Tail(moment(0), moment(1), moment(2), mean, mean**2 * float(np.expm1(sigma**2)))


def exponential_tail(x: Number, mu: float) -> Tail:
    """Of an exponential demand of rate ``mu``."""
    require_positive(mu=mu)
    held = np.maximum(x, 0.0)
    m0, mean = np.exp(-mu * held), 1 / mu
    return Tail(
        m0, (held + mean) * m0, (held**2 + 2 * held * mean + 2 * mean**2) * m0, mean, mean**2
    )


def gamma_tail(x: Number, a: float, b: float) -> Tail:
    """Of a gamma demand of shape ``a`` and scale ``b``."""
    from scipy.stats import gamma

    require_positive(a=a, b=b)
    m0, m1, m2 = (gamma.sf(x, a + k, scale=b) for k in range(3))
    return Tail(m0, a * b * m1, a * (a + 1) * b**2 * m2, a * b, a * b**2)


def uniform_tail(x: Number, a: float, b: float) -> Tail:
    """Of a demand that is uniform between ``a`` and ``b``."""
    if not a < b:
        raise ParameterError(f"a is {a!r} and b {b!r}; a must be below b.")
    held = np.clip(x, a, b)
    width = b - a
    m0, m1, m2 = ((b**k - held**k) / (k * width) for k in (1, 2, 3))
    return Tail(m0, m1, m2, (a + b) / 2, width**2 / 12)


def poisson_tail(x: Number, mean: float) -> Tail:
    """Of a Poisson demand: k p(k) = λ p(k - 1)."""
    from scipy.stats import poisson

    require_positive(mean=mean)
    m0, m1, m2 = (poisson.sf(np.floor(x) - k, mean) for k in range(3))
    return Tail(m0, mean * m1, mean**2 * m2 + mean * m1, mean, mean, whole=True)


def geometric_tail(x: Number, p: float) -> Tail:
    """Of the trials up to the first success; what lies beyond x has forgotten x."""
    require_between(p, 0, 1, name="p", ends="open")
    held = np.maximum(np.floor(x), 0.0)
    m0, mean = (1 - p) ** held, 1 / p
    variance = (1 - p) / p**2
    square = held**2 + 2 * held * mean + variance + mean**2
    return Tail(m0, (held + mean) * m0, square * m0, mean, variance, whole=True)


def binomial_tail(x: Number, n: int, p: float) -> Tail:
    """Of the successes of ``n`` trials: k p(k; n) = n p · p(k - 1; n - 1)."""
    from scipy.stats import binom

    require_positive(n=n)
    require_whole(n=n)
    require_between(p, 0, 1, name="p", ends="open")
    floor = np.floor(x)
    m0, m1 = binom.sf(floor, n, p), n * p * binom.sf(floor - 1, n - 1, p)
    pairs = n * (n - 1) * p**2 * binom.sf(floor - 2, n - 2, p) if n > 1 else 0.0
    return Tail(m0, m1, pairs + m1, n * p, n * p * (1 - p), whole=True)


def negative_binomial_tail(x: Number, r: float, p: float) -> Tail:
    """Of the failures before the ``r``-th success: k p(k; r) = r q/p · p(k - 1; r + 1)."""
    from scipy.stats import nbinom

    require_positive(r=r)
    require_between(p, 0, 1, name="p", ends="open")
    floor, odds = np.floor(x), (1 - p) / p
    m0, m1, m2 = (nbinom.sf(floor - k, r + k, p) for k in range(3))
    first = r * odds * m1
    square = r * (r + 1) * odds**2 * m2 + first
    return Tail(m0, first, square, r * odds, r * odds / p, whole=True)


def pmf_tail(x: Number, pmf: Mapping[int, float]) -> Tail:
    """Of a demand whose probabilities are given."""
    units = np.fromiter(pmf.keys(), float, len(pmf))
    chance = np.fromiter(pmf.values(), float, len(pmf))
    if not ((chance >= 0).all() and abs(chance.sum() - 1) <= SUM):
        raise ParameterError(
            f"pmf adds up to {float(chance.sum()):.9g}; probabilities must be at least 0 and "
            "add up to 1."
        )
    beyond = np.where(units > np.asarray(x)[..., None], chance, 0.0)
    m0, m1, m2 = ((beyond * units**k).sum(axis=-1)[()] for k in range(3))
    mean = float(chance @ units)
    return Tail(m0, m1, m2, mean, float(chance @ (units - mean) ** 2), whole=True)
