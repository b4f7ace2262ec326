"""A visitor log: visitors of the last weeks, action by action; of a large shop a sample."""

from __future__ import annotations

import numpy as np

from ecops_lib.data.demo.sheets import PLATFORM, Sheet, stamps
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.visits import Visits
from ecops_lib.data.demo.world import CHANNELS, HOUR, Floats, Ints, Times, World, add_seconds

LOG_DAYS = 91
LOGGED = 400
"""Visits a day that the log holds about; of a small shop it holds all."""

KINDS = ("view", "view", "cart", "order", "pay")
"""Kinds of the steps: a page of the shop, a product's page, the cart, the order, the payment."""

PAGES = ("商品详情页", "搜索结果页", "首页", "活动页")
"""Where visits begin; the first one shows a product at once."""
ENTRY = np.array([0.4, 0.3, 0.15, 0.15])
ORDER_PAGE = "下单页"
DEVICES = ("安卓", "苹果", "电脑")
DEVICE = (0.55, 0.4, 0.05)
OPENED = 0.7
"""Share of the visitors of the shop's pages who open a product."""


def make_log_sheet(world: World, visits: Visits, traffic: Traffic) -> Sheet:
    """Views drawn from the visits; carts, orders and payments in the day's proportions.

    Visitors who land on a page of the shop and open no product are in no other table.
    """
    rng = world.rng("visitor log")
    start = max(len(world.days) - LOG_DAYS, 0)
    came = visits.product_channel[start:]
    sampled = rng.binomial(came, min(1.0, LOGGED * len(came) / max(came.sum(), 1)))
    place = np.nonzero(sampled)
    day, product, channel = (np.repeat(axis, sampled[place]) for axis in place)
    depth = 1 + _depths(world, traffic, start, day, product)
    page = rng.choice(len(PAGES), len(day), p=ENTRY)
    device = rng.choice(len(DEVICES), len(day), p=DEVICE)
    left = _left_at_once(world, start, day, page, device)
    whole = [np.concatenate([each, each[left]]) for each in (day, product, channel, page, device)]
    day, product, channel, page, device = whole
    depth = np.concatenate([depth, np.zeros(len(left), np.int64)])
    first = (page == 0).astype(np.int64)
    visitor = np.repeat(np.arange(len(day)), depth + 1 - first)
    step = np.arange(len(visitor)) - np.searchsorted(visitor, visitor) + first[visitor]
    when = _moments(world.days[start:][day], visitor, step, rng)
    order = np.lexsort((step, visitor, when))
    visitor, step = visitor[order], step[order]
    goods = world.catalogue
    shown = [(PAGES[page[v]], PAGES[0])[s] if s < 2 else ORDER_PAGE
             for v, s in zip(visitor, step, strict=True)]  # fmt: skip
    return Sheet(
        file="访客行为抽样",
        table="events",
        columns={
            "event_id": ("行为编号", [f"A{k + 1:07d}" for k in range(len(order))]),
            "happened_at": ("时间", stamps(when[order])),
            "visitor_key": ("访客编号", [f"W{k:07d}" for k in visitor]),
            "session_id": ("会话编号", [f"S{k:07d}" for k in visitor]),
            "kind": ("行为", [KINDS[k] for k in step]),
            "page": ("页面", shown),
            "product_id": ("商品ID", [
                goods.ids[product[v]] if s else "" for v, s in zip(visitor, step, strict=True)
            ]),
            "channel": ("渠道", [CHANNELS[k] for k in channel[visitor]]),
            "device": ("设备", [DEVICES[k] for k in device[visitor]]),
        },
        constants={"platform": PLATFORM},
    )  # fmt: skip


def _depths(world: World, traffic: Traffic, start: int, day: Ints, product: Ints) -> Ints:
    """Steps after the product's page: 1 the cart, 2 the order, 3 the payment."""
    daily = traffic.products
    seen = np.maximum(daily.visitors[start:], 1)[day, product]
    steps = [daily.cart_visitors, daily.ordering_buyers, daily.paying_buyers]
    reach: Floats = np.minimum.accumulate([s[start:][day, product] / seen for s in steps])
    drawn = world.rng("depth of visits").random(len(day))
    depth: Ints = (drawn < reach).sum(axis=0)
    return depth


def _left_at_once(world: World, start: int, day: Ints, page: Ints, device: Ints) -> Ints:
    """Which visits to repeat as ones that opened no product, each page at its share."""
    share = np.where(page == 0, 1.0, OPENED)
    if broken := world.truths.page_break:
        lately = day >= world.index(broken.begins) - start
        there = (page == PAGES.index(broken.page)) & (device == DEVICES.index(broken.device))
        share = np.where(there & lately, broken.share, share)
    rng = world.rng("left at once")
    found: Ints = np.repeat(np.arange(len(day)), rng.poisson((1 - share) / share))
    return found


def _moments(days: Times, visitor: Ints, step: Ints, rng: np.random.Generator) -> Times:
    """When each action was: visits begin from 7 to 23 o'clock, steps follow within minutes."""
    opened = add_seconds(days, rng.integers(7 * HOUR, 23 * HOUR, len(days)))
    gap = rng.integers(20, 200, len(days))
    return add_seconds(opened[visitor], step * gap[visitor])
