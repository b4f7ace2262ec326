"""The seller centre's refund export, as a workbook."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecops_lib.data.demo.buyers import nickname
from ecops_lib.data.demo.claims import Claims
from ecops_lib.data.demo.exports.files import header_names, write_xlsx
from ecops_lib.data.demo.life import Life
from ecops_lib.data.demo.sheets import order_ids, stamps, yuan

HEADERS = header_names(
    "订单编号 退款编号 支付宝交易号 订单付款时间 商品id 商品编码 退款完结时间 买家会员名称 "
    "买家实际支付金额 宝贝标题 买家退款金额 手工退款/系统退款 是否需要退货 退款的申请时间 "
    "超时时间 退款状态 货物状态 退货物流信息 发货物流信息 客服介入状态 卖家真实姓名 "
    "退货物流单号 退货物流公司 买家退款原因 买家退款说明 买家退货时间 责任方 售中或售后 "
    "商家备注 完结时间 部分退款/全部退款 审核操作人 举证超时 是否零秒响应 退款操作人 "
    "退款原因标签 业务类型 是否帮他退款 帮他退款操作账号"
)


def write_refunds(folder: Path, life: Life) -> None:
    """Write all claims made so far into one workbook."""
    cells = _cells(life)
    blank = [""] * len(life.claims)
    rows = zip(*(cells.get(name, blank) for name in HEADERS), strict=True)
    write_xlsx(folder / "退款管理.xlsx", HEADERS, rows)


def claim_states(claims: Claims) -> list[str]:
    """What the platform calls the state of each claim."""
    pending = "买家已经申请退款，等待卖家同意"
    ended = np.where(claims.withdrawn, "退款关闭", "退款成功")
    states: list[str] = np.where(np.isnat(claims.finished_at), pending, ended).tolist()
    return states


def _cells(life: Life) -> dict[str, list[str]]:
    claims, goods = life.claims, life.world.catalogue
    orders, lines = life.trade.orders, life.trade.lines
    order = lines.order[claims.line]
    ids = order_ids(orders.created_at)
    sku = lines.sku[claims.line]
    product = lines.product[claims.line].tolist()
    whole = claims.amount >= lines.payable[claims.line]
    arrived = np.array(["未发货", "买家未收到货", "买家已收到货"])[claims.stage]
    return {
        "订单编号": [ids[k] for k in order],
        "退款编号": [str(3_100_000_000_000_000_000 + 13 * k) for k in range(len(claims))],
        "支付宝交易号": [f"2000{ids[k]}" for k in order],
        "订单付款时间": stamps(orders.paid_at[order]),
        "商品id": [goods.ids[k] for k in product],
        "商品编码": [goods.sku_codes[k] for k in sku],
        "退款完结时间": stamps(claims.finished_at),
        "完结时间": stamps(claims.finished_at),
        "买家会员名称": [nickname(k) for k in orders.buyer[order].tolist()],
        "买家实际支付金额": yuan(lines.payable[claims.line]),
        "宝贝标题": [goods.names[k] for k in product],
        "买家退款金额": yuan(claims.amount),
        "手工退款/系统退款": ["手工退款"] * len(claims),
        "是否需要退货": np.where(claims.returns, "是", "否").tolist(),
        "退款的申请时间": stamps(claims.applied_at),
        "退款状态": claim_states(claims),
        "货物状态": arrived.tolist(),
        "买家退款原因": claims.reason.tolist(),
        "售中或售后": np.where(claims.stage == 2, "售后", "售中").tolist(),
        "部分退款/全部退款": np.where(whole, "全部退款", "部分退款").tolist(),
        "业务类型": np.where(claims.returns, "退货退款", "仅退款").tolist(),
    }
