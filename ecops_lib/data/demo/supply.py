"""The shop's own sheets of goods, orders and costs."""

from __future__ import annotations

import numpy as np

from ecops_lib.data.demo.buyers import WAREHOUSES
from ecops_lib.data.demo.catalogue import BRAND, CATEGORIES, SUPPLIERS
from ecops_lib.data.demo.editions import find_editions
from ecops_lib.data.demo.fulfilment import Fulfilment
from ecops_lib.data.demo.season import Season
from ecops_lib.data.demo.sessions import creators_of
from ecops_lib.data.demo.sheets import PLATFORM, Sheet, day_texts, order_ids, stamps, yuan
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import CHANNELS, HOUR, NEVER, Ints, World, add_seconds

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


def make_ledger_sheet(world: World, season: Season, trade: Trade, done: Fulfilment) -> Sheet:
    """The order system's own list: where orders came from, and their deadlines and parcels."""
    orders = trade.orders
    due = add_seconds(orders.paid_at, np.full(len(orders), SHIP_WITHIN_HOURS * HOUR))
    campaigns = [*(campaign.campaign_id for campaign in season.campaigns), ""]
    own = [*(edition.campaign_id for edition in find_editions(world)), ""]
    creators = [*(creator.creator_id for creator in creators_of(world)), ""]
    whose = np.append(trade.sessions.creator, -1)[orders.session]
    return Sheet(
        file="ERP订单履约",
        table="orders",
        columns={
            "order_id": ("平台订单号", order_ids(orders.created_at)),
            "created_at": ("下单时间", stamps(orders.created_at)),
            "ordered_amount": ("订单金额", yuan(orders.total)),
            "channel": ("成交渠道", [CHANNELS[k] for k in orders.channel.tolist()]),
            "creator_id": ("达人编号", [creators[k] for k in whose.tolist()]),
            "campaign_id": (
                "活动",
                [
                    campaigns[k] or own[e]
                    for k, e in zip(orders.presale.tolist(), orders.edition.tolist(), strict=True)
                ],
            ),
            "warehouse_id": ("发货仓", [WAREHOUSES[k] for k in orders.south.astype(int).tolist()]),
            "deposit_paid_at": ("定金支付时间", stamps(orders.deposit_at)),
            "ship_by": ("最晚发货时间", stamps(due)),
            "shipped_at": ("发货时间", stamps(done.shipped_at)),
            "picked_up_at": ("揽收时间", stamps(done.picked_up_at)),
            "delivered_at": ("签收时间", stamps(done.delivered_at)),
        },
        constants={"platform": PLATFORM},
    )


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
