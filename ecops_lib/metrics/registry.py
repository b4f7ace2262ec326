"""The registry of metrics: what each is, and what must not be done with it.

A metric is a value, not a function: measures (see ``metrics.measures``) over measures,
with a unit, the direction that is good, and its additivity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ecops_lib.core.checks import nearest
from ecops_lib.core.errors import MetricError
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import mark, tr

Additivity = Literal["additive", "ratio", "distinct", "snapshot", "cumulative", "score", "duration"]
"""What may be done with values of several groups.

``additive`` values add up. A ``ratio`` or a ``duration`` is computed again from its
parts; a ``distinct`` count has only bounds (max ≤ x ≤ sum); of a ``snapshot`` or a
``cumulative`` value the last counts; a ``score`` is not to be joined at all."""

Better = Literal["up", "down", "none"]

GROUPS: Mapping[str, str] = {
    "money": mark("Money"),
    "traffic": mark("Traffic and conversion"),
    "basket": mark("Basket"),
    "stock": mark("Assortment and inventory"),
    "customers": mark("Customers"),
    "service": mark("Refunds, service, logistics and rating"),
    "ads": mark("Advertising"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of the glossary.

    Attributes:
        key: Name in code and on the command line.
        label: English label, marked for the catalogue.
        group: Key of ``GROUPS``.
        unit: How it is shown.
        better: Which way is good.
        additivity: What may be done with values of several groups.
        formula: The formula in words, marked.
        trap: How it is misread, marked; empty where it hardly can be.
        numerator: Measures that are added.
        less: Measures that are taken off the numerator.
        denominator: Measures that are added below the line.
        under: Measures that are taken off below the line.
        scale: Factor of the quotient (1,000 for "per thousand", 1/60 for hours).
        per_day: Whether the quotient is also multiplied by the days of the period.
        needs: What would be needed, where no canonical table can give it; marked.
    """

    key: str
    label: str
    group: str
    unit: Unit
    better: Better
    additivity: Additivity
    formula: str
    trap: str = ""
    numerator: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    denominator: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    scale: float = 1.0
    per_day: bool = False
    needs: str = ""

    @property
    def measures(self) -> tuple[str, ...]:
        """All measures that it is made of."""
        return self.numerator + self.less + self.denominator + self.under

    @property
    def change_unit(self) -> Unit:
        """The unit of a difference of two values."""
        return "points" if self.unit == "share" else self.unit


def _gathered() -> dict[str, Metric]:
    from ecops_lib.metrics.glossary import (
        ads,
        basket,
        customers,
        money,
        service,
        stock,
        traffic,
    )

    modules = (money, traffic, basket, stock, customers, service, ads)
    return {metric.key: metric for module in modules for metric in module.METRICS}


_metrics: dict[str, Metric] = {}


def all_metrics() -> Mapping[str, Metric]:
    """Every metric by key, in the order of the glossary."""
    if not _metrics:
        _metrics.update(_gathered())
    return _metrics


def metric_named(key: str) -> Metric:
    """The metric of that key.

    Raises:
        MetricError: There is none; the message names the nearest.

    >>> metric_named("conversion_rate").denominator
    ('visitors',)
    """
    known = all_metrics()
    if key not in known:
        hint = nearest(str(key), known)
        raise MetricError(
            f"there is no metric {key!r}{hint or '; the glossary lists all ' + str(len(known))}"
            f"{'' if hint else '.'}"
        )
    return known[key]


def require_computable(metric: Metric) -> None:
    """Refuse a metric that no canonical table can give.

    Raises:
        MetricError: The sentence says what would be needed.
    """
    if metric.needs:
        raise MetricError(
            tr("It cannot be computed here: it needs {needs}.", needs=tr(metric.needs))
        )


def add_up(key: str, values: Iterable[float]) -> float:
    """The sum of a metric over groups, where it may be summed.

    Raises:
        MetricError: It is not additive; the sentence says what to do instead.

    >>> add_up("paid_amount", [1.0, 2.0])
    3.0
    """
    metric = metric_named(key)
    if metric.additivity != "additive":
        raise MetricError(
            tr(
                "{metric} must not be summed: {reason}.",
                metric=tr(metric.label),
                reason=tr(NOT_SUMMED[metric.additivity]),
            )
        )
    return float(sum(values))


NOT_SUMMED: Mapping[str, str] = {
    "ratio": mark("a rate is computed again from its parts, as a ratio of sums"),
    "duration": mark("a duration is computed again, weighted by what it was measured on"),
    "distinct": mark("people counted in two groups may be the same; ask for the whole period"),
    "snapshot": mark("it is a state; the last one counts"),
    "cumulative": mark("it is a running total; the last one counts"),
    "score": mark("it is a score; show each by itself"),
}
