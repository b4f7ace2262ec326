"""The exports agree with one another; every law is read back from the files."""

from __future__ import annotations

import pandas as pd
import pytest
from demo_exports import Exports, cents, counts

PAID = "支付金额"


@pytest.fixture(params=["planted", "plain", "reversed_shop"])
def shop(request: pytest.FixtureRequest) -> Exports:
    return request.getfixturevalue(request.param)


def paid_orders(shop: Exports) -> pd.DataFrame:
    orders = shop.orders
    paid = orders[orders["订单付款时间"] != ""].copy()
    paid["day"] = paid["订单付款时间"].str[:10]
    return paid


def paid_lines(shop: Exports) -> pd.DataFrame:
    paid = paid_orders(shop)[["订单编号", "day", "买家会员名"]]
    return shop.lines.merge(paid, left_on="主订单编号", right_on="订单编号")


def test_lines_add_up_to_their_order_to_the_cent(shop: Exports) -> None:
    goods = shop.lines.groupby("主订单编号")["买家应付货款"].sum()
    orders = shop.orders.set_index("订单编号")
    assert set(goods.index) == set(orders.index)
    assert (goods.reindex(orders.index) == orders["买家应付货款"]).all()
    assert (orders["买家应付货款"] + orders["买家应付邮费"] == orders["总金额"]).all()
    assert (orders["总金额"] > 0).all()
    worth = shop.lines["商品价格"] * shop.lines["购买数量"]
    assert (shop.lines["买家应付货款"] <= worth).all()
    assert (shop.lines["买家应付货款"] > 0).all()


def test_lines_of_the_oldest_generation_belong_to_orders(long_shop: Exports) -> None:
    lines = long_shop.csv("ExportOrderDetailList", "gb18030")
    old = lines[lines["标题"] != ""]
    ids = old["订单编号"].str.extract(r'^="(\d+)"$')[0]
    worth = (cents(old["价格"]) * old["购买数量"].astype(int)).groupby(ids).sum()
    goods = long_shop.orders.set_index("订单编号")["买家应付货款"].reindex(worth.index)
    assert len(worth)
    assert (goods <= worth).all()


def test_ids_are_unique(shop: Exports) -> None:
    assert shop.orders["订单编号"].is_unique
    assert shop.orders["订单编号"].str.fullmatch(r"\d{19}").all()
    assert shop.lines["子订单编号"].is_unique
    assert shop.refunds["退款编号"].is_unique


def test_the_shops_day_is_the_sum_of_its_orders(shop: Exports) -> None:
    paid = paid_orders(shop).groupby("day")
    days = shop.days
    amounts = paid["总金额"].sum().reindex(days.index, fill_value=0)
    assert (cents(days[PAID]) == amounts).all()
    assert amounts.sum() == paid["总金额"].sum().sum()
    buyers = paid["买家会员名"].nunique().reindex(days.index, fill_value=0)
    assert (counts(days["支付买家数"]) == buyers).all()
    placed = shop.orders.groupby(shop.orders["订单创建时间"].str[:10])
    assert (cents(days["下单金额"]) == placed["总金额"].sum().reindex(days.index)).all()


def test_a_products_day_is_the_sum_of_its_lines(shop: Exports) -> None:
    lines = paid_lines(shop).groupby(["day", "商品ID"])
    table = shop.products.set_index(["统计日期", "商品ID"])
    sums = lines["买家应付货款"].sum()
    assert set(sums.index) <= set(table.index)
    told = cents(table[PAID])
    assert (told == sums.reindex(told.index, fill_value=0)).all()
    people = lines["买家会员名"].nunique().reindex(table.index, fill_value=0)
    assert (counts(table["支付买家数"]) == people).all()


def test_products_and_postage_add_up_to_the_shop(shop: Exports) -> None:
    products = cents(shop.products[PAID]).groupby(shop.products["统计日期"]).sum()
    postage = paid_orders(shop).groupby("day")["买家应付邮费"].sum()
    days = cents(shop.days[PAID])
    assert (products.add(postage, fill_value=0).reindex(days.index) == days).all()


def test_nobody_buys_who_did_not_visit(shop: Exports) -> None:
    for table in (shop.products, shop.days):
        visitors = counts(table["商品访客数"])
        for people in ("支付买家数", "下单买家数", "商品加购人数", "商品收藏人数"):
            assert (counts(table[people]) <= visitors).all(), people
        assert (counts(table["支付老买家数"]) <= counts(table["支付买家数"])).all()
        assert (counts(table["商品浏览量"]) >= visitors).all()


def test_visitors_of_products_and_channels_bound_those_of_the_shop(shop: Exports) -> None:
    whole = counts(shop.days["商品访客数"])
    by_product = counts(shop.products["商品访客数"]).groupby(shop.products["统计日期"])
    channels = shop.csv("渠道流量")
    by_channel = counts(channels["访客数"]).groupby(channels["日期"])
    for part in (by_product, by_channel):
        assert (part.max().reindex(whole.index) <= whole).all()
        assert (part.sum().reindex(whole.index) >= whole).all()
    paid = cents(channels[PAID]).groupby(channels["日期"]).sum()
    assert (paid.reindex(whole.index) == cents(shop.days[PAID])).all()


def test_ads_claim_no_more_than_was_paid(shop: Exports) -> None:
    ads = shop.csv("商品报表")
    claimed = cents(ads["总成交金额"]).groupby(ads["日期"]).sum()
    claimed = claimed.add(
        cents(shop.csv("淘宝客佣金")["付款金额"]).groupby(shop.csv("淘宝客佣金")["日期"]).sum()
    )
    assert (claimed <= cents(shop.days[PAID]).reindex(claimed.index)).all()
    assert (
        cents(ads["直接成交金额"]) + cents(ads["间接成交金额"]) == cents(ads["总成交金额"])
    ).all()
    assert (counts(ads["点击量"]) <= counts(ads["展现量"])).all()
    assert claimed.sum() > 0


def test_refunds_agree_with_orders_and_with_the_shops_day(shop: Exports) -> None:
    claims = shop.refunds
    done = claims[claims["退款状态"] == "退款成功"]
    orders = shop.orders.set_index("订单编号")
    back = done.groupby("订单编号")["买家退款金额"].sum().reindex(orders.index, fill_value=0)
    assert (orders["退款金额"] == back).all()
    paid = orders[orders["订单付款时间"] != ""]
    assert (paid["买家实际支付金额"] == paid["总金额"] - paid["退款金额"]).all()
    by_day = done.groupby(done["退款完结时间"].str[:10])["买家退款金额"].sum()
    told = cents(shop.days["成功退货退款金额"])
    assert (told == by_day.reindex(told.index, fill_value=0)).all()
    assert (claims["退款的申请时间"] >= claims["订单付款时间"]).all()
    waiting = claims["退款状态"].str.startswith("买家已经申请退款")
    assert (claims.loc[waiting, "退款完结时间"] == "").all()


def in_parts(shop: Exports, lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of sets as lines of what is inside."""
    kit = shop.truths["kit"]
    if kit is None:
        return lines
    whole = lines["商家编码"] == kit["kit_sku_id"]
    parts = [
        lines[whole].assign(商家编码=sku, 购买数量=lines.loc[whole, "购买数量"] * units)
        for sku, units in kit["parts"].items()
    ]
    return pd.concat([lines[~whole], *parts])


def test_stock_falls_by_what_ships_and_rises_by_what_comes(shop: Exports) -> None:
    stock = shop.csv("库存快照")
    held = (
        counts(stock["在库数量"])
        .groupby([stock["SKU编码"], stock["日期"]])
        .sum()
        .unstack("SKU编码")
    )
    lines = shop.lines.merge(
        shop.orders[["订单编号", "发货时间"]], left_on="主订单编号", right_on="订单编号"
    )
    early = shop.refunds[shop.refunds["货物状态"] == "未发货"]
    kept_back = set(zip(early["订单编号"], early["商品编码"], strict=True))
    left = [
        when != "" and (order, sku) not in kept_back
        for when, order, sku in zip(
            lines["发货时间"], lines["主订单编号"], lines["商家编码"], strict=True
        )
    ]
    lines = in_parts(shop, lines[left])
    out = lines.groupby([lines["发货时间"].str[:10], "商家编码"])["购买数量"].sum().unstack()
    bought = shop.csv("采购进度")
    came = bought[(bought["阶段"] == "receipt") & (bought["实际完成"] != "")]
    into = counts(came["入库数量"]).groupby([came["实际完成"], came["SKU编码"]]).sum().unstack()
    like = held.iloc[1:]
    expected = into.reindex_like(like).fillna(0) - out.reindex_like(like).fillna(0)
    pd.testing.assert_frame_equal(
        held.diff().iloc[1:], expected, check_names=False, check_dtype=False
    )
    assert (counts(stock["在库数量"]) >= 0).all()
    assert (counts(stock["占用数量"]) >= 0).all()


def test_an_orders_state_follows_from_its_moments(shop: Exports) -> None:
    orders = shop.orders
    paid, shipped = orders["订单付款时间"] != "", orders["发货时间"] != ""
    state = orders["订单状态"]
    assert not paid[state == "等待买家付款"].any()
    assert paid[
        state.isin(["买家已付款，等待卖家发货", "卖家已发货，等待买家确认", "交易成功"])
    ].all()
    assert not shipped[state == "买家已付款，等待卖家发货"].any()
    assert shipped[state.isin(["卖家已发货，等待买家确认", "交易成功"])].all()
    assert (orders.loc[shipped, "发货时间"] > orders.loc[shipped, "订单付款时间"]).all()
    assert (orders.loc[paid, "订单付款时间"] >= orders.loc[paid, "订单创建时间"]).all()
    parcels = shop.csv("物流账单")
    assert set(parcels["订单编号"]) == set(orders.loc[shipped, "订单编号"])
    got = parcels[parcels["签收时间"] != ""]
    assert (got["签收时间"] > got["揽收时间"]).all()
    assert (got["揽收时间"] > got["发货时间"]).all()


def test_some_orders_wait_and_some_of_them_too_long(shop: Exports) -> None:
    listed = shop.csv("ERP订单履约").set_index("平台订单号")
    waiting = shop.orders[shop.orders["订单状态"] == "买家已付款，等待卖家发货"]["订单编号"]
    due = listed.loc[waiting, "最晚发货时间"]
    assert 5 < len(due) < 200
    assert 0 < (due < "2026-10-28").sum() < len(due)


def test_pre_sale_orders_wait_for_november_with_their_deposits_paid(shop: Exports) -> None:
    orders = shop.orders[shop.orders["预售订单"] == "是"]
    stages = orders["分阶段订单信息"].str.extract(
        r"^定金 (\d+\.\d\d)元 (已付款 [-\d: ]+|未付款)；尾款 (\d+\.\d\d)元 (未付款)$"
    )
    assert stages.notna().all(axis=None)
    assert (cents(stages[0]) + cents(stages[2]) == orders["总金额"]).all()
    assert (orders["订单付款时间"] == "").all()
    owed = stages[1].str.startswith("已付款")
    assert owed.sum() > 5
    assert (orders.loc[owed, "订单状态"] == "等待买家付款").all()
    assert (orders["订单创建时间"] >= "2026-10-20").all()


def test_balances_of_last_years_pre_sale_were_paid_from_november(long_shop: Exports) -> None:
    listed = long_shop.csv("ERP订单履约")
    mine = listed[(listed["活动"] == "双11-2025") & (listed["定金支付时间"] != "")]
    orders = long_shop.orders.set_index("订单编号").loc[mine["平台订单号"]]
    paid = orders[orders["订单付款时间"] != ""]
    assert len(paid)
    assert (paid["订单付款时间"] >= "2025-11-01").all()
    assert set(orders.loc[orders["订单付款时间"] == "", "订单状态"]) <= {"交易关闭"}


def test_reviews_come_after_receipt(shop: Exports) -> None:
    reviews = shop.csv("评价导出").merge(shop.csv("物流账单"), on="订单编号")
    assert len(reviews) == len(shop.csv("评价导出"))
    assert (reviews["评价时间"] > reviews["签收时间"]).all()
    assert reviews["星级"].isin(list("12345")).all()


def test_buyers_come_back(shop: Exports) -> None:
    orders = shop.orders
    per_buyer = orders.groupby("买家会员名").size()
    assert 1.1 < per_buyer.mean() < 3
    assert per_buyer.max() >= 5


def test_a_basket_is_heavy_tailed(shop: Exports) -> None:
    units = shop.lines.groupby("主订单编号")["购买数量"].sum()
    assert units.median() == 1
    assert units.max() >= 8
