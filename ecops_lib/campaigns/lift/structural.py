"""A structural time series with control series, solved without simulation.

The outcome is a level that wanders, plus a regression on the controls, plus noise:

    y_t = mu_t + x_t' beta + e_t,    mu_t = mu_{t-1} + eta_t

with the priors of Brodersen et al. (2015, Annals of Applied Statistics 9, 247-274), all
series standardised before the campaign: var(e) inverse gamma with 50 observations' worth of
an R² of 0.8; sd(eta) about 0.01 with 32 observations' worth; beta a spike and a slab (three
controls expected), or a slab whose strength is weighed. Given the ratio of the two variances
everything is conjugate, so the
posterior is a sum over a grid of ratios and over models: no chain, no seed, and
the same figures each time. One pass of the Kalman filter gives the posterior at *every*
period, so that each earlier window can be forecast as the campaign was.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ecops_lib.campaigns.lift.panel import Flags, Floats, LiftPanel

RATIOS = np.logspace(-7, 2, 46)
"""Variance of the level's steps over that of the noise."""
NOISE_DF, R_SQUARED = 50.0, 0.8
LEVEL_DF, LEVEL_SD = 32.0, 0.01
SLAB, SHRINK = 0.01, 0.5
"""Observations' worth of the slab, and how far its covariance is drawn to its diagonal."""
EXPECTED = 3.0
"""Controls expected to matter."""
STRENGTHS = (1.0, 30.0, 1e3, 3e4)
"""Where subsets are not weighed, slabs of these strengths are: from free to next to nothing."""
NEGLIGIBLE = 16.0
"""Log weight below the best from which a ratio counts for nothing (one in nine million)."""
START = 10.0
"""Variance of the level before the first period."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What a window was expected to see, and the noise about it.

    Attributes:
        total: Expected sum over the window [units].
        error: Standard error of that sum, all that is uncertain in it.
        low: Quantile of the sum at half of alpha.
        high: Quantile of the sum at one less that.
        tail: Chance of a sum at least as far on the actual's side.
        periods: Expected value of each period.
        errors: Standard error of each period.
    """

    total: float
    error: float
    low: float
    high: float
    tail: float
    periods: Floats
    errors: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class _State:
    """What the filter knows before a period, for each ratio (G)."""

    level: Floats
    variance: Floats
    cross: Floats
    logs: Floats
    count: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Weighed:
    """A model's posterior by ratio (G): log weight, coefficients, their covariance, noise."""

    columns: list[int]
    log: Floats
    beta: Floats
    inverse: Floats
    noise: Floats


class Structural:
    """The model of one panel: filtered once, read at any window.

    Attributes:
        panel: What it is a model of.
    """

    def __init__(self, panel: LiftPanel, *, spike: bool = False) -> None:
        """Standardise the series.

        Args:
            panel: The series.
            spike: Whether subsets of up to three controls are weighed, as CausalImpact does;
                else all controls are drawn to nothing as hard as the data ask for.
        """
        self.panel = panel
        self._spike = spike and panel.controls.shape[1] <= EXPECTED
        known = panel.before
        columns = np.column_stack([panel.controls, _cycle(len(known), panel.season)])
        self._mean, self._scale = _standard(panel.outcome, known)
        centre, scale = _standard(columns, known)
        self._x = (columns - centre) / scale
        self._y = (panel.outcome - self._mean) / self._scale
        self._used = ~panel.left_out & ~np.isnan(panel.outcome)
        self._free = panel.controls.shape[1]
        self._precision = _slab(self._x[known])

    def read(self, first: int, last: int, *, alpha: float = 0.05) -> Reading:
        """The window from ``first`` to ``last`` forecast from what came before it."""
        [found] = self.read_each([(first, last)], alpha=alpha)
        return found

    def read_each(self, windows: list[tuple[int, int]], *, alpha: float = 0.05) -> list[Reading]:
        """Many windows, each forecast from what came before it, in one pass."""
        states = self._filter({first for first, _ in windows})
        return [self._predict(states[first], first, last, alpha) for first, last in windows]

    def _filter(self, origins: set[int]) -> dict[int, _State]:
        series = np.column_stack([self._y, self._x])
        width = series.shape[1]
        level = np.zeros((len(RATIOS), width))
        variance = np.full(len(RATIOS), START)
        cross = np.zeros((len(RATIOS), width, width))
        logs, count = np.zeros(len(RATIOS)), 0
        kept: dict[int, _State] = {}
        for period in range(max(origins) + 1):
            if period in origins:
                kept[period] = _State(
                    level=level.copy(), variance=variance.copy(), cross=cross.copy(),
                    logs=logs.copy(), count=count,
                )  # fmt: skip
            if self._used[period]:
                gap = series[period] - level
                whole = variance + 1.0
                cross += gap[:, :, None] * (gap / whole[:, None])[:, None, :]
                logs += np.log(whole)
                level += (variance / whole)[:, None] * gap
                variance = variance / whole
                count += 1
            variance = variance + RATIOS
        return kept

    def _predict(self, state: _State, first: int, last: int, alpha: float) -> Reading:
        window = np.arange(first, last + 1)
        counts = self._used[window].astype(float)
        x = self._x[window]
        weighed = [self._weigh(state, model) for model in self._models()]
        best = max(float(part.log.max()) for part in weighed)
        parts = [self._part(state, part, x, counts, least=best - NEGLIGIBLE) for part in weighed]
        weights = np.exp(np.concatenate([part[0] for part in parts]) - best)
        weights /= weights.sum()
        means, variances = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
        each = np.concatenate([part[3] for part in parts])
        spread = np.concatenate([part[4] for part in parts])
        mean = weights @ means
        error = np.sqrt(weights @ (variances + (means - mean) ** 2))
        centre = weights @ each
        errors = np.sqrt(weights @ (spread + (each - centre) ** 2))
        actual = float(np.nansum(self._y[window] * counts))
        low, high = (_quantile(p, weights, means, variances) for p in (alpha / 2, 1 - alpha / 2))
        above = _chance(actual, weights, means, variances)
        base = self._mean * counts.sum()
        return Reading(
            total=float(base + self._scale * mean),
            error=float(self._scale * error),
            low=float(base + self._scale * low),
            high=float(base + self._scale * high),
            tail=max(0.0, min(above, 1 - above)),
            periods=np.asarray(self._mean + self._scale * centre),
            errors=np.asarray(self._scale * errors),
        )

    def _models(self) -> list[tuple[list[int], float, float]]:
        """Columns, strength of the slab and log prior of each model; a cycle is in all."""
        cycle = list(range(self._free, self._x.shape[1]))
        if not self._spike:
            strengths = STRENGTHS if self._free else (1.0,)
            return [([*range(self._free), *cycle], strength, 0.0) for strength in strengths]
        share = min(1.0, EXPECTED / (self._free + 1))
        odds = np.log(share), np.log1p(-share) if share < 1 else -np.inf
        return [
            ([*kept, *cycle], 1.0, _times(size, odds[0]) + _times(self._free - size, odds[1]))
            for size in range(self._free + 1)
            for kept in combinations(range(self._free), size)
        ]

    def _weigh(self, state: _State, model: tuple[list[int], float, float]) -> _Weighed:
        """How likely each ratio is under a model, and its coefficients."""
        columns, strength, prior = model
        places = [1 + c for c in columns]
        free = np.array([c < self._free for c in columns], dtype=bool)
        slab = self._precision[np.ix_(columns, columns)]
        slab = slab * np.sqrt(np.outer(*2 * [np.where(free, strength, 1.0)]))
        inner = slab + state.cross[:, places][:, :, places]
        inverse = np.asarray(np.linalg.inv(inner), float) if columns else inner
        beta = np.einsum("gij,gj->gi", inverse, state.cross[:, places, 0])
        rss = state.cross[:, 0, 0] - np.einsum("gi,gi->g", state.cross[:, places, 0], beta)
        shape = (NOISE_DF + LEVEL_DF + state.count) / 2
        rate = NOISE_DF * (1 - R_SQUARED) / 2 + LEVEL_DF * LEVEL_SD**2 / 2 / RATIOS
        rate = rate + np.maximum(rss, 0) / 2
        log = prior - (LEVEL_DF / 2) * np.log(RATIOS) - shape * np.log(rate) - state.logs / 2
        if columns:
            log = log + (np.linalg.slogdet(slab)[1] - np.linalg.slogdet(inner)[1]) / 2
        noise = rate / (shape - 1)
        return _Weighed(columns=columns, log=log, beta=beta, inverse=inverse, noise=noise)

    def _part(
        self, state: _State, part: _Weighed, x: Floats, counts: Floats, *, least: float
    ) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Log weight, mean and variance of the sum, and those of each period, by ratio."""
        kept = part.log >= least
        places = [1 + c for c in part.columns]
        beta, inverse, noise = part.beta[kept], part.inverse[kept], part.noise[kept]
        level, variance, ratios = state.level[kept], state.variance[kept], RATIOS[kept]
        away = x[None, :, part.columns] - level[:, None, places]
        each = level[:, :1] + np.einsum("ghk,gk->gh", away, beta)
        drift = variance[:, None] + ratios[:, None] * np.arange(len(counts))[None, :]
        unsure = np.einsum("ghi,gij,ghj->gh", away, inverse, away, optimize=True)
        spread = noise[:, None] * (1 + drift + unsure)
        ahead = counts[::-1].cumsum()[::-1]  # periods that a step of the level reaches
        wander = variance * counts.sum() ** 2 + ratios * (ahead[1:] ** 2).sum()
        whole = np.einsum("ghk,h->gk", away, counts)
        unsure_sum = np.einsum("gi,gij,gj->g", whole, inverse, whole)
        total = noise * (counts.sum() + wander + unsure_sum)
        return part.log[kept], each @ counts, total, each, spread


def _times(count: int, log: float) -> float:
    """So many times a log chance; none of an impossible one is possible."""
    return count * log if count else 0.0


def _cycle(periods: int, season: int) -> Floats:
    """A column for each place in the cycle but the last, which has −1 in all."""
    if season < 2:
        return np.zeros((periods, 0))
    place = np.arange(periods) % season
    columns = (place[:, None] == np.arange(season - 1)).astype(float)
    columns[place == season - 1] = -1.0
    return np.asarray(columns)


def _standard(values: Floats, known: Flags) -> tuple[Floats, Floats]:
    mean = values[known].mean(axis=0)
    scale = values[known].std(axis=0, ddof=1)
    return mean, np.where(scale > 0, scale, 1.0)


def _slab(x: Floats) -> Floats:
    """Precision of the coefficients over that of the noise (Zellner's, drawn to its diagonal)."""
    moments = x.T @ x / max(len(x), 1)
    diagonal = np.diag(np.maximum(np.diag(moments), 1e-9))
    return np.asarray(SLAB * ((1 - SHRINK) * moments + SHRINK * diagonal))


def _chance(value: float, weights: Floats, means: Floats, variances: Floats) -> float:
    """Chance that a mixture of normal laws exceeds a value."""
    from scipy.special import ndtr

    return float(weights @ ndtr((means - value) / np.sqrt(variances)))


def _quantile(share: float, weights: Floats, means: Floats, variances: Floats) -> float:
    """Quantile of a mixture of normal laws, by halving."""
    sd = np.sqrt(variances)
    low, high = float((means - 9 * sd).min()), float((means + 9 * sd).max())
    for _ in range(60):
        middle = (low + high) / 2
        if 1 - _chance(middle, weights, means, variances) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
