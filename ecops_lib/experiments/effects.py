"""What a comparison of two variants gives: one effect, absolute and relative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Relative = Literal["fieller", "log", "delta"]
"""How the interval of a relative effect is made; Fieller's is the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its limits; a limit may be infinite, NaN where none can be had."""

    value: float
    low: float
    high: float

    def holds(self, number: float) -> bool:
        """Whether a number lies within."""
        return self.low <= number <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Treatment against control on one metric.

    Attributes:
        control: The metric in the control group.
        treatment: The metric in the treatment group.
        n_control: Units of the control group.
        n_treatment: Units of the treatment group.
        difference: Treatment − control, with its interval.
        relative: Treatment ÷ control − 1, with its interval.
        standard_error: Of the difference.
        statistic: The test statistic (t or z).
        degrees: Degrees of freedom; infinite for a normal test.
        p_value: Two-sided, of "no difference".
        alpha: Level of the intervals.
        method: The method's name, in English, marked.
        notes: What the reader must know of the figures, sentences in the reader's language.
    """

    control: float
    treatment: float
    n_control: int
    n_treatment: int
    difference: Interval
    relative: Interval
    standard_error: float
    statistic: float
    degrees: float
    p_value: float
    alpha: float
    method: str
    notes: tuple[str, ...] = ()
