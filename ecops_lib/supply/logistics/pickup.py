"""Pick-up in time as the platforms count it: orders of a window shifted back by three days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.data.frames import DAY, bring, instants, minutes_between, within
from ecops_lib.metrics.bases import ORDER_KEY, Tables
from ecops_lib.supply.logistics.parcels import CELL, NOTHING

if TYPE_CHECKING:
    import pandas as pd

FIRST, LAST = 33, 4
"""Days back from today (T) at which the window begins and ends: T−33 … T−4."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PickUp:
    """Orders due for pick-up.

    Attributes:
        start: First local day of payment.
        end: Last.
        due: Orders due; those closed or wholly refunded before any pick-up are not.
        in_24: Of them, picked up within 24 hours of payment, every parcel.
        in_48: Within 48 hours.
        untold: Orders shipped of which no file tells the pick-up; not counted as due.
        cells: ``due``, ``in_24`` and ``in_48`` by carrier and lane, of orders with parcels.
    """

    start: dt.date
    end: dt.date
    due: float
    in_24: float
    in_48: float
    untold: float
    cells: pd.DataFrame


def count_pick_ups(tables: Tables, *, as_of: dt.date) -> PickUp:
    """Count the pick-ups of the 30 days that the platforms' rates of the next day count.

    The rate shown on day T counts orders paid on T−33 … T−4, so that 48 hours have passed
    for all. T is the day after ``as_of``. Any late parcel makes its order late. Virtual goods
    and parcels reported to the platform are not told apart by any table, so they count.

    Args:
        tables: The source; needs ``orders`` and ``shipments``.
        as_of: Last local day that counts.
    """
    start, end = as_of - (FIRST - 1) * DAY, as_of - (LAST - 1) * DAY
    _, over = instants(as_of, as_of, tables.zone)
    orders = _due_orders(tables, start, end, over)
    joined = orders.join(_parcels(tables, over), on=ORDER_KEY, how="left")
    joined = joined.with_columns(
        scanned=nw.col("scanned").fill_null(0), parcels=nw.col("parcels").fill_null(0)
    )
    told = _timed(joined)
    rows = told.with_columns(**_flags())
    by_order = rows.group_by(ORDER_KEY).agg(
        *(nw.col(name).min() for name in ("due", "in_24", "in_48")), nw.col("untold").max()
    )
    whole = bring(by_order.select(nw.col(n).sum() for n in ("due", "in_24", "in_48", "untold")))
    kept = rows.filter(nw.col("parcels") > 0).group_by(CELL)
    cells = bring(kept.agg(*(nw.col(n).sum() for n in ("due", "in_24", "in_48"))), sort=CELL)
    numbers = whole.fillna(0).iloc[0]
    return PickUp(
        start=start,
        end=end,
        **{name: float(numbers[name]) for name in ("due", "in_24", "in_48", "untold")},
        cells=cells.astype(dict.fromkeys(["due", "in_24", "in_48"], float)),
    )


def _due_orders(
    tables: Tables, start: dt.date, end: dt.date, over: dt.datetime
) -> nw.LazyFrame[Any]:
    """Orders paid in the window, less those called off before anything was picked up."""
    orders = tables.lazy("orders").filter(within("paid_at", start, end, tables.zone))
    columns = [*ORDER_KEY, "paid_at", "paid_amount", "status", "shipped_at", "delivered_at"]
    held = orders.select(*columns, scan="picked_up_at")
    if not tables.has("refunds"):
        return held.with_columns(back=nw.lit(0.0), back_at=nw.lit(None, nw.Datetime("us", "UTC")))
    back = tables.lazy("refunds").filter(
        (nw.col("status") == "success") & ~nw.col("order_id").is_null()
    )
    back = back.with_columns(
        asked=nw.when(nw.col("applied_at").is_null())
        .then(nw.col("finished_at"))
        .otherwise(nw.col("applied_at"))
    ).filter((nw.col("asked") < over).fill_null(value=False))
    sums = back.with_columns(money=nw.col("amount").cast(nw.Float64)).group_by(ORDER_KEY).agg(
        back=nw.col("money").sum(), back_at=nw.col("asked").max()
    )  # fmt: skip
    return held.join(sums, on=ORDER_KEY, how="left").with_columns(nw.col("back").fill_null(0.0))


def _parcels(tables: Tables, over: dt.datetime) -> nw.LazyFrame[Any]:
    """Each order's parcels by carrier and lane: how many, how many scanned, the last scan."""
    rows = tables.lazy("shipments").with_columns(nw.col(n).fill_null(NOTHING) for n in CELL)
    known = (nw.col("picked_up_at") < over).fill_null(value=False)
    rows = rows.with_columns(at=nw.when(known).then(nw.col("picked_up_at")))
    return rows.group_by(*ORDER_KEY, *CELL).agg(
        parcels=nw.len(), scanned=nw.col("at").count(), last_scan=nw.col("at").max()
    )


def _timed(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Hours from payment to the last scan, and whether an order was called off before it."""
    none = nw.col("parcels") == 0
    rows = rows.with_columns(
        last=nw.when(none).then(nw.col("scan")).otherwise(nw.col("last_scan")),
        whole=nw.when(none)
        .then(~nw.col("scan").is_null())
        .otherwise(nw.col("scanned") == nw.col("parcels")),
    )
    return rows.with_columns(minutes=minutes_between(rows, "paid_at", "last"))


def _flags() -> dict[str, nw.Expr]:
    """1 or 0: due, picked up in time, pick-up not told."""
    never = nw.col("last").is_null()
    refunded = nw.col("back") >= 0.999 * nw.col("paid_amount").cast(nw.Float64)
    before = never | (nw.col("back_at") < nw.col("last")).fill_null(value=False)
    closed = (nw.col("status") == "closed") & never
    off = (refunded & before & (nw.col("back") > 0)).fill_null(value=False) | closed
    moved = ~nw.col("shipped_at").is_null() | ~nw.col("delivered_at").is_null()
    untold = (nw.col("parcels") == 0) & never & moved
    due = ~off & ~untold
    picked = nw.col("whole").fill_null(value=False)
    within_ = {
        name: due & picked & (nw.col("minutes") <= 60 * hours).fill_null(value=False)
        for name, hours in (("in_24", 24), ("in_48", 48))
    }
    flags = {"due": due, "untold": untold & ~off, **within_}
    return {n: nw.when(told).then(nw.lit(1)).otherwise(nw.lit(0)) for n, told in flags.items()}
