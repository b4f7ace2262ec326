"""A product that stopped, a channel that collapsed, stock that runs out, and what to change."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pacing_world import CHANNELS, NOON, PROMOTED, ZONE, World, campaign, rows_of, shop_of, stock
from scipy.stats import binom, nbinom

from ecops_lib.campaigns.pacing import (
    find_alarms,
    find_run_outs,
    follow_campaign,
    list_changes,
    rank_sellers,
)
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import reading

HALF = {"campaign": campaign(), "at": "2026-09-30 00:00", "time_zone": ZONE}
EVE = dt.date(2026, 9, 28)
PLENTY = {f"{p}-A": 9999 for p in PROMOTED}


@pytest.fixture(scope="module")
def calm() -> dict[str, Any]:
    return shop_of(World())


@pytest.fixture(scope="module")
def stopped() -> dict[str, Any]:
    return shop_of(World(stopped="P2"))


@pytest.fixture(scope="module")
def collapsed() -> dict[str, Any]:
    return shop_of(World(collapsed="live"))


def during(*, since: str, until: str) -> list[dict[str, Any]]:
    first, last = (dt.datetime.fromisoformat(text) for text in (since, until))
    return [r for r in rows_of(World()) if first <= r["at"] < last]


def test_calm_campaign_raises_no_alarm_and_says_how_many_are_by_chance(
    calm: dict[str, Any],
) -> None:
    alarms = find_alarms(calm, **HALF)
    assert not alarms.frame["alarm"].any()
    assert alarms.comparisons == 4 * (len(PROMOTED) + len(CHANNELS))
    assert alarms.findings()[0].text == (
        "No product or channel leaves the pace of the rest: 32 comparisons, in which at most 0.1 "
        "alarms are expected by chance."
    )


def test_product_that_stopped_is_found_and_no_other(stopped: dict[str, Any]) -> None:
    alarms = find_alarms(stopped, **HALF)
    [row] = alarms.frame[alarms.frame["alarm"]].to_dict("records")
    assert (row["kind"], row["key"], row["hours"], row["lines"]) == ("product", "P2", 12, 0)
    rows = during(since="2026-09-28", until="2026-09-30")
    mine = sum(r["product"] == "P2" and r["at"] < NOON for r in rows)
    rest = [sum(r["product"] in PROMOTED and r["product"] != "P2" and (r["at"] >= NOON) == late
                for r in rows) for late in (False, True)]  # fmt: skip
    assert row["expected"] == pytest.approx(
        mine * rest[1] / rest[0], rel=0.35
    )  # times the odds of the hours
    [finding] = alarms.findings()
    assert finding.level == "bad"
    assert finding.text.startswith("P2 has sold nothing for 12 hours, where ")
    assert finding.money == row["money"] > 0
    assert finding.action is not None
    with reading("zh", "CNY"):
        assert "P2" in alarms.findings()[0].text


def test_channel_that_collapsed_is_found_and_the_rest_does_not_take_off(
    collapsed: dict[str, Any],
) -> None:
    alarms = find_alarms(collapsed, **HALF)
    [row] = alarms.frame[alarms.frame["alarm"]].to_dict("records")
    assert (row["kind"], row["key"], row["lines"]) == ("channel", "live", 0)
    rows = [r for r in during(since="2026-09-28", until="2026-09-30") if r["product"] in PROMOTED]
    early = [r["channel"] == "live" for r in rows if r["at"] < NOON]
    rest = sum(r["channel"] != "live" for r in rows)
    by_now = sum(early) * rest / (len(early) - sum(early))  # had it kept the pace of the rest
    share = follow_campaign(collapsed, **HALF).closings["paid_orders"].share
    assert row["money"] == pytest.approx(100 * by_now * (1 - share) / share)


def test_product_that_takes_off_is_good_news(calm: dict[str, Any]) -> None:
    items = calm["order_items"].to_pandas()
    created = items["created_at"] >= pd.Timestamp("2026-09-29 12:00", tz=ZONE)
    gained = created & items["product_id"].isin(["P0", "P3"]).to_numpy()
    items.loc[gained, "product_id"] = "P4"
    tables = {**calm, "order_items": type(calm["order_items"]).from_pandas(
        items, schema=calm["order_items"].schema, preserve_index=False
    )}  # fmt: skip
    found = find_alarms(tables, **HALF)
    told = {f.key: f for f in found.findings()}
    rose = told["campaign/alarm/product/P4"]
    assert rose.level == "good"
    assert rose.text.startswith("P4 takes off: ")
    assert rose.action is None


def test_every_engine_raises_the_same_alarms(light_engine: Any, stopped: dict[str, Any]) -> None:
    expected, told = (find_alarms(t, **HALF).frame for t in (stopped, light_engine(stopped)))
    assert told["key"].tolist() == expected["key"].tolist()
    np.testing.assert_allclose(told["p_value"], expected["p_value"], rtol=1e-9)


def test_young_campaign_has_nothing_to_compare(calm: dict[str, Any]) -> None:
    alarms = find_alarms(calm, campaign=campaign(), at="2026-09-28 02:00", time_zone=ZONE)
    assert alarms.findings()[0].text.startswith("Too few order lines")
    assert alarms.frame.empty


def test_stock_that_runs_out_is_found_with_its_time(calm: dict[str, Any]) -> None:
    sold = during(since="2026-09-29", until="2026-09-30")
    whole = during(since="2026-09-30", until="2026-10-02")
    since = sum(r["product"] == "P1" for r in sold)
    need = sum(r["product"] == "P1" for r in whole)
    left = need // 3
    shop = {**calm, "inventory": stock({**PLENTY, "P1-A": since + left}, day=EVE)}
    outs = find_run_outs(shop, **HALF)
    assert outs.snapshot == EVE
    row = outs.frame.iloc[0]
    assert (row["sku_id"], row["left"]) == ("P1-A", left)
    assert row["chance"] > 0.9
    moments = sorted(r["at"] for r in whole if r["product"] == "P1")
    assert row["earliest"] <= moments[left] <= row["latest"]
    share = follow_campaign(shop, **HALF).closings["paid_orders"].share
    later = nbinom(row["lines"] + 0.5, share)
    counts = np.arange(2000)
    short = float((later.pmf(counts) * np.clip(counts - left, 0, None)).sum())
    assert row["short"] == pytest.approx(short, rel=1e-6)
    assert row["chance"] == pytest.approx(float(later.sf(left - 1)), abs=1e-9)
    assert (outs.frame["chance"].iloc[1:] < 0.01).all()
    [finding] = outs.findings()
    assert f"has {left} left and runs out between 2026-" in finding.text
    assert finding.money == pytest.approx(100 * short, rel=1e-6)


def test_enough_or_no_stock_turn_the_sentence(calm: dict[str, Any]) -> None:
    enough = find_run_outs({**calm, "inventory": stock(PLENTY, day=EVE)}, **HALF)
    assert enough.findings()[0].text == (
        "At the present rate no SKU is likely to run out before the end."
    )
    assert enough.findings()[0].action is None
    gone = find_run_outs({**calm, "inventory": stock({**PLENTY, "P1-A": 3}, day=EVE)}, **HALF)
    assert "is sold out, and" in gone.findings()[0].text
    other = find_run_outs({**calm, "inventory": stock({"X-A": 3}, day=EVE)}, **HALF)
    assert other.findings()[0].text.startswith("No SKU that the campaign sells is in the stock")


def test_stock_of_all_warehouses_meets_all_sales(calm: dict[str, Any]) -> None:
    here = find_run_outs({**calm, "inventory": stock(PLENTY, day=EVE)}, **HALF).frame
    whole = find_run_outs({**calm, "inventory": stock(PLENTY, day=EVE, warehouse="*")}, **HALF)
    assert whole.frame["left"].tolist() == here["left"].tolist()


def test_counts_made_later_are_not_looked_at(calm: dict[str, Any]) -> None:
    late = {**calm, "inventory": stock(PLENTY, day=dt.date(2026, 9, 30))}
    with pytest.raises(MissingDataError, match="No stock was counted by 2026-09-29"):
        find_run_outs(late, **HALF)


def test_every_engine_tells_the_same_stock(light_engine: Any, calm: dict[str, Any]) -> None:
    shop = {**calm, "inventory": stock({**PLENTY, "P1-A": 80}, day=EVE)}
    expected, told = (find_run_outs(t, **HALF).frame for t in (shop, light_engine(shop)))
    assert told["sku_id"].tolist() == expected["sku_id"].tolist()
    np.testing.assert_allclose(told["chance"], expected["chance"], atol=1e-12)


def test_best_sellers_are_ranked_beside_the_last_edition(calm: dict[str, Any]) -> None:
    best = rank_sellers(calm, **HALF)
    rows = [r for r in during(since="2026-09-28", until="2026-09-30") if r["product"] in PROMOTED]
    count = {p: sum(r["product"] == p for r in rows) for p in PROMOTED}
    assert best.frame["product_id"].tolist() == sorted(count, key=lambda p: (-count[p], p))
    assert best.frame["share"].sum() == pytest.approx(1)
    before = [r for r in during(since="2026-08-24", until="2026-08-26") if r["product"] in PROMOTED]
    top = best.frame["product_id"].iloc[0]
    expected = sum(r["product"] == top for r in before) / len(before)
    assert best.frame["last_share"].iloc[0] == pytest.approx(expected)
    assert f"{top} sells most" in best.findings()[0].text


def test_short_list_names_what_is_wrong_and_nothing_where_nothing_is(
    calm: dict[str, Any], stopped: dict[str, Any]
) -> None:
    forecast = follow_campaign(calm, **HALF).closings["paid_amount"].total
    good = {"targets": {"paid_amount": 0.5 * forecast}}
    quiet = list_changes(follow_campaign(calm, **HALF, **good), find_alarms(calm, **HALF))
    assert quiet.absent() == "Nothing that was looked at asks for a change now."
    assert quiet.findings() == ()
    missed = follow_campaign(calm, **HALF, targets={"paid_amount": 2 * forecast})
    assert [f.key for f in list_changes(missed, find_alarms(calm, **HALF)).reasons] == [
        "campaign/pace"
    ]
    alarms = find_alarms(stopped, **HALF)
    changes = list_changes(missed, alarms)
    assert [f.key for f in changes.reasons] == ["campaign/alarm/product/P2"]
    row = changes.to_frame().iloc[0]
    assert row["money"] == alarms.findings()[0].money
    assert row["change"].startswith("Look at once whether P2 is on sale")


def test_alarms_by_chance_are_as_rare_as_said() -> None:
    rng = np.random.default_rng(8)
    from ecops_lib.campaigns.pacing.alarms import FALSE_ALARMS, _test

    looks, raised, tests = 400, 0, 5
    for _ in range(looks):
        early, late = (rng.multinomial(n, [0.3, 0.25, 0.2, 0.15, 0.1]) for n in (300, 80))
        lines = pd.DataFrame({"lines": np.concatenate([early, late])})
        recent = np.repeat([False, True], tests)
        for key in range(tests):
            mine = np.tile(np.arange(tests) == key, 2)
            raised += _test(lines, mine, recent, 1.0)[0] * tests <= FALSE_ALARMS
    assert binom.sf(raised - 1, looks, FALSE_ALARMS) > 0.01
