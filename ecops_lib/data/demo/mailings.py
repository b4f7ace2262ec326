"""Messages to members, a random part of them held out, and what they truly do.

What a message brings is planted by handing orders on: an order of the window whose buyer
never buys otherwise becomes that of a member who was moved, and its buyer is never seen.
So the shop's days are the same with and without mailings. Who is held out is drawn
before anything happens, evenly among members who would buy anyway and who would not:
chance must not hide a truth, or feign one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np

from ecops_lib.data.demo.buyers import nickname
from ecops_lib.data.demo.hands import alone, region_of, with_buyers
from ecops_lib.data.demo.members import is_member
from ecops_lib.data.demo.sheets import Sheet, stamps, yuan
from ecops_lib.data.demo.trade import Orders, Trade
from ecops_lib.data.demo.truths import MailingLift
from ecops_lib.data.demo.world import HOUR, NEVER, Flags, Ints, Times, World, add_seconds

DAY = 24 * HOUR
IDLE = (30, 90)
"""Days since the last purchase of members who can be moved."""
AUDIENCE = 1500
"""Members of either kind, idle so long or not, that a mailing is drawn from."""
HELD_OUT = 0.2
MESSAGE_CENTS = 5
OPENED = 0.22
HASTE = 5 * DAY
"""Mean wait from message to order of those who are moved."""


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """One message.

    Attributes:
        message: What it is called.
        ago: Days before the last day on which it was sent.
        coupon_cents: What its coupon costs when a reader orders in the window.
    """

    message: str
    ago: int
    coupon_cents: int

    def sent_at(self, world: World) -> np.datetime64:
        """When it was sent."""
        return world.now - np.timedelta64(self.ago, "D") + np.timedelta64(10, "h")


MAILINGS = (
    Mailing(message="周年庆短信", ago=150, coupon_cents=0),
    Mailing(message="618召回券", ago=135, coupon_cents=500),
    Mailing(message="中秋礼盒短信", ago=40, coupon_cents=0),
    Mailing(message="双11预热短信", ago=9, coupon_cents=0),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sent:
    """One entry a member of a mailing.

    Attributes:
        mailing: Index into ``MAILINGS``.
        buyer: Index of the member.
        idle: Whether the last purchase lay 30 to 90 days back.
        held: Whether the member was held out.
        moved: Whether the mailing made, or spoiled, an order of the member.
    """

    mailing: Ints
    buyer: Ints
    idle: Flags
    held: Flags
    moved: Flags


def send_mailings(world: World, trade: Trade) -> tuple[Trade, Sent]:
    """Send each mailing in turn, and let it do what is planted."""
    rng = world.rng("contacts")
    parts = []
    for number, mailing in enumerate(MAILINGS):
        sent = _draw(world, rng, trade, number)
        planted = world.truths.contacts
        lift = planted.lifts.get(mailing.message, 0.0) if planted else 0.0
        if lift and len(sent.buyer):
            trade, moved = _move(world, rng, trade, sent, lift)
            sent.moved[moved] = True
        parts.append(sent)
    names = Sent.__dataclass_fields__
    return trade, Sent(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def _draw(world: World, rng: np.random.Generator, trade: Trade, number: int) -> Sent:
    """The members of a mailing, and a fifth of each kind who are held out."""
    opens = MAILINGS[number].sent_at(world)
    paid = trade.orders.paid_at
    before = paid < opens
    last = np.full(len(trade.buyers.province), np.datetime64(0, "s"))
    np.maximum.at(last, trade.orders.buyer[before], paid[before])
    known = is_member(world, trade) & (last > np.datetime64(0, "s"))
    days = (opens - last).astype(np.int64) // DAY
    idle = known & (days >= IDLE[0]) & (days <= IDLE[1])
    picked = [_some(rng, np.flatnonzero(kind)) for kind in (idle, known & ~idle)]
    buyer = np.sort(np.concatenate(picked))
    buys = np.isin(buyer, trade.orders.buyer[in_window(world, trade.orders, number)])
    return Sent(
        mailing=np.full(len(buyer), number),
        buyer=buyer,
        idle=idle[buyer],
        held=_hold_out(rng, buys + 2 * idle[buyer]),
        moved=np.zeros(len(buyer), bool),
    )


def _some(rng: np.random.Generator, people: Ints) -> Ints:
    chosen: Ints = rng.choice(people, min(len(people), AUDIENCE), replace=False)
    return chosen


def _hold_out(rng: np.random.Generator, kind: Ints) -> Flags:
    """One in five, as nearly as can be in every kind."""
    order = np.lexsort((rng.random(len(kind)), kind))
    held = np.zeros(len(kind), bool)
    held[order] = np.diff(np.floor(np.arange(len(kind) + 1) * HELD_OUT + rng.random())) > 0
    return held


def in_window(world: World, orders: Orders, number: int) -> Flags:
    """Whether each order was placed after a mailing and paid within its window."""
    opens = MAILINGS[number].sent_at(world)
    days = (world.truths.contacts or MailingLift()).window_days
    within: Flags = orders.created_at >= opens
    return within & (orders.paid_at < opens + np.timedelta64(days * DAY, "s"))


def _move(
    world: World, rng: np.random.Generator, trade: Trade, sent: Sent, lift: float
) -> tuple[Trade, Ints]:
    """Hand orders of the window to some who got the message or, if lift < 0, away from them.

    Returns:
        The shop's trade, and the places in ``sent`` of those who were moved.
    """
    orders = trade.orders
    within = in_window(world, orders, int(sent.mailing[0]))
    once = np.bincount(orders.buyer[within], minlength=len(trade.buyers.province)) == 1
    within &= alone(world, orders) & once[orders.buyer]
    reached = rng.permutation(sent.buyer[sent.idle & ~sent.held])
    count = round(abs(lift) * len(reached))
    buyer = orders.buyer.copy()
    if lift > 0:
        offered, takers = _passing(world, rng, trade, within, sent), reached[:count]
    else:
        offered = rng.permutation(np.flatnonzero(within & np.isin(buyer, reached)))[:count]
        takers = rng.permutation(np.setdiff1d(buyer, sent.buyer))
    pairs = _pair(world, trade, offered, takers)
    before = buyer[pairs[0]]
    buyer[pairs[0]] = pairs[1]
    moved = np.searchsorted(sent.buyer, pairs[1] if lift > 0 else before)
    return with_buyers(trade, buyer), moved


def _passing(
    world: World, rng: np.random.Generator, trade: Trade, within: Flags, sent: Sent
) -> Ints:
    """Orders of the window whose buyers never buy otherwise, mostly the earlier ones first."""
    buyer = trade.orders.buyer
    once = (np.bincount(buyer) == 1) & ~trade.buyers.known_before[: buyer.max() + 1]
    offered = np.flatnonzero(within & once[buyer])
    opens = MAILINGS[int(sent.mailing[0])].sent_at(world)
    wait = (trade.orders.created_at[offered] - opens).astype(np.int64)
    order: Ints = offered[np.argsort(rng.exponential(1, len(offered)) * np.exp(wait / HASTE))]
    return order


def _pair(world: World, trade: Trade, offered: Ints, takers: Ints) -> tuple[Ints, Ints]:
    """Give orders in turn to people of their region who buy nothing else on their days."""
    orders = trade.orders
    placed, paid = world.day_index(orders.created_at), world.day_index(orders.paid_at)
    theirs = np.isin(orders.buyer, takers)
    people = orders.buyer[theirs].tolist()
    busy = set(zip(people, placed[theirs].tolist(), strict=True))
    busy |= set(zip(people, paid[theirs].tolist(), strict=True))
    lines: dict[int, list[int]] = {}
    regions = region_of(trade.buyers.province[takers])
    for person, region in zip(takers.tolist(), regions.tolist(), strict=True):
        lines.setdefault(region, []).append(person)
    pairs = []
    for order, region in zip(
        offered.tolist(), region_of(orders.province[offered]).tolist(), strict=True
    ):
        days = (int(placed[order]), int(paid[order]))
        line = lines.get(region, [])
        taker = next((p for p in line if all((p, day) not in busy for day in days)), None)
        if taker is not None:
            line.remove(taker)
            pairs.append((order, taker))
    held = np.array(pairs, np.int64).reshape(-1, 2)
    return held[:, 0], held[:, 1]


def make_contacts_sheet(world: World, trade: Trade, sent: Sent) -> Sheet:
    """Who got which message, who was held out, and what it cost."""
    rng = world.rng("openings")
    count = len(sent.buyer)
    orders, first = _ordered(world, trade, sent)
    opens = np.array([mailing.sent_at(world) for mailing in MAILINGS])[sent.mailing]
    bought = orders > 0
    wait = rng.exponential(5 * HOUR, count)
    delay = np.where(bought, (first - opens).astype(np.int64) / 2, np.inf)
    wait = np.where(sent.moved, np.minimum(wait, delay), wait)
    opened = ~sent.held & ((rng.random(count) < OPENED) | (sent.moved & bought))
    coupon = np.array([mailing.coupon_cents for mailing in MAILINGS])[sent.mailing] * bought
    when = np.where(opened, add_seconds(opens, wait), NEVER)
    return Sheet(
        file="短信触达",
        table="contacts",
        columns={
            "contact_id": ("触达批次", [_batch(k) for k in sent.mailing.tolist()]),
            "buyer_key": ("会员名", [nickname(k) for k in sent.buyer.tolist()]),
            "sent_at": ("发送时间", stamps(opens)),
            "held_out": ("是否留白", np.where(sent.held, "是", "否").tolist()),
            "message": ("内容", [MAILINGS[k].message for k in sent.mailing.tolist()]),
            "cost": ("费用", yuan(np.where(sent.held, 0, MESSAGE_CENTS + coupon))),
            "opened_at": ("打开时间", stamps(np.where(when < world.now, when, NEVER))),
        },
    )


def _batch(number: int) -> str:
    return f"C{number + 1:03d}"


def _ordered(world: World, trade: Trade, sent: Sent) -> tuple[Ints, Times]:
    """Orders of each member in the window of the mailing, and when the first was placed."""
    orders = trade.orders
    count, first = np.zeros(len(sent.buyer), np.int64), np.full(len(sent.buyer), NEVER)
    everybody = len(trade.buyers.province)
    for number in range(len(MAILINGS)):
        mine = sent.mailing == number
        within = np.flatnonzero(in_window(world, orders, number))
        earliest = np.full(everybody, NEVER)
        np.fmin.at(earliest, orders.buyer[within], orders.created_at[within])
        count[mine] = np.bincount(orders.buyer[within], minlength=everybody)[sent.buyer[mine]]
        first[mine] = earliest[sent.buyer[mine]]
    return count, first


def tell_contacts(world: World, trade: Trade, sent: Sent) -> list[dict[str, object]] | None:
    """What each mailing truly did, and what a comparison with the held-out shows."""
    planted = world.truths.contacts
    if planted is None:
        return None
    orders, _ = _ordered(world, trade, sent)
    bought = orders > 0
    told: list[dict[str, object]] = []
    for number, mailing in enumerate(MAILINGS):
        mine = sent.mailing == number
        lift = planted.lifts.get(mailing.message, 0.0)
        turned = sent.moved & mine & (orders == (1 if lift > 0 else 0))
        effect = float(np.sign(lift)) * int(turned.sum()) / max(int((mine & ~sent.held).sum()), 1)
        told.append(
            {
                "contact_id": _batch(number),
                **asdict(mailing),
                "sent_at": str(mailing.sent_at(world)),
                "window_days": planted.window_days,
                "window_over": mailing.ago > planted.window_days,
                "lift_of_idle": lift,
                "idle_days": list(IDLE),
                "moved": int((sent.moved & mine).sum()),
                "true_effect": round(effect, 5),
                "all": _compared(bought[mine], sent.held[mine]),
                "idle": _compared(bought[mine & sent.idle], sent.held[mine & sent.idle]),
                "others": _compared(bought[mine & ~sent.idle], sent.held[mine & ~sent.idle]),
            }
        )
    return told


def _compared(bought: Flags, held: Flags) -> dict[str, object]:
    """Members and buyers, held out and contacted, and how sure their difference is."""
    arms = [bought[held], bought[~held]]
    n = np.array([max(len(arm), 1) for arm in arms])
    rates = np.array([arm.sum() for arm in arms]) / n
    pooled = bought.mean() if len(bought) else 0.0
    spread = sqrt(pooled * (1 - pooled) * float((1 / n).sum()))
    return {
        "members": [len(arm) for arm in arms],
        "bought": [int(arm.sum()) for arm in arms],
        "share": rates.round(5).tolist(),
        "z": round(float(rates[1] - rates[0]) / spread, 2) if spread else None,
    }
