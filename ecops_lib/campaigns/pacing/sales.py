"""What was paid by half-hours (or other steps) of local time: the engine's part of the watch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.pacing.closing import Floats, Windows
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Tables

DAY_MINUTES = 1440
MOST_UNKNOWN = 0.01
"""Share of paid orders without an amount above which sums would be too small."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sales:
    """Payments by step of local wall-clock time, from the first day to ``at``.

    Attributes:
        first: First local day.
        per_day: Steps of a day.
        amount: Paid amount (steps,) [store currency].
        orders: Orders paid (steps,).
        squares: Sum of the orders' amounts squared (steps,).
    """

    first: dt.date
    per_day: int
    amount: Floats
    orders: Floats
    squares: Floats

    def place(self, day: dt.date) -> int:
        """The step at which a local day begins."""
        return (day - self.first).days * self.per_day

    def windows(
        self, starts: Sequence[int], *, lengths: Sequence[int], elapsed: Sequence[int], of: Floats
    ) -> Windows:
        """Windows at one elapsed time, all in steps.

        Args:
            starts: First step of each.
            lengths: Steps of each.
            elapsed: Steps of each that have passed.
            of: ``amount`` or ``orders``.
        """
        begin = np.asarray(starts, dtype=int)
        value, count = (np.concatenate([[0.0], np.cumsum(v)]) for v in (of, self.orders))
        now, end = begin + np.asarray(elapsed, int), begin + np.asarray(lengths, int)
        return Windows(
            so_far=value[now] - value[begin],
            total=value[end] - value[begin],
            orders=count[now] - count[begin],
        )


def paid_orders(
    tables: Tables, *, products: Sequence[str], until: dt.datetime
) -> nw.LazyFrame[Any]:
    """One row an order paid before an instant: its key, ``paid_at``, ``amount`` and ``unknown``.

    ``unknown`` is 1 where an amount is not told, though the order is paid. Where products are
    named, the amount is that of their lines, and orders without one of
    them are left out.
    """
    paid = tables.lazy("orders").filter(~nw.col("paid_at").is_null() & (nw.col("paid_at") < until))
    amount = nw.col("paid_amount").cast(nw.Float64)
    known = {"amount": amount, "unknown": nw.col("paid_amount").is_null().cast(nw.Int64)}
    if not products:
        return paid.select(*ORDER_KEY, "paid_at", **known)
    lines = tables.lazy("order_items").filter(nw.col("product_id").is_in(list(products)))
    sums = lines.with_columns(**known).group_by(*ORDER_KEY)
    held = sums.agg(nw.col("amount").sum(), nw.col("unknown").max())
    return paid.select(*ORDER_KEY, "paid_at").join(held, on=ORDER_KEY, how="inner")


def read_sales(
    tables: Tables, *, products: Sequence[str], first: dt.date, last: dt.date, step: int,
    until: dt.datetime,
) -> Sales:  # fmt: skip
    """Payments by step from a first to a last local day, those before ``until``.

    Raises:
        MissingDataError: More paid orders than `MOST_UNKNOWN` tell no paid amount.
    """
    begin, _ = frames.instants(first, last, tables.zone)
    rows = paid_orders(tables, products=products, until=until)
    rows = rows.filter(nw.col("paid_at") >= begin)
    rows = rows.with_columns(wall=frames.local_time("paid_at", first, last, tables.zone))
    minute = nw.col("wall").dt.hour().cast(nw.Int64) * 60 + nw.col("wall").dt.minute().cast(
        nw.Int64
    )
    rows = rows.with_columns(
        day=nw.col("wall").dt.truncate("1d"), slot=minute // step,
        square=nw.col("amount") * nw.col("amount"),
    )  # fmt: skip
    sums = frames.bring(
        rows.group_by("day", "slot").agg(
            amount=nw.col("amount").sum(),
            orders=nw.len(),
            squares=nw.col("square").sum(),
            unknown=nw.col("unknown").sum(),
        ),
        sort=["day", "slot"],
    )
    per_day = DAY_MINUTES // step
    size = ((last - first).days + 1) * per_day
    days = (sums["day"] - np.datetime64(first)).dt.days.to_numpy(int)
    places = days * per_day + sums["slot"].to_numpy(int)
    held = [
        np.bincount(places, sums[name].fillna(0).to_numpy(float), minlength=size).astype(float)
        for name in ("amount", "orders", "squares", "unknown")
    ]
    if held[3].sum() > MOST_UNKNOWN * held[1].sum():
        raise MissingDataError(tr(
            "{count} of {all} paid orders tell no paid amount, so no pace can be told; import the "
            "platform's order and order-line exports.",
            count=show(held[3].sum(), "count"), all=show(held[1].sum(), "count"),
        ))  # fmt: skip
    return Sales(first=first, per_day=per_day, amount=held[0], orders=held[1], squares=held[2])
