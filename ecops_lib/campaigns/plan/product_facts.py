"""What is known of each product: visitors, conversion, price, margin, refunds, stock, age."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.ads.margins import learn_margins, unit_costs
from ecops_lib.campaigns.ads.shrinkage import weigh_rates
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Tables
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

HALF_DAYS = 28
"""Days of each of the two spans that a trend is told from."""
FEW_ORDERS = 10
"""Orders from which a product is judged."""
STALE_DAYS = 7
"""Days after which a snapshot of stock tells nothing."""


def learn_products(tables: Tables, *, as_of: dt.date) -> tuple[pd.DataFrame, float]:
    """Facts of every product, and the shop's refund rate.

    Args:
        tables: The source.
        as_of: Last local day that counts.

    Returns:
        One row a product with ``product_id``, ``product_name``, ``orders``, ``paid``,
        ``price``, ``trend``, ``visitors``, ``conversion``, ``margin``, ``refund_rate``,
        ``stock``, ``cover`` and ``age`` (NaN where not known), and the shop's refund rate.

    Raises:
        MissingDataError: There are no orders, or their lines are missing.
    """
    tables.require("orders", "order_items")
    start = as_of - (2 * HALF_DAYS - 1) * frames.DAY
    half = as_of - (HALF_DAYS - 1) * frames.DAY
    held = _listed(tables, as_of)
    both, late = (_sold(tables, first, as_of) for first in (start, half))
    held = held.join(both, how="outer").join(late[["units"]].add_prefix("late_"), how="left")
    names = held.pop("sold_name") if "sold_name" in held else held["name"]
    held["product_name"] = held.pop("name").fillna(names).fillna(held.index.to_series())
    counts = ["orders", "paid", "units", "late_units"]
    held[counts] = held[counts].fillna(0.0).astype(float)  # no line of it: nothing was sold
    held["price"] = held["paid"] / held["units"].where(held["units"] > 0)
    held["trend"] = _trend(tables, held, start)
    held = held.join(_visits(tables, start, as_of)).join(stock_of(tables, as_of))
    pace = held["late_units"] / _recorded(tables, half, as_of)
    held["cover"] = held["stock"] / pace.where(pace > 0)
    held = held.join(_kept(tables, as_of))
    refund_rate = learn_margins(tables, as_of=as_of).refund_rate
    return held.rename_axis("product_id").reset_index(), refund_rate


def _listed(tables: Tables, as_of: dt.date) -> pd.DataFrame:
    """Name and days on sale of the products listed by a day."""
    import pandas as pd

    if not tables.has("products"):
        empty = pd.Index([], dtype=object, name="product_id")
        return pd.DataFrame({"name": pd.Series(dtype=object), "age": pd.Series(dtype=float)}, empty)
    columns = ["product_id", "product_name", "listed_on"]
    rows = frames.bring(tables.lazy("products").select(*columns), sort=columns)
    rows = rows.groupby("product_id", as_index=False).first()
    age = (pd.Timestamp(as_of) - pd.to_datetime(rows["listed_on"])).dt.days.astype(float)
    kept = ~(age < 0)
    return pd.DataFrame(
        {"name": rows["product_name"].to_numpy(object), "age": age.to_numpy()},
        index=pd.Index(rows["product_id"].to_numpy(object), name="product_id"),
    )[kept.to_numpy()]


def _sold(tables: Tables, start: dt.date, end: dt.date) -> pd.DataFrame:
    """Orders, units and amount paid by product."""
    keys = {"paid_orders": "orders", "paid_units": "units", "paid_amount": "paid"}
    rows = measure(
        tables.source, list(keys), start=start, end=end, by=("product",), time_zone=tables.zone_name
    ).frame
    rows = rows[rows["product_id"].notna()]
    rows = rows.assign(product_id=rows["product_id"].astype(object)).set_index("product_id")
    held = rows.rename(columns=keys)[list(keys.values())].astype(float)
    if "product_name" in rows:
        held["sold_name"] = rows["product_name"].astype(object)
    return held


def _recorded(tables: Tables, start: dt.date, end: dt.date) -> int:
    """Days of a span that the orders cover."""
    span = tables.span("orders", "created_at")
    return max(1, (end - max(start, span[0] if span else start)).days + 1)


def _trend(tables: Tables, held: pd.DataFrame, start: dt.date) -> pd.Series:
    """Units of the later span over the earlier; NaN where that sold few or was not recorded."""
    span = tables.span("orders", "created_at")
    early = held["units"] - held["late_units"]
    if span is None or span[0] > start:
        return early * np.nan
    return held["late_units"] / early.where(early >= FEW_ORDERS)


def _visits(tables: Tables, start: dt.date, end: dt.date) -> pd.DataFrame:
    """Visitors of a mean day, and the conversion with few visits drawn towards the shop's."""
    import pandas as pd

    none = pd.DataFrame({"visitors": pd.Series(dtype=float), "conversion": pd.Series(dtype=float)})
    if not tables.has("traffic"):
        return none
    rows = tables.lazy("traffic", start=start, end=end).filter(
        (nw.col("scope") == "product") & (nw.col("day") >= start) & (nw.col("day") <= end)
        & ~nw.col("visitors").is_null() & ~nw.col("paying_buyers").is_null()
    )  # fmt: skip
    sums = rows.group_by("scope_id").agg(
        came=nw.col("visitors").sum(), bought=nw.col("paying_buyers").sum(),
        first=nw.col("day").min(), last=nw.col("day").max(),
    )  # fmt: skip
    held = frames.bring(sums, sort=["scope_id"])
    came = held["came"].to_numpy(float)
    if not came.sum() > 0:
        return none
    bought = np.minimum(held["bought"].to_numpy(float), came)
    told = (held["last"].max() - held["first"].min()).days + 1
    return pd.DataFrame(
        {"visitors": came / told, "conversion": weigh_rates(bought, came).mean_of(bought, came)},
        index=held["scope_id"].to_numpy(object),
    )


def stock_of(tables: Tables, as_of: dt.date) -> pd.DataFrame:
    """Units free to sell: each SKU's newest snapshot of the last week."""
    import pandas as pd

    if not tables.has("inventory"):
        return pd.DataFrame({"stock": pd.Series(dtype=float)})
    begin = as_of - STALE_DAYS * frames.DAY
    rows = tables.lazy("inventory").filter(
        (nw.col("day") > begin) & (nw.col("day") <= as_of) & ~nw.col("product_id").is_null()
    )
    keys = ["warehouse_id", "sku_id"]
    newest = rows.group_by(*keys).agg(day=nw.col("day").max())
    free = nw.col("on_hand") - nw.col("reserved").fill_null(0)
    held = rows.join(newest, on=[*keys, "day"], how="inner").with_columns(free=free)
    sums = frames.bring(held.group_by("product_id").agg(nw.col("free").sum()), sort=["product_id"])
    return pd.DataFrame(
        {"stock": sums["free"].to_numpy(float)}, index=sums["product_id"].to_numpy(object)
    )


def _kept(tables: Tables, as_of: dt.date) -> pd.DataFrame:
    """Margin and refund rate; a product without a cost of its own has no margin here."""
    import pandas as pd

    held = learn_margins(tables, as_of=as_of).frame
    if held.empty:
        return pd.DataFrame(
            {"margin": pd.Series(dtype=float), "refund_rate": pd.Series(dtype=float)}
        )
    costs = unit_costs(tables)
    told = set(costs.loc[costs["unit_cost"].notna(), "product_id"].astype(str))
    known = held.index.astype(str).isin(told)
    return pd.DataFrame(
        {
            "margin": held["margin"].astype(float).where(known),
            "refund_rate": held["refund_rate"].astype(float),
        }
    ).set_axis(held.index.astype(object))
