"""What a day should have brought, from the days before it alone.

Every KPI is put on the scale r = log((x / level + 0.1) / 1.1): relative, so that shops
of all sizes look alike, and bounded below, so that a day without sales stays finite.
On it, a day is level + weekday + kind of day + noise, each estimated from earlier rows:

* level and weekday profile: exponentially weighted means of earlier days, outliers
  clipped at 2.5 robust standard deviations (Gelper, Fried & Croux 2010, Journal of
  Forecasting 29, 285-300, eqs. 10-12), fitted in turns (backfitting);
* days of a known kind (a festival's burst, a public holiday, a campaign) are kept out
  of both. Their effect is the mean of the earlier days of that kind shrunk towards
  none, with an interval that is wide until such days have been seen;
* noise: its size above and below is estimated apart, since a big order lifts a day
  further than anything lowers one; whole counts have at least Poisson's noise;
* days without any: where a fifth of a series' days or more bring nothing (closed weekdays
  aside), level, profile and noise are those of the days that bring something, and a day
  without any is an event of its own chance (Aitchison 1955, JASA 50, 901-908). So a
  sale of a tenth of the usual is seen, which lies between nothing and the usual. A day
  without any scores by the chance of as many in a row, and adds nothing to a sum;
* evidence: a fall of several days shows in their sum before it shows in any of them, so
  the evidence of a day is the strongest of |z| and of the standardised sums of the last
  2, 3 and 4 scores, each clipped at 2 so that no single day makes a run;
* p: where a day's evidence falls among the last 180; beyond the highest tenth, an
  exponential tail whose mean excess is itself uncertain: P = .1 (1 + x / (m b))^-m
  with m excesses of mean b (Lomax, the predictive distribution of the exponential).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = npt.NDArray[np.float64]

WARM_UP = 40
"""Rows before the first judgement: about six weeks."""

OFFSET = 0.1
CLOSED = 0.01
"""Share of the level below which a weekday is taken as one on which the shop is closed."""
EMPTY, EMPTY_RATE, SEEN = 0.2, 0.015, 20
"""Share of days without any from which they are judged apart, its rate of learning, and the
days with some that this takes."""
LEVEL_RATE, WEEKDAY_RATE, SCALE_RATE = 0.1, 0.1, 0.015
CLIP = 2.5
ROUNDS = 3
LEAST_SCALE = 0.15
SPECIAL_SCALE = float(np.log(3))
"""Prior standard deviation of a special day's effect: tripling a day is no wonder."""
RUN, RUN_CLIP = 4, 2.0
"""Days that are summed at most, and the most that one of them counts for."""
REPEAT, QUIET = 0.7, 3
"""What a day's evidence counts for as an alarm when it is no stronger than that of one
of the three days before, in the same direction."""
WINDOW, TAIL = 180, 18
"""Earlier scores that a p-value rests on, and how many of them make the tail."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expectation:
    """What each day of each series should have been, rows × series; NaN where not judged.

    Attributes:
        expected: Middle of what was to be expected (a median), in the series' unit.
        low: Lower end of the interval.
        high: Upper end of the interval.
        z: Robust standard score of what came.
        days: Days that the evidence rests on: 1, or up to 4 for a run of days.
        p: Two-sided p-value of the evidence.
        alarm: The evidence in standard deviations, negative for a fall, with repeats
            counting for less: its size is the order in which to ring.
        empty: Share of days that bring nothing where a fifth or more do, else 0. Above 0,
            ``expected``, ``low`` and ``high`` are those of a day that brings something.
    """

    expected: Floats
    low: Floats
    high: Floats
    z: Floats
    days: Floats
    p: Floats
    alarm: Floats
    empty: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """How far each day was from its expectation, and what lay around it."""

    level: Floats
    centre: Floats
    below: Floats
    above: Floats
    z: Floats
    closed: npt.NDArray[np.bool_]

    def value(self, by: Floats | float) -> Floats:
        """The value that lies so far, on the relative scale, from the expectation."""
        return _absolute(self.centre + by, self.level)


def expect_values(
    values: Floats,
    *,
    weekdays: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.str_],
    alpha: float,
    since: int = 0,
) -> Expectation:
    """Expect each row from the rows before it.

    Args:
        values: Rows (days, in order) × series; NaN for days without a value, values
            below zero count as zero.
        weekdays: Weekday of each row.
        kinds: Kind of each row's day; empty for ordinary days.
        alpha: Share of ordinary days outside the interval, under 0.1.
        since: First row whose interval and p-value are wanted.
    """
    held, plain = np.maximum(values, 0.0), (kinds == "")[:, None]
    view = _view(held, weekdays, kinds)
    empty = _empty_share(np.where(plain & ~view.closed, held, np.nan))
    if empty.any():
        view, empty = _part(view, held, empty, weekdays, kinds)
    z, idle = view.z, (empty > 0) & (held == 0)
    counted = plain & np.isfinite(z) & ~view.closed
    evidence, days = _evidence(z, idle)
    limit = _tail(z, counted, alpha, since)[1]
    ends = [view.value(by) for by in (0.0, -limit * view.below, limit * view.above)]
    for end in ends:
        end[:WARM_UP] = np.nan
    return Expectation(
        expected=ends[0],
        low=ends[1],
        high=ends[2],
        z=z,
        days=days,
        p=_tail(evidence, counted, alpha, since)[0],
        alarm=_alarms(evidence),
        empty=empty,
    )


def _view(held: Floats, weekdays: npt.NDArray[np.int64], kinds: npt.NDArray[np.str_]) -> _View:
    plain = (kinds == "")[:, None]
    level, profile = _fit(np.where(plain, held, np.nan), weekdays)
    noise = _relative(held, level) - profile
    effect, doubt = _special(noise, kinds)
    below, above = _scales(np.where(plain, noise, np.nan), _counting(held, level), doubt)
    error = noise - effect
    z = error / np.where(error > 0, above, below)
    z[:WARM_UP] = np.nan
    closed = _absolute(profile, level) < CLOSED * level
    centre = profile + effect
    return _View(level=level, centre=centre, below=below, above=above, z=z, closed=closed)


def _empty_share(held: Floats) -> Floats:
    """Share of the days before each that brought nothing; 0 where too few did."""
    share = _weighted_mean(np.where(np.isfinite(held), held == 0, np.nan), EMPTY_RATE)
    enough = _before(np.cumsum(held > 0, axis=0).astype(float)) >= SEEN
    enough[:WARM_UP] = False
    return np.where(enough & (share >= EMPTY), np.minimum(share, 1 - EMPTY_RATE), 0.0)


def _part(
    whole: _View,
    held: Floats,
    empty: Floats,
    weekdays: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.str_],
) -> tuple[_View, Floats]:
    """Days with some and days without judged apart, where so many days are empty.

    Returns:
        The view, and the share of empty days; both unchanged where it is 0.
    """
    some = _view(np.where(held == 0, np.nan, held), weekdays, kinds)
    apart = (empty > 0) & ~whole.closed & np.isfinite(some.level) & np.isfinite(some.below)
    scores = np.where(held == 0, _silence(held == 0, empty), some.z)
    level, centre, below, above, z = (
        np.where(apart, one, other)
        for one, other in (
            (some.level, whole.level),
            (some.centre, whole.centre),
            (some.below, whole.below),
            (some.above, whole.above),
            (scores, whole.z),
        )
    )
    view = _View(level=level, centre=centre, below=below, above=above, z=z, closed=whole.closed)
    return view, np.where(apart, empty, 0.0)


def _silence(idle: npt.NDArray[np.bool_], share: Floats) -> Floats:
    """Score of an idle day: the chance of as many in a row, by the share before it."""
    from scipy.special import ndtri

    rows = np.arange(1, len(idle) + 1)[:, None]
    streak = rows - np.maximum.accumulate(np.where(idle, 0, rows), axis=0)
    score: Floats = ndtri(np.clip(share ** np.maximum(streak, 1), 1e-12, 0.5))
    return score


def _fit(values: Floats, weekdays: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Level (in the series' unit) and weekday profile (relative) of each row, in turns."""
    level = _first_level(values)
    profile, scale = np.zeros_like(values), _robust_scale(_relative(values, level))
    for _ in range(ROUNDS):
        clipped = _clipped(_relative(values, level) - profile, scale)
        level = np.exp(_weighted_mean(np.log(level) + clipped, LEVEL_RATE))
        noise = _relative(values, level) - profile
        scale = _robust_scale(noise)
        profile = _profile(profile + _clipped(noise, scale), scale, weekdays)
    return level, profile


def _first_level(values: Floats) -> Floats:
    """Median of the last four weeks; their mean where most days are zero."""
    median, mean = _rolling(values, 28, "median"), _rolling(values, 56, "mean")
    found = np.where(median > 0.3 * mean, median, mean)
    return np.where(found > 0, found, np.nan)


def _profile(values: Floats, scale: Floats, weekdays: npt.NDArray[np.int64]) -> Floats:
    """Mean of the earlier days of a row's weekday, shrunk by how uncertain it is."""
    found = np.zeros_like(values)
    for weekday in np.unique(weekdays):
        rows = np.flatnonzero(weekdays == weekday)
        total, weight = _weighted_sums(values[rows], WEEKDAY_RATE)
        mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        doubt = scale[rows] ** 2 * WEEKDAY_RATE / np.maximum(weight, WEEKDAY_RATE)
        found[rows] = mean * mean**2 / (mean**2 + doubt)
    return found


def _special(noise: Floats, kinds: npt.NDArray[np.str_]) -> tuple[Floats, Floats]:
    """Effect of each row's kind of day, and the variance that it adds."""
    effect, doubt = np.zeros_like(noise), np.zeros_like(noise)
    for kind in np.unique(kinds[kinds != ""]):
        rows = np.flatnonzero(kinds == kind)
        seen = np.isfinite(noise[rows])
        total = _before(np.cumsum(np.where(seen, noise[rows], 0.0), axis=0))
        count = _before(np.cumsum(seen, axis=0).astype(float))
        effect[rows] = total / (count + 1)
        doubt[rows] = SPECIAL_SCALE**2 / (count + 1)
    return effect, doubt


def _scales(noise: Floats, least: Floats, doubt: Floats) -> tuple[Floats, Floats]:
    """Standard deviation of the noise below and above the expectation."""
    squares = np.minimum(np.abs(noise), 4 * _robust_scale(noise)) ** 2
    sides = (np.where(noise <= 0, squares, np.nan), np.where(noise > 0, squares, np.nan))
    whole = _weighted_mean(squares, SCALE_RATE)
    below, above = (_weighted_mean(side, SCALE_RATE) for side in sides)
    floor = np.maximum(LEAST_SCALE**2, least)
    return (
        np.sqrt(np.where(np.isfinite(below), below, whole) + floor + doubt),
        np.sqrt(np.where(np.isfinite(above), above, whole) + floor + doubt),
    )


def _counting(values: Floats, level: Floats) -> Floats:
    """Poisson's variance of a series that so far held whole numbers only, else 0."""
    fraction = np.isfinite(values) & (values != np.round(values))
    whole = ~np.logical_or.accumulate(fraction, axis=0)
    share = np.where(np.vstack([whole[:1], whole[:-1]]), 1.0, 0.0)
    return share / (np.maximum(level, 1.0) * (1 + OFFSET) ** 2)


def _evidence(z: Floats, idle: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The strongest of each score and the runs that end with it, and the days it rests on.

    Idle days add nothing to a run and end none: their own score tells of one already.
    """
    best, days = z.copy(), np.where(np.isfinite(z), 1.0, np.nan)
    part = total = np.clip(np.nan_to_num(np.where(idle, 0.0, z)), -RUN_CLIP, RUN_CLIP)
    for length in range(2, RUN + 1):
        part = _before(part)
        total = total + part
        run = total / np.sqrt(length)
        run[: WARM_UP + length] = np.nan
        run = run / np.maximum(np.sqrt(_weighted_mean(run**2, SCALE_RATE)), 1.0)
        stronger = ~idle & (np.abs(run) > np.abs(best))
        best, days = np.where(stronger, run, best), np.where(stronger, length, days)
    return best, days


def _alarms(evidence: Floats) -> Floats:
    """Evidence; less of it where a day before in the same direction was as strong."""
    alarm = np.where(np.isfinite(evidence), 0.0, np.nan)
    for side in (1.0, -1.0):
        size = np.maximum(np.nan_to_num(side * evidence), 0.0)
        before, moved = np.zeros_like(size), size
        for _ in range(QUIET):
            moved = _before(moved)
            before = np.maximum(before, moved)
        alarm += side * np.where(size > before, size, REPEAT * size)
    return alarm


def _tail(
    z: Floats, counted: npt.NDArray[np.bool_], alpha: float, since: int
) -> tuple[Floats, Floats]:
    """P-value of each score among the earlier counted ones, and the |z| whose p is alpha."""
    p, limit = np.full(z.shape, np.nan), np.full(z.shape, np.nan)
    for column in range(z.shape[1]):
        size, valid = np.abs(z[:, column]), counted[:, column]
        earlier: npt.NDArray[np.int64] = (np.cumsum(valid) - valid)[since:]
        scores, size = np.concatenate([_start_scores(), size[valid]]), size[since:]
        windows = np.lib.stride_tricks.sliding_window_view(scores, WINDOW)[earlier]
        top = np.partition(windows, WINDOW - TAIL - 1, axis=1)[:, WINDOW - TAIL - 1 :]
        edge = top[:, 0]
        spread = TAIL * np.maximum((top[:, 1:] - edge[:, None]).mean(axis=1), 1e-9)
        body = ((windows >= size[:, None]).sum(axis=1) + 0.5) / (WINDOW + 1)
        tail = TAIL / WINDOW * (1 + np.maximum(size - edge, 0) / spread) ** -TAIL
        found = np.where(size > edge, tail, body)
        p[since:, column] = np.where(np.isfinite(size), found, np.nan)
        limit[since:, column] = edge + spread * ((alpha * WINDOW / TAIL) ** (-1 / TAIL) - 1)
    return p, limit


@cache
def _start_scores() -> Floats:
    """Scores of the normal distribution, mixed, that stand in until there are real ones."""
    from scipy.special import ndtri

    places = (np.arange(1, WINDOW + 1) * (np.sqrt(5) - 1) / 2) % 1
    scores: Floats = ndtri(0.5 + places / 2)
    return scores


def _relative(values: Floats, level: Floats) -> Floats:
    found: Floats = np.log((values / level + OFFSET) / (1 + OFFSET))
    return found


def _absolute(relative: Floats, level: Floats) -> Floats:
    found: Floats = level * np.maximum((1 + OFFSET) * np.exp(relative) - OFFSET, 0.0)
    return found


def _clipped(noise: Floats, scale: Floats) -> Floats:
    return np.clip(noise, -CLIP * scale, CLIP * scale)


def _robust_scale(noise: Floats) -> Floats:
    """Standard deviation of the last 60 rows by the median of sizes; infinite without any."""
    return 1.4826 * np.nan_to_num(_rolling(np.abs(noise), 60, "median"), nan=np.inf) + 0.03


def _rolling(values: Floats, width: int, statistic: str) -> Floats:
    """A statistic of the rows before each row."""
    import pandas as pd

    rolled: pd.DataFrame = getattr(pd.DataFrame(values).rolling(width, min_periods=8), statistic)()
    return _before(rolled.to_numpy(), empty=np.nan)


def _weighted_mean(values: Floats, rate: float) -> Floats:
    """Exponentially weighted mean of the rows before each row."""
    total, weight = _weighted_sums(values, rate)
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)


def _weighted_sums(values: Floats, rate: float) -> tuple[Floats, Floats]:
    from scipy.signal import lfilter

    seen = np.isfinite(values)
    both = np.concatenate([np.where(seen, values, 0.0), seen], axis=1)
    sums = _before(lfilter([rate], [1.0, rate - 1.0], both, axis=0))
    return sums[:, : values.shape[1]], sums[:, values.shape[1] :]


def _before(values: Floats, *, empty: float = 0.0) -> Floats:
    """Each row moved one down, so that a row sees only those before it."""
    moved = np.full_like(values, empty)
    moved[1:] = values[:-1]
    return moved
