"""The shop's own campaigns: when each edition is held, with which goods, and what it does."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ecops_lib.data.demo.truths import MemberDay, OwnCampaign
from ecops_lib.data.demo.world import Flags, Floats, World

Phase = Literal["warmup", "burst"]

FESTIVALS = (("秋茶节", (9, 10)), ("春茶节", (4, 10)))
"""Editions of the tea festival and the first day of their sale."""
KIND = "茶节"
WARM_DAYS, SALE_DAYS, AFTER_DAYS = 3, 7, 7
CALM_DAYS = 28
"""Days before the last on which nothing of the tea festival is felt any more."""
MEMBER_DAY = "会员日"
MONTHS_APART = 3
VISITS_SHARE = 0.6
"""Of a campaign's effect on orders, this power shows in visits, the rest in conversion."""
LOOKERS = 1.1
"""Visits of the promoted products in the warm-up, as a multiple."""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """One edition of an own campaign.

    Attributes:
        campaign_id: Its id.
        name: What it is called.
        kind: What its editions share.
        burst: First and last day of the sale.
        warmup: First and last day of the warm-up, if it has one.
        truth: What is planted.
    """

    campaign_id: str
    name: str
    kind: str
    burst: tuple[dt.date, dt.date]
    warmup: tuple[dt.date, dt.date] | None
    truth: OwnCampaign | MemberDay

    @property
    def phases(self) -> dict[Phase, tuple[dt.date, dt.date]]:
        """Its phases, first and last day each."""
        held: dict[Phase, tuple[dt.date, dt.date]] = {"burst": self.burst}
        return {"warmup": self.warmup, **held} if self.warmup else held

    @property
    def acts(self) -> bool:
        """Whether it does anything."""
        return self.truth.lift != 1

    def on(self, world: World, phase: Literal["warmup", "burst", "after"]) -> Flags:
        """Whether each day of the shop lies in a phase, or in the week after the sale."""
        if phase == "after":
            later = self.burst[1] + dt.timedelta(days=1), self.burst[1] + _days(AFTER_DAYS)
            held = later if isinstance(self.truth, OwnCampaign) else None
        else:
            held = self.phases.get(phase)
        if held is None:
            return np.zeros(len(world.days), bool)
        return (world.days >= np.datetime64(held[0])) & (world.days <= np.datetime64(held[1]))


def find_editions(world: World) -> list[Edition]:
    """The editions that the shop has held so far, and the one that is on, by first day."""
    return sorted([*_tea(world), *_members(world)], key=lambda edition: edition.burst)


def _tea(world: World) -> list[Edition]:
    """Editions that lie wholly in the shop's days and are long over."""
    truth = world.truths.own_campaigns
    if truth is None:
        return []
    found = []
    for year in range(world.first_day.year, world.last_day.year + 1):
        for name, (month, day) in FESTIVALS:
            first = dt.date(year, month, day)
            last = first + _days(SALE_DAYS - 1)
            early = first - _days(WARM_DAYS)
            if early < world.first_day or last + _days(AFTER_DAYS) >= world.day_of(CALM_DAYS):
                continue
            found.append(
                Edition(
                    campaign_id=f"{name}-{year}",
                    name=f"{name} {year}",
                    kind=KIND,
                    burst=(first, last),
                    warmup=(early, first - _days(1)),
                    truth=truth,
                )
            )
    return found


def _members(world: World) -> list[Edition]:
    """Every quarter back from the one whose second day is the last; it may last beyond."""
    truth = world.truths.live_campaign
    found = []
    begins = world.day_of(1)
    while truth and begins >= world.first_day:
        found.append(
            Edition(
                campaign_id=f"{MEMBER_DAY}-{begins:%Y-%m}",
                name=f"{MEMBER_DAY} {begins:%Y-%m}",
                kind=MEMBER_DAY,
                burst=(begins, begins + _days(len(truth.shape) - 1)),
                warmup=None,
                truth=truth,
            )
        )
        begins = _months_before(world.day_of(1), MONTHS_APART * len(found))
    return found


def _months_before(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return dt.date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


def order_factors(world: World, edition: Edition) -> Floats:
    """Order lines as a multiple of what they would be, by day × product."""
    factor = np.ones((len(world.days), len(world.catalogue.ids)))
    truth = edition.truth
    if not edition.acts:
        return factor
    sale = np.flatnonzero(edition.on(world, "burst"))
    if isinstance(truth, MemberDay):
        number = (world.days[sale] - np.datetime64(edition.burst[0])).astype(np.int64)
        lift = np.full(len(truth.products), truth.lift)
        lift[np.array(truth.products) == truth.hot[0]] = truth.hot[1]
        shape = np.array(truth.shape)[number]
        factor[np.ix_(sale, np.array(truth.products))] = 1 + shape[:, None] * (lift - 1)
        return factor
    factor[np.ix_(sale, np.array(truth.products))] = truth.lift
    for rank, times in (truth.sister, truth.halo):
        factor[sale, rank] = times
    around = np.flatnonzero(edition.on(world, "warmup") | edition.on(world, "after"))
    factor[np.ix_(around, np.array(truth.products))] = 1 - truth.pull_forward
    return factor


def all_order_factors(world: World) -> Floats:
    """Order lines as a multiple of those without own campaigns, by day × product."""
    factor = np.ones((len(world.days), len(world.catalogue.ids)))
    for edition in find_editions(world):
        factor *= order_factors(world, edition)
    return factor


def visit_factors(world: World) -> Floats:
    """Visits as a multiple of those without own campaigns, by day × product."""
    factor = all_order_factors(world) ** VISITS_SHARE
    for edition in find_editions(world):
        if edition.acts:
            warm = np.flatnonzero(edition.on(world, "warmup"))
            factor[np.ix_(warm, np.array(edition.truth.products))] = LOOKERS
    return factor


def cart_factors(world: World) -> Floats:
    """Carts and favourites a visitor, as a multiple, by day × product."""
    factor = np.ones((len(world.days), len(world.catalogue.ids)))
    for edition in find_editions(world):
        if edition.acts and isinstance(edition.truth, OwnCampaign):
            warm = np.flatnonzero(edition.on(world, "warmup"))
            factor[np.ix_(warm, np.array(edition.truth.products))] = edition.truth.carts
    return factor


def busy_days(world: World) -> Flags:
    """Days on which an own campaign is felt."""
    busy = np.zeros(len(world.days), bool)
    for edition in find_editions(world):
        for phase in ("warmup", "burst", "after"):
            busy |= edition.on(world, phase)
    return busy
