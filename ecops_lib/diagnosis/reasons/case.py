"""What a reason is looked for: a thing, its days, and which way it went."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecops_lib.data.frames import DAY

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.history import History

BEFORE = 3
"""Days before the fall began in which a cause may lie."""

USUAL = 28
"""Days before that which tell what is usual."""

FEWEST = 3
"""Reviews, claims or units that tell anything."""

CHANCE = 0.01
"""Chance of so many (low ratings, claims, late parcels) at which they count as a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a reason is looked for: a thing, its days, and which way it went."""

    history: History
    day: dt.date
    days: int
    product: str
    channel: str
    rose: bool

    @property
    def since(self) -> dt.date:
        """First day on which a cause may lie."""
        return self.day - (self.days - 1 + BEFORE) * DAY

    def recent(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of the days in which a cause may lie."""
        return rows.loc[(rows["day"] >= str(self.since)) & (rows["day"] <= str(self.day))]

    def lately(self, rows: pd.DataFrame, days: int) -> pd.DataFrame:
        """Rows of the last so many days."""
        first = self.day - (days - 1) * DAY
        return rows.loc[(rows["day"] >= str(first)) & (rows["day"] <= str(self.day))]

    def usual(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of the days before those."""
        first = self.since - USUAL * DAY
        return rows.loc[(rows["day"] >= str(first)) & (rows["day"] < str(self.since))]

    def recorded(
        self, column: str = "starts_on", first: str = "", last: str = ""
    ) -> list[dict[Any, Any]]:
        """Entries of the shop's diary about the thing that begin (or end) in the days around."""
        events = self.history.events
        begun = events[column].between(first or str(self.since), last or str(self.day))
        about = (events["product_id"] == self.product) & bool(self.product)
        about |= (events["channel"] == self.channel) & bool(self.channel)
        about |= events["product_id"].isna() & events["channel"].isna()
        return [dict(row) for row in events.loc[begun & about].to_dict("records")]
