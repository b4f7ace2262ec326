"""Several comparisons at once: p-values, levels and intervals that own up to the count."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.experiments.effects import Effect, Interval
from ecops_lib.experiments.inference.counts import Counts
from ecops_lib.experiments.inference.proportions import METHODS, difference_interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Correction = Literal[
    "bonferroni",
    "sidak",
    "holm",
    "holm-sidak",
    "hochberg",
    "hochberg-sidak",
    "hommel",
    "benjamini-hochberg",
    "benjamini-yekutieli",
]

LABELS: Mapping[str, str] = {
    "bonferroni": mark("Bonferroni"),
    "sidak": mark("Šidák"),
    "holm": mark("Holm"),
    "holm-sidak": mark("Holm-Šidák"),
    "hochberg": mark("Hochberg"),
    "hochberg-sidak": mark("Hochberg-Šidák"),
    "hommel": mark("Hommel"),
    "benjamini-hochberg": mark("Benjamini-Hochberg"),
    "benjamini-yekutieli": mark("Benjamini-Yekutieli"),
}

STATSMODELS = {
    "bonferroni": "bonferroni",
    "sidak": "sidak",
    "holm-sidak": "holm-sidak",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "benjamini-hochberg": "fdr_bh",
    "benjamini-yekutieli": "fdr_by",
}

FALSE_DISCOVERY = ("benjamini-hochberg", "benjamini-yekutieli")


def adjust_p_values(p_values: Sequence[float] | Floats, *, method: Correction = "holm") -> Floats:
    """P-values that may be held against the level as if each were the only one.

    Args:
        p_values: One a comparison; NaN for one that could not be tested, which stays
            NaN and is not counted.
        method: The correction. Those named after Šidák, Hochberg and Hommel ask that the
            comparisons be independent or rise together; Holm, Bonferroni and
            Benjamini-Yekutieli ask nothing; Benjamini-Hochberg keeps the share of
            false finds, the others the chance of any.

    Raises:
        ParameterError: The method is unknown, or a p-value lies outside 0 to 1.

    References:
        Holm (1979), Scandinavian Journal of Statistics 6, 65-70; Hochberg (1988),
        Biometrika 75, 800-802; Benjamini and Hochberg (1995), JRSS B 57, 289-300.

    >>> adjust_p_values([0.01, 0.04, 0.03, 0.005]).round(4).tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    require_choice(method, Correction, name="method")
    raw = np.asarray(p_values, float)
    if not np.all(np.isnan(raw) | ((raw >= 0) & (raw <= 1))):
        raise ParameterError(f"p_values are {list(p_values)}; each must lie between 0 and 1.")
    told = ~np.isnan(raw)
    adjusted = np.full(raw.shape, np.nan)
    if told.any():
        adjusted[told] = _adjusted(raw[told], method)
    return adjusted


def _adjusted(raw: Floats, method: str) -> Floats:
    """By statsmodels, but for Šidák's step-up, which it lacks, and Holm's, where it is slow."""
    if method == "holm":
        order = np.argsort(raw)
        adjusted = np.empty(len(raw))
        adjusted[order] = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
        return np.minimum(adjusted, 1.0)
    if method == "hochberg-sidak":
        return _hochberg_sidak(raw)
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(raw, method=STATSMODELS[method])[1], float)


def _hochberg_sidak(raw: Floats) -> Floats:
    """Hochberg's step-up with Šidák's levels, which ask for independence."""
    order = np.argsort(raw)[::-1]
    single = -np.expm1(np.arange(1, len(raw) + 1) * np.log1p(-np.minimum(raw[order], 1 - 1e-16)))
    adjusted = np.empty(len(raw))
    adjusted[order] = np.minimum.accumulate(single)
    return adjusted


def levels(p_values: Sequence[float], *, method: Correction, alpha: float) -> Floats:
    """The level that each raw p-value was held against.

    In a step-up method every find is held against the level of the largest p-value that
    passed; in a step-down one every miss against the level of the first that failed.

    Returns:
        One level a comparison; NaN for Hommel's, which has none, and where not tested.
    """
    raw = np.asarray(p_values, float)
    places = np.flatnonzero(~np.isnan(raw))
    order = places[np.argsort(raw[places], kind="stable")]
    steps = _steps(len(order), method, alpha)
    held = np.full(raw.shape, np.nan)
    passed = raw[order] <= steps
    if method.startswith("holm") and not passed.all():
        steps[int(np.argmin(passed)) :] = steps[int(np.argmin(passed))]
    elif method.startswith(("hochberg", "benjamini")) and passed.any():
        last = int(np.flatnonzero(passed)[-1])
        steps[: last + 1] = steps[last]
    held[order] = steps
    return held


def _steps(count: int, method: str, alpha: float) -> Floats:
    """Levels by rank, smallest p-value first."""
    rank = np.arange(1, count + 1)
    left = count - rank + 1 if method.startswith(("holm", "hochberg")) else np.full(count, count)
    if method == "hommel":
        return np.full(count, np.nan)
    if method in FALSE_DISCOVERY:
        harmonic = float(np.sum(1 / rank)) if method == "benjamini-yekutieli" else 1.0
        return np.asarray(alpha * rank / (count * harmonic), float)
    if method.endswith("sidak"):
        return np.asarray(-np.expm1(np.log1p(-alpha) / left), float)
    return np.asarray(alpha / left, float)


def interval_at(effect: Effect, *, alpha: float) -> Interval:
    """The interval of an effect's difference at another level.

    Shares get the score interval again, everything else the t or normal interval that
    the effect's own error and degrees of freedom give.
    """
    from scipy.special import stdtrit

    require_between(alpha, 0.0, 1.0, name="alpha", ends="open")
    if effect.method in METHODS.values():
        counts = [
            Counts(successes=round(rate * n), units=n)
            for rate, n in (
                (effect.control, effect.n_control),
                (effect.treatment, effect.n_treatment),
            )
        ]
        return difference_interval(counts[0], counts[1], alpha=alpha)
    half = float(stdtrit(effect.degrees, 1 - alpha / 2)) * effect.standard_error
    value = effect.difference.value
    return Interval(value=value, low=value - half, high=value + half)


@dataclass(frozen=True, kw_only=True, eq=False)
class Multiplicity(Result):
    """Several comparisons, corrected for being several.

    Attributes:
        effects: Each comparison by (variant, metric).
        correction: The method.
        alpha: Chance of any false find, or share of false finds, that is accepted.
        p_values: Adjusted, in the order of the effects.
        levels: What each raw p-value was held against.
        intervals: Of the differences, adjusted where the method has such: with
            Bonferroni, Šidák and Holm intervals at Bonferroni's (Šidák's) level, which
            hold all at once (Holm's sharper test may refuse 0 where they hold it); with
            Benjamini-Hochberg and -Yekutieli intervals of those found, of which at most
            a share alpha misses (Benjamini and Yekutieli 2005, JASA 100, 71-81); NaN
            otherwise.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "p_value": "p_value",
        "adjusted_p_value": "p_value",
        "level": "p_value",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "variant": mark("Tested variant"),
        "metric": mark("Metric"),
        "p_value": mark("P-value"),
        "adjusted_p_value": mark("Adjusted p-value"),
        "level": mark("Held against"),
        "found": mark("Difference found"),
        "low": mark("Adjusted from"),
        "high": mark("Adjusted to"),
    }
    sheet: ClassVar[str] = mark("Several comparisons")

    effects: Mapping[tuple[str, str], Effect]
    correction: Correction
    alpha: float
    p_values: Floats
    levels: Floats
    intervals: tuple[Interval, ...]

    @property
    def found(self) -> tuple[bool, ...]:
        """Whether each comparison stands after the correction."""
        return tuple(bool(p <= self.alpha) for p in self.p_values)

    @property
    def counted(self) -> int:
        """Comparisons that were tested."""
        return int(np.sum(~np.isnan(self.p_values)))

    def to_frame(self) -> pd.DataFrame:
        """One row a comparison."""
        import pandas as pd

        return pd.DataFrame(
            {
                "variant": [variant for variant, _ in self.effects],
                "metric": [metric for _, metric in self.effects],
                "p_value": [effect.p_value for effect in self.effects.values()],
                "adjusted_p_value": self.p_values,
                "level": self.levels,
                "found": self.found,
                "low": [interval.low for interval in self.intervals],
                "high": [interval.high for interval in self.intervals],
            }
        )

    def findings(self) -> tuple[Finding, ...]:
        """What was counted, and how many comparisons stand."""
        raw = sum(effect.p_value <= self.alpha for effect in self.effects.values())
        text = ntr(
            "{count} comparison was counted ({variants} × {metrics}, variants × metrics);",
            "{count} comparisons were counted ({variants} × {metrics}, variants × metrics);",
            self.counted,
            count=show(self.counted, "count"),
            variants=show(len({variant for variant, _ in self.effects}), "count"),
            metrics=show(len({metric for _, metric in self.effects}), "count"),
        )
        stands = tr(
            "{raw} fall below {alpha} alone, {found} stand after the correction by {method}.",
            raw=show(raw, "count"),
            alpha=show(self.alpha, "share"),
            found=show(sum(self.found), "count"),
            method=tr(LABELS[self.correction]),
        )
        evidence = {"counted": self.counted, "alone": raw, "found": sum(self.found)}
        return (
            Finding(key="multiplicity", level="info", text=f"{text} {stands}", evidence=evidence),
        )


def correct_multiplicity(
    effects: Mapping[tuple[str, str], Effect],
    *,
    method: Correction = "holm",
    alpha: float = 0.05,
) -> Multiplicity:
    """Correct all comparisons of a test for being several.

    Args:
        effects: Each comparison by (variant, metric).
        method: The correction; as in ``adjust_p_values``.
        alpha: Chance of any false find, or share of false finds, that is accepted.

    Raises:
        ParameterError: The method or ``alpha`` is impossible.
    """
    require_between(alpha, 0.0, 1.0, name="alpha", ends="open")
    raw = [effect.p_value for effect in effects.values()]
    adjusted = adjust_p_values(raw, method=method)
    return Multiplicity(
        effects=dict(effects),
        correction=method,
        alpha=alpha,
        p_values=adjusted,
        levels=levels(raw, method=method, alpha=alpha),
        intervals=_intervals(effects, adjusted, method, alpha),
    )


def _intervals(
    effects: Mapping[tuple[str, str], Effect], adjusted: Floats, method: str, alpha: float
) -> tuple[Interval, ...]:
    count, found = int(np.sum(~np.isnan(adjusted))), int(np.sum(adjusted <= alpha))
    if not count or (method.startswith("ho") and not method.startswith("holm")):
        used = math.nan
    elif method in FALSE_DISCOVERY:
        used = float(_steps(count, method, alpha)[found - 1]) if found else math.nan
    else:
        used = float(_steps(count, method.removeprefix("holm-").replace("holm", ""), alpha)[0])
    held = []
    for effect, p_value in zip(effects.values(), adjusted, strict=True):
        told = not math.isnan(used) and not math.isnan(p_value)
        if told and (method not in FALSE_DISCOVERY or p_value <= alpha):
            held.append(interval_at(effect, alpha=used))
        else:
            held.append(Interval(value=effect.difference.value, low=math.nan, high=math.nan))
    return tuple(held)
