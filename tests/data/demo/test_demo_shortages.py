"""What is planted in stock and in the demand for single SKUs comes back from the sheets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from demo_exports import Exports

SURE = 3.5
"""Standard deviations beyond which chance is no excuse."""


@pytest.fixture(scope="module")
def sold(whole_shop: Exports) -> pd.DataFrame:
    """Lines of all generations of the exports that were paid: when, which SKU, how many."""
    lines = whole_shop.csv("ExportOrderDetailList", "gb18030")
    old = lines["标题"] != ""
    table = pd.DataFrame(
        {
            "order": lines["订单编号"].where(old, lines["主订单编号"]).str.extract(r"(\d{19})")[0],
            "sku": lines["外部系统编号"].where(old, lines["商家编码"]),
            "units": lines["购买数量"].astype(int),
        }
    )
    orders = whole_shop.orders.set_index("订单编号")
    paid = orders.loc[orders["订单付款时间"] != "", ["订单创建时间", "买家会员名"]]
    return table.join(paid, on="order", how="inner").rename(
        columns={"订单创建时间": "at", "买家会员名": "buyer"}
    )


def test_nobody_buys_during_a_shortage_and_the_shelf_is_empty(
    whole_shop: Exports, sold: pd.DataFrame
) -> None:
    stock = whole_shop.csv("库存快照")
    stock = stock.assign(hours=stock["缺货小时数"].astype(int), held=stock["在库数量"].astype(int))
    assert len(whole_shop.truths["shortages"]) == 5
    for told in whole_shop.truths["shortages"]:
        mine = sold[sold["sku"] == told["sku_id"]]
        assert not mine["at"].between(told["from"], told["to"], inclusive="left").any()
        days = stock[(stock["SKU编码"] == told["sku_id"]) & (stock["hours"] > 0)]
        days = days[days["日期"].between(told["from"][:10], told["to"][:10])]
        assert days.groupby("仓库")["hours"].sum().tolist() == [told["hours"]] * 2
        assert (days.loc[days["hours"] == 24, "held"] == 0).all()


def test_what_a_shortage_hid_is_what_is_usual(whole_shop: Exports, sold: pd.DataFrame) -> None:
    """Units asked for in vain, over all shortages, against the same SKUs' days around them."""
    asked = expected = spread = 0.0
    for told in whole_shop.truths["shortages"]:
        at = pd.to_datetime(sold["at"]).dt.normalize()
        first, last = (pd.Timestamp(told[name][:10]) for name in ("from", "to"))
        before = (at < first) & (at >= first - pd.Timedelta(days=28))
        after = (at > last) & (at <= last + pd.Timedelta(days=28))
        sizes = sold.loc[(sold["sku"] == told["sku_id"]) & (before | after), "units"]
        rate = sizes.sum() / 56
        assert rate == pytest.approx(told["units_a_day_usual"], abs=0.0051)
        days = told["hours"] / 24
        asked += told["units_refused"]
        expected += rate * days
        spread += (sizes**2).sum() / 56 * days * (1 + days / 56)
    assert abs(asked - expected) / np.sqrt(spread) < SURE
    assert asked > expected / 2


def test_refused_orders_are_unpaid(whole_shop: Exports) -> None:
    refused = sum(told["orders_refused"] for told in whole_shop.truths["shortages"])
    assert refused > 30
    orders = whole_shop.orders
    unpaid = orders["订单付款时间"] == ""
    assert unpaid.sum() > refused


def test_one_buyer_orders_many_in_one_day(whole_shop: Exports, sold: pd.DataFrame) -> None:
    [told] = whole_shop.truths["odd_demand"]["bulk"]
    mine = sold[sold["sku"] == told["sku_id"]]
    large = mine.loc[mine["units"].idxmax()]
    assert (large["units"], large["at"][:10]) == (told["units"], told["day"])
    assert mine["units"].drop(large.name).max() <= 12


def test_the_lumpy_sku_is_asked_for_seldom_and_in_lumps(
    whole_shop: Exports, sold: pd.DataFrame
) -> None:
    told = whole_shop.truths["odd_demand"]["lumpy"]
    mine = sold[sold["sku"] == told["sku_id"]]
    assert set(mine["units"]) <= set(told["lumps"])
    daily = mine.groupby(mine["at"].str[:10])["units"].sum()
    assert 548 / len(daily) > 1.32
    assert daily.var(ddof=0) / daily.mean() ** 2 > 0.49
    sizes = mine["units"]
    error = np.std(told["lumps"]) / np.sqrt(len(sizes))
    assert abs(sizes.mean() - np.mean(told["lumps"])) < SURE * error


def test_the_delisted_sku_is_neither_sold_nor_held(whole_shop: Exports, sold: pd.DataFrame) -> None:
    [told] = whole_shop.truths["odd_demand"]["delisted"]
    mine = sold[sold["sku"] == told["sku_id"]]["at"]
    assert (mine < told["from"]).all()
    assert (mine > "2026-05").any()
    stock = whole_shop.csv("库存快照")
    last = stock[(stock["SKU编码"] == told["sku_id"]) & (stock["日期"] > "2026-06-15")]
    assert set(last["在库数量"]) == {"0"}


def test_launched_skus_are_not_sold_before(whole_shop: Exports, sold: pd.DataFrame) -> None:
    launches = whole_shop.truths["odd_demand"]["launches"]
    first = sold.groupby("sku")["at"].min().str[:10]
    assert len(launches) >= 3
    for told in launches:
        assert all(first[sku] >= told["from"] for sku in told["sku_ids"])
        assert any(first[sku] < str(pd.Timestamp(told["from"]) + pd.Timedelta("30D"))
                   for sku in told["sku_ids"])  # fmt: skip


def test_one_sku_runs_out_before_more_comes(whole_shop: Exports, sold: pd.DataFrame) -> None:
    told = whole_shop.truths["late_supply"]
    stock = whole_shop.csv("库存快照")
    last = stock[(stock["SKU编码"] == told["sku_id"]) & (stock["日期"] == stock["日期"].max())]
    assert last["在库数量"].astype(int).sum() == told["units_left"] > 0
    sheet = whole_shop.csv("采购进度")
    still = sheet[(sheet["SKU编码"] == told["sku_id"]) & (sheet["阶段"] == "receipt")]
    due = still.loc[still["实际完成"] == "", "计划完成"]
    assert len(due)
    assert due.min() >= told["comes"]
    mine = sold[(sold["sku"] == told["sku_id"]) & (sold["at"] >= "2026-09-30")]
    days = (pd.Timestamp(told["comes"]) - pd.Timestamp("2026-10-28")).days
    assert mine["units"].sum() / 28 * days > told["units_left"] * 2


def test_a_set_has_no_stock_and_its_parts_have(whole_shop: Exports, sold: pd.DataFrame) -> None:
    told = whole_shop.truths["kit"]
    goods = set(whole_shop.csv("库存快照")["SKU编码"])
    assert told["kit_sku_id"] not in goods
    assert set(told["parts"]) <= goods
    sheet = whole_shop.csv("组合装").set_index("单品SKU编码")["数量"].astype(int)
    assert sheet.to_dict() == told["parts"]
    assert (sold["sku"] == told["kit_sku_id"]).sum() > 20


def test_idle_stock_lies_and_is_not_sold(
    whole_shop: Exports, plain: Exports, sold: pd.DataFrame
) -> None:
    told = whole_shop.truths["idle_stock"]
    stock = whole_shop.csv("库存快照")
    dead = stock[stock["SKU编码"] == told["dead_sku"]]
    assert set(dead["在库数量"]) == {"180"}
    assert told["dead_sku"] not in set(sold["sku"])
    assert told["dead_sku"] not in set(plain.csv("库存快照")["SKU编码"])
    last = stock[stock["日期"] == stock["日期"].max()]
    held = last.groupby("SKU编码")["在库数量"].agg(lambda units: units.astype(int).sum())
    pace = sold.groupby("sku")["units"].sum() / 548
    assert held[told["over_sku"]] > told["over_units"]
    others = held.drop([told["dead_sku"], told["over_sku"]])
    cover = held / pace.reindex(held.index)
    assert cover[told["over_sku"]] > 5 * cover[others.index].max()
