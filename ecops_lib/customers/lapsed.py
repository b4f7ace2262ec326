"""Who has fallen silent, by the customer's own rhythm, and how far that rule can be trusted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.firsts import LEAST, coverage_findings
from ecops_lib.customers.gaps import count_gaps, weighted_median
from ecops_lib.customers.orders import Apart, OrdersView
from ecops_lib.customers.purchases import count_purchases, sum_purchases
from ecops_lib.customers.shares import Between, share_between, share_interval
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

OWN = 3
"""Purchases from which a customer has a rhythm of his own: the mean of two gaps or more."""
FLOOR = 30
"""Days of silence that mean nothing, whatever the rhythm."""
AHEAD = 90
"""Days for which it is watched whether those called lapsed come back."""
CHECKS = 3
"""Earlier days on which the rule is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LapsedCheck:
    """What came of the rule on an earlier day, known only what was known then.

    Attributes:
        day: The day of judgement.
        lapsed: Customers called lapsed.
        lapsed_back: Of them, those who bought within the next 90 days.
        others: Customers not called lapsed.
        others_back: Of them, those who bought.
    """

    day: dt.date
    lapsed: int
    lapsed_back: int
    others: int
    others_back: int

    @property
    def between(self) -> Between | None:
        """The others' return less that of those called lapsed; None where either is small."""
        if min(self.lapsed, self.others) < LEAST:
            return None
        return share_between((self.others_back, self.lapsed_back), (self.others, self.lapsed))


@dataclass(frozen=True, kw_only=True, eq=False)
class Lapsed(Result):
    """Customers silent for longer than their rhythm bears.

    Attributes:
        customers: One row a buyer, sorted by key: ``buyer_key``, ``last_day``,
            ``purchases``, ``net_amount`` [store currency], ``silence`` [days since the
            last purchase], ``rhythm`` [days between purchases; NaN where not even the
            shop's is known], ``own`` (whether it is the customer's own) and ``lapsed``.
        factor: Rhythms of silence that make a customer lapsed.
        checks: The rule tried on earlier days, the latest first.
        as_of: Last local day that counts.
        apart: What belongs to no buyer.
        notes: What the history lacks.
    """

    sheet: ClassVar[str] = mark("Customers gone silent")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "net_amount": "money",
        "silence": "days",
        "rhythm": "days",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "rule": mark("Rhythm"),
        "state": mark("State"),
        "customers": mark("Customers"),
        "net_amount": mark("Net amount so far"),
        "silence": mark("Silent for, median"),
        "rhythm": mark("Rhythm, median"),
    }

    customers: pd.DataFrame
    factor: float
    checks: tuple[LapsedCheck, ...]
    as_of: dt.date
    apart: Apart
    notes: tuple[Finding, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row a kind of rhythm and state; the customers themselves are in ``customers``."""
        held = self.customers.groupby(["own", "lapsed"], as_index=False).agg(
            customers=("buyer_key", "size"),
            net_amount=("net_amount", "sum"),
            silence=("silence", "median"),
            rhythm=("rhythm", "median"),
        )
        held = held.sort_values(["own", "lapsed"], ascending=False, ignore_index=True)
        rules = {True: tr("their own"), False: tr("the shop's")}
        states = {True: tr("silent too long"), False: tr("within their rhythm")}
        named = held.assign(rule=held["own"].map(rules), state=held["lapsed"].map(states))
        return named[list(self.labels)]

    def findings(self) -> tuple[Finding, ...]:
        """How many are silent too long, and whether that meant anything before."""
        return (self._told(), self._checked(), *self.notes, *self.apart.findings())

    def _told(self) -> Finding:
        held = self.customers
        gone = held[held["lapsed"]]
        amount = float(gone["net_amount"].sum())
        text = ntr(
            "{count} of {all} customers has been silent for more than {factor} times the usual "
            "gap and over {floor} (own mean gap from {own} purchases on, else the shop's median to "
            "a second purchase); net, {amount} came from there.",
            "{count} of {all} customers have been silent for more than {factor} times their usual "
            "gap and over {floor} (own mean gap from {own} purchases on, else the shop's median to "
            "a second purchase); net, {amount} came from them.",
            len(gone),
            count=show(len(gone), "count"),
            all=show(len(held), "count"),
            factor=show(self.factor, "number"),
            floor=show(FLOOR, "days"),
            own=show(OWN, "count"),
            amount=show(amount, "money"),
        )
        numbers = {"lapsed": float(len(gone)), "customers": float(len(held)), "amount": amount}
        level: Level = "watch" if len(gone) else "good"
        return Finding(key="lapsed/customers", level=level, text=text, evidence=numbers)

    def _checked(self) -> Finding:
        key = "lapsed/check"
        check = next((c for c in self.checks if c.between), None)
        if check is None or check.between is None:
            text = tr(
                "Whether this rule finds those who are lost cannot be told: on no earlier day "
                "were {least} customers called lapsed and {least} not, {days} before {as_of}.",
                least=show(LEAST, "count"),
                days=show(AHEAD, "days"),
                as_of=show(self.as_of, "day"),
            )
            return Finding(key=key, level="info", text=text)
        low, high = share_interval(check.lapsed_back, check.lapsed)
        given = {
            "lapsed": show(check.lapsed, "count"),
            "day": show(check.day, "day"),
            "share": show(check.lapsed_back / check.lapsed, "share"),
            "low": show(low, "share"),
            "high": show(high, "share"),
            "ahead": show(AHEAD, "days"),
            "others": show(check.others_back / check.others, "share"),
        }
        if check.between.sign > 0:
            text = tr(
                "The same rule called {lapsed} customers lapsed on {day}: {share} of them "
                "({low} to {high}) came back within {ahead}, against {others} of the other "
                "customers.",
                **given,
            )
        else:
            text = tr(
                "The same rule called {lapsed} customers lapsed on {day}: {share} of them "
                "({low} to {high}) came back within {ahead}, not fewer than the {others} of the "
                "other customers; do not act on it in this shop.",
                **given,
            )
        numbers = {
            "lapsed": float(check.lapsed),
            "back": float(check.lapsed_back),
            "others": float(check.others),
            "others_back": float(check.others_back),
        }
        level: Level = "info" if check.between.sign > 0 else "watch"
        return Finding(key=key, level=level, text=text, evidence=numbers)

    def chart(self) -> Chart | None:
        """Who came back after each earlier day of judgement."""
        import pandas as pd

        rows = [
            (name, back / called)
            for c in self.checks
            for name, back, called in (
                (tr("{day}: called lapsed", day=show(c.day, "day")), c.lapsed_back, c.lapsed),
                (tr("{day}: the others", day=show(c.day, "day")), c.others_back, c.others),
            )
            if called >= LEAST
        ]
        if not rows:
            return None
        caption = tr("Came back within {days}", days=show(AHEAD, "days"))
        return bar_chart(pd.DataFrame(rows, columns=["name", "value"]), caption=caption,
                         unit="share")  # fmt: skip


def find_lapsed(
    source: Source,
    *,
    as_of: dt.date | str,
    factor: float = 3.0,
    time_zone: str | None = None,
) -> Lapsed:
    """Find customers silent for longer than their own rhythm bears, and try the rule.

    A customer's rhythm is the mean gap between his purchases, from three purchases on;
    for the others it is the shop's median time from the first purchase to the second, of
    those who made one.
    Lapsed is who has been silent for more than ``factor`` rhythms and over 30 days.

    The rule is tried 90, 180 and 270 days earlier with what was bought and refunded by
    then (refunds without a date count always): who then came back within 90 days?

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        factor: Rhythms of silence that make a customer lapsed, 1 to 20.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    require_between(factor, 1, 20, name="factor")
    view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    days = [view.as_of - dt.timedelta(days=AHEAD * n) for n in range(1, CHECKS + 1)]
    checks = [_try_rule(source, day, factor, time_zone) for day in days]
    return Lapsed(
        customers=_judge(source, view.as_of, factor, time_zone),
        factor=factor,
        checks=tuple(check for check in checks if check),
        as_of=view.as_of,
        apart=view.apart(),
        notes=coverage_findings(view),
    )


def _judge(source: Source, day: dt.date, factor: float, time_zone: str | None) -> pd.DataFrame:
    """Every buyer by a day, and whether silent too long."""
    import pandas as pd

    view = OrdersView(source, as_of=day, by=None, time_zone=time_zone)
    gaps = count_gaps(view)
    closed = gaps[gaps["again"] & (gaps["kind"] == "first")]
    shop = weighted_median(closed["wait"], closed["purchases"])
    held = sum_purchases(source, as_of=day, time_zone=time_zone).frame
    own = held["purchases"] >= OWN
    span = (held["last_day"] - held["first_day"]).dt.days
    mean = span / (held["purchases"] - 1).where(own)
    rhythm = mean.where(own, shop)
    silence = (pd.Timestamp(day) - held["last_day"]).dt.days
    lapsed = (silence > factor * rhythm) & (silence > FLOOR)
    told = held[["buyer_key", "last_day", "purchases", "net_amount"]]
    return told.assign(silence=silence, rhythm=rhythm, own=own, lapsed=lapsed)


def _try_rule(
    source: Source, day: dt.date, factor: float, time_zone: str | None
) -> LapsedCheck | None:
    """The rule on an earlier day; None where nobody had bought by then."""
    try:
        held = _judge(source, day, factor, time_zone)
    except MissingDataError:
        return None
    until = day + dt.timedelta(days=AHEAD)
    bought = count_purchases(source, after=day, until=until, time_zone=time_zone)
    back = held["buyer_key"].isin(bought.index)
    lapsed = held["lapsed"]
    return LapsedCheck(
        day=day,
        lapsed=int(lapsed.sum()),
        lapsed_back=int((lapsed & back).sum()),
        others=int((~lapsed).sum()),
        others_back=int((~lapsed & back).sum()),
    )
