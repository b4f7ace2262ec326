"""Difference-in-differences and synthetic control: weights for the series compared with."""

from __future__ import annotations

import numpy as np

from ecops_lib.campaigns.lift.panel import Floats, LiftPanel
from ecops_lib.core.errors import ParameterError

STEPS = 20_000
TIGHT = 1e-12


def weigh_equally(panel: LiftPanel) -> Floats:
    """Difference-in-differences: every control counts the same (K,)."""
    _require_controls(panel)
    count = panel.controls.shape[1]
    return np.full(count, 1 / count)


def weigh_controls(panel: LiftPanel, *, level: bool = False) -> Floats:
    """Weights of a synthetic control: none below 0, summing to 1 (K,).

    They make the controls' mean run as the outcome did before the campaign.

    Args:
        panel: The series.
        level: Whether the mean before the campaign is taken off every series first, so that
            controls of another size may serve (Ferman & Pinto 2021).

    References:
        Abadie, Diamond & Hainmueller (2010), JASA 105, 493-505, equation (3), with all
        outcomes before the campaign as predictors.
    """
    _require_controls(panel)
    known = panel.before
    target, pool = panel.outcome[known], panel.controls[known]
    if level:
        target, pool = target - target.mean(), pool - pool.mean(axis=0)
    return _on_simplex(pool, target)


def expect(panel: LiftPanel, weights: Floats, *, level: bool) -> Floats:
    """What weighted controls make of every period (T,); with ``level`` about the outcome's."""
    known = panel.before
    made = panel.controls @ weights
    return np.asarray(made + (panel.outcome - made)[known].mean() if level else made)


def _require_controls(panel: LiftPanel) -> None:
    if not panel.controls.shape[1]:
        raise ParameterError(
            "controls holds no series; this method needs at least one that the campaign did not "
            "touch."
        )


def _on_simplex(pool: Floats, target: Floats) -> Floats:
    """Least squares with weights on the simplex, by accelerated projected gradients."""
    scale = float(np.abs(pool).max()) or 1.0
    pool, target = pool / scale, target / scale
    inner, outer = pool.T @ pool, pool.T @ target
    step = 1 / max(float(np.linalg.eigvalsh(inner)[-1]), 1e-12)
    weights = np.full(pool.shape[1], 1 / pool.shape[1])
    ahead, pace = weights, 1.0
    for _ in range(STEPS):
        new = _project(ahead - step * (inner @ ahead - outer))
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        turned = float((ahead - new) @ (new - weights)) > 0  # overshot: begin again
        ahead = new if turned else new + (pace - 1) / faster * (new - weights)
        pace = 1.0 if turned else faster
        if float(np.abs(new - weights).max()) < TIGHT:
            return new
        weights = new
    return weights


def _project(values: Floats) -> Floats:
    """The nearest point whose parts are not below 0 and sum to 1."""
    falling = np.sort(values)[::-1]
    excess = (falling.cumsum() - 1) / np.arange(1, len(values) + 1)
    last = int(np.flatnonzero(falling > excess)[-1])
    return np.asarray(np.maximum(values - excess[last], 0.0))
