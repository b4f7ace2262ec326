"""The few slices whose common change explains what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING

from ecops_lib.diagnosis.search.lattice import Cuboid, Lattice, Slice
from ecops_lib.diagnosis.search.noise import Noise, estimate_noise, slice_spread, wilder

if TYPE_CHECKING:
    from ecops_lib.diagnosis.search.lattice import Flags, Numbers

FEWEST = 0.5
"""Effective count below which an expectation is not taken at its word."""

MATERIAL = 0.05
"""Share of the largest found part below which a part is left to the rest."""

CALM = 30
"""Leaves outside all slices needed to read the noise off them alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A slice and what speaks for it.

    Attributes:
        values: Its dimensions and values.
        evidence: Log-likelihood ratio of a common change in it, less what it takes to name it
            [nats].
        factor: What was seen over what was expected (given the slices before it), each leaf by
            its precision.
        part: What that factor makes of the change, in the unit of the values.
        inside: Which leaves lie in it.
    """

    values: Slice
    evidence: float
    factor: float
    part: float
    inside: Flags


@dataclass(frozen=True, kw_only=True, eq=False)
class Scan:
    """Slices by how much they explain.

    Attributes:
        found: The few that together explain what was seen, in the order they were found.
        candidates: The single slices that explain most by themselves, best first.
        noise: The noise of the leaves outside them.
    """

    found: tuple[Found, ...]
    candidates: tuple[tuple[Slice, float], ...]
    noise: Noise


def scan_slices(
    lattice: Lattice,
    seen: Numbers,
    expected: Numbers,
    *,
    noise: Noise | None = None,
    grain: float = 0.0,
    most: int = 5,
    listed: int = 10,
) -> Scan:
    """Find the few slices in which seen and expected part by a common factor.

    A slice's evidence is that of Poisson counts with one rate ratio inside it against none,
    ``C log(C/E) - (C - E)``, where C and E are what was seen and expected, each leaf divided by its
    variance a unit; less the nats that it takes to name the slice (its dimensions, then their
    values), so that a slice of many dimensions must explain more. The best slice is taken, its
    factor applied to what is expected of its leaves, and the rest searched again, until no
    slice has the evidence of a log of the leaves or counts (Schwarz's price of two more numbers:
    the factor, and its spread over the slice's leaves). Slices whose part is below
    ``MATERIAL`` of the largest are not named.

    Args:
        lattice: The slices.
        seen: What was seen, by leaf.
        expected: What was expected, by leaf, at least 0.
        noise: How leaves stray from their expectation, from the past; None: read off the
            leaves themselves.
        grain: Least variance a unit where the noise is read off the leaves (see
            ``estimate_noise``).
        most: Slices at the most.
        listed: Candidates at the most.

    References:
        Kulldorff (1997), A spatial scan statistic, Communications in Statistics: Theory and
        Methods 26, 1481-1496, section 4 (the Poisson model); Rissanen (1978), Modeling by
        shortest data description, Automatica 14, 465-471; Schwarz (1978), Annals of Statistics
        6, 461-464.
    """
    import numpy as np

    fitted, extra = expected.astype(float), np.zeros(len(expected))
    calm = np.ones(len(expected), dtype=bool)
    found: list[Found] = []
    first: tuple[tuple[Slice, float], ...] = ()
    base = noise or estimate_noise(seen, fitted, grain=grain)
    for _ in range(most):
        if found:
            today = estimate_noise(seen[calm], fitted[calm], grain=base.grain if noise else grain)
            base = today if noise is None else wilder(noise, today)
        weight = _weights(fitted, base, extra)
        rated = [_rated(cuboid, weight * seen, weight * fitted) for cuboid in lattice.cuboids]
        first = first or _best(lattice, rated, listed)
        place, at = _places(rated, 1)[0]
        if rated[place][at] <= _price(fitted, weight):
            break
        inside = lattice.cuboids[place].cell == at
        one = Found(
            values=lattice.named(lattice.cuboids[place], at),
            evidence=float(rated[place][at]),
            factor=_factor((weight * seen)[inside], (weight * fitted)[inside]),
            part=0.0,
            inside=inside,
        )
        found.append(one)
        fitted = np.where(inside, fitted * one.factor, fitted)
        spread = slice_spread(seen[inside], fitted[inside], expected[inside], base)
        extra = np.where(inside, (spread * expected) ** 2, extra)
        calm &= ~inside
        calm = calm if calm.sum() >= CALM else np.ones(len(calm), dtype=bool)
    kept = _material(found, expected)
    return Scan(found=kept, candidates=first, noise=base)


def _material(found: Sequence[Found], expected: Numbers) -> tuple[Found, ...]:
    """The slices whose part is worth naming, with the parts that they have among themselves."""
    parted = _parted(found, expected)
    least = MATERIAL * max((abs(one.part) for one in parted), default=0.0)
    return _parted([one for one in parted if abs(one.part) >= least], expected)


def _parted(found: Sequence[Found], expected: Numbers) -> tuple[Found, ...]:
    """Each slice's part of the change, one factor applied after the other."""
    import numpy as np

    fitted, parted = expected.astype(float), []
    for one in found:
        moved = np.where(one.inside, fitted * (one.factor - 1), 0.0)
        parted.append(replace(one, part=float(moved.sum())))
        fitted = fitted + moved
    return tuple(parted)


def _weights(fitted: Numbers, noise: Noise, extra: Numbers) -> Numbers:
    """One over the variance a unit of each leaf; that of the smallest where nothing is expected."""
    import numpy as np

    variance = noise.variance(fitted) + extra
    weight = np.full(len(fitted), 1 / noise.grain if noise.grain else 0.0)
    np.divide(fitted, variance, out=weight, where=(fitted > 0) & (variance > 0))
    return weight


def _price(fitted: Numbers, weight: Numbers) -> float:
    """Log of how much tells of a factor: leaves, or effective counts where they are fewer."""
    return log(max(min(float((fitted > 0).sum()), float((weight * fitted).sum())), 1.0))


def _rated(cuboid: Cuboid, seen: Numbers, expected: Numbers) -> Numbers:
    """Evidence of each slice of a cuboid."""
    import numpy as np

    got, wanted = cuboid.sums(seen), cuboid.sums(expected)
    least = np.maximum(wanted, FEWEST)
    ratio = np.log(np.where(got > 0, got, 1.0) / least)
    rise: Numbers = got * ratio - (got - least)
    gain: Numbers = np.where(got > 0, rise, wanted) - cuboid.surprise
    return gain


def _places(rated: list[Numbers], most: int) -> list[tuple[int, int]]:
    """Cuboid and cell of the slices with most evidence; of equals the plainest first."""
    import numpy as np

    tops: list[tuple[float, int, int]] = []
    for place, gains in enumerate(rated):
        cells = np.argpartition(-gains, min(most, len(gains) - 1))[:most]
        tops += [(-float(np.round(gains[at], 9)), place, int(at)) for at in cells]
    return [(place, at) for _, place, at in sorted(tops)[:most]]


def _best(lattice: Lattice, rated: list[Numbers], most: int) -> tuple[tuple[Slice, float], ...]:
    return tuple(
        (lattice.named(lattice.cuboids[place], at), float(rated[place][at]))
        for place, at in _places(rated, most)
    )


def _factor(seen: Numbers, expected: Numbers) -> float:
    """What was seen over what was expected, at least 0."""
    wanted = float(expected.sum())
    return max(float(seen.sum()) / wanted, 0.0) if wanted > 0 else 1.0
