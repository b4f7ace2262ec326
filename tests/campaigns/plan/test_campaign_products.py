"""Parts of products in a campaign, on a shop in which each rule holds for one product."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan
from ecops_lib.campaigns.plan.products import ProductMatrix, plan_products
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import set_reader

ZONE = "Asia/Shanghai"
AS_OF = dt.date(2026, 6, 30)
DAYS = 120
USUAL = {
    "visits": 100, "buyers": 5, "late": 1.0, "cost": 60.0, "refund": 0.05, "stock": 300,
    "listed": dt.date(2025, 1, 1),
}  # fmt: skip
CHANGES: dict[str, dict[str, Any]] = {
    "Draw": {"visits": 400, "buyers": 24},
    "Many": {"visits": 300, "buyers": 6},
    "Earn": {"cost": 30.0},
    "New": {"listed": dt.date(2026, 6, 10)},
    "Back": {"refund": 0.5},
    "Loss": {"cost": 120.0},
    "Idle": {"stock": 20_000, "late": 0.5},
    "Short": {"stock": 10},
    "Plain1": {}, "Plain2": {}, "Plain3": {}, "Plain4": {},
}  # fmt: skip


def shop(**changes: dict[str, Any]) -> dict[str, pa.Table]:
    """Twelve products, each with so many buyers a day at a price of 100."""
    truth = {name: USUAL | CHANGES[name] | changes.get(name, {}) for name in CHANGES}
    rows = []
    for name, t in truth.items():
        for k in range(DAYS):
            day = AS_OF - dt.timedelta(days=k)
            units = t["buyers"] * (t["late"] if k < 28 else 1.0)
            rows.append((name, day, units, t["visits"], t["refund"]))
    rows.append(("Lucky", AS_OF, 3.0, 10, 0.0))
    truth["Lucky"] = USUAL
    ids, days, units, visits, refund = map(list, zip(*rows, strict=True))
    units = np.array(units)
    keys = [str(k) for k in range(len(rows))]
    paid = pd.to_datetime(days).tz_localize("UTC") + pd.Timedelta(hours=4)
    none = pa.nulls(len(rows), pa.string())
    never = pa.nulls(len(rows), pa.timestamp("us", "UTC"))
    at = pa.array(paid.to_pydatetime(), pa.timestamp("us", "UTC"))
    orders = pa.table({
        "platform": ["tmall"] * len(rows), "order_id": keys, "buyer_key": keys, "created_at": at,
        "paid_at": at, "status": ["completed"] * len(rows), "ordered_amount": units * 100,
        "paid_amount": units * 100, "is_presale": [False] * len(rows),
        "deposit_amount": pa.nulls(len(rows), pa.float64()), "deposit_paid_at": never,
        "channel": none, "province": none, "campaign_id": none, "creator_id": none,
        "warehouse_id": none,
    })  # fmt: skip
    items = pa.table({
        "platform": ["tmall"] * len(rows), "order_id": keys, "line_id": ["1"] * len(rows),
        "created_at": at, "product_id": ids, "sku_id": ids, "product_name": ids,
        "quantity": pa.array(units.astype(int)), "ordered_amount": units * 100,
        "paid_amount": units * 100,
    })  # fmt: skip
    refunds = pa.table({
        "platform": ["tmall"] * len(rows), "refund_id": keys, "order_id": keys,
        "line_id": ["1"] * len(rows), "product_id": ids, "sku_id": ids, "applied_at": at,
        "finished_at": at, "amount": units * 100,
        "status": ["success" if k % 100 < 100 * r else "closed" for k, r in enumerate(refund)],
        "quantity": pa.array(units.astype(int)),
    })  # fmt: skip
    traffic = pa.table({
        "platform": ["tmall"] * len(rows), "day": days, "scope": ["product"] * len(rows),
        "scope_id": ids, "visitors": visits, "paying_buyers": pa.array(units.astype(int)),
    })  # fmt: skip
    names = list(truth)
    products = pa.table({
        "platform": ["tmall"] * len(names), "product_id": names, "product_name": names,
        "category": ["tea"] * len(names), "brand": pa.nulls(len(names), pa.string()),
        "unit_cost": [t["cost"] for t in truth.values()],
        "listed_on": [t["listed"] for t in truth.values()],
    })  # fmt: skip
    inventory = pa.table({
        "day": [AS_OF] * len(names), "warehouse_id": ["*"] * len(names), "sku_id": names,
        "product_id": names, "on_hand": [t["stock"] for t in truth.values()],
        "reserved": [0] * len(names), "in_transit": [0] * len(names),
    })  # fmt: skip
    return {
        "orders": orders, "order_items": items, "refunds": refunds, "traffic": traffic,
        "products": products, "inventory": inventory,
    }  # fmt: skip


def matrix(tables: Any, *, as_of: Any = AS_OF, **options: Any) -> ProductMatrix:
    return plan_products(tables, as_of=as_of, time_zone=ZONE, **options)


def rules(held: ProductMatrix) -> dict[str, str]:
    return dict(zip(held.frame["product_id"], held.frame["rule"], strict=True))


EXPECTED = {
    "Draw": "driver", "Many": "plain", "Earn": "profit", "New": "new", "Back": "refunds",
    "Loss": "loss", "Idle": "idle", "Short": "short", "Lucky": "seldom",
}  # fmt: skip


def test_each_product_gets_the_rule_planted_for_it() -> None:
    held = rules(matrix(shop()))
    assert {name: held[name] for name in EXPECTED} == EXPECTED


def test_reversing_the_truth_reverses_the_sentence() -> None:
    told = {f.key: f.text for f in matrix(shop()).findings()}
    assert told["matrix/driver"] == (
        "1 product draws traffic: Draw, with more than 100 visitors a day and a conversion of "
        "4.99% or more."
    )
    turned = shop(Draw=USUAL, Plain1=CHANGES["Draw"], Earn=USUAL,
                  Plain2=CHANGES["Earn"])  # fmt: skip
    back = {f.key: f.text for f in matrix(turned).findings()}
    assert back["matrix/driver"] == told["matrix/driver"].replace("Draw", "Plain1")
    assert "Plain2" in back["matrix/profit"]
    assert "Earn" not in back["matrix/profit"]


def test_the_figures_follow_their_definitions() -> None:
    held = matrix(shop())
    rows = held.frame.set_index("product_id")
    assert rows.loc["Draw", "visitors"] == pytest.approx(400)
    assert rows.loc["Draw", "conversion"] == pytest.approx(0.06, rel=0.02)
    assert rows.loc["Lucky", "conversion"] < 0.1
    assert rows.loc["Draw", "price"] == pytest.approx(100)
    assert rows.loc["Idle", "trend"] == pytest.approx(0.5, abs=0.1)
    assert rows.loc["Short", "cover"] == pytest.approx(2)
    assert rows.loc["New", "age"] == 20
    assert held.marks.products == 12
    assert held.start == dt.date(2026, 5, 6)
    assert len(held.page_frame().columns) == 9


def test_a_promoted_product_that_should_not_be_is_named_in_both_languages() -> None:
    span = PhaseSpan(phase="burst", first=dt.date(2026, 7, 10), last=dt.date(2026, 7, 12))
    plan = Campaign(
        campaign_id="tea", name="Tea", kind="Tea", spans=(span,), products=("Draw", "Short")
    )
    held = matrix(shop(), campaign=plan)
    wrong = [f for f in held.findings() if f.level == "bad"]
    assert [f.text for f in wrong] == [
        "Short is promoted, but should not be: too little stock to promote (stock for 2 days)."
    ]
    set_reader("zh", "CNY")
    said = [f.text for f in held.findings() if f.level == "bad"]
    assert said == ["Short 已列入活动，但不宜推：库存太少，撑不起推广（库存可售 2 天）。"]


def test_what_is_not_known_is_not_nought() -> None:
    tables = shop()
    held = matrix({k: v for k, v in tables.items() if k != "inventory"})
    assert held.frame["cover"].isna().all()
    assert rules(held)["Short"] not in {"short", "idle"}
    held = matrix({k: v for k, v in tables.items() if k != "traffic"})
    assert held.findings()[0].text == "Traffic drivers cannot be told: no traffic names products."
    assert rules(held)["Earn"] == "lacking"
    held = matrix({k: v for k, v in tables.items() if k != "products"})
    assert held.frame["margin"].isna().all()
    texts = [f.text for f in held.findings()]
    assert "Profit items cannot be told: what is kept of a sale is not known." in texts
    with pytest.raises(MissingDataError, match="order"):
        matrix({k: v for k, v in tables.items() if k != "order_items"})


def test_a_small_shop_is_not_ranked() -> None:
    tables = shop()
    few = ["Draw", "Earn", "Short"]
    kept = {
        name: table.filter(pa.compute.is_in(table[key], pa.array(few)))
        for name, key in (("order_items", "product_id"), ("products", "product_id"))
        for table in [tables[name]]
    }
    held = matrix({**tables, **kept})
    assert set(rules(held).values()) >= {"few"}
    assert held.findings()[0].key == "matrix/few"


def test_later_days_change_nothing() -> None:
    tables = shop()
    early = dt.date(2026, 6, 20)
    limit = pa.scalar(dt.datetime(2026, 6, 20, 16, tzinfo=dt.UTC), pa.timestamp("us", "UTC"))
    cut = {
        name: tables[name].filter(pa.compute.less(tables[name][column], limit))
        for name, column in (("orders", "paid_at"), ("order_items", "created_at"),
                             ("refunds", "finished_at"))
    }  # fmt: skip
    day = tables["traffic"]["day"]
    cut["traffic"] = tables["traffic"].filter(pa.compute.less_equal(day, pa.scalar(early)))
    one, two = (matrix(t, as_of=early).frame for t in (tables, {**tables, **cut}))
    pd.testing.assert_frame_equal(one, two)


def test_every_engine_gives_the_same_parts(light_engine: Any) -> None:
    assert rules(matrix(light_engine(shop()))) == rules(matrix(shop()))
