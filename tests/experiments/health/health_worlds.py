"""Small made-up tests with a known truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ecops_lib.experiments.health.grid import Grid
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.plan import ExperimentPlan, make_plan

START = dt.date(2026, 11, 2)
COLUMNS = (
    "converted",
    "orders",
    "paid_amount",
    "net_paid_amount",
    "previous_orders",
    "previous_amount",
)
Cells = dict[tuple[str, dt.date, str], Moments]
Keep = Callable[[str, int, str], float]


def day(place: int) -> dt.date:
    return START + dt.timedelta(days=int(place))


def plan_of(shares: Mapping[str, float], **given: object) -> ExperimentPlan:
    held = {"control": next(iter(shares)), "shares": dict(shares), "start": str(START)}
    return make_plan("main picture", {**held, **given})


def grid_of(units: npt.ArrayLike, variants: tuple[str, ...] = ("A", "B")) -> Grid:
    """A grid from units of shape (variants, days, segments)."""
    held = np.asarray(units, float)
    return Grid(
        variants=variants,
        days=tuple(day(place) for place in range(held.shape[1])),
        segments=tuple(f"s{place}" for place in range(held.shape[2])),
        units=held,
    )


def draw_units(
    rng: np.random.Generator, n: int, shares: npt.ArrayLike, *, days: int = 14, segments: int = 5
) -> npt.NDArray[np.int64]:
    """Units of shape (variants, days, segments), split at random as planned."""
    per_cell = rng.poisson(n * rng.dirichlet(np.full(segments, 5.0)) / days, (days, segments))
    return np.moveaxis(rng.multinomial(per_cell, np.asarray(shares)), -1, 0)


def draw_cells(
    rng: np.random.Generator,
    n: int,
    shares: Mapping[str, float],
    *,
    days: int = 14,
    segments: int = 3,
    rate: float = 0.05,
    lift: Callable[[int], float] = lambda place: 0.0,
) -> Cells:
    """Moments of heavy-tailed spend; ``lift`` is added to the other variants' rate each day."""
    units = draw_units(rng, n, list(shares.values()), days=days, segments=segments)
    cells: Cells = {}
    for row, variant in enumerate(shares):
        for place in range(days):
            for segment in range(segments):
                count = units[row, place, segment]
                more = lift(place) if row else 0.0
                bought = (rng.random(count) < rate + more).astype(float)
                paid = bought * rng.lognormal(4, 1, count)
                before = (rng.random(count) < 0.2).astype(float)
                amount = before * rng.lognormal(4, 1, count)
                values = np.column_stack([bought, bought, paid, paid, before, amount])
                cells[variant, day(place), f"s{segment}"] = Moments.of_values(COLUMNS, values)
    return cells
