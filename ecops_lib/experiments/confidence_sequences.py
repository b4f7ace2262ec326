"""Intervals that hold at every moment at once, so that one may look whenever one likes.

Two kinds. The *normal mixture* (Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon 2021;
Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2024, eq. 9) needs an estimate and its
standard error and holds for large samples; the mSPRT of Johari, Koomen, Pekelis, Walsh
2022 is the same martingale with its prior told as τ. The *betting* and *empirical
Bernstein* sequences (Waudby-Smith & Ramdas 2024) hold exactly, for outcomes from 0 to 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def tune_mixture(
    n: float, *, alpha: float = 0.05, kind: Literal["exact", "approximate"] = "approximate"
) -> float:
    """The mixture's ρ² that makes the interval narrowest at n units.

    Args:
        n: Units at which the interval is to be narrowest.
        alpha: Two-sided level; 2α for a one-sided interval.
        kind: ``approximate``: Waudby-Smith et al. 2024, eq. 161, as common tools use it;
            ``exact``: by Lambert's W (Howard et al. 2021, proposition 3).

    >>> round(tune_mixture(5000) ** 0.5, 5)
    0.03984
    """
    from scipy.special import lambertw

    require_between(alpha, 0, 1, name="alpha", ends="open")
    require_between(n, 0, math.inf, name="n", ends="open")
    if kind == "exact":
        return float(-lambertw(-(alpha**2) / math.e, -1).real - 1) / n
    return (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / n


def mixture_boundary(n: ArrayLike, *, rho2: float, alpha: float = 0.05) -> Floats:
    """The boundary in z at n units: the interval is estimate ± boundary × standard error.

    Args:
        n: Units at each look.
        rho2: The mixture's ρ², from ``tune_mixture``.
        alpha: Two-sided level, over all looks.

    >>> mixture_boundary([5000], rho2=tune_mixture(5000)).round(3)
    array([3.035])
    """
    held = np.asarray(n, float) * rho2
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.sqrt((held + 1) / held * (np.log1p(held) - 2 * math.log(alpha)))
    return np.where(held > 0, found, np.where(np.isnan(held), np.nan, np.inf))


def mixture_p_value(z: ArrayLike, n: ArrayLike, *, rho2: float) -> Floats:
    """The any-time p-value of one look: 1 ÷ the martingale, at most 1.

    Args:
        z: Estimate ÷ standard error at each look.
        n: Units at each look.
        rho2: The mixture's ρ².
    """
    held = np.asarray(n, float) * rho2
    log_value = np.asarray(z, float) ** 2 * held / (2 * (held + 1)) - np.log1p(held) / 2
    return np.asarray(np.exp(-np.maximum(log_value, 0.0)))


def normal_mixture_boundary(variance: ArrayLike, *, rho: float, alpha: float = 0.05) -> Floats:
    """Two-sided normal-mixture boundary of a sum whose variance process is V.

    Howard et al. 2021, eq. 14: √((V + ρ)·log((V + ρ) ÷ (ρα²))).
    """
    held = np.asarray(variance, float)
    return np.asarray(np.sqrt((held + rho) * np.log((held + rho) / (rho * alpha**2))))


def msprt_p_values(difference: ArrayLike, standard_error: ArrayLike, *, tau: float) -> Floats:
    """Always-valid p-values of a mixture sequential probability-ratio test, look by look.

    Johari, Koomen, Pekelis, Walsh 2022, eq. 7: the smallest 1 ÷ Λ so far, with a normal
    mixture of variance τ² over the true difference.

    Args:
        difference: Estimate at each look.
        standard_error: Its standard error at each look.
        tau: Standard deviation of the differences that are to be expected.
    """
    require_between(tau, 0, math.inf, name="tau", ends="open")
    se2 = np.asarray(standard_error, float) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.asarray(difference, float) / np.sqrt(se2)
        each = mixture_p_value(z, tau**2 / se2, rho2=1.0)
    return np.fmin.accumulate(np.where(np.isfinite(z), each, 1.0))


def empirical_bernstein_sequence(
    values: ArrayLike, *, alpha: float = 0.05, most_bet: float = 0.5
) -> tuple[Floats, Floats]:
    """Limits of a mean after each unit, exact for outcomes from 0 to 1.

    Predictable-mixture empirical Bernstein: Waudby-Smith & Ramdas 2024, theorem 2.

    Args:
        values: Outcomes in the order of arrival, each from 0 to 1.
        alpha: Two-sided level, over all moments.
        most_bet: Largest λ.

    Returns:
        Lower and upper limits after each unit.
    """
    held = _bounded(values)
    low = _bernstein_low(held, alpha / 2, most_bet)
    high = 1 - _bernstein_low(1 - held, alpha / 2, most_bet)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def _bernstein_low(held: Floats, alpha: float, most: float) -> Floats:
    count = np.arange(1, held.size + 1)
    before = np.append(0.0, (np.cumsum(held) / count)[:-1])
    bets = np.minimum(_bets(held, alpha), most)
    cost = (held - before) ** 2 * (-np.log1p(-bets) - bets)
    total = np.cumsum(bets)
    return np.asarray((np.cumsum(bets * held) - math.log(1 / alpha) - np.cumsum(cost)) / total)


def _bets(held: Floats, alpha: float) -> Floats:
    """Predictable λ of each unit (Waudby-Smith & Ramdas 2024, eq. 15), not yet bounded."""
    count = np.arange(1, held.size + 1)
    mean = (0.5 + np.cumsum(held)) / (count + 1)
    spread = (0.25 + np.cumsum((held - mean) ** 2)) / (count + 1)
    before = np.append(0.25, spread[:-1])
    return np.asarray(np.sqrt(2 * math.log(1 / alpha) / (count * np.log1p(count) * before)))


def betting_sequence(
    values: ArrayLike, *, alpha: float = 0.05, parts: int = 1000
) -> tuple[Floats, Floats]:
    """Limits of a mean after each unit, exact for outcomes from 0 to 1, by hedged betting.

    Waudby-Smith & Ramdas 2024, theorem 3: a mean m is kept while neither the capital of
    betting on more than m nor that on less has come to 2/α. Limits are rounded outwards
    to a grid.

    Args:
        values: Outcomes in the order of arrival, each from 0 to 1.
        alpha: Two-sided level, over all moments.
        parts: Parts of the grid.

    Returns:
        Lower and upper limits after each unit.
    """
    held = _bounded(values)
    grid = np.linspace(0.0, 1.0, parts + 1)[:, None]
    bets = _bets(held, alpha / 2)[None, :]
    with np.errstate(divide="ignore"):
        up = np.minimum(bets, 0.5 / grid)
        down = np.minimum(bets, 0.5 / (1 - grid))
        gains = np.cumsum(np.log1p(up * (held - grid)), axis=1)
        losses = np.cumsum(np.log1p(-down * (held - grid)), axis=1)
    kept = np.maximum(gains, losses) - math.log(2) <= math.log(1 / alpha)
    some = kept.any(axis=0)
    low = np.where(some, kept.argmax(axis=0) - 1, 0) / parts
    high = np.where(some, parts + 1 - kept[::-1].argmax(axis=0), parts) / parts
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def _bounded(values: ArrayLike) -> Floats:
    held = np.asarray(values, float)
    if held.ndim != 1 or not held.size or not ((held >= 0) & (held <= 1)).all():
        raise ParameterError("values must be one or more numbers from 0 to 1, none missing.")
    return held
