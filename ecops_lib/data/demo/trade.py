"""Orders: baskets, prices, discounts by bearer, postage, payment; all money in cents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.asked import find_bulk_order, find_refused
from ecops_lib.data.demo.baskets import Asked, Lines, make_baskets
from ecops_lib.data.demo.buyers import FAR, SOUTH, Buyers, among, make_buyers
from ecops_lib.data.demo.extras import offer_on_lines, offer_on_orders, with_campaigns
from ecops_lib.data.demo.incidents import DEARER, days_of, find_incidents
from ecops_lib.data.demo.season import Season
from ecops_lib.data.demo.sessions import Sessions, plan_sessions
from ecops_lib.data.demo.visits import Visits
from ecops_lib.data.demo.world import HOUR, NEVER, Flags, Floats, Ints, Times, World, add_seconds

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
    not, for something that they ask for was out of stock for a while. ``edition`` is the own
    campaign whose offers hold, ``session`` the creator's session that brought the order (−1 for
    none); orders ``on_top`` would not have been placed without them.
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
    edition: Ints
    session: Ints
    on_top: Flags

    def __len__(self) -> int:
        return len(self.total)


@dataclass(frozen=True, kw_only=True, eq=False)
class Without:
    """Lines that would have been sold otherwise, and when their orders were paid."""

    lines: Lines
    paid_at: Times


@dataclass(frozen=True, kw_only=True, eq=False)
class Trade:
    """What was sold, and to whom.

    Attributes:
        orders: The orders.
        lines: Their lines.
        buyers: Who gave them.
        offered: Cents that own campaigns took off each order, beyond what is usual.
        sessions: The creators' sessions.
        without: What would have been sold without own campaigns and creators.
    """

    orders: Orders
    lines: Lines
    buyers: Buyers
    offered: Ints
    sessions: Sessions
    without: Without


def make_trade(world: World, season: Season, visits: Visits) -> Trade:
    """Draw the orders that the visits led to, with their lines and payments."""
    usual = make_baskets(world, season, visits)
    sessions = plan_sessions(world)
    asked = with_campaigns(world, season, usual, sessions)
    buyers = make_buyers(world, len(asked))
    sold = _sell(world, season, asked)
    lines, goods = sold.lines, sold.goods
    province = buyers.province[buyers.of_order]
    postage = np.where(goods < FREE_POSTAGE, POSTAGE, 0) + among(province, FAR) * FAR_POSTAGE
    total = goods + postage
    orders = Orders(
        created_at=sold.created_at,
        paid_at=sold.paid_at,
        deposit_at=sold.deposit_at,
        channel=asked.channel,
        buyer=buyers.of_order,
        province=province,
        south=among(province, SOUTH),
        presale=asked.sale,
        discount=season.discount[asked.day],
        list_amount=_sum(lines.list_amount, lines.order, len(asked)),
        merchant=sold.merchant,
        platform=sold.platform,
        goods=goods,
        postage=postage,
        total=total,
        deposit=np.where(asked.sale >= 0, total // 10, 0),
        refused=sold.refused,
        edition=asked.edition,
        session=asked.session,
        on_top=asked.origin >= asked.usual,
    )
    without = _sell(world, season, usual)
    return Trade(
        orders=orders,
        lines=lines,
        buyers=buyers,
        offered=sold.offered,
        sessions=sessions,
        without=Without(lines=without.lines, paid_at=without.paid_at),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sold:
    """Orders with their prices and payments, but without buyers."""

    created_at: Times
    paid_at: Times
    deposit_at: Times
    lines: Lines
    merchant: Ints
    platform: Ints
    goods: Ints
    offered: Ints
    refused: Flags


def _sell(world: World, season: Season, asked: Asked) -> _Sold:
    created = add_seconds(world.days[asked.day], asked.second)
    discount = season.discount[asked.day]
    lines = _price(world, asked.day, asked.lines)
    usual = _line_promotion(world, lines, asked.day, discount)
    promo = np.maximum(usual, offer_on_lines(world, asked, lines))
    lines, merchant, platform, coupon = _discount(world, asked, lines, promo, discount)
    paid, deposit_at = _payments(world, season, asked, lines, created)
    refused = find_refused(world, created, paid, lines.order, lines.sku)
    return _Sold(
        created_at=created,
        paid_at=np.where(refused, NEVER, paid),
        deposit_at=deposit_at,
        lines=lines,
        merchant=merchant,
        platform=platform,
        goods=_sum(lines.payable, lines.order, len(asked)),
        offered=_sum(promo - usual, lines.order, len(asked)) + coupon,
        refused=refused,
    )


def _price(world: World, day: Ints, lines: Lines) -> Lines:
    goods = world.catalogue
    unit = goods.prices[lines.product] + goods.sku_extra[lines.sku]
    if drop := world.truths.conversion_drop:
        dearer = (lines.product == drop.product) & (day[lines.order] >= world.index(drop.begins))
        unit = np.where(
            dearer, np.round(unit * drop.price_factor / 100).astype(np.int64) * 100, unit
        )
    for one in find_incidents(world):
        if one.cause == "price":
            days = np.arange(len(world.days))[days_of(world, one)]
            dearer = (lines.product == one.product) & np.isin(day[lines.order], days)
            unit = np.where(dearer, np.round(unit * DEARER / 100).astype(np.int64) * 100, unit)
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
    world: World, asked: Asked, lines: Lines, promo: Ints, discount: Flags
) -> tuple[Lines, Ints, Ints, Ints]:
    """Take off line promotions, then order discounts, shared over the lines to the cent.

    Returns:
        The lines, and by order what the merchant bears, the platform bears, and of the
        merchant's the part that own campaigns take off the order.
    """
    count = len(asked)
    held, lucky, beans = asked.draw(
        world,
        "coupons",
        lambda rng, n: rng.random(n),
        lambda rng, n: rng.random(n),
        lambda rng, n: rng.integers(10, 300, n),
    )
    after = lines.list_amount - promo
    goods = _sum(after, lines.order, count)
    threshold = np.minimum(goods // 20000 * 1500, 6000)
    coupon = np.where((goods >= 6000) & (held < 0.15), 500, 0)
    own = offer_on_orders(world, asked, goods)
    national = np.where(discount, np.minimum(goods // 30000 * 4000, 12000), 0)
    platform = np.minimum(national + np.where(lucky < 0.03, beans, 0), goods // 3)
    off = threshold + coupon + own + platform
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
    merchant = _sum(promo, lines.order, count) + threshold + coupon + own
    return priced, merchant, platform, own


def _starts(values: Ints, order: Ints, count: int) -> tuple[Ints, Ints]:
    """Running total before each order's first line, and how many lines it has."""
    sizes = np.bincount(order, minlength=count)
    totals = _sum(values, order, count)
    return totals.cumsum() - totals, sizes


def _payments(
    world: World, season: Season, asked: Asked, lines: Lines, created: Times
) -> tuple[Times, Times]:
    """When each order, and each deposit, was paid."""
    sale, presales = asked.sale, _presales(season)
    soon, short, long, pays, *chances = asked.draw(
        world,
        "payments",
        lambda rng, n: rng.random(n),
        lambda rng, n: rng.exponential(60, n),
        lambda rng, n: rng.uniform(0, 20 * HOUR, n),
        lambda rng, n: rng.random(n),
        *(draw for _ in presales for draw in (_chance, _balance_wait)),
    )
    paid = add_seconds(created, np.where(soon < 0.9, short, long) + 8)
    never = pays < UNPAID
    deposit = np.where((sale >= 0) & ~never, paid, NEVER)
    paid = np.where((sale >= 0) | never, NEVER, paid)
    for (number, opens), keeps, wait in zip(presales, chances[::2], chances[1::2], strict=True):
        mine = (sale == number) & ~np.isnat(deposit) & (keeps >= FORFEIT)
        paid = np.where(mine, add_seconds(np.full(len(sale), opens), wait), paid)
    sure = np.isin(np.arange(len(sale)), find_bulk_order(world, created, lines.order, lines.sku))
    paid = np.where(
        sure & np.isnat(paid) & (sale < 0), add_seconds(created, np.full(len(sale), 60)), paid
    )
    paid = np.where(paid < world.now, paid, NEVER)
    deposit = np.where(deposit < world.now, deposit, NEVER)
    return _without_stock_out(world, lines, paid), deposit


def _presales(season: Season) -> list[tuple[int, np.datetime64]]:
    """Campaigns with a pre-sale, and the moment from which their balances are paid."""
    return [
        (number, np.datetime64(campaign.phases["presale"][1], "s") + np.timedelta64(86400, "s"))
        for number, campaign in enumerate(season.campaigns)
        if "presale" in campaign.phases
    ]


def _chance(rng: np.random.Generator, count: int) -> Floats:
    return rng.random(count)


def _balance_wait(rng: np.random.Generator, count: int) -> Floats:
    return rng.exponential(9 * HOUR, count)


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
