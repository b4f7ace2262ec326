"""Terms of each SKU: who delivers it, at what price, in what quantities, and what it earns."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from ecops_lib.data.frames import DAY, bring, within
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

PRICE_DAYS = 90
"""Days of sales that a SKU's price is the mean of."""

SOURCING = ("sku_id", "supplier_id", "unit_cost", "minimum_quantity", "pack_size", "lead_days")
SUPPLIERS = ("supplier_id", "supplier_name", "payment_days", "minimum_amount", "order_cost")


def read_terms(
    tables: Tables, *, as_of: dt.date, skus: pd.DataFrame, purchases: pd.DataFrame
) -> pd.DataFrame:
    """Supplier, price and quantities of each SKU, NaN where nothing tells.

    A SKU comes from the supplier who delivered it last, if the sheet of terms names him or
    there is none; else from the cheapest of the sheet. Its cost is that of the sheet, else of
    its last order, else of the product; its price the mean of the last 90 days' sales, else
    the list price.

    Args:
        tables: The source.
        as_of: Last local day that counts.
        skus: ``sku_id`` and ``product_id``, one row a SKU.
        purchases: Purchase orders as known then (``read_purchases``).

    Returns:
        Indexed by ``sku_id``: ``supplier_id``, ``supplier_name``, ``name``, ``unit_cost``,
        ``price``, ``margin``, ``minimum_quantity``, ``pack_size``, ``lead_days``,
        ``minimum_amount``, ``order_cost``, ``payment_days``.
    """
    last = purchases.drop_duplicates("sku_id", keep="last").set_index("sku_id")
    held = skus.drop_duplicates("sku_id").set_index("sku_id")
    held = held.join(_chosen(read_sourcing(tables), last))
    products, prices = _read_products(tables), _read_prices(tables, as_of)
    ids, product = held.index.to_series(), held["product_id"]
    supplier = _told(held["supplier_id"], ids.map(last["supplier_id"]))
    held["supplier_id"] = np.where(_missing(supplier), "", supplier)
    held["unit_cost"] = _told(
        held["unit_cost"], ids.map(last["unit_cost"]), product.map(products["unit_cost"])
    ).astype(float)
    held["price"] = _told(ids.map(prices["price"]), product.map(products["list_price"])).astype(
        float
    )
    held["name"] = _told(product.map(products["product_name"]), ids.map(prices["name"]))
    held["margin"] = held["price"] - held["unit_cost"]
    held["minimum_quantity"] = held["minimum_quantity"].fillna(0.0).clip(lower=0.0)
    held["pack_size"] = np.maximum(1.0, held["pack_size"].fillna(1.0))
    suppliers = _read_suppliers(tables)
    return held.join(suppliers, on="supplier_id")


def _told(*columns: pd.Series) -> np.ndarray[Any, Any]:
    """Of each row the first column that tells it."""
    held = columns[0].to_numpy(object)
    for column in columns[1:]:
        held = np.where(_missing(held), column.to_numpy(object), held)
    return held


def _missing(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import pandas as pd

    return np.asarray(pd.isna(values))


def read_sourcing(tables: Tables) -> pd.DataFrame:
    """The sheet of terms, one row a SKU × supplier; empty without one."""
    import pandas as pd

    if not tables.has("sourcing"):
        held = pd.DataFrame({name: [] for name in SOURCING})
    else:
        held = bring(tables.lazy("sourcing").select(*SOURCING), sort=["sku_id", "supplier_id"])
    numbers = dict.fromkeys(SOURCING[2:], float)
    return held.astype({"sku_id": object, "supplier_id": object, **numbers})


def _chosen(sourcing: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """One supplier a SKU: who delivered last, else the cheapest."""
    usual = sourcing["sku_id"].map(last["supplier_id"]) if len(last) else None
    rank = sourcing.assign(other=True if usual is None else usual != sourcing["supplier_id"])
    rank = rank.sort_values(["sku_id", "other", "unit_cost", "supplier_id"], kind="stable")
    return rank.drop_duplicates("sku_id").set_index("sku_id").drop(columns="other")


def _read_suppliers(tables: Tables) -> pd.DataFrame:
    import pandas as pd

    if not tables.has("suppliers"):
        held = pd.DataFrame({name: [] for name in SUPPLIERS})
    else:
        held = bring(tables.lazy("suppliers").select(*SUPPLIERS), sort=["supplier_id"])
    numbers = dict.fromkeys(SUPPLIERS[2:], float)
    return held.astype({"supplier_id": object, **numbers}).set_index("supplier_id")


def _read_products(tables: Tables) -> pd.DataFrame:
    import pandas as pd

    names = ["product_id", "product_name", "unit_cost", "list_price"]
    if not tables.has("products"):
        return pd.DataFrame({name: [] for name in names}).set_index("product_id")
    held = bring(tables.lazy("products").select(*names), sort=["product_id"])
    return held.drop_duplicates("product_id").set_index("product_id")


def _read_prices(tables: Tables, as_of: dt.date) -> pd.DataFrame:
    """Mean price and name of each SKU sold lately: amount paid over units."""
    import pandas as pd

    if not tables.has("order_items"):
        return pd.DataFrame({"price": [], "name": []})
    start = as_of - (PRICE_DAYS - 1) * DAY
    lines = tables.lazy("order_items", start=start, end=as_of).filter(
        within("created_at", start, as_of, tables.zone),
        (nw.col("paid_amount") > 0) & (nw.col("quantity") > 0),
        ~nw.col("sku_id").is_null(),
    )
    sums = bring(
        lines.group_by("sku_id").agg(
            nw.col("paid_amount").sum(),
            nw.col("quantity").sum(),
            nw.col("product_name").max().alias("name"),
        ),
        sort=["sku_id"],
    ).set_index("sku_id")
    price = sums["paid_amount"].astype(float) / sums["quantity"].astype(float)
    return sums.assign(price=price)[["price", "name"]]
