"""A forecast: mean, quantiles, paths, and how good it was on earlier days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, line_chart
from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.backtest.board import Backtest
from ecops_lib.supply.forecast.distribution import Spread
from ecops_lib.supply.forecast.effects import Effects
from ecops_lib.supply.panel import Floats, Frequency

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
"""Levels of the quantiles."""
ROWS = 12
"""Series that a page shows."""
CHART_PATHS = 200
"""Paths from which the interval of the total is drawn."""
CHART_SEED = 0
"""Seed of these paths."""


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
        quantiles: (levels, series, horizon), from 0, whole where units are.
        method: Name of the method of each series (series,), in English, marked.
        whole: Whether the units are whole numbers.
        spread: How outcomes lie about the mean.
        effects: Effects of the drivers; None without drivers.
        backtest: Scores on earlier days, of the seasonal naive forecast too; None where the
            past is too short for one.
    """

    sheet: ClassVar[str] = mark("Demand forecast")
    units: ClassVar[dict[str, Unit]] = {
        "expected": "number",
        "low": "count",
        "high": "count",
        "naive": "number",
    }
    labels: ClassVar[dict[str, str]] = {
        "series": mark("Series"),
        "expected": mark("Expected units"),
        "low": mark("At least (10%)"),
        "high": mark("At most (90%)"),
        "naive": mark("As last season"),
        "method": mark("Method"),
    }

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
    effects: Effects | None = None
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

        Each path takes the ranks of one whole window of the backtest, of a series like it, so
        that a series that sold more than expected goes on doing so. Their mean is that of
        the forecast.

        Args:
            rng: Seed or generator.
            count: Paths of each series.
            rows: Positions of the series; all by default.

        Returns:
            (rows, count, horizon) units, never negative, whole where units are; NaN where
            nothing is known of a series.

        Raises:
            ParameterError: ``count`` is not positive.
        """
        if count < 1:
            raise ParameterError(f"count is {count}; it must be at least 1 path.")
        rng = np.random.default_rng(rng)
        chosen = np.arange(len(self.mean)) if rows is None else np.asarray(rows)
        if chosen.dtype == bool:
            chosen = np.flatnonzero(chosen)
        made = np.maximum(self.spread.draw_paths(rng, count, chosen), 0)
        if self.whole:  # up or down by chance, for rounding would move the mean of slow series
            made = np.floor(made + rng.random(made.shape))
        return made

    def interval(self, share: float = 0.8) -> tuple[Floats, Floats]:
        """The interval of each period that held ``share`` of earlier outcomes.

        Where many periods see nothing asked for, the quantiles 0.1 and 0.9 hold far more than
        four fifths (both can be 0, and ties count as inside); this interval, which leaves out
        nothing below where the lower end is 0, does not.

        Args:
            share: What it is to hold.

        Returns:
            Low and high ends (series, horizon), from 0, whole where units are.

        Raises:
            ParameterError: ``share`` is not between 0 and 1.
        """
        require_between(share, 0, 1, name="share", ends="open")
        return self.spread.read_interval(share, whole=self.whole)

    def to_frame(self) -> pd.DataFrame:
        """One row a series, in the panel's order: the horizon's units with their 80 % interval.

        The interval is that of the sum, from paths, not the sum of the periods' intervals.
        """
        import pandas as pd

        low, high = np.quantile(self._futures[0], (0.1, 0.9), axis=1)
        return pd.DataFrame(
            {
                "series": self._names(),
                "expected": self.mean.sum(axis=1),
                "low": low,
                "high": high,
                "naive": self.naive.sum(axis=1),
                "method": [tr(name) for name in self.method],
            }
        )

    def page_frame(self) -> pd.DataFrame:
        """The series of which most is expected."""
        return self.to_frame().sort_values("expected", ascending=False).head(ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """What is expected, how good that was, what drives it, and what cannot be forecast."""
        told = [self._expected(), *(self.backtest.findings() if self.backtest else ())]
        if not self.backtest:
            told.append(self._untested())
        told += [self._drivers(), self._unknown()]
        return tuple(finding for finding in told if finding)

    def chart(self) -> Chart | None:
        """The sum over all series, its interval, and the naive forecast beside it."""
        import pandas as pd

        known = np.flatnonzero(~np.isnan(self.mean).any(axis=1))
        if not len(known):
            return None
        low, high = np.quantile(self._futures[1], (0.1, 0.9), axis=0)
        frame = pd.DataFrame(
            {
                "day": self.days(),
                "value": self.mean[known].sum(axis=0),
                "naive": np.nansum(self.naive[known], axis=0),
                "low": low,
                "high": high,
            }
        )
        names = {"value": tr("Forecast"), "naive": tr("As last season"), "low": tr("80% interval")}
        return line_chart(
            frame, caption=tr("Units expected of all series"), unit="count", labels=names,
            compare="naive", band=("low", "high"),
        )  # fmt: skip

    @cached_property
    def _futures(self) -> tuple[Floats, Floats]:
        """Sums of paths: over the horizon (series, paths), over the series (paths, horizon)."""
        rng = np.random.default_rng(CHART_SEED)
        each = np.empty((len(self.mean), CHART_PATHS))
        together = np.zeros((CHART_PATHS, self.horizon))
        for rows in np.array_split(np.arange(len(self.mean)), -(-len(self.mean) // 500)):
            made = self.paths(rng, CHART_PATHS, rows=rows)
            each[rows] = made.sum(axis=2)
            together += np.nansum(made, axis=0)
        return each, together

    def days(self) -> pd.DatetimeIndex:
        """First day of each period ahead."""
        import pandas as pd

        step = {"day": "D", "week": "7D", "month": "MS"}[self.frequency]
        return pd.date_range(self.start, periods=self.horizon, freq=step)

    def _names(self) -> list[str]:
        named = self.keys["name"] if "name" in self.keys.columns else self.keys.index
        pairs = zip(named, self.keys.index, strict=True)
        return [
            f"{key} · {short_name(name)}" if isinstance(name, str) and name else str(key)
            for name, key in pairs
        ]

    def _expected(self) -> Finding | None:
        if np.isnan(self.mean).all():
            return None
        units, naive = float(np.nansum(self.mean)), float(np.nansum(self.naive))
        given = {
            "units": show(units, "count"),
            "naive": show(naive, "count"),
            "series": ntr("{count} series", "{count} series", len(self.mean),
                          count=show(len(self.mean), "count")),
            "start": show(self.start, "day"),
            "end": show((self.days()[-1]).date(), "day"),
        }  # fmt: skip
        text = tr(
            "{units} units are expected of {series} from {start} to {end}; last season's figures "
            "would say {naive}.",
            **given,
        )
        if self.frequency != "day":
            text = tr(
                "{units} units are expected of {series} in the periods that begin from {start} to "
                "{end}; last season's figures would say {naive}.",
                **given,
            )
        evidence = {"units": units, "naive": naive}
        return Finding(key="forecast/expected", level="info", text=text, evidence=evidence)

    def _untested(self) -> Finding:
        text = tr(
            "How good this forecast is cannot be told: the past is too short to forecast any of "
            "it and compare."
        )
        return Finding(key="forecast/untested", level="watch", text=text)

    def _drivers(self) -> Finding | None:
        if self.effects is None or not self.effects.untold:
            return None
        text = tr(
            "Not known for all days ahead, and taken as they usually are or last were: {names}.",
            names=", ".join(self.effects.untold),
        )
        return Finding(key="forecast/drivers", level="info", text=text)

    def _unknown(self) -> Finding | None:
        count = int(np.isnan(self.mean).all(axis=1).sum())
        if not count:
            return None
        text = ntr(
            "{count} of {all} series has no known past and cannot be forecast from it.",
            "{count} of {all} series have no known past and cannot be forecast from it.",
            count,
            count=show(count, "count"),
            all=show(len(self.mean), "count"),
        )
        return Finding(key="forecast/unknown", level="watch", text=text, evidence={"series": count})
