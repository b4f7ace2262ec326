"""生意参谋: 商品_全部 (products by day) and 宏观监控 (the shop by day).

Bare numbers of shares are fractions here; the export writes ``0.45%`` as text. ``-`` is
unknown, not 0. Visitors of several days are distinct people, so a file whose rows span
more than one day each is refused: its numbers belong to no day.
"""

from __future__ import annotations

from ecops_lib.core.errors import FileError
from ecops_lib.core.language import mark
from ecops_lib.data.imports.cells import Fill
from ecops_lib.data.imports.formats import Format
from ecops_lib.data.imports.job import Job

PLATFORM = "tmall"

PRODUCT_NAMES = (
    "主商品ID, 商品类型, 货号, 商品状态, 商品标签, 商品浏览量, 平均停留时长, "
    "商品详情页跳出率, 商品收藏人数, 商品加购件数, 商品加购人数, 下单买家数, 下单件数, "
    "下单金额, 下单转化率, 支付买家数, 支付件数, 支付金额, 商品支付转化率, 支付新买家数, "
    "支付老买家数, 老买家支付金额, 聚划算支付金额, 访客平均价值, 成功退款金额, 竞争力评分, "
    "年累计支付金额, 月累计支付金额, 月累计支付件数, 搜索引导支付转化率, 搜索引导访客数, "
    "搜索引导支付买家数, 结构化详情引导转化率, 结构化详情引导成交占比"
)
SHOP_NAMES = (
    "成功退货退款金额, 成功退款金额, 分期支付金额, 支付件数, 商品加购人数, 商品加购件数, "
    "商品浏览量, 商品微详情访客数, 商品收藏人数, 商品平均停留时长, 下单买家数, 支付买家数, "
    "下单转化率, 商品详情页跳出率, 下单金额, 访问收藏转化率, 访问加购转化率, 支付老买家数, "
    "老买家支付金额, 支付转化率, 支付新买家数, 有支付商品数, 下单件数, 有访问商品数, 客单价, "
    "访客数, 浏览量, 咨询人数"
)
KEYWORD_NAMES = "加购人数, 商品收藏人数, 支付买家数, 支付转化率, 支付件数, 支付金额, 客单价, UV价值"


def _measures(job: Job) -> dict[str, Fill]:
    return {
        "visitors": job.integer("商品访客数", "访客数"),
        "page_views": job.integer("商品浏览量", "浏览量"),
        "stay_seconds": job.number("平均停留时长", "商品平均停留时长"),
        "bounce_rate": job.share("商品详情页跳出率", percent=False),
        "cart_visitors": job.integer("商品加购人数", "加购人数"),
        "cart_units": job.integer("商品加购件数", "加购件数"),
        "favourite_visitors": job.integer("商品收藏人数"),
        "enquiry_visitors": job.integer("咨询人数"),
        "ordering_buyers": job.integer("下单买家数"),
        "ordered_amount": job.money("下单金额"),
        "paying_buyers": job.integer("支付买家数"),
        "paying_old_buyers": job.integer("支付老买家数"),
        "paid_old_amount": job.money("老买家支付金额"),
        "paid_units": job.integer("支付件数"),
        "paid_amount": job.money("支付金额"),
        "refund_amount": job.money("成功退款金额", "成功退货退款金额"),
        "search_visitors": job.integer("搜索引导访客数"),
    }


ADDITIVE = (
    "page_views",
    "cart_units",
    "ordered_amount",
    "paid_units",
    "paid_amount",
    "refund_amount",
)
"""Measures whose totals row is their sum; visitors and buyers are distinct people."""


def _load(job: Job, scope: str, scope_id: Fill) -> str:
    _require_days(job)
    measures = _measures(job)
    good = job.typed(
        {
            "day": job.day("统计日期", "日期"),
            "scope": job.value(scope),
            "scope_id": scope_id,
            **measures,
            "product_name": job.text("商品名称"),
            "merchant_code": job.id("货号"),
            "status": job.text("商品状态"),
        },
        rules="traffic",
    )
    job.check_totals({name: measures[name] for name in ADDITIVE})
    job.emit(
        "traffic",
        f"SELECT '{PLATFORM}' AS platform, * EXCLUDE (line_no, product_name, merchant_code, "
        "status) "
        f"FROM {good}",
    )
    return good


def _require_days(job: Job) -> None:
    """Refuse rows that sum several days, such as ``2026-11-01 ~ 2026-11-07``."""
    cell, header = job.cell("统计日期", "日期")
    days = f"regexp_extract_all({cell}, '[0-9]{{4}}-?[0-9]{{2}}-?[0-9]{{2}}')"
    found = job.session.sql(
        f"SELECT {cell} FROM {job.loaded.table} WHERE len({days}) = 2 AND {days}[1] <> "
        f"{days}[2] LIMIT 1"
    )
    if found:
        raise FileError(
            f"{job.title} sums several days in one row ({header} is {found[0][0]!r}), and visitors "
            "of several days are not the visitors of any of them; download it day by day."
        )


def load_products(job: Job) -> None:
    """One row a day × product, and the products themselves."""
    job.totals("统计日期", "商品ID", "商品名称", words=("-",))
    good = _load(job, "product", job.id("商品ID"))
    job.emit(
        "products",
        f"SELECT '{PLATFORM}' AS platform, scope_id AS product_id, "
        "arg_max(product_name, day) AS product_name, arg_max(merchant_code, day) AS merchant_code, "
        f"arg_max(status, day) AS status FROM {good} GROUP BY scope_id",
    )


def load_shop(job: Job) -> None:
    """One row a day of the whole shop."""
    job.totals("统计日期", "日期")
    _load(job, "shop", job.value("*"))


def load_keywords(job: Job) -> None:
    """One row a day × search term."""
    job.totals("统计日期", "搜索词")
    _load(job, "keyword", job.text("搜索词"))


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


PRODUCTS = Format(
    key="sycm_products",
    label=mark("生意参谋 商品_全部 (products by day)"),
    platform=PLATFORM,
    must=(("统计日期",), ("商品ID",), ("商品名称",), ("商品访客数",), ("支付金额",)),
    known=_names(PRODUCT_NAMES),
    currency="CNY",
    time_zone="Asia/Shanghai",
    load=load_products,
)
SHOP = Format(
    key="sycm_shop",
    label=mark("生意参谋 宏观监控 (shop by day)"),
    platform=PLATFORM,
    must=(("统计日期", "日期"), ("商品访客数", "访客数"), ("支付金额",), ("支付买家数",)),
    known=_names(SHOP_NAMES),
    never=("商品ID", "搜索词", "流量来源"),
    currency="CNY",
    time_zone="Asia/Shanghai",
    load=load_shop,
)
KEYWORDS = Format(
    key="sycm_keywords",
    label=mark("生意参谋 引流搜索关键词 (search terms by day)"),
    platform=PLATFORM,
    must=(("统计日期",), ("搜索词",), ("访客数",)),
    known=_names(KEYWORD_NAMES),
    currency="CNY",
    time_zone="Asia/Shanghai",
    load=load_keywords,
)
