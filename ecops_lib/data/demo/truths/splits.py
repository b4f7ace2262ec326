"""What goes wrong in tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class UnevenSplit:
    """A test planned half and half that loses part of its treatment in one segment.

    Attributes:
        segment: The segment in which exposures get lost.
        lost: Share of its treated visitors that the log lacks.
    """

    segment: str = "安卓"
    lost: float = 0.2
