"""Is a count beyond noise? One judge for buyers, orders, visitors and claims.

Every item (a product, a channel) is compared with its own past, not with its peers:
its count on a day is negative binomial around ``rate x exposure``. The exposure is
whatever should carry the count (the visitors of a product at the conversion that the
shop may expect that day, the orders that may still be claimed back), so that a busy
day, a weekday or a festival is not taken for news.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecops_lib.metrics.anomalies import adjust_p_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]

ALARM = 0.005
"""Share of days without news on which one section may raise a false alarm."""

LEAST = 5.0
"""Fewest units that must be expected for a fall, or seen for a rise, to be judged."""

WINDOWS = (1, 3, 7)
"""Lengths of the last days that are judged [days]: slow losses need more than one day."""

PRIOR = 0.5
"""Shape of Jeffreys' prior for a Poisson rate."""

NEWS = 0.05
"""Chance, shared by all items, below which one is not asked how the day went."""

CAP = 4.0
"""Residuals beyond so many standard deviations count no further towards the spread, so
that an incident of last month does not hide the one of today."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What each item was expected to do of late, and how odd it is what it did.

    Attributes:
        days: Length of the window that is oddest [days].
        seen: Counts in that window, one an item.
        expected: Counts expected in it from the item's own past.
        low: Lower end of the range that holds 95 % of such windows.
        high: Its upper end.
        extra: Squared coefficient of variation of the expectation, beyond Poisson's.
        p_fall: Chance of so low a count or a lower one, for the windows tried.
        p_rise: Chance of so high a count or a higher one, for the windows tried.
    """

    days: Numbers
    seen: Numbers
    expected: Numbers
    low: Numbers
    high: Numbers
    extra: Numbers
    p_fall: Numbers
    p_rise: Numbers

    @property
    def enough(self) -> Flags:
        """Which items have counts large enough to be judged."""
        import numpy as np

        enough: Flags = np.fmax(self.expected, self.seen) >= LEAST
        return enough

    @property
    def q(self) -> Numbers:
        """False-discovery rate over all items and both directions; NaN where too few."""
        import numpy as np

        both = np.minimum(2 * np.minimum(self.p_fall, self.p_rise), 1.0)
        return adjust(np.where(self.enough, both, np.nan))


def judge_counts(
    counts: Numbers,
    exposure: Numbers,
    *,
    windows: tuple[int, ...] = WINDOWS,
    doubt: Numbers | float = 0.0,
) -> Judged:
    """Compare the last days' counts with those expected from each item's own past.

    The past is what lies before the longest window. A window counts only where its last
    day, by itself, points the same way: what is over by today is no news.

    Args:
        counts: Counts, days x items, the last row today's; NaN where nothing is recorded.
        exposure: Exposure of the same cells.
        windows: Lengths of windows up to today to try [days]; the p-values are
            multiplied by their number (Bonferroni).
        doubt: Relative standard error that all exposures of a day share, one a day of
            the longest window (a forecast of the shop is unsure of a festival).

    Returns:
        Expectation, 95 % range and one-sided p-values an item; NaN for an item without
        a past or without a count today.

    The rate has a gamma posterior (Jeffreys' prior), so that the predictive count is
    negative binomial with the size of the posterior's shape; day-to-day spread beyond
    Poisson is a second gamma layer whose size is the method of moments' on the past.
    The layers are merged by adding their squared coefficients of variation. Where the
    exposures are in doubt, the other items tell how the day went: both are weighed by
    their precision, items that stand out at a first look left aside.

    References:
        Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), section 2.6 (the
        predictive) and 2.5 (means weighed by precision); Lawless (1987), Canadian
        Journal of Statistics 15, 209-225 (the moment estimator of the spread).

    >>> import numpy as np
    >>> days = np.array([[20.0], [18], [22], [19], [21], [20], [20], [6]])
    >>> judged = judge_counts(days, np.full((8, 1), 400.0), windows=(1,))
    >>> float(judged.expected[0].round(1)), bool(judged.p_fall[0] < 0.001)
    (20.1, True)
    """
    import numpy as np

    longest = max(windows)
    held = np.isfinite(counts) & np.isfinite(exposure) & (exposure > 0)
    seen, carried = np.where(held, counts, 0.0), np.where(held, exposure, 0.0)
    total, weight = seen[:-longest].sum(axis=0), carried[:-longest].sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(weight > 0, (total + PRIOR) / weight, np.nan)
    recent = _Recent(
        seen=seen[-longest:],
        fit=carried[-longest:] * rate,
        spread=_spread(seen[:-longest], carried[:-longest] * rate, held[:-longest]),
        unsure=1 / (total + PRIOR),
        doubt=np.broadcast_to(np.asarray(doubt, dtype=float), (longest,)),
        known=held[-1] & np.isfinite(rate),
    )
    first = _oddest([_judge(recent, days, recent.known) for days in windows])
    if not recent.doubt.any():
        return first
    odd = np.minimum(first.p_fall, first.p_rise) < NEWS / max(recent.known.sum(), 1)
    calm = recent.known & ~odd
    return _oddest([_judge(recent, days, calm) for days in windows])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Recent:
    """The days of the longest window: counts and fits are days x items."""

    seen: Numbers
    fit: Numbers
    spread: Numbers
    unsure: Numbers
    doubt: Numbers
    known: Flags


def _judge(recent: _Recent, days: int, calm: Flags) -> Judged:
    """One window; calm items tell how its days went where the forecast is in doubt."""
    import numpy as np
    from scipy import stats

    seen, fit, known = recent.seen[-days:], recent.fit[-days:], recent.known
    with np.errstate(divide="ignore", invalid="ignore"):
        own = recent.spread * (fit**2).sum(axis=0) / fit.sum(axis=0) ** 2
        level, left = _level(recent, days, calm, own)
        fit = fit * level
        count, expected = seen.sum(axis=0), fit.sum(axis=0)
        extra = own + recent.unsure + left
        model = stats.nbinom(1 / extra, 1 / (1 + extra * expected))
    fall = np.where(known & (seen[-1] <= fit[-1]), model.cdf(count), 1.0)
    rise = np.where(known & (seen[-1] >= fit[-1]), model.sf(count - 1), 1.0)
    blank = np.where(known, 1.0, np.nan)
    return Judged(
        days=days * blank,
        seen=count * blank,
        expected=expected * blank,
        low=model.ppf(0.025) * blank,
        high=model.ppf(0.975) * blank,
        extra=extra * blank,
        p_fall=fall * blank,
        p_rise=rise * blank,
    )


def _level(recent: _Recent, days: int, calm: Flags, own: Numbers) -> tuple[Numbers, Numbers]:
    """Factor on each item's fit by what the other items did, and the variance left."""
    import numpy as np

    counts = np.where(calm, recent.seen[-days:].sum(axis=0), 0.0)
    fits = np.where(calm, recent.fit[-days:].sum(axis=0), 0.0)
    noise = np.where(calm, np.nan_to_num(own) * fits**2 + fits, 0.0)
    others, fitted = counts.sum() - counts, fits.sum() - fits
    variance = (recent.doubt[-days:] ** 2).mean()
    told = np.where(fitted > 0, (noise.sum() - noise) / fitted**2, np.inf)
    weight = np.where(np.isfinite(told), variance / (variance + told), 0.0)
    found = np.where(fitted > 0, others / fitted, 1.0)
    return 1 + weight * (found - 1), variance * (1 - weight)


def _oddest(tried: list[Judged]) -> Judged:
    """Of the windows of each item the one that is least like its past."""
    import numpy as np

    falls, rises = (np.stack([getattr(j, n) for j in tried]) for n in ("p_fall", "p_rise"))
    odd = np.where(np.isnan(falls), 1.0, np.minimum(falls, rises)).argmin(axis=0)
    picked = {
        name: np.take_along_axis(np.stack([getattr(j, name) for j in tried]), odd[None], 0)[0]
        for name in ("days", "seen", "expected", "low", "high", "extra")
    }
    tries = len(tried)
    return Judged(
        **picked,
        p_fall=np.minimum(falls.min(axis=0) * tries, 1.0),
        p_rise=np.minimum(rises.min(axis=0) * tries, 1.0),
    )


def _spread(counts: Numbers, fitted: Numbers, held: Flags) -> Numbers:
    """Squared coefficient of variation of a day's rate: an item's own, or the pool's if larger.

    The excess of squared residuals over Poisson's is divided by the squared fit.
    """
    import numpy as np

    sure = held & (fitted > 0)
    fit = np.where(sure, fitted, 0.0)
    square = np.where(sure, (counts - fit) ** 2, 0.0)
    days = sure.sum(axis=0)
    worth = days / np.maximum(days - 1, 1)
    found = np.zeros(fit.shape[1])
    for _ in range(3):
        limit = CAP**2 * (fit + found * fit**2)
        excess = (np.minimum(square, limit) - fit) * worth
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.nan_to_num(excess.sum(axis=0) / (fit**2).sum(axis=0))
            pool = np.nan_to_num(excess.sum() / (fit**2).sum())
        found = np.maximum(np.maximum(own, pool), 0.0)
    return found


def adjust(p_values: Numbers) -> Numbers:
    """Benjamini and Hochberg's adjusted p-values; NaN takes no part.

    >>> import numpy as np
    >>> adjust(np.array([0.01, 0.04, np.nan, 0.03])).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    import numpy as np

    told = np.isfinite(p_values)
    adjusted = np.full(p_values.shape, np.nan)
    adjusted[told] = adjust_p_values(p_values[told])
    return adjusted
