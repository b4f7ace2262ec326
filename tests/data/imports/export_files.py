"""Small files as platforms write them, made by the tests themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecops_lib.data.imports import ImportResult, import_files
from ecops_lib.data.store import Store, open_store

Rows = Sequence[Sequence[str]]

ORDER_HEADER = [
    "订单编号",
    "买家会员名",
    "总金额",
    "买家应付邮费",
    "买家实际支付金额",
    "订单状态",
    "收货地址 ",
    "订单创建时间",
    "订单付款时间 ",
    "退款金额",
]


def order(number: str = "1001", **cells: str) -> list[str]:
    """One row under ``ORDER_HEADER``."""
    values = {
        "订单编号": number,
        "买家会员名": "小明",
        "总金额": "100.00",
        "买家应付邮费": "0",
        "买家实际支付金额": "100.00",
        "订单状态": "交易成功",
        "收货地址 ": "浙江省 杭州市 西湖区 文三路 1 号",
        "订单创建时间": "2026-10-01 10:00:00",
        "订单付款时间 ": "2026-10-01 10:01:00",
        "退款金额": "0",
    }
    unknown = set(cells) - set(values)
    assert not unknown, unknown
    return list({**values, **cells}.values())


def text_of(rows: Rows, delimiter: str = ",") -> str:
    """Rows as CSV; a cell with the delimiter, quotes or line breaks is quoted."""

    def cell(value: str) -> str:
        if any(mark in value for mark in (delimiter, '"', "\n", "\r")):
            return '"' + value.replace('"', '""') + '"'
        return value

    return "".join(delimiter.join(map(cell, row)) + "\r\n" for row in rows)


def write(path: Path, rows: Rows, *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """A CSV file."""
    path.write_bytes(text_of(rows, delimiter).encode(encoding))
    return path


def load(tmp_path: Path, *paths: Path, **options: str) -> tuple[ImportResult, Store]:
    """Import into the store ``shop`` and open it."""
    result = import_files(paths, store=tmp_path / "shop", **options)  # type: ignore[arg-type]
    return result, open_store(tmp_path / "shop")


def rows_of(store: Store, table: str, *columns: str) -> list[tuple[object, ...]]:
    """A table's rows, sorted, as plain values; decimals as floats, times as UTC text."""
    shown = ", ".join(f"CAST({c} AS VARCHAR)" if c.endswith("_at") else c for c in columns)
    found = store.scan(table).project(shown).fetchall()
    return sorted((tuple(_plain(v) for v in row) for row in found), key=repr)


def _plain(value: object) -> object:
    from decimal import Decimal

    return float(value) if isinstance(value, Decimal) else value


def words(result: ImportResult) -> str:
    """All sentences of an import."""
    return "\n".join(finding.text for finding in (*result.findings(), *result.remarks()))
