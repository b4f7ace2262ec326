"""Demand until the next order comes in, sampled: paths of the forecast × lead times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats, Frequency
from ecops_lib.supply.replenish.leads import LeadTime

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 4_000_000
"""Path values held at a time."""


class DemandForecast(Protocol):
    """What a proposal needs of a forecast."""

    @property
    def keys(self) -> pd.DataFrame:
        """One row a series: ``sku_id``, and ``warehouse_id`` where told by warehouse."""

    @property
    def start(self) -> dt.date:
        """First day ahead."""

    @property
    def frequency(self) -> Frequency:
        """Length of a period."""

    @property
    def mean(self) -> Floats:
        """Units expected (series, periods ahead)."""

    def paths(
        self, rng: np.random.Generator, count: int, *, rows: np.ndarray[Any, Any] | None = None
    ) -> Floats:
        """Coherent futures (series, count, periods ahead)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Sampled demand of some items, each future with its own lead time.

    Attributes:
        total: Units asked for until the next order comes in (items, futures).
        before: Units asked for until this order comes in (items, futures).
        daily: Mean demand of a day until then (items).
        spread: Standard deviation of a day's demand (items).
        beyond: Share of futures in which the forecast ends before the next order (items).
    """

    total: Floats
    before: Floats
    daily: Floats
    spread: Floats
    beyond: Floats


def chunks(forecast: DemandForecast, count: int, futures: int) -> Iterator[slice]:
    """Parts of ``count`` series whose futures fit into memory."""
    size = max(1, CHUNK // max(1, futures * forecast.mean.shape[1]))
    for at in range(0, count, size):
        yield slice(at, min(at + size, count))


def daily_sums(forecast: DemandForecast, values: Floats) -> Floats:
    """Units asked for in the first 0, 1, 2 … days: a week's are spread evenly."""
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), values.cumsum(axis=-1)], axis=-1)
    if forecast.frequency == "day":
        return np.asarray(sums)
    days = np.arange(7 * values.shape[-1] + 1)
    week, part = days // 7, days % 7 / 7
    later = np.minimum(week + 1, sums.shape[-1] - 1)
    return np.asarray(sums[..., week] + part * (sums[..., later] - sums[..., week]))


def days_ahead(forecast: DemandForecast) -> int:
    """Days that the forecast covers.

    Raises:
        ParameterError: Its periods are neither days nor weeks.
    """
    if forecast.frequency not in {"day", "week"}:
        raise ParameterError(
            f"the forecast counts by {forecast.frequency}; a proposal needs one by day or week."
        )
    return int(forecast.mean.shape[1]) * (7 if forecast.frequency == "week" else 1)


def sample_demand(
    forecast: DemandForecast,
    rows: np.ndarray[Any, Any],
    leads: Sequence[LeadTime],
    *,
    review_days: int,
    futures: int,
    rng: np.random.Generator,
    ends: np.ndarray[Any, Any],
) -> Sample:
    """Demand over the lead time, and over the lead time and the review period.

    Args:
        forecast: The forecast.
        rows: Series to sample.
        leads: Lead time of each of them.
        review_days: Days between two orders.
        futures: Futures of each.
        rng: Source of randomness.
        ends: Days to the end of each item's season, the end of its demand; 0 for none.
    """
    sums = daily_sums(forecast, forecast.paths(rng, futures, rows=rows))
    last = sums.shape[-1] - 1
    taken = np.stack([lead.draw(futures, rng) for lead in leads])
    until = np.where(ends > 0, ends, last)[:, None]
    next_in = np.where(ends[:, None] > 0, until, taken + review_days)
    total = _at(sums, np.minimum(next_in, last))
    span = np.clip(np.rint(next_in.mean(axis=1)), 1, last).astype(int)
    daily, spread = _moments(forecast, sums, span)
    return Sample(
        total=total,
        before=_at(sums, np.minimum(taken, until)),
        daily=daily,
        spread=spread,
        beyond=np.asarray((next_in > last).mean(axis=1)),
    )


def _at(sums: Floats, days: np.ndarray[Any, Any]) -> Floats:
    """Sums at each future's own day (items, futures)."""
    return np.asarray(np.take_along_axis(sums, days[..., None], axis=-1)[..., 0])


def _moments(
    forecast: DemandForecast, sums: Floats, span: np.ndarray[Any, Any]
) -> tuple[Floats, Floats]:
    """Mean and deviation of a day's demand over each item's first days.

    A week's deviation is shared out as that of independent days.
    """
    length = 7 if forecast.frequency == "week" else 1
    steps = np.diff(sums[..., ::length], axis=-1)
    counted = np.arange(steps.shape[-1]) < np.maximum(span // length, 1)[:, None]
    weight = counted / counted.sum(axis=1, keepdims=True)
    mean = np.einsum("ifh,ih->i", steps, weight) / steps.shape[1]
    square = np.einsum("ifh,ifh,ih->i", steps, steps, weight) / steps.shape[1]
    spread = np.sqrt(np.maximum(square - mean**2, 0.0))
    return mean / length, spread / np.sqrt(length)
