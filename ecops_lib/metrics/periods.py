"""A day against the day before, the same weekday, last year's calendar, and the target."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import narwhals as nw

from ecops_lib.core.checks import as_day
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.data import frames
from ecops_lib.data.calendar.compare import ComparableDay, comparable_day
from ecops_lib.data.settings import PresaleRule, RefundBasis
from ecops_lib.metrics.bases import Bases, Source, Tables
from ecops_lib.metrics.measuring import measure_spans
from ecops_lib.metrics.notes import Note
from ecops_lib.metrics.registry import Metric, metric_named
from ecops_lib.metrics.rowwise import MetricRows

if TYPE_CHECKING:
    import pandas as pd

Reference = Literal["day_before", "same_weekday", "last_year", "target"]
REFERENCES: Mapping[Reference, str] = {
    "day_before": mark("the day before"),
    "same_weekday": mark("the same weekday a week before"),
    "last_year": mark("the same day of last year's calendar"),
    "target": mark("the target"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of the day against one reference.

    Attributes:
        metric: The metric.
        reference: What the day is compared with.
        value: The day's value; NaN where it is missing.
        against: The reference's value; NaN where it is missing.
    """

    metric: Metric
    reference: Reference
    value: float
    against: float

    @property
    def difference(self) -> float:
        """Value less reference, in the metric's unit (for a share, a fraction)."""
        return self.value - self.against

    @property
    def relative(self) -> float:
        """Difference over the reference; NaN for shares (read their points) and from 0."""
        if self.metric.unit == "share" or not self.against > 0:
            return float("nan")
        return self.difference / self.against

    @property
    def direction(self) -> Literal["good", "bad", "none"]:
        """Whether the change is for the better."""
        if self.metric.better == "none" or is_missing(self.difference) or not self.difference:
            return "none"
        return "good" if (self.difference > 0) == (self.metric.better == "up") else "bad"

    def finding(self) -> Finding:
        """The comparison in one sentence; a missing reference is said, never taken as 0."""
        level: Level = {"good": "good", "bad": "watch", "none": "info"}[self.direction]  # type: ignore[assignment]
        numbers = {"value": self.value, "against": self.against, "difference": self.difference}
        return Finding(
            key=f"compare/{self.metric.key}/{self.reference}",
            level=level,
            text=self._text(),
            evidence=numbers,
        )

    def _text(self) -> str:
        words = {
            "metric": tr(self.metric.label),
            "value": show(self.value, self.metric.unit),
            "reference": tr(REFERENCES[self.reference]),
            "against": show(self.against, self.metric.unit),
            "change": self.change(),
        }
        if is_missing(self.value):
            return tr("{metric}: no figure for the day.", **words)
        if is_missing(self.against):
            return tr("{metric} was {value}; there is no figure for {reference}.", **words)
        if not self.difference:
            return tr("{metric} was {value}, the same as {reference}.", **words)
        if self.difference > 0:
            return tr("{metric} was {value}, above {reference} ({against}) by {change}.", **words)
        return tr("{metric} was {value}, below {reference} ({against}) by {change}.", **words)

    def change(self) -> str:
        """The size of the change in words: per cent, or points of a share."""
        if is_missing(self.relative):
            return show(abs(self.difference), self.metric.change_unit)
        return show(abs(self.relative), "share")


@dataclass(frozen=True, kw_only=True, eq=False)
class DayComparison(MetricRows):
    """Metrics of a day, each against four references.

    Attributes:
        day: The day.
        metrics: The metrics that could be computed.
        comparisons: One for each metric and reference.
        last_year: The day of last year's calendar, and the rule that chose it.
        bases: Time zone, refund basis, pre-sale rule.
        notes: What a reader of the numbers must know.
        refused: Metrics that could not be computed, each with the reason.
    """

    sheet: ClassVar[str] = mark("Comparisons")
    values: ClassVar[tuple[str, ...]] = ("value", *REFERENCES)
    differences: ClassVar[tuple[str, ...]] = tuple(f"{name}_difference" for name in REFERENCES)
    rates: ClassVar[tuple[str, ...]] = tuple(f"{name}_relative" for name in REFERENCES)
    labels: ClassVar[Mapping[str, str]] = {
        "metric": mark("Metric"),
        "value": mark("Value"),
        "day_before": mark("Day before"),
        "same_weekday": mark("Same weekday"),
        "last_year": mark("Last year"),
        "target": mark("Target"),
        "day_before_difference": mark("vs. day before"),
        "same_weekday_difference": mark("vs. same weekday"),
        "last_year_difference": mark("vs. last year"),
        "target_difference": mark("vs. target"),
        "day_before_relative": mark("vs. day before, %"),
        "same_weekday_relative": mark("vs. same weekday, %"),
        "last_year_relative": mark("vs. last year, %"),
        "target_relative": mark("vs. target, %"),
    }

    day: dt.date
    metrics: tuple[Metric, ...]
    comparisons: tuple[Comparison, ...]
    last_year: ComparableDay
    bases: Bases
    notes: tuple[Note, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """One row a metric: its value, and per reference the value, difference and rate."""
        import pandas as pd

        rows: dict[str, dict[str, object]] = {}
        for held in self.comparisons:
            row = rows.setdefault(held.metric.key, {"metric": held.metric.key, "value": held.value})
            row[held.reference] = held.against
            row[f"{held.reference}_difference"] = held.difference
            row[f"{held.reference}_relative"] = held.relative
        columns = ["metric", *self.values, *self.differences, *self.rates]
        return pd.DataFrame(list(rows.values()), columns=columns)

    def compared(self, metric: str, reference: Reference) -> Comparison:
        """One metric against one reference."""
        return next(
            c for c in self.comparisons if c.metric.key == metric and c.reference == reference
        )

    def findings(self) -> tuple[Finding, ...]:
        """One sentence for each comparison, the notes, and the bases."""
        chosen = tr(
            "Last year's day is {day}: {rule}.",
            day=show(self.last_year.day, "day"),
            rule=self.last_year.label,
        )
        return (
            *(comparison.finding() for comparison in self.comparisons),
            *(note.finding() for note in self.notes),
            Finding(key="compare/last_year", level="info", text=chosen),
            Finding(key="bases", level="info", text=self.bases.sentence()),
        )


def compare_day(
    source: Source,
    metrics: Sequence[str],
    *,
    day: dt.date | str,
    refund_basis: RefundBasis | None = None,
    time_zone: str | None = None,
    presale: PresaleRule | None = None,
    country: str | None = None,
) -> DayComparison:
    """Compare a day's metrics with earlier days and with the target, in one pass a table.

    Args:
        source: A store, or tables by canonical name.
        metrics: Keys of the registry.
        day: The local day.
        refund_basis: As for ``measure``.
        time_zone: As for ``measure``.
        presale: As for ``measure``.
        country: Whose calendar decides the day of last year; the store's by default.

    Returns:
        Each metric against the day before, the same weekday a week before, the same day
        of last year's calendar (on the shop's own festival dates, where its diary has
        them), and the target; a missing reference is NaN and is said.

    Raises:
        MetricError: A metric is unknown.
    """
    today = as_day(day, name="day")
    tables = Tables(source, time_zone=time_zone)
    settings = tables.store.settings if tables.store else None
    place = country or (settings.country if settings else "CN")
    held = comparable_day(today, country=place, events=read_events(tables))
    days: dict[Reference, dt.date] = {
        "day_before": today - frames.DAY,
        "same_weekday": today - 7 * frames.DAY,
        "last_year": held.day,
    }
    found = measure_spans(
        tables,
        metrics,
        spans=tuple((d, d) for d in dict.fromkeys((today, *days.values()))),
        by=("day",),
        refund_basis=refund_basis,
        presale=presale,
        lenient=True,
    )
    return DayComparison(
        day=today,
        metrics=found.metrics,
        comparisons=_comparisons(
            found.frame, found.metrics, today, days, read_targets(tables, today)
        ),
        last_year=held,
        bases=found.bases,
        notes=tuple(note for note in found.notes if note.kind not in {"outside", "silent"}),
        refused=found.refused,
    )


def _comparisons(
    frame: pd.DataFrame,
    metrics: Sequence[Metric],
    today: dt.date,
    days: Mapping[Reference, dt.date],
    targets: Mapping[str, float],
) -> tuple[Comparison, ...]:
    values = frame.assign(day=frame["day"].dt.date).set_index("day")
    found = []
    for metric in metrics:
        column = values[metric.key]
        against = {name: float(column.get(d, float("nan"))) for name, d in days.items()}
        against["target"] = targets.get(metric.key, float("nan"))
        value = float(column.get(today, float("nan")))
        found += [
            Comparison(metric=metric, reference=name, value=value, against=held)
            for name, held in against.items()
        ]
    return tuple(found)


def read_events(tables: Tables) -> pd.DataFrame | None:
    """The shop's diary, as far as it dates campaigns; None where there is none."""
    if not tables.has("shop_events"):
        return None
    rows = tables.lazy("shop_events").filter(nw.col("kind") == "campaign")
    known = rows.collect_schema().names()
    wanted = ("kind", "name", "starts_on", "ends_on", "product_id")
    return frames.bring(rows.select(name for name in wanted if name in known))


def read_targets(tables: Tables, day: dt.date) -> dict[str, float]:
    """The targets of a day by metric; empty where none is set.

    Raises:
        MetricError: A target is set for a metric that does not exist.
    """
    if not tables.has("targets"):
        return {}
    rows = tables.lazy("targets", start=day, end=day).filter(nw.col("day") == day)
    held = frames.bring(rows.select("metric", "value"))
    found = {str(k): float(v) for k, v in zip(held["metric"], held["value"], strict=True)}
    return {metric_named(key).key: value for key, value in found.items()}
