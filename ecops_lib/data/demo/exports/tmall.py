"""The seller centre's exports of orders and of order lines (宝贝报表)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from ecops_lib.data.demo.buyers import PROVINCES, address, nickname, phone
from ecops_lib.data.demo.carriage import parcel_numbers
from ecops_lib.data.demo.claims import Claims
from ecops_lib.data.demo.exports.files import header_names, write_csv, write_zipped_csv
from ecops_lib.data.demo.exports.refunds import claim_states
from ecops_lib.data.demo.fulfilment import CARRIERS, STATUSES
from ecops_lib.data.demo.life import Life
from ecops_lib.data.demo.sheets import order_ids, stamps, yuan
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import NEVER, Ints, World

STATUS_WORDS = (
    "等待买家付款",
    "买家已付款，等待卖家发货",
    "卖家已发货，等待买家确认",
    "交易成功",
    "交易关闭",
)
SHOP_NAME = "山月小集演示店"
COMPLETED = STATUSES.index("completed")
_BEGIN = "订单编号 买家会员名 买家支付宝账号"
_BEGIN_NEWER = "支付单号 支付详情"
_MIDDLE = (
    "买家应付货款 买家应付邮费 买家支付积分 总金额 返点积分 买家实际支付金额 买家实际支付积分 "
    "订单状态 买家留言 收货人姓名 收货地址␠ 运送方式 联系电话␠ 联系手机 订单创建时间 订单付款时间␠ "
    "宝贝标题␠ 宝贝种类␠ 物流单号␠ 物流公司 订单备注 宝贝总数量 店铺Id 店铺名称 订单关闭原因 "
    "卖家服务费 买家服务费 发票抬头 是否手机订单 分阶段订单信息 特权订金订单id 是否上传合同照片 "
    "是否上传小票 是否代付 定金排名 修改后的sku 修改后的收货地址 异常信息 天猫卡券抵扣 集分宝抵扣 "
    "是否是O2O交易 新零售交易类型 新零售导购门店名称 新零售导购门店id 新零售发货门店名称 "
    "新零售发货门店id 退款金额 预约门店 确认收货时间 打款商家金额 含应开票给个人的个人红包"
)
_END_NEWER = (
    "是否信用购 体验期结束时间 前N有礼 配送类型 主订单编号 直播返现状态 返现金额 "
    "延迟发货自动赔付金额 预售订单 发货时间 商家备忘"
)
_RENAMED = {
    "订单创建时间": "买家下单时间",
    "订单付款时间␠": "买家付款时间",
    "买家实际支付金额": "买家实付金额",
    "物流单号␠": "运单号",
}
OLD_LINES = header_names(
    "订单编号 标题 价格 购买数量 外部系统编号 商品属性 套餐信息 备注 订单状态 商家编码"
)
NEW_LINES = header_names(
    "子订单编号 主订单编号 商品标题 商品价格 购买数量 商品属性 套餐信息 订单状态 商家编码 "
    "买家应付货款 买家实付金额 退款状态 退款金额 订单创建时间 订单付款时间 商品ID 商家备注"
)


def order_headers(generation: int) -> tuple[str, ...]:
    """The header row of one of the three generations of the order export."""
    if generation == 1:
        names = f"{_BEGIN} {_MIDDLE}"
    else:
        names = f"{_BEGIN} {_BEGIN_NEWER} {_MIDDLE} {_END_NEWER}"
    renamed = _RENAMED if generation == 3 else {}
    return header_names(" ".join(renamed.get(name, name) for name in names.split()))


def write_orders(folder: Path, life: Life) -> None:
    """Write orders and lines by half-year, the older halves zipped."""
    trade = life.trade
    month = trade.orders.created_at.astype("datetime64[M]").astype(np.int64)
    half = month // 6
    halves = np.unique(half)
    orders = _order_cells(life)
    lines = _line_cells(life)
    for number, value in enumerate(halves.tolist()):
        generation = generation_of(number, len(halves))
        name = f"{1970 + value // 2}{'0106' if value % 2 == 0 else '0712'}"
        newest = number == len(halves) - 1
        of_orders = np.flatnonzero(half == value)
        of_lines = np.flatnonzero(half[trade.lines.order] == value)
        headers = order_headers(generation)
        _write(folder, f"ExportOrderList{name}", headers, orders, of_orders, newest=newest)
        headers = OLD_LINES if generation == 1 else NEW_LINES
        _write(folder, f"ExportOrderDetailList{name}", headers, lines, of_lines, newest=newest)


def generation_of(number: int, files: int) -> int:
    """The generation of one of several half-yearly files: oldest first, newest last.

    >>> [generation_of(k, 4) for k in range(4)], generation_of(0, 1)
    ([1, 2, 3, 3], 3)
    """
    return min(3, number + 1) if files >= 3 else 3 - (files - 1 - number)


def _write(
    folder: Path,
    name: str,
    headers: Sequence[str],
    cells: Mapping[str, Sequence[str]],
    picked: Ints,
    *,
    newest: bool,
) -> None:
    rows = _rows(headers, cells, picked)
    if newest:
        write_csv(folder / f"{name}.csv", headers, rows, encoding="gb18030")
    else:
        write_zipped_csv(folder / f"{name}.zip", headers, rows, encoding="gb18030")


def _rows(
    headers: Sequence[str], cells: Mapping[str, Sequence[str]], picked: Ints
) -> list[tuple[str, ...]]:
    """The rows picked, by header; a header that the shop has nothing for stays empty."""
    index = picked.tolist()
    old = {new: name.strip("␠") for name, new in _RENAMED.items()}
    columns = []
    for header in headers:
        name = header.strip()
        held = cells.get(name) or cells.get(old.get(name, name))
        columns.append([held[k] for k in index] if held else [""] * len(index))
    return list(zip(*columns, strict=True))


def _protected(ids: Sequence[str]) -> list[str]:
    """Ids as spreadsheets are told to leave them alone."""
    return [f'="{text}"' if text else "" for text in ids]


def _order_cells(life: Life) -> dict[str, list[str]]:
    orders, done = life.trade.orders, life.done
    ids = order_ids(orders.created_at)
    paid = ~np.isnat(orders.paid_at)
    titles, kinds, units = _titles(life.world, life.trade)
    return {
        **_money_cells(life),
        **_address_cells(life),
        "订单编号": _protected(ids),
        "主订单编号": _protected(ids),
        "支付单号": _protected([i if p else "" for i, p in zip(ids, paid.tolist(), strict=True)]),
        "订单状态": [STATUS_WORDS[k] for k in done.status.tolist()],
        "订单创建时间": stamps(orders.created_at),
        "订单付款时间": stamps(orders.paid_at),
        "宝贝标题": titles,
        "宝贝种类": kinds,
        "宝贝总数量": units,
        "店铺Id": ["0"] * len(orders),
        "店铺名称": [SHOP_NAME] * len(orders),
        "订单关闭原因": [text or "订单未关闭" for text in done.close_reason.tolist()],
        "是否手机订单": ["手机订单"] * len(orders),
        "分阶段订单信息": _stages(life.trade),
        "确认收货时间": stamps(np.where(done.status == COMPLETED, done.completed_at, NEVER)),
        "预售订单": np.where(orders.presale >= 0, "是", "否").tolist(),
        "发货时间": stamps(done.shipped_at),
    }


def _money_cells(life: Life) -> dict[str, list[str]]:
    """Amounts; what was paid is net of refunds, and of pre-sales the deposit so far."""
    orders, done = life.trade.orders, life.done
    deposit = np.where(np.isnat(orders.deposit_at), 0, orders.deposit)
    net = np.where(np.isnat(orders.paid_at), deposit, orders.total - done.refunded)
    settled = np.where(done.status == COMPLETED, net, 0)
    return {
        "买家应付货款": yuan(orders.goods),
        "买家应付邮费": yuan(orders.postage),
        "总金额": yuan(orders.total),
        "买家实际支付金额": yuan(net),
        "天猫卡券抵扣": yuan(orders.platform),
        "集分宝抵扣": ["0.00"] * len(orders),
        "退款金额": yuan(done.refunded),
        "打款商家金额": [f"{amount}元" for amount in yuan(settled)],
    }


def _address_cells(life: Life) -> dict[str, list[str]]:
    """Who bought, where the parcel goes, and with whom."""
    orders, done = life.trade.orders, life.done
    places = [(name, city) for name, (city, _) in PROVINCES.items()]
    buyers, provinces = orders.buyer.tolist(), orders.province.tolist()
    shipped = (~np.isnat(done.shipped_at)).tolist()
    parcels = parcel_numbers(np.arange(len(orders)))
    carriers = [CARRIERS[k] for k in done.carrier.tolist()]
    return {
        "买家会员名": [nickname(k) for k in buyers],
        "买家支付宝账号": [f"{phone(k)[:3]}****{phone(k)[-4:]}" for k in buyers],
        "收货人姓名": [f"示例{k % 1000}" for k in buyers],
        "收货地址": [address(b, *places[p]) for b, p in zip(buyers, provinces, strict=True)],
        "运送方式": ["快递"] * len(orders),
        "联系手机": [f"'{phone(k)}" for k in buyers],
        "物流单号": [f"No:{p}" if s else "" for p, s in zip(parcels, shipped, strict=True)],
        "物流公司": [name if s else "" for name, s in zip(carriers, shipped, strict=True)],
    }


def _titles(world: World, trade: Trade) -> tuple[list[str], list[str], list[str]]:
    """Titles of each order's lines joined, how many kinds, how many units."""
    lines = trade.lines
    count = len(trade.orders)
    starts = np.searchsorted(lines.order, np.arange(count + 1)).tolist()
    names = [world.catalogue.names[k] for k in lines.product.tolist()]
    titles = ["，".join(names[a:b]) for a, b in pairwise(starts)]
    kinds = np.bincount(lines.order, minlength=count)
    units = np.bincount(lines.order, lines.quantity, count).astype(np.int64)
    return titles, [str(k) for k in kinds.tolist()], [str(k) for k in units.tolist()]


def _stages(trade: Trade) -> list[str]:
    """Deposit and balance of pre-sale orders, as one cell of text."""
    orders = trade.orders
    texts = [""] * len(orders)
    deposits, balances = yuan(orders.deposit), yuan(orders.total - orders.deposit)
    first, second = stamps(orders.deposit_at), stamps(orders.paid_at)
    for k in np.flatnonzero(orders.presale >= 0).tolist():
        one = f"已付款 {first[k]}" if first[k] else "未付款"
        two = f"已付款 {second[k]}" if second[k] else "未付款"
        texts[k] = f"定金 {deposits[k]}元 {one}；尾款 {balances[k]}元 {two}"
    return texts


def _line_cells(life: Life) -> dict[str, list[str]]:
    orders, lines, goods = life.trade.orders, life.trade.lines, life.world.catalogue
    order = lines.order
    ids = order_ids(orders.created_at)
    own = [ids[k] for k in order.tolist()]
    place = np.arange(len(order)) - np.searchsorted(order, order)
    paid = ~np.isnat(orders.paid_at)[order]
    back, state = _line_refunds(life.trade, life.claims)
    skus = lines.sku.tolist()
    codes = [goods.sku_codes[k] for k in skus]
    variants = [f"规格：{goods.sku_variant[k]}" for k in skus]
    names = [goods.names[k] for k in lines.product.tolist()]
    return {
        "订单编号": _protected(own),
        "主订单编号": _protected(own),
        "子订单编号": _protected(
            [str(int(i) + 1 + p) for i, p in zip(own, place.tolist(), strict=True)]
        ),
        "标题": names,
        "商品标题": names,
        "价格": yuan(lines.unit_price),
        "商品价格": yuan(lines.unit_price),
        "购买数量": [str(k) for k in lines.quantity.tolist()],
        "外部系统编号": codes,
        "商家编码": codes,
        "商品属性": variants,
        "订单状态": [STATUS_WORDS[k] for k in life.done.status[order].tolist()],
        "买家应付货款": yuan(lines.payable),
        "买家实付金额": yuan(np.where(paid, lines.payable, 0)),
        "退款状态": state,
        "退款金额": [
            text if s != "没有申请退款" else "无退款申请"
            for text, s in zip(yuan(back), state, strict=True)
        ],
        "订单创建时间": stamps(orders.created_at[order]),
        "订单付款时间": stamps(orders.paid_at[order]),
        "商品ID": _protected([goods.ids[k] for k in lines.product.tolist()]),
    }


def _line_refunds(trade: Trade, claims: Claims) -> tuple[Ints, list[str]]:
    back = np.zeros(len(trade.lines), np.int64)
    back[claims.line] = claims.amount
    state = np.full(len(trade.lines), "没有申请退款", dtype="<U20")
    state[claims.line] = claim_states(claims)
    return back, state.tolist()
