"""The plan of the next 双11, as the shop wrote it down: more sales than its traffic carries."""

from __future__ import annotations

import datetime as dt

from ecops_lib.data.demo.promotion import Ads
from ecops_lib.data.demo.season import Campaign, Phase, plan_campaigns
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.world import World

FESTIVAL = "双11"
SALES, VISITORS, CONVERSION, BUDGET = 1.25, 1.08, 1.02, 1.5
"""What is planned as a multiple of the last edition."""
NEW = 0.6
"""Share of new buyers that is planned."""
AHEAD = dt.timedelta(days=60)
"""How long before its first selling day a shop writes its plan down."""
SELLING: tuple[Phase, ...] = ("opening", "burst", "encore")


def plan_festival(world: World, traffic: Traffic, ads: Ads) -> dict[str, dict[str, object]]:
    """The next edition as ``store.toml`` holds it, by id; empty where the last is not covered."""
    held = [
        campaign
        for campaign in plan_campaigns(world.first_day, world.last_day + AHEAD)
        if campaign.name == FESTIVAL
    ]
    soon = world.last_day + AHEAD
    coming = [campaign for campaign in held if world.last_day < _sells(campaign)[0] <= soon]
    past = [campaign for campaign in held if _sells(campaign)[1] <= world.last_day]
    past = [campaign for campaign in past if _sells(campaign)[0] >= world.first_day]
    if not coming or not past:
        return {}
    first, last = ((day - world.first_day).days for day in _sells(past[-1]))
    phases: dict[str, list[list[dt.date]]] = {}
    for phase, days in coming[0].phases.items():
        phases.setdefault("burst" if phase == "opening" else phase, []).append(list(days))
    plan = {
        "name": coming[0].campaign_id.replace("-", " "),
        "kind": FESTIVAL,
        **phases,
        "targets": _targets(traffic, slice(first, last + 1)),
        "budget": _budget(ads, slice(first, last + 1)),
        "promotions": OFFERS,
    }
    return {coming[0].campaign_id: plan}


def _sells(campaign: Campaign) -> tuple[dt.date, dt.date]:
    """First and last day on which its prices hold."""
    held = [days for phase, days in campaign.phases.items() if phase in SELLING]
    return min(first for first, _ in held), max(last for _, last in held)


def _targets(traffic: Traffic, sold: slice) -> dict[str, float]:
    shop = traffic.shop
    visitors, buyers, paid = (
        float(values[sold].sum())
        for values in (shop.visitors, shop.paying_buyers, shop.paid_amount)
    )
    return {
        "paid_amount": float(round(paid / 100 * SALES, -3)),
        "visitors": float(round(visitors * VISITORS, -2)),
        "conversion_rate": round(buyers / max(visitors, 1.0) * CONVERSION, 4),
        "new_buyer_share": NEW,
    }


def _budget(ads: Ads, sold: slice) -> float:
    cost = float(ads.cost[(ads.day >= sold.start) & (ads.day < sold.stop)].sum())
    return float(round(cost / 100 * BUDGET, -2))


OFFERS = [
    {
        "kind": "threshold", "name": "跨店每满300减50", "threshold": 300.0, "off": 50.0,
        "every": True, "bearer": "platform",
    },
    {
        "kind": "coupon", "name": "店铺券满200减15", "threshold": 200.0, "off": 15.0,
        "bearer": "merchant",
    },
]  # fmt: skip
