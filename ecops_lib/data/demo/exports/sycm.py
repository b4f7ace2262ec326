"""生意参谋: 商品_全部 by month, 宏观监控 and 引流搜索关键词, all daily rows in old binary .xls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecops_lib.data.demo.exports.files import header_names, write_xls
from ecops_lib.data.demo.searches import TermRows
from ecops_lib.data.demo.traffic import Daily, Traffic
from ecops_lib.data.demo.world import Floats, Ints, World

PRODUCT_MONTHS = 13
"""Months of product rows: enough for a comparison with last year."""
UNZIPPED_MONTHS = 4
"""The newest months lie there as they are, the older ones zipped."""
PREAMBLE = ("生意参谋", "数据说明：终端为所有终端", "指标口径以平台说明为准", "")
PRODUCT_HEADERS = header_names(
    "统计日期 商品ID 商品名称 主商品ID 商品类型 货号 商品状态 商品标签 商品访客数 商品浏览量 "
    "平均停留时长 商品详情页跳出率 商品收藏人数 商品加购件数 商品加购人数 下单买家数 下单件数 "
    "下单金额 下单转化率 支付买家数 支付件数 支付金额 商品支付转化率 支付新买家数 "
    "支付老买家数 老买家支付金额 聚划算支付金额 访客平均价值 成功退款金额 竞争力评分 "
    "年累计支付金额 月累计支付金额 月累计支付件数 搜索引导支付转化率 搜索引导访客数 "
    "搜索引导支付买家数 结构化详情引导转化率 结构化详情引导成交占比"
)
SHOP_HEADERS = header_names(
    "统计日期 成功退货退款金额 支付金额 分期支付金额 支付件数 商品加购人数 商品加购件数 "
    "商品浏览量 商品访客数 商品微详情访客数 商品收藏人数 商品平均停留时长 下单买家数 "
    "支付买家数 下单转化率 商品详情页跳出率 下单金额 访问收藏转化率 访问加购转化率 "
    "支付老买家数 老买家支付金额 支付转化率 支付新买家数 有支付商品数 下单件数 有访问商品数 "
    "客单价"
)
TERM_HEADERS = header_names(
    "统计日期 搜索词 访客数 加购人数 商品收藏人数 支付买家数 支付转化率 支付件数 支付金额 客单价 "
    "UV价值"
)
TOTALS = {
    "商品浏览量": "page_views",
    "商品加购件数": "cart_units",
    "下单件数": "ordered_units",
    "下单金额": "ordered_amount",
    "支付件数": "paid_units",
    "支付金额": "paid_amount",
    "成功退款金额": "refund_amount",
}
"""Columns of the totals row; people are not summed and show a dash."""


def write_products(folder: Path, world: World, traffic: Traffic) -> None:
    """Write one 商品_全部 a month, with a totals row at its end."""
    months = world.days.astype("datetime64[M]")
    wanted = np.unique(months)[-PRODUCT_MONTHS:]
    for month in wanted:
        suffix = "xls" if month in wanted[-UNZIPPED_MONTHS:] else "zip"
        days = np.flatnonzero(months == month)
        first, last = world.days[days[0]], world.days[days[-1]]
        file = folder / f"【生意参谋平台】商品_全部_{first}_{last}.{suffix}"
        write_xls(file, PREAMBLE, PRODUCT_HEADERS, _product_rows(world, traffic.products, days))


def write_shop(folder: Path, world: World, traffic: Traffic) -> None:
    """Write one 宏观监控 a year."""
    years = world.days.astype("datetime64[Y]")
    for year in np.unique(years):
        days = np.flatnonzero(years == year)
        file = folder / f"【生意参谋平台】宏观监控_{world.days[days[0]]}_{world.days[days[-1]]}.xls"
        cells = _shop_cells(world, traffic, days)
        rows = zip(*(cells.get(name, ["-"] * len(days)) for name in SHOP_HEADERS), strict=True)
        write_xls(file, PREAMBLE, SHOP_HEADERS, rows)


def write_terms(folder: Path, world: World, rows: TermRows | None) -> None:
    """Write the terms of the last weeks, where there are any."""
    if rows is None:
        return
    days = np.datetime_as_string(world.days[rows.day], unit="D").tolist()
    cells = {
        "统计日期": days,
        "搜索词": rows.term,
        "访客数": _counts(rows.visitors),
        "支付买家数": _counts(rows.buyers),
        "支付转化率": _rates(rows.buyers, rows.visitors),
        "支付金额": _money(rows.amount),
        "客单价": _money(_ratio(rows.amount, rows.buyers)),
        "UV价值": _money(_ratio(rows.amount, rows.visitors)),
    }
    columns = [cells.get(name, ["-"] * len(days)) for name in TERM_HEADERS]
    file = folder / f"【生意参谋平台】引流搜索关键词_{days[0]}_{days[-1]}.xls"
    write_xls(file, PREAMBLE, TERM_HEADERS, zip(*columns, strict=True))


def _product_rows(world: World, daily: Daily, days: Ints) -> list[tuple[str, ...]]:
    """Products with a visitor on a day, and the totals row."""
    day, product = np.nonzero(daily.visitors[days])
    picked = {name: values[days][day, product] for name, values in vars(daily).items()}
    cells = _common_cells(picked)
    goods = world.catalogue
    names = product.tolist()
    cells |= {
        "统计日期": np.datetime_as_string(world.days[days][day], unit="D").tolist(),
        "商品ID": [goods.ids[k] for k in names],
        "商品名称": [goods.names[k] for k in names],
        "主商品ID": [goods.ids[k] for k in names],
        "商品类型": ["普通商品"] * len(names),
        "货号": [goods.codes[k] for k in names],
        "商品状态": ["当前在线"] * len(names),
        "商品支付转化率": _rates(picked["paying_buyers"], picked["visitors"]),
        "访客平均价值": _money(_ratio(picked["paid_amount"], picked["visitors"])),
        "成功退款金额": _money(picked["refund_amount"]),
        "搜索引导访客数": _counts(picked["search_visitors"]),
        "搜索引导支付买家数": _counts(picked["search_buyers"]),
        "搜索引导支付转化率": _rates(picked["search_buyers"], picked["search_visitors"]),
        "年累计支付金额": _money(_running(world, daily.paid_amount, "Y")[days][day, product]),
        "月累计支付金额": _money(_running(world, daily.paid_amount, "M")[days][day, product]),
        "月累计支付件数": _counts(_running(world, daily.paid_units, "M")[days][day, product]),
    }
    columns = [cells.get(name, ["-"] * len(names)) for name in PRODUCT_HEADERS]
    return [*zip(*columns, strict=True), _total_row(picked)]


def _common_cells(picked: dict[str, Ints]) -> dict[str, Sequence[str]]:
    """Columns that both reports have under the same name."""
    visitors, paying, old = (picked[n] for n in ("visitors", "paying_buyers", "old_buyers"))
    return {
        "商品访客数": _counts(visitors),
        "商品浏览量": _counts(picked["page_views"]),
        "平均停留时长": [f"{value:.2f}" for value in picked["stay_seconds"].tolist()],
        "商品详情页跳出率": [f"{value:.2%}" for value in picked["bounce_rate"].tolist()],
        "商品收藏人数": _counts(picked["favourite_visitors"]),
        "商品加购件数": _counts(picked["cart_units"]),
        "商品加购人数": _counts(picked["cart_visitors"]),
        "下单买家数": _counts(picked["ordering_buyers"]),
        "下单件数": _counts(picked["ordered_units"]),
        "下单金额": _money(picked["ordered_amount"]),
        "下单转化率": _rates(picked["ordering_buyers"], visitors),
        "支付买家数": _counts(paying),
        "支付件数": _counts(picked["paid_units"]),
        "支付金额": _money(picked["paid_amount"]),
        "支付新买家数": _counts(paying - old),
        "支付老买家数": _counts(old),
        "老买家支付金额": _money(picked["old_amount"]),
    }


def _shop_cells(world: World, traffic: Traffic, days: Ints) -> dict[str, Sequence[str]]:
    picked = {name: values[days, 0] for name, values in vars(traffic.shop).items()}
    visitors = picked["visitors"]
    products = traffic.products
    cells = _common_cells(picked)
    return cells | {
        "统计日期": np.datetime_as_string(world.days[days], unit="D").tolist(),
        "成功退货退款金额": _money(picked["refund_amount"]),
        "商品平均停留时长": cells["平均停留时长"],
        "访问收藏转化率": _rates(picked["favourite_visitors"], visitors),
        "访问加购转化率": _rates(picked["cart_visitors"], visitors),
        "支付转化率": _rates(picked["paying_buyers"], visitors),
        "有支付商品数": _counts((products.paying_buyers[days] > 0).sum(axis=1)),
        "有访问商品数": _counts((products.visitors[days] > 0).sum(axis=1)),
        "客单价": _money(_ratio(picked["paid_amount"], picked["paying_buyers"])),
    }


def _total_row(picked: dict[str, Ints]) -> tuple[str, ...]:
    sums = {header: picked[name].sum(keepdims=True) for header, name in TOTALS.items()}
    cells = {
        header: (_money if header.endswith("金额") else _counts)(value)[0]
        for header, value in sums.items()
    }
    return tuple(cells.get(name, "-") for name in PRODUCT_HEADERS)


def _running(world: World, values: Ints, unit: str) -> Ints:
    """Running total within each month or year."""
    total = values.cumsum(axis=0)
    period = world.days.astype(f"datetime64[{unit}]")
    start = np.searchsorted(period, period)
    before = np.concatenate([np.zeros((1, values.shape[1]), np.int64), total])[start]
    since: Ints = total - before
    return since


def _counts(values: Ints) -> list[str]:
    return [f"{value:,}" for value in values.tolist()]


def _money(cents: Ints | Floats) -> list[str]:
    return [f"{value / 100:,.2f}" for value in cents.tolist()]


def _ratio(above: Ints, below: Ints) -> Floats:
    return above / np.maximum(below, 1)


def _rates(above: Ints, below: Ints) -> list[str]:
    return [
        f"{a / b:.2%}" if b else "-" for a, b in zip(above.tolist(), below.tolist(), strict=True)
    ]
