"""What each buyer did: how lately, how often, for how much."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.checks import as_day, require_span
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class BuyerSums(Result):
    """Recency, frequency and monetary value of each known buyer.

    Attributes:
        frame: One row a buyer, sorted by key.
        as_of: Last day that counts; recency is counted back from it.
        unknown: Paid orders that name no buyer and are in no row.
    """

    sheet: ClassVar[str] = mark("Buyers")
    units: ClassVar[Mapping[str, Unit]] = {
        "first_day": "day",
        "last_day": "day",
        "recency": "days",
        "frequency": "count",
        "monetary": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "buyer_key": mark("Buyer"),
        "first_day": mark("First payment"),
        "last_day": mark("Last payment"),
        "recency": mark("Days since"),
        "frequency": mark("Paid orders"),
        "monetary": mark("Paid amount"),
    }

    frame: pd.DataFrame
    as_of: dt.date
    unknown: int

    def to_frame(self) -> pd.DataFrame:
        """One row a buyer: first_day, last_day, recency [days], frequency, monetary."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """How many orders belong to nobody known."""
        if not self.unknown:
            return ()
        text = ntr(
            "{count} paid order names no buyer and is in no row.",
            "{count} paid orders name no buyer and are in no row.",
            self.unknown,
            count=show(self.unknown, "count"),
        )
        return (Finding(key="buyers/unknown", level="info", text=text),)


def sum_buyers(
    source: Source,
    *,
    as_of: dt.date | str,
    start: dt.date | str = dt.date(1990, 1, 1),
    time_zone: str | None = None,
) -> BuyerSums:
    """Sum each buyer's paid orders up to a day.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        start: First one.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        ParameterError: The period is impossible, or ``time_zone`` is missing.
    """
    first, last = as_day(start, name="start"), as_day(as_of, name="as_of")
    require_span(first, last)
    tables = Tables(source, time_zone=time_zone)
    paid = tables.lazy("orders").filter(frames.within("paid_at", first, last, tables.zone))
    span = tables.span("orders", "paid_at")
    known_from = max(first, span[0]) if span else first
    sums = paid.group_by("buyer_key").agg(
        first_at=nw.col("paid_at").min(),
        last_at=nw.col("paid_at").max(),
        frequency=nw.len(),
        monetary=nw.col("paid_amount").sum(),
    )
    days = sums.select(
        "buyer_key",
        first_day=frames.local_day("first_at", known_from, last, tables.zone),
        last_day=frames.local_day("last_at", known_from, last, tables.zone),
        frequency=nw.col("frequency"),
        monetary=nw.col("monetary"),
    )
    held = frames.bring(days, sort=["buyer_key"])
    unknown = held.loc[held["buyer_key"].isna(), "frequency"].sum()
    frame = held.loc[held["buyer_key"].notna()].reset_index(drop=True)
    recency = (_moment(last) - frame["last_day"]).dt.days
    return BuyerSums(
        frame=frame.assign(recency=recency)[["buyer_key", *BuyerSums.units]].astype(
            {"frequency": int, "monetary": float}
        ),
        as_of=last,
        unknown=int(unknown),
    )


def _moment(day: dt.date) -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp(day)
