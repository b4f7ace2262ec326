"""A shop's own baskets at base prices, as the engine takes them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecops_lib.campaigns.promotions.allocation import Floats, add_up
from ecops_lib.campaigns.promotions.baskets import make_lines
from ecops_lib.campaigns.promotions.engine import BasketLines
from ecops_lib.core.checks import as_day, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Tables

if TYPE_CHECKING:
    import pandas as pd

LINE = ["product_id", "sku_id", "quantity", "unit_price", "list_amount"]
CENT = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class ShopBaskets:
    """Paid orders of a span.

    Attributes:
        lines: For the engine.
        base: By basket: base price × quantity [store currency].
        cost: By basket: cost of its goods; NaN where that of any line is not told.
        day: By basket: local day of payment.
        left_out: Orders that cannot be priced, for a line tells no price or no quantity.
    """

    lines: BasketLines
    base: Floats
    cost: Floats
    day: NDArray[np.datetime64]
    left_out: int


def read_baskets(
    tables: Tables, *, start: dt.date | str, end: dt.date | str, as_of: dt.date | str
) -> ShopBaskets:
    """The orders paid on some local days, at list prices.

    Args:
        tables: The source; needs ``orders`` and ``order_items``, uses ``products``.
        start: First local day of payment.
        end: Last one, included.
        as_of: Last local day that counts.

    Raises:
        MissingDataError: A table is absent, or no order of these days can be priced.
    """
    tables.require("orders", "order_items")
    first = as_day(start, name="start")
    last = min(as_day(end, name="end"), as_day(as_of, name="as_of"))
    require_span(first, last)
    frame = _read(tables, first, last)
    # amounts such as 33.3333 a unit are no cents, but their lines' amounts are
    told = frame["list_amount"].fillna(frame["unit_price"] * frame["quantity"]).astype(float)
    frame["base_amount"] = (told / CENT).round() * CENT
    odd = ~((frame["base_amount"] >= 0) & (frame["quantity"] >= 1))
    left_out = frame.loc[odd, "basket_id"].nunique()
    frame = frame[~frame["basket_id"].isin(frame.loc[odd, "basket_id"])].reset_index(drop=True)
    if frame.empty:
        raise MissingDataError(
            tr(
                "No order paid from {start} to {end} tells what its lines cost before discounts; "
                "import the platform's order-line export, or other days.",
                start=show(first, "day"),
                end=show(last, "day"),
            )
        )
    lines, order = make_lines(frame)
    cost = (frame["unit_cost"].astype(float) * frame["quantity"]).to_numpy(float)[order]
    return ShopBaskets(
        lines=lines,
        base=add_up(lines.base, lines.starts) / 100,
        cost=np.add.reduceat(cost, lines.starts),
        day=frame["day"].to_numpy("datetime64[D]")[order][lines.starts],
        left_out=int(left_out),
    )


def _read(tables: Tables, first: dt.date, last: dt.date) -> pd.DataFrame:
    """Lines of the orders paid, with their costs."""
    import pandas as pd

    paid = tables.lazy("orders").filter(frames.within("paid_at", first, last, tables.zone))
    day = frames.local_day("paid_at", first, last, tables.zone)
    orders = paid.select(*ORDER_KEY, "creator_id", "is_presale", day=day)
    items = tables.lazy("order_items").select(*ORDER_KEY, "line_id", *LINE)
    joined = items.join(orders, on=ORDER_KEY, how="inner")
    frame = frames.bring(joined, sort=[*ORDER_KEY, "line_id"])
    frame["basket_id"] = frame.groupby(ORDER_KEY, sort=True).ngroup()
    columns = ["platform", "product_id", "unit_cost"]
    if tables.has("products"):
        costs = frames.bring(tables.lazy("products").select(*columns), sort=columns[:2])
        frame = frame.merge(costs, on=columns[:2], how="left")
    else:
        frame["unit_cost"] = np.nan
    frame["quantity"] = pd.to_numeric(frame["quantity"]).astype(float)
    return frame
