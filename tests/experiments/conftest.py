"""A shop with one A/B test whose counts are told to the last order."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import create_store
from ecops_lib.experiments import Experiment

START = dt.date(2026, 3, 2)
DAYS = 14
MakeTrial = Callable[..., Experiment]


def _rows(name: str, variant: str, units: int, bought: int, back: int) -> list[dict[str, Any]]:
    """Units spread evenly over days and segments; buyers drawn, as many as told."""
    rng = random.Random(f"{name} {variant}")
    buyers = rng.sample(range(units), bought)
    amounts = {place: Decimal(100 + 7 * (k % 11)) for k, place in enumerate(buyers)}
    refunded = set(buyers[:back])
    opens = dt.datetime.combine(START, dt.time(4), dt.UTC)
    return [
        {
            "experiment_id": name,
            "unit_key": f"{name}-{variant}-{place:06d}",
            "variant": variant,
            "exposed_at": opens + dt.timedelta(days=place % DAYS, minutes=place % 500),
            "segment": "安卓" if place % 3 else "苹果",
            "converted": place in amounts,
            "orders": int(place in amounts),
            "paid_amount": amounts.get(place, Decimal(0)),
            "refund_amount": amounts[place] if place in refunded else Decimal(0),
            "refunded_orders": int(place in refunded),
        }
        for place in range(units)
    ]


@pytest.fixture
def make_trial(tmp_path: Path) -> MakeTrial:
    """A test of variants: name → (units, buyers, of them refunded); the first is the control."""

    def make(
        variants: dict[str, tuple[int, int, int]],
        *,
        day: dt.date = START + dt.timedelta(days=30),
        past: dict[str, dict[str, tuple[int, int, int]]] | None = None,
        **plan: Any,
    ) -> Experiment:
        tests = {"主图测试": variants, **(past or {})}
        schema = arrow_schema("experiments")
        told = {name: _plan(held, plan) for name, held in tests.items()}
        shop = create_store(tmp_path / "shop", name="店", key=b"k" * 32, tests=told)
        rows = [
            row
            for name, held in tests.items()
            for variant, counts in held.items()
            for row in _rows(name, variant, *counts)
        ]
        whole = [{name: row.get(name) for name in schema.names} for row in rows]
        with shop.writing() as writer:
            writer.upsert("experiments", pa.Table.from_pylist(whole, schema=schema))
        with reading("en", "CNY"):
            return Experiment(shop, "主图测试", day=day)

    return make


def _plan(variants: dict[str, tuple[int, int, int]], more: dict[str, Any]) -> dict[str, Any]:
    return {
        "control": next(iter(variants)),
        "shares": dict.fromkeys(variants, 1 / len(variants)),
        "start": START,
        "end": START + dt.timedelta(days=DAYS - 1),
        "guardrails": ["refunded_order_rate"],
        "window_days": 7,
        "least_effect": 0.05,
        "guardrail_margin": 0.9,
        **more,
    }
