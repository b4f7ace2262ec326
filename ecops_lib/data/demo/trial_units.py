"""Who met a test, what they bought, and which variant they were shown.

The tests are planted backwards. The shop's orders and refunds stand as they are; who
would have seen each test is taken from them (buyers shortly before they order, earlier
buyers who only look, and visitors who never bought), and the variant of each of them is
drawn from P(variant | what the unit did, how often it had bought before): Bayes' theorem
on a test in which the variant was drawn first and the treatment multiplied the chance to
buy by 1 + lift, and the buyers' chance to send back by 1 + refunds. Drawn that way, the
units cannot be told from those of a true test: the split is as planned, overall and
among units of any number of earlier orders, and only outcomes differ. What the treatment
"caused" is therefore known, and the rest of the shop is the same with and without a test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.baskets import HOURS
from ecops_lib.data.demo.fulfilment import Fulfilment
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.trials import DAY, SHARE, WINDOW, Trial
from ecops_lib.data.demo.world import HOUR, Flags, Floats, Ints, Times, World, add_seconds

DEVICES, DEVICE_SHARE = ("安卓", "苹果", "电脑"), (0.55, 0.4, 0.05)
RATE = 0.06
"""Units that buy within the window, of all units of a test."""
HESITANT, AHEAD = 0.4, 5 * DAY
"""Share of the buyers who are first seen before the visit in which they order, and how long."""
LOOKERS = 2
"""Earlier buyers who saw the test and placed no order, as a multiple of the buyers in it."""
CROSSED = 0.004
"""Share of the units that were shown the other variant later."""
STRATA = 4
"""Units are balanced by their earlier orders: 0, 1, 2, or 3 and more."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """One entry a unit of a test that its log holds, by time of its first exposure.

    Attributes:
        account: Index of the buyer; −1 − n for the n-th visitor who never bought.
        exposed_at: First exposure.
        converted: Whether it placed an order and paid for it within the window.
        paid: Cents of those orders.
        refunded: Cents of them that went back so far.
        treated: Whether its first exposure was the treatment.
        crossed: Whether it was shown the other variant later.
        device: Index into ``DEVICES``.
    """

    account: Ints
    exposed_at: Times
    converted: Flags
    paid: Ints
    refunded: Ints
    treated: Flags
    crossed: Flags
    device: Ints

    def __len__(self) -> int:
        return len(self.account)


def draw_units(
    world: World, trial: Trial, trade: Trade, done: Fulfilment, traffic: Traffic
) -> Units:
    """The units of a test with what they did and the variant that this suggests."""
    rng = world.rng(f"trial {trial.truth}")
    buyer, exposed = _known_units(world, trial, trade, traffic, rng)
    bought, paid, refunded, before = _outcomes(trade, done, buyer, exposed)
    strangers = max(round(int(bought.sum()) / RATE) - len(buyer), 0)
    seen = _busy_moments(world, trial, traffic, rng, strangers)
    held = np.concatenate([exposed, seen])
    order = np.argsort(held, kind="stable")
    nothing = np.zeros(strangers, np.int64)
    paid, refunded, before, bought = (
        np.concatenate([values, nothing])[order] for values in (paid, refunded, before, bought)
    )
    converted = bought > 0
    treated = draw_variants(rng, paid, refunded, before, **trial.effects(world))
    device = rng.choice(len(DEVICES), len(order), p=DEVICE_SHARE)
    soon_over = add_seconds(held[order], np.full(len(order), HOUR)) >= trial.over(world)
    units = Units(
        account=np.concatenate([buyer, -1 - np.arange(strangers)])[order],
        exposed_at=held[order],
        converted=converted,
        paid=paid,
        refunded=refunded,
        treated=treated,
        crossed=(rng.random(len(order)) < CROSSED) & ~soon_over,
        device=device,
    )
    return _without_lost(world, trial, rng, units)


def _known_units(
    world: World, trial: Trial, trade: Trade, traffic: Traffic, rng: np.random.Generator
) -> tuple[Ints, Times]:
    """Buyers seen when they order or up to some days before; earlier buyers who only look."""
    start, over = np.datetime64(trial.start(world), "s"), trial.over(world)
    placed = trade.orders.created_at
    near = (placed >= start) & (placed < over + np.timedelta64(AHEAD, "s"))
    people, first = np.unique(trade.orders.buyer[near], return_index=True)
    ordered = placed[near][first]
    visit = add_seconds(ordered, -30 - rng.exponential(HOUR / 3, len(people)))
    ahead = add_seconds(ordered, -rng.uniform(HOUR, AHEAD, len(people)))
    hesitates = (rng.random(len(people)) < HESITANT) & (ahead >= start)
    seen = np.where(hesitates, ahead, np.maximum(visit, start))
    met = (rng.random(len(people)) < trial.reach) & (seen < over)
    earlier = np.setdiff1d(trade.orders.buyer[placed < start], people)
    count = min(LOOKERS * int(met.sum()), len(earlier))
    lookers = np.sort(rng.choice(earlier, count, replace=False))
    looked = _busy_moments(world, trial, traffic, rng, count)
    return np.concatenate([people[met], lookers]), np.concatenate([seen[met], looked])


def _busy_moments(
    world: World, trial: Trial, traffic: Traffic, rng: np.random.Generator, count: int
) -> Times:
    """Moments of a test at which visitors come, as busy as the shop was."""
    first = world.index(trial.began)
    visitors = traffic.shop.visitors[first : first + trial.days, 0]
    day = rng.choice(trial.days, count, p=visitors / visitors.sum())
    hour = rng.choice(24, count, p=HOURS / HOURS.sum())
    second = hour * HOUR + rng.integers(0, HOUR, count)
    return add_seconds(world.days[first + day], second)


def _outcomes(
    trade: Trade, done: Fulfilment, buyer: Ints, exposed: Times
) -> tuple[Ints, Ints, Ints, Ints]:
    """Orders placed once exposed and paid in the window; their cents, cents back; earlier ones."""
    unit = np.full(len(trade.buyers.province), -1)
    unit[buyer] = np.arange(len(buyer))
    mine = np.flatnonzero((unit[trade.orders.buyer] >= 0) & ~np.isnat(trade.orders.paid_at))
    of = unit[trade.orders.buyer[mine]]
    wait = (trade.orders.paid_at[mine] - exposed[of]).astype(np.int64)
    placed = trade.orders.created_at[mine] >= exposed[of]
    within, before = placed & (wait < WINDOW * DAY), wait < 0
    bought = np.bincount(of[within], minlength=len(buyer))
    paid = np.bincount(of[within], trade.orders.total[mine][within], len(buyer))
    back = np.bincount(of[within], done.refunded[mine][within], len(buyer))
    earlier = np.bincount(of[before], minlength=len(buyer))
    return bought, paid.astype(np.int64), back.astype(np.int64), earlier


def draw_variants(
    rng: np.random.Generator,
    paid: Ints,
    back: Ints,
    before: Ints,
    *,
    lift: float = 0.0,
    refunds: float = 0.0,
) -> Flags:
    """Draw whether each unit is treated, from P(treatment | outcome, earlier orders).

    Among buyers who keep (send back) what they bought, the odds of the treatment are the
    planned odds times the planted ratio of such buyers. Those who did not buy make up for
    it within their stratum of earlier orders, so that each has the planned share.
    Who sent back, and every buyer where an effect is planted, is drawn systematically.

    Args:
        rng: Source of chance.
        paid: Cents that each unit paid; more than none if it bought.
        back: Cents of them that went back to it.
        before: Orders of each before it was exposed.
        lift: Conversion of the treatment over that of the control, less 1.
        refunds: Share of its buyers who get money back over that of the control, less 1.
    """
    sells, returns = 1 + lift, 1 + refunds
    converted, refunded = paid > 0, back > 0
    buyers = max(int(converted.sum()), 1)
    seen = refunded.sum() / buyers
    usual = seen * (SHARE * sells + 1 - SHARE) / (SHARE * sells * returns + 1 - SHARE)
    keeps = sells * max(1 - usual * returns, 0) / max(1 - usual, 1 / buyers)
    ratio = np.where(refunded, sells * returns, keeps)
    chance = np.where(converted, SHARE * ratio / (SHARE * ratio + 1 - SHARE), 0.0)
    stratum = np.minimum(before, STRATA - 1)
    units = np.bincount(stratum, minlength=STRATA)
    taken = np.bincount(stratum, chance, STRATA)
    others = units - np.bincount(stratum, converted, STRATA)
    rest = np.clip((SHARE * units - taken) / np.maximum(others, 1), 0, 1)
    treated: Flags = rng.random(len(chance)) < np.where(converted, chance, rest[stratum])
    _spread(rng, treated, chance, _by_size(back, refunded))
    if lift or refunds:
        _spread(rng, treated, chance, _by_size(paid, converted & ~refunded))
    return treated


def _by_size(cents: Ints, some: Flags) -> Ints:
    """Places of some of the units, the smallest sum first."""
    who = np.flatnonzero(some)
    place: Ints = who[np.argsort(cents[who], kind="stable")]
    return place


def _spread(rng: np.random.Generator, treated: Flags, chance: Floats, who: Ints) -> None:
    """Let some units be treated in turn instead of by lot, each still with its chance.

    Planted effects come out as planted then, and sums, uneven as they are, are spread
    evenly by size: chance must not hide a truth, or feign one.
    """
    steps = np.floor(chance[who].cumsum() + rng.random())
    treated[who] = np.diff(steps, prepend=0) > 0


def _without_lost(world: World, trial: Trial, rng: np.random.Generator, units: Units) -> Units:
    """The units that the log holds: an uneven split loses treated ones of one segment."""
    split = world.truths.uneven_split
    if trial.truth != "uneven_split" or split is None:
        return units
    hit = units.treated & (np.array(DEVICES)[units.device] == split.segment)
    kept = ~(hit & (rng.random(len(units)) < split.lost))
    return Units(**{name: values[kept] for name, values in vars(units).items()})
