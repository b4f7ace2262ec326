"""A shop whose campaign days are counted on fingers: 10 orders a day, 20 and 40 in its sales."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan

ZONE = "Asia/Shanghai"
DAY = dt.timedelta(days=1)
FIRST = dt.date(2026, 1, 1)
PAST, WARMUP, SALE = dt.date(2026, 4, 15), dt.date(2026, 6, 8), dt.date(2026, 6, 10)
PAST_DAYS, SALE_DAYS = 2, 4
LAST = SALE + (SALE_DAYS - 1) * DAY
AS_OF = LAST + 20 * DAY
TIME = pa.timestamp("us", "UTC")


def campaign(**changes: Any) -> Campaign:
    spans = (
        PhaseSpan(phase="warmup", first=WARMUP, last=SALE - DAY),
        PhaseSpan(phase="burst", first=SALE, last=LAST),
    )
    return Campaign(**{
        "campaign_id": "tea-2026", "name": "Tea days", "kind": "Tea", "spans": spans,
        "products": ("P1",), **changes,
    })  # fmt: skip


def orders_of(day: dt.date) -> int:
    if SALE <= day <= LAST:
        return 40
    return 20 if PAST <= day < PAST + PAST_DAYS * DAY else 10


def placed() -> list[dict[str, Any]]:
    """Every order of P1, with all that becomes of it.

    Orders come half by search, half by live rooms; the sale's extra ones all by live rooms. The
    buyers of four days in April come back in the sale, ten a day. In the sale a quarter of the
    orders leave after 72 hours instead of 24, and half of those are refunded; usually one order
    in ten is. In the sale every fifth order leads to a complaint, usually none.
    """
    rows = []
    for k in range((AS_OF - FIRST).days + 1):
        day = FIRST + k * DAY
        sale = SALE <= day <= LAST
        for n in range(orders_of(day)):
            paid = dt.datetime.combine(day, dt.time(4, n % 60), dt.UTC)
            late = sale and n % 4 == 3
            known = sale and n < 10
            rows.append({
                "order_id": f"{day:%m%d}-{n}", "day": day, "paid_at": paid, "n": n,
                "channel": "search" if n < 10 and n % 2 == 0 else "live",
                "buyer_key": f"b{(day - SALE).days}-{n}" if known else
                f"b{k - 100}-{n}" if 100 <= k < 100 + SALE_DAYS else f"c{k}-{n}",
                "shipped_at": paid + dt.timedelta(hours=72 if late else 24), "late": late,
                "refunded": (late and n % 8 == 3) or (not sale and n % 10 == 0),
                "complained": sale and n % 5 == 0, "amount": 100.0,
            })  # fmt: skip
    return rows


def shop_of() -> dict[str, pa.Table]:
    """The tables."""
    rows = placed()
    count = len(rows)
    paid = pa.array([row["paid_at"] for row in rows], TIME)
    ids = [row["order_id"] for row in rows]
    day = [FIRST + k * DAY for k in range((AS_OF - FIRST).days + 1)]
    orders = pa.table({
        "platform": ["tmall"] * count, "order_id": ids,
        "buyer_key": [row["buyer_key"] for row in rows], "created_at": paid, "paid_at": paid,
        "ship_by": pa.nulls(count, TIME),
        "shipped_at": pa.array([row["shipped_at"] for row in rows], TIME),
        "delivered_at": pa.array([row["shipped_at"] + 2 * DAY for row in rows], TIME),
        "status": ["completed"] * count, "ordered_amount": [100.0] * count,
        "paid_amount": [100.0] * count, "is_presale": [False] * count,
        "deposit_amount": pa.nulls(count, pa.float64()), "deposit_paid_at": pa.nulls(count, TIME),
        "channel": [row["channel"] for row in rows], "province": ["浙江"] * count,
        "campaign_id": pa.nulls(count, pa.string()), "creator_id": pa.nulls(count, pa.string()),
        "warehouse_id": pa.nulls(count, pa.string()),
    })  # fmt: skip
    items = pa.table({
        "platform": ["tmall"] * count, "order_id": ids, "line_id": ["1"] * count,
        "created_at": paid, "product_id": ["P1"] * count, "sku_id": ["S1"] * count,
        "product_name": ["<b>Tea</b>"] * count, "quantity": [1] * count,
        "ordered_amount": [100.0] * count, "paid_amount": [100.0] * count,
    })  # fmt: skip
    back = [row for row in rows if row["refunded"]]
    refunds = pa.table({
        "platform": ["tmall"] * len(back), "refund_id": [row["order_id"] for row in back],
        "order_id": [row["order_id"] for row in back], "line_id": ["1"] * len(back),
        "product_id": ["P1"] * len(back), "sku_id": ["S1"] * len(back),
        "applied_at": pa.array([row["paid_at"] + 3 * DAY for row in back], TIME),
        "finished_at": pa.array([row["paid_at"] + 4 * DAY for row in back], TIME),
        "amount": [50.0] * len(back), "status": ["success"] * len(back),
        "quantity": [1] * len(back),
    })  # fmt: skip
    told = [row for row in rows if row["complained"]]
    tickets = pa.table({
        "platform": ["tmall"] * len(told), "ticket_id": [row["order_id"] for row in told],
        "order_id": [row["order_id"] for row in told], "product_id": ["P1"] * len(told),
        "opened_at": pa.array([row["paid_at"] + 5 * DAY for row in told], TIME),
        "kind": ["complaint"] * len(told),
    })  # fmt: skip
    traffic = pa.table({
        "platform": ["tmall"] * len(day) * 2, "day": day * 2,
        "scope": ["product"] * len(day) + ["channel"] * len(day),
        "scope_id": ["P1"] * len(day) + ["live"] * len(day),
        "visitors": [200 * (3 if orders_of(d) > 10 else 1) for d in day] * 2,
        "cart_visitors": [60] * len(day) * 2, "paying_buyers": [orders_of(d) for d in day] * 2,
        "paid_amount": [100.0 * orders_of(d) for d in day] * 2,
    })  # fmt: skip
    products = pa.table({
        "platform": ["tmall"], "product_id": ["P1"], "product_name": ["<b>Tea</b>"],
        "category": ["tea"], "unit_cost": [40.0], "brand": ["x"],
    })  # fmt: skip
    events = pa.table({
        "event_id": ["1"], "kind": ["campaign"], "name": ["Tea"], "starts_on": [PAST],
        "ends_on": [PAST + (PAST_DAYS - 1) * DAY], "product_id": ["P1"],
    })  # fmt: skip
    return {
        "orders": orders, "order_items": items, "refunds": refunds, "tickets": tickets,
        "traffic": traffic, "products": products, "shop_events": events,
    }  # fmt: skip


def shelf(out: set[dt.date], *, first: dt.date = SALE) -> pa.Table:
    """Stock of S1 (never ordered on days without) and of S2, which is always there."""
    day = [first + k * DAY for k in range((AS_OF - first).days + 1)]
    return pa.table({
        "day": day * 2, "warehouse_id": ["*"] * 2 * len(day),
        "sku_id": ["S1"] * len(day) + ["S2"] * len(day), "product_id": ["P1"] * 2 * len(day),
        "on_hand": [0 if d in out else 500 for d in day] + [500] * len(day),
        "reserved": pa.nulls(2 * len(day), pa.int64()),
        "in_transit": pa.nulls(2 * len(day), pa.int64()),
        "hours_out": pa.nulls(2 * len(day), pa.float64()),
    })  # fmt: skip
