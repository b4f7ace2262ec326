"""Places by a salted hash: the same for a unit every time, on any machine.

The first 53 bits of SHA-256("salt:experiment:unit") are a number from 0 to 1. It depends on
nothing else: neither on the order of the units nor on the other draws.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.core.errors import ColumnError, ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def hash_units(units: Iterable[str | int], *, experiment_id: str, salt: str) -> NDArray[np.float64]:
    """The number from 0 to 1 of each unit in a test, or in a draw of another name.

    Args:
        units: Keys of the units, text or whole numbers.
        experiment_id: The test; another one gives unrelated numbers.
        salt: The shop's secret; without it nobody can tell a unit's place.

    Raises:
        ParameterError: The test or the salt is empty.
        ColumnError: A unit is missing, or neither text nor a whole number.

    >>> hash_units(["buyer-1", "buyer-2"], experiment_id="title", salt="s").round(3)
    array([0.792, 0.962])
    """
    if not experiment_id or not salt:
        raise ParameterError("experiment_id and salt must not be empty.")
    start = hashlib.sha256(f"{salt}:{experiment_id}:".encode())
    return np.fromiter((_place(start, unit) for unit in units), np.float64)


def _place(start: Any, unit: object) -> float:
    """A number in [0, 1) with 53 bits, so that every machine gives the same."""
    if not isinstance(unit, str | int | np.integer) or isinstance(unit, bool):
        raise ColumnError(
            f"a unit is {unit!r}; give text or whole numbers, none missing, or its variant "
            "would change with the way it is written."
        )
    held = start.copy()
    held.update(str(unit).encode())
    return float((int.from_bytes(held.digest()[:8], "big") >> 11) / (1 << 53))
