"""What tables tell of the order behind a review: supplier, carrier, warehouse, refund."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.core.formats import is_missing
from ecops_lib.core.language import mark
from ecops_lib.data import frames
from ecops_lib.market.reviews.lines import Flags
from ecops_lib.market.reviews.reading import Reviews
from ecops_lib.metrics.bases import ORDER_KEY, Tables

if TYPE_CHECKING:
    import pandas as pd

LINKS: Mapping[str, str] = {
    "supplier": mark("supplier"),
    "delivery": mark("delivery of the supplier"),
    "carrier": mark("carrier"),
    "warehouse": mark("warehouse"),
    "refund_reason": mark("refund reason"),
    "new_supplier": mark("new supplier"),
}
"""What a complaint may be linked with."""
READ = ("supplier", "delivery", "carrier", "warehouse", "refund_reason")
LEAST = 5
"""Reviews with a link's value, and without it, from which they are compared."""
LEVEL = 0.05
RARE = 0.2
"""Share of reviews up to which a supplier is hardly any's."""


def read_links(held: Reviews) -> pd.DataFrame:
    """The links of each review, in the order of its frame; None where nothing tells them.

    The delivery of a unit is the last receipt of its SKU before it was shipped, and the
    supplier that of the delivery: where older stock is left, units may be of the one before.
    Orders count as they stood on the last day that counts.
    """
    import pandas as pd

    rows = held.frame[["platform", "order_id", "product_id"]].reset_index(names="row")
    known = rows[rows["order_id"] != ""]
    told = {name: pd.Series(index=rows["row"], dtype=object) for name in READ}
    if len(known):
        for name, (table, column) in {
            "carrier": ("shipments", "carrier"), "warehouse": ("orders", "warehouse_id"),
            "refund_reason": ("refunds", "reason"),
        }.items():  # fmt: skip
            if held.tables.has(table):
                told[name] = _of_orders(held, known, table, column)
        told |= _deliveries(held, known)
    return pd.DataFrame({name: told[name].reindex(rows["row"]).to_numpy() for name in READ})


Link = tuple[str, str, float, float]
"""Kind, value, share that blames with it, and share without it."""


def find_link(blames: Flags, links: pd.DataFrame, recent: Flags) -> Link | None:
    """The link whose value goes with blame most surely since the blame began.

    Fisher's exact test of each value against all others that are told, among the reviews
    since then, so that what merely came at the same time is not taken for it; adjusted for
    their number (Bonferroni). Where that finds nothing, a supplier that nearly all of these
    reviews have, and hardly any before, is told as ``new_supplier``.

    Args:
        blames: Which reviews blame.
        links: Their links, as of ``read_links``.
        recent: Which reviews were written since the blame began.
    """
    found = _strongest(blames[recent], links[recent])
    return found or _new_supplier(blames, links["supplier"].to_numpy(), recent)


def _new_supplier(blames: Flags, suppliers: np.ndarray, recent: Flags) -> Link | None:
    told = np.array([not is_missing(value) for value in suppliers], bool)
    now, before = (suppliers[told & side].astype(str) for side in (recent, ~recent))
    if min(len(now), len(before)) < LEAST:
        return None
    values, counts = np.unique(now, return_counts=True)
    value = str(values[int(np.argmax(counts))])
    if (now == value).mean() < 1 - RARE or (before == value).mean() > RARE:
        return None
    return "new_supplier", value, float(blames[recent].mean()), float(blames[~recent].mean())


def _strongest(blames: Flags, links: pd.DataFrame) -> Link | None:
    from scipy.stats import hypergeom

    tried = []
    for kind in links.columns:
        known = links[kind].notna().to_numpy()
        told = links[kind].astype(str).to_numpy()
        values, counts = np.unique(told[known], return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            if count < LEAST or known.sum() - count < LEAST:
                continue
            mine = known & (told == value)
            rest = known & ~mine
            hit, other = int(blames[mine].sum()), int(blames[rest].sum())
            p = float(hypergeom.sf(hit - 1, known.sum(), hit + other, count))
            tried.append((p, kind, value, hit / count, other / int(rest.sum())))
    if not tried:
        return None
    p, kind, value, share, others = min(tried)
    return (str(kind), value, share, others) if p * len(tried) <= LEVEL else None


def _of_orders(held: Reviews, known: pd.DataFrame, table: str, column: str) -> pd.Series:
    """A column of a table by order, at each review's row (the last in order where several)."""
    rows = held.tables.lazy(table).filter(~nw.col(column).is_null())
    if table == "refunds":
        over = frames.instants(held.as_of, held.as_of, held.tables.zone)[1]
        rows = rows.filter(
            ~nw.col("order_id").is_null()
            & ((nw.col("applied_at") < over) | nw.col("applied_at").is_null())
        )
    by = frames.bring(rows.group_by(*ORDER_KEY).agg(value=nw.col(column).max())).astype(object)
    both = known.merge(by, on=ORDER_KEY, how="inner")
    held_values: pd.Series = both.set_index("row")["value"]
    return held_values[~held_values.index.duplicated()]


def _deliveries(held: Reviews, known: pd.DataFrame) -> dict[str, pd.Series]:
    """Delivery and supplier of the unit that each review is about."""
    import pandas as pd

    tables = held.tables
    if not all(tables.has(name) for name in ("purchase_orders", "order_items", "orders")):
        return {}
    done = tables.lazy("purchase_orders").filter(
        (nw.col("stage") == "receipt") & ~nw.col("done_at").is_null()
    )
    columns = ["sku_id", "done_at", "purchase_id", "supplier_id"]
    receipts = frames.bring(done.select(*columns)).dropna(subset=["sku_id", "done_at"])
    units = _units(tables, known)
    if receipts.empty or units.empty:
        return {}
    receipts = receipts.astype({"sku_id": object, "done_at": "datetime64[us]"})
    last = pd.merge_asof(
        units.sort_values("shipped_at"), receipts.sort_values(["done_at", "purchase_id"]),
        left_on="shipped_at", right_on="done_at", by="sku_id",
    )  # fmt: skip
    last = last.set_index("row").astype(object)
    return {"delivery": last["purchase_id"], "supplier": last["supplier_id"]}


def _units(tables: Tables, known: pd.DataFrame) -> pd.DataFrame:
    """``row``, ``sku_id`` and ``shipped_at`` of reviews whose order has one SKU that fits."""
    lines = tables.lazy("order_items").filter(~nw.col("sku_id").is_null())
    columns = [*ORDER_KEY, "sku_id", "product_id"]
    items = frames.bring(lines.select(*columns).unique()).astype(object)
    items = items.rename(columns={"product_id": "of"})
    if tables.has("inventory"):
        stock = tables.lazy("inventory").filter(~nw.col("product_id").is_null())
        pairs = frames.bring(stock.group_by("sku_id").agg(of=nw.col("product_id").max()))
        mapped = items["sku_id"].map(dict(zip(pairs["sku_id"], pairs["of"], strict=True)))
        items["of"] = items["of"].where(items["of"].notna(), mapped)
    sent = tables.lazy("orders").filter(~nw.col("shipped_at").is_null())
    orders = frames.bring(sent.select(*ORDER_KEY, "shipped_at"))
    orders = orders.astype({**dict.fromkeys(ORDER_KEY, object), "shipped_at": "datetime64[us]"})
    both = known.merge(items, on=ORDER_KEY)
    both = both[both["of"].isna() | (both["of"] == both["product_id"])]
    both = both.drop_duplicates(["row", "sku_id"])
    single = both[~both["row"].duplicated(keep=False)]
    return single.merge(orders, on=ORDER_KEY)[["row", "sku_id", "shipped_at"]]
