"""The warehouse's and the buyer's sheets: stock, purchases, parcels, goods and costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.buyers import NEAR, PROVINCES, WAREHOUSES, among
from ecops_lib.data.demo.catalogue import BRAND, CATEGORIES, SUPPLIERS
from ecops_lib.data.demo.fulfilment import CARRIERS, Fulfilment
from ecops_lib.data.demo.season import Season
from ecops_lib.data.demo.sheets import PLATFORM, Sheet, day_texts, order_ids, stamps, texts, yuan
from ecops_lib.data.demo.sourcing import FREIGHT, NEXT_KILO
from ecops_lib.data.demo.stock import Stock
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import CHANNELS, HOUR, NEVER, Ints, World, add_seconds

DEAD_PRODUCT = "700000099999"
"""The product that never sold; it is no longer listed."""
STOCK_DAYS = 400
"""Days of stock snapshots: enough for a comparison with last year."""
USUAL_DAMAGE, LOST = 0.006, 0.002
"""Chances that a parcel arrives damaged, and that it is lost."""
SHIP_WITHIN_HOURS = 48
PLATFORM_FEE = 0.035
INSURANCE_CENTS = 60


def make_products_sheet(world: World) -> Sheet:
    """What the goods are and cost."""
    goods = world.catalogue
    drop = world.truths.conversion_drop
    prices = goods.prices.copy()
    if drop:
        prices[drop.product] = round(prices[drop.product] * drop.price_factor / 100) * 100
    listed = (goods.launched * len(world.days)).astype(np.int64) - 400 * (goods.launched == 0)
    first = np.datetime64(world.first_day, "D") + listed.astype("timedelta64[D]")
    return Sheet(
        file="商品成本表",
        table="products",
        columns={
            "product_id": ("商品ID", goods.ids),
            "product_name": ("商品名称", goods.names),
            "category": ("类目", [CATEGORIES[k] for k in goods.category]),
            "brand": ("品牌", [BRAND] * len(goods.ids)),
            "merchant_code": ("货号", goods.codes),
            "list_price": ("吊牌价", yuan(prices)),
            "unit_cost": ("成本价", yuan(goods.costs)),
            "listed_on": ("上架日期", np.datetime_as_string(first, unit="D").tolist()),
        },
        constants={"platform": PLATFORM},
        unmapped={"供应商": [SUPPLIERS[k] for k in goods.category]},
    )


def make_inventory_sheet(world: World, stock: Stock) -> Sheet:
    """One row a day × warehouse × SKU, at the day's end."""
    start = max(len(world.days) - STOCK_DAYS, 0)
    held = stock.on_hand[start:]
    day, sku, warehouse = (a.ravel() for a in np.indices(held.shape))
    before = np.concatenate([stock.on_hand[max(start - 1, 0)][None], held[:-1]])
    out = (held + stock.shipped[start:] == 0) | ((held == 0) & (before == 0))
    if planted := world.truths.stock_out:
        mine = world.catalogue.sku_product == planted.product
        out[world.index(planted.begins) - start :, mine] = True
    goods, idle = world.catalogue, world.truths.idle_stock
    more = np.zeros(len(goods.sku_codes), np.int64)
    if idle:
        more[np.flatnonzero(goods.sku_product == idle.over)[:1]] = idle.over_units
    dead = _dead_rows(world, start)
    return Sheet(
        file="库存快照",
        table="inventory",
        columns={
            "day": ("日期", day_texts(world, day + start) + dead.days),
            "warehouse_id": ("仓库", [WAREHOUSES[k] for k in warehouse] + dead.warehouses),
            "sku_id": ("SKU编码", [goods.sku_codes[k] for k in sku] + dead.skus),
            "product_id": (
                "商品ID",
                [goods.ids[k] for k in goods.sku_product[sku]] + dead.products,
            ),
            "on_hand": ("在库数量", texts((held + more[:, None]).ravel()) + dead.units),
            "reserved": ("占用数量", texts(stock.reserved[start:].ravel()) + dead.none),
            "in_transit": ("在途数量", texts(stock.in_transit[start:].ravel()) + dead.none),
            "hours_out": ("缺货小时数", texts(np.where(out, 24, 0).ravel()) + dead.none),
        },
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class DeadRows:
    """Cells of the SKU that never sold; empty where none is planted."""

    days: list[str]
    warehouses: list[str]
    skus: list[str]
    products: list[str]
    units: list[str]
    none: list[str]


def _dead_rows(world: World, start: int) -> DeadRows:
    idle = world.truths.idle_stock
    count = len(world.days) - start if idle else 0
    place, warehouse = (a.ravel() for a in np.indices((count, len(WAREHOUSES))))
    rows = len(place)
    return DeadRows(
        days=day_texts(world, place + start),
        warehouses=[WAREHOUSES[k] for k in warehouse],
        skus=[idle.dead if idle else ""] * rows,
        products=[DEAD_PRODUCT] * rows,
        units=[str(idle.dead_units if idle else 0)] * rows,
        none=["0"] * rows,
    )


def make_shipments_sheet(world: World, trade: Trade, done: Fulfilment) -> Sheet:
    """One row a parcel handed over."""
    rng = world.rng("parcels")
    mine = np.flatnonzero(~np.isnat(done.shipped_at))
    units = np.bincount(trade.lines.order, trade.lines.quantity, len(trade.orders))[mine]
    carrier = done.carrier[mine]
    weight = np.round(units * rng.gamma(4, 0.15, len(mine)) * np.where(carrier == 3, 6, 1) + 0.2, 2)
    cost = np.round(np.array(FREIGHT)[carrier] + weight * NEXT_KILO).astype(np.int64)
    promised = add_seconds(trade.orders.paid_at[mine], np.full(len(mine), 120 * HOUR))
    faults = world.truths.carriers
    damage = np.array(faults.damage if faults else (USUAL_DAMAGE,) * len(CARRIERS))[carrier]
    chance = rng.random(len(mine))
    harm = np.where(chance < damage, "damaged", np.where(chance > 1 - LOST, "lost", ""))
    trouble = np.where(np.isnat(done.delivered_at[mine]), "", harm)
    ids = order_ids(trade.orders.created_at)
    places = list(PROVINCES)
    return Sheet(
        file="物流账单",
        table="shipments",
        columns={
            "order_id": ("订单编号", [ids[k] for k in mine]),
            "parcel_id": ("运单号", parcel_numbers(mine)),
            "carrier": ("快递公司", [CARRIERS[k] for k in carrier]),
            "province": ("目的省份", [places[k] for k in trade.orders.province[mine]]),
            "size_class": ("件型", np.where(carrier == 3, "大件", "小件").tolist()),
            "weight": ("重量(kg)", texts(weight)),
            "cost": ("运费", yuan(cost)),
            "shipped_at": ("发货时间", stamps(done.shipped_at[mine])),
            "picked_up_at": ("揽收时间", stamps(done.picked_up_at[mine])),
            "delivered_at": ("签收时间", stamps(done.delivered_at[mine])),
            "promised_at": ("承诺送达", stamps(promised)),
            "trouble": ("异常", trouble.tolist()),
        },
        constants={"platform": PLATFORM},
    )


def tell_carriers(world: World, trade: Trade, done: Fulfilment) -> dict[str, object] | None:
    """Median hours from pick-up to receipt by carrier, far and near, as they came out."""
    faults = world.truths.carriers
    if faults is None:
        return None
    hours = (done.delivered_at - done.picked_up_at) / np.timedelta64(1, "h")
    far = ~among(trade.orders.province, NEAR)
    told = {
        name: {
            lane: round(
                float(np.nanmedian(hours[(done.carrier == k) & (far == (lane == "far"))])), 1
            )
            for lane in ("near", "far")
        }
        for k, name in enumerate(CARRIERS)
    }
    return {
        "slow": CARRIERS[faults.slow],
        "rough": CARRIERS[int(np.argmax(faults.damage))],
        "median_hours": told,
        "damage": dict(zip(CARRIERS, faults.damage, strict=True)),
        "first_price": dict(zip(CARRIERS, [c / 100 for c in FREIGHT], strict=True)),
    }


def tell_idle(world: World) -> dict[str, object] | None:
    """The SKU that nobody asks for, and the one bought in excess."""
    idle, goods = world.truths.idle_stock, world.catalogue
    if idle is None:
        return None
    over = int(np.flatnonzero(goods.sku_product == idle.over)[0])
    return {
        "dead_sku": idle.dead,
        "dead_amount": idle.dead_units * len(WAREHOUSES) * idle.dead_cost / 100,
        "over_sku": goods.sku_codes[over],
        "over_units": idle.over_units * len(WAREHOUSES),
    }


def make_ledger_sheet(season: Season, trade: Trade, done: Fulfilment) -> Sheet:
    """The order system's own list: where orders came from, and their deadlines and parcels."""
    orders = trade.orders
    due = add_seconds(orders.paid_at, np.full(len(orders), SHIP_WITHIN_HOURS * HOUR))
    campaigns = [*(campaign.campaign_id for campaign in season.campaigns), ""]
    return Sheet(
        file="ERP订单履约",
        table="orders",
        columns={
            "order_id": ("平台订单号", order_ids(orders.created_at)),
            "created_at": ("下单时间", stamps(orders.created_at)),
            "ordered_amount": ("订单金额", yuan(orders.total)),
            "channel": ("成交渠道", [CHANNELS[k] for k in orders.channel.tolist()]),
            "campaign_id": ("活动", [campaigns[k] for k in orders.presale.tolist()]),
            "warehouse_id": ("发货仓", [WAREHOUSES[k] for k in orders.south.astype(int).tolist()]),
            "deposit_paid_at": ("定金支付时间", stamps(orders.deposit_at)),
            "ship_by": ("最晚发货时间", stamps(due)),
            "shipped_at": ("发货时间", stamps(done.shipped_at)),
            "picked_up_at": ("揽收时间", stamps(done.picked_up_at)),
            "delivered_at": ("签收时间", stamps(done.delivered_at)),
        },
        constants={"platform": PLATFORM},
    )


def parcel_numbers(orders: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[str]:
    """Waybill numbers that no carrier uses, by order."""
    return [f"DEMO{880_000_000 + k}" for k in orders.tolist()]


def make_costs_sheet(world: World, trade: Trade, done: Fulfilment, rewards: Ints) -> Sheet:
    """Costs of the shop by day: goods, platform fee, freight, insurance, rewards of referrers.

    Args:
        world: The shop's frame.
        trade: Its orders.
        done: What became of them.
        rewards: Cents that referrers were given, by day.
    """
    count = len(world.days)
    paid = world.day_index(trade.orders.paid_at)
    of_line = paid[trade.lines.order]
    sold = of_line >= 0
    goods = np.bincount(
        of_line[sold],
        (world.catalogue.costs[trade.lines.product] * trade.lines.quantity)[sold],
        count,
    )
    amount = np.bincount(paid[paid >= 0], trade.orders.total[paid >= 0], count)
    left = world.day_index(np.where(np.isnat(done.shipped_at), NEVER, done.shipped_at))
    parcels = np.bincount(left[left >= 0], minlength=count)
    kinds = {
        "goods": goods,
        "platform fee": np.round(amount * PLATFORM_FEE),
        "freight": parcels * 520,
        "insurance": parcels * INSURANCE_CENTS,
    }
    if rewards.any():
        kinds["referral"] = rewards
    day = np.tile(np.arange(count), len(kinds))
    return Sheet(
        file="费用表",
        table="costs",
        columns={
            "day": ("日期", day_texts(world, day)),
            "kind": ("费用类型", np.repeat(list(kinds), count).tolist()),
            "amount": ("金额", yuan(np.concatenate(list(kinds.values())).astype(np.int64))),
        },
        constants={"product_id": "*"},
    )
