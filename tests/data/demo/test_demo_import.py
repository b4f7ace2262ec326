"""The demo shop goes into a store as it is: nothing refused, nothing lost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from demo_exports import Exports, cents

from ecops_lib.data.imports import import_files
from ecops_lib.data.schema import TABLES
from ecops_lib.data.store import create_store, open_store


def test_every_row_is_imported_and_every_total_agrees(planted: Exports, tmp_path: Path) -> None:
    create_store(tmp_path / "store", name="演示店", key=b"k" * 32)
    result = import_files([planted.folder], store=tmp_path / "store")
    store = open_store(tmp_path / "store")
    assert set(TABLES) - set(store.tables) == {"proposals"}
    assert [f for f in result.findings() if f.level == "bad"] == []
    assert store.count("orders") == len(planted.orders)
    assert store.count("order_items") == len(planted.lines)
    assert store.count("refunds") == len(planted.refunds)
    orders = store.frame("orders")
    assert sum(orders["ordered_amount"]) == Decimal(int(planted.orders["总金额"].sum())) / 100
    waiting = orders[(orders["status"] == "unpaid") & orders["is_presale"].fillna(False)]
    assert (waiting["deposit_amount"] > 0).all()
    assert waiting["deposit_paid_at"].notna().any()
    assert orders["ship_by"].notna().sum() == orders["paid_at"].notna().sum()


def test_ad_costs_are_told_by_product_line(planted: Exports, tmp_path: Path) -> None:
    create_store(tmp_path / "store", name="演示店", key=b"k" * 32)
    import_files(
        [*planted.files("商品报表"), *planted.files("淘宝客佣金")],
        store=tmp_path / "store",
        mapping=planted.folder / "mapping.toml",
    )
    ads = open_store(tmp_path / "store").frame("ads")
    lines = {"keyword", "audience", "smart scene", "whole site", "commission"}
    assert set(ads["product_line"]) == lines
    assert sum(ads["cost"]) * 100 == sum(
        int(cents(planted.csv(name)[header]).sum())
        for name, header in (("商品报表", "花费"), ("淘宝客佣金", "佣金"))
    )
