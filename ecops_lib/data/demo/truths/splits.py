"""What the shop's A/B tests should find, and what goes wrong in them.

A test whose truth is ``None`` was not run; only the main picture's is always run, and
``None`` there means that no exposure is lost. A lift below 0 turns a winner into a loser.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TrueWinner:
    """A test whose treatment sells more.

    Attributes:
        lift: Conversion of the treatment over that of the control, less 1; above −1.
    """

    lift: float = 0.35


@dataclass(frozen=True, kw_only=True)
class NoEffect:
    """A test whose variants do the same."""


@dataclass(frozen=True, kw_only=True)
class UnevenSplit:
    """A test planned half and half that loses part of its treatment in one segment.

    Attributes:
        segment: The segment in which exposures get lost.
        lost: Share of its treated visitors that the log lacks.
    """

    segment: str = "安卓"
    lost: float = 0.2


@dataclass(frozen=True, kw_only=True)
class CostlyWinner:
    """A test whose treatment sells more, and has more of it sent back.

    Attributes:
        lift: Conversion of the treatment over that of the control, less 1; above −1.
        refunds: Share of its buyers who get money back over that of the control, less 1;
            above −1.
    """

    lift: float = 0.3
    refunds: float = 1.5
