"""What is known ahead: the calendar's festivals, the shop's plans and its prices."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.data.schema import arrow_schema
from ecops_lib.metrics.bases import Tables
from ecops_lib.supply.demand.drivers import AHEAD, RECENT, read_drivers
from ecops_lib.supply.demand.grid import Grid
from ecops_lib.supply.panel import Floats

START = dt.date(2026, 3, 30)
DAYS = 40
ITEMS = pd.DataFrame({"product_id": ["a", "b"]}, index=["s0", "s1"])


def event(number: int, kind: str, first: int, last: int | None, **more: Any) -> dict[str, Any]:
    end = None if last is None else START + dt.timedelta(days=last)
    return {"event_id": f"e{number}", "kind": kind, "name": kind,
            "starts_on": START + dt.timedelta(days=first), "ends_on": end, **more}  # fmt: skip


def drivers(events: list[dict[str, Any]], price: Floats | None = None) -> dict[str, Floats]:
    schema = arrow_schema("shop_events")
    rows = [{**dict.fromkeys(schema.names), **row} for row in events]
    source = {"shop_events": pa.Table.from_pylist(rows, schema=schema)} if events else {}
    last = START + dt.timedelta(days=DAYS - 1)
    told = np.full((2, DAYS), 10.0) if price is None else price
    grid = Grid(ITEMS.index, start=START, last=last, by=["sku_id"])
    return dict(read_drivers(Tables(source, time_zone="Asia/Shanghai"), grid, ITEMS, price=told))


def marked(held: Floats) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in held]


def test_a_shop_without_a_diary_has_the_calendar_and_its_prices() -> None:
    held = drivers([])
    assert set(held) == {"burst", "campaign", "holiday", "price"}
    assert {len(each[0]) for each in held.values()} == {DAYS + AHEAD}
    peak = (dt.date(2026, 6, 18) - START).days
    assert held["burst"][0, peak] == 1
    assert held["campaign"][0, peak] == 0
    assert held["holiday"][0, (dt.date(2026, 5, 1) - START).days] == 1


def test_campaigns_and_coupons_are_marked_past_and_ahead() -> None:
    base = drivers([])["campaign"][0]
    held = drivers([
        event(1, "campaign", 3, 5), event(2, "campaign", 110, 111), event(3, "coupon", 10, None),
        event(4, "coupon", 45, 46, product_id="b"), event(5, "outage", 1, 2),
    ])  # fmt: skip
    assert marked((held["campaign"] - base)[None, 0]) == [[3, 4, 5, 110, 111]]
    assert marked(held["coupon"]) == [[10]]
    assert marked(held["promoted"]) == [[], [45, 46]]


def test_prices_stand_beside_the_usual_one_and_ahead_as_of_late() -> None:
    price = np.full((2, DAYS), 10.0)
    price[0, -RECENT:] = 8.0
    price[0, :3], price[1, 4] = np.nan, 20.0
    held = drivers([], price)["price"]
    assert held[0, [0, 5, 30]].tolist() == pytest.approx([1.0, 1.25, 1.0])
    assert held[1, [3, 4]].tolist() == [1.0, 2.0]
    assert held[:, DAYS:].min(axis=1).tolist() == held[:, DAYS:].max(axis=1).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (DAYS + 5, None, [1.0] * 5 + [1.5] * 5),
        (DAYS + 5, DAYS + 6, [1.0] * 5 + [1.5] * 2 + [1.0] * 3),
        (DAYS - 2, None, [1.5] * 10),
        (DAYS - 2, DAYS + 2, [1.5] * 3 + [1.0] * 7),
        (DAYS - 9, DAYS - 3, [1.0] * 10),
        (-60, None, [1.0] * 10),
    ],
)
def test_price_changes_of_the_diary_move_what_is_ahead(
    first: int, last: int | None, expected: list[float]
) -> None:
    price = np.full((2, DAYS), 10.0)
    price[0, max(first, 0) : DAYS if last is None else last + 1] = 10.0 if first < 0 else 15.0
    change = event(1, "price", first, last, product_id="a", before=10.0, after=15.0)
    held = drivers([change], price)["price"][:, DAYS : DAYS + 10]
    assert held[0].tolist() == pytest.approx(expected)
    assert held[1].tolist() == [1.0] * 10


def test_a_change_of_yesterday_holds_before_anything_sold_at_it() -> None:
    price = np.full((2, DAYS), 10.0)
    price[0, -1] = np.nan
    change = event(1, "price", DAYS - 1, None, product_id="a", before=10.0, after=7.0)
    assert drivers([change], price)["price"][0, DAYS:].tolist() == pytest.approx([0.7] * AHEAD)
