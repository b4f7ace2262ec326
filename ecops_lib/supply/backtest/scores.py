"""Scores of a forecast against what came: plain functions on arrays.

``actual`` is (series, periods ahead) in units, NaN where the truth is not known; such cells
count nowhere. ``forecast`` has the same shape. ``history`` is (series, past periods). An error
is *forecast less actual* for ``bias``, so that a positive bias overstocks. All shares are
fractions: 1.05 is 105 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats


def wape(actual: Floats, forecast: Floats, *, weights: Floats | None = None) -> float:
    """Absolute error over units asked for, pooled: the sum of |e| over the sum of actual.

    Args:
        actual: What came (series, periods).
        forecast: What was forecast (series, periods).
        weights: Worth of a unit of each series (series,), such as its price; 1 by default.

    Returns:
        A share; NaN where nothing was asked for.

    Raises:
        ParameterError: Shapes differ, or a forecast is missing where the truth is known.

    >>> import numpy as np
    >>> wape(np.array([[1.0, 3.0, np.nan]]), np.array([[2.0, 2.0, 9.0]]))
    0.5
    """
    errors = _errors(actual, forecast)
    return _over_actual(np.abs(errors), actual, weights)


def bias(actual: Floats, forecast: Floats, *, weights: Floats | None = None) -> float:
    """Forecast less actual over units asked for, pooled; positive is too much.

    Args:
        actual: What came (series, periods).
        forecast: What was forecast (series, periods).
        weights: Worth of a unit of each series (series,); 1 by default.

    Returns:
        A share; NaN where nothing was asked for.

    Raises:
        ParameterError: Shapes differ, or a forecast is missing where the truth is known.

    >>> import numpy as np
    >>> bias(np.array([[1.0, 3.0]]), np.array([[2.0, 3.0]]))
    0.25
    """
    return _over_actual(_errors(actual, forecast), actual, weights)


def absolute_scale(history: Floats, *, season: int = 1) -> Floats:
    """Mean |y(t) - y(t - season)| of the past, the denominator of MASE.

    Pairs with an unknown value are left out.

    Args:
        history: The past (series, periods).
        season: Periods between the two; 1 is the naive forecast's error.

    Returns:
        (series,); NaN where no pair is known or the past never moved.
    """
    return _known_scale(np.abs(_steps(history, season)))


def squared_scale(history: Floats) -> Floats:
    """Mean (y(t) - y(t - 1))² of the past, the denominator of RMSSE.

    M5 counts from the first sale on; a panel says so itself, with NaN before the launch.

    Args:
        history: The past (series, periods).

    Returns:
        (series,); NaN where no pair is known or the past never moved.
    """
    return _known_scale(_steps(history, 1) ** 2)


def mase(actual: Floats, forecast: Floats, *, scale: Floats) -> Floats:
    """Mean absolute scaled error of each series (Hyndman and Koehler 2006; M4).

    Args:
        actual: What came (series, periods).
        forecast: What was forecast (series, periods).
        scale: ``absolute_scale`` of the past before the forecast (series,).

    Returns:
        (series,); NaN without a known truth or scale.

    Raises:
        ParameterError: Shapes differ, or a forecast is missing where the truth is known.
    """
    return _row_mean(np.abs(_errors(actual, forecast))) / scale


def rmsse(actual: Floats, forecast: Floats, *, scale: Floats) -> Floats:
    """Root mean squared scaled error of each series (M5 accuracy, Makridakis et al. 2022).

    Args:
        actual: What came (series, periods).
        forecast: What was forecast (series, periods).
        scale: ``squared_scale`` of the past before the forecast (series,).

    Returns:
        (series,); NaN without a known truth or scale.

    Raises:
        ParameterError: Shapes differ, or a forecast is missing where the truth is known.
    """
    return np.asarray(np.sqrt(_row_mean(_errors(actual, forecast) ** 2) / scale))


def smape(actual: Floats, forecast: Floats) -> Floats:
    """Symmetric absolute percentage error of each series, mean of 2|e|/(|y| + |f|) (M4).

    Where both are zero the error is zero.

    Args:
        actual: What came (series, periods).
        forecast: What was forecast (series, periods).

    Returns:
        (series,) between 0 and 2; M4 prints it times 100.

    Raises:
        ParameterError: Shapes differ, or a forecast is missing where the truth is known.
    """
    errors = np.abs(_errors(actual, forecast))
    size = np.abs(actual) + np.abs(forecast)
    return _row_mean(np.divide(2 * errors, size, out=errors * 0.0, where=size > 0))


def pinball(actual: Floats, quantiles: Floats, *, levels: Sequence[float]) -> Floats:
    """Quantile loss of each series, mean over levels and periods [units].

    The loss of a level p is p·e where e = actual - quantile is positive, else (p - 1)·e
    (Koenker and Bassett 1978; M5 uncertainty before scaling).

    Args:
        actual: What came (series, periods).
        quantiles: Forecast quantiles (levels, series, periods).
        levels: Their levels, each between 0 and 1.

    Returns:
        (series,); NaN without a known truth.

    Raises:
        ParameterError: Shapes differ, or a level lies outside 0 to 1.
    """
    if len(levels) != len(quantiles):
        raise ParameterError(
            f"levels names {len(levels)} levels and quantiles holds {len(quantiles)}; "
            "give one level for each."
        )
    losses = np.zeros(len(actual))
    for level, quantile in zip(levels, quantiles, strict=True):
        require_between(level, 0, 1, name="levels", ends="open")
        short = -_errors(actual, quantile)
        losses += _row_mean(np.maximum(level * short, (level - 1) * short))
    return losses / max(len(levels), 1)


def coverage(actual: Floats, low: Floats, high: Floats, *, weights: Floats | None = None) -> float:
    """Share of the known cells from ``low`` to ``high``, both ends counted.

    Args:
        actual: What came (series, periods).
        low: Lower ends (series, periods).
        high: Upper ends (series, periods).
        weights: Weight of a cell of each series (series,); 1 by default.

    Returns:
        A share; NaN where no truth is known.

    Raises:
        ParameterError: Shapes differ, or an end is missing where the truth is known.
    """
    inside = (_errors(actual, low) <= 0) & (_errors(actual, high) >= 0)
    known = ~np.isnan(actual)
    held = np.ones(len(actual)) if weights is None else np.nan_to_num(weights)
    total = (known * held[:, None]).sum()
    return float((inside * held[:, None]).sum() / total) if total > 0 else float("nan")


def interval_score(actual: Floats, low: Floats, high: Floats, *, level: float) -> Floats:
    """Interval score of each series [units] (Gneiting and Raftery 2007, eq. 43; M4's MIS).

    The width, and 2/(1 - level) for each unit by which the truth lies outside.

    Args:
        actual: What came (series, periods).
        low: Lower ends (series, periods).
        high: Upper ends (series, periods).
        level: What the interval claims to cover, such as 0.8.

    Returns:
        (series,); NaN without a known truth.

    Raises:
        ParameterError: Shapes differ, an end is missing, or the level is not a share.
    """
    require_between(level, 0, 1, name="level", ends="open")
    below, above = _errors(actual, low), -_errors(actual, high)
    outside = np.maximum(below, 0) + np.maximum(above, 0)
    return _row_mean(high - low + 2 / (1 - level) * outside)


def cumulative_error(actual: Floats, forecast: Floats) -> Floats:
    """CFE of each series after each period: the sum of actual less forecast so far [units].

    Positive is too little forecast, negative is stock piling up (Wallström and Segerstedt
    2010, section 3). A period without a known truth adds nothing; a series without any has NaN.

    Args:
        actual: What came (series, periods).
        forecast: What was forecast (series, periods).

    Returns:
        (series, periods); the last column is the CFE.

    Raises:
        ParameterError: Shapes differ, or a forecast is missing where the truth is known.
    """
    errors = _errors(actual, forecast)
    told = ~np.isnan(errors).all(axis=1, keepdims=True)
    return np.asarray(np.where(told, np.nancumsum(-errors, axis=1), np.nan))


def periods_in_stock(actual: Floats, forecast: Floats) -> Floats:
    """PIS of each series: less the sum of the cumulative errors [unit-periods].

    How long the units forecast would have lain in a fictitious stock that receives the
    forecast and gives the demand; negative where they were missing (Wallström and
    Segerstedt 2010, section 3).

    Args:
        actual: What came (series, periods).
        forecast: What was forecast (series, periods).

    Returns:
        (series,); NaN without a known truth.

    Raises:
        ParameterError: Shapes differ, or a forecast is missing where the truth is known.

    >>> import numpy as np
    >>> periods_in_stock(np.zeros((1, 3)), np.ones((1, 3)))
    array([6.])
    """
    return np.asarray(-cumulative_error(actual, forecast).sum(axis=1))


def mean_score(scores: Floats, *, weights: Floats | None = None) -> float:
    """Mean of the series' scores, those without one left out; weighted where told.

    Args:
        scores: (series,).
        weights: Weight of each series (series,), such as its share of the turnover.

    Returns:
        NaN where no series has a score.
    """
    held = np.ones_like(scores) if weights is None else np.asarray(weights, dtype=float)
    known = ~np.isnan(scores) & ~np.isnan(held)
    total = held[known].sum()
    return float((scores[known] * held[known]).sum() / total) if total > 0 else float("nan")


def _errors(actual: Floats, forecast: Floats) -> Floats:
    """Forecast less actual, NaN where the truth is not known."""
    if actual.ndim != 2 or actual.shape != forecast.shape:
        raise ParameterError(
            f"the forecast has the shape {forecast.shape} and actual {actual.shape}; both must "
            "be (series, periods)."
        )
    missing = int((np.isnan(forecast) & ~np.isnan(actual)).sum())
    if missing:
        raise ParameterError(
            f"the forecast is missing in {missing} cells whose truth is known; forecast every "
            "series, or leave those without a forecast out."
        )
    return np.asarray(np.where(np.isnan(actual), np.nan, forecast - actual))


def _over_actual(errors: Floats, actual: Floats, weights: Floats | None) -> float:
    worth = np.ones((len(actual), 1)) if weights is None else np.asarray(weights)[:, None]
    counted = ~np.isnan(errors * worth)
    total = np.where(counted, actual * worth, 0).sum()
    return float(np.where(counted, errors * worth, 0).sum() / total) if total > 0 else float("nan")


def _steps(history: Floats, season: int) -> Floats:
    if season < 1:
        raise ParameterError(f"season is {season}; it must be at least 1 period.")
    return history[:, season:] - history[:, :-season]


def _known_scale(steps: Floats) -> Floats:
    scale = _row_mean(steps)
    return np.asarray(np.where(scale > 0, scale, np.nan))


def _row_mean(cells: Floats) -> Floats:
    """Mean of each row's known cells; NaN where there is none."""
    known = ~np.isnan(cells)
    count = known.sum(axis=1)
    total = np.where(known, cells, 0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(cells), np.nan), where=count > 0))
