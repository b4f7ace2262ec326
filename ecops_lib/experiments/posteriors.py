"""What two posterior distributions say of each other, by quadrature, never by simulation.

For two independent variables C (control) and T (treatment): the chance that T is the
larger, what choosing the wrong one costs, and quantiles of T − C and T ÷ C − 1. Panels of
Gauss–Legendre nodes are cut at quantiles of both, so that a narrow posterior beside a wide
one is met as exactly as two alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ecops_lib.core.checks import require_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Scale = Literal["absolute", "relative"]
"""An effect as a difference, or as a share of the control."""

CUTS = (1e-15, 1e-12, 1e-9, 1e-7, 1e-5, 1e-4, 1e-3, 0.005, 0.02, 0.05, 0.15, 0.3, 0.5)
NODES = 16
LEAST = 1e-300


@dataclass(frozen=True, kw_only=True)
class Rivals:
    """Two independent posteriors, as frozen continuous distributions of SciPy.

    Attributes:
        control: Posterior of the control's value.
        treatment: Posterior of the treatment's value.
    """

    control: Any
    treatment: Any

    @cached_property
    def _cuts(self) -> tuple[Floats, Floats]:
        return _cuts(self.control), _cuts(self.treatment)

    def chance(self) -> float:
        """Chance that the treatment's value is the larger."""
        return self._integral(
            lambda x: self.control.pdf(x) * self.treatment.sf(x), self._cuts[0], self._cuts[1]
        )

    def expected_gain(self) -> float:
        """E max(T − C, 0): what keeping the control costs on average."""
        return self._integral(
            lambda x: self.control.cdf(x) * self.treatment.sf(x), self._cuts[0], self._cuts[1]
        )

    def expected_loss(self) -> float:
        """E max(C − T, 0): what choosing the treatment costs on average."""
        return self._integral(
            lambda x: self.treatment.cdf(x) * self.control.sf(x), self._cuts[0], self._cuts[1]
        )

    def cdf(self, effect: float, *, scale: Scale) -> float:
        """Chance that the effect is at most so much."""
        if scale == "relative":
            return self._ratio_cdf(1 + effect)
        first, second = self._cuts
        return self._integral(
            lambda x: self.control.pdf(x) * self.treatment.cdf(x + effect), first, second - effect
        )

    def _ratio_cdf(self, factor: float) -> float:
        """Chance that T ÷ C is at most a factor."""
        if factor <= 0:
            return 0.0
        first, second = self._cuts
        return self._integral(
            lambda x: self.control.pdf(x) * self.treatment.cdf(x * factor), first, second / factor
        )

    def quantile(self, share: float, *, scale: Scale) -> float:
        """The effect that is not exceeded with a chance of ``share``."""
        from scipy.optimize import brentq

        require_between(share, 0, 1, name="share", ends="open")
        first, second = self._cuts
        if scale == "absolute":
            low, high = second[0] - first[-1], second[-1] - first[0]
            return float(brentq(lambda d: self.cdf(d, scale=scale) - share, low, high, xtol=1e-13))
        low = math.log(max(second[0], LEAST)) - math.log(first[-1])
        high = math.log(second[-1]) - math.log(max(first[0], LEAST))
        root = brentq(lambda r: self._ratio_cdf(math.exp(r)) - share, low, high, xtol=1e-12)
        return math.expm1(float(root))

    def _integral(
        self, function: Callable[[Floats], Floats], first: Floats, second: Floats
    ) -> float:
        edges = np.unique(np.concatenate([first, second]))
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        half = np.diff(edges)[:, None] / 2
        places = edges[:-1, None] + half * (nodes + 1)
        return float((function(places) * weights * half).sum())


def _cuts(held: Any) -> Floats:
    """Quantiles from far below to far above the middle."""
    return np.concatenate([held.ppf(CUTS), held.isf(CUTS[-2::-1])])
