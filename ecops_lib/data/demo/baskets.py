"""What was asked for: orders by moment and channel, and the lines of each, before prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ecops_lib.data.demo.asked import settle_asked, settle_units
from ecops_lib.data.demo.season import Season
from ecops_lib.data.demo.visits import Visits, may_add
from ecops_lib.data.demo.world import HOUR, Flags, Ints, World

HOURS = np.array(
    [2, 1, 0.5, 0.3, 0.3, 0.4, 0.8, 1.5, 3, 5, 6.5, 6, 5, 5, 5.5, 5.5, 5, 4.5, 4.5, 6, 8, 9, 8, 5]
)
PRESALE_SHARE = 0.08
"""Pre-sale orders as a share of the ordinary orders of a pre-sale day; they come on top."""
PRESALE_PRODUCTS = tuple(range(5, 15))


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """One entry an order line, by order. Amounts in cents."""

    order: Ints
    sku: Ints
    product: Ints
    quantity: Ints
    unit_price: Ints
    list_amount: Ints
    payable: Ints

    def __len__(self) -> int:
        return len(self.order)

    def where(self, kept: Flags | Ints) -> Lines:
        """Only some of the lines, in the order given."""
        return Lines(**{field.name: getattr(self, field.name)[kept] for field in fields(self)})

    def joined(self, more: Lines) -> Lines:
        """These lines, and then others."""
        names = [field.name for field in fields(self)]
        return Lines(**{n: np.concatenate([getattr(self, n), getattr(more, n)]) for n in names})


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """One entry an order, by time of creation, and the lines of all.

    Attributes:
        day: Day of the shop.
        second: Second of the day.
        channel: Index into ``CHANNELS``.
        sale: Index of the campaign whose pre-sale it is, or −1.
        lines: The lines, without prices.
        usual: How many orders there would be without own campaigns and creators.
        origin: Place of each among the usual ones; from ``usual`` on, of those on top.
        edition: Index of the own campaign whose offers hold for it, or −1.
        session: Index of the creator's session that brought it, or −1.
    """

    day: Ints
    second: Ints
    channel: Ints
    sale: Ints
    lines: Lines
    usual: int
    origin: Ints
    edition: Ints
    session: Ints

    def __len__(self) -> int:
        return len(self.day)

    def draw(
        self, world: World, part: str, *draws: Callable[[np.random.Generator, int], Any]
    ) -> tuple[Any, ...]:
        """What chance gives each order, in turn; the usual ones get the same with and without more.

        Args:
            world: The shop's frame.
            part: Name of the generator.
            draws: Each draws so many values.
        """
        usual, more = world.rng(part), world.rng(f"{part} on top")
        top = max(int(self.origin.max(initial=-1)) + 1 - self.usual, 0)
        return tuple(
            np.concatenate([draw(usual, self.usual), draw(more, top)])[self.origin]
            for draw in draws
        )


def make_baskets(world: World, season: Season, visits: Visits) -> Asked:
    """Draw the orders that the visits led to, and what is in them."""
    day, product, channel, sale, second = _placed(world, season, visits)
    count = len(day)
    none = np.full(count, -1)
    return Asked(
        day=day,
        second=second,
        channel=channel,
        sale=sale,
        lines=_baskets(world, day, product, sale),
        usual=count,
        origin=np.arange(count),
        edition=none,
        session=none,
    )


def _placed(world: World, season: Season, visits: Visits) -> tuple[Ints, ...]:
    """Day, product, channel, pre-sale and second of the day of each order, in time order."""
    rng = world.rng("orders")
    usual, extra = _expand(visits.orders), _presale_orders(world, season, visits)
    day, product, channel = (np.concatenate(pair) for pair in zip(usual, extra, strict=True))
    sale = np.concatenate([np.full(len(usual[0]), -1), season.presale[extra[0]]])
    hour = rng.choice(24, len(day), p=HOURS / HOURS.sum())
    second = hour * HOUR + rng.integers(0, HOUR, len(day))
    order = np.lexsort((second, day))
    return tuple(values[order] for values in (day, product, channel, sale, second))


def _expand(counts: Ints) -> tuple[Ints, ...]:
    """One entry a counted thing: its indices along each axis."""
    place = np.nonzero(counts)
    times = counts[place]
    return tuple(np.repeat(axis, times) for axis in place)


def _presale_orders(world: World, season: Season, visits: Visits) -> tuple[Ints, ...]:
    rng = world.rng("presale")
    usual = visits.orders.sum(axis=(1, 2)) * PRESALE_SHARE
    day = np.repeat(np.arange(len(world.days)), rng.poisson(usual * (season.presale >= 0)))
    wanted = rng.choice(PRESALE_PRODUCTS, len(day))
    listed = day >= world.catalogue.launched[wanted] * len(world.days)
    return day, np.where(listed, wanted, PRESALE_PRODUCTS[0]), rng.integers(0, 4, len(day))


def _baskets(world: World, day: Ints, product: Ints, sale: Ints) -> Lines:
    """The lines of each order: what they came for, and a heavy tail of what they added."""
    rng = world.rng("baskets")
    goods = world.catalogue
    count = len(day)
    more = np.where(sale >= 0, 0, np.minimum(rng.zipf(2.4, count) - 1, 8))
    order = np.concatenate([np.arange(count), np.repeat(np.arange(count), more)])
    added = rng.choice(60, int(more.sum()), p=goods.popularity**0.7 / (goods.popularity**0.7).sum())
    added_day = day[order[count:]]
    listed = added_day >= goods.launched[added] * len(world.days)
    kept = may_add(world)[added_day, added] & listed
    item = np.concatenate([product, added])
    sku = choose_sku(world, rng, item)
    quantity = np.where(
        rng.random(len(item)) < 0.85, 1, np.minimum(rng.zipf(2.3, len(item)) + 1, 12)
    )
    kept = np.concatenate([np.ones(count, bool), kept])
    _, first = np.unique(order * 1000 + sku, return_index=True)
    kept &= np.isin(np.arange(len(item)), first)
    place = np.flatnonzero(kept)
    place = place[np.argsort(order[place], kind="stable")]
    sku = settle_asked(world, day, order, sku)
    zero = np.zeros(len(place), np.int64)
    return Lines(
        order=order[place],
        sku=sku[place],
        product=item[place],
        quantity=settle_units(world, day, order[place], sku[place], quantity[place]),
        unit_price=zero,
        list_amount=zero,
        payable=zero,
    )


def choose_sku(world: World, rng: np.random.Generator, product: Ints) -> Ints:
    """Draw a variant of each product, as they usually sell."""
    goods = world.catalogue
    first = np.searchsorted(goods.sku_product, np.arange(60))
    ends = goods.sku_weight.cumsum() - goods.sku_product
    draw = rng.random(len(product))
    sku = first[product]
    for step in (0, 1):
        inside = sku + 1 < len(ends)
        following = np.minimum(sku + 1, len(ends) - 1)
        on = (
            inside
            & (goods.sku_product[following] == product)
            & (draw >= ends[first[product] + step])
        )
        sku = np.where(on, following, sku)
    return sku
