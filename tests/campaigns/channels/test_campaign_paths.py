"""Paths from visitors' actions: by hand, in every engine, against a slow oracle; and totals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecops_lib.campaigns.channels import (
    Attribution,
    BuiltPaths,
    ChannelTotals,
    attribute_channels,
    attribute_paths,
    build_paths,
    total_channels,
)
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]
START = dt.date(2026, 3, 1)


def at(day: float) -> dt.datetime:
    return dt.datetime.combine(START, dt.time(0), dt.UTC) + dt.timedelta(days=day)


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema)


def log(*actions: tuple[str, float, str | None, str, str | None, float | None]) -> dict[str, Any]:
    """Events of visitor, day, channel, kind, session, amount."""
    rows = [
        {"platform": "p", "event_id": f"e{n}", "visitor_key": who, "happened_at": at(day),
         "channel": channel, "kind": kind, "session_id": session,
         "amount": None if amount is None else Decimal(str(amount))}
        for n, (who, day, channel, kind, session, amount) in enumerate(actions)
    ]  # fmt: skip
    return {"events": table("events", rows)}


SHOP = log(
    ("v1", 1.0, "ads", "view", "a", None),
    ("v1", 1.1, None, "cart", "a", None),
    ("v1", 3.0, "search", "view", "b", None),
    ("v1", 3.2, "search", "pay", "b", 90.0),  # ads > search, 90
    ("v1", 5.0, "live", "view", "c", None),  # after the purchase: lost
    ("v2", 2.0, "ads", "view", None, None),
    ("v2", 2.5, "ads", "pay", None, 50.0),  # no session: each action is a visit
    ("v3", -20.0, "ads", "view", "d", None),  # too long ago
    ("v3", 4.0, "search", "pay", "e", 10.0),  # search, 10
    ("v4", -3.0, "live", "view", "f", None),
    ("v4", 2.0, None, "pay", "g", 70.0),  # live, 70
    ("v5", 2.0, None, "pay", "h", 30.0),  # no channel
    ("v6", -9.0, "ads", "view", "i", None),  # ended before the first day
    ("v7", 8.9, "ads", "pay", "j", 5.0),  # after the last day
)


def build(tables: Any, **more: Any) -> BuiltPaths:
    given = {"start": START, "end": START + dt.timedelta(days=7), "window_days": 14, **more}
    return build_paths(tables, time_zone="UTC", **given)


def test_every_engine_builds_the_same_paths(light_engine: MakeTables) -> None:
    held = build(light_engine(SHOP))
    rows = {tuple(row.path): row for row in held.frame.itertuples()}
    assert {path: (row.conversions, row.nulls, row.value) for path, row in rows.items()} == {
        ("ads", "search"): (1, 0, 90.0),
        ("ads", "ads"): (1, 0, 50.0),
        ("search",): (1, 0, 10.0),
        ("live",): (1, 1, 70.0),
    }
    assert rows[("ads", "search")].days_before == pytest.approx([2.2, 0.2])
    assert rows[("live",)].days_before == pytest.approx([2.5])
    assert (held.unplaced, held.open, held.kind) == (1, 1, "pay")
    attributed = attribute_paths(held.frame, note=held.sentence())
    assert attributed.conversions.sum().to_list() == pytest.approx([4] * 7)


def test_a_purchase_without_its_amount_is_not_free() -> None:
    rows = SHOP["events"].to_pylist()
    rows[3]["amount"] = None
    assert "value" not in build({"events": table("events", rows)}).frame


def slow_paths(actions: list[tuple[str, float, str, str]], window: float) -> dict[Any, list[int]]:
    """The definition, visitor by visitor; every action is a visit of its own."""
    found: dict[Any, list[int]] = {}
    for who in sorted({a[0] for a in actions}):
        own = sorted(a for a in actions if a[0] == who)
        since = 0
        for place, (_, when, _, kind) in enumerate(own):
            last = place == len(own) - 1 or own[place + 1][1] - when > window
            if not (0 <= when < 8 and (kind == "pay" or last)):
                since = place + 1 if kind == "pay" else since
                continue
            path = tuple(a[2] for a in own[since : place + 1] if when - a[1] <= window)
            found.setdefault(path, [0, 0])[kind != "pay"] += 1
            since = place + 1 if kind == "pay" else since
    return found


def test_random_logs_equal_a_slow_oracle() -> None:
    rng = np.random.default_rng(4)
    for window in (2, 5):
        actions = [
            (f"v{rng.integers(30)}", round(float(rng.uniform(-6, 8)), 3), "abc"[rng.integers(3)],
             "pay" if rng.random() < 0.2 else "view")
            for _ in range(200)
        ]  # fmt: skip
        events = log(*((who, day, c, kind, None, 1.0) for who, day, c, kind in actions))
        held = build(events, window_days=window)
        got = {tuple(r.path): [r.conversions, r.nulls] for r in held.frame.itertuples()}
        assert got == slow_paths(actions, window)


def order(number: int, channel: str | None, paid: int) -> dict[str, Any]:
    return {"platform": "p", "order_id": str(number), "created_at": at(1), "paid_at": at(1),
            "ordered_amount": Decimal(paid), "paid_amount": Decimal(paid),
            "channel": channel}  # fmt: skip


def seen(channel: str, visitors: int) -> dict[str, Any]:
    return {"platform": "p", "day": START, "scope": "channel", "scope_id": channel,
            "visitors": visitors}  # fmt: skip


TOTALS = {
    "orders": [order(1, "search", 60), order(2, "search", 20), order(3, "ads", 20)],
    "traffic": [seen("search", 30), seen("ads", 60), seen("live", 10)],
}


def totals(**tables: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: table(name, rows) for name, rows in tables.items()}


def test_totals_say_that_they_are_totals(light_engine: MakeTables) -> None:
    held = total_channels(
        light_engine(totals(**TOTALS)), start=START, end="2026-03-05", time_zone="UTC"
    )
    assert isinstance(held, ChannelTotals)
    rows = held.frame.set_index("channel")
    assert rows["share"].to_dict() == pytest.approx({"search": 0.8, "ads": 0.2, "live": 0.0})
    assert rows["visit_share"].to_dict() == pytest.approx({"search": 0.3, "ads": 0.6, "live": 0.1})
    texts = [f.text for f in held.findings()]
    assert texts[0].startswith("Only totals by channel exist, so what a channel gave")
    assert texts[1] == (
        "By the channel that each order names, search closed the most: 80.00% of the amount paid."
    )
    assert texts[2].startswith("Visitors are not additive")
    turned = {**TOTALS, "orders": [order(1, "ads", 60), order(2, "search", 20)]}
    told = total_channels(totals(**turned), start=START, end="2026-03-05", time_zone="UTC")
    assert "ads closed the most: 75.00%" in told.findings()[1].text
    with reading("zh"):
        assert "不可累加" in " ".join(f.text for f in held.findings())


def test_paths_are_taken_where_there_are_any() -> None:
    given = {"start": START, "end": "2026-03-08", "time_zone": "UTC"}
    assert isinstance(attribute_channels(SHOP, **given), Attribution)
    lost = log(("v1", 1.0, "ads", "view", "a", None))
    held = attribute_channels({**lost, **totals(**TOTALS)}, **given)
    assert isinstance(held, ChannelTotals)
    assert "no path of these days ended in a purchase" in held.findings()[0].text


def test_odd_shops() -> None:
    given = {"start": START, "end": "2026-03-08", "time_zone": "UTC"}
    with pytest.raises(MissingDataError, match="event log"):
        build_paths({}, **given)
    silent = log(("v1", 1.0, None, "view", "a", None))
    with pytest.raises(MissingDataError, match="names both a visitor and a channel"):
        build_paths(silent, **given)
    with pytest.raises(MissingDataError, match="name a channel"):
        attribute_channels(totals(orders=[order(1, None, 10)]), **given)
    with pytest.raises(ParameterError):
        build_paths(SHOP, **{**given, "end": "2026-02-01"})
    hostile = log(("v1", 1.0, "<img src=x onerror=alert(1)>", "pay", "a", 1.0))
    assert "<img" not in attribute_channels(hostile, **given)._repr_html_()
    assert "<img" not in build_paths(hostile, **given)._repr_html_()
