"""Exposure logs and results sheets of A/B tests, from any tool: who saw what, and when.

They have no platform's header; a person, a time and a variant, each under one of its usual
names, make one. The test is named by its own column, else by the file's name.
"""

from __future__ import annotations

from pathlib import PurePath

from ecops_lib.core.language import mark
from ecops_lib.data.imports.cells import Fill
from ecops_lib.data.imports.formats import Format, Names
from ecops_lib.data.imports.job import Job

EXPERIMENT: Names = (
    "experiment_id", "experiment", "test_id", "test", "实验编号", "实验ID", "实验id", "实验名称",
    "实验",
)  # fmt: skip
UNIT: Names = (
    "unit_key", "user_id", "visitor_id", "visitor_key", "userid", "visitorid", "uid",
    "anonymous_id", "client_id", "用户ID", "用户id", "用户编号", "访客ID", "访客id", "访客编号",
    "买家昵称", "买家会员名",
)  # fmt: skip
VARIANT: Names = (
    "variant", "group", "variation", "test_group", "arm", "bucket", "ab_group", "版本", "分组",
    "组别", "实验组", "实验分组",
)  # fmt: skip
TIME: Names = (
    "exposed_at", "timestamp", "exposure_time", "exposed_time", "event_time", "time", "曝光时间",
    "进入时间", "首次曝光时间", "时间",
)  # fmt: skip
SEGMENT: Names = ("segment", "device", "人群", "设备", "终端")
SHOWN: Names = ("shown", "landing_page", "page", "展示页面", "展示版本", "落地页", "页面")
CONVERTED: Names = ("converted", "conversion", "purchased", "是否成交", "是否购买", "是否转化")
CARTED: Names = ("carted", "added_to_cart", "add_to_cart", "是否加购")
COUNTS: dict[str, Names] = {
    "visits": ("visits", "sessions", "访问次数", "访问数"),
    "orders": ("orders", "order_count", "支付订单数", "订单数"),
    "items": ("items", "quantity", "支付件数"),
    "refunded_orders": ("refunded_orders", "退款订单数"),
    "previous_orders": ("previous_orders", "实验前订单数", "历史订单数"),
}
AMOUNTS: dict[str, Names] = {
    "paid_amount": ("paid_amount", "revenue", "spend", "支付金额"),
    "refund_amount": ("refund_amount", "refunds", "退款金额"),
    "previous_amount": ("previous_amount", "revenue_before", "实验前支付金额", "历史支付金额"),
}


def load_exposures(job: Job) -> None:
    """Every row is an exposure, whatever its variant: the test's rules are applied later."""
    good = job.typed(
        {
            "experiment_id": _experiment(job),
            "unit_key": job.who(*UNIT),
            "variant": job.text(*VARIANT),
            "exposed_at": job.time(*TIME),
            "segment": job.text(*SEGMENT),
            "shown": job.text(*SHOWN),
            "converted": job.flag(*CONVERTED),
            "carted": job.flag(*CARTED),
            **{name: job.integer(*names) for name, names in COUNTS.items()},
            **{name: job.money(*names) for name, names in AMOUNTS.items()},
        },
        rules="experiments",
    )
    job.emit("experiments", f"SELECT * EXCLUDE (line_no) FROM {good}", plain=True)


def _experiment(job: Job) -> Fill:
    """The column that names the test, else the file's name without its ending."""
    if job.has(*EXPERIMENT):
        return job.text(*EXPERIMENT)
    return job.value(PurePath(job.found.sheet.source.name).stem)


LOG = Format(
    key="exposures",
    label=mark("exposure log of an A/B test"),
    platform="",
    must=(UNIT, VARIANT, TIME),
    known=(
        *EXPERIMENT,
        *SEGMENT,
        *SHOWN,
        *CONVERTED,
        *CARTED,
        *(name for names in (*COUNTS.values(), *AMOUNTS.values()) for name in names),
    ),
    load=load_exposures,
)
