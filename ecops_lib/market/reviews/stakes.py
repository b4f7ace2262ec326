"""What blame costs: refunds beyond those of other products, and stars."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.data import frames
from ecops_lib.market.reviews.changes import HITS, difference_interval
from ecops_lib.market.reviews.lines import Floats
from ecops_lib.market.reviews.matching import make_matcher
from ecops_lib.market.reviews.reading import Reviews
from ecops_lib.metrics.anomalies import adjust_p_values
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

PAIR = ["product_id", "aspect"]


def weigh_blame(held: Reviews, start: dt.date) -> pd.DataFrame:
    """Blame of each product × aspect since a day beside that of the other products.

    Args:
        held: The reviews.
        start: First day that counts.

    Returns:
        ``product_id``, ``aspect``, ``complaints``, ``texts`` (reviews with words), ``share``
        and ``others`` (of reviews that blame it), ``low`` of the 95 % interval of the
        difference, ``q`` (Fisher's exact test, one-sided, adjusted for all rows) and
        ``stars_lost`` (how much higher the mean of all its rated reviews with words would be,
        were those that blame it as those that do not).
    """
    import pandas as pd

    recent = held.frame[(held.frame["day"] >= pd.Timestamp(start)) & (held.frame["text"] != "")]
    blamed = held.aspects[held.aspects["polarity"] < 0]
    blamed = blamed[blamed["row"].isin(recent.index)].join(
        held.frame[["product_id", "stars"]], on="row"
    )
    whole = recent.groupby("product_id").agg(
        texts=("text", "size"), rated=("stars", "count"), stars=("stars", "sum")
    )
    grid = pd.MultiIndex.from_product(
        [[product for product in whole.index if product], list(held.lexicon.aspects)], names=PAIR
    )
    counts = blamed.groupby(PAIR).agg(
        complaints=("row", "size"), low_rated=("stars", "count"), low_stars=("stars", "sum")
    )
    rows = counts.reindex(grid).fillna(0.0).reset_index().join(whole, on="product_id")
    rows["every"] = rows["aspect"].map(blamed["aspect"].value_counts()).fillna(0.0)
    rows["stars_lost"] = _stars_lost(rows)
    rows = _beside_others(rows, len(recent))
    return rows[[*PAIR, "complaints", "texts", "share", "others", "low", "q", "stars_lost"]]


def _stars_lost(rows: pd.DataFrame) -> pd.Series:
    """How much higher the mean would be, were reviews that blame as those that do not."""
    plain = rows["rated"] - rows["low_rated"]
    others = (rows["stars"] - rows["low_stars"]) / plain.where(plain > 0)
    mean = rows["stars"] / rows["rated"].where(rows["rated"] > 0)
    return others - mean


def _beside_others(rows: pd.DataFrame, total: int) -> pd.DataFrame:
    """Shares beside those of all other reviews; every product × aspect is a test."""
    from scipy.stats import hypergeom

    mine, texts, every = (
        rows[name].to_numpy(np.int64) for name in ("complaints", "texts", "every")
    )
    rest = total - texts
    rows["share"] = mine / texts
    rows["others"] = np.divide(every - mine, rest, out=np.full(len(rows), np.nan), where=rest > 0)
    rows["low"] = [
        difference_interval(int(a), int(n), int(b), int(r))[0] if r > 0 else np.nan
        for a, n, b, r in zip(mine, texts, every - mine, rest, strict=True)
    ]
    told = (every >= HITS) & (rest > 0)
    p = np.asarray(hypergeom.sf(mine - 1, total, every, texts))
    rows["q"] = np.nan
    rows.loc[told, "q"] = adjust_p_values(p[told])
    return rows


def weigh_refunds(held: Reviews, start: dt.date) -> pd.DataFrame:
    """What refunds for reasons that name an aspect cost beyond those of other products.

    A reason belongs to the aspects that the lexicon finds in it (物流太慢 to logistics). The
    refunds asked for since the day, by order lines paid since then, are held against all other
    products' (ratio of sums); the difference of the rates with Newcombe's 95 % interval, times
    the product's lines, times the mean amount of its refunds of that kind, is the money.

    Args:
        held: The reviews; their source may hold ``order_items`` and ``refunds``.
        start: First day that counts.

    Returns:
        ``product_id``, ``aspect``, ``sales``, ``refunds``, ``money`` with its interval
        ``money_low`` and ``money_high`` [store currency], for every product with sales and
        every aspect that some reason names; empty where tables are missing.
    """
    import pandas as pd

    columns = [*PAIR, "sales", "refunds", "money", "money_low", "money_high"]
    sold = _sold(held, start)
    claims = _claims(held, start)
    if sold.empty or claims.empty:
        return pd.DataFrame(columns=columns)
    by = claims.groupby(PAIR)[["refunds", "amount"]].sum()
    grid = pd.MultiIndex.from_product([sold.index, sorted(set(claims["aspect"]))], names=PAIR)
    rows = by.reindex(grid).fillna(0.0).reset_index().join(sold, on="product_id")
    every = rows["aspect"].map(rows.groupby("aspect")["refunds"].sum())
    mean = rows["amount"] / rows["refunds"].where(rows["refunds"] > 0)
    usual = rows["aspect"].map(claims.groupby("aspect")["amount"].sum()) / every.where(every > 0)
    worth = (mean.fillna(usual) * rows["lines"]).to_numpy(float)
    n, all_lines = rows["lines"].to_numpy(float), float(sold["lines"].sum())
    hits = np.minimum(rows["refunds"].to_numpy(float), n)
    rest = np.minimum(every.to_numpy(float) - hits, all_lines - n)
    rows[["money", "money_low", "money_high"]] = (
        _excess(hits, n, rest, all_lines - n) * worth[:, None]
    )
    return rows[columns]


def sales_since(held: Reviews, start: dt.date) -> pd.Series[float]:
    """Paid sales of each product since a day [store currency]; empty without order lines.

    Args:
        held: The reviews; their source may hold ``order_items``.
        start: First day that counts.
    """
    return _sold(held, start)["sales"].astype(float)


def _excess(hits: Floats, n: Floats, others: Floats, of_others: Floats) -> Floats:
    """Difference of rates with its interval, from zero; NaN where there are no others."""
    rows = []
    for a, m, b, r in zip(hits, n, others, of_others, strict=True):
        if m <= 0 or r <= 0:
            rows.append((np.nan, np.nan, np.nan))
            continue
        low, high = difference_interval(int(a), int(m), int(b), int(r))
        rows.append((max(a / m - b / r, 0.0), max(low, 0.0), max(high, 0.0)))
    return np.array(rows, float).reshape(-1, 3)


def _sold(held: Reviews, start: dt.date) -> pd.DataFrame:
    """Paid ``sales`` and order ``lines`` by product since a day."""
    import pandas as pd

    if not held.tables.has("order_items"):
        return pd.DataFrame(columns=["sales", "lines"])
    lines = held.tables.lazy("order_items", start=start, end=held.as_of).filter(
        frames.within("created_at", start, held.as_of, held.tables.zone)
        & ~nw.col("paid_amount").is_null()
    )
    by = lines.group_by("product_id", "sku_id").agg(
        sales=nw.col("paid_amount").sum(), lines=nw.len()
    )
    rows = _named(held.tables, frames.bring(by))
    return rows.groupby("product_id")[["sales", "lines"]].sum().astype(float)


def _claims(held: Reviews, start: dt.date) -> pd.DataFrame:
    """Refunds asked for since a day by product and by the aspects that their reason names."""
    import pandas as pd

    columns = [*PAIR, "refunds", "amount"]
    if not held.tables.has("refunds"):
        return pd.DataFrame(columns=columns)
    asked = held.tables.lazy("refunds").filter(
        frames.within("applied_at", start, held.as_of, held.tables.zone)
        & ~nw.col("reason").is_null()
        & (nw.col("status") != "closed")
    )
    by = asked.group_by("product_id", "sku_id", "reason").agg(
        refunds=nw.len(), amount=nw.col("amount").sum()
    )
    rows = _named(held.tables, frames.bring(by))
    matcher = make_matcher(held.lexicon)
    about = {reason: sorted({m.aspect for m in matcher.find(reason)})
             for reason in rows["reason"].unique()}  # fmt: skip
    rows = rows.assign(aspect=rows["reason"].map(about)).explode("aspect")
    return rows.dropna(subset=["aspect"])[columns].astype({"refunds": float, "amount": float})


def _named(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with the product that their SKU belongs to where they name none; the rest go."""
    rows = rows.astype({"product_id": object, "sku_id": object})
    if tables.has("inventory"):
        stock = tables.lazy("inventory").filter(~nw.col("product_id").is_null())
        pairs = frames.bring(stock.group_by("sku_id").agg(of=nw.col("product_id").max()))
        of = rows["sku_id"].map(dict(zip(pairs["sku_id"], pairs["of"], strict=True)))
        rows["product_id"] = rows["product_id"].where(rows["product_id"].notna(), of)
    return rows.dropna(subset=["product_id"])
