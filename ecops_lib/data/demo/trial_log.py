"""The exposure log of the shop's A/B tests, with the faults of real ones.

Units are seen several times, in both variants and after the end, and programmes load
the page all morning.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np

from ecops_lib.data.demo.buyers import nickname
from ecops_lib.data.demo.fulfilment import Fulfilment
from ecops_lib.data.demo.sheets import Sheet, stamps
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.trial_units import DEVICE_SHARE, DEVICES, Units, draw_units
from ecops_lib.data.demo.trials import DAY, SHARE, TRIALS, WINDOW, Trial, trials_of
from ecops_lib.data.demo.world import HOUR, Flags, Ints, Times, World, add_seconds

REPEATED, LATE = 0.25, 0.003
"""Shares of the units that were seen again, and that came only after the end."""
BOTS, BOT_LOADS = 6, 180
STRANGE = 500_000
"""Number of the first account that is no unit of its test."""

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
        _log(world, trial, draw_units(world, trial, trade, done, traffic))
        for trial in trials_of(world)
    )


def _log(world: World, trial: Trial, units: Units) -> Run:
    """Every line of a test's log, by time."""
    rng = world.rng(f"log {trial.truth}")
    end = trial.over(world)
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
    devices = np.array(DEVICES)
    return Sheet(
        file="实验曝光",
        table="experiments",
        columns={
            "experiment_id": (
                "实验编号",
                [run.trial.experiment_id for run in runs for _ in run.names],
            ),
            "unit_key": ("访客编号", [name for run in runs for name in run.names]),
            "variant": (
                "版本",
                [v for r in runs for v in np.where(r.treated, r.trial.treatment, r.trial.control)],
            ),
            "exposed_at": ("曝光时间", [text for run in runs for text in stamps(run.exposed_at)]),
            "segment": ("设备", [text for run in runs for text in devices[run.device]]),
        },
    )


def tell_tests(world: World, runs: tuple[Run, ...]) -> dict[str, dict[str, object] | None]:
    """What was planted in each test and how large it came out, units in two variants aside."""
    told: dict[str, dict[str, object] | None] = {trial.truth: None for trial in TRIALS}
    for run in runs:
        trial, truth = run.trial, run.trial.planted(world)
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
