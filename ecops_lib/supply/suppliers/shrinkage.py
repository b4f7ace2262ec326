"""Rates of many suppliers, each drawn towards the mean of all by how little it tells.

Each supplier's true rate is a draw from one beta distribution, its successes a binomial
of that rate. The beta's mean and concentration are weighed on a grid by the beta-binomial
likelihood (Skellam 1948) and a prior that lets the data speak, as Gelman et al. (2013,
§5.3) do for the rat tumours; to plug in their best values alone, as empirical Bayes does,
gives intervals that are too short with few suppliers (Casella 1985, Am. Stat. 39, 83–87).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats

POINTS = 41
"""Points of the grid in each direction."""
LOOSEST, TIGHTEST = np.log(0.5), np.log(5e3)
"""Logarithms of the least and the most trials that the mean of all may count for."""
DRAWS = 8000


@dataclass(frozen=True, kw_only=True, eq=False)
class Rates:
    """Shrunk rates.

    Attributes:
        means: Possible means of all suppliers' rates (points,).
        concentrations: Trials that the mean counts for (points,).
        weights: Posterior weight of each pair (points,), summing to 1.
        successes: Successes of each supplier.
        trials: Trials of each.
    """

    means: Floats
    concentrations: Floats
    weights: Floats
    successes: Floats
    trials: Floats

    @property
    def mean(self) -> float:
        """Mean of the suppliers' rates, each counting the same."""
        return float(self.weights @ self.means)

    @property
    def pooled(self) -> float:
        """Successes of all suppliers by their trials."""
        return float(self.successes.sum() / max(self.trials.sum(), 1e-9))

    @property
    def rates(self) -> Floats:
        """Posterior mean of each supplier's rate."""
        prior = (self.means * self.concentrations)[:, None]
        each = (prior + self.successes) / (self.concentrations[:, None] + self.trials)
        held: Floats = self.weights @ each
        return held

    def limits(self, level: float = 0.9) -> tuple[Floats, Floats]:
        """Equal-tailed interval of each rate, by draws from a fixed seed."""
        tail = (1 - level) / 2
        held = self.draws(np.random.default_rng(0), DRAWS)
        return np.quantile(held, tail, axis=0), np.quantile(held, 1 - tail, axis=0)

    def draws(self, rng: np.random.Generator, count: int) -> Floats:
        """Draws of each rate (count, suppliers)."""
        point = rng.choice(len(self.weights), count, p=self.weights)
        prior = (self.means * self.concentrations)[point][:, None]
        rest = self.concentrations[point][:, None] - prior
        held: Floats = rng.beta(prior + self.successes, rest + self.trials - self.successes)
        return held


def shrink_rates(successes: Floats, trials: Floats) -> Rates:
    """Weigh the beta distributions that all rates may come from.

    Args:
        successes: Successes of each, at most its trials; may be fractions of units.
        trials: Trials of each, from 0.

    Raises:
        ParameterError: Counts are negative, or successes exceed trials.

    >>> held = shrink_rates(np.array([3.0, 95, 88, 70]), np.array([3.0, 100, 100, 100]))
    >>> bool(held.rates[0] < held.rates[1])
    True
    """
    successes, trials = np.asarray(successes, float), np.asarray(trials, float)
    if (successes < 0).any() or (successes > trials + 1e-9).any():
        raise ParameterError("successes must lie between 0 and trials for each supplier.")
    pooled = (successes.sum() + 0.5) / (trials.sum() + 1)
    centre, width = np.log(pooled / (1 - pooled)), 4 / np.sqrt(min(trials.sum(), 40) + 1) + 0.6
    logits, logs = np.meshgrid(
        np.linspace(centre - 4 * width, centre + 4 * width, POINTS),
        np.linspace(LOOSEST, TIGHTEST, POINTS),
    )
    means, concentrations = 1 / (1 + np.exp(-logits.ravel())), np.exp(logs.ravel())
    good = np.minimum(successes, trials)
    level = _log_weight(means, concentrations, good, trials)
    weights = np.exp(level - level.max())
    return Rates(
        means=means,
        concentrations=concentrations,
        weights=weights / weights.sum(),
        successes=good,
        trials=trials,
    )


def _log_weight(means: Floats, concentrations: Floats, good: Floats, trials: Floats) -> Floats:
    """Log posterior of each pair: beta-binomial, and a prior flat in mean and log concentration."""
    from scipy.special import betaln

    a, b = (means * concentrations)[:, None], ((1 - means) * concentrations)[:, None]
    likelihood = (betaln(a + good, b + trials - good) - betaln(a, b)).sum(axis=1)
    prior = np.log(means * (1 - means))
    held: Floats = likelihood + prior
    return held
