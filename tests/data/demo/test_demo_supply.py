"""What is planted in suppliers, carriers and stock comes back from the sheets alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from demo_exports import Exports
from demo_lives import lived
from scipy import stats

NAMES = ("suppliers", "carriers", "idle_stock", "shortages", "late_supply", "odd_demand", "kit")
SURE = 3.5
"""Standard deviations beyond which chance is no excuse, with a few dozen figures checked."""


def receipts(shop: Exports) -> pd.DataFrame:
    held = shop.csv("采购进度")
    came = held[(held["阶段"] == "receipt") & (held["实际完成"] != "")]
    days = {name: pd.to_datetime(came[name]) for name in ("下单日期", "计划完成", "实际完成")}
    return came.assign(
        late=days["实际完成"] > days["计划完成"],
        lead=(days["实际完成"] - days["下单日期"]).dt.days,
        short=came["入库数量"].astype(int) < came["数量"].astype(int),
    )


def z(seen: float, chance: float, count: float) -> float:
    return (seen - chance * count) / np.sqrt(chance * (1 - chance) * count)


def test_suppliers_fail_as_they_are_said_to(whole_shop: Exports) -> None:
    told = whole_shop.truths["suppliers"]
    came = receipts(whole_shop).groupby("供应商")
    seen = came.agg(
        deliveries=("late", "size"), late=("late", "sum"), short=("short", "sum"),
        lead_mean=("lead", "mean"),
    )  # fmt: skip
    for name, row in told["by_supplier"].items():
        assert seen.loc[name].round(2).to_dict() == {k: row[k] for k in seen.columns}
    assert (seen["late"] / seen["deliveries"]).idxmax() == told["slow"]
    assert (seen["short"] / seen["deliveries"]).idxmax() == told["short"]
    assert seen.loc[told["newcomer"], ["deliveries", "late", "short"]].tolist() == [3, 0, 0]


def test_suppliers_are_late_short_and_faulty_as_often_as_planted(whole_shop: Exports) -> None:
    told = whole_shop.truths["suppliers"]
    law = told["lateness"]
    sheet = whole_shop.csv("采购进度")
    checked = sheet[sheet["不合格数"] != ""]
    failed = checked["不合格数"].astype(int).groupby(checked["供应商"]).sum()
    units = checked["入库数量"].where(checked["入库数量"] != "", checked["数量"])
    units = units.astype(int).groupby(checked["供应商"]).sum()
    for name, row in told["by_supplier"].items():
        if name == told["newcomer"]:
            continue
        beyond = (row["slack"] + 0.5) / row["drag"]
        late = stats.gamma.sf(beyond, law["shape"], scale=law["days"])
        assert abs(z(row["late"], late, row["deliveries"])) < SURE
        assert abs(z(row["short"], row["short_chance"], row["deliveries"])) < SURE
        assert abs(z(failed[name], row["reject_chance"], units[name])) < SURE
    assert (failed / units).idxmax() == told["faulty"]


def test_the_slow_suppliers_lead_time_is_longer_and_less_sure_than_quoted(
    whole_shop: Exports,
) -> None:
    told = whole_shop.truths["suppliers"]
    rows = pd.DataFrame(told["by_supplier"]).T.drop(index=told["newcomer"])
    beyond = (rows["lead_mean"] - rows["lead_quoted"]).astype(float)
    mean = told["lateness"]["shape"] * told["lateness"]["days"]
    assert beyond.idxmax() == rows["lead_sd"].astype(float).idxmax() == told["slow"]
    usual = beyond.drop(told["slow"])
    assert usual.to_numpy() == pytest.approx(mean, abs=0.4)
    assert beyond[told["slow"]] == pytest.approx(mean * rows.loc[told["slow"], "drag"], abs=0.9)


def test_the_faulty_suppliers_goods_are_blamed_for_their_quality(whole_shop: Exports) -> None:
    told = whole_shop.truths["suppliers"]
    claims = whole_shop.refunds
    maker = dict(zip(whole_shop.csv("商品成本表")["商品ID"],
                     whole_shop.csv("商品成本表")["供应商"], strict=True))  # fmt: skip
    late = claims[claims["买家退款原因"].isin(["质量问题", "不喜欢/不想要", "与商品描述不符"])]
    blamed = (
        (late["买家退款原因"] == "质量问题").groupby(late["商品id"].map(maker)).agg(["sum", "mean"])
    )
    assert blamed["mean"].idxmax() == told["faulty"]
    assert blamed["mean"].drop(told["faulty"]).max() < blamed.loc[told["faulty"], "mean"] / 1.5
    for name, row in told["by_supplier"].items():
        assert blamed["sum"].get(name, 0) == row["quality_claims"]


def test_some_open_orders_are_overdue(whole_shop: Exports) -> None:
    sheet = whole_shop.csv("采购进度")
    still = sheet[(sheet["阶段"] == "receipt") & (sheet["实际完成"] == "")]
    told = whole_shop.truths["suppliers"]
    assert len(still) == told["open_orders"]
    overdue = still[still["计划完成"] < whole_shop.truths["last_day"]]
    assert len(overdue) == told["overdue"] > 0
    assert (still["入库数量"] == "").all()


def test_terms_name_every_sku_and_no_price_is_lost(whole_shop: Exports) -> None:
    terms = whole_shop.csv("采购条件")
    assert set(terms["SKU编码"]) == set(whole_shop.csv("库存快照")["SKU编码"])
    assert (terms["单价"].astype(float) > 0).all()
    assert (terms["起订量"].astype(int) % terms["箱规"].astype(int) == 0).all()
    assert set(terms["供应商"]) <= set(whole_shop.csv("供应商")["供应商"])
    assert (terms.groupby("SKU编码").size() == 2).any()


def parcels(shop: Exports) -> pd.DataFrame:
    bills = shop.csv("物流账单")
    near = bills["目的省份"].isin(shop.truths["carriers"]["near"])
    took = pd.to_datetime(bills["签收时间"]) - pd.to_datetime(bills["揽收时间"])
    return bills.assign(
        lane=near.map({True: "near", False: "far"}), hours=took / pd.Timedelta("1h")
    )


def test_one_carrier_is_slow_far_away_and_one_is_rough(whole_shop: Exports) -> None:
    told = whole_shop.truths["carriers"]
    bills = parcels(whole_shop)
    hours = bills.groupby(["快递公司", "lane"])["hours"].median()
    for name, row in told["median_hours"].items():
        assert {k: round(hours[name, k], 1) for k in row} == pytest.approx(row, abs=0.11)
    far = {name: row["far"] for name, row in told["median_hours"].items()}
    near = [row["near"] for row in told["median_hours"].values()]
    assert max(far, key=far.__getitem__) == told["slow"]
    assert max(near) - min(near) < 3 < far[told["slow"]] - sorted(far.values())[-2]
    came = bills[bills["签收时间"] != ""]
    harmed = (came["异常"] == "damaged").groupby(came["快递公司"]).agg(["sum", "size"])
    for name, chance in told["damage"].items():
        assert abs(z(harmed.loc[name, "sum"], chance, harmed.loc[name, "size"])) < SURE
    assert (harmed["sum"] / harmed["size"]).idxmax() == told["rough"]


def test_bills_follow_the_price_list_with_the_months_tier(whole_shop: Exports) -> None:
    bills, rates = parcels(whole_shop), whole_shop.csv("快递报价")
    month = bills["发货时间"].str[:7]
    count = bills.groupby([bills["快递公司"], month])["运单号"].transform("size")
    rates = rates.astype({"月件量起": int, "首重价": float, "续重价": float})
    steps = np.sort(rates["月件量起"].unique())
    tier = steps[np.searchsorted(steps, count, side="right") - 1]
    assert len(set(tier)) == len(steps) > 1
    key = ["快递公司", "目的省份", "件型", "月件量起"]
    listed = bills.assign(月件量起=tier).merge(rates, on=key, how="left", validate="m:1")
    price = listed["首重价"] + listed["重量(kg)"].astype(float) * listed["续重价"]
    assert (price - listed["运费"].astype(float)).abs().max() < 0.0051


def test_a_switch_on_the_near_lane_saves_at_the_same_speed(whole_shop: Exports) -> None:
    told = whole_shop.truths["carriers"]["switch"]
    bills = parcels(whole_shop)
    lane = bills[bills["lane"] == told["lane"]].groupby("快递公司")["hours"]
    assert abs(lane.median()[told["from"]] - lane.median()[told["to"]]) < 2
    rates = whole_shop.csv("快递报价").query("目的省份 == '浙江省' and 月件量起 == '0'")
    price = rates.set_index("快递公司")["首重价"].astype(float)
    assert price[told["from"]] - price[told["to"]] == pytest.approx(told["saves_each"])
    assert lane.size()[told["from"]] == told["parcels"]


def test_nothing_planted_is_told_as_nothing(plain: Exports) -> None:
    assert [plain.truths[name] for name in NAMES] == [None] * len(NAMES)
    assert not receipts(plain)["short"].any()
    assert not plain.files("组合装")


@pytest.mark.parametrize("seed", [1, 2])
def test_no_shelf_ever_holds_less_than_nothing(seed: int) -> None:
    stock = lived(seed=seed).stock
    assert stock.on_hand.min() == 0
    assert (stock.purchases.quantity > 0).all()
    assert (stock.purchases.arrives >= stock.purchases.ordered).all()
    assert (stock.received.sum(axis=0) - stock.shipped.sum(axis=0) <= stock.on_hand[-1]).all()
