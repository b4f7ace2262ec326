"""Points, referrals and chat groups of the demo shop: their books agree with themselves."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from demo_exports import Exports, cents, counts

from ecops_lib.data.demo.community import GROUPS

YEAR = pd.Timedelta(days=365)
NOW = pd.Timestamp("2026-10-28")
WEEKS = 28


@pytest.fixture(scope="module")
def ledger(long_shop: Exports) -> pd.DataFrame:
    table = long_shop.csv("积分流水")
    return table.assign(at=pd.to_datetime(table["变动时间"]), points=table["积分"].astype(int))


def test_nobody_ever_has_fewer_points_than_none(ledger: pd.DataFrame) -> None:
    assert ledger["at"].is_monotonic_increasing
    assert ledger["流水号"].is_unique
    assert (ledger.groupby("会员名")["points"].cumsum() >= 0).all()
    assert (ledger["points"] != 0).all()


def test_points_expire_after_a_year_first_in_first_out(ledger: pd.DataFrame) -> None:
    """A slow replay: every lot is used up, expires on its day, or is younger than a year."""
    expired = 0
    for _, moves in ledger.groupby("会员名"):
        lots: list[list] = []
        for at, kind, points in moves[["at", "变动类型", "points"]].itertuples(index=False):
            if kind == "earned" and points > 0:
                lots.append([at, points])
            elif kind == "expired":
                assert at == lots[0][0] + YEAR
                assert lots.pop(0)[1] == -points
                expired += 1
            else:
                assert all(at <= earned + YEAR for earned, _ in lots)
                left = -points
                while left:
                    used = min(left, lots[0][1])
                    lots[0][1] -= used
                    left -= used
                    if not lots[0][1]:
                        lots.pop(0)
        assert all(earned + YEAR >= NOW for earned, _ in lots)
    assert expired > 20


def test_points_are_earned_on_what_was_kept_and_taken_back_with_refunds(
    long_shop: Exports, ledger: pd.DataFrame
) -> None:
    orders = long_shop.orders
    done = orders[orders["订单状态"] == "交易成功"]
    members = set(long_shop.csv("会员列表")["会员名"])
    done = done[done["买家会员名"].isin(members)].set_index("订单编号")
    claims = long_shop.refunds[long_shop.refunds["退款状态"] == "退款成功"].copy()
    claims = claims[claims["订单编号"].isin(done.index)]
    late = (
        claims["退款完结时间"].to_numpy() > done.loc[claims["订单编号"], "确认收货时间"].to_numpy()
    )
    early = claims[~late].groupby("订单编号")["买家退款金额"].sum()
    kept = (done["买家应付货款"] - early.reindex(done.index, fill_value=0)) // 100
    earned = ledger[(ledger["变动类型"] == "earned") & (ledger["points"] > 0)]
    assert sorted(earned["points"]) == sorted(kept[kept > 0])
    taken = -ledger.loc[(ledger["变动类型"] == "earned") & (ledger["points"] < 0), "points"]
    owed = (claims.loc[late, "买家退款金额"] // 100).sum()
    assert 0 < taken.sum() <= owed
    told = long_shop.truths["points"]
    sums = ledger.groupby("变动类型")["points"].sum()
    assert told["earned"] == earned["points"].sum()
    assert told["taken_back"] == taken.sum()
    assert (told["redeemed"], told["expired"]) == (-sums["redeemed"], -sums["expired"])
    assert told["balance"] == ledger["points"].sum()
    assert told["balance"] == told["earned"] - sum(
        told[name] for name in ("taken_back", "redeemed", "expired")
    )
    assert told["redeemed"] > 0


def test_points_are_spent_on_an_order_of_the_same_second(
    long_shop: Exports, ledger: pd.DataFrame
) -> None:
    spent = ledger[ledger["变动类型"] == "redeemed"]
    orders = long_shop.orders[["买家会员名", "订单付款时间", "买家应付货款"]]
    held = spent.merge(
        orders, left_on=["会员名", "变动时间"], right_on=["买家会员名", "订单付款时间"]
    )
    assert len(held) == len(spent)
    assert (-held["points"] <= held["买家应付货款"] / 2).all()
    assert (held["points"] % 100 == 0).all()


def test_members_were_brought_by_members_who_had_bought_before(long_shop: Exports) -> None:
    members = long_shop.csv("会员列表").set_index("会员名")
    first = long_shop.orders.groupby("买家会员名")["订单创建时间"].min()
    assert (members["入会时间"] == first.reindex(members.index)).all()
    brought = members[members["推荐人"] != ""]
    assert set(brought["推荐人"]) <= set(members.index)
    done = long_shop.orders[long_shop.orders["订单状态"] == "交易成功"]
    kept = done.groupby("买家会员名")["订单付款时间"].min()
    assert (kept.reindex(brought["推荐人"]).to_numpy() < brought["入会时间"].to_numpy()).all()
    told = long_shop.truths["referrals"]
    assert told["members"] == len(members)
    assert told["referred"] == len(brought)
    assert told["referrers"] == brought["推荐人"].nunique()
    assert told["most_by_one"] == brought["推荐人"].value_counts().max()
    assert told["coefficient"] == pytest.approx(len(brought) / len(members), abs=1e-5)
    costs = long_shop.csv("费用表")
    paid = cents(costs.loc[costs["费用类型"] == "referral", "金额"]).sum()
    bought = long_shop.orders.loc[long_shop.orders["订单付款时间"] != "", "买家会员名"]
    assert paid == 1000 * brought.index.isin(bought).sum() == 1000 * told["rewarded"] > 0
    share = told["referred"] / told["new_members"]
    assert share == pytest.approx(told["share"], abs=4 * np.sqrt(0.12 * 0.88 / told["new_members"]))


def test_only_members_who_bought_are_listed(long_shop: Exports) -> None:
    members = long_shop.csv("会员列表")
    assert members["会员名"].is_unique
    assert set(members["会员名"]) <= set(long_shop.orders["买家会员名"])
    assert set(long_shop.csv("短信触达")["会员名"]) <= set(members["会员名"])


def days(shop: Exports) -> pd.DataFrame:
    table = shop.csv("社群日报").copy()
    names = [name for name in table if name not in ("日期", "社群", "群支付金额")]
    table[names] = table[names].apply(counts)
    table["群支付金额"] = cents(table["群支付金额"])
    return table.set_index(["社群", "日期"]).sort_index()


@pytest.mark.parametrize("name", ["long_shop", "plain"])
def test_the_groups_books_add_up(name: str, request: pytest.FixtureRequest) -> None:
    shop = request.getfixturevalue(name)
    table = days(shop)
    grouped = table.groupby("社群")
    assert set(grouped.groups) == set(GROUPS)
    assert grouped.size().nunique() == 1
    assert (grouped["入群人数"].cumsum() - grouped["退群人数"].cumsum() == table["群成员数"]).all()
    assert (table[["群成员数", "退群人数"]] >= 0).all(axis=None)
    assert (table["活跃人数"] <= table["群成员数"] + table["退群人数"]).all()
    assert (table["实发内容数"] <= table["计划内容数"]).all()
    assert (table["群订单数"] <= table["内容点击"]).all()
    came = shop.csv("会员列表")["入群时间"]
    by_day = came[came != ""].str[:10].value_counts()
    joined = table.groupby("日期")["入群人数"].sum()
    assert (joined == by_day.reindex(joined.index, fill_value=0)).all()
    assert joined.sum() == by_day.sum() == shop.truths["community"]["joined"] > 0


def test_orders_through_groups_are_orders_of_their_members(long_shop: Exports) -> None:
    table = days(long_shop).groupby("日期")[["群订单数", "群支付金额"]].sum()
    came = long_shop.csv("会员列表").set_index("会员名")["入群时间"]
    orders = long_shop.orders[long_shop.orders["订单付款时间"] != ""]
    joined = orders["买家会员名"].map(came).fillna("")
    inside = orders[(joined != "") & (orders["订单创建时间"] > joined)]
    by_day = inside.groupby(inside["订单付款时间"].str[:10])["总金额"].agg(["size", "sum"])
    by_day = by_day.reindex(table.index, fill_value=0)
    assert (table["群订单数"] <= by_day["size"]).all()
    assert (table["群支付金额"] <= by_day["sum"]).all()
    assert table["群订单数"].sum() > 0


def shares(shop: Exports) -> dict[str, dict[str, float]]:
    """Active share of each group before and in the last weeks; posts made of those planned."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for group, rows in days(shop).groupby("社群"):
        for part, some in (("before", rows[:-WEEKS]), ("after", rows[-WEEKS:])):
            found[group][part] = some["活跃人数"].sum() / some["群成员数"].sum()
        found[group]["posts"] = rows["实发内容数"].sum() / rows["计划内容数"].sum()
    return found


def test_one_group_falls_silent_and_one_behind_its_plan(long_shop: Exports) -> None:
    found = shares(long_shop)
    silent, late = (long_shop.truths[name] for name in ("silent_group", "late_posts"))
    assert silent["group_id"] != late["group_id"]
    for group, held in found.items():
        quiet = group == silent["group_id"]
        assert bool(held["after"] < 0.3 * held["before"]) is quiet, group
        behind = group == late["group_id"]
        assert bool(held["posts"] < 0.6) is behind, group
        assert behind or held["posts"] > 0.9


def test_no_group_is_silent_or_late_and_nobody_brought_in_a_plain_shop(plain: Exports) -> None:
    for held in shares(plain).values():
        assert held["after"] > 0.6 * held["before"]
        assert held["posts"] > 0.9
    assert (plain.csv("会员列表")["推荐人"] == "").all()
