"""Paths from visitors' own actions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.channels.paths import Ints
from ecops_lib.core.checks import as_day, require_between, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ecops_lib.core.formats import Unit

VISITOR = ["platform", "visitor_key"]
CONVERTING = ("pay", "order")
"""Actions that are a conversion, the first of them that the events tell."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BuiltPaths(Result):
    """Paths of visitors.

    Attributes:
        frame: One row a distinct path: ``path`` (list of channels), ``conversions``, ``value``
            (left out unless every purchase tells its amount), ``nulls``, ``days_before`` (list:
            mean days from each touch to the end).
        kind: The action that counts as a conversion.
        start: First local day of the paths' ends.
        end: Last local day, included.
        window_days: Days before its end in which a touch belongs to a path.
        open: Paths without a conversion whose window is not over yet.
        unplaced: Conversions of visitors with no channel in the window.
    """

    sheet: ClassVar[str] = mark("Paths to a purchase")
    labels: ClassVar[Mapping[str, str]] = {
        "path": mark("Path"),
        "conversions": mark("Purchases"),
        "value": mark("Amount paid"),
        "nulls": mark("Left without one"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "conversions": "count",
        "value": "money",
        "nulls": "count",
    }

    frame: pd.DataFrame
    kind: str
    start: dt.date
    end: dt.date
    window_days: int
    open: int
    unplaced: int

    def to_frame(self) -> pd.DataFrame:
        """One row a path, the most frequent first."""
        held = self.frame.drop(columns=["days_before"])
        return held.assign(path=[" > ".join(path) for path in held["path"]])

    def page_frame(self) -> pd.DataFrame:
        """The most frequent paths."""
        return self.to_frame().head(12)

    def sentence(self) -> str:
        """How the paths were built, in words."""
        return tr(
            "Paths of {start} to {end}: channels by which a visitor entered in the {days} days "
            "before a purchase; {lost} paths ended without one ({open} of them may still end in "
            "one), {unplaced} purchases have no channel and are left out.",
            start=show(self.start, "day"),
            end=show(self.end, "day"),
            days=show(self.window_days, "count"),
            lost=show(float(self.frame["nulls"].sum()), "count"),
            open=show(self.open, "count"),
            unplaced=show(self.unplaced, "count"),
        )


def build_paths(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    window_days: int = 30,
    time_zone: str | None = None,
) -> BuiltPaths:
    """Paths of channels by which visitors came before they bought, or left.

    A touch is a visit (session) with the channel of its first action that names one; an action
    without a session is a visit of its own. A path holds the touches of the ``window_days`` up
    to a purchase and after the purchase before it; touches after the last purchase make a path
    without one. Purchases of one visit count as one. Nothing after ``end`` is looked at.

    Args:
        source: A store, or tables of any engine by canonical name; needs ``events``.
        start: First local day on which a path may end.
        end: Last one, included.
        window_days: Days before its end in which a touch belongs to a path.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no events, or none of these days names visitor and channel.
    """
    first, last = as_day(start, name="start"), as_day(end, name="end")
    require_span(first, last)
    require_between(window_days, 1, 365, name="window_days")
    tables = Tables(source, time_zone=time_zone)
    tables.require("events")
    since = first - int(window_days) * frames.DAY
    kind = _kind(tables, first, last)
    visits = _visits(tables, since, last, kind)
    if not visits["channel"].notna().any():
        raise MissingDataError(
            tr(
                "No event from {start} to {end} names both a visitor and a channel, so paths "
                "cannot be built; import an event log that does.",
                start=since.isoformat(),
                end=last.isoformat(),
            )
        )
    begin, over = (np.datetime64(t.replace(tzinfo=None), "us")
                   for t in frames.instants(first, last, tables.zone))  # fmt: skip
    ends = _ends(visits, begin, over, int(window_days))
    window = np.timedelta64(int(window_days), "D")
    open_ = ~ends["bought"] & (ends["at"] > over - window)
    held = _paths(visits, ends, window)
    return BuiltPaths(
        frame=held,
        kind=kind,
        start=first,
        end=last,
        window_days=int(window_days),
        open=int(open_.sum()),
        unplaced=int(ends["bought"].sum() - held["conversions"].sum()),
    )


def _kind(tables: Tables, first: dt.date, last: dt.date) -> str:
    """The action that counts as a conversion: a payment where any is told, else an order."""
    rows = tables.lazy("events").filter(frames.within("happened_at", first, last, tables.zone))
    told = set(frames.bring(rows.select("kind").unique())["kind"])
    return next((kind for kind in CONVERTING if kind in told), CONVERTING[0])


def _visits(tables: Tables, since: dt.date, last: dt.date, kind: str) -> pd.DataFrame:
    """One row a visit: when it began, its channel, when and for how much it bought."""
    rows = tables.lazy("events", start=since, end=last).filter(
        frames.within("happened_at", since, last, tables.zone) & ~nw.col("visitor_key").is_null()
    )
    bought = nw.col("kind") == kind
    rows = rows.with_columns(
        visit=nw.coalesce("session_id", "event_id"),
        bought_at=nw.when(bought).then(nw.col("happened_at")),
        paid=nw.when(bought).then(nw.col("amount")),
    )
    key = [*VISITOR, "visit"]
    whole = rows.group_by(*key).agg(
        began=nw.col("happened_at").min(),
        bought_at=nw.col("bought_at").min(),
        paid=nw.col("paid").sum(),
        told=nw.col("paid").count(),
    )
    named = rows.filter(~nw.col("channel").is_null() & (nw.col("channel") != ""))
    entries = named.group_by(*key, "channel").agg(entered=nw.col("happened_at").min())
    visits = frames.bring(whole, sort=["platform", "visitor_key", "began", "visit"])
    held = frames.bring(entries, sort=[*key, "entered", "channel"]).drop_duplicates(key)
    visits["paid"] = visits["paid"].astype(float).where(visits["told"] > 0)
    joined = visits.merge(held[[*key, "channel"]], on=key, how="left")
    return joined.drop(columns="told")


def _ends(
    visits: pd.DataFrame, begin: np.datetime64, over: np.datetime64, days: int
) -> pd.DataFrame:
    """Where paths end: each visit with a purchase, and the visits that none followed in time.

    Visits are in order by visitor and time. A visit ends a path without a purchase where the
    visitor's next visit is none, or further away than the window.
    """
    import pandas as pd

    who = visits.groupby(VISITOR, sort=False).ngroup()
    began, bought_at = _naive(visits["began"]), _naive(visits["bought_at"])
    bought = bought_at.notna()
    next_gap = began.shift(-1).where(who.shift(-1) == who) - began
    alone = next_gap.isna() | (next_gap > pd.Timedelta(days=days))
    at = bought_at.where(bought, began)
    inside = (at >= begin) & (at < over)
    place = np.flatnonzero(((bought | alone) & inside).to_numpy())
    return pd.DataFrame(
        {
            "place": place,
            "at": at.iloc[place].to_numpy(),
            "bought": bought.iloc[place].to_numpy(),
            "value": visits["paid"].iloc[place].to_numpy(),
        }
    )


def _naive(moments: pd.Series) -> pd.Series:
    """Instants as UTC without a zone, whatever engine they come from."""
    import pandas as pd

    held: pd.Series = (
        pd.to_datetime(moments, utc=True).dt.tz_localize(None).astype("datetime64[us]")
    )
    return held


def _paths(visits: pd.DataFrame, ends: pd.DataFrame, window: np.timedelta64) -> pd.DataFrame:
    """The touches of each end, and equal paths added up."""
    import pandas as pd

    who = visits.groupby(VISITOR, sort=False).ngroup().to_numpy()
    began = _naive(visits["began"]).to_numpy()
    bought = visits["bought_at"].notna().to_numpy()
    opens = np.append(True, (np.diff(who) != 0) | bought[:-1]) if len(who) else bought
    first = np.maximum.accumulate(np.where(opens, np.arange(len(who)), 0))
    owner, touch = _spread(first, ends["place"].to_numpy())
    gap = ends["at"].to_numpy()[owner] - began[touch]
    kept = (gap <= window) & visits["channel"].notna().to_numpy()[touch]
    rows = pd.DataFrame(
        {
            "owner": owner[kept],
            "channel": visits["channel"].to_numpy(object)[touch[kept]],
            "gap": np.maximum(gap[kept] / np.timedelta64(1, "D"), 0.0),
        }
    )
    by = rows.groupby("owner", sort=True)
    whole = pd.DataFrame({"path": by["channel"].agg(tuple), "gap": by["gap"].agg(list)})
    held = whole.join(ends[["bought", "value"]])
    sums = held.groupby("path", sort=True).agg(
        conversions=("bought", "sum"),
        value=("value", "sum"),
        told=("value", "count"),
        ends=("bought", "size"),
        days_before=("gap", lambda each: np.mean(list(each), axis=0).tolist()),
    )
    sums = sums.assign(nulls=sums["ends"] - sums["conversions"]).drop(columns="ends").reset_index()
    ranked = sums.sort_values(["conversions", "nulls"], ascending=False, kind="stable")
    ranked["path"] = [list(path) for path in ranked["path"]]
    columns = ["path", "conversions", "value", "nulls", "days_before"]
    if ranked["told"].sum() < ranked["conversions"].sum():
        columns.remove("value")  # a purchase without its amount would count as nothing
    return ranked[columns].reset_index(drop=True)


def _spread(first: Ints, place: Ints) -> tuple[Ints, Ints]:
    """All visits of each path: the path of each, and its place among the visits."""
    sizes = place - first[place] + 1
    owner = np.repeat(np.arange(len(place)), sizes)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return owner, first[place][owner] + offset
