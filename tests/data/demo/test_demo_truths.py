"""Each truth really is in the exports, and not in those of a shop without it."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from demo_exports import Exports, cents, counts

from ecops_lib.data.demo.catalogue import make_catalogue
from ecops_lib.data.demo.season import make_season
from ecops_lib.data.demo.truths import CampaignLift, Truths
from ecops_lib.data.demo.world import World

LAST = "2026-10-27"
BEST = "681204117306"
FRAGILE = "681205417723"
GONE = "681206718140"


def product_days(shop: Exports, product: str) -> pd.DataFrame:
    mine = shop.products[shop.products["商品ID"] == product].set_index("统计日期").sort_index()
    return pd.DataFrame(
        {"visitors": counts(mine["商品访客数"]), "buyers": counts(mine["支付买家数"])}
    )


def conversion_z(shop: Exports) -> float:
    """Buyers of the last day against the conversion of the four weeks before the last three."""
    days = product_days(shop, BEST)
    usual = days.iloc[-31:-3].sum()
    rate = usual["buyers"] / usual["visitors"]
    expected = days["visitors"].iloc[-1] * rate
    return (days["buyers"].iloc[-1] - expected) / np.sqrt(expected * (1 - rate))


def channel_change(shop: Exports, channel: str) -> float:
    table = shop.csv("渠道流量")
    mine = counts(table[table["流量来源"] == channel].set_index("日期")["访客数"]).sort_index()
    return mine.iloc[-1] / mine.iloc[-29:-1].mean() - 1


def test_the_best_sellers_conversion_falls_and_its_visitors_do_not(planted: Exports) -> None:
    days = product_days(planted, BEST)
    assert conversion_z(planted) < -3
    assert abs(days["visitors"].iloc[-1] / days["visitors"].iloc[-29:-3].mean() - 1) < 0.15
    told = planted.truths["conversion_drop"]
    assert told["product_id"] == BEST
    assert told["buyers"] == days["buyers"].iloc[-3:].tolist()
    assert told["z_last_day"] == pytest.approx(conversion_z(planted), abs=0.01)


def test_conversion_rises_when_the_truth_is_reversed(reversed_shop: Exports) -> None:
    assert conversion_z(reversed_shop) > 2.5
    assert channel_change(reversed_shop, "直通车") > 0.5
    [event] = reversed_shop.csv("店铺大事记").query("类型 == 'price'").to_dict("records")
    assert float(event["变更后"]) < float(event["变更前"])


def test_nothing_unusual_happens_in_a_plain_shop(plain: Exports) -> None:
    assert abs(conversion_z(plain)) < 2.6
    assert abs(channel_change(plain, "直通车")) < 0.3
    assert (counts(plain.csv("库存快照")["在库数量"]) > 0).all()
    assert (plain.csv("库存快照")["缺货小时数"] == "0").all()
    claims = plain.refunds[plain.refunds["退款的申请时间"].str[:10] == LAST]
    assert claims.groupby("商品id").size().max() <= 4
    assert "price" not in set(plain.csv("店铺大事记")["类型"])


def test_the_price_increase_is_recorded_and_charged(planted: Exports) -> None:
    events = planted.csv("店铺大事记")
    [event] = events[events["类型"] == "price"].to_dict("records")
    assert event["商品ID"] == BEST
    assert event["开始日期"] == planted.truths["conversion_drop"]["from"]
    lines = planted.lines[
        (planted.lines["商品ID"] == BEST) & planted.lines["商品属性"].str.contains("标准款")
    ]
    after = lines["订单创建时间"] >= event["开始日期"]
    assert set(lines.loc[after, "商品价格"]) == {round(float(event["变更后"]) * 100)}
    assert set(lines.loc[~after, "商品价格"]) == {round(float(event["变更前"]) * 100)}


def low_reviews(shop: Exports) -> pd.Series:
    table = shop.csv("评价导出")
    mine = table[(table["商品ID"] == BEST) & table["星级"].isin(["1", "2"])]
    return mine.groupby(mine["评价时间"].str[:10]).size()


def test_low_reviews_gather_before_the_last_day_only_where_planted(
    planted: Exports, plain: Exports
) -> None:
    recent = [str(dt.date(2026, 10, 24) + dt.timedelta(days=n)) for n in range(4)]
    assert low_reviews(planted).reindex(recent, fill_value=0).sum() >= 14
    assert low_reviews(plain).reindex(recent, fill_value=0).sum() <= 5


def test_the_channel_loses_its_visitors_and_its_budget(planted: Exports) -> None:
    assert channel_change(planted, "直通车") == pytest.approx(-0.6, abs=0.12)
    assert abs(channel_change(planted, "手淘搜索")) < 0.2
    ads = planted.csv("商品报表")
    cost = (
        cents(ads["花费"])[ads["场景名字"] == "关键词推广"].groupby(ads["日期"]).sum().sort_index()
    )
    assert cost.iloc[-1] / cost.iloc[-29:-1].mean() - 1 == pytest.approx(-0.6, abs=0.15)


def test_what_is_out_of_stock_is_not_sold(planted: Exports) -> None:
    stock = planted.csv("库存快照")
    mine = stock[(stock["商品ID"] == GONE) & (stock["日期"] >= planted.truths["stock_out"]["from"])]
    assert set(mine["SKU编码"]) == set(planted.truths["stock_out"]["sku_ids"])
    assert set(mine["在库数量"]) == {"0"}
    assert set(mine["缺货小时数"]) == {"24"}
    days = product_days(planted, GONE)
    assert days["buyers"].iloc[-2:].tolist() == [0, 0]
    assert days["buyers"].iloc[-30:-2].mean() > 2
    assert (days["visitors"].iloc[-2:] > 10).all()
    sold = planted.lines[planted.lines["商品ID"] == GONE]["订单付款时间"]
    assert (sold[sold != ""] < planted.truths["stock_out"]["from"]).all()
    short = {row["sku_id"] for row in planted.truths["shortages"]}
    others = stock[(stock["商品ID"] != GONE) & ~stock["SKU编码"].isin(short)]
    assert (counts(others["在库数量"]) > 0).all()


def test_the_refund_wave_has_one_product_and_one_reason(planted: Exports) -> None:
    claims = planted.refunds
    today = claims[claims["退款的申请时间"].str[:10] == LAST]
    mine = today[today["商品id"] == FRAGILE]
    assert len(mine) == planted.truths["refund_wave"]["claims"] >= 15
    assert (mine["买家退款原因"] == "商品破损").mean() > 0.9
    before = claims[(claims["商品id"] == FRAGILE) & (claims["退款的申请时间"].str[:10] < LAST)]
    assert before.groupby(before["退款的申请时间"].str[:10]).size().max() <= 5
    assert len(today) - len(mine) < 15


def world(truths: Truths) -> World:
    return World(
        seed=1,
        first_day=dt.date(2025, 4, 28),
        last_day=dt.date(2026, 10, 27),
        orders=1000,
        truths=truths,
        catalogue=make_catalogue(np.random.default_rng(1)),
    )


def test_campaigns_lift_orders_by_what_was_planted_and_borrow_around() -> None:
    lift = CampaignLift(orders={"双11": 3.0}, pull_forward=0.2)
    seasons = [make_season(world(truths)) for truths in (Truths(campaign_lift=lift), Truths.none())]
    with_lift, without = (
        pd.Series(s.visitors * s.conversion, world(Truths()).days) for s in seasons
    )
    ratio = with_lift / without
    assert ratio["2025-11-10":"2025-11-11"].to_numpy() == pytest.approx(3.0)
    assert ratio["2025-11-04":"2025-11-09"].to_numpy() == pytest.approx(0.8)
    assert ratio["2025-10-20":"2025-10-31"].to_numpy() == pytest.approx(0.8)
    assert ratio["2025-11-14":"2025-11-18"].to_numpy() == pytest.approx(0.8)
    assert ratio["2026-06-16":"2026-06-18"].to_numpy() == pytest.approx(1.0)


def test_campaigns_move_conversion_down_while_people_wait_and_up_while_they_buy() -> None:
    seasons = [make_season(world(truths)) for truths in (Truths(), Truths.none())]
    with_lift, without = (pd.Series(s.conversion, world(Truths()).days) for s in seasons)
    ratio = with_lift / without
    assert ratio["2025-10-20":"2025-10-31"].between(0.9, 0.99).all()
    assert ratio["2025-11-04":"2025-11-09"].between(0.9, 0.99).all()
    assert (ratio["2025-11-10":"2025-11-11"] > 1.3).all()
    assert ratio["2025-09-01":"2025-09-30"].to_numpy() == pytest.approx(1.0)


def test_the_competitor_cuts_its_price_only_where_planted(planted: Exports, plain: Exports) -> None:
    told = planted.truths["competitor_cut"]
    for shop, cut in ((planted, True), (plain, False)):
        table = shop.csv("竞品监控")
        mine = table[table["竞品ID"] == told["item_id"]].set_index("日期")
        price = cents(mine["到手价"]).sort_index()
        recent, before = price[told["from"] :], price[: told["from"]].iloc[:-1]
        assert set(mine["对应本店商品ID"]) == {told["product_id"]}
        assert (recent.max() < 0.9 * before.median()) is np.bool_(cut)


def test_the_industry_moves_without_the_shop_only_where_planted(
    planted: Exports, plain: Exports
) -> None:
    told = planted.truths["market_moves"]
    moved, still = (
        shop.csv("行业大盘")
        .astype({"指数": float})
        .pivot(index="日期", columns=["指标", "行业类目"], values="指数")
        for shop in (planted, plain)
    )
    ratio = (moved / still)["行业访客指数"]
    beside = ratio.div(ratio["茶叶"], axis=0)
    since = beside.loc[told["from"] :, told["category"]].to_numpy()
    assert since == pytest.approx(told["factor"], rel=1e-4)
    assert beside.drop(columns=told["category"]).to_numpy() == pytest.approx(1.0, rel=1e-4)
    assert f"搜索词:{told['rising']}" not in still
    assert not any(told["rising"] in name for name in planted.csv("商品成本表")["商品名称"])


def treated_share(shop: Exports, segment: str) -> tuple[float, int]:
    table = shop.csv("实验曝光").query("实验编号 == '主图测试'").drop_duplicates("访客编号")
    mine = table[table["设备"] == segment]["版本"]
    return (mine == "新主图").mean(), len(mine)


def test_the_split_is_uneven_in_its_segment_alone(planted: Exports, plain: Exports) -> None:
    def z(share: float, count: int) -> float:
        return (share - 0.5) / np.sqrt(0.25 / count)

    assert z(*treated_share(planted, "安卓")) < -4
    assert abs(z(*treated_share(planted, "苹果"))) < 3
    assert abs(z(*treated_share(plain, "安卓"))) < 3


def test_truths_json_is_what_the_function_returns(planted: Exports) -> None:
    held = json.loads((planted.shop.folder / "truths.json").read_text("utf-8"))
    assert held == planted.truths
    assert held["files"] == sorted(path.name for path in planted.folder.iterdir())
