"""Shares of customers, their intervals and their differences."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Between:
    """A difference with its interval."""

    gap: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves out zero, else 0."""
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


def share_interval(again: float, customers: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927); NaN where there is nobody."""
    from statsmodels.stats.proportion import proportion_confint

    if not customers > 0:
        return nan, nan
    low, high = proportion_confint(again, customers, alpha=1 - LEVEL, method="wilson")
    return float(low), float(high)


def share_between(
    again: tuple[float, float], customers: tuple[float, float], *, times: int = 1
) -> Between:
    """First less second share, with Newcombe's hybrid score interval (1998, method 10).

    Args:
        again: Customers of each side who did it.
        customers: Customers of each side; neither may be 0.
        times: Comparisons made; the interval is Bonferroni's for all of them.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        again[0], customers[0], again[1], customers[1],
        compare="diff", method="newcomb", alpha=(1 - LEVEL) / times,
    )  # fmt: skip
    return Between(again[0] / customers[0] - again[1] / customers[1], float(low), float(high))


@dataclass(frozen=True, slots=True)
class Sums:
    """Customers, and the sum and sum of squares of what each brought."""

    n: float
    total: float
    squares: float

    def without(self, other: Sums) -> Sums:
        """What is left without a part."""
        return Sums(self.n - other.n, self.total - other.total, self.squares - other.squares)

    @property
    def mean(self) -> float:
        """What a customer brought."""
        return self.total / self.n if self.n else nan

    @property
    def error(self) -> float:
        """Variance of the mean; NaN below two customers."""
        if self.n < 2:
            return nan
        return max(0.0, self.squares - self.total**2 / self.n) / (self.n - 1) / self.n


def mean_between(first: Sums, second: Sums, *, times: int = 1) -> Between:
    """First less second mean, with Welch's interval (1947), Bonferroni's for all comparisons."""
    from scipy.stats import t

    gap, a, b = first.mean - second.mean, first.error, second.error
    if not a + b > 0:
        return Between(gap, gap if a + b == 0 else nan, gap if a + b == 0 else nan)
    freedom = (a + b) ** 2 / (a**2 / (first.n - 1) + b**2 / (second.n - 1))
    half = float(t.isf((1 - LEVEL) / times / 2, freedom)) * sqrt(a + b)
    return Between(gap, gap - half, gap + half)
