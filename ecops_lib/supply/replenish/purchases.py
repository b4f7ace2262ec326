"""Purchase orders as they stood on a day: what came, how long it took, what is still out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.data.frames import DAY, bring, instants
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

HISTORY = 730
"""Days of purchase orders looked at."""
COLUMNS = (
    "purchase_id",
    "sku_id",
    "supplier_id",
    "warehouse_id",
    "quantity",
    "unit_cost",
    "ordered",
    "due",
    "taken",
    "came",
)


def read_purchases(tables: Tables, *, as_of: dt.date) -> pd.DataFrame:
    """One row a purchase order × SKU, as known at the end of a day.

    Args:
        tables: The source.
        as_of: Last local day that counts.

    Returns:
        ``purchase_id``, ``sku_id``, ``supplier_id`` and ``warehouse_id`` (empty where not
        told), ``quantity``, ``unit_cost``, ``ordered`` and ``due`` (local days), ``taken``
        (days from order to receipt, or to the end of ``as_of``), ``came``; the latest
        order last. Empty without a table of purchase orders.
    """
    import pandas as pd

    if not tables.has("purchase_orders"):
        return pd.DataFrame({name: [] for name in COLUMNS}).astype({"came": bool})
    rows = bring(_grouped(tables, as_of))
    for name in ("ordered_at", "due_at", "received_at"):
        rows[name] = _local_days(rows[name], tables)
    end = pd.Timestamp(as_of)
    came = rows["received_at"].notna()
    until = rows["received_at"].where(came, end)
    held = rows.assign(
        supplier_id=rows["supplier_id"].fillna("").astype(str),
        warehouse_id=rows["warehouse_id"].fillna("").astype(str),
        quantity=rows["quantity"].astype(float),
        unit_cost=rows["unit_cost"].astype(float),
        ordered=rows["ordered_at"],
        due=rows["due_at"],
        taken=(until - rows["ordered_at"]).dt.days.astype(float),
        came=came.astype(bool),
    )
    order = ["ordered", "purchase_id", "sku_id"]
    return held.sort_values(order, ignore_index=True)[[*COLUMNS]]


def _grouped(tables: Tables, as_of: dt.date) -> nw.LazyFrame[Any]:
    first, over = instants(as_of - HISTORY * DAY, as_of, tables.zone)
    orders = tables.lazy("purchase_orders").filter(
        (nw.col("ordered_at") >= first) & (nw.col("ordered_at") < over)
    )
    receipt = (nw.col("stage") == "receipt").fill_null(value=False)
    done = receipt & (nw.col("done_at") < over).fill_null(value=False)
    held = orders.with_columns(
        received_at=nw.when(done).then(nw.col("done_at")),
        last_due=nw.when(receipt).then(nw.col("due_at")),
    )
    return held.group_by("purchase_id", "sku_id").agg(
        nw.col("supplier_id").max(),
        nw.col("warehouse_id").max(),
        nw.col("quantity").max(),
        nw.col("unit_cost").max(),
        nw.col("ordered_at").min(),
        nw.col("last_due").max().alias("due_at"),
        nw.col("received_at").max(),
    )


def _local_days(moments: pd.Series, tables: Tables) -> pd.Series:
    """Local days of instants, without a zone."""
    import pandas as pd

    aware = pd.to_datetime(moments, utc=True).dt.tz_convert(tables.zone)
    return aware.dt.tz_localize(None).dt.normalize()
