"""Score limits of two proportions: one root each, found for every 2 × 2 table.

The limits are where the score statistic, with its variance under the constraint,
equals the quantile. They are searched for on the signed form
"estimate − limit ± q √variance", which needs no division, so empty cells do no harm.
"""

from __future__ import annotations

import math
from collections.abc import Callable

TINY = 1e-12


def constrained_rate(x0: int, n0: int, x1: int, n1: int, *, difference: float) -> float:
    """Likeliest rate of the first group where the second's is that plus a difference.

    Args:
        x0: Successes of the first group.
        n0: Units of the first group.
        x1: Successes of the second group.
        n1: Units of the second group.
        difference: Second rate − first rate.

    References:
        Miettinen and Nurminen (1985), Statistics in Medicine 4, 213-226, appendix I.

    >>> round(constrained_rate(3, 15, 9, 15, difference=0.0), 6)
    0.4
    """
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
    if high - low < TINY:
        return low
    total, found = n0 + n1, x0 + x1
    second = ((n1 + 2 * n0) * difference - total - found) / (3 * total)
    first = ((n0 * difference - total - 2 * x0) * difference + found) / total
    zeroth = x0 * difference * (1 - difference) / total
    bend = second**3 - first * second / 2 + zeroth / 2
    size = math.copysign(math.sqrt(max(second**2 - first / 3, 0.0)), bend)
    angle = max(-1.0, min(1.0, bend / size**3)) if size else 0.0
    rate = 2 * size * math.cos((math.pi + math.acos(angle)) / 3) - second
    rate = min(high, max(low, rate))
    for _ in range(6):
        before, rate = rate, _polished(rate, (x0, n0, x1, n1), difference, (low, high))
        if abs(rate - before) <= 1e-15:
            break
    return rate


def _polished(
    rate: float, table: tuple[int, int, int, int], difference: float, span: tuple[float, float]
) -> float:
    """One Newton step on the slope of the log-likelihood, kept only inside the span."""
    x0, n0, x1, n1 = table
    other = rate + difference
    slope = bend = 0.0
    for count, at, sign in (
        (x0, rate, 1),
        (n0 - x0, 1 - rate, -1),
        (x1, other, 1),
        (n1 - x1, 1 - other, -1),
    ):
        if count and at <= 0:
            return rate
        if count:
            slope += sign * count / at
            bend -= count / at**2
    better = rate - slope / bend if bend else rate
    return better if span[0] < better < span[1] else rate


def difference_limits(
    x0: int, n0: int, x1: int, n1: int, *, quantile: float, corrected: bool = True
) -> tuple[float, float]:
    """Score limits of second rate − first rate.

    Args:
        x0: Successes of the first group.
        n0: Units of the first group.
        x1: Successes of the second group.
        n1: Units of the second group.
        quantile: Such as 1.96.
        corrected: With N ÷ (N − 1) in the variance (Miettinen and Nurminen); without
            it the limits say of 0 exactly what the pooled z test says (Mee).

    References:
        Miettinen and Nurminen (1985), eq. 3 and 8; Mee (1984), Biometrics 40, 1175-1176.

    >>> low, high = difference_limits(48, 80, 56, 70, quantile=1.959963984540054)
    >>> round(low, 4), round(high, 4)
    (0.0528, 0.3382)
    """
    found = x1 / n1 - x0 / n0

    def error(limit: float) -> float:
        return quantile * difference_error(x0, n0, x1, n1, difference=limit, corrected=corrected)

    high = _root(lambda limit: found - limit + error(limit), found, 1.0)
    low = _root(lambda limit: limit - found + error(limit), found, -1.0)
    return low, high


def difference_error(
    x0: int, n0: int, x1: int, n1: int, *, difference: float, corrected: bool = False
) -> float:
    """Standard error of second rate − first rate, were that difference the true one."""
    rate = constrained_rate(x0, n0, x1, n1, difference=difference)
    other = min(1.0, max(0.0, rate + difference))
    scale = (n0 + n1) / (n0 + n1 - 1) if corrected else 1.0
    return math.sqrt(scale * (rate * (1 - rate) / n0 + other * (1 - other) / n1))


def ratio_limits(x0: int, n0: int, x1: int, n1: int, *, quantile: float) -> tuple[float, float]:
    """Score limits of second rate ÷ first rate; the upper one is infinite where x0 is 0.

    References:
        Koopman (1984), Biometrics 40, 513-517; Miettinen and Nurminen (1985), eq. 10.

    >>> low, high = ratio_limits(29, 76, 36, 40, quantile=1.959963984540054)
    >>> round(low, 2), round(high, 2)
    (1.76, 3.25)
    """

    def error(ratio: float) -> float:
        return quantile * ratio_error(x0, n0, x1, n1, ratio=ratio)

    p0, p1 = x0 / n0, x1 / n1
    low, high = 0.0, math.inf
    if x1:
        start = p1 / p0 if p0 else 1.0
        low = _log_root(lambda ratio: ratio * p0 - p1 + error(ratio), start, 0.5)
    if x0:
        start = p1 / p0 if p1 else 1.0 / n1 / p0
        high = _log_root(lambda ratio: p1 - ratio * p0 + error(ratio), start, 2.0)
    return low, high


def ratio_error(x0: int, n0: int, x1: int, n1: int, *, ratio: float) -> float:
    """Standard error of second rate − ratio × first rate, were that ratio the true one."""
    rate = _rate_under_ratio(x0, n0, x1, n1, ratio)
    other = min(1.0, ratio * rate)
    return math.sqrt(other * (1 - other) / n1 + ratio**2 * rate * (1 - rate) / n0)


def _rate_under_ratio(x0: int, n0: int, x1: int, n1: int, ratio: float) -> float:
    """Likeliest first rate where the second is a multiple of it (a quadratic's root)."""
    square = (n0 + n1) * ratio
    middle = n1 * ratio + x1 + n0 + x0 * ratio
    end = x0 + x1
    root = math.sqrt(max(middle**2 - 4 * square * end, 0.0))
    return min(1.0, 1.0 / ratio, 2 * end / (middle + root))


def _root(signed: Callable[[float], float], start: float, end: float) -> float:
    """Where a function that is positive next to the start falls below zero."""
    from scipy.optimize import brentq

    inner = start + (end - start) * TINY
    if start == end or signed(inner) <= 0:
        return start
    if signed(end) >= 0:
        return end
    return float(brentq(signed, inner, end, xtol=1e-13, rtol=1e-12))


def _log_root(signed: Callable[[float], float], start: float, step: float) -> float:
    """The same for a ratio, walking by factors: back to where it is positive, then on."""
    from scipy.optimize import brentq

    near = start * (1 + (step - 1) * TINY)
    while signed(near) <= 0 and 1e-300 < near < 1e300:
        near /= step
    far = near * step
    while signed(far) > 0 and 1e-300 < far < 1e300:
        near, far = far, far * step
    return float(brentq(signed, near, far, xtol=1e-300, rtol=1e-12))
