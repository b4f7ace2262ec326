"""Tmall and Taobao: orders, order lines (宝贝报表) and refunds, in all their generations.

**Orders.** ``ordered_amount`` is 总金额. ``paid_amount`` is 总金额 of a paid order, *not*
买家实际支付金额: that one is already net of refunds (on every paid order of a real
report it equals 总金额 − 退款金额). 退款金额 above 0 becomes a refund ``order-<订单编号>``
without a date, because the file has none; it gives way to the rows of the refund export
once that is imported.

**Lines.** The newer export has amounts a line. The older one has only 价格 and 购买数量:
the order's goods amount (总金额 less 买家应付邮费) is then shared out over its lines by
价格 × 购买数量, so that lines add up to their order exactly.
"""

from __future__ import annotations

from ecops_lib.core.errors import FileError
from ecops_lib.core.language import mark
from ecops_lib.data.imports.allocation import shared_out
from ecops_lib.data.imports.cells import Fill
from ecops_lib.data.imports.formats import Format
from ecops_lib.data.imports.job import Job

PLATFORM = "tmall"
DERIVED = "order-"
"""Beginning of the id of a refund that only the order file tells of."""

STATUSES = {
    "等待买家付款": "unpaid",
    "定金已付，等待买家付尾款": "unpaid",
    "买家已付定金，等待买家付尾款": "unpaid",
    "买家已付款，等待卖家发货": "paid",
    "卖家部分发货": "paid",
    "卖家已发货，等待买家确认": "shipped",
    "卖家已发货": "shipped",
    "买家已签收": "shipped",
    "交易成功": "completed",
    "交易关闭": "closed",
    "付款以后用户退款成功，交易自动关闭": "closed",
    "付款以前，卖家或买家主动关闭交易": "closed",
}

ORDER_NAMES = (
    "买家会员名, 买家支付宝账号, 支付单号, 支付详情, 买家应付货款, 买家应付邮费, "
    "买家支付积分, 返点积分, 买家实际支付金额, 买家实付金额, 买家实际支付积分, 订单状态, "
    "买家留言, 收货人姓名, 收货地址, 运送方式, 联系电话, 联系手机, 订单付款时间, "
    "买家付款时间, 宝贝标题, 宝贝种类, 物流单号, 运单号, 物流公司, 订单备注, 宝贝总数量, "
    "店铺Id, 店铺名称, 订单关闭原因, 卖家服务费, 买家服务费, 发票抬头, 是否手机订单, "
    "分阶段订单信息, 特权订金订单id, 是否上传合同照片, 是否上传小票, 是否代付, 定金排名, "
    "修改后的sku, 修改后的收货地址, 异常信息, 天猫卡券抵扣, 集分宝抵扣, 是否是O2O交易, "
    "新零售交易类型, 新零售导购门店名称, 新零售导购门店id, 新零售发货门店名称, "
    "新零售发货门店id, 退款金额, 预约门店, 确认收货时间, 打款商家金额, "
    "含应开票给个人的个人红包, 是否信用购, 体验期结束时间, 前N有礼, 配送类型, 主订单编号, "
    "直播返现状态, 返现金额, 延迟发货自动赔付金额, 预售订单, 发货时间, 商家备忘"
)
ORDER_READ = frozenset(
    {
        "买家付款时间",
        "买家会员名",
        "买家应付邮费",
        "买家支付宝账号",
        "修改后的收货地址",
        "分阶段订单信息",
        "发货时间",
        "天猫卡券抵扣",
        "收货地址",
        "确认收货时间",
        "订单付款时间",
        "订单关闭原因",
        "订单状态",
        "退款金额",
    }
)
"""Those of them that ``load_orders`` asks for."""
LINE_NAMES = (
    "订单编号, 子订单编号, 主订单编号, 标题, 商品标题, 宝贝标题, 价格, 商品价格, 购买数量, "
    "外部系统编号, 商品属性, 规格名称, 套餐信息, 备注, 订单状态, 商家编码, 买家应付货款, "
    "买家实付金额, 退款状态, 退款金额, 订单创建时间, 订单付款时间, 商品ID, 商家备注"
)
REFUND_NAMES = (
    "支付宝交易号, 订单付款时间, 商品id, 商品编码, 退款完结时间, 买家会员名称, "
    "买家实际支付金额, 宝贝标题, 手工退款/系统退款, 是否需要退货, 退款的申请时间, 超时时间, "
    "退款状态, 货物状态, 退货物流信息, 发货物流信息, 客服介入状态, 卖家真实姓名, "
    "退货物流单号, 退货物流公司, 买家退款原因, 买家退款说明, 买家退货时间, 责任方, "
    "售中或售后, 商家备注, 完结时间, 部分退款/全部退款, 审核操作人, 举证超时, 是否零秒响应, "
    "退款操作人, 退款原因标签, 业务类型, 是否帮他退款, 帮他退款操作账号"
)
ORDER_CREATED = ("订单创建时间", "买家下单时间")
ORDER_PAID = ("订单付款时间", "买家付款时间")


def load_orders(job: Job) -> None:
    """One row an order; refunds that the file tells of."""
    job.totals("订单编号")
    total, refunded = job.money("总金额"), job.money("退款金额")
    presale = job.cell("分阶段订单信息")[0]
    stages = f"nullif(trim({presale}), '')" if presale else "NULL"
    good = job.typed(
        {
            "order_id": job.id("订单编号"),
            "buyer_key": job.who("买家会员名", "买家支付宝账号"),
            "created_at": job.time(*ORDER_CREATED),
            "paid_at": job.time(*ORDER_PAID),
            "shipped_at": job.time("发货时间"),
            "completed_at": job.time("确认收货时间"),
            "status": job.choice(STATUSES, "订单状态"),
            "ordered_amount": total,
            "shipping_amount": job.money("买家应付邮费"),
            "discount_platform": job.money("天猫卡券抵扣"),
            "refunded": refunded,
            "province": job.province("收货地址", "修改后的收货地址"),
            "close_reason": job.text("订单关闭原因"),
            "stages": job.computed("text", stages),
        },
        rules="orders",
    )
    job.check_totals({"总金额": total, "退款金额": refunded})
    job.emit(
        "orders",
        f"SELECT '{PLATFORM}' AS platform, * EXCLUDE (line_no, refunded, stages), "
        "CASE WHEN paid_at IS NOT NULL THEN ordered_amount END AS paid_amount, "
        "CASE WHEN stages IS NOT NULL THEN TRUE END AS is_presale, "
        "TRY_CAST(regexp_extract(stages, '([0-9]+(\\.[0-9]+)?)元?', 1) AS DECIMAL(18, 4)) "
        f"AS deposit_amount FROM {good}",
        plain=True,
    )
    if refunded.cell:
        job.emit("refunds", _derived(good), derived=True)
        [(count, amount)] = job.session.sql(
            f"SELECT count(*), coalesce(sum(refunded), 0) FROM {good} WHERE refunded > 0"
        )
        job.note_money(
            count, amount, mark("{count} orders tell of refunds ({money}), without a date")
        )


def _derived(good: str) -> str:
    return (
        f"SELECT '{PLATFORM}' AS platform, '{DERIVED}' || order_id AS refund_id, order_id, "
        "buyer_key, refunded AS amount, 'success' AS status "
        f"FROM {good} WHERE refunded > 0"
    )


def load_lines(job: Job) -> None:
    """One row an order line; time and missing amounts come from the order."""
    job.totals("订单编号", "主订单编号", "子订单编号")
    payable = job.money("买家应付货款")
    good = job.typed(
        {
            "order_id": job.id("主订单编号", "订单编号"),
            "told_line": job.id("子订单编号"),
            "told_created": job.time("订单创建时间"),
            "told_paid": job.time("订单付款时间"),
            "product_id": job.id("商品ID"),
            "sku_id": job.id("商家编码", "外部系统编号"),
            "product_name": job.text("商品标题", "标题", "宝贝标题"),
            "variant": job.text("商品属性", "规格名称"),
            "quantity": job.integer("购买数量"),
            "unit_price": job.money("商品价格", "价格"),
            "payable": payable,
        },
        rules="order_items",
    )
    job.check_totals({"买家应付货款": payable, "购买数量": job.integer("购买数量")})
    matched = _with_orders(job, good)
    amount = (
        "payable" if payable.cell else shared_out("goods", "worth", by="order_id", order="line_no")
    )
    job.emit(
        "order_items",
        f"SELECT '{PLATFORM}' AS platform, * EXCLUDE (line_no, payable, worth, goods, paid), "
        "worth AS list_amount, CASE WHEN paid IS NOT NULL THEN ordered_amount END AS paid_amount "
        f"FROM (SELECT *, {amount} AS ordered_amount FROM {matched})",
    )


def _with_orders(job: Job, good: str) -> str:
    """The lines with what their orders tell; lines of unknown orders are refused."""
    session, name = job.session, job.session.name("lines")
    columns = "platform, order_id, created_at, paid_at, ordered_amount, shipping_amount"
    known = session.gathered("orders", columns)
    orders = (
        "SELECT order_id, arg_min(created_at, _age) AS created_at, arg_min(paid_at, _age) AS "
        "paid_at, "
        "arg_min(ordered_amount, _age) - coalesce(arg_min(shipping_amount, _age), 0) AS goods "
        f"FROM ({known}) WHERE platform = '{PLATFORM}' GROUP BY order_id"
        if known
        else "SELECT NULL::VARCHAR AS order_id, NULL::TIMESTAMPTZ AS created_at, "
        "NULL::TIMESTAMPTZ AS paid_at, NULL::DECIMAL(18, 4) AS goods WHERE FALSE"
    )
    session.sql(
        f"CREATE TEMP TABLE {name} AS SELECT line_no, l.order_id, "
        "coalesce(told_line, CAST(row_number() OVER (PARTITION BY l.order_id ORDER BY line_no) "
        "AS VARCHAR)) AS line_id, coalesce(told_created, o.created_at) AS created_at, "
        "product_id, sku_id, product_name, variant, quantity, unit_price, payable, "
        "CAST(unit_price * quantity AS DECIMAL(18, 4)) AS worth, "
        "coalesce(told_paid, o.paid_at) AS paid, coalesce(goods, 0) AS goods "
        f"FROM {good} l LEFT JOIN ({orders}) o USING (order_id)"
    )
    lost = session.sql(f"SELECT line_no, order_id FROM {name} WHERE created_at IS NULL")
    [(rows,)] = session.sql(f"SELECT count(*) FROM {name}")
    if lost and len(lost) == rows:
        raise FileError(
            f"{job.title} has no order times, and none of its {rows} lines belongs to an order "
            "that is known; import the order export (ExportOrderList) together with it."
        )
    job.refuse_rows(
        lost, column="订单编号", reason=mark("its order is neither in the files nor in the store")
    )
    session.sql(f"DELETE FROM {name} WHERE created_at IS NULL")
    return name


REFUND_STATUS = {"退款成功": "success", "退款关闭": "closed", "退款完成": "success"}
REFUND_PENDING = "买家已经|买家已|卖家已|卖家拒绝|卖家未|等待|退款中|待"


def load_refunds(job: Job) -> None:
    """One row a refund claim."""
    job.totals("订单编号", "退款编号")
    amount = job.money("买家退款金额")
    status = job.choice(REFUND_STATUS, "退款状态")
    pending = (
        f"CASE WHEN regexp_matches({status.sql}, '^({REFUND_PENDING})') THEN 'pending' ELSE "
        f"{status.sql} END"
    )
    good = job.typed(
        {
            "refund_id": job.id("退款编号"),
            "order_id": job.id("订单编号"),
            "buyer_key": job.who("买家会员名称", "买家会员名"),
            "product_id": job.id("商品id"),
            "sku_id": job.id("商品编码"),
            "applied_at": job.time("退款的申请时间"),
            "finished_at": job.time("退款完结时间", "完结时间"),
            "amount": amount,
            "status": Fill(kind="text", sql=pending, cell=status.cell, header=status.header),
            "kind": job.choice({"是": "return_refund", "否": "refund_only"}, "是否需要退货"),
            "stage": job.computed("text", _stage(job)),
            "reason": job.text("买家退款原因", "退款原因标签"),
            "responsible": job.text("责任方"),
        },
        rules="refunds",
    )
    job.check_totals({"买家退款金额": amount})
    job.emit("refunds", f"SELECT '{PLATFORM}' AS platform, * EXCLUDE (line_no) FROM {good}")


def _stage(job: Job) -> str:
    goods, when = job.cell("货物状态")[0] or "NULL", job.cell("售中或售后")[0] or "NULL"
    return (
        f"CASE WHEN {goods} LIKE '%未发货%' THEN 'before_shipping' "
        f"WHEN {goods} LIKE '%未收到货%' THEN 'in_transit' "
        f"WHEN {goods} LIKE '%已收到货%' OR {when} LIKE '%售后%' THEN 'after_receipt' END"
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


ORDERS = Format(
    key="tmall_orders",
    label=mark("Tmall/Taobao orders (ExportOrderList)"),
    platform=PLATFORM,
    must=(("订单编号",), ("总金额",), ORDER_CREATED),
    known=_names(ORDER_NAMES),
    unread=tuple(name for name in _names(ORDER_NAMES) if name not in ORDER_READ),
    currency="CNY",
    time_zone="Asia/Shanghai",
    load=load_orders,
)
LINES = Format(
    key="tmall_lines",
    label=mark("Tmall/Taobao order lines (宝贝报表)"),
    platform=PLATFORM,
    must=(
        ("订单编号", "主订单编号"),
        ("标题", "商品标题", "宝贝标题"),
        ("价格", "商品价格"),
        ("购买数量",),
    ),
    known=_names(LINE_NAMES),
    never=("总金额", "退款编号"),
    rank=1,
    currency="CNY",
    time_zone="Asia/Shanghai",
    load=load_lines,
)
REFUNDS = Format(
    key="tmall_refunds",
    label=mark("Tmall/Taobao refunds"),
    platform=PLATFORM,
    must=(("订单编号",), ("退款编号",), ("买家退款金额",), ("退款状态",)),
    known=_names(REFUND_NAMES),
    rank=1,
    currency="CNY",
    time_zone="Asia/Shanghai",
    load=load_refunds,
)
