"""Difference-in-differences and synthetic control: weights for the series compared with."""

from __future__ import annotations

import numpy as np

from ecops_lib.campaigns.lift.panel import Floats, LiftPanel
from ecops_lib.core.errors import ParameterError

NAIL = 1e3
"""Weight of the sum against the fit."""


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
    """Least squares with weights on the simplex: non-negative ones, their sum nailed to 1."""
    from scipy.optimize import nnls

    scale = float(np.abs(pool).max()) or 1.0
    nail = NAIL * np.sqrt(len(pool))
    rows = np.vstack([pool / scale, np.full(pool.shape[1], nail)])
    weights, _ = nnls(rows, np.append(target / scale, nail), maxiter=50 * pool.shape[1])
    return np.asarray(weights / weights.sum())
