"""One entry for a comparison: the method follows the metric."""

from __future__ import annotations

from collections.abc import Sequence

from ecops_lib.experiments.effects import Effect, Relative
from ecops_lib.experiments.inference.adjustment import Adjusted, Column, adjust
from ecops_lib.experiments.inference.counts import Counts
from ecops_lib.experiments.inference.means import compare_means
from ecops_lib.experiments.inference.proportions import compare_proportions
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric


def compare(
    control: Moments,
    treatment: Moments,
    *,
    metric: ExperimentMetric,
    covariates: Sequence[Column] = (),
    alpha: float = 0.05,
    relative: Relative = "fieller",
) -> Effect:
    """Treatment against control on one metric.

    A metric that is 0 or 1 a unit is compared as two shares (pooled z test with the
    score interval that agrees with it, an exact test for small counts); another one by
    Welch's test, a ratio by the delta method, and with covariates by CUPED.

    Args:
        control: Moments of the control group.
        treatment: Moments of the treatment group.
        metric: What is compared.
        covariates: Columns known before the test; a pair of names is a ratio of two.
        alpha: Two-sided level.
        relative: How the relative interval is made.

    Raises:
        ParameterError: An argument is impossible, or a moment is not a finite number.
        ColumnError: The moments lack a column.

    >>> from ecops_lib.experiments.outcomes import METRICS
    >>> group = [Moments.of_values(["converted"], [[1]] * x + [[0]] * (100 - x)) for x in (20, 35)]
    >>> effect = compare(*group, metric=METRICS["conversion_rate"])
    >>> round(effect.difference.low, 3), round(effect.p_value, 3)
    (0.027, 0.018)
    """
    if by_shares(control, treatment, metric=metric, covariates=covariates):
        return compare_proportions(
            Counts.of(control, metric.numerator),
            Counts.of(treatment, metric.numerator),
            alpha=alpha,
            relative=relative,
        )
    return compare_means(
        control,
        treatment,
        metric=metric,
        covariates=covariates,
        alpha=alpha,
        relative=relative,
    )


def by_shares(
    control: Moments,
    treatment: Moments,
    *,
    metric: ExperimentMetric,
    covariates: Sequence[Column] = (),
) -> bool:
    """Whether a comparison is one of two shares."""
    plain = metric.binary and not metric.denominator and not covariates
    return bool(plain and control.n and treatment.n)


def estimates(
    control: Moments,
    treatment: Moments,
    *,
    metric: ExperimentMetric,
    covariates: Sequence[Column] = (),
) -> Adjusted:
    """The two groups' estimates of a metric with their variances, adjusted for covariates."""
    outcome: Column = (
        (metric.numerator, metric.denominator) if metric.denominator else metric.numerator
    )
    return adjust(control, treatment, columns=(outcome, *covariates))
