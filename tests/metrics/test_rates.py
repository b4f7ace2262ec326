"""Rates of eight weeks: sums and jackknife by hand, on every engine; intervals that cover."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest
from seeded_shop import local, make_rows, to_arrow

from ecops_lib.core.language import reading
from ecops_lib.metrics.bases import Tables
from ecops_lib.metrics.rates import LATE, RATES, RIPE, WEEKS, jackknife_error, measure_rates
from ecops_lib.metrics.registry import metric_named

ZONE, FIRST, DAYS = "Asia/Shanghai", dt.date(2026, 6, 1), 100
LAST = FIRST + dt.timedelta(days=DAYS - 2)
ROWS = make_rows(4, first=FIRST, days=DAYS, orders=1500)
T_7 = 2.3646242510102993
"""0.975 quantile of Student's t with 7 degrees of freedom (any table: 2.365)."""


def weeks_of(days: list[tuple[dt.date, float]], end: dt.date) -> list[float]:
    """Sums of the eight weeks up to a day, one after the other."""
    return [
        sum(v for day, v in days if 7 * week <= (end - day).days < 7 * (week + 1))
        for week in range(WEEKS)
    ]


def by_hand(above: list[float], below: list[float]) -> tuple[float, float, float, float]:
    """Rate, standard error and interval from leaving out one week at a time."""
    rates = [(sum(above) - a) / (sum(below) - b) for a, b in zip(above, below, strict=True)]
    middle = sum(rates) / WEEKS
    error = math.sqrt((WEEKS - 1) / WEEKS * sum((r - middle) ** 2 for r in rates))
    value = sum(above) / sum(below)
    return value, error, value - T_7 * error, value + T_7 * error


def test_rates_and_intervals_are_those_by_hand(light_engine: Any) -> None:
    tables = Tables(light_engine(to_arrow(ROWS)), time_zone=ZONE)
    found = {rate.key: rate for rate in measure_rates(tables, day=LAST)}
    seen = [row for row in ROWS["traffic"] if row["scope"] == "shop"]
    paid = [row for row in ROWS["orders"] if row["paid_at"]]
    day_of = {
        (row["platform"], row["order_id"]): local(row["paid_at"], ZONE).date() for row in paid
    }
    lines = [
        (day_of[key], row["quantity"])
        for row in ROWS["order_items"]
        if (key := (row["platform"], row["order_id"])) in day_of
    ]
    sides = {
        "cart_rate": ([(r["day"], r["cart_visitors"]) for r in seen],
                      [(r["day"], r["visitors"]) for r in seen]),
        "units_per_order": (lines, [(day, 1) for day in day_of.values()]),
    }  # fmt: skip
    for key, (above, below) in sides.items():
        value, error, low, high = by_hand(weeks_of(above, LAST), weeks_of(below, LAST))
        told = found[key]
        assert [told.value, told.error, told.low] == pytest.approx([value, error, max(low, 0)])
        assert told.high == pytest.approx(high)
        assert told.freedom == 7


def test_refund_rates_end_when_most_refunds_have_come() -> None:
    tables = Tables(to_arrow(ROWS), time_zone=ZONE)
    [told] = [r for r in measure_rates(tables, day=LAST) if r.key == "refund_rate_by_order"]
    early = Tables(to_arrow(ROWS), time_zone=ZONE)
    [same] = [r for r in measure_rates(early, day=LAST - dt.timedelta(1)) if r.key == told.key]
    assert told.value != same.value
    assert {"refund_rate_by_order"} == LATE
    assert 0 < told.low < told.value < told.high < 1
    assert RIPE % 7 == 0


def test_shares_stay_between_nothing_and_all() -> None:
    tables = Tables(to_arrow(make_rows(1, first=FIRST, days=DAYS, orders=300)), time_zone=ZONE)
    for rate in measure_rates(tables, day=LAST):
        assert rate.low >= 0
        assert rate.unit != "share" or rate.high <= 1


def test_only_rates_without_a_currency_are_told() -> None:
    assert {metric_named(key).unit for key in RATES} <= {"share", "ratio"}
    assert all(metric_named(key).denominator for key in RATES)


def test_a_shop_of_a_few_weeks_or_without_traffic_tells_less() -> None:
    young = make_rows(2, first=LAST - dt.timedelta(days=20), days=21)
    assert measure_rates(Tables(to_arrow(young), time_zone=ZONE), day=LAST) == ()
    rows = {name: held for name, held in ROWS.items() if name != "traffic"}
    told = {r.key for r in measure_rates(Tables(to_arrow(rows), time_zone=ZONE), day=LAST)}
    assert "cart_rate" not in told
    assert "units_per_order" in told


def test_labels_are_the_reader_s() -> None:
    with reading("zh"):
        told = {
            r.key: r.label for r in measure_rates(Tables(to_arrow(ROWS), time_zone=ZONE), day=LAST)
        }
    assert told["cart_rate"] != "Add-to-cart rate"


def test_intervals_cover_although_days_of_a_week_move_together() -> None:
    """Conversion that wanders from week to week: 95 % intervals hold the truth in 95 %."""
    rng = np.random.default_rng(8)
    held, runs = 0, 1500
    for _ in range(runs):
        visitors = rng.poisson(3000, WEEKS).astype(float)
        buyers = rng.binomial(visitors.astype(int), np.clip(rng.normal(0.04, 0.004, WEEKS), 0, 1))
        error = jackknife_error(buyers.astype(float), visitors)
        held += abs(buyers.sum() / visitors.sum() - 0.04) < T_7 * error
    assert abs(held / runs - 0.95) < 3 * math.sqrt(0.05 * 0.95 / runs)
