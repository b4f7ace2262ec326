"""The 万相台 item report: one row a day × plan × unit × item, rates as decimals."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecops_lib.data.demo.exports.files import header_names, write_csv, write_zipped_csv
from ecops_lib.data.demo.promotion import PLANS, Ads
from ecops_lib.data.demo.sheets import day_texts, texts, yuan
from ecops_lib.data.demo.words import WordRows
from ecops_lib.data.demo.world import Floats, Ints, World

AD_MONTHS = 13
"""Months of ad rows: enough for a comparison with last year."""
HEADERS = header_names(
    "场景ID 场景名字 原二级场景ID 原二级场景名字 计划ID 计划名字 单元ID 单元名字 日期 主体ID "
    "主体类型 主体名称 展现量 点击量 花费 点击率 平均点击花费 千次展现花费 总预售成交金额 "
    "总预售成交笔数 直接预售成交金额 直接预售成交笔数 间接预售成交金额 间接预售成交笔数 "
    "直接成交金额 间接成交金额 总成交金额 总成交笔数 直接成交笔数 间接成交笔数 点击转化率 "
    "投入产出比 含预售投产比 总成交成本 总购物车数 直接购物车数 间接购物车数 加购率 "
    "收藏宝贝数 收藏店铺数 店铺收藏成本 总收藏加购数 总收藏加购成本 宝贝收藏加购数 "
    "宝贝收藏加购成本 总收藏数 宝贝收藏成本 宝贝收藏率 加购成本 拍下订单笔数 拍下订单金额 "
    "直接收藏宝贝数 间接收藏宝贝数 优惠券领取量 购物金充值笔数 购物金充值金额 旺旺咨询量 "
    "引导访问量 引导访问人数 引导访问潜客数 引导访问潜客占比 入会率 入会量 引导访问率 "
    "深度访问量 平均访问页面数 成交新客数 成交新客占比 会员首购人数 会员成交金额 会员成交笔数 "
    "成交人数 人均成交笔数 人均成交金额 自然流量转化金额 自然流量曝光量"
)


def write_ads(folder: Path, world: World, ads: Ads) -> None:
    """Write the report by calendar quarter, the older quarters zipped."""
    months = world.days.astype("datetime64[M]")
    quarter = months.astype(np.int64) // 3
    first = np.searchsorted(months, np.unique(months)[-AD_MONTHS:][0])
    cells = _cells(world, ads)
    values = np.unique(quarter[first:])
    for value in values.tolist():
        mine = np.flatnonzero((quarter[ads.day] == value) & (ads.day >= first)).tolist()
        columns = [cells.get(name) for name in HEADERS]
        picked = [[c[k] for k in mine] if c else [""] * len(mine) for c in columns]
        name = f"商品报表_{1970 + value // 4}Q{value % 4 + 1}"
        rows = zip(*picked, strict=True)
        if value == values[-1]:
            write_csv(folder / f"{name}.csv", HEADERS, rows, encoding="utf-8-sig")
        else:
            write_zipped_csv(folder / f"{name}.zip", HEADERS, rows, encoding="utf-8-sig")


WORD_HEADERS = header_names(
    "场景ID 场景名字 计划ID 计划名字 单元ID 单元名字 日期 主体ID 主体类型 主体名称 关键词 展现量 "
    "点击量 花费 点击率 平均点击花费 千次展现花费 直接成交金额 间接成交金额 总成交金额 总成交笔数 "
    "直接成交笔数 间接成交笔数 点击转化率 投入产出比 总购物车数 加购率 收藏宝贝数 宝贝收藏率 "
    "成交新客数"
)


def write_words(folder: Path, world: World, rows: WordRows | None) -> None:
    """Write the report by keyword; its rows add up to those of the item report."""
    if rows is None:
        return
    planted = world.truths.keywords
    names = [word.word for word in planted.words] if planted else []
    cells = {**_cells(world, rows.ads), "关键词": [names[k] for k in rows.word.tolist()]}
    columns = [cells[name] for name in WORD_HEADERS]
    name = f"关键词报表_{world.days[int(rows.ads.day.min(initial=len(world.days) - 1))]}"
    write_zipped_csv(
        folder / f"{name}.zip", WORD_HEADERS, zip(*columns, strict=True), encoding="utf-8-sig"
    )


def _cells(world: World, ads: Ads) -> dict[str, list[str]]:
    plans = ads.plan.tolist()
    goods = world.catalogue
    items = ads.product.tolist()
    scenes = {line: str(371 + k) for k, line in enumerate(dict.fromkeys(p.line for p in PLANS))}
    return {
        "场景ID": [scenes[PLANS[k].line] for k in plans],
        "场景名字": [PLANS[k].line for k in plans],
        "原二级场景ID": [scenes[PLANS[k].line] for k in plans],
        "原二级场景名字": [PLANS[k].line for k in plans],
        "计划ID": [PLANS[k].plan_id for k in plans],
        "计划名字": [PLANS[k].name for k in plans],
        "单元ID": [f"9{p}{u}" for p, u in zip(plans, ads.unit.tolist(), strict=True)],
        "单元名字": [f"单元{u + 1}" for u in ads.unit.tolist()],
        "日期": day_texts(world, ads.day),
        "主体ID": [goods.ids[k] for k in items],
        "主体类型": ["商品"] * len(items),
        "主体名称": [goods.names[k] for k in items],
        **_measure_cells(ads),
    }


def _measure_cells(ads: Ads) -> dict[str, list[str]]:
    orders = ads.direct_orders + ads.indirect_orders
    amount = ads.direct + ads.indirect
    return {
        "展现量": texts(ads.impressions),
        "点击量": texts(ads.clicks),
        "花费": yuan(ads.cost),
        "点击率": _shares(ads.clicks, ads.impressions),
        "平均点击花费": _shares(ads.cost / 100, ads.clicks),
        "千次展现花费": _shares(ads.cost * 10, ads.impressions),
        "直接成交金额": yuan(ads.direct),
        "间接成交金额": yuan(ads.indirect),
        "总成交金额": yuan(amount),
        "总成交笔数": texts(orders),
        "直接成交笔数": texts(ads.direct_orders),
        "间接成交笔数": texts(ads.indirect_orders),
        "点击转化率": _shares(orders, ads.clicks),
        "投入产出比": _shares(amount, ads.cost),
        "总购物车数": texts(ads.carts),
        "加购率": _shares(ads.carts, ads.clicks),
        "收藏宝贝数": texts(ads.favourites),
        "宝贝收藏率": _shares(ads.favourites, ads.clicks),
        "成交新客数": texts(ads.new_buyers),
        "成交人数": texts(orders),
        "成交新客占比": _shares(ads.new_buyers, orders),
    }


def _shares(above: Ints | Floats, below: Ints) -> list[str]:
    """Ratios with five decimals; 0 where there is nothing to divide by."""
    return [
        f"{a / b:.5f}" if b else "0" for a, b in zip(above.tolist(), below.tolist(), strict=True)
    ]
