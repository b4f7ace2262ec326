"""Shops with habits, for the tests of tags: random ones to recount, simulated ones to find."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from ecops_lib.data.schema import arrow_schema

ZONE = "Asia/Shanghai"
FIRST = dt.date(2026, 1, 1)
Row = dict[str, Any]


def fill(name: str, columns: dict[str, Any]) -> pa.Table:
    """A whole table; columns that are not given are empty."""
    schema = arrow_schema(name)
    rows = len(next(iter(columns.values())))
    held = [
        pa.array(columns[field.name], type=field.type)
        if field.name in columns
        else pa.nulls(rows, type=field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(held, schema=schema)


def from_rows(name: str, rows: list[Row]) -> pa.Table:
    return fill(name, {c: [r.get(c) for r in rows] for c in arrow_schema(name).names})


def moment(day: int, hour: int, minute: int = 0) -> dt.datetime:
    at = dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(hour, minute))
    return at.replace(tzinfo=ZoneInfo(ZONE)).astimezone(dt.UTC)


def random_shop(seed: int, *, buyers: int = 12, orders: int = 160) -> dict[str, list[Row]]:
    """A small shop with everything that can be wanting or odd."""
    rng = np.random.default_rng(seed)
    tables: dict[str, list[Row]] = {
        "orders": [], "order_items": [], "refunds": [], "products": [], "customers": []
    }  # fmt: skip
    for k in range(6):
        listed = FIRST + dt.timedelta(days=int(rng.integers(-200, 90)))
        tables["products"].append(
            {"platform": "tmall", "product_id": f"P{k}",
             "category": None if k == 5 else f"<b>类{k % 3}</b>",
             "listed_on": None if k in {1, 4} else listed}
        )  # fmt: skip
    for n in range(orders):
        day, who = int(rng.integers(0, 100)), int(rng.integers(-1, buyers))
        at = moment(day, int(rng.integers(0, 24)), int(rng.integers(0, 60)))
        amount = Decimal(int(rng.integers(0, 30)) * 7)
        known = {"platform": "tmall", "order_id": f"{n:04d}"}
        tables["orders"].append(
            {**known, "buyer_key": None if who < 0 else f"b{who:02d}", "created_at": at,
             "paid_at": None if rng.random() < 0.05 else at, "ordered_amount": amount,
             "paid_amount": None if rng.random() < 0.02 else amount, "status": "paid",
             "discount_platform": [None, Decimal(0), Decimal(5)][int(rng.integers(0, 3))],
             "discount_merchant": Decimal(3) if rng.random() < 0.1 else None,
             "province": [None, "", "浙江", "上海"][int(rng.integers(0, 4))]}
        )  # fmt: skip
        for line in range(int(rng.integers(1, 4))):
            price = Decimal(int(rng.integers(1, 9)) * 10)
            off = price * int(rng.integers(0, 4)) / 20
            product = int(rng.integers(-1, 7))
            tables["order_items"].append(
                {**known, "line_id": str(line), "created_at": at, "quantity": 1,
                 "product_id": None if product < 0 else f"P{product}",
                 "list_amount": None if rng.random() < 0.1 else price,
                 "ordered_amount": price - off, "paid_amount": price - off}
            )  # fmt: skip
        if rng.random() < 0.2:
            back = amount if rng.random() < 0.5 else Decimal(1)
            tables["refunds"].append(
                {**known, "refund_id": f"R{n}", "buyer_key": f"b{who:02d}", "amount": back,
                 "finished_at": at + dt.timedelta(days=1),
                 "status": "success" if rng.random() < 0.9 else "closed"}
            )  # fmt: skip
    for k in range(buyers):
        tables["customers"].append(
            {"buyer_key": f"b{k:02d}", "province": "西藏", "level": ["金", None][k % 2]}
        )
    return tables


def as_tables(rows: dict[str, list[Row]]) -> dict[str, pa.Table]:
    return {name: from_rows(name, held) for name, held in rows.items()}


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A simulated shop and who has which habit."""

    tables: dict[str, pa.Table]
    owls: set[str]
    sensitive: set[str]
    lovers: dict[str, str]


FESTIVALS = np.arange(15, 360, 24)
KINDS = np.array(["茶叶", "茶具", "香薰", "家纺", "<script>厨房"])


def simulate(seed: int, *, each: float = 0.1, buyers: int = 700, orders: int = 20) -> Planted:
    """Buyers of whom some have a habit; on festival days nearly all is on discount."""
    rng = np.random.default_rng(seed)
    names = np.array([f"b{k:04d}" for k in range(buyers)])
    habit = rng.choice(4, buyers, p=[1 - 3 * each, each, each, each])
    love = rng.choice(KINDS, buyers)
    who = np.repeat(np.arange(buyers), orders)
    count = len(who)
    fond = rng.choice([0.1, 0.7], buyers, p=[0.8, 0.2])  # of festivals
    usual = rng.integers(0, 360, count)
    day = np.where(rng.random(count) < fond[who], rng.choice(FESTIVALS, count), usual)
    night = rng.random(count) < np.where(habit[who] == 1, 0.6, 0.15)
    hour = np.where(night, rng.choice([22, 23, 0, 4], count), rng.integers(5, 22, count))
    offered = np.where(np.isin(day, FESTIVALS), 0.9, 0.2)
    off = rng.random(count) < np.where(habit[who] == 2, np.maximum(offered, 0.7), offered)
    kind = rng.choice(KINDS, count)
    kind = np.where((habit[who] == 3) & (rng.random(count) < 0.75), love[who], kind)
    at = [moment(int(d), int(h)) for d, h in zip(day, hour, strict=True)]
    paid = [Decimal(80) if o else Decimal(100) for o in off]
    numbers = [f"{n:06d}" for n in range(count)]
    head = {"platform": ["tmall"] * count, "order_id": numbers, "created_at": at}
    money = {"ordered_amount": paid, "paid_amount": paid}
    product = [f"P-{k}" for k in kind]
    tables = {
        "orders": fill("orders", {**head, **money, "buyer_key": names[who], "paid_at": at}),
        "order_items": fill(
            "order_items",
            {**head, **money, "line_id": ["1"] * count, "quantity": [1] * count,
             "product_id": product, "list_amount": [Decimal(100)] * count},
        ),
        "products": fill(
            "products",
            {"platform": ["tmall"] * len(KINDS), "product_id": [f"P-{k}" for k in KINDS],
             "category": list(KINDS), "listed_on": [dt.date(2025, 1, 1)] * len(KINDS)},
        ),
    }  # fmt: skip
    return Planted(
        tables=tables,
        owls=set(names[habit == 1]),
        sensitive=set(names[habit == 2]),
        lovers=dict(zip(names[habit == 3], love[habit == 3], strict=True)),
    )


class TagOracle:
    """The sums of habits, from the definitions, order by order."""

    def __init__(self, rows: dict[str, list[Row]], as_of: dt.date) -> None:
        self.rows, zone = rows, ZoneInfo(ZONE)
        self.lines: dict[str, list[Row]] = defaultdict(list)
        for line in rows["order_items"]:
            self.lines[line["order_id"]].append(line)
        back: dict[str, Decimal] = defaultdict(Decimal)
        for refund in rows["refunds"]:
            done = refund["finished_at"].astimezone(zone).date()
            if refund["status"] == "success" and done <= as_of:
                back[refund["order_id"]] += refund["amount"]
        self.orders: list[Row] = []
        for order in rows["orders"]:
            if not order["paid_at"]:
                continue
            local = order["paid_at"].astimezone(zone)
            if local.date() > as_of:
                continue
            paid, gone = order["paid_amount"], back.get(order["order_id"])
            net = None if paid is None else paid - (gone or 0)
            kept = paid is not None and (gone is None or net > 0)
            self.orders.append({**order, "day": local.date(), "hour": local.hour, "net": net,
                                "kept": kept, "back": net is not None and net < paid})  # fmt: skip
        self.sold: dict[str, dt.date] = {}
        for order in self.orders:
            for line in self.lines[order["order_id"]]:
                if line["product_id"]:
                    day = self.sold.get(line["product_id"], order["day"])
                    self.sold[line["product_id"]] = min(day, order["day"])
        self.first = min(order["day"] for order in self.orders)

    def days(self) -> dict[tuple[str, dt.date], Row]:
        """What each purchase was like; habits that are not told are absent."""
        groups: dict[tuple[str, dt.date], list[Row]] = defaultdict(list)
        for order in self.orders:
            if order["buyer_key"] and order["net"] is not None:
                groups[order["buyer_key"], order["day"]].append(order)
        return {key: self._day(key[1], held) for key, held in groups.items()}

    def _day(self, day: dt.date, held: list[Row]) -> Row:
        told: Row = {"refund": 2 * sum(o["back"] for o in held) > len(held)}
        kept = [o for o in held if o["kept"]]
        if not kept:
            return told
        told["bought"] = True
        nights = [o["created_at"].astimezone(ZoneInfo(ZONE)).hour for o in kept]
        told["night"] = 2 * sum(h >= 22 or h < 5 for h in nights) > len(kept)
        parts = [[o["discount_platform"], o["discount_merchant"]] for o in kept]
        coupons = [any(p is not None and p > 0 for p in held) for held in parts
                   if any(p is not None for p in held)]  # fmt: skip
        if coupons:
            told["coupon"] = 2 * sum(coupons) > len(coupons)
        lines = [line for o in kept for line in self.lines[o["order_id"]]]
        priced = [line for line in lines if line["list_amount"]]
        if priced:
            whole = sum(line["list_amount"] for line in priced)
            told["discount"] = 10 * (whole - sum(x["ordered_amount"] for x in priced)) >= whole
        return told | self._goods(day, [line for line in lines if line["product_id"]])

    def _goods(self, day: dt.date, lines: list[Row]) -> Row:
        spent: dict[str, Decimal] = defaultdict(Decimal)
        for line in lines:
            spent[line["product_id"]] += line["paid_amount"]
        best = [p for p in spent if spent[p] == max(spent.values())]
        known = {p["product_id"]: p for p in self.rows["products"]}
        found: Row = {}
        kinds = [known[p]["category"] for p in best if p in known and known[p]["category"]]
        if kinds:
            found["category"] = min(kinds)
        new = [self._new(day, p, known.get(p, {}).get("listed_on")) for p in best]
        if any(n is not None for n in new):
            found["new_item"] = any(new)
        return found

    def _new(self, day: dt.date, product: str, listed: dt.date | None) -> bool | None:
        launch = min(d for d in (self.sold[product], listed) if d)
        young = day < launch + dt.timedelta(days=30)
        sure = listed or self.sold[product] >= self.first + dt.timedelta(days=30)
        return young if sure or not young else None
