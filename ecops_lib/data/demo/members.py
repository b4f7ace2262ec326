"""Members: who joined, their points, the messages they got."""

from __future__ import annotations

import numpy as np

from ecops_lib.data.demo.buyers import PROVINCES, nickname, phone
from ecops_lib.data.demo.fulfilment import Fulfilment
from ecops_lib.data.demo.sheets import Sheet, stamps, texts, yuan
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import CHANNELS, HOUR, NEVER, Flags, Ints, Times, World, add_seconds

MEMBER_SHARE = 0.6
LEVELS = ("普通会员", "银卡", "金卡", "黑卡")
LEVEL_FROM = (0, 30000, 80000, 200000)
"""Paid cents from which a level begins."""
POINTS_DAYS = 365
MAILINGS = (("周年庆短信", 150), ("618召回券", 135), ("中秋礼盒短信", 40), ("双11预热短信", 9))
"""Messages and the days before the last on which they were sent."""
HELD_OUT = 0.2


def is_member(world: World, trade: Trade) -> Flags:
    """Whether each buyer joined the club."""
    count = len(trade.buyers.province)
    member: Flags = world.rng("members").random(count) < MEMBER_SHARE
    return member


def make_customers_sheet(world: World, trade: Trade) -> Sheet:
    """The member list."""
    members = np.flatnonzero(is_member(world, trade))
    orders = trade.orders
    count = len(trade.buyers.province)
    first = np.unique(orders.buyer, return_index=True)[1]
    paid = ~np.isnat(orders.paid_at)
    spent = np.bincount(orders.buyer[paid], orders.total[paid], count)
    level = np.searchsorted(LEVEL_FROM, spent[members], side="right") - 1
    places = [(name, city) for name, (city, _) in PROVINCES.items()]
    province = trade.buyers.province[members]
    return Sheet(
        file="会员列表",
        table="customers",
        columns={
            "buyer_key": ("会员名", [nickname(k) for k in members.tolist()]),
            "province": ("省份", [places[k][0] for k in province]),
            "city": ("城市", [places[k][1] for k in province]),
            "joined_at": ("入会时间", stamps(orders.created_at[first][members])),
            "level": ("会员等级", [LEVELS[k] for k in level]),
            "source": ("来源渠道", [CHANNELS[k] for k in orders.channel[first][members]]),
        },
        unmapped={"手机号": [phone(k) for k in members.tolist()]},
    )


def make_points_sheet(world: World, trade: Trade, done: Fulfilment) -> Sheet:
    """Points of the last year: a point a yuan earned, some spent, some lost."""
    rng = world.rng("points")
    orders = trade.orders
    since = world.now - np.timedelta64(POINTS_DAYS, "D")
    member = is_member(world, trade)[orders.buyer]
    earns = np.flatnonzero(member & (done.status == 3) & (done.completed_at >= since))
    gained = orders.goods[earns] // 100
    kept = gained > 0
    earns, gained = earns[kept], gained[kept]
    spends = rng.random(len(earns)) < 0.12
    lapses = rng.random(len(earns)) < 0.04
    later = add_seconds(done.completed_at[earns], rng.uniform(5, 60, len(earns)) * 24 * HOUR)
    parts = [
        (earns, done.completed_at[earns], "earned", gained),
        (earns[spends], later[spends], "redeemed", -np.maximum(gained[spends] // 2, 1)),
        (earns[lapses], later[lapses], "expired", -np.maximum(gained[lapses] // 3, 1)),
    ]
    order = np.concatenate([part[0] for part in parts])
    moved = np.concatenate([part[1] for part in parts])
    kind = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    points = np.concatenate([part[3] for part in parts])
    place = np.argsort(moved, kind="stable")
    place = place[moved[place] < world.now]
    return Sheet(
        file="积分流水",
        table="points",
        columns={
            "movement_id": ("流水号", [f"P{k + 1:07d}" for k in range(len(place))]),
            "buyer_key": ("会员名", [nickname(k) for k in orders.buyer[order[place]].tolist()]),
            "moved_at": ("变动时间", stamps(moved[place])),
            "kind": ("变动类型", kind[place].tolist()),
            "points": ("积分", texts(points[place])),
        },
    )


def make_contacts_sheet(world: World, trade: Trade) -> Sheet:
    """Messages to members who had bought before, a part of them held out."""
    rng = world.rng("contacts")
    member = is_member(world, trade)
    first = np.unique(trade.orders.buyer, return_index=True)[1]
    known: Times = trade.orders.created_at[first]
    parts: list[tuple[Ints, Ints, Times]] = []
    for batch, (_, ago) in enumerate(MAILINGS):
        sent = world.now - np.timedelta64(ago, "D") + np.timedelta64(10, "h")
        people = np.flatnonzero(member & (known < sent))
        people = np.sort(rng.choice(people, min(len(people), 1500), replace=False))
        parts.append((np.full(len(people), batch), people, np.full(len(people), sent)))
    number = np.concatenate([part[0] for part in parts])
    people = np.concatenate([part[1] for part in parts])
    moments = np.concatenate([part[2] for part in parts])
    held = rng.random(len(people)) < HELD_OUT
    opened = ~held & (rng.random(len(people)) < 0.22)
    when = np.where(opened, add_seconds(moments, rng.exponential(5 * HOUR, len(people))), NEVER)
    return Sheet(
        file="短信触达",
        table="contacts",
        columns={
            "contact_id": ("触达批次", [f"C{k + 1:03d}" for k in number]),
            "buyer_key": ("会员名", [nickname(k) for k in people.tolist()]),
            "sent_at": ("发送时间", stamps(moments)),
            "held_out": ("是否留白", np.where(held, "是", "否").tolist()),
            "message": ("内容", [MAILINGS[k][0] for k in number]),
            "cost": ("费用", yuan(np.where(held, 0, 5))),
            "opened_at": ("打开时间", stamps(when)),
        },
    )
