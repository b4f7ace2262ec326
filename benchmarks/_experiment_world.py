"""A made-up shop whose tests have a known truth: many buyers of nothing, few of very much.

Of 100 units of the control, 5 bought before and buy now, 1 buys for the first time, 5
bought before and do not now. A buyer places 1 + Poisson(0.3) orders; an order's amount
is log-normal, the standard deviation of its logarithm 1, and shares four fifths of that
variance with the unit's amount before the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
import numpy.typing as npt

from ecops_lib.experiments.inference import Distribution
from ecops_lib.experiments.moments import Moments

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

COLUMNS = ("converted", "orders", "paid_amount", "previous_orders", "previous_amount")
BOTH, NOW, BEFORE = 0.05, 0.01, 0.05
MORE_ORDERS, COMMON = 0.3, 0.8
CHUNK = 250


@dataclass(frozen=True, slots=True)
class Lift:
    """What a variant does: factors on the chance to buy and on the amount of an order."""

    buyers: float = 1.0
    amount: float = 1.0

    @property
    def chances(self) -> tuple[float, float, float]:
        """Chances to buy now and before, now only, before only."""
        both, now = BOTH * self.buyers, NOW * self.buyers
        return both, now, BOTH + BEFORE - both

    def truth(self, metric: str) -> float:
        """The metric's true value."""
        amount = self.amount * exp(0.5)
        rate = (BOTH + NOW) * self.buyers
        return {
            "conversion_rate": rate,
            "paid_amount_per_visitor": rate * (1 + MORE_ORDERS) * amount,
            "average_order_value": amount,
        }[metric]

    def quantile(self, share: float) -> float:
        """The true quantile of the amount paid by a unit."""
        from scipy.optimize import brentq
        from scipy.stats import lognorm, poisson

        orders = np.arange(1, 40)
        chances = poisson.pmf(orders - 1, MORE_ORDERS)
        rate = (BOTH + NOW) * self.buyers

        def above(value: float) -> float:
            tail = lognorm.sf(value / (orders * self.amount), 1.0)
            return float(rate * (chances @ tail) - (1 - share))

        return float(brentq(above, 1e-6, 1e6, xtol=1e-9))


def squared_correlation() -> float:
    """ρ² of the amount paid with the amount before, in the control."""
    mean_now, mean_before = (BOTH + NOW) * 1.3 * exp(0.5), (BOTH + BEFORE) * exp(0.5)
    square_now = (BOTH + NOW) * (MORE_ORDERS + 1.3**2) * exp(2)
    square_before = (BOTH + BEFORE) * exp(2)
    cross = BOTH * 1.3 * exp(1 + COMMON)
    spreads = (square_now - mean_now**2) * (square_before - mean_before**2)
    return (cross - mean_now * mean_before) ** 2 / spreads


@dataclass(frozen=True, slots=True)
class Drawn:
    """Units that did anything, group by group; all others are zero in every column."""

    values: Floats
    group: Integers
    groups: int

    def sums(self) -> tuple[Floats, Floats]:
        """Sums (groups, columns) and sums of products (groups, columns, columns)."""
        width = self.values.shape[1]
        columns = self.values.T
        sums = np.stack([self._total(column) for column in columns], axis=1)
        products = np.empty((self.groups, width, width))
        for i in range(width):
            for j in range(i, width):
                cross = self._total(columns[i] * columns[j])
                products[:, i, j] = products[:, j, i] = cross
        return sums, products

    def _total(self, values: Floats) -> Floats:
        return np.bincount(self.group, values, self.groups)


def draw_groups(rng: np.random.Generator, groups: int, units: int | Integers, lift: Lift) -> Drawn:
    """Groups of units, of the same number each or of the numbers given."""
    both, now, before = lift.chances
    states = rng.multinomial(units, [both, now, before, 1 - both - now - before], size=groups)
    counts = states[:, :3]
    group = np.repeat(np.arange(groups), counts.sum(axis=1))
    kind = np.repeat(np.tile(np.arange(3), groups), counts.ravel())
    bought, earlier = (kind < 2).astype(float), (kind != 1).astype(float)
    level = sqrt(COMMON) * rng.standard_normal(len(kind))
    orders = bought * (1 + rng.poisson(MORE_ORDERS, len(kind)))
    values = np.empty((len(kind), len(COLUMNS)))
    values[:, 0], values[:, 1] = bought, orders
    values[:, 2] = orders * lift.amount * np.exp(level + _own(rng, len(kind)))
    values[:, 3] = earlier
    values[:, 4] = earlier * np.exp(level + _own(rng, len(kind)))
    return Drawn(values=values, group=group, groups=groups)


def _own(rng: np.random.Generator, count: int) -> Floats:
    return sqrt(1 - COMMON) * rng.standard_normal(count)


def draw_moments(
    rng: np.random.Generator, runs: int, units: int, lift: Lift
) -> Iterator[tuple[Moments, Moments]]:
    """Control and treatment of each of many tests."""
    for size in _chunks(runs):
        arms = [draw_groups(rng, size, units, one).sums() for one in (Lift(), lift)]
        for run in range(size):
            pair = [Moments.of_sums(COLUMNS, units, sums[run], more[run]) for sums, more in arms]
            yield pair[0], pair[1]


def draw_distributions(
    rng: np.random.Generator, runs: int, units: int, lift: Lift
) -> Iterator[tuple[Distribution, Distribution]]:
    """The amounts paid of control and treatment of each of many tests."""
    for control, treatment in draw_amounts(rng, runs, units, lift):
        yield _distribution(control, units), _distribution(treatment, units)


def _distribution(paid: Floats, units: int) -> Distribution:
    counts = np.append(units - len(paid), np.ones(len(paid), int))
    return Distribution.of(np.append(0.0, paid), counts)


def draw_amounts(
    rng: np.random.Generator, runs: int, units: int, lift: Lift
) -> Iterator[tuple[Floats, Floats]]:
    """What the buyers of control and treatment paid, those who paid nothing left out."""
    for size in _chunks(runs):
        held = [_paid(draw_groups(rng, size, units, one)) for one in (Lift(), lift)]
        yield from zip(*held, strict=True)


def _paid(drawn: Drawn) -> list[Floats]:
    bought = drawn.values[:, 0] > 0
    ends = np.searchsorted(drawn.group[bought], np.arange(1, drawn.groups))
    return np.split(drawn.values[bought, 2], ends)


def draw_looks(
    rng: np.random.Generator, runs: int, daily: int, days: int, lift: Lift
) -> Iterator[list[tuple[Moments, Moments]]]:
    """Control and treatment up to the end of each day, of each of many tests."""
    kept = COLUMNS[:3]
    for size in _chunks(runs):
        arms = []
        for one in (Lift(), lift):
            sums, more = draw_groups(rng, size * days, daily, one).sums()
            shape = (size, days)
            sums = sums[:, :3].reshape(*shape, 3).cumsum(axis=1)
            arms.append((sums, more[:, :3, :3].reshape(*shape, 3, 3).cumsum(axis=1)))
        for run in range(size):
            looks = []
            for day in range(days):
                n = daily * (day + 1)
                pair = [Moments.of_sums(kept, n, s[run, day], m[run, day]) for s, m in arms]
                looks.append((pair[0], pair[1]))
            yield looks


def draw_clusters(
    rng: np.random.Generator, runs: int, clusters: int, size: int
) -> Iterator[tuple[Moments, Moments]]:
    """Two alike groups of clusters that differ among themselves, such as towns or shops.

    A cluster has 1 + Poisson(size·g) units, g from a gamma law of mean 1 and variance ½;
    its units buy with a chance from a beta law of mean 6 % and variance 0.06 · 0.94 ÷ 51.
    """
    for count in _chunks(runs):
        total = 2 * count * clusters
        sizes = 1 + rng.poisson(size * rng.gamma(2.0, 0.5, total))
        buyers = rng.binomial(sizes, rng.beta(3.0, 47.0, total))
        owner = np.repeat(np.arange(total), buyers)
        paid = np.bincount(owner, np.exp(rng.standard_normal(len(owner))), total)
        held = np.stack([paid, sizes], axis=1).reshape(count, 2, clusters, 2)
        for pair in held:
            control, treatment = (Moments.of_values(["total", "size"], arm) for arm in pair)
            yield control, treatment


def _chunks(runs: int) -> Iterator[int]:
    for start in range(0, runs, CHUNK):
        yield min(CHUNK, runs - start)
