"""Promotions applied to many baskets at once, in whole cents.

The order is fixed: group prices, what deposits count for, discounts, 满减, coupons, gifts; within
one of these as written. Each takes its amount off by the *base* price (thresholds and rates too),
shared over its lines by base price × quantity; a line never pays less than its deposit, or 0,
and what would go below is lost, to the line, the basket and every other order. A line's
price is therefore the same in any order; the order tells only whose discount is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ecops_lib.campaigns.promotions.allocation import (
    Flags,
    Ints,
    add_up,
    portion,
    share_out,
    split_parts,
)
from ecops_lib.campaigns.promotions.rules import (
    ANY_CREATOR,
    BEARERS,
    MILLION,
    Coupon,
    Discount,
    Gift,
    GroupPrice,
    NthItem,
    Presale,
    Promotion,
    Threshold,
    cents_of,
    check_design,
    parts_of,
)
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.formats import show

MOST_CENTS = 3_000_000_000
"""Most that a basket may come to: the product of two such amounts fits 63 bits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BasketLines:
    """Lines in order of their baskets and, within one, in an order that is the lines' own.

    Attributes:
        basket: Place of each line's basket, from 0, rising without gaps.
        base: Base price × quantity [cents].
        quantity: Units, from 1.
        product: Place of each line's product in ``products``.
        products: Product ids.
        creator: Place of each line's creator in ``creators``; −1 for none.
        creators: Creator ids.
        presale: Whether the line was bought with a deposit.
        balance_paid: Whether its balance was paid; true for all other lines.
        grouped: Whether it was bought in a group.
    """

    basket: Ints
    base: Ints
    quantity: Ints
    product: Ints
    products: NDArray[np.object_]
    creator: Ints
    creators: NDArray[np.object_]
    presale: Flags
    balance_paid: Flags
    grouped: Flags

    @cached_property
    def starts(self) -> Ints:
        """Place of each basket's first line."""
        return np.flatnonzero(np.diff(self.basket, prepend=-1))

    def about(self, promotion: Promotion) -> Flags:
        """Which lines a promotion is about."""
        held = self.balance_paid.copy()
        if promotion.products:
            held &= np.isin(self.products, promotion.products)[self.product]
        if promotion.creators:
            named = np.isin(self.creators, promotion.creators)
            named |= ANY_CREATOR in promotion.creators
            held &= np.append(named, False)[self.creator]
        if isinstance(promotion, GroupPrice):
            held &= self.grouped
        return held


@dataclass(frozen=True, kw_only=True, eq=False)
class PricedLines:
    """What each line pays, and what each promotion took off it [cents].

    Attributes:
        lines: What was priced.
        promotions: In the order given.
        off: Promotion × line: discount, 0 for gifts.
        gift: Promotion × line: cost of gifts.
        deposit: By line.
        forfeited: By line: deposit kept though the balance was not paid.
    """

    lines: BasketLines
    promotions: tuple[Promotion, ...]
    off: Ints
    gift: Ints
    deposit: Ints
    forfeited: Ints

    @cached_property
    def payable(self) -> Ints:
        """Price of the goods after all discounts; 0 for a line whose balance was not paid."""
        sold = np.where(self.lines.balance_paid, self.lines.base, 0)
        held: Ints = sold - self.off.sum(axis=0)
        return held

    @cached_property
    def paid(self) -> Ints:
        """What the buyer paid, forfeited deposits with it."""
        return self.payable + self.forfeited

    def borne(self, amounts: Ints) -> Ints:
        """Promotion × line × bearer: ``off`` or ``gift`` by who bears it."""
        parts = [
            split_parts(each, promotion.shares, self.lines.basket, self.lines.starts)
            for each, promotion in zip(amounts, self.promotions, strict=True)
        ]
        if not parts:
            return np.zeros((0, len(self.lines.base), len(BEARERS)), np.int64)
        return np.stack(parts)


def price_lines(lines: BasketLines, promotions: Sequence[Promotion]) -> PricedLines:
    """Apply a design to baskets.

    Raises:
        ParameterError: The promotions cannot be priced together.
    """
    held = tuple(promotions)
    check_design(held)
    presale = _presales(lines, held)
    deposit, forfeited = _deposits(lines, held, presale)
    pricing = _Pricing(lines, held, presale)
    left = np.where(lines.balance_paid, lines.base - deposit, 0)
    off = pricing.take(_order(held), left)
    gift = np.zeros_like(off)
    for place, promotion in enumerate(held):
        if isinstance(promotion, Gift):
            gift[place] = pricing.gifts(promotion)
    return PricedLines(
        lines=lines,
        promotions=held,
        off=off,
        gift=gift,
        deposit=np.where(lines.balance_paid, deposit, 0),
        forfeited=forfeited,
    )


@dataclass(frozen=True, slots=True)
class _All:
    """Steps that all apply, one after the other."""

    steps: tuple[_Step, ...]


@dataclass(frozen=True, slots=True)
class _Best:
    """Steps of which each basket takes the one that gives most, the first of equals."""

    steps: tuple[_Step, ...]


_Step = int | _All | _Best


def _order(promotions: tuple[Promotion, ...]) -> _All:
    """The steps in order: exclusive groups and coupons that do not stack as choices."""
    places = [p for p, rule in enumerate(promotions) if not isinstance(rule, Gift)]
    places.sort(key=lambda p: promotions[p].stage)
    alone = [p for p in places if (rule := promotions[p]) and _alone(rule)]
    steps: list[tuple[int, _Step]] = []
    seen: set[str] = set()
    for place in places:
        rule = promotions[place]
        if place in alone or rule.group in seen:
            continue
        if rule.group:
            seen.add(rule.group)
            mates = tuple(p for p in places if promotions[p].group == rule.group)
            steps.append((rule.stage, _Best(mates)))
        else:
            steps.append((rule.stage, place))
    if not alone:
        return _All(tuple(step for _, step in steps))
    before = [step for stage, step in steps if stage != Coupon.stage]
    together = _All(tuple(step for stage, step in steps if stage == Coupon.stage))
    return _All((*before, _Best((together, *alone))))


def _alone(rule: Promotion) -> bool:
    return isinstance(rule, Coupon) and not rule.stackable


def _presales(lines: BasketLines, promotions: tuple[Promotion, ...]) -> Ints:
    """By line: place of the first presale that it is in; −1 for none."""
    held = np.full_like(lines.base, -1)
    sold = replace(lines, balance_paid=np.ones_like(lines.balance_paid))
    for place, rule in enumerate(promotions):
        if isinstance(rule, Presale):
            held = np.where((held < 0) & lines.presale & sold.about(rule), place, held)
    return held


def _deposits(
    lines: BasketLines, promotions: tuple[Promotion, ...], presale: Ints
) -> tuple[Ints, Ints]:
    """Deposit of each line, and what of it is forfeited."""
    deposit = np.zeros_like(lines.base)
    forfeited = np.zeros_like(lines.base)
    for place, rule in enumerate(promotions):
        if isinstance(rule, Presale):
            asked = cents_of(rule.deposit, name="deposit") * lines.quantity
            deposit = np.where(presale == place, np.minimum(asked, lines.base), deposit)
            lost = (presale == place) & ~lines.balance_paid & rule.forfeit
            forfeited = np.where(lost, deposit, forfeited)
    return deposit, forfeited


class _Pricing:
    """The amounts of one design on one set of lines."""

    def __init__(
        self, lines: BasketLines, promotions: tuple[Promotion, ...], presale: Ints
    ) -> None:
        self.lines = lines
        self.promotions = promotions
        self.presale = presale

    def take(self, step: _Step, left: Ints) -> Ints:
        """Promotion × line: what a step takes off, no more than what is left of a line."""
        if isinstance(step, int):
            off = np.zeros((len(self.promotions), len(left)), np.int64)
            off[step] = np.minimum(self.asked(step), left)
            return off
        if isinstance(step, _All):
            off = np.zeros((len(self.promotions), len(left)), np.int64)
            for each in step.steps:
                off += self.take(each, left - off.sum(axis=0))
            return off
        offers = [self.take(each, left) for each in step.steps]
        given = np.stack([add_up(offer.sum(axis=0), self.lines.starts) for offer in offers])
        best = given.argmax(axis=0)[self.lines.basket]
        return sum(  # type: ignore[return-value]
            np.where(best == place, offer, 0) for place, offer in enumerate(offers)
        )

    def asked(self, place: int) -> Ints:
        """By line: what a promotion would take off, whatever others do."""
        lines, rule = self.lines, self.promotions[place]
        mine = lines.about(rule)
        base = np.where(mine, lines.base, 0)
        if isinstance(rule, GroupPrice):
            price = cents_of(rule.price, name="price") * lines.quantity
            return np.maximum(np.where(mine, base - price, 0), 0)
        if isinstance(rule, Presale):
            return np.where(mine & (self.presale == place), rule.gain * lines.quantity, 0)
        goods = add_up(base, lines.starts)
        amounts = np.minimum(self._amounts(rule, mine, base, goods), goods)
        return share_out(amounts, base, lines.basket, lines.starts)

    def _amounts(self, rule: Promotion, mine: Flags, base: Ints, goods: Ints) -> Ints:
        """By basket: what a promotion would take off."""
        if isinstance(rule, Threshold):
            return _threshold_off(rule, goods)
        if isinstance(rule, Coupon):
            return _coupon_off(rule, goods)
        quantity = np.where(mine, self.lines.quantity, 0)
        units = add_up(quantity, self.lines.starts)
        if isinstance(rule, Discount):
            parts = np.zeros_like(goods)
            for least, rate in rule.tiers:
                parts = np.where(units >= least, MILLION - parts_of(rate, name="rate"), parts)
            return (goods * parts + MILLION // 2) // MILLION
        assert isinstance(rule, NthItem)  # noqa: S101
        cheap = self._cheapest(base, quantity, units // rule.every)
        return portion(cheap, MILLION - parts_of(rule.rate, name="rate"))

    def _cheapest(self, base: Ints, quantity: Ints, many: Ints) -> Ints:
        """By basket: base price of its ``many`` cheapest units."""
        held = np.flatnonzero(quantity)
        basket = self.lines.basket[held]
        order = np.lexsort((base[held] / quantity[held], basket))
        held, basket = held[order], basket[order]
        units = quantity[held]
        running = units.cumsum() - units
        first = np.flatnonzero(np.diff(basket, prepend=-1))
        sizes = np.diff(first, append=len(basket))
        before = running - np.repeat(running[first], sizes)
        taken = np.clip(many[basket] - before, 0, units)
        worth = np.zeros_like(base)
        worth[held] = (2 * base[held] * taken + units) // (2 * units)
        return add_up(worth, self.lines.starts)

    def gifts(self, rule: Gift) -> Ints:
        """By line: cost of the gifts, on the lines that earned them."""
        mine = self.lines.about(rule)
        base = np.where(mine, self.lines.base, 0)
        goods = add_up(base, self.lines.starts)
        at, cost = cents_of(rule.threshold, name="threshold"), cents_of(rule.cost, name="cost")
        times = goods // at if rule.every else (goods >= at) & (goods > 0)
        costs: Ints = times * cost
        if costs.max(initial=0) > MOST_CENTS:
            most = show(MOST_CENTS / 100, "number")
            raise ParameterError(f"gifts of {rule.name!r} cost a basket more than {most}.")
        return share_out(costs, base, self.lines.basket, self.lines.starts)


def _threshold_off(rule: Threshold, goods: Ints) -> Ints:
    tiers = [(cents_of(at, name="at"), cents_of(off, name="off")) for at, off in rule.tiers]
    if rule.every:
        [(at, off)] = tiers
        amounts = goods // at * off
        cap = None if rule.cap is None else cents_of(rule.cap, name="cap")
        return amounts if cap is None else np.minimum(amounts, cap)
    amounts = np.zeros_like(goods)
    for at, off in tiers:
        amounts = np.where(goods >= at, off, amounts)
    return amounts


def _coupon_off(rule: Coupon, goods: Ints) -> Ints:
    met = goods >= cents_of(rule.threshold, name="threshold")
    if rule.off is not None:
        return np.where(met, cents_of(rule.off, name="off"), 0)
    amounts = portion(goods, MILLION - parts_of(rule.rate or 0.0, name="rate"))
    if rule.cap is not None:
        amounts = np.minimum(amounts, cents_of(rule.cap, name="cap"))
    return np.where(met, amounts, 0)
