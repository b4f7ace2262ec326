"""Suppliers rated: by hand, in every engine, and on a real programme's deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import open_store
from ecops_lib.supply.suppliers import rate_suppliers, shrink_rates
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


def sourced(**more: list[dict[str, Any]]) -> dict[str, pa.Table]:
    """The shop of ``shop``, with the tables of its buyer and its buyers."""
    held = dict(shop(thin=0))
    for name, rows in more.items():
        schema = arrow_schema(name)
        whole = [{**dict.fromkeys(schema.names), **row} for row in rows]
        held[name] = pa.Table.from_pylist(whole, schema=schema)
    return held


def test_another_source_is_named_only_where_one_is_known() -> None:
    both = {f.key: f for f in rate(shop(thin=0)).findings()}
    assert both["suppliers/on_time/S"].action is not None
    assert "order 1 of its SKUs from G, which is rated higher" in (
        both["suppliers/on_time/S"].action.text
    )
    alone = [receipt(100 + n, "S", 5 * n, 25, sku_id="s") for n in range(30)]
    alone += [receipt(n, "G", 3 * n, 19, sku_id="g") for n in range(60)]
    told = {f.key: f for f in rate(purchases(alone)).findings()}
    assert told["suppliers/on_time/S"].action is not None
    assert "no better-rated source" in told["suppliers/on_time/S"].action.text
    schema = arrow_schema("sourcing")
    pair = {**dict.fromkeys(schema.names), "sku_id": "s", "supplier_id": "G"}
    listed = {**purchases(alone), "sourcing": pa.Table.from_pylist([pair], schema=schema)}
    told = {f.key: f for f in rate(listed).findings()}
    assert "from G" in told["suppliers/on_time/S"].action.text  # type: ignore[union-attr]
    assert rate(listed).sole == {"G": 1}


def test_a_rise_and_terms_are_worth_a_talk() -> None:
    held = [receipt(n, "A", 3 * n, 19, unit_cost=Decimal(10 if n < 30 else 11)) for n in range(60)]
    found = rate(purchases(held), days=201)
    before = (30 * 10 + 4 * 11) / 34  # the middle is day 100
    assert found.frame["price_rise"].iloc[0] == pytest.approx(11 / before - 1)
    [rise] = [f for f in found.findings() if f.key == "suppliers/rise/A"]
    assert rise.text == (
        "A asks 8.72% more for the same SKUs in the second half of these days than in the first."
    )
    fallen = [{**row, "unit_cost": Decimal(21) - row["unit_cost"]} for row in held]
    assert not [f for f in rate(purchases(fallen), days=201).findings() if "rise" in f.key]
    even = [receipt(n, "AB"[n % 2], 3 * n, 19, sku_id="ab"[n % 2]) for n in range(60)]
    schema = arrow_schema("suppliers")
    terms = [{**dict.fromkeys(schema.names), "supplier_id": k, "payment_days": d}
             for k, d in (("A", 0.0), ("B", 45.0))]  # fmt: skip
    tables = {**purchases(even), "suppliers": pa.Table.from_pylist(terms, schema=schema)}
    [told] = [f for f in rate(tables).findings() if f.key == "suppliers/terms/A"]
    assert told.text.startswith("A is paid after 0 days, the others after 45 on average")


def returning(bad: str) -> dict[str, pa.Table]:
    """400 orders of each of two SKUs of one category; 60 of the bad one come back."""
    orders = [{"platform": "p", "order_id": f"{sku}{n}", "line_id": "1", "created_at": at(n / 4),
               "sku_id": sku, "product_id": sku, "quantity": 1, "ordered_amount": Decimal(9),
               "paid_amount": Decimal(9)} for sku in "ab" for n in range(400)]  # fmt: skip
    back = [{"platform": "p", "refund_id": f"r{sku}{n}", "order_id": f"{sku}{n}", "sku_id": sku,
             "applied_at": at(120), "amount": Decimal(9), "status": "success",
             "stage": "before_shipping" if n % 9 == 8 else "after_receipt"}
            for sku in "ab" for n in range(72 if sku == bad else 9)]  # fmt: skip
    products = [{"platform": "p", "product_id": sku, "category": "c"} for sku in "ab"]
    held = sourced(order_items=orders, refunds=back, products=products)
    bought = [receipt(n, "AB"[n % 2], 3 * n, 19, sku_id="ab"[n % 2]) for n in range(60)]
    return {**held, **purchases(bought)}


def test_returns_are_told_as_what_goes_together(light_engine: MakeTables) -> None:
    found = rate(light_engine(returning("a")))
    assert found.returns is not None
    rows = found.returns.set_index("supplier_id")
    assert rows.loc["A", ["rate", "others"]].tolist() == pytest.approx([64 / 400, 8 / 400])
    [told] = [f for f in found.findings() if f.key.startswith("suppliers/returns")]
    assert told.text.startswith("Of orders for what A alone delivers, 16.00% were refunded")
    assert "does not prove" in told.text


def test_returns_turn_with_the_truth() -> None:
    keys = [f.key for f in rate(returning("b")).findings()]
    assert "suppliers/returns/B" in keys
    assert not [f for f in rate(returning("")).findings() if "returns" in f.key]


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
    correlations, last = _resampled(held)
    assert np.mean(correlations) > 0.85
    assert np.min(last) >= 4


def _resampled(held: SupplierRatings) -> tuple[list[float], list[int]]:
    """Bootstrap of each supplier's deliveries, of suppliers with a grade.

    Rank correlation of each resample's rates with the told scores, and how many of the told
    last five are among its last ten.
    """
    from scipy.stats import spearmanr

    rng = np.random.default_rng(12)
    rows = held.frame.set_index("supplier_id").sort_index()
    graded = (rows["grade"] != "").to_numpy()
    whole, score = rows["dated"].to_numpy(), rows["score"].to_numpy()[graded]
    share = held.rates["on_time"].successes / np.maximum(whole, 1)
    correlations, last = [], []
    for _ in range(40):
        drawn = shrink_rates(rng.binomial(whole.astype(int), share).astype(float), whole).rates
        correlations.append(float(spearmanr(drawn[graded], score)[0]))
        last.append(len(set(score.argsort()[:5]) & set(drawn[graded].argsort()[:10])))
    return correlations, last
