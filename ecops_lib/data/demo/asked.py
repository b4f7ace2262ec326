"""What buyers ask of single SKUs: the large order, lumps, a delisting, empty shelves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.data.demo.truths import Shortage
from ecops_lib.data.demo.world import HOUR, Flags, Ints, Times, World

if TYPE_CHECKING:
    from ecops_lib.data.demo.trade import Trade

DAY = 24 * HOUR
AROUND = 28
"""Days before and after a shortage that tell what is usual."""
Told = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Span:
    """Hours in which one SKU could not be bought; ``first`` and ``refill`` are indices of days.

    Attributes:
        sku: Its index.
        begins: The moment.
        ends: The moment at which there is stock again.
        first: Day on which it begins.
        refill: Day on which more comes in.
    """

    sku: int
    begins: np.datetime64
    ends: np.datetime64
    first: int
    refill: int


def find_spans(world: World) -> list[Span]:
    """The past shortages that lie within the shop's days."""
    planted = world.truths.shortages
    held = [s for s in planted.spans if s.begins < len(world.days)] if planted else []
    return [_span(world, shortage) for shortage in held]


def _span(world: World, shortage: Shortage) -> Span:
    midnight = np.datetime64(world.day_of(shortage.begins), "s")
    begins = midnight + np.timedelta64(shortage.from_hour * HOUR, "s")
    ends = begins + np.timedelta64(shortage.hours * HOUR, "s")
    refill = int((ends - world.days[0]).astype("timedelta64[s]").astype(int) // DAY)
    return Span(
        sku=world.sku(shortage.sku),
        begins=begins,
        ends=ends,
        first=world.index(shortage.begins),
        refill=refill,
    )


def find_hours_out(world: World) -> Ints:
    """Hours of the past shortages, by day × SKU."""
    hours = np.zeros((len(world.days), len(world.catalogue.sku_codes)), np.int64)
    for span in find_spans(world):
        for day in range(span.first, min(span.refill + 1, len(world.days))):
            midnight = world.days[day].astype("datetime64[s]")
            ends = min(span.ends, midnight + np.timedelta64(DAY, "s"))
            out = (ends - max(span.begins, midnight)).astype("timedelta64[s]")
            hours[day, span.sku] = max(int(out.astype(np.int64)), 0) // HOUR
    return hours


def settle_asked(world: World, day: Ints, order: Ints, sku: Ints) -> Ints:
    """The SKU of each line: who would take one that is delisted takes the first variant."""
    odd = world.truths.odd_demand
    if odd is None or odd.delisted_begins >= len(world.days):
        return sku
    gone = world.sku(odd.delisted)
    late = day[order] >= world.index(odd.delisted_begins)
    first = int(np.searchsorted(world.catalogue.sku_product, world.catalogue.sku_product[gone]))
    return np.where(late & (sku == gone), first, sku)


def settle_units(world: World, day: Ints, order: Ints, sku: Ints, units: Ints) -> Ints:
    """Units of each line, with the lumps and the one large order."""
    odd = world.truths.odd_demand
    if odd is None:
        return units
    held = units.copy()
    lumpy = np.flatnonzero(sku == world.sku(odd.lumpy))
    held[lumpy] = world.rng("lumps").choice(odd.lumps, len(lumpy))
    held[_bulk(world, day, order, sku)] = odd.bulk_units
    return held


def _bulk(world: World, day: Ints, order: Ints, sku: Ints) -> Ints:
    """The line of the large order, if the SKU is ordered at all from its day on."""
    odd = world.truths.odd_demand
    if odd is None:
        return np.zeros(0, np.int64)
    from_day = day[order] >= world.index(odd.bulk_begins)
    return np.flatnonzero(from_day & (sku == world.sku(odd.bulk)))[:1]


def find_bulk_order(world: World, created: Times, order: Ints, sku: Ints) -> Ints:
    """The large order, if there is one."""
    return order[_bulk(world, world.day_index(created), order, sku)]


def find_refused(world: World, created: Times, paid: Times, order: Ints, sku: Ints) -> Flags:
    """Orders that would have been paid, had what they ask for been there."""
    refused = np.zeros(len(created), bool)
    for span in find_spans(world):
        asks = np.zeros(len(created), bool)
        asks[order[sku == span.sku]] = True
        placed = (created >= span.begins) & (created < span.ends)
        refused |= asks & (placed | ((paid >= span.begins) & (paid < span.ends)))
    return refused & ~np.isnat(paid)


def hold_back_none(world: World, trade: Trade, shipped: Times) -> Flags:
    """Orders that must leave before a shortage, for there is nothing left to send later."""
    last = np.zeros(len(shipped), bool)
    paid = trade.orders.paid_at
    for span in find_spans(world):
        asks = np.zeros(len(shipped), bool)
        asks[trade.lines.order[trade.lines.sku == span.sku]] = True
        last |= asks & (paid < span.begins) & (shipped >= span.begins)
    return last


def tell_shortages(world: World, trade: Trade) -> list[Told] | None:
    """When each SKU was out, what was asked of it meanwhile, and what usually is."""
    if world.truths.shortages is None:
        return None
    return [_told(world, trade, span) for span in find_spans(world)]


def _told(world: World, trade: Trade, span: Span) -> Told:
    orders, lines = trade.orders, trade.lines
    mine = lines.sku == span.sku
    lost = mine & orders.refused[lines.order]
    units = int(lines.quantity[lost].sum())
    hours = (span.ends - span.begins) / np.timedelta64(1, "h")
    placed = world.day_index(orders.created_at)[lines.order]
    near = (placed >= span.first - AROUND) & (placed <= span.refill + AROUND)
    usual = near & ((placed < span.first) | (placed > span.refill)) & mine
    bought = usual & ~np.isnat(orders.paid_at[lines.order])
    days = min(span.first, AROUND) + min(len(world.days) - 1 - span.refill, AROUND)
    return {
        "sku_id": world.catalogue.sku_codes[span.sku],
        "from": str(span.begins).replace("T", " "),
        "to": str(span.ends).replace("T", " "),
        "hours": int(hours),
        "orders_refused": len(np.unique(lines.order[lost])),
        "units_refused": units,
        "units_a_day_asked": round(units / hours * 24, 2),
        "units_a_day_usual": round(float(lines.quantity[bought].sum()) / max(days, 1), 2),
    }


def tell_odd(world: World, trade: Trade) -> Told | None:
    """The large order, the lumpy SKU, the delisted one and those listed in the shop's days."""
    odd, lines = world.truths.odd_demand, trade.lines
    if odd is None:
        return None
    bulk = find_bulk_order(world, trade.orders.created_at, lines.order, lines.sku)
    days = trade.orders.created_at[bulk].astype("datetime64[D]")
    lumps = np.array(odd.lumps, float)
    gone = odd.delisted_begins < len(world.days)
    return {
        "bulk": [{"sku_id": odd.bulk, "units": odd.bulk_units, "day": str(day)} for day in days],
        "lumpy": {
            "sku_id": odd.lumpy,
            "lumps": list(odd.lumps),
            "cv2": round(float((lumps.std() / lumps.mean()) ** 2), 3),
        },
        "delisted": [{"sku_id": odd.delisted, "from": str(world.day_of(odd.delisted_begins))}]
        * gone,
        "launches": _launches(world),
    }


def _launches(world: World) -> list[Told]:
    """Products listed in the shop's days."""
    goods = world.catalogue
    first = np.ceil(goods.launched * len(world.days)).astype(np.int64)
    return [
        {
            "product_id": goods.ids[k],
            "from": str(world.days[first[k]]),
            "sku_ids": [goods.sku_codes[s] for s in np.flatnonzero(goods.sku_product == k)],
        }
        for k in np.flatnonzero(goods.launched > 0)
    ]
