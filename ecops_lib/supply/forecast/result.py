"""A forecast: mean, quantiles, paths, and how good it was on earlier days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.core.language import tr
from ecops_lib.core.results import Result
from ecops_lib.supply.backtest.board import Backtest
from ecops_lib.supply.forecast.distribution import Spread
from ecops_lib.supply.panel import Floats, Frequency

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
"""Levels of the quantiles."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecast(Result):
    """What will be asked for, series by series.

    Attributes:
        keys: One row a series, as the panel's.
        start: First day ahead.
        frequency: Length of a period.
        mean: Expected units (series, horizon); NaN where nothing is known of a series.
        naive: What was asked for one season earlier (series, horizon).
        levels: Levels of the quantiles.
        quantiles: (levels, series, horizon).
        method: Name of the method of each series (series,).
        whole: Whether the units are whole numbers.
        spread: How outcomes lie about the mean.
        backtest: Scores on earlier days beside the naive forecast; None where the past is
            too short.
    """

    keys: pd.DataFrame
    start: dt.date
    frequency: Frequency
    mean: Floats
    naive: Floats
    levels: tuple[float, ...]
    quantiles: Floats
    method: np.ndarray[Any, Any]
    whole: bool
    spread: Spread
    backtest: Backtest | None = None

    @property
    def horizon(self) -> int:
        """Periods ahead."""
        return int(self.mean.shape[1])

    def paths(
        self,
        rng: int | np.random.Generator,
        count: int,
        *,
        rows: np.ndarray[Any, Any] | None = None,
    ) -> Floats:
        """Futures that hang together in time as the past did.

        Each path takes the ranks of one whole window of the backtest, so that a series that
        sold more than expected goes on doing so; their quantiles are those of the forecast.

        Args:
            rng: Seed or generator.
            count: Paths of each series.
            rows: Positions of the series; all by default.

        Returns:
            (rows, count, horizon) units, never negative.
        """
        rng = np.random.default_rng(rng)
        chosen = np.arange(len(self.mean)) if rows is None else np.asarray(rows)
        windows = rng.integers(len(self.spread.ranks), size=(len(chosen), count))
        made = np.empty((len(chosen), count, self.horizon))
        for place, row in enumerate(chosen):
            ranks = self.spread.ranks[windows[place]].reshape(1, -1)
            mean = np.tile(self.mean[row], count)[None, :]
            one = Spread(shapes=self.spread.shapes[[row]], ranks=ranks, owners=np.zeros(1, int))
            made[place] = one.at(mean, ranks).reshape(count, self.horizon)
        made = np.maximum(made, 0)
        return np.round(made) if self.whole else made

    def to_frame(self) -> pd.DataFrame:
        """One row a series: expected units over the horizon and the interval's sum."""
        import pandas as pd

        return pd.DataFrame(
            {
                "series": self.keys.index,
                "expected": self.mean.sum(axis=1),
                "naive": self.naive.sum(axis=1),
                "method": [tr(name) for name in self.method],
            }
        )
