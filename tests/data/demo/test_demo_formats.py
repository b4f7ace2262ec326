"""The exports look as the platforms' own do, traps and all."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from demo_exports import Exports, cents, contents, counts

from ecops_lib.core.errors import ParameterError
from ecops_lib.data.demo import Truths, write_demo
from ecops_lib.data.schema import TABLES

SMALL = {"months": 2, "orders": 600}


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of the smallest shop with everything planted that it has room for."""
    return digests(write_demo(tmp_path_factory.mktemp("small"), **SMALL).folder)


def test_two_runs_give_the_same_bytes_and_another_seed_does_not(
    small: dict[str, str], tmp_path: Path
) -> None:
    assert digests(write_demo(tmp_path / "again", **SMALL).folder) == small
    assert digests(write_demo(tmp_path / "other", seed=2, **SMALL).folder) != small


def test_a_second_run_replaces_the_files_of_the_first_and_no_others(
    small: dict[str, str], tmp_path: Path
) -> None:
    first = write_demo(tmp_path / "shop", months=3, orders=600)
    assert set(digests(first.folder)) - set(small)
    (first.exports / "mine.csv").write_text("a,b\n1,2\n")
    write_demo(tmp_path / "shop", **SMALL)
    left = digests(first.folder)
    assert left.pop("exports/mine.csv")
    assert left == small


@pytest.mark.parametrize("wrong", [{"months": 1}, {"orders": 0}, {"orders": float("nan")}])
def test_a_shop_too_small_to_be_one_is_refused(tmp_path: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        write_demo(tmp_path, **wrong)


def test_order_exports_come_in_three_generations_oldest_first(long_shop: Exports) -> None:
    headers = []
    for path in long_shop.files("ExportOrderList"):
        _, held = contents(path)
        headers.append(held.decode("gb18030").split("\r\n", 1)[0].split(","))
    assert [len(header) for header in headers] == sorted(len(header) for header in headers)
    first, second, third, fourth = headers
    assert {"收货地址 ", "联系电话 ", "订单付款时间 ", "宝贝标题 ", "物流单号 "} <= set(first)
    assert "主订单编号" not in first
    assert {"主订单编号", "预售订单", "订单创建时间", "买家实际支付金额"} <= set(second)
    assert {"买家下单时间", "买家付款时间", "买家实付金额", "运单号"} <= set(third)
    assert third == fourth


def test_line_exports_come_in_two_generations(long_shop: Exports) -> None:
    headers = [
        contents(path)[1].decode("gb18030").split("\r\n", 1)[0].split(",")
        for path in long_shop.files("ExportOrderDetailList")
    ]
    assert headers[0][:4] == ["订单编号", "标题", "价格", "购买数量"]
    assert all(header[:3] == ["子订单编号", "主订单编号", "商品标题"] for header in headers[1:])


def test_tmall_files_are_gb18030_with_protected_ids_and_not_utf8(planted: Exports) -> None:
    [path] = [p for p in planted.files("ExportOrderList") if p.suffix == ".csv"]
    held = path.read_bytes()
    with pytest.raises(UnicodeDecodeError):
        held.decode("utf-8")
    second = held.decode("gb18030").split("\r\n")[1]
    assert second.startswith('"=""')


def test_sycm_is_binary_with_its_header_in_the_fifth_row(planted: Exports) -> None:
    table = planted.products
    assert list(table.columns[:3]) == ["统计日期", "商品ID", "商品名称"]
    assert len(table.columns) == 38
    assert table["商品支付转化率"].str.fullmatch(r"\d+\.\d\d%|-").all()
    assert planted.days["支付金额"].str.contains(",").any()
    assert planted.days["商品访客数"].str.contains(",").any()
    assert (table["竞争力评分"] == "-").all()


def test_each_totals_row_is_the_sum_of_its_file(planted: Exports) -> None:
    totals = planted.product_totals
    assert len(totals) == len(planted.files("商品_全部"))
    sums = cents(planted.products["支付金额"]).groupby(planted.products["统计日期"].str[:7]).sum()
    assert cents(totals["支付金额"]).tolist() == sums.sort_index().tolist()
    assert (totals["商品访客数"] == "-").all()


def test_ads_have_decimal_rates_and_an_item_in_several_rows(planted: Exports) -> None:
    table = planted.csv("商品报表")
    assert planted.files("商品报表")[-1].read_bytes()[:3] == b"\xef\xbb\xbf"
    assert set(table["场景名字"]) == {"关键词推广", "精准人群推广", "智能场景", "全站推广"}
    assert table["点击率"].str.fullmatch(r"0(\.\d{5})?").all()
    assert table.duplicated(["日期", "计划ID", "主体ID"]).any()
    rate = counts(table["点击量"]) / counts(table["展现量"]).clip(lower=1)
    assert (rate - table["点击率"].astype(float)).abs().max() < 1e-5


def test_mapping_names_tables_columns_and_headers_that_exist(planted: Exports) -> None:
    for entry in planted.mapping:
        table = TABLES[entry["table"]]
        told = {**entry["columns"], **entry.get("constants", {})}
        assert set(told) <= set(table.names)
        held = planted.csv(entry["match"].removesuffix("*"))
        assert set(entry["columns"].values()) <= set(held.columns)
        assert len(held)


def test_every_canonical_table_is_filled(planted: Exports) -> None:
    """But proposals, which ``ecops order`` makes."""
    from_platforms = {"orders", "order_items", "refunds", "traffic", "products", "ads"}
    filled = {entry["table"] for entry in planted.mapping} | from_platforms
    assert set(TABLES) - filled == {"proposals"}


def test_hostile_names_and_words_are_in_the_exports(planted: Exports) -> None:
    names = set(planted.products["商品名称"])
    assert any("<script>alert(1)</script>" in name for name in names)
    assert any(name.startswith("=cmd|") for name in names)
    assert any("🍵" in name for name in names)
    said = set(planted.csv("评价导出")["评价内容"])
    assert any(text.startswith("=HYPERLINK") for text in said)
    assert any("<script>" in text for text in said)


def test_people_are_plainly_invented(planted: Exports) -> None:
    orders = planted.orders
    assert orders["买家会员名"].str.startswith("示例买家").all()
    assert orders["联系手机"].str.startswith("'100").all()
    assert orders["收货地址"].str.contains("示例区 虚构路").all()


def test_workbooks_and_zips_hold_no_time_of_their_making(planted: Exports) -> None:
    [refunds] = planted.files("退款管理")
    zips = [path for path in planted.folder.iterdir() if path.suffix == ".zip"]
    assert zips
    for path in [refunds, *zips]:
        with zipfile.ZipFile(path) as archive:
            assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    with zipfile.ZipFile(io.BytesIO(refunds.read_bytes())) as archive:
        assert b"2000-01-01T00:00:00Z" in archive.read("docProps/core.xml")


def test_nothing_is_planted_in_a_shop_without_truths(tmp_path: Path) -> None:
    told = write_demo(tmp_path, truths=Truths.none(), **SMALL).truths
    names = set(Truths.__dataclass_fields__)
    assert {name: told[name] for name in names} == dict.fromkeys(names)
