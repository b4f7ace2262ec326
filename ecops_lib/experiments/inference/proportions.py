"""Two shares: the pooled z test, exact tests for small counts, and their intervals."""

from __future__ import annotations

import math
from typing import Literal

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import mark, tr
from ecops_lib.experiments.effects import Effect, Interval, Relative
from ecops_lib.experiments.inference.counts import Counts, normal_quantile, wilson_limits
from ecops_lib.experiments.inference.relative import NOWHERE, Pair, relative_interval
from ecops_lib.experiments.inference.score import difference_limits, ratio_limits

Test = Literal["auto", "z", "fisher", "barnard", "boschloo"]
Limits = Literal["score", "miettinen-nurminen", "newcombe", "agresti-caffo", "wald", "pooled"]

SMALL_EXPECTED = 5.0
MOST_FOR_BOSCHLOO = 200

METHODS: dict[str, str] = {
    "z": mark("pooled z test of two shares"),
    "fisher": mark("Fisher's exact test"),
    "barnard": mark("Barnard's exact test"),
    "boschloo": mark("Boschloo's exact test"),
}


def difference_interval(
    control: Counts,
    treatment: Counts,
    *,
    alpha: float = 0.05,
    method: Limits = "score",
    continuity: bool = False,
) -> Interval:
    """Treatment's share − control's, with an interval for every table.

    Args:
        control: Counts of the control group.
        treatment: Counts of the treatment group.
        alpha: Two-sided level.
        method: "score" agrees with the pooled z test (Mee), "miettinen-nurminen" is the
            same with N ÷ (N − 1), "newcombe" joins two Wilson intervals, "agresti-caffo"
            adds one success and one failure to each group, "wald" and "pooled" are
            symmetric (the second with the z test's own error).
        continuity: Widen a symmetric interval by (1 ÷ n_c + 1 ÷ n_t) ÷ 2.

    Raises:
        ParameterError: The method is unknown, or ``continuity`` is asked of another one.

    References:
        Newcombe (1998), Statistics in Medicine 17, 873-890 (method 10); Agresti and
        Caffo (2000), American Statistician 54, 280-288.

    >>> held = difference_interval(
    ...     Counts(successes=48, units=80), Counts(successes=56, units=70), method="newcombe"
    ... )
    >>> round(held.low, 4), round(held.high, 4)
    (0.0524, 0.3339)
    """
    require_choice(method, Limits, name="method")
    require_between(alpha, 0.0, 1.0, name="alpha", ends="open")
    if continuity and method not in {"wald", "pooled"}:
        raise ParameterError(f"continuity goes with 'wald' or 'pooled', not with {method!r}.")
    quantile, value = normal_quantile(alpha), treatment.rate - control.rate
    table = (control.successes, control.units, treatment.successes, treatment.units)
    match method:
        case "score" | "miettinen-nurminen":
            low, high = difference_limits(*table, quantile=quantile, corrected=method != "score")
        case "newcombe":
            low, high = _newcombe(control, treatment, quantile)
        case "agresti-caffo":
            first, second = (
                Counts(successes=each.successes + 1, units=each.units + 2)
                for each in (control, treatment)
            )
            middle, half = second.rate - first.rate, quantile * _unpooled_error(first, second)
            low, high = middle - half, middle + half
        case "wald" | "pooled":
            error = _unpooled_error if method == "wald" else _pooled_error
            half = quantile * error(control, treatment)
            half += _continuity(control, treatment) if continuity else 0.0
            low, high = value - half, value + half
    return Interval(value=value, low=max(low, -1.0), high=min(high, 1.0))


def _newcombe(control: Counts, treatment: Counts, quantile: float) -> tuple[float, float]:
    first, second = wilson_limits(control, quantile), wilson_limits(treatment, quantile)
    value = treatment.rate - control.rate
    down = math.hypot(treatment.rate - second[0], first[1] - control.rate)
    up = math.hypot(second[1] - treatment.rate, control.rate - first[0])
    return value - down, value + up


def _unpooled_error(control: Counts, treatment: Counts) -> float:
    return math.sqrt(sum(c.rate * (1 - c.rate) / c.units for c in (control, treatment)))


def _pooled_error(control: Counts, treatment: Counts) -> float:
    rate = (control.successes + treatment.successes) / (control.units + treatment.units)
    return math.sqrt(rate * (1 - rate) * (1 / control.units + 1 / treatment.units))


def _continuity(control: Counts, treatment: Counts) -> float:
    return (1 / control.units + 1 / treatment.units) / 2


def pooled_z(control: Counts, treatment: Counts, *, continuity: bool = False) -> float:
    """Statistic of the pooled z test; NaN where no unit or every unit is a success.

    >>> z = pooled_z(Counts(successes=200, units=1000), Counts(successes=250, units=1000))
    >>> round(z, 4)
    2.6774
    """
    error = _pooled_error(control, treatment)
    gap = treatment.rate - control.rate
    if continuity:
        gap = math.copysign(max(abs(gap) - _continuity(control, treatment), 0.0), gap)
    return gap / error if error else math.nan


def choose_test(control: Counts, treatment: Counts) -> Literal["z", "fisher", "boschloo"]:
    """The test by the size of the counts.

    The z test where each of the four counts expected under "no difference" is at least
    5; otherwise Boschloo's exact test up to 200 units together, and Fisher's beyond,
    where Boschloo's gains little and takes minutes.
    """
    units = control.units + treatment.units
    rate = (control.successes + treatment.successes) / units
    least = min(control.units, treatment.units) * min(rate, 1 - rate)
    if least >= SMALL_EXPECTED:
        return "z"
    return "boschloo" if units <= MOST_FOR_BOSCHLOO else "fisher"


def proportion_p_value(
    control: Counts, treatment: Counts, *, test: Test = "auto", continuity: bool = False
) -> float:
    """Two-sided p-value of "the shares are equal".

    Args:
        control: Counts of the control group.
        treatment: Counts of the treatment group.
        test: The test; "auto" follows ``choose_test``.
        continuity: Yates's correction of the z test.

    Returns:
        The p-value; 1 where no unit or every unit is a success, NaN by the z test.

    References:
        Boschloo (1970), Statistica Neerlandica 24, 1-9; Barnard (1947), Biometrika 34.
    """
    require_choice(test, Test, name="test")
    chosen = choose_test(control, treatment) if test == "auto" else test
    if chosen == "z":
        from scipy.special import ndtr

        return 2 * float(ndtr(-abs(pooled_z(control, treatment, continuity=continuity))))
    if not 0 < control.successes + treatment.successes < control.units + treatment.units:
        return 1.0
    from scipy import stats

    exact = {
        "fisher": stats.fisher_exact,
        "barnard": stats.barnard_exact,
        "boschloo": stats.boschloo_exact,
    }[chosen]
    table = [
        [treatment.successes, control.successes],
        [treatment.units - treatment.successes, control.units - control.successes],
    ]
    return min(1.0, float(exact(table).pvalue))


def compare_proportions(
    control: Counts,
    treatment: Counts,
    *,
    alpha: float = 0.05,
    relative: Relative = "fieller",
    test: Test = "auto",
    limits: Limits = "score",
    continuity: bool = False,
) -> Effect:
    """Compare two shares.

    Args:
        control: Counts of the control group.
        treatment: Counts of the treatment group.
        alpha: Two-sided level.
        relative: How the relative interval is made. For shares "fieller" takes the
            variance under each ratio itself, which is the score interval (Koopman) and
            holds for empty cells; "log" is Katz's interval.
        test: The test; "auto" follows ``choose_test``.
        limits: How the interval of the difference is made. With "pooled" the log
            interval takes the pooled error, too.
        continuity: Yates's correction, of the z test and of symmetric intervals.

    Returns:
        The effect; a note says so where an exact test and the interval disagree.
    """
    used = choose_test(control, treatment) if test == "auto" else test
    p_value = proportion_p_value(control, treatment, test=used, continuity=continuity)
    difference = difference_interval(
        control, treatment, alpha=alpha, method=limits, continuity=continuity
    )
    error = _unpooled_error(control, treatment)
    return Effect(
        control=control.rate,
        treatment=treatment.rate,
        n_control=control.units,
        n_treatment=treatment.units,
        difference=difference,
        relative=share_ratio_interval(
            control,
            treatment,
            alpha=alpha,
            method=relative,
            pooled=limits == "pooled",
            continuity=continuity,
        ),
        standard_error=error if error > 0 else math.nan,
        statistic=pooled_z(control, treatment, continuity=continuity),
        degrees=math.inf,
        p_value=p_value,
        alpha=alpha,
        method=METHODS[used],
        notes=_notes(control, p_value, difference, alpha),
    )


def share_ratio_interval(
    control: Counts,
    treatment: Counts,
    *,
    alpha: float = 0.05,
    method: Relative = "fieller",
    pooled: bool = False,
    continuity: bool = False,
) -> Interval:
    """Treatment's share ÷ control's − 1, with its interval; as in ``compare_proportions``.

    Raises:
        ParameterError: The method is unknown.
    """
    require_choice(method, Relative, name="relative")
    if not control.successes and not treatment.successes:
        return NOWHERE
    quantile, rates = normal_quantile(alpha), (control.rate, treatment.rate)
    value = rates[1] / rates[0] - 1 if rates[0] else math.inf
    if method == "fieller":
        low, high = ratio_limits(
            control.successes,
            control.units,
            treatment.successes,
            treatment.units,
            quantile=quantile,
        )
        return Interval(value=value, low=low - 1, high=high - 1)
    if method == "log" and pooled:
        return _pooled_log(control, treatment, quantile, continuity)
    pair = Pair(
        control=rates[0],
        treatment=rates[1],
        var_control=rates[0] * (1 - rates[0]) / control.units,
        var_treatment=rates[1] * (1 - rates[1]) / treatment.units,
    )
    return relative_interval(pair, method=method, quantile=quantile)


def _pooled_log(control: Counts, treatment: Counts, quantile: float, continuity: bool) -> Interval:
    """Log interval with the pooled error, as of the z test."""
    if not control.successes or not treatment.successes:
        return NOWHERE
    rate = (control.successes + treatment.successes) / (control.units + treatment.units)
    half = quantile * _pooled_error(control, treatment) / rate
    half += _continuity(control, treatment) / control.rate if continuity else 0.0
    ratio = treatment.rate / control.rate
    return Interval(
        value=ratio - 1, low=ratio / math.exp(half) - 1, high=ratio * math.exp(half) - 1
    )


def _notes(control: Counts, p_value: float, difference: Interval, alpha: float) -> tuple[str, ...]:
    notes = []
    if not control.successes:
        notes.append(tr("The control has no success, so the relative effect has no upper limit."))
    if (p_value <= alpha) == difference.holds(0.0) and not math.isnan(p_value):
        notes.append(
            tr(
                "The test and the interval disagree on whether there is a difference;"
                " the counts are too small to decide on."
            )
        )
    return tuple(notes)
