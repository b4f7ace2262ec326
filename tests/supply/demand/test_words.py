"""What a demand says: the exact sentence of each branch, in both languages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.language import reading
from ecops_lib.supply.demand.result import Demand

START = dt.date(2026, 3, 2)


def demand(**given: Any) -> Demand:
    """Two SKUs over four days, the first of them out of stock on the last day."""
    sold = np.array([[2.0, 2, 2, 0], [0, 1, 0, 0]])
    items = pd.DataFrame(
        {
            "sku_id": ["a", "b"],
            "product_id": ["p", "q"],
            "product_name": ["Tea", None],
            "variant": ["green", None],
            "category": ["tea", "tea"],
            "price": [10.0, np.nan],
            "days_out": [1.0, 0.0],
            "returned": [3.0, 0.0],
            "launch": [pd.NaT, pd.NaT],
            "last_day": [pd.NaT, pd.NaT],
        },
        index=["a", "b"],
    )
    fields: Mapping[str, Any] = {
        "items": items,
        "start": START,
        "as_of": START + dt.timedelta(days=3),
        "sold": sold,
        "usual": sold,
        "exposure": np.array([[1.0, 1, 1, 0], [1, 1, 1, 1]]),
        "demand": sold + np.array([[0.0, 0, 0, 2], [0, 0, 0, 0]]),
        "drivers": {},
        "bulk": pd.DataFrame(columns=["sku_id", "day", "largest", "units", "usual"]),
        "stock_from": START,
        "unnamed": 0,
        "cancelled": 0,
        "all_units": 7,
        "owner": "stock control",
    }
    return Demand(**{**fields, **given})


def bulk(count: int) -> pd.DataFrame:
    rows = [
        {"sku_id": "ab"[n % 2], "day": pd.Timestamp(START) + pd.Timedelta(days=n),
         "largest": 90.0 - n, "units": 92.0 - n, "usual": 12.0}
        for n in range(count)
    ]  # fmt: skip
    return pd.DataFrame(rows)


CASES: Mapping[str, tuple[dict[str, Any], str, str, str]] = {
    "missed": (
        {},
        "demand/missed",
        "Empty shelves hid about 2 units, ¥20.00, since 2026-03-02; most of it, 2 units, of "
        "Tea (green). The forecast counts them as demand.",
        "自2026-03-02起，缺货估计少卖了2件、¥20.00，其中Tea（green）最多，2件；预测把它们算作需求。",
    ),
    "nothing missed": (
        {"demand": np.array([[2.0, 2, 2, 0], [0, 1, 0, 0]])},
        "demand/missed",
        "No sale was missed for want of stock since 2026-03-02.",
        "自2026-03-02起没有因缺货少卖。",
    ),
    "stock not told": (
        {"stock_from": None},
        "demand/untold",
        "No table tells of stock, so days without stock count as days without demand; import "
        "the warehouse's stock export.",
        "没有库存数据，缺货的日子会被当成没有需求；请导入仓库的库存导出表。",
    ),
    "a bulk order": (
        {"bulk": bulk(1)},
        "demand/bulk",
        "1 bulk order, far beyond what the SKU's orders usually take, took 90 units (90 units of "
        "Tea (green) on 2026-03-02); the forecast leaves 80 of them out.",
        "有1笔大宗单，远超该SKU平常的单量，共买走90件（最大的：2026-03-02，Tea（green），90件）；"
        "预测剔除了其中80件。",
    ),
    "bulk orders": (
        {"bulk": bulk(5)},
        "demand/bulk",
        "5 bulk orders, far beyond what the SKUs' orders usually take, took 440 units (the "
        "largest: 90 units of Tea (green) on 2026-03-02; 89 units of b on 2026-03-03; 88 units "
        "of Tea (green) on 2026-03-04); the forecast leaves 390 of them out.",
        "有5笔大宗单，远超该SKU平常的单量，共买走440件（最大的：2026-03-02，Tea（green），90件；"
        "2026-03-03，b，89件；2026-03-04，Tea（green），88件）；预测剔除了其中390件。",
    ),
    "no SKU": (
        {"unnamed": 2},
        "demand/unnamed",
        "2 paid order lines name neither SKU nor product and are left out.",
        "有2条已付款明细既无SKU也无商品，未计入。",
    ),
    "cancelled": (
        {"cancelled": 3},
        "demand/cancelled",
        "3 of 7 units were refunded before they were shipped and count as no demand.",
        "7件中有3件发货前已退款，不计为需求。",
    ),
    "returned": (
        {},
        "demand/returned",
        "3 units were sent back in these days; they count as demand, and how many of them can "
        "be sold again is not told.",
        "这段时间退回3件，仍计为需求；其中多少件可再次销售，数据未说明。",
    ),
    "patterns": (
        {},
        "demand/patterns",
        "2 SKUs by how regularly they are asked for: smooth 1 (50.00%), hardly any 1 (50.00%).",
        "2个SKU按需求规律分：平稳型1个（50.00%）、几乎无需求1个（50.00%）。",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_sentence_in_both_languages(case: str) -> None:
    given, key, english, chinese = CASES[case]
    held = demand(**given)
    assert {f.key: f.text for f in held.findings()}[key] == english
    with reading("zh", "CNY"):
        assert {f.key: f.text for f in held.findings()}[key] == chinese


def test_nothing_is_said_of_what_did_not_happen() -> None:
    items = demand().items.assign(returned=np.nan)
    assert [f.key for f in demand(items=items).findings()] == ["demand/missed", "demand/patterns"]


def test_money_is_at_stake_where_sales_were_missed() -> None:
    [missed] = [f for f in demand().findings() if f.key == "demand/missed"]
    assert (missed.money, missed.level) == (20.0, "watch")
    assert missed.action is not None
    assert missed.action.owner == "stock control"


def test_the_tables_hold_one_row_a_series_and_one_a_day() -> None:
    held = demand()
    frame = held.to_frame()
    assert frame["lost"].tolist() == [2, 0]
    assert frame["returned"].tolist() == [3, 0]
    assert len(held.page_frame().columns) == 9
    assert held.frame.shape == (8, 6)
    assert held.frame["asked"].sum() == 9
    assert demand(stock_from=None).to_frame()["lost"].isna().all()
