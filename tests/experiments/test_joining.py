"""What units did within their window: every engine gives what plain Python gives."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from trial_worlds import HISTORY, Row, as_arrow, make_exposures, plan_from, sort_out

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import reading
from ecops_lib.data import frames
from ecops_lib.experiments.exposures import prepare_units
from ecops_lib.experiments.facts import collect_facts, needed_pairs
from ecops_lib.experiments.joining import Joined, join_outcomes
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.plan import ExperimentPlan

Engine = Callable[[dict[str, Any]], dict[str, Any]]

ZONE = ZoneInfo("Asia/Shanghai")
START = dt.date(2026, 2, 20)
OWN = ("converted", "paid_amount", "previous_orders")
WINDOW, HISTORY_SPAN = dt.timedelta(days=2), dt.timedelta(days=HISTORY)


def make_world(seed: int) -> tuple[ExperimentPlan, dict[str, list[Row]]]:
    """A test whose log tells no outcomes, with orders, lines, refunds and events around it."""
    plan = plan_from(START, 6)
    rng = random.Random(seed)
    log = [
        {k: v for k, v in row.items() if k not in OWN} for row in make_exposures(seed, plan, ZONE)
    ]
    world: dict[str, list[Row]] = {
        "experiments": log,
        "orders": [],
        "order_items": [],
        "refunds": [],
        "events": [],
    }
    opens = dt.datetime(2026, 2, 12, tzinfo=dt.UTC)
    for number in range(400):
        placed = opens + dt.timedelta(seconds=rng.randrange(13 * 86_400))
        paid = placed + dt.timedelta(seconds=rng.choice((60, 3600, 86_400)))
        order = {"platform": rng.choice(("tmall", "jd")), "order_id": f"{number}"}
        unpaid = rng.random() < 0.1
        world["orders"].append(
            {
                **order,
                "buyer_key": rng.choice((f"u{rng.randrange(170):03d}",) * 9 + (None,)),
                "created_at": placed,
                "paid_at": None if unpaid else paid,
                "paid_amount": None if unpaid else Decimal(rng.randrange(1, 4000)) / 8,
                "ordered_amount": Decimal(1),
            }
        )
        for line in range(rng.choice((0, 1, 2))):
            world["order_items"].append(
                {
                    **order,
                    "line_id": f"{line}",
                    "created_at": placed,
                    "quantity": rng.randrange(1, 4),
                    "ordered_amount": Decimal(1),
                }
            )
        for claim in range(rng.choice((0, 0, 1, 2))):
            back = paid + dt.timedelta(hours=rng.randrange(200))
            world["refunds"].append(
                {
                    **order,
                    "order_id": rng.choice((order["order_id"],) * 9 + (None,)),
                    "refund_id": f"{number}-{claim}",
                    "applied_at": back,
                    "finished_at": rng.choice((back, None)),
                    "amount": Decimal(rng.randrange(1, 80)) / 8,
                    "status": rng.choice(("success", "success", "pending")),
                }
            )
        world["events"].append(
            {
                "platform": "tmall",
                "event_id": f"{number}",
                "happened_at": placed,
                "visitor_key": rng.choice((f"u{rng.randrange(150):03d}", None)),
                "session_id": f"s{rng.randrange(300)}",
                "kind": rng.choice(("view", "cart")),
            }
        )
    for rows in world.values():
        rng.shuffle(rows)
    return plan, world


def expected(plan: ExperimentPlan, world: dict[str, list[Row]]) -> tuple[dict[str, Row], Row]:  # noqa: C901, PLR0912
    """Outcomes of each unit, and what did not count, in plain Python."""
    told = [
        {**row, "converted": None, "paid_amount": None, "previous_orders": None}
        for row in world["experiments"]
    ]
    _, kept, _, _ = sort_out(told, plan, ZONE, 100)
    units: dict[str, Row] = {unit: defaultdict(float) for unit in kept}
    counts: Row = defaultdict(int)
    late, within, matched = set(), set(), set()
    back = defaultdict(list)
    for refund in world["refunds"]:
        if refund["status"] == "success" and refund["order_id"]:
            back[refund["platform"], refund["order_id"]].append(refund)
    lines = defaultdict(int)
    for line in world["order_items"]:
        lines[line["platform"], line["order_id"]] += line["quantity"]
    for order in world["orders"]:
        unit, placed, paid = order["buyer_key"], order["created_at"], order["paid_at"]
        if unit not in kept or paid is None:
            continue
        matched.add(unit)
        at, held = kept[unit]["exposed_at"], units[unit]
        key = order["platform"], order["order_id"]
        if at - HISTORY_SPAN <= paid < at:
            held["previous_orders"] += 1
            held["previous_amount"] += float(order["paid_amount"])
        elif placed < at <= paid:
            counts["straddling"] += 1
        elif placed >= at and paid >= at + WINDOW:
            counts["late_orders"] += 1
            late.add(unit)
        elif placed >= at:
            counts["orders"] += 1
            within.add(unit)
            held["orders"] += 1
            held["converted"] = 1.0
            held["paid_amount"] += float(order["paid_amount"])
            held["items"] += lines[key]
            held["refunded_orders"] += bool(back[key])
            for refund in back[key]:
                held["refund_amount"] += float(refund["amount"])
                if (refund["finished_at"] or refund["applied_at"]) >= at + WINDOW:
                    counts["late_refunds"] += 1
                    counts["late_refund_amount"] += float(refund["amount"])
    sessions = defaultdict(set)
    for event in world["events"]:
        unit = event["visitor_key"]
        if unit in kept and timedelta_within(event["happened_at"], kept[unit]["exposed_at"]):
            sessions[unit].add(event["session_id"])
            units[unit]["carted"] = max(units[unit]["carted"], float(event["kind"] == "cart"))
    for unit, held in units.items():
        held["visits"] = float(len(sessions[unit]))
        held["net_paid_amount"] = held["paid_amount"] - held["refund_amount"]
    paid_ones = [o for o in world["orders"] if o["paid_at"] and o["buyer_key"]]
    end = max(max(o["paid_at"], o["created_at"]) for o in paid_ones)
    counts["immature"] = sum(row["exposed_at"] + WINDOW > end for row in kept.values())
    counts["late_units"], counts["matched"] = len(late - within), len(matched)
    return units, counts


def timedelta_within(moment: dt.datetime, at: dt.datetime) -> bool:
    return at <= moment < at + WINDOW


def joined(plan: ExperimentPlan, tables: dict[str, Any]) -> Joined:
    units = prepare_units(tables.pop("experiments"), plan=plan, zone=ZONE)
    return join_outcomes(units, tables, history_days=HISTORY)


def test_outcomes_agree_with_plain_python(engine: Engine) -> None:
    plan, world = make_world(11)
    found = joined(plan, engine({name: as_arrow(rows, name) for name, rows in world.items()}))
    units, counts = expected(plan, world)
    assert {name: getattr(found, name) for name in counts} == dict(counts)
    assert all(
        counts[name] > 0 for name in ("straddling", "late_orders", "late_refunds", "immature")
    )
    columns = found.prepared.columns
    assert len(columns) == 11
    held = frames.bring(found.prepared.table, sort=["unit_key"])
    assert sorted(held["unit_key"]) == sorted(units)
    for row in held.to_dict("records"):
        assert {name: row[name] for name in columns} == {
            name: units[row["unit_key"]][name] for name in columns
        }


def test_facts_from_any_engine_are_those_of_the_units(engine: Engine) -> None:
    plan, world = make_world(12)
    found = joined(
        plan, engine({name: as_arrow(rows, name) for name, rows in world.items()})
    ).prepared
    facts = collect_facts(found, plan=plan, columns=found.columns)
    units, _ = expected(plan, world)
    held = frames.bring(found.table)
    for variant in plan.variants:
        mine = [units[u] for u in held.loc[held["variant"] == variant, "unit_key"]]
        moments = facts.variant(variant)
        assert moments.n == len(mine)
        for name in found.columns:
            values = [row[name] for row in mine]
            mean = sum(values) / len(values)
            assert moments.average(name) == pytest.approx(mean, rel=1e-12, abs=1e-12)
            variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
            assert moments.variance(name) == pytest.approx(variance, rel=1e-9)


def test_the_words_and_the_table_tell_the_counts() -> None:
    plan, world = make_world(11)
    found = joined(plan, {name: as_arrow(rows, name) for name, rows in world.items()})
    assert {f.key for f in found.findings()} == {
        f"outcomes/{name}" for name in ("immature", "late_orders", "straddling", "late_refunds")
    }
    with reading("zh", "CNY"):
        assert not any("not" in f.text for f in found.findings())
    assert found.orders in set(found.to_frame()["count"])
    assert "not counted" in str(found)
    assert replace(found, immature=0, late_orders=0, straddling=0, late_refunds=0).findings() == ()


def test_nothing_to_join_is_refused() -> None:
    plan, world = make_world(13)
    log = as_arrow(world["experiments"])
    with pytest.raises(MissingDataError, match="import the platform's order export"):
        joined(plan, {"experiments": log})
    strangers = [{**row, "buyer_key": f"x{n}"} for n, row in enumerate(world["orders"])]
    with pytest.raises(MissingDataError, match="no unit of"):
        joined(plan, {"experiments": log, "orders": as_arrow(strangers, "orders")})
    unpaid = [{**row, "paid_at": None} for row in world["orders"]]
    with pytest.raises(MissingDataError, match="no unit of"):
        joined(plan, {"experiments": log, "orders": as_arrow(unpaid, "orders")})


def test_a_results_sheet_keeps_its_own_outcomes() -> None:
    plan, world = make_world(14)
    told = make_exposures(14, plan, ZONE)
    found = joined(
        plan, {"experiments": as_arrow(told), "orders": as_arrow(world["orders"], "orders")}
    )
    assert set(found.prepared.columns) == set(OWN)
    assert found.orders == 0


def test_needed_pairs_name_ratios_and_covariates_once() -> None:
    pairs = needed_pairs(METRICS.values(), covariates=["previous_orders", "previous_amount"])
    assert len(pairs) == len(set(pairs)) == 4 + 9 * 2 + 1
