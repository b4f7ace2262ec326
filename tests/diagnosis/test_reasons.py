"""Reasons beside a fall: refunds, coupons that ended, how rare, and what would confirm them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shop import DAY, Plant, as_arrow, make_shop

from ecops_lib.core.language import reading
from ecops_lib.data.store import Store, open_store
from ecops_lib.diagnosis import History
from ecops_lib.diagnosis.causes import Reason
from ecops_lib.diagnosis.reasons import find_reasons


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_shop(tmp_path_factory.mktemp("r") / "store", seed=1, plant=Plant(claims=25))


def reasons(
    store: Store, product: str, *, day: dt.date = DAY, rose: bool = False
) -> dict[str, Reason]:
    history = History(store, day=day)
    found = find_reasons(history, day=day, days=1, rose=rose, product=product)
    return {reason.kind: reason for reason in found}


def with_event(store: Store, **entry: object) -> Store:
    row = {"event_id": f"X{entry['name']}", "kind": "coupon", "note": None, **entry}
    with store.writing() as writer:
        writer.upsert("shop_events", as_arrow("shop_events", pd.DataFrame([row])))
    return open_store(store.path)


def test_a_wave_of_refunds_is_a_reason_of_a_fall_only(store: Store) -> None:
    found = reasons(store, "P2")["refunds"]
    assert found.evidence["claims"] >= 25 > 5 * found.evidence["usual_claims"]
    assert found.words().startswith(f"{found.evidence['claims']:.0f} refund claims in 4 days")
    assert found.words().endswith("(商品破损 most of all)")
    assert found.check == "look at what came back: one batch, one promise of the page?"
    with reading("zh", "CNY"):
        assert reasons(store, "P2")["refunds"].words().endswith("（多为商品破损）")
    assert "refunds" not in reasons(store, "P2", rose=True)
    assert "refunds" not in reasons(store, "P1")


def test_a_coupon_that_ended_is_a_reason_of_a_fall(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "store", seed=2, plant=Plant())
    before = reasons(shop, "P1")
    ended = {"starts_on": dt.date(2026, 10, 1), "ends_on": DAY - dt.timedelta(days=1)}
    shop = with_event(shop, name="满99减10", product_id="P1", **ended)
    assert "event" not in before
    assert reasons(shop, "P1")["event"].text == "满99减10 ended (2026-10-27)"
    assert "event" not in reasons(shop, "P1", rose=True)
    assert "event" not in reasons(shop, "P3")


def test_what_happens_every_week_is_told_so_and_comes_later(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "store", seed=3, plant=Plant(price=1.25))
    for week in range(1, 9):
        day = DAY - dt.timedelta(days=7 * week - 6)
        shop = with_event(
            shop, kind="listing", name=f"换图{week}", product_id="P0", starts_on=day, ends_on=day
        )
    found = reasons(shop, "P0")
    assert next(iter(found)) == "price"
    assert found["event"].earlier >= 2
    assert "the like in" in found["event"].words()
    assert found["price"].words() == found["price"].text


def test_a_search_term_that_lost_its_place_is_a_reason_of_its_channel(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "store", seed=4, plant=Plant())
    rng = np.random.default_rng(1)
    rows = [
        {"platform": "tmall", "day": DAY - dt.timedelta(days=back), "scope": "keyword",
         "scope_id": term, "visitors": int(rng.poisson(15 if term == "红茶" and back < 2 else 60))}
        for term in ("红茶", "白茶") for back in range(40)
    ]  # fmt: skip
    with shop.writing() as writer:
        writer.upsert("traffic", as_arrow("traffic", pd.DataFrame(rows)))
    history = History(open_store(shop.path), day=DAY)
    told = {
        reason.kind: reason
        for reason in find_reasons(history, day=DAY, days=2, rose=False, channel="手淘搜索")
    }
    assert told["search"].text.startswith("the search term “红茶” brought ")
    assert told["search"].evidence["usual"] == pytest.approx(60, rel=0.1)
    assert told["search"].earlier == 0
    for rose, channel in ((True, "手淘搜索"), (False, "手淘推荐")):
        found = find_reasons(history, day=DAY, days=2, rose=rose, channel=channel)
        assert "search" not in {reason.kind for reason in found}


def test_parcels_that_wait_for_the_carrier_are_a_reason(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "store", seed=5, plant=Plant())
    orders = shop.frame("orders")
    late = orders["paid_at"] >= pd.Timestamp(DAY - dt.timedelta(days=3), tz="Asia/Shanghai")
    waited = pd.to_timedelta(np.where(late & (np.arange(len(orders)) % 2 == 0), 30, 20), "h")
    parcels = pd.DataFrame({
        "platform": "tmall", "order_id": orders["order_id"], "parcel_id": orders["order_id"],
        "shipped_at": orders["paid_at"], "picked_up_at": orders["paid_at"] + waited,
    })  # fmt: skip
    with shop.writing() as writer:
        writer.upsert("shipments", as_arrow("shipments", parcels))
    found = reasons(open_store(shop.path), "P1")["delivery"]
    assert found.evidence["late"] / found.evidence["parcels"] == pytest.approx(0.5, abs=0.2)
    assert found.evidence["usual_share"] < 0.01
    earlier = DAY - dt.timedelta(days=20)
    assert "delivery" not in reasons(open_store(shop.path), "P1", day=earlier)
