"""Maximum likelihood by trust-region Newton steps with exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecops_lib.customers.lifetime.likelihood import Floats, Likelihood

FAR = 12.0
"""A logarithm of a parameter beyond this has run away: the model has no maximum."""
LEAST_INFORMATION = 0.01
"""Least curvature by the logarithms at a maximum: a standard error of 10, a factor of
20,000, says that the data tell nothing of the parameter."""
FLAT = 1e-5
"""Gradient by the logarithms, for a likelihood divided by its customers, at a maximum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """Where the likelihood is greatest.

    Attributes:
        params: The parameters.
        log_likelihood: The log-likelihood there.
        covariance: Covariance of the parameters' logarithms (inverse of minus the
            Hessian); NaN where there is no inside maximum.
        reached: Whether it is an inside maximum: flat, curved downwards, nothing run away.
        steps: Evaluations of the likelihood.
    """

    params: Floats
    log_likelihood: float
    covariance: Floats
    reached: bool
    steps: int


class _Memo:
    """The last pass, so that value, gradient and Hessian of a point cost one."""

    def __init__(self, likelihood: Callable[[Floats], Likelihood], scale: float) -> None:
        self.likelihood, self.scale, self.steps = likelihood, scale, 0
        self._at: bytes = b""
        self._held: Likelihood | None = None
        self.curved_at: Floats = np.empty(0)

    def at(self, theta: Floats) -> Likelihood:
        if self._held is None or theta.tobytes() != self._at:
            self._at, self.steps = theta.tobytes(), self.steps + 1
            self._held = self.likelihood(np.exp(np.clip(theta, -2 * FAR, 2 * FAR)))
        return self._held

    def value(self, theta: Floats) -> float:
        return -self.at(theta).value / self.scale

    def gradient(self, theta: Floats) -> Floats:
        return -self.at(theta).gradient / self.scale

    def hessian(self, theta: Floats) -> Floats:
        self.curved_at = theta.copy()
        return -self.at(theta).hessian / self.scale


def maximise(
    likelihood: Callable[[Floats], Likelihood], *, start: Floats, customers: float
) -> Maximum:
    """Find the parameters of greatest likelihood.

    Args:
        likelihood: Value and derivatives by the parameters' logarithms.
        start: Parameters to begin at, all above 0.
        customers: How many customers the likelihood is of.
    """
    memo = _Memo(likelihood, max(customers, 1.0))
    theta = _search(memo, np.log(start))
    last = memo.at(theta)
    curved = np.linalg.eigvalsh(-last.hessian)
    inside = (
        bool(np.abs(theta).max() < FAR)
        and bool(np.abs(last.gradient).max() <= FLAT * memo.scale)
        and bool(curved[0] > LEAST_INFORMATION)
    )
    covariance: Floats = np.full_like(last.hessian, np.nan)
    if inside:
        covariance = np.linalg.inv(-last.hessian).astype(float)
    return Maximum(
        params=np.exp(theta),
        log_likelihood=last.value,
        covariance=covariance,
        reached=inside,
        steps=memo.steps,
    )


def _search(memo: _Memo, start: Floats) -> Floats:
    """Logarithms of the parameters where the search ends."""
    from scipy.optimize import minimize

    try:
        found = minimize(
            memo.value, start, method="trust-exact", jac=memo.gradient, hess=memo.hessian,
            options={"gtol": 1e-8, "maxiter": 200},
        )  # fmt: skip
    except UnboundLocalError:  # SciPy has no step where rounding is all that is left of curvature
        return memo.curved_at
    theta: Floats = found.x
    return theta
