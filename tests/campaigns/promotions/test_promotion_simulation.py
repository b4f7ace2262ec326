"""Designs on a shop's baskets: sums by hand, every branch's words, every engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecops_lib.campaigns.promotions import (
    Coupon,
    Discount,
    Gift,
    Promotion,
    PromotionSimulation,
    Threshold,
    simulate_promotions,
)
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]
DAY = dt.datetime(2026, 9, 10, 4, tzinfo=dt.UTC)
BASKETS = ((250.0,), (100.0, 120.0), (190.0,), (170.0,), (100.0,), (210.0,))
"""Lines at list price; the goods of a first line cost 40 % of it, of a second one 50 %."""


def table(name: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    return pa.Table.from_pylist(
        [{column: row.get(column) for column in schema.names} for row in rows], schema=schema
    )


def shop(*, costs: Sequence[str] = (), broken: int = 0, paid: bool = True) -> dict[str, pa.Table]:
    """One product a price; those of ``costs`` tell what a unit costs, by default all."""
    orders, lines, products = [], [], []
    for number, prices in enumerate(BASKETS):
        key = {"platform": "p", "order_id": f"o{number}", "created_at": DAY}
        total = Decimal(str(sum(prices)))
        orders.append({**key, "paid_at": DAY if paid else None, "status": "completed",
                       "ordered_amount": total, "paid_amount": total})  # fmt: skip
        for place, price in enumerate(prices):
            product = f"{'ab'[place]}{price:g}"
            amount = None if number < broken else Decimal(str(price))
            lines.append({**key, "line_id": str(place), "product_id": product, "quantity": 1,
                          "list_amount": amount, "ordered_amount": Decimal(str(price)),
                          "paid_amount": Decimal(str(price))})  # fmt: skip
            cost = Decimal(str(price * (0.4, 0.5)[place]))
            if not costs or product in costs:
                products.append({"platform": "p", "product_id": product, "unit_cost": cost})
    return {
        "orders": table("orders", orders),
        "order_items": table("order_items", lines),
        "products": table("products", list({p["product_id"]: p for p in products}.values())),
    }


def simulate(tables: dict[str, Any], *rules: Promotion, **more: Any) -> PromotionSimulation:
    return simulate_promotions(
        tables,
        designs={"plan": rules},
        start="2026-09-10",
        end="2026-09-10",
        time_zone="Asia/Shanghai",
        **more,
    )


def test_what_a_threshold_gives_and_gains_by_hand(light_engine: MakeTables) -> None:
    """Over 200: 250, 220, 210. Within a fifth below: 190 and 170, at a margin of 60 %.

    They would gain 0.6 × (10 + 30) and cost 2 × 5; given are 3 × 5: 15 / 14 must top up.
    """
    held = simulate(light_engine(shop()), Threshold(name="t", tiers=((200, 5),)))
    row = held.frame.iloc[0]
    assert (row["over"], row["near"], row["reached"]) == (3, 2, 3)
    assert (row["given"], row["merchant"], row["paid"]) == (15, 15, 1140 - 15)
    assert row["gain"] == pytest.approx(0.6 * 40 - 10)
    assert row["break_even"] == pytest.approx(15 / 14)
    margin = 1140 - 0.4 * 1020 - 0.5 * 120
    assert held.margin_before == pytest.approx(margin)
    assert row["margin_after"] == pytest.approx(margin - 15)


def test_bearers_and_gifts_by_hand() -> None:
    half = {"platform": 0.5, "merchant": 0.5}
    held = simulate(
        shop(),
        Coupon(name="c", threshold=200, off=5, bearer=half),  # type: ignore[arg-type]
        Gift(name="g", cost=2, threshold=200),
    )
    row = held.frame.iloc[0]
    assert (row["platform"], row["merchant"]) == (7.5, 13.5)
    assert row["break_even"] == pytest.approx(7.5 / (0.6 * 40 - 5))


def test_every_threshold_has_a_next_one_until_its_cap() -> None:
    """At every 100: 250 is near 300, 190 and 170 are near 200; 100, 210 and 220 lack much."""
    rule = Threshold(name="t", tiers=((100, 5),), every=True)
    assert simulate(shop(), rule).frame["near"].tolist() == [3]
    capped = Threshold(name="t", tiers=((100, 5),), every=True, cap=10)
    assert simulate(shop(), capped).frame["near"].tolist() == [2]


@pytest.mark.parametrize(
    ("rule", "words", "level"),
    [
        (
            Threshold(name="t", tiers=((200, 5),)),
            "plan: the shop bears ¥15.00 (1.32% of list prices) on 3 of 6 baskets. 3 baskets are "
            "over its threshold anyway and get ¥15.00 for nothing more; 2 lie up to 20.00% below "
            "a threshold. Even if all of these topped up, it would not pay for itself.",
            "bad",
        ),
        (
            Threshold(name="t", tiers=((200, 4),)),
            "plan: the shop bears ¥12.00 (1.05% of list prices) on 3 of 6 baskets. 3 baskets are "
            "over its threshold anyway and get ¥12.00 for nothing more; 2 lie up to 20.00% below "
            "a threshold. It pays for itself if 75.00% of these top up.",
            "info",
        ),
        (
            Threshold(name="t", tiers=((200, 5),), bearer="platform"),
            "plan: the shop bears ¥0.00 (0.00% of list prices) on 3 of 6 baskets. 3 baskets are "
            "over its threshold anyway and get ¥0.00 for nothing more; 2 lie up to 20.00% below "
            "a threshold. It costs the shop nothing.",
            "good",
        ),
        (
            Discount(name="d", tiers=((1, 0.9),)),
            "plan: the shop bears ¥114.00 (10.00% of list prices) on 6 of 6 baskets.",
            "info",
        ),
    ],
)
def test_words(rule: Promotion, words: str, level: str) -> None:
    held = simulate(shop(), rule)
    first, limits = held.findings()
    assert (first.text, first.level) == (words, level)
    assert limits.text.startswith("Orders paid from 2026-09-10 to 2026-09-10 at list prices")
    assert len(held.page_frame().columns) == 9


def test_words_in_chinese() -> None:
    with reading("zh", "CNY"):
        held = simulate(shop(broken=1), Threshold(name="t", tiers=((200, 4),)))
        first, limits = held.findings()
        assert first.text == (
            "plan：商家承担 ¥8.00（占吊牌价 0.90%），命中 2 / 5 个订单。有 2 个订单本来就达到门槛，"
            "白送 ¥8.00；2 个订单距门槛不到 20.00%。其中 50.00% 凑单即可回本。"
        )
        assert limits.text.endswith("1 个订单因缺少行单价未计入。")
        dear = simulate(shop(), Threshold(name="t", tiers=((200, 5),))).findings()[0]
        assert dear.text.endswith("即使这些订单全部凑单也无法回本。")


def test_costs_that_are_not_told_leave_it_open() -> None:
    tables = shop()
    del tables["products"]
    held = simulate(tables, Threshold(name="t", tiers=((200, 5),)))
    assert np.isnan(held.frame["break_even"].iloc[0])
    assert np.isnan(held.margin_before)
    assert "Whether topping up pays cannot be told" in held.findings()[0].text
    some = simulate(shop(costs=("a250", "a190")), Threshold(name="t", tiers=((200, 4),)))
    assert some.costed == 2
    assert some.frame["break_even"].iloc[0] == pytest.approx(4 / (0.6 * 10 - 4))
    assert "of the 2 baskets whose costs are told" in some.findings()[-1].text


def test_shops_that_cannot_be_simulated_say_why() -> None:
    rule = Threshold(name="t", tiers=((200, 5),))
    with pytest.raises(MissingDataError, match="No order paid from 2026-09-10 to 2026-09-10"):
        simulate(shop(broken=6), rule)
    with pytest.raises(MissingDataError, match="No order paid"):
        simulate(shop(paid=False), rule)
    with pytest.raises(MissingDataError, match="order"):
        simulate({"orders": shop()["orders"]}, rule)
    with pytest.raises(ParameterError, match="designs is empty"):
        simulate_promotions(
            shop(), designs={}, start="2026-09-10", end="2026-09-10", time_zone="UTC"
        )
    with pytest.raises(ParameterError, match="reach is 1"):
        simulate(shop(), rule, reach=1)
