"""What each platform's columns mean: sums that a child could check."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_files import ORDER_HEADER, load, order, rows_of, words, write

from ecops_lib.core.errors import FileError

OLD_LINES = ["订单编号", "标题", "价格", "购买数量", "商家编码"]
NEW_LINES = [
    "子订单编号",
    "主订单编号",
    "商品标题",
    "商品价格",
    "购买数量",
    "买家应付货款",
    "订单创建时间",
    "订单付款时间",
    "商品ID",
    "退款金额",
]
REFUNDS = [
    "订单编号",
    "退款编号",
    "退款完结时间",
    "买家退款金额",
    "是否需要退货",
    "退款的申请时间",
    "退款状态",
    "货物状态",
    "买家退款原因",
]


def test_net_column_is_not_what_was_paid(tmp_path: Path) -> None:
    rows = [
        order("1", 总金额="327.70", 买家实际支付金额="148.90", 退款金额="178.80"),
        order("2", 总金额="50", 买家实际支付金额="0", **{"订单付款时间 ": ""}),
    ]
    _, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    assert rows_of(store, "orders", "order_id", "ordered_amount", "paid_amount") == [
        ("1", 327.7, 327.7),
        ("2", 50.0, None),
    ]
    assert rows_of(store, "refunds", "order_id", "amount", "status", "finished_at") == [
        ("1", 178.8, "success", None)
    ]


def test_third_generation_of_order_names(tmp_path: Path) -> None:
    new = {
        "订单创建时间": "买家下单时间",
        "订单付款时间 ": "买家付款时间",
        "买家实际支付金额": "买家实付金额",
    }
    header = [new.get(name, name) for name in ORDER_HEADER]
    result, store = load(tmp_path, write(tmp_path / "a.csv", [header, order("1", 总金额="12元")]))
    assert rows_of(store, "orders", "paid_amount", "paid_at") == [(12.0, "2026-10-01 02:01:00+00")]
    assert result.files[0].score == 1.0


def test_status_words_and_their_commas(tmp_path: Path) -> None:
    theirs = [
        "等待买家付款",
        "买家已付款，等待卖家发货",
        "卖家已发货,等待买家确认",
        "交易成功",
        "交易关闭",
    ]
    rows = [order(str(n), 订单状态=word) for n, word in enumerate(theirs)]
    _, store = load(tmp_path, write(tmp_path / "a.csv", [ORDER_HEADER, *rows]))
    assert [s for _, s in rows_of(store, "orders", "order_id", "status")] == [
        "unpaid", "paid", "shipped", "completed", "closed",
    ]  # fmt: skip


def test_old_lines_share_their_order_out_to_the_last_cent(tmp_path: Path) -> None:
    orders = write(tmp_path / "o.csv", [ORDER_HEADER, order("1", 总金额="110", 买家应付邮费="10")])
    lines = [
        ["1", "A", "100", "1", "S1"],
        ["1", "B", "100", "1", "S2"],
        ["1", "B", "100", "1", "S2"],
    ]
    file = write(tmp_path / "l.csv", [OLD_LINES, *lines])
    _, store = load(tmp_path, file, orders)
    found = rows_of(store, "order_items", "line_id", "ordered_amount", "list_amount", "created_at")
    assert [line for line, *_ in found] == ["1", "2", "3"]
    assert sum(amount for _, amount, *_ in found) == pytest.approx(100.0, abs=1e-9)  # type: ignore[misc]
    assert {worth for _, _, worth, _ in found} == {100.0}
    assert {at for *_, at in found} == {"2026-10-01 02:00:00+00"}


def test_lines_find_orders_that_the_store_has(tmp_path: Path) -> None:
    load(tmp_path, write(tmp_path / "o.csv", [ORDER_HEADER, order("1")]))
    lines = [["1", "A", "100", "1", "S1"], ["9", "B", "5", "1", "S2"]]
    result, store = load(tmp_path, write(tmp_path / "l.csv", [OLD_LINES, *lines]))
    assert store.count("order_items") == 1
    assert "its order is neither in the files nor in the store" in words(result)


def test_lines_without_any_order_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "l.csv", [OLD_LINES, ["1", "A", "100", "1", "S1"]])
    with pytest.raises(FileError, match="import the order export"):
        load(tmp_path, file)


def test_new_lines_carry_their_own_amounts(tmp_path: Path) -> None:
    line = [
        '="11"',
        '="1"',
        "A",
        "100",
        "2",
        "180.5",
        "2026-10-01 10:00:00",
        "",
        "7001",
        "无退款申请",
    ]
    _, store = load(tmp_path, write(tmp_path / "l.csv", [NEW_LINES, line]))
    columns = ("order_id", "line_id", "quantity", "list_amount", "ordered_amount", "paid_amount")
    assert rows_of(store, "order_items", *columns) == [("1", "11", 2, 200.0, 180.5, None)]


def refund_file(tmp_path: Path, *rows: list[str]) -> Path:
    return write(tmp_path / "r.csv", [REFUNDS, *rows])


R1 = [
    "1",
    "R1",
    "2026-10-03 09:00:00",
    "40",
    "是",
    "2026-10-02 09:00:00",
    "退款成功",
    "买家已收到货",
    "质量",
]


def test_refund_export(tmp_path: Path) -> None:
    pending = [
        "2",
        "R2",
        "",
        "5",
        "否",
        "2026-10-02 09:00:00",
        "买家已经申请退款，等待卖家同意",
        "未发货",
        "",
    ]
    _, store = load(tmp_path, refund_file(tmp_path, R1, pending))
    columns = ("refund_id", "amount", "status", "kind", "stage", "finished_at")
    assert rows_of(store, "refunds", *columns) == [
        ("R1", 40.0, "success", "return_refund", "after_receipt", "2026-10-03 01:00:00+00"),
        ("R2", 5.0, "pending", "refund_only", "before_shipping", None),
    ]


def succeeded(store) -> float:
    return sum(
        amount
        for status, amount in rows_of(store, "refunds", "status", "amount")
        if status == "success"
    )


def test_a_refund_told_by_two_exports_counts_once(tmp_path: Path) -> None:
    orders = write(
        tmp_path / "o.csv", [ORDER_HEADER, order("1", 退款金额="40"), order("2", 退款金额="7")]
    )
    result, store = load(tmp_path, orders, refund_file(tmp_path, R1))
    assert succeeded(store) == 47.0
    assert result.superseded == 1


@pytest.mark.parametrize("first", ["orders", "refunds"])
def test_a_refund_told_by_two_exports_in_turn_counts_once(tmp_path: Path, first: str) -> None:
    orders = write(
        tmp_path / "o.csv", [ORDER_HEADER, order("1", 退款金额="40"), order("2", 退款金额="7")]
    )
    files = [orders, refund_file(tmp_path, R1)]
    for file in files if first == "orders" else files[::-1]:
        _, store = load(tmp_path, file)
    assert succeeded(store) == 47.0


SYCM = [
    "统计日期",
    "商品ID",
    "商品名称",
    "货号",
    "商品状态",
    "商品访客数",
    "商品浏览量",
    "商品详情页跳出率",
    "支付买家数",
    "支付件数",
    "支付金额",
]


def test_products_by_day(tmp_path: Path) -> None:
    rows = [
        [
            "2026-10-01",
            "7001",
            "杯子",
            "B-1",
            "当前在线",
            "2,133",
            "14,414",
            "0.45%",
            "-",
            "3",
            "300.00",
        ],
        ["2026-10-01", "-", "-", "-", "-", "2,133", "14,414", "-", "-", "3", "300.00"],
    ]
    preamble = [["生意参谋"], [""], ["说明"], [""]]
    result, store = load(tmp_path, write(tmp_path / "a.csv", [*preamble, SYCM, *rows]))
    columns = ("scope", "scope_id", "visitors", "paying_buyers", "paid_amount")
    assert rows_of(store, "traffic", *columns) == [("product", "7001", 2133, None, 300.0)]
    assert rows_of(store, "traffic", "bounce_rate") == [(pytest.approx(0.0045),)]
    assert rows_of(store, "products", "product_id", "product_name", "merchant_code") == [
        ("7001", "杯子", "B-1")
    ]
    assert all(check.agrees for check in result.files[0].totals)
    assert len(result.files[0].totals) == 3


def test_rows_of_several_days_are_refused(tmp_path: Path) -> None:
    row = ["2026-10-01 ~ 2026-10-07", "7001", "杯子", "", "", "9", "9", "-", "1", "1", "5"]
    with pytest.raises(FileError, match="sums several days"):
        load(tmp_path, write(tmp_path / "a.csv", [SYCM, row]))


def test_shop_by_day(tmp_path: Path) -> None:
    header = ["统计日期", "支付金额", "商品访客数", "支付买家数", "成功退货退款金额"]
    file = write(tmp_path / "a.csv", [header, ["2026-10-01", "1.16万", "900", "20", "-"]])
    _, store = load(tmp_path, file)
    columns = ("scope", "scope_id", "visitors", "paid_amount", "refund_amount")
    assert rows_of(store, "traffic", *columns) == [("shop", "*", 900, 11600.0, None)]


def test_ads_are_added_up_by_plan_and_item(tmp_path: Path) -> None:
    header = [
        "日期",
        "计划ID",
        "计划名字",
        "场景名字",
        "主体ID",
        "展现量",
        "点击量",
        "花费",
        "点击率",
        "总成交金额",
        "总成交笔数",
    ]
    rows = [
        ["2026-10-01", "9", "日常", "关键词推广", "7001", "100", "10", "5.5", "0.1", "50", "1"],
        ["2026-10-01", "9", "日常", "关键词推广", "7001", "300", "10", "4.5", "0.0333", "30", "1"],
        ["2026-10-01", "9", "日常", "关键词推广", "7002", "1", "0", "0", "0", "0", "0"],
    ]
    _, store = load(tmp_path, write(tmp_path / "a.csv", [header, *rows]))
    columns = ("campaign_id", "product_id", "keyword", "impressions", "cost", "attributed_amount")
    assert rows_of(store, "ads", *columns) == [
        ("9", "7001", "*", 400, 10.0, 80.0),
        ("9", "7002", "*", 1, 0.0, 0.0),
    ]


MAPPING = """
[[file]]
match = "库存*.csv"
table = "inventory"
[file.columns]
day = "日期"
sku_id = "编码"
on_hand = "可用库存"

[[file]]
match = "触达*"
table = "contacts"
[file.columns]
contact_id = "批次"
buyer_key = "会员"
sent_at = "时间"
[file.constants]
message = "双11"

[[file]]
match = "流量*"
table = "traffic"
[file.columns]
day = "日期"
scope_id = "来源"
[file.percent]
bounce_rate = "跳出率"
[file.constants]
platform = "tmall"
scope = "channel"
"""


def test_mapping_describes_any_other_file(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING, "utf-8")
    files = [
        write(
            tmp_path / "库存1.csv", [["日期", "编码", "可用库存"], ["2026-10-01", "S1", "1,200"]]
        ),
        write(
            tmp_path / "触达.csv", [["批次", "会员", "时间"], ["m1", "小明", "2026-10-01 10:00"]]
        ),
        write(tmp_path / "流量.csv", [["日期", "来源", "跳出率"], ["2026-10-01", "搜索", "45"]]),
        write(tmp_path / "a.csv", [ORDER_HEADER, order("1", 买家会员名="小明")]),
    ]
    _, store = load(tmp_path, *files)
    assert rows_of(store, "inventory", "warehouse_id", "sku_id", "on_hand") == [("*", "S1", 1200)]
    assert rows_of(store, "traffic", "scope", "scope_id", "bounce_rate") == [
        ("channel", "搜索", 0.45)
    ]
    assert rows_of(store, "contacts", "buyer_key") == rows_of(store, "orders", "buyer_key")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"inventory"', '"inventry"'), "did you mean 'inventory'"),
        (("on_hand =", "on_hands ="), "inventory has no column 'on_hands'; did you mean 'on_hand'"),
        (('on_hand = "可用库存"', ""), "does not tell 'on_hand'"),
        (
            ('\n[[file]]\nmatch = "触达*"', '\n[shop]\n[[file]]\nmatch = "触达*"'),
            r"must hold \[\[file\]\] entries",
        ),
        (('match = "库存*.csv"', ""), "has no match"),
        (("[file.columns]", "[file.columns"), "no readable TOML"),
    ],
)
def test_faults_in_a_mapping_are_named(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING.replace(*change), "utf-8")
    file = write(tmp_path / "库存1.csv", [["日期", "编码", "可用库存"], ["2026-10-01", "S1", "1"]])
    with pytest.raises(FileError, match=message):
        load(tmp_path, file)


def test_a_mapped_file_without_the_columns_told_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING, "utf-8")
    with pytest.raises(FileError, match="it lacks '可用库存'"):
        load(tmp_path, write(tmp_path / "库存1.csv", [["日期", "编码"], ["2026-10-01", "S1"]]))


def test_sheets_of_a_workbook_that_are_passed_over_are_told(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "orders"  # type: ignore[union-attr]
    for row in ([*ORDER_HEADER], order("1")):
        book["orders"].append(row)
    book.create_sheet("notes").append(["颜色", "尺码"])
    book.save(tmp_path / "a.xlsx")
    result, store = load(tmp_path, tmp_path / "a.xlsx")
    assert store.count("orders") == 1
    assert "Passed over as no known tables: a.xlsx [notes]." in words(result)
