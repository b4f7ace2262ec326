"""What a new customer costs by channel, when it is paid back, and what it is worth against that.

The cost is spend over new customers of the same days, a ratio of sums. All of a channel's
spend is set against its new customers though it brings old ones back as well, so each cost
is an upper bound. What customers bring is observed at equal age on all customers of the
channel, net of refunds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, interval_chart
from ecops_lib.core.checks import as_day, nearest, require_between, require_span
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.acquisition.channels import ChannelCost, listed_channels
from ecops_lib.customers.acquisition.newcomers import (
    EVERYONE,
    Newcomers,
    Worth,
    count_newcomers,
    value_newcomers,
    worth_observed,
)
from ecops_lib.customers.acquisition.spending import (
    Spending,
    channel_group,
    group_name,
    read_spending,
    spend_span,
)
from ecops_lib.customers.cohorts import HEAD
from ecops_lib.customers.firsts import coverage_findings
from ecops_lib.customers.lifetime.value import CustomerValues, value_customers
from ecops_lib.customers.orders import Apart, OrdersView
from ecops_lib.customers.purchases import sum_purchases
from ecops_lib.metrics.bases import Source, missing_words

if TYPE_CHECKING:
    import pandas as pd

YEAR = dt.timedelta(days=364)
"""From the first to the last of the days that count where no start is given."""
MONTHLY_DISCOUNT = 0.01
"""What money loses a month, as in the values of known customers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Acquisition(Result):
    """Cost, payback and worth of new customers by channel.

    Attributes:
        channels: The channels: those with a cost first, by spend.
        everyone: All of them together; None where there is nothing to show.
        spending: What was spent; None where nothing is told of it.
        as_of: Last local day that counts.
        months: How far ahead worth looks.
        margin: Share of the net amount that counts.
        apart: What belongs to no buyer.
        notes: What the history lacks.
        owner: Who sees to it.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Cost of new customers")
    units: ClassVar[Mapping[str, Unit]] = {
        "spend": "money",
        "customers": "count",
        "cac": "money",
        "brought": "money",
        "observed": "days",
        "payback": "days",
        "worth": "money",
        "ratio": "ratio",
        "low": "ratio",
        "high": "ratio",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "channel": mark("Channel of the first order"),
        "spend": mark("Spend"),
        "customers": mark("New customers"),
        "cac": mark("Cost of a new customer, at most"),
        "brought": mark("Margin a customer so far"),
        "observed": mark("observed for"),
        "payback": mark("Paid back within"),
        "worth": mark("Worth of a new customer"),
        "ratio": mark("Worth over cost"),
        "low": mark("at least"),
        "high": mark("at most"),
    }

    channels: tuple[ChannelCost, ...] = ()
    everyone: ChannelCost | None = None
    spending: Spending | None = None
    as_of: dt.date
    months: int
    margin: float
    apart: Apart | None = None
    notes: tuple[Finding, ...] = field(default=())
    owner: str = ""
    reason: str = ""

    def absent(self) -> str:
        """Why there is nothing to show, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a channel, then all together."""
        import pandas as pd

        rows = [*self.channels, *([self.everyone] if self.everyone else [])]
        return pd.DataFrame([row.to_row() for row in rows], columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """The overall cost, each channel that has one, and what cannot be told."""
        if self.everyone is None or self.spending is None:
            return ()
        held = [c for c in self.channels if c.costed]
        costly = [c.finding(months=self.months, owner=self.owner) for c in held]
        rest = (self._unfed(), self._unpaid(), self._doubled(self.spending))
        return (
            self._overall(self.everyone, self.spending),
            *costly,
            *(found for found in rest if found),
            *self.notes,
            *(self.apart.findings() if self.apart else ()),
        )

    def _overall(self, every: ChannelCost, spending: Spending) -> Finding:
        given = {
            "start": show(spending.start, "day"),
            "end": show(spending.end, "day"),
            "spend": show(every.spend, "money"),
        }
        numbers = {"spend": every.spend, "customers": float(every.customers)}
        if not every.customers:
            text = tr("From {start} to {end} {spend} was spent and no new customer came.", **given)
            return Finding(key="acquisition/all", level="watch", text=text, evidence=numbers,
                           money=every.spend)  # fmt: skip
        text = ntr(
            "From {start} to {end} {spend} was spent and {count} new customer came: {cac} at "
            "most, for all spend is set against new customers though it brings old ones back too.",
            "From {start} to {end} {spend} was spent and {count} new customers came: {cac} each "
            "at most, for all spend is set against new customers though it brings old ones back "
            "too.",
            every.customers,
            **given,
            count=show(every.customers, "count"),
            cac=show(every.cac, "money"),
        )
        return Finding(key="acquisition/all", level="info", text=text,
                       evidence={**numbers, "cac": every.cac})  # fmt: skip

    def _unfed(self) -> Finding | None:
        """Spend that no new customer's channel is named like."""
        held = [c for c in self.channels if c.spend > 0 and not c.costed]
        if not held:
            return None
        spend = sum(c.spend for c in held)
        text = tr(
            "{spend} was spent on {names}, which no new customer's first order names as its "
            "channel: it is in the overall cost only, until you tell which channel it feeds.",
            spend=show(spend, "money"),
            names=listed_channels(held),
        )
        numbers = {"spend": spend, "kinds": float(len(held))}
        return Finding(key="acquisition/unfed", level="watch", text=text, evidence=numbers,
                       money=spend)  # fmt: skip

    def _unpaid(self) -> Finding | None:
        """New customers of channels for which no spend is told."""
        held = [c for c in self.channels if c.customers and not c.spend > 0]
        if not held:
            return None
        count = sum(c.customers for c in held)
        text = ntr(
            "{count} new customer came through {names}, for which no spend is recorded: what one "
            "costs there is not known, which is not nothing.",
            "{count} new customers came through {names}, for which no spend is recorded: what one "
            "costs there is not known, which is not nothing.",
            count,
            count=show(count, "count"),
            names=listed_channels(held),
        )
        numbers = {"customers": float(count), "channels": float(len(held))}
        return Finding(key="acquisition/unpaid", level="info", text=text, evidence=numbers)

    def _doubled(self, spending: Spending) -> Finding | None:
        if not spending.doubled:
            return None
        text = tr(
            "{cost} of the costs sheet is left out, for the ad reports tell of the same spend.",
            cost=show(spending.doubled, "money"),
        )
        numbers = {"cost": spending.doubled}
        return Finding(key="acquisition/doubled", level="info", text=text, evidence=numbers)

    def chart(self) -> Chart | None:
        """Worth less cost of a new customer by channel, with its interval."""
        import pandas as pd

        held = [c for c in self.channels if c.costed and c.worth]
        if not held:
            return None
        frame = pd.DataFrame(
            [
                (c.name, c.worth.value - c.cac, c.worth.low - c.cac, c.worth.high - c.cac)
                for c in held
                if c.worth
            ],
            columns=["name", "value", "low", "high"],
        )
        caption = tr("Worth of a new customer less its cost")
        return interval_chart(frame, caption=caption, unit="money", better=["up"] * len(frame))


def cost_acquisition(
    source: Source,
    *,
    as_of: dt.date | str,
    margin: float,
    start: dt.date | str | None = None,
    months: int = 12,
    feeds: Mapping[str, str] | None = None,
    values: CustomerValues | None = None,
    owner: str = "",
    time_zone: str | None = None,
) -> Acquisition:
    """Set spend against new customers, what they brought at equal age, and their worth.

    A new customer is one whose first purchase (an order paid and not wholly refunded) falls
    into the days; the channel is that of the first order. Only days count of which both
    spend and orders are told. Worth is the first purchase and, from a purchase model, those
    of the next months, at 1 % discount a month; without a model it is what customers of
    the oldest age observed have brought.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        margin: Share of the net amount that remains after goods and service, 0 to 1.
        start: First day of the spend and the new customers; a year back by default.
        months: How many months ahead worth looks, 1 to 24.
        feeds: Channel that a kind of ads (``product_line``) or of costs feeds, where the
            names do not tell, such as ``{"audience": "手淘推荐"}``.
        values: The customers' values on the same day, if computed already.
        owner: Who sees to it; advertising by default.
        time_zone: IANA zone of the days; the store's by default.

    Returns:
        The table by channel. Its ``absent()`` says so where no spend is told.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    require_between(margin, 0, 1, name="margin")
    require_between(months, 1, 24, name="months")
    first = last - YEAR if start is None else as_day(start, name="start")
    require_span(first, last)
    if values is not None and values.as_of != last:
        raise ParameterError(f"values are of {values.as_of}; give those of {last}.")
    view = OrdersView(source, as_of=last, by=None, time_zone=time_zone)
    tell = partial(Acquisition, as_of=last, months=int(months), margin=margin, owner=owner)
    span = spend_span(view.tables)
    if span is None:
        return tell(reason=missing_words("ads"))
    first, last = _both_told(view, max(first, span[0]), min(last, span[1]))
    if first > last:
        return tell(reason=_never(span))
    newcomers = count_newcomers(view, start=first, end=last, months=int(months))
    names = sorted(name for held in newcomers.values() for name in held.channels)
    _check_feeds(feeds or {}, names)
    spending = read_spending(view.tables, start=first, end=last, channels=names, feeds=feeds or {})
    if not spending.total > 0:
        return tell(reason=_never(span))
    held = values or value_customers(
        source, as_of=view.as_of, margin=margin, months=int(months), time_zone=time_zone
    )
    bought = sum_purchases(source, as_of=view.as_of, by="channel", time_zone=time_zone)
    worths = value_newcomers(
        bought.frame.assign(group=bought.frame["segment"].map(channel_group)),
        counts={group: mine.count for group, mine in newcomers.items()},
        fit=held.fit,
        drift=held.drift,
        margin=margin,
        factors=(1 + MONTHLY_DISCOUNT) ** -np.arange(1.0, months + 1),
    )
    channels, everyone = _compare(newcomers, spending, worths, margin)
    return tell(
        owner=owner or tr("advertising"),
        channels=channels,
        everyone=everyone,
        spending=spending,
        apart=bought.apart,
        notes=(*_early(view, first), *coverage_findings(view)),
    )


def _both_told(view: OrdersView, first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
    """The part of the days in which orders are told of as well."""
    span = view.tables.span("orders", "paid_at")
    return max(first, view.first), min(last, span[1]) if span else last


def _never(span: tuple[dt.date, dt.date]) -> str:
    return tr(
        "No spend on customers is told of in these days (ads and costs run from {first} to "
        "{last}); import the ad reports of these days, or choose others.",
        first=show(span[0], "day"),
        last=show(span[1], "day"),
    )


def _check_feeds(feeds: Mapping[str, str], channels: list[str]) -> None:
    """Refuse a channel that no customer came through: its spend would find nobody."""
    for name, channel in feeds.items():
        if channel not in channels:
            hint = nearest(str(channel), channels)
            raise ParameterError(
                f"feeds says that {name!r} feeds {channel!r}, which no first order names as its "
                f"channel{hint or '; look at column channel of the orders.'}"
            )


def _compare(
    newcomers: Mapping[str, Newcomers],
    spending: Spending,
    worths: Mapping[str, Worth],
    margin: float,
) -> tuple[tuple[ChannelCost, ...], ChannelCost]:
    """Each group of channels, and all of them together."""
    nobody = replace(next(iter(newcomers.values())), channels=frozenset(), count=0, curve=())
    rows = []
    for group in sorted({*newcomers, *(g for g, cost in spending.by_group.items() if cost > 0)}):
        mine, spend = newcomers.get(group, nobody), max(0.0, spending.by_group.get(group, 0.0))
        rows.append(
            ChannelCost(
                key=group,
                name=group_name(group, mine.channels),
                spend=spend,
                customers=mine.count,
                costed=bool(group and spend and mine.count),
                curve=mine.curve,
                margin=margin,
                worth=worths.get(group) or worth_observed(mine.curve, margin=margin),
            )
        )
    rows.sort(key=lambda row: (not row.costed, -row.spend, -row.customers, row.key))
    everyone = reduce(Newcomers.plus, newcomers.values())
    total = ChannelCost(
        key=EVERYONE,
        name=tr("all together"),
        spend=spending.total,
        customers=everyone.count,
        costed=everyone.count > 0,
        curve=everyone.curve,
        margin=margin,
        worth=worths.get(EVERYONE) or worth_observed(everyone.curve, margin=margin),
    )
    return tuple(rows), total


def _early(view: OrdersView, first: dt.date) -> tuple[Finding, ...]:
    """That the history begins too late to tell new customers from old ones, if so."""
    if first >= view.first + HEAD:
        return ()
    text = tr(
        "Orders are known from {since} only: some who count as new in the first {days} had "
        "bought before, so the cost of a new customer is higher than shown.",
        since=show(view.first, "day"),
        days=show(HEAD.days, "days"),
    )
    return (Finding(key="acquisition/early", level="watch", text=text),)
