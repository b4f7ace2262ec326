"""A few planned looks: boundaries for stopping early, and honest figures after stopping.

Pocock's and O'Brien & Fleming's constants for equal steps, error spending (Lan & DeMets
1983) for looks at any share of the planned information, an optional bound for stopping
in vain (futility, non-binding), and stage-wise p-value, interval and median-unbiased
estimate once a test has stopped (Tsiatis, Rosner & Mehta 1984). All by exact recursive
integration; see ``crossing``. Jennison & Turnbull 2000 is cited as J&T.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr
from ecops_lib.core.results import Result
from ecops_lib.experiments.crossing import (
    FARTHEST,
    START,
    as_information,
    crossing_chances,
    spend_boundaries,
)
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.sequential import SequentialPath
from ecops_lib.experiments.spending import harmonic_units

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Shape = Literal["pocock", "obrien_fleming"]
"""The same boundary at every look, or one that falls with the root of the looks done."""

Spending = Callable[["Floats", float], "Floats"]
"""Error chance spent by each share of the information, given the whole of it."""


def spend_like_obrien_fleming(share: ArrayLike, alpha: float) -> Floats:
    """Lan & DeMets 1983: 2 − 2Φ(z ÷ √t) for each side, hardly anything early.

    >>> spend_like_obrien_fleming([0.5, 1.0], 0.05).round(4)
    array([0.0031, 0.05  ])
    """
    from scipy.special import ndtr, ndtri

    held = np.clip(np.asarray(share, float), 1e-300, 1.0)
    found: Floats = 4 * ndtr(ndtri(alpha / 4) / np.sqrt(held))
    return found


def spend_like_pocock(share: ArrayLike, alpha: float) -> Floats:
    """Lan & DeMets 1983: α·ln(1 + (e − 1)·t), early and late alike."""
    held = np.clip(np.asarray(share, float), 0.0, 1.0)
    return np.asarray(alpha * np.log1p((math.e - 1) * held))


def shape_constant(looks: int, *, alpha: float = 0.05, shape: Shape = "obrien_fleming") -> float:
    """The constant C of equally spaced looks: J&T tables 2.1 (Pocock) and 2.3 (O'Brien–Fleming).

    Pocock's boundary is C at every look; O'Brien & Fleming's is C·√(K ÷ k) at look k.

    >>> round(shape_constant(5), 3), round(shape_constant(5, shape="pocock"), 3)
    (2.04, 2.413)
    """
    from scipy.optimize import brentq

    require_between(looks, 1, 1000, name="looks")
    require_between(alpha, 0, 1, name="alpha", ends="open")
    require_choice(shape, Shape, name="shape")
    information = np.arange(1, int(looks) + 1) / int(looks)
    form = np.ones(int(looks)) if shape == "pocock" else 1 / np.sqrt(information)

    def excess(constant: float) -> float:
        up, down = crossing_chances(information, low=-constant * form, high=constant * form)
        return float((up + down).sum()) - alpha

    return float(brentq(excess, 0.0, FARTHEST, xtol=1e-10))


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupSequentialDesign(Result):
    """Planned looks with their boundaries.

    Attributes:
        shares: Share of the planned information at each look; the last is 1.
        alpha: Two-sided level over all looks.
        power: Chance to cross the right boundary if the effect is the planned one.
        upper: Boundary in z at each look; the lower one mirrors it.
        futility: z at or below which a win has become unlikely, non-binding; −inf for none.
        drift: Expected z at the last look if the effect is the planned one.
        stop_null: Chance to stop at each look if there is no effect.
        stop_planned: Chance to stop at each look if the effect is the planned one.
    """

    sheet: ClassVar[str] = mark("Planned looks")
    units: ClassVar[Mapping[str, Unit]] = {
        "look": "count",
        "share": "share",
        "upper": "ratio",
        "futility": "ratio",
        "stop_null": "share",
        "stop_planned": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "look": mark("Look"),
        "share": mark("Share of the planned units"),
        "upper": mark("Boundary of z"),
        "futility": mark("Give up at or below z"),
        "stop_null": mark("Chance to stop, no effect"),
        "stop_planned": mark("Chance to stop, planned effect"),
    }

    shares: Floats
    alpha: float
    power: float
    upper: Floats
    futility: Floats
    drift: float
    stop_null: Floats
    stop_planned: Floats

    @property
    def inflation(self) -> float:
        """Most units needed, as a multiple of those of a test looked at once (J&T table 2.2)."""
        from scipy.special import ndtri

        once = float(ndtri(1 - self.alpha / 2) + ndtri(self.power))
        return (self.drift / once) ** 2

    @property
    def expected_share(self) -> float:
        """Mean units if the effect is the planned one, as a multiple of a single look's."""
        return self.inflation * float(self.stop_planned @ self.shares)

    def to_frame(self) -> pd.DataFrame:
        """One row a look."""
        import pandas as pd

        return pd.DataFrame(
            {
                "look": np.arange(1, len(self.shares) + 1),
                "share": self.shares,
                "upper": self.upper,
                "futility": np.where(np.isfinite(self.futility), self.futility, np.nan),
                "stop_null": self.stop_null,
                "stop_planned": self.stop_planned,
            }
        )

    def findings(self) -> tuple[Finding, ...]:
        """What the looks cost and what they save."""
        text = ntr(
            "With {looks} planned look the test needs at most {most} times and, if the planned "
            "effect is true, on average {mean} times the units of a test looked at once.",
            "With {looks} planned looks the test needs at most {most} times and, if the planned "
            "effect is true, on average {mean} times the units of a test looked at once.",
            len(self.shares),
            looks=show(len(self.shares), "count"),
            most=show(self.inflation, "ratio"),
            mean=show(self.expected_share, "ratio"),
        )
        evidence = {"inflation": self.inflation, "expected_share": self.expected_share}
        return (Finding(key="group_sequential", level="info", text=text, evidence=evidence),)


def design_looks(
    shares: ArrayLike,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    spending: Spending = spend_like_obrien_fleming,
    futility: Spending | None = None,
) -> GroupSequentialDesign:
    """Boundaries for a few planned looks.

    Args:
        shares: Share of the planned information at each look, growing, the last being 1.
        alpha: Two-sided level over all looks.
        power: Chance to cross the right boundary if the effect is the planned one.
        spending: How α is spent.
        futility: How 1 − power is spent on giving up early; None for no such bound. The
            bound is non-binding: α holds though one goes on below it.

    Raises:
        ParameterError: The shares do not grow to 1, or a level is impossible.

    >>> design_looks([0.2, 0.4, 0.6, 0.8, 1.0]).upper.round(3)
    array([4.877, 3.357, 2.68 , 2.29 , 2.031])
    """
    from scipy.optimize import brentq

    held = as_information(shares)
    if not math.isclose(held[-1], 1.0, abs_tol=1e-9):
        raise ParameterError(f"shares end with {held[-1]:g}; the last planned look is at 1.")
    require_between(alpha, 0, 1, name="alpha", ends="open")
    require_between(power, alpha, 1, name="power", ends="open")
    upper = spend_boundaries(held, spending(held, alpha))
    beta = (futility or spend_like_obrien_fleming)(held, 1 - power)

    def missing(drift: float) -> float:
        if futility is None:
            up, _ = crossing_chances(held, low=-upper, high=upper, drift=drift)
            return power - float(up.sum())
        return _give_up(held, upper, beta, drift)[1]

    drift = float(brentq(missing, 0.0, FARTHEST + float(upper[-1]), xtol=1e-10))
    low = _give_up(held, upper, beta, drift)[0] if futility else np.full(len(held), -np.inf)
    below = np.maximum(low, -upper) if futility else -upper
    return GroupSequentialDesign(
        shares=held,
        alpha=alpha,
        power=power,
        upper=upper,
        futility=low,
        drift=drift,
        stop_null=_stops(held, below, upper, 0.0),
        stop_planned=_stops(held, below, upper, drift),
    )


def _stops(information: Floats, low: Floats, high: Floats, drift: float) -> Floats:
    """Chance to stop at each look; the last one stops whatever is left."""
    up, down = crossing_chances(information, low=low, high=high, drift=drift)
    early = (up + down)[:-1]
    return np.append(early, 1 - early.sum())


def _give_up(
    information: Floats, upper: Floats, beta: Floats, drift: float
) -> tuple[Floats, float]:
    """Bounds that spend β under a drift, and what β the last look lacks to meet its boundary."""
    from scipy.optimize import brentq

    walk, used, low = START, 0.0, []
    for place, level in enumerate(information[:-1]):
        chance, top = float(beta[place]) - used, float(min(upper[place], FARTHEST))
        if walk.below(-FARTHEST, level, drift=drift) >= chance:
            bound = -np.inf
        elif walk.below(top, level, drift=drift) <= chance:
            bound = top
        else:
            bound = float(
                brentq(
                    lambda z, now=level, held=walk, goal=chance: (
                        held.below(z, now, drift=drift) - goal
                    ),
                    -FARTHEST,
                    top,
                    xtol=1e-11,
                )
            )
        used += walk.below(bound, level, drift=drift) if math.isfinite(bound) else 0.0
        low.append(bound)
        walk = walk.advance(bound, upper[place], level, information[place + 1], drift=drift)
    last = walk.below(upper[-1], information[-1], drift=drift)
    return np.array([*low, upper[-1]]), used + last - float(beta[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedEstimate:
    """What may be said of an effect once a test has stopped.

    Attributes:
        p_value: Two-sided, by stage-wise ordering.
        effect: Median-unbiased estimate with its stage-wise interval.
        alpha: Level of the interval.
    """

    p_value: float
    effect: Interval
    alpha: float


def conclude_stop(
    information: ArrayLike,
    boundaries: Sequence[float] | Floats,
    statistic: float,
    *,
    alpha: float = 0.05,
) -> StoppedEstimate:
    """Stage-wise p-value, median-unbiased estimate and interval at the look that stopped.

    An earlier crossing counts as more extreme than a later one, and at the same look a
    larger z (J&T sections 8.4 and 8.5). It holds when the test stops at the first look that
    crosses, or at the last planned one.

    Args:
        information: 1 ÷ squared standard error at each look, the stopping one last.
        boundaries: |z| boundary at each of those looks (the last is not used).
        statistic: z at the stopping look.
        alpha: Level of the interval.

    >>> stopped = conclude_stop([1.0], [1.96], 1.96)
    >>> round(stopped.p_value, 3), round(stopped.effect.low, 3), round(stopped.effect.value, 2)
    (0.05, 0.0, 1.96)
    """
    from scipy.optimize import brentq

    held = as_information(information)
    bounds = np.asarray(boundaries, float)
    if bounds.shape != held.shape or not math.isfinite(statistic):
        raise ParameterError("boundaries must hold one |z| a look, and statistic be a number.")
    high = np.append(bounds[:-1], statistic)
    low = np.append(-bounds[:-1], -np.inf)

    def beyond(effect: float) -> float:
        """Chance of an outcome at least as far up, if this were the true effect."""
        return float(crossing_chances(held, low=low, high=high, drift=effect)[0].sum())

    reach = (abs(statistic) + FARTHEST) / math.sqrt(float(held[0]))
    limits = [
        float(brentq(lambda e, goal=goal: beyond(e) - goal, -reach, reach, xtol=1e-10 * reach))
        for goal in (alpha / 2, 0.5, 1 - alpha / 2)
    ]
    above = beyond(0.0)
    return StoppedEstimate(
        p_value=2 * min(above, 1 - above),
        effect=Interval(value=limits[1], low=limits[0], high=limits[2]),
        alpha=alpha,
    )


def conclude_path(path: SequentialPath) -> StoppedEstimate:
    """What may be said of a path's effect if the test stopped at its first crossing.

    Where the boundary was not crossed, the test is taken to have ended with the last look,
    which must then be the planned one. Naive estimates are too large after an early stop;
    this one is not, in the median.

    Raises:
        ParameterError: The path has no look.
    """
    if not path.steps:
        raise ParameterError("the path has no look, so there is nothing to conclude.")
    end = path.stop or path.steps[-1]
    looks = path.steps[: path.steps.index(end) + 1]
    units = np.array([harmonic_units(s.fixed.n_control, s.fixed.n_treatment) for s in looks])
    error = (end.difference.high - end.difference.low) / (2 * end.boundary)
    return conclude_stop(
        units / units[-1] / error**2,
        [step.boundary for step in looks],
        end.statistic,
        alpha=path.alpha,
    )
