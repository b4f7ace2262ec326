"""What a lift is estimated from: one series, those it is compared with, and a window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WEEK = 7


@dataclass(frozen=True, kw_only=True, eq=False)
class LiftPanel:
    """A series with a campaign in it, and series without.

    Attributes:
        days: Labels of the periods, in order and equally spaced (T,): dates or numbers.
        outcome: The series that the campaign was for (T,); NaN where not known.
        controls: Series that it did not touch (T, K); K may be 0.
        names: What the controls are called (K,).
        first: Position of the campaign's first period.
        last: Position of its last.
        left_out: Periods that count for nothing (T,): warm-up, the days after, other
            campaigns; those of the campaign itself always count.
        season: Periods of a cycle that every series has: 7 for days, 1 for none.
    """

    days: Sequence[Any]
    outcome: Floats
    controls: Floats
    names: tuple[str, ...]
    first: int
    last: int
    left_out: Flags = field(default_factory=lambda: np.zeros(0, bool))
    season: int = 1

    def __post_init__(self) -> None:
        periods = len(self.outcome)
        controls = np.asarray(self.controls, dtype=float).reshape(periods, -1)
        if len(self.days) != periods:
            raise ParameterError(
                f"days has {len(self.days)} labels; it must have one for each of the "
                f"{periods} periods of outcome."
            )
        if controls.shape[1] != len(self.names):
            raise ParameterError(
                f"names has {len(self.names)} names; controls has {controls.shape[1]} series."
            )
        if not np.isfinite(controls).all():
            raise ParameterError(
                "controls holds periods that are not known; leave out those series."
            )
        if np.isinf(np.asarray(self.outcome, dtype=float)).any():
            raise ParameterError("outcome is infinite somewhere; NaN says that it is not known.")
        require_between(self.first, 1, periods - 1, name="first")
        require_between(self.last, self.first, periods - 1, name="last")
        left = np.asarray(self.left_out, bool) if len(self.left_out) else np.zeros(periods, bool)
        if len(left) != periods:
            raise ParameterError(f"left_out has {len(left)} flags; it must have {periods}.")
        left = left.copy()
        left[self.first : self.last + 1] = False
        object.__setattr__(self, "outcome", np.asarray(self.outcome, dtype=float))
        object.__setattr__(self, "controls", controls)
        object.__setattr__(self, "left_out", left)

    @property
    def length(self) -> int:
        """Periods of the campaign."""
        return self.last - self.first + 1

    @property
    def before(self) -> Flags:
        """Periods before the campaign that count (T,)."""
        flags = ~self.left_out & ~np.isnan(self.outcome)
        flags[self.first :] = False
        return np.asarray(flags)

    @property
    def actual(self) -> Floats:
        """The outcome during the campaign."""
        return np.asarray(self.outcome[self.first : self.last + 1])

    def cut(self, *, outcome: Floats | None = None, without: int | None = None) -> LiftPanel:
        """The same with another outcome, or without one of the controls."""
        kept = [k for k in range(len(self.names)) if k != without]
        return LiftPanel(
            days=self.days,
            outcome=self.outcome if outcome is None else outcome,
            controls=self.controls[:, kept],
            names=tuple(self.names[k] for k in kept),
            first=self.first,
            last=self.last,
            left_out=self.left_out,
            season=self.season,
        )


def spread_dates(first: dt.date, periods: int) -> list[dt.date]:
    """So many days from a first one, as labels.

    >>> spread_dates(dt.date(2026, 2, 27), 3)[-1]
    datetime.date(2026, 3, 1)
    """
    return [first + dt.timedelta(days=k) for k in range(periods)]
