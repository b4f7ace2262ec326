"""What totals by channel can tell, where no path can."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.campaigns.channels.attribution import Attribution, attribute_paths
from ecops_lib.campaigns.channels.building import build_paths
from ecops_lib.core.checks import as_day, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables, missing_words

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelTotals(Result):
    """Totals of a period by channel.

    Attributes:
        frame: One row a channel, most paid first: orders, paid amount and its share as the
            order's channel tells; visits (daily visitors added up), their share.
        start: First local day.
        end: Last local day, included.
        visits_told: Whether the traffic report tells visitors by channel.
        orders_told: Whether the orders tell their channel.
        why: Why no path can be built.
    """

    sheet: ClassVar[str] = mark("Totals by channel")
    labels: ClassVar[Mapping[str, str]] = {
        "channel": mark("Channel"),
        "orders": mark("Paid orders"),
        "paid": mark("Amount paid"),
        "share": mark("Share of the amount"),
        "visits": mark("Daily visitors, added up"),
        "visit_share": mark("Share of them (not additive)"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "orders": "count",
        "paid": "money",
        "share": "share",
        "visits": "count",
        "visit_share": "share",
    }

    frame: pd.DataFrame
    start: dt.date
    end: dt.date
    visits_told: bool
    orders_told: bool
    why: str

    def to_frame(self) -> pd.DataFrame:
        """One row a channel."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """The channels that sold most."""
        return self.frame.head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """Why these are totals, and which channel has most of them."""
        text = tr(
            "Only totals by channel exist, so what a channel gave to purchases that another one "
            "closed cannot be told: {why}",
            why=self.why,
        )
        found = [Finding(key="channels/totals", level="info", text=text)]
        if self.orders_told and len(self.frame) and self.frame["paid"].iloc[0] > 0:
            row = self.frame.iloc[0]
            text = tr(
                "By the channel that each order names, {channel} closed the most: {share} of the "
                "amount paid.",
                channel=short_name(row["channel"], tr("no channel named")),
                share=show(row["share"], "share"),
            )
            found.append(
                Finding(
                    key="channels/closed",
                    level="info",
                    text=text,
                    evidence={"share": float(row["share"])},
                )
            )
        if self.visits_told:
            text = tr(
                "Visitors are not additive: who came on two days or by two channels counts twice, "
                "so shares of visitors are not shares of people."
            )
            found.append(Finding(key="channels/visitors", level="info", text=text))
        return tuple(found)


def total_channels(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    time_zone: str | None = None,
    why: str = "",
) -> ChannelTotals:
    """Orders, amounts and daily visitors of a period by channel.

    Args:
        source: A store, or tables of any engine by canonical name; needs ``orders`` with
            channels, or ``traffic`` by channel.
        start: First local day of payment.
        end: Last one, included.
        time_zone: IANA zone of the days; the store's by default.
        why: Why no path can be built, for the words.

    Raises:
        MissingDataError: Neither orders nor traffic of these days tell a channel.
    """
    first, last = as_day(start, name="start"), as_day(end, name="end")
    require_span(first, last)
    tables = Tables(source, time_zone=time_zone)
    sold = _sold(tables, first, last)
    seen = _seen(tables, first, last)
    orders_told = bool(sold["channel"].notna().any())
    sold = sold if orders_told else sold.iloc[:0]
    if not orders_told and seen.empty:
        raise MissingDataError(
            tr(
                "Neither orders nor traffic from {start} to {end} name a channel; import the "
                "platform's order export with channels, or its report of traffic sources.",
                start=first.isoformat(),
                end=last.isoformat(),
            )
        )
    both = sold.merge(seen, on="channel", how="outer")
    both[["orders", "paid"]] = both[["orders", "paid"]].fillna(0.0 if orders_told else math.nan)
    for name, above in (("share", "paid"), ("visit_share", "visits")):
        whole = both[above].sum()
        both[name] = both[above] / whole if whole > 0 else math.nan
    columns = ["channel", "orders", "paid", "share", "visits", "visit_share"]
    ranked = both.sort_values(["paid", "visits"], ascending=False, kind="stable")[columns]
    return ChannelTotals(
        frame=ranked.reset_index(drop=True),
        start=first,
        end=last,
        visits_told=not seen.empty,
        orders_told=orders_told,
        why=why or missing_words("events"),
    )


def _sold(tables: Tables, first: dt.date, last: dt.date) -> pd.DataFrame:
    import pandas as pd

    if not tables.has("orders"):
        return pd.DataFrame({"channel": pd.Series(dtype=object), "orders": 0.0, "paid": 0.0})
    paid = tables.lazy("orders").filter(frames.within("paid_at", first, last, tables.zone))
    sums = paid.group_by("channel").agg(orders=nw.len(), paid=nw.col("paid_amount").sum())
    held = frames.bring(sums, sort=["channel"])
    named = [None if is_missing(name) or not str(name) else str(name) for name in held["channel"]]
    held["channel"] = pd.Series(named, dtype=object)
    return held.astype({"orders": float, "paid": float})


def _seen(tables: Tables, first: dt.date, last: dt.date) -> pd.DataFrame:
    import pandas as pd

    empty = pd.DataFrame({"channel": pd.Series(dtype=object), "visits": pd.Series(dtype=float)})
    if not tables.has("traffic"):
        return empty
    rows = tables.lazy("traffic", start=first, end=last).filter(
        (nw.col("scope") == "channel") & (nw.col("day") >= first) & (nw.col("day") <= last)
    )
    sums = rows.group_by("scope_id").agg(visits=nw.col("visitors").sum())
    held = frames.bring(sums, sort=["scope_id"]).rename(columns={"scope_id": "channel"})
    held["channel"] = held["channel"].astype(object)
    return held.astype({"visits": float}) if len(held) else empty


def attribute_channels(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    window_days: int = 30,
    time_zone: str | None = None,
) -> Attribution | ChannelTotals:
    """Attribution by channel where visitors' paths are told, else what the totals can tell.

    Args:
        source: A store, or tables of any engine by canonical name.
        start: First local day of the purchases.
        end: Last one, included.
        window_days: Days before a purchase in which a visit counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: Neither paths nor totals by channel are told.
    """
    try:
        built = build_paths(
            source, start=start, end=end, window_days=window_days, time_zone=time_zone
        )
        if not built.frame["conversions"].sum():
            why = tr("no path of these days ended in a purchase.")
        else:
            return attribute_paths(built.frame, note=built.sentence())
    except MissingDataError as error:
        why = str(error)
    return total_channels(source, start=start, end=end, time_zone=time_zone, why=why)
