"""Stock: what left, what came in time, and what was planted to run out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.buyers import WAREHOUSES
from ecops_lib.data.demo.claims import Claims
from ecops_lib.data.demo.fulfilment import Fulfilment
from ecops_lib.data.demo.purchases import Purchases, buy_ahead, stage_days
from ecops_lib.data.demo.shortfall import Shelves, plant_shortfalls
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import Flags, Ints, World


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
    """Buy ahead of what will leave, so that only what is planted to runs out."""
    shape = (len(world.days), len(world.catalogue.sku_codes), len(WAREHOUSES))
    left = _moves(trade, world.day_index(done.shipped_at), done.line_shipped, shape)
    shipped = _in_parts(world, left)
    opening, purchases = buy_ahead(world, shipped)
    shelves = plant_shortfalls(
        world, Shelves(opening=opening, purchases=purchases, shipped=shipped)
    )
    received = _arrivals(shelves.purchases, shape)
    return Stock(
        on_hand=shelves.opening + (received - shipped).cumsum(axis=0),
        reserved=_reserved(world, trade, left, claims),
        in_transit=_in_transit(shelves.purchases, shape),
        received=received,
        shipped=shipped,
        purchases=shelves.purchases,
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


def _in_parts(world: World, moved: Ints) -> Ints:
    """A set's units as those of its parts."""
    kit = world.truths.kit
    if kit is None:
        return moved
    whole, held = world.sku(kit.sku), moved.copy()
    for code, units in kit.parts.items():
        held[:, world.sku(code)] += moved[:, whole] * units
    held[:, whole] = 0
    return held


def _arrivals(purchases: Purchases, shape: tuple[int, ...]) -> Ints:
    received = np.zeros(shape, np.int64)
    come = purchases.arrives < shape[0]
    place = (purchases.arrives[come], purchases.sku[come], purchases.warehouse[come])
    np.add.at(received, place, purchases.quantity[come])
    return received


def _reserved(world: World, trade: Trade, left: Ints, claims: Claims) -> Ints:
    """Units paid for, not shipped and not refunded, at the end of each day."""
    every = np.ones(len(trade.lines), bool)
    paid = _moves(trade, world.day_index(trade.orders.paid_at), every, left.shape)
    back = np.zeros(left.shape, np.int64)
    early = np.flatnonzero((claims.stage == 0) & claims.succeeded)
    line = claims.line[early]
    day = world.day_index(claims.finished_at[early])
    warehouse = trade.orders.south[trade.lines.order[line]].astype(np.int64)
    np.add.at(back, (day, trade.lines.sku[line], warehouse), trade.lines.quantity[line])
    return _in_parts(world, (paid - left - back).cumsum(axis=0))


def _in_transit(purchases: Purchases, shape: tuple[int, ...]) -> Ints:
    """Units that have left the supplier and not arrived, at the end of each day."""
    change = np.zeros((shape[0] + 1, *shape[1:]), np.int64)
    sent = stage_days(purchases)[2]
    for day, sign in ((sent, 1), (purchases.arrives, -1)):
        place = (np.minimum(day, shape[0]), purchases.sku, purchases.warehouse)
        np.add.at(change, place, sign * purchases.quantity)
    return change.cumsum(axis=0)[:-1]
