"""The plan of the next 双11, as the shop wrote it down: more sales than its traffic carries."""

from __future__ import annotations

import datetime as dt

from ecops_lib.data.calendar import festivals
from ecops_lib.data.demo.promotion import Ads
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.world import World

FESTIVAL = "double11"
SALES, VISITORS, CONVERSION, BUDGET = 1.25, 1.08, 1.02, 1.5
"""What is planned as a multiple of the last edition."""
NEW = 0.6
"""Share of new buyers that is planned."""


def plan_festival(world: World, traffic: Traffic, ads: Ads) -> dict[str, dict[str, object]]:
    """The next edition as ``store.toml`` holds it, by id; empty where the last is not covered."""
    year = world.last_day.year
    spans = festivals.edition(FESTIVAL, year)
    sold = _selling(world, year - 1)
    begins = min((span.first for span in spans if span.phase == "burst"), default=None)
    if begins is None or begins <= world.last_day or sold is None:
        return {}
    phases: dict[str, list[list[dt.date]]] = {}
    for span in spans:
        phases.setdefault(span.phase, []).append([span.first, span.last])
    plan = {
        "name": f"双11 {year}",
        "kind": "双11",
        **phases,
        "targets": _targets(traffic, sold),
        "budget": _budget(ads, sold),
        "promotions": OFFERS,
    }
    return {f"{FESTIVAL}-{year}": plan}


def _selling(world: World, year: int) -> slice | None:
    """Days of an edition from the first to the last on which it sold; None where not covered."""
    spans = festivals.edition(FESTIVAL, year)
    days = [
        day
        for span in spans
        if span.phase in ("burst", "encore")
        for day in (span.first, span.last)
    ]
    if not days or min(days) < world.first_day:
        return None
    first, last = ((day - world.first_day).days for day in (min(days), max(days)))
    return slice(first, last + 1)


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
