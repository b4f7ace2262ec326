"""A small shop with planted truths, written straight into a store: fast, seeded, plain."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import Store, create_store

DAY = dt.date(2026, 10, 28)
DAYS = 100
PRODUCTS = 8
PRICE = 80.0
CHANNELS = {"手淘搜索": 900, "直通车": 300, "手淘推荐": 500}
ORDERING = 0.05


@dataclass(frozen=True, kw_only=True)
class Plant:
    """What is planted on the last days; the defaults plant nothing."""

    conversion: float = 1.0
    price: float = 1.0
    low_reviews: int = 0
    channel: float = 1.0
    out: bool = False
    claims: int = 0
    reason: str = "商品破损"


def make_shop(folder: Path, *, seed: int, plant: Plant = Plant(), days: int = DAYS) -> Store:
    """A store with all tables that the daily review reads."""
    store = create_store(folder, name="Test shop", key=b"k" * 32)
    tables = make_tables(seed=seed, plant=plant, days=days)
    with store.writing() as writer:
        for name, frame in tables.items():
            writer.upsert(name, as_arrow(name, frame))
    return store


def as_arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    schema = arrow_schema(name)
    whole = frame.reindex(columns=schema.names)
    arrays = [
        pa.array([None if pd.isna(v) else v for v in whole[f.name].tolist()]).cast(
            f.type, safe=False
        )
        if not whole[f.name].isna().all()
        else pa.nulls(len(whole), f.type)
        for f in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def make_tables(*, seed: int, plant: Plant, days: int = DAYS) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    calendar = pd.date_range(end=str(DAY), periods=days, freq="D")
    share = np.arange(PRODUCTS, 0, -1) ** 2 / (np.arange(PRODUCTS, 0, -1) ** 2).sum()
    week = np.array([0.95, 0.95, 1.0, 1.0, 1.05, 1.15, 1.1])[calendar.day_of_week]
    last = np.arange(days) == days - 1
    recent = np.arange(days) >= days - 3
    base = 1700 * week * rng.gamma(400, 1 / 400, days)
    visitors = rng.poisson(base[:, None] * share * 1.4)
    rate = np.full((days, PRODUCTS), ORDERING)
    rate[recent, 0] *= plant.conversion
    if plant.out:
        rate[last, 1] = 0
    buyers = rng.binomial(visitors, np.minimum(rate, 1.0))
    names = [f"商品{k} <b>“{k}”</b>" for k in range(PRODUCTS)]
    orders, items = _orders(rng, calendar, buyers, names, plant)
    traffic = _traffic(rng, calendar, visitors, buyers, week, plant)
    return {
        "orders": orders,
        "order_items": items,
        "refunds": _refunds(rng, items, calendar, plant),
        "traffic": traffic,
        "products": pd.DataFrame(
            {"platform": "tmall", "product_id": _ids(), "product_name": names, "category": "茶"}
        ),
        "inventory": _inventory(calendar, plant),
        "ads": _ads(rng, calendar, plant),
        "reviews": _reviews(rng, calendar, plant),
        "shop_events": _events(calendar, plant),
    }


def _ids() -> list[str]:
    return [f"P{k}" for k in range(PRODUCTS)]


def _orders(rng, calendar, buyers, names, plant):
    rows = [
        (day, k)
        for d, day in enumerate(calendar)
        for k in range(PRODUCTS)
        for _ in range(int(buyers[d, k]))
    ]
    day = pd.DatetimeIndex([r[0] for r in rows])
    product = np.array([r[1] for r in rows])
    paid = (day + pd.to_timedelta(rng.integers(3600, 80000, len(rows)), "s")).tz_localize(
        "Asia/Shanghai"
    )
    shipped = paid + pd.Timedelta(hours=20)
    end = pd.Timestamp(str(DAY), tz="Asia/Shanghai") + pd.Timedelta(days=1)
    gone = shipped < end
    changed = (product == 0) & (day >= calendar[-3:][0])
    amount = PRICE * np.where(changed, plant.price, 1.0)
    orders = pd.DataFrame(
        {
            "platform": "tmall",
            "order_id": [f"O{n:07d}" for n in range(len(rows))],
            "buyer_key": [f"B{n:07d}" for n in rng.integers(0, 10**7, len(rows))],
            "created_at": paid - pd.Timedelta(minutes=5),
            "paid_at": paid,
            "shipped_at": shipped.where(gone),
            "picked_up_at": (shipped + pd.Timedelta(hours=2)).where(
                shipped + pd.Timedelta(hours=2) < end
            ),
            "status": np.where(gone, "shipped", "paid"),
            "ordered_amount": amount,
            "paid_amount": amount,
        }
    )
    items = orders[["platform", "order_id", "created_at", "ordered_amount", "paid_amount"]].assign(
        line_id="1",
        product_id=[f"P{k}" for k in product],
        sku_id=[f"P{k}-a" for k in product],
        product_name=[names[k] for k in product],
        quantity=1,
        day=day,
    )
    return orders, items


def _refunds(rng, items, calendar, plant):
    claimed = items.loc[rng.random(len(items)) < 0.06]
    applied = claimed["created_at"] + pd.to_timedelta(rng.integers(1, 12, len(claimed)), "D")
    rows = claimed.assign(
        applied_at=applied, reason=rng.choice(["七天无理由", "尺码不合", "商品破损"], len(claimed))
    )
    end = pd.Timestamp(str(DAY), tz="Asia/Shanghai") + pd.Timedelta(days=1)
    rows = rows.loc[rows["applied_at"] < end]
    sold = items.loc[(items["product_id"] == "P2") & ~items["order_id"].isin(rows["order_id"])]
    wave = sold.tail(plant.claims).assign(
        applied_at=end - pd.Timedelta(hours=5), reason=plant.reason
    )
    both = pd.concat([rows, wave], ignore_index=True) if len(wave) else rows
    return pd.DataFrame(
        {
            "platform": "tmall",
            "refund_id": [f"R{n:06d}" for n in range(len(both))],
            "order_id": both["order_id"].to_numpy(),
            "product_id": both["product_id"].to_numpy(),
            "applied_at": both["applied_at"].to_numpy("datetime64[us]"),
            "amount": both["paid_amount"].to_numpy(),
            "status": "pending",
            "reason": both["reason"].to_numpy(),
        }
    ).assign(applied_at=lambda f: pd.DatetimeIndex(f["applied_at"]).tz_localize("UTC"))


def _traffic(rng, calendar, visitors, buyers, week, plant):
    price = np.full(buyers.shape, PRICE)
    price[-3:, 0] *= plant.price
    rows = []
    for d, day in enumerate(calendar):
        common = {"platform": "tmall", "day": day.date()}
        rows += [
            common
            | {
                "scope": "product",
                "scope_id": f"P{k}",
                "visitors": int(visitors[d, k]),
                "paying_buyers": int(buyers[d, k]),
                "paid_amount": float(buyers[d, k] * price[d, k]),
            }
            for k in range(PRODUCTS)
        ]
        for name, level in CHANNELS.items():
            factor = plant.channel if name == "直通车" and d == len(calendar) - 1 else 1.0
            count = int(rng.poisson(level * week[d] * rng.gamma(300, 1 / 300) * factor))
            rows.append(common | {"scope": "channel", "scope_id": name, "visitors": count})
        rows.append(
            common | {"scope": "shop", "scope_id": "*", "visitors": int(visitors[d].sum() / 1.4)}
        )
    return pd.DataFrame(rows)


def _inventory(calendar, plant):
    rows = []
    for day in calendar[-30:]:
        for k in range(PRODUCTS):
            out = plant.out and k == 1 and day == calendar[-1]
            rows.append(
                {
                    "day": day.date(),
                    "warehouse_id": "*",
                    "sku_id": f"P{k}-a",
                    "product_id": f"P{k}",
                    "on_hand": 0 if out else 2000,
                    "reserved": 0 if out else 10,
                    "hours_out": 24.0 if out else 0.0,
                }
            )
    return pd.DataFrame(rows)


def _ads(rng, calendar, plant):
    factor = np.where(np.arange(len(calendar)) == len(calendar) - 1, plant.channel, 1.0)
    return pd.DataFrame(
        {
            "platform": "tmall",
            "day": calendar.date,
            "campaign_id": "*",
            "product_id": "P0",
            "keyword": "*",
            "product_line": "keyword",
            "cost": np.round(500 * factor * rng.gamma(200, 1 / 200, len(calendar)), 2),
        }
    )


def _reviews(rng, calendar, plant):
    count = 300
    day = rng.integers(0, len(calendar), count)
    rating = rng.choice([5.0, 4.0, 3.0, 1.0], count, p=[0.8, 0.12, 0.06, 0.02])
    product = rng.integers(0, PRODUCTS, count)
    low = plant.low_reviews
    return pd.DataFrame(
        {
            "platform": "tmall",
            "review_id": [f"V{n}" for n in range(count + low)],
            "product_id": [f"P{k}" for k in product] + ["P0"] * low,
            "created_at": [
                (calendar[d] + pd.Timedelta(hours=12)).tz_localize("Asia/Shanghai")
                for d in [*day, *[len(calendar) - 2] * low]
            ],
            "rating": [*rating, *[1.0 if plant.conversion < 1 else 5.0] * low],
        }
    )


def _events(calendar, plant):
    rows = [
        {
            "event_id": "E0",
            "kind": "campaign",
            "name": "old",
            "starts_on": calendar[0].date(),
            "ends_on": calendar[0].date(),
        }
    ]
    if plant.price != 1.0:
        rows.append(
            {
                "event_id": "E1",
                "kind": "price",
                "name": "price",
                "starts_on": calendar[-3:][0].date(),
                "product_id": "P0",
                "before": PRICE,
                "after": PRICE * plant.price,
            }
        )
    return pd.DataFrame(rows)
