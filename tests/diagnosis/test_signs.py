"""What of a finding other shops may show too: channels, metrics and causes, never a product."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from shop import DAY, Plant, make_shop

from ecops_lib.core.findings import Sign
from ecops_lib.core.language import reading
from ecops_lib.diagnosis import History, review_day
from ecops_lib.diagnosis.causes import SPANS, Reason, reason_signs

BEFORE = DAY - dt.timedelta(days=2)


def signs(folder: Path, plant: Plant) -> dict[str, Sign]:
    store = make_shop(folder / "s", seed=4, plant=plant)
    review = review_day(History(store, day=DAY), day=DAY)
    return {s.key: s for section in review.sections for f in section.findings() for s in f.signs}


def test_a_lost_channel_and_its_cut_ads_are_signs(tmp_path: Path) -> None:
    found = signs(tmp_path, Plant(channel=0.3))
    lost, cut = found["traffic/down/直通车"], found["reason/fell/ads/keyword"]
    assert (lost.text, lost.last) == ("fewer visitors from 直通车", DAY)
    assert cut.text == "ad spend: keyword ads (around a fall)"
    assert lost.to_dict() == {
        "key": "traffic/down/直通车", "text": lost.text, "first": lost.first.isoformat(),
        "last": DAY.isoformat(), "usual": None,
    }  # fmt: skip


def test_a_wave_of_refunds_is_a_sign_by_its_reason(tmp_path: Path) -> None:
    found = signs(tmp_path, Plant(claims=25))
    assert found["claims/商品破损"].text == "refund claims that say “商品破损”"
    assert not any("P2" in key for key in found)


def test_a_price_is_a_sign_without_its_product_or_amounts(tmp_path: Path) -> None:
    found = signs(tmp_path, Plant(conversion=0.3, price=1.3))
    price = found["reason/fell/price/"]
    assert price.text == "price (around a fall)"
    assert price.first <= BEFORE
    assert not any("P0" in key or "conversion" in key for key in found)


@pytest.mark.parametrize(("fell", "way"), [(True, "fell"), (False, "rose")])
def test_the_way_is_part_of_the_sign(fell: bool, way: str) -> None:
    reasons = [Reason(kind="calendar", text="t", about="double11", name="618", earlier=3)] * 2
    [sign] = reason_signs(reasons, fell=fell, first=BEFORE, last=DAY)
    assert sign.key == f"reason/{way}/calendar/double11"
    assert sign.usual == 3 / SPANS
    with reading("zh"):
        [sign] = reason_signs(reasons, fell=fell, first=BEFORE, last=DAY)
        assert "前后" in sign.text
