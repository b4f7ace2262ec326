"""Rule changes: a planted fall is told, quiet ones are not, and what cannot be told says why."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from trend_world import DAY, DAYS, LAST, WEEKDAYS, ZONE, days, trade, wander

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import reading
from ecops_lib.market.trends.rules import RuleChanges, list_rule_changes

RULE = dt.date(2026, 8, 12)
Event = tuple[str, str, str, dt.date, dt.date | None]


def diary(*events: Event) -> pa.Table:
    """Events: id, kind, name, first and last day."""
    columns = list(zip(*events, strict=True)) or [[]] * 5
    text, day = pa.string(), pa.date32()
    kinds = (text, text, text, day, day)
    names = ("event_id", "kind", "name", "starts_on", "ends_on")
    made = {n: pa.array(list(c), k) for n, c, k in zip(names, columns, kinds, strict=True)}
    empty = pa.nulls(len(events), text)
    return pa.table({**made, "product_id": empty, "channel": empty})


def study(
    harm: float, *others: Event, seed: int = 1, engine: Any = dict, rule: dt.date = RULE,
    name: str = "新规", as_of: dt.date = LAST,
) -> RuleChanges:  # fmt: skip
    """A shop whose sales move by a share in the week from the rule on."""
    rng = np.random.default_rng(seed)
    weekday = WEEKDAYS[[day.weekday() for day in days()]]
    amount = 800 * weekday * np.exp(wander(rng, 0.4, 0.12))
    at = DAYS - 1 - (LAST - rule).days
    if at >= 0:
        amount[at : at + 7] *= 1 + harm
    events = diary(("E1", "rule", name, rule, None), *others)
    tables = engine({**trade({"茶": amount}), "shop_events": events})
    return list_rule_changes(tables, as_of=as_of, time_zone=ZONE)


def paid(held: RuleChanges) -> pd.Series:
    return held.frame[held.frame["metric"] == "paid_amount"].iloc[0]


def test_a_planted_fall_is_told_in_money() -> None:
    held = study(-0.4)
    row = paid(held)
    assert row["low"] < -0.4 < row["high"] < 0
    assert held.moved["metric"].tolist() == ["paid_amount"]
    [told] = held.findings()
    assert told.text.startswith("In the 7 days from “新规” (2026-08-12) on, Paid amount lay ")
    assert " below the expected " in told.text
    assert told.money == pytest.approx(7 * (row["expected"] - row["actual"]))
    assert "put right" in told.action.text
    with reading("zh"):
        assert "比预期低" in held.findings()[0].text


def test_words_turn_with_the_truth() -> None:
    [told] = study(0.6).findings()
    assert " above the expected " in told.text
    assert (told.level, told.money, told.action) == ("good", None, None)
    [quiet] = study(0.0).findings()
    assert quiet.text.startswith("In the 7 days from “新规” (2026-08-12) on none of 2 figures left")


def visits(harm: float) -> dict[str, pa.Table]:
    """Visitors of the shop and of two channels, one of which loses a share from the rule on."""
    rng = np.random.default_rng(3)
    at = DAYS - 1 - (LAST - RULE).days
    search, other = (rng.poisson(300, DAYS).astype(float) for _ in range(2))
    search[at : at + 7] = np.round(search[at : at + 7] * (1 + harm))
    rows = [(day, scope, name, value)
            for scope, name, values in (("shop", "*", search + other), ("channel", "搜索", search),
                                        ("channel", "推荐", other))
            for day, value in zip(days(), values, strict=True)]  # fmt: skip
    day, scope, name, value = (list(column) for column in zip(*rows, strict=True))
    people = [int(v) for v in value]
    return {"traffic": pa.table({"platform": ["tmall"] * len(rows), "day": day, "scope": scope,
                                 "scope_id": name, "visitors": people})}  # fmt: skip


def test_the_channel_that_a_rule_names_is_told_and_no_other() -> None:
    events = diary(("E1", "rule", "新规", RULE, None))
    events = events.set_column(6, "channel", pa.array(["搜索"]))
    tables = {**trade({"茶": np.full(DAYS, 500.0)}), **visits(-0.3), "shop_events": events}
    held = list_rule_changes(tables, as_of=LAST, time_zone=ZONE)
    rows = held.frame.set_index("figure")
    assert "Visitors of 推荐" not in rows.index
    row = rows.loc["Visitors of 搜索"]
    assert row["low"] < -0.3 < row["high"] < 0
    assert rows.loc["Visitors", "effect"] == pytest.approx(-0.15, abs=0.03)
    assert rows.loc["Conversion rate", "effect"] > 0


def test_rules_that_do_nothing_seldom_claim_something() -> None:
    told = [len(study(0.0, seed=seed).moved) > 0 for seed in range(2, 27)]
    assert sum(told) <= 5


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"rule": LAST - 3 * DAY}, "fewer than 7 days have passed"),
        ({"rule": dt.date(2026, 2, 16)}, "holidays or festivals fill the week after it"),
        ({"rule": LAST - (DAYS - 5) * DAY}, "too few ordinary days lie before it"),
        ({"rule": dt.date(2024, 1, 1)}, "too few ordinary days lie before it"),
    ],
)
def test_what_cannot_be_told_says_why(options: dict[str, Any], why: str) -> None:
    held = study(-0.5, **options)
    assert held.frame["q"].isna().all()
    assert why in held.findings()[0].text
    assert "cannot be told: " in held.to_frame()["told"].iloc[0]


def test_another_event_in_the_same_days_forbids_to_tell() -> None:
    held = study(-0.5, ("E2", "coupon", "新客券", RULE - 20 * DAY, RULE + 2 * DAY))
    assert "“新客券” falls into the same days" in held.findings()[0].text
    long = study(-0.5, ("E2", "coupon", "新客券", RULE - 30 * DAY, RULE + 30 * DAY))
    assert len(long.moved) == 1


def test_a_rule_of_the_future_is_not_listed_and_without_any_it_is_said() -> None:
    held = study(0.0, as_of=RULE - DAY)
    assert held.frame.empty
    assert held.findings()[0].text.startswith("No rule change is recorded; write each")
    assert "shop_events.csv" in held._repr_html_()


def test_hostile_names_are_escaped_and_empty_ones_called_by_id() -> None:
    held = study(-0.4, name="<script>x</script>=1+1")
    assert "<script>" not in held._repr_html_()
    assert study(-0.4, name="").findings()[0].text.startswith("In the 7 days from “E1”")


def test_without_diary_or_orders_the_section_is_refused() -> None:
    tables = {**trade({"茶": np.ones(DAYS)}), "shop_events": diary(("E1", "rule", "r", RULE, None))}
    for name in ("orders", "shop_events"):
        rest = {key: table for key, table in tables.items() if key != name}
        with pytest.raises(MissingDataError):
            list_rule_changes(rest, as_of=LAST, time_zone=ZONE)
    late = {**tables, "orders": tables["orders"].slice(DAYS - 2)}
    with pytest.raises(MissingDataError, match="No order was paid"):
        list_rule_changes(late, as_of=RULE, time_zone=ZONE)


def test_engines_agree_on_rules(light_engine: Any) -> None:
    pd.testing.assert_frame_equal(study(-0.4, engine=light_engine).frame, study(-0.4).frame)
