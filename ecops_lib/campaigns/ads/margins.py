"""What is kept of an amount paid, by product: after refunds, goods and the shop's other costs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.ads.shrinkage import Floats, weigh_rates
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Tables
from ecops_lib.metrics.maturity import RIPE_DAYS

if TYPE_CHECKING:
    import pandas as pd

DAYS = 180
"""Payment days that refunds and costs are learnt from."""
EARLIEST = dt.date(1990, 1, 1)
NOT_HERE = ("goods",)
"""Kinds of ``costs`` that are counted by the product's unit cost."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Margins:
    """What is kept of one unit of money paid.

    Attributes:
        frame: By product (index): ``orders``, ``paid``, ``refund_rate`` (of the amount, drawn
            towards the shop's), ``goods_rate`` (cost of goods over paid; NaN where not told),
            ``margin``: (1 − refund_rate) × (1 − goods_rate) − fee_rate.
        refund_rate: The shop's; NaN where no refund is told.
        goods_rate: The shop's; NaN where no cost of goods is told.
        fee_rate: The shop's other costs over paid.
        fees_told: Whether other costs are told.
        start: First payment day they are learnt from.
        end: Last one; refunds of later days are not ripe.
    """

    frame: pd.DataFrame
    refund_rate: float
    goods_rate: float
    fee_rate: float
    fees_told: bool
    start: dt.date
    end: dt.date

    @property
    def margin(self) -> float:
        """The shop's; NaN where the cost of goods or refunds are not told."""
        return (1 - self.refund_rate) * (1 - self.goods_rate) - self.fee_rate

    def of(self, products: pd.Series) -> Floats:
        """Margin of each product; the shop's where the product is not known."""
        return self._of(products, "margin", self.margin)

    def refunds_of(self, products: pd.Series) -> Floats:
        """Refund rate of each product; the shop's where the product is not known."""
        return self._of(products, "refund_rate", self.refund_rate)

    def _of(self, products: pd.Series, column: str, otherwise: float) -> Floats:
        held = products.map(self.frame[column]).astype(float).to_numpy()
        return np.where(np.isnan(held), otherwise, held)

    def sentence(self) -> str:
        """What the margin rests on, in words."""
        if np.isnan(self.margin):
            parts = []
            if np.isnan(self.refund_rate):
                parts.append(tr("refunds (import the refund export)"))
            if np.isnan(self.goods_rate):
                parts.append(tr("the cost of goods (fill unit_cost of products)"))
            return tr(
                "What is kept of a sale cannot be told, for the store does not tell {missing}.",
                missing=tr(" and ").join(parts),
            )
        values = {
            "margin": show(self.margin, "share"),
            "refunds": show(self.refund_rate, "share"),
            "goods": show(self.goods_rate, "share"),
            "start": show(self.start, "day"),
            "end": show(self.end, "day"),
        }
        if self.fees_told:
            return tr(
                "Of an amount paid {margin} is kept, learnt from {start} to {end}: {refunds} are "
                "refunded, goods cost {goods}, fees, freight and the like {fees}; refunded goods "
                "count as sold again.",
                **values,
                fees=show(self.fee_rate, "share"),
            )
        return tr(
            "Of an amount paid {margin} is kept, learnt from {start} to {end}: {refunds} are "
            "refunded, goods cost {goods}; fees and freight are not told, so it flatters; "
            "refunded goods count as sold again.",
            **values,
        )


def learn_margins(tables: Tables, *, as_of: dt.date) -> Margins:
    """Learn what is kept from payments whose refunds are ripe.

    Where the orders begin too late for that, all payments are taken.

    Args:
        tables: The source; uses ``orders``, ``order_items``, ``refunds``, ``products`` and
            ``costs`` where it holds them.
        as_of: Last local day that counts.
    """
    start, end = _span(tables, as_of)
    sold = _sold(tables, start, end)
    refunds = tables.has("refunds") and tables.has("orders") and len(sold) > 0
    held = sold.join(_refunded(tables, start, end, as_of), how="left") if refunds else sold
    paid = float(held["paid"].sum()) if len(held) else 0.0
    held["refund_rate"], shop = _refund_rates(held) if refunds else (np.nan, float("nan"))
    costs = _costs(tables, start, end)
    known = held["goods"].notna() if len(held) else np.array([], bool)
    own = float(held.loc[known, "paid"].sum()) if len(held) else 0.0
    goods = float(held.loc[known, "goods"].sum()) / own if own else float("nan")
    if np.isnan(goods) and paid and "goods" in costs:
        goods = costs["goods"] / paid
    fees = {kind: amount for kind, amount in costs.items() if kind not in NOT_HERE}
    fee_rate = sum(fees.values()) / paid if paid else 0.0
    rate = held["goods"] / held["paid"].where(held["paid"] > 0)
    held["goods_rate"] = rate.astype(float).fillna(goods)
    held["margin"] = (1 - held["refund_rate"]) * (1 - held["goods_rate"]) - fee_rate
    return Margins(
        frame=held,
        refund_rate=shop,
        goods_rate=goods,
        fee_rate=fee_rate,
        fees_told=bool(fees),
        start=start,
        end=end,
    )


def _span(tables: Tables, as_of: dt.date) -> tuple[dt.date, dt.date]:
    end = as_of - RIPE_DAYS * frames.DAY
    told = tables.span("orders", "paid_at") if tables.has("orders") else None
    if told is None or told[0] > end:
        end = as_of
    return end - (DAYS - 1) * frames.DAY, end


def _paid(tables: Tables, start: dt.date, end: dt.date) -> nw.LazyFrame[Any]:
    """Lines of the orders paid in a span, each with its order's sum of lines."""
    orders = tables.lazy("orders").filter(frames.within("paid_at", start, end, tables.zone))
    lines = tables.lazy("order_items").join(orders.select(*ORDER_KEY), on=ORDER_KEY, how="inner")
    told = lines.filter(~nw.col("product_id").is_null() & ~nw.col("paid_amount").is_null())
    return told.select(*ORDER_KEY, "product_id", "quantity", "paid_amount")


def _sold(tables: Tables, start: dt.date, end: dt.date) -> pd.DataFrame:
    """Orders, amount and cost of goods by product."""
    import pandas as pd

    columns = ["orders", "paid", "goods"]
    if not (tables.has("orders") and tables.has("order_items")):
        return pd.DataFrame(columns=columns, dtype=float)
    lines = _paid(tables, start, end)
    pairs = lines.group_by(*ORDER_KEY, "product_id").agg(
        nw.col("quantity").sum(), nw.col("paid_amount").sum()
    )
    sums = pairs.group_by("platform", "product_id").agg(
        orders=nw.len(), units=nw.col("quantity").sum(), paid=nw.col("paid_amount").sum()
    )
    held = frames.bring(sums, sort=["platform", "product_id"])
    held = held.merge(_unit_costs(tables), on=["platform", "product_id"], how="left")
    held["goods"] = held["units"].astype(float) * held["unit_cost"].astype(float)
    by = held.groupby("product_id")[columns]
    return by.sum(min_count=1).astype(float)


def _unit_costs(tables: Tables) -> pd.DataFrame:
    import pandas as pd

    columns = ["platform", "product_id", "unit_cost"]
    if not tables.has("products"):
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    return frames.bring(tables.lazy("products").select(*columns), sort=columns[:2])


def _refunded(tables: Tables, start: dt.date, end: dt.date, as_of: dt.date) -> pd.DataFrame:
    """Refunded orders and amounts by product; a refund of a whole order falls on its lines."""
    lines = _paid(tables, start, end)
    pairs = lines.group_by(*ORDER_KEY, "product_id").agg(nw.col("paid_amount").sum())
    totals = lines.group_by(*ORDER_KEY).agg(order_paid=nw.col("paid_amount").sum())
    good = _successful(tables, as_of)
    whole = good.filter(nw.col("product_id").is_null()).group_by(*ORDER_KEY)
    named = good.filter(~nw.col("product_id").is_null()).group_by(*ORDER_KEY, "product_id")
    rows = (
        pairs.join(totals, on=ORDER_KEY, how="left")
        .join(whole.agg(whole=nw.col("amount").sum()), on=ORDER_KEY, how="left")
        .join(named.agg(named=nw.col("amount").sum()), on=[*ORDER_KEY, "product_id"], how="left")
    )
    number = {
        name: nw.col(name).cast(nw.Float64)
        for name in ("whole", "named", "paid_amount", "order_paid")
    }
    rows = rows.with_columns(**number)
    share = nw.when(nw.col("order_paid") > 0).then(nw.col("paid_amount") / nw.col("order_paid"))
    back = nw.col("named").fill_null(0.0) + nw.col("whole").fill_null(0.0) * share.fill_null(0.0)
    rows = rows.with_columns(back=nw.min_horizontal(back, nw.col("paid_amount")))
    hit = nw.when(nw.col("back") > 0).then(nw.lit(1)).otherwise(nw.lit(0))
    sums = (
        rows.with_columns(hit=hit)
        .group_by("product_id")
        .agg(back=nw.col("back").sum(), hits=nw.col("hit").sum())
    )
    return frames.bring(sums, sort=["product_id"]).set_index("product_id").astype(float)


def _successful(tables: Tables, as_of: dt.date) -> nw.LazyFrame[Any]:
    done = frames.within("finished_at", EARLIEST, as_of, tables.zone)
    known = done | nw.col("finished_at").is_null()
    return tables.lazy("refunds").filter(
        (nw.col("status") == "success") & known & ~nw.col("order_id").is_null()
    )


def _refund_rates(held: pd.DataFrame) -> tuple[Floats, float]:
    """Refund rate of each product, few orders drawn towards the shop's, and the shop's.

    The share of orders is shrunk; what an order's refund amounts to is the shop's.
    """
    orders, hits = held["orders"].to_numpy(float), held["hits"].fillna(0).to_numpy(float)
    paid, back = float(held["paid"].sum()), float(held["back"].sum())
    if not paid > 0:
        return np.full(len(held), np.nan), float("nan")
    shop = back / paid
    if not hits.sum():
        return np.zeros(len(held)), shop
    shrunk = weigh_rates(hits, orders).mean_of(hits, orders)
    depth = shop / (hits.sum() / orders.sum())
    return np.minimum(shrunk * depth, 1.0), shop


def _costs(tables: Tables, start: dt.date, end: dt.date) -> dict[str, float]:
    """The shop's costs of a span by kind."""
    if not tables.has("costs"):
        return {}
    rows = tables.lazy("costs", start=start, end=end)
    rows = rows.filter((nw.col("day") >= start) & (nw.col("day") <= end))
    held = frames.bring(rows.group_by("kind").agg(nw.col("amount").sum()), sort=["kind"])
    return {
        str(kind): float(amount) for kind, amount in zip(held["kind"], held["amount"], strict=True)
    }
