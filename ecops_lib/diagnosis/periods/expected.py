"""What a week or month should have brought, and how far such expectations usually miss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ecops_lib.core.figures import Expected, Moved
from ecops_lib.core.language import tr
from ecops_lib.data.calendar.periods import Period
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.search.leaves import FEWEST, Span, expect_total, like_periods
from ecops_lib.metrics.expectation import WARM_UP
from ecops_lib.metrics.registry import metric_named

if TYPE_CHECKING:
    import numpy as np

LEVEL = 0.95


def expect_period(history: History, period: Period) -> Expected | None:
    """The amount paid in a period beside what the days before let expect of it.

    The range is that of earlier periods on the same weekdays: each is expected from the days
    before it as this one is, and the size of those misses, on a log scale, makes a 95 % t
    interval around the expectation.

    Args:
        history: The days before, up to the period's last one.
        period: The period.

    Returns:
        The figure; None where too few earlier periods have days enough before them.
    """
    span = (period.first, period.last)
    actual, expected = _paid(history, span), expect_total(history, start=span[0], end=span[1])
    misses = _misses(history, span)
    if len(misses) < FEWEST or not (actual > 0 and expected > 0):
        return None
    low, high = expected_range(expected, misses)
    moved: Moved = "down" if actual < low else "up" if actual > high else ""
    metric = metric_named("paid_amount")
    return Expected(
        key=metric.key, label=tr(metric.label), unit=metric.unit, value=actual,
        expected=expected, low=low, high=high, moved=moved,
    )  # fmt: skip


def expected_range(expected: float, misses: np.ndarray | list[float]) -> tuple[float, float]:
    """The range around an expectation in which 95 % of such periods should fall.

    Args:
        expected: The expectation, above 0.
        misses: Logarithm of actual over expected of earlier periods, two or more.

    >>> low, high = expected_range(100.0, [0.1, -0.1, 0.1, -0.1])
    >>> round(low, 1), round(high, 1)  # 100 · exp(± t · 0.1), t = 2.776 with 4 degrees of freedom
    (75.8, 132.0)
    """
    from scipy import stats

    spread = math.sqrt(sum(miss**2 for miss in misses) / len(misses))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, len(misses))) * spread
    return expected * math.exp(-reach), expected * math.exp(reach)


def _misses(history: History, span: Span) -> list[float]:
    """How far the expectations of earlier periods missed, those with a warm-up before them."""
    told = history.shop["paid_amount"].dropna()
    since = told.index[0].date() if len(told) else span[0]
    found = []
    for first, last in like_periods(history, start=span[0], end=span[1]):
        if since + WARM_UP * DAY > first:
            continue
        actual, expected = (
            _paid(history, (first, last)),
            expect_total(history, start=first, end=last),
        )
        if actual > 0 and expected > 0:
            found.append(math.log(actual / expected))
    return found


def _paid(history: History, span: Span) -> float:
    """Amount paid in a span; NaN where a day is not told."""
    days = history.shop["paid_amount"].loc[str(span[0]) : str(span[1])]
    return float(days.sum(skipna=False))
