"""Means of days that hang together, and the day on which a level moved.

* Mean: equal-weighted cosines. The long-run variance is the mean of B squared cosine
  transforms of the series, and the t statistic has B degrees of freedom (Lazarus, Lewis, Stock
  & Watson 2018, Journal of Business & Economic Statistics 36, 541-559, with their B = 0.4 T^(2/3)).
  In spans of a few weeks that is too narrow where days hang together strongly, so it is widened
  by what simulated series of the same length and dependence ask for.
* Break: the self-normalised statistic of Shao & Zhang (2010, JASA 105, 1228-1240, eq. 4), which
  needs no bandwidth. Its chance is read off simulated series without a break, since the limit's
  own table rejects too often in short series that hang together strongly.

Dependence is that of a first-order autoregression: the coefficient left when the mean (or the best
step) is taken out, mapped to the true one by the same simulation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ALPHA = 0.05
COSINES = 0.4
EDGE = 14
"""Days on either side of a break that must be seen."""
SHORTEST = 8
"""Days without which a mean has no interval."""
RHOS = (0.0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.85, 0.9, 0.94, 0.97, 0.99)
"""Dependence from one day to the next that chance is simulated for."""
PATHS, WARM, TAIL = 999, 200, 100
"""Series simulated at each, days before each begins to count, and the highest tenth."""
SEED = 20100
ROUND = 7
"""Days that lengths of means are rounded down to for the simulation, those of breaks to 14."""


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean with its 95 % limits and the chance of so unlike zero a one; NaN where too short."""

    value: float
    low: float
    high: float
    p: float


def mean_of_days(values: Floats) -> Mean:
    """The mean of a daily series that hangs together from day to day.

    Args:
        values: One value a day in order; missing days are left out.

    >>> mean = mean_of_days(np.array([0.1, 0.3, 0.2, 0.1, 0.3, 0.2, 0.1, 0.3, 0.2, 0.2]))
    >>> round(mean.value, 3), mean.low < 0.2 < mean.high
    (0.2, True)
    """
    from scipy import stats

    held = values[np.isfinite(values)]
    if len(held) < SHORTEST:
        return Mean(value=math.nan, low=math.nan, high=math.nan, p=math.nan)
    value, degrees = float(held.mean()), cosines_of(len(held))
    error = math.sqrt(long_run_variance(held, degrees) / len(held))
    error *= _widening(_dependence(held, 0), len(held))
    far = float(stats.t.ppf(1 - ALPHA / 2, degrees)) * error
    p = float(2 * stats.t.sf(abs(value) / error, degrees)) if error > 0 else float(value == 0)
    return Mean(value=value, low=value - far, high=value + far, p=p)


def cosines_of(days: int) -> int:
    """How many cosines the variance of so many days rests on."""
    return max(2, math.floor(COSINES * math.pow(days, 2 / 3)))


def long_run_variance(values: Floats, cosines: int) -> float:
    """Variance of the mean times the number of days, from the first cosines.

    >>> long_run_variance(np.ones(10), 3) < 1e-12
    True
    """
    return float(((_waves(len(values), cosines) @ values) ** 2).mean())


def _waves(days: int, cosines: int) -> Floats:
    """The cosines, one a row, each of length one."""
    places = (np.arange(1, days + 1) - 0.5) / days
    waves: Floats = math.sqrt(2 / days) * np.cos(
        math.pi * np.outer(np.arange(1, cosines + 1), places)
    )
    return waves


def _widening(dependence: float, days: int) -> float:
    """How many times wider than its t distribution says an interval must be."""
    known, wider = _null_mean(max(days - days % ROUND, SHORTEST))
    return float(np.interp(dependence, known, wider))


@cache
def _null_mean(days: int) -> tuple[Floats, Floats]:
    """The dependence left in series of mean zero at each true one, and the widening it asks for."""
    from scipy import stats

    degrees = cosines_of(days)
    waves, left, wider = _waves(days, degrees), [], []
    for paths in _paths(days):
        variance = ((paths @ waves.T) ** 2).mean(axis=1)
        score = np.abs(paths.mean(axis=1)) / np.sqrt(variance / days)
        left.append(float(np.median([_dependence(path, 0) for path in paths])))
        limit = float(np.quantile(score, 1 - ALPHA))
        wider.append(max(limit / float(stats.t.ppf(1 - ALPHA / 2, degrees)), 1.0))
    return np.maximum.accumulate(left), np.maximum.accumulate(wider)


def _paths(days: int) -> Iterator[Floats]:
    """Series without mean or break, one a row, at each dependence."""
    from scipy.signal import lfilter

    noise = np.random.default_rng(SEED).normal(size=(PATHS, days + WARM))
    for rho in RHOS:
        yield lfilter([1.0], [1.0, -rho], noise, axis=1)[:, WARM:]


@dataclass(frozen=True, kw_only=True)
class Break:
    """The likeliest day of a moved level.

    Attributes:
        at: Place of the first value of the new level among those given.
        size: New level less old one.
        low: Lower 95 % limit.
        high: Upper limit.
        p: Chance of as clear a break in a series without one.
        drift: Whether a straight line explains the series better than a step.
    """

    at: int
    size: float
    low: float
    high: float
    p: float
    drift: bool


def find_break(values: Floats) -> Break | None:
    """The day on which a series' level moved, and the chance that it did not.

    Args:
        values: One value a day in order; missing days are left out (and ``at`` counts those
            given).

    Returns:
        The break; None where fewer than four times 14 days have a value, or none differs.
    """
    places = np.flatnonzero(np.isfinite(values))
    held = values[places]
    if len(held) < 4 * EDGE or not np.ptp(held) > 0:
        return None
    statistic, at = (float(part[0]) for part in _statistic(held[None, :]))
    k = int(at)
    before, after = mean_of_days(held[:k]), mean_of_days(held[k:])
    far = math.hypot(before.high - before.value, after.high - after.value)
    size = after.value - before.value
    return Break(
        at=int(places[k]), size=size, low=size - far, high=size + far,
        p=_chance(statistic, _dependence(held, k), len(held)), drift=_drifts(held, k),
    )  # fmt: skip


def _statistic(x: Floats) -> tuple[Floats, Floats]:
    """The largest self-normalised contrast of each row, and the place of its second part."""
    count, days = x.shape
    sums = np.hstack([np.zeros((count, 1)), x.cumsum(axis=1)])
    whole, step = sums[:, -1], np.arange(days + 1)
    best, at = np.full(count, -1.0), np.zeros(count)
    for k in range(EDGE, days - EDGE + 1):
        contrast = (sums[:, k] - k / days * whole) / math.sqrt(days)
        left = sums[:, 1 : k + 1] - step[1 : k + 1] / k * sums[:, [k]]
        rest = whole[:, None] - sums[:, k:days]
        right = rest - (days - step[k:days]) / (days - k) * rest[:, [0]]
        noise = ((left**2).sum(axis=1) + (right**2).sum(axis=1)) / days**2
        value = np.divide(contrast**2, noise, out=np.zeros(count), where=noise > 0)
        better = value > best
        best[better], at[better] = value[better], k
    return best, at


def _dependence(x: Floats, k: int) -> float:
    """How a day hangs on the one before it, around the two levels (one, where k is 0)."""
    rest = np.concatenate([part - part.mean() for part in (x[:k], x[k:]) if len(part)])
    size = float(rest @ rest)
    return float(rest[1:] @ rest[:-1]) / size if size > 0 else 0.0


def _drifts(x: Floats, k: int) -> bool:
    """Whether a line leaves less unexplained than the step."""
    days = np.arange(len(x)) - (len(x) - 1) / 2
    line = x - x.mean() - (days @ x) / (days @ days) * days
    step = np.concatenate([x[:k] - x[:k].mean(), x[k:] - x[k:].mean()])
    return bool(line @ line < step @ step)


def _chance(statistic: float, dependence: float, days: int) -> float:
    """Chance of as large a statistic in a series without a break, of that dependence.

    Beyond the highest tenth the root of the statistic is taken to fall off exponentially.
    """
    known, drawn = _null(days - days % EDGE)
    place = np.interp(dependence, known, np.arange(len(known)))
    top = drawn[:, -TAIL:]
    edge = np.sqrt(top[:, :1])
    over = np.exp((edge[:, 0] - math.sqrt(statistic)) / (np.sqrt(top) - edge).mean(axis=1))
    body = (1 + (drawn >= statistic).sum(axis=1)) / (1 + PATHS)
    shares = np.where(statistic > top[:, 0], TAIL / (1 + PATHS) * over, body)
    return float(np.interp(place, np.arange(len(shares)), shares))


@cache
def _null(days: int) -> tuple[Floats, Floats]:
    """What series without a break show: the dependence left at each true one, and statistics."""
    left, drawn = [], []
    for paths in _paths(days):
        statistic, at = _statistic(paths)
        found = [_dependence(path, int(k)) for path, k in zip(paths, at, strict=True)]
        left.append(float(np.median(found)))
        drawn.append(np.sort(statistic))
    return np.maximum.accumulate(left), np.array(drawn)
