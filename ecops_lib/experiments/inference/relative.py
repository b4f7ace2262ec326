"""Relative effects: the interval of treatment ÷ control − 1.

Three ways. Fieller's set inverts the test of "treatment − r × control = 0" for each
ratio r, so it says of 0 exactly what the test of the difference says, and it may be
unbounded where the control cannot be told from zero. The log delta and the delta
method are approximations; the delta's interval is symmetric, which a ratio is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ecops_lib.core.checks import require_choice
from ecops_lib.core.language import tr
from ecops_lib.experiments.effects import Interval, Relative

Shape = Literal["bounded", "complement", "all", "none"]
"""A Fieller set: an interval, all numbers but an interval, every number, not to be had."""

NOWHERE = Interval(value=math.nan, low=math.nan, high=math.nan)
APART = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Estimates of the two groups, with their (co)variances as estimates.

    Attributes:
        control: Estimate of the control group.
        treatment: Estimate of the treatment group.
        var_control: Variance of the control's estimate (s² ÷ n for a mean).
        var_treatment: Variance of the treatment's estimate.
        covariance: Covariance of the two estimates; not 0 once both lean on a covariate.
        raw_ratio: Ratio at which the delta method takes its slope; the estimates' own
            where NaN.
    """

    control: float
    treatment: float
    var_control: float
    var_treatment: float
    covariance: float = 0.0
    raw_ratio: float = math.nan

    @property
    def ratio(self) -> float:
        """Treatment ÷ control; NaN where the control is not above zero."""
        return self.treatment / self.control if self.control > 0 else math.nan

    def spread(self, ratio: float) -> float:
        """Variance of treatment − ratio × control."""
        return self.var_treatment - 2 * ratio * self.covariance + ratio**2 * self.var_control


@dataclass(frozen=True, slots=True, kw_only=True)
class FiellerSet:
    """Relative effects that a test at the quantile does not refuse.

    Attributes:
        low: Lower limit of the interval, or of the gap where the shape is "complement".
        high: Upper limit of the same.
        shape: What ``low`` and ``high`` enclose.
    """

    low: float
    high: float
    shape: Shape

    @property
    def interval(self) -> tuple[float, float]:
        """The smallest interval that holds the set; infinite where it is unbounded."""
        if self.shape == "bounded":
            return self.low, self.high
        return (math.nan, math.nan) if self.shape == "none" else (-math.inf, math.inf)


def fieller_set(pair: Pair, *, quantile: float) -> FiellerSet:
    """Fieller's confidence set of treatment ÷ control − 1.

    Args:
        pair: The two estimates with their variances.
        quantile: Of the test, such as 1.96.

    Returns:
        The set of relative effects r − 1 with (t − r c)² ≤ q² Var(t − r c), c and t
        being the two estimates. It is unbounded where c is less than q standard
        errors from zero.

    References:
        Fieller (1954), JRSS B 16, 175-185; von Luxburg and Franz (2009), Statistica
        Sinica 19, 1095-1117 (the three shapes).

    >>> pair = Pair(control=2.0, treatment=2.2, var_control=0.01, var_treatment=0.01)
    >>> fieller_set(pair, quantile=1.96).shape
    'bounded'
    """
    square = quantile**2
    bend = pair.control**2 - square * pair.var_control
    middle = pair.control * pair.treatment - square * pair.covariance
    end = pair.treatment**2 - square * pair.var_treatment
    inside = middle**2 - bend * end
    if math.isnan(inside):
        return FiellerSet(low=math.nan, high=math.nan, shape="none")
    if bend == 0 or (inside < 0 and bend < 0):
        return FiellerSet(low=-math.inf, high=math.inf, shape="all")
    root = math.sqrt(max(inside, 0.0))
    larger = middle + math.copysign(root, middle)
    ends = sorted((larger / bend, end / larger)) if larger else [0.0, 0.0]
    shape: Shape = "bounded" if bend > 0 else "complement"
    return FiellerSet(low=ends[0] - 1, high=ends[1] - 1, shape=shape)


def delta_standard_error(pair: Pair) -> float:
    """Standard error of treatment ÷ control − 1 by the delta method.

    >>> round(delta_standard_error(Pair(control=2, treatment=2, var_control=1, var_treatment=1)), 3)
    0.707
    """
    if not pair.control > 0:
        return math.nan
    ratio = pair.ratio if math.isnan(pair.raw_ratio) else pair.raw_ratio
    return math.sqrt(max(pair.spread(ratio), 0.0)) / pair.control


def log_standard_error(pair: Pair) -> float:
    """Standard error of log(treatment ÷ control) by the delta method; NaN at or below zero."""
    if not (pair.control > 0 and pair.treatment > 0):
        return math.nan
    return math.sqrt(max(pair.spread(pair.ratio), 0.0)) / pair.treatment


def relative_interval(
    pair: Pair, *, method: Relative = "fieller", quantile: float, log_quantile: float = math.nan
) -> Interval:
    """Treatment ÷ control − 1 with its interval.

    Args:
        pair: The two estimates with their variances.
        method: "fieller", "log" (delta method on the logarithm) or "delta".
        quantile: Of the test of the difference, t or normal.
        log_quantile: Quantile on the log scale, where it has degrees of freedom of its
            own; the other one where NaN.

    Returns:
        The relative effect; NaN where the control is not above zero, infinite limits
        where Fieller's set is unbounded.

    Raises:
        ParameterError: The method is unknown.
    """
    require_choice(method, Relative, name="relative")
    value = pair.ratio - 1
    if math.isnan(value):
        return NOWHERE
    if method == "fieller":
        low, high = fieller_set(pair, quantile=quantile).interval
    elif method == "delta":
        half = quantile * delta_standard_error(pair)
        low, high = value - half, value + half
    else:
        used = quantile if math.isnan(log_quantile) else log_quantile
        factor = _growth(used * log_standard_error(pair))
        low, high = pair.ratio / factor - 1, pair.ratio * factor - 1
    return Interval(value=value, low=low, high=high)


def _growth(exponent: float) -> float:
    """The exponential, infinite where it is beyond a float."""
    return math.exp(exponent) if exponent < 700 or math.isnan(exponent) else math.inf


def relative_notes(pair: Pair, *, method: Relative, quantile: float) -> tuple[str, ...]:
    """What the reader must know of a relative effect, in the reader's language.

    Says that the control is not above zero, that the set is unbounded, or that
    Fieller's interval and the delta method's part by more than a tenth of its width.
    """
    from ecops_lib.core.formats import show

    if not pair.control > 0:
        return (tr("The control is not above zero, so no relative effect can be given."),)
    held = fieller_set(pair, quantile=quantile)
    if held.shape == "none":
        return ()
    if held.shape != "bounded":
        if method != "fieller":
            text = tr(
                "The control cannot be told from zero; the relative interval must not be relied on."
            )
        elif held.shape == "all":
            text = tr("The control cannot be told from zero, so any relative effect is possible.")
        else:
            text = tr(
                "The control cannot be told from zero: every relative effect but those"
                " between {low} and {high} is possible.",
                low=show(held.low, "share", sign=True),
                high=show(held.high, "share", sign=True),
            )
        return (text,)
    delta = relative_interval(pair, method="delta", quantile=quantile)
    gap = max(abs(delta.low - held.low), abs(delta.high - held.high))
    if not gap > APART * (held.high - held.low):
        return ()
    return (
        tr(
            "The ways to make the relative interval part here: {fieller} by Fieller,"
            " {delta} by the delta method.",
            fieller=_span(held.low, held.high),
            delta=_span(delta.low, delta.high),
        ),
    )


def _span(low: float, high: float) -> str:
    from ecops_lib.core.formats import show

    return tr(
        "{low} to {high}", low=show(low, "share", sign=True), high=show(high, "share", sign=True)
    )
