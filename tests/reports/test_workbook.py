import datetime as dt
import zipfile
from io import BytesIO

import pytest
from openpyxl import load_workbook

from ecops_lib.core.language import reading
from ecops_lib.reports.workbook import clean, sheet_name, workbook_bytes

MADE_AT = dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)
HOSTILE = ["=cmd|' /C calc'!A0", "+1+2", "-2+3", "@SUM(A1)", "\t=1+1", "http://example.invalid/x"]


def bundle(columns, rows, sheet="Orders"):
    return {
        "sheet": sheet,
        "absent": "",
        "columns": [{"name": n, "label": label, "unit": unit} for n, label, unit in columns],
        "rows": rows,
        "findings": [],
    }


def finding(**given):
    known = {"key": "k", "level": "bad", "text": "t", "evidence": {}, "money": None}
    return {**known, "action": None, **given}


def made(bundles, findings=()):
    held = workbook_bytes(bundles, findings, title="T", made_at=MADE_AT)
    return held, load_workbook(BytesIO(held))


def test_text_from_data_is_never_a_formula_or_a_link():
    held, book = made([bundle([("name", "Name", "text")], [[text] for text in HOSTILE])])
    cells = [row[0] for row in book["Orders"].iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == HOSTILE
    assert {cell.data_type for cell in cells} == {"s"}
    with zipfile.ZipFile(BytesIO(held)) as parts:
        sheets = [parts.read(n).decode() for n in parts.namelist() if "worksheets/" in n]
        assert not any("<f>" in sheet or "hyperlink" in sheet for sheet in sheets)
        assert not any("rels" in name and "sheet" in name for name in parts.namelist())


def test_hostile_headings_sheets_and_findings_are_text_too():
    found = finding(text="=1+1", action={"text": "@x", "owner": "=HYPERLINK(1)"})
    _, book = made([bundle([("a", "=A1", "count")], [[1]], sheet="=1+1")], [found])
    assert book["=1+1"]["A1"].data_type == "s"
    assert [cell.data_type for cell in book["Findings"][2]] == ["s", "s", "n", "s", "s"]
    assert book["Findings"]["B2"].value == "=1+1"


def test_numbers_stay_numbers_with_the_format_of_their_unit():
    columns = [
        ("m", "Money", "money"),
        ("s", "Share", "share"),
        ("c", "Count", "count"),
        ("d", "Day", "day"),
        ("t", "Time", "time"),
        ("x", "Id", "text"),
    ]
    row = [1234.5, 0.0345, 12, "2026-11-11", "2026-11-11 08:30:00", "00123"]
    _, book = made([bundle(columns, [row, [None] * 6])])
    cells = book["Orders"][2]
    assert [cell.value for cell in cells] == [
        1234.5,
        0.0345,
        12,
        dt.datetime.fromisoformat("2026-11-11"),
        dt.datetime.fromisoformat("2026-11-11 08:30"),
        "00123",
    ]
    assert [cell.number_format for cell in cells] == [
        "#,##0.00",
        "0.00%",
        "#,##0",
        "yyyy-mm-dd",
        "yyyy-mm-dd hh:mm",
        "@",
    ]
    assert all(cell.value is None for cell in book["Orders"][3])


def test_findings_come_first_in_the_reader_s_language():
    found = [finding(text="转化率下降", money=120.5, action={"text": "看详情页", "owner": "小王"})]
    with reading("zh"):
        _, book = made([bundle([("a", "订单数", "count")], [[1]])], found)
    first = book.worksheets[0]
    assert [cell.value for cell in first[2]][1:] == ["转化率下降", 120.5, "看详情页", "小王"]
    assert [sheet.freeze_panes for sheet in book.worksheets] == ["A2", "A2"]


def test_results_without_a_table_get_no_sheet():
    _, book = made([bundle([], []), bundle([("a", "A", "count")], [])])
    assert book.sheetnames == ["Findings", "Orders"]


def test_same_content_gives_the_same_bytes():
    content = [bundle([("a", "A", "money")], [[0.1], [0.2]])]
    assert made(content)[0] == made(content)[0]


def test_control_characters_go_and_long_text_is_cut():
    _, book = made([bundle([("a", "A\x00", "text")], [["x\x07\ud800y\n中"], ["z" * 40_000]])])
    assert book["Orders"]["A1"].value == "A"
    assert book["Orders"]["A2"].value == "xy\n中"
    assert len(book["Orders"]["A3"].value) == 32_767


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("每日订单", "每日订单"),
        ("A/B [x]: *?\\", "A B x"),
        ("'quoted'", "quoted"),
        ("history", "history_"),
        ("", "table"),
        ("///", "table"),
        ("x" * 40, "x" * 31),
    ],
)
def test_sheet_names_are_legal(wanted, name):
    assert sheet_name(wanted, set()) == name


def test_sheet_names_are_unique_whatever_the_case_and_length():
    taken = set()
    names = [sheet_name(wanted, taken) for wanted in ["x" * 40, "X" * 40, "x" * 50, "y", "Y"]]
    assert len({name.lower() for name in names}) == 5
    assert max(map(len, names)) <= 31
    _, book = made([bundle([("a", "A", "count")], [[1]], sheet=s) for s in ["Findings", "a", "A"]])
    assert book.sheetnames == ["Findings", "Findings (2)", "a", "A (2)"]


def test_clean_keeps_ordinary_text():
    assert clean("双11 🎉\tx\n") == "双11 🎉\tx\n"
