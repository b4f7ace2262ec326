"""Each customer's purchases as arrays: summed in the engine, exact to the last digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from ecops_lib.core.errors import MissingDataError
from ecops_lib.customers.orders import Apart, OrdersView, nobody_words
from ecops_lib.data import frames

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

MILS = 10_000
"""Parts of the currency's unit that the store keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Customers as arrays, one entry each, in no order.

    Attributes:
        keys: Their keys.
        age: Days since the first purchase.
        recency: Days since the last purchase.
        orders: Orders that were not wholly refunded.
        mils: Net amount [1/10,000 of the store currency].
    """

    keys: pd.Series
    age: Array
    recency: Array
    orders: Array
    mils: Array

    def __len__(self) -> int:
        return len(self.age)


def count_prospects(view: OrdersView, keys: pd.Series) -> int | None:
    """Members on the list who have not bought, or have sent everything back."""
    if not view.tables.has("customers"):
        return None
    members = frames.bring(view.tables.lazy("customers").select("buyer_key"))["buyer_key"]
    return int((find_places(members, keys) < 0).sum())


def to_mils(amounts: Array) -> Array:
    """Amounts as whole ten-thousandths, in which sums are exact."""
    held: Array = np.rint(amounts * MILS).astype(np.int64)
    return held


def sum_people(view: OrdersView) -> tuple[People, Apart, tuple[int, float]]:
    """Each buyer's sums in one pass of the engine, the unknown buyers being one of them."""
    kept = nw.col("kept")
    day = frames.local_day("paid_at", view.first, view.as_of, view.tables.zone)
    rows = view.orders().with_columns(
        day=nw.when(kept).then(day), own=nw.when(kept).then(nw.col("net"))
    )
    sums = rows.group_by("buyer_key").agg(
        first_day=nw.col("day").min(),
        last_day=nw.col("day").max(),
        orders=nw.col("own").count(),
        told=nw.col("net").count(),
        all=nw.len(),
        amount=nw.col("own").sum(),
        net=nw.col("net").sum(),
    )
    held = frames.bring(sums)
    amount, net = (to_mils(held[name].fillna(0.0).to_numpy(float)) for name in ("amount", "net"))
    orders, told = (held[name].to_numpy(np.int64) for name in ("orders", "told"))
    known = held["buyer_key"].notna().to_numpy()
    buyers = known & (orders > 0)
    if not buyers.any():
        raise MissingDataError(nobody_words(view.as_of))
    apart = Apart(
        unknown_orders=int(orders[~known].sum()),
        unknown_amount=int(amount[~known].sum()) / MILS,
        refunded_orders=int((told - orders).sum()),
        refunded_amount=int((net - amount).sum()) / MILS,
        untold_orders=int(held["all"].to_numpy(np.int64).sum() - told.sum()),
        has_refunds=view.tables.has("refunds"),
    )
    keys = held["buyer_key"][buyers].reset_index(drop=True)
    back, loose = _loose_refunds(view, keys)
    today = np.datetime64(view.as_of)
    first, last = (held[n][buyers].to_numpy("datetime64[D]") for n in ("first_day", "last_day"))
    people = People(
        keys=keys,
        age=(today - first).astype(int),
        recency=(today - last).astype(int),
        orders=orders[buyers],
        mils=amount[buyers] - back,
    )
    return people, apart, loose


def _loose_refunds(view: OrdersView, keys: pd.Series) -> tuple[Array, tuple[int, float]]:
    """What each buyer got back without an order, and the refunds that belong to nobody."""
    zero = np.zeros(len(keys), dtype=np.int64)
    rows = view.loose()
    if rows is None:
        return zero, (0, 0.0)
    by = ["buyer_key", "placed"]
    held = frames.bring(rows.group_by(by).agg(amount=nw.col("amount").sum(), refunds=nw.len()))
    named = held.loc[held["placed"].astype(bool)]
    found = find_places(keys, named["buyer_key"])
    mine = np.isin(np.arange(len(named)), found)
    nobody = [held.loc[~held["placed"].astype(bool)], named.loc[~mine]]
    loose = (
        sum(int(part["refunds"].sum()) for part in nobody),
        sum(float(part["amount"].sum()) for part in nobody),
    )
    back = np.append(to_mils(named["amount"].to_numpy(float)), 0)
    return back[found], loose


def find_places(keys: pd.Series, known: pd.Series) -> Array:
    """The place of each key among the known ones; -1 for none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.large_string()
    values = pa.array(known, type=text, from_pandas=True)
    held = pc.index_in(pa.array(keys, type=text, from_pandas=True), value_set=values)
    places: Array = held.fill_null(-1).to_numpy(zero_copy_only=False)
    return places
