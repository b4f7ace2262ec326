"""Units that came back after they had been shipped: counted apart, never negative demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from ecops_lib.data.frames import bring, within
from ecops_lib.supply.demand.cancelled import (
    LINE_KEY,
    Frame,
    before_shipping,
    lines_refunded,
    read_refunds,
)
from ecops_lib.supply.demand.lines import SoldLines

if TYPE_CHECKING:
    import pandas as pd


def count_returned(sold: SoldLines) -> pd.Series:
    """Units sent back in the days of ``sold``, by SKU.

    A refund of money alone sends nothing back. Where a refund tells its units and its SKU,
    these count; else the units of the lines of these days that it is for as a whole. How
    much of it can be sold again is not told.
    """
    import pandas as pd

    tables = sold.tables
    if not tables.has("refunds"):
        return pd.Series(dtype=float)
    back = read_refunds(tables, as_of=sold.as_of)
    back = back.filter(~before_shipping(), nw.col("kind").fill_null("") != "refund_only")
    back = back.filter(within("ended", sold.start, sold.as_of, tables.zone))
    counted = (nw.col("quantity").fill_null(0) > 0) & (nw.col("sku_id").fill_null("") != "")
    told = back.filter(counted).group_by("sku_id").agg(units=nw.col("quantity").sum())
    found = [bring(told), bring(_of_lines(sold, back.filter(~counted)))]
    rows = pd.concat([each.astype({"units": float}) for each in found])
    return rows.groupby("sku_id")["units"].sum()


def _of_lines(sold: SoldLines, back: Frame) -> Frame:
    """Units of the lines that were refunded as a whole."""
    rows = sold.paid()
    keys = lines_refunded(rows, back)
    lines = sold.in_parts(rows.join(keys, on=LINE_KEY, how="semi"))
    lines = lines.filter(~nw.col("sku_id").is_null())
    return lines.group_by("sku_id").agg(units=nw.col("units").sum())
