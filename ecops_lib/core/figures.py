"""Figures that a page leaves behind so that pages may be set beside one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ecops_lib.core.bundle import plain
from ecops_lib.core.cards import Better
from ecops_lib.core.formats import Unit

Moved = Literal["up", "down", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A figure beside what was to be expected of it.

    Attributes:
        key: A stable name, such as ``paid_amount``.
        label: Its name in the page's language.
        unit: What it measures.
        value: What came.
        expected: What was to be expected.
        low: Lower end of the range to be expected.
        high: Its upper end.
        moved: Which way the page says that it left its range; empty where it did not.
    """

    key: str
    label: str
    unit: Unit
    value: float
    expected: float
    low: float
    high: float
    moved: Moved

    def to_dict(self) -> dict[str, object]:
        """Plain values for ``findings.json``; a missing number becomes null."""
        return {
            "kind": "expected", "key": self.key, "label": self.label, "unit": self.unit,
            "value": plain(self.value), "expected": plain(self.expected), "low": plain(self.low),
            "high": plain(self.high), "moved": self.moved,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A rate over some weeks, with what tells how sure it is.

    Attributes:
        key: A stable name, such as ``conversion_rate``.
        label: Its name in the page's language.
        unit: ``share`` or ``ratio``: what has a currency cannot be compared.
        better: Which way is good; ``none`` where neither is.
        value: The rate, a ratio of sums.
        low: Lower end of its 95 % interval.
        high: Its upper end.
        error: Its standard error.
        freedom: Degrees of freedom of the error.
    """

    key: str
    label: str
    unit: Unit
    better: Better
    value: float
    low: float
    high: float
    error: float
    freedom: int

    def to_dict(self) -> dict[str, object]:
        """Plain values for ``findings.json``."""
        return {
            "kind": "rate", "key": self.key, "label": self.label, "unit": self.unit,
            "better": self.better, "value": plain(self.value), "low": plain(self.low),
            "high": plain(self.high), "error": plain(self.error), "freedom": self.freedom,
        }  # fmt: skip


KeyFigure = Expected | Rate
