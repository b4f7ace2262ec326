"""Keepa's export: the day in the name, prices in their order, currencies, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_files import load, rows_of, words, write

from ecops_lib.core.errors import FileError, StoreError
from ecops_lib.data.store import create_store

NAME = "KeepaExport-2026-11-12-ProductViewer.csv"
HEADER = [
    "Locale", "Image", "Title", "Sales Rank: Current", "Bought in past month", "Reviews: Rating",
    "Reviews: Rating Count", "Buy Box 🚚: Current", "Amazon: Current", "New: Current",
    "List Price: Current", "ASIN", "Brand", "Manufacturer", "Categories: Root",
    *[f"Column {number}" for number in range(40)],
]  # fmt: skip


def item(asin: str, *, site: str = "co.uk", brand: str = "Acme", **cells: str) -> list[str]:
    values = dict.fromkeys(HEADER, "") | {
        "Locale": site, "Title": f"Widget {asin}", "Sales Rank: Current": "5,000",
        "Bought in past month": "150", "Reviews: Rating": "4.5", "Reviews: Rating Count": "1,200",
        "ASIN": asin, "Brand": brand, "Categories: Root": "Home",
    }  # fmt: skip
    return list((values | cells).values())


ROWS = [
    item("B001", **{"Buy Box 🚚: Current": "£ 15.00", "New: Current": "£14.00",
                    "List Price: Current": "£20.00"}),
    item("B002", **{"New: Current": "£1,014.80", "Amazon: Current": "£1,020.00"}),
    item("B003", brand="", Manufacturer="Maker", **{"Amazon: Current": "£9.99"}),
    item("0000000042", brand=""),
]  # fmt: skip


def test_items_are_snapshots_of_the_day_in_the_name(tmp_path: Path) -> None:
    result, store = load(tmp_path, write(tmp_path / NAME, [HEADER, *ROWS]),
                         time_zone="Europe/London")  # fmt: skip
    columns = ("item_id", "competitor", "price", "list_price", "review_count", "rating")
    assert rows_of(store, "competitor_items", *columns) == [
        ("0000000042", "Amazon", None, None, 1200, 4.5),
        ("B001", "Acme", 15.0, 20.0, 1200, 4.5),
        ("B002", "Acme", 1014.8, None, 1200, 4.5),
        ("B003", "Maker", 9.99, None, 1200, 4.5),
    ]
    days = {str(row[0]) for row in rows_of(store, "competitor_items", "day")}
    assert days == {"2026-11-12"}
    assert rows_of(store, "competitor_items", "sales_counter") == [(None,)] * 4
    assert result.currency == "GBP"


def test_a_price_that_cannot_be_read_is_refused_not_lost(tmp_path: Path) -> None:
    bad = item("B009", **{"Buy Box 🚚: Current": "12,99 £"})
    result, store = load(tmp_path, write(tmp_path / NAME, [HEADER, *ROWS, bad]),
                         time_zone="Europe/London")  # fmt: skip
    assert store.count("competitor_items") == len(ROWS)
    assert "1 refused" in words(result)


def test_a_file_without_its_day_or_of_two_currencies_is_refused(tmp_path: Path) -> None:
    renamed = write(tmp_path / "export.csv", [HEADER, *ROWS])
    with pytest.raises(FileError, match=r"does not tell its day.*KeepaExport-2026-11-12"):
        load(tmp_path, renamed, time_zone="Europe/London")
    mixed = write(tmp_path / NAME, [HEADER, *ROWS, item("B010", site="de")])
    with pytest.raises(FileError, match=r"several sites \(co\.uk, de\)"):
        load(tmp_path, mixed, time_zone="Europe/London")


def test_the_sign_tells_the_currency_where_no_site_does(tmp_path: Path) -> None:
    header = [name for name in HEADER if name != "Locale"]
    rows = [row[1:] for row in [item("B001", **{"New: Current": "€15.00"})]]
    result, _ = load(tmp_path, write(tmp_path / NAME, [header, *rows]), time_zone="Europe/Berlin")
    assert result.currency == "EUR"


def test_pounds_do_not_go_into_a_store_that_counts_in_yuan(tmp_path: Path) -> None:
    create_store(tmp_path / "shop", name="店", currency="CNY")
    with pytest.raises(StoreError, match="counts in CNY, but GBP"):
        load(tmp_path, write(tmp_path / NAME, [HEADER, *ROWS]))
