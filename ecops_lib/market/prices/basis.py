"""What prices are compared on: pairs of products and items, ours and theirs by unit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.data import frames
from ecops_lib.market.matching import ItemMatches, match_items
from ecops_lib.market.snapshots import Snapshots
from ecops_lib.market.titles import Size, parse_size
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables

if TYPE_CHECKING:
    import pandas as pd

RECENT_DAYS = 28
"""Days up to the last whose sales weigh our products and tell our price."""
FAR = 3.0
"""Ratio of prices from which two items are not the same, whatever their titles say."""
SAME = 0.005
"""Part by which prices may differ and still be the same."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Basket:
    """Matched products and items with both prices.

    Attributes:
        pairs: One row a pair: ``product_id``, ``product_name``, ``competitor``, ``item_id``,
            ``title``, ``our_price`` and ``their_price`` [store currency], theirs for as much as
            ours holds where both sizes are told, ``ratio`` (theirs over ours), ``sales`` of our
            product in the last four weeks.
        unlike: Pairs left out because their sizes cannot be compared, or their prices lie so far
            apart that they cannot be the same.
        unpriced: Pairs left out because one of the prices is not known.
    """

    pairs: pd.DataFrame
    unlike: int
    unpriced: int


def pair_items(
    source: Source,
    snapshots: Snapshots,
    *,
    judged: pd.DataFrame | None = None,
    time_zone: str | None = None,
) -> ItemMatches:
    """Match our product list with all items that competitors ever listed.

    Pairs that the snapshots name themselves (``our_product_id``) and judged ones hold.

    Args:
        source: A store, or tables by canonical name; needs ``products``.
        snapshots: The competitors' listings.
        judged: Judged pairs (see ``read_review``); ids of theirs as ``competitor/item``.
        time_zone: IANA zone of the days; the store's by default.
    """
    import pandas as pd

    tables = Tables(source, time_zone=time_zone)
    tables.require("products")
    wanted = ["product_id", "product_name", "brand"]
    held = frames.bring(tables.lazy("products").select(wanted), sort=wanted)
    ours = held.drop_duplicates("product_id").rename(
        columns={"product_id": "item_id", "product_name": "title"}
    )
    sold = our_prices(tables, snapshots.last)
    ours["price"] = ours["item_id"].map(sold["price"])
    rows = snapshots.panel.drop_duplicates(["competitor", "item_id"], keep="last")
    theirs = pd.DataFrame({
        "item_id": rows["competitor"] + "/" + rows["item_id"].astype(str),
        "title": rows["title"], "seller": rows["competitor"], "price": rows["price"],
    }).reset_index(drop=True)  # fmt: skip
    told = rows[rows["our_product_id"].notna()]
    named = pd.DataFrame({
        "our_id": told["our_product_id"].astype(str),
        "their_id": told["competitor"] + "/" + told["item_id"].astype(str), "match": True,
    })  # fmt: skip
    said = [held for held in (named, judged) if held is not None and len(held)]
    known = pd.concat(said, ignore_index=True) if said else None
    return match_items(ours.reset_index(drop=True), theirs, judged=known)


def our_prices(tables: Tables, last: dt.date) -> pd.DataFrame:
    """Paid per piece, and sales, of our products in the last four weeks, by product."""
    import pandas as pd

    if not (tables.has("orders") and tables.has("order_items")):
        return pd.DataFrame({"price": pd.Series(dtype=float), "sales": pd.Series(dtype=float)})
    daily = daily_sales(tables, last - (RECENT_DAYS - 1) * frames.DAY, last)
    sums = daily.groupby("product_id")[["units", "sales"]].sum()
    price = sums["sales"] / sums["units"].where(sums["units"] > 0)
    return sums.assign(price=price)[["price", "sales"]]


def daily_sales(tables: Tables, first: dt.date, last: dt.date) -> pd.DataFrame:
    """Units and amount paid by product and local day of payment."""
    day = frames.local_day("paid_at", first, last, tables.zone)
    paid = tables.lazy("orders").filter(frames.within("paid_at", first, last, tables.zone))
    lines = tables.lazy("order_items").filter(~nw.col("product_id").is_null()).select(
        *ORDER_KEY, "product_id", units=nw.col("quantity").cast(nw.Float64),
        sales=nw.col("paid_amount").cast(nw.Float64),
    )  # fmt: skip
    rows = lines.join(paid.with_columns(day=day).select(*ORDER_KEY, "day"), on=ORDER_KEY,
                      how="inner")  # fmt: skip
    held = frames.bring(
        rows.group_by("product_id", "day").agg(nw.col("units").sum(), nw.col("sales").sum()),
        sort=["product_id", "day"],
    )
    held["day"] = held["day"].dt.date
    return held


def fill_basket(
    source: Source, snapshots: Snapshots, matches: ItemMatches, *, time_zone: str | None = None
) -> Basket:
    """Put both prices beside the matched pairs that are listed now.

    Only sure pairs count. Where both titles tell a size of one kind, their price is that of as
    much as ours holds; where neither does, of what is sold; else the pair is left out, and so is
    one whose prices differ more than threefold.
    """
    tables = Tables(source, time_zone=time_zone)
    sold = our_prices(tables, snapshots.last)
    listed = snapshots.latest.assign(
        key=snapshots.latest["competitor"] + "/" + snapshots.latest["item_id"].astype(str)
    ).set_index("key")
    held = matches.sure[matches.sure["their_id"].isin(listed.index)].reset_index(drop=True)
    theirs = listed.loc[held["their_id"]].reset_index(drop=True)
    ours_size, their_size = ([parse_size(t) for t in side] for side in
                             (held["our_title"], theirs["title"]))  # fmt: skip
    times = np.array([_times(a, b) for a, b in zip(ours_size, their_size, strict=True)], float)
    pairs = held.rename(columns={"our_id": "product_id", "our_title": "product_name"})[
        ["product_id", "product_name"]
    ].assign(
        competitor=theirs["competitor"], item_id=theirs["item_id"], title=theirs["title"],
        our_price=held["our_id"].map(sold["price"]), their_price=theirs["price"] * times,
        sales=held["our_id"].map(sold["sales"]).fillna(0.0),
    )  # fmt: skip
    priced = (pairs["our_price"] > 0) & (theirs["price"] > 0)
    pairs["ratio"] = (pairs["their_price"] / pairs["our_price"]).where(priced)
    like = ~np.isnan(times) & ~(np.abs(np.log(pairs["ratio"])) > np.log(FAR))
    return Basket(
        pairs=pairs[like & priced].reset_index(drop=True),
        unlike=int((~like).sum()), unpriced=int((like & ~priced).sum()),
    )  # fmt: skip


def _times(ours: Size | None, theirs: Size | None) -> float:
    """How many of theirs hold as much as ours; NaN where the sizes cannot be compared."""
    if ours is None and theirs is None:
        return 1.0
    if ours is None or theirs is None or ours.unit != theirs.unit:
        return float("nan")
    return ours.amount / theirs.amount
