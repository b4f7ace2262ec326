"""The page of an import: what was recognised, cleaned, refused, and what is missing."""

from __future__ import annotations

import re
from pathlib import Path

from ecops_lib.core.language import reading
from ecops_lib.data.imports import import_files
from ecops_lib.reports.import_page import write_import_page

HEADER = "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,订单创建时间,订单付款时间"
GOOD = '="1",小明,10,10,交易成功,2026-10-01 10:00:00,2026-10-01 10:01:00'
BAD = '="2",小明,ten,10,交易成功,2026-10-01 10:00:00,2026-10-01 10:01:00'


def page(tmp_path: Path, *rows: str, language: str = "en") -> str:
    file = tmp_path / "<script>alert(1)<b>.csv".replace("/", "")
    file.write_text("\n".join([HEADER, *rows]), "utf-8")
    result = import_files([file], store=tmp_path / "shop")
    with reading(language):  # type: ignore[arg-type]
        return write_import_page(result).read_text("utf-8")


def section(html: str, heading: str) -> str:
    """What stands between a heading and the next."""
    found = re.search(rf"<h2[^>]*>{heading}</h2>(.*?)(<h2|</main)", html, flags=re.DOTALL)
    assert found is not None, heading
    return found[1]


def test_each_section_says_its_part(tmp_path: Path) -> None:
    html = page(tmp_path, GOOD, BAD)
    assert "1 row was refused (总金额: it is not a number)" in section(html, "To be looked at")
    assert "Tmall/Taobao orders" in section(html, "What was recognised")
    assert "7 of 7 column names are known" in section(html, "What was recognised")
    assert "2 ids were cleaned" in section(html, "What was read and cleaned")
    assert "it is not a number" in section(html, "What was refused")
    assert "stock export" in section(html, "What is still missing")


def test_nothing_refused_is_said(tmp_path: Path) -> None:
    html = page(tmp_path, GOOD)
    assert "no row was refused" in section(html, "To be looked at")
    assert "Nothing." in section(html, "What was refused")


def test_a_file_name_cannot_run(tmp_path: Path) -> None:
    html = page(tmp_path, GOOD, BAD)
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)&lt;b&gt;.csv" in html


def test_the_page_is_in_the_readers_language(tmp_path: Path) -> None:
    html = page(tmp_path, GOOD, BAD, language="zh")
    assert "不是数字" in section(html, "拒收情况")
    assert "导入什么可以补齐" in section(html, "还缺哪些数据")
