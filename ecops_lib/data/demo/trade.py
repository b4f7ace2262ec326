"""Orders: baskets, prices, discounts by bearer, postage, payment; all money in cents."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ecops_lib.data.demo.asked import find_bulk_order, find_refused, settle_asked, settle_units
from ecops_lib.data.demo.buyers import FAR, SOUTH, Buyers, among, make_buyers
from ecops_lib.data.demo.season import Season
from ecops_lib.data.demo.visits import Visits, may_add
from ecops_lib.data.demo.world import HOUR, NEVER, Flags, Ints, Times, World, add_seconds

HOURS = np.array(
    [2, 1, 0.5, 0.3, 0.3, 0.4, 0.8, 1.5, 3, 5, 6.5, 6, 5, 5, 5.5, 5.5, 5, 4.5, 4.5, 6, 8, 9, 8, 5]
)
PRESALE_SHARE = 0.08
"""Pre-sale orders as a share of the ordinary orders of a pre-sale day; they come on top."""
PRESALE_PRODUCTS = tuple(range(5, 15))
UNPAID = 0.07
FORFEIT = 0.12
"""Share of pre-sale orders whose balance is never paid."""
FREE_POSTAGE = 3900
POSTAGE = 600
FAR_POSTAGE = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class Orders:
    """One entry an order, by time of creation. Amounts in cents.

    ``list_amount − merchant − platform = goods``; ``goods + postage = total``; the lines'
    payable amounts sum to ``goods``. ``paid_at`` is when all was paid; ``refused`` orders were
    not, for something that they ask for was out of stock for a while.
    """

    created_at: Times
    paid_at: Times
    deposit_at: Times
    channel: Ints
    buyer: Ints
    province: Ints
    south: Flags
    presale: Ints
    discount: Flags
    list_amount: Ints
    merchant: Ints
    platform: Ints
    goods: Ints
    postage: Ints
    total: Ints
    deposit: Ints
    refused: Flags

    def __len__(self) -> int:
        return len(self.total)


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

    def where(self, kept: Flags) -> Lines:
        """Only some of the lines."""
        return Lines(**{field.name: getattr(self, field.name)[kept] for field in fields(self)})


@dataclass(frozen=True, kw_only=True, eq=False)
class Trade:
    """What was sold, and to whom."""

    orders: Orders
    lines: Lines
    buyers: Buyers


def make_trade(world: World, season: Season, visits: Visits) -> Trade:
    """Draw the orders that the visits led to, with their lines and payments."""
    day, product, channel, sale, second = _placed(world, season, visits)
    created = add_seconds(world.days[day], second)
    buyers = make_buyers(world, len(day))
    lines = _price(world, day, _baskets(world, day, product, sale))
    discount = season.discount[day]
    promo = _line_promotion(world, lines, day, discount)
    lines, merchant, platform = _discount(world, lines, len(day), promo, discount)
    goods = _sum(lines.payable, lines.order, len(day))
    province = buyers.province[buyers.of_order]
    postage = np.where(goods < FREE_POSTAGE, POSTAGE, 0) + among(province, FAR) * FAR_POSTAGE
    paid, deposit_at = _payments(world, season, lines, created, sale)
    refused = find_refused(world, created, paid, lines.order, lines.sku)
    total = goods + postage
    orders = Orders(
        created_at=created,
        paid_at=np.where(refused, NEVER, paid),
        deposit_at=deposit_at,
        channel=channel,
        buyer=buyers.of_order,
        province=province,
        south=among(province, SOUTH),
        presale=sale,
        discount=discount,
        list_amount=_sum(lines.list_amount, lines.order, len(day)),
        merchant=merchant,
        platform=platform,
        goods=goods,
        postage=postage,
        total=total,
        deposit=np.where(sale >= 0, total // 10, 0),
        refused=refused,
    )
    return Trade(orders=orders, lines=lines, buyers=buyers)


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
    sku = _choose_sku(world, rng, item)
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


def _choose_sku(world: World, rng: np.random.Generator, product: Ints) -> Ints:
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


def _price(world: World, day: Ints, lines: Lines) -> Lines:
    goods = world.catalogue
    unit = goods.prices[lines.product] + goods.sku_extra[lines.sku]
    if drop := world.truths.conversion_drop:
        dearer = (lines.product == drop.product) & (day[lines.order] >= world.index(drop.begins))
        unit = np.where(
            dearer, np.round(unit * drop.price_factor / 100).astype(np.int64) * 100, unit
        )
    return Lines(
        order=lines.order,
        sku=lines.sku,
        product=lines.product,
        quantity=lines.quantity,
        unit_price=unit,
        list_amount=unit * lines.quantity,
        payable=unit * lines.quantity,
    )


def _line_promotion(world: World, lines: Lines, day: Ints, discount: Flags) -> Ints:
    """Merchant's discount on each line: some products some weeks, all in campaigns."""
    rng = world.rng("promotions")
    weeks = len(world.days) // 7 + 1
    weekly = rng.choice([0.0, 0.05, 0.1], (weeks, 60), p=[0.75, 0.15, 0.1])
    weekly[:, 0] = 0.05
    share = weekly[day[lines.order] // 7, lines.product]
    share = np.where(discount[lines.order], np.maximum(share, 0.15), share)
    off: Ints = np.round(lines.list_amount * share).astype(np.int64)
    return off


def _discount(
    world: World, lines: Lines, count: int, promo: Ints, discount: Flags
) -> tuple[Lines, Ints, Ints]:
    """Take off line promotions, then order discounts, shared over the lines to the cent."""
    rng = world.rng("coupons")
    after = lines.list_amount - promo
    goods = _sum(after, lines.order, count)
    threshold = np.minimum(goods // 20000 * 1500, 6000)
    coupon = np.where((goods >= 6000) & (rng.random(count) < 0.15), 500, 0)
    national = np.where(discount, np.minimum(goods // 30000 * 4000, 12000), 0)
    beans = np.where(rng.random(count) < 0.03, rng.integers(10, 300, count), 0)
    platform = np.minimum(national + beans, goods // 3)
    off = threshold + coupon + platform
    before = after.cumsum() - np.repeat(*_starts(after, lines.order, count))
    whole = goods[lines.order]
    upto = (before * off[lines.order]) // whole
    upfrom = ((before - after) * off[lines.order]) // whole
    priced = Lines(
        order=lines.order,
        sku=lines.sku,
        product=lines.product,
        quantity=lines.quantity,
        unit_price=lines.unit_price,
        list_amount=lines.list_amount,
        payable=after - (upto - upfrom),
    )
    merchant = _sum(promo, lines.order, count) + threshold + coupon
    return priced, merchant, platform


def _starts(values: Ints, order: Ints, count: int) -> tuple[Ints, Ints]:
    """Running total before each order's first line, and how many lines it has."""
    sizes = np.bincount(order, minlength=count)
    totals = _sum(values, order, count)
    return totals.cumsum() - totals, sizes


def _payments(
    world: World, season: Season, lines: Lines, created: Times, sale: Ints
) -> tuple[Times, Times]:
    """When each order, and each deposit, was paid."""
    rng = world.rng("payments")
    count = len(created)
    wait = np.where(
        rng.random(count) < 0.9, rng.exponential(60, count), rng.uniform(0, 20 * HOUR, count)
    )
    paid = add_seconds(created, wait + 8)
    never = rng.random(count) < UNPAID
    deposit = np.where((sale >= 0) & ~never, paid, NEVER)
    paid = np.where((sale >= 0) | never, NEVER, paid)
    for number, campaign in enumerate(season.campaigns):
        if "presale" not in campaign.phases:
            continue
        opens = np.datetime64(campaign.phases["presale"][1], "s") + np.timedelta64(86400, "s")
        mine = (sale == number) & ~np.isnat(deposit) & (rng.random(count) >= FORFEIT)
        paid = np.where(
            mine, add_seconds(np.full(count, opens), rng.exponential(9 * HOUR, count)), paid
        )
    sure = np.isin(np.arange(count), find_bulk_order(world, created, lines.order, lines.sku))
    paid = np.where(
        sure & np.isnat(paid) & (sale < 0), add_seconds(created, np.full(count, 60)), paid
    )
    paid = np.where(paid < world.now, paid, NEVER)
    deposit = np.where(deposit < world.now, deposit, NEVER)
    return _without_stock_out(world, lines, paid), deposit


def _without_stock_out(world: World, lines: Lines, paid: Times) -> Times:
    """Nobody can pay for what is out of stock."""
    out = world.truths.stock_out
    if out is None:
        return paid
    held = np.zeros(len(paid), bool)
    held[lines.order[lines.product == out.product]] = True
    return np.where(held & (paid >= np.datetime64(world.day_of(out.begins))), NEVER, paid)


def _sum(values: Ints, order: Ints, count: int) -> Ints:
    sums = np.zeros(count, np.int64)
    np.add.at(sums, order, values)
    return sums
