"""A forecast set against what came: fitted up to one day, judged on the days after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, interval_chart, line_chart
from ecops_lib.core.checks import as_day, require_span
from ecops_lib.core.errors import EcopsError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.lifetime.fit import COUNTS, MODELS, WEEK, LifetimeFit, Model, fit_histories
from ecops_lib.customers.lifetime.forecast import Drift, Total, forecast_total, measure_drift
from ecops_lib.customers.lifetime.future import (
    expected_purchases,
    median_purchases,
    purchase_variance,
)
from ecops_lib.customers.lifetime.likelihood import Floats, History, ModelName
from ecops_lib.customers.purchases import (
    Cohorts,
    Histories,
    count_purchases,
    sum_cohorts,
    sum_purchases,
)
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

NORMAL = 1.96
"""Half width of a 95 % interval of a mean, in standard errors."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HoldoutCheck(Result):
    """A forecast of repeat purchases and what came.

    Attributes:
        groups: One row a number of repeat purchases up to the split (the last row takes 7
            and more together): ``x``, ``customers``, ``expected`` and ``actual`` purchases
            a customer afterwards, ``low`` and ``high`` of actual less expected.
        tracking: One row a week's last day: cumulative repeat purchases ``expected`` of
            these customers and ``actual``; the forecast begins after ``split``.
        split: Last day that the models were fitted to.
        end: Last day judged.
        fit: The models, fitted up to the split.
        drift: What still earlier forecasts got wrong, measured before the split.
        total: Purchases expected after the split.
        actual: Purchases made.
        mean_error: Mean absolute error of each customer's expected purchases.
        median_error: The same of each customer's median, which makes it least.
        root_error: Root mean square error of the expected purchases, which makes it least.
    """

    sheet: ClassVar[str] = mark("Forecast and truth")
    units: ClassVar[Mapping[str, Unit]] = {
        "x": "text",
        "customers": "count",
        "expected": "ratio",
        "actual": "ratio",
        "low": "ratio",
        "high": "ratio",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "x": mark("Repeat purchases before"),
        "customers": mark("Customers"),
        "expected": mark("Expected afterwards, a customer"),
        "actual": mark("Made, a customer"),
        "low": mark("Made less expected, at least"),
        "high": mark("at most"),
    }

    groups: pd.DataFrame
    tracking: pd.DataFrame
    split: dt.date
    end: dt.date
    fit: LifetimeFit
    drift: Drift
    total: Total
    actual: int
    mean_error: float
    median_error: float
    root_error: float

    @property
    def covered(self) -> bool:
        """Whether the purchases made lie inside the total's 95 % interval."""
        low, high = self.total.interval()
        return low <= self.actual <= high

    def to_frame(self) -> pd.DataFrame:
        """One row a number of repeat purchases before the split."""
        return self.groups

    def findings(self) -> tuple[Finding, ...]:
        """Whether the total was met, and how far single customers were off."""
        low, high = self.total.interval()
        words = {
            "split": show(self.split, "day"),
            "end": show(self.end, "day"),
            "expected": show(self.total.value, "count"),
            "low": show(low, "count"),
            "high": show(high, "count"),
            "actual": show(self.actual, "count"),
        }
        if self.covered:
            text = tr(
                "Fitted up to {split}, {expected} repeat purchases were expected until {end} "
                "({low} to {high}); {actual} were made, which is inside the interval.",
                **words,
            )
        else:
            text = tr(
                "Fitted up to {split}, {expected} repeat purchases were expected until {end} "
                "({low} to {high}); {actual} were made, which is outside: do not rely on the "
                "model's totals for this shop.",
                **words,
            )
        errors = tr(
            "Customer by customer, the expected purchases are off by {mean} on average and the "
            "median by {median}: use the median for a single customer, the expectation for sums.",
            mean=show(self.mean_error, "ratio"),
            median=show(self.median_error, "ratio"),
        )
        numbers = {"expected": self.total.value, "low": low, "high": high, "actual": self.actual}
        single = {"mean_error": self.mean_error, "median_error": self.median_error}
        return (
            Finding(
                key="holdout/total",
                level="good" if self.covered else "bad",
                text=text,
                evidence=numbers,
            ),
            Finding(key="holdout/customers", level="info", text=errors, evidence=single),
        )

    def chart(self) -> Chart | None:
        """Cumulative repeat purchases by week, made and expected."""
        return line_chart(
            self.tracking,
            caption=tr("Repeat purchases since the start, made and expected"),
            unit="count",
            labels={"actual": tr("Made"), "expected": tr("Expected")},
            value="actual",
            compare="expected",
            marked={self.tracking["day"].iloc[self._split_row()].date(): tr("forecast begins")},
        )

    def _split_row(self) -> int:
        import pandas as pd

        return int((self.tracking["day"] <= pd.Timestamp(self.split)).sum()) - 1

    def calibration_chart(self) -> Chart:
        """Purchases made less expected, by repeat purchases before the split."""
        gap = self.groups["actual"] - self.groups["expected"]
        return interval_chart(
            self.groups.assign(gap=gap),
            caption=tr("Purchases a customer, made less expected, by repeat purchases before"),
            unit="ratio",
            better=["up"] * len(self.groups),
            name="x",
            value="gap",
        )


def check_holdout(
    source: Source,
    *,
    split: dt.date | str,
    end: dt.date | str,
    models: Iterable[ModelName] = tuple(MODELS),
    time_zone: str | None = None,
) -> HoldoutCheck:
    """Fit up to a day, forecast the days after it, and set that against what came.

    Nothing after ``split`` is used for the forecast or its interval.

    Args:
        source: A store, or tables of any engine by canonical name.
        split: Last local day that the models are fitted to.
        end: Last local day judged.
        models: The models to try.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        EcopsError: No model could be fitted up to the split; the sentence says why.
        MissingDataError: No known buyer has bought by the split.
        ParameterError: The end lies before the split.
    """
    before, last = as_day(split, name="split"), as_day(end, name="end")
    require_span(before + dt.timedelta(days=1), last)
    frame = sum_purchases(source, as_of=before, time_zone=time_zone).frame
    each = Histories(
        frame=frame.assign(
            x=frame["purchases"] - 1,
            tx=(frame["last_day"] - frame["first_day"]).dt.days,
            T=frame["age"],
            customers=1,
        ),
        as_of=before,
    )
    fit = fit_histories(each, models=models)
    if fit.chosen is None:
        raise EcopsError(f"no purchase model can be checked: {fit.reason}")
    drift = measure_drift(source, as_of=before, fit=fit, time_zone=time_zone)
    later = count_purchases(source, after=before, until=last, time_zone=time_zone)
    made = frame["buyer_key"].map(later).fillna(0).to_numpy(float)
    weeks = (last - before).days / WEEK
    expected = fit.chosen.expect(fit.history, weeks=weeks)
    median = median_purchases(fit.chosen.name, fit.chosen.params, fit.history, horizon=weeks)
    cohorts = sum_cohorts(source, as_of=last, time_zone=time_zone)
    return HoldoutCheck(
        groups=_groups(fit.chosen, fit.history, weeks, expected, made),
        tracking=_track(fit.chosen, cohorts, before),
        split=before,
        end=last,
        fit=fit,
        drift=drift,
        total=forecast_total(fit.chosen, fit.history, weeks=weeks, drift=drift),
        actual=int(made.sum()),
        mean_error=float(np.abs(expected - made).mean()),
        median_error=float(np.abs(median - made).mean()),
        root_error=float(np.sqrt(((expected - made) ** 2).mean())),
    )


def _groups(
    model: Model, history: History, weeks: float, expected: Floats, made: Floats
) -> pd.DataFrame:
    """Expected and made purchases by number of repeat purchases before."""
    import pandas as pd

    spread = purchase_variance(model.name, model.params, history, horizon=weeks)
    held = pd.DataFrame(
        {"x": np.minimum(history.x, COUNTS), "expected": expected, "actual": made, "spread": spread}
    ).groupby("x")
    sums = held.agg(
        customers=("expected", "size"),
        expected=("expected", "mean"),
        actual=("actual", "mean"),
        spread=("spread", "mean"),
    ).reset_index()
    half = NORMAL * np.sqrt(sums["spread"] / sums["customers"])
    gap = sums["actual"] - sums["expected"]
    names = [f"{int(x)}+" if x == COUNTS else f"{int(x)}" for x in sums["x"]]
    frame = sums.assign(x=names, low=gap - half, high=gap + half)
    return frame[list(HoldoutCheck.labels)]


def _track(model: Model, cohorts: Cohorts, split: dt.date) -> pd.DataFrame:
    """Cumulative repeat purchases by week of the customers known at the split."""
    import pandas as pd

    frame = cohorts.frame.loc[cohorts.frame["first_day"] <= pd.Timestamp(split)]
    own = frame["day"] == frame["first_day"]
    firsts, sizes = frame.loc[own, "first_day"], frame.loc[own, "buyers"].to_numpy(float)
    last = pd.Timestamp(cohorts.as_of)
    days = pd.DatetimeIndex([*pd.date_range(firsts.min(), last, freq="7D")[1:-1], last])
    ages = (days.to_numpy()[:, None] - firsts.to_numpy()[None, :]) / np.timedelta64(7, "D")
    lived, place = np.unique(np.maximum(ages, 0.0), return_inverse=True)
    zero = np.zeros_like(lived)
    new = History(x=zero, tx=zero, T=zero, customers=zero)
    by_age = expected_purchases(model.name, model.params, new, horizon=lived)
    later = frame.loc[~own].sort_values("day")
    made = np.append(0.0, later["buyers"].to_numpy(float).cumsum())
    reached = np.searchsorted(later["day"].to_numpy(), days.to_numpy(), side="right")
    return pd.DataFrame(
        {
            "day": days,
            "expected": by_age[place.reshape(ages.shape)] @ sizes,
            "actual": made[reached],
        }
    )
