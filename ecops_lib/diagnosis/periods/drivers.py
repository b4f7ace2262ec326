"""Why did a period's sales change? Visitors, conversion, units, mix, price, refunds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.errors import MetricError, MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data.calendar.periods import Period, Span
from ecops_lib.data.frames import bring
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.periods.figures import PeriodFigures
from ecops_lib.diagnosis.split import round_to_sum, split_sales
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart
    from ecops_lib.diagnosis.split import Numbers

DRIVERS: Mapping[str, tuple[str, Unit]] = {
    "visitors": (mark("visitors (days added)"), "count"),
    "conversion": (mark("conversion"), "share"),
    "buyers": (mark("buyers (days added)"), "count"),
    "units": (mark("units a buyer"), "ratio"),
    "mix": (mark("mix of products (mean price a unit)"), "money"),
    "price": (mark("price of the same products"), "money"),
    "other": (mark("postage and what no line tells"), "money"),
}


COSTED = 0.95
"""Share of the units whose products must have a cost for a margin to be told."""

TOLD = 3
"""Drivers named in the sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """One thing that makes sales.

    Attributes:
        key: Key of ``DRIVERS``.
        before: Its value then.
        after: Its value now.
        part: What it made of the change [store currency, whole cents].
    """

    key: str
    before: float
    after: float
    part: float

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return tr(DRIVERS[self.key][0])

    @property
    def unit(self) -> Unit:
        """How its values are shown."""
        return DRIVERS[self.key][1]


@dataclass(frozen=True, kw_only=True, eq=False)
class SalesDrivers(Result):
    """The change of a period's sales, split without a remainder.

    Attributes:
        period: The period.
        before: Amount paid in the days before [store currency, whole cents].
        after: Amount paid in the period.
        drivers: What made the change; their parts add up to it to the cent.
        refunds: Amount refunded in the days before and in the period; NaN where not told.
        costs: Cost of the units paid for, at the products' listed cost; NaN where less than
            ``COSTED`` of the units have one.
        reason: Why there is nothing to show; empty where there is something.
    """

    units: ClassVar[Mapping[str, Unit]] = {"part": "money"}
    labels: ClassVar[Mapping[str, str]] = {
        "driver": mark("What"),
        "before": mark("Days before"),
        "after": mark("This period"),
        "part": mark("Its part of the change"),
    }
    sheet: ClassVar[str] = mark("What made the change")

    period: Period
    before: float = float("nan")
    after: float = float("nan")
    drivers: tuple[Driver, ...] = ()
    refunds: tuple[float, float] = (float("nan"), float("nan"))
    costs: tuple[float, float] = (float("nan"), float("nan"))
    reason: str = ""

    def absent(self) -> str:
        """Why the change cannot be split, if so."""
        return self.reason

    @property
    def change(self) -> float:
        """The change of the amount paid [whole cents]."""
        return round(self.after - self.before, 2)

    def to_frame(self) -> pd.DataFrame:
        """One row a driver, then what was paid, refunded and left."""
        import pandas as pd

        rows: list[list[object]] = [
            [d.label, show(d.before, d.unit), show(d.after, d.unit), d.part] for d in self.drivers
        ]
        sums = [(tr("amount paid"), self.before, self.after, self.change)]
        then, now = self.refunds
        if not (is_missing(then) or is_missing(now)):
            left = round(self.change - (now - then), 2)
            sums.append((tr("refunded"), then, now, round(then - now, 2)))
            sums.append((tr("left after refunds"), self.before - then, self.after - now, left))
            sums += self._margin(self.before - then, self.after - now)
        rows += [[name, show(a, "money"), show(b, "money"), part] for name, a, b, part in sums]
        return pd.DataFrame(rows, columns=list(self.labels))

    def _margin(self, then: float, now: float) -> list[tuple[str, float, float, float]]:
        """What goods cost and what is left, where unit costs are told."""
        cost, costs = self.costs
        if is_missing(cost) or is_missing(costs):
            return []
        less, left = round(cost - costs, 2), round((now - costs) - (then - cost), 2)
        return [
            (tr("cost of the goods paid for (listed unit costs)"), cost, costs, less),
            (tr("left after refunds and goods"), then - cost, now - costs, left),
        ]

    def findings(self) -> tuple[Finding, ...]:
        """The drivers that made most of the change."""
        if self.reason:
            return ()
        ordered = sorted(self.drivers, key=lambda d: (-abs(d.part), d.key))
        parts = [
            tr("{factor} {money}", factor=d.label, money=show(d.part, "money", sign=True))
            for d in ordered
            if d.part
        ][:TOLD]
        numbers = {d.key: d.part for d in self.drivers}
        if not parts:
            text = tr("As much was paid as in {before}.", before=self.period.before_words())
            return (Finding(key="drivers", level="info", text=text, evidence=numbers),)
        text = tr(
            "The change of {change} comes most of all from {parts}.",
            change=show(self.change, "money", sign=True),
            parts=tr(", ").join(parts),
        )
        return (Finding(key="drivers", level="info", text=text, evidence=numbers),)

    def chart(self) -> Chart:
        """From the days before to the period, driver by driver."""
        import pandas as pd

        from ecops_lib.core.bars import waterfall_chart

        rows = [(d.label, d.part) for d in self.drivers]
        return waterfall_chart(
            pd.DataFrame(rows, columns=["name", "value"]),
            caption=tr("What made the change of the amount paid"),
            unit="money",
            start=(tr("days before"), self.before),
            end=(tr("this period"), self.after),
        )


def split_period(history: History, period: Period, figures: PeriodFigures) -> SalesDrivers:
    """Split a period's change of sales among what made it (see ``split.split_sales``).

    Visitors × conversion × units a buyer × the mean price, which moves with the mix of products
    and with the price of each; buyers stand in for the first two where visitors are not told.
    What the orders hold beyond their lines (postage, lines not told) is a part of its own.

    Args:
        history: The days before, up to the period's last one.
        period: The period.
        figures: Its key figures, for refunds.

    Returns:
        The drivers; absent where orders or their lines do not tell both periods.
    """
    try:
        sold = _products(history, period)
    except (MissingDataError, MetricError) as error:
        return SalesDrivers(period=period, reason=str(error))
    spans = (period.before, (period.first, period.last))
    rows = [history.shop.loc[str(a) : str(b)] for a, b in spans]
    paid = [round(float(held["paid_amount"].sum()), 2) for held in rows]
    counts = _counts(rows)
    if not all(min(held) > 0 for held in counts) or not (sold.units.sum(axis=0) > 0).all():
        words = tr("There are no sales in {before} to compare with.", before=period.before_words())
        return SalesDrivers(period=period, reason=words)
    lines = sold.amounts.sum(axis=0)
    parts = [*split_sales(counts[0], counts[1], sold.units, sold.amounts)]
    parts.append((paid[1] - lines[1]) - (paid[0] - lines[0]))
    cents = round_to_sum(parts, paid[1] - paid[0])
    refunds = figures["net_paid_amount"]
    return SalesDrivers(
        period=period,
        before=paid[0],
        after=paid[1],
        drivers=_drivers(counts, sold, paid, cents),
        refunds=(paid[0] - refunds.before, paid[1] - refunds.value),
        costs=_costs(history, sold),
    )


def _drivers(
    counts: list[list[float]], sold: Sold, paid: list[float], cents: tuple[float, ...]
) -> tuple[Driver, ...]:
    """Values of the drivers beside their parts."""
    units, lines = sold.units.sum(axis=0), sold.amounts.sum(axis=0)
    values = [_values(*one) for one in zip(counts, units, lines, paid, strict=True)]
    leads = ("visitors", "conversion") if len(counts[0]) == 2 else ("buyers",)
    keys = (*leads, "units", "mix", "price", "other")
    return tuple(
        Driver(key=key, before=then, after=now, part=part)
        for key, then, now, part in zip(keys, *values, cents, strict=True)
    )


def _values(counts: list[float], units: float, lines: float, paid: float) -> list[float]:
    """The drivers' values in one period; the price of the same products has none by itself."""
    lead = [counts[0], *(counts[k] / counts[k - 1] for k in range(1, len(counts)))]
    mean = float(lines / units)
    return [*lead, float(units / counts[-1]), mean, float("nan"), round(paid - float(lines), 2)]


def _counts(rows: list[pd.DataFrame]) -> list[list[float]]:
    """Visitors and buyers of both spans, added over days; buyers alone where days lack visitors."""
    told = all(bool(held["visitors"].notna().all()) for held in rows)
    names = ["visitors", "buyers"] if told else ["buyers"]
    return [[float(held[name].sum()) for name in names] for held in rows]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sold:
    """Units and amounts by product, then (column 0) and now (column 1)."""

    products: tuple[str, ...]
    units: Numbers
    amounts: Numbers


def _products(history: History, period: Period) -> Sold:
    import pandas as pd

    held = [_sold(history, span) for span in (period.before, (period.first, period.last))]
    both = pd.concat(held, axis=1, keys=[0, 1]).fillna(0.0).swaplevel(axis=1)
    return Sold(
        products=tuple(map(str, both.index)),
        units=both["paid_units"].to_numpy(float),
        amounts=both["paid_amount"].to_numpy(float),
    )


def _sold(history: History, span: Span) -> pd.DataFrame:
    found = measure(
        history.tables.source, ["paid_units", "paid_amount"], start=span[0], end=span[1],
        by=("product",),
    ).to_frame()  # fmt: skip
    found["product_id"] = found["product_id"].fillna("")
    return found.groupby("product_id")[["paid_units", "paid_amount"]].sum().astype(float)


def _costs(history: History, sold: Sold) -> tuple[float, float]:
    """Cost of the units of both spans; NaN where too few of them have a cost."""
    import numpy as np

    nothing = (float("nan"), float("nan"))
    if not history.has("products"):
        return nothing
    listed = bring(history.tables.lazy("products").select("product_id", "unit_cost"))
    cost = listed.groupby("product_id")["unit_cost"].max().reindex(sold.products).to_numpy(float)
    known = np.where(np.isnan(cost)[:, None], 0.0, sold.units).sum(axis=0)
    if not (known >= COSTED * sold.units.sum(axis=0)).all():
        return nothing
    then, now = (np.nan_to_num(cost)[:, None] * sold.units).sum(axis=0)
    return round(float(then), 2), round(float(now), 2)
