"""Lives of the default shop that are not written down."""

from __future__ import annotations

import datetime as dt

import numpy as np

from ecops_lib.data.demo import Truths
from ecops_lib.data.demo.catalogue import make_catalogue
from ecops_lib.data.demo.life import Life, live
from ecops_lib.data.demo.world import World

SEED = 20261027


def lived(*, seed: int = SEED, **truths: object) -> Life:
    """The default shop, with some truths of its own."""
    return live(
        World(
            seed=seed,
            first_day=dt.date(2025, 4, 28),
            last_day=dt.date(2026, 10, 27),
            orders=25_000,
            truths=Truths(**truths),
            catalogue=make_catalogue(np.random.default_rng([seed, 0])),
        )
    )
