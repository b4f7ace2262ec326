"""Coupon thresholds: values by hand, planted topping-up, the words of each branch."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan
from ecops_lib.campaigns.promotions import ThresholdChoice, choose_threshold
from ecops_lib.campaigns.promotions.topping import pool
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]
START = dt.date(2026, 6, 1)
SALES = (40, 80)
"""Days on which campaigns begin; each lasts ten days."""


def table(name: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    return pa.Table.from_pylist(
        [{column: row.get(column) for column in schema.names} for row in rows], schema=schema
    )


def make_shop(baskets: Sequence[tuple[int, float]], *, cost: float) -> dict[str, pa.Table]:
    """Baskets of one line each, by day and list price; goods cost a share of it."""
    orders, lines, prices = [], [], set()
    for number, (place, price) in enumerate(baskets):
        moment = dt.datetime.combine(START, dt.time(12), dt.UTC) + dt.timedelta(days=place)
        amount = Decimal(f"{price:.2f}")
        key = {"platform": "p", "order_id": f"o{number}", "created_at": moment}
        orders.append({**key, "paid_at": moment, "status": "completed", "ordered_amount": amount,
                       "paid_amount": amount})  # fmt: skip
        lines.append({**key, "line_id": "1", "product_id": f"a{amount}", "quantity": 1,
                      "list_amount": amount, "ordered_amount": amount})  # fmt: skip
        prices.add(amount)
    share = Decimal(str(cost))
    products = [
        {"platform": "p", "product_id": f"a{price}", "unit_cost": round(price * share, 2)}
        for price in prices
    ]
    return {
        "orders": table("orders", orders),
        "order_items": table("order_items", lines),
        "products": table("products", products),
    }


@cache
def shop(*, share: float, cost: float = 0.2, seed: int = 1) -> dict[str, pa.Table]:
    """Some twenty baskets a day from 100 to 240; in campaigns a share tops up from 160 to 200."""
    rng = np.random.default_rng(seed)
    baskets = []
    for place in range(120):
        sale = any(first <= place < first + 10 for first in SALES)
        for price in rng.integers(100, 240, rng.poisson(40 if sale else 20)).astype(float):
            tops = sale and 160 <= price < 200 and rng.random() < share
            baskets.append((place, 200.0 if tops else price))
    return make_shop(baskets, cost=cost)


def campaigns() -> tuple[Campaign, ...]:
    return tuple(
        Campaign(
            campaign_id=f"c{first}",
            name="c",
            kind="c",
            spans=(
                PhaseSpan(
                    phase="burst",
                    first=START + dt.timedelta(days=first),
                    last=START + dt.timedelta(days=first + 9),
                ),
            ),
            promotions=({"kind": "threshold", "threshold": 200, "off": 4},),
        )
        for first in SALES
    )


def choose(tables: dict[str, Any], offers: dict[float, float], **more: Any) -> ThresholdChoice:
    held = {"start": START, "end": START + dt.timedelta(days=39), "campaigns": campaigns()}
    held["as_of"] = START + dt.timedelta(days=119)
    return choose_threshold(tables, offers=offers, time_zone="UTC", **{**held, **more})


def test_values_by_hand(light_engine: MakeTables) -> None:
    """Threshold 200, 5 off: given 2 × 5; 190 and 170 gain 0.6 × (10 + 30) − 10 together."""
    tables = make_shop([(0, 250), (0, 210), (0, 190), (0, 170), (0, 100)], cost=0.4)
    held = choose(light_engine(tables), {200: 5, 500: 5}, topping_up=0.5)
    first, second = held.frame.to_dict("records")
    assert (first["over"], first["near"], first["given"]) == (2, 2, 10)
    assert first["gain"] == pytest.approx(14)
    assert first["break_even"] == pytest.approx(10 / 14)
    assert first["value"] == pytest.approx(0.5 * 14 - 10)
    assert first["low"] < first["value"] < first["high"]
    assert (second["value"], second["break_even"]) == (0, math.inf)


def test_bootstrap_is_as_wide_as_the_sums_vary() -> None:
    """A Poisson bootstrap's variance of a sum is the sum of squares."""
    rng = np.random.default_rng(4)
    prices = rng.integers(100, 300, 3000).astype(float)
    held = choose(make_shop([(0, p) for p in prices], cost=0.4), {200: 5}, topping_up=0.5)
    parts = np.where(
        prices >= 200, -5, np.where(prices >= 160, 0.5 * (0.6 * (200 - prices) - 5), 0)
    )
    row = held.frame.iloc[0]
    assert row["value"] == pytest.approx(parts.sum())
    reach = 2 * 1.645 * np.sqrt((parts**2).sum())
    assert row["high"] - row["low"] == pytest.approx(reach, rel=0.12)


def test_one_campaign_pools_to_the_plain_ratio_of_shares() -> None:
    """Katz (1978): the variance of a log ratio is 1/a − 1/n + 1/b − 1/m."""
    held = pool(np.array([[30.0, 70.0, 240.0, 160.0]]))
    error = math.sqrt(1 / 30 - 1 / 100 + 1 / 240 - 1 / 400)
    assert held.share == pytest.approx(1 - 0.3 / 0.6)
    assert held.error == pytest.approx(error)
    assert held.low == pytest.approx(1 - 0.5 * math.exp(1.6448536 * error))
    assert held.told
    same = pool(np.array([[60.0, 40.0, 240.0, 160.0]]))
    assert (same.share, same.low, same.told) == (0, 0, False)
    for nothing in (np.zeros((0, 4)), np.array([[0.0, 0.0, 5.0, 5.0]])):
        assert (pool(nothing).low, pool(nothing).high, pool(nothing).told) == (0, 1, False)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_planted_topping_up_is_found(share: float) -> None:
    held = choose(shop(share=share), {200: 2}).response
    assert held.told
    assert held.campaigns == 2
    assert held.low < share < held.high


def test_campaigns_after_the_last_day_teach_nothing() -> None:
    held = choose(shop(share=0.6), {200: 2}, as_of=START + dt.timedelta(days=49)).response
    assert held.campaigns == 1
    early = choose(shop(share=0.6), {200: 2}, as_of=START + dt.timedelta(days=39))
    assert (early.response.campaigns, early.response.high) == (0, 1)


def test_a_threshold_that_pays_is_chosen() -> None:
    held = choose(shop(share=0.6), {200: 2, 230: 60})
    assert held.verdict == "pays"
    assert held.best["threshold"] == 200
    assert held.frame["chance"].tolist() == [1, 0]
    first, response, limits = held.findings()
    assert first.text.startswith("¥2.00 off from ¥200.00 on adds most margin: +¥")
    assert first.level == "good"
    assert response.text.startswith("In past campaigns ")
    assert limits.text.startswith(f"{held.baskets} baskets paid from 2026-06-01 to 2026-07-10")
    assert held.chart() is not None
    assert len(held.page_frame().columns) == 9
    with reading("zh", "CNY"):
        assert held.findings()[0].text.startswith("满 ¥200.00 减 ¥2.00 增利最多：+¥")


def test_nobody_tops_up_and_it_cannot_be_told_or_none_pays() -> None:
    dear = choose(shop(share=0.0), {200: 20})
    assert not dear.response.told
    assert dear.verdict == "none"
    first, response, _ = dear.findings()
    assert first.text.startswith(
        "None of these thresholds pays by topping up: the least bad, ¥20.00 off from ¥200.00 on, "
        "changes the margin by -¥"
    )
    assert response.text.startswith("How many top up cannot be told: past campaigns show no ")
    unknown = choose(shop(share=0.0), {200: 2}, campaigns=())
    assert unknown.verdict == "open"
    first, response, _ = unknown.findings()
    assert first.text.startswith("Which threshold pays, if any, cannot be told: ¥2.00 off from ")
    share = unknown.frame["break_even"].iloc[0]
    assert f"It pays if {share:.2%} of the baskets just below top up." in first.text
    assert "no past campaign with a threshold is known" in response.text
    with reading("zh", "CNY"):
        assert unknown.findings()[0].text.startswith("哪个门槛划算尚无法判断：")
        assert dear.findings()[0].text.startswith("这些门槛靠凑单都无法回本：")


def test_a_stated_share_is_said_to_be_stated() -> None:
    held = choose(shop(share=0.0), {200: 2}, topping_up=0.4)
    assert held.findings()[1].text == (
        "That 40.00% of the baskets just below top up is taken as stated."
    )
    again = choose(shop(share=0.0), {200: 2}, topping_up=0.4)
    assert held.frame.equals(again.frame)
    everyone = choose(shop(share=0.0), {200: 2}, topping_up=1.0).frame.iloc[0]
    assert everyone["value"] == pytest.approx(everyone["gain"] - everyone["given"])


def test_offers_and_shops_that_cannot_be_weighed_are_refused() -> None:
    tables = shop(share=0.0)
    refused: list[tuple[dict[float, float], str]] = [
        ({}, "offers is empty"),
        ({100: 0}, "takes 0 off at 100"),
        ({100: 200}, "takes 200 off at 100"),
        ({100: math.nan}, "is nan"),
    ]
    for offers, words in refused:
        with pytest.raises(ParameterError, match=words):
            choose(tables, offers)
    with pytest.raises(ParameterError, match="topping_up is 2"):
        choose(tables, {200: 2}, topping_up=2)
    bare = {name: tables[name] for name in ("orders", "order_items")}
    with pytest.raises(MissingDataError, match="No basket's goods tell what they cost"):
        choose(bare, {200: 2})
