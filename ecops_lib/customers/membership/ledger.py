"""The ledger of membership points: what flowed when, and which points are still there.

A movement is told by its kind and its sign: *earned* and *redeemed* points count net of
what was taken back or given back. Points are spent first in, first out: whatever leaves an
account uses up the oldest points in it; within one calendar month redemptions come before
expiry, and both before points taken back.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.customers.firsts import day_number
from ecops_lib.customers.membership.landmark import flag
from ecops_lib.customers.orders import EARLIEST, Frame
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("earned", "redeemed", "expired")
OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What customers have on their accounts.

    Attributes:
        holders: Customers with points.
        owed: Their points.
        negative: Customers with less than none.
        short: Points that they lack.
        overexpired: Customers of whom more points expired than were ever credited.
        nameless: Movements that name no customer; together they are one account.
        strange: Movements of no known kind; they count in the balance alone.
        empty: Movements without a number of points; they are in no figure.
    """

    holders: int
    owed: int
    negative: int
    short: int
    overexpired: int
    nameless: int
    strange: int
    empty: int


class Ledger:
    """The movements of points up to a day.

    Raises:
        MissingDataError: There is no ledger, or nothing moved by then.

    Attributes:
        as_of: Last local day that counts.
        first: Local day of the first movement.
    """

    def __init__(
        self, source: Source, *, as_of: dt.date | str, time_zone: str | None = None
    ) -> None:
        self.as_of = as_day(as_of, name="as_of")
        self.tables = Tables(source, time_zone=time_zone)
        self.tables.require("points")
        span = self.tables.span("points", "moved_at")
        if span is None or span[0] > self.as_of:
            raise MissingDataError(
                tr(
                    "No points moved by {day}; import an older ledger, or choose a later as_of.",
                    day=show(self.as_of, "day"),
                )
            )
        self.first = span[0]

    def rows(self) -> Frame:
        """One row a movement: ``buyer_key``, ``day``, ``month`` (number), ``kind``, ``points``."""
        zone = self.tables.zone
        held = self.tables.lazy("points")
        held = held.filter(frames.within("moved_at", EARLIEST, self.as_of, zone))
        day = frames.local_day("moved_at", self.first, self.as_of, zone)
        known = nw.col("kind").is_in(KINDS) & ~nw.col("kind").is_null()
        told = held.with_columns(
            day=day,
            kind=nw.when(known).then(nw.col("kind")).otherwise(nw.lit(OTHER)),
            nameless=flag(nw.col("buyer_key").is_null()),
            buyer_key=_named("buyer_key"),
        )
        year, month = nw.col("day").dt.year(), nw.col("day").dt.month()
        return told.with_columns(month=year.cast(nw.Int64) * 12 + month.cast(nw.Int64) - 1)

    def flows(self) -> pd.DataFrame:
        """Points moved, one row a ``day`` and ``kind``."""
        sums = self.rows().group_by("day", "kind").agg(points=nw.col("points").sum())
        return frames.bring(sums, sort=["day", "kind"]).fillna({"points": 0})

    def accounts(self) -> Accounts:
        """How many customers hold points, and what is wrong with the ledger."""
        points, kind = nw.col("points"), nw.col("kind")
        expired = nw.when((kind == "expired") & (points < 0)).then(points - points - points)
        rows = self.rows().with_columns(
            credit=nw.when(points > 0).then(points),
            expired=expired,
            strange=flag(kind == OTHER),
            empty=flag(points.is_null()),
        )
        names = ("points", "credit", "expired", "nameless", "strange", "empty")
        each = rows.group_by("buyer_key").agg(*(nw.col(name).sum() for name in names))
        parts = {
            "holders": points > 0,
            "negative": points < 0,
            "overexpired": nw.col("expired") > nw.col("credit"),
        }
        told = each.with_columns(
            **{name: flag(part) for name, part in parts.items()},
            owed=nw.when(points > 0).then(points),
            short=nw.when(points < 0).then(points - points - points),
        )
        sums = ("holders", "owed", "negative", "short", "overexpired", *names[3:])
        [row] = frames.bring(told.select(*(nw.col(n).sum() for n in sums))).to_dict("records")
        return Accounts(**{name: _whole(row[name]) for name in sums})

    def ages(self) -> pd.DataFrame:
        """What became of the points credited in each month, first in, first out.

        Returns:
            One row a ``month`` (number): ``credited``, and of that ``redeemed``,
            ``expired``, ``other`` (taken back), ``left`` and its ``holders``.
        """
        rows, points = self.rows(), nw.col("points")
        place = nw.when(nw.col("kind") == "expired").then(nw.lit(1)).otherwise(nw.lit(0))
        gone = rows.filter(points < 0).with_columns(
            kind=nw.when(nw.col("kind") == "earned").then(nw.lit(OTHER)).otherwise(nw.col("kind")),
            points=points - points - points,
        )
        order = nw.col("month") * 3 + place + flag(nw.col("kind") == OTHER) * 2
        earnings = _stack(rows.filter(points > 0).with_columns(turn=nw.col("month")), ["month"])
        debits = _stack(gone.with_columns(turn=order), ["kind"]).select(
            "buyer_key", "kind", gone_from="begin", gone_to="end"
        )
        overlap = nw.min_horizontal("end", "gone_to") - nw.max_horizontal("begin", "gone_from")
        used = earnings.join(debits, on="buyer_key", how="inner").with_columns(points=overlap)
        used = used.filter(nw.col("points") > 0)
        sums = used.group_by("month", "kind").agg(points=nw.col("points").sum())
        return _age_frame(
            frames.bring(sums, sort=["month", "kind"]),
            self._left(earnings, debits),
        )

    def _left(self, earnings: Frame, debits: Frame) -> pd.DataFrame:
        """Points credited and still there by month."""
        whole = debits.group_by("buyer_key").agg(gone=nw.col("gone_to").max())
        held = earnings.join(whole, on="buyer_key", how="left")
        gone = nw.when(nw.col("gone").is_null()).then(nw.lit(0)).otherwise(nw.col("gone"))
        left = nw.col("end") - nw.max_horizontal("begin", "gone")
        held = held.with_columns(gone=gone.cast(nw.Int64)).with_columns(left=left)
        held = held.with_columns(left=nw.when(nw.col("left") > 0).then(nw.col("left")))
        sums = held.group_by("month").agg(
            credited=nw.col("points").sum(),
            left=nw.col("left").sum(),
            holders=nw.col("left").count(),
        )
        return frames.bring(sums, sort=["month"]).fillna(0).astype(int)

    def redeemers(self) -> Frame:
        """The ordinal of the day on which each customer first redeemed, as ``done``."""
        spent = self.rows().filter((nw.col("kind") == "redeemed") & (nw.col("points") < 0))
        dated = spent.with_columns(number=day_number("day"))
        return dated.group_by("buyer_key").agg(done=nw.col("number").min())


def _named(column: str) -> nw.Expr:
    """A key that is never null, so that every engine joins it alike."""
    return nw.when(~nw.col(column).is_null()).then(nw.col(column)).otherwise(nw.lit(""))


def _stack(rows: Frame, keep: list[str]) -> Frame:
    """Points of each account one upon the other in order of ``turn``: from ``begin`` to ``end``."""
    each = rows.group_by("buyer_key", "turn", *keep).agg(points=nw.col("points").sum())
    below = each.select("buyer_key", under="turn", height="points")
    both = each.join(below, on="buyer_key", how="inner").filter(nw.col("under") <= nw.col("turn"))
    held = both.group_by("buyer_key", "turn", "points", *keep).agg(end=nw.col("height").sum())
    return held.with_columns(begin=nw.col("end") - nw.col("points"))


def _age_frame(used: pd.DataFrame, left: pd.DataFrame) -> pd.DataFrame:
    table = used.pivot_table(index="month", columns="kind", values="points", aggfunc="sum")
    table = table.reindex(index=left["month"], columns=["redeemed", "expired", OTHER])
    return left.join(table.fillna(0).astype(int).reset_index(drop=True))


def _whole(value: Any) -> int:
    """A sum; that of no rows is 0."""
    import pandas as pd

    return 0 if pd.isna(value) else int(value)
