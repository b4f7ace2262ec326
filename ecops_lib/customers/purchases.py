"""What each buyer bought and when: sums in the engine, net of refunds.

What counts as a purchase is told in ``orders``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.checks import as_day, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import mark
from ecops_lib.core.results import Result
from ecops_lib.customers.orders import Apart, FirstOrder, OrdersView, nobody_words
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd


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
    view = OrdersView(source, as_of=as_of, by=by, time_zone=time_zone)
    held = frames.bring(view.buyers(), sort=["buyer_key"])
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
    view = OrdersView(source, as_of=as_of, by=by, time_zone=time_zone)
    keys = [*view.segment, "first_day", "last_day", "purchases"]
    held = frames.bring(view.buyers().group_by(keys).agg(customers=nw.len()), sort=keys)
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


def sum_cohorts(source: Source, *, as_of: dt.date | str, time_zone: str | None = None) -> Cohorts:
    """Sum purchases by first day and day, in the engine.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    sums = (
        view.dated()
        .group_by("first_day", "day")
        .agg(buyers=nw.col("bought").count(), amount=nw.col("amount").sum())
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
    view = OrdersView(source, as_of=until, by=None, time_zone=time_zone)
    start = as_day(after, name="after")
    require_span(start, view.as_of)
    begin = dt.datetime.combine(start, dt.time())
    rows = view.days().filter((nw.col("orders") > 0) & (nw.col("day") > begin))
    held = frames.bring(rows.group_by("buyer_key").agg(purchases=nw.len()), sort=["buyer_key"])
    counted: pd.Series = held.set_index("buyer_key")["purchases"].astype(int)
    return counted


def _days(first: pd.Series, as_of: dt.date) -> pd.Series:
    import pandas as pd

    held: pd.Series = (pd.Timestamp(as_of) - first).dt.days
    return held


def _refuse_empty(held: pd.DataFrame, as_of: dt.date) -> None:
    if held.empty:
        raise MissingDataError(nobody_words(as_of))
