"""What the shop's own tables tell of a coming test: base values, variances, traffic.

Two units can be had. *Visitors*: platforms tell only how many there were a day, not who
they were, so the unit is one visitor on one day, whose outcome is what a buyer paid that
day; a test that knows its visitors again will have fewer of them, each worth more.
*Customers*: those who bought in the year before a day, and what they did after it; for
tests of messages and coupons, with earlier purchases as covariates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import listed, require_between, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.data import frames
from ecops_lib.data.store import Store
from ecops_lib.experiments.facts import sum_cells
from ecops_lib.experiments.inference.adjustment import Column, linearise
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import COVARIATES, ExperimentMetric

if TYPE_CHECKING:
    import pandas as pd

Frame = nw.LazyFrame[Any]
UnitKind = Literal["visitor", "customer"]

ORDER = ["platform", "order_id"]
LOOKBACK_DAYS = 365
"""Days before a test in which a customer must have bought to be one of its units."""

CREATED_BEFORE = dt.timedelta(days=60)
"""How long before its payment an order may have been placed (pre-sales)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Units of the past, as a test would have met them.

    Attributes:
        unit: Visitors of a day, or customers.
        start: First day.
        end: Last day.
        moments: Outcomes (and covariates) of a unit.
        daily_units: Units new to a test on each day; for customers all on the first day.
    """

    unit: UnitKind
    start: dt.date
    end: dt.date
    moments: Moments
    daily_units: pd.Series[float]

    def value(self, metric: ExperimentMetric) -> tuple[float, float]:
        """A metric's value and the variance of one unit (linearised for a ratio).

        Raises:
            MissingDataError: The history does not hold an outcome of the metric.
        """
        held = linearise(self.moments, [self._outcome(metric)])
        return float(held.mean[0]), float(held.cov[0, 0])

    def explained(self, metric: ExperimentMetric) -> float:
        """Share of the metric's variance that earlier purchases explain (R²); 0 for visitors.

        CUPED takes that share away: Deng, Xu, Kohavi & Walker 2013, eq. 5.
        """
        known = [name for name in COVARIATES if name in self.moments.columns]
        if not known:
            return 0.0
        cov = linearise(self.moments, [self._outcome(metric), *known]).cov
        if not cov[0, 0] > 0:
            return 0.0
        slopes = np.linalg.pinv(cov[1:, 1:], hermitian=True) @ cov[1:, 0]
        return float(np.clip(slopes @ cov[1:, 0] / cov[0, 0], 0.0, 1.0))

    def _outcome(self, metric: ExperimentMetric) -> Column:
        needed = [name for name in (metric.numerator, metric.denominator) if name]
        if missing := [name for name in needed if name not in self.moments.columns]:
            raise MissingDataError(
                f"the {self.unit}s' history has no {listed(missing)}, which {metric.key!r} needs; "
                f"it has {listed(self.moments.columns)}."
            )
        return (needed[0], needed[1]) if metric.denominator else needed[0]


def collect_visitors(store: Store, *, start: dt.date, end: dt.date) -> History:
    """Visitor-days of a period: the shop's daily visitors, and what buyers did that day.

    Only platforms and days whose visitors are told count; refunds are those known today.

    Raises:
        MissingDataError: The store has no orders or no visitors in the period.
        ParameterError: The period ends before it starts.
    """
    require_span(start, end)
    store.require("orders", "traffic")
    told = (
        frames.lazy(store.scan("traffic", start=start, end=end), name="traffic")
        .filter(
            nw.col("scope") == "shop",
            nw.col("day") >= start,
            nw.col("day") <= end,
            nw.col("visitors") > 0,
        )
        .group_by("platform", "day")
        .agg(nw.col("visitors").max().cast(nw.Float64))
    )
    daily = frames.bring(told.group_by("day").agg(nw.col("visitors").sum()), sort=["day"])
    if daily.empty:
        raise MissingDataError(
            f"traffic tells no visitors of the shop from {start} to {end}; choose other days."
        )
    visits = told.select("platform", nw.col("day").cast(nw.Datetime).alias("day"))
    rows = _by_unit(_paid_orders(store, start, end).join(visits, on=["platform", "day"]), ["day"])
    series = daily.set_index("day")["visitors"]
    return History(
        unit="visitor",
        start=start,
        end=end,
        moments=_with_idle(rows, int(series.sum())),
        daily_units=series,
    )


def collect_customers(store: Store, *, end: dt.date, window_days: int = 7) -> History:
    """Customers of the year before a window, and what they did in it.

    Args:
        store: The store.
        end: Last day of the window.
        window_days: Days in which their orders count [days].

    Raises:
        MissingDataError: The store has no orders, or none by known buyers in that year.
        ParameterError: The window is impossible.
    """
    import pandas as pd

    require_between(window_days, 1, 365, name="window_days")
    store.require("orders")
    start = end - dt.timedelta(days=window_days - 1)
    known_from = start - dt.timedelta(days=LOOKBACK_DAYS)
    orders = _paid_orders(store, known_from, end).filter(nw.col("known"))
    before = orders.filter(nw.col("day") < start).group_by("platform", "unit")
    units = before.agg(
        nw.len().cast(nw.Float64).alias("previous_orders"),
        nw.col("paid_amount").sum().alias("previous_amount"),
    )
    after = _by_unit(orders.filter(nw.col("day") >= start), [])
    joined = units.join(after, on=["platform", "unit"], how="left")
    names = [*_outcomes(after), *COVARIATES]
    moments = _moments(joined.select(nw.col(name).fill_null(0.0) for name in names), names)
    if not moments.n:
        raise MissingDataError(
            f"no order of a known buyer is paid from {known_from} to {start}; choose another end."
        )
    return History(
        unit="customer",
        start=start,
        end=end,
        moments=moments,
        daily_units=pd.Series([float(moments.n)], index=pd.DatetimeIndex([start], name="day")),
    )


def _paid_orders(store: Store, start: dt.date, end: dt.date) -> Frame:
    """Orders paid in a period, one row each, with its unit, day, pieces and refunds."""
    since = start - CREATED_BEFORE
    held = frames.lazy(store.scan("orders", start=since, end=end), name="orders")
    paid = held.filter(frames.within("paid_at", start, end, store.zone)).select(
        *ORDER,
        nw.when(nw.col("buyer_key").is_null())
        .then(nw.col("order_id"))
        .otherwise(nw.col("buyer_key"))
        .alias("unit"),
        (~nw.col("buyer_key").is_null()).alias("known"),
        frames.local_day("paid_at", start, end, store.zone).alias("day"),
        nw.col("paid_amount").cast(nw.Float64).fill_null(0.0),
    )
    if store.has("order_items"):
        lines = frames.lazy(store.scan("order_items", start=since, end=end), name="order_items")
        pieces = lines.group_by(ORDER).agg(nw.col("quantity").sum().cast(nw.Float64).alias("items"))
        paid = paid.join(pieces, on=ORDER, how="left").with_columns(nw.col("items").fill_null(0.0))
    if store.has("refunds"):
        claims = frames.lazy(store.scan("refunds"), name="refunds")
        back = (
            claims.filter(nw.col("status") == "success")
            .group_by(ORDER)
            .agg(nw.col("amount").sum().cast(nw.Float64).alias("refund_amount"))
        )
        amount = nw.col("refund_amount").fill_null(0.0)
        paid = paid.join(back, on=ORDER, how="left").with_columns(amount)
    return paid


def _by_unit(orders: Frame, more: Sequence[str]) -> Frame:
    """One row a unit that bought: its outcomes."""
    names = orders.collect_schema().names()
    sums = [name for name in ("paid_amount", "items", "refund_amount") if name in names]
    ones = orders.with_columns(one=nw.lit(1.0))
    refunded = []
    if "refund_amount" in names:
        back = nw.when(nw.col("refund_amount") > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
        ones = ones.with_columns(back=back)
        refunded = [nw.col("back").sum().alias("refunded_orders")]
    held = ones.group_by("platform", "unit", *more).agg(
        nw.col("one").max().alias("converted"),
        nw.col("one").sum().alias("orders"),
        *(nw.col(name).sum() for name in sums),
        *refunded,
    )
    if refunded:
        net = nw.col("paid_amount") - nw.col("refund_amount")
        held = held.with_columns(net_paid_amount=net)
    return held


def _outcomes(rows: Frame) -> list[str]:
    keys = {"platform", "unit", "day"}
    return [name for name in rows.collect_schema().names() if name not in keys]


def _moments(rows: Frame, names: Sequence[str]) -> Moments:
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i:]]
    sums = sum_cells(
        rows.with_columns(all=nw.lit(1)),
        keys=["all"],
        columns=names,
        wanted=pairs,
        centres=dict.fromkeys(names, 0.0),
    ).frame
    products = np.zeros((len(names), len(names)))
    if sums.empty:
        return Moments.of_sums(names, 0, products[0], products)
    row = sums.iloc[0]
    for a, b in pairs:
        i, j = names.index(a), names.index(b)
        products[i, j] = products[j, i] = row[f"{a}*{b}"]
    return Moments.of_sums(names, int(row["n"]), [row[name] for name in names], products)


def _with_idle(buyers: Frame, units: int) -> Moments:
    """Moments of all units, those that bought nothing being 0 throughout."""
    held = _moments(buyers.select(_outcomes(buyers)), _outcomes(buyers))
    n = max(units, held.n)
    if not held.n:
        return Moments.of_sums(held.columns, n, held.mean * 0, held.cov * 0)
    sums = held.mean * held.n
    within = held.cov * (held.n - 1) if held.n > 1 else np.zeros(held.cov.shape)
    return Moments.of_sums(held.columns, n, sums, within + np.outer(sums, sums) / held.n)
