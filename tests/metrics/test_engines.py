"""The engine law: every engine gives what a slow oracle in plain Python gives."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from seeded_shop import Row, grouped, local, make_rows, to_arrow

from ecops_lib.metrics import measure
from ecops_lib.metrics.buyers import sum_buyers
from ecops_lib.metrics.periods import compare_day

ZONES = {
    "Asia/Shanghai": dt.date(2026, 2, 20),
    "Europe/London": dt.date(2026, 3, 20),  # clocks go forward on 29 March
    "America/Sao_Paulo": dt.date(2018, 10, 26),  # 4 November 2018 began at 01:00
}
DAYS = 18
METRICS = ("ordered_amount", "orders", "paid_amount", "paid_orders", "buyers", "net_paid_amount")

Engine = Callable[[dict[str, Any]], dict[str, Any]]


def _inside(moment: dt.datetime | None, zone: str, start: dt.date, end: dt.date) -> bool:
    return moment is not None and start <= local(moment, zone).date() <= end


def _money(rows: list[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows if row[column] is not None), Decimal(0))


def _people(rows: list[Row]) -> int:
    return len({row["buyer_key"] for row in rows} - {None})


class Oracle:
    """The six metrics of a span, group by group, from plain rows."""

    def __init__(self, rows: dict[str, list[Row]], zone: str, start: dt.date, end: dt.date):
        orders = rows["orders"]
        self.placed = [o for o in orders if _inside(o["created_at"], zone, start, end)]
        self.paid = [o for o in orders if _inside(o["paid_at"], zone, start, end)]
        known = {(o["platform"], o["order_id"]): o for o in self.paid}
        self.refunds = [
            {**refund, **{k: known[at][k] for k in ("paid_at", "province", "created_at")}}
            for refund in rows["refunds"]
            if refund["status"] == "success"
            and (at := (refund["platform"], refund["order_id"])) in known
        ]

    def by(self, placed: Callable[[Row], Any], paid: Callable[[Row], Any]) -> dict[Any, Row]:
        found: dict[Any, Row] = {}
        plans = (
            ("ordered_amount", self.placed, placed, lambda r: _money(r, "ordered_amount")),
            ("orders", self.placed, placed, len),
            ("paid_amount", self.paid, paid, lambda r: _money(r, "paid_amount")),
            ("paid_orders", self.paid, paid, len),
            ("buyers", self.paid, paid, _people),
            ("refund_amount", self.refunds, paid, lambda r: _money(r, "amount")),
        )
        for name, rows, key, value in plans:
            for group, number in grouped(rows, key, value).items():
                found.setdefault(group, {})[name] = number
        return found


def _check(frame: Any, column: str, expected: dict[Any, Row], name: Callable[[Any], Any]) -> None:
    seen = {}
    for row in frame.to_dict("records"):
        seen[name(row[column])] = row
    assert set(expected) <= set(seen)
    for group, row in seen.items():
        held = {"refund_amount": Decimal(0), **expected.get(group, {})}
        held["net_paid_amount"] = held.get("paid_amount", 0) - held["refund_amount"]
        for metric in METRICS:
            assert row[metric] == pytest.approx(float(held.get(metric, 0)), rel=1e-14), (
                group,
                metric,
            )


def _none(value: Any) -> Any:
    return value if isinstance(value, str) else None


@pytest.mark.parametrize("zone", ZONES)
def test_days_and_hours_agree_with_plain_python(engine: Engine, zone: str) -> None:
    first = ZONES[zone]
    rows = make_rows(7, first=first, days=DAYS)
    start, end = first + dt.timedelta(days=1), first + dt.timedelta(days=DAYS - 2)
    tables = engine(to_arrow(rows))
    oracle = Oracle(rows, zone, start, end)

    by_day = measure(
        tables, METRICS, start=start, end=end, by=("day",), time_zone=zone, refund_basis="pay"
    ).to_frame()
    expected = oracle.by(
        lambda r: local(r["created_at"], zone).date(), lambda r: local(r["paid_at"], zone).date()
    )
    _check(by_day, "day", expected, lambda v: v.date())

    by_hour = measure(
        tables, METRICS, start=start, end=end, by=("hour",), time_zone=zone, refund_basis="pay"
    ).to_frame()
    expected = oracle.by(
        lambda r: local(r["created_at"], zone).hour, lambda r: local(r["paid_at"], zone).hour
    )
    _check(by_hour, "hour", expected, int)


@pytest.mark.parametrize(
    ("by", "column", "key"),
    [
        ("week", "week", lambda day: day - dt.timedelta(days=day.weekday())),
        ("month", "month", lambda day: day.replace(day=1)),
        ("weekday", "weekday", lambda day: day.isoweekday()),
    ],
)
def test_weeks_months_and_weekdays_agree(
    engine: Engine, by: Any, column: str, key: Callable[[dt.date], Any]
) -> None:
    zone, first = "Asia/Shanghai", ZONES["Asia/Shanghai"]
    rows = make_rows(8, first=first, days=DAYS)
    start, end = first, first + dt.timedelta(days=DAYS)
    expected = Oracle(rows, zone, start, end).by(
        lambda r: key(local(r["created_at"], zone).date()),
        lambda r: key(local(r["paid_at"], zone).date()),
    )
    frame = measure(
        engine(to_arrow(rows)), METRICS, start=start, end=end, by=(by,), time_zone=zone
    ).to_frame()
    _check(frame, column, expected, lambda v: v.date() if hasattr(v, "date") else int(v))


def test_platforms_and_provinces_agree(engine: Engine) -> None:
    zone, first = "Asia/Shanghai", ZONES["Asia/Shanghai"]
    rows = make_rows(9, first=first, days=DAYS)
    tables = engine(to_arrow(rows))
    start, end = first, first + dt.timedelta(days=DAYS)
    oracle = Oracle(rows, zone, start, end)
    for dimension in ("platform", "province"):
        frame = measure(
            tables, METRICS, start=start, end=end, by=(dimension,), time_zone=zone
        ).to_frame()
        expected = oracle.by(lambda r, d=dimension: r[d], lambda r, d=dimension: r[d])
        _check(frame, dimension, expected, _none)


def test_products_and_categories_agree(engine: Engine) -> None:
    zone, first = "Asia/Shanghai", ZONES["Asia/Shanghai"]
    rows = make_rows(10, first=first, days=DAYS)
    start, end = first, first + dt.timedelta(days=DAYS)
    paid = {
        (o["platform"], o["order_id"]): o
        for o in rows["orders"]
        if _inside(o["paid_at"], zone, start, end)
    }
    category = {(p["platform"], p["product_id"]): p["category"] for p in rows["products"]}
    lines = [
        {
            **line,
            "buyer_key": paid[at]["buyer_key"],
            "category": category[(line["platform"], line["product_id"])],
        }
        for line in rows["order_items"]
        if (at := (line["platform"], line["order_id"])) in paid
    ]
    tables = engine(to_arrow(rows))
    for dimension, column in (("product", "product_id"), ("category", "category")):
        frame = measure(
            tables,
            ("paid_amount", "paid_units", "paid_orders", "buyers", "average_selling_price"),
            start=start,
            end=end,
            by=(dimension,),  # type: ignore[arg-type]
            time_zone=zone,
        ).to_frame()
        groups = grouped(lines, lambda r, c=column: r[c], lambda r: r)  # type: ignore[arg-type]
        assert {_none(v) for v in frame[column]} == set(groups)
        for row in frame.to_dict("records"):
            held: Any = groups[_none(row[column])]
            units = sum(line["quantity"] for line in held)
            amount = float(_money(held, "paid_amount"))
            assert row["paid_amount"] == amount
            assert row["paid_units"] == units
            assert row["paid_orders"] == len({(r["platform"], r["order_id"]) for r in held})
            assert row["buyers"] == _people(held)
            assert row["average_selling_price"] == amount / units


def test_ratios_bounds_and_both_refund_days_agree(engine: Engine) -> None:
    zone, first = "Asia/Shanghai", ZONES["Asia/Shanghai"]
    rows = make_rows(11, first=first, days=DAYS)
    tables = engine(to_arrow(rows))
    day = first + dt.timedelta(days=5)
    shop = {r["day"]: r for r in rows["traffic"] if r["scope"] == "shop"}
    one = measure(tables, ("visitors", "conversion_rate"), start=day, end=day, time_zone=zone)
    paid = [o for o in rows["orders"] if _inside(o["paid_at"], zone, day, day)]
    assert one.value("visitors") == shop[day]["visitors"]
    assert one.value("conversion_rate") == _people(paid) / shop[day]["visitors"]

    end = day + dt.timedelta(days=6)
    week = measure(
        tables, ("visitors", "stay_seconds", "page_views"), start=day, end=end, time_zone=zone
    )
    held = [shop[day + dt.timedelta(days=n)] for n in range(7)]
    visitors = [r["visitors"] for r in held]
    assert math.isnan(week.value("visitors"))
    assert week.frame["visitors_low"].item() == max(visitors)
    assert week.frame["visitors_high"].item() == sum(visitors)
    assert week.value("page_views") == sum(r["page_views"] for r in held)
    stays = sum(r["stay_seconds"] * r["visitors"] for r in held) / sum(visitors)
    assert week.value("stay_seconds") == pytest.approx(stays, rel=1e-12)

    done = [
        r["amount"]
        for r in rows["refunds"]
        if r["status"] == "success" and _inside(r["finished_at"], zone, day, end)
    ]
    by_refund_day = measure(
        tables, ["refund_amount"], start=day, end=end, time_zone=zone, refund_basis="refund"
    )
    assert by_refund_day.value("refund_amount") == pytest.approx(float(sum(done)), rel=1e-14)


def test_buyers_sums_agree(engine: Engine) -> None:
    zone, first = "Europe/London", ZONES["Europe/London"]
    rows = make_rows(12, first=first, days=DAYS)
    as_of = first + dt.timedelta(days=DAYS - 4)
    paid = [o for o in rows["orders"] if _inside(o["paid_at"], zone, first, as_of)]
    sums = sum_buyers(engine(to_arrow(rows)), as_of=as_of, start=first, time_zone=zone)
    groups: Any = grouped(paid, lambda r: r["buyer_key"], lambda r: r)  # type: ignore[arg-type]
    unknown = groups.pop(None)
    assert sums.unknown == len(unknown)
    frame = sums.to_frame()
    assert list(frame["buyer_key"]) == sorted(groups)
    for row in frame.to_dict("records"):
        held = groups[row["buyer_key"]]
        days = [local(o["paid_at"], zone).date() for o in held]
        assert (row["first_day"].date(), row["last_day"].date()) == (min(days), max(days))
        assert row["recency"] == (as_of - max(days)).days
        assert row["frequency"] == len(held)
        assert row["monetary"] == float(_money(held, "paid_amount"))


def test_comparisons_agree(engine: Engine) -> None:
    zone, first = "Asia/Shanghai", ZONES["Asia/Shanghai"]
    rows = make_rows(13, first=first, days=DAYS)
    day = first + dt.timedelta(days=10)
    held = compare_day(
        engine(to_arrow(rows)), ("paid_amount", "buyers", "visitors"), day=day, time_zone=zone
    )
    for reference, back in (("day_before", 1), ("same_weekday", 7)):
        other = day - dt.timedelta(days=back)
        paid = [o for o in rows["orders"] if _inside(o["paid_at"], zone, other, other)]
        found = held.compared("paid_amount", reference)  # type: ignore[arg-type]
        assert found.against == float(_money(paid, "paid_amount"))
        assert held.compared("buyers", reference).against == _people(paid)  # type: ignore[arg-type]
    assert math.isnan(held.compared("paid_amount", "last_year").against)


def test_returning_buyers_and_repeat_rate_agree(engine: Engine) -> None:
    zone, first = "Asia/Shanghai", dt.date(2024, 1, 5)
    rows = make_rows(14, first=first, days=800, orders=400)
    start, end = dt.date(2025, 3, 1), dt.date(2025, 9, 30)
    days: dict[str, list[dt.date]] = {}
    for order in rows["orders"]:
        if order["paid_at"] and order["buyer_key"]:
            days.setdefault(order["buyer_key"], []).append(local(order["paid_at"], zone).date())
    old, new, twice = set(), set(), set()
    for buyer, held in days.items():
        inside = [d for d in held if start <= d <= end]
        for day in inside:
            earlier = [d for d in held if 0 < (day - d).days <= 365]
            (old if earlier else new).add(buyer)
        if len(inside) > 1:
            twice.add(buyer)
    found = measure(
        engine(to_arrow(rows)),
        ("returning_buyers", "new_buyers", "repeat_rate", "buyers"),
        start=start,
        end=end,
        time_zone=zone,
    )
    assert found.value("returning_buyers") == len(old)
    assert found.value("new_buyers") == len(new)
    assert found.value("repeat_rate") == len(twice) / found.value("buyers")
