"""What each customer is worth from now on, and all of them with an interval."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.lifetime.ages import MONTH, AgeGrid, age_grid
from ecops_lib.customers.lifetime.fit import MODELS, WEEK, LifetimeFit, Model, fit_histories
from ecops_lib.customers.lifetime.forecast import (
    CONFIDENCE,
    STEP,
    Drift,
    forecast_total,
    measure_drift,
)
from ecops_lib.customers.lifetime.likelihood import Floats, History, ModelName
from ecops_lib.customers.lifetime.spend import SpendFit, fit_spend
from ecops_lib.customers.orders import Apart
from ecops_lib.customers.purchases import Histories, sum_cohorts, sum_purchases
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

WEEKS_A_MONTH = 365.25 / 12 / 7
YEAR_DAYS = 365
TENTHS = 10
Limits = Callable[[npt.NDArray[np.bool_]], tuple[float, float]]
DRAWS = 400
"""Bootstrap draws of the cohorts, where no model is used."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomerValues(Result):
    """Customers' worth from now on.

    Attributes:
        customers: One row a buyer, sorted by key: ``buyer_key``, ``alive`` (probability;
            NaN without a model), ``purchases`` expected, ``amount`` of one [store
            currency], ``value``: margin of all of them, discounted [store currency].
        as_of: Last local day that counts.
        months: How far ahead.
        value: Sum of the values [store currency]; NaN where nothing can be told.
        low: Lower limit of the sum, at 95 %.
        high: Upper limit.
        limits: Lower and upper limit of the sum of some customers' values, at 95 %, given
            which rows of ``customers`` they are.
        fit: The purchase models.
        spend: The model of amounts.
        drift: What earlier forecasts got wrong; None without a model.
        apart: What belongs to no buyer.
        untold: Customers whose next months no cohort is old enough to tell; 0 with a model.
    """

    sheet: ClassVar[str] = mark("Customers' value")
    units: ClassVar[Mapping[str, Unit]] = {
        "tenth": "count",
        "customers": "count",
        "alive": "share",
        "purchases": "number",
        "value": "money",
        "share": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "tenth": mark("Tenth of the customers, by value"),
        "customers": mark("Customers"),
        "alive": mark("Likely still active"),
        "purchases": mark("Purchases expected"),
        "value": mark("Expected margin"),
        "share": mark("Share of the value"),
    }

    customers: pd.DataFrame
    as_of: dt.date
    months: int
    value: float
    low: float
    high: float
    limits: Limits
    fit: LifetimeFit
    spend: SpendFit
    drift: Drift | None
    apart: Apart
    untold: int

    def to_frame(self) -> pd.DataFrame:
        """One row a tenth of the customers, the most valuable first."""
        ranked = self.customers.sort_values(["value", "buyer_key"], ascending=[False, True])
        tenth = np.arange(len(ranked)) * TENTHS // len(ranked) + 1
        held = ranked.assign(tenth=tenth).groupby("tenth")
        frame = held.agg(
            customers=("value", "size"),
            alive=("alive", "mean"),
            purchases=("purchases", "sum"),
            value=("value", "sum"),
        ).reset_index()
        return frame.assign(share=frame["value"] / (self.value or np.nan))

    def findings(self) -> tuple[Finding, ...]:
        """What all customers are worth, on what it rests, and what stands apart."""
        rest = self.drift.findings() if self.drift else ()
        return (self._told(), *self._limits(), *self.fit.findings(), *self.spend.findings(), *rest,
                *self.apart.findings())  # fmt: skip

    def _told(self) -> Finding:
        if np.isnan(self.value):
            text = tr(
                "What these customers will bring cannot be told: none has been known for "
                "{days}, and no purchase model is used.",
                days=show(MONTH, "days"),
            )
            return Finding(key="lifetime/value", level="watch", text=text)
        words = {
            "customers": show(len(self.customers), "count"),
            "value": show(self.value, "money"),
            "months": show(self.months, "count"),
            "low": show(self.low, "money"),
            "high": show(self.high, "money"),
            "share": show(self.to_frame()["share"].iloc[0], "share"),
        }
        if not self.value > 0:
            text = tr(
                "The {customers} known customers are expected to bring {value} of margin in the "
                "next {months} months.",
                **words,
            )
        elif self.untold:
            text = tr(
                "The {customers} known customers are expected to bring at least {value} of margin "
                "in the next {months} months ({low} to {high}); the most valuable tenth brings "
                "{share} of it.",
                **words,
            )
        else:
            text = tr(
                "The {customers} known customers are expected to bring {value} of margin in the "
                "next {months} months ({low} to {high}); the most valuable tenth brings {share} "
                "of it.",
                **words,
            )
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return Finding(key="lifetime/value", level="info", text=text, evidence=numbers)

    def _limits(self) -> tuple[Finding, ...]:
        """What the history is too short for."""
        found = []
        if self.untold and not np.isnan(self.value):
            text = tr(
                "For {count} customers no cohort is old enough to tell all of the next {months} "
                "months; months that are not told count as nothing.",
                count=show(self.untold, "count"),
                months=show(self.months, "count"),
            )
            numbers = {"customers": float(self.untold)}
            found.append(Finding(key="lifetime/untold", level="watch", text=text, evidence=numbers))
        known = float(self.fit.history.T.max()) * WEEK
        if known < YEAR_DAYS:
            text = tr(
                "Only {days} are known, less than a year: a season that has not been seen yet is "
                "in no forecast and in no interval.",
                days=show(known, "days"),
            )
            numbers = {"days": known}
            found.append(Finding(key="lifetime/season", level="watch", text=text, evidence=numbers))
        return tuple(found)

    def chart(self) -> Chart | None:
        """Value by tenth of the customers."""
        frame = self.to_frame()
        if not self.value > 0:
            return None
        return bar_chart(
            frame.assign(name=frame["tenth"].astype(str)),
            caption=tr("Value by tenth of the customers"),
            unit="money",
        )


def value_customers(
    source: Source,
    *,
    as_of: dt.date | str,
    margin: float,
    months: int = 12,
    monthly_discount: float = 0.01,
    models: Iterable[ModelName] = tuple(MODELS),
    rng: np.random.Generator | None = None,
    time_zone: str | None = None,
) -> CustomerValues:
    """Value each known buyer's purchases of the next months.

    With a purchase model that fits, value is expected purchases times expected amount
    times margin, each month discounted; otherwise it is what customers of equal age
    have brought, and the findings say so.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        margin: Share of the net amount that remains after goods and service, 0 to 1.
        months: How many months ahead, at least 1.
        monthly_discount: What money loses a month, such as 0.01.
        models: The purchase models to try.
        rng: Draws for the interval where no model is used; seeded by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    require_between(margin, 0, 1, name="margin")
    require_between(monthly_discount, 0, 1, name="monthly_discount")
    if months < 1:
        raise ParameterError(f"months is {months!r}; it must be at least 1.")
    cohorts = sum_cohorts(source, as_of=last, time_zone=time_zone)
    bought = sum_purchases(source, as_of=last, time_zone=time_zone)
    people = _People(bought.frame)
    fit = fit_histories(Histories(frame=people.histories, as_of=last), models=models)
    spend = fit_spend(people.count, people.mean)
    drift, factors = None, (1 + monthly_discount) ** -np.arange(1.0, months + 1)
    untold = 0
    if fit.chosen:
        drift = measure_drift(source, as_of=last, fit=fit, cohorts=cohorts, time_zone=time_zone)
        frame, limits = _by_model(people, fit.chosen, spend, drift, factors * margin)
    else:
        draws = rng or np.random.default_rng(0)
        frame, limits, untold = _by_age(people, age_grid(cohorts), factors * margin, draws)
    low, high = limits(np.ones(len(frame), dtype=bool))
    return CustomerValues(
        customers=frame,
        as_of=last,
        months=months,
        value=float(frame["value"].sum(skipna=False)),
        low=low,
        high=high,
        limits=limits,
        fit=fit,
        spend=spend,
        drift=drift,
        apart=bought.apart,
        untold=untold,
    )


class _People:
    """Customers as arrays, and the histories that they share."""

    def __init__(self, frame: pd.DataFrame) -> None:
        import pandas as pd

        self.keys = frame["buyer_key"]
        self.count = frame["purchases"].to_numpy(float) - 1
        again = (frame["net_amount"] - frame["first_amount"]).to_numpy(float)
        self.mean: Floats = again / np.maximum(self.count, 1)
        self.age = frame["age"].to_numpy()
        tx = (frame["last_day"] - frame["first_day"]).dt.days.to_numpy()
        wide = int(self.age.max()) + 1
        packed = (self.count.astype(np.int64) * wide + tx) * wide + self.age
        kinds, self.place, sizes = np.unique(packed, return_inverse=True, return_counts=True)
        rest, age = np.divmod(kinds, wide)
        x, last = np.divmod(rest, wide)
        self.histories = pd.DataFrame({"x": x, "tx": last, "T": age, "customers": sizes})

    @property
    def history(self) -> History:
        """Each kind of history once, in weeks."""
        held = self.histories.to_numpy(float).T
        return History(x=held[0], tx=held[1] / WEEK, T=held[2] / WEEK, customers=held[3])


def discounted_by_month(
    model: Model, history: History, *, factors: Floats, weeks_a_month: float = WEEKS_A_MONTH
) -> tuple[Floats, Floats]:
    """Purchases expected of each group: as they are, and each month times its factor.

    Args:
        model: A fitted model.
        history: The customers, in weeks.
        factors: What a purchase counts in the first month, the second, …
        weeks_a_month: Weeks of a month.
    """
    before, worth = np.zeros(len(history)), np.zeros(len(history))
    for month, factor in enumerate(factors, 1):
        until = model.expect(history, weeks=month * weeks_a_month)
        worth += (until - before) * factor
        before = until
    return before, worth


def _by_model(
    people: _People, model: Model, spend: SpendFit, drift: Drift, factors: Floats
) -> tuple[pd.DataFrame, Limits]:
    import pandas as pd

    kinds = people.history
    purchases, worth = discounted_by_month(model, kinds, factors=factors)
    amount = spend.expect(people.count, people.mean)
    value = worth[people.place] * amount
    each = purchases[people.place]
    frame = pd.DataFrame(
        {
            "buyer_key": people.keys,
            "alive": model.alive(kinds)[people.place],
            "purchases": each,
            "amount": amount,
            "value": value,
        }
    )

    def limits(mine: npt.NDArray[np.bool_]) -> tuple[float, float]:
        """Of the sum of some customers; the drift is taken to be that of all."""
        place = people.place[mine]
        sizes = np.bincount(place, minlength=len(kinds)).astype(float)
        paid = np.bincount(place, weights=amount[mine], minlength=len(kinds))
        held = forecast_total(
            model,
            replace(kinds, customers=sizes),
            weeks=len(factors) * WEEKS_A_MONTH,
            worth=np.divide(paid, sizes, out=np.zeros_like(paid), where=sizes > 0),
            drift=drift,
        )
        extra = _spend_error(spend, people.count[mine], people.mean[mine], each[mine])
        extra /= max(float(each[mine] @ amount[mine]), 1e-300)
        return held.plus(extra).scaled(float(value[mine].sum())).interval()

    return frame, limits


def _spend_error(spend: SpendFit, count: Floats, mean: Floats, purchases: Floats) -> float:
    """Standard error that amounts add to the total: their chance and their parameters."""
    if spend.reason:
        return 0.0

    def total(theta: Floats) -> float:
        held = replace(spend, params=np.exp(theta))
        return float(purchases @ held.expect(count, mean))

    at = np.log(spend.params)
    slope = np.array([(total(at + e) - total(at - e)) / (2 * STEP) for e in STEP * np.eye(3)])
    chance = spend.variance(count, mean, purchases).sum()
    return float(np.sqrt(chance + slope @ spend.covariance @ slope))


def _by_age(
    people: _People, grid: AgeGrid, factors: Floats, rng: np.random.Generator
) -> tuple[pd.DataFrame, Limits, int]:
    """What customers of equal age brought; the interval draws whole cohorts again."""
    import pandas as pd

    month = people.age // MONTH
    whole = np.ones(len(grid.sizes))
    value = _ahead(grid.mean(grid.amounts, whole), factors)[month]
    purchases = _ahead(grid.mean(grid.buyers, whole), np.ones(len(factors)))[month]
    frame = pd.DataFrame(
        {
            "buyer_key": people.keys,
            "alive": np.nan,
            "purchases": purchases,
            "amount": np.divide(value, purchases, out=np.zeros_like(value), where=purchases > 0)
            / factors.mean(),
            "value": value,
        }
    )
    if not grid.months:
        nothing = frame.assign(purchases=np.nan, amount=np.nan, value=np.nan)
        return nothing, lambda _: (np.nan, np.nan), len(frame)
    draws = rng.multinomial(len(whole), np.full(len(whole), 1 / len(whole)), size=DRAWS)
    means = (grid.mean(grid.amounts, drawn) for drawn in draws.astype(float))
    ahead = np.array([_ahead(np.nan_to_num(mean), factors) for mean in means])

    def limits(mine: npt.NDArray[np.bool_]) -> tuple[float, float]:
        totals = ahead @ np.bincount(month[mine], minlength=grid.months + 1)
        low, high = np.quantile(totals, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)

    return frame, limits, int((month + len(factors) > grid.months).sum())


def _ahead(by_month: Floats, factors: Floats) -> Floats:
    """Sum of the next months from each age; months that no cohort tells count nothing."""
    longer = np.concatenate([by_month, np.zeros(len(factors))])
    windows = np.lib.stride_tricks.sliding_window_view(longer[1:], len(factors))
    held: Floats = windows[: len(by_month)] @ factors
    return held
