"""Ridge regression on what is known of customers: the models under the uplift learners.

A number enters as a line broken at its fifths, flat beyond the least and the most, so that
one huge amount moves nothing; a word enters as one column a value, a missing one as none.
The penalty is the one with the least generalised cross-validation.

References:
    Hoerl and Kennard (1970), Technometrics 12, 55-67 (ridge); Golub, Heath and Wahba
    (1979), Technometrics 21, 215-223 (the penalty).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.core.checks import require_columns

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

PARTS = 5
"""Parts of a number's range that a line may bend between."""
MOST_WORDS = 30
"""Words of a column that get a column each, the most frequent first."""
PENALTIES = 10.0 ** np.arange(-4.0, 3.5, 0.25)
"""Penalties tried, a row."""
CHUNK = 100_000
"""Rows whose columns are held at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """How one feature enters.

    Attributes:
        name: The feature's column.
        knots: Where the line of a number may bend, rising; empty for words.
        words: The words that get a column; empty for numbers.
        middle: What stands in for a missing number.
    """

    name: str
    knots: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    middle: float = 0.0

    def columns(self, values: pd.Series) -> list[Array]:
        """The feature's columns."""
        if self.words:
            told = values.astype(str).to_numpy(dtype=object)
            return [(told == word).astype(float) for word in self.words]
        held = values.to_numpy(dtype=float, na_value=np.nan)
        held = np.where(np.isfinite(held), held, self.middle)
        ends = zip(self.knots[:-1], self.knots[1:], strict=True)
        return [np.clip((held - low) / (high - low), 0.0, 1.0) for low, high in ends]


def learn_pieces(table: pd.DataFrame, features: Sequence[str]) -> tuple[Piece, ...]:
    """How each feature enters, learnt from the rows of a table.

    Raises:
        ColumnError: The table lacks a feature.
    """
    require_columns(list(table.columns), features, table="the table of customers")
    return tuple(_piece(name, table[name]) for name in features)


def _piece(name: str, values: pd.Series) -> Piece:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not (is_numeric_dtype(values) or is_bool_dtype(values)):
        words = values.dropna().astype(str).value_counts().index[:MOST_WORDS]
        return Piece(name=name, words=tuple(sorted(words)))
    held = values.to_numpy(dtype=float, na_value=np.nan)
    held = held[np.isfinite(held)]
    if not len(held):
        return Piece(name=name)
    knots = np.unique(np.quantile(held, np.linspace(0, 1, PARTS + 1)))
    return Piece(name=name, knots=tuple(knots.tolist()), middle=float(np.median(held)))


def lay_out(pieces: Sequence[Piece], table: pd.DataFrame) -> Array:
    """All columns of some customers, of shape (customers, columns)."""
    columns = [column for piece in pieces for column in piece.columns(table[piece.name])]
    return np.column_stack(columns) if columns else np.zeros((len(table), 0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ridge:
    """A fitted ridge regression.

    Attributes:
        level: The mean of the outcome.
        centre: Mean of each column.
        slopes: Change of the outcome by each column.
    """

    level: float
    centre: Array
    slopes: Array

    def predict(self, x: Array) -> Array:
        """The outcome expected of each row."""
        held: Array = self.level + (x - self.centre) @ self.slopes
        return held

    def less(self, other: Ridge) -> Ridge:
        """The model whose predictions are this one's less another's."""
        slopes = self.slopes - other.slopes
        moved = other.level + float((self.centre - other.centre) @ other.slopes)
        return Ridge(level=self.level - moved, centre=self.centre, slopes=slopes)


def fit_ridge(x: Array, y: Array, weights: Array | None = None) -> Ridge:
    """Fit a ridge regression with the penalty of least generalised cross-validation.

    Args:
        x: Columns, of shape (rows, columns); scaled to equal spread before the penalty.
        y: The outcome.
        weights: Weight of each row; equal by default.

    >>> x = np.arange(6.0)[:, None]
    >>> fit_ridge(x, 2 * x[:, 0] + 1).predict(np.array([[10.0]])).round(1).tolist()
    [21.0]
    """
    w = np.ones(len(y)) if weights is None else weights / weights.mean()
    centre, level = np.average(x, axis=0, weights=w), float(np.average(y, weights=w))
    spread = np.sqrt(np.average((x - centre) ** 2, axis=0, weights=w))
    root = np.sqrt(w)
    z = (x - centre) / np.where(spread > 0, spread, 1.0) * root[:, None]
    errors = (y - level) * root
    sizes, axes = np.linalg.eigh(z.T @ z)
    sizes, along = np.maximum(sizes, 0.0), axes.T @ (z.T @ errors)
    penalty = _best_penalty(sizes, along, float(errors @ errors), len(y))
    slopes = axes @ (along / (sizes + penalty))
    return Ridge(level=level, centre=centre, slopes=slopes / np.where(spread > 0, spread, 1.0))


def _best_penalty(sizes: Array, along: Array, total: float, rows: int) -> float:
    """The penalty with the least generalised cross-validation (Golub et al. 1979, eq. 2.3)."""
    penalties = rows * PENALTIES[:, None]
    shrunk = sizes / (sizes + penalties)
    used = shrunk.sum(axis=1) + 1
    left = total - (along**2 / (sizes + penalties) * (2 - shrunk)).sum(axis=1)
    room = np.maximum(1 - used / rows, 1e-9)
    return float(penalties[np.argmin(np.maximum(left, 0.0) / room**2), 0])
