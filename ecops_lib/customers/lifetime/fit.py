"""Fit purchase models to how often and how lately customers bought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.checks import require_choice
from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.lifetime.future import expected_purchases, purchase_chances
from ecops_lib.customers.lifetime.likelihood import (
    Floats,
    History,
    ModelName,
    alive,
    log_likelihood,
)
from ecops_lib.customers.lifetime.maximise import Maximum, maximise
from ecops_lib.customers.purchases import Histories, count_histories
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

MODELS: Mapping[ModelName, str] = {
    "bg": mark("BG/NBD"),
    "mbg": mark("MBG/NBD"),
    "pareto": mark("Pareto/NBD"),
    "nbd": mark("NBD (nobody leaves)"),
}
PARAMETERS: Mapping[ModelName, tuple[str, ...]] = {
    "bg": ("r", "alpha", "a", "b"),
    "mbg": ("r", "alpha", "a", "b"),
    "pareto": ("r", "alpha", "s", "beta"),
    "nbd": ("r", "alpha"),
}

WEEK = 7.0
"""Days of the models' unit of time."""
YEAR = 52.0
LEAST_AGAIN = 30
"""Customers who bought again, below which four parameters are not fitted."""
MOST_MISPLACED = 0.05
"""Share of customers in a wrong purchase count above which a model does not fit."""
THINNED = 10_000
"""Groups from which the search for the parameters begins where there are many more."""
COUNTS = 7
"""Repeat purchases told one by one in the check of fit; more are taken together."""
NEW = History(x=np.zeros(1), tx=np.zeros(1), T=np.zeros(1), customers=np.ones(1))
"""A customer on the day of the first purchase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One fitted model; time in weeks.

    Attributes:
        name: ``bg``, ``mbg``, ``pareto`` or ``nbd``.
        params: (r, alpha, a, b), (r, alpha, s, beta) or (r, alpha).
        log_likelihood: At the parameters.
        covariance: Of the parameters' logarithms; NaN without a maximum.
        reached: Whether the likelihood has an inside maximum.
        counts: Customers seen with 0, 1, … 7 and more repeat purchases, of shape (8,).
        fitted: The same as the model expects them, of shape (8,); NaN without a maximum.
    """

    name: ModelName
    params: Floats
    log_likelihood: float
    covariance: Floats
    reached: bool
    counts: Floats
    fitted: Floats

    @property
    def errors(self) -> Floats:
        """Standard errors of the parameters (delta method from their logarithms)."""
        held: Floats = np.sqrt(np.diag(self.covariance)) * self.params
        return held

    @property
    def aic(self) -> float:
        """Akaike's information criterion: less is better."""
        return 2 * (len(self.params) - self.log_likelihood)

    @property
    def misplaced(self) -> float:
        """Share of customers whose purchase count the model puts elsewhere."""
        return float(np.abs(self.counts - self.fitted).sum() / 2 / self.counts.sum())

    @property
    def label(self) -> str:
        """The model's name in the reader's language."""
        return tr(MODELS[self.name])

    def expect(self, history: History, *, weeks: float) -> Floats:
        """Purchases that each group of customers will make in the next weeks."""
        return expected_purchases(self.name, self.params, history, horizon=weeks)

    def alive(self, history: History) -> Floats:
        """Probability that each group of customers is still active."""
        return alive(self.name, self.params, history)


@dataclass(frozen=True, kw_only=True, eq=False)
class LifetimeFit(Result):
    """Purchase models fitted to one group of customers.

    Attributes:
        models: Every model tried.
        chosen: The one of least AIC that has a maximum and fits; None where there is
            none, and then ``reason`` says why.
        history: The customers, in weeks.
        as_of: Last local day that counts.
        reason: Why no model is used; empty where one is.
    """

    sheet: ClassVar[str] = mark("Purchase models")
    units: ClassVar[Mapping[str, Unit]] = {
        "value": "number",
        "error": "number",
        "log_likelihood": "number",
        "misplaced": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "model": mark("Model"),
        "parameter": mark("Parameter"),
        "value": mark("Estimate"),
        "error": mark("Standard error"),
        "log_likelihood": mark("Log-likelihood"),
        "misplaced": mark("Customers in a wrong purchase count"),
    }

    models: tuple[Model, ...]
    chosen: Model | None
    history: History
    as_of: dt.date
    reason: str = ""

    @property
    def customers(self) -> float:
        """How many customers the models were fitted to."""
        return float(self.history.customers.sum())

    def to_frame(self) -> pd.DataFrame:
        """One row a model and parameter."""
        import pandas as pd

        rows = [
            (model.label, name, value, error, model.log_likelihood, model.misplaced)
            for model in self.models
            for name, value, error in zip(
                PARAMETERS[model.name], model.params, model.errors, strict=True
            )
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """What the customers are like, or why no model is used."""
        lost = [self._lost(model) for model in self.models if not model.reached]
        if self.chosen is None:
            text = tr(
                "No purchase model is used: {reason} Values rest on what customers of equal age "
                "have brought.",
                reason=self.reason,
            )
            return (Finding(key="lifetime/fit", level="watch", text=text), *lost)
        return (self._told(self.chosen), *lost)

    def _told(self, model: Model) -> Finding:
        year = float(model.expect(NEW, weeks=YEAR)[0])
        active = float(model.alive(self.history) @ self.history.customers) / self.customers
        text = tr(
            "{model} fits best: a new customer is expected to buy again on {again} days within "
            "a year, and {active} of the {customers} customers are likely still active.",
            model=model.label,
            again=show(year, "number"),
            active=show(active, "share"),
            customers=show(self.customers, "count"),
        )
        numbers = {"again_a_year": year, "active": active, "customers": self.customers}
        return Finding(key="lifetime/fit", level="info", text=text, evidence=numbers)

    def _lost(self, model: Model) -> Finding:
        text = tr(
            "{model} found no best parameters for these customers and is left out.",
            model=model.label,
        )
        return Finding(key=f"lifetime/lost/{model.name}", level="info", text=text)


def fit_lifetime(
    source: Source,
    *,
    as_of: dt.date | str,
    models: Iterable[ModelName] = tuple(MODELS),
    time_zone: str | None = None,
) -> LifetimeFit:
    """Fit purchase models to all known buyers by maximum likelihood.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        models: The models to try; of those that have a maximum and fit, the one of
            least AIC is chosen.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    return fit_histories(count_histories(source, as_of=as_of, time_zone=time_zone), models=models)


def fit_histories(
    histories: Histories, *, models: Iterable[ModelName] = tuple(MODELS)
) -> LifetimeFit:
    """Fit purchase models to counted histories; see ``fit_lifetime``.

    Standard errors come from the exact Hessian.

    Raises:
        ColumnError: A history is impossible or missing.
        ParameterError: A model is unknown.
    """
    history = to_history(histories.frame)
    reason = _too_little(history)
    tried: tuple[Model, ...] = ()
    if not reason:
        tried = tuple(_fit_model(name, history) for name in models)
        reason = _none_fits(tried)
    fitting = [m for m in tried if m.reached and m.misplaced <= MOST_MISPLACED]
    return LifetimeFit(
        models=tried,
        chosen=None if reason else min(fitting, key=lambda m: m.aic),
        history=history,
        as_of=histories.as_of,
        reason=reason,
    )


def to_history(frame: pd.DataFrame) -> History:
    """Counted histories in days as arrays in weeks.

    Raises:
        ColumnError: A value is missing or impossible.
    """
    x, tx, age, n = (frame[name].to_numpy(float) for name in ("x", "tx", "T", "customers"))
    for name, values in (("x", x), ("tx", tx), ("T", age), ("customers", n)):
        if not (np.isfinite(values) & (values >= 0)).all():
            raise ColumnError(
                f"column {name!r} of the histories holds a missing or negative value."
            )
    if (x != np.floor(x)).any():
        raise ColumnError("column 'x' of the histories counts purchases; it must be whole.")
    if not ((tx <= age) & ((x > 0) | (tx == 0))).all():
        raise ColumnError(
            "a history has its last purchase after its age, or a time without a repeat purchase; "
            "tx must lie between 0 and T, and be 0 where x is 0."
        )
    return History(x=x, tx=tx / WEEK, T=age / WEEK, customers=n)


def _too_little(history: History) -> str:
    again = int(history.customers[history.x > 0].sum())
    if again < LEAST_AGAIN:
        return ntr(
            "only {again} customer has bought again, and {least} are needed.",
            "only {again} customers have bought again, and {least} are needed.",
            again,
            again=show(again, "count"),
            least=show(LEAST_AGAIN, "count"),
        )
    return ""


def _none_fits(tried: tuple[Model, ...]) -> str:
    reached = [model for model in tried if model.reached]
    if not reached:
        return tr("none of the models found best parameters for these customers.")
    best = min(reached, key=lambda model: model.misplaced)
    if best.misplaced <= MOST_MISPLACED:
        return ""
    return tr(
        "even {model} puts {share} of the customers at a wrong number of purchases, and more "
        "than {most} is no fit.",
        model=best.label,
        share=show(best.misplaced, "share"),
        most=show(MOST_MISPLACED, "share"),
    )


def _fit_model(name: ModelName, history: History) -> Model:
    require_choice(name, MODELS, name="models")
    n = history.customers
    last = history.T.max() if name == "pareto" else 2.0
    start = np.array([0.5, 0.5 * (n @ history.T) / (n @ history.x), 1.0, last])
    start = start[: len(PARAMETERS[name])]
    if not (start > 0).all():
        raise ParameterError("every customer has age 0; choose a later as_of.")
    found = _maximise(name, history, start)
    seen = np.bincount(np.minimum(history.x, COUNTS).astype(int), weights=n, minlength=COUNTS + 1)
    nothing = np.full(COUNTS + 1, np.nan)
    return Model(
        name=name,
        params=found.params,
        log_likelihood=found.log_likelihood,
        covariance=found.covariance,
        reached=found.reached,
        counts=seen.astype(float),
        fitted=_expected_counts(name, found.params, history) if found.reached else nothing,
    )


def _maximise(name: ModelName, history: History, start: Floats) -> Maximum:
    """The maximum; many groups begin where a part of them has its own."""
    stride = len(history) // THINNED
    if stride > 1:
        part = _maximise(name, history.part(slice(None, None, stride)), start)
        start = part.params if part.reached else start
    return maximise(
        lambda params: log_likelihood(name, params, history),
        start=start,
        customers=float(history.customers.sum()),
    )


def _expected_counts(name: ModelName, params: Floats, history: History) -> Floats:
    """Customers with 0, 1, … repeat purchases as expected at their ages."""
    ages, place = np.unique(history.T, return_inverse=True)
    zero = np.zeros_like(ages)
    sizes = np.bincount(place, weights=history.customers).astype(float)
    new = History(x=zero, tx=zero, T=zero, customers=sizes)
    chances = purchase_chances(name, params, new, horizon=ages, most=COUNTS - 1)
    expected = np.column_stack([chances, 1 - chances.sum(axis=1)])
    held: Floats = sizes @ expected
    return held
