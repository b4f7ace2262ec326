"""The memo of a test: one verdict, what it is worth, and what was not tested."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.experiment import Experiment
from ecops_lib.experiments.memo_words import action_words, verdict_sentence
from ecops_lib.experiments.money import Money
from ecops_lib.experiments.outcomes import COVARIATES, METRICS, ExperimentMetric
from ecops_lib.experiments.verdict import Decision, Standing, Verdict

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

LEVELS: Mapping[str, Level] = {
    "winner": "good",
    "winner_unsure": "good",
    "red": "bad",
    "harm": "bad",
    "guardrail": "bad",
    "week": "watch",
    "guardrail_open": "watch",
    "running": "watch",
    "small": "info",
    "not_shown": "info",
}
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Memo(Result):
    """The decision on a test with the figures that bear it.

    Attributes:
        experiment: The test.
        verdict: The one decision.
        standings: Every variant against the control on the deciding metric.
        others: P-values of all other metrics by (variant, metric), corrected for being
            several; empty where the effect must not be read.
        money: What the variant of the verdict brings a month; None where it cannot be
            told or must not be read.
        untested: What the test does not tell, in words.
        owner: Who sees to it.
    """

    units: ClassVar[Mapping[str, Unit]] = {"p_value": "p_value", "units": "count"}
    labels: ClassVar[Mapping[str, str]] = {
        "variant": mark("Tested variant"),
        "metric": mark("Metric"),
        "role": mark("Role"),
        "control": mark("Control"),
        "treatment": mark("Variant's value"),
        "effect": mark("Relative effect"),
        "low": mark("From"),
        "high": mark("To"),
        "p_value": mark("P-value, read once"),
        "units": mark("Units"),
    }
    sheet: ClassVar[str] = mark("Decision memo")

    experiment: Experiment
    verdict: Verdict
    standings: tuple[Standing, ...]
    others: Mapping[tuple[str, str], float]
    money: Money | None
    untested: tuple[str, ...]
    owner: str

    @property
    def decision(self) -> Decision:
        """What to do."""
        return self.verdict.decision

    @property
    def silent(self) -> bool:
        """Whether no effect may be shown."""
        return self.verdict.reason == "red"

    def findings(self) -> tuple[Finding, ...]:
        """The verdict, what it is worth, the guardrails, and what was not tested."""
        found = [self._verdict(), self._about()]
        if self.money is not None:
            found.append(self.money.finding(self.decision))
        found += self._adjusted()
        found += [
            Finding(key=f"untested/{place}", level="info", text=text)
            for place, text in enumerate(self.untested)
        ]
        return tuple(found)

    def _verdict(self) -> Finding:
        trial, standing = self.experiment, self.verdict.standing
        checks = tuple(check.label for check in trial.health.red)
        evidence = {} if standing is None else _evidence(standing)
        action = action_words(
            self.verdict,
            control=trial.plan.control,
            end=show(read_day(trial), "day") if trial.plan.end else "",
        )
        return Finding(
            key=f"experiment/{trial.plan.experiment_id}",
            level=LEVELS[self.verdict.reason],
            text=verdict_sentence(
                self.verdict,
                metric=trial.primary,
                checks=checks,
                least_effect=trial.plan.least_effect,
                findable=findable_effect(trial, standing),
                guarded=bool(trial.plan.guardrails),
            ),
            evidence=evidence,
            money=self.money.at_stake(self.decision) if self.money else None,
            action=Action(text=action, owner=self.owner),
        )

    def _about(self) -> Finding:
        """Which test this is."""
        plan, units = self.experiment.plan, self.experiment.joined.prepared
        text = tr(
            "Test {name}: {variants} against {control}, exposed from {first} to {last}, {count} "
            "units.",
            name=short_name(plan.experiment_id),
            variants=tr(", ").join(short_name(name) for name in self.experiment.treatments),
            control=short_name(plan.control),
            first=show(units.first, "day"),
            last=show(units.last, "day"),
            count=show(units.count, "count"),
        )
        text = joined(text, self._counted())
        numbers = {"units": float(units.count)}
        return Finding(key="about", level="info", text=text, evidence=numbers)

    def _adjusted(self) -> list[Finding]:
        """Which effects are not those of the plain values beside them, and why."""
        trial = self.experiment
        metrics = () if self.silent else tuple(m for m in trial.metrics if trial.covariates(m))
        if not metrics:
            return []
        known = dict.fromkeys(name for metric in metrics for name in trial.covariates(metric))
        text = tr(
            "The effects on {metrics} are adjusted for {known} (CUPED), so they differ from what "
            "the plain values beside them give.",
            metrics=tr(", ").join(tr(metric.label) for metric in metrics),
            known=tr(", ").join(tr(COVARIATES[name]) for name in known),
        )
        return [Finding(key="adjusted", level="info", text=text)]

    def _counted(self) -> str:
        """Which outcomes count."""
        if self.experiment.joined.own:
            return tr("What the units did is told by the exposure log itself.")
        days = show(self.experiment.plan.window_days, "days")
        return tr("Orders within {days} of the first exposure count.", days=days)

    def to_frame(self) -> pd.DataFrame:
        """One row a variant and metric; units alone where no effect may be read."""
        import pandas as pd

        if self.silent:
            kept = self.experiment.joined.prepared.kept
            return pd.DataFrame(
                [{"variant": name, "units": n} for name, n in kept.items()],
            )
        rows = [self._row(variant, metric) for variant, metric in self.experiment.effects]
        return pd.DataFrame(rows)

    def _row(self, variant: str, key: str) -> dict[str, object]:
        trial, metric = self.experiment, METRICS[key]
        interval = self._interval(variant, key)
        return {
            "variant": variant,
            "metric": tr(metric.label),
            "role": tr(role_of(trial, key)),
            "control": show(raw_value(trial, trial.plan.control, metric), metric.unit),
            "treatment": show(raw_value(trial, variant, metric), metric.unit),
            "effect": show(interval.value, "share", sign=True),
            "low": show(interval.low, "share", sign=True),
            "high": show(interval.high, "share", sign=True),
            "p_value": trial.effects[variant, key].p_value,
        }

    def _interval(self, variant: str, key: str) -> Interval:
        """The relative effect: of the deciding metric with the interval for daily looks."""
        if key == self.experiment.plan.primary:
            return next(s.relative for s in self.standings if s.variant == variant)
        return self.experiment.effects[variant, key].relative

    def chart(self) -> Chart | None:
        """Every metric's relative effect with its interval."""
        from ecops_lib.core.charts import interval_chart

        if self.silent:
            return None
        frame = self._chart_frame()
        if not frame["value"].map(math.isfinite).any():
            return None
        better = ["up" if good > 0 else "down" for good in frame["good"]]
        return interval_chart(
            frame,
            caption=tr("Relative effect on each metric"),
            unit="share",
            better=better,  # type: ignore[arg-type]
        )

    def _chart_frame(self) -> pd.DataFrame:
        import pandas as pd

        several = len(self.experiment.treatments) > 1
        rows = []
        for variant, key in self.experiment.effects:
            interval = self._interval(variant, key)
            label = tr(METRICS[key].label)
            name = f"{short_name(variant)} · {label}" if several else label
            rows.append((name, interval.value, interval.low, interval.high, METRICS[key].good))
        return pd.DataFrame(rows, columns=["name", "value", "low", "high", "good"])


ROLES: Mapping[str, str] = {
    "primary": mark("decides"),
    "guardrail": mark("guardrail"),
    "secondary": mark("secondary"),
}


def role_of(trial: Experiment, key: str) -> str:
    """What a metric is for, in English, marked."""
    if key == trial.plan.primary:
        return ROLES["primary"]
    return ROLES["guardrail" if key in trial.plan.guardrails else "secondary"]


def raw_value(trial: Experiment, variant: str, metric: ExperimentMetric) -> float:
    """A metric of one variant as it stands in the data, before any adjustment."""
    held = trial.moments(variant)
    if not held.n:
        return math.nan
    if not metric.denominator:
        return held.average(metric.numerator)
    below = held.average(metric.denominator)
    return held.average(metric.numerator) / below if below else math.nan


def read_day(trial: Experiment) -> dt.date:
    """The day from which on a test may be read: its last day and the window after it."""
    end = trial.plan.end or trial.day
    return end + trial.plan.window_days * DAY


def findable_effect(trial: Experiment, standing: Standing | None) -> float:
    """Smallest relative effect that the test finds with the plan's power, from its own error."""
    from scipy.special import ndtri

    if standing is None:
        return math.nan
    effect = trial.effects[standing.variant, trial.plan.primary]
    if not effect.standard_error > 0:
        return math.nan
    spans = float(ndtri(1 - trial.level / 2) + ndtri(trial.plan.power))
    return spans * effect.standard_error / abs(effect.control) if effect.control else math.nan


def _evidence(standing: Standing) -> dict[str, float]:
    return {
        "control": standing.control,
        "treatment": standing.treatment,
        "effect": standing.relative.value,
        "low": standing.relative.low,
        "high": standing.relative.high,
    }
