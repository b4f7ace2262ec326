"""From what was paid so far to what will be paid at the close.

A campaign's total is forecast as what it has so far, over the share that comparable windows
had by the same time since their start. Windows are past editions, and ordinary windows of the
same length; the share is a ratio of sums in each kind, mixed so that ordinary windows count
as `ORDINARY_WORTH` editions.

The interval is calibrated on the same windows: each is forecast from all others, and the log
of its total over that forecast is divided by its spread,

    v = c (1 - p) / n + w,

with ``p`` the share, ``n`` the orders so far, ``c = E[x^2] / E[x]^2`` of the orders' amounts
(the chance of a compound Poisson stream, by the delta method) and ``w`` what the windows vary
beyond it. Quantiles of these numbers, stretched by how much more past editions vary, times the
campaign's own spread are the interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL = 0.8
LEAST_WINDOWS = 19
"""Windows below which no 80 % interval is told: the outer ones would be its limits."""
ORDINARY_WORTH = 2.0
"""Editions that all ordinary windows together are worth, for the share and for the spread."""
MOST_EMPTY = 0.2
"""Share of windows with nothing so far above which windows are no guide."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """Finished windows at one elapsed time.

    Attributes:
        so_far: Amount by that time (windows,) [any unit].
        total: Amount at their close (windows,).
        orders: Orders by that time (windows,).
    """

    so_far: Floats = field(default_factory=lambda: np.zeros(0))
    total: Floats = field(default_factory=lambda: np.zeros(0))
    orders: Floats = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.total)

    def without(self, place: int) -> Windows:
        """All windows but one."""
        kept = np.arange(len(self)) != place
        return Windows(so_far=self.so_far[kept], total=self.total[kept], orders=self.orders[kept])


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Where a campaign will end.

    Attributes:
        total: Median forecast; NaN where nothing can be told.
        low: Lower end of the 80 % interval; NaN where it cannot be calibrated.
        high: Its upper end.
        share: Share of the total that was to be expected by now.
    """

    total: float = math.nan
    low: float = math.nan
    high: float = math.nan
    share: float = math.nan


def forecast_close(
    so_far: float, orders: float, *, editions: Windows, ordinary: Windows, chance: float
) -> Closing:
    """Forecast a campaign's total from what it has so far.

    Args:
        so_far: Amount so far [any unit].
        orders: Orders so far.
        editions: Past editions at the same elapsed time.
        ordinary: Ordinary windows of the same length at the same elapsed time.
        chance: ``E[x^2] / E[x]^2`` of an order's amount; 1 where orders are counted.

    Returns:
        The forecast; without a value where nothing is paid yet or no window tells the share,
        without an interval where windows are fewer than `LEAST_WINDOWS` or often empty.
    """
    log_share = _log_share(editions, ordinary)
    if not so_far > 0 or not orders > 0 or math.isnan(log_share):
        return Closing(share=math.exp(log_share) if not math.isnan(log_share) else math.nan)
    if log_share >= 0:
        return Closing(total=so_far, low=so_far, high=so_far, share=1.0)
    middle, low, high = _errors(editions, ordinary, chance)
    sold = chance * (1 - math.exp(log_share)) / orders
    spread = math.sqrt(sold + _beyond(ordinary, editions, chance=chance))
    centre = math.log(so_far) - log_share
    if math.isnan(middle):
        total = max(so_far, math.exp(centre))
        return Closing(total=total, share=so_far / total)
    total, least, most = (
        max(so_far, math.exp(centre + error * spread)) for error in (middle, low, high)
    )
    return Closing(total=total, low=least, high=most, share=so_far / total)


def mixed_share(editions: Windows, ordinary: Windows) -> float:
    """Share of the total by now in past editions and ordinary windows; NaN where none tells."""
    return math.exp(_log_share(editions, ordinary))


def _log_share(editions: Windows, ordinary: Windows) -> float:
    """Log of the share by now: editions and ordinary windows mixed; NaN where neither tells."""
    parts = []
    for windows, worth in ((editions, float(len(editions))), (ordinary, ORDINARY_WORTH)):
        sold = windows.so_far.sum()
        if sold > 0 and worth:
            parts.append((math.log(sold / windows.total.sum()), worth))
    if not parts:
        return math.nan
    return sum(value * worth for value, worth in parts) / sum(worth for _, worth in parts)


def _residuals(windows: Windows, log_shares: Floats, chance: float) -> tuple[Floats, Floats]:
    """Log of total over forecast of each window with something so far, and its pure chance."""
    told = windows.so_far > 0
    gap = np.log(windows.total[told] / windows.so_far[told]) + log_shares[told]
    return gap, chance * (1 - np.exp(log_shares[told])) / np.maximum(windows.orders[told], 1)


def _own(ordinary: Windows, chance: float) -> tuple[Floats, Floats]:
    """Ordinary windows, each forecast from the others alone."""
    rest = ordinary.so_far.sum() - ordinary.so_far, ordinary.total.sum() - ordinary.total
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.log(rest[0] / rest[1])
    return _residuals(ordinary, shares, chance)


def _beyond(ordinary: Windows, editions: Windows, *, chance: float) -> float:
    """Variance of the log total beyond chance; of editions where no ordinary window tells."""
    gap, pure = (
        _own(ordinary, chance) if len(ordinary) > 1 else _edition_gaps(editions, ordinary, chance)
    )
    return max(0.0, float(np.mean(gap**2 - pure))) if len(gap) else 0.0


def _edition_gaps(editions: Windows, ordinary: Windows, chance: float) -> tuple[Floats, Floats]:
    """Past editions, each forecast from the others and the ordinary windows."""
    shares = np.array([_log_share(editions.without(k), ordinary) for k in range(len(editions))])
    told = ~np.isnan(shares)
    kept = Windows(
        so_far=editions.so_far[told], total=editions.total[told], orders=editions.orders[told]
    )
    return _residuals(kept, shares[told], chance)


def _errors(editions: Windows, ordinary: Windows, chance: float) -> tuple[float, float, float]:
    """Median and 10 % and 90 % quantiles of the windows' errors over their spreads."""
    empty = float((ordinary.so_far <= 0).mean()) if len(ordinary) else 0.0
    if len(ordinary) + len(editions) < LEAST_WINDOWS or empty > MOST_EMPTY:
        return math.nan, math.nan, math.nan
    beyond = _beyond(ordinary, editions, chance=chance)
    gap, pure = _own(ordinary, chance) if len(ordinary) > 1 else (np.zeros(0), np.zeros(0))
    usual = gap / np.sqrt(pure + beyond)
    gap, pure = _edition_gaps(editions, ordinary, chance)
    past = gap / np.sqrt(pure + beyond)
    size = float(np.mean(usual**2)) if len(usual) else 1.0
    stretch = math.sqrt(
        (ORDINARY_WORTH + float((past**2).sum()) / size) / (ORDINARY_WORTH + len(past))
    )
    tail = (1 - LEVEL) / 2
    errors = np.concatenate([usual, past])
    middle, low, high = np.quantile(errors, [0.5, tail, 1 - tail], method="weibull")
    return (
        float(middle),
        float(middle + (low - middle) * stretch),
        float(middle + (high - middle) * stretch),
    )
