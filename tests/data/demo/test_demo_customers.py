"""Lifetimes, habits and mailings of the demo shop, recounted from its exports."""

from __future__ import annotations

import datetime as dt
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from demo_exports import Exports, cents
from demo_lives import lived
from scipy import stats

from ecops_lib.customers.lifetime import fit_histories, forecast_total
from ecops_lib.customers.lifetime.likelihood import History, log_likelihood
from ecops_lib.customers.purchases import Histories
from ecops_lib.data.demo import DemoShop
from ecops_lib.data.demo.buyers import LIFETIME
from ecops_lib.data.demo.hands import region_of
from ecops_lib.data.demo.life import Life
from ecops_lib.data.demo.truths import Habit, Habits, MailingLift

AS_OF = dt.date(2026, 10, 27)
WEEK = 7.0


@pytest.fixture(scope="module")
def shop(whole_shop: Exports) -> DemoShop:
    return whole_shop.shop


@pytest.fixture(scope="module")
def unmoved() -> Life:
    """The default shop without habits and mailings."""
    return lived(tags=None, contacts=None)


@pytest.fixture(scope="module")
def moved() -> Life:
    """The default shop."""
    return lived()


def test_the_default_shop_has_its_size(shop: DemoShop) -> None:
    assert abs(shop.orders - 25_000) < 5 * 25_000**0.5
    size = sum(path.stat().st_size for path in shop.exports.iterdir())
    assert size < 25_000_000
    assert shop.truths["first_day"] == "2025-04-28"
    assert shop.truths["last_day"] == "2026-10-27"
    assert shop.truths["conversion_drop"]["z_all_days"] < -5
    assert shop.truths["conversion_drop"]["z_last_day"] < -3
    assert shop.truths["channel_loss"]["z_last_day"] < -5


def histories(life: Life, *, until: float) -> pd.DataFrame:
    """Repeat purchases of those who joined in the shop's life, on its own clock, in days."""
    buyer, at = life.trade.orders.buyer, life.trade.buyers.at
    mine = ~life.trade.buyers.known_before[buyer] & (at < until)
    seen = pd.Series(at[mine]).groupby(buyer[mine]).agg(["min", "max", "size"])
    days = len(life.world.days)
    return pd.DataFrame(
        {
            "x": seen["size"] - 1.0,
            "tx": (seen["max"] - seen["min"]) * days,
            "T": (until - seen["min"]) * days,
            "customers": 1.0,
        }
    )


def in_weeks(frame: pd.DataFrame) -> History:
    scale = {"x": 1, "tx": WEEK, "T": WEEK, "customers": 1}
    return History(**{name: frame[name].to_numpy() / unit for name, unit in scale.items()})


def test_the_librarys_fit_recovers_the_lifetimes_on_the_shops_own_clock(unmoved: Life) -> None:
    """The planted parameters lie in the 95 % region of the likelihood ratio (4 parameters)."""
    frame = histories(unmoved, until=1.0)
    fit = fit_histories(Histories(frame=frame, as_of=AS_OF), models=("bg", "mbg"))
    bg, mbg = fit.models
    weeks = len(unmoved.world.days) / WEEK
    truth = np.array([*LIFETIME.values()]) * [1, weeks, 1, 1]
    ratio = 2 * (mbg.log_likelihood - log_likelihood("mbg", truth, in_weeks(frame)).value)
    assert mbg.reached
    assert 0 <= ratio < stats.chi2.ppf(0.95, 4)
    assert mbg.log_likelihood > bg.log_likelihood
    wrong = truth * [1, 1, 1, 0.7]
    assert 2 * (mbg.log_likelihood - log_likelihood("mbg", wrong, in_weeks(frame)).value) > 30


def test_purchases_of_the_last_quarter_are_forecast_within_the_interval(unmoved: Life) -> None:
    split = 0.75
    frame = histories(unmoved, until=split)
    (model,) = fit_histories(Histories(frame=frame, as_of=AS_OF), models=("mbg",)).models
    weeks = (1 - split) * len(unmoved.world.days) / WEEK
    low, high = forecast_total(model, in_weeks(frame), weeks=weeks).interval()
    whole = histories(unmoved, until=1.0)
    made = (whole["x"].reindex(frame.index) - frame["x"]).sum()
    assert low < made < high
    assert high / low < 1.3


def test_lifetimes_tell_the_model_its_clock_and_who_is_still_there(
    shop: DemoShop, moved: Life
) -> None:
    told = shop.truths["lifetimes"]
    assert told["alpha_days"] == pytest.approx(LIFETIME["alpha"] * 548, abs=0.01)
    assert told["buyers"] == shop.truths["buyers"] == len(np.unique(moved.trade.orders.buyer))
    assert told["clock"]["fastest_day"] == "2025-11-11"
    time = np.array(told["clock"]["time"])
    assert (np.diff(time) > 0).all()
    assert time[-1] == pytest.approx(1, abs=1e-3)
    buyers = moved.trade.buyers
    often = np.bincount(moved.trade.orders.buyer, minlength=len(buyers.alive)) >= 8
    gone_long = pd.Series(buyers.at).groupby(buyers.of_order).max() < 0.5
    assert buyers.alive[often].mean() > told["alive_share"]
    assert buyers.alive[gone_long[gone_long].index].mean() < told["alive_share"]


# Habits


def order_facts(shop: Exports) -> pd.DataFrame:
    """One row an order, by nothing but pandas: what a habit can be seen by."""
    lines = shop.csv("ExportOrderDetailList", "gb18030")
    old = lines["标题"] != ""
    name = lines["标题"].where(old, lines["商品标题"])
    price = cents(lines["价格"].where(old, lines["商品价格"]))
    number = lines["订单编号"].where(old, lines["主订单编号"]).str.extract(r"(\d+)")[0]
    goods = shop.csv("商品成本表").set_index("商品名称")["类目"]
    of_category = (price * lines["购买数量"].astype(int)).groupby([number, name.map(goods)]).sum()
    by_category = of_category.unstack(fill_value=0)
    worth = by_category.sum(axis=1)
    main = by_category.idxmax(axis=1).where(2 * by_category.max(axis=1) > worth, "")
    orders = shop.orders.set_index("订单编号")
    claims = shop.refunds[shop.refunds["货物状态"] == "买家已收到货"]["订单编号"]
    return pd.DataFrame(
        {
            "buyer": orders["买家会员名"],
            "night_owl": orders["订单创建时间"].str[11:13].isin(["23", "00", "01"]),
            "price_sensitive": (worth - orders["买家应付货款"]) * 10 >= worth,
            "category": main,
            "high_return": orders.index.isin(set(claims)),
        }
    )


def test_habits_show_in_a_plain_count_of_the_exports(whole_shop: Exports) -> None:
    facts = order_facts(whole_shop)
    assert facts.notna().all(axis=None)
    least = {"night_owl": 0.55, "price_sensitive": 0.7, "high_return": 0.55}
    for name, low in least.items():
        told = whole_shop.truths["tags"][name]
        mine = facts["buyer"].isin(told["nicknames"])
        assert facts.loc[mine, name].mean() == pytest.approx(told["suiting_share"], abs=5e-5)
        rest = facts.loc[~mine, name].mean()
        assert rest == pytest.approx(told["suiting_share_of_others"], abs=5e-5)
        assert told["suiting_share"] > max(low, 2.5 * rest)
        assert told["buyers"] == facts.loc[mine, "buyer"].nunique() > 60
        assert told["orders"] == mine.sum()
    told = whole_shop.truths["tags"]["category_lover"]
    loved = facts["buyer"].map(dict(zip(told["nicknames"], told["categories"], strict=True)))
    hits = (loved == facts["category"])[loved.notna()]
    assert hits.mean() == pytest.approx(told["suiting_share"], abs=5e-5)
    assert told["suiting_share"] > 0.6 > 3 * told["suiting_share_of_others"]


def test_nobody_has_two_habits(shop: DemoShop) -> None:
    names = [name for told in shop.truths["tags"].values() for name in told["nicknames"]]
    assert len(names) == len(set(names))


def test_a_habit_without_strength_is_none() -> None:
    plain = Habit(share=0.5, strength=0.0)
    life = lived(tags=Habits(night_owl=plain))
    hour = (life.trade.orders.created_at.astype("datetime64[h]").astype(int)) % 24
    night = np.isin(hour, (23, 0, 1))
    mine = life.tagged.habit[life.trade.orders.buyer] == 0
    assert abs(night[mine].mean() - night[~mine].mean()) < 4 * sqrt(0.08 * 0.92 / mine.sum())


# What habits and mailings leave as it is


def test_only_names_addresses_and_returning_buyers_change(moved: Life, unmoved: Life) -> None:
    for name, values in vars(moved.trade.orders).items():
        same = pd.Series(values).equals(pd.Series(getattr(unmoved.trade.orders, name)))
        assert same is (name not in ("buyer", "province")), name
    regions = [region_of(life.trade.orders.province) for life in (moved, unmoved)]
    assert np.array_equal(*regions)
    for part in ("lines", "done", "claims"):
        owners = [life.trade if part == "lines" else life for life in (moved, unmoved)]
        one, other = (getattr(owner, part) for owner in owners)
        for name, values in vars(one).items():
            assert pd.Series(values).equals(pd.Series(getattr(other, name))), (part, name)
    for part in ("products", "channels", "shop"):
        one, other = (vars(getattr(life.traffic, part)) for life in (moved, unmoved))
        changed = {name for name in one if not np.array_equal(one[name], other[name])}
        assert changed <= {"old_buyers", "old_amount"}, part


# Mailings


@pytest.fixture(scope="module")
def mailed(whole_shop: Exports) -> pd.DataFrame:
    """One row a member of a mailing, with what the exports say of it."""
    sent = whole_shop.csv("短信触达")
    sent["sent"] = pd.to_datetime(sent["发送时间"])
    orders = whole_shop.orders
    orders = orders[orders["订单付款时间"] != ""][["买家会员名", "订单创建时间", "订单付款时间"]]
    orders.columns = ["会员名", "placed", "paid"]
    orders[["placed", "paid"]] = orders[["placed", "paid"]].apply(pd.to_datetime)
    pairs = sent[["触达批次", "会员名", "sent"]].merge(orders, on="会员名", how="left")
    before = pairs[pairs["paid"] < pairs["sent"]].groupby(["触达批次", "会员名"])["paid"].max()
    within = pairs[
        (pairs["placed"] >= pairs["sent"]) & (pairs["paid"] < pairs["sent"] + pd.Timedelta(days=14))
    ]
    key = pd.MultiIndex.from_frame(sent[["触达批次", "会员名"]])
    count = within.groupby(["触达批次", "会员名"]).size()
    gap = sent["sent"] - before.reindex(key).to_numpy()
    return sent.assign(
        held=sent["是否留白"] == "是",
        bought=count.reindex(key, fill_value=0).to_numpy() > 0,
        idle=gap.dt.days.between(30, 90),
        gap=gap,
    )


def z_of(rows: pd.DataFrame) -> float:
    arms = rows.groupby("held")["bought"].agg(["sum", "size"])
    pooled = arms["sum"].sum() / arms["size"].sum()
    rate = arms["sum"] / arms["size"]
    return (rate[False] - rate[True]) / sqrt(pooled * (1 - pooled) * (1 / arms["size"]).sum())


def test_mailings_work_as_planted_and_on_nobody_else(shop: DemoShop, mailed: pd.DataFrame) -> None:
    told = {entry["contact_id"]: entry for entry in shop.truths["contacts"]}
    assert set(mailed["触达批次"]) == set(told)
    for number, rows in mailed.groupby("触达批次"):
        entry = told[number]
        for part, some in (("all", rows), ("idle", rows[rows["idle"]])):
            assert entry[part]["members"] == [some["held"].sum(), (~some["held"]).sum()]
            assert sum(entry[part]["bought"]) == some["bought"].sum()
            assert entry[part]["z"] == pytest.approx(z_of(some), abs=0.005)
        assert abs(z_of(rows[~rows["idle"]])) < 2
        works = entry["lift_of_idle"] > 0
        assert (3 < z_of(rows) < 5) if works else (abs(z_of(rows)) < 2)
        seen = np.subtract(*entry["all"]["share"][::-1])
        assert seen == pytest.approx(entry["true_effect"], abs=0.006)
    assert [entry["window_over"] for entry in told.values()] == [True, True, True, False]


def test_who_is_held_out_is_as_the_others_were(mailed: pd.DataFrame) -> None:
    for _, rows in mailed.groupby("触达批次"):
        assert rows["会员名"].is_unique
        assert rows["gap"].notna().all()
        assert rows["held"].mean() == pytest.approx(0.2, abs=0.002)
        gaps = [rows.loc[rows["held"] == side, "gap"].dt.days for side in (False, True)]
        assert stats.ks_2samp(*gaps).pvalue > 0.001
        assert (rows.loc[rows["held"], ["费用", "打开时间"]].isin(["0.00", ""])).all(axis=None)
        opened = rows["打开时间"] != ""
        assert (pd.to_datetime(rows.loc[opened, "打开时间"]) >= rows.loc[opened, "sent"]).all()
        assert 0.15 < opened.sum() / (~rows["held"]).sum() < 0.35


def test_a_mailing_costs_its_message_and_the_coupons_used(mailed: pd.DataFrame) -> None:
    reached = mailed[~mailed["held"]]
    coupon = (reached["内容"] == "618召回券") & reached["bought"]
    assert (cents(reached["费用"]) == 5 + 500 * coupon).all()


def test_a_mailing_that_annoys_costs_orders() -> None:
    """The truth reversed: some give up the order that they would have placed."""
    life = lived(contacts=MailingLift(lifts={"618召回券": -0.02}))
    plain = lived(contacts=None)
    sent = life.sent
    who = sent.buyer[sent.moved]
    assert len(who) == round(0.02 * ((sent.mailing == 1) & sent.idle & ~sent.held).sum())
    assert not sent.held[sent.moved].any()
    opens = np.datetime64("2026-06-15T10:00")
    for shop, made in ((life, 0), (plain, 1)):
        orders = shop.trade.orders
        within = (orders.created_at >= opens) & (orders.paid_at < opens + np.timedelta64(14, "D"))
        assert (np.bincount(orders.buyer[within], minlength=who.max() + 1)[who] == made).all()
    assert np.array_equal(np.unique(life.trade.orders.buyer), np.unique(plain.trade.orders.buyer))
