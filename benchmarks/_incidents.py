"""Incidents whose causes are known: real ones of live video, and generated ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecops_lib.diagnosis.search.lattice import Slice
from ecops_lib.diagnosis.search.noise import Noise, estimate_noise

Floats = npt.NDArray[np.float64]

SHRINK = 20
"""Viewers of the whole incident's rate that stand beside a leaf's own in its expectation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Incident:
    """One incident.

    Attributes:
        name: Its name.
        leaves: One row a leaf: the dimensions, ``seen``, ``expected`` and ``size`` (what a rate
            is taken over; the expectation itself for sums).
        dimensions: The dimensions.
        causes: The slices to be found.
        noise: Noise of the minutes before; None where only the incident is told.
    """

    name: str
    leaves: pd.DataFrame
    dimensions: tuple[str, ...]
    causes: frozenset[Slice]
    noise: Noise | None = None


def read_incidents(folder: Path) -> Iterator[Incident]:
    """Stalls among viewers by minute: the minute of the incident against those before it."""
    rows = pd.read_parquet(folder / "cases.parquet")
    told = pd.read_parquet(folder / "ground_truth.parquet").set_index("case")
    for name, held in rows.groupby("case"):
        dimensions = tuple(sorted(told.loc[name, "dims"].split(",")))
        filled = held.assign(**{one: held[one].fillna("") for one in dimensions})
        causes = frozenset(
            tuple(sorted(tuple(pair.split("=")) for pair in cause.split("&")))
            for cause in told.loc[name, "cause"].split(";")
        )
        yield _incident(str(name), filled, told.loc[name, "timestamp"], dimensions, causes)


def _incident(
    name: str, rows: pd.DataFrame, at: pd.Timestamp, dimensions: tuple[str, ...], causes: frozenset
) -> Incident:
    keys, columns = list(dimensions), ["stalling", "viewers"]
    before = rows.loc[rows["ts"] < at].groupby([*keys, "ts"], as_index=False)[columns].sum()
    usual = before.groupby(keys)[columns].sum()
    whole = usual["stalling"].sum() / usual["viewers"].sum()
    rate = (usual["stalling"] + SHRINK * whole) / (usual["viewers"] + SHRINK)
    past = before.join(rate.rename("rate"), on=keys)
    now = rows.loc[rows["ts"] == at].groupby(keys, as_index=False)[columns].sum()
    now = now.join(rate.rename("rate"), on=keys)
    return Incident(
        name=name,
        leaves=now.assign(
            seen=now["stalling"].astype(float),
            size=now["viewers"].astype(float),
            expected=now["rate"].fillna(whole) * now["viewers"],
        )[[*keys, "seen", "expected", "size"]],
        dimensions=dimensions,
        causes=causes,
        noise=estimate_noise(
            past["stalling"].to_numpy(float),
            (past["rate"] * past["viewers"]).to_numpy(float),
            grain=1.0,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How incidents are generated; each pair holds the least and the most.

    Attributes:
        sizes: Values of each dimension.
        noise: Relative standard deviation of the leaves.
        severity: Share that an incident takes away.
        deviation: Standard deviation of that share over its leaves.
        groups: Incidents at once.
        elements: Slices of each, of the same dimensions.
        zero: Share of leaves with nothing.
        deepest_only: Whether only single leaves are hit.
    """

    sizes: tuple[int, ...]
    noise: tuple[float, float]
    severity: tuple[float, float]
    deviation: tuple[float, float]
    groups: tuple[int, int]
    elements: tuple[int, int]
    zero: tuple[float, float] = (0.0, 0.25)
    deepest_only: bool = False


SHALLOW = Kind(
    sizes=(10, 12, 10, 8, 5), noise=(0.0, 0.25), severity=(0.2, 1.0), deviation=(0.0, 0.1),
    groups=(1, 3), elements=(1, 3),
)  # fmt: skip
LEAVES = Kind(
    sizes=(10, 24, 10, 15), noise=(0.0, 0.1), severity=(0.5, 1.0), deviation=(0.0, 0.0),
    groups=(1, 5), elements=(1, 1), deepest_only=True,
)  # fmt: skip


def make_incident(kind: Kind, *, seed: int) -> Incident:
    """Draw one: Weibull levels, relative noise, and groups of slices that lost a share.

    The generator is described in the reference case ``rca``; this one is ours.
    """
    rng = np.random.default_rng([seed, len(kind.sizes)])
    grid = np.array(list(product(*map(range, kind.sizes))))
    expected = rng.weibull(rng.uniform(0.5, 1.0), len(grid)) * 100
    expected[rng.random(len(grid)) < rng.uniform(*kind.zero)] = 0.0
    seen = expected * np.maximum(1 + rng.normal(0, rng.uniform(*kind.noise), len(grid)), 0)
    hit, causes = np.zeros(len(grid), bool), set()
    for inside, cause, drop in _draw_causes(rng, kind, grid, expected):
        if not (inside & hit).any():
            seen = np.where(inside, expected * (1 - drop), seen)
            hit |= inside
            causes.add(cause)
    names = tuple("abcdefg"[: len(kind.sizes)])
    leaves = pd.DataFrame(grid, columns=list(names))
    return Incident(
        name=f"{seed}",
        leaves=leaves.assign(seen=seen, expected=expected, size=expected),
        dimensions=names,
        causes=frozenset(causes),
    )


def _draw_causes(
    rng: np.random.Generator, kind: Kind, grid: npt.NDArray[np.int64], expected: Floats
) -> Iterator[tuple[npt.NDArray[np.bool_], Slice, Floats]]:
    count = len(kind.sizes)
    for _ in range(rng.integers(kind.groups[0], kind.groups[1] + 1)):
        depth = count if kind.deepest_only else int(rng.integers(1, count + 1))
        chosen = np.sort(rng.choice(count, depth, replace=False))
        severity, deviation = rng.uniform(*kind.severity), rng.uniform(*kind.deviation)
        for _ in range(rng.integers(kind.elements[0], kind.elements[1] + 1)):
            values = grid[rng.choice(np.flatnonzero(expected > 0))][chosen]
            inside = (grid[:, chosen] == values).all(axis=1)
            drop = np.clip(rng.normal(severity, deviation, len(grid)), 0, 1)
            cause = tuple(("abcdefg"[j], int(v)) for j, v in zip(chosen, values, strict=True))
            yield inside, cause, drop
