"""A change of a product of factors, split exactly among the factors."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from itertools import combinations
from math import comb, isnan, prod

CENT = Decimal("0.01")


def split_product(before: Sequence[float], after: Sequence[float]) -> tuple[float, ...]:
    """Contribution of each factor to the change of the factors' product.

    A factor's contribution is its Shapley value: the change it makes when it is the next
    to move, averaged over all orders in which the factors can move. Zeros and negative
    factors need no special case, nothing is left over, and a factor that did not change
    gets nothing.

    Args:
        before: The factors then; NaN for a ratio without a denominator.
        after: The factors now, in the same order.

    Returns:
        One contribution a factor, in the unit of the product. A factor that is undefined
        on one side is taken as unchanged, on both sides as 0.

    References:
        Shapley (1953), A value for n-person games, Annals of Mathematics Studies 28,
        307-317; Shorrocks (2013), Decomposition procedures for distributional analysis,
        Journal of Economic Inequality 11, 99-126. For three factors it is Sun's (1998)
        complete decomposition, Energy Economics 20, 85-100.

    >>> [round(part, 2) for part in split_product([1000, 0.05, 80], [800, 0.05, 90])]
    [-850.0, 0.0, 450.0]
    """
    pairs = [_defined(old, new) for old, new in zip(before, after, strict=True)]
    return tuple(_shapley(pairs, place) for place in range(len(pairs)))


def _defined(old: float, new: float) -> tuple[float, float]:
    """Both values, an undefined one replaced by the other (or both by 0)."""
    known = [value for value in (old, new) if not isnan(value)]
    if not known:
        return 0.0, 0.0
    return (known[0] if isnan(old) else old), (known[0] if isnan(new) else new)


def _shapley(pairs: Sequence[tuple[float, float]], place: int) -> float:
    old, new = pairs[place]
    others = [pair for other, pair in enumerate(pairs) if other != place]
    count = len(pairs)
    total = 0.0
    for moved in range(count):
        weight = 1 / (count * comb(count - 1, moved))
        for chosen in combinations(range(count - 1), moved):
            total += weight * prod(pair[i in chosen] for i, pair in enumerate(others))
    return (new - old) * total


def round_to_sum(parts: Sequence[float], total: float) -> tuple[float, ...]:
    """Parts rounded to cents that add up to the total rounded to cents.

    The cents that rounding leaves over go to the parts that rounding down cost most.

    >>> round_to_sum([0.333, 0.333, 0.334], 1.0)
    (0.33, 0.33, 0.34)
    """
    exact = [Decimal(repr(float(part))) for part in parts]
    cents = [(part / CENT).to_integral_value(ROUND_FLOOR) for part in exact]
    missing = int((Decimal(repr(float(total))) / CENT).to_integral_value()) - int(sum(cents))
    lost = sorted(range(len(parts)), key=lambda i: (cents[i] - exact[i] / CENT, i))
    share, extra = divmod(missing, len(parts)) if parts else (0, 0)
    for rank, place in enumerate(lost):
        cents[place] += share + (1 if rank < extra else 0)
    return tuple(float(cent * CENT) for cent in cents)
