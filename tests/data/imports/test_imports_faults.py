"""Files that cannot be read: one clear sentence each, and nothing imported."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import pytest
from export_files import ORDER_HEADER, load, order, text_of, write

from ecops_lib.core.errors import FileError
from ecops_lib.data.imports import import_files


def refused(tmp_path: Path, file: Path) -> str:
    with pytest.raises(FileError) as caught:
        import_files([file], store=tmp_path / "shop")
    message = str(caught.value)
    assert message.startswith((file.name, str(file)))
    assert message.endswith(".")
    assert "\n" not in message
    assert not (tmp_path / "shop").exists()
    return message


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert refused(tmp_path, tmp_path / "a.csv") == "a.csv is empty (0 bytes); download it again."


def test_absent_file(tmp_path: Path) -> None:
    assert "is not a file" in refused(tmp_path, tmp_path / "a.csv")


@pytest.mark.parametrize("suffix", ["xlsx", "zip", "parquet"])
def test_truncated_file(tmp_path: Path, suffix: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import xlsxwriter

    file = tmp_path / f"a.{suffix}"
    if suffix == "xlsx":
        with xlsxwriter.Workbook(str(file)) as book:
            book.add_worksheet().write_row(0, 0, ORDER_HEADER)
    elif suffix == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr("a.csv", text_of([ORDER_HEADER, *[order(str(n)) for n in range(99)]]))
    else:
        pq.write_table(pa.table({"a": list(range(1000))}), file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert "damaged or truncated" in refused(tmp_path, file)


def test_damage_within_a_zip(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.csv", text_of([ORDER_HEADER, *[order(str(n)) for n in range(999)]]))
    held = bytearray(file.read_bytes())
    held[200:400] = bytes(200)
    file.write_bytes(held)
    assert "damaged or truncated" in refused(tmp_path, file)


def test_bytes_of_no_encoding(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(text_of([ORDER_HEADER, order()]).encode("utf-8") + b"\xff\xff\x81\n")
    assert "no text in UTF-8, GB18030 or UTF-16" in refused(tmp_path, file)


def test_password_protected_workbook(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    file.write_bytes(ole + bytes(2000) + "EncryptedPackage".encode("utf-16-le") + bytes(2000))
    assert "protected by a password" in refused(tmp_path, file)


def test_password_protected_zip(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("a.csv", text_of([ORDER_HEADER, order()]))
    held = bytearray(file.read_bytes())
    held[6] |= 1
    held[held.find(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(held)
    assert "zip file protected by a password" in refused(tmp_path, file)


def test_zip_of_several_tables(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("a.csv", "x")
        out.writestr("b.csv", "x")
    assert "holds 2 tables" in refused(tmp_path, file)


def test_a_line_of_two_gigabytes_is_refused_in_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    with file.open("wb") as out:
        out.write(text_of([ORDER_HEADER]).encode() + b"x" * 300_000)
        out.truncate(2 * 1024**3)
    from ecops_lib.data.imports.reader import read_sheets, read_source

    source = read_source.__globals__["Source"](path=file, sha256="0" * 64, size=2 * 1024**3)
    tracemalloc.start()
    with pytest.raises(FileError, match="line of more than 8 MB"):
        read_sheets(source, tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_long_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    long = order("2", 买家会员名="x" * (9 * 1024**2))
    file.write_text(text_of([ORDER_HEADER, order("1"), long, order("3")]), "utf-8")
    assert "line of more than 8 MB" in refused(tmp_path, file)


def test_a_picture_is_no_table(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50)
    refused(tmp_path, file)


def test_one_refused_file_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", [ORDER_HEADER, order("1")])
    load(tmp_path, good)
    more = write(tmp_path / "more.csv", [ORDER_HEADER, order("2")])
    bad = write(tmp_path / "bad.csv", [ORDER_HEADER, order("1.2E+18")])
    with pytest.raises(FileError, match=r"bad\.csv"):
        load(tmp_path, more, bad)
    from ecops_lib.data.store import open_store

    store = open_store(tmp_path / "shop")
    assert (store.snapshot.version, store.count("orders")) == (1, 1)


def test_a_folder_without_exports(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(FileError, match="holds no export"):
        load(tmp_path, tmp_path / "in")


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "=cmd()", "🧨" * 50, "a\0b", "'; DROP TABLE x; --", "{x}"]
)
def test_hostile_text_is_only_text(tmp_path: Path, name: str) -> None:
    header = ["订单编号", "标题", "价格", "购买数量", "商家编码"]
    orders = write(tmp_path / "a.csv", [ORDER_HEADER, order("1")])
    lines = write(tmp_path / "b.csv", [header, ["1", name, "100", "1", "S1"]])
    result, store = load(tmp_path, orders, lines)
    [(held,)] = store.scan("order_items").project("product_name").fetchall()
    assert held == name
    assert "<script" not in result._repr_html_()
