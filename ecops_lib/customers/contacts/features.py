"""What is known of each customer on a day, from purchases up to it alone."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.customers.orders import Frame, OrdersView
from ecops_lib.customers.segments import Segmentation, make_tiers
from ecops_lib.data import frames

if TYPE_CHECKING:
    import pandas as pd

FEATURES = ("recency", "age", "orders", "amount", "average", "refund_share", "tier")
"""Days since the last and the first purchase, orders, net amount, net amount an order,
refunded share of all that was paid, tier."""


def known_buyers(view: OrdersView) -> Frame:
    """One row a known buyer: first and last day, orders kept, net amount, paid and net sums."""
    kept = nw.col("kept")
    day = frames.local_day("paid_at", view.first, view.as_of, view.tables.zone)
    rows = view.orders().filter(~nw.col("buyer_key").is_null())
    held = (
        rows.with_columns(
            day=nw.when(kept).then(day),
            own=nw.when(kept).then(nw.col("net")),
            told=nw.when(~nw.col("net").is_null()).then(nw.col("paid")),
        )
        .group_by("buyer_key")
        .agg(
            first_day=nw.col("day").min(),
            last_day=nw.col("day").max(),
            orders=nw.col("own").count(),
            amount=nw.col("own").sum(),
            paid=nw.col("told").sum(),
            net=nw.col("net").sum(),
        )
        .filter(nw.col("orders") > 0)
        .with_columns(
            orders=nw.col("orders").cast(nw.Int64),
            **{name: nw.col(name).cast(nw.Float64) for name in ("amount", "paid", "net")},
        )
    )
    gone = view.loose()
    if gone is None:
        return held
    back = gone.filter(nw.col("placed")).group_by("buyer_key")
    lost = back.agg(lost=nw.col("amount").sum())
    lost = lost.select(loser="buyer_key", lost=nw.col("lost").cast(nw.Float64))
    joined = held.join(lost, left_on="buyer_key", right_on="loser", how="left")
    less = nw.col("lost").fill_null(0.0)
    return joined.with_columns(amount=nw.col("amount") - less, net=nw.col("net") - less).select(
        "buyer_key", "first_day", "last_day", "orders", "amount", "paid", "net"
    )


def describe(held: pd.DataFrame, as_of: dt.date, tiers: Segmentation) -> pd.DataFrame:
    """The features of buyers as of a day, in few bytes; ``tier`` is a place in the rules.

    Args:
        held: Rows of ``known_buyers``.
        as_of: The day.
        tiers: The rules of the tiers.
    """
    import pandas as pd

    today = np.datetime64(as_of)
    first, last = (held[n].to_numpy("datetime64[D]") for n in ("first_day", "last_day"))
    recency, age = ((today - day).astype(np.int32) for day in (last, first))
    orders, amount = held["orders"].to_numpy(np.int32), held["amount"].to_numpy(np.float32)
    paid, net = held["paid"].to_numpy(np.float32), held["net"].to_numpy(np.float32)
    refunded = 1 - np.divide(net, paid, out=np.ones_like(net), where=paid > 0)
    places = tiers.assign({"recency": recency, "age": age, "amount": amount})
    names = [rule.key for rule in tiers.rules]
    return pd.DataFrame(
        {
            "recency": recency,
            "age": age,
            "orders": orders,
            "amount": amount,
            "average": amount / orders,
            "refund_share": refunded,
            "tier": pd.Categorical.from_codes(places, categories=pd.Index(names)),
        },
        index=held.index,
    )


def usual_tiers(held: pd.DataFrame) -> Segmentation:
    """The tiers with the customers' mean net amount as the least of high value."""
    amount = held["amount"].to_numpy(float)
    return make_tiers(high_value=float(amount.mean()) if len(amount) else 0.0)
