"""The members' points: earned, spent, taken back, and expired to the day.

Points earned first are spent, taken back and expire first; nobody ever has fewer than none.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.buyers import nickname
from ecops_lib.data.demo.claims import Claims
from ecops_lib.data.demo.fulfilment import STATUSES, Fulfilment
from ecops_lib.data.demo.members import is_member
from ecops_lib.data.demo.sheets import Sheet, stamps, texts
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import HOUR, Flags, Ints, Times, World

VALID_DAYS = 365
CENTS_A_POINT = 100
"""A point for each yuan paid for goods and kept."""
WORTH_CENTS = 1
"""What a point takes off a price."""
LEAST = 100
"""Points are spent in hundreds."""
SPENDS = 0.35
"""Share of the paid orders with enough points on the account that spend some."""
MOST = 0.5
"""No more than this share of an order can be paid with points."""
KINDS = ("earned", "redeemed", "expired")
_VALID = VALID_DAYS * 24 * HOUR


@dataclass(frozen=True, kw_only=True, eq=False)
class Ledger:
    """One entry a movement, by time.

    Attributes:
        buyer: Whose account it is.
        at: Second of the movement since 1970, in the shop's zone.
        kind: Index into ``KINDS``.
        points: Points, signed; what a refund takes back is earned below 0.
    """

    buyer: Ints
    at: Ints
    kind: Ints
    points: Ints


def keep_points(world: World, trade: Trade, done: Fulfilment, claims: Claims) -> Ledger:
    """The ledger of all members over the shop's life."""
    events = _events(world, trade, done, claims)
    now = int(world.now.astype(np.int64))
    rows: list[tuple[int, int, int, int]] = []
    accounts: dict[int, _Account] = {}
    for at, buyer, earned, spent in zip(*(column.tolist() for column in events), strict=True):
        account = accounts.setdefault(buyer, _Account(buyer=buyer, lots=deque(), rows=rows))
        account.expire(at)
        if spent:
            account.spend(at, spent)
        elif earned > 0:
            account.earn(at, earned)
        else:
            account.take_back(at, -earned)
    for account in accounts.values():
        account.expire(now - 1)
    buyer_, at_, kind, points = np.array(rows, np.int64).reshape(-1, 4).T
    order = np.lexsort((np.arange(len(at_)), at_))
    return Ledger(buyer=buyer_[order], at=at_[order], kind=kind[order], points=points[order])


@dataclass(frozen=True, kw_only=True)
class _Account:
    """A member's points: lots of [second at which they expire, points left], oldest first."""

    buyer: int
    lots: deque[list[int]]
    rows: list[tuple[int, int, int, int]]

    def earn(self, at: int, points: int) -> None:
        self.lots.append([at + _VALID, points])
        self.rows.append((self.buyer, at, 0, points))

    def expire(self, until: int) -> None:
        while self.lots and self.lots[0][0] <= until:
            at, points = self.lots.popleft()
            self.rows.append((self.buyer, at, 2, -points))

    def spend(self, at: int, most: int) -> None:
        points = min(most, self.balance) // LEAST * LEAST
        if points:
            self._take(points)
            self.rows.append((self.buyer, at, 1, -points))

    def take_back(self, at: int, points: int) -> None:
        taken = min(points, self.balance)
        if taken:
            self._take(taken)
            self.rows.append((self.buyer, at, 0, -taken))

    @property
    def balance(self) -> int:
        return sum(points for _, points in self.lots)

    def _take(self, points: int) -> None:
        while points:
            used = min(points, self.lots[0][1])
            self.lots[0][1] -= used
            points -= used
            if not self.lots[0][1]:
                self.lots.popleft()


def _events(
    world: World, trade: Trade, done: Fulfilment, claims: Claims
) -> tuple[Ints, Ints, Ints, Ints]:
    """What could move points, by time: second, buyer, points earned, most points to spend.

    Orders earn when they are completed, for what was not refunded by then; refunds after
    that take points back; paid orders may spend some.
    """
    orders = trade.orders
    rng = world.rng("points")
    member = is_member(world, trade)[orders.buyer]
    earns = np.flatnonzero(member & (done.status == STATUSES.index("completed")))
    of = trade.lines.order[claims.line]
    late = _after(claims, of, done)
    early = claims.succeeded & ~late
    back = np.bincount(of[early], claims.amount[early], len(orders)).astype(np.int64)
    kept = (orders.goods - back)[earns] // CENTS_A_POINT
    late &= member[of] & (done.status[of] == STATUSES.index("completed"))
    spends = np.flatnonzero(member & ~np.isnat(orders.paid_at) & (rng.random(len(orders)) < SPENDS))
    most = (orders.goods[spends] * MOST).astype(np.int64) // WORTH_CENTS
    parts = (
        (done.completed_at[earns], orders.buyer[earns], kept, np.zeros(len(earns), np.int64)),
        (
            claims.finished_at[late],
            orders.buyer[of[late]],
            -(claims.amount[late] // CENTS_A_POINT),
            np.zeros(int(late.sum()), np.int64),
        ),
        (orders.paid_at[spends], orders.buyer[spends], np.zeros(len(spends), np.int64), most),
    )
    at, buyer, earned, spent = (np.concatenate(column) for column in zip(*parts, strict=True))
    second = at.astype("datetime64[s]").astype(np.int64)
    moves = (earned != 0) | (spent >= LEAST)
    order = np.flatnonzero(moves)[np.lexsort((buyer[moves], second[moves]))]
    return second[order], buyer[order], earned[order], spent[order]


def _after(claims: Claims, order: Ints, done: Fulfilment) -> Flags:
    """Whether each refund went back after its order was completed."""
    later: Flags = claims.succeeded & (claims.finished_at > done.completed_at[order])
    return later


def make_points_sheet(ledger: Ledger) -> Sheet:
    """The membership system's ledger."""
    return Sheet(
        file="积分流水",
        table="points",
        columns={
            "movement_id": ("流水号", [f"P{k + 1:07d}" for k in range(len(ledger.at))]),
            "buyer_key": ("会员名", [nickname(k) for k in ledger.buyer.tolist()]),
            "moved_at": ("变动时间", stamps(_times(ledger.at))),
            "kind": ("变动类型", [KINDS[k] for k in ledger.kind.tolist()]),
            "points": ("积分", texts(ledger.points)),
        },
    )


def _times(seconds: Ints) -> Times:
    moments: Times = seconds.astype("datetime64[s]")
    return moments


def tell_points(ledger: Ledger) -> dict[str, object]:
    """How many points were earned, spent, expired, taken back, and are left."""
    sums = {name: int(ledger.points[ledger.kind == k].sum()) for k, name in enumerate(KINDS)}
    taken = -int(ledger.points[(ledger.kind == 0) & (ledger.points < 0)].sum())
    return {
        "valid_days": VALID_DAYS,
        "points_a_yuan": 100 // CENTS_A_POINT,
        "yuan_a_point": WORTH_CENTS / 100,
        "earned": sums["earned"] + taken,
        "taken_back": taken,
        "redeemed": -sums["redeemed"],
        "expired": -sums["expired"],
        "balance": int(ledger.points.sum()),
        "accounts": len(np.unique(ledger.buyer)),
        "effect_on_orders": 0,
    }
