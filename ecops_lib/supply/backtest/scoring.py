"""All scores of one method of forecasting over the folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from ecops_lib.supply.backtest import scores
from ecops_lib.supply.backtest.folds import Fold
from ecops_lib.supply.panel import Floats

LOW, HIGH = 0.1, 0.9
"""Levels between which four fifths should fall."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """All scores of one method; shares are fractions.

    Attributes:
        wape: Absolute error over units asked for.
        bias: Forecast less actual over units asked for; positive is too much.
        window_error: Absolute error of each window's sum over units asked for (|CFE| pooled).
        in_stock: Periods that a unit asked for would have lain in stock, on average
            (periods in stock over units); negative where units would have been missing.
        mase: Mean of the series' MASE, scaled by the seasonal naive error of the past.
        rmsse: Mean of the series' RMSSE.
        smape: Mean of the series' symmetric percentage error.
        pinball: Quantile loss over units asked for; NaN without quantiles.
        coverage: Share of periods between the quantiles 0.1 and 0.9; NaN without these.
        weights: What each score is a share or mean of, by its name, so that boards of parts
            of a panel can be put together.
    """

    wape: float
    bias: float
    window_error: float
    in_stock: float
    mase: float
    rmsse: float
    smape: float
    pinball: float
    coverage: float
    weights: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class MethodScores:
    """One method on the board.

    Attributes:
        name: What it is called.
        by_units: Every unit, and every series, counts the same.
        by_value: Each series weighs what its units are worth; None where that is not told.
        rmsse_each: RMSSE of each series, mean of its windows (series of the last fold).
        seconds: CPU time of all folds [seconds].
    """

    name: str
    by_units: Scores
    by_value: Scores | None
    rmsse_each: Floats
    seconds: float


def score_method(
    name: str,
    *,
    folds: Sequence[Fold],
    mean: Floats,
    levels: Sequence[float],
    quantiles: Floats,
    worth: Floats | None = None,
    seconds: float = nan,
) -> MethodScores:
    """Score one method on all folds.

    Args:
        name: What the method is called.
        folds: The folds, in the order of the rows of ``mean``.
        mean: Forecasts of all folds, one below the other (rows, horizon).
        levels: Levels of the quantiles; may be empty.
        quantiles: (levels, rows, horizon).
        worth: What a unit of each series of the whole panel is worth (series,).
        seconds: CPU time that the method took.

    Raises:
        ParameterError: A forecast is missing where the truth is known.
    """
    actual = np.concatenate([fold.actual for fold in folds])
    rows = np.concatenate([fold.rows for fold in folds])
    seasonal, squared = (
        np.concatenate([scale(fold) for fold in folds]) for scale in (_seasonal, _squared)
    )
    each = {
        "mase": scores.mase(actual, mean, scale=seasonal),
        "rmsse": scores.rmsse(actual, mean, scale=squared),
        "smape": scores.smape(actual, mean),
    }
    held = {"actual": actual, "mean": mean, "quantiles": quantiles}
    by_value = None
    if worth is not None:
        sold = np.concatenate([np.nansum(fold.past.values, axis=1) for fold in folds])
        by_value = _scores(**held, levels=levels, each=each, worth=worth[rows], sold=sold)
    return MethodScores(
        name=name,
        by_units=_scores(**held, levels=levels, each=each),
        by_value=by_value,
        rmsse_each=_by_series(each["rmsse"], rows),
        seconds=seconds,
    )


def _seasonal(fold: Fold) -> Floats:
    """Denominator of MASE: the seasonal naive error of the past, or the naive one of a short."""
    short = fold.past.periods <= fold.past.season
    return scores.absolute_scale(fold.past.values, season=1 if short else fold.past.season)


def _squared(fold: Fold) -> Floats:
    return scores.squared_scale(fold.past.values)


def _scores(
    *,
    actual: Floats,
    mean: Floats,
    quantiles: Floats,
    levels: Sequence[float],
    each: dict[str, Floats],
    worth: Floats | None = None,
    sold: Floats | None = None,
) -> Scores:
    weights = None if worth is None or sold is None else worth * sold
    window = np.abs(scores.cumulative_error(actual, mean)[:, -1:])
    lying = scores.periods_in_stock(actual, mean)[:, None]
    return Scores(
        wape=scores.wape(actual, mean, weights=worth),
        bias=scores.bias(actual, mean, weights=worth),
        window_error=_over_sums(window, actual, worth),
        in_stock=_over_sums(lying, actual, worth),
        mase=scores.mean_score(each["mase"], weights=weights),
        rmsse=scores.mean_score(each["rmsse"], weights=weights),
        smape=scores.mean_score(each["smape"], weights=weights),
        pinball=_pinball(actual, quantiles, levels, worth),
        coverage=_covered(actual, quantiles, levels, worth),
        weights=_weights(actual, each, worth, weights),
    )


def _weights(
    actual: Floats, each: Mapping[str, Floats], worth: Floats | None, weights: Floats | None
) -> dict[str, float]:
    """The denominator of each score."""
    held = np.ones(len(actual)) if worth is None else np.nan_to_num(worth)
    known = ~np.isnan(actual)
    units = float((np.where(known, actual, 0) * held[:, None]).sum())
    rows = np.ones(len(actual)) if weights is None else np.nan_to_num(weights)
    pooled = dict.fromkeys(("wape", "bias", "window_error", "in_stock", "pinball"), units)
    means = {name: float(rows[~np.isnan(score)].sum()) for name, score in each.items()}
    return {**pooled, **means, "coverage": float((known * held[:, None]).sum())}


def _over_sums(sums: Floats, actual: Floats, worth: Floats | None) -> float:
    """A figure a row over the units asked for, both weighted."""
    held = np.ones(len(actual)) if worth is None else worth
    known = ~np.isnan(sums[:, 0] * held)
    total = (np.nansum(actual, axis=1) * held)[known].sum()
    return float((sums[:, 0] * held)[known].sum() / total) if total > 0 else nan


def _pinball(
    actual: Floats, quantiles: Floats, levels: Sequence[float], worth: Floats | None
) -> float:
    if not levels:
        return nan
    each = scores.pinball(actual, quantiles, levels=levels) * (~np.isnan(actual)).sum(axis=1)
    return _over_sums(each[:, None], actual, worth)


def _covered(
    actual: Floats, quantiles: Floats, levels: Sequence[float], worth: Floats | None
) -> float:
    ends = [np.flatnonzero(np.isclose(levels, level)) for level in (LOW, HIGH)]
    if not all(len(end) for end in ends):
        return nan
    low, high = (quantiles[end[0]] for end in ends)
    return scores.coverage(actual, low, high, weights=worth)


def _by_series(each: Floats, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Floats:
    known = ~np.isnan(each)
    total = np.bincount(rows[known], each[known], minlength=int(rows.max()) + 1)
    count = np.bincount(rows[known], minlength=len(total))
    return np.asarray(np.divide(total, count, out=np.full(len(total), nan), where=count > 0))
