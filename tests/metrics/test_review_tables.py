"""Comparisons, panel, funnel, refund rates and maturity."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from seeded_shop import Row, make_rows, to_arrow

from ecops_lib.core.errors import MetricError, MissingDataError
from ecops_lib.data.calendar.compare import comparable_day
from ecops_lib.metrics.chain_ladder import Ladder, chain_factors
from ecops_lib.metrics.funnel import build_funnel
from ecops_lib.metrics.maturity import mature_refunds
from ecops_lib.metrics.panel import ITEMS, kpi_panel
from ecops_lib.metrics.periods import Comparison, compare_day
from ecops_lib.metrics.refunds import list_reasons, rate_products, wilson_interval
from ecops_lib.metrics.registry import metric_named

ZONE = "Asia/Shanghai"
DAY = dt.date(2026, 3, 2)


def _order(number: int, day: dt.date, amount: int) -> Row:
    at = dt.datetime.combine(day, dt.time(4), dt.UTC)
    return {
        "platform": "tmall",
        "order_id": str(number),
        "buyer_key": f"b{number}",
        "created_at": at,
        "paid_at": at,
        "ordered_amount": Decimal(amount),
        "paid_amount": Decimal(amount),
    }


def _shop(day: int, before: int, week: int, year: int) -> dict[str, list[Row]]:
    days = {
        DAY: day,
        DAY - dt.timedelta(days=1): before,
        DAY - dt.timedelta(days=7): week,
        comparable_day(DAY).day: year,
    }
    return {"orders": [_order(n, d, a) for n, (d, a) in enumerate(days.items())]}


def _compare(rows: dict[str, list[Row]], *metrics: str) -> Any:
    return compare_day(to_arrow(rows), metrics, day=DAY, time_zone=ZONE)


def test_a_day_is_compared_with_its_four_references() -> None:
    rows = _shop(120, 100, 160, 80)
    rows["targets"] = [{"day": DAY, "metric": "paid_amount", "value": 150.0}]
    held = _compare(rows, "paid_amount")
    row = held.to_frame().iloc[0]
    assert (row["value"], row["day_before"], row["same_weekday"]) == (120.0, 100.0, 160.0)
    assert (row["last_year"], row["target"]) == (80.0, 150.0)
    assert row["day_before_relative"] == pytest.approx(0.2)
    assert row["target_difference"] == -30.0


def test_reversing_the_change_reverses_the_sentence() -> None:
    up = _compare(_shop(120, 100, 100, 100), "paid_amount").compared("paid_amount", "day_before")
    assert up.finding().text == (
        "Paid amount was ¥120.00, above the day before (¥100.00) by 20.00%."
    )
    assert up.finding().level == "good"
    down = _compare(_shop(80, 100, 100, 100), "paid_amount").compared("paid_amount", "day_before")
    assert down.finding().text == (
        "Paid amount was ¥80.00, below the day before (¥100.00) by 20.00%."
    )
    assert down.finding().level == "watch"
    same = _compare(_shop(100, 100, 100, 100), "paid_amount").compared("paid_amount", "day_before")
    assert same.finding().text == "Paid amount was ¥100.00, the same as the day before."


def test_a_missing_reference_is_said_and_never_zero() -> None:
    rows = {"orders": [_order(1, DAY, 120), _order(2, DAY - dt.timedelta(days=1), 100)]}
    held = _compare(rows, "paid_amount").compared("paid_amount", "last_year")
    assert math.isnan(held.against)
    assert held.finding().text == (
        "Paid amount was ¥120.00; there is no figure for the same day of last year's calendar."
    )


def test_shares_move_by_points_and_refunds_are_better_low() -> None:
    held = Comparison(
        metric=metric_named("refund_rate_by_amount"),
        reference="day_before",
        value=0.12,
        against=0.10,
    )
    assert math.isnan(held.relative)
    assert held.direction == "bad"
    assert held.finding().text == (
        "Refund rate by amount was 12.00%, above the day before (10.00%) by 2.00 pp."
    )


def test_a_target_for_no_metric_is_refused() -> None:
    rows = _shop(1, 1, 1, 1)
    rows["targets"] = [{"day": DAY, "metric": "paid", "value": 1.0}]
    with pytest.raises(MetricError, match="there is no metric 'paid'"):
        _compare(rows, "paid_amount")


def test_the_panel_has_32_items_each_computed_or_said_why_not() -> None:
    groups = [item.group for item in ITEMS]
    counts = [groups.count(name) for name in dict.fromkeys(groups)]
    assert (len(ITEMS), counts) == (32, [10, 7, 10, 5])
    panel = kpi_panel(
        to_arrow(make_rows(4, first=DAY - dt.timedelta(days=8), days=12)), day=DAY, time_zone=ZONE
    )
    frame = panel.to_frame()
    assert len(frame) == 32
    for row in frame.to_dict("records"):
        assert math.isnan(row["value"]) == bool(row["reason"]), row
    reasons = dict(zip(frame["metric"], frame["reason"], strict=True))
    assert reasons["keyword_ad_cost"] == (
        "Not computable from these files. The store holds no advertising rows; "
        "import the 万相台 or 直通车 report."
    )
    assert reasons["ruling_rate"].startswith("Not computable from these files. It cannot be comp")
    assert "365 days before" in reasons["returning_buyers"]
    assert "Paid amount" in str(panel)


def test_the_funnel_counts_people_and_says_its_grain() -> None:
    rows = make_rows(4, first=DAY, days=3)
    held = build_funnel(to_arrow(rows), start=DAY, end=DAY, time_zone=ZONE)
    row = held.to_frame().iloc[0]
    shop = next(r for r in rows["traffic"] if r["scope"] == "shop" and r["day"] == DAY)
    assert row["cart_rate"] == shop["cart_visitors"] / shop["visitors"]
    assert row["conversion_rate"] == row["buyers"] / shop["visitors"]
    assert held.findings()[-1].text.startswith("Visitors and cart are people as the platform")
    by_product = build_funnel(to_arrow(rows), start=DAY, end=DAY, by="product", time_zone=ZONE)
    assert set(by_product.to_frame()["product_id"]) == {"P1", "P2", "P3", "P<4>"}
    with pytest.raises(MissingDataError):
        build_funnel({}, start=DAY, end=DAY, time_zone=ZONE)


def test_reasons_are_ranked_and_the_silent_ones_counted() -> None:
    rows = make_rows(6, first=DAY, days=6, orders=400)
    end = DAY + dt.timedelta(days=30)
    held = list_reasons(to_arrow(rows), start=DAY, end=end, time_zone=ZONE)
    given = [r["reason"] for r in rows["refunds"]]
    assert held.claims == len(given)
    assert held.untold == given.count(None)
    top = max({"破损", "七天无理由"}, key=given.count)
    assert held.frame["reason"].iloc[0] == top
    assert held.findings()[0].text.startswith(f"The most frequent reason for a refund is “{top}”")


def test_wilson_meets_the_published_interval() -> None:
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3."""
    low, high = wilson_interval(np.array([81, 15, 0, 1]), np.array([263, 148, 20, 29]))
    assert low.round(4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert high.round(4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def _refund_shop(rates: dict[str, float], orders: int) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {"orders": [], "order_items": [], "refunds": []}
    for place, (product, rate) in enumerate(rates.items()):
        for number in range(orders):
            order = _order(place * orders + number, DAY, 10)
            rows["orders"].append(order)
            line = {"line_id": "1", "product_id": product, "quantity": 1}
            held = ("platform", "order_id", "created_at", "ordered_amount", "paid_amount")
            rows["order_items"].append({**{k: order[k] for k in held}, **line})
            if number < rate * orders:
                at = order["paid_at"] + dt.timedelta(days=2)
                rows["refunds"].append(
                    {
                        **{k: order[k] for k in ("platform", "order_id")},
                        "refund_id": f"r{order['order_id']}",
                        "product_id": product,
                        "amount": Decimal(10),
                        "status": "success",
                        "finished_at": at,
                    }
                )
    return rows


def test_only_a_surely_high_rate_is_named() -> None:
    span: Any = {"start": DAY, "end": DAY, "time_zone": ZONE}
    many = rate_products(to_arrow(_refund_shop({"P1": 0.05, "P2": 0.3}, 200)), **span)
    assert [f.key for f in many.findings()] == ["refunds/rate/P2"]
    assert many.findings()[0].text == (
        "Product P2 was refunded in 60 of 200 orders (30.00%; with 95% confidence at least "
        "24.07%), against 17.50% in the shop."
    )
    few = rate_products(to_arrow(_refund_shop({"P1": 0.0, "P2": 0.4}, 5)), **span)
    assert few.findings()[0].text == ("No product's refund rate is surely above the shop's 20.00%.")


def test_chain_factors_meet_a_published_triangle() -> None:
    """Taylor and Ashe's claims: the factors that Mack (1993), ASTIN Bulletin 23, prints."""
    factors, cohorts = chain_factors(_taylor_ashe())
    published = [3.49061, 1.74733, 1.45741, 1.17385, 1.10382, 1.08627, 1.05387, 1.07656, 1.01772]
    assert factors.round(5).tolist() == published
    assert cohorts.tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_standard_errors_meet_the_published_ones() -> None:
    """The reserves of Taylor and Ashe's claims and their errors, Mack (1993), table 3."""
    triangle = _taylor_ashe()
    ladder = Ladder.learn(triangle)
    now = [(9 - k, triangle[k, 9 - k]) for k in range(1, 10)]
    final = [amount * ladder.factors[age:].prod() for age, amount in now]
    reserves = [round(end - amount) for end, (_, amount) in zip(final, now, strict=True)]
    assert reserves == [
        94634, 469511, 709638, 984889, 1419459, 2177641, 3920301, 4278972, 4625811
    ]  # fmt: skip
    assert sum(reserves) == 18_680_856
    errors = [round(end * ladder.error(*held)) for end, held in zip(final, now, strict=True)]
    assert errors == [
        75535, 121699, 133549, 261406, 411010, 558317, 875328, 971258, 1363155
    ]  # fmt: skip
    assert ladder.error(9, 100.0) == 0
    assert np.isnan(ladder.error(3, 0.0))


def _taylor_ashe() -> np.ndarray:
    triangle = np.full((10, 10), np.nan)
    for place, row in enumerate(TAYLOR_ASHE):
        triangle[place, : len(row)] = row
    return triangle


TAYLOR_ASHE = (
    (357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463),
    (352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085),
    (290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315),
    (310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268),
    (443160, 1136350, 2128333, 2897821, 3402672, 3873311),
    (396132, 1333217, 2180715, 2985752, 3691712),
    (440832, 1288463, 2419861, 3483130),
    (359480, 1421128, 2864498),
    (376686, 1363294),
    (344014,),
)


def test_a_planted_ripening_is_found_and_recent_days_are_scaled_up() -> None:
    """A quarter of each day's refunds comes back on each of the days 1, 2, 3 and 4."""
    rows: dict[str, list[Row]] = {"orders": [], "refunds": []}
    for n in range(60):
        day = DAY + dt.timedelta(days=n)
        for age in range(4):
            order = _order(4 * n + age, day, 100)
            rows["orders"].append(order)
            done = order["paid_at"] + dt.timedelta(days=age + 1)
            rows["refunds"].append(
                {
                    **{k: order[k] for k in ("platform", "order_id")},
                    "refund_id": f"r{n}-{age}",
                    "amount": Decimal(40),
                    "status": "success",
                    "finished_at": done,
                }
            )
    as_of = DAY + dt.timedelta(days=59)
    held = mature_refunds(to_arrow(rows), as_of=as_of, ripe=10, time_zone=ZONE)
    assert [held.share_shown(age) for age in (1, 2, 3, 4, 10)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    young = held.to_frame().set_index("age")
    assert young.loc[2, "refunded"] == 80.0
    assert young.loc[2, "expected"] == 160.0
    assert held.findings()[0].text.startswith("A week after payment 100.00% of the refunds of 10")
    short = mature_refunds(to_arrow(rows), as_of=DAY + dt.timedelta(days=9), ripe=9, time_zone=ZONE)
    assert math.isnan(short.share_shown(7))
    assert short.findings()[0].text.startswith("Too few payment days have been seen")
