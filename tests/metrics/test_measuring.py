"""What ``measure`` says and refuses."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from seeded_shop import Row, make_rows, to_arrow

from ecops_lib import create_store
from ecops_lib.core.errors import MetricError, MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.store import Store
from ecops_lib.metrics import add_up, all_metrics, measure, metric_named
from ecops_lib.metrics.measures import MEASURES

ZONE = "Asia/Shanghai"
DAY = dt.date(2026, 3, 2)


def _order(number: int, *, day: dt.date = DAY, paid: bool = True, **more: Any) -> Row:
    at = dt.datetime.combine(day, dt.time(4), dt.UTC)
    return {
        "platform": "tmall",
        "order_id": str(number),
        "buyer_key": f"b{number}",
        "created_at": at,
        "paid_at": at + dt.timedelta(minutes=5) if paid else None,
        "ordered_amount": Decimal(100),
        "paid_amount": Decimal(100) if paid else None,
        **more,
    }


def _refund(order: int, amount: int, **more: Any) -> Row:
    return {
        "platform": "tmall",
        "refund_id": f"r{order}",
        "order_id": str(order),
        "amount": Decimal(amount),
        "status": "success",
        **more,
    }


def _measure(rows: dict[str, list[Row]], *metrics: str, **more: Any) -> Any:
    span = {"start": DAY, "end": DAY, "time_zone": ZONE}
    return measure(to_arrow(rows), metrics, **{**span, **more})


def test_every_metric_is_made_of_known_measures_or_says_what_it_needs() -> None:
    for metric in all_metrics().values():
        assert set(metric.measures) <= set(MEASURES), metric.key
        assert bool(metric.needs) != bool(metric.numerator), metric.key
        assert metric.label
        assert metric.formula
    used = {name for metric in all_metrics().values() for name in metric.measures}
    assert used == set(MEASURES)


@pytest.mark.parametrize(
    ("product", "factors"),
    [
        ("revenue_per_visitor", ("conversion_rate", "spend_per_buyer")),
        ("spend_per_buyer", ("orders_per_buyer", "average_order_value")),
        ("average_order_value", ("units_per_order", "average_selling_price")),
    ],
)
def test_identities_of_the_glossary(product: str, factors: tuple[str, str]) -> None:
    rows = make_rows(3, first=DAY, days=6)
    for order in rows["orders"]:  # a shop whose lines add up to its orders
        lines = [line for line in rows["order_items"] if line["order_id"] == order["order_id"]]
        order["paid_amount"] = (
            sum(line["paid_amount"] for line in lines) if order["paid_at"] else None
        )
    day = DAY + dt.timedelta(days=2)
    held = _measure(rows, product, *factors, start=day, end=day)
    assert held.value(product) == pytest.approx(
        held.value(factors[0]) * held.value(factors[1]), rel=1e-12
    )


def test_a_ratio_is_a_ratio_of_sums_and_nothing_over_nothing_is_missing() -> None:
    orders = [_order(1), _order(2, paid_amount=Decimal(300)), _order(3, paid=False)]
    held = _measure({"orders": orders}, "average_order_value", "orders", "paid_amount")
    assert held.value("average_order_value") == 200.0
    quiet = _measure({"orders": [_order(1, paid=False)]}, "average_order_value", "paid_amount")
    assert math.isnan(quiet.value("average_order_value"))
    assert quiet.value("paid_amount") == 0.0


def test_a_day_without_orders_is_zero_and_a_day_outside_is_missing() -> None:
    orders = [_order(1), _order(2, day=DAY + dt.timedelta(days=2))]
    held = _measure({"orders": orders}, "paid_amount", end=DAY + dt.timedelta(days=4), by=("day",))
    amounts = held.to_frame()["paid_amount"].tolist()
    assert amounts[:3] == [100.0, 0.0, 100.0]
    assert all(math.isnan(value) for value in amounts[3:])
    assert held.findings()[0].text == (
        "The orders in the store run from 2026-03-02 to 2026-03-04; days outside hold no data "
        "and are not zero."
    )


def test_a_refund_without_an_order_forbids_the_pay_day() -> None:
    rows = {"orders": [_order(1)], "refunds": [_refund(1, 40), _refund(9, 7)]}
    with pytest.raises(MetricError, match="1 of 2 refunds name no paid order"):
        _measure(rows, "net_paid_amount", refund_basis="pay")
    with pytest.raises(MetricError, match="2 of 2 refunds have no finishing time"):
        _measure(rows, "net_paid_amount", refund_basis="refund")
    with pytest.raises(MetricError, match="neither refund basis holds"):
        _measure(rows, "net_paid_amount")


def test_the_data_decide_the_refund_day_and_say_so() -> None:
    late = dt.datetime.combine(DAY + dt.timedelta(days=3), dt.time(4), dt.UTC)
    orders = [_order(1), _order(2, day=DAY + dt.timedelta(days=3))]
    told = {"orders": orders, "refunds": [_refund(1, 40, finished_at=late)]}
    held = _measure(told, "refund_amount", "net_paid_amount")
    assert (held.bases.refund_basis, held.value("net_paid_amount")) == ("pay", 60.0)
    orderless = {"orders": orders, "refunds": [_refund(9, 40, finished_at=late)]}
    assert _measure(orderless, "refund_amount").value("refund_amount") == 0.0
    later = _measure(orderless, "refund_amount", start=late.date(), end=late.date())
    assert (later.bases.refund_basis, later.value("refund_amount")) == ("refund", 40.0)
    assert later.findings()[-1].text.startswith(
        "Days begin at midnight in Asia/Shanghai. Refunds count on the day they were finished"
    )


def test_pending_refunds_are_claimed_not_refunded() -> None:
    at = dt.datetime.combine(DAY, dt.time(6), dt.UTC)
    rows = {
        "orders": [_order(1), _order(2)],
        "refunds": [_refund(1, 40, applied_at=at), _refund(2, 30, status="pending", applied_at=at)],
    }
    held = _measure(rows, "refund_amount", "claimed_amount", "refund_rate_by_order")
    assert held.value("refund_amount") == 40.0
    assert held.value("claimed_amount") == 70.0
    assert held.value("refund_rate_by_order") == 0.5


def test_deposits_count_when_paid_if_asked_for() -> None:
    before = dt.datetime.combine(DAY - dt.timedelta(days=3), dt.time(4), dt.UTC)
    presale = _order(
        1, is_presale=True, deposit_amount=Decimal(20), deposit_paid_at=before, created_at=before
    )
    rows = {"orders": [presale, _order(2)]}
    full = _measure(rows, "paid_amount", "paid_orders", "buyers")
    assert (full.value("paid_amount"), full.value("paid_orders")) == (200.0, 2.0)
    staged = _measure(rows, "paid_amount", "paid_orders", "buyers", presale="deposit")
    assert (staged.value("paid_amount"), staged.value("paid_orders")) == (180.0, 1.0)
    assert staged.value("buyers") == 1.0
    early = _measure(
        rows,
        "paid_amount",
        "paid_orders",
        start=before.date(),
        end=before.date(),
        presale="deposit",
    )
    assert (early.value("paid_amount"), early.value("paid_orders")) == (20.0, 1.0)
    with pytest.raises(MetricError, match="use presale='full'"):
        _measure({**rows, "order_items": []}, "paid_amount", presale="deposit", by=("product",))


def test_unknown_buyers_are_counted_and_said() -> None:
    orders = [_order(1), _order(2, buyer_key=None), _order(3, buyer_key="b1")]
    held = _measure({"orders": orders}, "buyers")
    assert held.value("buyers") == 1.0
    assert held.findings()[0].text == "1 paid order names no buyer; buyers are the known ones only."


def test_the_platform_counts_buyers_where_no_order_names_one() -> None:
    orders = [_order(1, buyer_key=None)]
    with pytest.raises(MissingDataError, match="None of 1 paid orders names its buyer"):
        _measure({"orders": orders}, "buyers")
    traffic = [
        {"platform": "tmall", "day": DAY, "scope": "shop", "scope_id": "*", "visitors": 50,
         "paying_buyers": 4}
    ]  # fmt: skip
    held = _measure({"orders": orders, "traffic": traffic}, "conversion_rate")
    assert held.value("conversion_rate") == 0.08
    assert held.findings()[0].text == (
        "Conversion rate: as the platform counts it (shop's traffic rows), since the orders do "
        "not tell it."
    )


def test_absent_tables_and_splits_are_refused_with_the_way_out() -> None:
    rows = {"orders": [_order(1)]}
    with pytest.raises(MissingDataError, match="holds no traffic rows; import 生意参谋 宏观监控"):
        _measure(rows, "conversion_rate")
    with pytest.raises(MetricError, match="its part visitors can be split by 'day', 'week'"):
        _measure(rows, "conversion_rate", by=("province",))
    with pytest.raises(MetricError, match="did you mean 'paid_amount'"):
        _measure(rows, "paid_amonut")
    with pytest.raises(MetricError, match="there is no dimension 'colour'"):
        _measure(rows, "orders", by=("colour",))
    with pytest.raises(
        MetricError,
        match="Silent conversion rate: It cannot be computed here",
    ):
        _measure(rows, "silent_conversion_rate")
    with pytest.raises(ParameterError, match="time_zone is missing"):
        measure(to_arrow(rows), ["orders"], start=DAY, end=DAY)
    with pytest.raises(ParameterError, match="swap the two"):
        _measure(rows, "orders", end=DAY - dt.timedelta(days=1))


def test_what_must_not_be_summed_is_refused() -> None:
    assert add_up("paid_amount", [1.5, 2.5]) == 4.0
    for key, reason in (
        ("bounce_rate", "as a ratio of sums"),
        ("visitors", "may be the same"),
        ("stock_units", "the last one counts"),
        ("dsr", "show each by itself"),
        ("stay_seconds", "weighted by what it was measured on"),
        ("sell_through_rate", "running total"),
    ):
        with pytest.raises(MetricError, match=reason):
            add_up(key, [0.4, 0.5])


def test_stock_is_the_last_snapshot_and_never_a_sum_of_days() -> None:
    stock = [
        {"day": DAY + dt.timedelta(days=n), "warehouse_id": w, "sku_id": s, "on_hand": 10 * n + k}
        for n in range(3)
        for k, (w, s) in enumerate((("A", "s1"), ("B", "s1"), ("A", "s2")))
    ]
    rows = {"inventory": stock}
    end = DAY + dt.timedelta(days=2)
    assert _measure(rows, "stock_units", end=end).value("stock_units") == 20 + 21 + 22
    by_sku = _measure(rows, "stock_units", end=end, by=("sku",)).to_frame()
    assert by_sku["stock_units"].tolist() == [41.0, 22.0]
    by_day = _measure(rows, "stock_units", end=end, by=("day",)).to_frame()
    assert by_day["stock_units"].tolist() == [3.0, 33.0, 63.0]


def test_turnover_uses_the_mean_of_first_and_last_stock() -> None:
    stock = [
        {"day": DAY + dt.timedelta(days=n), "warehouse_id": "*", "sku_id": "s", "on_hand": units}
        for n, units in enumerate((40, 999, 20))
    ]
    order = _order(1)
    line = {
        **{name: order[name] for name in ("platform", "order_id", "created_at")},
        "line_id": "1",
        "sku_id": "s",
        "quantity": 6,
        "ordered_amount": Decimal(9),
    }
    rows = {"inventory": stock, "orders": [order], "order_items": [line]}
    held = _measure(
        rows, "units_sold_per_stock", "days_of_inventory", end=DAY + dt.timedelta(days=2)
    )
    assert held.value("units_sold_per_stock") == 6 / 30
    assert held.value("days_of_inventory") == 3 * 30 / 6


def test_pick_up_leaves_out_orders_not_yet_due_and_those_closed() -> None:
    paid = _order(1)["paid_at"]
    orders = [
        _order(1, picked_up_at=paid + dt.timedelta(hours=24)),
        _order(2, picked_up_at=paid + dt.timedelta(hours=25)),
        _order(3, status="closed"),
        _order(4),
        _order(5, day=DAY + dt.timedelta(days=1)),
    ]
    held = _measure({"orders": orders}, "pickup_rate_24h", end=DAY + dt.timedelta(days=1))
    assert held.value("pickup_rate_24h") == 1 / 3


def test_times_are_means_over_those_that_have_both_ends() -> None:
    paid = _order(1)["paid_at"]
    orders = [
        _order(1, shipped_at=paid + dt.timedelta(hours=10)),
        _order(2, shipped_at=paid + dt.timedelta(hours=20)),
        _order(3),
        _order(4, shipped_at=paid - dt.timedelta(hours=1)),
    ]
    assert _measure({"orders": orders}, "shipping_hours").value("shipping_hours") == 15.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The seeded shop in a store."""
    store = create_store(tmp_path / "shop", name="Shop", time_zone=ZONE)
    with store.writing() as writer:
        for name, table in to_arrow(make_rows(5, first=DAY, days=40, orders=300)).items():
            writer.upsert(name, table)
    return store


def test_a_store_and_its_tables_give_the_same(store: Store) -> None:
    tables = to_arrow(make_rows(5, first=DAY, days=40, orders=300))
    span: Any = {"start": DAY + dt.timedelta(days=3), "end": DAY + dt.timedelta(days=33)}
    metrics = ["ordered_amount", "paid_amount", "net_paid_amount", "buyers", "paid_units"]
    for by in ((), ("day",), ("week", "platform"), ("product",)):
        left = measure(store, metrics, by=by, **span).to_frame()  # type: ignore[arg-type]
        right = measure(tables, metrics, by=by, time_zone=ZONE, **span).to_frame()  # type: ignore[arg-type]
        assert left.to_dict("records") == right.to_dict("records")


def test_words_in_chinese_are_words_not_keys(store: Store) -> None:
    held = measure(store, ["paid_amount", "buyers"], start=DAY, end=DAY)
    with reading("zh"):
        text = str(held)
    assert "支付金额" in text
    assert "支付买家数" in text
    assert "Days begin" not in text


def test_the_registry_answers_in_words(store: Store) -> None:
    assert metric_named("paid_amount").unit == "money"
    held = measure(store, ["paid_amount"], start=DAY, end=DAY)
    with pytest.raises(MetricError, match="'buyers' was not measured"):
        held.value("buyers")
    split = measure(store, ["paid_amount"], start=DAY, end=DAY, by=("platform",))
    with pytest.raises(MetricError, match="split by 'platform'"):
        split.value("paid_amount")
