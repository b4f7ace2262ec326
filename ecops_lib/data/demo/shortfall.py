"""Emptying shelves: what was bought of a SKU is cut, so that nothing is left when planted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ecops_lib.data.demo.asked import find_spans
from ecops_lib.data.demo.buyers import WAREHOUSES
from ecops_lib.data.demo.purchases import LEAD_DAYS, Purchases
from ecops_lib.data.demo.truths import LateSupply, MemberDay
from ecops_lib.data.demo.world import Flags, Ints, World

OVERDUE = 4
"""Days after the last on which the purchases of the planted stock-out come."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shelves:
    """Units at the beginning by SKU × warehouse, what was bought, and what left by day."""

    opening: Ints
    purchases: Purchases
    shipped: Ints

    def of(self, sku: int, warehouse: int) -> Flags:
        """The purchases of a SKU for a warehouse."""
        bought = self.purchases
        mine: Flags = (bought.sku == sku) & (bought.warehouse == warehouse)
        return mine

    def less(self, place: tuple[int, int], day: int, left: int = 0) -> tuple[Shelves, int]:
        """Cut what came before a day, so that so many units are left at its end.

        What comes on that day comes after. The last purchases are cut first, then the
        opening stock: so no day before runs short.
        """
        bought, quantity = self.purchases, self.purchases.quantity.copy()
        before = np.flatnonzero(self.of(*place) & (bought.arrives < day))
        went = self.shipped[(slice(None, day + 1), *place)].sum()
        much = max(int(self.opening[place] + quantity[before].sum() - went) - left, 0)
        rest = much
        for number in before[np.argsort(-bought.arrives[before], kind="stable")]:
            cut = min(int(quantity[number]), rest)
            quantity[number] -= cut
            rest -= cut
        opening = self.opening.copy()
        opening[place] -= rest
        return replace(self, opening=opening, purchases=replace(bought, quantity=quantity)), much

    def put_off(self, which: Flags, to: int, *, late: bool) -> Shelves:
        """Let purchases come on another day: late, or ordered so much later."""
        bought = self.purchases
        arrives = np.where(which, to, bought.arrives)
        move = np.where(which & np.bool_(not late), arrives - bought.arrives, 0)
        moved = replace(
            bought, arrives=arrives, ordered=bought.ordered + move, due=bought.due + move
        )
        return replace(self, purchases=moved)

    def more(self, world: World, place: tuple[int, int], day: int, units: int) -> Shelves:
        """Buy so many units that come on a day, in time."""
        sku, warehouse = place
        lead = LEAD_DAYS[world.catalogue.category[world.catalogue.sku_product[sku]]]
        entry = (sku, warehouse, max(day - lead, 0), day, day, units)
        return replace(self, purchases=self.purchases.with_entry(entry))


def plant_shortfalls(world: World, shelves: Shelves) -> Shelves:
    """The past shortages, the SKU sold out for good, the stock-out and the late supply."""
    for warehouse in range(len(WAREHOUSES)):
        for span in find_spans(world):
            shelves = _refilled(world, shelves, (span.sku, warehouse), span.first, span.refill)
        shelves = _sold_out(world, shelves, warehouse)
        shelves = _runs_out(world, shelves, warehouse)
        for planted in (world.truths.late_supply, world.truths.live_campaign):
            shelves = _late_supply(world, shelves, warehouse, planted)
    bought = shelves.purchases
    kept = np.flatnonzero(bought.quantity > 0)
    order = kept[np.argsort(bought.ordered[kept], kind="stable")]
    return replace(shelves, purchases=bought.where(order))


def _refilled(
    world: World, shelves: Shelves, place: tuple[int, int], first: int, refill: int
) -> Shelves:
    """Nothing left on the first day; as much as was missing comes on the day of the refill."""
    come = shelves.purchases.arrives
    shelves = shelves.put_off(
        shelves.of(*place) & (come >= first) & (come < refill), refill, late=False
    )
    shelves, missing = shelves.less(place, first)
    return shelves.more(world, place, refill, missing)


def _sold_out(world: World, shelves: Shelves, warehouse: int) -> Shelves:
    odd = world.truths.odd_demand
    if odd is None or odd.delisted_begins >= len(world.days):
        return shelves
    place = (world.sku(odd.delisted), warehouse)
    never = shelves.of(*place) & (shelves.purchases.arrives > world.index(odd.delisted_begins))
    quantity = np.where(never, 0, shelves.purchases.quantity)
    shelves = replace(shelves, purchases=replace(shelves.purchases, quantity=quantity))
    return shelves.less(place, len(world.days))[0]


def _runs_out(world: World, shelves: Shelves, warehouse: int) -> Shelves:
    """The planted stock-out: what should have come by now is late."""
    out = world.truths.stock_out
    if out is None:
        return shelves
    start, count = world.index(out.begins), len(world.days)
    for sku in np.flatnonzero(world.catalogue.sku_product == out.product).tolist():
        come = shelves.purchases.arrives
        due = shelves.of(sku, warehouse) & (come >= start) & (come < count)
        shelves = shelves.put_off(due, count + OVERDUE, late=True)
        shelves, _ = shelves.less((sku, warehouse), start)
    return shelves


def _late_supply(
    world: World, shelves: Shelves, warehouse: int, planted: LateSupply | MemberDay | None
) -> Shelves:
    """A few units are left on the last day, and more comes only later."""
    if planted is None:
        return shelves
    place, count = (world.sku(planted.sku), warehouse), len(world.days)
    comes = count - 1 + planted.comes
    on_way = shelves.of(*place) & (shelves.purchases.arrives >= count)
    shelves = shelves.put_off(on_way, comes, late=False)
    shelves, missing = shelves.less(place, count, planted.left)
    return shelves if on_way.any() else shelves.more(world, place, comes, max(missing, 1))
