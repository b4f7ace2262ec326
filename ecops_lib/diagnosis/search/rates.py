"""The few slices that explain how a rate left its usual level: a step, a conversion, claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING

from ecops_lib.diagnosis.search.lattice import Lattice, Slice
from ecops_lib.diagnosis.search.noise import estimate_noise
from ecops_lib.diagnosis.search.scan import scan_slices

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.search.lattice import Numbers

PRIOR = 5.0
"""Hits that a value of a dimension must be expected to have before half of its own rate counts."""

ROUNDS = 12
CHANCE = 0.002
"""Chance at which a slice's own days would stray as far; a page searches half a dozen rates."""

FEWEST_DAYS = 7
"""Days of the past that tell how far days stray."""

DEEPEST = 3
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePart:
    """A slice whose rate changed.

    Attributes:
        values: Its dimensions and values; none is the whole.
        tries: How many could.
        hits: How many did.
        expected: How many of them its own past lets expect.
        part: Hits that its change made or cost, beside the other slices.
        evidence: What speaks for it against chance [nats].
    """

    values: Slice
    tries: float
    hits: float
    expected: float
    part: float
    evidence: float

    @property
    def rate(self) -> float:
        """Hits a try."""
        return self.hits / self.tries

    @property
    def usual(self) -> float:
        """Hits a try to be expected."""
        return self.expected / self.tries


@dataclass(frozen=True, kw_only=True, eq=False)
class RateSplit:
    """A rate against its past.

    Attributes:
        parts: The slices that explain its change, most hits first.
        tries: How many could.
        hits: How many did.
        expected: How many of them the past lets expect, at today's mix of slices.
    """

    parts: tuple[RatePart, ...]
    tries: float
    hits: float
    expected: float


def explain_rate(rows: pd.DataFrame, dimensions: Sequence[str]) -> RateSplit:
    """Search the few slices in which a rate left what its past lets expect.

    A leaf's usual rate is the past rate of the whole times a factor for each value of its
    dimensions (fitted to the past margins), then moved towards its own past as far as leaves
    differ beyond chance. The slices are those of ``scan_slices`` on the rarer of hits and
    misses; one is kept only where it also strays further than its own days of the past do
    (dispersion of the daily counts, t-test at ``CHANCE``), for days differ by more than chance.

    Args:
        rows: One row a day × leaf: ``day``, ``now`` (whether the day is of the period asked
            about), the dimensions, ``tries`` and ``hits``.
        dimensions: The dimensions.

    References:
        Deming and Stephan (1940), Annals of Mathematical Statistics 11, 427-444 (fitting to
        margins); McCullagh and Nelder (1989), Generalized Linear Models, section 4.5.2
        (dispersion of grouped counts).

    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(3)
    >>> cells = pd.MultiIndex.from_product(
    ...     [range(35), ["app", "web"], ["ads", "search"]], names=["day", "device", "channel"])
    >>> rows = cells.to_frame(index=False).assign(tries=400)
    >>> rows["now"] = rows["day"] >= 28
    >>> broken = rows["now"] & (rows["device"] == "web")
    >>> rows["hits"] = rng.binomial(400, np.where(broken, .1, .2))
    >>> [part.values for part in explain_rate(rows, ["device", "channel"]).parts]
    [(('device', 'web'),)]
    """
    told = [name for name in dimensions if rows[name].nunique() > 1]
    held = rows.groupby(["day", "now", *told])[["tries", "hits"]].sum().reset_index()
    rare = 2 * held["hits"].sum() <= held["tries"].sum()
    count = held["hits"] if rare else held["tries"] - held["hits"]
    split = _explain(
        held.assign(count=count, leaf=held.groupby(told).ngroup() if told else 0), told
    )
    return split if rare else _mirrored(split)


def _mirrored(split: RateSplit) -> RateSplit:
    """What misses tell of hits."""
    parts = (
        replace(one, hits=one.tries - one.hits, expected=one.tries - one.expected, part=-one.part)
        for one in split.parts
    )
    return RateSplit(
        parts=tuple(parts), tries=split.tries, hits=split.tries - split.hits,
        expected=split.tries - split.expected,
    )  # fmt: skip


def _explain(held: pd.DataFrame, dimensions: list[str]) -> RateSplit:
    """The search on ``count`` (of ``tries``) by ``leaf`` and day."""
    leaves = held.groupby("leaf").first()[dimensions]
    days = held.loc[~held["now"]]
    tries, past = _sums(days, len(leaves))
    rate = usual_rates(leaves, tries=tries, hits=past)
    days = days.assign(wanted=days["tries"] * rate[days["leaf"]])
    asked, seen = _sums(held.loc[held["now"]], len(leaves))
    noise = estimate_noise(*(days[name].to_numpy(float) for name in ("count", "wanted")), grain=1.0)
    lattice, fitted, parts = Lattice(leaves, dimensions, deepest=DEEPEST), asked * rate, []
    for one in scan_slices(lattice, seen, asked * rate, noise=noise, most=SHOWN).found:
        inside = one.inside
        got, usual = float(seen[inside].sum()), float(fitted[inside].sum())
        if _strays(days.loc[inside[days["leaf"]]], got, usual):
            parts.append(RatePart(
                values=one.values, tries=float(asked[inside].sum()), hits=got,
                expected=float((asked * rate)[inside].sum()), part=got - usual,
                evidence=one.evidence,
            ))  # fmt: skip
            fitted[inside] *= got / usual if usual else 1.0
    return RateSplit(
        parts=tuple(sorted(parts, key=lambda part: (-abs(part.part), part.values))),
        tries=float(asked.sum()), hits=float(seen.sum()), expected=float((asked * rate).sum()),
    )  # fmt: skip


def _sums(rows: pd.DataFrame, leaves: int) -> tuple[Numbers, Numbers]:
    """Tries and counts by leaf."""
    import numpy as np

    place = rows["leaf"].to_numpy(int)
    tries, count = (
        np.bincount(place, rows[name].to_numpy(float), leaves).astype(float)
        for name in ("tries", "count")
    )
    return tries, count


def usual_rates(leaves: pd.DataFrame, *, tries: Numbers, hits: Numbers) -> Numbers:
    """Rate of each leaf: that of the whole, times its values' factors, times its own.

    Args:
        leaves: One row a leaf, one column a dimension.
        tries: How many could, by leaf.
        hits: How many did.

    >>> import numpy as np, pandas as pd
    >>> leaves = pd.DataFrame({"device": ["app", "web"]})
    >>> usual_rates(leaves, tries=np.array([1e6, 1e6]), hits=np.array([1e5, 3e5])).round(2)
    array([0.1, 0.3])
    """
    import numpy as np
    import pandas as pd

    if not tries.sum() > 0 or not hits.sum() > 0:
        return np.zeros(len(leaves))
    rate = np.full(len(leaves), hits.sum() / tries.sum())
    codes = [pd.factorize(leaves[name])[0] for name in leaves.columns]
    for _ in range(ROUNDS):
        for code in codes:
            got, wanted = np.bincount(code, hits), np.bincount(code, tries * rate)
            rate = rate * ((got + PRIOR) / (wanted + PRIOR))[code]
    wanted = tries * rate
    spread = estimate_noise(hits, wanted, grain=1.0).spread
    if spread > 0:
        rate = rate * (hits + spread**-2) / (wanted + spread**-2)
    capped: Numbers = np.minimum(rate, 1.0)
    return capped


def _strays(days: pd.DataFrame, got: float, usual: float) -> bool:
    """Whether a slice strays further from its expectation than its own past days let expect."""
    from scipy import stats

    daily = days.groupby("day")[["count", "wanted"]].sum()
    daily = daily.loc[daily["wanted"] > 0]
    if len(daily) < FEWEST_DAYS:
        return False
    mean = daily["wanted"] * daily["count"].sum() / daily["wanted"].sum()
    squares = ((daily["count"] - mean) ** 2 / mean.where(mean > 0)).sum()
    spread = max(float(squares) / (len(daily) - 1), 1.0)
    deviation = sqrt(spread * max(usual, 0.5) * (1 + usual / daily["wanted"].sum()))
    return bool(2 * stats.t.sf(abs(got - usual) / deviation, len(daily) - 1) <= CHANCE)
