"""Competitors' moves that are on now: cuts and launches of what we sell too, and what we sell."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.data import frames
from ecops_lib.market.events import DEEP
from ecops_lib.market.launches import Launches
from ecops_lib.market.matching import ItemMatches
from ecops_lib.market.prices import Basket
from ecops_lib.market.prices.basis import daily_sales
from ecops_lib.market.snapshots import Snapshots
from ecops_lib.metrics.bases import ORDER_KEY, Tables

if TYPE_CHECKING:
    import pandas as pd

RECENT = 28
"""Days within which a move began, and days of ours before it that tell what it may cost."""
BESIDE, TOGETHER = 180, 10
"""Days whose baskets are read, and orders that two products must share."""
COLUMNS = ["kind", "product_id", "competitor", "item_id", "since", "part"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Moves:
    """Moves of competitors on products of ours.

    Attributes:
        frame: One row a move, our product and competitor: ``kind`` (cut or launch),
            ``product_id``, ``product_name``, ``competitor``, ``item_id``, ``since``, ``part``
            (price now over that before the cut; NaN for a launch), ``was`` and ``now`` (their
            prices for as much as ours holds [store currency]; NaN where not comparable),
            ``cheapest_was`` and ``cheapest_now`` (of all competitors), ``units`` of ours in the
            28 days before, ``price`` of ours then, ``cost`` of a piece (NaN where it is not
            recorded), ``companion`` (title of the product bought with ours most beyond its
            share; empty where no pair is bought often).
    """

    frame: pd.DataFrame


def find_moves(
    tables: Tables, snapshots: Snapshots, matches: ItemMatches, basket: Basket, launches: Launches
) -> Moves:
    """Cuts of a tenth or more in the last 28 days that are still on, and launches, of our products.

    Args:
        tables: Needs ``orders`` and ``order_items``; ``products`` may tell costs.
        snapshots: The competitors' listings.
        matches: Which of their items are ours.
        basket: Both prices for the same amount.
        launches: What they brought out.
    """
    import pandas as pd

    ours = dict(zip(matches.sure["their_id"], matches.sure["our_id"], strict=True))
    names = dict(zip(matches.frame["our_id"], matches.frame["our_title"], strict=True))
    rows = _cuts(snapshots, ours) + _launches(launches, snapshots, ours)
    held = pd.DataFrame(rows, columns=COLUMNS)
    theirs = basket.pairs.set_index(["competitor", "item_id"])["their_price"]
    items = zip(held["competitor"], held["item_id"], strict=True)
    now = np.array([float(theirs.get(item, np.nan)) for item in items], float)
    held = held.assign(
        product_name=held["product_id"].map(names), now=now, was=now / held["part"].to_numpy(float)
    )
    held = held.sort_values(["since", "product_id", "competitor"], kind="stable").drop_duplicates(
        ["product_id", "competitor", "kind"], keep="last"
    )  # fmt: skip
    return Moves(frame=_with_ours(tables, _with_cheapest(held, basket), snapshots.last))


def _cuts(snapshots: Snapshots, ours: dict[str, str]) -> list[tuple[object, ...]]:
    """Lasting cuts: kind, our product, competitor, item, since, price now over price before."""
    since = snapshots.last - dt.timedelta(days=RECENT - 1)
    listed = set(zip(snapshots.latest["competitor"], snapshots.latest["item_id"], strict=True))
    found: list[tuple[object, ...]] = []
    for (name, item), rows in snapshots.panel.groupby(["competitor", "item_id"], sort=True):
        mine = ours.get(f"{name}/{item}")
        if mine is None or (name, item) not in listed:
            continue
        price, before = rows["price"].to_numpy(float), rows["before"].to_numpy(float)
        for k in np.flatnonzero(price <= (1 - DEEP) * before):
            if rows["day"].iloc[k] >= since and (price[k:] <= (1 - DEEP) * before[k]).all():
                part = price[-1] / before[k]
                found.append(("cut", mine, name, item, rows["day"].iloc[k], part))
    return found


def _launches(
    launches: Launches, snapshots: Snapshots, ours: dict[str, str]
) -> list[tuple[object, ...]]:
    since = snapshots.last - dt.timedelta(days=RECENT - 1)
    rows = launches.items[launches.items["launched"] & (launches.items["first"] >= since)]
    return [
        ("launch", ours[f"{name}/{item}"], name, item, first, np.nan)
        for name, item, first in zip(
            rows["competitor"], rows["item_id"], rows["first"], strict=True
        )
        if f"{name}/{item}" in ours
    ]


def _with_cheapest(held: pd.DataFrame, basket: Basket) -> pd.DataFrame:
    """The cheapest competing price of each product now, and as it was before the cuts."""
    pairs = basket.pairs
    cut = held[held["kind"] == "cut"].set_index(["competitor", "item_id"])["was"]
    was = [
        float(cut.get((name, item), price))
        for name, item, price in zip(
            pairs["competitor"], pairs["item_id"], pairs["their_price"], strict=True
        )
    ]
    by = pairs.assign(was=np.array(was, float)).groupby("product_id")[["their_price", "was"]].min()
    return held.assign(
        cheapest_now=held["product_id"].map(by["their_price"]).astype(float),
        cheapest_was=held["product_id"].map(by["was"]).astype(float),
    )


def _with_ours(tables: Tables, held: pd.DataFrame, last: dt.date) -> pd.DataFrame:
    """Our units, price, cost and companion of each product before the move."""
    begin = min(held["since"], default=last) - dt.timedelta(days=RECENT)
    daily = daily_sales(tables, begin, last)
    cost, beside = _costs(tables), _companions(tables, set(held["product_id"]), last)
    units, price = [], []
    for product, since in zip(held["product_id"], held["since"], strict=True):
        mine = daily[(daily["product_id"] == product) & (daily["day"] < since)
                     & (daily["day"] >= since - dt.timedelta(days=RECENT))]  # fmt: skip
        sold = float(mine["units"].sum())
        units.append(sold)
        price.append(float(mine["sales"].sum()) / sold if sold > 0 else np.nan)
    return held.assign(
        units=np.array(units, float), price=np.array(price, float),
        cost=held["product_id"].map(cost).astype(float),
        companion=held["product_id"].map(beside).astype(object).fillna("") if beside else "",
    ).reset_index(drop=True)  # fmt: skip


def _costs(tables: Tables) -> dict[str, float]:
    """Cost of a piece by product, where it is recorded."""
    if not tables.has("products"):
        return {}
    rows = tables.lazy("products")
    if "unit_cost" not in rows.collect_schema().names():
        return {}
    known = rows.filter(~nw.col("unit_cost").is_null()).select(
        "product_id", cost=nw.col("unit_cost").cast(nw.Float64)
    )
    held = frames.bring(known, sort=["product_id"]).drop_duplicates("product_id")
    return dict(zip(held["product_id"], held["cost"], strict=True))


def _companions(tables: Tables, products: set[str], last: dt.date) -> dict[str, str]:
    """The title bought with each product most, beyond the share that it has of all orders."""
    if not (products and tables.has("products")):
        return {}
    span = frames.within("paid_at", last - dt.timedelta(days=BESIDE - 1), last, tables.zone)
    paid = tables.lazy("orders").filter(span).select(*ORDER_KEY)
    lines = tables.lazy("order_items").filter(~nw.col("product_id").is_null())
    lines = lines.select(*ORDER_KEY, "product_id").unique().join(paid, on=ORDER_KEY, how="inner")
    mine = lines.filter(nw.col("product_id").is_in(sorted(products)))
    pairs = mine.join(lines.rename({"product_id": "other"}), on=ORDER_KEY, how="inner")
    both = frames.bring(pairs.group_by("product_id", "other").agg(orders=nw.len()),
                        sort=["product_id", "other"])  # fmt: skip
    each = frames.bring(lines.group_by("product_id").agg(orders=nw.len()), sort=["product_id"])
    whole = frames.bring(paid.select(count=nw.len()))["count"].iloc[0]
    share = each.set_index("product_id")["orders"] / whole
    own = both["product_id"].map(each.set_index("product_id")["orders"])
    lift = both["orders"] / own / both["other"].map(share)
    best = both[(both["other"] != both["product_id"]) & (both["orders"] >= TOGETHER) & (lift > 1)]
    best = best.sort_values("orders", ascending=False, kind="stable").drop_duplicates("product_id")
    titles = tables.lazy("products").filter(~nw.col("product_name").is_null())
    named = frames.bring(titles.select("product_id", "product_name"), sort=["product_id"])
    known = dict(zip(named["product_id"], named["product_name"], strict=True))
    return {
        product: str(known.get(other, other))
        for product, other in zip(best["product_id"], best["other"], strict=True)
    }
