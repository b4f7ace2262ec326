"""What the whole shop may be expected to do on a day, and whether it did."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecops_lib.diagnosis.counts import ALARM
from ecops_lib.metrics.anomalies import Anomalies, expect_days, find_anomalies

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.counts import Numbers
    from ecops_lib.diagnosis.history import History

ALPHA = 0.01
NORMAL = 2.576
"""Half-width of a normal interval that leaves out 1 %, in standard deviations."""

SHORT_DOUBT = 0.2
"""Relative standard error of an expectation from fewer days than a forecast takes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Level:
    """The shop's expected level by day.

    Attributes:
        expected: Expected value of each day, from the days before it alone; that of the
            last days from the days before all of them.
        doubts: Relative standard error of each expectation beyond an ordinary day's: a
            festival met for the first time may do anything.
    """

    expected: pd.Series[float]
    doubts: pd.Series[float]

    def on(self, days: pd.Index[Any]) -> Numbers:
        """The expectations of those days, as one column."""
        import numpy as np

        held: Numbers = np.asarray(self.expected.reindex(days), dtype=float)[:, None]
        return held

    def doubt(self, days: int) -> Numbers:
        """The doubts of the last days."""
        import numpy as np

        held: Numbers = np.asarray(self.doubts.tail(days), dtype=float)
        return held


def expect_level(series: pd.Series[float], *, history: History, day: dt.date, ahead: int) -> Level:
    """Expect each day of a series from the days before it: weekday, level and calendar.

    The last days are expected from the days before all of them, so that an incident that
    began on one of them does not lower what is expected of the next.

    Days before there is enough to expect from (see ``expect_days``) stand at the mean of
    the series, in large doubt.

    Args:
        series: One value a day.
        history: The days before, for their calendar.
        day: The last day.
        ahead: How many days are the last ones [days].
    """
    held = series.loc[: str(day)].copy()
    held.iloc[-ahead:] = float("nan")
    found = expect_days(held, calendar=history.calendar, alpha=ALPHA)
    expected = found["expected"].where(found["expected"] > 0)
    width = (found["high"] - found["low"]) / expected / (2 * NORMAL)
    more = (width**2 - width.median() ** 2).clip(lower=0.0)
    return Level(
        expected=(expected * (1 - found["empty"])).fillna(float(held.mean())),
        doubts=(more**0.5).fillna(SHORT_DOUBT),
    )


def find_unusual_totals(history: History, *, day: dt.date) -> Anomalies:
    """Which of the shop's own totals of a day are out of the ordinary.

    Tried are the amount paid, paid orders, buyers, visitors, conversion and spend per buyer,
    as far as they are told, at a false-discovery rate of ``ALARM`` over all of them.

    Args:
        history: The days before.
        day: The day, the history's last or the one before it.

    Returns:
        Their expected range and sentences on those outside it.
    """
    shop = history.shop.loc[: str(day)]
    panel = shop.assign(
        conversion_rate=shop["buyers"] / shop["visitors"].where(shop["visitors"] > 0),
        spend_per_buyer=shop["paid_amount"] / shop["buyers"].where(shop["buyers"] > 0),
    )
    return find_anomalies(panel, as_of=day, calendar=history.calendar, alpha=ALARM)
