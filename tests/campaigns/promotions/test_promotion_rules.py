"""Promotions as written: what is read, and what is refused by name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan
from ecops_lib.campaigns.promotions import (
    Coupon,
    Discount,
    Gift,
    GroupPrice,
    NthItem,
    Presale,
    Promotion,
    Threshold,
    campaign_promotions,
    read_promotions,
)
from ecops_lib.core.errors import ParameterError

WHERE = '[campaigns."fest"]'


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            {"kind": "threshold", "name": "满200减20", "threshold": 200, "off": 20},
            Threshold(name="满200减20", tiers=((200, 20),)),
        ),
        (
            {"kind": "threshold", "tiers": [[200, 20], [400, 50]], "products": ["a"]},
            Threshold(name="threshold 1", tiers=((200, 20), (400, 50)), products=("a",)),
        ),
        ({"kind": "discount", "rate": 0.9}, Discount(name="discount 1", tiers=((1, 0.9),))),
        (
            {"kind": "discount", "tiers": [[2, 0.9], [3, 0.8]]},
            Discount(name="discount 1", tiers=((2, 0.9), (3, 0.8))),
        ),
        ({"kind": "nth_item"}, NthItem(name="nth_item 1", every=2, rate=0.5)),
        (
            {"kind": "coupon", "threshold": 150, "off": 15, "stackable": False},
            Coupon(name="coupon 1", threshold=150, off=15, stackable=False),
        ),
        ({"kind": "live_coupon", "off": 5}, Coupon(name="coupon 1", off=5, creators=("*",))),
        ({"kind": "gift", "cost": 3}, Gift(name="gift 1", cost=3)),
        (
            {"kind": "presale", "deposit": 10, "worth": 20},
            Presale(name="presale 1", deposit=10, worth=20),
        ),
        (
            {"kind": "group_price", "price": 9.9, "products": ["a"]},
            GroupPrice(name="group_price 1", price=9.9, products=("a",)),
        ),
    ],
)
def test_each_kind_is_read(entry: dict[str, Any], expected: Promotion) -> None:
    assert read_promotions([entry], where=WHERE) == (expected,)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"off": 1}, "promotion 1 of .* has no kind"),
        ({"kind": "cupon"}, "kind of promotion 1 .* is 'cupon'.*did you mean 'coupon'"),
        ({"kind": "coupon", "of": 5}, "has 'of'; it may hold .*did you mean 'off'"),
        ({"kind": "coupon"}, "needs either off or rate"),
        ({"kind": "coupon", "off": 5, "rate": 0.9}, "needs either off or rate"),
        ({"kind": "coupon", "off": 5.555}, "off of 'coupon 1' is 5.555.*whole number of cents"),
        ({"kind": "coupon", "off": float("nan")}, "off of 'coupon 1' is nan"),
        ({"kind": "coupon", "off": True}, "off of 'coupon 1' is True"),
        ({"kind": "coupon", "off": 5, "cap": 3}, "cap of 'coupon 1' needs a rate"),
        ({"kind": "threshold", "threshold": 200}, "a threshold, lacks 'off'"),
        ({"kind": "threshold", "tiers": [[1, 1]], "off": 1}, "both tiers and 'off'"),
        ({"kind": "threshold", "tiers": [[200, 50], [400, 20]]}, "higher threshold must take"),
        ({"kind": "threshold", "tiers": []}, "higher threshold must take"),
        ({"kind": "threshold", "tiers": [[1]]}, "must be pairs"),
        ({"kind": "threshold", "threshold": 9, "off": 1, "cap": 3}, "needs every = true"),
        ({"kind": "threshold", "threshold": 0, "off": 1, "every": True}, "needs one tier"),
        ({"kind": "discount", "rate": 9}, "rate of 'discount 1' is 9; .*9折 is 0.9"),
        ({"kind": "discount", "tiers": [[1.5, 0.9]]}, "units of 'discount 1' is 1.5"),
        ({"kind": "discount", "tiers": [[1, 0.8], [2, 0.9]]}, "more units must pay"),
        ({"kind": "nth_item", "every": 1}, "every of 'nth_item 1' is 1"),
        ({"kind": "gift"}, "a gift, lacks 'cost'"),
        ({"kind": "gift", "cost": 1, "group": "g"}, "group of 'gift 1' is 'g'"),
        ({"kind": "presale", "deposit": 10, "worth": 5}, "no less than the deposit"),
        ({"kind": "group_price", "price": 1}, "products of 'group_price 1' is missing"),
        ({"kind": "gift", "cost": 1, "products": "a"}, "products .* is 'a'; it must be a list"),
        ({"kind": "gift", "cost": 1, "products": [7]}, "products .* holds 7; put ids in quotes"),
        ({"kind": "gift", "cost": 1, "bearer": "shop"}, "bearer of 'gift 1' is 'shop'"),
        (
            {"kind": "gift", "cost": 1, "bearer": {"platform": 0.5, "merchant": 0.6}},
            "bearer of 'gift 1' adds up to 1.1; it must be 1",
        ),
    ],
)
def test_what_cannot_be_priced_is_refused_by_campaign_and_key(
    entry: dict[str, Any], words: str
) -> None:
    with pytest.raises(ParameterError, match=words) as error:
        read_promotions([entry], where=WHERE)
    assert WHERE in str(error.value)


def test_designs_that_contradict_themselves_are_refused() -> None:
    twice = [{"kind": "coupon", "name": "c", "off": 1}] * 2
    with pytest.raises(ParameterError, match="two promotions are called 'c'"):
        read_promotions(twice, where=WHERE)
    mixed = [
        {"kind": "threshold", "threshold": 9, "off": 1, "group": "g"},
        {"kind": "coupon", "off": 1, "group": "g"},
        {"kind": "coupon", "off": 2, "stackable": False},
    ]
    with pytest.raises(ParameterError, match="'coupon 3' does not stack"):
        read_promotions(mixed, where=WHERE)


def test_a_campaigns_promotions_are_about_its_products() -> None:
    day = dt.date(2026, 9, 10)
    campaign = Campaign(
        campaign_id="fest",
        name="fest",
        kind="fest",
        spans=(PhaseSpan(phase="burst", first=day, last=day),),
        products=("a", "b"),
        promotions=(
            {"kind": "coupon", "off": 5},
            {"kind": "gift", "cost": 5, "products": ["c"]},
        ),
    )
    assert [rule.products for rule in campaign_promotions(campaign)] == [("a", "b"), ("c",)]
