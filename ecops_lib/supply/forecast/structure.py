"""One series taken apart: level, trend, rhythm and what drives it (structural model).

Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, chapter 2:
y = level + rhythm + drivers + noise, the level a random walk with drift, the rhythm a fixed
sum of sines, all estimated as states by the Kalman filter, so that unknown periods are passed
over. The variances are estimated by maximum likelihood and then taken as known.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

import numpy as np

from ecops_lib.supply.panel import Floats

HARMONICS: Mapping[int, int] = {7: 3, 52: 2, 12: 3}
"""Sines of a rhythm, by its length."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its standard error."""

    value: float
    error: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - 1.96 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + 1.96 * self.error

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves out zero, else 0."""
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Structure:
    """A series taken apart.

    Attributes:
        level: Smoothed level of each period (periods,) [units].
        trend: Drift of the level [units a period].
        rhythm: What each place of the rhythm adds, the first that of period 0 [units].
        rhythm_p: Chance of such a rhythm where there is none (Wald); NaN without one.
        drivers: What one unit of each driver adds [units].
        fitted: Level, rhythm and drivers together (periods,) [units].
        surprise: One-step errors over their standard deviation (periods,), NaN where unknown.
        leftover_p: Chance of such errors where nothing is left to explain (Ljung-Box).
        ahead: Expected units (horizon,).
        ahead_error: Their standard errors (horizon,).
        total: Expected units of the whole horizon, with the standard error of the sum.
        settled: Whether the search for the variances ended.
    """

    level: Floats
    trend: Estimate
    rhythm: tuple[Estimate, ...]
    rhythm_p: float
    drivers: Mapping[str, Estimate]
    fitted: Floats
    surprise: Floats
    leftover_p: float
    ahead: Floats
    ahead_error: Floats
    total: Estimate
    settled: bool


def take_apart(
    values: Floats, *, horizon: int, season: int, drivers: Mapping[str, Floats]
) -> Structure:
    """Fit the structural model to one series.

    Args:
        values: Units (periods,), NaN where unknown.
        horizon: Periods ahead.
        season: Length of the rhythm; 1 for none.
        drivers: Each (periods + horizon,), without gaps, not constant over the past.
    """
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    scale = float(np.nanstd(values)) or 1.0
    told = np.column_stack(list(drivers.values())) if drivers else None
    rhythm = [{"period": season, "harmonics": HARMONICS[season]}] if season > 1 else None
    model = UnobservedComponents(
        values / scale,
        level="local linear deterministic trend",
        freq_seasonal=rhythm,
        stochastic_freq_seasonal=[False] if rhythm else None,
        exog=None if told is None else told[: len(values)],
        mle_regression=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether the search ended is told in ``settled``
        fit = model.fit(disp=0, maxiter=200)
    ahead, error, total = _look_ahead(model, fit, told, horizon)
    return Structure(
        level=np.asarray(fit.level.smoothed) * scale,
        trend=_state(fit, fit.trend.offset, scale),
        rhythm=_rhythm(fit, season, scale),
        rhythm_p=_rhythm_p(fit, season),
        drivers={
            name: _state(fit, fit.regression_coefficients.offset + place, scale)
            for place, name in enumerate(drivers)
        },
        fitted=_fitted(model, fit) * scale,
        surprise=_surprise(fit, values),
        leftover_p=_leftover_p(fit, values, season),
        ahead=ahead * scale,
        ahead_error=error * scale,
        total=Estimate(value=total.value * scale, error=total.error * scale),
        settled=bool(fit.mle_retvals["converged"]),
    )


def _state(fit: Any, place: int, scale: float) -> Estimate:
    """A state as it stands at the end, all periods considered."""
    return Estimate(
        value=float(fit.smoothed_state[place, -1]) * scale,
        error=sqrt(max(float(fit.smoothed_state_cov[place, place, -1]), 0.0)) * scale,
    )


def _rhythm(fit: Any, season: int, scale: float) -> tuple[Estimate, ...]:
    if season == 1:
        return ()
    held = fit.freq_seasonal[0]
    periods = len(held.smoothed)
    by_place = sorted(range(periods - season, periods), key=lambda period: period % season)
    return tuple(
        Estimate(
            value=float(held.smoothed[period]) * scale,
            error=sqrt(max(float(held.smoothed_cov[period]), 0.0)) * scale,
        )
        for period in by_place
    )


def _rhythm_p(fit: Any, season: int) -> float:
    """Wald's test that all states of the rhythm are zero."""
    from scipy.special import chdtrc

    if season == 1:
        return nan
    first = fit.freq_seasonal[0].offset
    places = slice(first, first + 2 * HARMONICS[season])
    state = fit.smoothed_state[places, -1]
    spread = fit.smoothed_state_cov[places, places, -1]
    wald = float(state @ np.linalg.pinv(spread, hermitian=True) @ state)
    return float(chdtrc(len(state), wald))


def _design(model: Any, period: int) -> Floats:
    """Which states make up the units of a period."""
    design = np.atleast_3d(model.ssm["design"])
    return np.asarray(design[0, :, min(period, design.shape[2] - 1)])


def _fitted(model: Any, fit: Any) -> Floats:
    states = fit.smoothed_state
    return np.array([_design(model, t) @ states[:, t] for t in range(states.shape[1])])


def _surprise(fit: Any, values: Floats) -> Floats:
    burn = fit.loglikelihood_burn
    errors = np.asarray(fit.filter_results.standardized_forecasts_error[0])
    return np.where(np.isnan(values) | (np.arange(len(values)) < burn), nan, errors)


def _leftover_p(fit: Any, values: Floats, season: int) -> float:
    from statsmodels.stats.diagnostic import acorr_ljungbox

    left = _surprise(fit, values)
    left = left[~np.isnan(left)]
    lags = min(2 * season if season > 1 else 10, len(left) // 5)
    if lags < 1 or not left.std() > 0:
        return nan
    return float(acorr_ljungbox(left, lags=[lags])["lb_pvalue"].iloc[0])


def _look_ahead(
    model: Any, fit: Any, told: Floats | None, horizon: int
) -> tuple[Floats, Floats, Estimate]:
    """Mean and standard error of each period ahead, and of their sum.

    The covariance of the state with the sum so far is carried along, so that the error of
    the sum is exact given the variances.
    """
    move, noise = model.ssm["transition"], float(model.ssm["obs_cov"][0, 0])
    shock = model.ssm["selection"] @ model.ssm["state_cov"] @ model.ssm["selection"].T
    state, spread = fit.predicted_state[:, -1], fit.predicted_state_cov[:, :, -1]
    with_sum, of_sum = np.zeros(len(state)), 0.0
    mean, error = np.zeros(horizon), np.zeros(horizon)
    design = _design(model, fit.nobs - 1).copy()
    for step in range(horizon):
        if told is not None:
            first = fit.regression_coefficients.offset
            design[first : first + told.shape[1]] = told[fit.nobs + step]
        mean[step] = design @ state
        own = design @ spread @ design + noise
        of_sum += 2 * float(design @ with_sum) + own
        error[step] = sqrt(own)
        with_sum = move @ (with_sum + spread @ design)
        state, spread = move @ state, move @ spread @ move.T + shock
    return mean, error, Estimate(value=float(mean.sum()), error=sqrt(of_sum))
