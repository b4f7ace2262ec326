"""Totals with intervals: chance, parameters, and what earlier forecasts got wrong.

A fitted model knows two kinds of error: chance (each customer's purchases given the
parameters) and the parameters' own. On real shops both are too small, for all
customers share seasons, campaigns and prices that no purchase model holds. That third
error, the drift, is measured inside the history alone: the model is fitted at earlier
days and its forecast set against what followed up to ``as_of``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.lifetime.fit import WEEK, LifetimeFit, Model, fit_histories
from ecops_lib.customers.lifetime.future import expected_purchases, purchase_variance
from ecops_lib.customers.lifetime.likelihood import Floats, History
from ecops_lib.customers.purchases import Cohorts, count_histories, sum_cohorts
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
ORIGINS = (1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8)
"""Earlier days at which the model is tried, as shares of the days known."""
LEAST_ORIGINS = 3
"""Earlier forecasts without which the drift is not told."""
STEP = 1e-4
"""Step of a logarithm of a parameter for the slope of a total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum over customers with its relative errors.

    Attributes:
        value: What is expected.
        chance: Standard error by chance, relative to the value.
        parameters: Standard error of the parameters, relative to the value.
        drift: Standard error that earlier forecasts add, relative to the value; NaN
            where the history is too short to tell.
        degrees: Degrees of freedom of the drift.
    """

    value: float
    chance: float
    parameters: float
    drift: float
    degrees: float

    @property
    def error(self) -> float:
        """All standard errors together, relative to the value."""
        drift = 0.0 if np.isnan(self.drift) else self.drift
        return float(np.sqrt(self.chance**2 + self.parameters**2 + drift**2))

    def plus(self, error: float) -> Total:
        """With another independent standard error, relative to the value."""
        return replace(self, parameters=float(np.hypot(self.parameters, error)))

    def scaled(self, value: float) -> Total:
        """The same relative errors about another value."""
        return replace(self, value=value)

    def interval(self, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Limits on the logarithmic scale, for a total cannot fall below nothing.

        The drift is known from few forecasts, so the normal quantile gives way to that
        of Student's t with Welch's and Satterthwaite's degrees of freedom.

        References:
            Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
        """
        from scipy.stats import norm, t

        require_between(confidence, 0, 1, name="confidence", ends="open")
        upper = (1 + confidence) / 2
        wide = norm.ppf(upper)
        if self.drift > 0:
            wide = t.ppf(upper, self.degrees * (self.error / self.drift) ** 4)
        factor = float(np.exp(wide * self.error))
        ends = self.value / factor, self.value * factor
        return min(ends), max(ends)


@dataclass(frozen=True, kw_only=True, eq=False)
class Drift(Result):
    """What forecasts at earlier days got wrong, with what followed up to ``as_of``.

    Attributes:
        frame: One row an earlier day: ``origin``, ``history`` and ``horizon`` [days],
            ``expected`` and ``actual`` repeat purchases, ``error`` (logarithm of actual
            over expected) and ``spread`` (its standard error by chance and parameters).
        as_of: Last local day that counts.
        variance: Variance of the error beyond chance and parameters for a horizon as
            long as the history; NaN where too few earlier forecasts could be made.
    """

    sheet: ClassVar[str] = mark("Earlier forecasts")
    units: ClassVar[Mapping[str, Unit]] = {
        "origin": "day",
        "history": "days",
        "horizon": "days",
        "expected": "count",
        "actual": "count",
        "error": "share",
        "spread": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "origin": mark("Forecast made on"),
        "history": mark("Days known"),
        "horizon": mark("Days ahead"),
        "expected": mark("Repeat purchases expected"),
        "actual": mark("Repeat purchases made"),
        "error": mark("Error (logarithm)"),
        "spread": mark("Error by chance and parameters"),
    }

    frame: pd.DataFrame
    as_of: dt.date
    variance: float

    @property
    def degrees(self) -> float:
        """Degrees of freedom: as many as forecasts whose days do not overlap."""
        return float(max(1, len(self.frame) // 2))

    def at(self, *, weeks: float, history_weeks: float) -> float:
        """Standard error of a forecast beyond chance and parameters, relative."""
        return float(np.sqrt(self.variance * weeks / history_weeks))

    def to_frame(self) -> pd.DataFrame:
        """One row an earlier day."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """How far earlier forecasts were off, or that none could be made."""
        if np.isnan(self.variance):
            text = tr(
                "The history is too short to try the model at earlier days, so its interval "
                "holds chance and parameters only and is too narrow."
            )
            return (Finding(key="lifetime/drift", level="watch", text=text),)
        typical = float(np.sqrt((self.frame["error"] ** 2).mean()))
        text = tr(
            "Tried on {count} earlier days, the model's totals missed what followed by {off} "
            "(root mean square); intervals are widened by that.",
            count=show(len(self.frame), "count"),
            off=show(typical, "share"),
        )
        numbers = {"tried": float(len(self.frame)), "error": typical}
        return (Finding(key="lifetime/drift", level="info", text=text, evidence=numbers),)


def measure_drift(
    source: Source,
    *,
    as_of: dt.date | str,
    fit: LifetimeFit,
    cohorts: Cohorts | None = None,
    time_zone: str | None = None,
) -> Drift:
    """Fit the chosen model at earlier days and set its forecasts against what followed.

    Where it has no maximum at an earlier day, NBD stands in for it. No day after
    ``as_of`` is looked at. The error beyond chance and parameters is taken to grow with
    the horizon over the history, as that of a random walk does.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        fit: The model to try.
        cohorts: Purchases by first day and day up to ``as_of``, if summed already.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        ParameterError: No model was chosen.
    """
    import pandas as pd

    if fit.chosen is None:
        raise ParameterError("fit has no chosen model; a fallback has no drift to measure.")
    last = as_day(as_of, name="as_of")
    held = cohorts or sum_cohorts(source, as_of=last, time_zone=time_zone)
    first = held.frame["first_day"].min().date()
    span = (last - first).days
    rows = []
    for share in ORIGINS:
        origin = first + dt.timedelta(days=round(share * span))
        row = _try_origin(source, origin, fit.chosen, held, time_zone)
        if row:
            rows.append({"origin": pd.Timestamp(origin), "history": (origin - first).days, **row})
    frame = pd.DataFrame(rows, columns=list(Drift.labels))
    variance = float("nan")
    if len(frame) >= LEAST_ORIGINS:
        relative = frame["horizon"] / frame["history"]
        beyond = (frame["error"] ** 2 - frame["spread"] ** 2).sum() / relative.sum()
        variance = max(0.0, float(beyond))
    return Drift(frame=frame, as_of=last, variance=variance)


def _try_origin(
    source: Source, origin: dt.date, model: Model, cohorts: Cohorts, time_zone: str | None
) -> dict[str, float] | None:
    """Expected and actual from one earlier day; nothing where no model could be had."""
    try:
        histories = count_histories(source, as_of=origin, time_zone=time_zone)
    except MissingDataError:
        return None
    earlier = fit_histories(histories, models=(model.name, "nbd"))
    found = next((held for held in earlier.models if held.reached), None)
    actual = repeats_between(cohorts, origin, cohorts.as_of)
    days = (cohorts.as_of - origin).days
    if found is None or not actual or not days:
        return None
    total = forecast_total(found, earlier.history, weeks=days / WEEK)
    return {
        "horizon": float(days),
        "expected": total.value,
        "actual": float(actual),
        "error": float(np.log(actual / total.value)),
        "spread": total.error,
    }


def repeats_between(cohorts: Cohorts, after: dt.date, until: dt.date) -> int:
    """Purchases after a day and until another, of customers who first bought by the first."""
    import pandas as pd

    frame, start = cohorts.frame, pd.Timestamp(after)
    known = (frame["first_day"] <= start) & (frame["day"] > start)
    return int(frame.loc[known & (frame["day"] <= pd.Timestamp(until)), "buyers"].sum())


def forecast_total(
    model: Model,
    history: History,
    *,
    weeks: float,
    worth: Floats | None = None,
    drift: Drift | None = None,
) -> Total:
    """The purchases that customers will make in the next weeks, with their errors.

    Args:
        model: A fitted model.
        history: The customers, in weeks.
        weeks: How far ahead.
        worth: What a purchase of each group is worth; 1 each by default.
        drift: What earlier forecasts got wrong.
    """
    each = history.customers * (1.0 if worth is None else worth)

    def total(theta: Floats) -> float:
        return float(each @ expected_purchases(model.name, np.exp(theta), history, horizon=weeks))

    at = np.log(model.params)
    value = total(at)
    slope = np.array([(total(at + e) - total(at - e)) / (2 * STEP) for e in STEP * np.eye(len(at))])
    weight = each**2 / np.where(history.customers > 0, history.customers, 1.0)
    spread = purchase_variance(model.name, model.params, history, horizon=weeks)
    extra = float("nan")
    if drift is not None:
        extra = drift.at(weeks=weeks, history_weeks=float(history.T.max()))
    return Total(
        value=value,
        chance=float(np.sqrt(weight @ spread)) / value,
        parameters=float(np.sqrt(slope @ model.covariance @ slope)) / value,
        drift=extra,
        degrees=drift.degrees if drift is not None else float("nan"),
    )
