"""Loss functions: units short and units left over, on average, of a stock against demand.

For demand X and a stock of x, the loss is E[(X - x)+] and its complement E[(x - X)+]. The
second-order loss is half of E[((X - x)+)²], and of E[(X - x)+ (X - x - 1)+] where demand is
whole; its complement half of E[((x - X)+)²], and of E[(x - X)+ (x + 1 - X)+]. All follow
from the demand beyond x: P(X > x), E[X; X > x] and E[X²; X > x] (``tails``).

``x`` may be an array; equation numbers are those of Snyder & Shen, Fundamentals of Supply
Chain Theory, 2nd edition (2019), appendix C.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.policies.checks import require_positive
from ecops_lib.supply.policies.tails import (
    Tail,
    binomial_tail,
    exponential_tail,
    gamma_tail,
    geometric_tail,
    lognormal_tail,
    negative_binomial_tail,
    normal_tail,
    pmf_tail,
    poisson_tail,
    uniform_tail,
)

Number = Any
"""A number or an array of numbers."""


class Loss(NamedTuple):
    """Units short and units left over.

    Attributes:
        loss: Expected units short, E[(X - x)+]. [n(x)]
        complement: Expected units left over, E[(x - X)+]. [n̄(x)]
    """

    loss: Number
    complement: Number


def _first(x: Number, tail: Tail) -> Loss:
    loss = np.maximum(tail.m1 - x * tail.m0, 0.0)
    return _loss(loss, np.maximum(x - tail.mean + loss, 0.0))


def _loss(loss: Number, complement: Number) -> Loss:
    """Plain numbers where no array was given."""
    if np.ndim(loss):
        return Loss(loss, complement)
    return Loss(float(loss), float(complement))


def _second(x: Number, tail: Tail) -> Loss:
    """Half of the squares; a whole demand counts (X - x)(X - x - 1)."""
    step = 1.0 if tail.whole else 0.0
    loss = (tail.m2 - (2 * x + step) * tail.m1 + x * (x + step) * tail.m0) / 2
    loss = np.maximum(loss, 0.0)
    gap = x - tail.mean
    return _loss(loss, np.maximum((gap**2 + step * gap + tail.variance) / 2 - loss, 0.0))


def standard_normal_loss(z: Number) -> Loss:
    """Loss of the standard normal distribution (C.22), (C.23).

    >>> round(standard_normal_loss(1.0).loss, 4)
    0.0833
    """
    return normal_loss(z, mean=0.0, sd=1.0)


def standard_normal_second_loss(z: Number) -> Loss:
    """Second-order loss of the standard normal distribution (C.27), (C.28)."""
    return normal_second_loss(z, mean=0.0, sd=1.0)


def normal_loss(x: Number, *, mean: float, sd: float) -> Loss:
    """Loss of a normal demand (C.31), (C.32)."""
    return _first(x, normal_tail(x, mean, sd))


def normal_second_loss(x: Number, *, mean: float, sd: float) -> Loss:
    """Second-order loss of a normal demand (C.33), (C.34)."""
    return _second(x, normal_tail(x, mean, sd))


def lognormal_loss(x: Number, *, mu: float, sigma: float) -> Loss:
    """Loss of a demand whose logarithm has mean ``mu`` and deviation ``sigma`` (4.102)."""
    return _first(x, lognormal_tail(x, mu, sigma))


def lognormal_second_loss(x: Number, *, mu: float, sigma: float) -> Loss:
    """Second-order loss of a demand whose logarithm is normal."""
    return _second(x, lognormal_tail(x, mu, sigma))


def exponential_loss(x: Number, *, mu: float) -> Loss:
    """Loss of an exponential demand of rate ``mu``, so of mean 1 / ``mu``."""
    return _first(x, exponential_tail(x, mu))


def exponential_second_loss(x: Number, *, mu: float) -> Loss:
    """Second-order loss of an exponential demand of rate ``mu``."""
    return _second(x, exponential_tail(x, mu))


def gamma_loss(x: Number, *, a: float, b: float) -> Loss:
    """Loss of a gamma demand of shape ``a`` and scale ``b``, so of mean ``a`` × ``b``."""
    return _first(x, gamma_tail(x, a, b))


def gamma_second_loss(x: Number, *, a: float, b: float) -> Loss:
    """Second-order loss of a gamma demand of shape ``a`` and scale ``b``."""
    return _second(x, gamma_tail(x, a, b))


def uniform_loss(x: Number, *, a: float, b: float) -> Loss:
    """Loss of a demand that is uniform between ``a`` and ``b``."""
    return _first(x, uniform_tail(x, a, b))


def uniform_second_loss(x: Number, *, a: float, b: float) -> Loss:
    """Second-order loss of a demand that is uniform between ``a`` and ``b``."""
    return _second(x, uniform_tail(x, a, b))


def poisson_loss(x: Number, *, mean: float) -> Loss:
    """Loss of a Poisson demand (C.41), (C.42)."""
    return _first(x, poisson_tail(x, mean))


def poisson_second_loss(x: Number, *, mean: float) -> Loss:
    """Second-order loss of a Poisson demand."""
    return _second(x, poisson_tail(x, mean))


def geometric_loss(x: Number, *, p: float) -> Loss:
    """Loss of a geometric demand: trials up to the first success (1, 2, …)."""
    return _first(x, geometric_tail(x, p))


def geometric_second_loss(x: Number, *, p: float) -> Loss:
    """Second-order loss of a geometric demand: trials up to the first success."""
    return _second(x, geometric_tail(x, p))


def binomial_loss(x: Number, *, n: int, p: float) -> Loss:
    """Loss of a binomial demand: successes of ``n`` trials."""
    return _first(x, binomial_tail(x, n, p))


def binomial_second_loss(x: Number, *, n: int, p: float) -> Loss:
    """Second-order loss of a binomial demand: successes of ``n`` trials."""
    return _second(x, binomial_tail(x, n, p))


def negative_binomial_loss(
    x: Number,
    *,
    r: float | None = None,
    p: float | None = None,
    mean: float | None = None,
    sd: float | None = None,
) -> Loss:
    """Loss of a negative binomial demand: failures before the ``r``-th success.

    Args:
        x: Stock.
        r: Successes; need not be whole.
        p: Chance of a success.
        mean: Mean, where ``r`` and ``p`` are not given.
        sd: Standard deviation, whose square is above the mean.

    Raises:
        ParameterError: Neither pair is given, or the variance is not above the mean.

    References:
        Zipkin (2000), Foundations of Inventory Management, section C.2.3.6.
    """
    return _first(x, negative_binomial_tail(x, *_successes(r, p, mean, sd)))


def negative_binomial_second_loss(
    x: Number,
    *,
    r: float | None = None,
    p: float | None = None,
    mean: float | None = None,
    sd: float | None = None,
) -> Loss:
    """Second-order loss of a negative binomial demand; see ``negative_binomial_loss``."""
    return _second(x, negative_binomial_tail(x, *_successes(r, p, mean, sd)))


def _successes(
    r: float | None, p: float | None, mean: float | None, sd: float | None
) -> tuple[float, float]:
    if r is not None and p is not None:
        return r, p
    if mean is None or sd is None:
        raise ParameterError("a negative binomial demand needs r and p, or mean and sd.")
    require_positive(mean=mean, sd=sd)
    if not sd**2 > mean:
        raise ParameterError(
            f"sd is {sd!r} and mean {mean!r}; a negative binomial demand has a variance above "
            "its mean (use Poisson where they are equal)."
        )
    return mean**2 / (sd**2 - mean), mean / sd**2


def continuous_loss(x: float, *, distrib: Any) -> Loss:
    """Loss of any continuous demand (C.12), (C.13), by integration.

    Args:
        x: Stock.
        distrib: A frozen distribution of SciPy, such as ``scipy.stats.beta(2, 3)``.
    """
    from scipy.integrate import quad

    low, high = (float(end) for end in distrib.support())
    short = quad(distrib.sf, max(x, low), high, limit=200)[0] if x < high else 0.0
    over = quad(distrib.cdf, low, min(x, high), limit=200)[0] if x > low else 0.0
    return Loss(short + max(low - x, 0.0), over + max(x - high, 0.0))


def continuous_second_loss(x: float, *, distrib: Any) -> Loss:
    """Second-order loss of any continuous demand (C.17), (C.18), by integration."""
    from scipy.integrate import quad

    low, high = (float(end) for end in distrib.support())
    start = min(max(x, low), high)
    short = quad(lambda y: (y - x) * distrib.sf(y), start, high, limit=200)[0]
    short += max(low - x, 0.0) ** 2 / 2
    square = (x - float(distrib.mean())) ** 2 + float(distrib.var())
    return Loss(short, max(square / 2 - short, 0.0))


def discrete_loss(x: float, *, distrib: Any = None, pmf: Mapping[int, float] | None = None) -> Loss:
    """Loss of any demand in whole units (C.36), (C.37).

    Args:
        x: Stock.
        distrib: A frozen discrete distribution of SciPy, of at least 0.
        pmf: Or the probability of each number of units.

    Raises:
        ParameterError: Neither is given, or the probabilities do not add up to 1.
    """
    return _first(x, pmf_tail(x, _pmf(distrib, pmf)))


def discrete_second_loss(
    x: float, *, distrib: Any = None, pmf: Mapping[int, float] | None = None
) -> Loss:
    """Second-order loss of any demand in whole units (C.38)-(C.40)."""
    return _second(x, pmf_tail(x, _pmf(distrib, pmf)))


REST = 1e-15
"""Probability in a distribution's upper tail that is left out."""


def _pmf(distrib: Any, pmf: Mapping[int, float] | None) -> Mapping[int, float]:
    if pmf is not None:
        return pmf
    if distrib is None:
        raise ParameterError("a discrete demand needs distrib or pmf.")
    low, high = distrib.support()
    last = int(high) if np.isfinite(high) else int(distrib.isf(REST))
    units = np.arange(int(low), last + 1)
    return dict(zip(units.tolist(), np.asarray(distrib.pmf(units)).tolist(), strict=True))
