"""Orders up to a day, net of refunds, and the days on which each buyer bought.

A purchase is a local day on which a known buyer paid for an order that was not wholly
refunded: two orders of one day are one purchase, for they were one decision to buy; a
free order is a purchase of no amount. Orders of unknown buyers and orders wholly
refunded are counted apart, so that buyers, unknown and refunded add up to all that was
paid.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw

from ecops_lib.core.checks import as_day, require_choice, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import show
from ecops_lib.core.language import ntr, tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables

Frame = nw.LazyFrame[Any]

FirstOrder = Literal["platform", "channel", "province", "campaign_id", "creator_id"]
"""What customers can be split by: a column of their first purchase's orders."""

EARLIEST = dt.date(1990, 1, 1)
EXACT = nw.Decimal(28, 4)
"""Room for sums of amounts, and one digit more for their differences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """What belongs to no buyer's purchases.

    Attributes:
        unknown_orders: Orders kept that name no buyer.
        unknown_amount: Their amount net of refunds [store currency].
        refunded_orders: Orders wholly refunded; no purchase of anybody.
        refunded_amount: What is left of them net of refunds [store currency], at most 0.
        untold_orders: Orders whose amount paid is not told; no purchase of anybody.
        has_refunds: Whether the source tells of refunds at all.
    """

    unknown_orders: int
    unknown_amount: float
    refunded_orders: int
    refunded_amount: float
    untold_orders: int
    has_refunds: bool

    def findings(self) -> tuple[Finding, ...]:
        """Each kind that occurs, in a sentence."""
        return tuple(f for f in (self._unknown(), self._refunded(), self._untold()) if f)

    def _unknown(self) -> Finding | None:
        if not self.unknown_orders:
            return None
        text = ntr(
            "{count} order ({amount}) names no buyer and is counted apart.",
            "{count} orders ({amount}) name no buyer and are counted apart.",
            self.unknown_orders,
            count=show(self.unknown_orders, "count"),
            amount=show(self.unknown_amount, "money"),
        )
        numbers = {"orders": float(self.unknown_orders), "amount": self.unknown_amount}
        return Finding(key="purchases/unknown", level="info", text=text, evidence=numbers)

    def _refunded(self) -> Finding | None:
        if not self.has_refunds:
            text = tr("The store tells of no refunds, so amounts are as paid, not net.")
            return Finding(key="purchases/refunded", level="watch", text=text)
        if not self.refunded_orders:
            return None
        text = ntr(
            "{count} order was wholly refunded and is no purchase.",
            "{count} orders were wholly refunded and are no purchases.",
            self.refunded_orders,
            count=show(self.refunded_orders, "count"),
        )
        numbers = {"orders": float(self.refunded_orders), "amount": self.refunded_amount}
        return Finding(key="purchases/refunded", level="info", text=text, evidence=numbers)

    def _untold(self) -> Finding | None:
        if not self.untold_orders:
            return None
        text = ntr(
            "{count} paid order has no amount and is left out.",
            "{count} paid orders have no amount and are left out.",
            self.untold_orders,
            count=show(self.untold_orders, "count"),
        )
        numbers = {"orders": float(self.untold_orders)}
        return Finding(key="purchases/untold", level="watch", text=text, evidence=numbers)


class OrdersView:
    """The orders of a source up to a day, and what the buyers made of them."""

    def __init__(
        self, source: Source, *, as_of: dt.date | str, by: str | None, time_zone: str | None
    ) -> None:
        self.as_of = as_day(as_of, name="as_of")
        require_span(EARLIEST, self.as_of)
        if by is not None:
            require_choice(by, FirstOrder, name="by")
        self.by, self.segment = by, ["segment"] if by else []
        self.tables = Tables(source, time_zone=time_zone)
        self.tables.require("orders")
        span = self.tables.span("orders", "paid_at")
        if span is None or span[0] > self.as_of:
            raise MissingDataError(nobody_words(self.as_of))
        self.first = span[0]

    def orders(self) -> Frame:
        """Paid orders, what is left of them (``net``) and whether they are purchases (``kept``)."""
        zone = self.tables.zone
        paid = self.tables.lazy("orders").filter(
            frames.within("paid_at", EARLIEST, self.as_of, zone)
        )
        segment = {"segment": nw.col(self.by)} if self.by else {}
        paid = paid.select(
            *ORDER_KEY, "buyer_key", "paid_at", paid=nw.col("paid_amount").cast(EXACT), **segment
        )
        if not self.tables.has("refunds"):
            return paid.with_columns(net=nw.col("paid"), kept=~nw.col("paid").is_null())
        named = self._refunds().filter(~nw.col("order_id").is_null())
        back = named.group_by(ORDER_KEY).agg(back=nw.col("amount").sum())
        joined = paid.join(back, on=ORDER_KEY, how="left")
        net = (nw.col("paid") - nw.col("back").cast(EXACT)).cast(EXACT)
        whole = nw.col("back").is_null()
        joined = joined.with_columns(net=nw.when(whole).then(nw.col("paid")).otherwise(net))
        return joined.with_columns(kept=(whole & ~nw.col("paid").is_null()) | (nw.col("net") > 0))

    def _refunds(self) -> Frame:
        """Successful refunds finished by the day, or at a time that is not told."""
        rows = self.tables.lazy("refunds")
        if self.tables.span("refunds", "finished_at"):
            rows = rows.with_columns(day=self._day("finished_at"))
        rows = rows.filter(nw.col("status") == "success")
        by_then = frames.within("finished_at", EARLIEST, self.as_of, self.tables.zone)
        return rows.filter(by_then | nw.col("finished_at").is_null())

    def days(self) -> Frame:
        """What each known buyer bought on each local day, and got back without an order."""
        orders = self.orders().with_columns(day=self._day("paid_at"))
        kept = orders.filter(nw.col("kept") & ~nw.col("buyer_key").is_null())
        told = {"segment": nw.col("segment").min()} if self.by else {}
        bought = kept.group_by("buyer_key", "day").agg(
            orders=nw.len(), amount=nw.col("net").sum(), **told
        )
        columns = ["buyer_key", "day", *self.segment]
        exact = {"orders": nw.col("orders").cast(nw.Int64), "amount": nw.col("amount").cast(EXACT)}
        bought = bought.select(*columns, **exact)
        gone = self.loose()
        if gone is None or not self.tables.span("refunds", "finished_at"):
            return bought
        back = nw.col("amount")
        lost = gone.filter(nw.col("placed")).select(
            "buyer_key",
            "day",
            orders=nw.lit(0).cast(nw.Int64),
            amount=(back - back - back).cast(EXACT),
            **({"segment": nw.lit(None).cast(nw.String)} if self.by else {}),
        )
        return frames.stack(bought, lost.select(*columns, "orders", "amount"))

    def loose(self) -> Frame | None:
        """Refunds that name no order, ``placed`` if they name a buyer and a day; or None."""
        if not self.tables.has("refunds"):
            return None
        rows = self._refunds().filter(nw.col("order_id").is_null())
        placed = ~nw.col("buyer_key").is_null() & ~nw.col("finished_at").is_null()
        day = ["day"] if self.tables.span("refunds", "finished_at") else []
        return rows.select("buyer_key", "amount", *day, placed=placed)

    def _day(self, column: str) -> nw.Expr:
        return frames.local_day(column, self.first, self.as_of, self.tables.zone)

    def dated(self) -> Frame:
        """The days of each known buyer beside the ``first_day`` with a purchase."""
        days = self.days().with_columns(bought=nw.when(nw.col("orders") > 0).then(nw.col("day")))
        first = frames.beside(days, "buyer_key", first_day=nw.col("bought").min())
        return first.filter(~nw.col("first_day").is_null())

    def buyers(self) -> Frame:
        """First and last day, purchases, orders and amounts of each known buyer."""
        dated = self.dated()
        begun = nw.when(nw.col("bought") == nw.col("first_day"))
        told = {"segment": nw.col("segment").max()} if self.by else {}
        if self.by:
            dated = dated.with_columns(segment=begun.then(nw.col("segment")))
        sums = dated.with_columns(begun=begun.then(nw.col("amount"))).group_by(
            "buyer_key", "first_day"
        )
        return sums.agg(
            last_day=nw.col("bought").max(),
            purchases=nw.col("bought").count(),
            orders=nw.col("orders").sum(),
            amount=nw.col("amount").sum(),
            first_amount=nw.col("begun").sum(),
            **told,
        )

    def apart(self) -> Apart:
        """What belongs to no buyer's purchases."""
        untold = nw.col("net").is_null()
        parts = {
            "unknown": nw.col("kept") & nw.col("buyer_key").is_null(),
            "refunded": ~nw.col("kept") & ~untold,
            "untold": untold,
        }
        counts = {name: nw.when(part).then(nw.lit(1)) for name, part in parts.items()}
        sums = {f"{n}_net": nw.when(parts[n]).then(nw.col("net")) for n in ("unknown", "refunded")}
        told = (
            self.orders()
            .with_columns(**counts, **sums)
            .select(
                *(nw.col(name).count() for name in counts), *(nw.col(name).sum() for name in sums)
            )
        )
        row = frames.bring(told).iloc[0]
        return Apart(
            unknown_orders=int(row["unknown"]),
            unknown_amount=_amount(row["unknown_net"]),
            refunded_orders=int(row["refunded"]),
            refunded_amount=_amount(row["refunded_net"]),
            untold_orders=int(row["untold"]),
            has_refunds=self.tables.has("refunds"),
        )


def _amount(value: object) -> float:
    """A sum; that of no rows is 0."""
    import pandas as pd

    return 0.0 if pd.isna(value) else float(value)  # type: ignore[call-overload, arg-type]


def nobody_words(as_of: dt.date) -> str:
    """That there is no customer yet, and what would do."""
    return (
        f"no known buyer has bought by {as_of}; import orders that name their buyers, or "
        "choose a later as_of."
    )
