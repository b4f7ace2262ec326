"""Imports into a store: again, overlapping, in parts, refused rows, people."""

from __future__ import annotations

import csv
import hashlib
import hmac
from pathlib import Path

import pytest
from export_files import ORDER_HEADER, load, order, rows_of, words, write

from ecops_lib.core.errors import EcopsError, FileError
from ecops_lib.core.language import reading
from ecops_lib.data.imports import import_files
from ecops_lib.data.schema import TABLES


def test_the_same_bytes_again_change_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ORDER_HEADER, order("1")])
    load(tmp_path, file)
    copy = write(tmp_path / "copy.csv", [ORDER_HEADER, order("1")])
    result, store = load(tmp_path, file, copy)
    assert store.snapshot.version == 1
    assert not result.changed
    assert "a.csv, copy.csv were imported before, byte for byte" in words(result)
    assert "the store is as it was" in words(result)


def test_overlapping_files_count_once_and_are_told(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", [ORDER_HEADER, order("1"), order("2")])
    two = write(tmp_path / "2.csv", [ORDER_HEADER, order("2"), order("3")])
    result, store = load(tmp_path, one, two)
    assert store.count("orders") == 3
    assert (result.overlap["orders"], result.conflicts["orders"]) == (1, 0)


def test_overlap_with_what_the_store_holds_is_told(tmp_path: Path) -> None:
    load(tmp_path, write(tmp_path / "1.csv", [ORDER_HEADER, order("1"), order("2")]))
    result, store = load(
        tmp_path, write(tmp_path / "2.csv", [ORDER_HEADER, order("2"), order("3")])
    )
    assert store.count("orders") == 3
    assert result.overlap["orders"] == 1


def test_of_conflicting_rows_the_last_holds_and_it_is_told(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", [ORDER_HEADER, order("1", 订单状态="等待买家付款")])
    two = write(tmp_path / "2.csv", [ORDER_HEADER, order("1", 订单状态="交易成功")])
    result, store = load(tmp_path, one, two)
    assert rows_of(store, "orders", "status") == [("completed",)]
    assert result.conflicts["orders"] == 1
    assert "told differently" in words(result)


def test_a_null_does_not_erase_what_another_file_told(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", [ORDER_HEADER, order("1")])
    short = [h for h in ORDER_HEADER if h not in {"买家会员名", "订单状态"}]
    cells = dict(zip(ORDER_HEADER, order("1"), strict=True))
    two = write(tmp_path / "2.csv", [short, [cells[name] for name in short]])
    _, store = load(tmp_path, one, two)
    [(status, buyer)] = rows_of(store, "orders", "status", "buyer_key")
    assert (status, len(str(buyer))) == ("completed", 32)


def quarantine(tmp_path: Path) -> list[dict[str, str]]:
    [file] = (tmp_path / "shop" / "quarantine").glob("*.csv")
    with file.open(encoding="utf-8-sig", newline="") as held:
        return list(csv.DictReader(held))


@pytest.mark.parametrize(
    ("cells", "column", "value", "reason"),
    [
        ({"总金额": "many"}, "总金额", "many", "it is not a number"),
        ({"总金额": ""}, "总金额", "", "it is empty"),
        ({"订单创建时间": "yesterday"}, "订单创建时间", "yesterday", "it is not a time"),
        (
            {"订单创建时间": "2026-13-45 10:00:00"},
            "订单创建时间",
            "2026-13-45 10:00:00",
            "it is not a time",
        ),
        ({"订单状态": "外星人签收"}, "订单状态", "外星人签收", "the word is not known"),
        ({"总金额": "=1+1"}, "总金额", "'=1+1", "it is not a number"),
    ],
)
def test_bad_rows_go_to_quarantine_with_their_line(
    tmp_path: Path, cells: dict[str, str], column: str, value: str, reason: str
) -> None:
    rows = [order("1"), order("2", **cells), order("3")]
    result, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    assert store.count("orders") == 2
    assert quarantine(tmp_path) == [
        {"file": "a.csv", "record": "3", "column": column, "value": value, "reason": reason}
    ]
    assert result.files[0].refused == {(column, reason): 1}
    assert "1 row was refused" in words(result)


def test_buyers_become_keyed_hashes_that_the_rfc_gives(tmp_path: Path) -> None:
    _, store = load(
        tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, order("1", 买家会员名="小明")])
    )
    told = hmac.new(store.key, "小明".encode(), hashlib.sha256).hexdigest()[:32]
    assert rows_of(store, "orders", "buyer_key") == [(told,)]


def test_nothing_of_a_person_is_kept_anywhere(tmp_path: Path) -> None:
    header = [*ORDER_HEADER, "收货人姓名", "联系手机"]
    rows = [
        [*order("1", 买家会员名="secretname"), "secretperson", "'18612345678"],
        [*order("2", 买家会员名="secretname", 总金额="x"), "secretperson", "'18612345678"],
    ]
    result, store = load(tmp_path, write(tmp_path / "a.csv", [header, *rows]))
    held = str(store.frame("orders").to_dict()) + words(result) + str(result)
    for file in (tmp_path / "shop").rglob("*"):
        held += file.read_bytes().decode("latin-1") if file.is_file() else ""
    for word in ("secret", "18612345678", "文三路", "西湖"):
        assert word not in held
        assert word.encode().decode("latin-1") not in held


def test_masked_buyers_are_reported_and_have_no_key(tmp_path: Path) -> None:
    rows = [order("1", 买家会员名="小**"), order("2", 买家会员名="##"), order("3")]
    result, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    keys = [key for (key,) in rows_of(store, "orders", "buyer_key")]
    assert keys.count(None) == 2
    assert result.files[0].masked == 2
    assert "masked the buyers of 2 rows" in words(result)


def test_new_store_takes_currency_and_zone_from_the_format(tmp_path: Path) -> None:
    result, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, order("1")]))
    assert (store.settings.currency, store.settings.time_zone) == ("CNY", "Asia/Shanghai")
    assert result.created
    assert "currency CNY, time zone Asia/Shanghai" in words(result)


def test_given_zone_holds(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ORDER_HEADER, order("1")])
    _, store = load(tmp_path, file, time_zone="UTC")
    assert rows_of(store, "orders", "created_at") == [("2026-10-01 10:00:00+00",)]


RETAIL = [
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
]
LINE = [
    "489434",
    "85048",
    "GLASS BALL",
    "12",
    "2009-12-01 07:45:00",
    "6.95",
    "13085.0",
    "United Kingdom",
]


def test_another_currency_is_refused(tmp_path: Path) -> None:
    load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, order("1")]))
    with pytest.raises(EcopsError, match=r"CNY.*GBP"):
        load(tmp_path, write(tmp_path / "b.csv", [RETAIL, LINE]))


def test_two_currencies_at_once_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "a.csv", [ORDER_HEADER, order("1")])
    two = write(tmp_path / "b.csv", [RETAIL, LINE])
    with pytest.raises(FileError, match="CNY and GBP"):
        load(tmp_path, one, two)


def test_folders_are_read_and_what_is_no_table_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    write(folder / "sub" / "a.csv", [ORDER_HEADER, order("1")])
    (folder / "note.docx").write_bytes(b"x")
    (folder / ".hidden.csv").write_bytes(b"x")
    result, store = load(tmp_path, folder)
    assert store.count("orders") == 1
    assert result.skipped == ("note.docx",)


def test_missing_tables_are_named_with_what_fills_them(tmp_path: Path) -> None:
    result, _ = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, order("1")]))
    assert "orders" not in result.missing
    assert (
        "Still empty: order lines, traffic rows, refunds, products, stock snapshots, "
        "advertising rows, service cases, reviews and 19 more." in words(result)
    )
    fills = dict(result.still_missing().to_numpy().tolist())
    assert fills["traffic rows"] == "生意参谋 宏观监控 (shop) and 商品_全部 (products)"
    assert set(result.missing) == set(TABLES) - {"orders"}
    assert len(fills) == len(result.missing)


def test_a_refused_record_is_numbered_as_a_spreadsheet_does(tmp_path: Path) -> None:
    rows = [
        order("1", 买家会员名="小\n明"),
        [*order("2"), "more", "still more"],
        order("3", 总金额="abc"),
    ]
    load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    assert [(row["record"], row["value"]) for row in quarantine(tmp_path)] == [
        ("3", ""),
        ("4", "abc"),
    ]


def test_lines_given_twice_are_told_in_one_sentence(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", [ORDER_HEADER, order("1"), order("2")])
    two = write(tmp_path / "2.csv", [ORDER_HEADER, order("2"), order("3")])
    result, _ = load(tmp_path, one, two)
    assert "1 line came more than once (1 orders) and counts once; 3 lines remain." in words(result)
    three = write(tmp_path / "3.csv", [ORDER_HEADER, order("3"), order("4")])
    result, _ = load(tmp_path, three)
    assert "1 line was in the store already (1 orders) and counts once." in words(result)
    assert "twice" not in words(result)


def test_the_summary_is_short_and_what_needs_a_look_comes_first(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{n}.csv", [ORDER_HEADER, order(f"{n}1"), order(f"{n}2", 总金额="abc")])
        for n in range(3)
    ]
    result, _ = load(tmp_path, *paths)
    levels = [finding.level for finding in result.findings()]
    assert levels == ["watch"] * 3 + ["info"] * 3
    assert result.refusals()["refused"].tolist() == [1, 1, 1]
    assert len(str(result).splitlines()) == 4 + 6


def test_main_sentences_in_chinese(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "1.csv", [ORDER_HEADER, order("1"), order("2", 总金额="abc")]),
        write(tmp_path / "2.csv", [ORDER_HEADER, order("1"), order("3")]),
    ]
    result, _ = load(tmp_path, *paths)
    with reading("zh"):
        told = words(result)
    assert "读取 2 个文件，共 4 行，拒收 1 行；写入：订单 2 行" in told
    assert "有 1 行重复提供（订单 1 行），只计一次；去重后共 2 行。" in told
    assert "1.csv：拒收 1 行（总金额：不是数字）" in told
    assert "还没有数据的表：订单明细、" in told


def test_header_alone_imports_nothing_but_is_no_fault(tmp_path: Path) -> None:
    result, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER]))
    assert store.count("orders") == 0
    assert result.files[0].rows == 0


def test_progress_is_told_step_by_step(tmp_path: Path) -> None:
    said: list[str] = []
    file = write(tmp_path / "a.csv", [ORDER_HEADER, order("1")])
    import_files([file], store=tmp_path / "shop", progress=said.append)
    assert said[0] == "Looking at a.csv …"
    assert "Writing orders …" in said


def test_a_store_survives_two_imports_into_it_at_once(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from ecops_lib.data.imports import import_files; "
        "import_files([sys.argv[1]], store=sys.argv[2])"
    )
    files = [
        write(tmp_path / f"{n}.csv", [ORDER_HEADER, *[order(f"{n}-{k}") for k in range(50)]])
        for n in range(2)
    ]
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(file), str(tmp_path / "shop")])
        for file in files
    ]
    assert [process.wait() for process in running] == [0, 0]
    from ecops_lib.data.store import open_store

    store = open_store(tmp_path / "shop")
    assert (store.count("orders"), store.snapshot.version) == (100, 2)
