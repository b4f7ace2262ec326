"""The shop's A/B tests: who was shown which variant, and when.

The tests are planted backwards. The shop's orders and refunds stand as they are; who
would have seen each test is taken from them (buyers shortly before they order, earlier
buyers who only look, and visitors who never bought), and the variant of each of them is
drawn from P(variant | what the unit did, how often it had bought before): Bayes' theorem
on a test in which the variant was drawn first and the treatment multiplied the chance to
buy by 1 + lift, and the buyers' chance to send back by 1 + refunds. Drawn that way, the
units cannot be told from those of a true test: the split is as planned, overall and
among units of any number of earlier orders, and only outcomes differ. What the treatment
"caused" is therefore known, and the rest of the shop is the same with and without a test.

The log has the faults of real ones: units seen several times, in both variants, after
the end, and programmes that load the page all day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.data.demo.buyers import nickname
from ecops_lib.data.demo.fulfilment import Fulfilment
from ecops_lib.data.demo.sheets import Sheet, stamps
from ecops_lib.data.demo.trade import HOURS, Trade
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.world import HOUR, Flags, Floats, Ints, Times, World, add_seconds

if TYPE_CHECKING:
    from ecops_lib.data.demo.truths import CostlyWinner, NoEffect, TrueWinner, UnevenSplit

    Truth = TrueWinner | NoEffect | UnevenSplit | CostlyWinner | None

DEVICES, DEVICE_SHARE = ("安卓", "苹果", "电脑"), (0.55, 0.4, 0.05)
DAY = 24 * HOUR
SHARE = 0.5
"""Planned share of the treatment."""
WINDOW = 7
"""Days after the first exposure in which an order counts."""
LEAST_EFFECT = 0.15
"""Smallest relative effect worth having: about what so many units can tell."""
HISTORY = 28
"""Days of orders that must lie before a test; one that began earlier is left out."""
RATE = 0.06
"""Units that buy within the window, of all units of a test."""
LOOKERS = 2
"""Earlier buyers who saw the test and placed no order, as a multiple of the buyers in it."""
REPEATED, CROSSED, LATE = 0.25, 0.004, 0.003
"""Shares of the units that were seen again, in the other variant, only after the end."""
BOTS, BOT_LOADS = 6, 180
STRANGE = 500_000
"""Number of the first account that is no unit of its test."""
STRATA = 4
"""Units are balanced by their earlier orders: 0, 1, 2, or 3 and more."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One test.

    Attributes:
        truth: Name of its truth in ``Truths``.
        experiment_id: What the shop calls it.
        control: The variant that is the shop as it was.
        treatment: The other one.
        began: Days before the last day on which it began.
        days: How long it ran.
        reach: Share of the shop's buyers of those days who came past it.
    """

    truth: str
    experiment_id: str
    control: str
    treatment: str
    began: int
    days: int
    reach: float

    def start(self, world: World) -> dt.date:
        """Its first day."""
        return world.day_of(self.began)

    def end(self, world: World) -> dt.date:
        """Its last day."""
        return world.day_of(self.began - self.days + 1)


TRIALS = (
    Trial(
        truth="true_winner",
        experiment_id="详情页首屏测试",
        control="原首屏",
        treatment="新首屏",
        began=218,
        days=28,
        reach=0.95,
    ),
    Trial(
        truth="no_effect",
        experiment_id="商品标题测试",
        control="原标题",
        treatment="新标题",
        began=113,
        days=28,
        reach=0.95,
    ),
    Trial(
        truth="costly_winner",
        experiment_id="限时倒计时测试",
        control="原页面",
        treatment="倒计时页面",
        began=71,
        days=28,
        reach=0.95,
    ),
    Trial(
        truth="uneven_split",
        experiment_id="主图测试",
        control="原主图",
        treatment="新主图",
        began=33,
        days=14,
        reach=0.6,
    ),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """One entry a unit of a test that its log holds, by time of its first exposure.

    Attributes:
        account: Index of the buyer; −1 − n for the n-th visitor who never bought.
        exposed_at: First exposure.
        converted: Whether it paid for an order within the window.
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


_Lines = tuple[Ints, Flags, Ints, Times]
"""Account, whether shown the treatment, device and moment of lines of a log."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A test as it ran: its units, and every line of its log."""

    trial: Trial
    units: Units
    names: list[str]
    treated: Flags
    exposed_at: Times
    device: Ints


def run_trials(world: World, trade: Trade, done: Fulfilment, traffic: Traffic) -> tuple[Run, ...]:
    """All tests that were run, the oldest first."""
    return tuple(
        _log(world, trial, _draw_units(world, trial, trade, done, traffic))
        for trial in _trials(world)
    )


def _trials(world: World) -> list[Trial]:
    """The tests that were run: their truth is planted, and orders lie before them."""
    room = len(world.days) - HISTORY
    return [
        trial
        for trial in TRIALS
        if trial.began < room and (_truth(world, trial) or trial.truth == "uneven_split")
    ]


def _truth(world: World, trial: Trial) -> Truth:
    truth: Truth = getattr(world.truths, trial.truth)
    return truth


def _draw_units(
    world: World, trial: Trial, trade: Trade, done: Fulfilment, traffic: Traffic
) -> Units:
    rng = world.rng(f"trial {trial.truth}")
    buyer, exposed = _known_units(world, trial, trade, traffic, rng)
    bought, paid, refunded, before = _outcomes(trade, done, buyer, exposed)
    strangers = max(round(int(bought.sum()) / RATE) - len(buyer), 0)
    seen = _moments(world, trial, traffic, rng, strangers)
    held = np.concatenate([exposed, seen])
    order = np.argsort(held, kind="stable")
    nothing = np.zeros(strangers, np.int64)
    paid, refunded, before, bought = (
        np.concatenate([values, nothing])[order] for values in (paid, refunded, before, bought)
    )
    converted = bought > 0
    treated = _variants(_truth(world, trial), rng, converted, refunded, before)
    device = rng.choice(len(DEVICES), len(order), p=DEVICE_SHARE)
    units = Units(
        account=np.concatenate([buyer, -1 - np.arange(strangers)])[order],
        exposed_at=held[order],
        converted=converted,
        paid=paid,
        refunded=refunded,
        treated=treated,
        crossed=rng.random(len(order)) < CROSSED,
        device=device,
    )
    return _without_lost(world, trial, rng, units)


def _known_units(
    world: World, trial: Trial, trade: Trade, traffic: Traffic, rng: np.random.Generator
) -> tuple[Ints, Times]:
    """Buyers who order during the test, seen before their order; earlier buyers who look."""
    start = np.datetime64(trial.start(world), "s")
    end = start + np.timedelta64(trial.days, "D")
    placed = trade.orders.created_at
    during = (placed >= start) & (placed < end)
    people, first = np.unique(trade.orders.buyer[during], return_index=True)
    met = rng.random(len(people)) < trial.reach
    ordered = placed[during][first[met]]
    ahead = np.where(
        rng.random(len(ordered)) < 0.6,
        30 + rng.exponential(HOUR / 3, len(ordered)),
        rng.uniform(HOUR, 5 * DAY, len(ordered)),
    )
    room = (ordered - start).astype(np.int64)
    ahead = np.where(ahead < room, ahead, room * rng.random(len(room)))
    earlier = np.setdiff1d(trade.orders.buyer[placed < start], people)
    lookers = np.sort(rng.choice(earlier, min(LOOKERS * len(ordered), len(earlier)), replace=False))
    looked = _moments(world, trial, traffic, rng, len(lookers))
    return (
        np.concatenate([people[met], lookers]),
        np.concatenate([add_seconds(ordered, -ahead), looked]),
    )


def _moments(
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
    """Orders paid within the window, their cents, cents back, and orders paid before."""
    unit = np.full(len(trade.buyers.province), -1)
    unit[buyer] = np.arange(len(buyer))
    mine = np.flatnonzero((unit[trade.orders.buyer] >= 0) & ~np.isnat(trade.orders.paid_at))
    of = unit[trade.orders.buyer[mine]]
    wait = (trade.orders.paid_at[mine] - exposed[of]).astype(np.int64)
    within, before = (wait >= 0) & (wait < WINDOW * DAY), wait < 0
    bought = np.bincount(of[within], minlength=len(buyer))
    paid = np.bincount(of[within], trade.orders.total[mine][within], len(buyer))
    back = np.bincount(of[within], done.refunded[mine][within], len(buyer))
    earlier = np.bincount(of[before], minlength=len(buyer))
    return bought, paid.astype(np.int64), back.astype(np.int64), earlier


def _variants(
    truth: Truth, rng: np.random.Generator, converted: Flags, back: Ints, before: Ints
) -> Flags:
    """Draw each unit's variant from P(treatment | outcome, earlier orders).

    Among buyers who keep (send back) what they bought, the odds of the treatment are the
    planned odds times the planted ratio of such buyers. Those who did not buy make up for
    it within their stratum of earlier orders, so that each has the planned share.
    """
    sells = 1 + getattr(truth, "lift", 0.0)
    returns = 1 + getattr(truth, "refunds", 0.0)
    buyers = max(int(converted.sum()), 1)
    refunded = back > 0
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
    return _evened(rng, treated, chance, back)


def _evened(rng: np.random.Generator, treated: Flags, chance: Floats, back: Ints) -> Flags:
    """Let every second or so of those who sent back be treated, in the order of the sums.

    They are few and their sums uneven: chance must not hide a truth (or feign one).
    """
    few = np.flatnonzero(back > 0)
    few = few[np.argsort(back[few], kind="stable")]
    steps = np.floor(chance[few].cumsum() + rng.random())
    even = treated.copy()
    even[few] = np.diff(steps, prepend=0) > 0
    return even


def _without_lost(world: World, trial: Trial, rng: np.random.Generator, units: Units) -> Units:
    """The units that the log holds: an uneven split loses treated ones of one segment."""
    split = world.truths.uneven_split
    if trial.truth != "uneven_split" or split is None:
        return units
    hit = units.treated & (np.array(DEVICES)[units.device] == split.segment)
    kept = ~(hit & (rng.random(len(units)) < split.lost))
    return Units(**{name: values[kept] for name, values in vars(units).items()})


def _log(world: World, trial: Trial, units: Units) -> Run:
    """Every line of a test's log, by time."""
    rng = world.rng(f"log {trial.truth}")
    end = np.datetime64(trial.end(world), "s") + np.timedelta64(DAY, "s")
    switched = np.flatnonzero(units.crossed)
    later = add_seconds(units.exposed_at[switched], rng.uniform(60, HOUR, len(switched)))
    parts = (
        _seen(units, np.arange(len(units)), units.exposed_at),
        _seen(units, switched, later, other=True),
        _seen_again(rng, units, end),
        _late(rng, units, end),
        _bots(rng, units, end, trial.days),
    )
    account, treated, device, at = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(at, kind="stable")
    return Run(
        trial=trial,
        units=units,
        names=[_name(TRIALS.index(trial), number) for number in account[order].tolist()],
        treated=treated[order],
        device=device[order],
        exposed_at=at[order],
    )


def _seen(units: Units, who: Ints, at: Times, *, other: bool = False) -> _Lines:
    """Lines of units, in their variant or the other one."""
    return units.account[who], units.treated[who] ^ other, units.device[who], at


def _seen_again(rng: np.random.Generator, units: Units, end: np.datetime64) -> _Lines:
    """Later exposures, some of them on the day after the end."""
    times = rng.integers(1, 4, len(units)) * (rng.random(len(units)) < REPEATED)
    who = np.repeat(np.arange(len(units)), times)
    at = add_seconds(units.exposed_at[who], rng.exponential(1.5 * DAY, len(who)) + 60)
    logged = at < end + np.timedelta64(DAY, "s")
    return _seen(units, who[logged], at[logged])


def _late(rng: np.random.Generator, units: Units, end: np.datetime64) -> _Lines:
    """Visitors of the day after the end: the test was not switched off at midnight."""
    count = round(LATE * len(units))
    at = add_seconds(np.full(count, end), rng.integers(0, DAY, count))
    return (*_strangers(rng, STRANGE + np.arange(count)), at)


def _bots(rng: np.random.Generator, units: Units, end: np.datetime64, days: int) -> _Lines:
    """Programmes that load the page every other minute of one morning."""
    account, treated, device = _strangers(rng, STRANGE + round(LATE * len(units)) + np.arange(BOTS))
    opens = end - rng.integers(1, days, BOTS) * np.timedelta64(DAY, "s")
    who = np.repeat(np.arange(BOTS), BOT_LOADS)
    load = np.arange(len(who)) % BOT_LOADS
    return account[who], treated[who], device[who], add_seconds(opens[who], 97 * load + 20)


def _strangers(rng: np.random.Generator, number: Ints) -> tuple[Ints, Flags, Ints]:
    """Account, variant and device of visitors who are no units of the test."""
    count = len(number)
    treated = rng.random(count) < SHARE
    return -1 - number, treated, rng.choice(len(DEVICES), count, p=DEVICE_SHARE)


def _name(place: int, account: int) -> str:
    """An account name: the buyer's, or one of a visitor who never bought.

    >>> _name(2, 7), _name(2, -8)
    ('示例买家00007', '示例访客2000007')
    """
    return nickname(account) if account >= 0 else f"示例访客{place}{-1 - account:06d}"


def make_experiments_sheet(runs: tuple[Run, ...]) -> Sheet:
    """The exposure log of all tests."""
    devices, parts = np.array(DEVICES), runs
    return Sheet(
        file="实验曝光",
        table="experiments",
        columns={
            "experiment_id": (
                "实验编号",
                [run.trial.experiment_id for run in parts for _ in run.names],
            ),
            "unit_key": ("访客编号", [name for run in parts for name in run.names]),
            "variant": (
                "版本",
                [v for r in parts for v in np.where(r.treated, r.trial.treatment, r.trial.control)],
            ),
            "exposed_at": ("曝光时间", [text for run in parts for text in stamps(run.exposed_at)]),
            "segment": ("设备", [text for run in parts for text in devices[run.device]]),
        },
    )


def plan_tests(world: World) -> dict[str, dict[str, object]]:
    """The plans of the tests that were run, as ``[tests]`` of ``store.toml`` holds them."""
    return {
        trial.experiment_id: {
            "control": trial.control,
            "shares": {trial.control: 1 - SHARE, trial.treatment: SHARE},
            "start": trial.start(world),
            "end": trial.end(world),
            "primary": "conversion_rate",
            "guardrails": ["refund_rate"],
            "window_days": WINDOW,
            "least_effect": LEAST_EFFECT,
        }
        for trial in _trials(world)
    }


def tell_tests(world: World, runs: tuple[Run, ...]) -> dict[str, dict[str, object] | None]:
    """What was planted in each test and how large it came out, units in two variants aside."""
    told: dict[str, dict[str, object] | None] = {trial.truth: None for trial in TRIALS}
    for run in runs:
        trial, truth = run.trial, _truth(world, run.trial)
        told[trial.truth] = {
            **(asdict(truth) if truth else {}),
            "planted": truth is not None,
            "experiment_id": trial.experiment_id,
            "control": trial.control,
            "treatment": trial.treatment,
            "from": str(trial.start(world)),
            "to": str(trial.end(world)),
            "window_days": WINDOW,
            **_counted(run.units),
        }
    return told


def _counted(units: Units) -> dict[str, object]:
    """Counts of control and treatment, and how sure one can be of their difference."""
    arms = [~units.crossed & (units.treated == side) for side in (False, True)]
    n, bought, paid, back = (
        np.array([values[arm].sum() for arm in arms])
        for values in (np.ones(len(units), np.int64), units.converted, units.paid, units.refunded)
    )
    pooled = bought.sum() / max(n.sum(), 1)
    spread = sqrt(pooled * (1 - pooled) * (1 / np.maximum(n, 1)).sum())
    rates = bought / np.maximum(n, 1)
    return {
        "units": n.tolist(),
        "converted": bought.tolist(),
        "z_conversion": round(float(rates[1] - rates[0]) / spread, 2) if spread else None,
        "refund_rate": (back / np.maximum(paid, 1)).round(4).tolist(),
        "in_both_variants": int(units.crossed.sum()),
    }
