"""The shop's chat groups: who is in them, what is posted, and the orders through their links.

Members join after they buy, so groups hold the better buyers; a group makes nobody buy.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ecops_lib.data.demo.members import is_member
from ecops_lib.data.demo.sheets import Sheet, day_texts, texts, yuan
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import HOUR, NEVER, Floats, Ints, Times, World, add_seconds

GROUPS = ("会员福利一群", "会员福利二群", "茶友交流群")
GROUP_SHARE = (0.4, 0.35, 0.25)
OPENED = 182
"""Days before the last on which the groups opened."""
JOINS = 0.3
"""Share of the members who buy while there are groups and join one."""
LEAVES, STAYS = 0.2, 45 * 24 * HOUR
"""Share of them who leave again, and their mean stay."""
PLAN = (2, 2, 3)
"""Posts a day that the content plan asks for."""
MADE = 0.97
"""Share of them that are made."""
ACTIVE = 0.14
"""Share of a group's members who write or click on an ordinary day."""
CLICKS = 0.6
"""Clicks of an active member on a post."""
LINKED = 0.7
"""Share of the members' orders that come through a link of their group."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Community:
    """The chat groups; arrays by day since they opened × group, and moments by buyer.

    Attributes:
        start: Index of the day on which they opened.
        joined_at: When each buyer joined one; NaT for never.
        members: At the end of the day.
        joined: Who came.
        left: Who went.
        active: Who wrote or clicked.
        planned: Posts planned.
        posts: Posts made.
        clicks: Clicks on them.
        orders: Orders paid through the group's links.
        paid: Their cents.
    """

    start: int
    joined_at: Times
    members: Ints
    joined: Ints
    left: Ints
    active: Ints
    planned: Ints
    posts: Ints
    clicks: Ints
    orders: Ints
    paid: Ints


def make_community(world: World, trade: Trade) -> Community:
    """Let members join and leave the groups, and count what happens there each day."""
    rng = world.rng("community")
    start = world.index(OPENED - 1)
    shape = (len(world.days) - start, len(GROUPS))
    group, joined_at, left_at = _stays(world, rng, trade, start)
    joined, left = (_daily(world, start, group, at) for at in (joined_at, left_at))
    members = (joined - left).cumsum(axis=0)
    life = _liveliness(world, shape)
    active = rng.binomial(members, ACTIVE * life)
    planned = np.tile(PLAN, (shape[0], 1))
    posts = rng.binomial(planned, _diligence(world))
    clicks = rng.poisson(active * posts * CLICKS)
    orders, paid = _linked(world, rng, trade, (group, joined_at, left_at), life)
    return Community(
        start=start,
        joined_at=joined_at,
        members=members,
        joined=joined,
        left=left,
        active=np.maximum(active, np.minimum(orders, members)),
        planned=planned,
        posts=posts,
        clicks=np.maximum(clicks, orders),
        orders=orders,
        paid=paid,
    )


def _stays(
    world: World, rng: np.random.Generator, trade: Trade, start: int
) -> tuple[Ints, Times, Times]:
    """Group of each buyer, when joined and when left; one joins some hours after an order."""
    count = len(trade.buyers.province)
    opened = world.days[start].astype("datetime64[s]")
    paid = np.flatnonzero(trade.orders.paid_at >= opened)
    people, first = np.unique(trade.orders.buyer[paid], return_index=True)
    joins = is_member(world, trade)[people] & (rng.random(len(people)) < JOINS)
    wait = rng.exponential(6 * HOUR, len(people))
    came = add_seconds(trade.orders.paid_at[paid[first]], wait)
    joins &= came < world.now
    stay = np.where(rng.random(len(people)) < LEAVES, rng.exponential(STAYS, len(people)), np.inf)
    gone = np.where(np.isfinite(stay), add_seconds(came, np.minimum(stay, STAYS * 99)), NEVER)
    joined_at, left_at = np.full(count, NEVER), np.full(count, NEVER)
    joined_at[people[joins]] = came[joins]
    left_at[people[joins]] = np.where(gone < world.now, gone, NEVER)[joins]
    return rng.choice(len(GROUPS), count, p=GROUP_SHARE), joined_at, left_at


def _daily(world: World, start: int, group: Ints, at: Times) -> Ints:
    """How many of each group's moments lie on each day."""
    day = world.day_index(at) - start
    inside = ~np.isnat(at)
    grid = np.zeros((len(world.days) - start, len(GROUPS)), np.int64)
    np.add.at(grid, (day[inside], group[inside]), 1)
    return grid


def _liveliness(world: World, shape: tuple[int, int]) -> Floats:
    """How lively each group is on each day; 1 where nothing is planted."""
    life = np.ones(shape)
    if silent := world.truths.silent_group:
        life[max(shape[0] - 1 - silent.begins, 0) :, silent.group] = silent.factor
    return life


def _diligence(world: World) -> Floats:
    """Share of the planned posts that each group gets."""
    made = np.full(len(GROUPS), MADE)
    if late := world.truths.late_posts:
        made[late.group] = late.share
    return made


def _linked(
    world: World,
    rng: np.random.Generator,
    trade: Trade,
    stays: tuple[Ints, Times, Times],
    life: Floats,
) -> tuple[Ints, Ints]:
    """Orders of those in a group that came through its links, and their cents, by day."""
    group, joined_at, left_at = stays
    orders = trade.orders
    buyer = orders.buyer
    inside = (orders.created_at > joined_at[buyer]) & ~(orders.paid_at > left_at[buyer])
    mine = np.flatnonzero(inside & ~np.isnat(orders.paid_at))
    place = (
        world.day_index(orders.paid_at[mine]) - (len(world.days) - len(life)),
        group[buyer[mine]],
    )
    came = rng.random(len(mine)) < LINKED * life[place]
    count, paid = np.zeros(life.shape, np.int64), np.zeros(life.shape, np.int64)
    at = (place[0][came], place[1][came])
    np.add.at(count, at, 1)
    np.add.at(paid, at, orders.total[mine][came])
    return count, paid


def make_community_sheet(world: World, community: Community) -> Sheet:
    """One row a day × group."""
    day, group = (a.ravel() for a in np.indices(community.members.shape))
    counts = {
        "members": ("群成员数", community.members),
        "joined": ("入群人数", community.joined),
        "left": ("退群人数", community.left),
        "active_members": ("活跃人数", community.active),
        "planned_posts": ("计划内容数", community.planned),
        "posts": ("实发内容数", community.posts),
        "clicks": ("内容点击", community.clicks),
        "orders": ("群订单数", community.orders),
    }
    return Sheet(
        file="社群日报",
        table="community",
        columns={
            "day": ("日期", day_texts(world, day + community.start)),
            "group_id": ("社群", [GROUPS[k] for k in group.tolist()]),
            **{name: (header, texts(held.ravel())) for name, (header, held) in counts.items()},
            "paid_amount": ("群支付金额", yuan(community.paid.ravel())),
        },
    )


def tell_community(world: World, community: Community) -> dict[str, object]:
    """What is planted in the groups, and their members."""
    return {
        "community": {
            "groups": list(GROUPS),
            "from": str(world.days[community.start]),
            "joined": int(community.joined.sum()),
            "members": community.members[-1].tolist(),
            "orders": community.orders.sum(axis=0).tolist(),
            "effect_on_orders": 0,
        },
        "silent_group": _silent(world, community),
        "late_posts": _late(world, community),
    }


def _silent(world: World, community: Community) -> dict[str, object] | None:
    silent = world.truths.silent_group
    if silent is None:
        return None
    begins = max(len(community.members) - 1 - silent.begins, 0)
    spans = slice(None, begins), slice(begins, None)
    sums = [(community.active[s, silent.group], community.members[s, silent.group]) for s in spans]
    return {
        **asdict(silent),
        "group_id": GROUPS[silent.group],
        "from": str(world.day_of(silent.begins)),
        "active_share": [round(float(a.sum() / max(m.sum(), 1)), 4) for a, m in sums],
    }


def _late(world: World, community: Community) -> dict[str, object] | None:
    late = world.truths.late_posts
    if late is None:
        return None
    return {
        **asdict(late),
        "group_id": GROUPS[late.group],
        "posts": community.posts.sum(axis=0).tolist(),
        "planned": community.planned.sum(axis=0).tolist(),
    }
