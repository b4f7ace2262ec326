"""Splits with and without a planted loss, and whole healthy tests, for the calibration."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks._experiment_world import COLUMNS, Lift, draw_groups
from ecops_lib.experiments.health import check_cells, compare_split
from ecops_lib.experiments.health.grid import Grid
from ecops_lib.experiments.health.split import check_sample_ratio
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.plan import make_plan

Floats = npt.NDArray[np.float64]
Figure = tuple[str, float, int, float, float]

EVEN = {"A": 0.5, "B": 0.5}
PLANS = (EVEN, {"A": 0.4, "B": 0.3, "C": 0.3}, {"A": 0.8, "B": 0.2})
FIRST = dt.date(2026, 11, 2)
DAYS, SEGMENTS, UNITS = 14, 6, 100_000
SIZES = np.array([0.3, 0.25, 0.15, 0.15, 0.1, 0.05])
"""Shares of the segments; losses are planted in the third."""


def check_split(runs: int, rng: np.random.Generator) -> Iterator[Figure]:
    """The test of the split at its level, for large counts and for tiny ones."""
    for shares, units, low in (
        ([0.5, 0.5], 50_000, 0.045),
        ([4, 3, 3], 50_000, 0.045),
        ([0.8, 0.2], 20, 0.0),
        ([4, 3, 3], 12, 0.0),
    ):
        planned = np.array(shares) / np.sum(shares)
        draws = rng.multinomial(units, planned, size=runs)
        p = np.array([compare_split(draw, planned).p_value for draw in draws])
        name = f"split {':'.join(f'{s:g}' for s in shares)} of {units:,} units"
        yield f"{name}: p < .05", float((p < 0.05).sum()), runs, low, 0.055
        if low:
            yield f"{name}: p < .001", float((p < 0.001).sum()), runs, 0.0002, 0.0018


def check_culprits(runs: int, rng: np.random.Generator) -> Iterator[Figure]:
    """A fifth of one variant lost in one segment; and everywhere, which is nobody's."""
    found: Counter[str] = Counter()
    for run in range(runs):
        shares = PLANS[run % len(PLANS)]
        culprit = check_sample_ratio(draw_grid(rng, shares, 0.8, 2), shares=shares).culprit
        right = culprit is not None and (culprit.variant, culprit.segments) == ("B", ("s2",))
        found["segment"] += right
        everywhere = check_sample_ratio(draw_grid(rng, shares, 0.93, None), shares=shares)
        found["red"] += everywhere.level == "red"
        found["blamed"] += everywhere.culprit is not None
    words = f"{UNITS:,} units, {SEGMENTS} segments"
    yield f"20 % of one segment lost: found and named, {words}", found["segment"], runs, 0.95, 1
    yield "7 % lost everywhere: red", found["red"], runs, 0.95, 1
    yield "7 % lost everywhere: somebody blamed", found["blamed"], runs, 0, 0.05


def draw_grid(
    rng: np.random.Generator, shares: dict[str, float], keep: float, segment: int | None
) -> Grid:
    """Units by variant, day and segment, of which variant B keeps a part."""
    expected = np.broadcast_to(UNITS / DAYS * SIZES, (DAYS, SEGMENTS))
    units = np.moveaxis(rng.multinomial(rng.poisson(expected), list(shares.values())), -1, 0)
    places = slice(None) if segment is None else segment
    units[1, :, places] = rng.binomial(units[1, :, places], keep)
    return Grid(
        variants=tuple(shares),
        days=tuple(FIRST + dt.timedelta(days=day) for day in range(DAYS)),
        segments=tuple(f"s{place}" for place in range(SEGMENTS)),
        units=units.astype(float),
    )


def check_healthy(runs: int, rng: np.random.Generator) -> Iterator[Figure]:
    """All checks together on tests in which nothing is wrong."""
    red: Counter[str] = Counter()
    for run in range(runs):
        shares = PLANS[run % len(PLANS)]
        plan = make_plan("t", {"control": "A", "shares": shares, "start": FIRST})
        cells = draw_cells(rng, shares)
        health = check_cells(
            cells,
            plan=plan,
            as_of=FIRST + dt.timedelta(days=60),
            crossed={name: int(rng.poisson(60 * share)) for name, share in shares.items()},
        )
        red["any"] += bool(health.red)
    yield "healthy tests of 30,000 units: any check red", red["any"], runs, 0, 0.01


def draw_cells(
    rng: np.random.Generator, shares: dict[str, float]
) -> dict[tuple[str, dt.date, str], Moments]:
    """Moments of a healthy test of three segments."""
    expected = np.broadcast_to(30_000 / DAYS * np.array([0.5, 0.3, 0.2]), (DAYS, 3))
    units = np.moveaxis(rng.multinomial(rng.poisson(expected), list(shares.values())), -1, 0)
    sums, products = draw_groups(rng, units.size, units.ravel(), Lift()).sums()
    cells = {}
    for place, (row, day, segment) in enumerate(np.ndindex(*units.shape)):
        key = (list(shares)[row], FIRST + dt.timedelta(days=day), f"s{segment}")
        n = int(units[row, day, segment])
        cells[key] = Moments.of_sums(COLUMNS, n, sums[place], products[place])
    return cells
