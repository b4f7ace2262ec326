"""Members: who joined, who brought them, their levels."""

from __future__ import annotations

import numpy as np

from ecops_lib.data.demo.buyers import PROVINCES, nickname, phone
from ecops_lib.data.demo.fulfilment import STATUSES, Fulfilment
from ecops_lib.data.demo.sheets import Sheet, stamps
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import CHANNELS, Flags, Ints, Times, World

MEMBER_SHARE = 0.6
LEVELS = ("普通会员", "银卡", "金卡", "黑卡")
LEVEL_FROM = (0, 30000, 80000, 200000)
"""Paid cents from which a level begins."""
REWARD_CENTS = 1000
"""What a referrer is given when the new member has paid for the first time."""
NOBODY = -1


def is_member(world: World, trade: Trade) -> Flags:
    """Whether each buyer joined the club."""
    member: Flags = world.rng("members").random(len(trade.buyers.province)) < MEMBER_SHARE
    member[first_orders(trade) < 0] = False
    return member


def first_orders(trade: Trade) -> Ints:
    """The first order of each buyer; −1 for one who bought nothing."""
    people, place = np.unique(trade.orders.buyer, return_index=True)
    first = np.full(len(trade.buyers.province), NOBODY)
    first[people] = place
    return first


def find_referrers(world: World, trade: Trade, done: Fulfilment) -> Ints:
    """The member who brought each buyer, or −1: one who had bought before, and kept it."""
    count = len(trade.buyers.province)
    referrer = np.full(count, NOBODY)
    planted = world.truths.referrals
    if planted is None:
        return referrer
    rng = world.rng("referrals")
    orders, member = trade.orders, is_member(world, trade)
    brought = np.flatnonzero(
        member & ~trade.buyers.known_before & (rng.random(count) < planted.share)
    )
    kept = np.flatnonzero(member[orders.buyer] & (done.status == STATUSES.index("completed")))
    kept = kept[np.argsort(orders.paid_at[kept], kind="stable")]
    came = orders.created_at[first_orders(trade)[brought]]
    room = np.searchsorted(orders.paid_at[kept], came)
    brought, room = brought[room > 0], room[room > 0]
    referrer[brought] = orders.buyer[kept[rng.integers(0, room)]]
    return referrer


def rewards_of(world: World, trade: Trade, referrer: Ints) -> Ints:
    """Cents that referrers were given, by day."""
    paid = world.day_index(trade.orders.paid_at)
    mine = np.flatnonzero((referrer[trade.orders.buyer] != NOBODY) & (paid >= 0))
    order = mine[np.argsort(paid[mine], kind="stable")]
    _, first = np.unique(trade.orders.buyer[order], return_index=True)
    return REWARD_CENTS * np.bincount(paid[order[first]], minlength=len(world.days))


def tell_referrals(world: World, trade: Trade, referrer: Ints) -> dict[str, object] | None:
    """How many members were brought, and by how many."""
    planted = world.truths.referrals
    if planted is None:
        return None
    member = is_member(world, trade)
    new = int((member & ~trade.buyers.known_before).sum())
    brought = referrer[referrer != NOBODY]
    return {
        "share": planted.share,
        "members": int(member.sum()),
        "new_members": new,
        "referred": len(brought),
        "referrers": len(np.unique(brought)),
        "coefficient": round(len(brought) / int(member.sum()), 5),
        "reward_cents": REWARD_CENTS,
        "rewarded": int(rewards_of(world, trade, referrer).sum()) // REWARD_CENTS,
        "most_by_one": int(np.bincount(brought).max(initial=0)),
    }


def make_customers_sheet(
    world: World, trade: Trade, referrer: Ints, community_joined_at: Times
) -> Sheet:
    """The member list."""
    members = np.flatnonzero(is_member(world, trade))
    orders = trade.orders
    count = len(trade.buyers.province)
    first = first_orders(trade)[members]
    paid = ~np.isnat(orders.paid_at)
    spent = np.bincount(orders.buyer[paid], orders.total[paid], count)
    level = np.searchsorted(LEVEL_FROM, spent[members], side="right") - 1
    places = [(name, city) for name, (city, _) in PROVINCES.items()]
    province = trade.buyers.province[members]
    brought_by = [nickname(k) if k != NOBODY else "" for k in referrer[members].tolist()]
    return Sheet(
        file="会员列表",
        table="customers",
        columns={
            "buyer_key": ("会员名", [nickname(k) for k in members.tolist()]),
            "province": ("省份", [places[k][0] for k in province]),
            "city": ("城市", [places[k][1] for k in province]),
            "joined_at": ("入会时间", stamps(orders.created_at[first])),
            "level": ("会员等级", [LEVELS[k] for k in level]),
            "source": ("来源渠道", [CHANNELS[k] for k in orders.channel[first]]),
            "referred_by": ("推荐人", brought_by),
            "community_joined_at": ("入群时间", stamps(community_joined_at[members])),
        },
        unmapped={"手机号": [phone(k) for k in members.tolist()]},
    )
