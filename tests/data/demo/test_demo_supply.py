"""What is planted in suppliers, carriers and stock comes back from the sheets alone."""

from __future__ import annotations

import pandas as pd
import pytest
from demo_exports import Exports


def receipts(shop: Exports) -> pd.DataFrame:
    held = shop.csv("采购进度")
    came = held[(held["阶段"] == "receipt") & (held["实际完成"] != "")]
    units = came[["数量", "入库数量"]].astype(int)
    return came.assign(
        late=came["实际完成"] > came["计划完成"], short=units["入库数量"] < units["数量"]
    )


def test_suppliers_fail_as_they_are_said_to(planted: Exports) -> None:
    told = planted.truths["suppliers"]
    by = receipts(planted).groupby("供应商")
    counts = {
        name: (len(rows), int(rows["late"].sum()), int(rows["short"].sum())) for name, rows in by
    }
    assert counts == {
        name: (row["deliveries"], row["late"], row["short"])
        for name, row in told["by_supplier"].items()
        if row["deliveries"]
    }
    late = {name: row["late"] / row["deliveries"] for name, row in told["by_supplier"].items()}
    assert max(late, key=late.__getitem__) == told["unpunctual"]
    assert counts[told["newcomer"]] == (3, 0, 0)
    checked = planted.csv("采购进度").query("不合格数 != ''")
    failed = checked["不合格数"].astype(int).groupby(checked["供应商"]).sum()
    units = checked["数量"].astype(int).groupby(checked["供应商"]).sum()
    assert (failed / units).idxmax() == told["faulty"]


def test_terms_name_every_sku_and_no_price_is_lost(planted: Exports) -> None:
    terms = planted.csv("采购条件")
    goods = set(planted.csv("库存快照")["SKU编码"])
    assert set(terms["SKU编码"]) == goods
    assert (terms["单价"].astype(float) > 0).all()
    assert (terms["起订量"].astype(int) % terms["箱规"].astype(int) == 0).all()
    assert set(terms["供应商"]) <= set(planted.csv("供应商")["供应商"])


def test_one_carrier_is_slow_far_away_and_one_is_rough(whole_shop: Exports) -> None:
    told = whole_shop.truths["carriers"]
    bills = whole_shop.csv("物流账单")
    took = pd.to_datetime(bills["签收时间"]) - pd.to_datetime(bills["揽收时间"])
    rates = whole_shop.csv("快递报价")
    near = list(dict.fromkeys(rates["目的省份"]))[:12]
    lane = bills["目的省份"].isin(near).map({True: "near", False: "far"})
    hours = (took.dt.total_seconds() / 3600).groupby([bills["快递公司"], lane]).median()
    for name, row in told["median_hours"].items():
        assert {k: round(hours[name, k], 1) for k in row} == pytest.approx(row, abs=0.11)
    far = {name: row["far"] for name, row in told["median_hours"].items()}
    assert max(far, key=far.__getitem__) == told["slow"]
    harmed = (bills["异常"] == "damaged").groupby(bills["快递公司"]).mean()
    assert harmed.idxmax() == told["rough"]


def test_bills_follow_the_price_list(planted: Exports) -> None:
    bills, rates = planted.csv("物流账单"), planted.csv("快递报价")
    first = rates[rates["月件量起"] == "0"].groupby("快递公司")["首重价"].first().astype(float)
    by_list = bills["快递公司"].map(first) + bills["重量(kg)"].astype(float) * 1.1
    assert (by_list - bills["运费"].astype(float)).abs().max() < 0.0051


def test_idle_stock_lies_and_is_not_sold(planted: Exports, plain: Exports) -> None:
    told = planted.truths["idle_stock"]
    stock = planted.csv("库存快照")
    dead = stock[stock["SKU编码"] == told["dead_sku"]]
    assert set(dead["在库数量"]) == {"180"}
    assert told["dead_sku"] not in set(plain.csv("库存快照")["SKU编码"])
    last = stock[stock["日期"] == stock["日期"].max()]
    over = last[last["SKU编码"] == told["over_sku"]]["在库数量"].astype(int).sum()
    assert over > told["over_units"]


def test_nothing_planted_is_told_as_nothing(plain: Exports) -> None:
    assert [plain.truths[k] for k in ("suppliers", "carriers", "idle_stock")] == [None] * 3
    assert not receipts(plain)["short"].any()
