"""Incidents of the months before the last days: when, on what, and what is recorded of them."""

from __future__ import annotations

import datetime as dt

from ecops_lib.data.demo.truths import PastIncident
from ecops_lib.data.demo.world import World

FIRST_DAYS = 28
"""Days of the shop's life before which nothing happens."""
DEARER = 1.2
"""Price while it is up, as a multiple."""
COUPON_DAYS = 21
NAMES = {
    "listing": "主图和详情页更换",
    "rule": "平台搜索排序规则调整",
    "outage": "渠道统计埋点故障",
    "coupon": "商品专享券",
}


def find_incidents(world: World) -> tuple[PastIncident, ...]:
    """The incidents that lie within the shop's life."""
    planted = world.truths.incidents
    held = planted.spans if planted else ()
    return tuple(one for one in held if one.begins + FIRST_DAYS < len(world.days))


def days_of(world: World, incident: PastIncident) -> slice:
    """Its days, as indexes."""
    first = world.index(incident.begins)
    return slice(first, first + incident.days)


def diary_rows(world: World) -> list[dict[str, object]]:
    """What the shop's diary tells of the incidents."""
    return [row for one in find_incidents(world) for row in _rows(world, one)]


def _rows(world: World, incident: PastIncident) -> list[dict[str, object]]:
    first = world.day_of(incident.begins)
    over = first + dt.timedelta(days=incident.days)
    if incident.cause == "price":
        usual = int(world.catalogue.prices[incident.product]) / 100
        up, down = f"{round(usual * DEARER):.2f}", f"{usual:.2f}"
        return [
            _row(world, incident, "上调售价", first, before=down, after=up),
            _row(world, incident, "恢复售价", over, before=up, after=down),
        ]
    if incident.cause == "coupon":
        row = _row(world, incident, NAMES["coupon"], first - dt.timedelta(days=COUPON_DAYS))
        return [{**row, "ends_on": first - dt.timedelta(days=1)}]
    if incident.cause in NAMES:
        return [_row(world, incident, NAMES[incident.cause], first)]
    return []


def _row(
    world: World, incident: PastIncident, name: str, day: dt.date, **more: str
) -> dict[str, object]:
    product = world.catalogue.ids[incident.product] if incident.product >= 0 else ""
    place = {"product_id": product, "channel": incident.channel}
    return {"kind": incident.cause, "name": name, "starts_on": day, "ends_on": day, **place, **more}


def tell_incidents(world: World) -> list[dict[str, object]] | None:
    """What was planted, for ``truths.json``."""
    if world.truths.incidents is None:
        return None
    return [
        {
            "cause": one.cause,
            "from": str(world.day_of(one.begins)),
            "to": str(world.day_of(one.begins - one.days + 1)),
            "factor": one.factor,
            "product_id": world.catalogue.ids[one.product] if one.product >= 0 else "",
            "channel": one.channel,
        }
        for one in find_incidents(world)
    ]
