"""``ecops contact-list`` from the command line."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import create_store

Ecops = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """200 customers, half of whom buy every month."""
    start = dt.datetime(2026, 1, 1, 4, tzinfo=dt.UTC)
    days = [(n, 10 + n % 7 + 30 * month) for n in range(200) for month in range(4 - 3 * (n % 2))]
    rows = [
        {
            "platform": "tmall",
            "order_id": str(number),
            "buyer_key": f"{buyer:032x}",
            "created_at": start + dt.timedelta(days=day),
            "paid_at": start + dt.timedelta(days=day),
            "status": "paid",
            "ordered_amount": Decimal(80),
            "paid_amount": Decimal(80),
        }
        for number, (buyer, day) in enumerate(days)
    ]
    schema = arrow_schema("orders")
    whole = [{name: row.get(name) for name in schema.names} for row in rows]
    store = create_store(tmp_path / "S", name="店", key=b"k" * 32)
    with store.writing() as writer:
        writer.upsert("orders", pa.Table.from_pylist(whole, schema=schema))
    return tmp_path / "S"


def test_a_list_is_written_and_told(ecops: Ecops, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    told = ("--store", shop, "--out", out, "--cost", 1, "--margin", 0.5, "--message", "召回")
    code, said, _ = ecops("contact-list", *told, "--budget", 30, "--hold-out", 0.2, "--lang", "en")
    assert code == 0
    assert "held anybody out at random" in said
    assert f"list: {out}" in said
    with out.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    sent = [row for row in rows if row["held_out"] == "0"]
    assert len(sent) == 30
    assert len(rows) > 30
    assert {row["message"] for row in rows} == {"召回"}
    assert {row["contact_id"] for row in rows} == {"list-2026-04-18"}
    code, said, _ = ecops("contact-list", *told, "--lang", "zh")
    assert code == 0
    assert "名单" in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--hold-out", 1.5), "hold_out is 1.5"),
        (("--margin", -1), "margin is -1"),
        (("--as-of", "2027-01-01"), "as_of is 2027-01-01"),
        (("--out", "list.txt"), "end in .csv or .xlsx"),
    ],
)
def test_what_cannot_be_listed_is_refused(
    ecops: Ecops, shop: Path, tmp_path: Path, more: tuple[object, ...], said: str
) -> None:
    code, _, error = ecops("contact-list", "--store", shop, "--out", tmp_path / "l.csv", *more)
    assert code == 1
    assert said in error
    assert not (tmp_path / "l.csv").exists()
