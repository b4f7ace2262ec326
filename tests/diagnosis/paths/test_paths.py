"""Visits by step: a slow count, every engine, a planted drop-off, logs that lack things."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import create_store, open_store
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.paths.steps import find_drop_offs, review_paths, trace_visits
from ecops_lib.diagnosis.paths.visits import STEPS, count_visits, read_visits
from ecops_lib.metrics.bases import Tables

END = dt.date(2026, 9, 20)
START = dt.date(2026, 9, 14)
FIRST = dt.date(2026, 7, 27)
KINDS = ("view", "view", "cart", "order", "pay")
Rows = list[dict[str, Any]]


def table(rows: Rows) -> pa.Table:
    schema = arrow_schema("events")
    return pa.Table.from_pylist([{k: r.get(k) for k in schema.names} for r in rows], schema=schema)


def visit(number: int, day: dt.date, depth: int, **told: Any) -> Rows:
    """One session: a page, a product, the cart, the order, the payment."""
    at = dt.datetime(day.year, day.month, day.day, 3, tzinfo=dt.UTC)
    return [
        {
            "platform": "own", "event_id": f"{number}-{step}", "session_id": f"s{number}",
            "visitor_key": f"v{number}", "happened_at": at + dt.timedelta(minutes=step),
            "kind": KINDS[step], "page": told.get("page", "home") if not step else "other",
            "product_id": "p1" if step else None, "channel": told.get("channel", "ads"),
            "device": told.get("device", "app"), "amount": 50 if step == 4 else None,
        }
        for step in range(depth + 1)
    ]  # fmt: skip


def log(*, seed: int, kept: float = 1.0, daily: int = 60) -> Rows:
    """Eight weeks; in the last one the sale page on the web loses visitors before a product."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    number = 0
    for place in range((END - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=place)
        for _ in range(rng.poisson(daily)):
            page, device = rng.choice(["home", "sale"]), rng.choice(["app", "web"])
            broken = day >= START and page == "sale" and device == "web"
            chances = [0.7 * (kept if broken else 1.0), 0.3, 0.6, 0.9]
            passed = np.minimum.accumulate(rng.random(4) < chances)
            rows += visit(number, day, int(passed.sum()), page=page, device=device)
            number += 1
    return rows


MakeHistory = Callable[[Rows], History]


@pytest.fixture
def history(tmp_path: Path) -> MakeHistory:
    def make(rows: Rows) -> History:
        store = create_store(tmp_path / f"{len(list(tmp_path.iterdir()))}", name="Test shop")
        with store.writing() as writer:
            writer.upsert("events", table(rows))
        return History(open_store(store.path), day=END)

    return make


def test_visits_are_those_of_a_slow_count(
    light_engine: Callable[[dict[str, pa.Table]], dict[str, Any]],
) -> None:
    rows = log(seed=1, daily=6)
    tables = Tables(light_engine({"events": table(rows)}), time_zone="Asia/Shanghai")
    now = count_visits(tables, START, END)
    deepest: dict[str, tuple[str, int]] = {}
    for row in rows:
        if row["happened_at"].date() >= START:  # 03:00 UTC is the same day in China
            step = (
                KINDS.index(row["kind"]) if row["kind"] != "view" else int(bool(row["product_id"]))
            )
            page, before = deepest.get(row["session_id"], (row["page"], 0))
            deepest[row["session_id"]] = (page, max(before, step))
    for page in ("home", "sale"):
        for step in range(len(STEPS)):
            held = now.loc[(now["page"] == page) & (now["depth"] == step), "visits"].sum()
            assert held == list(deepest.values()).count((page, step))
    paid = sum(step == 4 for _, step in deepest.values())
    assert now["amount"].sum() == 50 * paid
    assert now["told"].sum() == paid


def test_a_step_counts_for_those_before_it_and_a_favourite_is_a_look(history: MakeHistory) -> None:
    bought = visit(1, START, 4)
    jump = [bought[0], bought[4]]
    saved = [{**visit(2, START, 1)[1], "kind": "favourite"}]
    found = trace_visits(history(jump + saved), read_visits(history(jump + saved),
                                                            start=START, end=END))  # fmt: skip
    row = found.to_frame().iloc[0]
    assert [row[name] for name in STEPS] == [2, 2, 1, 1, 1]


def test_without_sessions_a_visitors_day_is_a_visit(history: MakeHistory) -> None:
    rows = [{**row, "session_id": None, "visitor_key": "one"}
            for number in range(2) for day in (START, END)
            for row in visit(10 * number + day.day, day, 1)]  # fmt: skip
    alone = [{**row, "session_id": "", "visitor_key": None} for row in visit(99, END, 0)]
    visits = read_visits(history(rows + alone), start=START, end=END)
    assert visits.reached(0, now=True) == 3


def test_a_planted_drop_off_is_named_with_its_money(history: MakeHistory) -> None:
    rows = log(seed=2, kept=0.4)
    _, found = review_paths(history(rows), start=START, end=END)
    [told] = [finding for finding in found.findings() if finding.action]
    assert told.key == "rates/detail/device=web&page=sale"
    visits = read_visits(history(rows), start=START, end=END)
    past = visits.frame.loc[~visits.frame["now"]]
    goes_on = visits.reached(4, now=False) / visits.reached(1, now=False)
    [part] = found.changes[0].split.parts
    assert told.money == pytest.approx(-part.part * goes_on * 50)
    assert part.usual == pytest.approx(0.7, abs=0.03)
    assert past["amount"].sum() / past["told"].sum() == 50
    with reading("zh", "CNY"):
        _, found = review_paths(history(rows), start=START, end=END)
        assert found.findings()[0].text.startswith("访问 → 看了商品，web × sale：")


def test_a_log_in_which_nothing_changed_names_no_step(history: MakeHistory) -> None:
    claimed = 0
    for seed in range(10, 20):
        held = history(log(seed=seed, daily=30))
        visits = read_visits(held, start=START, end=END)
        claimed += sum(len(one.split.parts) for one in find_drop_offs(held, visits).changes)
    assert claimed <= 1


def test_a_short_log_is_counted_but_not_compared(history: MakeHistory) -> None:
    rows = [row for row in log(seed=3, daily=10) if row["happened_at"].date() >= START]
    steps, found = review_paths(history(rows), start=START, end=END)
    assert not steps.absent()
    assert "too few earlier days" in found.absent()


def test_without_a_log_both_say_so(history: MakeHistory) -> None:
    held = history([row for row in log(seed=4, daily=5) if row["happened_at"].date() < START])
    for part in review_paths(held, start=START, end=END):
        assert part.absent() == (
            "No visitor's action is recorded from 2026-09-14 to 2026-09-20; import the event log "
            "of these days."
        )


def test_wild_names_of_pages_are_text(history: MakeHistory) -> None:
    rows = [row for n in range(30) for row in visit(n, START, 1, page="<script>x</script>" * 50)]
    page = trace_visits(history(rows), read_visits(history(rows), start=START, end=END))
    assert "<script>x" not in page._repr_html_()


@pytest.mark.realdata
def test_rees46_sessions_reach_the_steps_that_pandas_counts(shared: Path) -> None:
    log = pd.read_parquet(shared / "rees46_events" / "events.parquet")
    kinds = {"view": "view", "cart": "cart", "purchase": "pay"}
    events = pd.DataFrame({
        "platform": "own", "event_id": [f"e{k}" for k in range(len(log))],
        "happened_at": pd.to_datetime(log["event_time"], utc=True),
        "kind": log["event_type"].map(kinds),
        "visitor_key": log["user_id"].astype(str), "session_id": log["user_session"],
        "product_id": log["product_id"].astype(str), "amount": log["price"].astype(str),
    })  # fmt: skip
    rows = events.astype(object).where(events.notna(), None).to_dict("records")
    held = [{**row, "amount": Decimal(str(row["amount"]))} for row in rows]
    day = dt.date(2019, 10, 1)
    found = count_visits(Tables({"events": table(held)}, time_zone="UTC"), day, day)
    deepest = (
        log["event_type"]
        .map({"view": 1, "cart": 2, "purchase": 4})
        .groupby(log["user_session"])
        .max()
    )
    for depth in (1, 2, 4):
        assert found.loc[found["depth"] >= depth, "visits"].sum() == (deepest >= depth).sum()
    bought = log.loc[log["event_type"] == "purchase", "price"]
    assert found["amount"].sum() == pytest.approx(bought.sum())
