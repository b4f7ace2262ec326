"""A visitor log: a tenth of the last week's visitors, action by action."""

from __future__ import annotations

import numpy as np

from ecops_lib.data.demo.sheets import PLATFORM, Sheet, stamps
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.visits import Visits
from ecops_lib.data.demo.world import CHANNELS, HOUR, World, add_seconds

LOG_DAYS = 7
SAMPLE = 0.1
KINDS = ("view", "cart", "order", "pay")


def make_log_sheet(world: World, visits: Visits, traffic: Traffic) -> Sheet:
    """Views drawn from the visits; carts, orders and payments in the day's proportions."""
    rng = world.rng("visitor log")
    start = max(len(world.days) - LOG_DAYS, 0)
    sampled = rng.binomial(visits.product_channel[start:], SAMPLE)
    place = np.nonzero(sampled)
    day, product, channel = (np.repeat(axis, sampled[place]) for axis in place)
    daily = traffic.products
    count = len(day)
    seen = np.maximum(daily.visitors[start:], 1)[day, product]
    steps = [daily.cart_visitors, daily.ordering_buyers, daily.paying_buyers]
    reach = np.minimum.accumulate([s[start:][day, product] / seen for s in steps])
    depth = (rng.random(count) < reach).sum(axis=0)
    visitor = np.repeat(np.arange(count), depth + 1)
    step = np.arange(len(visitor)) - np.searchsorted(visitor, visitor)
    opened = add_seconds(world.days[start:][day], rng.integers(7 * HOUR, 23 * HOUR, count))
    when = add_seconds(opened[visitor], step * rng.integers(20, 200, len(visitor)))
    device = rng.choice(["安卓", "苹果", "电脑"], count, p=(0.55, 0.4, 0.05))
    order = np.lexsort((step, visitor, when))
    visitor, step = visitor[order], step[order]
    goods = world.catalogue
    return Sheet(
        file="访客行为抽样",
        table="events",
        columns={
            "event_id": ("行为编号", [f"A{k + 1:07d}" for k in range(len(order))]),
            "happened_at": ("时间", stamps(when[order])),
            "visitor_key": ("访客编号", [f"W{k:07d}" for k in visitor]),
            "session_id": ("会话编号", [f"S{k:07d}" for k in visitor]),
            "kind": ("行为", [KINDS[k] for k in step]),
            "page": ("页面", ["商品详情页" if k == 0 else "下单页" for k in step]),
            "product_id": ("商品ID", [goods.ids[k] for k in product[visitor]]),
            "channel": ("渠道", [CHANNELS[k] for k in channel[visitor]]),
            "device": ("设备", device[visitor].tolist()),
        },
        constants={"platform": PLATFORM},
    )
