"""How much the keyword plans spend week by week, and what it brings."""

from __future__ import annotations

import numpy as np

from ecops_lib.data.demo.editions import busy_days
from ecops_lib.data.demo.incidents import find_incidents
from ecops_lib.data.demo.world import Floats, World

KEYWORD_PLANS: dict[str, tuple[int, ...]] = {
    "70010001": (1, 3, 4, 5),
    "70010002": (6, 7, 8, 9, 10, 11),
}
"""Products by keyword plan."""
STEADY_DAYS = 35
"""Days before the last, and before an incident, on which the plans spend as usual."""


def spend_levels(world: World, plan_id: str) -> Floats:
    """A plan's spend by day as a multiple of the usual: another level each week.

    It is as usual in the shop's own campaigns, in the last weeks, and in those before an
    incident of the ads.
    """
    planted = world.truths.keywords
    count = len(world.days)
    if planted is None or plan_id not in KEYWORD_PLANS:
        return np.ones(count)
    rng = world.rng(f"spend of {plan_id}")
    weekly = rng.choice(planted.levels, count // 7 + 1)
    level: Floats = weekly[np.arange(count) // 7]
    usual = busy_days(world) | (np.arange(count) > world.index(STEADY_DAYS))
    for one in find_incidents(world):
        if one.cause == "ads":
            first = world.index(one.begins)
            usual[max(first - STEADY_DAYS, 0) : first + one.days] = True
    return np.where(usual, 1.0, level)


def visit_levels(world: World) -> Floats:
    """Visits through keyword ads as a multiple of the usual, by day × product."""
    factor = np.ones((len(world.days), len(world.catalogue.ids)))
    planted = world.truths.keywords
    if planted is None:
        return factor
    for plan_id, products in KEYWORD_PLANS.items():
        level = spend_levels(world, plan_id) ** planted.elasticity
        factor[:, list(products)] = level[:, None]
    return factor


def price_levels(world: World, plan_id: str) -> Floats:
    """Cost of a plan's clicks by day as a multiple of the usual: more is dearer."""
    planted = world.truths.keywords
    power = 1 - planted.elasticity if planted else 0.0
    held: Floats = spend_levels(world, plan_id) ** power
    return held
