"""A campaign at one moment, beside its past editions and ordinary windows of its length."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.editions import find_campaigns, past_editions
from ecops_lib.campaigns.pacing.closing import Closing, Floats, Windows, forecast_close, mixed_share
from ecops_lib.campaigns.pacing.sales import DAY_MINUTES, Sales, read_sales
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.data.coverage import last_whole_day
from ecops_lib.metrics.bases import Source, Tables

STEP_WORDS = re.compile(r"([1-9]\d{0,3})\s*(min|h)")
ENOUGH = 19
"""Ordinary windows that begin on the same weekday, below which other weekdays count too."""
HISTORY_DAYS = 730
"""Days before a campaign whose windows count as ordinary."""


def read_live(
    source: Source,
    *,
    campaign: Campaign,
    at: str | dt.datetime = "",
    step: str = "30min",
    time_zone: str | None = None,
) -> Live:
    """Read a campaign as it stood at a moment; nothing paid later is looked at.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        at: Local time such as ``2026-10-27 14:00``, cut to a whole step; the end of the
            orders unless given.
        step: Length of a step: ``30min``, ``1h``; a day must hold a whole number of them.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: The orders begin after the campaign did, or are absent.
        ParameterError: ``at`` or ``step`` is no time, or the campaign does not sell yet.
    """
    tables = Tables(source, time_zone=time_zone)
    tables.require("orders", *(["order_items"] if campaign.products else []))
    minutes = step_minutes(step)
    until = _cut(_moment(tables, at), minutes)
    first, last = campaign.selling
    start, close = (dt.datetime.combine(d, dt.time()) for d in (first, last + frames.DAY))
    if until <= start:
        raise ParameterError(
            f"at is {until:%Y-%m-%d %H:%M}, but campaign {campaign.campaign_id!r} sells from "
            f"{first}; choose a later time."
        )
    until = min(until, close)
    sales = _sales(tables, campaign, until, minutes)
    campaigns = find_campaigns(source, time_zone=time_zone)
    past = tuple(c for c in past_editions(campaigns, campaign) if c.selling[0] >= sales.first)
    return Live(
        tables=tables,
        sales=sales,
        campaign=campaign,
        past=past,
        start=start,
        at=until,
        close=close,
        elapsed=int((until - start).total_seconds() // 60) // minutes,
        ordinary=_ordinary(sales, campaign, campaigns),
    )


def live_moment(
    source: Source, *, at: str | dt.datetime = "", as_of: str | dt.date = "",
    time_zone: str | None = None,
) -> dt.datetime:  # fmt: skip
    """The local time up to which a watch counts orders.

    Args:
        source: A store, or tables by canonical name.
        at: Local time such as ``2026-10-27 14:00``; it comes before ``as_of``.
        as_of: A day, at whose end the watch stands; where both are empty, the end of the orders.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no orders.
        ParameterError: ``at`` or ``as_of`` is no time.
    """
    tables = Tables(source, time_zone=time_zone)
    if not at and as_of:
        return dt.datetime.combine(as_day(as_of, name="as_of") + frames.DAY, dt.time())
    if not at:
        tables.require("orders")
    return _moment(tables, at)


def live_day(moment: dt.datetime) -> dt.date:
    """The local day that a watch at a moment is in; at midnight the one that just ended.

    >>> live_day(dt.datetime(2026, 10, 28)), live_day(dt.datetime(2026, 10, 28, 0, 30))
    (datetime.date(2026, 10, 27), datetime.date(2026, 10, 28))
    """
    return (moment - dt.timedelta(minutes=1)).date()


def step_minutes(step: str) -> int:
    """Minutes of a step that a day holds a whole number of times.

    Raises:
        ParameterError: It is none.

    >>> step_minutes("30min"), step_minutes("1h")
    (30, 60)
    """
    found = STEP_WORDS.fullmatch(step)
    minutes = int(found[1]) * (60 if found[2] == "h" else 1) if found else 0
    if not minutes or DAY_MINUTES % minutes:
        raise ParameterError(
            f"step is {step!r}; it must divide a day, such as '30min', '15min' or '1h'."
        )
    return minutes


def _moment(tables: Tables, at: str | dt.datetime) -> dt.datetime:
    """The local wall-clock time that counts."""
    if isinstance(at, str) and at:
        try:
            at = dt.datetime.fromisoformat(at)
        except ValueError:
            raise ParameterError(
                f"at is {at!r}; it must be a local time such as '2026-10-27 14:00'."
            ) from None
    if isinstance(at, dt.datetime):
        return at.astimezone(tables.zone).replace(tzinfo=None) if at.tzinfo else at
    return _end_of_orders(tables)


def _end_of_orders(tables: Tables) -> dt.datetime:
    """The end of the last whole day, or the last order where its day is not whole."""
    ends = frames.bring(tables.lazy("orders").select(at=nw.col("created_at").max()))
    if ends["at"].isna().all():
        raise MissingDataError(tr("The store holds no order, so no campaign can be told."))
    latest = ends["at"].iloc[0].to_pydatetime().replace(tzinfo=dt.UTC)
    local: dt.datetime = latest.astimezone(tables.zone).replace(tzinfo=None)
    if tables.store and last_whole_day(tables.store) >= local.date():
        return dt.datetime.combine(local.date() + frames.DAY, dt.time())
    return local


def _cut(moment: dt.datetime, minutes: int) -> dt.datetime:
    """The last end of a step at or before a moment."""
    passed = (moment.hour * 60 + moment.minute) % minutes
    return moment.replace(second=0, microsecond=0) - dt.timedelta(minutes=passed)


def instant_of(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The instant of a local wall-clock time."""
    return local.replace(tzinfo=zone).astimezone(dt.UTC)


def _sales(tables: Tables, campaign: Campaign, until: dt.datetime, minutes: int) -> Sales:
    begin = campaign.selling[0]
    span = tables.span("orders", "created_at")
    if span is None or span[0] > begin:
        raise MissingDataError(tr(
            "The orders do not reach back to {day}, when the campaign began; import earlier "
            "orders.", day=show(begin, "day"),
        ))  # fmt: skip
    return read_sales(
        tables,
        products=campaign.products,
        first=max(span[0] + frames.DAY, begin - HISTORY_DAYS * frames.DAY) if span[0] < begin
        else begin,
        last=(until - dt.timedelta(minutes=1)).date(),
        step=minutes,
        until=instant_of(until, tables.zone),
    )  # fmt: skip


def _ordinary(sales: Sales, campaign: Campaign, campaigns: Iterable[Campaign]) -> list[dt.date]:
    """First days of windows without a campaign, as long as this one and over before it."""
    first, last = campaign.selling
    length = (last - first).days + 1
    taken = {day for c in campaigns for day in c.days_of() if day < first}
    days = (campaign.first - sales.first).days
    free = [
        start
        for start in (sales.first + k * frames.DAY for k in range(days - length + 1))
        if not any(start + k * frames.DAY in taken for k in range(length))
    ]
    alike = [start for start in free if start.weekday() == first.weekday()]
    return alike if len(alike) >= ENOUGH else free


@dataclass(frozen=True, kw_only=True, eq=False)
class Live:
    """A campaign at one moment, with what it is compared with.

    Attributes:
        tables: The source.
        sales: Its payments, and those before it, by step.
        campaign: The campaign.
        past: Earlier editions that the orders reach back to.
        start: Local time at which it began to sell.
        at: Local time up to which orders count.
        close: Local time at which it ends.
        elapsed: Steps from ``start`` to ``at``.
        ordinary: First days of ordinary windows of the same length.
    """

    tables: Tables
    sales: Sales
    campaign: Campaign
    past: Sequence[Campaign]
    start: dt.datetime
    at: dt.datetime
    close: dt.datetime
    elapsed: int
    ordinary: Sequence[dt.date]

    @property
    def place(self) -> int:
        """The step of ``sales`` at which it began."""
        return self.sales.place(self.campaign.selling[0])

    @property
    def length(self) -> int:
        """Steps of its selling days."""
        return _steps(self.campaign, self.sales)

    @property
    def hours_a_step(self) -> float:
        """Length of a step [hours]."""
        return 24 / self.sales.per_day

    @cached_property
    def amount_closing(self) -> Closing:
        """Where its paid amount will close."""
        amount, count = self.sales.amount.sum(), self.sales.orders.sum()
        chance = float(self.sales.squares.sum() * count / amount**2) if amount else 1.0
        return self._closing(self.sales.amount, chance)

    @cached_property
    def order_closing(self) -> Closing:
        """Where its paid orders will close."""
        return self._closing(self.sales.orders, 1.0)

    def so_far(self, of: Floats) -> float:
        """Sum of ``sales.amount`` or ``sales.orders`` since it began."""
        return float(of[self.place : self.place + self.elapsed].sum())

    def shares(self) -> Floats:
        """Share of its orders to be expected by the end of each step still to come."""
        later = range(self.elapsed + 1, self.length + 1)
        return np.array([mixed_share(*self.compared(k, self.sales.orders)) for k in later])

    def compared(self, elapsed: int, of: Floats) -> tuple[Windows, Windows]:
        """Past editions and ordinary windows after so many steps.

        An edition of another length counts at the same share of its time.
        """
        lengths = [_steps(c, self.sales) for c in self.past]
        editions = self.sales.windows(
            [self.sales.place(c.selling[0]) for c in self.past],
            lengths=lengths,
            elapsed=[round(elapsed * n / self.length) for n in lengths],
            of=of,
        )
        count = len(self.ordinary)
        ordinary = self.sales.windows(
            [self.sales.place(day) for day in self.ordinary],
            lengths=[self.length] * count, elapsed=[elapsed] * count, of=of,
        )  # fmt: skip
        return editions, ordinary

    def _closing(self, of: Floats, chance: float) -> Closing:
        sold = self.so_far(of)
        if self.elapsed == self.length:
            return Closing(total=sold, low=sold, high=sold, share=1.0)
        editions, ordinary = self.compared(self.elapsed, of)
        return forecast_close(
            sold, self.so_far(self.sales.orders), editions=editions, ordinary=ordinary,
            chance=chance,
        )  # fmt: skip

    def daily(self) -> tuple[float, ...]:
        """Paid amount of each day of the campaign so far."""
        begin, per_day = self.place, self.sales.per_day
        held = self.sales.amount[begin : begin + self.elapsed]
        return tuple(float(held[k : k + per_day].sum()) for k in range(0, len(held), per_day))


def _steps(campaign: Campaign, sales: Sales) -> int:
    first, last = campaign.selling
    return ((last - first).days + 1) * sales.per_day
