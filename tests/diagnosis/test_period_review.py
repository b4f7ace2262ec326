"""A week and a month of a small shop: figures counted by hand, exact parts, words, odd shops."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pandas as pd
import pytest
from shop import DAY, Plant, as_arrow, make_shop, make_tables

from ecops_lib.core.language import reading
from ecops_lib.data.store import Store, create_store, open_store
from ecops_lib.diagnosis.periods.sections import PeriodBase, review_period

WEEK, FIRST, LAST = "2026-W43", dt.date(2026, 10, 19), dt.date(2026, 10, 25)
SEED = 5


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_shop(tmp_path_factory.mktemp("period") / "store", seed=SEED, plant=Plant())


@pytest.fixture(scope="module")
def base(store: Store) -> PeriodBase:
    return PeriodBase(store, period=WEEK)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return make_tables(seed=SEED, plant=Plant())


def within(frame: pd.DataFrame, days: pd.Series, first: dt.date, last: dt.date) -> pd.DataFrame:
    return frame.loc[(days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last))]


def paid_on(tables: dict[str, pd.DataFrame], first: dt.date, last: dt.date) -> pd.DataFrame:
    items = tables["order_items"]
    return within(items, items["day"], first, last)


def visited(
    tables: dict[str, pd.DataFrame], scope: str, first: dt.date, last: dt.date
) -> pd.DataFrame:
    rows = tables["traffic"].loc[lambda held: held["scope"] == scope]
    return within(rows, pd.to_datetime(rows["day"]), first, last)


def test_figures_are_those_counted_by_hand(
    base: PeriodBase, tables: dict[str, pd.DataFrame]
) -> None:
    sold = paid_on(tables, FIRST, LAST)
    before = paid_on(tables, FIRST - dt.timedelta(7), LAST - dt.timedelta(7))
    paid = base.figures["paid_amount"]
    assert paid.value == pytest.approx(sold["paid_amount"].sum())
    assert paid.before == pytest.approx(before["paid_amount"].sum())
    assert math.isnan(paid.year)
    orders = tables["orders"].set_index("order_id")["buyer_key"]
    assert base.figures["buyers"].value == orders[sold["order_id"]].nunique()
    visits = visited(tables, "shop", FIRST, LAST)["visitors"]
    assert base.figures["visitors_a_day"].value == pytest.approx(visits.mean())
    daily = orders[sold["order_id"]].groupby(sold["day"].to_numpy()).nunique()
    assert base.figures["conversion_by_day"].value == pytest.approx(daily.sum() / visits.sum())
    assert base.figures["dsr"].why.startswith("It cannot be computed here")


def test_drivers_add_up_to_the_cent(base: PeriodBase) -> None:
    drivers = base.drivers
    assert round(sum(one.part for one in drivers.drivers), 2) == drivers.change
    assert drivers.after == pytest.approx(base.figures["paid_amount"].value)
    assert {one.key: one.part for one in drivers.drivers}["price"] == 0
    frame = drivers.to_frame().set_index("driver")["part"]
    assert frame["left after refunds"] == pytest.approx(frame["amount paid"] + frame["refunded"])


def test_what_goods_cost_is_told_where_most_have_a_cost(
    tmp_path: Path, base: PeriodBase, tables: dict[str, pd.DataFrame]
) -> None:
    assert all(map(math.isnan, base.drivers.costs))
    for missing, told in (([], True), (["P0"], False), (["P7"], True)):
        costs = {key: 10.0 + k for k, key in enumerate(tables["products"]["product_id"])}
        held = tables["products"].assign(
            unit_cost=[float("nan") if key in missing else cost for key, cost in costs.items()]
        )
        shop = create_store(tmp_path / "".join(["s", *missing]), name="Shop", key=b"k" * 32)
        with shop.writing() as writer:
            for name, frame in {**tables, "products": held}.items():
                writer.upsert(name, as_arrow(name, frame))
        drivers = PeriodBase(open_store(shop.path), period=WEEK).drivers
        if not told:
            assert all(map(math.isnan, drivers.costs))
            continue
        sold = paid_on(tables, FIRST, LAST)["product_id"]
        known = sold.loc[~sold.isin(missing)]
        assert drivers.costs[1] == pytest.approx(known.map(costs).sum())
        part = drivers.to_frame().set_index("driver")["part"]
        left = part["left after refunds"] + part["cost of the goods paid for (listed unit costs)"]
        assert part["left after refunds and goods"] == pytest.approx(left)


def test_channels_conversion_is_split_into_rates_and_mix(
    base: PeriodBase, tables: dict[str, pd.DataFrame]
) -> None:
    then, now = base.channels.conversion
    frame = base.channels.to_frame()
    assert frame["rate"].sum() + frame["mix"].sum() == pytest.approx(now - then)
    rows = visited(tables, "channel", FIRST, LAST)
    assert frame.set_index("channel")["visitors"].to_dict() == pytest.approx(
        rows.groupby("scope_id")["visitors"].sum().to_dict()
    )
    assert frame["share"].sum() == pytest.approx(1)


def test_products_and_bands_hold_all_sales(base: PeriodBase) -> None:
    paid = base.figures["paid_amount"].value
    assert base.products.to_frame()["paid"].sum() == pytest.approx(paid)
    bands = base.bands.to_frame()
    assert bands["paid"].sum() == pytest.approx(paid)
    assert bands["band"].tolist() == ["¥50.00 to under ¥100.00"]
    assert bands["share"].tolist() == pytest.approx([1.0])
    few = base.products.findings()[0]
    shares = base.products.to_frame()["share"].cumsum()
    assert few.evidence["count"] == int((shares < 0.8).sum()) + 1


def test_the_funnel_adds_days_and_names_the_step(
    base: PeriodBase, tables: dict[str, pd.DataFrame]
) -> None:
    frame = base.funnel.to_frame().set_index("step")
    visits = visited(tables, "shop", FIRST, LAST)["visitors"].sum()
    assert frame.loc["Visitors", "people"] == visits
    assert math.isnan(frame.loc["Visitors", "rate"])
    last = frame.dropna(subset=["rate"]).iloc[-1]
    assert 0 < last["rate"] <= 1.2


def test_the_review_sums_up_and_counts_what_was_looked_at(base: PeriodBase) -> None:
    review = review_period(base, base.actions)
    period, paid, drivers, *rest = review.findings()
    assert period.text == "2026-W43 (2026-10-19 to 2026-10-25)"
    value = base.figures["paid_amount"]
    side = "less" if value.value < value.before else "more"
    assert paid.text == (
        f"¥{value.value:,.2f} was paid, {abs(value.value / value.before - 1):.2%} {side} than in "
        f"the 7 days on the same weekdays before, 2026-10-12 to 2026-10-18 (¥{value.before:,.2f})."
    )
    assert drivers.text.startswith("The change of ")
    assert len(rest) <= 3
    assert review.to_frame()["section"].tolist()[:2] == [
        "Incidents of the period",
        "Where sales changed",
    ]
    with reading("zh", "CNY"):
        assert review.findings()[0].text == "2026-W43（2026-10-19 至 2026-10-25）"
        assert "此前同样星期几的 7 天" in review.findings()[1].text


def test_a_holiday_on_one_side_is_said(store: Store) -> None:
    week = PeriodBase(store, period="2026-W42")
    told = [finding.text for finding in week.figures.findings()]
    assert (
        "The days before are not quite alike: the period has Double 11, the days before have "
        "National Day; last year's are matched by the calendar."
    ) in told


def test_names_from_data_are_shown_as_text(base: PeriodBase) -> None:
    for held in (base.products, base.bands, base.channels, base.figures, base.drivers, base.funnel):
        assert "<b>“" not in held._repr_html_()


@pytest.mark.parametrize("kept", [("orders",), ("orders", "order_items"), ("traffic",)])
def test_a_shop_with_little_says_what_is_missing(
    tmp_path: Path, tables: dict[str, pd.DataFrame], kept: tuple[str, ...]
) -> None:
    shop = create_store(tmp_path / "store", name="Little", key=b"k" * 32)
    with shop.writing() as writer:
        for name in kept:
            writer.upsert(name, as_arrow(name, tables[name]))
    base = PeriodBase(shop, period=WEEK, as_of=str(DAY))
    held = (base.figures, base.drivers, base.slices, base.channels, base.products, base.bands,
            base.funnel)  # fmt: skip
    assert all(one._repr_html_() for one in held)
    assert base.channels.absent() or "traffic" in kept
    assert base.products.absent() or "order_items" in kept
    assert review_period(base, base.actions)._repr_html_()


def test_the_month_so_far_is_compared_with_as_many_days(store: Store) -> None:
    base = PeriodBase(store, period="2026-10")
    assert base.period.days == 28
    assert base.period.before == (dt.date(2026, 9, 3), dt.date(2026, 9, 30))
    assert round(sum(one.part for one in base.drivers.drivers), 2) == base.drivers.change


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> PeriodBase:
    plant = Plant(conversion=0.3, price=1.25, low_reviews=14, channel=0.4)
    shop = make_shop(tmp_path_factory.mktemp("planted") / "store", seed=1, plant=plant)
    return PeriodBase(shop, period="2026-W44")


def test_incidents_that_last_are_told_as_one(planted: PeriodBase) -> None:
    """Product 0 sells little from 26 October on, 直通车 brings little on the last day."""
    items = {(one.kind, one.worst.item): one for one in planted.incidents.items}
    assert set(items) == {("conversion", "P0"), ("traffic", "直通车")}
    drop = items["conversion", "P0"]
    assert (drop.first, drop.last) == (dt.date(2026, 10, 26), DAY)
    assert drop.worst.seen < 0.5 * drop.worst.expected
    told = {finding.key: finding for finding in planted.incidents.findings()}
    found = told["incidents/conversion/P0/2026-10-26"]
    assert found.text.startswith("商品0 <b>“0”</b>, 2026-10-26 to 2026-10-28: ")
    assert "price changed by +25.00% on 2026-10-26" in found.text
    assert found.money == pytest.approx(abs(drop.worst.money))
    with reading("zh", "CNY"):
        [zh] = [f for f in planted.incidents.findings() if "直通车" in f.key]
    assert zh.text.startswith("直通车（2026-10-28 至 2026-10-28）：访客 ")
    review = review_period(planted, planted.actions)
    assert found.key in {finding.key for finding in review.priorities}
    assert "<b>“" not in planted.incidents._repr_html_()


def test_a_calm_week_has_no_incident(base: PeriodBase) -> None:
    [none] = base.incidents.findings()
    assert none.text == (
        "No product's conversion and no channel's visitors left their usual range."
    )
    assert base.incidents.looked == 14
