"""The shop's past tests: their effects so far, and what they teach about a winner.

The best of several noisy estimates is too good on average (the winner's curse). The
effects of the shop's own past tests tell how large true effects tend to be; an estimate
drawn towards them by its own uncertainty is right on average (empirical Bayes: Morris
1983, JASA 78, eq. 1.11; spread of true effects by DerSimonian and Laird 1986, eq. 8).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.errors import EcopsError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.experiments.experiment import Experiment
from ecops_lib.experiments.inference import Pair, delta_standard_error, estimates
from ecops_lib.experiments.plans import list_tests

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 3
"""Past effects from which on their spread may be estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEffect:
    """One variant's effect on the deciding metric of its test.

    Attributes:
        experiment_id: The test.
        variant: The variant.
        effect: Relative effect.
        standard_error: Of the relative effect.
        shrunken: The effect drawn towards the others; NaN where they are too few.
        state: Whether it counts; in English, marked.
    """

    experiment_id: str
    variant: str
    effect: float
    standard_error: float
    shrunken: float
    state: str


COUNTS = mark("counts")
RED = mark("left out: its health forbids to read it")
EARLY = mark("left out: not finished")
OTHER = mark("left out: decided by another metric")
UNREAD = mark("left out: its data do not tell")


@dataclass(frozen=True, kw_only=True, eq=False)
class PastTests(Result):
    """The register of a shop's tests on one metric.

    Attributes:
        experiment_id: The test of the page.
        rows: Every variant of every test that began no later.
        mean: Mean true effect so far; NaN where too few tests count.
        spread: Standard deviation of true effects; NaN likewise.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "effect": "share",
        "standard_error": "share",
        "shrunken": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "experiment_id": mark("Test"),
        "variant": mark("Tested variant"),
        "effect": mark("Relative effect"),
        "standard_error": mark("Standard error"),
        "shrunken": mark("Drawn to the others"),
        "state": mark("State"),
    }
    sheet: ClassVar[str] = mark("Past tests")

    experiment_id: str
    rows: tuple[PastEffect, ...]
    mean: float
    spread: float

    def to_frame(self) -> pd.DataFrame:
        """One row a variant and test."""
        import pandas as pd

        rows = [
            (r.experiment_id, r.variant, r.effect, r.standard_error, r.shrunken, tr(r.state))
            for r in self.rows
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """What the past says of this test's effect."""
        counted = [row for row in self.rows if row.state == COUNTS]
        told = ntr(
            "{count} effect on this metric counts so far.",
            "{count} effects on this metric count so far.",
            len(counted),
            count=show(len(counted), "count"),
        )
        numbers = {"count": float(len(counted)), "mean": self.mean, "spread": self.spread}
        return (
            Finding(
                key="past_tests",
                level="info",
                text=joined(told, self._lesson(counted)),
                evidence=numbers,
            ),
        )

    def _lesson(self, counted: Sequence[PastEffect]) -> str:
        if math.isnan(self.mean):
            return tr(
                "From {fewest} on, they tell how far a fresh estimate should be drawn back.",
                fewest=show(FEWEST, "count"),
            )
        mine = [row for row in counted if row.experiment_id == self.experiment_id]
        if not mine:
            return tr(
                "True effects were {mean} on average and spread by {spread}.",
                mean=show(self.mean, "share", sign=True),
                spread=show(self.spread, "share"),
            )
        best = max(mine, key=lambda row: abs(row.effect))
        return tr(
            "Measured against them, {effect} for {variant} is rather {shrunken}: large estimates "
            "are large in part by chance.",
            effect=show(best.effect, "share", sign=True),
            variant=short_name(best.variant),
            shrunken=show(best.shrunken, "share", sign=True),
        )


def read_past(trial: Experiment) -> PastTests:
    """The effects of the shop's tests so far on the metric that decides this one.

    A test counts if its health allows to read it, everything planned is in, and the same
    metric decides it; the test of the page counts among them.

    Args:
        trial: The test of the page.
    """
    names = [
        name
        for name, first in _known(trial)
        if first <= trial.joined.prepared.first or name == trial.plan.experiment_id
    ]
    raw = [row for name in names for row in _effects(trial, name)]
    counted = [row for row in raw if row.state == COUNTS]
    mean, spread = pool_effects(
        [row.effect for row in counted], [row.standard_error for row in counted]
    )
    return PastTests(
        experiment_id=trial.plan.experiment_id,
        rows=tuple(_shrink(row, mean, spread) for row in raw),
        mean=mean,
        spread=spread,
    )


def _known(trial: Experiment) -> list[tuple[str, dt.date]]:
    table = list_tests(trial.store).table
    days = [day.date() for day in table["first_day"]]
    return list(zip(table["experiment_id"], days, strict=True))


def _effects(trial: Experiment, name: str) -> list[PastEffect]:
    """The effects of one test; an unreadable one is listed with the reason."""
    try:
        other = trial if name == trial.plan.experiment_id else _open(trial, name)
        state = _state(other, trial.plan.primary)
        variants = other.treatments
    except EcopsError:  # the row says that the test could not be read
        return [_empty(name, "", UNREAD)]
    if state != COUNTS:
        return [_empty(name, variant, state) for variant in variants]
    return [_effect(other, variant) for variant in variants]


def _open(trial: Experiment, name: str) -> Experiment:
    return Experiment(trial.store, name, day=trial.day)


def _state(other: Experiment, primary: str) -> str:
    if other.plan.primary != primary:
        return OTHER
    if other.primary not in other.metrics:
        return UNREAD
    if other.health.red:
        return RED
    return EARLY if other.health.unfinished else COUNTS


def _empty(name: str, variant: str, state: str) -> PastEffect:
    return PastEffect(
        experiment_id=name,
        variant=variant,
        effect=math.nan,
        standard_error=math.nan,
        shrunken=math.nan,
        state=state,
    )


def _effect(other: Experiment, variant: str) -> PastEffect:
    held = other.effects[variant, other.plan.primary]
    error = delta_standard_error(_pair(other, variant))
    return PastEffect(
        experiment_id=other.plan.experiment_id,
        variant=variant,
        effect=held.relative.value,
        standard_error=error,
        shrunken=math.nan,
        state=COUNTS if error > 0 else UNREAD,
    )


def _pair(other: Experiment, variant: str) -> Pair:
    control, treatment = other.moments(other.plan.control), other.moments(variant)
    known = other.covariates(other.primary)
    return estimates(control, treatment, metric=other.primary, covariates=known).pair


def pool_effects(effects: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation of true effects; NaN with fewer than three.

    Args:
        effects: Estimates.
        errors: Their standard errors, above zero.

    Returns:
        The mean weighed by 1 ÷ (error² + spread²), and the spread
        τ² = max(0, (Q − (k − 1)) ÷ (Σw − Σw² ÷ Σw)) with w = 1 ÷ error².
    """
    if len(effects) < FEWEST:
        return math.nan, math.nan
    weights = [1 / error**2 for error in errors]
    total = math.fsum(weights)
    fixed = _weighed(effects, weights)
    q = math.fsum(w * (y - fixed) ** 2 for w, y in zip(weights, effects, strict=True))
    below = total - math.fsum(w**2 for w in weights) / total
    tau2 = max(0.0, (q - (len(effects) - 1)) / below)
    return _weighed(effects, [1 / (error**2 + tau2) for error in errors]), math.sqrt(tau2)


def _weighed(values: Sequence[float], weights: Sequence[float]) -> float:
    products = (w * v for w, v in zip(weights, values, strict=True))
    return math.fsum(products) / math.fsum(weights)


def shrink_effect(effect: float, error: float, *, mean: float, spread: float) -> float:
    """An estimate drawn towards the mean of true effects by its own uncertainty.

    >>> shrink_effect(0.3, 0.1, mean=0.1, spread=0.1)
    0.2
    """
    if math.isnan(mean):
        return math.nan
    trust = spread**2 / (spread**2 + error**2)
    return mean + trust * (effect - mean)


def _shrink(row: PastEffect, mean: float, spread: float) -> PastEffect:
    if row.state != COUNTS:
        return row
    drawn = shrink_effect(row.effect, row.standard_error, mean=mean, spread=spread)
    return replace(row, shrunken=drawn)
