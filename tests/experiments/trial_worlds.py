"""Small seeded tests with every fault of a log, and what plain Python makes of them."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from ecops_lib.data.schema import arrow_schema
from ecops_lib.experiments.plan import ExperimentPlan, make_plan

Row = dict[str, Any]

DAY = dt.timedelta(days=1)
VARIANTS = ("A", "B", "C")
PAGES = {"A": "old page", "B": "new page", "C": "newest page"}
SEGMENTS = ("安卓", "苹果", None)
HISTORY = 5


def plan_from(start: dt.date, days: int, **more: Any) -> ExperimentPlan:
    shares = {"A": 0.5, "B": 0.25, "C": 0.25}
    told = {"control": "A", "shares": shares, "start": start, "end": start + (days - 1) * DAY}
    return make_plan("页面测试", {**told, "window_days": 2, **more})


def make_exposures(seed: int, plan: ExperimentPlan, zone: ZoneInfo) -> list[Row]:
    """A log of some 400 rows: other tests, nulls, cross-overs, programmes, strangers' variants."""
    rng = random.Random(seed)
    assert plan.start
    assert plan.end
    opens = dt.datetime.combine(plan.start, dt.time(), zone).astimezone(dt.UTC)
    length = ((plan.end - plan.start).days + 1) * 86_400
    rows = []
    for unit in range(150):
        mine = rng.choice(VARIANTS)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            variant = rng.choice(VARIANTS) if rng.random() < 0.05 else mine
            shown = PAGES[rng.choice(VARIANTS) if rng.random() < 0.04 else variant]
            at = opens + dt.timedelta(
                seconds=rng.randrange(-86_400, length + 86_400), microseconds=rng.randrange(10**6)
            )
            rows.append(
                {
                    "experiment_id": rng.choice((plan.experiment_id,) * 30 + ("another",)),
                    "unit_key": None if rng.random() < 0.03 else f"u{unit:03d}",
                    "variant": rng.choice((variant,) * 40 + ("X", None)),
                    "exposed_at": None if rng.random() < 0.02 else at,
                    "segment": rng.choice(SEGMENTS),
                    "shown": None if rng.random() < 0.1 else shown,
                    "converted": rng.choice((True, False, False, None)),
                    "paid_amount": rng.choice((Decimal("12.2500"), Decimal(0), None)),
                    "previous_orders": rng.choice((0, 0, 3, None)),
                }
            )
    noon = opens + DAY / 2
    for load in range(40):
        rows.append(
            {**_plain(plan, "bot", "B"), "exposed_at": noon + load * dt.timedelta(seconds=9)}
        )
        rows.append({**_plain(plan, "often", "B"), "exposed_at": opens + load * DAY / 12})
    rng.shuffle(rows)
    return rows


def _plain(plan: ExperimentPlan, unit: str, variant: str) -> Row:
    return {
        "experiment_id": plan.experiment_id,
        "unit_key": unit,
        "variant": variant,
        "segment": None,
        "shown": PAGES[variant],
        "converted": False,
        "paid_amount": Decimal(1),
        "previous_orders": 1,
    }


def as_arrow(rows: list[Row], table: str = "experiments") -> pa.Table:
    """Rows as Arrow, with the schema's columns that any row has."""
    held = {name for row in rows for name in row}
    fields = [field for field in arrow_schema(table) if field.name in held]
    whole = [{field.name: row.get(field.name) for field in fields} for row in rows]
    return pa.Table.from_pylist(whole, schema=pa.schema(fields))


def sort_out(
    rows: list[Row], plan: ExperimentPlan, zone: ZoneInfo, most: int
) -> tuple[dict[str, int], dict[str, Row], dict[str, Row], dict[str, Row]]:
    """Rows by reason; units kept, crossed and programmes, each with its first exposure."""
    reasons: dict[str, int] = defaultdict(int)
    good = []
    for row in rows:
        if row["experiment_id"] != plan.experiment_id:
            continue
        reason = _reason(row, plan, zone)
        reasons[reason] += 1
        if reason == "kept":
            good.append(row)
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in good:
        groups[row["unit_key"]].append(row)
    kept, crossed, bots = {}, {}, {}
    for unit, mine in groups.items():
        days: dict[dt.date, int] = defaultdict(int)
        for row in mine:
            days[row["exposed_at"].astimezone(zone).date()] += 1
        found = _unit(mine, zone)
        if len({row["variant"] for row in mine}) > 1:
            crossed[unit] = found
        elif max(days.values()) > most:
            bots[unit] = found
        else:
            kept[unit] = found
    return dict(reasons), kept, crossed, bots


def _reason(row: Row, plan: ExperimentPlan, zone: ZoneInfo) -> str:
    if row["unit_key"] is None:
        return "no_unit"
    if row["exposed_at"] is None:
        return "no_time"
    day = row["exposed_at"].astimezone(zone).date()
    if (plan.start and day < plan.start) or (plan.end and day > plan.end):
        return "outside"
    if row["variant"] not in plan.variants:
        return "other_variant"
    return "mismatched" if row["shown"] not in {None, PAGES[row["variant"]]} else "kept"


def _unit(mine: list[Row], zone: ZoneInfo) -> Row:
    first = min(mine, key=lambda row: row["exposed_at"])
    return {
        "variant": first["variant"],
        "exposed_at": first["exposed_at"],
        "day": first["exposed_at"].astimezone(zone).date(),
        "segment": first["segment"] or "",
        "exposures": len(mine),
        "converted": float(any(row["converted"] for row in mine)),
        "paid_amount": float(sum(row["paid_amount"] or 0 for row in mine)),
        "previous_orders": float(max(row["previous_orders"] or 0 for row in mine)),
    }
