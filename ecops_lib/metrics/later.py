"""Orders of the days asked for that were paid after them."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from ecops_lib.data import frames
from ecops_lib.metrics.facts import Query
from ecops_lib.metrics.notes import Note
from ecops_lib.metrics.parts import Part

BY_PAYMENT = {"paid_amount": "paid", "refund_amount": "refunds_pay"}
"""Measures whose reader may expect the orders placed in the period, and their facts."""


def paid_later(query: Query, parts: Mapping[str, Part]) -> list[Note]:
    """Say how many orders of a period count after it, where its whole amount is asked for.

    Args:
        query: What was asked.
        parts: The measures used, by key.
    """
    asked = any(key in parts and parts[key].fact.name == at for key, at in BY_PAYMENT.items())
    if query.by or not asked:
        return []
    first, last = query.ends
    zone = query.tables.zone
    orders = query.tables.lazy("orders", start=first, end=last)
    _, over = frames.instants(first, last, zone)
    late = orders.filter(query.during("created_at") & (nw.col("paid_at") >= over)).select(
        count=nw.len(), amount=nw.col("paid_amount").sum(), last=nw.col("paid_at").max()
    )
    [row] = late.collect("pyarrow").to_native().to_pylist()
    if not row["count"]:
        return []
    until = query.tables.local_day(row["last"])
    return [Note("paid_later", {**row, "amount": float(row["amount"] or 0), "last": until})]
