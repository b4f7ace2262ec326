"""Changes of products, sums and ratios, split exactly among what made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Decimal
from itertools import combinations
from math import comb, isnan, prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

CENT = Decimal("0.01")


def shapley(value: Callable[[frozenset[int]], float], players: int) -> tuple[float, ...]:
    """What each of a few changes makes of the whole, averaged over all orders of making them.

    Args:
        value: The whole after some of the changes.
        players: How many changes there are.

    Returns:
        One part a change; they add up to ``value(all) - value(none)``.

    References:
        Shapley (1953), A value for n-person games; Shorrocks (2013), Journal of Economic
        Inequality 11, 99-126, equation 9.

    >>> shapley(lambda made: 10.0 * (2 if 0 in made else 1) * (3 if 1 in made else 1), 2)
    (20.0, 30.0)
    """
    held = {
        made: value(made)
        for size in range(players + 1)
        for made in map(frozenset, combinations(range(players), size))
    }
    parts = []
    for player in range(players):
        without = [made for made in held if player not in made]
        parts.append(
            sum(
                (held[made | {player}] - held[made]) / (players * comb(players - 1, len(made)))
                for made in without
            )
        )
    return tuple(parts)


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
    return shapley(
        lambda made: prod(pair[place in made] for place, pair in enumerate(pairs)), len(pairs)
    )


def _defined(old: float, new: float) -> tuple[float, float]:
    """Both values, an undefined one replaced by the other (or both by 0)."""
    known = [value for value in (old, new) if not isnan(value)]
    if not known:
        return 0.0, 0.0
    return (known[0] if isnan(old) else old), (known[0] if isnan(new) else new)


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


def split_sales(
    before: Sequence[float], after: Sequence[float], units: Numbers, amounts: Numbers
) -> tuple[float, ...]:
    """Split the change of an amount into leading factors, units a buyer, mix and price.

    The amount is the product of the leading counts' quotients (visitors, buyers a visitor),
    units a buyer, and the mean price: products' shares of units times their prices. A product
    that sold in one period only keeps its price, so that it counts as mix.

    Args:
        before: Leading counts then, such as visitors and buyers.
        after: The same now.
        units: Units by product, then (column 0) and now (column 1).
        amounts: Amounts by product, likewise [store currency].

    Returns:
        One part for each leading count's quotient, then units a buyer, mix and price.

    Raises:
        ValueError: A leading count is not positive.

    >>> import numpy as np
    >>> units, amounts = np.array([[50.0, 60], [50, 40]]), np.array([[500.0, 600], [2000, 1600]])
    >>> [round(part, 6) for part in split_sales([100.0], [100.0], units, amounts)]
    [0.0, 0.0, -300.0, 0.0]
    """
    import numpy as np

    counts = np.array([[*before], [*after]], dtype=float)
    if not (counts > 0).all():
        raise ValueError("leading counts must be positive")
    counts = np.column_stack([counts, units.sum(axis=0)])
    quotients = np.column_stack([counts[:, :1], counts[:, 1:] / counts[:, :-1]])
    shares = np.divide(units, units.sum(axis=0), out=np.zeros_like(units), where=units.sum(0) > 0)
    prices = np.divide(amounts, units, out=np.full_like(units, np.nan), where=units > 0)
    prices = np.where(np.isnan(prices), np.nan_to_num(prices[:, ::-1]), prices)
    factors = quotients.shape[1]

    def amount(made: frozenset[int]) -> float:
        now = [int(place in made) for place in range(factors + 2)]
        lead = np.prod([quotients[now[place], place] for place in range(factors)])
        return float(lead * (shares[:, now[factors]] * prices[:, now[factors + 1]]).sum())

    return shapley(amount, factors + 2)


def split_ratio(over: Numbers, under: Numbers) -> tuple[Numbers, Numbers]:
    """Split the change of a ratio of sums into what rates and what the mix of parts made.

    Args:
        over: Numerator by part, then (column 0) and now (column 1).
        under: Denominator by part, likewise.

    Returns:
        By part: the effect of its rate, and that of its share of the denominator (measured
        against the mean ratio, so that a part of average rate has none). All add up to the
        change of the ratio.

    References:
        Bennet (1920), The theory of measurement of changes in cost of living, Journal of the
        Royal Statistical Society 83, 455-462 (means of both periods as weights).

    >>> import numpy as np
    >>> over, under = np.array([[10.0, 10], [10, 40]]), np.array([[100.0, 100], [50, 200]])
    >>> rate, mix = split_ratio(over, under)
    >>> bool(abs(rate.sum() + mix.sum() - (50 / 300 - 20 / 150)) < 1e-12), float(rate.sum())
    (True, 0.0)
    """
    import numpy as np

    totals, whole = under.sum(axis=0), over.sum(axis=0)
    shares = np.divide(under, totals, out=np.zeros_like(under), where=totals > 0)
    rates = np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)
    rates = np.where(np.isnan(rates), np.nan_to_num(rates[:, ::-1]), rates)
    level = np.divide(whole, totals, out=np.zeros_like(whole), where=totals > 0).mean()
    rate = shares.mean(axis=1) * (rates[:, 1] - rates[:, 0])
    mix = (shares[:, 1] - shares[:, 0]) * (rates.mean(axis=1) - level)
    return rate, mix
