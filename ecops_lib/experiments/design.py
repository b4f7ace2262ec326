"""The design of a test: units each variant needs, and what a given number can find.

``plan_test`` works on figures given by hand; ``plan_experiment`` in ``planning`` takes
them from the shop's own tables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.experiments import power as powers
from ecops_lib.experiments.crossing import FARTHEST, crossing_chances
from ecops_lib.experiments.outcomes import ExperimentMetric, metrics_named
from ecops_lib.experiments.plan import ExperimentPlan
from ecops_lib.experiments.spending import spending_boundary

if TYPE_CHECKING:
    import pandas as pd

Correction = Literal["dunnett", "bonferroni", "none"]
"""How the level is shared by several treatments that are compared with one control."""

Purpose = Literal["difference", "non_inferiority"]
"""To find a difference, or to show that the treatment is not worse by a margin."""

CORRECTIONS: Mapping[Correction, str] = {
    "dunnett": mark("Dunnett's level for several treatments"),
    "bonferroni": mark("Bonferroni's level for several treatments"),
    "none": mark("no correction for several treatments"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class TestDesign(Result):
    """How many units a test needs.

    Attributes:
        metric: What decides.
        base: Its value today.
        variance: Variance of one unit's value (linearised for a ratio).
        least_effect: Smallest relative effect to find; the margin of a non-inferiority test.
        shares: Planned share of each variant, the control first.
        alpha: Two-sided level of all comparisons together.
        level: Two-sided level of each comparison.
        power: Chance to find the effect in a comparison.
        correction: How the level is shared.
        purpose: What is to be shown.
        explained: Share of the variance that covariates take out (ρ²).
        daily_looks: Daily looks at the path; 0 where it is read once, at its end.
        inflation: Units needed with those looks, as a multiple of those of a single one.
        total: Units of all variants.
    """

    __test__ = False  # the name is not that of a test case
    sheet: ClassVar[str] = mark("Units needed")
    units: ClassVar[Mapping[str, Unit]] = {"share": "share", "units": "count"}
    labels: ClassVar[Mapping[str, str]] = {
        "variant": mark("Tested variant"),
        "share": mark("Share"),
        "units": mark("Units needed"),
    }

    metric: ExperimentMetric
    base: float
    variance: float
    least_effect: float
    shares: Mapping[str, float]
    alpha: float
    level: float
    power: float
    correction: Correction
    purpose: Purpose
    explained: float
    daily_looks: int
    inflation: float
    total: float

    @property
    def per_variant(self) -> dict[str, float]:
        """Whole units that each variant needs; infinite where none suffice."""
        return {name: _whole(self.total * share) for name, share in self.shares.items()}

    def detectable(self, total: float) -> float:
        """Smallest relative effect (or margin) that so many units of all variants find."""
        sizes = list(self.shares.values())
        held = total / self.inflation / (1 - self.explained)
        found = [
            _effect(self, held * sizes[0], ratio=size / sizes[0]) / self.base for size in sizes[1:]
        ]
        return math.nan if any(map(math.isnan, found)) else max(found)

    def to_frame(self) -> pd.DataFrame:
        """One row a variant."""
        import pandas as pd

        rows = [(name, self.shares[name], n) for name, n in self.per_variant.items()]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """Units needed, and what several variants and covariates do to them."""
        needed = Finding(
            key=f"design/{self.metric.key}",
            level="info" if math.isfinite(self.total) else "watch",
            text=self._needed_words(),
            evidence={"total": self.total, "least_effect": self.least_effect, "base": self.base},
        )
        return (needed, *self._cost())

    def _needed_words(self) -> str:
        sizes = self.per_variant
        values = {
            "metric": tr(self.metric.label),
            "base": show(self.base, self.metric.unit),
            "effect": show(self.least_effect, "share"),
            "power": show(self.power, "share"),
            "level": show(self.level, "share"),
            "units": show(max(sizes.values()), "count"),
            "total": show(sum(sizes.values()), "count"),
        }
        if not math.isfinite(self.total):
            return tr("{metric}: no number of units shows an effect of {effect}.", **values)
        if self.purpose == "non_inferiority":
            return tr(
                "{metric} (now {base}): to show with a chance of {power} that it is not worse by "
                "{effect}, the largest variant needs {units} units, all together {total} "
                "(level {level} a comparison).",
                **values,
            )
        return tr(
            "{metric} (now {base}): to find a change of {effect} with a chance of {power}, the "
            "largest variant needs {units} units, all together {total} "
            "(level {level} a comparison).",
            **values,
        )

    def _cost(self) -> tuple[Finding, ...]:
        found = []
        if len(self.shares) > 2 and self.correction != "none" and math.isfinite(self.total):
            once = _total(self, level=self.alpha)
            text = tr(
                "Testing {n} treatments at once: with {correction} each needs {more} more units "
                "than without.",
                n=show(len(self.shares) - 1, "count"),
                correction=tr(CORRECTIONS[self.correction]),
                more=show(self.total / once - 1, "share"),
            )
            found.append(Finding(key="design/treatments", level="info", text=text))
        if self.explained > 0:
            text = tr(
                "Figures from before the test explain {share} of the variance, so it needs that "
                "much fewer units (CUPED).",
                share=show(self.explained, "share"),
            )
            found.append(Finding(key="design/explained", level="info", text=text))
        if self.daily_looks:
            text = tr(
                "Looking on each of {days} days costs {more} more units than a single look at "
                "the end.",
                days=show(self.daily_looks, "count"),
                more=show(self.inflation - 1, "share"),
            )
            found.append(Finding(key="design/looks", level="info", text=text))
        return tuple(found)


def _whole(units: float) -> float:
    return float(math.ceil(units - 1e-9)) if math.isfinite(units) else units


def plan_test(
    plan: ExperimentPlan,
    *,
    base: float,
    variance: float | None = None,
    metric: str = "",
    correction: Correction = "dunnett",
    purpose: Purpose = "difference",
    explained: float = 0.0,
    daily_looks: int = 0,
) -> TestDesign:
    """How many units a test needs to find the smallest effect worth having.

    Shares are planned by the pooled formula, everything else by Student's t with one
    variance for all variants. A non-inferiority test takes ``plan.guardrail_margin`` for
    the margin.

    Args:
        plan: Variants with their shares, level, power and the effects worth finding.
        base: The metric's value today, above zero.
        variance: Variance of one unit's value; not needed for a share (p(1 − p)).
        metric: The metric by name; the plan's primary one where empty.
        correction: How the level is shared by several treatments.
        purpose: What is to be shown.
        explained: Share of the variance that covariates take out (ρ² of CUPED).
        daily_looks: Days on which the path will be read; 0 for a single look at the end.

    Raises:
        ParameterError: A figure is impossible.
        MetricError: The metric is unknown.

    >>> from ecops_lib.experiments.plan import ExperimentPlan
    >>> plan = ExperimentPlan(
    ...     experiment_id="title", control="old", shares={"old": 0.5, "new": 0.5}, least_effect=0.1
    ... )
    >>> plan_test(plan, base=0.03).per_variant
    {'old': 53211.0, 'new': 53211.0}
    """
    (chosen,) = metrics_named([metric or plan.primary])
    effect = plan.guardrail_margin if purpose == "non_inferiority" else plan.least_effect
    held = {name: plan.shares[name] for name in plan.variants}
    _require(chosen, base, effect, held)
    require_choice(correction, Correction, name="correction")
    require_choice(purpose, Purpose, name="purpose")
    require_between(plan.alpha, 0, 1, name="alpha", ends="open")
    require_between(plan.power, plan.alpha, 1, name="power", ends="open")
    if not 0 <= explained < 1:
        raise ParameterError(f"explained is {explained!r}; it must lie from 0 to below 1.")
    if variance is None and not chosen.binary:
        raise ParameterError(f"variance is missing; {chosen.key!r} is no share of units.")
    level = _level(correction, list(held.values()), plan.alpha)
    looks = looks_inflation(daily_looks, alpha=level, power=plan.power) if daily_looks else 1.0
    draft = TestDesign(
        metric=chosen,
        base=base,
        variance=base * (1 - base) if variance is None else variance,
        least_effect=effect,
        shares=held,
        alpha=plan.alpha,
        level=level,
        power=plan.power,
        correction=correction,
        purpose=purpose,
        explained=explained,
        daily_looks=daily_looks,
        inflation=looks,
        total=math.nan,
    )
    return replace(draft, total=_total(draft, level=level))


def _require(
    metric: ExperimentMetric, base: float, least_effect: float, shares: Mapping[str, float]
) -> None:
    require_between(base, 0, 1 if metric.binary else math.inf, name="base", ends="open")
    require_between(least_effect, 0, math.inf, name="least_effect", ends="open")
    if len(shares) < 2 or not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise ParameterError(
            f"shares are {dict(shares)!r}; give the control and at least one treatment, "
            "summing to 1."
        )
    for name, share in shares.items():
        require_between(share, 0, 1, name=f"share of {name!r}", ends="open")
    if metric.binary and metric.good > 0 and base * (1 + least_effect) > 1:
        raise ParameterError(
            f"a share of {base:g} cannot grow by {least_effect:.0%}; give a smaller least_effect."
        )


def _level(correction: Correction, shares: list[float], alpha: float) -> float:
    treatments = len(shares) - 1
    if treatments == 1 or correction == "none":
        return alpha
    if correction == "bonferroni":
        return alpha / treatments
    return powers.dunnett_level(shares, alpha=alpha)


def _total(design: TestDesign, *, level: float) -> float:
    """Units of all variants, ruled by the comparison that needs most."""
    sizes = list(design.shares.values())
    needed = [_size(design, ratio=size / sizes[0], level=level) / sizes[0] for size in sizes[1:]]
    return max(needed) * (1 - design.explained) * design.inflation


def _size(design: TestDesign, *, ratio: float, level: float) -> float:
    """Units of the control for one comparison, looked at once, without covariates."""
    gap, held = design.base * design.least_effect, design.power
    if design.purpose == "non_inferiority":
        spreads = (design.variance, design.variance)
        return powers.non_inferiority_size(gap, spreads, alpha=level, power=held, ratio=ratio)
    if design.metric.binary:
        other = design.base + design.metric.good * gap
        if other < 0:
            return math.inf
        return powers.share_size(design.base, other, alpha=level, power=held, ratio=ratio)
    sd = math.sqrt(design.variance)
    if not sd > 0:
        return math.nan
    return powers.mean_size(gap, sd, alpha=level, power=held, ratio=ratio)


def _effect(design: TestDesign, n: float, *, ratio: float) -> float:
    """Smallest absolute effect that n units of the control find in one comparison."""
    from scipy.special import ndtri

    level, held = design.level, design.power
    sd = math.sqrt(design.variance)
    if design.purpose == "non_inferiority":
        reach = float(ndtri(1 - level / 2) + ndtri(held))
        return reach * sd * math.sqrt((1 + 1 / ratio) / n)
    if design.metric.binary:
        better: Literal[1, -1] = 1 if design.metric.good > 0 else -1
        found = powers.share_effect(
            n, design.base, alpha=level, power=held, ratio=ratio, better=better
        )
        return abs(found)
    return powers.mean_effect(n, sd, alpha=level, power=held, ratio=ratio)


def looks_inflation(days: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Units needed when the path is read daily, as a multiple of those of a single look.

    >>> round(looks_inflation(28), 2)
    1.09
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    require_between(days, 1, 1000, name="days")
    shares = [(day + 1) / days for day in range(int(days))]
    bounds = spending_boundary(shares, planned=1.0, alpha=alpha)

    def missing(drift: float) -> float:
        up, _ = crossing_chances(shares, low=-bounds, high=bounds, drift=drift)
        return power - float(up.sum())

    drift = float(brentq(missing, 0.0, FARTHEST + 3, xtol=1e-9))
    return (drift / float(ndtri(1 - alpha / 2) + ndtri(power))) ** 2
