"""Who came: visits by day, product and channel, and the orders that each led to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.bids import visit_levels
from ecops_lib.data.demo.editions import visit_factors
from ecops_lib.data.demo.incidents import days_of, find_incidents
from ecops_lib.data.demo.season import Season
from ecops_lib.data.demo.world import CHANNELS, Flags, Floats, Ints, World

CHANNEL_SHARE = np.array([0.30, 0.25, 0.08, 0.07, 0.13, 0.05, 0.05, 0.07])
CHANNEL_APPEAL = np.array([1.0, 0.6, 2.2, 1.7, 1.0, 1.2, 1.3, 0.5])
CONVERSION = 0.02
"""Orders a product visit of an ordinary product through search."""
ADVERTISED = (1, 3, 4, 5, 6, 7, 8, 9, 10, 11)
"""Ranks of the products with keyword ads; the best seller lives on search."""
PAGES_OF_VISITOR = 1.55
"""Product visitors a visitor of the shop."""
OVERLAP = np.array([0.05, 0.06, 0.06, 0.05, 0.02, 0.01, 0.02, 0.02])
"""Share of the shop's other visitors who also came through the channel."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Visits:
    """Visits of the shop.

    Attributes:
        product_channel: Visitors by day × product × channel.
        orders: Orders by day × product (the one they came for) × channel.
    """

    product_channel: Ints
    orders: Ints


def make_visits(world: World, season: Season) -> Visits:
    """Draw visits and the orders that they lead to, truths included."""
    rng = world.rng("visits")
    share = channel_shares()
    listed = np.arange(len(world.days))[:, None] >= world.catalogue.launched * len(world.days)
    popularity = world.catalogue.popularity * listed
    mean = season.visitors[:, None, None] * popularity[:, :, None] * share
    chance = _chances(world, season)
    mean *= world.orders / (mean * chance).sum()
    noise = rng.gamma(600, 1 / 600, len(world.days))[:, None, None]
    noise = noise * rng.gamma(600, 1 / 600, popularity.shape)[:, :, None]
    visits = rng.poisson(mean * noise)
    visits = _with_planted_visits(world, visits, mean)
    orders = world.rng("orders of visits").binomial(visits, chance)
    orders = _with_incidents(world, visits, orders, chance)
    visits, orders = _with_spending(world, visits, orders, mean, chance)
    visits = _with_campaign_visits(world, visits, orders, mean)
    return Visits(product_channel=visits, orders=orders)


def channel_shares() -> Floats:
    """Product × channel; keyword ads bring visitors to the advertised products only."""
    share = np.tile(CHANNEL_SHARE, (60, 1))
    ads = CHANNELS.index("直通车")
    share[:, ads] = 0.02
    share[list(ADVERTISED), ads] = 0.35
    normal: Floats = share / share.sum(axis=1, keepdims=True)
    return normal


def _chances(world: World, season: Season) -> Floats:
    appeal = world.catalogue.appeal[:, None] * CHANNEL_APPEAL
    chance: Floats = np.minimum(CONVERSION * season.conversion[:, None, None] * appeal, 0.4)
    return chance


def _with_planted_visits(world: World, visits: Ints, mean: Floats) -> Ints:
    """Visits of planted days as they are to be expected: chance must not hide a truth."""
    held = visits.copy()
    if drop := world.truths.conversion_drop:
        normal = (slice(world.index(drop.begins), None), drop.product)
        held[normal] = np.rint(mean[normal])
    if loss := world.truths.channel_loss:
        part = (slice(world.index(loss.begins), None), slice(None), CHANNELS.index(loss.channel))
        held[part] = np.rint(mean[part] * loss.factor)
    rng = world.rng("past incidents")
    for one in find_incidents(world):
        if one.channel and one.cause != "outage":
            part = (days_of(world, one), slice(None), CHANNELS.index(one.channel))
            held[part] = rng.binomial(held[part], one.factor)
    return held


def _with_incidents(world: World, visits: Ints, orders: Ints, chance: Floats) -> Ints:
    """Replace the orders of planted days by the planted share of what was to be expected.

    Their number is not drawn, only their channels are: chance must not hide a truth.
    """
    rng = world.rng("incidents")
    factor = _truth_factor(world)
    held = orders.copy()
    for day, product in np.argwhere(factor != 1):
        expected = visits[day, product] * chance[day, product]
        count = round(float(expected.sum() * factor[day, product]))
        drawn = rng.multinomial(count, expected / max(expected.sum(), 1e-9))
        held[day, product] = np.minimum(drawn, visits[day, product])
    return held


def _with_spending(
    world: World, visits: Ints, orders: Ints, mean: Floats, chance: Floats
) -> tuple[Ints, Ints]:
    """More or fewer visits through ads, and orders with them, where a plan spends so."""
    rng = world.rng("spending")
    ads = CHANNELS.index("直通车")
    factor = visit_levels(world)
    more = rng.poisson(mean[:, :, ads] * np.maximum(factor - 1, 0))
    stays = np.minimum(factor, 1)
    held, sold = visits.copy(), orders.copy()
    sold[:, :, ads] = rng.binomial(orders[:, :, ads], stays) + rng.binomial(more, chance[:, :, ads])
    rest = rng.binomial(visits[:, :, ads], stays) + more
    held[:, :, ads] = np.maximum(rest, sold[:, :, ads])
    return held, sold


def _with_campaign_visits(world: World, visits: Ints, orders: Ints, mean: Floats) -> Ints:
    """Visits as own campaigns change them; a channel that was cut gives no more."""
    rng = world.rng("campaign visits")
    factor = visit_factors(world)[:, :, None]
    more = rng.poisson(mean * np.maximum(factor - 1, 0))
    if loss := world.truths.channel_loss:
        more[world.index(loss.begins) :, :, CHANNELS.index(loss.channel)] = 0
    stays: Ints = rng.binomial(visits, np.minimum(factor, 1))
    return np.maximum(stays, orders) + more


def _truth_factor(world: World) -> Floats:
    """Orders as a multiple of what they would be, by day × product."""
    factor = np.ones((len(world.days), 60))
    if drop := world.truths.conversion_drop:
        factor[world.index(drop.begins) :, drop.product] = drop.factor
    if out := world.truths.stock_out:
        factor[world.index(out.begins) :, out.product] = 0
    for one in find_incidents(world):
        if one.product >= 0:
            factor[days_of(world, one), one.product] = one.factor
    return factor


def may_add(world: World) -> Flags:
    """Whether lines may be added to baskets, by day × product: a fall is whole without them."""
    keep: Flags = _truth_factor(world) >= 1
    return keep
