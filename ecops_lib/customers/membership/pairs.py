"""Who brought whom: pairs of customers, which of them can be true, and their generations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from ecops_lib.customers.firsts import day_number
from ecops_lib.customers.membership.landmark import flag
from ecops_lib.customers.orders import EARLIEST, EXACT, Frame, OrdersView
from ecops_lib.data import frames

if TYPE_CHECKING:
    import pandas as pd

GOOD, WAITING = "good", "waiting"
FAULTS = ("self", "unknown", "loop", "late")
"""A customer brought by themselves, by nobody known, by one they brought, or by one who had
not bought before they did."""


def follow_firsts(view: OrdersView) -> Frame:
    """Each known buyer's ``first`` day (ordinal), ``first_amount``, ``wait`` and ``amount``.

    ``wait`` is the days to the next purchase (null where there is none), ``first_amount``
    what the first day brought, ``amount`` all days, net of refunds.
    """
    bought = nw.when(nw.col("orders") > 0).then(nw.col("number"))
    rows = view.days().with_columns(number=day_number("day")).with_columns(bought=bought)
    first = rows.group_by("buyer_key").agg(first=nw.col("bought").min())
    both = rows.join(first.filter(~nw.col("first").is_null()), on="buyer_key", how="inner")
    opening = nw.col("bought") == nw.col("first")
    told = both.with_columns(
        later=nw.when(nw.col("bought") > nw.col("first")).then(nw.col("bought") - nw.col("first")),
        opening=nw.when(opening).then(nw.col("amount").cast(EXACT)),
    )
    return told.group_by("buyer_key", "first").agg(
        wait=nw.col("later").min(),
        first_amount=nw.col("opening").sum(),
        amount=nw.col("amount").sum(),
    )


def read_pairs(view: OrdersView, firsts: Frame) -> pd.DataFrame:
    """One row a customer whom another is said to have brought, with both histories.

    Returns:
        ``buyer_key`` and ``referrer``; ``first``, ``wait``, ``first_amount`` and ``amount``
        of the customer; ``referrer_first``; ``known``, whether the referrer is on the member
        list or has bought. Sorted by key.
    """
    customers = view.tables.lazy("customers")
    by_then = frames.within("joined_at", EARLIEST, view.as_of, view.tables.zone)
    told = ~nw.col("referred_by").is_null() & (nw.col("referred_by") != "")
    rows = customers.filter(told & (nw.col("joined_at").is_null() | by_then))
    pairs = rows.group_by("buyer_key").agg(referrer=nw.col("referred_by").max())
    listed = customers.select(referrer="buyer_key").unique().with_columns(listed=nw.lit(1))
    theirs = firsts.select(referrer="buyer_key", referrer_first="first")
    held = (
        pairs.join(firsts, on="buyer_key", how="left")
        .join(theirs, on="referrer", how="left")
        .join(listed, on="referrer", how="left")
    )
    known = ~nw.col("listed").is_null() | ~nw.col("referrer_first").is_null()
    columns = ["buyer_key", "referrer", "first", "wait", "first_amount", "amount", "referrer_first"]
    return frames.bring(held.select(*columns, known=flag(known)), sort=["buyer_key"])


def judge_pairs(pairs: pd.DataFrame) -> pd.Series:
    """What each pair is: ``good``, ``waiting`` (not bought yet), or one of the faults."""
    import pandas as pd

    kind = pd.Series(GOOD, index=pairs.index, dtype=object)
    kind[pairs["first"].isna()] = WAITING
    late = pairs["referrer_first"].isna() | (pairs["referrer_first"] > pairs["first"])
    kind[late & pairs["first"].notna()] = "late"
    kind[find_loops(pairs)] = "loop"
    kind[pairs["known"] == 0] = "unknown"
    kind[pairs["buyer_key"] == pairs["referrer"]] = "self"
    return kind


def find_loops(pairs: pd.DataFrame) -> pd.Series:
    """Whether a customer's referrers lead back to the customer."""
    held = pairs[["buyer_key", "referrer"]]
    while True:
        inside = held["buyer_key"].isin(held["referrer"]) & held["referrer"].isin(held["buyer_key"])
        if inside.all():
            return pairs.index.to_series().isin(held.index)
        held = held[inside]


def count_generations(good: pd.DataFrame) -> dict[int, int]:
    """Customers brought by generation, 1 where the referrer was not brought by anybody."""
    import pandas as pd

    parent = good.set_index("buyer_key")["referrer"]
    depth = pd.Series(0, index=parent.index)
    above = parent
    while len(above):
        depth[above.index] += 1
        above = parent.reindex(above).set_axis(above.index).dropna()
    sizes = depth.value_counts()
    return {int(g): int(sizes[g]) for g in sorted(sizes.index)}
