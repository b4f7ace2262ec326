"""Purchases from suppliers: a buyer with foresight orders in time."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ecops_lib.data.demo.catalogue import SUPPLIERS
from ecops_lib.data.demo.world import Floats, Ints, World

LEAD_DAYS = (18, 24, 21, 28, 15, 25)
"""Days from order to receipt that each category's supplier quotes."""
LATE_SHAPE, LATE_DAYS = 1.2, 2.5
"""Days that it takes beyond them: a gamma's shape, and its scale."""
QUANTILES = 20_000
"""Draws that the gamma's quantiles are read from."""
COVER_DAYS = 45
SLACK_DAYS = 21
FLOOR, FLOOR_DAYS = 6, 14
"""A warehouse does not let a SKU fall below so many units and so many days of its sales."""
STAGES = ("production", "inspection", "shipping", "receipt")


@dataclass(frozen=True, kw_only=True, eq=False)
class Purchases:
    """One entry a purchase of one SKU for one warehouse; days are indices into the shop's days.

    ``arrives`` may lie beyond the last day: the goods are still on their way.
    """

    sku: Ints
    warehouse: Ints
    ordered: Ints
    arrives: Ints
    due: Ints
    quantity: Ints

    def where(self, kept: Ints) -> Purchases:
        """Only some of the purchases, in the order given."""
        return Purchases(**{field.name: getattr(self, field.name)[kept] for field in fields(self)})

    def with_entry(self, entry: tuple[int, ...]) -> Purchases:
        """One purchase more; its fields in their order."""
        pairs = zip(fields(self), entry, strict=True)
        return Purchases(**{f.name: np.append(getattr(self, f.name), value) for f, value in pairs})


def buy_ahead(world: World, shipped: Ints) -> tuple[Ints, Purchases]:
    """A buyer with foresight: each week, order what will be short before the next arrival.

    Returns:
        Units at the beginning by SKU × warehouse, and the purchases.
    """
    rng = world.rng("purchases")
    count = len(world.days)
    category = world.catalogue.category[world.catalogue.sku_product]
    lead, drag = np.array(LEAD_DAYS)[category], _drag(world)[category]
    pace = shipped.mean(axis=0)
    floor = np.ceil(FLOOR + FLOOR_DAYS * pace)
    tail = np.repeat(shipped[-60:].mean(axis=0, keepdims=True), 120, axis=0)
    ahead = np.concatenate([shipped, tail]).cumsum(axis=0)
    reach = lead + SLACK_DAYS + 7
    every = np.arange(len(lead))
    opening = np.ceil(ahead[reach, every] + floor * (1 + rng.random(pace.shape)))
    supply = opening.copy()
    rows: list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]] = []
    for day in range(0, count, 7):
        needed = ahead[day + reach, every] + floor
        short = np.argwhere(supply < needed)
        if not len(short):
            continue
        sku, warehouse = short.T
        want = ahead[np.minimum(day + reach + COVER_DAYS, len(ahead) - 1), every][sku, warehouse]
        more = want + floor[sku, warehouse] - supply[sku, warehouse]
        quantity = np.ceil(more / 10) * 10
        supply[sku, warehouse] += quantity
        due = day + lead[sku]
        rows.append(np.stack([sku, warehouse, np.full(len(sku), day), due, due, quantity]))
    table = np.concatenate(rows, axis=1).astype(np.int64) if rows else np.zeros((6, 0), np.int64)
    table[3] += _lateness(rng, category[table[0]], drag[table[0]])
    names = ("sku", "warehouse", "ordered", "arrives", "due", "quantity")
    return opening.astype(np.int64), Purchases(**dict(zip(names, table, strict=True)))


def _lateness(rng: np.random.Generator, category: Ints, drag: Floats) -> Ints:
    """Days beyond the quoted lead time, as evenly over the gamma as each supplier's number lets.

    Few purchases by lot would hide who is slow, or feign it.
    """
    gamma = np.sort(rng.gamma(LATE_SHAPE, LATE_DAYS, QUANTILES))
    late = np.zeros(len(category), np.int64)
    for supplier in np.unique(category):
        mine = rng.permutation(np.flatnonzero(category == supplier))
        place = (np.arange(len(mine)) + rng.random(len(mine))) / len(mine) * QUANTILES
        late[mine] = np.round(gamma[place.astype(np.int64)] * drag[mine])
    return np.minimum(late, SLACK_DAYS - 2)


def _drag(world: World) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    faults = world.truths.suppliers
    return np.array(faults.drag if faults else (1.0,) * len(SUPPLIERS))


def stage_days(purchases: Purchases) -> tuple[Ints, ...]:
    """The day on which each stage of each purchase was done."""
    span = purchases.arrives - purchases.ordered
    made, checked, sent = (purchases.ordered + (span * f).astype(np.int64) for f in (0.5, 0.6, 0.7))
    return made, checked, sent, purchases.arrives
