"""Rates and order values of many small groups, each drawn towards what all of them tell.

Rates: successes of each group are binomial with a rate of its own, the rates a draw from one
beta distribution (beta-binomial, Skellam 1948). Values: amounts of an order are gamma, their
scale by group a draw from one gamma distribution (gamma-gamma, Fader and Hardie 2013, "The
Gamma-Gamma Model of Monetary Value", equations 1 to 5). The parameters of the two are weighed,
not plugged in: best values alone give intervals that are too short (Casella 1985, Am. Stat.
39, 83–87). Groups with equal counts are computed once, so a hundred thousand keywords are few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.errors import ParameterError

Floats = NDArray[np.float64]

POINTS = 31
"""Points of the grid of the beta's mean, and of its concentration."""
CELLS = 200_000
"""Likelihoods of points and groups computed at a time."""
LEAST_WEIGHT = 1e-6
"""Points of the grid that weigh less than this beside the best are left out."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RatePrior:
    """Beta distributions that all rates may come from.

    Attributes:
        means: Their means (points,).
        concentrations: Trials that the mean counts for (points,).
        weights: Posterior weight of each (points,), summing to 1.
    """

    means: Floats
    concentrations: Floats
    weights: Floats

    def mean_of(self, successes: Floats, trials: Floats) -> Floats:
        """Posterior mean of the rate of each group (groups,)."""
        pairs, place = _distinct(successes, trials)
        prior = (self.means * self.concentrations)[:, None]
        each = (prior + pairs[:, 0]) / (self.concentrations[:, None] + pairs[:, 1])
        held: Floats = (self.weights @ each)[place]
        return held

    def chance_below(self, limits: Floats, successes: Floats, trials: Floats) -> Floats:
        """Chance that the rate of each group lies below its limit (groups,)."""
        from scipy.special import betainc

        a = (self.means * self.concentrations)[:, None]
        b = ((1 - self.means) * self.concentrations)[:, None]
        bounded = np.clip(limits, 0.0, 1.0)
        held: Floats = self.weights @ betainc(a + successes, b + trials - successes, bounded)
        return held

    def draw(
        self, rng: np.random.Generator, count: int, successes: Floats, trials: Floats
    ) -> Floats:
        """Draws of the rates (count, groups)."""
        point = rng.choice(len(self.weights), count, p=self.weights)
        prior = (self.means * self.concentrations)[point][:, None]
        rest = self.concentrations[point][:, None] - prior
        held: Floats = rng.beta(prior + successes, rest + trials - successes)
        return held


def weigh_rates(successes: Floats, trials: Floats) -> RatePrior:
    """Weigh the beta distributions that the rates of all groups may come from.

    Args:
        successes: Successes of each group (groups,).
        trials: Trials of each (groups,), at least its successes.

    Raises:
        ParameterError: Successes are negative or exceed trials, or there is no trial.

    >>> prior = weigh_rates(np.array([0.0, 30, 28]), np.array([10.0, 1000, 1000]))
    >>> bool(0.01 < prior.mean_of(np.array([0.0]), np.array([10.0]))[0] < 0.03)
    True
    """
    successes, trials = np.asarray(successes, float), np.asarray(trials, float)
    if not ((successes >= 0).all() and (successes <= trials).all() and trials.sum() > 0):
        raise ParameterError("successes must lie between 0 and trials, and some trial be told.")
    pooled = (successes.sum() + 0.5) / (trials.sum() + 1)
    centre, width = np.log(pooled / (1 - pooled)), 1.5 / np.sqrt(successes.sum() + 1) + 0.5
    logits, logs = np.meshgrid(
        np.linspace(centre - 3 * width, centre + 3 * width, POINTS),
        np.linspace(np.log(1.0), np.log(1e5), POINTS),
    )
    means, concentrations = 1 / (1 + np.exp(-logits.ravel())), np.exp(logs.ravel())
    level = _beta_level(means, concentrations, successes, trials)
    weights = np.exp(level - level.max())
    kept = weights > LEAST_WEIGHT
    return RatePrior(
        means=means[kept],
        concentrations=concentrations[kept],
        weights=weights[kept] / weights[kept].sum(),
    )


def _beta_level(means: Floats, concentrations: Floats, successes: Floats, trials: Floats) -> Floats:
    """Log posterior of each beta: flat in the logit of the mean and in 1 / sqrt(concentration)."""
    from scipy.special import betaln

    pairs, place = _distinct(successes, trials)
    often = np.bincount(place)
    good, bad = pairs[:, 0], pairs[:, 1] - pairs[:, 0]
    level = -0.5 * np.log(concentrations)
    a, b = means * concentrations, (1 - means) * concentrations
    step = max(1, CELLS // len(good))
    for first in range(0, len(means), step):
        own = slice(first, first + step)
        each = betaln(a[own, None] + good, b[own, None] + bad) - betaln(a[own], b[own])[:, None]
        level[own] += each @ often
    return level


def _distinct(first: Floats, second: Floats) -> tuple[Floats, NDArray[np.int64]]:
    pairs, place = np.unique(np.column_stack([first, second]), axis=0, return_inverse=True)
    return pairs, place.ravel()


@dataclass(frozen=True, kw_only=True, eq=False)
class ValuePrior:
    """Gamma distributions that the scale of all order values may come from.

    An order's amount is Gamma(shape ``p``, rate ν), ν is Gamma(shape ``q``, rate ``gamma``).

    Attributes:
        p: Shape of the amounts.
        q: Shape of the rates.
        gamma: Rate of the rates [store currency].
    """

    p: float
    q: float
    gamma: float

    def mean_of(self, amounts: Floats, orders: Floats) -> Floats:
        """Posterior mean of the value of an order of each group (groups,)."""
        held: Floats = self.p * (self.gamma + amounts) / (self.p * orders + self.q - 1)
        return held

    def draw(self, rng: np.random.Generator, count: int, amounts: Floats, orders: Floats) -> Floats:
        """Draws of the mean value of an order (count, groups)."""
        rate = rng.gamma(self.q + self.p * orders, 1.0, (count, len(orders)))
        held: Floats = self.p * (self.gamma + amounts) / rate
        return held


def weigh_values(amounts: Floats, orders: Floats) -> ValuePrior | None:
    """The gamma-gamma model of best likelihood.

    Args:
        amounts: Amount of all orders of each group (groups,) [store currency].
        orders: Orders of each (groups,).

    Returns:
        The model; None where no group has an order with an amount.
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    told = (orders > 0) & (amounts > 0)
    if not told.any():
        return None
    total, n = amounts[told], orders[told]
    scale = float(total.sum() / n.sum())
    z = total / n / scale

    def loss(x: Floats) -> float:
        p, q, gamma = np.exp(x[0]), 1.05 + np.exp(x[1]), np.exp(x[2])
        level = (
            gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(gamma)
            + (p * n - 1) * np.log(z) + p * n * np.log(n)
            - (p * n + q) * np.log(gamma + n * z)
        )  # fmt: skip
        spread = 0.5 * float((((x - CENTRE) / WIDE) ** 2).sum())
        return spread - float(level.sum())

    best = minimize(loss, CENTRE, method="L-BFGS-B", bounds=[(-3, 7)] * 3)
    p, q, gamma = np.exp(best.x[0]), 1.05 + np.exp(best.x[1]), np.exp(best.x[2])
    return ValuePrior(p=float(p), q=float(q), gamma=float(gamma * scale))


CENTRE = np.array([1.0, 2.0, 1.0])
"""Logarithms of p, q − 1.05 and gamma that the likelihood begins from: values that differ
by some 60 % between orders and by a third between groups."""
WIDE = 2.0
"""Spread of a weak prior around them, which keeps one or two groups from the border."""
