"""What own campaigns and creators add to the usual orders, and what they take from them.

The usual orders are drawn first and stay as they are, so that what would have been
without a campaign is known line by line.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecops_lib.data.demo.asked import settle_asked
from ecops_lib.data.demo.baskets import HOURS, Asked, Lines, choose_sku
from ecops_lib.data.demo.editions import (
    Edition,
    all_order_factors,
    find_editions,
    order_factors,
)
from ecops_lib.data.demo.season import Season
from ecops_lib.data.demo.sessions import CHANNEL, Sessions, creators_of
from ecops_lib.data.demo.truths import MemberDay
from ecops_lib.data.demo.visits import CHANNEL_APPEAL, channel_shares
from ecops_lib.data.demo.world import CHANNELS, HOUR, Flags, Floats, Ints, World

RUSH = HOURS * np.where(np.isin(np.arange(24), (0, 10, 20, 21)), 2.0, 1.0)
"""Orders of a campaign by hour."""
OWN_CHANNELS = ("手淘搜索", "手淘推荐", "购物车", "我的淘宝")
"""Where the members' days bring orders from."""
SINGLE = 0.85

_More = tuple[Ints, ...]
"""Day, second, channel, product, units, edition and session of orders on top."""


def with_campaigns(world: World, season: Season, usual: Asked, sessions: Sessions) -> Asked:
    """The orders with own campaigns and creators; some lines gone, some orders on top."""
    lines = usual.lines.where(~_missing(world, usual))
    parts = [_of_editions(world, season, usual), _of_sessions(world, sessions)]
    day, second, channel, product, units, _, session = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    count, more = len(usual), len(day)
    sku = choose_sku(world, world.rng("variants on top"), product)
    number = np.arange(more)
    zero = np.zeros(more, np.int64)
    added = Lines(
        order=count + number,
        sku=settle_asked(world, day, number, sku),
        product=product,
        quantity=units,
        unit_price=zero,
        list_amount=zero,
        payable=zero,
    )
    asked = Asked(
        day=np.concatenate([usual.day, day]),
        second=np.concatenate([usual.second, second]),
        channel=np.concatenate([usual.channel, channel]),
        sale=np.concatenate([usual.sale, np.full(more, -1)]),
        lines=lines.joined(added),
        usual=count,
        origin=np.arange(count + more),
        edition=np.full(count + more, -1),
        session=np.concatenate([usual.session, session]),
    )
    asked = _in_order(asked)
    return replace(asked, edition=_edition_of(world, asked))


def _missing(world: World, usual: Asked) -> Flags:
    """Lines that an own campaign keeps from being ordered."""
    lines = usual.lines
    chance = all_order_factors(world)[usual.day[lines.order], lines.product]
    drawn: Flags = world.rng("missing").random(len(lines)) >= chance
    return drawn & (usual.sale[lines.order] < 0)


def expected_lines(world: World, season: Season, usual: Lines) -> Floats:
    """Lines to be expected without own campaigns, by day × product: the calendar's share."""
    shape = season.visitors * season.conversion
    goods = world.catalogue
    listed = np.arange(len(world.days))[:, None] >= goods.launched * len(world.days)
    sold = np.bincount(usual.product, minlength=len(goods.ids))
    weight = shape[:, None] * listed
    expected: Floats = weight / weight.sum(axis=0) * sold
    return expected


def _of_editions(world: World, season: Season, usual: Asked) -> _More:
    expected = expected_lines(world, season, usual.lines)
    parts = [
        _of_edition(world, edition, number, expected)
        for number, edition in enumerate(find_editions(world))
    ]
    return _together(parts)


def _of_edition(world: World, edition: Edition, number: int, expected: Floats) -> _More:
    rng = world.rng(f"on top {edition.campaign_id}")
    more = np.maximum(order_factors(world, edition) - 1, 0) * expected
    drawn = rng.poisson(more)
    day, product = (np.repeat(axis, drawn[np.nonzero(drawn)]) for axis in np.nonzero(drawn))
    count = len(day)
    hour = rng.choice(24, count, p=RUSH / RUSH.sum())
    weights = channel_shares() * CHANNEL_APPEAL
    if isinstance(edition.truth, MemberDay):
        weights = weights * np.isin(CHANNELS, OWN_CHANNELS)
    ends = (weights / weights.sum(axis=1, keepdims=True)).cumsum(axis=1)[product]
    channel = (rng.random(count)[:, None] >= ends[:, :-1]).sum(axis=1)
    return (
        day,
        hour * HOUR + rng.integers(0, HOUR, count),
        channel,
        product,
        _units(rng, count),
        np.full(count, number),
        np.full(count, -1),
    )


def _of_sessions(world: World, sessions: Sessions) -> _More:
    rng = world.rng("on top of sessions")
    session = np.repeat(np.arange(len(sessions)), sessions.orders)
    count = len(session)
    wait = rng.beta(1.3, 1.6, count) * sessions.hours[session] * HOUR
    moment = sessions.started_at[session] + wait.astype("timedelta64[s]")
    midnight = moment.astype("datetime64[D]")
    kinds = [CHANNELS.index(CHANNEL[creator.kind]) for creator in creators_of(world)]
    return (
        (midnight - world.days[0]).astype(np.int64),
        (moment - midnight).astype(np.int64),
        np.array(kinds, np.int64)[sessions.creator[session]],
        sessions.product[session],
        _units(rng, count),
        np.full(count, -1),
        session,
    )


def _units(rng: np.random.Generator, count: int) -> Ints:
    more = np.minimum(rng.zipf(2.3, count) + 1, 12)
    return np.where(rng.random(count) < SINGLE, 1, more)


def _together(parts: list[_More]) -> _More:
    if not parts:
        return tuple(np.zeros(0, np.int64) for _ in range(7))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _in_order(asked: Asked) -> Asked:
    """Orders that still have a line, by time, and the lines with them."""
    left = np.unique(asked.lines.order)
    place = left[np.lexsort((asked.second[left], asked.day[left]))]
    number = np.full(len(asked), -1)
    number[place] = np.arange(len(place))
    lines = replace(asked.lines, order=number[asked.lines.order])
    held = {
        name: getattr(asked, name)[place]
        for name in ("day", "second", "channel", "sale", "origin", "edition", "session")
    }
    sorted_lines = lines.where(np.argsort(lines.order, kind="stable"))
    return Asked(**held, lines=sorted_lines, usual=asked.usual)


def _edition_of(world: World, asked: Asked) -> Ints:
    """The edition whose offers hold for each order: one of its products is in its sale."""
    held = np.full(len(asked), -1)
    for number, edition in enumerate(find_editions(world)):
        held[asked.lines.order[_promoted(world, asked, edition)]] = number
    return held


def _promoted(world: World, asked: Asked, edition: Edition) -> Flags:
    """Lines of promoted products in an edition's sale."""
    on = edition.on(world, "burst")[asked.day[asked.lines.order]]
    mine: Flags = on & np.isin(asked.lines.product, edition.truth.products)
    return mine


def offer_on_lines(world: World, asked: Asked, lines: Lines) -> Ints:
    """Cents that own campaigns take off each line."""
    off = np.zeros(len(lines), np.int64)
    for edition in find_editions(world) if (asked.edition >= 0).any() else ():
        if edition.acts and not isinstance(edition.truth, MemberDay):
            mine = _promoted(world, asked, edition)
            off[mine] = np.round(lines.list_amount[mine] * edition.truth.off).astype(np.int64)
    return off


def offer_on_orders(world: World, asked: Asked, goods: Ints) -> Ints:
    """Cents that own campaigns take off each order: a coupon, or from an amount on."""
    off = np.zeros(len(asked), np.int64)
    (chance,) = asked.draw(world, "own coupons", lambda rng, n: rng.random(n))
    for number, edition in enumerate(find_editions(world)):
        if not edition.acts:
            continue
        mine, truth = asked.edition == number, edition.truth
        if isinstance(truth, MemberDay):
            at, cents = truth.threshold
        else:
            at, cents = truth.coupon
            mine = mine & (chance < truth.used)
        off[mine & (goods >= at)] = cents
    return off
