"""Membership points: what flowed, what is owed, and whether redeemers come back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import MetricError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.customers.membership.ages import PointAges, make_ages, month_start
from ecops_lib.customers.membership.landmark import Landmark, compare_after
from ecops_lib.customers.membership.ledger import KINDS, OTHER, Accounts, Ledger
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

SIGNS = {"earned": 1, "redeemed": -1, "expired": -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Points moved in a span of days, all above 0 where the ledger is sound.

    Attributes:
        earned: Points earned, less those taken back.
        redeemed: Points redeemed, less those given back.
        expired: Points expired.
        other: Points moved otherwise, signed.
    """

    earned: int
    redeemed: int
    expired: int
    other: int

    @property
    def rate(self) -> float:
        """Redeemed to earned points; NaN where none were earned."""
        return self.redeemed / self.earned if self.earned > 0 else nan


@dataclass(frozen=True, kw_only=True, eq=False)
class Points(Result):
    """The ledger of membership points up to a day.

    Attributes:
        frame: One row a calendar month, its number ``month``: points ``earned``,
            ``redeemed``, ``expired``, ``other`` and the ``balance`` at its end.
        now: What moved in the period.
        before: What moved in the one before; None where the ledger begins later.
        accounts: What customers hold, and what is wrong with the ledger.
        ages: What became of the points of each month.
        repurchase: Redeemers against others after a landmark.
        value: Worth of one point [store currency]; NaN where it is not told.
        start: First local day of the period.
        as_of: Last one.
    """

    sheet: ClassVar[str] = mark("Membership points")
    units: ClassVar[Mapping[str, Unit]] = {
        "earned": "count",
        "redeemed": "count",
        "expired": "count",
        "other": "count",
        "balance": "count",
        "worth": "money",
        "rate": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "month": mark("Month"),
        "earned": mark("Points earned"),
        "redeemed": mark("Redeemed"),
        "expired": mark("Expired"),
        "other": mark("Otherwise moved"),
        "rate": mark("Redeemed to earned"),
        "balance": mark("Balance at the end"),
        "worth": mark("Worth of the balance"),
    }

    frame: pd.DataFrame
    now: Flow
    before: Flow | None
    accounts: Accounts
    ages: PointAges
    repurchase: Landmark
    value: float
    start: dt.date
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a month, the latest first."""
        held = self.frame
        told = held.assign(
            month=[f"{month_start(n):%Y-%m}" for n in held["month"]],
            rate=held["redeemed"] / held["earned"].where(held["earned"] > 0),
            worth=held["balance"] * self.value,
        )
        return told[list(self.labels)].iloc[::-1].reset_index(drop=True)

    def findings(self) -> tuple[Finding, ...]:
        """What is owed, what flowed, what became of old points, and what is wrong."""
        return (
            self._owed(),
            self._flow(),
            *self.ages.findings(),
            *self.repurchase.findings(),
            *account_faults(self.accounts),
        )

    def _owed(self) -> Finding:
        owed = self.accounts.owed
        text = ntr(
            "On {day} {holders} customer holds {points} points.",
            "On {day} {holders} customers hold {points} points.",
            self.accounts.holders,
            day=show(self.as_of, "day"),
            holders=show(self.accounts.holders, "count"),
            points=show(owed, "count"),
        )
        worth = owed * self.value
        if isnan(worth):
            more = tr("What they are worth cannot be told; give value_per_point.")
        else:
            more = tr(
                "At {value} for 100 points the shop owes {worth}, if all are redeemed.",
                value=show(100 * self.value, "money"),
                worth=show(worth, "money"),
            )
        numbers = {"points": float(owed), "holders": float(self.accounts.holders), "worth": worth}
        return Finding(
            key="points/owed",
            level="info",
            text=joined(text, more),
            evidence=numbers,
            money=worth if worth > 0 else None,
        )

    def _flow(self) -> Finding:
        now, before = self.now, self.before
        given = {
            "start": show(self.start, "day"),
            "end": show(self.as_of, "day"),
            "earned": show(now.earned, "count"),
            "redeemed": show(now.redeemed, "count"),
            "expired": show(now.expired, "count"),
            "rate": show(now.rate, "share"),
        }
        if now.earned > 0:
            text = tr(
                "From {start} to {end} {earned} points were earned, {redeemed} redeemed and "
                "{expired} expired: redeemed to earned {rate}, though what is redeemed may have "
                "been earned earlier.",
                **given,
            )
        else:
            text = tr(
                "From {start} to {end} no points were earned, {redeemed} redeemed and {expired} "
                "expired.",
                **given,
            )
        numbers = {"rate": now.rate, "before": before.rate if before else nan}
        if before and not isnan(before.rate):
            more = tr("In the period before it was {rate}.", rate=show(before.rate, "share"))
            text = joined(text, more)
        return Finding(key="points/flow", level="info", text=text, evidence=numbers)

    def chart(self) -> Chart | None:
        """Balance at the end of each month."""
        if not (self.frame["balance"] > 0).any():
            return None
        rows = self.frame.assign(
            name=[f"{month_start(n):%Y-%m}" for n in self.frame["month"]],
            value=self.frame["balance"],
        )
        return bar_chart(
            rows, caption=tr("Balance of points at the end of the month"), unit="count"
        )


def account_faults(held: Accounts) -> tuple[Finding, ...]:
    """What is wrong with a ledger, each fault in a sentence."""
    texts = {
        "negative": ntr(
            "{count} customer has less than no points ({points} short): the ledger lacks earlier "
            "movements, or points were taken twice; none of it lowers what the others are owed.",
            "{count} customers have less than no points ({points} short): the ledger lacks earlier "
            "movements, or points were taken twice; none of it lowers what the others are owed.",
            held.negative,
            count=show(held.negative, "count"),
            points=show(held.short, "count"),
        ),
        "overexpired": ntr(
            "Of {count} customer more points expired than were ever credited.",
            "Of {count} customers more points expired than were ever credited.",
            held.overexpired,
            count=show(held.overexpired, "count"),
        ),
        "nameless": ntr(
            "{count} movement names no customer; all such are counted as one account.",
            "{count} movements name no customer; they are counted as one account.",
            held.nameless,
            count=show(held.nameless, "count"),
        ),
        "strange": ntr(
            "{count} movement is neither earned, redeemed nor expired and counts in the balance "
            "alone.",
            "{count} movements are neither earned, redeemed nor expired and count in the balance "
            "alone.",
            held.strange,
            count=show(held.strange, "count"),
        ),
        "empty": ntr(
            "{count} movement tells no number of points and is in no figure.",
            "{count} movements tell no number of points and are in no figure.",
            held.empty,
            count=show(held.empty, "count"),
        ),
    }
    return tuple(
        Finding(key=f"points/{name}", level="watch", text=text,
                evidence={"count": float(getattr(held, name))})
        for name, text in texts.items()
        if getattr(held, name)
    )  # fmt: skip


def review_points(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = 365,
    after: int = 90,
    value_per_point: float | None = None,
    valid_months: int | None = None,
    owner: str = "",
    time_zone: str | None = None,
) -> Points:
    """Say what points were earned, redeemed and expired, and what is owed at the end of a day.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Length of the period; without a validity also the age from which the points
            of a month are judged [days].
        after: Days in which redeemers and others are watched for purchases [days].
        value_per_point: What one point buys [store currency]; None where no rule says so,
            and then nothing is told in money.
        valid_months: Points expire at the end of that many months after the month in
            which they were credited; None where they do not, or no rule says so.
        owner: Who sees to it; customer operations by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MetricError: The signs of the ledger contradict its kinds.
        MissingDataError: There is no ledger, or nothing moved by then.
        ParameterError: An argument has an impossible value.

    References:
        Anderson, Cain and Gelber (1983), J. Clin. Oncol. 1, 710-719 (the landmark).
    """
    require_between(days, 1, 36_500, name="days")
    if value_per_point is not None:
        require_between(value_per_point, 0, 1e6, name="value_per_point", ends="open")
    if valid_months is not None:
        require_between(valid_months, 1, 600, name="valid_months")
    ledger = Ledger(source, as_of=as_of, time_zone=time_zone)
    end, flows = ledger.as_of, ledger.flows()
    require_signs(flows)
    start = end - dt.timedelta(days=days - 1)
    earlier, eve = start - dt.timedelta(days=days), start - dt.timedelta(days=1)
    value = nan if value_per_point is None else float(value_per_point)
    return Points(
        frame=sum_months(flows),
        now=sum_flow(flows, start, end),
        before=sum_flow(flows, earlier, eve) if ledger.first <= earlier else None,
        accounts=ledger.accounts(),
        ages=make_ages(
            ledger.ages(), as_of=end, days=days, value=value, valid_months=valid_months,
            owner=owner or tr("customer operations"),
        ),
        repurchase=compare_after(
            source, ledger.redeemers(), as_of=end, deed="redeemed", days=after,
            time_zone=time_zone,
        ),
        value=value,
        start=start,
        as_of=end,
    )  # fmt: skip


def require_signs(flows: pd.DataFrame) -> None:
    """Refuse a ledger whose movements are not signed.

    Raises:
        MetricError: Points of a kind add up to the wrong sign.
    """
    for kind, sign in SIGNS.items():
        moved = int(flows.loc[flows["kind"] == kind, "points"].sum())
        if moved * sign < 0:
            raise MetricError(
                tr(
                    "Points of the kind {kind} add up to {points}; import a ledger in which earned "
                    "points are above 0 and redeemed and expired ones below.",
                    kind=kind,
                    points=show(moved, "count", sign=True),
                )
            )


def sum_flow(flows: pd.DataFrame, start: dt.date, end: dt.date) -> Flow:
    """What moved on the local days from ``start`` to ``end``."""
    import pandas as pd

    held = flows[flows["day"].between(pd.Timestamp(start), pd.Timestamp(end))]
    sums = held.groupby("kind")["points"].sum()
    moved = {kind: int(sums.get(kind, 0)) * sign for kind, sign in (*SIGNS.items(), (OTHER, 1))}
    return Flow(**moved)


def sum_months(flows: pd.DataFrame) -> pd.DataFrame:
    """What moved in each calendar month, and the balance at its end."""
    number = flows["day"].dt.year * 12 + flows["day"].dt.month - 1
    table = flows.assign(month=number).pivot_table(
        index="month", columns="kind", values="points", aggfunc="sum"
    )
    months = range(int(number.min()), int(number.max()) + 1)
    held = table.reindex(index=months, columns=[*KINDS, OTHER]).fillna(0).astype(int)
    held["balance"] = held.sum(axis=1).cumsum()
    for kind, sign in SIGNS.items():
        held[kind] *= sign
    return held.rename_axis("month").reset_index()
