"""The demo shop's year: weekdays, pay-days, festivals and campaigns with their phases."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ecops_lib.data.calendar.lunar import lunar_new_year
from ecops_lib.data.demo.world import Floats, World

Phase = Literal["presale", "opening", "warmup", "burst", "encore"]
Phases = dict[Phase, tuple[dt.date, dt.date]]

GROWTH = 0.12
"""Growth of visitors a year."""
WEEKDAYS = np.array([1.02, 1.0, 0.99, 0.98, 0.97, 1.03, 1.05])
"""Visitors by weekday from Monday, as a multiple of the mean."""
PAY_DAYS = (10, 15)
LIFT_SHARE: dict[Phase, float] = {"opening": 0.5, "burst": 1.0, "encore": 0.3}
"""How much of the campaign's lift each phase has."""
HOLIDAYS = {"new year": 0.45, "national": 0.88}


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """A campaign of one year and its phases, first and last day each."""

    campaign_id: str
    name: str
    phases: Phases


def plan_campaigns(first: dt.date, last: dt.date) -> list[Campaign]:
    """The campaigns of which a part lies between two days, by their first day."""
    found = [
        campaign
        for year in range(first.year, last.year + 1)
        for campaign in _of_year(year)
        if any(start <= last and end >= first for start, end in campaign.phases.values())
    ]
    return sorted(found, key=lambda campaign: min(campaign.phases.values()))


def _of_year(year: int) -> list[Campaign]:
    def days(a: tuple[int, int], b: tuple[int, int]) -> tuple[dt.date, dt.date]:
        return dt.date(year, *a), dt.date(year, *b)

    new_year = lunar_new_year(year)
    before = [new_year - dt.timedelta(days=n) for n in (28, 25, 24, 10)]
    plans: dict[str, Phases] = {
        "年货节": {"warmup": (before[0], before[1]), "burst": (before[2], before[3])},
        "38": {"warmup": days((3, 1), (3, 3)), "burst": days((3, 4), (3, 8))},
        "618": {
            "presale": days((5, 24), (5, 30)),
            "opening": days((5, 31), (6, 3)),
            "warmup": days((6, 10), (6, 15)),
            "burst": days((6, 16), (6, 18)),
            "encore": days((6, 19), (6, 20)),
        },
        "双11": {
            "presale": days((10, 20), (10, 31)),
            "opening": days((11, 1), (11, 3)),
            "warmup": days((11, 4), (11, 9)),
            "burst": days((11, 10), (11, 11)),
            "encore": days((11, 12), (11, 13)),
        },
        "双12": {"warmup": days((12, 9), (12, 11)), "burst": days((12, 12), (12, 12))},
    }
    return [
        Campaign(campaign_id=f"{name}-{year}", name=name, phases=phases)
        for name, phases in plans.items()
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Season:
    """What the calendar does to each day.

    Attributes:
        visitors: Visitors as a multiple of an ordinary day.
        conversion: Conversion as a multiple of an ordinary day.
        discount: Whether the campaign's prices hold.
        presale: Index into ``campaigns`` of the pre-sale that is on, or −1.
        campaigns: The campaigns in the shop's days.
    """

    visitors: Floats
    conversion: Floats
    discount: np.ndarray[tuple[int], np.dtype[np.bool_]]
    presale: np.ndarray[tuple[int], np.dtype[np.int64]]
    campaigns: list[Campaign]


def make_season(world: World) -> Season:
    """The calendar's factors on every day of the shop."""
    days = world.days
    count = len(days)
    weekday = (days.astype(np.int64) + 3) % 7
    month_day = (days - days.astype("datetime64[M]")).astype(np.int64) + 1
    pay_day = np.isin(month_day, PAY_DAYS)
    growth = (1 + GROWTH) ** (np.arange(count) / 365 - count / 730)
    visitors = growth * WEEKDAYS[weekday] * np.where(pay_day, 1.05, 1.0) * _holidays(world)
    conversion = np.where(pay_day, 1.03, 1.0)
    discount = np.zeros(count, bool)
    presale = np.full(count, -1)
    campaigns = plan_campaigns(world.first_day, world.last_day)
    for number, campaign in enumerate(campaigns):
        lift = _lift(world, campaign)
        visitors *= lift**0.6
        conversion *= lift**0.4
        for phase in LIFT_SHARE:
            discount |= _during(world, campaign, phase)
        presale[_during(world, campaign, "presale")] = number
    return Season(
        visitors=visitors,
        conversion=conversion,
        discount=discount,
        presale=presale,
        campaigns=campaigns,
    )


def _during(
    world: World, campaign: Campaign, phase: Phase
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if phase not in campaign.phases:
        return np.zeros(len(world.days), bool)
    start, end = campaign.phases[phase]
    return (world.days >= np.datetime64(start)) & (world.days <= np.datetime64(end))


def _lift(world: World, campaign: Campaign) -> Floats:
    """Orders of each day as a multiple of a day without the campaign."""
    lift = np.ones(len(world.days))
    planted = world.truths.campaign_lift
    if planted is None:
        return lift
    peak = planted.orders.get(campaign.name, 1.0)
    for phase in ("presale", "warmup"):
        lift[_during(world, campaign, phase)] = 1 - planted.pull_forward
    for phase, share in LIFT_SHARE.items():
        lift[_during(world, campaign, phase)] = 1 + (peak - 1) * share
    last = np.datetime64(max(end for _, end in campaign.phases.values()))
    after = (world.days > last) & (world.days <= last + np.timedelta64(5, "D"))
    lift[after] = 1 - planted.pull_forward
    return lift


def _holidays(world: World) -> Floats:
    factor = np.ones(len(world.days))
    for year in range(world.first_day.year, world.last_day.year + 1):
        new_year = np.datetime64(lunar_new_year(year))
        away = (world.days - new_year).astype(np.int64)
        factor[(away >= -3) & (away <= 5)] *= HOLIDAYS["new year"]
        national = (world.days - np.datetime64(f"{year}-10-01")).astype(np.int64)
        factor[(national >= 0) & (national <= 6)] *= HOLIDAYS["national"]
    return factor
