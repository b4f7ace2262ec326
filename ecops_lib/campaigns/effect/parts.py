"""Where a campaign's sales came from: the sale, the days about it, sister products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.campaigns.effect.series import DailySeries
from ecops_lib.campaigns.lift import Lift, estimate_lift
from ecops_lib.campaigns.lift.panel import Floats
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import tr

LEAST_LINES = 0.5
"""Order lines a day below which a sister product is not tested: nothing could be seen."""

MOST_SISTERS = 20
"""Sister products tested, those that sell most: each more makes every claim harder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sister:
    """What the campaign did to a product that it did not promote.

    Attributes:
        product_id: Product.
        name: Its title.
        lines: Order lines added during the sale; below 0 taken away.
        low: Least number of lines that fits.
        high: Greatest number that fits.
        amount: The same in money at what a line usually brings [store currency].
        p_value: Two-sided, as if it were the only one.
        adjusted: The same for so many sisters (Holm).
    """

    product_id: str
    name: str
    lines: float
    low: float
    high: float
    amount: float
    p_value: float
    adjusted: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """The lifts of a campaign.

    Attributes:
        sale: Paid amount of the promoted products while it sold.
        units: The same in units.
        before: Paid amount of the promoted products in the days before.
        after: The same in the days after; None where none has come by ``as_of``.
        sisters: Sister products tested, the surest first.
    """

    sale: Lift
    units: Lift
    before: Lift
    after: Lift | None
    sisters: tuple[Sister, ...]


def find_parts(series: DailySeries, *, alpha: float) -> Parts:
    """Estimate the lift of each part by the same method.

    Sisters come first: one that the campaign moved is no control of the others.
    """
    sisters = _sisters(series, alpha)
    moved = {sister.product_id for sister in sisters if sister.adjusted < alpha}
    apart = np.array([product in moved for product in series.products])

    def lift(values: Floats, window: slice, unit: Unit, name: str) -> Lift:
        controls, names = series.groups(values, without=apart)
        whole = values[:, series.promoted].sum(axis=1)
        panel = series.panel(whole, window, controls, names)
        return estimate_lift(panel, alpha=alpha, unit=unit, name=name)

    sale = lift(series.amount, series.sale, "money", tr("Paid amount while it sold"))
    after, aftermath = series.after, tr("Paid amount in the days after")
    return Parts(
        sale=sale,
        units=lift(series.units, series.sale, "number", tr("Units while it sold")),
        before=lift(series.amount, series.before, "money", tr("Paid amount in the days before")),
        after=lift(series.amount, after, "money", aftermath) if after.start < after.stop else None,
        sisters=sisters if sale.credible else (),
    )


def _sisters(series: DailySeries, alpha: float) -> tuple[Sister, ...]:
    usual = series.usual
    mean = series.lines[usual].mean(axis=0)
    places = np.flatnonzero(series.sisters & (mean >= LEAST_LINES))
    places = places[np.argsort(-mean[places], kind="stable")][:MOST_SISTERS]
    found = []
    for place in places:
        alone = np.arange(len(series.products)) == place
        controls, names = series.groups(series.lines, without=alone)
        panel = series.panel(series.lines[:, place], series.sale, controls, names)
        lift = estimate_lift(panel, alpha=alpha, unit="number")
        if lift.credible:
            found.append((int(place), lift))
    found.sort(key=lambda pair: pair[1].p_value)
    adjusted = adjust_holm(np.array([lift.p_value for _, lift in found]))
    return tuple(
        Sister(
            product_id=series.products[place],
            name=series.names[place],
            lines=lift.effect,
            low=lift.low,
            high=lift.high,
            amount=lift.effect * _value(series, place),
            p_value=lift.p_value,
            adjusted=float(value),
        )
        for (place, lift), value in zip(found, adjusted, strict=True)
    )


def _value(series: DailySeries, place: int) -> float:
    """Paid for an order line of a product on ordinary days."""
    usual = series.usual
    lines = series.lines[usual, place].sum()
    return float(series.amount[usual, place].sum() / lines) if lines else 0.0


def adjust_holm(p_values: Floats) -> Floats:
    """Holm's adjusted p-values of sorted ones.

    References:
        Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    >>> adjust_holm(np.array([0.01, 0.02, 0.5])).tolist()
    [0.03, 0.04, 0.5]
    """
    left = len(p_values) - np.arange(len(p_values))
    return np.asarray(np.minimum(1.0, np.maximum.accumulate(p_values * left)))
