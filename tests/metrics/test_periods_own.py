"""Last year's day on the shop's own festival dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
from seeded_shop import Row, to_arrow

from ecops_lib.metrics.periods import compare_day

DAY = dt.date(2026, 10, 27)
TWIN, TABLE = dt.date(2025, 10, 25), dt.date(2025, 10, 27)


def _order(number: int, day: dt.date, amount: int) -> Row:
    at = dt.datetime.combine(day, dt.time(4), dt.UTC)
    return {
        "platform": "tmall",
        "order_id": str(number),
        "buyer_key": f"b{number}",
        "created_at": at,
        "paid_at": at,
        "paid_amount": Decimal(amount),
    }


def _presale(number: int, first: dt.date) -> Row:
    return {
        "event_id": f"E{number}",
        "kind": "campaign",
        "name": "双11预售",
        "starts_on": first,
        "ends_on": first + dt.timedelta(days=11),
    }


def test_day_eight_of_a_pre_sale_is_compared_with_day_eight(
    engine: Callable[[dict[str, pa.Table]], dict[str, Any]],
) -> None:
    days = {DAY: 120, TWIN: 60, TABLE: 90}
    tables = {"orders": [_order(n, d, a) for n, (d, a) in enumerate(days.items())]}
    without = compare_day(
        engine(to_arrow(tables)), ["paid_amount"], day=DAY, time_zone="Asia/Shanghai"
    )
    assert without.last_year.day == TABLE
    tables["shop_events"] = [_presale(1, dt.date(2025, 10, 18)), _presale(2, dt.date(2026, 10, 20))]
    held = compare_day(
        engine(to_arrow(tables)), ["paid_amount"], day=DAY, time_zone="Asia/Shanghai"
    )
    assert held.last_year.day == TWIN
    assert held.last_year.label == "day 8 of last year's Double 11 pre-sale"
    assert held.compared("paid_amount", "last_year").against == 60.0
