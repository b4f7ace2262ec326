"""Visits from an event log: where each began, by what, and how far it went."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.data import frames
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.search.leaves import Span, like_periods
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

STEPS: Mapping[str, str] = {
    "visit": mark("Visits"),
    "detail": mark("Saw a product"),
    "cart": mark("Added to cart"),
    "order": mark("Ordered"),
    "pay": mark("Paid"),
}
"""Steps of a visit in order."""

DIMENSIONS: Mapping[str, str] = {
    "page": mark("First page"),
    "channel": mark("Channel"),
    "device": mark("Device"),
    "product_id": mark("First product"),
}
UNKNOWN = ""
FEWEST_DAYS = 14
"""Earlier days with visits that tell what is usual."""

VISIT = ["platform", "visit"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Visits:
    """Visits of a period and of earlier days like it.

    Attributes:
        frame: One row a local day × dimensions × ``depth`` (last step reached, 0 to 4): ``now``
            (whether the day is of the period), ``visits``, ``amount`` [store currency] and
            ``told`` (payments that tell their amount).
        start: First day of the period.
        end: Last one.
        past: The earlier spans.
    """

    frame: pd.DataFrame
    start: dt.date
    end: dt.date
    past: tuple[Span, ...]

    @property
    def comparable(self) -> bool:
        """Whether enough earlier days tell what is usual."""
        return int(self.frame.loc[~self.frame["now"], "day"].nunique()) >= FEWEST_DAYS

    def reached(self, step: int, *, now: bool) -> float:
        """Visits that reached a step."""
        rows = self.frame.loc[(self.frame["now"] == now) & (self.frame["depth"] >= step)]
        return float(rows["visits"].sum())


def read_visits(history: History, *, start: dt.date, end: dt.date) -> Visits:
    """Visits of a period and of earlier periods on the same weekdays.

    A visit is a session; where none is told, a visitor's actions of one local day; else an
    action. It reaches a step by an action of that step or of a later one: a view without a product
    is a visit, with a product it saw one; saving a product is seeing it. A payment in a later
    visit counts there. First page, channel, device and product are those of its first action that
    tells them.

    Args:
        history: The days before, up to ``end``.
        start: First local day on which a visit begins.
        end: Last one.

    Raises:
        MissingDataError: There is no event log, or it is silent in the period.
    """
    tables = history.tables
    tables.require("events")
    known = tables.span("events", "happened_at")
    earlier = like_periods(history, start=start, end=end)
    past = tuple(one for one in earlier if known and one[0] >= known[0])
    first = min([start, *(one[0] for one in past)])
    held = count_visits(tables, first, end)
    inside = held["day"].between(str(start), str(end))
    before = held["day"].isin([day for one in past for day in _days(*one)])
    frame = held.assign(now=inside).loc[inside | before].reset_index(drop=True)
    if not frame["now"].any():
        raise MissingDataError(
            tr(
                "No visitor's action is recorded from {first} to {last}; import the event log "
                "of these days.",
                first=show(start, "day"),
                last=show(end, "day"),
            )
        )
    return Visits(frame=frame, start=start, end=end, past=past)


def _days(first: dt.date, last: dt.date) -> list[Any]:
    import pandas as pd

    return list(pd.date_range(first, last, freq="D"))


def count_visits(tables: Tables, first: dt.date, last: dt.date) -> pd.DataFrame:
    """Visits by local day, dimensions and depth; counted in the tables' engine.

    Args:
        tables: The tables, of any engine.
        first: First local day of the actions.
        last: Last one.

    Returns:
        One row a day × dimensions × ``depth``: ``visits``, ``amount`` and ``told``.
    """
    day = frames.local_day("happened_at", first, last, tables.zone)
    rows = (
        tables.lazy("events", start=first, end=last)
        .filter(frames.within("happened_at", first, last, tables.zone))
        .with_columns(day=day, step=_step(), paid=_paid("amount"))
        .with_columns(visit=_visit())
    )
    visits = rows.group_by(VISIT).agg(
        day=nw.col("day").min(), depth=nw.col("step").max(), amount=nw.col("paid").sum(),
        told=nw.col("paid").count(),
    )  # fmt: skip
    for name in DIMENSIONS:
        visits = visits.join(_first(rows, name), on=VISIT, how="left")
    counted = visits.group_by("day", *DIMENSIONS, "depth").agg(
        visits=nw.len(), amount=nw.col("amount").sum(), told=nw.col("told").sum()
    )
    held = frames.bring(counted, sort=["day", *DIMENSIONS, "depth"])
    whole = {name: held[name].fillna(UNKNOWN).astype(str) for name in DIMENSIONS}
    return held.assign(**whole, amount=held["amount"].astype(float).fillna(0.0))


def _visit() -> nw.Expr:
    """What tells a visit from others of its platform."""
    daily = nw.concat_str("visitor_key", nw.col("day").cast(nw.String), separator=" ")
    return nw.coalesce(_told("session_id"), daily, "event_id")


def _told(name: str) -> nw.Expr:
    """A text, or null where it is empty."""
    return nw.when(nw.col(name) != "").then(nw.col(name))


def _step() -> nw.Expr:
    """The place of an action's step in ``STEPS``."""
    seen = nw.when(_told("product_id").is_null()).then(nw.lit(0)).otherwise(nw.lit(1))
    for place, kind in ((2, "cart"), (3, "order"), (4, "pay")):
        seen = nw.when(nw.col("kind") == kind).then(nw.lit(place)).otherwise(seen)
    return seen


def _paid(name: str) -> nw.Expr:
    return nw.when(nw.col("kind") == "pay").then(nw.col(name).cast(nw.Float64))


def _first(rows: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
    """A dimension's value at each visit's first action that tells it; the smaller of equals."""
    told = rows.select(*VISIT, "happened_at", told=_told(name)).filter(~nw.col("told").is_null())
    firsts = told.group_by(VISIT).agg(first_at=nw.col("happened_at").min())
    both = told.join(firsts, on=VISIT, how="inner")
    at_first = both.filter(nw.col("happened_at") == nw.col("first_at"))
    return at_first.group_by(VISIT).agg(nw.col("told").min().alias(name))
