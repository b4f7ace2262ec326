"""The demo shop's exports as a stranger would read them: bytes, csv and calamine alone."""

from __future__ import annotations

import csv
import io
import tomllib
import zipfile
from functools import cache, cached_property
from pathlib import Path

import pandas as pd
from python_calamine import CalamineWorkbook

from ecops_lib.data.demo import DemoShop

SCALE = 100


def contents(path: Path) -> tuple[str, bytes]:
    """The name and bytes of an export; of what a zip holds, if it is one."""
    if path.suffix != ".zip":
        return path.name, path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        [name] = archive.namelist()
        return name, archive.read(name)


def cents(texts: pd.Series) -> pd.Series:
    """Amounts such as ``1,234.50`` in whole cents; a dash or nothing is 0."""
    plain = texts.str.replace(",", "").replace({"-": "0", "": "0"})
    return (plain.astype(float) * SCALE).round().astype(int)


def counts(texts: pd.Series) -> pd.Series:
    return texts.str.replace(",", "").astype(int)


class Exports:
    """One demo shop's exports, read once."""

    def __init__(self, shop: DemoShop) -> None:
        self.shop = shop
        self.folder = shop.exports
        self.truths = shop.truths

    def files(self, stem: str) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if stem in path.name)

    @cache  # noqa: B019 - lives as long as the test session
    def csv(self, stem: str, encoding: str = "utf-8-sig") -> pd.DataFrame:
        frames = []
        for path in self.files(stem):
            _, held = contents(path)
            rows = list(csv.reader(io.StringIO(held.decode(encoding), newline="")))
            names = [name.strip() for name in rows[0]]
            frames.append(pd.DataFrame(rows[1:], columns=names, dtype=object))
        return pd.concat(frames, ignore_index=True).fillna("")

    @cached_property
    def orders(self) -> pd.DataFrame:
        renamed = {"买家下单时间": "订单创建时间", "买家付款时间": "订单付款时间"}
        renamed |= {"买家实付金额": "买家实际支付金额", "运单号": "物流单号"}
        frames = [self.csv(path.name, "gb18030") for path in self.files("ExportOrderList")]
        table = pd.concat([frame.rename(columns=renamed) for frame in frames], ignore_index=True)
        table["订单编号"] = table["订单编号"].str.extract(r'^="(\d+)"$')[0]
        for name in ("买家应付货款", "买家应付邮费", "总金额", "买家实际支付金额", "退款金额"):
            table[name] = cents(table[name])
        return table.fillna("")

    @cached_property
    def lines(self) -> pd.DataFrame:
        """Lines of the newer generations, with their order's payment."""
        table = self.csv("ExportOrderDetailList", "gb18030")
        table = table[table["主订单编号"] != ""] if "主订单编号" in table else table
        for name in ("主订单编号", "子订单编号", "商品ID"):
            table[name] = table[name].str.extract(r'^="(\d+)"$')[0]
        for name in ("买家应付货款", "商品价格"):
            table[name] = cents(table[name])
        table["购买数量"] = table["购买数量"].astype(int)
        return table

    @cached_property
    def refunds(self) -> pd.DataFrame:
        [path] = self.files("退款管理")
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        table = pd.DataFrame(rows[1:], columns=rows[0]).astype(str)
        table["买家退款金额"] = cents(table["买家退款金额"])
        return table

    @cache  # noqa: B019
    def sycm(self, stem: str) -> pd.DataFrame:
        frames = []
        for path in self.files(stem):
            _, held = contents(path)
            assert held[:4] == b"\xd0\xcf\x11\xe0"
            book = CalamineWorkbook.from_filelike(io.BytesIO(held))
            rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
            frames.append(pd.DataFrame(rows[5:], columns=rows[4]))
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def products(self) -> pd.DataFrame:
        """商品_全部 without its totals rows."""
        table = self.sycm("商品_全部")
        return table[table["商品ID"] != "-"]

    @cached_property
    def product_totals(self) -> pd.DataFrame:
        table = self.sycm("商品_全部")
        return table[table["商品ID"] == "-"]

    @cached_property
    def days(self) -> pd.DataFrame:
        """宏观监控 by day."""
        return self.sycm("宏观监控").set_index("统计日期").sort_index()

    @cached_property
    def mapping(self) -> list[dict[str, object]]:
        held = tomllib.loads((self.folder / "mapping.toml").read_text("utf-8"))
        return held["file"]
