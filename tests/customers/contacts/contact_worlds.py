"""Simulated customers and shops whose uplift is known, for the tests of contacts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ecops_lib.data.schema import arrow_schema

SHARE = 0.7
FEATURES = ("recency", "orders", "channel")
ZONE = {"time_zone": "Asia/Shanghai"}
START = dt.datetime(2025, 1, 1, 4, tzinfo=dt.UTC)


def simulate_trial(seed: int, *, count: int = 4000, effect: float = 0.12) -> pd.DataFrame:
    """Randomised customers; contact adds ``effect`` for the lately active, nothing for others.

    Columns: the features, ``contacted``, ``bought``, and the true ``uplift``.
    """
    rng = np.random.default_rng(seed)
    recency = rng.integers(1, 366, count)
    orders = 1 + rng.poisson(1.0, count)
    contacted = rng.random(count) < SHARE
    uplift = np.where(recency < 120, effect, 0.0)
    base = 0.15 + 0.2 * np.exp(-recency / 120)
    bought = rng.random(count) < base + uplift * contacted
    channel = np.array(["搜索", "=1+1", "推荐"])[rng.integers(0, 3, count)]
    return pd.DataFrame(
        {
            "recency": recency,
            "orders": orders,
            "channel": channel,
            "contacted": contacted.astype(int),
            "bought": bought.astype(int),
            "uplift": uplift,
        }
    )


def moment(day: int, hour: int = 0) -> dt.datetime:
    """Noon in Shanghai of a day from 0, and some hours."""
    return START + dt.timedelta(days=day, hours=hour)


def local_day(day: int) -> dt.date:
    return (START + dt.timedelta(days=day)).date()


def to_arrow(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    whole = [{column: row.get(column) for column in schema.names} for row in rows]
    return pa.Table.from_pylist(whole, schema=schema)


def order(number: int, buyer: str | None, at: dt.datetime, amount: float) -> dict[str, Any]:
    money = Decimal(str(round(amount, 2)))
    return {
        "platform": "tmall",
        "order_id": str(number),
        "buyer_key": buyer,
        "created_at": at,
        "paid_at": at,
        "status": "paid",
        "ordered_amount": money,
        "paid_amount": money,
    }


def refund(number: int, at: dt.datetime, amount: float, **named: str) -> dict[str, Any]:
    return {
        "platform": "tmall",
        "refund_id": f"r{number}",
        "finished_at": at,
        "amount": Decimal(str(round(amount, 2))),
        "status": "success",
        **named,
    }


def contact(mailing: str, buyer: str | None, at: dt.datetime, held: bool, **more: Any) -> Any:
    price = {"cost": Decimal(0) if held else Decimal("0.05"), "message": "短信"}
    row = {"contact_id": mailing, "buyer_key": buyer, "sent_at": at, "held_out": held}
    return {**row, **price, **more}


def make_tables(
    orders: list[dict[str, Any]],
    contacts: list[dict[str, Any]] | None = None,
    refunds: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Tables by name; those that are None are absent."""
    tables = {"orders": to_arrow("orders", orders)}
    if contacts is not None:
        tables["contacts"] = to_arrow("contacts", contacts)
    if refunds is not None:
        tables["refunds"] = to_arrow("refunds", refunds)
    return tables


def simulate_shop(
    seed: int, *, buyers: int = 3000, effect: float = 0.15, mailings: int = 3, share: float = 0.5
) -> dict[str, Any]:
    """A shop whose mailings move the lately active: by ``effect`` of them buy in addition.

    Everybody bought once on days 0 to 199; mailings go out on days 200, 230, …, to all.
    Whoever last bought less than 90 days before one is moved.
    """
    rng = np.random.default_rng(seed)
    last = rng.integers(0, 200, buyers)
    rows = [order(n, f"b{n:05d}", moment(int(day)), 100.0) for n, day in enumerate(last)]
    contacts: list[dict[str, Any]] = []
    for number in range(mailings):
        day = 200 + 30 * number
        held = rng.random(buyers) < share
        moved = (day - last < 90) & ~held
        chance = 0.05 + effect * moved
        buys = rng.random(buyers) < chance
        for n in range(buyers):
            contacts.append(contact(f"C{number}", f"b{n:05d}", moment(day), bool(held[n])))
            if buys[n]:
                at = moment(day + int(rng.integers(1, 10)))
                rows.append(order(len(rows), f"b{n:05d}", at, 100.0))
                last[n] = day + 1
    return make_tables(rows, contacts)
