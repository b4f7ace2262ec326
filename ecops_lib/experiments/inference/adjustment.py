"""Linearised outcomes and their adjustment for what was known before the test.

A covariate that no variant can have changed takes out the part of the spread that it
explains. All is arithmetic on the moments: θ by regression, then y − θᵀx.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ecops_lib.core.checks import require_choice
from ecops_lib.experiments.inference.relative import Pair
from ecops_lib.experiments.moments import Moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Theta = Literal["all", "within", "each"]
"""Which units θ is estimated on: all units put together (CUPED), within the groups (one
slope, ANCOVA I), or one slope per group (Lin's interacted regression)."""

Base = Literal["observed", "adjusted"]
"""What a relative effect is divided by: the control's plain mean, or its mean adjusted
to the covariates of all units."""

Column = str | tuple[str, str]
"""A column of the moments, or two of them of which the ratio is meant."""


LEAST_UNITS = 20
"""Units of both groups together that each column needs for a slope to be estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One group's outcome and covariates, ratios linearised around the group's own.

    Attributes:
        n: Units.
        mean: Values of the outcome and the covariates, shape (1 + covariates,).
        cov: Covariances of one unit's linearised values, of the same order squared.
    """

    n: int
    mean: Floats
    cov: Floats


def linearise(moments: Moments, columns: Sequence[Column]) -> Lines:
    """Values and covariances of columns and ratios of columns.

    A ratio R = ȳ ÷ d̄ has the variance of the mean of (y − R d) ÷ d̄ (delta method).

    References:
        Deng, Knoblich and Lu (2018), KDD, eq. 3.

    >>> group = Moments.of_values(["paid", "orders"], [[10, 1], [0, 0], [30, 2]])
    >>> linearise(group, [("paid", "orders")]).mean.round(4).tolist()
    [13.3333]
    """
    plain = [column for column in columns if isinstance(column, str)]
    if len(plain) == len(columns):
        places = [moments.place(column) for column in plain]
        cov = moments.cov[places][:, places]
        return Lines(n=moments.n, mean=moments.mean[places], cov=cov)
    weights = np.zeros((len(columns), len(moments.columns)))
    mean = np.empty(len(columns))
    for row, column in enumerate(columns):
        mean[row] = _linear_weights(moments, column, weights[row])
    used = np.flatnonzero(weights.any(axis=0))
    taken = weights[:, used]
    return Lines(n=moments.n, mean=mean, cov=taken @ moments.cov[used][:, used] @ taken.T)


def _linear_weights(moments: Moments, column: Column, weights: Floats) -> float:
    """Fill in one row of weights; the value of the column, or of the ratio."""
    if isinstance(column, str):
        place = moments.place(column)
        weights[place] = 1.0
        return float(moments.mean[place])
    above, below = (moments.place(name) for name in column)
    scale = float(moments.mean[below]) or math.nan
    ratio = float(moments.mean[above]) / scale
    weights[above] += 1 / scale
    weights[below] -= ratio / scale
    return ratio


def estimate_theta(
    control: Moments, treatment: Moments, columns: Sequence[Column], *, theta: Theta = "all"
) -> Floats:
    """Slopes of the outcome on the covariates.

    Args:
        control: Moments of the control group.
        treatment: Moments of the treatment group.
        columns: The outcome first, then the covariates.
        theta: Which units the slopes are estimated on. "each" gives the one θ which
            stands for both groups' slopes, (n_c θ_t + n_t θ_c) ÷ (n_c + n_t): with it
            y − θᵀx has the same difference as the regression with interactions.

    Returns:
        θ, shape (covariates,); 0 for a covariate that never varies.

    References:
        Deng, Xu, Kohavi and Walker (2013), WSDM, eq. 4; Lin (2013), Annals of Applied
        Statistics 7, 295-318.
    """
    require_choice(theta, Theta, name="theta")
    if theta == "all":
        return _slopes(linearise(control + treatment, columns).cov)
    first, second = linearise(control, columns), linearise(treatment, columns)
    if theta == "within":
        return _slopes(first.cov * (first.n - 1) + second.cov * (second.n - 1))
    total = first.n + second.n
    return (_slopes(second.cov) * first.n + _slopes(first.cov) * second.n) / total


def _slopes(cov: Floats) -> Floats:
    """Least squares on a covariance matrix whose first column is the outcome."""
    spread, joint = cov[1:, 1:], cov[1:, 0]
    if len(joint) == 1:
        return np.where(spread[0] > 0, joint / np.where(spread[0] > 0, spread[0], 1.0), 0.0)
    if not np.isfinite(cov).all():
        return np.full(len(joint), np.nan)
    scale = np.sqrt(np.diag(spread))
    scale = np.where(scale > 0, scale, 1.0)
    within = np.linalg.pinv(spread / np.outer(scale, scale), rcond=1e-10, hermitian=True)
    return np.asarray(within @ (joint / scale) / scale, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """Two groups' estimates once the covariates are taken into account.

    Attributes:
        pair: The estimates, for the relative effect.
        variances: Variance of the mean of y − θᵀx in each group, control first.
        sizes: Units of each group.
        theta: The slopes; empty where there was no covariate, or too few units.
        explained: Share of each group's variance that the covariates took out.
    """

    pair: Pair
    variances: tuple[float, float]
    sizes: tuple[int, int]
    theta: Floats
    explained: tuple[float, float]


def adjust(
    control: Moments,
    treatment: Moments,
    *,
    columns: Sequence[Column],
    theta: Theta = "all",
    base: Base = "observed",
) -> Adjusted:
    """Estimates of two groups, adjusted for covariates.

    Args:
        control: Moments of the control group.
        treatment: Moments of the treatment group.
        columns: The outcome first, then the covariates; a pair of names is a ratio.
        theta: Which units the slopes are estimated on.
        base: With "observed" the control is its plain mean and the treatment what it
            would have had with the control's covariates; the covariance of the two is
            taken into account. With "adjusted" both are moved to the covariates' mean
            over all units, which is taken as given.

    Returns:
        The estimates with their variances; not adjusted where both groups together have
        fewer than 20 units for each column, as slopes would then fit chance.
    """
    require_choice(base, Base, name="base")
    require_choice(theta, Theta, name="theta")
    if control.n + treatment.n < LEAST_UNITS * len(columns):
        columns = columns[:1]
    first, second = linearise(control, columns), linearise(treatment, columns)
    slopes = (
        estimate_theta(control, treatment, columns, theta=theta)
        if len(columns) > 1
        else np.empty(0)
    )
    weights = np.concatenate(([1.0], -slopes))
    spreads = [float(weights @ each.cov @ weights) for each in (first, second)]
    variances = (_over(spreads[0], first.n), _over(spreads[1], second.n))
    if base == "adjusted" and len(slopes):
        pair = _moved_pair(control + treatment, columns, (first, second), weights, variances)
    else:
        pair = _observed_pair(first, second, weights, variances)
    return Adjusted(
        pair=pair,
        variances=variances,
        sizes=(first.n, second.n),
        theta=slopes,
        explained=(_share(spreads[0], first), _share(spreads[1], second)),
    )


def _over(variance: float, n: int) -> float:
    return variance / n if n else math.nan


def _share(left: float, lines: Lines) -> float:
    whole = float(lines.cov[0, 0])
    return 1 - left / whole if whole > 0 else math.nan


def _observed_pair(
    first: Lines, second: Lines, weights: Floats, variances: tuple[float, float]
) -> Pair:
    """The control's plain mean, and that mean plus the adjusted difference."""
    plain = float(first.mean[0])
    difference = float(weights @ (second.mean - first.mean))
    var_plain = _over(float(first.cov[0, 0]), first.n)
    if len(weights) == 1:
        return Pair(
            control=plain,
            treatment=float(second.mean[0]),
            var_control=var_plain,
            var_treatment=variances[1],
        )
    shared = _over(float(first.cov[0] @ weights), first.n)
    return Pair(
        control=plain,
        treatment=plain + difference,
        var_control=var_plain,
        var_treatment=sum(variances) + var_plain - 2 * shared,
        covariance=var_plain - shared,
        raw_ratio=float(second.mean[0]) / plain if plain > 0 else math.nan,
    )


def _moved_pair(
    whole: Moments,
    columns: Sequence[Column],
    lines: tuple[Lines, Lines],
    weights: Floats,
    variances: tuple[float, float],
) -> Pair:
    """Both means, moved to the covariates' mean over all units."""
    shift = float(weights[1:] @ linearise(whole, columns).mean[1:])
    return Pair(
        control=float(weights @ lines[0].mean) - shift,
        treatment=float(weights @ lines[1].mean) - shift,
        var_control=variances[0],
        var_treatment=variances[1],
    )
