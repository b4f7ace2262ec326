"""A forecast made in parts, read as one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.core.results import Result
from ecops_lib.supply.forecast.result import Forecast
from ecops_lib.supply.panel import Floats, Frequency

if TYPE_CHECKING:
    import pandas as pd

Places = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True, kw_only=True, eq=False)
class PartedForecast(Result):
    """Forecasts of the parts of a panel, with the surface of one ``Forecast``.

    Attributes:
        parts: Forecast of each part.
        places: Positions of each part's series in the whole panel.
    """

    parts: tuple[Forecast, ...]
    places: tuple[Places, ...]

    @cached_property
    def keys(self) -> pd.DataFrame:
        """One row a series, as the panel's."""
        import pandas as pd

        together = pd.concat([part.keys for part in self.parts])
        return together.iloc[np.argsort(np.concatenate(self.places))]

    @property
    def start(self) -> dt.date:
        """First day ahead."""
        return self.parts[0].start

    @property
    def frequency(self) -> Frequency:
        """Length of a period."""
        return self.parts[0].frequency

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles."""
        return self.parts[0].levels

    @cached_property
    def mean(self) -> Floats:
        """Expected units (series, horizon)."""
        return self._together(lambda part: part.mean)

    @cached_property
    def naive(self) -> Floats:
        """What was asked for one season earlier (series, horizon)."""
        return self._together(lambda part: part.naive)

    @cached_property
    def quantiles(self) -> Floats:
        """(levels, series, horizon)."""
        together = self._together(lambda part: part.quantiles.swapaxes(0, 1))
        return np.asarray(together.swapaxes(0, 1))

    @cached_property
    def method(self) -> np.ndarray[Any, Any]:
        """Name of the method of each series (series,)."""
        return self._together(lambda part: part.method)

    def paths(
        self, rng: int | np.random.Generator, count: int, *, rows: Places | None = None
    ) -> Floats:
        """Futures that hang together in time; see ``Forecast.paths``.

        Args:
            rng: Seed or generator.
            count: Paths of each series.
            rows: Positions of the series; all by default.

        Returns:
            (rows, count, horizon) units, never negative.
        """
        rng = np.random.default_rng(rng)
        chosen = np.arange(len(self.mean)) if rows is None else np.asarray(rows)
        made = np.empty((len(chosen), count, self.mean.shape[1]))
        for part, places in zip(self.parts, self.places, strict=True):
            wanted = np.flatnonzero(np.isin(chosen, places))
            own = np.searchsorted(places, chosen[wanted])
            made[wanted] = part.paths(rng, count, rows=own)
        return made

    def to_frame(self) -> pd.DataFrame:
        """One row a series, as the parts tell it."""
        import pandas as pd

        together = pd.concat([part.to_frame() for part in self.parts])
        return together.iloc[np.argsort(np.concatenate(self.places))].reset_index(drop=True)

    def _together(self, of: Callable[[Forecast], np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """Each part's rows put in the places of the whole."""
        back = np.argsort(np.concatenate(self.places))
        return np.concatenate([of(part) for part in self.parts])[back]
