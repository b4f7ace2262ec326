"""Gamma-Gamma: what a purchase of each customer is worth, shrunk to what all spend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.errors import ColumnError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.lifetime.likelihood import Floats, Likelihood
from ecops_lib.customers.lifetime.maximise import maximise

if TYPE_CHECKING:
    import pandas as pd

LEAST_BUYERS = 30
"""Customers with repeat purchases, below which three parameters are not fitted."""
MOST_CORRELATED = 0.3
"""Rank correlation of amount and number of purchases above which the model's
assumption, that they are independent, is said not to hold."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SpendFit(Result):
    """Amount of a purchase: Gamma with scale nu ~ Gamma(q, v) that differs by customer.

    Attributes:
        params: (p, q, v); v in store currency. NaN where no model is used.
        errors: Their standard errors.
        log_likelihood: At the parameters.
        covariance: Of the parameters' logarithms.
        customers: Customers with repeat purchases that the model was fitted to.
        left_out: Customers whose repeat purchases net to nothing or less.
        mean: Mean amount of a repeat purchase, a ratio of sums [store currency].
        correlation: Rank correlation of number and mean amount of purchases.
        reason: Why no model is used; empty where one is.
    """

    sheet: ClassVar[str] = mark("Amount of a purchase")
    units: ClassVar[Mapping[str, Unit]] = {"value": "number", "error": "number"}
    labels: ClassVar[Mapping[str, str]] = {
        "parameter": mark("Parameter"),
        "value": mark("Estimate"),
        "error": mark("Standard error"),
    }

    params: Floats
    errors: Floats
    log_likelihood: float
    covariance: Floats
    customers: int
    left_out: int
    mean: float
    correlation: float
    reason: str = ""

    @property
    def population_mean(self) -> float:
        """Mean amount of a purchase of a customer not seen yet: p v / (q - 1)."""
        p, q, v = self.params
        return float(p * v / (q - 1))

    def to_frame(self) -> pd.DataFrame:
        """One row a parameter."""
        import pandas as pd

        return pd.DataFrame(
            {"parameter": ["p", "q", "v"], "value": self.params, "error": self.errors}
        )

    def findings(self) -> tuple[Finding, ...]:
        """What a purchase is worth, and what stands against the model."""
        found = [self._told()]
        if self.left_out:
            text = ntr(
                "{count} customer whose repeat purchases net to nothing is left out of it.",
                "{count} customers whose repeat purchases net to nothing are left out of it.",
                self.left_out,
                count=show(self.left_out, "count"),
            )
            found.append(Finding(key="spend/left_out", level="info", text=text))
        if abs(self.correlation) > MOST_CORRELATED:
            text = tr(
                "Who buys more often also spends differently on each purchase (rank correlation "
                "{correlation}), which Gamma-Gamma takes not to be so.",
                correlation=show(self.correlation, "ratio"),
            )
            numbers = {"correlation": self.correlation}
            found.append(Finding(key="spend/related", level="watch", text=text, evidence=numbers))
        return tuple(found)

    def _told(self) -> Finding:
        if self.reason and np.isnan(self.mean):
            text = tr("No model of amounts is used: {reason}", reason=self.reason)
            return Finding(key="spend/fit", level="watch", text=text)
        if self.reason:
            text = tr(
                "No model of amounts is used: {reason} Each purchase is taken at the mean, {mean}.",
                reason=self.reason,
                mean=show(self.mean, "money"),
            )
            return Finding(key="spend/fit", level="watch", text=text)
        text = tr(
            "A repeat purchase is worth {mean} on average; customers differ, and one seen once is "
            "drawn towards {population}.",
            mean=show(self.mean, "money"),
            population=show(self.population_mean, "money"),
        )
        numbers = {"mean": self.mean, "population_mean": self.population_mean}
        return Finding(key="spend/fit", level="info", text=text, evidence=numbers)

    def expect(self, count: Floats, mean: Floats) -> Floats:
        """Amount of the next purchase, given the repeat purchases so far.

        Args:
            count: Repeat purchases of each customer.
            mean: Their mean amount; not looked at where ``count`` is 0 or the mean is
                not above 0.

        References:
            Fader and Hardie (2013), "The Gamma-Gamma model of monetary value",
            equation (5).
        """
        if self.reason:
            return np.full(len(count), self.mean)
        p, q, v = self.params
        known = (count > 0) & (mean > 0)
        x, z = np.where(known, count, 0.0), np.where(known, mean, 0.0)
        held: Floats = p * (v + x * z) / (p * x + q - 1)
        return held

    def variance(self, count: Floats, mean: Floats, purchases: Floats) -> Floats:
        """Variance of what each customer will pay, by amounts alone.

        The customer's own mean is not known, and amounts vary around it: given the
        customer, a purchase has the variance of its mean squared over p.

        Args:
            count: Repeat purchases of each customer.
            mean: Their mean amount.
            purchases: Purchases expected.
        """
        worth = self.expect(count, mean)
        if self.reason:
            return np.zeros(len(count))
        p, q, _ = self.params
        x = np.where((count > 0) & (mean > 0), count, 0.0)
        own = worth**2 / (p * x + q - 2)
        held: Floats = purchases**2 * own + purchases * (worth**2 + own) / p
        return held


def fit_spend(count: Floats, mean: Floats) -> SpendFit:
    """Fit Gamma-Gamma to the mean amount of each customer's repeat purchases.

    Args:
        count: Repeat purchases of each customer; those with none are left out.
        mean: Mean amount of them, net [store currency]; those at or below 0 are left
            out and counted.

    Raises:
        ColumnError: A mean amount is missing.

    References:
        Fader and Hardie (2013), equation (1a).
    """
    bought = count > 0
    if not np.isfinite(mean[bought]).all():
        raise ColumnError("a mean amount is missing; fill it or leave the customer out.")
    good = bought & (mean > 0)
    x, z = count[good].astype(float), mean[good].astype(float)
    held = {
        "customers": int(good.sum()),
        "left_out": int((bought & ~good).sum()),
        "mean": float(count[bought] @ mean[bought] / count.sum()) if bought.any() else np.nan,
        "correlation": _rank_correlation(x, z),
    }
    empty = {"params": np.full(3, np.nan), "errors": np.full(3, np.nan),
             "log_likelihood": np.nan, "covariance": np.full((3, 3), np.nan)}  # fmt: skip
    reason = _too_little(x, z)
    if not reason:
        start = np.array([2.0, 2.0, float(np.median(z))])
        found = maximise(lambda params: _likelihood(params, x, z), start=start, customers=len(x))
        reason = _no_mean(found.params, reached=found.reached)
        if not reason:
            empty = {
                "params": found.params,
                "errors": np.sqrt(np.diag(found.covariance)) * found.params,
                "log_likelihood": found.log_likelihood,
                "covariance": found.covariance,
            }
    return SpendFit(**held, **empty, reason=reason)  # type: ignore[arg-type]


def _too_little(x: Floats, z: Floats) -> str:
    if len(x) < LEAST_BUYERS:
        return ntr(
            "only {count} customer has repeat purchases with an amount, and {least} are needed.",
            "only {count} customers have repeat purchases with an amount, and {least} are needed.",
            len(x),
            count=show(len(x), "count"),
            least=show(LEAST_BUYERS, "count"),
        )
    if np.ptp(z) == 0:
        return tr("all customers spend the same amount on a purchase.")
    return ""


def _no_mean(params: Floats, *, reached: bool) -> str:
    if not reached:
        return tr("it found no best parameters for these amounts.")
    if params[1] <= 2:
        return tr("amounts differ so much that their spread is not defined (q is at most 2).")
    return ""


def _rank_correlation(x: Floats, z: Floats) -> float:
    from scipy.stats import spearmanr

    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(z) == 0:
        return 0.0
    return float(spearmanr(x, z).statistic)


def _likelihood(params: Floats, x: Floats, z: Floats) -> Likelihood:
    """The log-likelihood with exact derivatives, special functions once a count."""
    from scipy.special import gammaln, polygamma, psi

    p, q, v = params
    kinds, sizes = np.unique(x, return_counts=True)
    both, all_ = v + x * z, len(x)
    logs, shares = np.log(both), 1 / both
    shape = p * kinds
    value = (
        sizes @ (gammaln(shape + q) - gammaln(shape) + shape * np.log(kinds))
        - all_ * (gammaln(q) - q * np.log(v))
        + ((p * x - 1) * np.log(z)).sum()
        - ((p * x + q) * logs).sum()
    )
    gap = psi(shape + q) - psi(shape)
    gradient = np.array(
        [
            sizes @ (kinds * (gap + np.log(kinds))) + (x * (np.log(z) - logs)).sum(),
            sizes @ psi(shape + q) - all_ * (psi(q) - np.log(v)) - logs.sum(),
            all_ * q / v - ((p * x + q) * shares).sum(),
        ]
    )
    three = polygamma(1, shape + q)
    pp = sizes @ (kinds**2 * (three - polygamma(1, shape)))
    pq, qq = sizes @ (kinds * three), sizes @ three - all_ * polygamma(1, q)
    pv, qv = -(x * shares).sum(), all_ / v - shares.sum()
    vv = -all_ * q / v**2 + ((p * x + q) * shares**2).sum()
    hessian = np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])
    by_log = gradient * params
    return Likelihood(
        value=float(value),
        gradient=by_log,
        hessian=hessian * np.outer(params, params) + np.diag(by_log),
    )
