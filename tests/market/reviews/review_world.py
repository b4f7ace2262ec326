"""Small shops with reviews: praise and blame at random, and what a test plants."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from ecops_lib.data.schema import arrow_schema

ZONE = "Asia/Shanghai"
START = dt.datetime.fromisoformat("2026-01-01T04:00+00:00")
DAYS = 200
LAST = START.date() + dt.timedelta(days=DAYS - 1)
PRODUCTS = tuple(f"P{k}" for k in range(5))
PRAISE = (
    "物流很快,第二天就到了", "质量不错,做工也好", "包装用心,很满意", "客服耐心,服务很好",
    "价格实惠,很划算", "尺寸合适,喜欢", "Great quality, very soft",
    "Fast shipping and good price", "很喜欢,会再来",
)  # fmt: skip
BLAME = (
    "物流太慢,等了好久", "质量差,用两次就坏了", "包装破了,很生气", "客服不理人,态度差",
    "价格太贵,不值", "尺寸太小,穿不上", "和描述不符,色差大", "Poor quality, it broke",
    "Late delivery, rude service",
)  # fmt: skip
SMELL = ("味道刺鼻,不敢用", "有异味,味道很大", "打开就有一股怪味,难闻", "It stinks, awful smell")


@dataclass(frozen=True, kw_only=True)
class World:
    """A defect of one product from a day on; no product for none.

    Fewer than a hundred reviews blame, so that nothing is learnt from stars, which takes time.
    """

    product: str = ""
    since: int = 150
    share: float = 0.5
    carrier: str = ""
    count: int = 600
    blame: float = 0.08
    seed: int = 1


def table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema)


def review(place: int, **given: Any) -> dict[str, Any]:
    held = {"platform": "tmall", "review_id": f"R{place:05d}", "product_id": "P0",
            "created_at": START, "rating": None, "text": None}  # fmt: skip
    return {**held, **given}


def rows_of(world: World) -> list[dict[str, Any]]:
    """One row a review, with its ``order_id`` and its ``carrier``."""
    rng = np.random.default_rng(world.seed)
    rows = []
    for place in range(world.count):
        day = int(rng.integers(DAYS))
        product = PRODUCTS[int(rng.integers(len(PRODUCTS)))]
        carrier = ("顺丰", "中通")[int(rng.integers(2))]
        bad = rng.random() < world.blame
        words = BLAME if bad else PRAISE
        hit = product == world.product and day >= world.since
        hit = hit and world.carrier in {"", carrier} and rng.random() < world.share
        words, bad = (SMELL, True) if hit else (words, bad)
        rows.append(review(
            place, order_id=f"O{place}", product_id=product, carrier=carrier,
            created_at=START + dt.timedelta(days=day), rating=float(rng.integers(1, 3) if bad else
            rng.integers(4, 6)), text=words[int(rng.integers(len(words)))],
        ))  # fmt: skip
    return rows


@cache
def make_reviews(world: World) -> dict[str, pa.Table]:
    """The reviews, and the parcels that their orders went with."""
    rows = rows_of(world)
    parcels = [
        {"platform": "tmall", "order_id": row["order_id"], "parcel_id": row["order_id"],
         "carrier": row["carrier"]} for row in rows
    ]  # fmt: skip
    kept = [{name: value for name, value in row.items() if name != "carrier"} for row in rows]
    return {"reviews": table("reviews", kept), "shipments": table("shipments", parcels)}
