"""Fitting what spending brings by day: quasi-Poisson, weighed over curves, pooled over plans.

A day's credited amount has the mean exp(controls) × curve(spend) and a variance in proportion
to it, as sums of a Poisson number of orders have (McCullagh and Nelder 1989, chapter 9).
For each curve and elasticity the controls are fitted by iterated least squares; the quasi-
likelihoods weigh the curves, with one beta distribution of elasticities for all plans, whose
own parameters are weighed in turn (Gelman et al. 2013, §5.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ecops_lib.campaigns.ads.curves import ELASTICITIES, FAMILIES, Family, level, slope
from ecops_lib.campaigns.ads.shrinkage import Floats

Trouble = Literal["", "few", "still", "demand", "steep", "wide"]

FEW_DAYS = 42
"""Days with spend below which no curve is fitted."""
STILL = 0.1
"""Least spread of log spend, net of controls."""
DRIVEN = 0.5
"""Share of what controls leave of log spend that demand may explain."""
WIDE = 0.7
"""Width of an elasticity's 90 % interval from which it is not told."""
VAGUE = 10.0
"""Ends of the 90 % interval of what the usual spend brings, from which their ratio says nothing."""
Z = 1.645
STEPS = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class SpendDays:
    """Days of one plan with spend.

    Attributes:
        spend: Money spent (days,), above 0.
        brought: Amount credited (days,), from 0.
        controls: What else moves what is brought (days, controls), without a constant.
        demand: Logarithm of what others saw of the shop that day (days,); None where not told.
        recent: Which days tell the present (days,).
    """

    spend: Floats
    brought: Floats
    controls: Floats
    demand: Floats | None
    recent: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedCurve:
    """What a plan's spending brings, as draws.

    Attributes:
        usual: Usual spend a day that the curves are told by [store currency].
        present: Mean spend of a recent day [store currency].
        low: Least spend observed (5 % of the days lie below).
        high: Most spend observed (5 % lie above).
        family: Curve of each draw, as a place in ``FAMILIES`` (draws,).
        elasticity: Elasticity of each draw at the usual spend (draws,).
        amount: What the usual spend brings on a recent day, of each draw (draws,).
        driven: Share of the free movement of spend that demand explains; NaN where not told.
        trouble: Why the curve tells nothing; empty where it does.
    """

    usual: float
    present: float
    low: float
    high: float
    family: np.ndarray
    elasticity: Floats
    amount: Floats
    driven: float
    trouble: Trouble

    def brings(self, spend: float) -> Floats:
        """Amount that a daily spend brings, by draw (draws,) [store currency]."""
        return self._by_family(level, spend) * self.amount

    def marginal(self, spend: float) -> Floats:
        """Amount that one more unit of money brings at a daily spend, by draw (draws,)."""
        return self._by_family(slope, spend) * self.amount / self.usual

    def _by_family(self, curve: Callable[[Family, Floats, Floats], Floats], spend: float) -> Floats:
        held = np.empty(len(self.family))
        for place, family in enumerate(FAMILIES):
            own = self.family == place
            held[own] = curve(family, self.elasticity[own], np.array(spend / self.usual))
        return held


def fit_curves(
    plans: Sequence[SpendDays], *, draws: int = 1000, seed: int = 0
) -> tuple[FittedCurve, ...]:
    """Fit the response curves of some plans, elasticities drawn towards one another.

    A curve that the days cannot tell has a ``trouble``: few days, spend that hardly varies,
    spend that moves with demand, more than proportional growth (which says the same), or an
    interval of the elasticity that leaves nearly all open. Only curves without one are pooled.

    Args:
        plans: Each plan's days with spend.
        draws: Draws of each curve.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    grids = [_Grid(plan) if not _early_trouble(plan) else None for plan in plans]
    pooled = [grid for grid in grids if grid is not None]
    weights = iter(_pooled_weights(pooled))
    return tuple(
        _untold(plan) if grid is None else _draw(plan, grid, next(weights), draws, rng)
        for plan, grid in zip(plans, grids, strict=True)
    )


def _early_trouble(plan: SpendDays) -> Trouble:
    if len(plan.spend) < FEW_DAYS or not (plan.brought > 0).sum() > plan.controls.shape[1] + 3:
        return "few"
    if float(np.std(_residual(np.log(plan.spend), plan.controls))) < STILL:
        return "still"
    if _driven(plan) > DRIVEN:
        return "demand"
    return "steep" if _rises_too_fast(plan) else ""


def _residual(values: Floats, controls: Floats) -> Floats:
    design = np.column_stack([np.ones(len(values)), controls])
    held: Floats = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return held


def _driven(plan: SpendDays) -> float:
    """Share of the spend's movement, net of other controls, that demand explains."""
    if plan.demand is None:
        return float("nan")
    spend, demand = (_residual(each, plan.controls) for each in (np.log(plan.spend), plan.demand))
    if not spend.std() > 0 or not demand.std() > 1e-9:
        return 0.0
    return float(np.corrcoef(spend, demand)[0, 1] ** 2)


def _rises_too_fast(plan: SpendDays) -> bool:
    """Whether a free elasticity is surely above 1, which concave curves cannot be."""
    log_spend = np.log(plan.spend)
    design = _design(plan)
    free = np.column_stack([design, log_spend - log_spend.mean()])
    beta, inverse, mean = (
        each[0] for each in _iterate(free, plan.brought, np.zeros((1, len(free))))
    )
    phi = _dispersion(plan, mean, log_spend, design)
    return bool(beta[-1] - Z * np.sqrt(phi * inverse[-1, -1]) > 1)


def _design(plan: SpendDays) -> Floats:
    columns = [np.ones(len(plan.spend)), plan.controls]
    if plan.demand is not None:
        columns.append(plan.demand - plan.demand.mean())
    return np.column_stack(columns)


def _iterate(design: Floats, brought: Floats, offsets: Floats) -> tuple[Floats, Floats, Floats]:
    """Log-linear fits by offset: coefficients, inverse information, means.

    Args:
        design: (days, columns), the first of them 1.
        brought: (days,).
        offsets: Logarithms that are added (fits, days).
    """
    columns = design.shape[1]
    beta = np.zeros((len(offsets), columns))
    beta[:, 0] = np.log(brought.mean() / np.exp(offsets).mean(axis=1))
    ridge = 1e-6 * brought.sum() * np.eye(columns)
    ridge[0, 0] = 0.0
    information = np.empty((len(offsets), columns, columns))
    mean = np.empty_like(offsets)
    for _ in range(STEPS):
        mean = np.exp(np.clip(offsets + beta @ design.T, -30, 30))
        information = np.einsum("gn,nk,nl->gkl", mean, design, design) + ridge
        score = (brought - mean) @ design - beta @ ridge
        move = np.linalg.solve(information, score[..., None])[..., 0]
        beta = beta + np.clip(move, -2, 2)
    inverse: Floats = np.linalg.inv(information).astype(float)
    return beta, inverse, mean


def _dispersion(plan: SpendDays, mean: Floats, log_spend: Floats, design: Floats) -> float:
    """Variance over mean, more where days that follow one another are alike in both."""
    pearson = (plan.brought - mean) / np.sqrt(mean)
    phi = float((pearson**2).sum() / max(len(mean) - design.shape[1] - 1, 1))
    spend = _residual(log_spend, design[:, 1:])
    alike = [float(np.corrcoef(each[1:], each[:-1])[0, 1]) for each in (pearson, spend)]
    product = max(alike[0] * alike[1], 0.0)
    return phi * (1 + product) / (1 - min(product, 0.9))


class _Grid:
    """Fits of one plan at each curve and elasticity."""

    def __init__(self, plan: SpendDays) -> None:
        log_spend = np.log(plan.spend)
        self.usual = float(np.exp(log_spend.mean()))
        ratio = plan.spend / self.usual
        self.offsets = np.concatenate(
            [np.log(level(f, ELASTICITIES[:, None], ratio[None, :])) for f in FAMILIES]
        )
        self.design = _design(plan)
        self.beta, self.inverse, mean = _iterate(self.design, plan.brought, self.offsets)
        told = plan.brought > 0
        logs = np.log(plan.brought[told]) - np.log(mean[:, told])
        deviance = 2 * (plan.brought[told] * logs).sum(axis=1)
        deviance -= 2 * (plan.brought - mean).sum(axis=1)
        best = int(deviance.argmin())
        self.phi = _dispersion(plan, mean[best], log_spend, self.design)
        level_ = -deviance / (2 * self.phi)
        self.likelihood = np.exp(level_ - level_.max()).reshape(len(FAMILIES), -1)


def _pooled_weights(grids: Sequence[_Grid]) -> list[Floats]:
    """Weight of each curve and elasticity by plan (families × elasticities,)."""
    from scipy.stats import beta

    if not grids:
        return []
    middle = np.linspace(0.05, 0.95, 19)
    tight = np.exp(np.linspace(np.log(1.5), np.log(60.0), 9))
    m, c = (each.ravel() for each in np.meshgrid(middle, tight))
    inner = np.minimum(ELASTICITIES, 0.99)  # a beta's density may be infinite at 1
    prior = beta.pdf(inner[None, :], (m * c)[:, None], ((1 - m) * c)[:, None])
    prior /= prior.sum(axis=1, keepdims=True)
    each = np.stack([grid.likelihood.mean(axis=0) for grid in grids])
    by_plan = prior @ each.T
    level_ = np.log(np.maximum(by_plan, 1e-300)).sum(axis=1)
    weight = np.exp(level_ - level_.max())
    weight /= weight.sum()
    found = []
    for place, grid in enumerate(grids):
        mixed = (weight / by_plan[:, place]) @ prior
        held = grid.likelihood * mixed[None, :]
        found.append((held / held.sum()).ravel())
    return found


def _draw(
    plan: SpendDays, grid: _Grid, weights: Floats, draws: int, rng: np.random.Generator
) -> FittedCurve:
    point = rng.choice(len(weights), draws, p=weights)
    noise = rng.standard_normal((draws, grid.design.shape[1]))
    recent = grid.design[plan.recent] if plan.recent.any() else grid.design
    amount = np.empty(draws)
    for each in np.unique(point):
        own = point == each
        root = np.linalg.cholesky(grid.inverse[each] * grid.phi)
        beta = grid.beta[each] + noise[own] @ root.T
        amount[own] = np.exp(beta @ recent.T).mean(axis=1)
    elasticity = np.tile(ELASTICITIES, len(FAMILIES))[point]
    step = ELASTICITIES[1] - ELASTICITIES[0]
    smooth = np.clip(elasticity + rng.uniform(-step / 2, step / 2, draws), 0.01, 1.0)
    low, high = np.quantile(smooth, [0.05, 0.95])
    least, most = np.quantile(amount, [0.05, 0.95])
    return FittedCurve(
        usual=grid.usual,
        **_range(plan),
        family=point // len(ELASTICITIES),
        elasticity=smooth,
        amount=amount,
        driven=_driven(plan),
        trouble="wide" if high - low > WIDE or not most <= VAGUE * least else "",
    )


def _range(plan: SpendDays) -> dict[str, float]:
    held = plan.spend[plan.recent] if plan.recent.any() else plan.spend
    if not len(held):
        return {"present": float("nan"), "low": float("nan"), "high": float("nan")}
    low, high = np.quantile(plan.spend, [0.05, 0.95])
    present = float(held.mean())
    return {"present": present, "low": min(low, present), "high": max(high, present)}


def _untold(plan: SpendDays) -> FittedCurve:
    spend = plan.spend
    return FittedCurve(
        usual=float(np.exp(np.log(spend).mean())) if len(spend) else float("nan"),
        **_range(plan),
        family=np.empty(0, int),
        elasticity=np.empty(0),
        amount=np.empty(0),
        driven=_driven(plan) if len(spend) >= FEW_DAYS else float("nan"),
        trouble=_early_trouble(plan),
    )
