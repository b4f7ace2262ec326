"""Do the statistics of A/B tests keep their promises? Simulated on heavy-tailed shop spend.

Each claim is a share of simulated tests, with its 99 % Monte-Carlo interval, against a
bar. With fewer runs than the default a bar is widened by three Monte-Carlo errors. What
a unit does, and what is true of it, stands in ``_experiment_world``: 6 % of the units buy,
amounts are log-normal. Every statistic is the library's own; only the counting is done
here. The bootstrap, a check beside Welch's test and costly, has as many runs of 199
resamples each, which its quantile allows for.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._experiment_health import check_culprits, check_healthy, check_split
from benchmarks._experiment_world import (
    Lift,
    draw_amounts,
    draw_clusters,
    draw_distributions,
    draw_looks,
    draw_moments,
    squared_correlation,
)
from ecops_lib.experiments.confidence_sequences import mixture_boundary, tune_mixture
from ecops_lib.experiments.effects import Effect, Interval
from ecops_lib.experiments.group_sequential import design_looks
from ecops_lib.experiments.inference import (
    adjust_p_values,
    check_by_bootstrap,
    compare,
    compare_clusters,
    compare_means,
    compare_quantiles,
)
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.sequential import follow_effect

Floats = npt.NDArray[np.float64]
Pair = tuple[Moments, Moments]

RUNS, SEED = 10_000, 20261122
UNITS, ALPHA = 20_000, 0.05
MORE = 3
"""Times the runs for claims that rest on the same draws or are cheap: less hangs on luck."""
SHARES = (0.95, 0.98)
CLUSTERS, CLUSTER_SIZE = 100, 60
DAYS, DAILY = 28, 700
BOOTSTRAP_DRAWS, BOOTSTRAP_UNITS = 199, (5_000, 20_000)
BETTER = Lift(buyers=1.1, amount=1.05)
NULL = Lift()
CONVERSION, SPEND, ORDER_VALUE = (
    METRICS[name] for name in ("conversion_rate", "paid_amount_per_visitor", "average_order_value")
)
PREVIOUS = ("previous_amount", "previous_orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A measured figure, its Monte-Carlo error and the bar it must lie in."""

    name: str
    value: float
    error: float
    runs: int
    low: float = 0.0
    high: float = 1.0
    share: bool = True

    @property
    def met(self) -> bool:
        """Whether the figure lies in its bar."""
        low, high = self.bar
        return low <= self.value <= high

    @property
    def bar(self) -> tuple[float, float]:
        """The bar, widened where the runs are few."""
        slack = 3 * self.error if 1 < self.runs < RUNS else 0.0
        return self.low - slack, self.high + slack

    def line(self) -> str:
        """The claim as a line of the table."""
        scale, unit = (100, " %") if self.share else (1, "  ")
        least, most = (scale * (self.value + side * 2.576 * self.error) for side in (-1, 1))
        low, high = (scale * end for end in self.bar)
        bar = f"{max(low, 0):.4g} to {min(high, scale) if self.share else high:.4g}{unit}"
        return (
            f"{self.name:58}{scale * self.value:9.3f}{unit} [{least:8.3f},{most:8.3f}]"
            f"{self.runs:8,}  {bar:16}{'PASS' if self.met else 'MISS'}"
        )


def share_of(name: str, hits: float, runs: int, low: float, high: float) -> Claim:
    """A share of runs."""
    rate = hits / runs
    error = sqrt(max(rate * (1 - rate), 1 / runs) / runs)
    return Claim(name=name, value=rate, error=error, runs=runs, low=low, high=high)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="tests simulated for each claim")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    missed, begun = 0, time.process_time()
    for place, (title, section) in enumerate(SECTIONS.items()):
        started = time.process_time()
        print(f"\n{title}", flush=True)
        for claim in section(given.runs, np.random.default_rng([given.seed, place])):
            missed += not claim.met
            print("  " + claim.line(), flush=True)
        print(f"  ({time.process_time() - started:.0f} s)")
    print(f"\n{missed} of the bars missed; {time.process_time() - begun:.0f} s of CPU")
    return int(missed > 0)


def excludes(interval: Interval, number: float = 0.0) -> bool:
    """Whether a finite interval leaves a number out; no interval is no evidence."""
    return not interval.holds(number) and not np.isnan(interval.low)


MEANS: dict[str, Callable[[Moments, Moments], Effect]] = {
    "two proportions, z": lambda a, b: compare(a, b, metric=CONVERSION),
    "Welch": lambda a, b: compare_means(a, b, metric=SPEND),
    "ratio, delta method": lambda a, b: compare_means(a, b, metric=ORDER_VALUE),
    "CUPED": lambda a, b: compare_means(a, b, metric=SPEND, covariates=PREVIOUS[:1]),
    "regression, two covariates": lambda a, b: compare_means(
        a, b, metric=SPEND, covariates=PREVIOUS
    ),
}
RELATIVES: dict[str, Callable[[Moments, Moments], Effect]] = {
    "relative, log": lambda a, b: compare_means(a, b, metric=SPEND, relative="log"),
    "relative, delta": lambda a, b: compare_means(a, b, metric=SPEND, relative="delta"),
}
TRUTHS = {
    "two proportions, z": "conversion_rate",
    "ratio, delta method": "average_order_value",
}


def measure_type_one(runs: int, rng: np.random.Generator) -> Iterator[Claim]:
    """False alarms of every method where nothing differs."""
    found: Counter[str] = Counter()
    for pair in draw_moments(rng, MORE * runs, UNITS, NULL):
        for name, method in MEANS.items():
            effect = method(*pair)
            found[name] += effect.p_value < ALPHA
            if name == "Welch":
                found["relative, Fieller"] += excludes(effect.relative)
        for name, method in RELATIVES.items():
            found[name] += excludes(method(*pair).relative)
    for name, count in found.items():
        yield share_of(name, count, MORE * runs, 0.045, 0.055)
    found.clear()
    for control, treatment in draw_clusters(rng, runs, CLUSTERS, CLUSTER_SIZE):
        effect = compare_clusters(control, treatment, total="total", size="size")
        found[f"cluster-robust, {CLUSTERS} clusters an arm"] += effect.p_value < ALPHA
    for name, count in found.items():
        yield share_of(name, count, runs, 0.045, 0.055)


def measure_quantiles(runs: int, rng: np.random.Generator) -> Iterator[Claim]:
    """False alarms and coverage of differences of quantiles."""
    found: Counter[str] = Counter()
    truths = {share: BETTER.quantile(share) - NULL.quantile(share) for share in SHARES}
    for pair in draw_distributions(rng, MORE * runs, UNITS, NULL):
        for share in SHARES:
            effect = compare_quantiles(*pair, share=share, alpha=ALPHA)
            found[f"quantile {share}: type I"] += excludes(effect.difference)
    for name, count in found.items():
        yield share_of(name, count, MORE * runs, 0.045, 0.055)
    found.clear()
    for pair in draw_distributions(rng, MORE * runs, UNITS, BETTER):
        for share, truth in truths.items():
            effect = compare_quantiles(*pair, share=share, alpha=ALPHA)
            found[f"quantile {share}: coverage"] += effect.difference.holds(truth)
    for name, count in found.items():
        yield share_of(name, count, MORE * runs, 0.945, 0.955)


def measure_resampled(runs: int, rng: np.random.Generator) -> Iterator[Claim]:
    """False alarms of the bootstrap check's interval."""
    for units in BOOTSTRAP_UNITS:
        hits = 0
        for pair in draw_amounts(rng, runs, units, NULL):
            groups = [np.append(np.zeros(units - len(one)), one) for one in pair]
            check = check_by_bootstrap(
                *groups, metric=SPEND, draws=BOOTSTRAP_DRAWS, weights="poisson", rng=rng
            )
            hits += excludes(check.bootstrap)
        name = f"symmetric bootstrap-t, Poisson weights, {units:,} units"
        yield share_of(name, hits, runs, 0.045, 0.055)


def measure_coverage(runs: int, rng: np.random.Generator) -> Iterator[Claim]:
    """How often an interval holds the true effect."""
    held: Counter[str] = Counter()
    for pair in draw_moments(rng, MORE * runs, UNITS, BETTER):
        for name, method in (MEANS | RELATIVES).items():
            effect = method(*pair)
            base, more = (one.truth(TRUTHS.get(name, SPEND.key)) for one in (NULL, BETTER))
            if name in MEANS:
                held[f"{name}: difference"] += effect.difference.holds(more - base)
            words = f"{name}: relative (Fieller)" if name in MEANS else name
            held[words] += effect.relative.holds(more / base - 1)
    for name, count in held.items():
        yield share_of(name, count, MORE * runs, 0.945, 0.955)


def measure_cuped(runs: int, rng: np.random.Generator) -> Iterator[Claim]:
    """The variance that is left by CUPED, against 1 − ρ² of the made-up shop."""
    plain, adjusted = np.empty((2, runs)), np.empty((2, runs))
    for run, pair in enumerate(draw_moments(rng, runs, UNITS, NULL)):
        for held, covariates in ((plain, ()), (adjusted, PREVIOUS[:1])):
            effect = compare_means(*pair, metric=SPEND, covariates=covariates)
            held[:, run] = effect.difference.value, effect.standard_error**2
    truth = 1 - squared_correlation()
    given = {"runs": runs, "low": truth - 0.02, "high": truth + 0.02, "share": False}
    left = adjusted[0].var() / plain[0].var()
    draws = rng.integers(0, runs, (400, runs))
    error = (adjusted[0][draws].var(axis=1) / plain[0][draws].var(axis=1)).std()
    yield Claim(
        name="variance of the estimate left, by its spread", value=left, error=error, **given
    )
    told = adjusted[1] / plain[1]
    yield Claim(
        name="variance of the estimate left, as told",
        value=float(told.mean()),
        error=float(told.std() / sqrt(runs)),
        **given,
    )


def measure_looks(runs: int, rng: np.random.Generator) -> Iterator[Claim]:
    """False alarms and misses under daily looks, and what looking costs in width."""
    first = dt.date(2026, 11, 1)
    days = [first + dt.timedelta(days=place) for place in range(DAYS)]
    units = 2 * DAILY * np.arange(1, DAYS + 1)
    mixture = mixture_boundary(units, rho2=tune_mixture(units[-1]))
    planned = np.array([6, 13, 20, 27])
    design = design_looks((planned + 1) / DAYS, alpha=ALPHA)
    found: Counter[str] = Counter()
    for looks in draw_looks(rng, runs, DAILY, DAYS, NULL):
        named = [(day, *pair) for day, pair in zip(days, looks, strict=True)]
        path = follow_effect(named, metric=SPEND, planned_days=DAYS)
        z = np.abs([step.statistic for step in path.steps])
        found["fixed"] += any(step.fixed.p_value < ALPHA for step in path.steps)
        found["spending"] += path.stop is not None
        found["mixture"] += bool((z >= mixture).any())
        found["group"] += bool((z[planned] >= design.upper).any())
    yield share_of("fixed test, looked at daily (what peeking costs)", found["fixed"], runs, 0.2, 1)
    yield share_of("always valid, spending, daily", found["spending"], runs, 0, 0.05)
    yield share_of("always valid, mixture, daily", found["mixture"], runs, 0, 0.05)
    yield share_of("group sequential, 4 weekly looks", found["group"], runs, 0, 0.05)
    yield from measure_paths(runs, rng, days)
    fixed = 1.959964
    widths = {
        "spending": path.steps[-1].boundary,
        "mixture": mixture[-1],
        "group sequential": design.upper[-1],
    }
    for name, boundary in widths.items():
        bar = 1.6 if name == "mixture" else 1.35
        yield Claim(
            name=f"width at the planned end ÷ fixed, {name}",
            value=float(boundary / fixed),
            error=0.0,
            runs=1,
            low=1.0,
            high=bar,
            share=False,
        )


def measure_paths(runs: int, rng: np.random.Generator, days: list[dt.date]) -> Iterator[Claim]:
    """How often the path's intervals hold a true effect on every day."""
    truth = BETTER.truth(SPEND.key) - NULL.truth(SPEND.key)
    relative = BETTER.truth(SPEND.key) / NULL.truth(SPEND.key) - 1
    held: Counter[str] = Counter()
    for looks in draw_looks(rng, runs, DAILY, DAYS, BETTER):
        named = [(day, *pair) for day, pair in zip(days, looks, strict=True)]
        steps = follow_effect(named, metric=SPEND, planned_days=DAYS).steps
        held["difference"] += all(step.difference.holds(truth) for step in steps)
        held["relative"] += all(step.relative.holds(relative) for step in steps)
    for name, count in held.items():
        yield share_of(f"spending: {name} held on all days", count, runs, 0.95, 1)


def measure_many(runs: int, rng: np.random.Generator) -> Iterator[Claim]:
    """False finds over 40 metrics, 10 of them with an effect, in four correlated families."""
    metrics, true = 40, 10
    effect = np.where(np.arange(metrics) % 4 == 0, 3.0, 0.0)
    from scipy.special import ndtr

    sums: Counter[str] = Counter()
    for _ in range(runs):
        family = np.repeat(rng.standard_normal(4), metrics // 4)
        z = sqrt(0.5) * (family + rng.standard_normal(metrics))
        p, null = (2 * ndtr(-np.abs(z + shift)) for shift in (effect, 0.0))
        found = adjust_p_values(p, method="benjamini-hochberg") <= ALPHA
        sums["fdr"] += (found & (effect == 0)).sum() / max(found.sum(), 1)
        sums["power"] += (found & (effect != 0)).sum() / true
        sums["fdr, no effect"] += (
            adjust_p_values(null, method="benjamini-hochberg") <= ALPHA
        ).any()
        kept = adjust_p_values(p, method="holm") <= ALPHA
        sums["fwer"] += (kept & (effect == 0)).any()
        sums["fwer, no effect"] += (adjust_p_values(null, method="holm") <= ALPHA).any()
    yield share_of("Benjamini-Hochberg: false share, 10 of 40 true", sums["fdr"], runs, 0, 0.05)
    yield share_of("Benjamini-Hochberg: none of 40 true", sums["fdr, no effect"], runs, 0, 0.05)
    yield share_of("Holm: any false find, 10 of 40 true", sums["fwer"], runs, 0, 0.05)
    yield share_of("Holm: any false find, none of 40 true", sums["fwer, no effect"], runs, 0, 0.05)


def measure_health(runs: int, rng: np.random.Generator) -> Iterator[Claim]:
    """The split's test at its level, planted culprits found, healthy tests let pass."""
    for name, hits, count, low, high in (
        *check_split(MORE * runs, rng),
        *check_culprits(runs, rng),
        *check_healthy(max(runs // 5, 1), rng),
    ):
        yield share_of(name, hits, count, low, high)


SECTIONS: dict[str, Callable[[int, np.random.Generator], Iterator[Claim]]] = {
    f"Type-I error at 5 %, {UNITS:,} units an arm, nothing differs": measure_type_one,
    f"Coverage of 95 % intervals, {UNITS:,} units an arm, a true effect": measure_coverage,
    "Variance reduction of CUPED, against 1 − ρ²": measure_cuped,
    f"Daily looks over {DAYS} days, {DAILY} units an arm and day": measure_looks,
    "Many metrics": measure_many,
    "Health of the test": measure_health,
    f"Quantiles, {UNITS:,} units an arm": measure_quantiles,
    "Bootstrap check, type-I error at 5 %": measure_resampled,
}


if __name__ == "__main__":
    sys.exit(main())
