"""A shop's rates over eight weeks, each with the interval that its weeks give it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.figures import Rate
from ecops_lib.core.language import tr
from ecops_lib.data.frames import DAY
from ecops_lib.metrics.bases import Tables
from ecops_lib.metrics.measuring import measure_sides
from ecops_lib.metrics.registry import metric_named

if TYPE_CHECKING:
    import pandas as pd

WEEKS = 8
RIPE = 28
"""Days after payment until most refunds have come: refund rates end so long before the day."""
RATES = (
    "conversion_rate", "cart_rate", "enquiry_rate", "units_per_order", "refund_rate_by_order",
    "pickup_rate_24h", "click_through_rate", "return_on_ad_spend",
)  # fmt: skip
"""Rates that shops of any size and currency can be compared by."""
LATE = frozenset({"refund_rate_by_order"})
LEVEL = 0.95


def measure_rates(tables: Tables, *, day: dt.date) -> tuple[Rate, ...]:
    """A shop's rates over the eight weeks up to a day, with 95 % intervals.

    Each is a ratio of sums over days; people are counted by the day, as platforms do. What
    shoppers of one day share (a weekday, a campaign, a full warehouse) does not average out with
    their number, so the interval comes from the weeks: a jackknife that leaves out one at a
    time.

    Args:
        tables: The canonical tables.
        day: Last day; refund rates end ``RIPE`` days earlier.

    Returns:
        The rates that the tables tell in every one of the weeks.

    References:
        Miller (1974), The jackknife - a review, Biometrika 61, 1-15.
    """
    first = day - (7 * WEEKS + RIPE - 1) * DAY
    held = measure_sides(tables, RATES, span=(first, day))
    found = []
    for key in (key for key in RATES if key in held):
        end = day - RIPE * DAY if key in LATE else day
        weeks = [_weeks(side, end) for side in held[key]]
        if np.isfinite(weeks).all() and (weeks[1] > 0).all():
            found.append(_rate(key, *weeks))
    return tuple(found)


def _weeks(days: pd.Series[float], end: dt.date) -> np.ndarray:
    """Sums of the weeks up to a day, the earliest first; NaN where a day is not told."""
    kept = days.loc[str(end - (7 * WEEKS - 1) * DAY) : str(end)].to_numpy(float)
    sums: np.ndarray = kept.reshape(WEEKS, 7).sum(axis=1)
    return sums


def _rate(key: str, above: np.ndarray, below: np.ndarray) -> Rate:
    from scipy import stats

    metric, value = metric_named(key), float(above.sum() / below.sum())
    error = jackknife_error(above, below)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, WEEKS - 1)) * error
    high = value + reach if metric.unit != "share" else min(1.0, value + reach)
    return Rate(
        key=key, label=tr(metric.label), unit=metric.unit, better=metric.better, value=value,
        low=max(0.0, value - reach), high=high, error=error, freedom=WEEKS - 1,
    )  # fmt: skip


def jackknife_error(above: np.ndarray, below: np.ndarray) -> float:
    """Standard error of a ratio of sums over groups, from leaving out one group at a time.

    Args:
        above: Numerator of each group.
        below: Denominator of each group, above 0.

    >>> above, below = np.array([1.0, 2.0, 3.0]), np.ones(3)  # of a mean it is s / √n
    >>> round(jackknife_error(above, below), 6) == round(1 / 3**0.5, 6)
    True
    """
    without = (above.sum() - above) / (below.sum() - below)
    n = len(without)
    return float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
