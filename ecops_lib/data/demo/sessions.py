"""Creators and their sessions: when they were, what was shown, what they cost."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ecops_lib.data.demo.truths import Creator
from ecops_lib.data.demo.world import HOUR, Ints, Times, World, add_seconds

YEAR = 365
QUIET_DAYS = 3
"""Days before the end without a session."""
BEGINS = {"live": (19.0, 20.5), "video": (11.0, 13.0)}
"""Hours of the day between which a session begins, or a video goes online."""
LASTS = {"live": 3, "video": 12}
"""Hours that it lasts, or that the video is shown to people."""
CHANNEL = {"live": "直播", "video": "短视频"}
USUAL_ORDERS = 45.6
"""Orders a day of the default shop; sessions of smaller ones bring less."""
VIEWERS_EACH = 60
"""People who watch, for each order."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sessions:
    """One entry a session, by time.

    Attributes:
        creator: Index into the creators.
        started_at: When it began.
        hours: How long it lasted.
        product: Rank of the product shown.
        orders: Orders that it brings on top.
    """

    creator: Ints
    started_at: Times
    hours: Ints
    product: Ints
    orders: Ints

    def __len__(self) -> int:
        return len(self.creator)


def creators_of(world: World) -> tuple[Creator, ...]:
    """The shop's creators."""
    return world.truths.creators.creators if world.truths.creators else ()


def plan_sessions(world: World) -> Sessions:
    """Draw the sessions of the last year, spread evenly over its days."""
    rng = world.rng("sessions")
    first, last = world.index(YEAR), world.index(QUIET_DAYS)
    span = last - first
    size = world.orders / len(world.days) / USUAL_ORDERS
    rows = []
    for number, creator in enumerate(creators_of(world)):
        count = round(creator.sessions * span / YEAR)
        spots = (np.arange(count) + rng.random(count)) * span / max(count, 1)
        day = first + spots.astype(np.int64)
        hour = rng.uniform(*BEGINS[creator.kind], count)
        second = np.round(hour * 4).astype(np.int64) * (HOUR // 4)
        rows.append(
            Sessions(
                creator=np.full(count, number),
                started_at=add_seconds(world.days[day], second),
                hours=np.full(count, LASTS[creator.kind]),
                product=_shown(world, creator, day),
                orders=rng.poisson(np.full(count, creator.orders * size)),
            )
        )
    return _together(rows)


def _shown(world: World, creator: Creator, day: Ints) -> Ints:
    """The creator's products in turn; of one that is not yet listed, the last in its place."""
    products = np.array(creator.products, np.int64)
    shown = products[np.arange(len(day)) % len(products)]
    listed = day >= world.catalogue.launched[shown] * len(world.days)
    return np.where(listed, shown, products[-1])


def _together(rows: list[Sessions]) -> Sessions:
    none = np.zeros(0, np.int64)
    empty = Sessions(
        creator=none, started_at=none.astype("datetime64[s]"), hours=none, product=none, orders=none
    )
    held = {
        field.name: np.concatenate([getattr(row, field.name) for row in [empty, *rows]])
        for field in fields(Sessions)
    }
    order = np.lexsort((held["creator"], held["started_at"]))
    return Sessions(**{name: values[order] for name, values in held.items()})
