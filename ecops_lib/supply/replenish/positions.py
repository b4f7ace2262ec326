"""Stock positions: on hand, less promised, plus on the way."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import narwhals as nw

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data.frames import DAY, bring
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

STALE = 31
"""Days after which a warehouse that sends no stock any more is left out."""
ALL = "*"
"""The warehouse that stands for all."""


def read_positions(
    tables: Tables, *, as_of: dt.date, purchases: pd.DataFrame, by_warehouse: bool
) -> tuple[pd.DataFrame, dt.date]:
    """Stock position of each SKU, and the day of the newest snapshot.

    Goods on their way in are part of what was ordered: the larger of the two counts.

    Args:
        tables: The source.
        as_of: Last local day that counts.
        purchases: Purchase orders as known then (``read_purchases``).
        by_warehouse: Whether each warehouse is told apart.

    Returns:
        One row a SKU (× warehouse): ``sku_id``, ``warehouse_id``, ``product_id``,
        ``on_hand``, ``reserved``, ``coming``, ``position``; and the day.

    Raises:
        MissingDataError: No snapshot is of that day or before.
    """
    stock, day = _read_stock(tables, as_of)
    if not by_warehouse:
        stock["warehouse_id"] = ALL
    held = stock.groupby(["sku_id", "warehouse_id"], as_index=False, observed=True).agg(
        product_id=("product_id", "first"),
        on_hand=("on_hand", "sum"),
        reserved=("reserved", "sum"),
        in_transit=("in_transit", "sum"),
    )
    ordered = open_units(purchases, held, by_warehouse=by_warehouse)
    held["coming"] = ordered.where(ordered > held["in_transit"], held.pop("in_transit"))
    held["position"] = held["on_hand"] - held["reserved"] + held["coming"]
    return held, day


def _read_stock(tables: Tables, as_of: dt.date) -> tuple[pd.DataFrame, dt.date]:
    """The newest snapshot of each warehouse."""
    lines = tables.lazy("inventory", start=as_of - 2 * STALE * DAY, end=as_of)
    past = lines.filter(nw.col("day") <= as_of)
    newest = bring(past.group_by("warehouse_id").agg(nw.col("day").max()))
    if newest.empty or newest["day"].isna().all():
        raise MissingDataError(
            tr(
                "The store holds no stock of {day} or before; import the warehouse's stock export.",
                day=show(as_of, "day"),
            )
        )
    last = newest["day"].max().date()
    fresh = newest[newest["day"].dt.date >= last - STALE * DAY]
    found = []
    for warehouse, day in zip(fresh["warehouse_id"], fresh["day"].dt.date, strict=True):
        found.append(bring(past.filter(nw.col("day") == day, nw.col("warehouse_id") == warehouse)))
    import pandas as pd

    rows = pd.concat(found, ignore_index=True) if len(found) > 1 else found[0]
    for name in ("on_hand", "reserved", "in_transit"):
        rows[name] = rows[name].astype(float).fillna(0.0)
    return rows, last


def open_units(purchases: pd.DataFrame, stock: pd.DataFrame, *, by_warehouse: bool) -> pd.Series:
    """Units ordered and not received, beside each row of the stock.

    An order that names no warehouse is counted for the SKU's first one.
    """
    import pandas as pd

    out = purchases[~purchases["came"]]
    if not by_warehouse:
        sums = out.groupby("sku_id")["quantity"].sum()
        return stock["sku_id"].map(sums).fillna(0.0).astype(float)
    home = stock.drop_duplicates("sku_id").set_index("sku_id")["warehouse_id"]
    told = out["warehouse_id"].isin(stock["warehouse_id"])
    place = out["warehouse_id"].where(told, out["sku_id"].map(home))
    sums = out.groupby([out["sku_id"], place])["quantity"].sum()
    pairs = pd.MultiIndex.from_frame(stock[["sku_id", "warehouse_id"]])
    return pd.Series(sums.reindex(pairs).fillna(0.0).to_numpy(float), index=stock.index)
