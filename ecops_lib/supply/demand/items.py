"""What each series is: its product, its price, and from when to when it was on sale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecops_lib.data.frames import bring
from ecops_lib.metrics.bases import Tables
from ecops_lib.supply.demand.grid import series_ids
from ecops_lib.supply.demand.lines import SoldLines

if TYPE_CHECKING:
    import pandas as pd

PRODUCT = ["category", "listed_on", "status", "list_price"]


def describe_items(sold: SoldLines, daily: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """One row a series, indexed by its id.

    Args:
        sold: The lines.
        daily: Units by series and day.
        before: Series that were sold before these days.

    Returns:
        ``sku_id`` (and ``warehouse_id``), ``first_sale`` and ``last_sale`` of these days,
        ``sold_before``, ``product_id``, ``product_name``, ``variant``, ``category``,
        ``listed_on``, ``status``, and ``price``: mean amount paid for a unit (ratio of
        sums), the list price where only sets were sold.
    """
    ends = daily.assign(series=series_ids(daily, sold.by)).groupby("series")
    items = ends[sold.by].first().join(ends["day"].agg(first_sale="min", last_sale="max"))
    items = items.assign(sold_before=items.index.isin(series_ids(before, sold.by)))
    items = items.join(sold.names().set_index("sku_id"), on="sku_id")
    items = items.join(_products(sold.tables), on="product_id")
    sums = ends[["amount", "amounted"]].sum()
    paid = sums["amount"] / sums["amounted"].where(sums["amounted"] > 0)
    return items.assign(price=paid.fillna(items.pop("list_price").astype(float)))


def _products(tables: Tables) -> pd.DataFrame:
    """What the list of products tells, by product."""
    import pandas as pd

    if not tables.has("products"):
        empty = pd.DataFrame(columns=["product_id", *PRODUCT], dtype=object)
        return empty.set_index("product_id")
    held = bring(tables.lazy("products").select("product_id", *PRODUCT), sort=["product_id"])
    return held.drop_duplicates("product_id").set_index("product_id")
