"""Who else delivers a SKU, at what price, on what terms, and what comes back."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.data.frames import bring, within
from ecops_lib.metrics.bases import ORDER_KEY, Tables
from ecops_lib.supply.logistics.likeness import compare_rates

if TYPE_CHECKING:
    import pandas as pd

BEFORE = "before_shipping"
PAIR = ["sku_id", "supplier_id"]


def find_sources(tables: Tables, held: pd.DataFrame) -> pd.DataFrame:
    """Every SKU × supplier that can deliver it, by ``sourcing`` and by what was delivered."""
    import pandas as pd

    pairs = held[PAIR]
    if tables.has("sourcing"):
        pairs = pd.concat([pairs, bring(tables.lazy("sourcing").select(*PAIR))])
    return pairs.drop_duplicates(ignore_index=True)


def count_sole(pairs: pd.DataFrame) -> dict[str, int]:
    """SKUs that only one supplier can deliver, by supplier."""
    alone = pairs[pairs.groupby("sku_id")["supplier_id"].transform("size") == 1]
    return {str(k): int(n) for k, n in alone["supplier_id"].value_counts().items()}


def find_others(pairs: pd.DataFrame, score: pd.Series) -> pd.DataFrame:
    """Better-scored suppliers of the same SKUs: ``supplier_id``, ``other``, ``skus``.

    Args:
        pairs: SKU × supplier.
        score: Scores by supplier; a supplier without one is no alternative.
    """
    both = pairs.merge(pairs.rename(columns={"supplier_id": "other"}), on="sku_id")
    mine, theirs = (both[name].map(score) for name in ("supplier_id", "other"))
    better = both[theirs > mine]
    counts = better.groupby(["supplier_id", "other"], as_index=False).agg(
        skus=("sku_id", "nunique")
    )
    order = counts.assign(score=counts["other"].map(score))
    best = order.sort_values(["skus", "score"], ascending=False, kind="stable")
    return best.drop_duplicates("supplier_id").drop(columns="score").reset_index(drop=True)


def price_index(held: pd.DataFrame) -> pd.Series:
    """Price beside the mean of all suppliers of the same SKUs, weighted by units; NaN alone."""
    by = _priced(held).groupby(PAIR)[["amount", "quantity"]].sum()
    shared = by[by.groupby("sku_id")["quantity"].transform("size") > 1]
    whole = shared.groupby("sku_id")[["amount", "quantity"]].transform("sum")
    usual = shared["quantity"] * whole["amount"] / whole["quantity"]
    sums = shared.assign(usual=usual).groupby("supplier_id")[["amount", "usual"]].sum()
    index: pd.Series = sums["amount"] / sums["usual"]
    return index


def price_rise(held: pd.DataFrame, start: dt.date, last: dt.date) -> pd.Series:
    """What the second half's units cost beside the first half's prices of the same SKUs.

    Paasche's (1874) index of each supplier's own SKUs, by the day of ordering; NaN where it
    sold no SKU in both halves.
    """
    import pandas as pd

    middle = pd.Timestamp(start) + (pd.Timestamp(last) - pd.Timestamp(start)) / 2
    rows = _priced(held).dropna(subset=["ordered"])
    halves = [
        rows[told].groupby(PAIR)[["amount", "quantity"]].sum()
        for told in (rows["ordered"] <= middle, rows["ordered"] > middle)
    ]
    both = halves[0].join(halves[1], lsuffix="_before", rsuffix="_now", how="inner")
    before = both["quantity_now"] * both["amount_before"] / both["quantity_before"]
    sums = both.assign(before=before).groupby("supplier_id")[["amount_now", "before"]].sum()
    rise: pd.Series = sums["amount_now"] / sums["before"] - 1
    return rise


def _priced(held: pd.DataFrame) -> pd.DataFrame:
    rows = held[held["unit_cost"].notna() & (held["quantity"] > 0)]
    return rows.assign(amount=rows["unit_cost"] * rows["quantity"])


def count_returns(
    tables: Tables, pairs: pd.DataFrame, *, start: dt.date, as_of: dt.date
) -> pd.DataFrame | None:
    """Refunds after shipping of SKUs that one supplier alone delivers, beside its category's.

    Order lines of the days, refunded by ``as_of`` with a claim that names the SKU and was not
    made before shipping; Mantel and Haenszel's test over categories (all SKUs as one where no
    category is told).

    Returns:
        ``supplier_id``, ``rate``, ``others``, ``counted``, ``share``, ``p_value``; None without
        order lines or refunds that name SKUs.
    """
    if not (tables.has("order_items") and tables.has("refunds")):
        return None
    lines = _lines(tables, start, as_of)
    if lines.empty or not lines["refunded"].sum():
        return None
    alone = pairs[pairs.groupby("sku_id")["supplier_id"].transform("size") == 1]
    rows = lines.merge(alone, on="sku_id").merge(_categories(tables), on="sku_id", how="left")
    if rows.empty:
        return None
    rows["category"] = rows["category"].fillna("")
    sums = rows.groupby(["supplier_id", "category"], as_index=False)[["refunded", "sold"]].sum()
    return compare_rates(sums, "refunded", "sold", by=["category"], who="supplier_id")


def _lines(tables: Tables, start: dt.date, as_of: dt.date) -> pd.DataFrame:
    """Orders of each SKU, and how many of them were refunded after shipping."""
    sold = tables.lazy("order_items").filter(
        within("created_at", start, as_of, tables.zone)
        & ~nw.col("paid_amount").is_null()
        & ~nw.col("sku_id").is_null()
    )
    each = sold.group_by(*ORDER_KEY, "sku_id").agg(sold=nw.len()).with_columns(sold=nw.lit(1))
    back = tables.lazy("refunds").filter(
        (nw.col("status") == "success")
        & ~nw.col("sku_id").is_null()
        & ~nw.col("order_id").is_null()
        & (nw.col("stage").fill_null("") != BEFORE)
        & (within("applied_at", start, as_of, tables.zone) | nw.col("applied_at").is_null())
    )
    hit = (
        back.group_by(*ORDER_KEY, "sku_id").agg(refunded=nw.len()).with_columns(refunded=nw.lit(1))
    )
    joined = each.join(hit, on=[*ORDER_KEY, "sku_id"], how="left")
    known = joined.with_columns(nw.col("refunded").fill_null(0))
    counts = known.group_by("sku_id").agg(nw.col("sold").sum(), nw.col("refunded").sum())
    return bring(counts, sort=["sku_id"]).astype({"sold": float, "refunded": float})


def _categories(tables: Tables) -> pd.DataFrame:
    """Category of each SKU, by the products that its order lines or stock name."""
    import pandas as pd

    columns = ["sku_id", "category"]
    named = next((t for t in ("inventory", "order_items") if tables.has(t)), "")
    if not named or not tables.has("products"):
        return pd.DataFrame(columns=columns, dtype=object)
    told = tables.lazy(named).filter(~nw.col("sku_id").is_null() & ~nw.col("product_id").is_null())
    products = tables.lazy("products").filter(~nw.col("category").is_null())
    which = products.group_by("product_id").agg(nw.col("category").max())
    pairs = told.group_by("sku_id").agg(nw.col("product_id").max())
    return bring(pairs.join(which, on="product_id").select(*columns))


def read_terms(tables: Tables) -> pd.DataFrame:
    """Names, days to payment and least amounts, by supplier."""
    import pandas as pd

    columns = ["supplier_id", "supplier_name", "payment_days", "minimum_amount"]
    if not tables.has("suppliers"):
        return pd.DataFrame(columns=columns).set_index("supplier_id")
    held = bring(tables.lazy("suppliers").select(*columns)).set_index("supplier_id")
    return held.astype({"payment_days": float, "minimum_amount": float}).replace({np.inf: np.nan})
