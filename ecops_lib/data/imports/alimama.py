"""万相台 and 直通车 (Alimama): campaign × item × day.

An item appears once a plan, and again once a unit; rows of the same day, plan, item and
keyword are added up, and rates are left to be computed from the sums.
"""

from __future__ import annotations

from ecops_lib.core.language import mark
from ecops_lib.data.imports.formats import Format
from ecops_lib.data.imports.job import Job

PLATFORM = "tmall"

NAMES = (
    "场景ID, 场景名字, 原二级场景ID, 原二级场景名字, 计划ID, 计划名字, 计划名称, 单元ID, "
    "单元名字, 主体ID, 主体类型, 主体名称, 关键词, 词, 展现量, 点击率, 平均点击花费, "
    "千次展现花费, 总预售成交金额, 总预售成交笔数, 直接预售成交金额, 直接预售成交笔数, "
    "间接预售成交金额, 间接预售成交笔数, 直接成交金额, 间接成交金额, 总成交金额, 总成交笔数, "
    "直接成交笔数, 间接成交笔数, 点击转化率, 投入产出比, 含预售投产比, 总成交成本, "
    "总购物车数, 直接购物车数, 间接购物车数, 加购率, 收藏宝贝数, 收藏店铺数, 店铺收藏成本, "
    "总收藏加购数, 总收藏加购成本, 宝贝收藏加购数, 宝贝收藏加购成本, 总收藏数, 宝贝收藏成本, "
    "宝贝收藏率, 加购成本, 拍下订单笔数, 拍下订单金额, 直接收藏宝贝数, 间接收藏宝贝数, "
    "优惠券领取量, 购物金充值笔数, 购物金充值金额, 旺旺咨询量, 引导访问量, 引导访问人数, "
    "引导访问潜客数, 引导访问潜客占比, 入会率, 入会量, 引导访问率, 深度访问量, "
    "平均访问页面数, 成交新客数, 成交新客占比, 会员首购人数, 会员成交金额, 会员成交笔数, "
    "成交人数, 人均成交笔数, 人均成交金额, 自然流量转化金额, 自然流量曝光量, 平台助推总成交, "
    "平台助推直接成交, 平台助推点击, 宝贝优惠券抵扣金额, 平台补贴金额, 补贴引导成交金额, "
    "发券补贴商品个数, 补贴引导成交人数, 净成交金额, 净实际投产比, 实际投产比, 状态, "
    "商品名称, 商品ID, 推广单元类型, 默认出价"
)
LINES = {
    "关键词推广": "keyword",
    "直通车": "keyword",
    "精准人群推广": "audience",
    "人群推广": "audience",
    "智能场景": "smart scene",
    "全站推广": "whole site",
    "货品全站推广": "whole site",
}
"""The platform's product lines in the schema's words; others stay as they are."""
SUMS = (
    "impressions",
    "clicks",
    "cost",
    "direct_amount",
    "indirect_amount",
    "attributed_amount",
    "attributed_orders",
    "cart_units",
    "favourites",
    "new_buyers",
)


def load_ads(job: Job) -> None:
    """One row a day × plan × item × keyword, added up."""
    job.totals("日期", "主体ID", "计划ID", "计划名字", "计划名称")
    measures = {
        "impressions": job.integer("展现量"),
        "clicks": job.integer("点击量"),
        "cost": job.money("花费"),
        "direct_amount": job.money("直接成交金额"),
        "indirect_amount": job.money("间接成交金额"),
        "attributed_amount": job.money("总成交金额"),
        "attributed_orders": job.integer("总成交笔数"),
        "cart_units": job.integer("总购物车数"),
        "favourites": job.integer("总收藏数", "收藏宝贝数"),
        "new_buyers": job.integer("成交新客数"),
    }
    good = job.typed(
        {
            "day": job.day("日期"),
            "campaign": job.id("计划ID", "计划名字", "计划名称", "场景ID"),
            "campaign_name": job.text("计划名字", "计划名称", "场景名字"),
            "product_line": job.choice(LINES, "场景名字", "原二级场景名字", "推广单元类型"),
            "product": job.id("主体ID", "商品ID"),
            "word": job.text("关键词", "词"),
            **measures,
        },
        rules="ads",
    )
    job.check_totals(
        {"展现量": measures["impressions"], "点击量": measures["clicks"], "花费": measures["cost"]}
    )
    sums = ", ".join(f"CAST(sum({name}) AS {_type(name)}) AS {name}" for name in SUMS)
    job.emit(
        "ads",
        f"SELECT '{PLATFORM}' AS platform, day, coalesce(campaign, '*') AS campaign_id, "
        "max(campaign_name) AS campaign_name, max(product_line) AS product_line, "
        f"coalesce(product, '*') AS product_id, coalesce(word, '*') AS keyword, {sums} "
        f"FROM {good} GROUP BY ALL",
    )


def _type(name: str) -> str:
    return "DECIMAL(18, 4)" if name in {"cost"} or name.endswith("_amount") else "BIGINT"


ADS = Format(
    key="alimama_ads",
    label=mark("万相台/直通车 report (ads by day)"),
    platform=PLATFORM,
    must=(
        ("日期",),
        ("花费",),
        ("点击量",),
        ("计划ID", "计划名字", "计划名称", "主体ID", "场景ID"),
    ),
    known=tuple(NAMES.split(", ")),
    currency="CNY",
    time_zone="Asia/Shanghai",
    load=load_ads,
)
