"""What is kept of an amount paid, by product: after refunds, goods and the shop's other costs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.ads.shrinkage import Floats, weigh_rates
from ecops_lib.campaigns.ads.trade import trade_lines
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Tables
from ecops_lib.metrics.maturity import RIPE_DAYS

if TYPE_CHECKING:
    import pandas as pd

DAYS = 180
"""Payment days that refunds and costs are learnt from."""
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
                missing=tr(", ").join(parts),
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
    held = _sold(tables, start, end, as_of)
    refunds = tables.has("refunds") and len(held) > 0
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


def _sold(tables: Tables, start: dt.date, end: dt.date, as_of: dt.date) -> pd.DataFrame:
    """Orders, amount, cost of goods and refunds by product."""
    import pandas as pd

    columns = ["orders", "paid", "goods", "back", "hits"]
    if not (tables.has("orders") and tables.has("order_items")):
        return pd.DataFrame(columns=columns, dtype=float)
    lines = trade_lines(tables, start=start, end=end, as_of=as_of)
    sums = lines.group_by("platform", "product_id").agg(
        orders=nw.len(),
        hits=nw.col("hit").sum(),
        **{name: nw.col(name).sum() for name in ("units", "paid", "back")},
    )
    held = frames.bring(sums, sort=["platform", "product_id"])
    held = held.merge(unit_costs(tables), on=["platform", "product_id"], how="left")
    held["goods"] = held["units"].astype(float) * held["unit_cost"].astype(float)
    by = held.groupby("product_id")[columns]
    return by.sum(min_count=1).astype(float)


def unit_costs(tables: Tables) -> pd.DataFrame:
    """Cost of one unit by platform and product."""
    import pandas as pd

    columns = ["platform", "product_id", "unit_cost"]
    if not tables.has("products"):
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    return frames.bring(tables.lazy("products").select(*columns), sort=columns[:2])


def _refund_rates(held: pd.DataFrame) -> tuple[Floats, float]:
    """Refund rate of each product, few orders drawn towards the shop's, and the shop's.

    The share of orders is shrunk; together the products' amounts are the shop's.
    """
    orders, hits = held["orders"].to_numpy(float), held["hits"].to_numpy(float)
    paid, back = float(held["paid"].sum()), float(held["back"].sum())
    if not paid > 0:
        return np.full(len(held), np.nan), float("nan")
    shop = back / paid
    if not hits.sum():
        return np.zeros(len(held)), shop
    shrunk = weigh_rates(hits, orders).mean_of(hits, orders)
    whole = float(shrunk @ held["paid"].to_numpy(float)) / paid
    return np.minimum(shrunk * shop / whole, 1.0), shop


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
