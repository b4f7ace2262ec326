"""Small tables of series and days as dense arrays."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd

Whole = np.ndarray[Any, np.dtype[np.int64]]


class Grid:
    """Where the cells of a table of series and days lie in an array.

    Attributes:
        ids: The series, in the order of the rows.
        start: First day.
        days: How many days there are.
        by: Columns that a series is known by.
    """

    def __init__(self, ids: pd.Index, *, start: dt.date, last: dt.date, by: list[str]) -> None:
        self.ids, self.start, self.by = ids, start, by
        self.days = (last - start).days + 1

    def fill(self, rows: pd.DataFrame, column: str, empty: float) -> Floats:
        """A column as (series, days); ``empty`` where no row tells."""
        import pandas as pd

        held = np.full((len(self.ids), self.days), empty)
        if rows.empty:
            return held
        place = self.ids.get_indexer(pd.Index(series_ids(rows, self.by)))
        day = self.numbers(rows["day"], absent=-1)
        inside = (place >= 0) & (day >= 0) & (day < self.days)
        held[place[inside], day[inside]] = rows[column].to_numpy(float)[inside]
        return held

    def numbers(self, days: pd.Series, *, absent: int) -> Whole:
        """Days from the first one; ``absent`` where a day is missing."""
        import pandas as pd

        ago = (pd.to_datetime(days) - pd.Timestamp(self.start)).dt.days
        return np.asarray(ago.fillna(absent), dtype=np.int64)

    def dates(self, numbers: Whole) -> pd.Series:
        """The days of numbers, beside the series."""
        import pandas as pd

        steps = pd.to_timedelta(numbers, unit="D")
        return pd.Series(pd.Timestamp(self.start) + steps, index=self.ids)


def series_ids(rows: pd.DataFrame, by: list[str]) -> pd.Series:
    """The id of each row's series: its SKU, and its warehouse after an @."""
    ids = rows["sku_id"].astype(str)
    if "warehouse_id" in by:
        ids = ids + "@" + rows["warehouse_id"].astype(str)
    return ids
