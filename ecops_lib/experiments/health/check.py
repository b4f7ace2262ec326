"""What every health check is: a level, a sentence, the figures behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.formats import show
from ecops_lib.core.language import reader

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

CheckLevel = Literal["ok", "watch", "red"]

RED, WATCH = 0.001, 0.01
"""Corrected p-values below which a check is red, or to be watched."""


class Check:
    """Base of every check; subclasses are ``@dataclass(frozen=True, kw_only=True, eq=False)``.

    Attributes:
        key: Its stable name, such as ``sample_ratio``.
        label: What it looks at, in English, marked.
    """

    key: ClassVar[str] = ""
    label: ClassVar[str] = ""

    @property
    def level(self) -> CheckLevel:
        """``ok``; ``watch``: read the effect with care; ``red``: there is no effect to read."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """What was found, in the reader's language."""
        raise NotImplementedError

    @property
    def figures(self) -> Mapping[str, float]:
        """The numbers that level and sentence were made from."""
        raise NotImplementedError


def level_of(p_value: float) -> CheckLevel:
    """The level of a corrected p-value; none at all is no reason for alarm.

    >>> level_of(0.0004), level_of(0.004), level_of(0.4)
    ('red', 'watch', 'ok')
    """
    return "red" if p_value < RED else "watch" if p_value < WATCH else "ok"


def least(p_values: ArrayLike) -> float:
    """The smallest p-value; NaN where none was computed."""
    p = np.asarray(p_values, float)
    return float(np.nanmin(p)) if np.isfinite(p).any() else float("nan")


def p_words(p_value: float) -> str:
    """A p-value as a sentence prints it.

    >>> p_words(0.0123), p_words(2e-9)
    ('p = 0.012', 'p < 0.001')
    """
    words = show(p_value, "p_value")
    return f"p {words}" if words.startswith("<") else f"p = {words}"


def listing(names: Sequence[str]) -> str:
    """Names side by side, as the reader's language sets a list.

    >>> listing(["A", "B", "C"])
    'A, B, and C'
    """
    from babel.lists import format_list

    return format_list(list(names), locale=reader().locale)
