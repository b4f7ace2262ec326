"""What real files do to a reader: every trap, in a file small enough to read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from export_files import (
    ORDER_HEADER,
    load,
    order,
    rows_of,
    text_of,
    words,
    write,
)

from ecops_lib.core.errors import FileError
from ecops_lib.data.imports.formats import plain_name

ONE = [("1001", 100.0, 100.0)]


def orders(store) -> list[tuple[object, ...]]:
    return rows_of(store, "orders", "order_id", "ordered_amount", "paid_amount")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-8", "utf-16"])
def test_encoding_is_found_and_recorded(tmp_path: Path, encoding: str) -> None:
    file = write(tmp_path / "a.csv", [ORDER_HEADER, order()], encoding=encoding)
    result, store = load(tmp_path, file)
    assert orders(store) == ONE
    assert result.files[0].encoding == encoding


def test_xls_that_is_tab_separated_text(tmp_path: Path) -> None:
    file = write(tmp_path / "a.xls", [ORDER_HEADER, order()], encoding="gb18030", delimiter="\t")
    assert orders(load(tmp_path, file)[1]) == ONE


def test_xls_that_is_a_web_page(tmp_path: Path) -> None:
    cells = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
        for row in (ORDER_HEADER, order())
    )
    file = tmp_path / "a.xls"
    file.write_text(f"<html><script>alert(1)</script><table>{cells}</table></html>", "utf-8")
    assert orders(load(tmp_path, file)[1]) == ONE


def test_xls_that_is_binary(tmp_path: Path) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("订单")
    for r, row in enumerate((ORDER_HEADER, order())):
        for c, cell in enumerate(row):
            sheet.write(r, c, cell)
    book.save(str(tmp_path / "a.xls"))
    assert orders(load(tmp_path, tmp_path / "a.xls")[1]) == ONE


def xlsx(path: Path, *sheets: list[list[object]]) -> Path:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for r, row in enumerate(rows):
                sheet.write_row(r, 0, row)
    return path


def test_xlsx_by_another_name(tmp_path: Path) -> None:
    file = xlsx(tmp_path / "a.csv", [ORDER_HEADER, order()])
    assert orders(load(tmp_path, file)[1]) == ONE


def test_zip_with_one_csv(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("订单.csv", text_of([ORDER_HEADER, order()]).encode("gb18030"))
    assert orders(load(tmp_path, tmp_path / "a.zip")[1]) == ONE


def test_header_on_the_fifth_row(tmp_path: Path) -> None:
    preamble = [["订单报表"], ["导出时间", "2026-10-02"], ["说明"], [""]]
    file = write(tmp_path / "a.csv", [*preamble, ORDER_HEADER, order()])
    assert orders(load(tmp_path, file)[1]) == ONE


@pytest.mark.parametrize(
    "cell", ['="6920261027000001"', "'6920261027000001", "\t6920261027000001", " 6920261027000001 "]
)
def test_wrapped_ids_are_unwrapped_and_counted(tmp_path: Path, cell: str) -> None:
    file = write(tmp_path / "a.csv", [ORDER_HEADER, order(cell)])
    result, store = load(tmp_path, file)
    assert rows_of(store, "orders", "order_id") == [("6920261027000001",)]
    assert result.files[0].unwrapped == {"订单编号": 1}


def test_wrapped_ids_without_csv_quotes(tmp_path: Path) -> None:
    text = text_of([ORDER_HEADER, order("MARK")]).replace("MARK", '="6920261027000001"')
    (tmp_path / "a.csv").write_text(text, "utf-8")
    assert rows_of(load(tmp_path, tmp_path / "a.csv")[1], "orders", "order_id") == [
        ("6920261027000001",)
    ]


def test_shopify_zip_with_apostrophe_is_just_an_id(tmp_path: Path) -> None:
    from ecops_lib.data.imports.cleaning import identifier
    from ecops_lib.data.imports.loading import quoted

    assert clean(identifier, "'75008", quoted) == "75008"


def clean(make, cell: str, quoted, **options: object) -> object:
    import duckdb

    made = make("cell", **options)
    return duckdb.sql(f"SELECT {made} FROM (SELECT {quoted(cell)} AS cell)").fetchall()[0][0]


@pytest.mark.parametrize("cell", ["1.23E+18", "6.92026E+15", "1E+18", '="1.23E+18"'])
def test_ids_that_excel_has_cut_are_refused(tmp_path: Path, cell: str) -> None:
    file = write(tmp_path / "a.csv", [ORDER_HEADER, order(cell)])
    with pytest.raises(FileError, match=r"a\.csv: 1 cells of '订单编号' .*Excel has dropped"):
        load(tmp_path, file)
    assert not (tmp_path / "shop").exists()


def test_ids_as_numbers_in_a_workbook_are_refused_when_too_long(tmp_path: Path) -> None:
    row: list[object] = [6920261027000001234.0, *order()[1:]]
    with pytest.raises(FileError, match="Excel has dropped"):
        load(tmp_path, xlsx(tmp_path / "a.xlsx", [ORDER_HEADER, row]))


def test_short_ids_as_numbers_in_a_workbook_are_read(tmp_path: Path) -> None:
    row: list[object] = [1001.0, *order()[1:]]
    assert orders(load(tmp_path, xlsx(tmp_path / "a.xlsx", [ORDER_HEADER, row]))[1]) == ONE


def test_header_names_forgive_width_and_blanks_but_not_the_basis() -> None:
    assert plain_name("收货地址 ") == "收货地址"
    assert plain_name("商品总价（元）") == plain_name("商品总价(元)")
    assert plain_name("退款金额（支付时间）") != plain_name("退款金额（退款时间）")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2,133", 2133.0),
        ("¥1,741.24", 1741.24),
        ("￥12", 12.0),
        ("1.16万", 11600.0),
        ("12.50元", 12.5),
        ("１２．５", 12.5),
        ("-3.5", -3.5),
        ("1.16亿", 116_000_000.0),
        ("-", None),
        ("--", None),
        ("", None),
    ],
)
def test_numbers_as_people_write_them(cell: str, value: float | None) -> None:
    from ecops_lib.data.imports.cleaning import money
    from ecops_lib.data.imports.loading import quoted

    found = clean(money, cell, quoted)
    assert (None if found is None else float(found)) == value


@pytest.mark.parametrize("cell", ["1,5", "12,34.5", "无退款申请", "NaN", "1.2.3", "12件套"])
def test_what_is_no_number_is_not_guessed(cell: str) -> None:
    from ecops_lib.data.imports.cleaning import integer, money, number
    from ecops_lib.data.imports.loading import quoted

    assert [clean(make, cell, quoted) for make in (money, number, integer)] == [None] * 3


@pytest.mark.parametrize(
    ("cell", "percent", "value"),
    [
        ("0.45%", False, 0.0045),
        ("0.03331", False, 0.03331),
        ("0.45", True, 0.0045),
        ("5%", True, 0.05),
    ],
)
def test_percentages_by_the_rule_of_their_source(cell: str, percent: bool, value: float) -> None:
    from ecops_lib.data.imports.cleaning import share
    from ecops_lib.data.imports.loading import quoted

    assert clean(share, cell, quoted, percent=percent) == pytest.approx(value)


@pytest.mark.parametrize(
    ("cell", "utc"),
    [
        ("2026-10-01 10:00:00", "2026-10-01 02:00:00"),
        ("2026/10/1 10:00", "2026-10-01 02:00:00"),
        ("2026.10.01 10:00:00", "2026-10-01 02:00:00"),
        ("2026年10月01日 10:00", "2026-10-01 02:00:00"),
        ("46296.416666666664", "2026-10-01 02:00:00"),
        ("2026-10-01 10:00:00 -0500", "2026-10-01 15:00:00"),
        ("2026-10-01T10:00:00Z", "2026-10-01 10:00:00"),
        ("2026-10-01 10:00:00+08:00", "2026-10-01 02:00:00"),
        ("2026-10-01 00:30:00", "2026-09-30 16:30:00"),
    ],
)
def test_times_in_all_spellings(tmp_path: Path, cell: str, utc: str) -> None:
    file = write(tmp_path / "a.csv", [ORDER_HEADER, order(订单创建时间=cell)])
    [(found,)] = rows_of(load(tmp_path, file)[1], "orders", "created_at")
    assert found == f"{utc}+00"


def test_american_and_european_dates_are_told_by_their_column(tmp_path: Path) -> None:
    cells = ["10/13/2026 10:00", "10/2/2026 10:00"]
    rows = [order(str(n), 订单创建时间=cell) for n, cell in enumerate(cells)]
    _, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    assert rows_of(store, "orders", "created_at") == [
        ("2026-10-02 02:00:00+00",),
        ("2026-10-13 02:00:00+00",),
    ]


def test_dates_that_could_be_either_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ORDER_HEADER, order(订单创建时间="3/4/2026 10:00")])
    with pytest.raises(FileError, match="nothing in it tells the day from the month"):
        load(tmp_path, file)


def test_totals_row_is_dropped_and_agrees(tmp_path: Path) -> None:
    total = ["合计", "", "300.00", *[""] * 7]
    rows = [order("1"), order("2", 总金额="200.00"), total]
    result, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    assert store.count("orders") == 2
    assert [c.agrees for c in result.files[0].totals] == [True]
    assert "totals row agrees" in words(result)


def test_totals_row_that_disagrees_is_told_loudly(tmp_path: Path) -> None:
    total = ["合计", "", "999.00", *[""] * 7]
    result, _ = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, order("1"), total]))
    [finding] = [f for f in result.findings() if f.level == "bad"]
    assert "totals row says 999 for 总金额, but the rows add up to 100" in finding.text


def test_line_breaks_within_a_cell_are_part_of_it(tmp_path: Path) -> None:
    rows = [order("1", 买家会员名="a\nb"), order("2")]
    _, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    assert store.count("orders") == 2


def test_short_lines_are_padded(tmp_path: Path) -> None:
    rows = [order("1"), order("2")[:9]]
    _, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    assert store.count("orders") == 2


def test_long_lines_go_to_quarantine(tmp_path: Path) -> None:
    rows = [order("1"), [*order("2"), "more", "still more"]]
    result, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    assert store.count("orders") == 1
    assert result.files[0].refused == {("", "the line cannot be cut into cells"): 1}


def test_province_is_all_that_is_kept_of_an_address(tmp_path: Path) -> None:
    _, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, order()]))
    assert rows_of(store, "orders", "province") == [("浙江",)]


def test_detection_is_scored_and_explained(tmp_path: Path) -> None:
    header = [*ORDER_HEADER, "新的列"]
    result, _ = load(tmp_path, write(tmp_path / "a.csv", [header, [*order(), "x"]]))
    [file] = result.files
    assert file.format == "tmall_orders"
    assert file.score == pytest.approx(10 / 11)
    assert "10 of 11 column names are known, among them 订单编号" in file.why()


def test_unknown_file_says_what_was_seen_and_what_would_do(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [["订单编号", "颜色"], ["1", "红"]])
    with pytest.raises(FileError) as caught:
        load(tmp_path, file)
    message = str(caught.value)
    assert "'订单编号', '颜色'" in message
    assert "mapping.toml" in message
    assert "'总金额'" in message
    assert message.count(". ") == 0
    assert not (tmp_path / "shop").exists()
