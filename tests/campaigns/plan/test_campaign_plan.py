"""Targets by day and the check of a plan, on a shop whose past edition is known."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan
from ecops_lib.campaigns.plan import break_down_targets, check_plan
from ecops_lib.campaigns.plan.past import shares_of
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
