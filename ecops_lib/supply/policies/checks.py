"""Argument checks of the policies."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecops_lib.core.errors import ParameterError


def require_positive(**values: float) -> None:
    """Refuse numbers that are not positive and finite; NaN is neither.

    Raises:
        ParameterError: One of them is not.
    """
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ParameterError(f"{name} is {value!r}; it must be a positive number.")


def require_no_less(least: float, **values: float) -> None:
    """Refuse numbers below a limit or infinite; NaN is refused too.

    Raises:
        ParameterError: One of them is.
    """
    for name, value in values.items():
        if not least <= value < math.inf:
            raise ParameterError(f"{name} is {value!r}; it must be at least {least:g}.")


def require_all(values: Sequence[float], *, name: str, above: float) -> None:
    """Refuse an empty list, or one with a number that is not above a limit.

    Raises:
        ParameterError: It is empty, or holds such a number.
    """
    if not len(values):
        raise ParameterError(f"{name} is empty; it must hold a number at least.")
    for value in values:
        if not above < value < math.inf:
            raise ParameterError(f"{name} holds {value!r}; its numbers must be above {above:g}.")


def require_whole(**values: float) -> None:
    """Refuse numbers that are not whole.

    Raises:
        ParameterError: One of them is not.
    """
    for name, value in values.items():
        if not float(value).is_integer():
            raise ParameterError(f"{name} is {value!r}; it must be a whole number.")
