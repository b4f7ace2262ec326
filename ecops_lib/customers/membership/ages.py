"""What became of the points of each month, how many are left, and which expire next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

SOON = 31
"""Days before their expiry from which points call for a reminder."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PointAges(Result):
    """Points by the month in which they were credited, first in, first out.

    Attributes:
        frame: One row a month: its first day ``month``; points ``credited``, and of them
            ``redeemed``, ``expired``, ``other`` (taken back) and ``left``; ``holders`` of
            the last; ``expires``, the last day on which they are good (NaT where no
            validity is given); ``old``, whether the month is old enough to be judged.
        value: Worth of one point [store currency]; NaN where it is not told.
        as_of: Last local day that counts.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Points by age")
    units: ClassVar[Mapping[str, Unit]] = {
        "credited": "count",
        "redeemed": "count",
        "expired": "count",
        "other": "count",
        "left": "count",
        "left_share": "share",
        "holders": "count",
        "rate": "share",
        "breakage": "share",
        "expires": "day",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "month": mark("Credited in"),
        "credited": mark("Points credited"),
        "redeemed": mark("Redeemed"),
        "expired": mark("Expired"),
        "other": mark("Taken back"),
        "left": mark("Still there"),
        "left_share": mark("Share of the balance"),
        "holders": mark("Holders"),
        "rate": mark("Redemption rate"),
        "breakage": mark("Breakage rate"),
        "expires": mark("Good until"),
        "judged": mark("Old enough to judge"),
    }

    frame: pd.DataFrame
    value: float
    as_of: dt.date
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a month, the latest first."""
        held = self.frame
        credited, left = held["credited"], held["left"].sum()
        told = held.assign(
            month=[f"{day:%Y-%m}" for day in held["month"]],
            left_share=held["left"] / (left or nan),
            rate=held["redeemed"] / credited,
            breakage=held["expired"] / credited,
            judged=[tr("yes") if old else tr("not yet") for old in held["old"]],
        )
        return told[list(self.labels)].iloc[::-1].reset_index(drop=True)

    def findings(self) -> tuple[Finding, ...]:
        """What became of the old points, what expires next, and what should have expired."""
        if self.frame.empty:
            return ()
        return (self._matured(), *self._next(), *self._overdue())

    def _matured(self) -> Finding:
        key, old = "points/matured", self.frame[self.frame["old"]]
        if old.empty:
            text = tr(
                "What share of the points is redeemed in the end cannot be told yet: no month of "
                "points is old enough to judge."
            )
            return Finding(key=key, level="info", text=text)
        whole = float(old["credited"].sum())
        parts = {n: float(old[n].sum()) / whole for n in ("redeemed", "expired", "other", "left")}
        text = tr(
            "Of {credited} points credited by {month}, old enough to judge, {redeemed} were "
            "redeemed, {expired} expired (breakage), {other} were taken back and {left} are still "
            "there; later months are not counted, for their points are still being spent.",
            credited=show(whole, "count"),
            month=f"{old['month'].iloc[-1]:%Y-%m}",
            **{name: show(value, "share") for name, value in parts.items()},
        )
        return Finding(key=key, level="info", text=text, evidence={"credited": whole, **parts})

    def _next(self) -> tuple[Finding, ...]:
        import pandas as pd

        held, today = self.frame, pd.Timestamp(self.as_of)
        coming = held[(held["left"] > 0) & (held["expires"] >= today)]
        if coming.empty:
            return ()
        row = coming.iloc[0]
        days = (row["expires"].date() - self.as_of).days
        worth = float(row["left"]) * self.value
        text = ntr(
            "The next points to expire are {points} of {month}: {holders} customer holds them, "
            "and they are good until {day} ({days}).",
            "The next points to expire are {points} of {month}: {holders} customers hold them, "
            "and they are good until {day} ({days}).",
            int(row["holders"]),
            points=show(row["left"], "count"),
            month=f"{row['month']:%Y-%m}",
            holders=show(row["holders"], "count"),
            day=show(row["expires"].date(), "day"),
            days=show(days, "days"),
        )
        soon = days <= SOON
        todo = Action(text=tr("remind their holders before the points expire"), owner=self.owner)
        numbers = {"points": float(row["left"]), "holders": float(row["holders"]), "days": days}
        return (
            Finding(
                key="points/expiring",
                level="watch" if soon else "info",
                text=text,
                evidence=numbers,
                money=worth if worth > 0 else None,
                action=todo if soon else None,
            ),
        )

    def _overdue(self) -> tuple[Finding, ...]:
        import pandas as pd

        past = self.frame[self.frame["expires"] < pd.Timestamp(self.as_of)]
        left = float(past["left"].sum())
        if not left:
            return ()
        text = tr(
            "{points} points are older than their validity and still on the accounts: either the "
            "validity given is not the shop's rule, or the ledger lacks their expiry.",
            points=show(left, "count"),
        )
        worth = left * self.value
        return (
            Finding(key="points/overdue", level="bad", text=text, evidence={"points": left},
                    money=worth if worth > 0 else None),
        )  # fmt: skip

    def chart(self) -> Chart | None:
        """Points still there by month credited."""
        held = self.frame[self.frame["left"] > 0]
        if held.empty:
            return None
        rows = held.assign(name=[f"{day:%Y-%m}" for day in held["month"]], value=held["left"])
        return bar_chart(rows, caption=tr("Points still there, by month credited"), unit="count")


def make_ages(
    frame: pd.DataFrame,
    *,
    as_of: dt.date,
    days: int,
    value: float,
    valid_months: int | None,
    owner: str,
) -> PointAges:
    """Date the months of a ledger and say which are old enough.

    Args:
        frame: One row a month with its number ``month`` (12 a year, January of year 0 is 0).
        as_of: Last local day that counts.
        days: Age from which a month is judged where no validity is given [days].
        value: Worth of one point [store currency]; NaN where it is not told.
        valid_months: Months after the month of credit at whose end points expire.
        owner: Who sees to it.
    """
    import pandas as pd

    numbers = frame["month"].tolist()
    ends = [month_start(n + 1) - dt.timedelta(days=1) for n in numbers]
    expires = [
        month_start(n + valid_months + 1) - dt.timedelta(days=1) if valid_months else None
        for n in numbers
    ]
    old = [
        last < as_of if last else (as_of - end).days >= days
        for last, end in zip(expires, ends, strict=True)
    ]
    dated = frame.assign(
        month=pd.to_datetime([month_start(n) for n in numbers]),
        expires=pd.to_datetime(pd.Series(expires, dtype=object)),
        old=pd.array(old, dtype=bool),
    )
    return PointAges(frame=dated, value=value, as_of=as_of, owner=owner)


def month_start(number: int) -> dt.date:
    """The first day of a month told by its number.

    >>> month_start(2026 * 12)
    datetime.date(2026, 1, 1)
    """
    return dt.date(number // 12, number % 12 + 1, 1)
