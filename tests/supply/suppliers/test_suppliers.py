"""Suppliers rated: by hand, in every engine, and on a real programme's deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import open_store
from ecops_lib.supply.suppliers import rate_suppliers
from ecops_lib.supply.suppliers.ratings import SupplierRatings

START = dt.date(2026, 1, 1)
MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]


def at(day: float) -> dt.datetime:
    return dt.datetime.combine(START, dt.time(4), dt.UTC) + dt.timedelta(days=day)


def receipt(
    number: int, supplier: str, ordered: int, took: float | None, **more: Any
) -> dict[str, Any]:
    told = {"purchase_id": f"P{number}", "sku_id": "a", "stage": "receipt", "quantity": 100,
            "supplier_id": supplier, "ordered_at": at(ordered), "due_at": at(ordered + 20),
            "done_at": None if took is None else at(ordered + took), "received": 100,
            "unit_cost": Decimal(10)}  # fmt: skip
    return {**told, **more}


def purchases(held: Iterable[dict[str, Any]]) -> dict[str, pa.Table]:
    schema = arrow_schema("purchase_orders")
    whole = [{**dict.fromkeys(schema.names), **row} for row in held]
    return {"purchase_orders": pa.Table.from_pylist(whole, schema=schema)}


def shop(*, slow: str = "S", good: str = "G", thin: int = 3) -> dict[str, pa.Table]:
    """``G`` is on time, ``S`` 18 of 30 times late and dearer, ``T`` has delivered 3 times."""
    held = [receipt(n, good, 3 * n, 19, rejected=0) for n in range(60)]
    held += [receipt(100 + n, slow, 5 * n, 25 if n % 5 < 3 else 18, unit_cost=Decimal(12),
                     rejected=20 if n % 2 else 0, received=100 if n % 3 else 90)
             for n in range(30)]  # fmt: skip
    held += [receipt(200 + n, "T", 10 * n, 15) for n in range(thin)]
    dear = {"unit_cost": Decimal(12)}
    held += [receipt(300, slow, 150, None, **dear), receipt(301, slow, 199, None, **dear)]
    return purchases(held)


def rate(tables: Any, day: int = 200, **more: Any) -> SupplierRatings:
    return rate_suppliers(tables, as_of=START + dt.timedelta(days=day), time_zone="UTC", **more)


def test_every_engine_counts_what_came_and_what_is_overdue(light_engine: MakeTables) -> None:
    rows = rate(light_engine(shop())).frame.set_index("supplier_id")
    assert rows["deliveries"].to_dict() == {"G": 60, "T": 3, "S": 31}
    assert rows["on_time_raw"].to_dict() == {"G": 1.0, "T": 1.0, "S": 12 / 31}
    assert rows.loc["S", "in_full_raw"] == 20 / 30
    assert rows.loc["S", "quality_raw"] == pytest.approx(1 - 15 * 20 / 3000)
    assert rows.loc["G", ["lead", "lead_spread"]].tolist() == [19, 0]
    assert rows.loc["S", "open_late"] == 1
    paid = 60 * 1000 + 3 * 1000 + 31 * 1200
    mean = paid / (94 * 100)
    assert rows.loc["S", "price"] == pytest.approx(12 / mean)
    assert rows.index[0] == "G"
    assert rows.loc["T", "on_time"] < rows.loc["G", "on_time"]


def test_what_was_known_later_is_not_known_now() -> None:
    early = rate(shop(), 60).frame.set_index("supplier_id")
    assert early.loc["G", "deliveries"] == sum(3 * n + 19 <= 60 for n in range(60))
    assert early["open_late"].sum() == sum(
        5 * n + 20 < 60 < 5 * n + 25 for n in range(30) if n % 5 < 3
    )


def test_the_sentences_turn_with_the_truth() -> None:
    texts = [finding.text for finding in rate(shop(thin=0)).findings()]
    assert texts[1].startswith("G is the best supplier: it ranks first in ")
    assert any(text.startswith("S: ") and "deliveries on time" in text for text in texts)
    assert any(text.startswith("S asks 12.") and "more than the mean" in text for text in texts)
    turned = [finding.text for finding in rate(shop(slow="G", good="S", thin=0)).findings()]
    assert turned[1].startswith("S is the best supplier")
    with reading("zh"):
        told = [finding.text for finding in rate(shop(thin=0)).findings()]
        assert "最好的供应商" in told[1]


def test_a_change_of_punctuality_is_told_and_chance_is_not() -> None:
    held = [receipt(n, "A", 3 * n, 19 if n < 30 else 24) for n in range(60)]
    held += [receipt(100 + n, "B", 3 * n, 24 if n % 4 == 0 else 19) for n in range(60)]
    found = [
        f for f in rate(purchases(held), days=201).findings() if f.key.startswith("suppliers/trend")
    ]
    assert [f.key for f in found] == ["suppliers/trend/A"]
    assert found[0].text.startswith("A became unpunctual")


def test_odd_shops() -> None:
    with pytest.raises(MissingDataError, match="purchas"):
        rate({})
    with pytest.raises(MissingDataError, match="came or was due"):
        rate(shop(), 5)
    with pytest.raises(ParameterError, match="weights"):
        rate(shop(), weights={"on_time": 1})
    one = rate(purchases([receipt(1, "<b>A</b>", 0, 19, received=None)]))
    assert "<b>" not in one._repr_html_().replace("&lt;b&gt;", "")
    assert one.chart() is None
    undated = rate(purchases([receipt(1, "A", 0, 19, due_at=None, received=None)]))
    assert undated.frame["score"].isna().all()
    assert str(undated)


MAPPING = """
[[file]]
match = "shipments.csv"
table = "purchase_orders"
[file.columns]
purchase_id = "PO / SO #"
sku_id = "Item Description"
supplier_id = "Vendor"
quantity = "Line Item Quantity"
due_at = "Scheduled Delivery Date"
done_at = "Delivered to Client Date"
[file.constants]
stage = "receipt"
"""


@pytest.mark.realdata
def test_a_real_programme_is_imported_and_rated(shared: Path, tmp_path: Path, ecops: Any) -> None:
    """SCMS delivery history: 1,186 of 10,324 lines late (11.49 %)."""
    raw = pd.read_parquet(shared / "logistics_scms" / "shipments.parquet")
    raw = raw.assign(**{"PO / SO #": raw["PO / SO #"] + "/" + raw["ID"].astype(str)})
    (tmp_path / "in").mkdir()
    raw.to_csv(tmp_path / "in" / "shipments.csv", index=False)
    (tmp_path / "in" / "mapping.toml").write_text(MAPPING, "utf-8")
    ecops("import", str(tmp_path / "in"), "--store", str(tmp_path / "s"))
    held = rate_suppliers(open_store(tmp_path / "s"), as_of="2015-12-31", days=3650)
    late = float(held.frame["dated"].sum() - held.rates["on_time"].successes.sum())
    assert (late, held.frame["dated"].sum()) == (1186, 10324)
    assert late / 10324 == pytest.approx(0.1149, abs=5e-5)
    first = held.frame.iloc[0]
    assert first["deliveries"] > 5
    again = rate_suppliers(open_store(tmp_path / "s"), as_of="2015-12-31", days=3650, seed=9)
    agree = held.frame.merge(again.frame, on="supplier_id")
    assert (agree["rank_low_x"] - agree["rank_low_y"]).abs().max() <= 2
