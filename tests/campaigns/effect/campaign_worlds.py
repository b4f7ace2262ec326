"""A small shop with a campaign whose effects are known: orders of five pieces."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan

ZONE = "Asia/Shanghai"
FIRST = dt.date(2026, 3, 1)
DAYS = 160
PIECES = 5
WARMUP, SALE, LAST = dt.date(2026, 7, 18), dt.date(2026, 7, 21), dt.date(2026, 7, 26)
CATEGORIES = ("tea", "tea", "tea", "cup", "cup", "home", "home", "soap", "soap", "lamp")
PROMOTED = ("P00", "P03")
SISTER, FRIEND = 1, 4
PRICE, COST = 100.0, 40.0


@dataclass(frozen=True, kw_only=True)
class World:
    """What is planted; 1 leaves a thing as it is."""

    lift: float = 2.0
    borrowed: float = 0.5
    taken: float = 0.4
    given: float = 1.0
    discount: float = 0.8
    refunds: float = 0.05
    usual_refunds: float = 0.05
    seed: int = 1


def campaign(**changes: Any) -> Campaign:
    spans = (
        PhaseSpan(phase="warmup", first=WARMUP, last=SALE - dt.timedelta(days=1)),
        PhaseSpan(phase="burst", first=SALE, last=LAST),
    )
    return Campaign(**{
        "campaign_id": "tea-2026", "name": "Tea days", "kind": "tea days", "spans": spans,
        "products": PROMOTED, **changes,
    })  # fmt: skip


def units_of(world: World) -> np.ndarray:
    """Units by day and product: a week's rhythm, a shop's ups and downs, chance, the campaign."""
    rng = np.random.default_rng(world.seed)
    day = np.arange(DAYS)
    common = (1 + 0.2 * (day % 7 > 4)) * rng.gamma(400, 1 / 400, DAYS)
    mean = 14 * common[:, None] * np.linspace(0.6, 1.4, len(CATEGORIES))
    factor = np.ones((DAYS, len(CATEGORIES)))
    begin, sale, end = ((d - FIRST).days for d in (WARMUP, SALE, LAST))
    mine = [int(p[1:]) for p in PROMOTED]
    factor[sale : end + 1, mine] = world.lift
    factor[begin:sale, mine] = world.borrowed
    factor[end + 1 : end + 7, mine] = world.borrowed
    factor[sale : end + 1, SISTER] = world.taken
    factor[sale : end + 1, FRIEND] = world.given
    return PIECES * rng.poisson(mean * factor)


def truth_of(world: World) -> dict[str, float]:
    """Money added at usual prices in expectation: by the sale, around it, by the sister."""
    flat = World(lift=1, borrowed=1, taken=1, given=1, seed=world.seed)
    gap = (units_of(world) - units_of(flat)) * PRICE
    begin, sale, end = ((d - FIRST).days for d in (WARMUP, SALE, LAST))
    mine = [int(p[1:]) for p in PROMOTED]
    return {
        "before": float(gap[begin:sale, mine].sum()),
        "after": float(gap[end + 1 : end + 7, mine].sum()),
        "sister": float(gap[sale : end + 1, SISTER].sum()),
    }


def shop_of(world: World) -> dict[str, object]:
    """The tables."""
    lines = units_of(world) // PIECES
    day, product = (
        np.repeat(axis, lines.ravel()) for axis in map(np.ravel, np.indices(lines.shape))
    )
    paid = pd.to_datetime([FIRST + dt.timedelta(days=int(d)) for d in day]) + pd.Timedelta(hours=4)
    paid = paid.tz_localize("UTC").astype("datetime64[us, UTC]")
    ids = [f"P{p:02d}" for p in product]
    during = np.array([SALE <= FIRST + dt.timedelta(days=int(d)) <= LAST for d in day])
    mine = np.isin(ids, PROMOTED)
    price = PRICE * np.where(during & mine, world.discount, 1.0)
    amount = PIECES * price
    orders = pd.DataFrame({
        "platform": "tmall", "order_id": [f"O{k}" for k in range(len(day))], "buyer_key": None,
        "created_at": paid, "paid_at": paid, "status": "completed", "ordered_amount": amount,
        "paid_amount": amount, "is_presale": False, "deposit_amount": np.nan,
        "deposit_paid_at": pd.Series(pd.NaT, index=range(len(day)), dtype=paid.dtype),
        "campaign_id": None, "channel": None, "province": None, "creator_id": None,
        "warehouse_id": None,
    })  # fmt: skip
    lines = pd.DataFrame({
        "platform": "tmall", "order_id": orders["order_id"], "line_id": "1", "created_at": paid,
        "product_id": ids, "sku_id": ids, "product_name": [f"Item {i}" for i in ids],
        "quantity": PIECES, "ordered_amount": amount, "paid_amount": amount,
        "list_amount": PIECES * PRICE,
    })  # fmt: skip
    rate = np.where(during & mine, world.refunds, world.usual_refunds)
    refunds = pd.DataFrame({
        "platform": "tmall", "refund_id": [f"R{k}" for k in range(len(day))],
        "order_id": orders["order_id"], "line_id": "1", "product_id": ids, "sku_id": ids,
        "applied_at": paid, "finished_at": paid + pd.Timedelta(days=1), "amount": amount * rate,
        "status": "success",
    })  # fmt: skip
    products = pd.DataFrame({
        "platform": "tmall", "product_id": [f"P{k:02d}" for k in range(len(CATEGORIES))],
        "product_name": [f"Item P{k:02d}" for k in range(len(CATEGORIES))],
        "category": list(CATEGORIES), "brand": None, "unit_cost": COST,
    })  # fmt: skip
    return {"orders": orders, "order_items": lines, "refunds": refunds, "products": products}
