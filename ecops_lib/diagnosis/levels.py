"""What the whole shop may be expected to do on a day, for its parts to be held against."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.counts import Numbers
    from ecops_lib.diagnosis.history import History


@dataclass(frozen=True, kw_only=True, eq=False)
class Level:
    """The shop's expected level by day.

    Attributes:
        expected: Expected value of each day, from the days before it alone.
        doubt: Relative standard error of the last day's expectation.
    """

    expected: pd.Series[float]
    doubt: float

    def on(self, days: pd.Index[Any]) -> Numbers:
        """The expectations of those days."""
        import numpy as np

        held: Numbers = np.asarray(self.expected.reindex(days), dtype=float)
        return held


def expect_level(series: pd.Series[float], *, history: History, day: dt.date) -> Level:
    """Expect each day of a series from the days before it."""
    import numpy as np
    import pandas as pd

    held = series.loc[: str(day)]
    weeks = [held.shift(7 * n) for n in range(1, 9)]
    expected = pd.concat(weeks, axis=1).mean(axis=1)
    past = (held / expected).iloc[-57:-1].replace([np.inf, -np.inf], np.nan)
    doubt = float(past.std() / np.sqrt(8)) if past.count() > 8 else 0.2
    return Level(expected=expected.fillna(held.mean()), doubt=doubt)
