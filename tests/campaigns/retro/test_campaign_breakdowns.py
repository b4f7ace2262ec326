"""Who carried a sale, and its funnel, against counts by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from retro_world import AS_OF, DAY, LAST, SALE, ZONE, campaign, placed, shop_of
from scipy.stats import binom

from ecops_lib.campaigns.retro import (
    compare_buyers,
    compare_channels,
    compare_products,
    compare_regions,
    trace_funnel,
)
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import set_reader

ALL = (compare_channels, compare_products, compare_regions, compare_buyers, trace_funnel)


def ask(make: Any, tables: Any, as_of: dt.date = AS_OF, **changes: Any) -> Any:
    return make(tables, campaign=campaign(**changes), as_of=as_of, time_zone=ZONE)


def test_channels_are_counted_and_scaled_to_the_days() -> None:
    rows = ask(compare_channels, shop_of()).to_frame().set_index("part")
    mine = [row for row in placed() if SALE <= row["day"] <= LAST]
    live = [row for row in mine if row["channel"] == "live"]
    assert rows.loc["live", "paid"] == 100 * len(live) == 14_000
    assert rows.loc["live", "share"] == len(live) / len(mine)
    assert rows.loc["live", "before"] == 2 * 100 * 30  # two days of 15, twice as long here
    assert rows.loc["search", "change"] == 2_000 - 2_000
    # visitors told by day: 140 buyers of 2,400, and 40 of 1,200 in the edition
    assert rows.loc["live", "conversion"] == pytest.approx(160 / 2_400)


def test_chance_is_that_of_two_counts_over_their_days() -> None:
    rows = ask(compare_channels, shop_of()).to_frame().set_index("part")
    # given 140 + 30 orders, this sale's are binomial with its share of the days, 4 of 6
    whole = binom(170, 2 / 3)
    likely = whole.pmf(140) * (1 + 1e-7)
    slow = sum(whole.pmf(k) for k in range(171) if whole.pmf(k) <= likely)
    assert rows.loc["live", "p"] == pytest.approx(2 * slow, rel=1e-6)
    assert rows.loc["search", "p"] == 1


def test_what_rose_is_said_and_what_did_not_is_not() -> None:
    held = ask(compare_channels, shop_of())
    assert [f.text for f in held.findings()] == [
        "live brought most: ¥14,000.00, 87.50% of the sale.",
        "live rose most: ¥14,000.00, ¥8,000.00 more than Tea.",
        "Tea: 2 days, scaled to the 4 of this sale.",
    ]
    same = ask(compare_channels, shop_of() | {"orders": _without_extra()})
    assert "No part differs from Tea by more than chance." in [f.text for f in same.findings()]
    set_reader("zh", "CNY")
    assert [f.text for f in held.findings()] == [
        "live 贡献最多：¥14,000.00，占开卖期的 87.50%。",
        "live 升得最多：¥14,000.00，比Tea多 ¥8,000.00。",
        "Tea共 2 天，已折算到本次的 4 天。",
    ]


def _without_extra() -> Any:
    """Twenty orders a day in the sale, as in its last edition."""
    orders = shop_of()["orders"]
    keep = [not (SALE <= row["day"] <= LAST and row["n"] >= 20) for row in placed()]
    return orders.filter(keep)


def test_a_fall_is_said_as_a_fall() -> None:
    orders = shop_of()["orders"]
    keep = [not (SALE <= row["day"] <= LAST and row["n"] % 10) for row in placed()]
    told = [
        f.text
        for f in ask(compare_products, shop_of() | {"orders": orders.filter(keep)}).findings()
    ]
    assert "<b>Tea</b> fell most: ¥1,600.00, ¥6,400.00 less than Tea." in told


def test_returning_buyers_are_those_who_paid_before() -> None:
    rows = ask(compare_buyers, shop_of()).to_frame().set_index("part")
    assert rows.loc["Returning buyers", "orders"] == 40  # the first forty, ten a day
    assert rows.loc["New buyers", "orders"] == 120
    held = ask(compare_buyers, shop_of())
    assert held.look_back == 104  # as far as the orders reach before the past edition
    late = [row["day"] >= SALE - 69 * DAY for row in placed()]
    young = shop_of() | {"orders": shop_of()["orders"].filter(late)}
    with pytest.raises(MissingDataError, match="reach back only 69 days"):
        ask(compare_buyers, young)


def test_without_an_edition_the_usual_weeks_are_compared() -> None:
    tables = {name: held for name, held in shop_of().items() if name != "shop_events"}
    rows = ask(compare_regions, tables)
    assert rows.basis.words() == "the usual (2026-05-11 to 2026-06-07)"
    assert rows.to_frame()["before"].tolist() == [4_000]
    young = [row["day"] >= SALE - 9 * DAY for row in placed()]
    alone = ask(compare_regions, tables | {"orders": tables["orders"].filter(young)})
    assert alone.basis is None
    assert alone.findings()[1].text == (
        "There is nothing to compare with: the orders do not reach back."
    )


def test_unnamed_channels_are_a_part_of_their_own() -> None:
    orders = shop_of()["orders"]
    place = orders.schema.get_field_index("channel")
    names = [None if name == "live" else name for name in orders["channel"].to_pylist()]
    held = ask(
        compare_channels, shop_of() | {"orders": orders.set_column(place, "channel", [names])}
    )
    assert held.to_frame()["part"].tolist() == ["not told", "search"]


def test_the_funnel_is_the_ratio_of_sums_by_phase() -> None:
    rows = ask(trace_funnel, shop_of()).frame.set_index("phase")
    assert rows.loc["burst", ["visitors", "orders"]].tolist() == [2_400, 160]
    assert rows.loc["burst", "cart_rate"] == 240 / 2_400
    assert rows.loc["burst", "conversion"] == 160 / 2_400
    assert rows.loc["burst", "conversion_before"] == 40 / 1_200
    assert rows.loc["warmup", "orders"] == 20
    assert rows.loc["burst", "delivered"] == 1
    assert rows.loc["burst", "refunded"] == 20 * 50 / 16_000


def test_steps_are_told_beyond_chance_and_reverse_with_the_truth() -> None:
    held = ask(trace_funnel, shop_of())
    text = "burst: 6.67% of visitors paid, 3.33% did in Tea."
    assert [f.text for f in held.findings() if f.level == "good"] == [text]
    set_reader("zh", "CNY")
    assert [f.text for f in held.findings() if f.level == "good"] == [
        "爆发：6.67% 的访客支付，Tea时是 3.33%。"
    ]
    set_reader("en", "CNY")
    traffic = shop_of()["traffic"]
    place = traffic.schema.get_field_index("paying_buyers")
    fewer = [10 if n == 40 else n for n in traffic["paying_buyers"].to_pylist()]
    turned = ask(
        trace_funnel, shop_of() | {"traffic": traffic.set_column(place, "paying_buyers", [fewer])}
    )
    assert [f.text for f in turned.findings() if f.level == "watch"] == [
        "burst: 1.67% of visitors paid, 3.33% did in Tea."
    ]


@pytest.mark.parametrize("make", ALL)
def test_what_lacks_is_named(make: Any) -> None:
    tables = {k: v for k, v in shop_of().items() if k in ("orders", "order_items")}
    held = ask(make, tables)
    assert held.page_frame().notna().any(axis=None)
    with pytest.raises(MissingDataError, match="orders"):
        ask(make, {"traffic": shop_of()["traffic"]})
    if make is not trace_funnel:
        with pytest.raises(ParameterError, match="nothing to break down yet"):
            ask(make, tables, as_of=SALE - DAY)


@pytest.mark.parametrize("make", ALL)
def test_every_engine_counts_the_same(make: Any, light_engine: Any) -> None:
    one, two = ask(make, light_engine(shop_of())), ask(make, shop_of())
    assert one.frame.to_dict("list").keys() == two.frame.to_dict("list").keys()
    assert one.frame.fillna(-1).to_dict("records") == two.frame.fillna(-1).to_dict("records")
