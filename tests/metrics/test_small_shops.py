"""Metrics on tables so small that each figure can be worked out beside it."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pytest
from seeded_shop import Row, to_arrow

from ecops_lib import create_store
from ecops_lib.core.errors import MissingDataError
from ecops_lib.metrics import Measures, measure

DAY = dt.date(2026, 3, 31)


def _at(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(4), dt.UTC)


def _ago(days: int) -> dt.date:
    return DAY - dt.timedelta(days=days)


def _order(number: int, buyer: str | None, days_ago: int) -> Row:
    at = _at(_ago(days_ago))
    return {
        "platform": "tmall",
        "order_id": str(number),
        "buyer_key": buyer,
        "created_at": at,
        "paid_at": at,
        "ordered_amount": Decimal(10),
        "paid_amount": Decimal(10),
    }


def _line(order: Row, product: str, *, units: int = 1) -> Row:
    return {
        **{name: order[name] for name in ("platform", "order_id", "created_at")},
        "line_id": product,
        "product_id": product,
        "sku_id": f"{product}-1",
        "quantity": units,
        "ordered_amount": order["ordered_amount"],
        "paid_amount": order["paid_amount"],
    }


def _measure(rows: dict[str, list[Row]], *metrics: str, days: int = 30, **more: Any) -> Measures:
    span = {"start": _ago(days - 1), "end": DAY, "time_zone": "Asia/Shanghai"}
    return measure(to_arrow(rows), metrics, **{**span, **more})


def test_rows_alone_are_counted_by_every_engine(engine: Any) -> None:
    """A count needs no column, which no engine may take for one row."""
    rows = {"orders": [_order(number, "a", number) for number in range(3)]}
    span: Any = {"start": _ago(9), "end": DAY, "time_zone": "Asia/Shanghai"}
    assert measure(engine(to_arrow(rows)), ["orders"], **span).value("orders") == 3


def test_repeat_rate_is_of_the_buyers_of_one_window() -> None:
    """a bought twice in the 30 days; b once in them and once before; c once; 2 name nobody."""
    orders = [
        *(_order(1, "a", 1), _order(2, "a", 2), _order(3, "b", 3), _order(4, "b", 40)),
        *(_order(5, "c", 29), _order(6, None, 4), _order(7, None, 5)),
    ]
    held = _measure({"orders": orders}, "repeat_rate", "orders_per_buyer", "buyers")
    assert held.value("buyers") == 3
    assert held.value("repeat_rate") == 1 / 3
    assert held.value("orders_per_buyer") == 6 / 3


def test_repurchase_rate_asks_the_buyers_of_the_window_before() -> None:
    """Of a, b, c, d, who bought 31 to 60 days ago, b and d came back; e is new, f too old."""
    orders = [
        *(_order(1, "a", 30), _order(2, "b", 45), _order(3, "c", 59), _order(4, "d", 31)),
        *(_order(5, "b", 0), _order(6, "d", 29), _order(7, "d", 10)),
        *(_order(8, "e", 5), _order(9, "f", 60), _order(10, "f", 5)),
    ]
    assert _measure({"orders": orders}, "repurchase_rate").value("repurchase_rate") == 2 / 4
    nobody = _measure({"orders": orders[4:8]}, "repurchase_rate")
    assert math.isnan(nobody.value("repurchase_rate"))


def _receipt(units: int, days_ago: int, stage: str = "receipt") -> Row:
    return {
        "po_id": f"{stage}{days_ago}",
        "line_id": "1",
        "stage": stage,
        "sku_id": "P1-1",
        "done_at": _at(_ago(days_ago)),
        "quantity": units,
    }


def test_sell_through_is_all_sold_over_all_received_to_date() -> None:
    """7 sold (the 2 of tomorrow are not yet) of 20 received; 100 are only ordered."""
    orders = [_order(1, "a", 200), _order(2, "b", 3), _order(3, "c", -1)]
    units = (3, 4, 2)
    rows = {
        "orders": orders,
        "order_items": [_line(o, "P1", units=n) for o, n in zip(orders, units, strict=True)],
        "purchase_orders": [_receipt(12, 300), _receipt(8, 5), _receipt(100, 4, "order")],
    }
    held = _measure(rows, "sell_through_rate", days=7)
    assert held.value("sell_through_rate") == 7 / 20


def test_dead_stock_lies_90_days_without_an_order() -> None:
    """P1 sold 89 days ago, P2 90 days ago, P3 never: 5 and 2 units lie dead."""
    orders = [_order(1, "a", 89), _order(2, "b", 90)]
    stock = [
        {"day": _ago(ago), "warehouse_id": "*", "sku_id": f"{product}-1", "on_hand": units + ago}
        for product, units in (("P1", 9), ("P2", 5), ("P3", 2))
        for ago in (1, 0)
    ]
    lines = [_line(orders[0], "P1"), _line(orders[1], "P2")]
    rows = {"orders": orders, "order_items": lines, "inventory": stock}
    held = _measure(rows, "dead_stock_units", "stock_units", days=2)
    assert held.value("dead_stock_units") == 5 + 2
    assert held.value("stock_units") == 9 + 5 + 2


def test_active_products_are_those_sold_over_those_on_sale() -> None:
    """P1 and P4 sold; P1, P2 and the stateless P3 are on sale, P4 no longer is."""
    states = {"P1": "on sale", "P2": "出售中", "P3": None, "P4": "仓库中"}
    orders = [_order(1, "a", 1), _order(2, "b", 2), _order(3, "c", 2), _order(4, "d", 40)]
    sold = zip(orders, ("P1", "P1", "P4", "P2"), strict=True)
    rows = {
        "orders": orders,
        "order_items": [_line(order, product) for order, product in sold],
        "products": [
            {"platform": "tmall", "product_id": product, "status": state}
            for product, state in states.items()
        ],
    }
    assert _measure(rows, "active_product_rate").value("active_product_rate") == 2 / 3


def _ads(keyword: str, impressions: int, clicks: int, cost: int, amount: int, orders: int) -> Row:
    return {
        "platform": "tmall",
        "day": DAY,
        "campaign_id": "c",
        "product_id": "P1",
        "keyword": keyword,
        "impressions": impressions,
        "clicks": clicks,
        "cost": Decimal(cost),
        "attributed_amount": Decimal(amount),
        "attributed_orders": orders,
    }


def test_ad_ratios_are_ratios_of_sums_and_not_means_of_ratios() -> None:
    """Means of the two rows' ratios would be 6%, 3.5, 175, 2.5 and 15%."""
    rows = {"ads": [_ads("lamp", 1000, 100, 200, 800, 20), _ads("desk", 500, 10, 50, 50, 1)]}
    expected = {
        "click_through_rate": 110 / 1500,
        "cost_per_click": 250 / 110,
        "cost_per_mille": 250 / 1500 * 1000,
        "return_on_ad_spend": 850 / 250,
        "click_conversion_rate": 21 / 110,
        "cost_per_order": 250 / 21,
    }
    held = _measure(rows, *expected)
    assert {key: held.value(key) for key in expected} == pytest.approx(expected, rel=1e-15)
    split = _measure(rows, "return_on_ad_spend", by=("keyword",)).to_frame()
    assert split["return_on_ad_spend"].tolist() == [1.0, 4.0]
    silent = _measure({"ads": [_ads("lamp", 0, 0, 0, 0, 0)]}, *expected)
    assert all(math.isnan(silent.value(key)) for key in expected)


def test_bounce_rates_of_days_are_weighted_by_visitors() -> None:
    """30 of 100 and 90 of 900 visitors left at once: 12%, neither 40% nor 20%."""
    days = [
        {"platform": "tmall", "day": _ago(ago), "scope": "shop", "scope_id": "*", **told}
        for ago, told in (
            (1, {"visitors": 100, "bounce_rate": 0.3}),
            (0, {"visitors": 900, "bounce_rate": 0.1}),
        )
    ]
    held = _measure({"traffic": days}, "bounce_rate", days=2)
    assert held.value("bounce_rate") == pytest.approx(120 / 1000, rel=1e-12)


HOSTILE = "<script>alert(1)</script> =cmd() 灯"


@pytest.mark.parametrize("told_by", ["products", "order_items"])
def test_products_carry_their_names_escaped(told_by: str, tmp_path: Any) -> None:
    orders = [_order(1, "a", 1), _order(2, "b", 1)]
    lines = [_line(orders[0], "P1"), _line(orders[1], "P2")]
    rows: dict[str, list[Row]] = {"orders": orders, "order_items": lines}
    if told_by == "products":
        rows["products"] = [{"platform": "tmall", "product_id": "P2", "product_name": HOSTILE}]
    else:
        lines[1]["product_name"] = HOSTILE
    store = create_store(tmp_path / "shop", name="Shop", time_zone="Asia/Shanghai")
    with store.writing() as writer:
        for name, table in to_arrow(rows).items():
            writer.upsert(name, table)
    held = measure(store, ["paid_amount"], start=_ago(1), end=DAY, by=("product",))
    frame = held.to_frame()
    assert list(frame) == ["product_id", "product_name", "paid_amount"]
    assert frame["product_name"].isna().tolist() == [True, False]
    assert frame["product_name"][1] == HOSTILE
    assert "<script>" not in held.table_html()
    assert "&lt;script&gt;" in held.table_html()
    assert held.headings()["product_name"] == "Product name"


def test_products_without_any_name_get_no_empty_column() -> None:
    order = _order(1, "a", 1)
    rows = {"orders": [order], "order_items": [_line(order, "P1")]}
    held = _measure(rows, "paid_amount", by=("product",))
    assert list(held.to_frame()) == ["product_id", "paid_amount"]


def test_what_no_file_tells_is_refused_or_missing_but_never_zero() -> None:
    """Refunds without orders, orders that no carrier scanned, refunds asked and done at once."""
    moment = _at(DAY)
    claim = {"applied_at": moment, "finished_at": moment, "amount": Decimal(5)}
    rows = {
        "orders": [_order(1, None, 0), _order(2, None, 0)],
        "refunds": [{"platform": "tmall", "refund_id": "r", "status": "success", **claim}],
    }
    span = {"start": DAY, "end": DAY, "refund_basis": "refund", "time_zone": "Asia/Shanghai"}
    held = measure(to_arrow(rows), ["refund_rate_by_amount", "refund_days"], **span)
    assert held.value("refund_rate_by_amount") == 5 / 20
    assert math.isnan(held.value("refund_days"))
    for name in ("refund_rate_by_order", "pickup_rate_24h"):
        with pytest.raises(MissingDataError, match="tells"):
            measure(to_arrow(rows), [name], **span)
