"""A shop's slices: planted falls, sums to the cent, engines, odd shops, words."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import create_store
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.search import slices
from ecops_lib.diagnosis.search.leaves import NEW, RETURNING, UNKNOWN, sum_leaves
from ecops_lib.diagnosis.search.slices import Slices, find_slices
from ecops_lib.metrics.bases import Tables as Source

END = dt.date(2026, 9, 20)
START = dt.date(2026, 9, 14)
FIRST = dt.date(2026, 5, 1)
CHANNELS, PROVINCES, PRODUCTS = ("搜索", "推荐", "直通车"), ("浙江", "广东"), ("p1", "p2", "p3")
Tables = dict[str, pa.Table]
SUMS = ["amount", "expected_amount", "buyers", "expected_buyers"]


def shop(*, fall: float = 0.2, seed: int = 4, daily: int = 30, bulk: int = 0) -> Tables:
    """Orders of 30 a day; search in 广东 keeps only ``fall`` of itself in the last week."""
    rng = np.random.default_rng(seed)
    orders: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for number in range((END - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=number)
        for _ in range(rng.poisson(daily)):
            channel, province = rng.choice(CHANNELS), rng.choice(PROVINCES)
            gone = day >= START and channel == "搜索" and province == "广东"
            if not (gone and rng.random() > fall):
                _order(orders, lines, day, channel, province, rng)
    for _ in range(bulk):
        _order(orders, lines, END, "推荐", "浙江", rng, buyer="whale")
    products = [
        {
            "platform": "tmall",
            "product_id": name,
            "product_name": f"<b>{name}</b>",
            "category": kind,
        }
        for name, kind in zip(PRODUCTS, ("茶", "茶", "杯"), strict=True)
    ]
    rows = {"orders": orders, "order_items": lines, "products": products}
    return {name: _table(name, held) for name, held in rows.items()}


def _order(
    orders: list[dict[str, Any]], lines: list[dict[str, Any]], day: dt.date,
    channel: str, province: str, rng: np.random.Generator, *, buyer: str = "",
) -> None:  # fmt: skip
    at = dt.datetime(day.year, day.month, day.day, 4, tzinfo=dt.UTC)
    number, amount = f"{len(orders):06d}", Decimal(int(rng.integers(20, 90)))
    shared = {"platform": "tmall", "order_id": number, "created_at": at, "paid_amount": amount}
    orders.append({
        **shared, "paid_at": at, "status": "paid", "ordered_amount": amount, "channel": channel,
        "province": province, "buyer_key": buyer or f"b{rng.integers(4000)}",
    })  # fmt: skip
    lines.append({
        **shared, "line_id": number, "product_id": str(rng.choice(PRODUCTS)), "quantity": 1,
        "ordered_amount": amount,
    })  # fmt: skip


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(name)
    return pa.Table.from_pylist([{k: r.get(k) for k in schema.names} for r in rows], schema=schema)


@pytest.fixture(scope="module")
def fallen() -> Tables:
    return shop()


def searched(tables: Tables, folder: Path, *, start: dt.date = START, end: dt.date = END) -> Slices:
    store = create_store(folder / "store", name="Test shop", key=b"k" * 32)
    with store.writing() as writer:
        for name, held in tables.items():
            writer.upsert(name, held)
    return find_slices(History(store, day=end), start=start, end=end)


def test_the_planted_slice_is_named_with_its_money(fallen: Tables, tmp_path: Path) -> None:
    found = searched(fallen, tmp_path)
    [part] = found.parts
    assert dict(part.values) == {"channel": "搜索", "province": "广东"}
    assert part.seen / part.expected == pytest.approx(0.2, abs=0.1)
    whole, told = found.findings()
    assert told.money == pytest.approx(-part.part)
    assert found.seen == pytest.approx(_paid(fallen))
    assert found.rest + part.part == pytest.approx(found.seen - found.expected)
    frame = found.to_frame()
    assert frame["part"].iloc[:-1].sum() == pytest.approx(frame["part"].iloc[-1])
    [leaves] = [behind.to_frame() for behind in found.behind()]
    inside = leaves.loc[(leaves["channel"] == "搜索") & (leaves["province"] == "广东")]
    assert inside["amount"].sum() == pytest.approx(part.seen)
    assert inside["expected_amount"].sum() == pytest.approx(part.expected)
    assert leaves["amount"].sum() == pytest.approx(found.seen)
    assert whole.text == (
        f"¥{found.seen:,.2f} was paid for goods, {1 - found.seen / found.expected:.2%} less "
        f"than the ¥{found.expected:,.2f} to be expected."
    )
    assert told.text == (
        f"搜索 × 广东: ¥{part.seen:,.2f} instead of ¥{part.expected:,.2f}; "
        f"that is ¥{-part.part:,.2f} less."
    )
    with reading("zh", "CNY"):
        assert found.findings()[1].text == (
            f"搜索 × 广东：支付 ¥{part.seen:,.2f}，预期 ¥{part.expected:,.2f}，"
            f"少 ¥{-part.part:,.2f}。"
        )


def _paid(tables: Tables) -> float:
    zone = dt.timedelta(hours=8)
    rows = tables["orders"].to_pylist()
    return float(
        sum(r["paid_amount"] for r in rows if START <= (r["paid_at"] + zone).date() <= END)
    )


def test_without_a_fall_nothing_is_named_and_one_great_buyer_is_no_news(tmp_path: Path) -> None:
    found = searched(shop(fall=1.0, bulk=30), tmp_path)
    assert found.parts == ()
    [_, none] = found.findings()
    assert none.text == "No slice of the shop stands out from the others by more than chance."


def test_a_truth_turned_round_turns_the_sentence(tmp_path: Path) -> None:
    found = searched(_more(shop(fall=1.0)), tmp_path)
    told = found.findings()[1]
    assert told.level == "good"
    assert told.text.endswith("more.")
    assert dict(found.parts[0].values) == {"channel": "推荐"}


def _more(tables: Tables) -> Tables:
    """Orders of 推荐 in the last week, each twice and by another buyer."""
    rows = {name: held.to_pylist() for name, held in tables.items()}
    late = [r for r in rows["orders"] if r["created_at"].date() >= START]
    twice = {r["order_id"] for r in late if r["channel"] == "推荐"}
    for name, other in (("orders", {"buyer_key": None}), ("order_items", {})):
        again = [r for r in rows[name] if r["order_id"] in twice]
        rows[name] += [{**r, "order_id": f"x{r['order_id']}", **other} for r in again]
    return {name: _table(name, held) for name, held in rows.items()}


def test_every_engine_sums_as_a_slow_count(fallen: Tables, light_engine: Any) -> None:
    spans = ((START, END), (dt.date(2026, 9, 7), dt.date(2026, 9, 13)))
    tables = Source(light_engine(fallen), time_zone="Asia/Shanghai")
    held = sum_leaves(tables, spans, since=FIRST)
    lines = {r["order_id"]: r for r in fallen["order_items"].to_pylist()}
    first: dict[str, dt.datetime] = {}
    for row in fallen["orders"].to_pylist():
        first[row["buyer_key"]] = min(row["paid_at"], first.get(row["buyer_key"], row["paid_at"]))
    kinds = {"p1": "茶", "p2": "茶", "p3": "杯"}
    count: dict[tuple[Any, ...], int] = {}
    sums: dict[tuple[Any, ...], list[float]] = {}
    kept = [
        (place, row) for row in fallen["orders"].to_pylist() for place, span in enumerate(spans)
        if span[0] <= row["paid_at"].date() <= span[1]
    ]  # fmt: skip
    for place, row in kept:
        count[place, row["buyer_key"]] = count.get((place, row["buyer_key"]), 0) + 1
    for place, row in kept:
        product = lines[row["order_id"]]["product_id"]
        buyer = RETURNING if first[row["buyer_key"]] < row["paid_at"] else NEW
        key = (place, row["channel"], row["province"], kinds[product], product, buyer)
        got = sums.setdefault(key, [0.0, 0.0])
        got[0] += float(row["paid_amount"])
        got[1] += 1 / count[place, row["buyer_key"]]
    columns = ["period", "channel", "province", "category", "product_id", "buyer"]
    found = {
        tuple(row[name] for name in columns): [row["amount"], row["buyers"]]
        for row in held.to_dict("records")
    }
    assert found.keys() == sums.keys()
    assert all(found[key] == pytest.approx(sums[key]) for key in sums)


def test_buyers_kinds_are_left_out_where_the_past_is_short(fallen: Tables) -> None:
    spans = ((START, END), (dt.date(2026, 9, 7), dt.date(2026, 9, 13)))
    tables = Source(dict(fallen), time_zone="Asia/Shanghai")
    held = sum_leaves(tables, spans, since=dt.date(2026, 8, 1))
    assert set(held["buyer"]) == {UNKNOWN}


def test_a_short_past_and_missing_lines_are_said(fallen: Tables, tmp_path: Path) -> None:
    early = searched(fallen, tmp_path, start=dt.date(2026, 5, 8), end=dt.date(2026, 5, 14))
    assert early.absent() == (
        "Sales begin on 2026-05-01; 3 earlier periods of the same length are needed to know what "
        "is usual."
    )
    assert early.findings() == ()
    bare = {"orders": fallen["orders"]}
    assert "order lines" in searched(bare, tmp_path / "bare").absent()


def test_names_from_data_are_shown_as_text(tmp_path: Path) -> None:
    tables = shop(fall=1.0)
    gone = [r["order_id"] for r in tables["order_items"].to_pylist()
            if r["product_id"] == "p3" and r["created_at"].date() >= START]  # fmt: skip
    kept = {
        name: _table(name, [r for r in held.to_pylist() if r.get("order_id") not in gone])
        for name, held in tables.items()
    }
    found = searched(kept, tmp_path)
    assert "&lt;b&gt;p3" in found._repr_html_() or "杯" in found.findings()[1].text
    assert "<b>p3" not in found._repr_html_()


def test_more_leaves_than_a_sheet_should_hold_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "MOST_LEAVES", 3)
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.gamma(2, 9, (10, 4)), columns=SUMS).assign(channel=list("abcdefghij"))
    held = slices.list_leaves(frame, ["channel"])
    assert len(held) == 4
    assert held["channel"].iloc[-1] == "all the rest"
    for name in SUMS:
        assert held[name].sum() == pytest.approx(frame[name].sum())
    assert (frame["amount"] - frame["expected_amount"]).abs().max() == pytest.approx(
        abs(held["amount"].iloc[0] - held["expected_amount"].iloc[0])
    )
