"""What a customer of known history will buy: expectation, distribution, discounted sum.

Given a customer alive at T, lambda ~ Gamma(r + x, alpha + T) whatever the model; p ~
Beta(a, b + m) with m chances survived, or mu ~ Gamma(s, beta + T). A new customer is
one with x = tx = T = 0, so nothing here is written twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.customers.lifetime.likelihood import (
    Floats,
    History,
    ModelName,
    alive,
    chances,
    four,
    legendre,
)

BY_TIME = ("pareto", "nbd")
"""Models whose customers leave by time, not by purchase; in NBD never."""
NODES = 32
"""Gauss-Legendre nodes of integrals over the future."""
NEAR_ONE = 1e-5
"""So near to a = 1 the closed form of BG is 0/0 and is taken from both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alive:
    """What is known of a customer who is alive at T; arrays of shape (groups,)."""

    shape: Floats
    rate: Floats
    c: float
    d: Floats


def _given_alive(name: ModelName, params: Floats, history: History) -> _Alive:
    r, alpha, c, d = four(name, params)
    after = history.T if name in BY_TIME else chances(name, history.x)
    return _Alive(shape=r + history.x, rate=alpha + history.T, c=float(c), d=d + after)


def expected_purchases(
    name: ModelName, params: Floats, history: History, *, horizon: float | Floats
) -> Floats:
    """E[Y(t) | x, tx, T]: purchases expected in the next ``horizon``, group by group.

    ``horizon`` may differ from group to group.

    References:
        Fader, Hardie and Lee (2005), Marketing Science 24, equation (10), BG/NBD;
        Batislam et al. (2007), MBG/NBD; Schmittlein et al. (1987), equation (22).
        The 2F1 of BG and MBG is taken after Euler's transformation, which keeps its
        arguments small for customers with many purchases.
    """
    given = _given_alive(name, params, history)
    if name in BY_TIME:
        buys = given.shape / given.rate * _mean_life(given, horizon)
    else:
        buys = _beta_purchases(given, horizon)
    held: Floats = alive(name, params, history) * buys
    return held


def _mean_life(given: _Alive, horizon: float | Floats) -> Floats:
    """Time that a customer alive now will live within the horizon, expected (Pareto)."""
    from scipy.special import exprel

    span = np.log1p(horizon / given.d)
    held: Floats = given.d * span * exprel(-(given.c - 1) * span)
    return held


def _beta_purchases(given: _Alive, horizon: float | Floats) -> Floats:
    """Purchases of a customer alive now within the horizon, expected (BG, MBG)."""
    if abs(given.c - 1) < NEAR_ONE:
        sides = [
            _Alive(shape=given.shape, rate=given.rate, c=1 + 2 * side * NEAR_ONE, d=given.d)
            for side in (-1, 1)
        ]
        held: Floats = (_beta_purchases(sides[0], horizon) + _beta_purchases(sides[1], horizon)) / 2
        return held
    from scipy.special import hyp2f1

    a, b = given.c, given.d
    z = horizon / (given.rate + horizon)
    series = hyp2f1(a + b - 1 - given.shape, a - 1, a + b - 1, z)
    buys: Floats = (a + b - 1) / (a - 1) * (1 - (1 - z) ** (a - 1) * series)
    return buys


def purchase_rate(name: ModelName, params: Floats, history: History, *, after: Floats) -> Floats:
    """Purchases a unit of time expected at moments after T, of shape (groups, moments)."""
    given = _given_alive(name, params, history)
    held: Floats = alive(name, params, history)[:, None] * _rate(name, given, after, once=True)
    return held


def _rate(name: ModelName, given: _Alive, after: Floats, *, once: bool) -> Floats:
    """First (``once``) or second factorial moment density of purchases of one alive now."""
    from scipy.special import hyp2f1

    shape, rate, d = given.shape[:, None], given.rate[:, None], given.d[:, None]
    level = shape / rate if once else shape * (shape + 1) / rate**2
    if name in BY_TIME:
        held: Floats = level * (d / (d + after)) ** given.c
        return held
    both, power = given.c + d, shape + (1 if once else 2)
    kept = 1.0 if once else d / both
    up = 0 if once else 1
    # Pfaff's transformation keeps the argument between 0 and 1
    z = after / (rate + after)
    series = (rate / (rate + after)) ** given.c * hyp2f1(given.c, both + up - power, both + up, z)
    told: Floats = level * kept * series
    return told


def purchase_variance(
    name: ModelName, params: Floats, history: History, *, horizon: float
) -> Floats:
    """Var[Y(t) | x, tx, T] at known parameters: chance, life and differing customers."""
    at, weight = legendre(NODES)
    moments = horizon * at
    given = _given_alive(name, params, history)
    twice = _rate(name, given, moments, once=False) @ (2 * moments * weight * horizon)
    mean = expected_purchases(name, params, history, horizon=horizon)
    held: Floats = alive(name, params, history) * twice + mean - mean**2
    return held


def purchase_chances(
    name: ModelName, params: Floats, history: History, *, horizon: float | Floats, most: int
) -> Floats:
    """P(Y(t) = n | x, tx, T) for n = 0 … ``most``, of shape (groups, most + 1).

    ``horizon`` may differ from group to group.

    References:
        Fader, Hardie and Lee (2005), equation (8), with the parameters of a customer
        alive at T; for Pareto/NBD the integral over the time of leaving.
    """
    given = _given_alive(name, params, history)
    count, until = np.arange(most + 1.0), np.broadcast_to(np.asarray(horizon, float), len(history))
    if name in BY_TIME:
        still = (given.d / (given.d + until)) ** given.c
        found = still[:, None] * _counts(given, until, count)
        at, weight = legendre(NODES)
        for moment, share in zip(at, weight, strict=True):
            life = given.d + until * moment
            leaving = given.c / life * (given.d / life) ** given.c * until * share
            found += leaving[:, None] * _counts(given, until * moment, count)
    else:
        found = _beta_chances(given, until, count)
    living = alive(name, params, history)[:, None]
    held: Floats = living * found
    held[:, 0] += 1 - living[:, 0]
    return held


def _counts(given: _Alive, until: Floats, count: Floats) -> Floats:
    """Negative binomial chances of purchases within a time, at constant life."""
    from scipy.special import gammaln, xlogy

    shape, rate, time = given.shape[:, None], given.rate[:, None], until[:, None]
    logs = gammaln(shape + count) - gammaln(shape) - gammaln(count + 1)
    logs = logs - shape * np.log1p(time / rate) + xlogy(count, time / (rate + time))
    held: Floats = np.exp(logs)
    return held


def _beta_chances(given: _Alive, until: Floats, count: Floats) -> Floats:
    from scipy.special import betaln

    a, b = given.c, given.d[:, None]
    plain = _counts(given, until, count)
    more = 1 - np.cumsum(plain, axis=1) + plain
    stays = np.exp(betaln(a, b + count) - betaln(a, b))
    leaves = np.zeros_like(plain)
    leaves[:, 1:] = np.exp(betaln(a + 1, b + count[1:] - 1) - betaln(a, b))
    held: Floats = stays * plain + leaves * np.maximum(more, 0.0)
    return held


def median_purchases(
    name: ModelName, params: Floats, history: History, *, horizon: float
) -> Floats:
    """The median of Y(t) given x, tx and T: the forecast of least absolute error."""
    found, open_, most = np.zeros(len(history)), np.arange(len(history)), 8
    while len(open_):
        rest = history.part(open_)
        below = np.cumsum(purchase_chances(name, params, rest, horizon=horizon, most=most), axis=1)
        found[open_] = (below < 0.5).sum(axis=1)
        open_, most = open_[below[:, -1] < 0.5], 2 * most
    return found


def discounted_purchases(
    name: ModelName, params: Floats, history: History, *, discount: float
) -> Floats:
    """Purchases expected from T on for ever, each discounted continuously.

    Args:
        name: The model.
        params: Its parameters.
        history: The customers.
        discount: Rate a unit of time, above 0.

    References:
        Fader, Hardie and Lee (2005), JMR 42, equation (2), Pareto/NBD: Tricomi's Psi.
        For BG and MBG the integral of the purchase rate over a logarithmic time.
    """
    given = _given_alive(name, params, history)
    if name in BY_TIME:
        from scipy.special import hyperu

        s, reach = given.c, discount * given.d
        life = given.d**s * discount ** (s - 1) * hyperu(s, s, reach)
        held: Floats = alive(name, params, history) * given.shape / given.rate * life
        return held
    at, weight = legendre(4 * NODES)
    end = np.log1p(60 / discount)
    after = np.expm1(end * at)
    faded = np.exp(-discount * after) * (1 + after) * end * weight
    summed: Floats = purchase_rate(name, params, history, after=after) @ faded
    return summed
