"""What a sale could not sell because the shelf was empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.campaigns.retro.basis import Days
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Tables, missing_words

if TYPE_CHECKING:
    import pandas as pd


def lost_to_stock_outs(tables: Tables, sale: Days, *, alpha: float) -> dict[str, object] | str:
    """Units and money that empty shelves cost: a row of the troubles, or why it cannot be told.

    A SKU's share of the shop's units on the sale's days with stock, times the shop's units on
    the days without, less what it sold on them. The interval is that of a Poisson rate (exact,
    Garwood 1936, Biometrika 28, 437-442) of its units on days with stock; a SKU that was never
    in stock in the sale has no rate and is left out. Money is at the SKU's mean price in the
    sale, before refunds and costs.
    """
    from scipy.stats import chi2

    if not tables.has("inventory"):
        return missing_words("inventory")
    held = _sku_days(tables, sale)
    if held.empty:
        return tr("No stock of the promoted products is written for the sale's days.")
    lost = {"excess": 0.0, "excess_low": 0.0, "excess_high": 0.0,
            "money": 0.0, "money_low": 0.0, "money_high": 0.0}  # fmt: skip
    for _, rows in held.groupby("sku_id"):
        out = rows["out"]
        sold, exposure = float(rows.loc[~out, "units"].sum()), float(rows.loc[~out, "shop"].sum())
        if not out.any() or not sold or not exposure:
            continue
        missed, had = float(rows.loc[out, "shop"].sum()), float(rows.loc[out, "units"].sum())
        price = float(rows["amount"].sum()) / float(rows["units"].sum())
        ends = chi2.ppf([alpha / 2, 1 - alpha / 2], [2 * sold, 2 * sold + 2]) / 2
        for name, units in zip(("", "_low", "_high"), (sold, *ends), strict=True):
            gone = max(units / exposure * missed - had, 0.0)
            lost[f"excess{name}"] += gone
            lost[f"money{name}"] += gone * price
    return {"trouble": "stock", "share": float(held["out"].mean()), "usual": float("nan"), **lost}


def _sku_days(tables: Tables, sale: Days) -> pd.DataFrame:
    """SKU-days of the sale with a stock figure: out of stock, units, amount, the shop's units."""
    stock = tables.lazy("inventory", start=sale.first, end=sale.last).filter(
        (nw.col("day") >= sale.first) & (nw.col("day") <= sale.last)
    )
    if sale.products:
        stock = stock.filter(nw.col("product_id").is_in(list(sale.products)))
    free = nw.col("on_hand").cast(nw.Float64) - nw.col("reserved").cast(nw.Float64).fill_null(0.0)
    stock = stock.with_columns(free=free, hours=nw.col("hours_out").fill_null(0.0))
    sums = stock.group_by("day", "sku_id").agg(nw.col("free").sum(), nw.col("hours").min())
    shelf = frames.bring(sums, sort=["day", "sku_id"])
    shelf["out"] = (shelf["free"] <= 0) | (shelf["hours"] > 0)
    sold = frames.bring(_sold(tables, sale), sort=["day", "sku_id"])
    whole = sold.groupby("day")["units"].sum().rename("shop").reset_index()
    held = shelf.merge(sold, on=["day", "sku_id"], how="left").merge(whole, on="day", how="left")
    return held.fillna({"units": 0.0, "amount": 0.0, "shop": 0.0})


def _sold(tables: Tables, sale: Days) -> nw.LazyFrame[Any]:
    """Units and amount of every SKU by local day of payment."""
    paid = tables.lazy("orders").filter(
        frames.within("paid_at", sale.first, sale.last, tables.zone)
    )
    day = frames.local_day("paid_at", sale.first, sale.last, tables.zone)
    paid = paid.with_columns(day=day).select(*ORDER_KEY, "day")
    lines = tables.lazy("order_items").select(
        *ORDER_KEY, "sku_id", units=nw.col("quantity").cast(nw.Float64),
        amount=nw.col("paid_amount").cast(nw.Float64),
    )  # fmt: skip
    rows = lines.join(paid, on=ORDER_KEY, how="inner")
    return rows.group_by("day", "sku_id").agg(
        units=nw.col("units").sum(), amount=nw.col("amount").sum()
    )
