"""How many units a test needs, what power it has, and what effect it can find.

Everything is for a control against one treatment; ``ratio`` is the treatment's units over
the control's, and sizes are the control's units, not rounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError

ShareMethod = Literal["pooled", "unpooled", "arcsine", "control"]
"""Which variance the test's own limit is taken from: both groups put together (R's
``power.prop.test``), each its own, none (the arcsine scale, where the variance is
constant; Cohen 1988), or the control's for both (a common web calculator)."""

Reference = Literal["t", "z"]

MOST_UNITS = 1e15
LARGE_DEGREES = 1e9
"""Degrees of freedom beyond which Student's distribution is the normal one to 1e-9."""


def share_power(
    n: float,
    control: float,
    treatment: float,
    *,
    alpha: float = 0.05,
    ratio: float = 1.0,
    method: ShareMethod = "pooled",
    sides: Literal[1, 2] = 2,
) -> float:
    """Power to tell two shares apart.

    The chance to err on the far side is left out, but for the arcsine method, where it is
    counted as statsmodels' ``NormalIndPower`` does.

    Args:
        n: Units of the control.
        control: Share in the control.
        treatment: Share in the treatment.
        alpha: Level.
        ratio: Units of the treatment ÷ units of the control.
        method: Variance that the test's limit is taken from.
        sides: Sides of the test.

    >>> round(share_power(50, 0.5, 0.75), 3)
    0.74
    """
    from scipy.special import ndtr, ndtri

    _require(alpha, ratio, control, treatment)
    require_between(n, 0, MOST_UNITS, name="n", ends="open")
    gap, null, true = _spreads(control, treatment, ratio, method)
    if not gap:
        return alpha if method == "arcsine" else alpha / sides
    quantile = float(ndtri(1 - alpha / sides))
    if method == "arcsine" and sides == 2:
        away = gap * math.sqrt(n) / true
        return float(ndtr(away - quantile) + ndtr(-away - quantile))
    return float(ndtr((gap * math.sqrt(n) - quantile * null) / true)) if true else 1.0


def share_size(
    control: float,
    treatment: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    method: ShareMethod = "pooled",
    sides: Literal[1, 2] = 2,
) -> float:
    """Units of the control that are needed to tell two shares apart.

    Fleiss, Levin & Paik 2003, eq. 4.14 (pooled) and its kin; arguments as ``share_power``.

    >>> round(share_size(0.5, 0.75, power=0.9), 1)
    76.7
    """
    from scipy.special import ndtri

    _require(alpha, ratio, control, treatment)
    require_between(power, 0, 1, name="power", ends="open")
    gap, null, true = _spreads(control, treatment, ratio, method)
    if not gap:
        return math.inf
    if method == "arcsine" and sides == 2:
        return _both_tails_size(gap, true, alpha, power)
    limit, more = float(ndtri(1 - alpha / sides)), float(ndtri(power))
    return float(((limit * null + more * true) / gap) ** 2)


def share_effect(
    n: float,
    control: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    method: ShareMethod = "pooled",
    sides: Literal[1, 2] = 2,
    better: Literal[1, -1] = 1,
) -> float:
    """Smallest difference of shares that n units find; NaN where none can be found.

    Args:
        n: Units of the control.
        control: Share in the control.
        alpha: Level.
        power: Chance to find it.
        ratio: Units of the treatment ÷ units of the control.
        method: Variance that the test's limit is taken from.
        sides: Sides of the test.
        better: Whether the share is to rise or to fall.
    """
    from scipy.optimize import brentq

    require_between(power, alpha / sides, 1, name="power", ends="open")
    _require(alpha, ratio, control, control)
    most = 1 - control if better > 0 else control

    def lacking(gap: float) -> float:
        found = share_power(
            n, control, control + better * gap, alpha=alpha, ratio=ratio, method=method, sides=sides
        )
        return found - power

    if not most > 0 or lacking(most) < 0:
        return math.nan
    return better * float(brentq(lacking, most * 1e-12, most, xtol=1e-14))


def _both_tails_size(gap: float, spread: float, alpha: float, power: float) -> float:
    """Units at which a normal test of both sides has its power, both tails counted."""
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    limit = float(ndtri(1 - alpha / 2))
    away = brentq(
        lambda a: float(ndtr(a - limit) + ndtr(-a - limit)) - power, 0.0, limit + 40, xtol=1e-13
    )
    return float((away * spread / gap) ** 2)


def _spreads(
    control: float, treatment: float, ratio: float, method: ShareMethod
) -> tuple[float, float, float]:
    """Gap, and √n × standard error of it under the null and under the truth."""
    require_choice(method, ShareMethod, name="method")
    if method == "arcsine":
        gap = abs(2 * math.asin(math.sqrt(treatment)) - 2 * math.asin(math.sqrt(control)))
        spread = math.sqrt(1 + 1 / ratio)
        return gap, spread, spread
    first, second = control * (1 - control), treatment * (1 - treatment)
    true = math.sqrt(first + second / ratio)
    mean = (control + ratio * treatment) / (1 + ratio)
    null = {
        "pooled": math.sqrt(mean * (1 - mean) * (1 + 1 / ratio)),
        "unpooled": true,
        "control": math.sqrt(first * (1 + 1 / ratio)),
    }[method]
    return abs(treatment - control), null, true


def mean_power(
    n: float,
    effect: float,
    sd: float,
    *,
    alpha: float = 0.05,
    ratio: float = 1.0,
    reference: Reference = "t",
    sides: Literal[1, 2] = 2,
) -> float:
    """Power to tell two means with one standard deviation apart.

    Student's t counts a crossing on the far side too, as R's ``power.t.test`` with
    ``strict`` and statsmodels do; the normal one leaves it out, as the closed form does.

    Args:
        n: Units of the control.
        effect: True difference of the means.
        sd: Standard deviation of one unit's value.
        alpha: Level.
        ratio: Units of the treatment ÷ units of the control.
        reference: Student's t with n(1 + ratio) − 2 degrees, or the normal distribution.
        sides: Sides of the test.

    >>> round(mean_power(20, 1.0, 1.0), 4)
    0.869
    """
    _require(alpha, ratio)
    require_choice(reference, Reference, name="reference")
    require_between(sd, 0, math.inf, name="sd", ends="open")
    away = abs(effect) / (sd * math.sqrt((1 + 1 / ratio) / n))
    return _tail(away, n * (1 + ratio) - 2, alpha, reference, sides)


def _tail(
    away: float, degrees: float, alpha: float, reference: Reference, sides: Literal[1, 2]
) -> float:
    from scipy.special import nctdtr, ndtr, ndtri, stdtrit

    if reference == "t" and degrees <= 0:
        return math.nan
    if reference == "z" or degrees > LARGE_DEGREES:
        return float(ndtr(away - ndtri(1 - alpha / sides)))
    limit = float(stdtrit(degrees, 1 - alpha / sides))
    if away > limit + 40:
        return 1.0
    far = float(nctdtr(degrees, away, -limit)) if sides == 2 else 0.0
    return 1 - float(nctdtr(degrees, away, limit)) + (0.0 if math.isnan(far) else far)


def mean_size(
    effect: float,
    sd: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    reference: Reference = "t",
    sides: Literal[1, 2] = 2,
) -> float:
    """Units of the control that are needed to tell two means apart; as ``mean_power``.

    >>> round(mean_size(1.0, 1.0, power=0.9), 2)
    22.02
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    _require(alpha, ratio)
    require_between(power, alpha / sides, 1, name="power", ends="open")
    if not effect:
        return math.inf

    def lacking(log_n: float) -> float:
        found = mean_power(
            math.exp(log_n),
            effect,
            sd,
            alpha=alpha,
            ratio=ratio,
            reference=reference,
            sides=sides,
        )
        return found - power

    reach = float(ndtri(1 - alpha / sides) + ndtri(power))
    normal = (reach * sd / effect) ** 2 * (1 + 1 / ratio)
    least = 3 / (1 + ratio)
    if reference == "z" or normal * (1 + ratio) > LARGE_DEGREES:
        return normal
    if lacking(math.log(least)) >= 0:
        return least
    high = 2 * max(normal, least) + 16 / min(1.0, ratio)
    return math.exp(float(brentq(lacking, math.log(least), math.log(high), xtol=1e-13)))


def mean_effect(
    n: float,
    sd: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    reference: Reference = "t",
    sides: Literal[1, 2] = 2,
) -> float:
    """Smallest difference of means that n units of the control find; as ``mean_power``.

    >>> round(mean_effect(10000, 3.0, ratio=0.5), 4)
    0.1456
    """
    from scipy.optimize import brentq

    _require(alpha, ratio)
    require_between(power, alpha / sides, 1, name="power", ends="open")
    if n * (1 + ratio) <= 2:
        return math.nan
    error = sd * math.sqrt((1 + 1 / ratio) / n)
    degrees = n * (1 + ratio) - 2
    away = brentq(
        lambda a: _tail(a, degrees, alpha, reference, sides) - power, 1e-9, 1e4, xtol=1e-12
    )
    return error * float(away)


def non_inferiority_size(
    margin: float,
    variances: tuple[float, float],
    *,
    effect: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
) -> float:
    """Units of the control to show that the treatment is not worse by a margin.

    Chow, Shao, Wang & Lokhnygina 2018, eq. 3.2.6 and 4.2.4: one side at α ÷ 2, as the
    lower limit of a two-sided interval.

    Args:
        margin: Largest harm accepted, above zero, in the metric's unit.
        variances: Variance of one unit's value in the control and in the treatment
            (p(1 − p) for a share).
        effect: True difference expected, good being positive.
        alpha: Two-sided level.
        power: Chance to show it.
        ratio: Units of the treatment ÷ units of the control.
    """
    from scipy.special import ndtri

    _require(alpha, ratio)
    require_between(power, 0, 1, name="power", ends="open")
    require_between(margin, 0, math.inf, name="margin", ends="open")
    if effect <= -margin:
        return math.inf
    reach = float(ndtri(1 - alpha / 2) + ndtri(power))
    spread = variances[0] + variances[1] / ratio
    return float(reach**2 * spread / (effect + margin) ** 2)


def dunnett_level(shares: Sequence[float], *, alpha: float = 0.05) -> float:
    """Level of each comparison with one control so that all together hold α (Dunnett 1955).

    For large samples: the correlation of two comparisons follows from the shares.

    Args:
        shares: Share of the control, then of each treatment.
        alpha: Two-sided level of all comparisons together.

    >>> round(dunnett_level([0.5, 0.5]), 4), round(dunnett_level([0.25] * 4), 4)
    (0.05, 0.0188)
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    held = np.asarray(shares, float)
    if held.size < 2 or not (held > 0).all():
        raise ParameterError("shares must hold the control and at least one treatment, above 0.")
    require_between(alpha, 0, 1, name="alpha", ends="open")
    common = np.sqrt(held[1:] / (held[0] + held[1:]))[:, None]
    own = np.sqrt(1 - common**2)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    places = 9 * nodes
    density = np.exp(-(places**2) / 2) / math.sqrt(2 * math.pi) * weights * 9

    def within(limit: float) -> float:
        each = ndtr((limit - common * places) / own) - ndtr((-limit - common * places) / own)
        return float(density @ each.prod(axis=0))

    limit = float(brentq(lambda c: within(c) - (1 - alpha), 0.0, 9.0, xtol=1e-12))
    return 2 * float(ndtr(-limit))


def _require(alpha: float, ratio: float, *shares: float) -> None:
    require_between(alpha, 0, 1, name="alpha", ends="open")
    require_between(ratio, 0, math.inf, name="ratio", ends="open")
    for share in shares:
        require_between(share, 0, 1, name="a share")
