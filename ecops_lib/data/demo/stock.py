"""Stock: what left, what was ordered from suppliers in time, and the planted stock-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.buyers import WAREHOUSES
from ecops_lib.data.demo.claims import Claims
from ecops_lib.data.demo.fulfilment import Fulfilment
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.truths import StockOut
from ecops_lib.data.demo.world import Flags, Ints, World

LEAD_DAYS = (18, 24, 21, 28, 15, 25)
"""Mean days from order to receipt, by category's supplier."""
COVER_DAYS = 45
SLACK_DAYS = 21
FLOOR = 70
"""Units below which a warehouse does not let a SKU fall."""
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Stock:
    """Stock at the end of each day, by day × SKU × warehouse.

    ``on_hand[d] = on_hand[d − 1] + received[d] − shipped[d]``.
    """

    on_hand: Ints
    reserved: Ints
    in_transit: Ints
    received: Ints
    shipped: Ints
    purchases: Purchases


def make_stock(world: World, trade: Trade, done: Fulfilment, claims: Claims) -> Stock:
    """Buy ahead of what will leave, so that only the planted product runs out."""
    shape = (len(world.days), len(world.catalogue.sku_codes), len(WAREHOUSES))
    shipped = _moves(trade, world.day_index(done.shipped_at), done.line_shipped, shape)
    opening, purchases = _buy(world, shipped)
    received = _arrivals(purchases, shape)
    on_hand = opening + (received - shipped).cumsum(axis=0)
    if out := world.truths.stock_out:
        purchases, on_hand = _run_out(world, out, purchases, on_hand)
        received = _arrivals(purchases, shape)
    return Stock(
        on_hand=on_hand,
        reserved=_reserved(world, trade, done, claims, shape),
        in_transit=_in_transit(purchases, shape),
        received=received,
        shipped=shipped,
        purchases=purchases,
    )


def _moves(trade: Trade, day_of_order: Ints, lines: Flags, shape: tuple[int, ...]) -> Ints:
    """Units by day × SKU × warehouse of some of the lines, on their order's day."""
    day = day_of_order[trade.lines.order]
    warehouse = trade.orders.south[trade.lines.order].astype(np.int64)
    mine = lines & (day >= 0) & (day < shape[0])
    moved = np.zeros(shape, np.int64)
    place = (day[mine], trade.lines.sku[mine], warehouse[mine])
    np.add.at(moved, place, trade.lines.quantity[mine])
    return moved


def _buy(world: World, shipped: Ints) -> tuple[Ints, Purchases]:
    """A buyer with foresight: each week, order what will be short before the next arrival."""
    rng = world.rng("purchases")
    count = len(world.days)
    lead = np.array(LEAD_DAYS)[world.catalogue.category[world.catalogue.sku_product]]
    tail = np.repeat(shipped[-60:].mean(axis=0, keepdims=True), 120, axis=0)
    ahead = np.concatenate([shipped, tail]).cumsum(axis=0)
    reach = lead + SLACK_DAYS + 7
    every = np.arange(len(lead))
    opening = np.ceil(ahead[reach, every] + FLOOR + rng.integers(0, 60, shipped.shape[1:]))
    supply = opening.copy()
    rows: list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]] = []
    for day in range(0, count, 7):
        needed = ahead[day + reach, every] + FLOOR
        short = np.argwhere(supply < needed)
        if not len(short):
            continue
        sku, warehouse = short.T
        want = ahead[np.minimum(day + reach + COVER_DAYS, len(ahead) - 1), every][sku, warehouse]
        quantity = np.ceil((want + FLOOR - supply[sku, warehouse]) / 10) * 10
        supply[sku, warehouse] += quantity
        due = day + lead[sku]
        late = np.minimum(np.round(rng.gamma(1.2, 2.5, len(sku))), SLACK_DAYS - 2)
        rows.append(np.stack([sku, warehouse, np.full(len(sku), day), due + late, due, quantity]))
    table = np.concatenate(rows, axis=1).astype(np.int64) if rows else np.zeros((6, 0), np.int64)
    names = ("sku", "warehouse", "ordered", "arrives", "due", "quantity")
    return opening.astype(np.int64), Purchases(**dict(zip(names, table, strict=True)))


def _arrivals(purchases: Purchases, shape: tuple[int, ...]) -> Ints:
    received = np.zeros(shape, np.int64)
    come = purchases.arrives < shape[0]
    place = (purchases.arrives[come], purchases.sku[come], purchases.warehouse[come])
    np.add.at(received, place, purchases.quantity[come])
    return received


def _run_out(
    world: World, out: StockOut, purchases: Purchases, on_hand: Ints
) -> tuple[Purchases, Ints]:
    """Take what would be left of the planted product from what had been bought of it.

    Purchases that would arrive during the stock-out come after the last day instead; then
    the last purchases before it, and at last the opening stock, are made that much smaller.
    """
    start = world.index(out.begins)
    arrives, quantity = purchases.arrives.copy(), purchases.quantity.copy()
    held = on_hand.copy()
    for sku in np.flatnonzero(world.catalogue.sku_product == out.product):
        for warehouse in range(len(WAREHOUSES)):
            mine = np.flatnonzero((purchases.sku == sku) & (purchases.warehouse == warehouse))
            for number in mine[(arrives[mine] >= start) & (arrives[mine] < len(on_hand))]:
                held[arrives[number] :, sku, warehouse] -= quantity[number]
                arrives[number] = len(on_hand) + 4
            for number in mine[np.argsort(-arrives[mine], kind="stable")]:
                if arrives[number] < start:
                    less = min(quantity[number], held[-1, sku, warehouse])
                    held[arrives[number] :, sku, warehouse] -= less
                    quantity[number] -= less
            held[:, sku, warehouse] -= held[-1, sku, warehouse]
    kept = quantity > 0
    changed = {**vars(purchases), "arrives": arrives, "quantity": quantity}
    return Purchases(**{name: values[kept] for name, values in changed.items()}), held


def _reserved(
    world: World, trade: Trade, done: Fulfilment, claims: Claims, shape: tuple[int, ...]
) -> Ints:
    """Units paid for, not shipped and not refunded, at the end of each day."""
    every = np.ones(len(trade.lines), bool)
    paid = _moves(trade, world.day_index(trade.orders.paid_at), every, shape)
    left = _moves(trade, world.day_index(done.shipped_at), done.line_shipped, shape)
    back = np.zeros(shape, np.int64)
    early = np.flatnonzero((claims.stage == 0) & claims.succeeded)
    line = claims.line[early]
    day = world.day_index(claims.finished_at[early])
    warehouse = trade.orders.south[trade.lines.order[line]].astype(np.int64)
    np.add.at(back, (day, trade.lines.sku[line], warehouse), trade.lines.quantity[line])
    return (paid - left - back).cumsum(axis=0)


def _in_transit(purchases: Purchases, shape: tuple[int, ...]) -> Ints:
    """Units that have left the supplier and not arrived, at the end of each day."""
    change = np.zeros((shape[0] + 1, *shape[1:]), np.int64)
    sent = stage_days(purchases)[2]
    for day, sign in ((sent, 1), (purchases.arrives, -1)):
        place = (np.minimum(day, shape[0]), purchases.sku, purchases.warehouse)
        np.add.at(change, place, sign * purchases.quantity)
    return change.cumsum(axis=0)[:-1]


def stage_days(purchases: Purchases) -> tuple[Ints, ...]:
    """The day on which each stage of each purchase was done."""
    span = purchases.arrives - purchases.ordered
    made, checked, sent = (purchases.ordered + (span * f).astype(np.int64) for f in (0.5, 0.6, 0.7))
    return made, checked, sent, purchases.arrives
