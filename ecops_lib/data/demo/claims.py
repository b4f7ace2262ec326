"""Refund claims: before shipping, in transit, after receipt; and the planted wave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.returns import claimed_late
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import HOUR, NEVER, Flags, Ints, Times, World, add_seconds

STAGES = ("before_shipping", "in_transit", "after_receipt")
AFTER_RECEIPT = STAGES.index("after_receipt")
RATES = (0.03, 0.008, 0.06)
"""Share of paid lines claimed at each stage."""
REASONS: tuple[tuple[tuple[str, float], ...], ...] = (
    (("不想要了", 0.5), ("拍错/多拍", 0.3), ("信息填写错误", 0.2)),
    (("物流太慢", 0.6), ("不想要了", 0.4)),
    (
        ("不喜欢/不想要", 0.34),
        ("质量问题", 0.22),
        ("与商品描述不符", 0.16),
        ("商品破损", 0.12),
        ("少件/漏发", 0.08),
        ("卖家发错货", 0.08),
    ),
)
QUALITY = "质量问题"
KEPT = ("少件/漏发", "商品破损")
"""Reasons for which goods are not sent back."""
WITHDRAWN = 0.08
"""Share of claims after receipt that the buyer takes back."""
WAVE_WINDOW = 30

Words = np.ndarray[tuple[int], np.dtype[np.str_]]
Objects = np.ndarray[tuple[int], np.dtype[np.object_]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Claims:
    """One entry a refund claim made so far, by time of the claim.

    Attributes:
        line: Index of the line claimed.
        applied_at: When the buyer asked.
        finished_at: When it ended; NaT while pending.
        amount: Cents claimed.
        stage: Index into ``STAGES``.
        reason: What the buyer said.
        returns: Whether the goods come back.
        withdrawn: Whether it ended without money going back.
    """

    line: Ints
    applied_at: Times
    finished_at: Times
    amount: Ints
    stage: Ints
    reason: Words
    returns: Flags
    withdrawn: Flags

    def __len__(self) -> int:
        return len(self.line)

    @property
    def succeeded(self) -> Flags:
        """Whether the money went back."""
        done: Flags = ~np.isnat(self.finished_at) & ~self.withdrawn
        return done


def stage_of_lines(world: World, trade: Trade) -> Ints:
    """The stage at which each line would be claimed, or −1 for never."""
    rng = world.rng("claims")
    draw = rng.random(len(trade.lines))
    late = RATES[2] * world.catalogue.fragility[trade.lines.product]
    late = claimed_late(world, trade, late)
    stage = np.full(len(draw), -1)
    stage[draw < RATES[0] + RATES[1] + late] = 2
    stage[draw < RATES[0] + RATES[1]] = 1
    stage[draw < RATES[0]] = 0
    paid = ~np.isnat(trade.orders.paid_at[trade.lines.order])
    if out := world.truths.stock_out:
        stage[(trade.lines.product == out.product) & (stage == 0)] = -1
    return np.where(paid, stage, -1)


def make_claims(
    world: World, trade: Trade, stage: Ints, shipped: Times, delivered: Times
) -> Claims:
    """Draw the claims that buyers have made so far.

    Args:
        world: The shop's frame.
        trade: Its orders and lines.
        stage: Stage at which each line would be claimed, from ``stage_of_lines``.
        shipped: When each order's parcel left, or would leave.
        delivered: When it was received, or would be.
    """
    rng = world.rng("claim times")
    line = np.flatnonzero(stage >= 0)
    stage = stage[line]
    order = trade.lines.order[line]
    paid, left, got = trade.orders.paid_at[order], shipped[order], delivered[order]
    gap = (left - paid).astype(np.int64) * rng.uniform(0.02, 0.9, len(line))
    way = (got - left).astype(np.int64) * rng.uniform(0.3, 0.95, len(line))
    after = np.minimum(rng.exponential(3.2 * 24 * HOUR, len(line)), 20 * 24 * HOUR)
    applied = np.select(
        [stage == 0, stage == 1],
        [add_seconds(paid, gap), add_seconds(left, way)],
        add_seconds(got, after),
    )
    claims = _detail(world, rng, trade, line, stage, applied)
    claims = _with_wave(world, trade, claims, delivered)
    return _so_far(world, claims)


def _with_quality(world: World, trade: Trade, line: Ints, stage: Ints, reason: Objects) -> Objects:
    """More of the claims against the faulty supplier's goods name their quality."""
    faults = world.truths.suppliers
    if faults is None:
        return reason
    mine = world.catalogue.category[trade.lines.product[line]] == faults.faulty
    named = np.isin(reason, [name for name, _ in REASONS[2] if name not in KEPT])
    drawn = world.rng("complaints").random(len(reason)) < faults.complaints
    held = reason.copy()
    held[mine & (stage == 2) & named & drawn] = QUALITY
    return held


def _detail(
    world: World,
    rng: np.random.Generator,
    trade: Trade,
    line: Ints,
    stage: Ints,
    applied: Times,
) -> Claims:
    count = len(line)
    reason = np.empty(count, object)
    for number, choices in enumerate(REASONS):
        mine = stage == number
        names, weights = zip(*choices, strict=True)
        reason[mine] = rng.choice(names, int(mine.sum()), p=weights)
    reason = _with_quality(world, trade, line, stage, reason)
    returns = (stage == 2) & ~np.isin(reason, KEPT) & (rng.random(count) < 0.85)
    handling = np.where(
        returns, rng.lognormal(np.log(110), 0.5, count), rng.lognormal(np.log(9), 0.9, count)
    )
    handling = np.where(stage == 0, rng.exponential(2.0, count), handling)
    partial = (stage == 2) & ~returns & (rng.random(count) < 0.5)
    share = np.where(partial, rng.choice([0.2, 0.3, 0.5], count), 1.0)
    payable = trade.lines.payable[line]
    return Claims(
        line=line,
        applied_at=applied,
        finished_at=add_seconds(applied, handling * HOUR + 60),
        amount=np.maximum(np.round(payable * share).astype(np.int64), 1),
        stage=stage,
        reason=reason.astype(str),
        returns=returns,
        withdrawn=(stage == 2) & (rng.random(count) < WITHDRAWN),
    )


def _with_wave(world: World, trade: Trade, claims: Claims, delivered: Times) -> Claims:
    wave = world.truths.refund_wave
    if wave is None:
        return claims
    rng = world.rng("refund wave")
    got = delivered[trade.lines.order]
    start = np.datetime64(world.last_day, "s")
    near = (got < start) & (got >= start - np.timedelta64(WAVE_WINDOW, "D"))
    hit = near & (trade.lines.product == wave.product) & (rng.random(len(got)) < wave.share)
    line = np.setdiff1d(np.flatnonzero(hit), claims.line)
    count = len(line)
    applied = add_seconds(np.full(count, start), rng.uniform(8, 23.5, count) * HOUR)
    extra = Claims(
        line=line,
        applied_at=applied,
        finished_at=add_seconds(applied, rng.lognormal(np.log(60), 0.4, count) * HOUR),
        amount=trade.lines.payable[line],
        stage=np.full(count, 2),
        reason=np.full(count, wave.reason),
        returns=np.zeros(count, bool),
        withdrawn=np.zeros(count, bool),
    )
    return _joined(claims, extra)


def _joined(one: Claims, other: Claims) -> Claims:
    names = Claims.__dataclass_fields__
    return Claims(**{n: np.concatenate([getattr(one, n), getattr(other, n)]) for n in names})


def _so_far(world: World, claims: Claims) -> Claims:
    """What can be known at the time of the export."""
    made = np.flatnonzero(claims.applied_at < world.now)
    made = made[np.argsort(claims.applied_at[made], kind="stable")]
    kept = {name: getattr(claims, name)[made] for name in Claims.__dataclass_fields__}
    ended = kept["finished_at"]
    kept["finished_at"] = np.where(ended < world.now, ended, NEVER)
    return Claims(**kept)


def refunded_by_line(claims: Claims, lines: int) -> Ints:
    """Cents that went back, by line."""
    done = claims.succeeded
    back = np.zeros(lines, np.int64)
    np.add.at(back, claims.line[done], claims.amount[done])
    return back
