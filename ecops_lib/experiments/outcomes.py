"""What a test is judged by: outcomes of one unit, and metrics made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import MetricError
from ecops_lib.core.language import mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ecops_lib.core.formats import Unit

OUTCOMES: Mapping[str, str] = {
    "converted": mark("bought at least once (0 or 1)"),
    "carted": mark("added to the cart (0 or 1)"),
    "visits": mark("visits"),
    "orders": mark("orders paid"),
    "items": mark("pieces paid"),
    "paid_amount": mark("amount paid"),
    "refund_amount": mark("amount refunded"),
    "refunded_orders": mark("orders with a refund"),
    "net_paid_amount": mark("amount paid less refunds"),
}
"""Outcome columns of a unit, within the attribution window."""

COVARIATES: Mapping[str, str] = {
    "previous_orders": mark("orders paid before the test"),
    "previous_amount": mark("amount paid before the test"),
}
"""Columns known before the exposure, which no variant can have changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentMetric:
    """A metric of a test: the mean of an outcome per unit, or a ratio of two outcomes.

    Attributes:
        key: Name in code and columns.
        label: English name, marked.
        numerator: Outcome column above.
        denominator: Outcome column below; empty for "per unit".
        unit: How it is shown.
        good: +1 where more is better, −1 where less is.
        binary: Whether the numerator is 0 or 1 a unit.
        money: Whether a difference per unit is money to the shop.
    """

    key: str
    label: str
    numerator: str
    denominator: str = ""
    unit: Unit = "ratio"
    good: int = 1
    binary: bool = False
    money: bool = False


METRICS: Mapping[str, ExperimentMetric] = {
    metric.key: metric
    for metric in (
        ExperimentMetric(
            key="conversion_rate",
            label=mark("conversion rate"),
            numerator="converted",
            unit="share",
            binary=True,
        ),
        ExperimentMetric(
            key="cart_rate",
            label=mark("add-to-cart rate"),
            numerator="carted",
            unit="share",
            binary=True,
        ),
        ExperimentMetric(
            key="visits_per_visitor", label=mark("visits per visitor"), numerator="visits"
        ),
        ExperimentMetric(
            key="orders_per_visitor", label=mark("orders per visitor"), numerator="orders"
        ),
        ExperimentMetric(
            key="paid_amount_per_visitor",
            label=mark("amount paid per visitor"),
            numerator="paid_amount",
            unit="money",
            money=True,
        ),
        ExperimentMetric(
            key="net_paid_amount_per_visitor",
            label=mark("amount paid less refunds, per visitor"),
            numerator="net_paid_amount",
            unit="money",
            money=True,
        ),
        ExperimentMetric(
            key="average_order_value",
            label=mark("amount paid per order"),
            numerator="paid_amount",
            denominator="orders",
            unit="money",
        ),
        ExperimentMetric(
            key="items_per_order",
            label=mark("pieces per order"),
            numerator="items",
            denominator="orders",
        ),
        ExperimentMetric(
            key="refund_rate",
            label=mark("refund rate by amount"),
            numerator="refund_amount",
            denominator="paid_amount",
            unit="share",
            good=-1,
        ),
        ExperimentMetric(
            key="refunded_order_rate",
            label=mark("share of orders refunded"),
            numerator="refunded_orders",
            denominator="orders",
            unit="share",
            good=-1,
        ),
    )
}
"""Every metric a test can be judged by."""


def metrics_named(names: Iterable[str]) -> tuple[ExperimentMetric, ...]:
    """Metrics by name.

    Raises:
        MetricError: A name is unknown.
    """
    chosen = []
    for name in names:
        if name not in METRICS:
            hint = nearest(name, METRICS) or "."
            raise MetricError(f"{name!r} is no metric of a test; they are {listed(METRICS)}{hint}")
        chosen.append(METRICS[name])
    return tuple(chosen)
