"""Log-likelihoods of the purchase models, with gradient and Hessian in one pass.

Each model's likelihood of a customer is a factor in front times a sum over the moments
at which the customer may have left: never (still alive at T), or at a moment between
the last purchase and T. So one function serves them all: nodes h_j, their gradients
and second derivatives, and the shares pi_j that softmax gives them. The share of the
first node is P(alive).

Symbols: x repeat purchases, tx time of the last one, T age, all from the first
purchase; lambda ~ Gamma(r, alpha) purchases a unit of time. BG and MBG: the customer
leaves after a purchase with p ~ Beta(a, b), in MBG also after the first one. Pareto:
the customer leaves at rate mu ~ Gamma(s, beta). NBD: nobody leaves; it is
Pareto with s = 0, the limit of the others where the data show no leaving. The third
and fourth parameter are called c and d below: a and b, or s and beta.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
ModelName = Literal["bg", "mbg", "pareto", "nbd"]

NODES = 24
"""Gauss-Legendre nodes of the integral over the time of leaving (Pareto/NBD)."""
CHUNK = 4096
"""Groups whose nodes are held at once: they stay in the cache, whatever the shop's size."""
FADE = 40.0
"""The integral is cut where its integrand has fallen by exp(-FADE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Customers grouped by equal history; all arrays of shape (groups,).

    Attributes:
        x: Repeat purchases, at least 0.
        tx: Time of the last one since the first purchase; 0 where x is 0.
        T: Age since the first purchase, at least tx.
        customers: How many customers share this history.
    """

    x: Floats
    tx: Floats
    T: Floats
    customers: Floats

    def __len__(self) -> int:
        return len(self.x)

    def part(self, rows: slice | npt.NDArray[np.intp]) -> History:
        """Some of the groups."""
        return History(
            x=self.x[rows], tx=self.tx[rows], T=self.T[rows], customers=self.customers[rows]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nodes:
    """The sum of one likelihood: h and its derivatives, of shape (nodes, groups).

    The second derivatives are those that are not zero: r-alpha, alpha-alpha, c-c, d-d
    and c-d.
    """

    h: Floats
    first: tuple[Floats, Floats, Floats, Floats]
    r_alpha: Floats
    alpha2: Floats
    c2: Floats
    d2: Floats
    cd: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """What one pass gives.

    Attributes:
        value: Log-likelihood of all customers.
        gradient: By the logarithms of the k parameters, of shape (k,).
        hessian: Second derivatives by the same, of shape (k, k).
    """

    value: float
    gradient: Floats
    hessian: Floats


def four(name: ModelName, params: Floats) -> Floats:
    """The parameters of any model as four; NBD is Pareto with s = 0."""
    return np.append(params, [0.0, 1.0]) if name == "nbd" else params


def chances(name: ModelName, x: Floats) -> Floats:
    """How often a customer with x repeat purchases could have left after a purchase."""
    return x + 1.0 if name == "mbg" else x


def log_likelihood(name: ModelName, params: Floats, history: History) -> Likelihood:
    """The log-likelihood of grouped histories with its derivatives.

    Args:
        name: ``bg``, ``mbg``, ``pareto`` or ``nbd``.
        params: (r, alpha, a, b), (r, alpha, s, beta) or (r, alpha), all above 0.
        history: The customers.

    References:
        Fader, Hardie and Lee (2005), Marketing Science 24, equation (6), for BG/NBD;
        Batislam, Denizel and Filiztekin (2007), IJRM 24, equation (2), for MBG/NBD;
        Schmittlein, Morrison and Colombo (1987) in the form of Fader and Hardie (2005),
        "A note on deriving the Pareto/NBD model", equation (19) before integration.
    """
    value, gradient, hessian = _front(name, params, history)
    for begin in range(0, len(history), CHUNK):
        part = history.part(slice(begin, begin + CHUNK))
        more = _sums(_nodes(name, params, part), part.customers)
        value, gradient, hessian = value + more[0], gradient + more[1], hessian + more[2]
    k = len(params)
    return _by_logarithms(value, gradient[:k], hessian[:k, :k], params)


def _sums(nodes: _Nodes, n: Floats) -> tuple[float, Floats, Floats]:
    """Sum over groups of the logarithm of their nodes' sum, with its derivatives."""
    top = nodes.h.max(axis=0)
    parts = np.exp(nodes.h - top)
    total = parts.sum(axis=0)
    share = parts / total
    value = float(n @ (top + np.log(total)))
    firsts = np.stack(np.broadcast_arrays(*nodes.first))
    mean = (firsts * share).sum(axis=1)
    weight = share * n
    flat = firsts.reshape(4, -1)
    hessian = (flat * weight.reshape(-1)) @ flat.T - (mean * n) @ mean.T
    second = {(0, 1): nodes.r_alpha, (1, 1): nodes.alpha2, (2, 2): nodes.c2, (3, 3): nodes.d2,
              (2, 3): nodes.cd}  # fmt: skip
    for (i, k), part in second.items():
        add = float((weight * part).sum())
        hessian[i, k] += add
        if i != k:
            hessian[k, i] += add
    return value, mean @ n, hessian


def alive(name: ModelName, params: Floats, history: History) -> Floats:
    """P(alive at T) of each group: the share of the first node."""
    h = _nodes(name, params, history).h
    parts = np.exp(h - h.max(axis=0))
    held: Floats = parts[0] / parts.sum(axis=0)
    return held


def _by_logarithms(value: float, gradient: Floats, hessian: Floats, params: Floats) -> Likelihood:
    """Derivatives by the logarithms of the parameters from those by the parameters."""
    by_log = gradient * params
    return Likelihood(
        value=value,
        gradient=by_log,
        hessian=hessian * np.outer(params, params) + np.diag(by_log),
    )


def _front(name: ModelName, params: Floats, history: History) -> tuple[float, Floats, Floats]:
    """The factors in front: sums of their logarithms and of their derivatives."""
    from scipy.special import betaln, gammaln, polygamma, psi

    r, alpha, c, d = four(name, params)
    sizes = np.bincount(history.x.astype(np.int64), weights=history.customers)
    kinds = np.flatnonzero(sizes).astype(float)
    n = sizes[sizes > 0]
    m = chances(name, kinds)
    value = gammaln(r + kinds) - gammaln(r) + r * np.log(alpha)
    first = np.zeros((len(kinds), 4))
    second = np.zeros((len(kinds), 4, 4))
    first[:, 0] = psi(r + kinds) - psi(r) + np.log(alpha)
    first[:, 1] = r / alpha
    second[:, 0, 0] = polygamma(1, r + kinds) - polygamma(1, r)
    second[:, 0, 1] = second[:, 1, 0] = 1 / alpha
    second[:, 1, 1] = -r / alpha**2
    if name == "pareto":
        value = value + c * np.log(d)
        first[:, 2], first[:, 3] = np.log(d), c / d
        second[:, 2, 3] = second[:, 3, 2] = 1 / d
        second[:, 3, 3] = -c / d**2
    elif name != "nbd":
        value = value + betaln(c, d + m) - betaln(c, d)
        both, three = psi(c + d) - psi(c + d + m), polygamma(1, c + d) - polygamma(1, c + d + m)
        first[:, 2], first[:, 3] = both, both + psi(d + m) - psi(d)
        second[:, 2, 2] = second[:, 2, 3] = second[:, 3, 2] = three
        second[:, 3, 3] = three + polygamma(1, d + m) - polygamma(1, d)
    return float(n @ value), n @ first, np.einsum("x,xik->ik", n, second)


def _nodes(name: ModelName, params: Floats, history: History) -> _Nodes:
    if name == "pareto":
        return _pareto_nodes(params, history)
    if name == "nbd":
        return _lasting_nodes(params, history)
    return _beta_nodes(name, params, history)


def _beta_nodes(name: ModelName, params: Floats, history: History) -> _Nodes:
    """BG and MBG: alive at T, or left right after the last purchase."""
    r, alpha, a, b = params
    shape = r + history.x
    until = alpha + np.stack([history.T, history.tx])
    log_until = np.log(until)
    m = chances(name, history.x)
    h = -shape * log_until
    tried = b + np.where(m > 0, m, np.inf) - 1
    h[1] += np.log(a) - np.log(tried)
    zero = np.zeros_like(h)
    d_first, d2 = zero.copy(), zero.copy()
    d_first[1], d2[1] = -1 / tried, 1 / tried**2
    left = np.array([[0.0], [1.0]])
    return _Nodes(
        h=h,
        first=(-log_until, -shape / until, np.broadcast_to(left / a, h.shape), d_first),
        r_alpha=-1 / until,
        alpha2=shape / until**2,
        c2=-left / a**2,
        d2=d2,
        cd=zero,
    )


def _lasting_nodes(params: Floats, history: History) -> _Nodes:
    """NBD: alive at T for sure."""
    r, alpha = params
    shape, until = r + history.x, alpha + history.T[None, :]
    zero = np.zeros_like(until)
    return _Nodes(
        h=-shape * np.log(until),
        first=(-np.log(until), -shape / until, zero, zero),
        r_alpha=-1 / until,
        alpha2=shape / until**2,
        c2=zero,
        d2=zero,
        cd=zero,
    )


@cache
def legendre(nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    at, weight = np.polynomial.legendre.leggauss(nodes)
    return (at + 1) / 2, weight / 2


def _pareto_nodes(params: Floats, history: History) -> _Nodes:
    """Pareto: alive at T, or left at a moment tau between tx and T (an integral).

    The moments are even in the logarithm of tau plus the smaller of alpha and beta,
    which keeps the integrand smooth whatever the two are; it needs no 2F1 and no
    distinction of alpha and beta.
    """
    r, alpha, s, beta = params
    shape = r + history.x
    tau, log_weight = _leaving_times(params, history)
    moment = np.vstack([history.T, tau])
    buying, living = alpha + moment, beta + moment
    log_buying, log_living = np.log(buying), np.log(living)
    power = np.full((len(moment), 1), s + 1)
    power[0] = s
    h = -shape * log_buying - power * log_living
    h[1:] += np.log(s) + log_weight
    left = np.ones((len(moment), 1))
    left[0] = 0.0
    return _Nodes(
        h=h,
        first=(-log_buying, -shape / buying, left / s - log_living, -power / living),
        r_alpha=-1 / buying,
        alpha2=shape / buying**2,
        c2=-left / s**2,
        d2=power / living**2,
        cd=-1 / living,
    )


def _leaving_times(params: Floats, history: History) -> tuple[Floats, Floats]:
    """Nodes tau between tx and T, and the logarithms of their weights."""
    low, begin = min(params[1], params[3]), history.tx
    span = np.log1p((history.T - begin) / (low + begin))
    reach = _fading(params, history, span)
    at, weight = (values[:, None] for values in legendre(NODES))
    tau = (low + begin) * np.exp(reach * at) - low
    with np.errstate(divide="ignore"):  # T = tx: nothing lies between
        return tau, np.log(reach) + np.log(weight) + np.log(low + tau)


def _fading(params: Floats, history: History, span: Floats) -> Floats:
    """How far the integral must go: to T, or to where the integrand has faded."""
    r, alpha, s, beta = params
    low, begin = min(alpha, beta), history.tx

    def fallen(u: Floats) -> Floats:
        gone = (low + begin) * np.expm1(u)
        buying = (r + history.x) * np.log1p(gone / (alpha + begin))
        lost: Floats = buying + (s + 1) * np.log1p(gone / (beta + begin))
        return lost

    near, far = np.zeros_like(span), span.copy()
    if not (fallen(span) > FADE).any():
        return span
    for _ in range(6):
        middle = (near + far) / 2
        over = fallen(middle) > FADE
        far, near = np.where(over, middle, far), np.where(over, near, middle)
    held: Floats = np.where(fallen(span) > FADE, far, span)
    return held
