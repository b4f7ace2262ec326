"""Concave curves of what spending brings, each told by its elasticity at a usual spend.

With r the spend over the usual one, a curve is 1 at r = 1 and has the elasticity e there:
power r^e; logarithm log(1 + u r) / log(1 + u); and Hill's curve with exponent 1 (Michaelis
and Menten), r / (e + (1 − e) r). All are concave for 0 < e ≤ 1, so a last yuan brings less.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args

import numpy as np

from ecops_lib.campaigns.ads.shrinkage import Floats

Family = Literal["power", "log", "hill"]
FAMILIES: tuple[Family, ...] = get_args(Family)
ELASTICITIES: Floats = np.linspace(0.02, 1.0, 33)
"""Elasticities that are weighed."""
STEEPEST = 1e5


@cache
def _bends() -> tuple[Floats, Floats]:
    """Elasticity of the logarithm by its bend u: u / ((1 + u) log(1 + u)), falling."""
    u = np.exp(np.linspace(np.log(1e-6), np.log(1e30), 4000))
    return u / ((1 + u) * np.log1p(u)), np.log(u)


def _bend(elasticity: Floats) -> Floats:
    told, logs = _bends()
    held: Floats = np.exp(np.interp(elasticity, told[::-1], logs[::-1]))
    return held


def level(family: Family, elasticity: Floats, ratio: Floats) -> Floats:
    """What a spend brings, beside what the usual one does.

    Args:
        family: Which curve.
        elasticity: At the usual spend, above 0 to 1.
        ratio: Spend over the usual one, from 0; shapes are broadcast.

    >>> [round(float(level(f, np.array(0.5), np.array(2.0))), 3) for f in FAMILIES]
    [1.414, 1.368, 1.333]
    """
    held: Floats
    match family:
        case "power":
            held = ratio**elasticity
        case "log":
            u = _bend(elasticity)
            held = np.log1p(u * ratio) / np.log1p(u)
        case "hill":
            held = ratio / (elasticity + (1 - elasticity) * ratio)
    return held


def slope(family: Family, elasticity: Floats, ratio: Floats) -> Floats:
    """Derivative of ``level`` by ``ratio``.

    >>> [round(float(slope(f, np.array(0.5), np.array(1.0))), 4) for f in FAMILIES]
    [0.5, 0.5, 0.5]
    """
    held: Floats
    match family:
        case "power":
            held = elasticity * np.maximum(ratio, 1 / STEEPEST) ** (elasticity - 1)
        case "log":
            u = _bend(elasticity)
            held = u / ((1 + u * ratio) * np.log1p(u))
        case "hill":
            held = elasticity / (elasticity + (1 - elasticity) * ratio) ** 2
    return held
