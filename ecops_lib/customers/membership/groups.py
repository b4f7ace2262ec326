"""Chat groups: their statistics in weeks, blocks of seven days that end with a day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import narwhals as nw

from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.customers.firsts import day_number
from ecops_lib.customers.membership.landmark import flag
from ecops_lib.customers.orders import EXACT, Frame
from ecops_lib.customers.people import MILS, to_mils
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

WEEK = 7
BOTH = {
    "active": ("active_members", "members"),
    "watched": ("members", "active_members"),
    "planned": ("planned_posts", "posts"),
    "made": ("posts", "planned_posts"),
    "posts": ("posts", "clicks"),
    "clicks": ("clicks", "posts"),
    "joined": ("joined", "left"),
    "left": ("left", "joined"),
}
"""Sums of a column over the days that tell another one too, so that both can be compared."""
SUMS = (*BOTH, "orders", "member_days", "member_told", "moves_told", "days", "mils")


class Groups:
    """The groups' statistics up to a day.

    Raises:
        MissingDataError: There are none, or none by that day.

    Attributes:
        as_of: Last day that counts.
        days: Length of the span [days].
        last: Last day told by then.
        weeks: One row a group and week: ``group_id``, ``week`` (0 ends with ``as_of``) and
            sums, of this span and the one before.
        ends: One row a group: ``members`` on its last day told, ``ago`` days before
            ``as_of``; ``members_before`` on the last day before the span, ``before_ago``.
    """

    def __init__(
        self, source: Source, *, as_of: dt.date | str, days: int, time_zone: str | None
    ) -> None:
        self.as_of, self.days = as_day(as_of, name="as_of"), days
        self.tables = Tables(source, time_zone=time_zone)
        self.tables.require("community")
        span = self.tables.span("community", "day")
        if span is None or span[0] > self.as_of:
            raise MissingDataError(
                tr(
                    "No chat group is told of by {day}; import older group statistics, or choose "
                    "a later as_of.",
                    day=show(self.as_of, "day"),
                )
            )
        self.weeks, self.ends = self._sum_weeks(), self._find_ends()
        told = frames.bring(self._rows().select(ago=nw.col("ago").min()))["ago"]
        self.last = self.as_of - dt.timedelta(days=int(told.iloc[0]))

    def _rows(self) -> Frame:
        ago = nw.lit(self.as_of.toordinal()) - day_number("day")
        return self.tables.lazy("community").with_columns(ago=ago).filter(nw.col("ago") >= 0)

    def _sum_weeks(self) -> pd.DataFrame:
        """Sums of this span and the one before, by group and week."""
        told = {c: ~nw.col(c).is_null() for pair in BOTH.values() for c in pair}
        both = {n: nw.when(told[c] & told[d]).then(nw.col(c)) for n, (c, d) in BOTH.items()}
        rows = self._rows().filter(nw.col("ago") < 2 * self.days)
        rows = rows.select(
            "group_id",
            "orders",
            week=nw.col("ago") // WEEK,
            amount=nw.col("paid_amount").cast(EXACT),
            member_days=nw.col("members"),
            member_told=flag(told["members"]),
            moves_told=flag(told["joined"] & told["left"]),
            days=nw.lit(1),
            **both,
        )
        names = [name for name in SUMS if name != "mils"]
        sums = rows.group_by("group_id", "week").agg(*(nw.col(n).sum() for n in (*names, "amount")))
        held = frames.bring(sums, sort=["group_id", "week"])
        held["mils"] = to_mils(held["amount"].fillna(0.0).to_numpy(float))
        whole = [*names, "week"]
        held[whole] = held[whole].fillna(0).astype(int)
        return held.drop(columns="amount")

    def _find_ends(self) -> pd.DataFrame:
        rows, ago = self._rows().filter(~nw.col("members").is_null()), nw.col("ago")
        rows = rows.select("group_id", "ago", "members")
        before = rows.filter(ago >= self.days)
        return (
            self._nearest(rows)
            .merge(self._nearest(before), on="group_id", how="left", suffixes=("", "_before"))
            .rename(columns={"ago_before": "before_ago"})
        )

    def _nearest(self, rows: Frame) -> pd.DataFrame:
        """Members of each group on its latest day."""
        nearest = rows.group_by("group_id").agg(ago=nw.col("ago").min())
        held = rows.join(nearest, on=["group_id", "ago"], how="inner")
        return frames.bring(held, sort=["group_id"]).drop_duplicates("group_id")

    def paid_by_shop(self) -> float:
        """What the shop took, gross, on the days that the groups tell of; NaN without orders."""
        if not self.tables.has("orders"):
            return float("nan")
        span = self.tables.span("orders", "paid_at")
        if span is None:
            return 0.0
        days = self._rows().filter(nw.col("ago") < self.days).group_by("ago").agg(rows=nw.len())
        paid = self.tables.lazy("orders").filter(~nw.col("paid_at").is_null())
        paid = paid.with_columns(day=frames.local_day("paid_at", *span, self.tables.zone))
        paid = paid.with_columns(
            ago=nw.lit(self.as_of.toordinal()) - day_number("day"),
            amount=nw.col("paid_amount").cast(EXACT),
        )
        recent = paid.filter((nw.col("ago") >= 0) & (nw.col("ago") < self.days))
        sums = recent.group_by("ago").agg(amount=nw.col("amount").sum())
        held = frames.bring(sums).merge(frames.bring(days), on="ago", how="inner")
        return int(to_mils(held["amount"].fillna(0.0).to_numpy(float)).sum()) / MILS

    def joiners(self) -> Frame | None:
        """The ordinal of the day on which each customer joined, as ``done``; None if not told."""
        if not self.tables.has("customers"):
            return None
        span = self.tables.span("customers", "community_joined_at")
        if span is None:
            return None
        rows = self.tables.lazy("customers").filter(~nw.col("community_joined_at").is_null())
        day = frames.local_day("community_joined_at", *span, self.tables.zone)
        dated = rows.with_columns(day=day).with_columns(number=day_number("day"))
        by_then = dated.filter(nw.col("number") <= self.as_of.toordinal())
        return by_then.group_by("buyer_key").agg(done=nw.col("number").min())


def sum_groups(groups: Groups) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Each group of the span with its sums, and the groups that are told of no more."""
    count = groups.days // WEEK
    weeks, ends = groups.weeks, groups.ends.set_index("group_id")
    now = weeks[weeks["week"] < count].groupby("group_id")[list(SUMS)].sum()
    before = weeks[weeks["week"] >= count].groupby("group_id")[["active", "watched"]].sum()
    last = weeks[weeks["week"] == 0].groupby("group_id")[["active", "watched"]].sum()
    held = now.join([before.add_suffix("_before"), last.add_suffix("_last"), ends], how="left")
    early = [f"{name}{when}" for name in ("active", "watched") for when in ("_before", "_last")]
    held[early] = held[early].fillna(0).astype(int)
    moved = held["members_before"] + held["joined"] - held["left"]
    whole = (
        (held["moves_told"] == groups.days) & (held["ago"] == 0)
        & (held["before_ago"] == groups.days)
    )  # fmt: skip
    held["mismatch"] = (held["members"] - moved).where(whole)
    held["size"] = (
        held["member_days"] / held["member_told"].where(held["member_told"] > 0)
    ).fillna(0)
    latest = (groups.as_of - groups.last).days
    held["members"] = held["members"].where(held["ago"] == latest).astype(float)
    gone = sorted(set(ends.index) - set(held.index))
    return held.drop(columns=["ago", "before_ago"]).reset_index(), tuple(gone)
