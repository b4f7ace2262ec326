"""Targets by day and the check of a plan, on a shop whose past edition is known."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan
from ecops_lib.campaigns.plan import PlanCheck, break_down_hours, break_down_targets, check_plan
from ecops_lib.campaigns.plan.check import PlanLine
from ecops_lib.campaigns.plan.past import shares_of
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import set_reader

ZONE = "Asia/Shanghai"
FIRST = dt.date(2026, 3, 1)
PAST, NOW = dt.date(2026, 5, 10), dt.date(2026, 7, 10)
AS_OF = dt.date(2026, 6, 30)
RUSH = (8.0, 4.0, 2.0, 2.0)


def campaign(first: dt.date = NOW, days: int = 4, **changes: Any) -> Campaign:
    spans = (PhaseSpan(phase="burst", first=first, last=first + dt.timedelta(days=days - 1)),)
    return Campaign(**{
        "campaign_id": f"tea-{first}", "name": "Tea", "kind": "Tea", "spans": spans,
        "products": ("P1",), **changes,
    })  # fmt: skip


def shop(*, stock: int = 10_000, unit_cost: float = 40.0) -> dict[str, object]:
    """Ten units of P1 a day at 100; four days of an edition in May sold 80, 40, 20 and 20."""
    rows = []
    for k in range(122):
        day = FIRST + dt.timedelta(days=k)
        place = (day - PAST).days
        units = 10 * RUSH[place] if 0 <= place < 4 else 10.0
        rows += [("P1", day, units), ("P2", day, 5.0)]
    day = pd.array([d for _, d, _ in rows], dtype="date32[pyarrow]")
    paid = pd.to_datetime([d for _, d, _ in rows]).tz_localize("UTC") + pd.Timedelta(hours=4)
    ids, units = [p for p, *_ in rows], np.array([u for *_, u in rows])
    count = len(rows)
    none = pd.Series(pd.NaT, index=range(count), dtype=paid.dtype)
    orders = pd.DataFrame({
        "platform": "tmall", "order_id": [str(k) for k in range(count)], "buyer_key": None,
        "created_at": paid, "paid_at": paid, "status": "completed",
        "ordered_amount": units * 100, "paid_amount": units * 100, "is_presale": False,
        "deposit_amount": float("nan"), "deposit_paid_at": none, "channel": None,
        "province": None, "campaign_id": None, "creator_id": None, "warehouse_id": None,
    })  # fmt: skip
    items = pd.DataFrame({
        "platform": "tmall", "order_id": orders["order_id"], "line_id": "1", "created_at": paid,
        "product_id": ids, "sku_id": ids, "product_name": ids, "quantity": units.astype(int),
        "ordered_amount": units * 100, "paid_amount": units * 100,
    })  # fmt: skip
    traffic = pd.DataFrame({
        "platform": "tmall", "day": day, "scope": "product", "scope_id": ids,
        "visitors": units * 10, "paying_buyers": units, "paid_amount": units * 100,
        "paid_units": units,
    })  # fmt: skip
    refunds = pd.DataFrame({
        "platform": "tmall", "refund_id": ["1"], "order_id": ["0"], "line_id": ["1"],
        "product_id": ["P1"], "sku_id": ["P1"], "applied_at": paid[:1], "finished_at": paid[:1],
        "amount": [0.0], "status": ["success"], "quantity": [0],
    })  # fmt: skip
    products = pd.DataFrame({
        "platform": "tmall", "product_id": ["P1", "P2"], "product_name": ["P1", "P2"],
        "category": "tea", "unit_cost": unit_cost, "brand": None,
    })  # fmt: skip
    inventory = pd.DataFrame({
        "day": pd.array([AS_OF], dtype="date32[pyarrow]"), "warehouse_id": "*", "sku_id": "P1",
        "product_id": "P1", "on_hand": stock, "reserved": 0, "in_transit": 0,
    })  # fmt: skip
    events = pd.DataFrame({
        "event_id": ["1"], "kind": "campaign", "name": ["Tea"],
        "starts_on": pd.array([PAST], dtype="date32[pyarrow]"),
        "ends_on": pd.array([PAST + dt.timedelta(days=3)], dtype="date32[pyarrow]"),
        "product_id": ["P1"],
    })  # fmt: skip
    return {
        "orders": orders, "order_items": items, "traffic": traffic, "refunds": refunds,
        "products": products, "inventory": inventory, "shop_events": events,
    }  # fmt: skip


def test_the_target_follows_the_past_edition_day_by_day() -> None:
    held = break_down_targets(
        shop(), campaign=campaign(targets={"paid_amount": 32_000, "visitors": 3_200}),
        as_of=AS_OF, time_zone=ZONE,
    )  # fmt: skip
    rows = held.to_frame()
    assert rows["target"].tolist() == pytest.approx([16_000, 8_000, 4_000, 4_000])
    assert rows["visitors"].tolist() == pytest.approx([1_600, 800, 400, 400])
    [best] = held.findings()
    assert best.text == (
        "By 1 past edition, 2026-07-10 brings most: 50.00% of the whole, ¥16,000.00."
    )
    set_reader("zh", "CNY")
    assert held.findings()[0].text == "按以往 1 届，2026-07-10 最多：占 50.00%，¥16,000.00。"


def test_an_edition_of_another_length_is_stretched() -> None:
    long = campaign(days=8, targets={"paid_amount": 32_000})
    held = break_down_targets(shop(), campaign=long, as_of=AS_OF, time_zone=ZONE)
    assert held.share.tolist() == pytest.approx([0.25, 0.25, 0.125, 0.125, *[0.0625] * 4])
    assert held.share.sum() == pytest.approx(1)
    assert shares_of([np.zeros(3)], 3).shape == (0, 3)


def test_without_target_or_past_that_is_said() -> None:
    last = break_down_targets(shop(), campaign=campaign(), as_of=AS_OF, time_zone=ZONE)
    assert last.target == pytest.approx(16_000)
    assert last.findings()[0].text.startswith("No target is told, so the last edition's")
    early = break_down_targets(
        shop(), campaign=campaign(targets={"paid_amount": 100}), as_of="2026-05-11", time_zone=ZONE
    )
    assert early.editions == ()
    assert early.share.tolist() == pytest.approx([0.25] * 4)
    nothing = break_down_targets(shop(), campaign=campaign(), as_of="2026-05-11", time_zone=ZONE)
    assert nothing.chart() is None
    assert nothing.findings()[0].text.startswith("No target is told and no past edition known")


def test_conversion_and_new_buyers_follow_their_own_curves() -> None:
    tables = shop()
    traffic = tables["traffic"].copy()
    first = (traffic["day"] == PAST) & (traffic["scope_id"] == "P1")
    traffic.loc[first, "visitors"] *= 2  # half the conversion of the other days
    goals = {"paid_amount": 32_000, "visitors": 4_800, "conversion_rate": 1 / 15}
    held = break_down_targets(
        {**tables, "traffic": traffic}, campaign=campaign(targets=goals), as_of=AS_OF,
        time_zone=ZONE,
    )  # fmt: skip
    assert held.conversion.tolist() == pytest.approx([0.05, 0.1, 0.1, 0.1])
    assert (held.conversion * held.visitors).sum() / held.visitors.sum() == pytest.approx(1 / 15)
    assert "new_share" not in held.page_frame()
    assert np.isnan(held.new_share).all()


def test_new_buyers_share_of_each_day() -> None:
    tables = shop()
    orders = tables["orders"].copy()
    day = orders["paid_at"].dt.tz_convert(ZONE).dt.date
    old = day.isin([FIRST, PAST + dt.timedelta(days=1)])
    orders["buyer_key"] = [str(k) for k in range(len(orders))]
    orders.loc[old, "buyer_key"] = "again"  # two orders of one buyer, known since the first day
    orders.loc[1, ["paid_at", "created_at"]] = pd.Timestamp("2025-01-02", tz="UTC")
    held = break_down_targets(
        {**tables, "orders": orders}, campaign=campaign(targets={"new_buyer_share": 0.6}),
        as_of=AS_OF, time_zone=ZONE,
    )  # fmt: skip
    # two buyers on three days, all new; one on the second, not new: 6 of 7 buyers are
    assert held.new_share.tolist() == pytest.approx([0.7, 0.0, 0.7, 0.7])


def test_hours_of_the_first_day_between_and_the_last() -> None:
    tables = shop()
    orders, items = tables["orders"].copy(), tables["order_items"].copy()
    late = orders["paid_at"].dt.date == PAST
    orders.loc[late, ["paid_at", "created_at"]] -= pd.Timedelta(hours=12)  # opens at 0 o'clock
    items["created_at"] = orders["created_at"]
    held = break_down_hours(
        {**tables, "orders": orders, "order_items": items},
        campaign=campaign(targets={"paid_amount": 32_000}), as_of=AS_OF, time_zone=ZONE,
    )  # fmt: skip
    rows = held.to_frame().set_index("hour")
    assert len(rows) == 24
    assert rows.loc["00:00–01:00", "first"] == pytest.approx(16_000)
    assert rows.loc["12:00–13:00", "between"] == pytest.approx(6_000)
    assert rows.loc["12:00–13:00", "last_share"] == pytest.approx(1.0)
    assert rows[["first_share", "between_share", "last_share"]].sum().tolist() == [1.0] * 3
    assert held.page_frame()["first"].sum() == pytest.approx(16_000)
    [told] = held.findings()
    assert told.text == (
        "By 1 past edition, the first day's strongest hour begins at 00:00 (100.00% of the day); "
        "its first two hours bring 100.00%."
    )
    set_reader("zh", "CNY")
    assert held.findings()[0].text == (
        "按以往 1 届，首日最强的一小时从 00:00 开始（占全天 100.00%）；开场两小时带来 100.00%。"
    )


def test_hours_need_a_past() -> None:
    with pytest.raises(MissingDataError, match="its hours cannot be told"):
        break_down_hours(shop(), campaign=campaign(), as_of="2026-05-11", time_zone=ZONE)


FITS = {"paid_amount": 32_000.0, "visitors": 3_200.0, "conversion_rate": 0.1}


@pytest.mark.parametrize(
    ("targets", "tables", "budget", "broken"),
    [
        (FITS, {}, 2_000, []),
        ({**FITS, "visitors": 1_600.0}, {}, 2_000, ["traffic"]),
        (FITS, {"stock": 200}, 2_000, ["stock"]),
        (FITS, {}, 25_000, ["return"]),
        (FITS, {"unit_cost": 97.0}, 2_000, ["return"]),
    ],
)
def test_the_line_that_breaks_is_named(
    targets: dict[str, float], tables: dict[str, Any], budget: float, broken: list[str]
) -> None:
    plan = campaign(targets=targets, budget=budget)
    held = check_plan(shop(**tables), campaign=plan, as_of=AS_OF, time_zone=ZONE)
    assert [line.key for line in held.lines if line.breaks] == broken
    keys = [f.key for f in held.findings() if f.level == "bad"]
    assert keys == [f"plan/{name}" for name in broken]
    if not broken:
        assert held.findings()[0].text == "Of 3 lines that can be checked, none breaks."


def test_the_figures_of_each_line_follow_the_definition() -> None:
    plan = campaign(targets=FITS, budget=2_000)
    held = check_plan(shop(stock=200), campaign=plan, as_of=AS_OF, time_zone=ZONE)
    lines = {line.key: line for line in held.lines}
    assert lines["traffic"].there == pytest.approx(3_200 * 0.1 * 100)
    assert lines["stock"].needed == pytest.approx(320)
    assert lines["stock"].there == pytest.approx(200)
    assert lines["return"].there == pytest.approx((32_000 - 4 * 1_000) / 2_000)
    assert lines["return"].needed == pytest.approx(1 / 0.6)
    assert held.short == (("P1", pytest.approx(320), 200.0),)
    said = {}
    for language in ("en", "zh"):
        set_reader(language, "CNY")
        said[language] = held.findings()[0].text
    assert said["en"].startswith("The stock does not carry the target: 320 units are needed, 200")
    assert said["zh"] == "库存撑不起目标：需要 320 件，现有和在途只有 200 件。"


def test_what_is_not_told_is_not_checked() -> None:
    held = check_plan(shop(), campaign=campaign(), as_of=AS_OF, time_zone=ZONE)
    assert all(line.why for line in held.lines)
    assert held.findings()[0].key == "plan/unknown"
    bare = {k: v for k, v in shop().items() if k in {"orders", "order_items", "shop_events"}}
    plan = campaign(targets=FITS, budget=2_000)
    held = check_plan(bare, campaign=plan, as_of=AS_OF, time_zone=ZONE)
    assert {line.key for line in held.lines if line.why} == {"traffic", "stock", "return"}


def test_every_engine_breaks_down_the_same(light_engine: Any) -> None:
    import pyarrow as pa

    arrow = {}
    for name, table in shop().items():
        held = pa.Table.from_pandas(table, preserve_index=False)
        kinds = {pa.null(): pa.string(), pa.timestamp("ns", "UTC"): pa.timestamp("us", "UTC")}
        schema = pa.schema([(f.name, kinds.get(f.type, f.type)) for f in held.schema])
        arrow[name] = held.cast(schema)
    given = light_engine(arrow)
    plan = campaign(targets=FITS, budget=2_000)
    held = break_down_targets(given, campaign=plan, as_of=AS_OF, time_zone=ZONE)
    assert held.share.tolist() == pytest.approx([0.5, 0.25, 0.125, 0.125])
    lines = check_plan(given, campaign=plan, as_of=AS_OF, time_zone=ZONE).lines
    assert [line.breaks for line in lines] == [False, False, False]


def stock_of(held: PlanCheck) -> PlanLine:
    return held.lines[1]


def test_unknown_stock_is_not_zero() -> None:
    both = campaign(targets=FITS, budget=2_000, products=("P1", "P2"))
    held = check_plan(shop(), campaign=both, as_of=AS_OF, time_zone=ZONE)
    assert stock_of(held).left_out == 1
    assert stock_of(held).there == pytest.approx(stock_of(held).needed)
    verdict = held.to_frame().set_index("line").loc["Units of promoted products", "verdict"]
    assert verdict == "holds; 1 product of unknown stock is in neither figure"


def test_a_stale_snapshot_tells_nothing() -> None:
    late = AS_OF + dt.timedelta(days=8)
    held = check_plan(shop(), campaign=campaign(targets=FITS), as_of=late, time_zone=ZONE)
    assert stock_of(held).why == "no stock snapshot of the last week names products"


def test_what_is_due_before_the_opening_counts() -> None:
    def due(day: dt.date) -> dict[str, object]:
        at = pd.to_datetime([day]).tz_localize("UTC")
        row = {"purchase_id": "1", "sku_id": "P1", "stage": "receipt", "quantity": [250],
               "ordered_at": at, "due_at": at, "done_at": at}  # fmt: skip
        rows = pd.DataFrame(row)
        rows["done_at"] = pd.Series(pd.NaT, index=rows.index, dtype=at.dtype)
        return {**shop(stock=100), "purchase_orders": rows}

    plan = campaign(targets=FITS)
    before, late = NOW - dt.timedelta(days=2), NOW
    held = check_plan(due(before), campaign=plan, as_of=AS_OF, time_zone=ZONE)
    assert stock_of(held).there == pytest.approx(320)
    held = check_plan(due(late), campaign=plan, as_of=AS_OF, time_zone=ZONE)
    assert stock_of(held).there == pytest.approx(100)


def test_days_without_traffic_leave_the_spend_a_buyer_alone() -> None:
    tables = shop()
    traffic = tables["traffic"]
    told = {**tables, "traffic": traffic[traffic["day"] != PAST + dt.timedelta(days=1)]}
    held = check_plan(told, campaign=campaign(targets=FITS), as_of=AS_OF, time_zone=ZONE)
    assert held.lines[0].there == pytest.approx(32_000)
