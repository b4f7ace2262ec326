"""Own campaigns, creators and keywords: what was planted is in the exports, by plain pandas."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from demo_exports import Exports, cents, counts
from demo_lives import lived

from ecops_lib.campaigns.written import make_campaign
from ecops_lib.data.demo import Truths, write_demo
from ecops_lib.data.demo.bids import spend_levels
from ecops_lib.data.demo.life import Life
from ecops_lib.data.demo.truths import CreatorSessions, OwnCampaign
from ecops_lib.data.demo_store import make_demo_store
from ecops_lib.data.store import open_store

LAST = dt.date(2026, 10, 27)
IDLE = ("burst", "before", "after", "cannibalised", "halo")


@pytest.fixture(scope="module")
def idle() -> Life:
    """The default shop whose tea festival does nothing."""
    return lived(own_campaigns=OwnCampaign(lift=1))


@pytest.fixture(scope="module")
def sold(whole_shop: Exports) -> pd.DataFrame:
    """Paid lines of all generations, with the day of payment and the product."""
    lines = whole_shop.csv("ExportOrderDetailList", "gb18030")
    old = lines["标题"] != ""
    number = lines["订单编号"].where(old, lines["主订单编号"]).str.extract(r"(\d+)")[0]
    title = lines["标题"].where(old, lines["商品标题"])
    paid = whole_shop.orders.set_index("订单编号")["订单付款时间"].str[:10]
    ledger = whole_shop.csv("ERP订单履约").set_index("平台订单号")
    goods = whole_shop.csv("商品成本表").set_index("商品名称")["商品ID"]
    held = pd.DataFrame(
        {
            "order": number,
            "product": title.map(goods),
            "units": lines["购买数量"].astype(int),
            "day": number.map(paid),
            "campaign": number.map(ledger["活动"]),
            "creator": number.map(ledger["达人编号"]),
        }
    )
    return held[held["day"] != ""]


def within(sold: pd.DataFrame, first: str, last: str, products: list[str]) -> pd.DataFrame:
    return sold[sold["day"].between(first, last) & sold["product"].isin(products)]


def around(told: dict[str, object]) -> dict[str, tuple[str, str]]:
    first, last = told["phases"]["burst"]
    later = [str(dt.date.fromisoformat(last) + dt.timedelta(days=n)) for n in (1, 7)]
    return {
        "burst": (first, last),
        "before": tuple(told["phases"]["warmup"]),
        "after": tuple(later),
    }


def test_what_each_edition_did_is_what_the_exports_count(
    whole_shop: Exports, sold: pd.DataFrame
) -> None:
    editions = whole_shop.truths["own_campaigns"]
    assert [e["campaign_id"] for e in editions] == ["秋茶节-2025", "春茶节-2026", "秋茶节-2026"]
    for told in editions:
        for part, days in around(told).items():
            mine = within(sold, *days, told["product_ids"])
            assert (len(mine), mine["units"].sum()) == (told[part]["lines"], told[part]["units"])
        for part in ("cannibalised", "halo"):
            mine = within(sold, *told["phases"]["burst"], [told[part]["product_id"]])
            assert len(mine) == told[part]["lines"]
        assert {told["cannibalised"]["product_id"], told["halo"]["product_id"]}.isdisjoint(
            told["product_ids"]
        )


def test_the_festival_lifts_borrows_takes_and_gives(whole_shop: Exports) -> None:
    for told in whole_shop.truths["own_campaigns"]:
        for part in IDLE:
            more, expected = told[part]["lines_more"], told["expected"][part]
            assert more == pytest.approx(expected, abs=4 * abs(expected) ** 0.5 + 4), part
            assert np.sign(more) == np.sign(expected)
            assert told[part]["lines"] - told[part]["lines_usual"] == more
        assert told["burst"]["lines"] / told["burst"]["lines_usual"] == pytest.approx(2.2, abs=0.45)
        assert told["net_lines"] == sum(told[part]["lines_more"] for part in IDLE)
        assert 0 < told["net_lines"] < told["burst"]["lines_more"]


def test_the_sale_stands_out_against_the_weeks_around(
    whole_shop: Exports, sold: pd.DataFrame
) -> None:
    told = whole_shop.truths["own_campaigns"][-1]
    first = dt.date.fromisoformat(told["phases"]["burst"][0])
    usual = [str(first - dt.timedelta(days=n)) for n in (31, 4)]
    before = len(within(sold, *usual, told["product_ids"])) / 28
    held = {part: len(within(sold, *d, told["product_ids"])) for part, d in around(told).items()}
    assert held["burst"] / 7 > 1.7 * before
    assert (held["before"] + held["after"]) / 10 < 0.8 * before
    others = sold[~sold["product"].isin([*told["product_ids"], *sisters(told)])]
    rest = [len(others[others["day"].between(*d)]) for d in (usual, told["phases"]["burst"])]
    assert rest[1] / 7 == pytest.approx(rest[0] / 28, rel=0.15)


def sisters(told: dict[str, object]) -> list[str]:
    return [told[part]["product_id"] for part in ("cannibalised", "halo")]


def test_a_festival_without_lift_does_nothing_but_is_written_down(idle: Life) -> None:
    from ecops_lib.data.demo.answers import tell_truths
    from ecops_lib.data.demo.campaigns import write_campaigns
    from ecops_lib.data.demo.surroundings import make_events_sheet

    for told in tell_truths(idle)["own_campaigns"]:
        assert all(told[part][f"{n}_more"] == 0 for part in IDLE for n in ("lines", "paid_amount"))
        assert told["burst"]["orders_on_top"] == told["offers"]["merchant"] == 0
        assert set(told["expected"].values()) == {0.0}
        assert told["refunds"]["factor"] == 1.0
    held = write_campaigns(idle.world, idle.traffic, idle.ads)
    assert "promotions" not in held["秋茶节-2026"]
    assert "秋茶节爆发" in make_events_sheet(idle.world, idle.season).columns["name"][1]


def test_the_usual_orders_are_the_same_with_and_without_the_festival(idle: Life) -> None:
    """Common random numbers: nothing but what the festival adds and takes is other."""
    held = lived()
    for name in ("product", "sku", "quantity", "payable"):
        same = [getattr(life.trade.without.lines, name) for life in (held, idle)]
        assert np.array_equal(*same)
    paid = [life.trade.without.paid_at for life in (held, idle)]
    assert np.array_equal(*paid, equal_nan=True)


def test_the_offers_are_what_the_orders_lack(planted: Exports) -> None:
    """A tenth off promoted lines and at times the coupon: never less was paid than that."""
    told = planted.truths["own_campaigns"][-1]
    lines = planted.lines[planted.lines["商品ID"].isin(told["product_ids"])]
    inside = lines["订单创建时间"].str[:10].between(*told["phases"]["burst"])
    worth = lines["商品价格"] * lines["购买数量"]
    share = lines["买家应付货款"] / worth
    assert (share[inside] <= 0.9 + 1 / worth[inside]).all()
    assert (share[~inside] > 0.93).mean() > 0.6
    assert told["offers"]["merchant"] > told["offers"]["merchant_on_usual_orders"] > 0


def test_more_of_the_sale_comes_back(whole_shop: Exports) -> None:
    held = [told["refunds"] for told in whole_shop.truths["own_campaigns"]]
    rate = sum(h["claimed_after_receipt"] for h in held) / sum(h["lines"] for h in held)
    claims = whole_shop.refunds
    usual = (claims["货物状态"] == "买家已收到货").sum() / whole_shop.truths["orders"] / 1.5
    assert rate > 1.5 * usual


def test_carts_and_favourites_gather_in_the_warm_up(planted: Exports) -> None:
    told = planted.truths["own_campaigns"][-1]
    table = planted.products[planted.products["商品ID"].isin(told["product_ids"])]
    warm = table["统计日期"].between(*told["phases"]["warmup"])
    for people in ("商品加购人数", "商品收藏人数"):
        rate = [
            counts(table.loc[days, people]).sum() / counts(table.loc[days, "商品访客数"]).sum()
            for days in (warm, ~warm)
        ]
        assert rate[0] > 1.5 * rate[1]


def test_the_members_days_are_on_their_second_day(whole_shop: Exports, sold: pd.DataFrame) -> None:
    told = whole_shop.truths["live_campaign"]
    assert told["phases"]["burst"] == ["2026-10-26", "2026-10-29"]
    assert [e["phases"]["burst"][0] for e in told["editions"]] == [
        "2025-07-26", "2025-10-26", "2026-01-26", "2026-04-26", "2026-07-26", "2026-10-26",
    ]  # fmt: skip
    for edition in told["editions"]:
        mine = within(sold, *edition["phases"]["burst"], told["product_ids"])
        assert len(mine) == edition["lines"] > 1.3 * edition["lines_usual"]
        # a product may get into a basket after the offers were dealt out (habits, mailings)
        assert (mine["campaign"] == edition["campaign_id"]).mean() > 0.9


def test_the_hot_product_runs_out_before_the_members_days_end(whole_shop: Exports) -> None:
    told = whole_shop.truths["live_campaign"]["runs_out"]
    stock = whole_shop.csv("库存快照").query("日期 == @LAST.isoformat()")
    mine = stock[stock["SKU编码"] == told["sku_id"]]
    assert counts(mine["在库数量"]).sum() == told["units_left"]
    assert 0 < told["units_left"] < 2 * told["units_a_day"]
    assert told["comes"] > "2026-10-29"


@pytest.mark.parametrize(
    ("months", "last_day", "editions", "running"),
    [
        (3, dt.date(2026, 10, 27), ["秋茶节-2026"], ["2026-10-26"]),
        (3, dt.date(2026, 9, 20), [], ["2026-09-19"]),
        (5, dt.date(2026, 3, 31), [], ["2026-03-30", "2025-12-30"]),
    ],
)
def test_editions_move_with_the_shops_days(
    tmp_path: Path, months: int, last_day: dt.date, editions: list[str], running: list[str]
) -> None:
    shop = write_demo(tmp_path, months=months, last_day=last_day, orders=600)
    assert [told["campaign_id"] for told in shop.truths["own_campaigns"]] == editions
    begun = [told["phases"]["burst"][0] for told in shop.truths["live_campaign"]["editions"]]
    assert begun == running[::-1]
    for campaign_id, held in shop.campaigns.items():
        assert make_campaign(campaign_id, held).selling[0] <= last_day


def test_a_plain_shop_has_none_of_it(plain: Exports) -> None:
    assert not plain.shop.campaigns
    for name in ("own_campaigns", "live_campaign", "creators", "keywords"):
        assert plain.truths[name] is None
    assert not plain.files("达人合作台账")
    assert not plain.files("关键词报表")
    names = plain.csv("店铺大事记")["事件"]
    assert not names.str.contains("茶节|会员日").any()
    assert set(plain.csv("ERP订单履约")["达人编号"]) == {""}


# Creators


def test_creators_sell_in_their_sessions(whole_shop: Exports, sold: pd.DataFrame) -> None:
    sessions = whole_shop.csv("达人合作台账")
    placed = whole_shop.csv("ERP订单履约").query("达人编号 != ''")
    for told in whole_shop.truths["creators"]:
        own = sessions[sessions["达人编号"] == told["creator_id"]]
        mine = placed[placed["达人编号"] == told["creator_id"]]
        assert len(own) == told["held"]
        assert len(mine) == told["orders_on_top"]
        assert cents(own["坑位费"]).sum() / 100 == told["slot_fees"]
        assert set(mine["成交渠道"]) == {"直播" if told["kind"] == "live" else "短视频"}
        inside = [
            ((own["开始时间"] <= at) & (own["结束时间"] >= at)).any() for at in mine["下单时间"]
        ]
        assert all(inside)
        bought = sold[sold["creator"] == told["creator_id"]]
        assert set(bought["product"]) <= set(told["product_ids"])
        assert bought["order"].nunique() == told["orders_paid"]


def test_one_creators_sales_come_back_and_one_costs_more_than_he_brings(
    whole_shop: Exports,
) -> None:
    told = {t["creator_id"]: t for t in whole_shop.truths["creators"]}
    claims = whole_shop.refunds
    ledger = whole_shop.csv("ERP订单履约").set_index("平台订单号")["达人编号"]
    late = claims[claims["货物状态"] == "买家已收到货"]
    by = late["订单编号"].map(ledger).value_counts()
    rate = {k: by.get(k, 0) / t["lines_received"] for k, t in told.items()}
    assert rate["D002"] == pytest.approx(0.4, abs=0.15)
    many = [k for k, t in told.items() if t["lines_received"] >= 25]
    assert len(many) == 5
    assert all(rate[k] < 0.2 for k in many if k != "D002")
    assert told["D003"]["slot_fees"] > 2 * told["D003"]["paid_amount"]
    assert told["D001"]["left"] > 0 > told["D003"]["left"]


def test_without_creators_nobody_is_named(tmp_path: Path) -> None:
    truths = Truths(creators=CreatorSessions(creators=()))
    shop = write_demo(tmp_path, months=3, orders=600, truths=truths)
    assert shop.truths["creators"] == []
    assert not list(shop.exports.glob("达人合作台账*"))


# Keywords


def by_row(table: pd.DataFrame) -> pd.DataFrame:
    """Sums of what both ad reports tell, by day, plan and product."""
    names = ["花费", "直接成交金额", "间接成交金额", "总成交金额"]
    plain = ["展现量", "点击量", "总成交笔数", "总购物车数", "收藏宝贝数", "成交新客数"]
    held = pd.DataFrame({n: cents(table[n]) for n in names} | {n: counts(table[n]) for n in plain})
    return held.groupby([table["日期"], table["计划ID"], table["主体ID"]]).sum()


def test_the_report_by_keyword_adds_up_to_the_report_by_item(planted: Exports) -> None:
    words = by_row(planted.csv("关键词报表"))
    items = by_row(planted.csv("商品报表")).reindex(words.index)
    pd.testing.assert_frame_equal(words, items)
    assert set(words.index.get_level_values("计划ID")) == {"70010001", "70010002"}


def test_words_waste_starve_or_are_young(whole_shop: Exports) -> None:
    told = whole_shop.truths["keywords"]
    report = whole_shop.csv("关键词报表")
    sums = (
        pd.DataFrame(
            {
                "clicks": counts(report["点击量"]),
                "orders": counts(report["总成交笔数"]),
                "cost": cents(report["花费"]) / 100,
            }
        )
        .groupby(report["关键词"])
        .sum()
    )
    for word in told["words"]:
        row = sums.loc[word["word"]]
        assert (row["clicks"], row["orders"]) == (word["clicks"], word["orders"])
        assert row["cost"] == pytest.approx(word["cost"])
    rate = sums["orders"] / sums["clicks"]
    usual = sums["orders"].sum() / sums["clicks"].sum()
    assert len(sums) == 35
    assert (rate[told["wasteful"]] < usual / 5).all()
    assert (sums.loc[told["wasteful"], "clicks"] > 500).all()
    assert (rate[told["starved"]] > 2.5 * usual).all()
    assert (sums.loc[told["starved"], "cost"] < 0.02 * sums["cost"].sum()).all()
    assert sums.loc[told["young"], ["clicks", "orders"]].to_numpy().tolist() == [[10, 0]]


def test_spending_more_brings_more_but_ever_less(whole_shop: Exports) -> None:
    """Visits through the plans grow with the planted power of the spend; so clicks get dearer."""
    life = lived()
    told = whole_shop.truths["keywords"]["response"]
    table = whole_shop.csv("商品报表")
    first = np.datetime64(life.world.first_day)
    for plan_id in told["plans"]:
        mine = table[table["计划ID"] == plan_id]
        daily = pd.DataFrame(
            {"cost": cents(mine["花费"]), "clicks": counts(mine["点击量"])}
        ).groupby(mine["日期"]).sum()  # fmt: skip
        place = (daily.index.to_numpy().astype("datetime64[D]") - first).astype(int)
        level = np.log(spend_levels(life.world, plan_id)[place])
        quiet = (
            (place < len(life.world.days) - 40)
            & (life.season.visitors[place] < 1.35)
            & (life.season.visitors[place] > 0.7)
        )
        slope = {
            name: np.polyfit(level[quiet], np.log(daily[name].to_numpy()[quiet]), 1)[0]
            for name in ("clicks", "cost")
        }
        assert slope["clicks"] == pytest.approx(told["elasticity"], abs=0.06)
        assert slope["cost"] == pytest.approx(1, abs=0.06)


# The store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "shop"
    make_demo_store(folder)
    return folder


def test_the_store_holds_campaigns_sessions_and_every_click_once(store: Path) -> None:
    held = tomllib.loads((store / "store.toml").read_text("utf-8"))["campaigns"]
    assert list(held)[-2:] == ["会员日-2026-10", "双11-2026"]
    offers = held["秋茶节-2026"]["promotions"]
    assert [offer["kind"] for offer in offers] == ["discount", "coupon"]
    shop = open_store(store)
    ads = shop.frame("ads")
    exports = [p for p in (store / "exports").iterdir() if "商品报表" in p.name]
    told = sum(
        cents(pd.read_csv(p, dtype=str, encoding="utf-8-sig")["花费"]).sum() for p in exports
    )
    mine = ads["campaign_id"] != "taoke"
    assert round(float(ads.loc[mine, "cost"].sum()) * 100) == told
    words = ads[ads["keyword"] != "*"]
    whole = ads[ads["keyword"] == "*"]
    keys = ["day", "campaign_id", "product_id"]
    assert len(words)
    assert whole.merge(words[keys].drop_duplicates(), on=keys).empty
    assert len(shop.frame("live_sessions")) == 97
    creators = shop.frame("orders")["creator_id"].dropna()
    assert creators.nunique() == 6
