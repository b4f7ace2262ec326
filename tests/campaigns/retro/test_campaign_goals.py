"""Goals against results, and whether new customers came back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan
from ecops_lib.campaigns.retro import compare_goals, compare_newcomers
from ecops_lib.campaigns.retro.loyalty import wilson
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import set_reader

ZONE = "Asia/Shanghai"
SALE, LAST = dt.date(2026, 7, 21), dt.date(2026, 7, 26)


def campaign(**changes: Any) -> Campaign:
    spans = (PhaseSpan(phase="burst", first=SALE, last=LAST),)
    return Campaign(**{
        "campaign_id": "tea-2026", "name": "Tea days", "kind": "tea days", "spans": spans,
        **changes,
    })  # fmt: skip


def shop(again: float = 0.5) -> dict[str, object]:
    """Two buyers a day, of whom some buy again ten days later; those of the sale as told."""
    rows = []
    for k in range(150):
        day = dt.date(2026, 3, 20) + dt.timedelta(days=k)
        during = SALE <= day <= LAST
        for n in range(12 if during else 2):
            buyer = f"{k}-{n}"
            rows.append((buyer, day, 300.0 if during else 100.0))
            back = n < round(12 * again) if during else n == 0
            if back:
                rows.append((buyer, day + dt.timedelta(days=10), 50.0))
    paid = pd.to_datetime([day for _, day, _ in rows]).tz_localize("UTC") + pd.Timedelta(hours=4)
    count = len(rows)
    orders = pd.DataFrame({
        "platform": "tmall", "order_id": [str(k) for k in range(count)],
        "buyer_key": [b for b, _, _ in rows], "created_at": paid, "paid_at": paid,
        "status": "completed", "ordered_amount": [a for *_, a in rows],
        "paid_amount": [a for *_, a in rows], "is_presale": False, "deposit_amount": float("nan"),
        "deposit_paid_at": pd.Series(pd.NaT, index=range(count), dtype=paid.dtype),
        "channel": None, "province": None, "campaign_id": None, "creator_id": None,
        "warehouse_id": None,
    })  # fmt: skip
    day = pd.date_range("2026-03-20", periods=150).date
    days = pd.array(day, dtype=pd.ArrowDtype(pa.date32()))
    traffic = pd.DataFrame({
        "platform": "tmall", "day": days, "scope": "shop", "scope_id": "*",
        "visitors": 100, "paying_buyers": 3,
    })  # fmt: skip
    return {"orders": orders, "traffic": traffic}


def test_goals_met_and_missed_are_told_with_their_figures() -> None:
    targets = {"paid_amount": 20_000.0, "visitors": 700.0, "conversion_rate": 0.03}
    held = compare_goals(
        shop(), campaign=campaign(targets=targets), as_of="2026-08-10", time_zone=ZONE
    )
    rows = held.frame.set_index("metric")
    bought = 6 * 12 * 300 + 6 * 50  # the sale, and those of ten days before who came back
    assert rows.loc["paid_amount", "result"] == pytest.approx(bought)
    assert rows.loc["visitors", "result"] == 600
    assert rows.loc["conversion_rate", "result"] == pytest.approx(0.03)
    levels = {f.key: f.level for f in held.findings()}
    assert levels["goals/paid_amount"] == "good"
    assert levels["goals/visitors"] == "bad"
    assert levels["goals/conversion_rate"] == "good"
    said = {}
    for language in ("en", "zh"):
        set_reader(language, "CNY")
        said[language] = [f.text for f in held.findings()]
    assert (
        "Visitors, summed over days and products: 600, only 85.71% of the target 700." in said["en"]
    )
    assert "访客（按日、按商品累加）：600，只达成目标 700 的 85.71%。" in said["zh"]
    assert "There is no earlier edition of its kind to compare with." in said["en"]


def test_without_targets_and_before_it_sells_that_is_said() -> None:
    held = compare_goals(shop(), campaign=campaign(), as_of="2026-07-23", time_zone=ZONE)
    texts = [f.text for f in held.findings()]
    assert texts[0] == "No target is told for this campaign; write targets into store.toml."
    assert texts[-1] == "The campaign still sells; these are its figures so far."
    with pytest.raises(ParameterError, match="sells from 2026-07-21, after as_of 2026-07-01"):
        compare_goals(shop(), campaign=campaign(), as_of="2026-07-01", time_zone=ZONE)


@pytest.mark.parametrize(
    ("again", "level", "start"),
    [(1.0, "good", "come back more"), (0.0, "watch", "come back less"), (0.5, "info", "cannot be")],
)
def test_new_customers_are_compared_at_equal_age(again: float, level: str, start: str) -> None:
    held = compare_newcomers(shop(again), campaign=campaign(), as_of="2026-08-10", time_zone=ZONE)
    assert held.age == 15
    rows = held.frame.set_index("group")
    assert rows.loc["campaign", "customers"] == 72
    assert rows.loc["campaign", "again"] == round(12 * again) * 6
    assert rows.loc["ordinary", "rate"] == pytest.approx(0.5)
    [finding] = held.findings()
    assert finding.level == level
    assert start in finding.text


def test_a_second_purchase_after_the_age_does_not_count_for_anybody() -> None:
    held = compare_newcomers(shop(1.0), campaign=campaign(), as_of="2026-08-03", time_zone=ZONE)
    assert held.age == 8  # the second purchase comes after ten days
    assert held.frame["again"].sum() == 0


def test_too_early_or_too_few_is_said() -> None:
    with pytest.raises(MissingDataError, match="Only 3 days have gone by since the campaign"):
        compare_newcomers(shop(), campaign=campaign(), as_of="2026-07-29", time_zone=ZONE)
    few = shop()
    early = few["orders"]["paid_at"] < "2026-07-21T16:00Z"  # type: ignore[index]
    few["orders"] = few["orders"][early]  # type: ignore[index]
    late = (PhaseSpan(phase="burst", first=dt.date(2026, 7, 24), last=LAST),)
    with pytest.raises(MissingDataError, match="new customers are known by the campaign, too few"):
        compare_newcomers(few, campaign=campaign(spans=late), as_of="2026-08-10", time_zone=ZONE)


def test_wilson_is_scipys() -> None:
    for hits, tries in ((0, 10), (3, 17), (40, 41)):
        ends = stats.binomtest(hits, tries).proportion_ci(0.95, method="wilson")
        assert wilson(hits, tries) == pytest.approx((ends.low, ends.high), abs=1e-6)


def test_every_engine_counts_the_same(light_engine: Any) -> None:
    tables = shop(1.0)
    arrow = {}
    for name, table in tables.items():
        held = pa.Table.from_pandas(table, preserve_index=False)
        kinds = {pa.null(): pa.string(), pa.timestamp("ns", "UTC"): pa.timestamp("us", "UTC")}
        schema = pa.schema([(f.name, kinds.get(f.type, f.type)) for f in held.schema])
        arrow[name] = held.cast(schema)
    given = light_engine(arrow)
    plain = compare_newcomers(tables, campaign=campaign(), as_of="2026-08-10", time_zone=ZONE)
    other = compare_newcomers(given, campaign=campaign(), as_of="2026-08-10", time_zone=ZONE)
    assert other.frame["again"].tolist() == plain.frame["again"].tolist()
    goals = compare_goals(given, campaign=campaign(), as_of="2026-08-10", time_zone=ZONE)
    assert goals.frame["result"].iloc[1] == 600
