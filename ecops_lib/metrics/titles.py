"""Products' names beside their ids, where the tables tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from ecops_lib.data import frames
from ecops_lib.metrics.facts import Query

if TYPE_CHECKING:
    import pandas as pd


def name_products(frame: pd.DataFrame, query: Query) -> pd.DataFrame:
    """The frame with ``product_name`` after ``product_id``; as it is where no name is told.

    Args:
        frame: One row a group, split by product.
        query: What was asked; its tables tell the names.
    """
    told = _titles(query).dropna().drop_duplicates("product_id", keep="last")
    names = frame["product_id"].map(told.set_index("product_id")["product_name"])
    if names.isna().all():
        return frame
    named = frame.copy()
    named.insert(list(frame.columns).index("product_id") + 1, "product_name", names)
    return named


def _titles(query: Query) -> pd.DataFrame:
    """Ids and names, the best name of an id last: of the product list, else of the lines."""
    import pandas as pd

    tables, columns = query.tables, ["product_id", "product_name"]
    if tables.has("products"):
        return frames.bring(tables.lazy("products").select(columns), sort=columns)
    if not tables.has("order_items"):
        return pd.DataFrame(columns=columns)
    lines = tables.lazy("order_items").filter(query.during("created_at"))
    counts = lines.group_by(columns).agg(lines=nw.len())
    return frames.bring(counts, sort=["lines", "product_name"])[columns]
