"""Orders waiting, told as the day ended and not as the export found them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from tables import make_store

from ecops_lib.core.language import reading
from ecops_lib.data.settings import Settings
from ecops_lib.supply import find_waiting
from ecops_lib.supply.fulfilment import WaitingOrders

DAY = dt.date(2026, 10, 27)
SHOP = ZoneInfo("Asia/Shanghai")
SETTINGS = Settings(
    name="Test",
    thresholds={"low_stock": 50, "ship_within_hours": 48},
    owners={"fulfilment": "Wang"},
)


def at(day: int, hour: int = 12) -> dt.datetime:
    return dt.datetime(2026, 10, day, hour, tzinfo=SHOP)


def order(number: str, paid: dt.datetime, **more: object) -> dict[str, object]:
    return {
        "platform": "tmall",
        "order_id": number,
        "created_at": paid,
        "paid_at": paid,
        "ordered_amount": Decimal("100"),
        "paid_amount": Decimal("100"),
        "status": "paid",
        **more,
    }


def look(folder: Path, *orders: dict[str, object], day: dt.date = DAY) -> WaitingOrders:
    return find_waiting(make_store(folder / "store", {"orders": orders}, SETTINGS), day=day)


def states(waiting: WaitingOrders) -> dict[str, str]:
    return dict(zip(waiting.orders["order_id"], waiting.orders["state"], strict=True))


def test_orders_wait_by_their_deadline(tmp_path: Path) -> None:
    waiting = look(
        tmp_path,
        order("late", at(25, 10)),  # due on the 27th at 10
        order("soon", at(26, 10)),  # due on the 28th at 10
        order("later", at(27, 10)),  # due on the 29th at 10
        order("promised", at(27, 10), ship_by=at(27, 20)),
        order("lenient", at(24, 10), ship_by=at(30, 10)),
    )
    assert states(waiting) == {
        "late": "overdue",
        "promised": "overdue",
        "soon": "due",
        "later": "later",
        "lenient": "later",
    }


def test_what_happened_after_the_day_had_not_happened_yet(tmp_path: Path) -> None:
    waiting = look(
        tmp_path,
        order("next morning", at(25), status="completed", shipped_at=at(28, 9)),
        order("that evening", at(25), status="shipped", shipped_at=at(27, 23)),
        order("closed later", at(25), status="closed", completed_at=at(28, 9)),
        order("closed before", at(25), status="closed", completed_at=at(26, 9)),
        order("closed some time", at(25), status="closed"),
        order("paid later", at(28, 1)),
    )
    assert states(waiting) == {"next morning": "overdue", "closed later": "overdue"}


def test_the_day_ends_at_midnight_of_the_shop(tmp_path: Path) -> None:
    edge = dt.datetime(2026, 10, 27, 16, 0, tzinfo=dt.UTC)  # midnight in Shanghai
    waiting = look(tmp_path, order("a", at(25), status="shipped", shipped_at=edge))
    assert states(waiting) == {"a": "overdue"}


def test_parcels_without_a_scan_are_told_only_where_scans_are(tmp_path: Path) -> None:
    parcel = order("a", at(24), status="shipped", shipped_at=at(25, 9))
    assert states(look(tmp_path / "without", parcel)) == {}
    scanned = order("b", at(24), status="shipped", shipped_at=at(25), picked_up_at=at(25, 20))
    fresh = order("c", at(24), status="shipped", shipped_at=at(27, 9))
    assert states(look(tmp_path / "with", parcel, scanned, fresh)) == {"a": "unscanned"}


def test_sentences_count_and_price_what_waits(tmp_path: Path) -> None:
    waiting = look(tmp_path, order("a", at(24)), order("b", at(25)), order("c", at(26)))
    overdue, due = waiting.findings()
    assert overdue.text == "2 paid orders are past their shipping deadline."
    assert overdue.money == 200
    assert overdue.action is not None
    assert overdue.action.owner == "Wang"
    assert due.text == "1 paid order must be shipped within the next 24 hours."
    with reading("zh"):
        assert waiting.findings()[0].text == "有 2 笔已付款订单超过发货时限。"


def test_nothing_late_is_said_plainly(tmp_path: Path) -> None:
    waiting = look(tmp_path, order("a", at(27, 20)))
    assert [f.text for f in waiting.findings()] == [
        "No paid order is past its shipping deadline or due within 24 hours."
    ]


def test_orders_that_do_not_tell_are_counted_not_guessed(tmp_path: Path) -> None:
    silent = order("b", at(20), status="completed")
    waiting = look(tmp_path, order("a", at(25)), silent)
    assert states(waiting) == {"a": "overdue"}
    assert waiting.findings()[-1].text.startswith("1 paid order is left out")


def test_a_shop_that_never_tells_of_shipping_is_absent(tmp_path: Path) -> None:
    waiting = look(tmp_path, order("a", at(25), status=None), order("b", at(26), status=None))
    assert "tells when it was shipped" in waiting.absent()
    assert "import an order export with shipping times" in waiting.absent()
    assert waiting.findings() == ()


def test_a_store_without_orders_is_absent(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", {}, SETTINGS)
    assert find_waiting(store, day=DAY).absent().startswith("The store holds no orders.")
