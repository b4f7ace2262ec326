"""What the platform's statistics would show of the same visits, orders and refunds.

Every figure follows from the drawn visits and orders: amounts are sums of order lines,
buyers are counted once a day, and visitors are never fewer than those who bought.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.claims import Claims
from ecops_lib.data.demo.editions import cart_factors
from ecops_lib.data.demo.incidents import days_of, find_incidents
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.visits import OVERLAP, PAGES_OF_VISITOR, Visits
from ecops_lib.data.demo.world import CHANNELS, Flags, Floats, Ints, World

PRODUCTS = 60
OLD_BUYER_DAYS = 365
CARTS, FAVOURITES = 0.09, 0.035
"""Shares of the visitors who add to the cart, and who save a product."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Daily:
    """Facts by day and group (product, channel, or one group for the shop). Cents.

    Each field is an array of days × groups; people are distinct within the day.
    """

    visitors: Ints
    page_views: Ints
    stay_seconds: Floats
    bounce_rate: Floats
    favourite_visitors: Ints
    cart_visitors: Ints
    cart_units: Ints
    ordering_buyers: Ints
    ordered_units: Ints
    ordered_amount: Ints
    paying_buyers: Ints
    paid_units: Ints
    paid_amount: Ints
    old_buyers: Ints
    old_amount: Ints
    refund_amount: Ints
    search_visitors: Ints
    search_buyers: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Traffic:
    """The platform's statistics: products, channels and the shop."""

    products: Daily
    channels: Daily
    shop: Daily


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sales:
    """Order lines (or orders) as they fall on days and groups."""

    created: Ints
    paid: Ints
    group: Ints
    groups: int
    buyer: Ints
    units: Ints
    amount: Ints
    old: Flags
    search: Flags


def make_traffic(world: World, visits: Visits, trade: Trade, claims: Claims) -> Traffic:
    """Add up visits, orders and refunds by day as the platform would."""
    of_lines, of_orders = _line_sales(world, trade), _order_sales(world, trade)
    finished = np.where(claims.succeeded, world.day_index(claims.finished_at), -1)
    of_claims = trade.lines.product[claims.line]
    product_visitors = _product_visitors(world, visits, of_lines)
    keen, usually = _keen(world, product_visitors)
    channel_visitors, shop_visitors = _shop_visitors(world, visits, of_orders, product_visitors)
    shop = _regrouped(of_orders, np.zeros(len(of_orders.group), np.int64), 1)
    no_claims = np.zeros((len(world.days), len(CHANNELS)), np.int64)
    by_product = _grid(finished, of_claims, claims.amount, (len(world.days), PRODUCTS))
    found = visits.product_channel[:, :, 0]
    return Traffic(
        products=_daily(world, "products", product_visitors, of_lines, by_product, found, keen),
        channels=_daily(
            world, "channels", channel_visitors, of_orders, no_claims, no_claims, usually
        ),
        shop=_daily(
            world,
            "shop",
            shop_visitors[:, None],
            shop,
            by_product.sum(axis=1, keepdims=True),
            channel_visitors[:, :1],
            usually,
        ),
    )


def _line_sales(world: World, trade: Trade) -> _Sales:
    order = trade.lines.order
    return _Sales(
        created=world.day_index(trade.orders.created_at)[order],
        paid=world.day_index(trade.orders.paid_at)[order],
        group=trade.lines.product,
        groups=PRODUCTS,
        buyer=trade.orders.buyer[order],
        units=trade.lines.quantity,
        amount=trade.lines.payable,
        old=old_buyers(world, trade)[order],
        search=trade.orders.channel[order] == 0,
    )


def _order_sales(world: World, trade: Trade) -> _Sales:
    orders = trade.orders
    units = np.bincount(trade.lines.order, trade.lines.quantity, len(orders)).astype(np.int64)
    return _Sales(
        created=world.day_index(orders.created_at),
        paid=world.day_index(orders.paid_at),
        group=orders.channel,
        groups=len(CHANNELS),
        buyer=orders.buyer,
        units=units,
        amount=orders.total,
        old=old_buyers(world, trade),
        search=orders.channel == 0,
    )


def _regrouped(sales: _Sales, group: Ints, groups: int) -> _Sales:
    return _Sales(**{**vars(sales), "group": group, "groups": groups})


def old_buyers(world: World, trade: Trade) -> Flags:
    """Whether each order's buyer had paid for another on one of the 365 days before."""
    day = world.day_index(trade.orders.paid_at)
    buyer = trade.orders.buyer
    order = np.lexsort((day, buyer))
    keys, first = np.unique(buyer[order] * 10_000 + day[order] + 1, return_index=True)
    before = np.concatenate([[-1], keys[:-1]])
    same = (before // 10_000 == keys // 10_000) & (before % 10_000 > 0)
    recent = same & (keys - before <= OLD_BUYER_DAYS)
    known = trade.buyers.known_before[keys // 10_000] & (keys % 10_000 <= OLD_BUYER_DAYS)
    sizes = np.diff(np.append(first, len(order)))
    old = np.empty(len(order), bool)
    old[order] = np.repeat(recent | known, sizes)
    return old & (day >= 0)


def _grid(day: Ints, group: Ints, value: Ints | Floats, shape: tuple[int, int]) -> Ints:
    inside = (day >= 0) & (day < shape[0])
    flat = day[inside] * shape[1] + group[inside]
    sums = np.bincount(flat, weights=value[inside], minlength=shape[0] * shape[1])
    return np.rint(sums).astype(np.int64).reshape(shape)


def _people(day: Ints, group: Ints, buyer: Ints, shape: tuple[int, int]) -> Ints:
    """Distinct buyers by day and group."""
    inside = (day >= 0) & (day < shape[0])
    keys = np.unique((day[inside] * shape[1] + group[inside]) * 1_000_000 + buyer[inside])
    found = np.bincount(keys // 1_000_000, minlength=shape[0] * shape[1])
    return found.astype(np.int64).reshape(shape)


def _product_visitors(world: World, visits: Visits, sales: _Sales) -> Ints:
    """Visits drawn, and the visits of those who bought without one or came back to pay."""
    shape = (len(world.days), PRODUCTS)
    one = np.ones(len(sales.group))
    bought = _grid(sales.created, sales.group, one, shape)
    later = _grid(np.where(sales.paid != sales.created, sales.paid, -1), sales.group, one, shape)
    extra = np.maximum(bought - visits.orders.sum(axis=2), 0) + later
    visitors: Ints = visits.product_channel.sum(axis=2) + extra
    return visitors


def _shop_visitors(
    world: World, visits: Visits, sales: _Sales, product_visitors: Ints
) -> tuple[Ints, Ints]:
    """Visitors by channel (who may come through several) and of the shop (counted once)."""
    rng = world.rng("shop visitors")
    first = rng.binomial(visits.product_channel.sum(axis=1), 1 / PAGES_OF_VISITOR)
    shape = (len(world.days), len(CHANNELS))
    day = np.maximum(sales.created, sales.paid)
    buyers = _people(sales.created, sales.group, sales.buyer, shape)
    payers = _people(sales.paid, sales.group, sales.buyer, shape)
    first = np.maximum(first, np.maximum(buyers, payers))
    later = _grid(
        np.where(sales.paid != sales.created, day, -1), sales.group, np.ones(len(day)), shape
    )
    first += later
    short = product_visitors.max(axis=1) - first.sum(axis=1)
    first[:, 0] += np.maximum(short, 0)
    shop = first.sum(axis=1)
    overlap = np.tile(OVERLAP, (len(world.days), 1))
    if loss := world.truths.channel_loss:
        overlap[world.index(loss.begins) :, CHANNELS.index(loss.channel)] *= loss.factor
    channels = first + rng.binomial(shop[:, None] - first, np.minimum(overlap, 1))
    for one in find_incidents(world):
        if one.cause == "outage":
            part = (days_of(world, one), CHANNELS.index(one.channel))
            channels[part] = np.maximum(np.rint(channels[part] * one.factor), payers[part])
    return channels, shop


def _keen(world: World, visitors: Ints) -> tuple[Floats, Floats]:
    """Carts and favourites a visitor as a multiple, where a campaign warms up.

    Returns:
        By day × product, and the mean of each day's products (days × 1).
    """
    factor = cart_factors(world)
    mean = np.average(factor, axis=1, weights=visitors + 1e-9)
    return factor, mean[:, None]


def _daily(
    world: World,
    part: str,
    visitors: Ints,
    sales: _Sales,
    refunds: Ints,
    found: Ints,
    keen: Floats,
) -> Daily:
    rng = world.rng(f"behaviour {part}")
    shape = (len(world.days), sales.groups)
    buyers = _people(sales.created, sales.group, sales.buyer, shape)
    cart = np.minimum(np.maximum(rng.binomial(visitors, CARTS * keen), buyers), visitors)
    old = np.where(sales.old, sales.paid, -1)
    search_paid = np.where(sales.search, sales.paid, -1)
    search_buyers = _people(search_paid, sales.group, sales.buyer, shape)
    return Daily(
        visitors=visitors,
        page_views=visitors + rng.poisson(visitors * (2.6 if part == "shop" else 0.9)),
        stay_seconds=np.round(rng.normal(38, 5, shape).clip(5), 2),
        bounce_rate=np.round(rng.beta(160, 140, shape), 4),
        favourite_visitors=rng.binomial(visitors, FAVOURITES * keen),
        cart_visitors=cart,
        cart_units=cart + rng.poisson(cart * 0.25),
        ordering_buyers=buyers,
        ordered_units=_grid(sales.created, sales.group, sales.units, shape),
        ordered_amount=_grid(sales.created, sales.group, sales.amount, shape),
        paying_buyers=_people(sales.paid, sales.group, sales.buyer, shape),
        paid_units=_grid(sales.paid, sales.group, sales.units, shape),
        paid_amount=_grid(sales.paid, sales.group, sales.amount, shape),
        old_buyers=_people(old, sales.group, sales.buyer, shape),
        old_amount=_grid(old, sales.group, sales.amount, shape),
        refund_amount=refunds,
        search_visitors=np.maximum(np.minimum(found, visitors), search_buyers),
        search_buyers=search_buyers,
    )
