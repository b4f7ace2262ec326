"""Orders that change hands: who buys what within a day, and nothing else.

Buyers may trade orders that were placed on the same day, paid on the same day and go to
provinces of the same postage, warehouse and way, and only if neither bought anything else
on those days. Then every amount, parcel, claim and count of distinct buyers of every day
is what it was; only names and addresses are others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecops_lib.data.demo.buyers import FAR, NEAR, SOUTH, among
from ecops_lib.data.demo.trade import Orders, Trade
from ecops_lib.data.demo.world import Flags, Ints, World


def region_of(province: Ints) -> Ints:
    """Provinces of one region have the same warehouse, postage and way of their parcels."""
    region: Ints = among(province, SOUTH) + 2 * among(province, NEAR) + 4 * among(province, FAR)
    return region


def alone(world: World, orders: Orders) -> Flags:
    """Whether each order's buyer placed and paid no other order on its days."""
    placed, paid = world.day_index(orders.created_at), world.day_index(orders.paid_at)
    later = np.flatnonzero((paid >= 0) & (paid != placed))
    key = _key(orders.buyer, placed)
    held = np.concatenate([key, _key(orders.buyer[later], paid[later])])
    _, place, count = np.unique(held, return_inverse=True, return_counts=True)
    only = count[place] == 1
    single: Flags = only[: len(orders)].copy()
    single[later] &= only[len(orders) :]
    return single


def _key(buyer: Ints, day: Ints) -> Ints:
    return buyer * 10_000 + day


def circle_of(world: World, orders: Orders) -> Ints:
    """Number of the circle within which each order may change hands."""
    placed, paid = world.day_index(orders.created_at), world.day_index(orders.paid_at)
    parts = np.stack([placed, paid, region_of(orders.province)], axis=1)
    return np.unique(parts, axis=0, return_inverse=True)[1].reshape(-1)


def with_buyers(trade: Trade, buyer: Ints) -> Trade:
    """The same orders, in other hands."""
    home = trade.buyers.province[buyer]
    return replace(
        trade,
        orders=replace(trade.orders, buyer=buyer, province=home),
        buyers=replace(trade.buyers, of_order=buyer),
    )
