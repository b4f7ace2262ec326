"""When a thing was on sale: launches and ends by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from ecops_lib.supply.demand.grid import Grid
from ecops_lib.supply.demand.life import QUIET, SEASON, find_ends, find_launches

START = dt.date(2025, 1, 1)
DAYS = 400


def grid(count: int) -> Grid:
    last = START + dt.timedelta(days=DAYS - 1)
    return Grid(pd.Index([f"s{n}" for n in range(count)]), start=START, last=last, by=["sku_id"])


def day(number: int | None) -> pd.Timestamp | None:
    return None if number is None else pd.Timestamp(START) + pd.Timedelta(days=number)


def items(**columns: list[Any]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    held = {
        "listed_on": [None] * count,
        "sold_before": [False] * count,
        "status": [None] * count,
        **columns,
    }
    return pd.DataFrame(held, index=[f"s{n}" for n in range(count)]).assign(
        sku_id=lambda frame: frame.index
    )


def test_a_launch_is_the_listing_or_the_first_sale_whichever_came_first() -> None:
    held = items(
        first_sale=[day(n) for n in (5, 5, 5, 5, 5)],
        listed_on=[None, day(2), day(9), day(-30), None],
        sold_before=[False, False, False, False, True],
    )
    assert find_launches(held, grid(5)).tolist() == [5, 2, 5, -30, -1]


def ends(last_sale: list[int], on_hand: np.ndarray, **more: Any) -> list[int]:
    ordered = more.pop("ordered", [])
    held = items(last_sale=[day(n) for n in last_sale], **more)
    coming = np.zeros_like(on_hand)
    return find_ends(
        held, grid(len(held)), on_hand=on_hand, coming=coming, ordered=pd.Index(ordered)
    ).tolist()


def stock(*left: int) -> np.ndarray:
    """Ten units until a day, then none, told to the last day."""
    return np.array([[10.0 if n <= last else 0.0 for n in range(DAYS)] for last in left])


def test_without_sales_stock_and_orders_for_ninety_days_a_thing_is_over() -> None:
    edge = DAYS - 1 - QUIET
    assert ends([100, edge, edge + 1, 100], stock(50, 50, 50, 200)) == [100, edge, 399, 200]
    assert ends([100], stock(50), ordered=["s0"]) == [399]


def test_goods_on_the_shelf_are_on_sale_however_long_nobody_buys_them() -> None:
    assert ends([3], np.full((1, DAYS), 10.0)) == [399]


def test_where_no_stock_is_told_a_year_without_a_sale_ends_it() -> None:
    edge = DAYS - 1 - SEASON
    assert ends([edge, edge + 1], np.full((2, DAYS), np.nan)) == [edge, 399]


def test_what_the_platform_took_down_ends_with_its_last_sale() -> None:
    told = np.full((4, DAYS), 10.0)
    status = ["已下架", "Archived", "当前在线", "coffee offer"]
    assert ends([300, 300, 300, 300], told, status=status) == [300, 300, 399, 399]


def test_stock_that_nobody_tells_any_more_ends_nothing() -> None:
    told = stock(50)
    told[:, 200:] = np.nan
    assert ends([100], told) == [399]
