"""Habits of some buyers, planted by trading orders within a day."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ecops_lib.data.demo.buyers import NEAR, among, nickname
from ecops_lib.data.demo.catalogue import CATEGORIES
from ecops_lib.data.demo.claims import AFTER_RECEIPT, Claims, stage_of_lines
from ecops_lib.data.demo.hands import alone, circle_of, with_buyers
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.truths import Habits
from ecops_lib.data.demo.world import HOUR, Flags, Ints, World

NAMES = tuple(field.name for field in fields(Habits))
LOVER = "category_lover"
NIGHT = (23, 0, 1)
"""Hours of the day that night owls buy in."""
DEEP = 0.1
"""Price-sensitive buyers look for so much off the list price."""
OFTEN = 4
"""Orders in the shop's life from which a buyer can have a habit."""
NOBODY = -1
NOTHING = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Tagged:
    """Who has which habit.

    Attributes:
        habit: Index into ``NAMES`` by buyer, or −1.
        category: The category that each buyer would love, if that were the habit.
    """

    habit: Ints
    category: Ints


def plant_habits(world: World, trade: Trade) -> tuple[Trade, Tagged]:
    """Give some buyers habits, and those orders of their days that suit them."""
    rng = world.rng("habits")
    count = len(trade.buyers.province)
    category = rng.integers(0, len(CATEGORIES), count)
    planted = world.truths.tags
    if planted is None:
        return trade, Tagged(habit=np.full(count, NOBODY), category=category)
    kinds = [getattr(planted, name) for name in NAMES]
    habit = np.full(count, NOBODY)
    people = np.flatnonzero(_can_have_one(trade))
    drawn = np.searchsorted(
        np.cumsum([kind.share for kind in kinds]), rng.random(len(people)), side="right"
    )
    habit[people] = np.where(drawn < len(NAMES), drawn, NOBODY)
    tagged = Tagged(habit=habit, category=category)
    market = _Market(
        buyer=trade.orders.buyer.copy(),
        habit=tagged.habit,
        free=alone(world, trade.orders),
        circle=circle_of(world, trade.orders),
    )
    sent_back = stage_of_lines(world, trade) == AFTER_RECEIPT
    tastes = _tastes(world, trade, trade.lines.order[sent_back])
    for number, (kind, taste) in enumerate(zip(kinds, tastes, strict=True)):
        wish = tagged.category if NAMES[number] == LOVER else np.ones(count, np.int64)
        market.trade_orders(rng, number, kind.strength, taste, wish)
    return with_buyers(trade, market.buyer), tagged


def _can_have_one(trade: Trade) -> Flags:
    """Buyers who order often, where the shop has so many orders a day that some suit them."""
    orders = np.bincount(trade.orders.buyer, minlength=len(trade.buyers.province))
    return (orders >= OFTEN) & among(trade.buyers.province, NEAR)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Market:
    """Who has which order, and which may be traded for one another.

    Attributes:
        buyer: Buyer of each order, changed in place.
        habit: Habit of each buyer.
        free: Whether each order may be traded.
        circle: Orders of one circle may be traded for one another.
    """

    buyer: Ints
    habit: Ints
    free: Flags
    circle: Ints

    def trade_orders(
        self, rng: np.random.Generator, number: int, strength: float, taste: Ints, wish: Ints
    ) -> None:
        """Trade what does not suit those with a habit for what does.

        Args:
            rng: Source of chance.
            number: The habit's place in ``NAMES``.
            strength: Share of the unsuitable orders that are traded if the day allows.
            taste: What each order is in the eyes of the habit.
            wish: What each buyer would like it to be.
        """
        buyer = self.buyer
        theirs = self.free & (self.habit[buyer] == number) & (taste != wish[buyer])
        wanting = rng.permutation(np.flatnonzero(theirs))
        wanting = wanting[rng.random(len(wanting)) < strength]
        held = rng.permutation(np.flatnonzero(self.free & (self.habit[buyer] == NOBODY)))
        offers: dict[tuple[int, int], list[int]] = {}
        for order in held.tolist():
            offers.setdefault((int(self.circle[order]), int(taste[order])), []).append(order)
        for order in wanting.tolist():
            found = offers.get((int(self.circle[order]), int(wish[buyer[order]])))
            if found:
                other = found.pop()
                buyer[order], buyer[other] = buyer[other], buyer[order]


def _tastes(world: World, trade: Trade, sent_back: Ints) -> tuple[Ints, ...]:
    """What each order is in the eyes of each habit.

    Args:
        world: The shop's frame.
        trade: Its orders.
        sent_back: Orders that are claimed after receipt.
    """
    orders = trade.orders
    hour = (orders.created_at - orders.created_at.astype("datetime64[D]")).astype(np.int64) // HOUR
    off = orders.list_amount - orders.goods >= DEEP * orders.list_amount
    claimed = np.isin(np.arange(len(orders)), sent_back)
    night = np.isin(hour, NIGHT)
    return (
        night.astype(np.int64),
        off.astype(np.int64),
        _main_category(world, trade),
        claimed.astype(np.int64),
    )


def _main_category(world: World, trade: Trade) -> Ints:
    """The category of more than half of each order's list amount; −1 for none."""
    lines = trade.lines
    sums = np.zeros((len(trade.orders), len(CATEGORIES)), np.int64)
    np.add.at(sums, (lines.order, world.catalogue.category[lines.product]), lines.list_amount)
    main: Ints = np.where(2 * sums.max(axis=1) > sums.sum(axis=1), sums.argmax(axis=1), NOTHING)
    return main


def tell_habits(
    world: World, trade: Trade, claims: Claims, tagged: Tagged
) -> dict[str, dict[str, object]] | None:
    """Who has each habit, and what a plain count of orders shows of it."""
    planted = world.truths.tags
    if planted is None:
        return None
    buyer = trade.orders.buyer
    tastes = _tastes(world, trade, trade.lines.order[claims.line[claims.stage == AFTER_RECEIPT]])
    told: dict[str, dict[str, object]] = {}
    for number, (name, taste) in enumerate(zip(NAMES, tastes, strict=True)):
        mine = tagged.habit[buyer] == number
        suits = taste == (tagged.category[buyer] if name == LOVER else 1)
        people = np.unique(buyer[mine])
        told[name] = {
            **vars(getattr(planted, name)),
            "buyers": len(people),
            "orders": int(mine.sum()),
            "suiting_share": _share(suits[mine]),
            "suiting_share_of_others": _share(suits[~mine]),
            "nicknames": [nickname(k) for k in people.tolist()],
        }
        if name == LOVER:
            told[name]["categories"] = [CATEGORIES[k] for k in tagged.category[people].tolist()]
    return told


def _share(flags: Flags) -> float | None:
    """Share of true ones; none of no flags."""
    return round(float(flags.mean()), 4) if len(flags) else None
