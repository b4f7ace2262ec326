"""The warehouse's sheet of what is in stock, goods that lie included, and the list of sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.asked import find_hours_out
from ecops_lib.data.demo.buyers import WAREHOUSES
from ecops_lib.data.demo.sheets import Sheet, day_texts, texts
from ecops_lib.data.demo.stock import Stock
from ecops_lib.data.demo.world import Flags, Ints, World

DEAD_PRODUCT = "700000099999"
"""The product that never sold; it is no longer listed."""
STOCK_DAYS = 400
"""Days of stock snapshots: enough for a comparison with last year."""


def make_inventory_sheet(world: World, stock: Stock) -> Sheet:
    """One row a day × warehouse × SKU, at the day's end; a set has no stock of its own."""
    start = max(len(world.days) - STOCK_DAYS, 0)
    hours = _hours_out(world, stock)[start:]
    held = (stock.on_hand + _excess(world)[:, None])[start:]
    cells = np.broadcast_to(is_stocked(world)[:, None], held.shape)
    day, sku, warehouse = np.nonzero(cells)
    goods, dead = world.catalogue, _dead_rows(world, start)
    return Sheet(
        file="库存快照",
        table="inventory",
        columns={
            "day": ("日期", day_texts(world, day + start) + dead.days),
            "warehouse_id": ("仓库", [WAREHOUSES[k] for k in warehouse] + dead.warehouses),
            "sku_id": ("SKU编码", [goods.sku_codes[k] for k in sku] + dead.skus),
            "product_id": (
                "商品ID",
                [goods.ids[k] for k in goods.sku_product[sku]] + dead.products,
            ),
            "on_hand": ("在库数量", texts(held[cells]) + dead.units),
            "reserved": ("占用数量", texts(stock.reserved[start:][cells]) + dead.none),
            "in_transit": ("在途数量", texts(stock.in_transit[start:][cells]) + dead.none),
            "hours_out": ("缺货小时数", texts(hours[cells]) + dead.none),
        },
    )


def is_stocked(world: World) -> Flags:
    """Whether each SKU has stock of its own."""
    kit = world.truths.kit
    return np.array([kit is None or code != kit.sku for code in world.catalogue.sku_codes])


def _hours_out(world: World, stock: Stock) -> Ints:
    """Hours without stock, by day × SKU × warehouse."""
    held = stock.on_hand
    before = np.concatenate([held[:1], held[:-1]])
    out = (held + stock.shipped == 0) | ((held == 0) & (before == 0))
    if planted := world.truths.stock_out:
        mine = world.catalogue.sku_product == planted.product
        out[world.index(planted.begins) :, mine] = True
    hours: Ints = np.maximum(np.where(out, 24, 0), find_hours_out(world)[:, :, None])
    return hours


def _excess(world: World) -> Ints:
    """Units too many in each warehouse, by SKU."""
    idle, goods = world.truths.idle_stock, world.catalogue
    more = np.zeros(len(goods.sku_codes), np.int64)
    if idle:
        more[np.flatnonzero(goods.sku_product == idle.over)[:1]] = idle.over_units
    return more


@dataclass(frozen=True, kw_only=True, eq=False)
class DeadRows:
    """Cells of the SKU that never sold; empty where none is planted."""

    days: list[str]
    warehouses: list[str]
    skus: list[str]
    products: list[str]
    units: list[str]
    none: list[str]


def _dead_rows(world: World, start: int) -> DeadRows:
    idle = world.truths.idle_stock
    count = len(world.days) - start if idle else 0
    place, warehouse = (a.ravel() for a in np.indices((count, len(WAREHOUSES))))
    rows = len(place)
    return DeadRows(
        days=day_texts(world, place + start),
        warehouses=[WAREHOUSES[k] for k in warehouse],
        skus=[idle.dead if idle else ""] * rows,
        products=[DEAD_PRODUCT] * rows,
        units=[str(idle.dead_units if idle else 0)] * rows,
        none=["0"] * rows,
    )


def make_kits_sheet(world: World) -> Sheet:
    """One row a set × SKU inside it; none where no set is sold."""
    kit = world.truths.kit
    parts = kit.parts if kit else {}
    return Sheet(
        file="组合装",
        table="kits",
        columns={
            "kit_sku_id": ("组合SKU编码", [kit.sku if kit else ""] * len(parts)),
            "sku_id": ("单品SKU编码", list(parts)),
            "quantity": ("数量", [str(units) for units in parts.values()]),
        },
    )


def tell_idle(world: World) -> dict[str, object] | None:
    """The SKU that nobody asks for, and the one bought in excess."""
    idle, goods = world.truths.idle_stock, world.catalogue
    if idle is None:
        return None
    over = int(np.flatnonzero(goods.sku_product == idle.over)[0])
    return {
        "dead_sku": idle.dead,
        "dead_amount": idle.dead_units * len(WAREHOUSES) * idle.dead_cost / 100,
        "over_sku": goods.sku_codes[over],
        "over_units": idle.over_units * len(WAREHOUSES),
    }


def tell_late_supply(world: World, stock: Stock) -> dict[str, object] | None:
    """What is left of the SKU that will run out, how fast it goes and when more comes."""
    planted = world.truths.late_supply
    if planted is None:
        return None
    sku = world.sku(planted.sku)
    return {
        "sku_id": planted.sku,
        "units_left": int(stock.on_hand[-1, sku].sum()),
        "units_a_day": round(float(stock.shipped[-28:, sku].sum() / 28), 2),
        "comes": str(world.day_of(-planted.comes)),
    }


def tell_kit(world: World) -> dict[str, object] | None:
    """The set and its parts."""
    kit = world.truths.kit
    return {"kit_sku_id": kit.sku, "parts": dict(kit.parts)} if kit else None
