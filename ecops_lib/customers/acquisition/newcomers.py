"""New customers by the channel of their first order: what they bring, and will bring.

Curves are at equal age: what customers have brought, net, up to a month of age, each over
the customers who are that old by the last day. Worth is what the first purchase brings
and what a purchase model expects of the next months.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import narwhals as nw
import numpy as np

from ecops_lib.customers.acquisition.spending import UNTOLD, channel_group
from ecops_lib.customers.cohort_cells import MONTH, with_reach
from ecops_lib.customers.firsts import LEAST, day_number, label_customers
from ecops_lib.customers.lifetime.fit import NEW, LifetimeFit, Model, fit_histories
from ecops_lib.customers.lifetime.forecast import Drift, forecast_total
from ecops_lib.customers.lifetime.likelihood import Floats
from ecops_lib.customers.lifetime.value import WEEKS_A_MONTH, discounted_by_month
from ecops_lib.customers.orders import Frame, OrdersView
from ecops_lib.customers.purchases import Histories
from ecops_lib.customers.shares import Sums
from ecops_lib.data import frames

if TYPE_CHECKING:
    import pandas as pd

EVERYONE = "*"
"""Key of all customers together; no channel's group, for a channel of that name is its own."""
Z = 1.959963984540054
"""97.5 % point of the standard normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomers:
    """New customers of one group of channels.

    Attributes:
        channels: The channels' names; none where the first orders tell none.
        count: Customers whose first purchase fell into the span.
        curve: Customers old enough for each month of age, and the sum and the sum of
            squares of their net amounts up to then; month 0 is the first day.
    """

    channels: frozenset[str]
    count: int
    curve: tuple[Sums, ...]

    def plus(self, other: Newcomers) -> Newcomers:
        """Both groups together."""
        both = zip(self.curve, other.curve, strict=True)
        return Newcomers(
            channels=self.channels | other.channels,
            count=self.count + other.count,
            curve=tuple(Sums(a.n + b.n, a.total + b.total, a.squares + b.squares) for a, b in both),
        )


Basis = Literal["own", "all", "observed"]
"""A model of the group's own customers, one of all customers, or no model: what customers
of the oldest age known have brought, which is a lower bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a new customer is worth, with its 95 % interval [store currency].

    Attributes:
        value: The first purchase and the purchases expected, margin and discount applied.
        low: Lower limit.
        high: Upper limit.
        basis: What it rests on.
    """

    value: float
    low: float
    high: float
    basis: Basis


def count_newcomers(
    view: OrdersView, *, start: dt.date, end: dt.date, months: int
) -> dict[str, Newcomers]:
    """New customers of a span, and what all customers brought by age, by group of channels.

    Args:
        view: Orders up to the last day.
        start: First day of the span.
        end: Last day of the span.
        months: Oldest month of age.
    """
    labels = with_reach(view, label_customers(view, "channel"))
    counts = frames.bring(_new(labels, start, end))
    told = dict(zip(map(_name, counts["cohort"]), counts["customers"], strict=True))
    found: dict[str, Newcomers] = {}
    for row in frames.bring(_curves(view, labels, months)).to_dict("records"):
        name, group = _name(row["cohort"]), channel_group(row["cohort"])
        mine = Newcomers(
            channels=frozenset({name} - {UNTOLD}),
            count=int(told.get(name, 0)),
            curve=tuple(_sums(row, age) for age in range(months + 1)),
        )
        found[group] = found[group].plus(mine) if group in found else mine
    return found


def _name(cohort: object) -> str:
    return cohort if isinstance(cohort, str) else UNTOLD


def _new(labels: Frame, start: dt.date, end: dt.date) -> Frame:
    """Customers by channel whose first day falls into a span."""
    first, last = (dt.datetime.combine(day, dt.time()) for day in (start, end))
    inside = (nw.col("first_day") >= first) & (nw.col("first_day") <= last)
    return labels.filter(inside).group_by("cohort").agg(customers=nw.len())


def _curves(view: OrdersView, labels: Frame, months: int) -> Frame:
    """By channel and age: customers old enough, their net amounts, and the squares of these."""
    later = day_number("day") - day_number("first_day")
    slot = nw.when(later > 0).then((later + MONTH - 1) // MONTH).otherwise(nw.lit(0))
    rows = view.days().join(labels, on="buyer_key", how="inner").with_columns(slot=slot)
    ages = range(months + 1)
    parts = {f"up_{a}": nw.when(nw.col("slot") <= a).then(nw.col("amount")) for a in ages}
    by_buyer = rows.with_columns(**parts).group_by("buyer_key", "cohort", "reach")
    each = by_buyer.agg(*(nw.col(name).sum() for name in parts))
    lived = {f"up_{a}": nw.when(nw.col("reach") >= a).then(nw.col(f"up_{a}")) for a in ages}
    each = each.with_columns(**lived)
    each = each.with_columns(**{f"f_{a}": nw.col(f"up_{a}").cast(nw.Float64) for a in ages})
    squared = each.with_columns(**{f"f_{a}": nw.col(f"f_{a}") * nw.col(f"f_{a}") for a in ages})
    return squared.group_by("cohort").agg(
        *(nw.col(f"up_{a}").count().alias(f"n_{a}") for a in ages),
        *(nw.col(f"up_{a}").sum().alias(f"sum_{a}") for a in ages),
        *(nw.col(f"f_{a}").sum().alias(f"squares_{a}") for a in ages),
    )


def _sums(row: Mapping[object, object], age: int) -> Sums:
    n, total, squares = (float(str(row[f"{name}_{age}"])) for name in ("n", "sum", "squares"))
    return Sums(n, total, squares) if n else Sums(0.0, 0.0, 0.0)


def value_newcomers(
    frame: pd.DataFrame,
    *,
    counts: Mapping[str, int],
    fit: LifetimeFit,
    drift: Drift | None,
    margin: float,
    factors: Floats,
) -> dict[str, Worth]:
    """What a new customer of each group is worth; empty where no purchase model fits.

    A group of too few customers for its own model, or whose model does not fit, has the
    repeat purchases of all customers; its first purchases are its own. The two parts'
    intervals are put together by the method of variance estimates recovery.

    Args:
        frame: Each customer's purchases with the ``group`` of the first one.
        counts: New customers of each group, for whom the interval's chance is.
        fit: The models of all customers.
        drift: What earlier forecasts of all customers got wrong.
        margin: Share of the net amount that remains.
        factors: What money of the first month, the second, … is worth now.

    Returns:
        The groups' worth, and that of all customers under ``EVERYONE``.

    References:
        Zou and Donner (2008), Statistics in Medicine 27, 1693-1702.
    """
    if fit.chosen is None:
        return {}
    everyone = _Later.of(fit.chosen, fit, frame, factors)
    found = {EVERYONE: everyone.worth(frame, sum(counts.values()), drift, margin, "all")}
    for group, held in frame.groupby("group"):
        count = counts.get(str(group), 0)
        own = fit_histories(_histories(held, fit.as_of), models=(fit.chosen.name,))
        if own.chosen:
            later = _Later.of(own.chosen, own, held, factors)
            found[str(group)] = later.worth(held, count, drift, margin, "own")
        else:
            found[str(group)] = everyone.worth(held, count, drift, margin, "all")
    return found


def worth_observed(curve: Sequence[Sums], *, margin: float) -> Worth | None:
    """What customers of the oldest age known have brought, which needs no model.

    Args:
        curve: Customers old enough for each month of age, and their net amounts.
        margin: Share of the net amount that remains.
    """
    age = oldest_known(curve)
    if age < 0:
        return None
    value = margin * curve[age].mean
    half = margin * Z * float(np.sqrt(curve[age].error))
    return Worth(value=value, low=value - half, high=value + half, basis="observed")


def oldest_known(curve: Sequence[Sums]) -> int:
    """The oldest month of age that enough customers have lived; -1 for none."""
    return max((age for age, held in enumerate(curve) if held.n >= LEAST), default=-1)


def _histories(frame: pd.DataFrame, as_of: dt.date) -> Histories:
    """The customers counted by history."""
    tx = (frame["last_day"] - frame["first_day"]).dt.days
    told = frame.assign(x=frame["purchases"] - 1, tx=tx, T=frame["age"])
    sums = told.groupby(["x", "tx", "T"], as_index=False).agg(customers=("buyer_key", "size"))
    return Histories(frame=sums, as_of=as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Later:
    """A new customer's later purchases, as customers of one kind make them.

    Attributes:
        model: Their purchase model.
        weeks: How far ahead.
        history_weeks: Age of the oldest of them.
        purchases: Purchases expected, discounted.
        amount: Net amount of one, a ratio of sums [store currency].
        error: Standard error of the amount, relative to it.
    """

    model: Model
    weeks: float
    history_weeks: float
    purchases: float
    amount: float
    error: float

    @classmethod
    def of(cls, model: Model, fit: LifetimeFit, frame: pd.DataFrame, factors: Floats) -> _Later:
        """From the customers that the model was fitted to."""
        x = frame["purchases"].to_numpy(float) - 1
        again = (frame["net_amount"] - frame["first_amount"]).to_numpy(float)
        amount = float(again.sum() / x.sum())
        spread = _error(again - amount * x) / float(x.mean())
        return cls(
            model=model,
            weeks=len(factors) * WEEKS_A_MONTH,
            history_weeks=float(fit.history.T.max()),
            purchases=float(discounted_by_month(model, NEW, factors=factors)[1][0]),
            amount=amount,
            error=abs(spread / amount) if amount else 0.0,
        )

    def worth(
        self, own: pd.DataFrame, count: int, drift: Drift | None, margin: float, basis: Basis
    ) -> Worth:
        """With the first purchases of ``own`` customers, the mean of so many new ones."""
        low, value, high = self._interval(max(1, count), drift)
        first = own["first_amount"].to_numpy(float)
        mean, wide = float(first.mean()), Z * _error(first)
        return Worth(
            value=margin * (mean + value),
            low=margin * (mean + value - float(np.hypot(wide, value - low))),
            high=margin * (mean + value + float(np.hypot(wide, high - value))),
            basis=basis,
        )

    def _interval(self, count: int, drift: Drift | None) -> tuple[float, float, float]:
        """Lower limit, value and upper limit of what the later purchases bring."""
        new = replace(NEW, customers=np.array([float(count)]))
        total = forecast_total(self.model, new, weeks=self.weeks)
        if drift is not None:
            beyond = drift.at(weeks=self.weeks, history_weeks=self.history_weeks)
            total = replace(total, drift=beyond, degrees=drift.degrees)
        value = self.purchases * self.amount
        low, high = sorted(total.plus(self.error).scaled(value).interval())
        return low, value, high


def _error(values: Floats) -> float:
    """Standard error of a mean; 0 for one value, whose spread is not known."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
