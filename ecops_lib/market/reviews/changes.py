"""Whether something has become more, or less, frequent in a row of reviews, and since when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.errors import ParameterError
from ecops_lib.market.reviews.lines import Flags, Floats
from ecops_lib.metrics.refunds import wilson_interval

FIRST = 14
"""Days of the shortest window that is held against the days before it."""
FEW = 10
"""Reviews on each side from which they are compared."""
HITS = 5
"""Hits in all from which a row is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The last days of a row against those before.

    Attributes:
        days: Length of the window that differs most surely [days].
        now: Hits in it.
        of_now: Reviews in it.
        before: Hits before it.
        of_before: Reviews before it.
        low: Lower end of the 95 % interval of the difference of the rates.
        high: Its upper end.
        p_more: Chance of so many more in one of the windows, had nothing changed.
        p_less: The same for fewer.
    """

    days: int
    now: int
    of_now: int
    before: int
    of_before: int
    low: float
    high: float
    p_more: float
    p_less: float

    @property
    def rate(self) -> float:
        """Share of hits in the window."""
        return self.now / self.of_now

    @property
    def usual(self) -> float:
        """Share of hits before it."""
        return self.before / self.of_before


def find_shift(ages: NDArray[np.int64], hits: Flags) -> Shift | None:
    """Hold the last 14, 28, 56 … days against all days before, by Fisher's exact test.

    The chances are the least of the windows' one-sided ones times their number (Bonferroni).
    As the test is conditional on the hits in all, leaving out rows with few of them costs
    nothing.

    Args:
        ages: Days from each review to the last day, 0 for that day.
        hits: Which of them have what is counted.

    Returns:
        The window that differs most surely; None with too few reviews or hits.

    Raises:
        ParameterError: The two are not equally long, or an age is negative.

    >>> ages = np.arange(400)[::-1]
    >>> shift = find_shift(ages, (ages % 10 == 0) | (ages < 28))
    >>> shift.days, round(shift.rate, 2), shift.p_more < 1e-9
    (28, 1.0, True)
    """
    from scipy.stats import hypergeom

    if len(ages) != len(hits) or (len(ages) and ages.min() < 0):
        raise ParameterError("ages must be days from 0, one for each of hits.")
    if hits.sum() < HITS:
        return None
    span, windows = int(ages.max()), []
    days = FIRST
    while days <= span:
        windows.append(days)
        days *= 2
    inside = [ages < days for days in windows]
    told = [(d, int(hits[w].sum()), int(w.sum())) for d, w in zip(windows, inside, strict=True)
            if FEW <= w.sum() <= len(ages) - FEW]  # fmt: skip
    if not told:
        return None
    total = int(hits.sum())
    now, of_now = (np.array([row[k] for row in told]) for k in (1, 2))
    more = hypergeom.sf(now - 1, len(ages), total, of_now)
    less = hypergeom.cdf(now, len(ages), total, of_now)
    best = int(np.argmin(np.minimum(more, less)))
    low, high = difference_interval(
        int(now[best]), int(of_now[best]), total - int(now[best]), len(ages) - int(of_now[best])
    )
    return Shift(
        days=told[best][0], now=int(now[best]), of_now=int(of_now[best]),
        before=total - int(now[best]), of_before=len(ages) - int(of_now[best]),
        low=low, high=high, p_more=min(1.0, float(more.min()) * len(told)),
        p_less=min(1.0, float(less.min()) * len(told)),
    )  # fmt: skip


def difference_interval(hits: int, trials: int, others: int, of_others: int) -> tuple[float, float]:
    """95 % interval of the first share less the second.

    Newcombe (1998), Statistics in Medicine 17, 873–890, method 10.

    >>> low, high = difference_interval(56, 70, 48, 80)
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    counts, sizes = np.array([hits, others]), np.array([trials, of_others])
    low, high = wilson_interval(counts, sizes)
    first, second = counts / sizes
    gap = first - second
    down = np.sqrt((first - low[0]) ** 2 + (high[1] - second) ** 2)
    up = np.sqrt((high[0] - first) ** 2 + (second - low[1]) ** 2)
    return float(gap - down), float(gap + up)


def find_since(ages: NDArray[np.int64], hits: Flags) -> int:
    """Age of the first review after the most likely single change of the rate (Hinkley 1970).

    Args:
        ages: Days from each review to the last day, falling.
        hits: Which of them have what is counted.

    >>> find_since(np.arange(100)[::-1], np.arange(100) >= 70)
    29
    """
    count, sums = len(hits), np.cumsum(hits).astype(float)
    cuts = np.arange(1, count)
    first, second = sums[:-1], sums[-1] - sums[:-1]
    level = _level(first, cuts.astype(float)) + _level(second, (count - cuts).astype(float))
    level[ages[1:] == ages[:-1]] = -np.inf  # a change falls between days
    return int(ages[int(np.argmax(level)) + 1])


def _level(hits: Floats, trials: Floats) -> Floats:
    """Log likelihood of a binomial at its own rate."""
    from scipy.special import xlogy

    rate = hits / trials
    held: Floats = xlogy(hits, rate) + xlogy(trials - hits, 1 - rate)
    return held
