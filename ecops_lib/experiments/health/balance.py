"""Were the groups alike before the test? Covariates that no variant can have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.experiments.health.check import (
    Check,
    CheckLevel,
    least,
    level_of,
    p_words,
)
from ecops_lib.experiments.inference.multiple import adjust_p_values
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import COVARIATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Imbalance:
    """One covariate of one variant against the control.

    Attributes:
        covariate: The column.
        variant: The variant.
        control_mean: Its mean in the control group.
        mean: Its mean in the variant.
        standardised: Difference over the root of the mean of both variances (Austin 2009, eq. 1).
        p_value: Student's test: before the test both groups are drawn from one law, and
            where they differ in size a pooled variance keeps the level on skewed amounts.
        adjusted: Holm's correction over all covariates and variants.
    """

    covariate: str
    variant: str
    control_mean: float
    mean: float
    standardised: float
    p_value: float
    adjusted: float


@dataclass(frozen=True, kw_only=True, eq=False)
class BalanceCheck(Check):
    """Pre-period imbalance. Red: p < .001 after Holm's correction; watched: p < .01.

    Attributes:
        rows: One entry a covariate and variant.
    """

    key: ClassVar[str] = "balance"
    label: ClassVar[str] = mark("groups before the test")

    rows: tuple[Imbalance, ...]

    @property
    def worst(self) -> Imbalance | None:
        """The least likely difference; None where nothing could be compared."""
        known = [row for row in self.rows if np.isfinite(row.adjusted)]
        return min(known, key=lambda row: (row.adjusted, row.p_value)) if known else None

    @property
    def level(self) -> CheckLevel:
        """By the smallest corrected p-value."""
        return level_of(least([row.adjusted for row in self.rows] or [np.nan]))

    @property
    def figures(self) -> Mapping[str, float]:
        """The worst difference."""
        if self.worst is None:
            return {}
        return {
            "standardised": self.worst.standardised,
            "p_value": self.worst.p_value,
            "adjusted": self.worst.adjusted,
        }

    @property
    def text(self) -> str:
        """Whether the groups were alike, and the worst difference."""
        worst = self.worst
        if worst is None:
            return tr("Nothing is known of the units before the test.")
        given = {
            "covariate": tr(COVARIATES.get(worst.covariate, worst.covariate)),
            "variant": short_name(worst.variant),
            "size": show(worst.standardised, "ratio", sign=True),
            "p": p_words(worst.adjusted),
        }
        if self.level == "ok":
            return ntr(
                "The groups were alike before the test: of {count} comparison, the largest "
                "difference is {covariate} in {variant}, {size} standard deviations (corrected "
                "{p}).",
                "The groups were alike before the test: of {count} comparisons, the least likely "
                "difference is {covariate} in {variant}, {size} standard deviations (corrected "
                "{p}).",
                len(self.rows),
                count=show(len(self.rows), "count"),
                **given,
            )
        return tr(
            "The groups differed before the test: {covariate} in {variant} by {size} standard "
            "deviations (corrected {p}).",
            **given,
        )


def check_balance(
    moments: Mapping[str, Moments], *, control: str, covariates: Sequence[str]
) -> BalanceCheck:
    """Check that covariates known before the exposure do not differ between the groups.

    Args:
        moments: Moments of each variant.
        control: The control variant.
        covariates: Columns to compare.
    """
    base = moments[control]
    pairs = [(name, other) for other in moments if other != control for name in covariates]
    tested = [_compare(base, moments[other], name) for name, other in pairs]
    adjusted = adjust_p_values([p for _, p in tested])
    rows = (
        Imbalance(
            covariate=name,
            variant=other,
            control_mean=base.average(name),
            mean=moments[other].average(name),
            standardised=size,
            p_value=p,
            adjusted=float(corrected),
        )
        for (name, other), (size, p), corrected in zip(pairs, tested, adjusted, strict=True)
    )
    return BalanceCheck(rows=tuple(rows))


def _compare(control: Moments, treatment: Moments, column: str) -> tuple[float, float]:
    """Standardised difference and p-value; NaN where there is no variance to judge by."""
    from scipy.stats import ttest_ind_from_stats

    means = control.average(column), treatment.average(column)
    variances = control.variance(column), treatment.variance(column)
    if not sum(variances) > 0:
        return float("nan"), float("nan")
    p = ttest_ind_from_stats(
        means[0],
        sqrt(variances[0]),
        control.n,
        means[1],
        sqrt(variances[1]),
        treatment.n,
    ).pvalue
    return (means[1] - means[0]) / sqrt(sum(variances) / 2), float(p)
