"""Ads: plans, what they cost and what the ad platform ascribes to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.bids import KEYWORD_PLANS, price_levels
from ecops_lib.data.demo.sheets import PLATFORM, Sheet, day_texts, yuan
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.visits import Visits
from ecops_lib.data.demo.world import CHANNELS, Floats, Ints, World

COMMISSION = 0.08
"""淘宝客: share of the order paid to who brought it."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One ad plan: its product line, its items and the channel it feeds.

    Attributes:
        line: Product line, as the report's 场景名字 tells.
        plan_id: Number of the plan.
        name: Name of the plan.
        products: Ranks of its items.
        channel: The channel its clicks come through.
        share: Share of the channel's visits (and orders) of its items that it claims.
        click_price: Mean cost of a click in cents.
    """

    line: str
    plan_id: str
    name: str
    products: tuple[int, ...]
    channel: str
    share: float
    click_price: int


PLANS = (
    Plan(
        line="关键词推广",
        plan_id="70010001",
        name="主力词-茶与香",
        products=KEYWORD_PLANS["70010001"],
        channel="直通车",
        share=1.0,
        click_price=150,
    ),
    Plan(
        line="关键词推广",
        plan_id="70010002",
        name="长尾词-家居",
        products=KEYWORD_PLANS["70010002"],
        channel="直通车",
        share=1.0,
        click_price=115,
    ),
    Plan(
        line="精准人群推广",
        plan_id="70020001",
        name="拉新人群",
        products=(1, 4, 7),
        channel="手淘推荐",
        share=0.25,
        click_price=140,
    ),
    Plan(
        line="智能场景",
        plan_id="70030001",
        name="智能推荐-日常",
        products=(3, 6),
        channel="手淘推荐",
        share=0.3,
        click_price=120,
    ),
    Plan(
        line="全站推广",
        plan_id="70040001",
        name="全站-成长款",
        products=(5, 8),
        channel="手淘搜索",
        share=0.3,
        click_price=150,
    ),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ads:
    """One entry a day × plan × item × unit, as the report has rows. Cents."""

    day: Ints
    plan: Ints
    product: Ints
    unit: Ints
    impressions: Ints
    clicks: Ints
    cost: Ints
    direct: Ints
    indirect: Ints
    direct_orders: Ints
    indirect_orders: Ints
    carts: Ints
    favourites: Ints
    new_buyers: Ints


def make_ads(world: World, visits: Visits, trade: Trade) -> Ads:
    """Clicks follow the visits of each channel; amounts follow the orders they led to."""
    rng = world.rng("ads")
    parts = [_plan_rows(world, rng, visits, trade, number) for number in range(len(PLANS))]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((rows["unit"], rows["product"], rows["plan"], rows["day"]))
    return Ads(**{name: values[order] for name, values in rows.items()})


def _plan_rows(
    world: World, rng: np.random.Generator, visits: Visits, trade: Trade, number: int
) -> dict[str, Ints]:
    plan = PLANS[number]
    items = np.array(plan.products)
    came = visits.product_channel[:, items, CHANNELS.index(plan.channel)]
    clicks = np.round(came * plan.share * 1.12).astype(np.int64)
    amounts, counts = _attributed(world, rng, trade, plan)
    day, item = np.nonzero(clicks)
    whole = {
        "clicks": clicks[day, item],
        "direct": amounts[0][day, items[item]],
        "indirect": amounts[1][day, items[item]],
        "direct_orders": counts[0][day, items[item]],
        "indirect_orders": counts[1][day, items[item]],
    }
    return _units(world, rng, number, day, items[item], whole)


def _units(
    world: World,
    rng: np.random.Generator,
    number: int,
    day: Ints,
    product: Ints,
    whole: dict[str, Ints],
) -> dict[str, Ints]:
    """The main plan has two units an item: the same item stands in two rows of a day."""
    plan, count = PLANS[number], len(day)
    units = 2 if number == 0 else 1
    dear = price_levels(world, plan.plan_id)[day]
    first = {**whole, "clicks": rng.binomial(whole["clicks"], 1 / units)}
    parts = [first, {k: v - first[k] if k == "clicks" else v * 0 for k, v in whole.items()}][:units]
    rows = []
    for unit, part in enumerate(parts):
        clicks = part["clicks"]
        price = plan.click_price * rng.normal(1, 0.06, count) * dear
        orders = part["direct_orders"] + part["indirect_orders"]
        rows.append(
            {
                **part,
                "day": day,
                "plan": np.full(count, number),
                "product": product,
                "unit": np.full(count, unit),
                "impressions": clicks + rng.poisson(clicks * 28 + 3),
                "cost": np.round(clicks * price).astype(np.int64),
                "carts": rng.binomial(clicks, 0.06) + orders,
                "favourites": rng.binomial(clicks, 0.03),
                "new_buyers": rng.binomial(orders, 0.7),
            }
        )
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _attributed(
    world: World, rng: np.random.Generator, trade: Trade, plan: Plan
) -> tuple[list[Ints], list[Ints]]:
    """Paid cents and orders by day × product: of the item clicked, and of what came with it."""
    lines, orders = trade.lines, trade.orders
    first = np.searchsorted(lines.order, np.arange(len(orders)))
    product, direct = lines.product[first], lines.payable[first]
    day = world.day_index(orders.paid_at)
    mine = (orders.channel == CHANNELS.index(plan.channel)) & np.isin(product, plan.products)
    mine &= (day >= 0) & (rng.random(len(orders)) < plan.share)
    place = (day[mine], product[mine])
    rest = orders.goods - direct
    found = []
    for values in (direct, rest, direct > 0, rest > 0):
        grid: Floats = np.zeros((len(world.days), 60))
        np.add.at(grid, place, values[mine])
        found.append(grid.astype(np.int64))
    return found[:2], found[2:]


def make_commissions(world: World, trade: Trade) -> Sheet:
    """What 淘宝客 cost each day, with the orders that it brought."""
    orders = trade.orders
    day = world.day_index(orders.paid_at)
    mine = (orders.channel == CHANNELS.index("淘宝客")) & (day >= 0)
    paid = np.bincount(day[mine], orders.goods[mine], len(world.days)).astype(np.int64)
    count = np.bincount(day[mine], minlength=len(world.days))
    every = np.arange(len(world.days))
    return Sheet(
        file="淘宝客佣金",
        table="ads",
        columns={
            "day": ("日期", day_texts(world, every)),
            "campaign_name": ("计划名称", ["通用计划"] * len(every)),
            "cost": ("佣金", yuan(np.round(paid * COMMISSION).astype(np.int64))),
            "attributed_amount": ("付款金额", yuan(paid)),
            "attributed_orders": ("付款笔数", [str(n) for n in count.tolist()]),
        },
        constants={
            "platform": PLATFORM,
            "campaign_id": "taoke",
            "product_id": "*",
            "keyword": "*",
            "product_line": "commission",
        },
    )
