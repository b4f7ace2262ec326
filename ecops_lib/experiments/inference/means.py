"""Means and ratios of two groups: Welch's test, the delta method, CUPED."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import mark, tr
from ecops_lib.experiments.effects import Effect, Interval, Relative
from ecops_lib.experiments.inference.adjustment import Adjusted, Base, Column, Theta, adjust
from ecops_lib.experiments.inference.relative import Pair, relative_interval, relative_notes
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import ExperimentMetric

Reference = Literal["welch", "pooled", "normal", "clusters"]
"""What a difference of means is held against: Welch's t, Student's t with one variance
for both groups, the normal distribution, or Student's t with each group's own variance
and n_c + n_t − 2 degrees of freedom."""

METHODS: dict[tuple[bool, bool], str] = {
    (False, False): mark("Welch's t test"),
    (False, True): mark("Welch's t test, adjusted for covariates (CUPED)"),
    (True, False): mark("Welch's t test of ratios (delta method)"),
    (True, True): mark("Welch's t test of ratios (delta method), adjusted for covariates (CUPED)"),
}


def compare_means(
    control: Moments,
    treatment: Moments,
    *,
    metric: ExperimentMetric,
    covariates: Sequence[Column] = (),
    alpha: float = 0.05,
    relative: Relative = "fieller",
    theta: Theta = "all",
    base: Base = "observed",
    reference: Reference = "welch",
) -> Effect:
    """Compare a mean, or a ratio of means, between two groups.

    Args:
        control: Moments of the control group.
        treatment: Moments of the treatment group.
        metric: What is compared; with a denominator the ratio of the two sums, by the
            delta method.
        covariates: Columns known before the test; a pair of names is a ratio.
        alpha: Two-sided level.
        relative: How the relative interval is made.
        theta: Which units the covariates' slopes are estimated on.
        base: What the relative effect is divided by, where there are covariates.
        reference: What the difference is held against.

    Returns:
        The effect; NaN limits and p-value where there is no spread or a group has
        fewer than two units.

    Raises:
        ParameterError: ``alpha`` or an option is impossible, or a moment is not finite.
        ColumnError: The moments lack a column.

    References:
        Welch (1947), Biometrika 34, 28-35; Deng, Knoblich and Lu (2018), KDD (ratios);
        Deng, Xu, Kohavi and Walker (2013), WSDM (CUPED).
    """
    require_between(alpha, 0.0, 1.0, name="alpha", ends="open")
    require_choice(reference, Reference, name="reference")
    outcome: Column = (
        (metric.numerator, metric.denominator) if metric.denominator else metric.numerator
    )
    columns = (outcome, *covariates)
    for group, name in ((control, "control"), (treatment, "treatment")):
        _require_finite(group, columns, name)
    held = adjust(control, treatment, columns=columns, theta=theta, base=base)
    adjusted = len(held.theta) > 0
    effect = effect_of(
        held,
        alpha=alpha,
        relative=relative,
        reference=reference,
        method=METHODS[bool(metric.denominator), adjusted],
    )
    if not covariates or adjusted or min(control.n, treatment.n) < 2:
        return effect
    few = tr("Too few units to adjust for what was known before; the figures are unadjusted.")
    return replace(effect, notes=(few, *effect.notes))


def _require_finite(group: Moments, columns: Sequence[Column], name: str) -> None:
    if group.n < 2:
        return
    names = [
        part for column in columns for part in ([column] if isinstance(column, str) else column)
    ]
    for part in names:
        if not math.isfinite(group.average(part)) or not math.isfinite(group.variance(part)):
            raise ParameterError(
                f"{part!r} of the {name} group holds a value that is not a finite number;"
                " fill or drop such units first."
            )


def welch_degrees(first: float, second: float, sizes: tuple[int, int]) -> float:
    """Degrees of freedom of Welch's test (Welch 1947, eq. 28, as by Satterthwaite).

    Args:
        first: Variance of the control's mean.
        second: Variance of the treatment's mean.
        sizes: Units of each group.
    """
    below = sum(
        part**2 / (n - 1) if n > 1 else math.nan
        for part, n in zip((first, second), sizes, strict=True)
    )
    return (first + second) ** 2 / below if below else math.nan


def effect_of(
    held: Adjusted,
    *,
    alpha: float,
    relative: Relative,
    reference: Reference = "welch",
    method: str,
) -> Effect:
    """The effect from two groups' estimates: test, absolute and relative interval."""
    from scipy.special import stdtr, stdtrit

    pair, sizes = held.pair, held.sizes
    variance, degrees = _against(held, reference)
    error = math.sqrt(variance) if variance > 0 else math.nan
    difference = pair.treatment - pair.control
    statistic = difference / error
    quantile = float(stdtrit(degrees, 1 - alpha / 2)) if error > 0 else math.nan
    logs = _log_quantile(held, alpha) if reference == "welch" else math.nan
    return Effect(
        control=pair.control,
        treatment=pair.treatment,
        n_control=sizes[0],
        n_treatment=sizes[1],
        difference=Interval(
            value=difference,
            low=difference - quantile * error,
            high=difference + quantile * error,
        ),
        relative=relative_interval(pair, method=relative, quantile=quantile, log_quantile=logs),
        standard_error=error,
        statistic=statistic,
        degrees=degrees,
        p_value=2 * float(stdtr(degrees, -abs(statistic))),
        alpha=alpha,
        method=method,
        notes=_notes(pair, error, sizes) + relative_notes(pair, method=relative, quantile=quantile),
    )


def _against(held: Adjusted, reference: Reference) -> tuple[float, float]:
    """Variance of the difference, and the degrees of freedom that it is held against."""
    first, second = held.variances
    n, m = held.sizes
    if reference == "pooled":
        pooled = (
            (first * n * (n - 1) + second * m * (m - 1)) / (n + m - 2) if n + m > 2 else math.nan
        )
        return pooled * (1 / n + 1 / m) if n and m else math.nan, float(n + m - 2)
    if reference == "normal":
        return first + second, math.inf
    if reference == "clusters":
        return first + second, float(n + m - 2)
    return first + second, welch_degrees(first, second, held.sizes)


def _log_quantile(held: Adjusted, alpha: float) -> float:
    """Quantile on the log scale, whose parts weigh as the relative variances do."""
    from scipy.special import stdtrit

    if not (held.pair.control > 0 and held.pair.treatment > 0):
        return math.nan
    first = held.variances[0] / held.pair.control**2
    second = held.variances[1] / held.pair.treatment**2
    return float(stdtrit(welch_degrees(first, second, held.sizes), 1 - alpha / 2))


def _notes(pair: Pair, error: float, sizes: tuple[int, int]) -> tuple[str, ...]:
    if min(sizes) < 2:
        return (tr("A group has fewer than two units, so nothing can be tested."),)
    if math.isnan(pair.control) or math.isnan(pair.treatment):
        return (tr("The ratio's denominator is zero in a group, so nothing can be tested."),)
    if math.isnan(error):
        return (tr("Neither group shows any spread, so nothing can be tested."),)
    return ()
