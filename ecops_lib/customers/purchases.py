"""What each buyer bought and when: sums in the engine, net of refunds.

A purchase is a local day on which a known buyer paid for an order that was not wholly
refunded: two orders of one day are one purchase, for they were one decision to buy; a
free order is a purchase of no amount. Orders of unknown buyers and orders wholly refunded are counted apart, so that buyers,
unknown and refunded add up to all that was paid.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import narwhals as nw

from ecops_lib.core.checks import as_day, require_choice, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables

if TYPE_CHECKING:
    import pandas as pd

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
            "{count} order ({amount}) names no buyer; it is counted apart, in no customer's row.",
            "{count} orders ({amount}) name no buyer; they are counted apart, in no customer's row.",
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Purchases(Result):
    """Each known buyer's purchases up to a day.

    Attributes:
        frame: One row a buyer, sorted by key: ``first_day``, ``last_day``, ``purchases``
            (days with a purchase), ``orders``, ``age`` (days from the first purchase to
            ``as_of``), ``first_amount`` and ``net_amount`` net of refunds; with ``by``,
            also ``segment`` of the first purchase (null where not told).
        as_of: Last local day that counts.
        apart: What belongs to no buyer.
    """

    sheet: ClassVar[str] = mark("Customers' purchases")
    units: ClassVar[Mapping[str, Unit]] = {
        "first_day": "day",
        "last_day": "day",
        "purchases": "count",
        "orders": "count",
        "age": "days",
        "first_amount": "money",
        "net_amount": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "buyer_key": mark("Buyer"),
        "segment": mark("Segment"),
        "first_day": mark("First purchase"),
        "last_day": mark("Last purchase"),
        "purchases": mark("Days with a purchase"),
        "orders": mark("Orders"),
        "age": mark("Age since the first purchase"),
        "first_amount": mark("First purchase, net"),
        "net_amount": mark("Net amount"),
    }

    frame: pd.DataFrame
    as_of: dt.date
    apart: Apart

    def to_frame(self) -> pd.DataFrame:
        """One row a buyer."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """What belongs to no buyer."""
        return self.apart.findings()


@dataclass(frozen=True, kw_only=True, eq=False)
class Histories(Result):
    """How many customers share each purchase history: all that the models need.

    Attributes:
        frame: One row a history: ``x`` repeat purchases, ``tx`` and ``T`` days from the
            first purchase to the last and to ``as_of``, ``customers``; with ``by`` also
            ``segment``.
        as_of: Last local day that counts.
    """

    sheet: ClassVar[str] = mark("Purchase histories")
    units: ClassVar[Mapping[str, Unit]] = {
        "x": "count",
        "tx": "days",
        "T": "days",
        "customers": "count",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "segment": mark("Segment"),
        "x": mark("Repeat purchases"),
        "tx": mark("First to last purchase"),
        "T": mark("Age since the first purchase"),
        "customers": mark("Customers"),
    }

    frame: pd.DataFrame
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a history."""
        return self.frame


@dataclass(frozen=True, kw_only=True, eq=False)
class Cohorts(Result):
    """Purchases by the day of the first one and the day they were made.

    Attributes:
        frame: One row a pair of days on which anybody bought: ``first_day``, ``day``,
            ``buyers`` and their net ``amount``. Where the two days are the same, buyers
            is the size of the cohort. Refunds that name a buyer but no order count on
            the day they were finished, in rows that may have no buyer.
        as_of: Last local day that counts.
    """

    sheet: ClassVar[str] = mark("Purchases by first day")
    units: ClassVar[Mapping[str, Unit]] = {
        "first_day": "day",
        "day": "day",
        "buyers": "count",
        "amount": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "first_day": mark("First purchase"),
        "day": mark("Day"),
        "buyers": mark("Buyers"),
        "amount": mark("Net amount"),
    }

    frame: pd.DataFrame
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a pair of days."""
        return self.frame


def sum_purchases(
    source: Source,
    *,
    as_of: dt.date | str,
    by: FirstOrder | None = None,
    time_zone: str | None = None,
) -> Purchases:
    """Sum each buyer's purchases up to a day, net of refunds.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts; refunds count if finished by then,
            or if no file tells when.
        by: Column of the first purchase's orders that names the buyer's segment.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    view = _View(source, as_of=as_of, by=by, time_zone=time_zone)
    days, buyers = view.days(), view.buyers()
    first = days.filter(nw.col("orders") > 0).select(
        "buyer_key", *view.segment, first_day=nw.col("day"), first_amount=nw.col("amount")
    )
    held = frames.bring(
        buyers.join(first, on=["buyer_key", "first_day"], how="inner"), sort=["buyer_key"]
    )
    _refuse_empty(held, view.as_of)
    held = held.assign(age=_days(held["first_day"], view.as_of)).rename(
        columns={"amount": "net_amount"}
    )
    columns = [name for name in Purchases.labels if name in held]
    kinds = {"purchases": int, "orders": int, "age": int, "first_amount": float}
    return Purchases(
        frame=held[columns].astype({**kinds, "net_amount": float}),
        as_of=view.as_of,
        apart=view.apart(),
    )


def count_histories(
    source: Source,
    *,
    as_of: dt.date | str,
    by: FirstOrder | None = None,
    time_zone: str | None = None,
) -> Histories:
    """Count customers by their purchase history, in the engine.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        by: Column of the first purchase's orders that names the buyer's segment.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    view = _View(source, as_of=as_of, by=by, time_zone=time_zone)
    buyers = view.buyers()
    if by:
        first = view.days().filter(nw.col("orders") > 0)
        first = first.select("buyer_key", "segment", first_day=nw.col("day"))
        buyers = buyers.join(first, on=["buyer_key", "first_day"], how="inner")
    keys = [*view.segment, "first_day", "last_day", "purchases"]
    held = frames.bring(buyers.group_by(keys).agg(customers=nw.len()), sort=keys)
    _refuse_empty(held, view.as_of)
    age = _days(held["first_day"], view.as_of)
    return Histories(
        frame=held.assign(
            x=held["purchases"].astype(int) - 1,
            tx=(held["last_day"] - held["first_day"]).dt.days,
            T=age,
            customers=held["customers"].astype(int),
        )[[*view.segment, *Histories.units]],
        as_of=view.as_of,
    )


def sum_cohorts(
    source: Source, *, as_of: dt.date | str, time_zone: str | None = None
) -> Cohorts:
    """Sum purchases by first day and day, in the engine.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    view = _View(source, as_of=as_of, by=None, time_zone=time_zone)
    first = view.buyers().select("buyer_key", "first_day")
    rows = view.days().join(first, on="buyer_key", how="inner")
    bought = nw.when(nw.col("orders") > 0).then(nw.lit(1)).otherwise(nw.lit(0))
    sums = rows.with_columns(bought=bought).group_by("first_day", "day").agg(
        buyers=nw.col("bought").sum(), amount=nw.col("amount").sum()
    )
    held = frames.bring(sums, sort=["first_day", "day"])
    _refuse_empty(held, view.as_of)
    return Cohorts(frame=held.astype({"buyers": int, "amount": float}), as_of=view.as_of)


def count_purchases(
    source: Source, *, after: dt.date | str, until: dt.date | str, time_zone: str | None = None
) -> pd.Series:
    """Days with a purchase of each known buyer in a span; buyers without any are absent.

    Args:
        source: A store, or tables of any engine by canonical name.
        after: The day before the first that counts.
        until: Last local day of payment that counts.
        time_zone: IANA zone of the days; the store's by default.
    """
    view = _View(source, as_of=until, by=None, time_zone=time_zone)
    start = as_day(after, name="after")
    require_span(start, view.as_of)
    begin = dt.datetime.combine(start, dt.time())
    rows = view.days().filter((nw.col("orders") > 0) & (nw.col("day") > begin))
    held = frames.bring(rows.group_by("buyer_key").agg(purchases=nw.len()), sort=["buyer_key"])
    counted: pd.Series = held.set_index("buyer_key")["purchases"].astype(int)
    return counted


class _View:
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
            raise MissingDataError(_nobody(self.as_of))
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
        rows = self.tables.lazy("refunds").filter(nw.col("status") == "success")
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
        if not self.tables.has("refunds"):
            return bought
        rows = self._refunds().with_columns(day=self._day("finished_at"))
        back, told_all = nw.col("amount"), ~nw.col("buyer_key").is_null() & ~nw.col("day").is_null()
        gone = rows.filter(nw.col("order_id").is_null() & told_all).select(
            "buyer_key",
            "day",
            orders=nw.lit(0).cast(nw.Int64),
            amount=(back - back - back).cast(EXACT),
            **({"segment": nw.lit(None).cast(nw.String)} if self.by else {}),
        ).select(*columns, "orders", "amount")
        return nw.concat([bought, gone], how="vertical")

    def _day(self, column: str) -> nw.Expr:
        return frames.local_day(column, self.first, self.as_of, self.tables.zone)

    def buyers(self) -> Frame:
        """First and last day, purchases, orders and net amount of each known buyer."""
        bought = nw.when(nw.col("orders") > 0).then(nw.col("day"))
        sums = self.days().with_columns(bought=bought).group_by("buyer_key")
        held = sums.agg(
            first_day=nw.col("bought").min(),
            last_day=nw.col("bought").max(),
            purchases=nw.col("bought").count(),
            orders=nw.col("orders").sum(),
            amount=nw.col("amount").sum(),
        )
        return held.filter(nw.col("purchases") > 0)

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
        told = self.orders().with_columns(**counts, **sums).select(
            *(nw.col(name).count() for name in counts), *(nw.col(name).sum() for name in sums)
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


def _days(first: pd.Series, as_of: dt.date) -> pd.Series:
    import pandas as pd

    held: pd.Series = (pd.Timestamp(as_of) - first).dt.days
    return held


def _refuse_empty(held: pd.DataFrame, as_of: dt.date) -> None:
    if held.empty:
        raise MissingDataError(_nobody(as_of))


def _nobody(as_of: dt.date) -> str:
    return (
        f"no known buyer has bought by {as_of}; import orders that name their buyers, or "
        "choose a later as_of."
    )
