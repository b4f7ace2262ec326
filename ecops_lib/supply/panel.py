"""The panel: what was asked for, of many things, on one calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ecops_lib.core.checks import require_choice
from ecops_lib.core.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

Frequency = Literal["day", "week", "month"]
"""Length of a period; weeks begin on Monday."""

Floats = np.ndarray[Any, np.dtype[np.float64]]

SEASONS: Mapping[str, int] = {"day": 7, "week": 52, "month": 12}
"""Periods after which the pattern of a frequency comes again."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Units asked for, one row a series, one column a period.

    Attributes:
        keys: One row a series, in the order of ``values``, indexed by a unique series id:
            what it is (``sku_id``, ``warehouse_id``, ``product_id``, ``category``,
            ``name`` … as far as told).
        start: First day of the first period.
        frequency: Length of a period.
        values: Units asked for (series, periods); NaN before the launch, after the
            delisting, and where nobody can know.
        drivers: What is known of the future as well, by name: each (1 or series, periods
            and as many periods ahead as are known), such as ``campaign`` or ``price``.
        whole: Whether the units are whole numbers.

    Raises:
        ParameterError: Shapes do not fit, an id comes twice, or units are negative.
    """

    keys: pd.DataFrame
    start: dt.date
    frequency: Frequency
    values: Floats
    drivers: Mapping[str, Floats] = field(default_factory=dict)
    whole: bool = True

    def __post_init__(self) -> None:
        require_choice(self.frequency, Frequency, name="frequency")
        if self.values.ndim != 2 or len(self.keys) != len(self.values):
            raise ParameterError(
                f"values has the shape {self.values.shape}; it must hold one row for each of the "
                f"{len(self.keys)} series of keys and one column for each period."
            )
        if not self.keys.index.is_unique:
            twice = self.keys.index[self.keys.index.duplicated()][0]
            raise ParameterError(f"keys names the series {twice!r} twice; ids must be unique.")
        if (self.values < 0).any() or np.isinf(self.values).any():
            raise ParameterError("values holds negative or infinite units; demand is at least 0.")
        for name, held in self.drivers.items():
            if held.ndim != 2 or len(held) not in {1, len(self.values)}:
                raise ParameterError(
                    f"driver {name!r} has the shape {held.shape}; it must have one row, or one "
                    "for each series."
                )
            if held.shape[1] < self.periods:
                raise ParameterError(
                    f"driver {name!r} covers {held.shape[1]} periods; it must cover the "
                    f"{self.periods} periods of values."
                )

    def __len__(self) -> int:
        """How many series there are."""
        return len(self.values)

    @property
    def periods(self) -> int:
        """How many periods of the past are held."""
        return int(self.values.shape[1])

    @property
    def season(self) -> int:
        """Periods after which the pattern comes again."""
        return SEASONS[self.frequency]

    def days(self, *, ahead: int = 0) -> pd.DatetimeIndex:
        """First day of each period, and of ``ahead`` periods after the last."""
        import pandas as pd

        step = {"day": "D", "week": "7D", "month": "MS"}[self.frequency]
        return pd.date_range(self.start, periods=self.periods + ahead, freq=step)

    def until(self, periods: int) -> Panel:
        """The panel as it stood after its first periods; drivers keep what they know ahead."""
        return replace(self, values=self.values[:, :periods])

    def rows(self, mask: np.ndarray[Any, Any]) -> Panel:
        """Some of the series, by mask or positions."""
        drivers = {
            name: held if len(held) == 1 else held[mask] for name, held in self.drivers.items()
        }
        return replace(self, keys=self.keys.iloc[mask], values=self.values[mask], drivers=drivers)
