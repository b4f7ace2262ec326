"""From payment to receipt: shipping, pick-up, delivery, completion, and each order's state."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ecops_lib.data.demo.asked import hold_back_none
from ecops_lib.data.demo.buyers import NEAR, among
from ecops_lib.data.demo.claims import Claims, make_claims, refunded_by_line, stage_of_lines
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import HOUR, NEVER, Flags, Floats, Ints, Times, World, add_seconds

STATUSES = ("unpaid", "paid", "shipped", "completed", "closed")
CARRIERS = ("示例速运", "演示快递", "样板物流", "范例大件")
PAY_WITHIN_HOURS = 24
FORGOTTEN = 25
"""Of so many paid orders in a row the warehouse forgets one, so that some are always late."""
FORGOTTEN_HOURS = (60, 180)
"""Shortest and longest wait of those."""
RECEIVED_AFTER_DAYS = 10
"""The platform confirms receipt by itself after so many days."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fulfilment:
    """What became of each order by the time of the export (NaT: not yet).

    Attributes:
        shipped_at: When the parcel was handed over.
        picked_up_at: When the carrier first scanned it.
        delivered_at: When it was received.
        completed_at: When the order was completed or closed.
        status: Index into ``STATUSES``.
        close_reason: Why it was closed; empty otherwise.
        refunded: Cents refunded so far.
        line_shipped: Whether each line left the warehouse.
        carrier: Index into ``CARRIERS``.
    """

    shipped_at: Times
    picked_up_at: Times
    delivered_at: Times
    completed_at: Times
    status: Ints
    close_reason: np.ndarray[tuple[int], np.dtype[np.str_]]
    refunded: Ints
    line_shipped: Flags
    carrier: Ints


def make_fulfilment(world: World, trade: Trade) -> tuple[Fulfilment, Claims]:
    """Ship the orders, let buyers claim, and settle every order's state."""
    rng = world.rng("fulfilment")
    count = len(trade.orders)
    shipped = _planned_shipping(world, trade, rng)
    picked = add_seconds(shipped, rng.gamma(2.2, 3.2 * HOUR, count))
    remote = ~among(trade.orders.province, NEAR)
    way = rng.lognormal(np.log(46), 0.35, count) + 30 * remote
    delivered = add_seconds(picked, way * HOUR)
    stage = stage_of_lines(world, trade)
    claims = make_claims(world, trade, stage, shipped, delivered)
    shipped, line_shipped = _held_back(world, trade, claims, shipped)
    hidden = np.isnat(shipped)
    picked, delivered = (np.where(hidden, NEVER, t) for t in (picked, delivered))
    picked, delivered = (np.where(t < world.now, t, NEVER) for t in (picked, delivered))
    confirmed = add_seconds(delivered, rng.uniform(0.2, RECEIVED_AFTER_DAYS, count) * 24 * HOUR)
    heavy = np.isin(world.catalogue.category[_first_product(trade)], (3, 4))
    carrier = np.where(
        heavy & (rng.random(count) < 0.4), 3, rng.choice(3, count, p=(0.5, 0.3, 0.2))
    )
    carrier = _slow_lane(world, carrier, way, remote)
    fulfilment = Fulfilment(
        shipped_at=shipped,
        picked_up_at=picked,
        delivered_at=delivered,
        completed_at=np.where(confirmed < world.now, confirmed, NEVER),
        status=np.zeros(count, np.int64),
        close_reason=np.full(count, ""),
        refunded=np.bincount(
            trade.lines.order, refunded_by_line(claims, len(trade.lines)), count
        ).astype(np.int64),
        line_shipped=line_shipped,
        carrier=carrier,
    )
    return _settled(world, trade, claims, fulfilment), claims


def _slow_lane(world: World, carrier: Ints, way: Floats, remote: Flags) -> Ints:
    """Give the slow carrier more of the parcels that take long to far provinces."""
    faults = world.truths.carriers
    if faults is None:
        return carrier
    mine = np.flatnonzero(remote & (carrier < 3))
    rank = way[mine].argsort().argsort() / max(len(mine), 1)
    moved = world.rng("lanes").random(len(mine)) < faults.pull * rank**2
    held = carrier.copy()
    held[mine] = np.where(
        moved, faults.slow, np.where(carrier[mine] == faults.slow, 0, carrier[mine])
    )
    return held


def _first_product(trade: Trade) -> Ints:
    first = np.searchsorted(trade.lines.order, np.arange(len(trade.orders)))
    product: Ints = trade.lines.product[first]
    return product


def _planned_shipping(world: World, trade: Trade, rng: np.random.Generator) -> Times:
    """When each order would leave the warehouse if nobody claimed."""
    count = len(trade.orders)
    hours = rng.lognormal(np.log(15), 0.45, count)
    paid = trade.orders.paid_at
    row, place = np.divmod(np.cumsum(~np.isnat(paid)), FORGOTTEN)
    forgotten = place == rng.integers(0, FORGOTTEN, count // FORGOTTEN + 1)[row]
    hours = np.where(forgotten, rng.uniform(*FORGOTTEN_HOURS, count), hours)
    if out := world.truths.stock_out:
        holds = np.zeros(count, bool)
        holds[trade.lines.order[trade.lines.product == out.product]] = True
        start = np.datetime64(world.day_of(out.begins), "s")
        last = holds & (paid < start) & (add_seconds(paid, hours * HOUR) >= start)
        hours = np.where(last, rng.uniform(2, 10, count), hours)
    last = hold_back_none(world, trade, add_seconds(paid, hours * HOUR))
    hours = np.where(last, world.rng("last units").uniform(2, 10, count), hours)
    return add_seconds(paid, hours * HOUR)


def _held_back(world: World, trade: Trade, claims: Claims, shipped: Times) -> tuple[Times, Flags]:
    """Lines refunded before shipping never leave; nor do orders all of whose lines are."""
    stays = np.zeros(len(trade.lines), bool)
    stays[claims.line[claims.stage == 0]] = True
    lines = np.bincount(trade.lines.order, minlength=len(shipped))
    staying = np.bincount(trade.lines.order, stays, len(shipped))
    shipped = np.where((shipped < world.now) & (staying < lines), shipped, NEVER)
    left = ~np.isnat(shipped)[trade.lines.order] & ~stays
    return shipped, left


def _settled(world: World, trade: Trade, claims: Claims, made: Fulfilment) -> Fulfilment:
    orders = trade.orders
    count = len(orders)
    paid = ~np.isnat(orders.paid_at)
    status = np.where(paid, 1, 0)
    status[paid & ~np.isnat(made.shipped_at)] = 2
    status[paid & ~np.isnat(made.completed_at)] = 3
    completed, reason = made.completed_at.copy(), np.full(count, "", dtype="<U20")
    whole = paid & (made.refunded >= orders.goods)
    done = claims.succeeded
    last = np.full(count, np.datetime64(0, "s"))
    np.maximum.at(last, trade.lines.order[claims.line[done]], claims.finished_at[done])
    status[whole], reason[whole], completed[whole] = 4, "退款成功", last[whole]
    limit = add_seconds(orders.created_at, np.full(count, PAY_WITHIN_HOURS * HOUR))
    lapsed = ~paid & (orders.presale < 0) & (limit < world.now)
    unpaid_deposit = (
        ~paid & (orders.presale >= 0) & np.isnat(orders.deposit_at) & (limit < world.now)
    )
    lapsed |= unpaid_deposit
    status[lapsed], reason[lapsed], completed[lapsed] = 4, "买家未付款超时关闭", limit[lapsed]
    late = add_seconds(orders.deposit_at, np.full(count, 20 * 24 * HOUR))
    forfeited = ~paid & ~np.isnat(orders.deposit_at) & (late < world.now)
    status[forfeited], reason[forfeited], completed[forfeited] = 4, "尾款超时未付", late[forfeited]
    return replace(made, status=status, close_reason=reason, completed_at=completed)
