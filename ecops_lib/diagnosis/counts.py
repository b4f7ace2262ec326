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
        p_fall: Chance of so low a count or a lower one, for the windows tried.
        p_rise: Chance of so high a count or a higher one, for the windows tried.
    """

    days: Numbers
    seen: Numbers
    expected: Numbers
    low: Numbers
    high: Numbers
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
    doubt: float = 0.0,
) -> Judged:
    """Compare the last days' counts with those expected from each item's own past.

    The past is what lies before the longest window. A window counts only where its last
    day, by itself, points the same way: what is over by today is no news.

    Args:
        counts: Counts, days x items, the last row today's; NaN where nothing is recorded.
        exposure: Exposure of the same cells.
        windows: Lengths of windows up to today to try [days]; the p-values are
            multiplied by their number (Bonferroni).
        doubt: Relative standard error of the exposures of the windows (a forecast's).

    Returns:
        Expectation, 95 % range and one-sided p-values an item; NaN for an item without
        a past or without a count today.

    The rate has a gamma posterior (Jeffreys' prior), so that the predictive count is
    negative binomial with the size of the posterior's shape; day-to-day spread beyond
    Poisson is a second gamma layer whose size is the method of moments' on the past.
    The layers are merged by adding their squared coefficients of variation.

    References:
        Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), section 2.6 (the
        predictive); Lawless (1987), Canadian Journal of Statistics 15, 209-225 (the
        moment estimator of the spread).

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
    spread = _spread(seen[:-longest], carried[:-longest] * rate, held[:-longest])
    known = held[-1] & np.isfinite(rate)
    tried = []
    for days in windows:
        fit = rate * carried[-days:]
        tried.append(_judge(seen[-days:], fit, spread, 1 / (total + PRIOR) + doubt**2, days, known))
    return _oddest(tried)


def _judge(
    seen: Numbers, fit: Numbers, spread: Numbers, unsure: Numbers, days: int, known: Flags
) -> Judged:
    """One window: counts and fit are days x items."""
    import numpy as np
    from scipy import stats

    count, expected = seen.sum(axis=0), fit.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        extra = spread * (fit**2).sum(axis=0) / expected**2 + unsure
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
        p_fall=fall * blank,
        p_rise=rise * blank,
    )


def _oddest(tried: list[Judged]) -> Judged:
    """Of the windows of each item the one that is least like its past."""
    import numpy as np

    falls, rises = (np.stack([getattr(j, n) for j in tried]) for n in ("p_fall", "p_rise"))
    odd = np.where(np.isnan(falls), 1.0, np.minimum(falls, rises)).argmin(axis=0)
    picked = {
        name: np.take_along_axis(np.stack([getattr(j, name) for j in tried]), odd[None], 0)[0]
        for name in ("days", "seen", "expected", "low", "high")
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

    References:
        Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57,
        289-300, procedure (1).

    >>> import numpy as np
    >>> adjust(np.array([0.01, 0.04, np.nan, 0.03])).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    import numpy as np

    adjusted = np.full(p_values.shape, np.nan)
    places = np.flatnonzero(np.isfinite(p_values))
    order = places[np.argsort(p_values[places], kind="stable")]
    ranks = np.arange(1, order.size + 1)
    stepped = np.minimum.accumulate((p_values[order] * order.size / ranks)[::-1])[::-1]
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
