"""Amounts in titles, Chinese and English."""

from __future__ import annotations

import math

import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.market.titles import Size, parse_size, unit_price


@pytest.mark.parametrize(
    ("title", "amount", "unit"),
    [
        ("洁面乳 100ml", 100, "ml"),
        ("２×５０ ｍｌ 精华", 100, "ml"),
        ("龙井茶 500g*3袋", 1_500, "g"),
        ("龙井 半斤装 250克/罐×2罐", 500, "g"),
        ("五常大米10斤", 5_000, "g"),
        ("面膜 50片", 50, "piece"),
        ("抽纸 120抽*24包", 2_880, "piece"),
        ("保鲜膜 30米", 30, "m"),
        ("Mineral water 6 x 0,33 l", 1_980, "ml"),
        ("Water 1.5 L", 1_500, "ml"),
        ("Shampoo 1,000 ml", 1_000, "ml"),
        ("Rice 2 lbs", 907.184, "g"),
        ("Perfume 3.4 fl oz", 100.5499, "ml"),
        ("Tea bags, 40 ct", 40, "piece"),
        ("套装 洗发水500ml+护发素200ml", 700, "ml"),
        ("牛奶 250ml+250ml", 500, "ml"),
        ("面霜50ml 送 10ml 小样", 50, "ml"),
        ("凤凰单丛 鸭屎香 150g", 150, "g"),
        ("小青柑 10颗 200g", 200, "g"),
        ("牛奶 1L (1000ml)", 1_000, "ml"),
        ("5G手机壳 2个", 2, "piece"),
    ],
)
def test_amounts_are_read(title: str, amount: float, unit: str) -> None:
    held = parse_size(title)
    assert held is not None
    assert held.unit == unit
    assert held.amount == pytest.approx(amount)


@pytest.mark.parametrize(
    "title",
    [
        "精华 30ml 或 50ml", "内存 8GB", "iPhone 12", "5G 手机", "", None, 3.0, "0 ml", "型号 v2l",
        "<script>alert(1)</script>", "9" * 5_000 + "x", "a" * 5_000 + " 50 ml",
    ],
)  # fmt: skip
def test_nothing_is_made_up(title: object) -> None:
    assert parse_size(title) is None


def test_prices_are_told_per_unit() -> None:
    assert unit_price(30, Size(200, "ml")) == 15
    assert unit_price(30, Size(10, "piece")) == 3
    for wrong in (-1.0, math.nan):
        with pytest.raises(ParameterError, match="price"):
            unit_price(wrong, Size(10, "piece"))
