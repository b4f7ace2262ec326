"""The shop's A/B tests: which there were, when they ran, and what was planned of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.data.demo.world import HOUR, World

if TYPE_CHECKING:
    from ecops_lib.data.demo.truths import CostlyWinner, NoEffect, TrueWinner, UnevenSplit

    Truth = TrueWinner | NoEffect | UnevenSplit | CostlyWinner | None

DAY = 24 * HOUR
SHARE = 0.5
"""Planned share of the treatment."""
WINDOW = 14
"""Days after the first exposure in which an order counts: most refunds are over by then."""
LEAST_EFFECT = 0.15
"""Smallest relative effect worth having: about what so many units can tell."""
HISTORY = 28
"""Days of orders that must lie before a test; one that began earlier is left out."""


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

    def over(self, world: World) -> np.datetime64:
        """The midnight at which it was over."""
        return np.datetime64(self.end(world), "s") + np.timedelta64(DAY, "s")

    def planted(self, world: World) -> Truth:
        """What is planted in it."""
        truth: Truth = getattr(world.truths, self.truth)
        return truth

    def effects(self, world: World) -> dict[str, float]:
        """The planted lift of sales and of refunds, as far as it has any."""
        held = vars(self.planted(world)) if self.planted(world) else {}
        return {name: held[name] for name in ("lift", "refunds") if name in held}


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
        reach=0.9,
    ),
)


def trials_of(world: World) -> list[Trial]:
    """The tests that were run: their truth is planted, and orders lie before them."""
    room = len(world.days) - HISTORY
    return [
        trial
        for trial in TRIALS
        if trial.began < room and (trial.planted(world) or trial.truth == "uneven_split")
    ]


def plan_tests(world: World) -> dict[str, dict[str, object]]:
    """The plans of the tests that were run, as ``[tests]`` of ``store.toml`` holds them."""
    return {
        trial.experiment_id: {
            "control": trial.control,
            "shares": {trial.control: 1 - SHARE, trial.treatment: SHARE},
            "start": trial.start(world),
            "end": trial.end(world),
            "primary": "conversion_rate",
            "guardrails": ["refunded_order_rate"],
            "window_days": WINDOW,
            "least_effect": LEAST_EFFECT,
        }
        for trial in trials_of(world)
    }
