"""A/A simulation: how often a test on the shop's own data finds what is not there.

Units are shared out anew at random, so that no variant differs from the other in truth;
every rejection is false. On heavy-tailed spend with few buyers the level may be missed,
and this shows by how much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.checks import require_between, require_columns
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.inference import Counts, share_interval
from ecops_lib.experiments.inference.compare import compare
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BINS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class NullSimulation(Result):
    """p-values of tests in which nothing differs.

    Attributes:
        metric: What was compared.
        units: Units of both groups.
        alpha: Level of each test.
        p_values: One a run that could be tested.
        untested: Runs in which nothing could be tested (no spread in a group).
        rate: Share of all runs that rejected, with its 95 % interval (Wilson).
        uniform_p: p-value of the p-values being uniform (Kolmogorov–Smirnov).
    """

    sheet: ClassVar[str] = mark("Tests of nothing (A/A)")
    labels: ClassVar[Mapping[str, str]] = {
        "p_from": mark("P-value from"),
        "p_to": mark("To"),
        "runs": mark("Runs"),
        "expected": mark("Expected"),
    }

    metric: ExperimentMetric
    n: int
    alpha: float
    p_values: Floats
    untested: int
    rate: Interval
    uniform_p: float

    @property
    def runs(self) -> int:
        """Runs in all."""
        return len(self.p_values) + self.untested

    @property
    def sound(self) -> bool:
        """Whether the level lies within the simulation's interval."""
        return self.rate.holds(self.alpha)

    def table_units(self) -> Mapping[str, Unit]:
        """Counts of runs by p-value."""
        return {"p_from": "ratio", "p_to": "ratio", "runs": "count", "expected": "count"}

    def to_frame(self) -> pd.DataFrame:
        """Runs by tenth of the p-value."""
        import pandas as pd

        counts, edges = np.histogram(self.p_values, bins=BINS, range=(0.0, 1.0))
        return pd.DataFrame(
            {
                "p_from": edges[:-1],
                "p_to": edges[1:],
                "runs": counts,
                "expected": len(self.p_values) / BINS,
            }
        )

    def findings(self) -> tuple[Finding, ...]:
        """Whether the test keeps its level on these data."""
        values = {
            "metric": tr(self.metric.label),
            "rate": show(self.rate.value, "share"),
            "low": show(self.rate.low, "share"),
            "high": show(self.rate.high, "share"),
            "alpha": show(self.alpha, "share"),
            "runs": show(self.runs, "count"),
        }
        if self.sound:
            text = ntr(
                "{metric}: of {runs} test in which nothing differs {rate} found something "
                "({low} to {high}), as the level of {alpha} allows.",
                "{metric}: of {runs} tests in which nothing differs {rate} found something "
                "({low} to {high}), as the level of {alpha} allows.",
                self.runs,
                **values,
            )
        elif self.rate.low > self.alpha:
            text = tr(
                "{metric}: of {runs} tests in which nothing differs {rate} found something "
                "({low} to {high}), more than the level of {alpha}: results on this metric are "
                "not to be trusted; take more units or cut off extreme values.",
                **values,
            )
        else:
            text = tr(
                "{metric}: of {runs} tests in which nothing differs {rate} found something "
                "({low} to {high}), less than the level of {alpha}: the test is too cautious here "
                "and misses effects.",
                **values,
            )
        evidence = {"rate": self.rate.value, "low": self.rate.low, "high": self.rate.high}
        return (
            Finding(
                key=f"null_simulation/{self.metric.key}",
                level="good" if self.sound else "bad" if self.rate.low > self.alpha else "watch",
                text=text,
                evidence={**evidence, "uniform_p": self.uniform_p},
            ),
        )


def simulate_null(
    values: Any,
    *,
    metric: ExperimentMetric,
    rng: int | np.random.Generator,
    runs: int = 1000,
    share: float = 0.5,
    alpha: float = 0.05,
) -> NullSimulation:
    """Share a shop's units out at random again and again, and test each time.

    Args:
        values: One row a unit, a table of any engine with the metric's outcome columns;
            units that did nothing are rows of 0.
        metric: What is compared.
        rng: Seed or generator.
        runs: How often.
        share: Chance of a unit to be in the treatment.
        alpha: Level of each test.

    Raises:
        ParameterError: There are fewer than four units, or an argument is impossible.
        ColumnError: A column of the metric is missing.
    """
    from scipy.stats import kstest

    require_between(runs, 1, 1_000_000, name="runs")
    require_between(share, 0, 1, name="share", ends="open")
    require_between(alpha, 0, 1, name="alpha", ends="open")
    names = [name for name in (metric.numerator, metric.denominator) if name]
    held = _columns(values, names)
    if len(held) < 4:
        raise ParameterError(f"values has {len(held)} units; a test needs at least four.")
    random = np.random.default_rng(rng)
    found = np.array([_one_run(held, names, metric, random, share, alpha) for _ in range(runs)])
    tested = found[~np.isnan(found)]
    rejected = int((tested < alpha).sum())
    return NullSimulation(
        metric=metric,
        n=len(held),
        alpha=alpha,
        p_values=tested,
        untested=runs - len(tested),
        rate=share_interval(Counts(successes=rejected, units=runs)),
        uniform_p=float(kstest(tested, "uniform").pvalue) if len(tested) else math.nan,
    )


def _columns(values: Any, names: list[str]) -> Floats:
    frame = frames.lazy(values, name="values", needed=names).select(*names)
    brought = frames.bring(frame)
    require_columns(list(brought.columns), names, table="values")
    held: Floats = brought[names].to_numpy(float)
    if not np.isfinite(held).all():
        raise ParameterError(
            "values holds cells that are no numbers; a unit that did nothing is 0."
        )
    return held


def _one_run(
    held: Floats,
    names: list[str],
    metric: ExperimentMetric,
    random: np.random.Generator,
    share: float,
    alpha: float,
) -> float:
    treated = random.random(len(held)) < share
    groups = [Moments.of_values(names, held[chosen]) for chosen in (~treated, treated)]
    if min(group.n for group in groups) < 2:
        return math.nan
    return compare(groups[0], groups[1], metric=metric, alpha=alpha).p_value
