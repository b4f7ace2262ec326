"""The engine law for customers: every engine gives what plain Python gives, to the cent."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.customers import count_histories, count_purchases, sum_cohorts, sum_purchases
from ecops_lib.data.schema import arrow_schema

Engine = Callable[[dict[str, Any]], dict[str, Any]]
Row = dict[str, Any]
ZONE = "Asia/Shanghai"
AS_OF = dt.date(2026, 4, 10)


def make_rows(seed: int, *, orders: int = 300) -> dict[str, list[Row]]:
    """Orders around midnights with unknown buyers, wholly refunded, free and untold ones."""
    rng = random.Random(seed)
    rows: dict[str, list[Row]] = {"orders": [], "refunds": []}
    start = dt.datetime(2026, 2, 1, 15, 59, 30, tzinfo=dt.UTC)
    for number in range(orders):
        paid = start + dt.timedelta(days=rng.randrange(80), seconds=rng.choice((0, 29, 30, 40_000)))
        amount = rng.choice((Decimal(0), None, *(Decimal(rng.randrange(1, 9999)) / 100,) * 18))
        order = {
            "platform": rng.choice(("tmall", "jd")),
            "order_id": f"{number:04d}",
            "buyer_key": rng.choice((None, *(f"b{i}" for i in range(30)))),
            "created_at": paid,
            "paid_at": paid if rng.random() < 0.9 else None,
            "ordered_amount": amount or Decimal(1),
            "paid_amount": amount,
            "province": rng.choice(("浙江", "=广东", None)),
        }
        rows["orders"].append(order)
        if amount and rng.random() < 0.4:
            rows["refunds"].append(_refund(rng, order, number, paid))
    return rows


def _refund(rng: random.Random, order: Row, number: int, paid: dt.datetime) -> Row:
    done = paid + dt.timedelta(days=rng.randrange(1, 30))
    return {
        "platform": order["platform"],
        "refund_id": f"r{number}",
        "order_id": rng.choice((order["order_id"], order["order_id"], None)),
        "buyer_key": order["buyer_key"],
        "finished_at": rng.choice((done, done, None)),
        "amount": order["paid_amount"] * rng.choice((1, 1, Decimal("0.5"))),
        "status": rng.choice(("success", "success", "pending")),
    }


def to_arrow(rows: dict[str, list[Row]]) -> dict[str, pa.Table]:
    return {
        name: pa.Table.from_pylist(
            [{c: row.get(c) for c in arrow_schema(name).names} for row in held],
            schema=arrow_schema(name),
        )
        for name, held in rows.items()
    }


def _day(moment: dt.datetime) -> dt.date:
    return moment.astimezone(ZoneInfo(ZONE)).date()


class Oracle:
    """Buyer by buyer and order by order."""

    def __init__(self, rows: dict[str, list[Row]], as_of: dt.date) -> None:
        good = [r for r in rows["refunds"] if r["status"] == "success"]
        good = [r for r in good if r["finished_at"] is None or _day(r["finished_at"]) <= as_of]
        back: dict[Any, Decimal] = defaultdict(Decimal)
        for refund in good:
            back[refund["platform"], refund["order_id"]] += refund["amount"]
        self.days: dict[str, dict[dt.date, list[tuple[Decimal, Any]]]] = {}
        self.unknown, self.refunded, self.untold = [], [], 0
        for order in rows["orders"]:
            if order["paid_at"] is None or _day(order["paid_at"]) > as_of:
                continue
            key = (order["platform"], order["order_id"])
            if order["paid_amount"] is None:
                self.untold += 1
                continue
            net = order["paid_amount"] - back.get(key, Decimal(0))
            if key in back and net <= 0:
                self.refunded.append(net)
            elif order["buyer_key"] is None:
                self.unknown.append(net)
            else:
                held = self.days.setdefault(order["buyer_key"], {})
                held.setdefault(_day(order["paid_at"]), []).append((net, order["province"]))
        self.orderless: dict[str, Decimal] = defaultdict(Decimal)
        for refund in good:
            if refund["order_id"] is None and refund["finished_at"] and refund["buyer_key"]:
                self.orderless[refund["buyer_key"]] += refund["amount"]

    def row(self, buyer: str) -> tuple[Any, ...]:
        days = self.days[buyer]
        first, everything = min(days), [net for held in days.values() for net, _ in held]
        provinces = [p for _, p in days[first] if p is not None]
        return (
            first,
            max(days),
            len(days),
            len(everything),
            min(provinces, default=None),
            float(sum(net for net, _ in days[first])),
            float(sum(everything) - self.orderless[buyer]),
        )


@pytest.mark.parametrize("seed", [1, 2])
def test_every_engine_sums_each_buyer_as_plain_python(engine: Engine, seed: int) -> None:
    rows = make_rows(seed)
    tables, oracle = engine(to_arrow(rows)), Oracle(make_rows(seed), AS_OF)
    held = sum_purchases(tables, as_of=AS_OF, by="province", time_zone=ZONE)
    assert list(held.frame["buyer_key"]) == sorted(oracle.days)
    for row in held.frame.to_dict("records"):
        segment = row["segment"] if isinstance(row["segment"], str) else None
        days = (row["first_day"].date(), row["last_day"].date())
        *told, first, net = oracle.row(row["buyer_key"])
        assert [*days, row["purchases"], row["orders"], segment] == told
        assert (row["first_amount"], row["net_amount"]) == pytest.approx((first, net), rel=1e-12)
        assert row["age"] == (AS_OF - days[0]).days
    assert held.apart.unknown_orders == len(oracle.unknown)
    assert held.apart.unknown_amount == pytest.approx(float(sum(oracle.unknown)))
    assert held.apart.refunded_orders == len(oracle.refunded) > 0
    assert held.apart.refunded_amount == pytest.approx(float(sum(oracle.refunded)))
    assert held.apart.untold_orders == oracle.untold > 0


def test_buyers_unknown_and_refunded_add_up_to_all_that_was_paid(engine: Engine) -> None:
    rows = make_rows(3)
    for refund in rows["refunds"]:
        refund["order_id"] = refund["order_id"] or "0000"
        refund["finished_at"] = None
    held = sum_purchases(engine(to_arrow(rows)), as_of=AS_OF, time_zone=ZONE)
    paid = [o for o in rows["orders"] if o["paid_at"] and _day(o["paid_at"]) <= AS_OF]
    known = {(o["platform"], o["order_id"]) for o in paid if o["paid_amount"] is not None}
    back = sum(
        r["amount"]
        for r in rows["refunds"]
        if r["status"] == "success" and (r["platform"], r["order_id"]) in known
    )
    whole = sum(o["paid_amount"] for o in paid if o["paid_amount"] is not None) - back
    apart = held.apart
    total = held.frame["net_amount"].sum() + apart.unknown_amount + apart.refunded_amount
    assert total == pytest.approx(float(whole), abs=1e-6)
    orders = held.frame["orders"].sum() + apart.unknown_orders
    assert orders + apart.refunded_orders + apart.untold_orders == len(paid)


def test_histories_and_cohorts_are_the_buyers_counted(engine: Engine) -> None:
    tables = engine(to_arrow(make_rows(1)))
    people = sum_purchases(tables, as_of=AS_OF, by="province", time_zone=ZONE).frame
    told = count_histories(tables, as_of=AS_OF, by="province", time_zone=ZONE).frame
    keys = [
        people["segment"].fillna(""),
        people["purchases"] - 1,
        (people["last_day"] - people["first_day"]).dt.days,
        people["age"],
    ]
    sizes = people.groupby(keys).size().to_dict()
    seen = {
        (s if isinstance(s, str) else "", x, tx, age): n
        for s, x, tx, age, n in told[["segment", "x", "tx", "T", "customers"]].itertuples(
            index=False
        )
    }
    assert seen == sizes
    cohorts = sum_cohorts(tables, as_of=AS_OF, time_zone=ZONE).frame
    assert cohorts["buyers"].sum() == people["purchases"].sum()
    assert cohorts["amount"].sum() == pytest.approx(people["net_amount"].sum())
    own = cohorts["first_day"] == cohorts["day"]
    assert cohorts.loc[own, "buyers"].sum() == len(people)


def test_later_purchases_are_those_after_the_day(engine: Engine) -> None:
    split, rows = dt.date(2026, 3, 1), make_rows(2)
    later = count_purchases(engine(to_arrow(rows)), after=split, until=AS_OF, time_zone=ZONE)
    oracle = Oracle(rows, AS_OF)
    expected = {b: sum(day > split for day in days) for b, days in oracle.days.items()}
    assert later.to_dict() == {b: n for b, n in expected.items() if n}


def test_no_known_buyer_is_said(engine: Engine) -> None:
    rows = make_rows(1, orders=20)
    tables = engine(to_arrow(rows))
    with pytest.raises(MissingDataError, match="no known buyer has bought by 2025-01-01"):
        sum_purchases(tables, as_of="2025-01-01", time_zone=ZONE)
    for order in rows["orders"]:
        order["buyer_key"] = None
    with pytest.raises(MissingDataError, match="import orders that name their buyers"):
        count_histories(engine(to_arrow(rows)), as_of=AS_OF, time_zone=ZONE)
    with pytest.raises(ParameterError, match="by is 'colour'"):
        count_histories(tables, as_of=AS_OF, by="colour", time_zone=ZONE)  # type: ignore[arg-type]


def test_what_stands_apart_is_said() -> None:
    rows = make_rows(1)
    held = sum_purchases(to_arrow(rows), as_of=AS_OF, time_zone=ZONE)
    apart = held.apart
    words = [finding.text for finding in held.findings()]
    assert words == [
        f"{apart.unknown_orders} orders (¥{apart.unknown_amount:,.2f}) name no buyer and are "
        "counted apart.",
        f"{apart.refunded_orders} orders were wholly refunded and are no purchases.",
        f"{apart.untold_orders} paid orders have no amount and are left out.",
    ]
    without = sum_purchases({"orders": to_arrow(rows)["orders"]}, as_of=AS_OF, time_zone=ZONE)
    assert "The store tells of no refunds, so amounts are as paid, not net." in [
        finding.text for finding in without.findings()
    ]
