"""Real shops' files: the figures that a correct reading gives."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from export_files import words

from ecops_lib.core.errors import FileError
from ecops_lib.data.imports import import_files
from ecops_lib.data.store import Store, open_store

pytestmark = pytest.mark.realdata


def one(store: Store, table: str, *sums: str) -> tuple[object, ...]:
    [row] = store.scan(table).aggregate(", ".join(sums)).fetchall()
    return tuple(row)


def test_online_retail_overlap_and_lines(online_retail) -> None:
    result, store = online_retail
    assert sum(result.overlap[t] for t in ("order_items", "refunds")) == 22_523
    assert (
        "22,523 lines came more than once (22,194 order lines, 329 refunds) and count once; "
        "1,044,848 lines remain." in words(result)
    )
    assert not any(result.conflicts.values())
    assert sum(map(store.count, ("order_items", "refunds"))) == 1_044_848


def test_online_retail_customers(online_retail) -> None:
    result, store = online_retail
    people = (
        store.scan("orders").project("buyer_key").union(store.scan("refunds").project("buyer_key"))
    )
    assert people.aggregate("count(DISTINCT buyer_key)").fetchall() == [(5_942,)]
    nameless = [line for line in words(result).splitlines() if "name no customer" in line]
    assert sum(int(line.split(": ")[1].split()[0].replace(",", "")) for line in nameless) == 243_007


def test_online_retail_nets_to_the_penny(shared: Path, tmp_path: Path) -> None:
    nets = {"year_2009_2010": "9539484.634", "year_2010_2011": "9747765.934"}
    for name, net in nets.items():
        store_path = tmp_path / name
        import_files([shared / "online_retail_ii" / f"{name}.parquet"], store=store_path)
        assert net_of(open_store(store_path)) == Decimal(net)
    # the README leaves out the one row of the second sheet that its column origin marks
    assert Decimal(nets["year_2010_2011"]) - Decimal("9747747.934") == Decimal("18.00")


def net_of(store: Store) -> Decimal:
    (sold,) = one(store, "order_items", "sum(paid_amount)")
    (back,) = one(store, "refunds", "sum(amount)")
    return sold - back  # type: ignore[operator, return-value]


def test_online_retail_raw_files_agree_with_the_sheets(
    online_retail, shared: Path, tmp_path: Path
) -> None:
    store = open_store(shutil.copytree(online_retail[1].path, tmp_path / "shop"))
    before = {table: store.count(table) for table in store.tables}
    raw = shared / "online_retail_ii" / "raw"
    result = import_files([raw], store=store.path)
    after = open_store(store.path)
    assert {table: after.count(table) for table in after.tables} == before
    assert {file.format for file in result.files} == {"online_retail"}
    assert len(result.files) == 4  # two CSVs and two sheets of one workbook


def test_tmall_report_to_the_penny(shared: Path, tmp_path: Path) -> None:
    import_files([shared / "tmall_order_report"], store=tmp_path / "shop")
    store = open_store(tmp_path / "shop")
    ordered, paid, paying = one(
        store, "orders", "sum(ordered_amount)", "sum(paid_amount)", "count(paid_amount)"
    )
    refunded, refunds = one(store, "refunds", "sum(amount)", "count(*)")
    assert (ordered, paid, paying) == (Decimal("2995760.61"), Decimal("2474823.07"), 24_087)
    assert (refunded, refunds) == (Decimal("572335.92"), 5_646)
    assert store.count("orders") == 28_010
    assert one(store, "orders", "count(DISTINCT province)") == (31,)


def test_shopify_orders_and_their_lines(shared: Path, tmp_path: Path) -> None:
    result = import_files([shared / "shopify_orders_export"], store=tmp_path / "shop")
    store = open_store(tmp_path / "shop")
    assert (store.count("orders"), store.count("order_items")) == (51, 121)
    (items,) = one(store, "order_items", "sum(ordered_amount)")
    goods = one(store, "orders", "sum(ordered_amount - shipping_amount - tax_amount)")
    assert (items,) == goods
    assert result.currency == "INR"


def test_olist_sample(shared: Path, tmp_path: Path) -> None:
    result = import_files([shared / "olist" / "raw"], store=tmp_path / "shop")
    store = open_store(tmp_path / "shop")
    assert (store.count("orders"), store.count("order_items")) == (8_135, 8_365)
    assert [file.refused for file in result.files] == [{}] * 5
    assert result.currency == "BRL"


def test_superstore_is_refused_with_what_was_seen(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"\[Orders\] is no export that ecops knows: .*'Row ID'"):
        import_files([shared / "superstore"], store=tmp_path / "shop")


def test_superstore_through_a_mapping(shared: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        '[[file]]\nmatch = "*superstore*"\ntable = "order_items"\n[file.columns]\n'
        'order_id = "Order ID"\nline_id = "Row ID"\ncreated_at = "Order Date"\n'
        'product_id = "Product ID"\nproduct_name = "Product Name"\nquantity = "Quantity"\n'
        'ordered_amount = "Sales"\n[file.constants]\nplatform = "superstore"\n',
        "utf-8",
    )
    import_files([shared / "superstore"], store=tmp_path / "shop", mapping=mapping, currency="USD")
    assert open_store(tmp_path / "shop").count("order_items") == 9_994


def test_the_olist_folder_imports_with_its_siblings_passed_over(
    shared: Path, tmp_path: Path
) -> None:
    result = import_files([shared / "olist"], store=tmp_path / "shop")
    store = open_store(tmp_path / "shop")
    assert store.count("orders") == 32_936
    passed = sorted(file.format for file in result.files if not file.needed)
    assert passed == [
        "olist_categories",
        "olist_deals",
        "olist_leads",
        "olist_places",
        "olist_sellers",
    ]
    assert "Known, but not needed, so not read: category_translation_FULL.parquet" in words(result)
    again = import_files([shared / "olist"], store=tmp_path / "shop")
    assert not again.changed
    alone = sorted((shared / "olist").glob("*.parquet"))
    import_files(alone, store=tmp_path / "alone")
    for table, sums in {"orders": "sum(paid_amount)", "order_items": "sum(paid_amount)"}.items():
        assert one(store, table, sums) == one(open_store(tmp_path / "alone"), table, sums)


def test_siblings_alone_are_refused(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no use for sellers_FULL\.parquet"):
        import_files([shared / "olist" / "sellers_FULL.parquet"], store=tmp_path / "shop")
    assert not (tmp_path / "shop").exists()
