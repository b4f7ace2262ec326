"""Sufficient statistics: counts, means and covariances of one group of units.

Everything that a test is judged by is arithmetic on these few numbers. Two groups'
moments add up exactly (Chan, Golub, LeVeque 1979, eq. 1.5), so days and segments can
be put together without going back to the lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.core.errors import ColumnError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Moments of several columns over one group of units.

    Attributes:
        columns: Names of the value columns (outcomes and covariates).
        n: Units.
        mean: Means, in the order of the columns; NaN where there is no unit.
        cov: Covariance matrix with n − 1 in the denominator; NaN below two units.
    """

    columns: tuple[str, ...]
    n: int
    mean: Floats
    cov: Floats

    @classmethod
    def of_values(cls, columns: Sequence[str], values: ArrayLike) -> Moments:
        """Moments of an array of shape (units, columns).

        >>> Moments.of_values(["orders"], [[0.0], [1.0], [2.0]]).variance("orders")
        1.0
        """
        held = np.asarray(values, float).reshape(-1, len(columns))
        sums = held.sum(axis=0)
        return cls.of_sums(columns, len(held), sums, held.T @ held)

    @classmethod
    def of_sums(
        cls,
        columns: Sequence[str],
        n: int,
        sums: ArrayLike,
        products: ArrayLike,
        *,
        centre: ArrayLike | None = None,
    ) -> Moments:
        """Moments from sums and sums of products, taken around a constant per column.

        Args:
            columns: Names of the columns.
            n: Units.
            sums: Σ(x − c) for each column.
            products: Σ(x − c)(y − d) for each pair of columns.
            centre: The constants c; 0 where None.
        """
        total, cross = np.asarray(sums, float), np.asarray(products, float)
        if n < 0 or total.shape != (len(columns),) or cross.shape != (len(columns),) * 2:
            raise ParameterError("sums and products must have one row and column for each column.")
        away = total / n if n else np.full(len(columns), np.nan)
        spread = cross - np.outer(away, total) if n else cross
        cov = spread / (n - 1) if n > 1 else np.full(cross.shape, np.nan)
        return cls(
            columns=tuple(columns),
            n=int(n),
            mean=away + (0.0 if centre is None else np.asarray(centre, float)),
            cov=cov,
        )

    def __add__(self, other: Moments) -> Moments:
        """The moments of both groups together."""
        if self.columns != other.columns:
            raise ColumnError(f"moments of {self.columns} and {other.columns} cannot be added.")
        if not self.n or not other.n:
            return self if self.n else other
        n = self.n + other.n
        gap = other.mean - self.mean
        spread = self._spread() + other._spread() + np.outer(gap, gap) * self.n * other.n / n
        return Moments(
            columns=self.columns,
            n=n,
            mean=self.mean + gap * other.n / n,
            cov=spread / (n - 1),
        )

    def _spread(self) -> Floats:
        """Sums of products around the means; zero for a single unit."""
        return self.cov * (self.n - 1) if self.n > 1 else np.zeros(self.cov.shape)

    def place(self, column: str) -> int:
        """Where a column stands.

        Raises:
            ColumnError: There is no such column.
        """
        if column not in self.columns:
            raise ColumnError(f"the moments have no column {column!r}; they have {self.columns}.")
        return self.columns.index(column)

    def average(self, column: str) -> float:
        """Mean of a column."""
        return float(self.mean[self.place(column)])

    def total(self, column: str) -> float:
        """Sum of a column."""
        return self.average(column) * self.n if self.n else 0.0

    def variance(self, column: str) -> float:
        """Variance of a column."""
        return self.covariance(column, column)

    def covariance(self, first: str, second: str) -> float:
        """Covariance of two columns."""
        return float(self.cov[self.place(first), self.place(second)])

    def combine(self, name: str, weights: dict[str, float], *, constant: float = 0.0) -> Moments:
        """The moments with one more column, a linear combination of the others.

        Means and covariances of Σ wᵢxᵢ + c follow exactly; this is how a ratio is
        linearised and a covariate subtracted. Columns not named are not looked at: their
        covariances may be unknown.
        """
        places = [self.place(column) for column in weights]
        shares = np.array(list(weights.values()), float)
        cross = self.cov[:, places] @ shares
        cov: Any = np.block([[self.cov, cross[:, None]], [cross[None, :], shares @ cross[places]]])
        return Moments(
            columns=(*self.columns, name),
            n=self.n,
            mean=np.append(self.mean, shares @ self.mean[places] + constant),
            cov=cov,
        )
