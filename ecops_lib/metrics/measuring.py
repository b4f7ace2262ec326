"""``measure``: any registered metric, on any days, by any dimension, from any engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, get_args

import numpy as np

from ecops_lib.core.checks import as_day, listed, nearest, require_span
from ecops_lib.core.errors import EcopsError, MetricError, MissingDataError, ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data.settings import PresaleRule, RefundBasis
from ecops_lib.metrics.bases import Bases, Source, Tables, decide_bases, require_basis
from ecops_lib.metrics.compute import evaluate, joined, sides
from ecops_lib.metrics.facts import COLUMNS, Dimension, Query, Span
from ecops_lib.metrics.later import paid_later
from ecops_lib.metrics.measures import MEASURES, Route
from ecops_lib.metrics.notes import Note
from ecops_lib.metrics.parts import HIGH, LOW, Part, coverage, gather, routes_for
from ecops_lib.metrics.registry import Metric, metric_named, require_computable
from ecops_lib.metrics.titles import name_products

if TYPE_CHECKING:
    import pandas as pd

DIMENSION_LABELS: Mapping[str, str] = {
    "day": mark("Day"),
    "week": mark("Week from"),
    "month": mark("Month from"),
    "hour": mark("Hour"),
    "weekday": mark("Weekday"),
    "platform": mark("Platform"),
    "product_id": mark("Product"),
    "product_name": mark("Product name"),
    "sku_id": mark("SKU"),
    "category": mark("Category"),
    "brand": mark("Brand"),
    "channel": mark("Channel"),
    "province": mark("Province"),
    "campaign_id": mark("Campaign"),
    "creator_id": mark("Creator"),
    "warehouse_id": mark("Warehouse"),
    "keyword": mark("Keyword"),
    "ad_campaign_id": mark("Ad campaign"),
    "product_line": mark("Kind of advertising"),
    "reason": mark("Reason"),
    "stage": mark("Stage"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Measures(Result):
    """Metrics over groups.

    Attributes:
        frame: One row a group: the dimensions' columns, ``product_name`` after
            ``product_id`` where a table tells it, then the metrics by key, with
            ``<key>_low`` and ``<key>_high`` beside a metric that has only bounds.
        metrics: The metrics asked for.
        by: The dimensions.
        start: First day.
        end: Last day, included.
        bases: Time zone, refund basis, pre-sale rule.
        notes: What a reader of the numbers must know.
        refused: Metrics that could not be computed, each with the reason.
    """

    sheet: ClassVar[str] = mark("Metrics")

    frame: pd.DataFrame
    metrics: tuple[Metric, ...]
    by: tuple[str, ...]
    start: dt.date
    end: dt.date
    bases: Bases
    notes: tuple[Note, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """One row a group."""
        return self.frame

    def value(self, metric: str) -> float:
        """A metric of an ungrouped result; NaN where it has only bounds.

        Raises:
            MetricError: The result is split, or does not hold the metric.
        """
        if self.by:
            raise MetricError(f"the result is split by {listed(self.by)}; read to_frame().")
        if metric not in self.frame:
            raise MetricError(
                f"{metric!r} was not measured; {listed(m.key for m in self.metrics)} were."
            )
        return float(self.frame[metric].iloc[0])

    def findings(self) -> tuple[Finding, ...]:
        """The bases, then the notes."""
        bases = Finding(key="bases", level="info", text=self.bases.sentence())
        return (*(note.finding() for note in self.notes), bases)

    def headings(self) -> dict[str, str]:
        """Labels of dimensions and metrics."""
        heads = {name: tr(label) for name, label in DIMENSION_LABELS.items()}
        for metric in self.metrics:
            label = tr(metric.label)
            heads[metric.key] = label
            heads[metric.key + LOW] = tr("{metric}, at least", metric=label)
            heads[metric.key + HIGH] = tr("{metric}, at most", metric=label)
        return heads

    def table_units(self) -> Mapping[str, Unit]:
        """Units of the columns."""
        units: dict[str, Unit] = {"day": "day", "week": "day", "month": "day"}
        units |= {"hour": "count", "weekday": "count"}
        for metric in self.metrics:
            units |= dict.fromkeys((metric.key, metric.key + LOW, metric.key + HIGH), metric.unit)
        return units


def measure(
    source: Source,
    metrics: Sequence[str],
    *,
    start: dt.date | str,
    end: dt.date | str,
    by: Sequence[Dimension] = (),
    refund_basis: RefundBasis | None = None,
    time_zone: str | None = None,
    presale: PresaleRule | None = None,
) -> Measures:
    """Compute registered metrics over a period, split by dimensions.

    Ratios are ratios of sums. Distinct counts that daily aggregates cannot give
    (visitors of several days) are NaN between bounds: max ≤ x ≤ sum. A day without
    orders inside the days that the store covers is 0; a day outside is missing.

    Args:
        source: A store, or tables of any engine (pandas, Polars, PyArrow, DuckDB,
            PySpark) by canonical name.
        metrics: Keys of the registry.
        start: First local day.
        end: Last local day, included.
        by: Dimensions; weeks begin on Monday.
        refund_basis: Day that refunds count on: of payment or of the refund; by default
            as ``store.toml`` says, else what the data can bear, and said.
        time_zone: IANA zone of the days; the store's by default.
        presale: When a pre-sale order counts as paid; the store's rule by default.

    Returns:
        One row a group, with what must be known of the numbers.

    Raises:
        MetricError: A metric is unknown, cannot be computed, or cannot be split so; or
            some refunds would have no day on the basis asked for.
        MissingDataError: A table is absent; the sentence says what to import.
        ParameterError: The period is impossible, or ``time_zone`` is missing.
    """
    first, last = as_day(start, name="start"), as_day(end, name="end")
    require_span(first, last)
    return measure_spans(
        Tables(source, time_zone=time_zone),
        metrics,
        spans=((first, last),),
        by=tuple(by),
        refund_basis=refund_basis,
        presale=presale,
    )


def measure_spans(
    tables: Tables,
    metrics: Sequence[str],
    *,
    spans: tuple[Span, ...],
    by: tuple[str, ...] = (),
    refund_basis: RefundBasis | None = None,
    presale: PresaleRule | None = None,
    lenient: bool = False,
) -> Measures:
    """Like ``measure`` over several spans of days in one pass (split by day to tell them apart).

    A ``lenient`` result leaves out what cannot be computed and says why in ``refused``.
    """
    refused: dict[str, EcopsError] = {}
    query, wanted, parts = _read(
        tables, metrics, spans=spans, by=by, refund_basis=refund_basis, presale=presale,
        refused=refused,
    )  # fmt: skip
    if refused and not lenient:
        key, error = next(iter(refused.items()))
        label = tr(metric_named(key).label)
        raise type(error)(tr("{metric}: {reason}", metric=label, reason=error)) from error
    return _result(query, [m for m in wanted if m.key not in refused], parts, refused)


def measure_sides(
    tables: Tables, metrics: Sequence[str], *, span: Span
) -> dict[str, tuple[pd.Series[float], pd.Series[float]]]:
    """Numerators and denominators of ratios by day, without those that cannot be told.

    Args:
        tables: The tables.
        metrics: Keys of ratios.
        span: First and last local day.
    """
    import pandas as pd

    refused: dict[str, EcopsError] = {}
    query, wanted, parts = _read(tables, metrics, spans=(span,), by=("day",), refused=refused)
    kept = [metric for metric in wanted if metric.key not in refused]
    table = joined(query, {key: parts[key] for metric in kept for key in metric.measures})
    days = pd.DatetimeIndex(table["day"])
    found = {metric.key: sides(metric, table) for metric in kept}
    return {k: (pd.Series(a, days), pd.Series(b, days)) for k, (a, b) in found.items()}


def _read(
    tables: Tables,
    metrics: Sequence[str],
    *,
    spans: tuple[Span, ...],
    by: tuple[str, ...],
    refused: dict[str, EcopsError],
    refund_basis: RefundBasis | None = None,
    presale: PresaleRule | None = None,
) -> tuple[Query, list[Metric], Mapping[str, Part]]:
    """The measures of metrics in one pass; what cannot be told goes into ``refused``."""
    wanted = [metric_named(key) for key in dict.fromkeys(metrics)]
    _require_dimensions(by)
    if not wanted:
        raise ParameterError("metrics is empty; name at least one, such as 'paid_amount'.")
    bases = _bases(tables, wanted, refund_basis, presale, refused)
    query = Query(tables=tables, spans=spans, by=by, bases=bases)
    routes = _routes(query, wanted, refused)
    parts = gather(query, routes)
    _refuse_empty(query, wanted, parts, refused)
    return query, wanted, parts


def _result(
    query: Query,
    metrics: Sequence[Metric],
    parts: Mapping[str, Part],
    refused: Mapping[str, EcopsError],
) -> Measures:
    used = {key: parts[key] for metric in metrics for key in metric.measures}
    frame, notes = _assembled(metrics, joined(query, used), query)
    first, last = query.ends
    return Measures(
        frame=name_products(frame, query) if "product" in query.by else frame,
        metrics=tuple(metrics),
        by=query.by,
        start=first,
        end=last,
        bases=query.bases,
        notes=(*_notes(query, metrics, used), *paid_later(query, used), *notes),
        refused={key: str(error) for key, error in refused.items()},
    )


def _require_dimensions(by: Sequence[str]) -> None:
    for name in by:
        if name not in COLUMNS:
            raise MetricError(
                f"there is no dimension {name!r}{nearest(name, COLUMNS)}; "
                f"they are {listed(COLUMNS)}."
            )


def _bases(
    tables: Tables,
    metrics: Sequence[Metric],
    refund_basis: RefundBasis | None,
    presale: PresaleRule | None,
    refused: dict[str, EcopsError],
) -> Bases:
    """The bases; a metric that they cannot bear is refused."""
    counting = [metric for metric in metrics if "refunds" in _facts(metric)]
    for metric in metrics:
        try:
            require_computable(metric)
            for basis in get_args(RefundBasis):
                if f"refunds_{basis}" in _facts(metric):
                    require_basis(tables, basis)
        except EcopsError as error:
            refused[metric.key] = error
    try:
        return decide_bases(
            tables, refunds=bool(counting), refund_basis=refund_basis, presale=presale
        )
    except (MetricError, MissingDataError) as error:
        refused.update({metric.key: error for metric in counting})
        return decide_bases(tables, refunds=False, presale=presale)


def _facts(metric: Metric) -> set[str]:
    return {route.fact for key in metric.measures for route in MEASURES[key]}


def _routes(
    query: Query, metrics: Sequence[Metric], refused: dict[str, EcopsError]
) -> dict[str, list[Route]]:
    routes: dict[str, list[Route]] = {}
    for metric in metrics:
        if metric.key in refused:
            continue
        try:
            routes |= {key: routes_for(key, query, metric=metric.key) for key in metric.measures}
        except EcopsError as error:
            refused[metric.key] = error
    return routes


def _refuse_empty(
    query: Query,
    metrics: Sequence[Metric],
    parts: Mapping[str, Part],
    refused: dict[str, EcopsError],
) -> None:
    """Refuse the metrics of which rows exist, but none tells a part."""
    for metric in metrics:
        held = [parts[key] for key in metric.measures if key in parts]
        empty = next((part for part in held if part.empty), None)
        if empty and metric.key not in refused:
            refused[metric.key] = MissingDataError(empty.refusal(query))


def _assembled(
    metrics: Sequence[Metric], table: pd.DataFrame, query: Query
) -> tuple[pd.DataFrame, list[Note]]:
    """The columns asked for, bounds only where a value is not exact."""
    frame = table[[COLUMNS[name] for name in query.by]].copy()
    notes = []
    for metric in metrics:
        value, low, high = evaluate(metric, table, query=query)
        frame[metric.key] = value
        if (np.isnan(value) & ~np.isnan(low)).any():
            frame[metric.key + LOW] = low
            frame[metric.key + HIGH] = high
            notes.append(Note("bounds", {"about": metric.key, "label": metric.label}))
    return frame, notes


def _notes(query: Query, metrics: Sequence[Metric], parts: Mapping[str, Part]) -> list[Note]:
    labels = {key: m.label for m in reversed(metrics) for key in m.measures}
    labels |= {m.key: m.label for m in metrics}
    notes: list[Note] = []
    spans: dict[tuple[str, Span], None] = {}
    for part in parts.values():
        about = {"about": part.key, "label": labels[part.key], "rows_of": part.fact.tables[0]}
        if part.instead_of:
            notes.append(Note("fallback", {**about, "rows_of": part.fact.name}))
        notes += _part_notes(part, about)
        span = coverage(query, part.fact)
        if span and not part.fact.reported and not _inside(query, span):
            spans[(part.fact.tables[0], span)] = None
    notes += [
        Note("outside", {"rows_of": table, "first": span[0], "last": span[1]})
        for table, span in spans
    ]
    return notes


def _part_notes(part: Part, about: Mapping[str, object]) -> list[Note]:
    if part.fact.reported:
        silent = Note("silent", {**about, "rows_of": part.fact.name})
        return [] if part.rows else [silent]
    if not part.untold or not part.route.told or part.route.pending:
        return []
    if part.key == "buyers":
        return [Note("unknown_buyers", {**about, "count": part.untold})]
    return [Note("untold", {**about, "count": part.untold, "all": part.rows})]


def _inside(query: Query, span: Span) -> bool:
    first, last = query.ends
    return span[0] <= first and last <= span[1]
