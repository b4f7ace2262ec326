"""Did it come back? What closed actions are about, held against their expected path."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.actions.followed import Followed
from ecops_lib.diagnosis.actions.kept import KeptAction
from ecops_lib.diagnosis.actions.panels import (
    GUARD,
    Panel,
    UntoldError,
    item_of,
    pairs_of,
    read_panel,
    worth,
)
from ecops_lib.diagnosis.actions.results import ActionResults
from ecops_lib.diagnosis.counts import LEAST, PRIOR, judge_counts
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.levels import SHORT_DOUBT, expect_level

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.counts import Numbers

AFTER = 14
"""Days after the closing that are measured at most."""

FEWEST_DAYS = 3
"""Days after the closing from which on it can be told whether it came back."""

FEWEST_PAST = 14
"""Days before the trouble that it takes to know what is usual."""

LONGEST = 31
"""How far back a closing may lie at most, for its past to be within the history [days]."""

STRANGE = 0.5
"""Relative standard error from which on a day is left out: such is a festival or a holiday
that the shop meets for the first time."""

MONTH = 28
ROBUST = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""


def measure_actions(
    history: History,
    actions: Sequence[KeptAction],
    *,
    as_of: str | dt.date,
    days: int = 28,
) -> ActionResults:
    """Follow the actions of earlier pages: which are open, and did the others bring it back?

    The metric of an action that was done is held against its expected path over the days
    since the closing, ``AFTER`` at most: the rate of the days before the trouble times what
    the shop may be expected to do, judged as findings are (``counts.judge_counts``). It is
    held, too, against the rate of the days of the trouble. It *came back* if it lies within
    the range of the first and beyond that of the second, *not yet* if it is worse than the
    range of the first, and *cannot be told* where both ranges hold it. What is regained is
    the difference to the second, in money. That something came back after a task does not
    prove that the task did it: what is odd tends to be less odd later.

    Args:
        history: The days before, up to ``as_of`` or later.
        actions: Those that are kept.
        as_of: Last day that counts: actions are taken as they stood at its end.
        days: How many days back the closing of an action may lie, from 1 to ``LONGEST``;
            earlier ones, and those dropped earlier, are left out.

    Returns:
        Open actions and closed ones with their verdict, expected range and money regained.

    Raises:
        ParameterError: ``as_of`` is no day or lies after the history, or ``days`` is outside
            its range.

    References:
        Cook and Campbell (1979), Quasi-Experimentation, section 3.2 (regression to the mean
        in before-and-after comparisons).
    """
    day = as_day(as_of, name="as_of")
    require_between(days, 1, LONGEST, name="days")
    if day > history.day:
        raise ParameterError(
            f"as_of is {day}, but the history ends on {history.day}; read it to there."
        )
    stood = [held for action in actions if (held := action.on(day))]
    kept = [
        held
        for held in stood
        if held.status == "open" or (day - (held.closed_on or held.opened_on)).days < days
    ]
    return ActionResults(
        as_of=day,
        days=days,
        rows=tuple(_follow(history, action, day) for action in kept),
        kept=len(actions),
    )


def _follow(history: History, action: KeptAction, day: dt.date) -> Followed:
    name = " × ".join(
        history.names.get(value, value) if dimension == "product_id" else value
        for dimension, value in pairs_of(action)
    )
    if action.status != "done":
        return Followed(action=action, name=name)
    try:
        return _judged(history, action, day, name)
    except UntoldError as reason:
        return Followed(action=action, name=name, verdict="untold", why=reason.why)


@dataclass(frozen=True, kw_only=True)
class _Days:
    """The days of an action: usual ones, those of the trouble, those after it was done."""

    before: pd.DatetimeIndex
    trouble: pd.DatetimeIndex
    after: pd.DatetimeIndex


def _judged(history: History, action: KeptAction, day: dt.date, name: str) -> Followed:
    """The verdict on an action that was done."""
    if not action.metric:
        raise UntoldError("no_metric")
    if action.closed_on is None:
        raise UntoldError("no_day")
    closed = max(action.closed_on, action.asked_on)
    until = min(day, closed + AFTER * DAY)
    if (until - closed).days < FEWEST_DAYS:
        raise UntoldError("few_days")
    panel = read_panel(history, action, until)
    item = item_of(action)
    if item not in panel.counts:
        raise UntoldError("no_figures")
    first = (action.since or action.asked_on) - GUARD * DAY
    level = _level(history, panel, first=first, until=until)
    days = _split(panel.counts[item], action, closed, level.ordinary)
    after = _window(panel, level, days.before, days.after, item)
    trouble = _window(panel, level, days.before, days.trouble, item)
    if not (max(after.expected, after.seen) >= LEAST and trouble.expected > 0):
        raise UntoldError("few_counts")
    return _verdict(action, name, after, trouble, worth(panel, item))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Path:
    """What the shop may be expected to do by day, from the days before the trouble alone.

    Attributes:
        expected: By day of the panel.
        doubts: Relative standard error beyond an ordinary day's.
        past: The shop's own series up to the trouble; None where the exposure tells it.
        first: First day that may be of the trouble.
    """

    expected: pd.Series[float]
    doubts: pd.Series[float]
    past: pd.Series[float] | None
    first: dt.date

    @property
    def ordinary(self) -> pd.DatetimeIndex:
        """Days that can be expected: no festival or holiday met for the first time."""
        import pandas as pd

        return pd.DatetimeIndex(self.doubts.index[self.doubts <= STRANGE])


def _level(history: History, panel: Panel, *, first: dt.date, until: dt.date) -> _Path:
    import pandas as pd

    days = panel.counts.index
    if panel.level is None:
        ones = pd.Series(1.0, index=days)
        return _Path(expected=ones, doubts=0 * ones, past=None, first=first)
    ahead = (until - first).days + 1
    found = expect_level(panel.level, history=history, day=until, ahead=ahead)
    return _Path(
        expected=found.expected.reindex(days),
        doubts=found.doubts.reindex(days),
        past=panel.level.loc[: str(first - DAY)],
        first=first,
    )


def _split(
    counts: pd.Series[float], action: KeptAction, closed: dt.date, ordinary: pd.DatetimeIndex
) -> _Days:
    """The days of an action; the day of the closing is neither of the two."""
    import pandas as pd

    told = pd.DatetimeIndex(counts.dropna().index)
    since = action.since or action.asked_on
    last = max(action.asked_on, closed - DAY)
    trouble = told[(told >= pd.Timestamp(since)) & (told <= pd.Timestamp(last))]
    after = told[told > pd.Timestamp(closed)]
    if not len(after):
        raise UntoldError("no_figures")
    before = told[told < pd.Timestamp(since - GUARD * DAY)]
    if action.done_before:  # a relapse: the days of the first trouble are not usual either
        first = pd.Timestamp(action.opened_on - GUARD * DAY)
        before = before[(before < first) | (before > pd.Timestamp(action.done_before))]
    days = _Days(
        before=before,
        trouble=trouble[trouble.isin(ordinary)],
        after=after[after.isin(ordinary)],
    )
    if len(days.after) < FEWEST_DAYS:
        raise UntoldError("few_days")
    if len(days.before) < FEWEST_PAST or not len(days.trouble):
        raise UntoldError("no_past")
    return days


@dataclass(frozen=True, kw_only=True)
class Window:
    """What a thing did in a window of days, and what its past lets expect of them."""

    days: int
    seen: float
    expected: float
    low: float
    high: float
    extra: float


def _window(
    panel: Panel, path: _Path, before: pd.DatetimeIndex, days: pd.DatetimeIndex, item: object
) -> Window:
    """A window of days held against the days before the trouble."""
    import numpy as np

    rows = before.append(days)
    scale = path.expected.loc[rows].to_numpy(float)[:, None]
    doubt: Numbers = np.asarray(path.doubts.loc[days], dtype=float)
    if path.past is not None:
        gap = (days[0].date() - path.first).days
        drift = _drift(path.past, gap=gap, days=len(days))
        doubt = np.asarray(np.hypot(doubt, drift), dtype=float)
    judged = judge_counts(
        panel.counts.loc[rows].to_numpy(float),
        panel.exposure.loc[rows].to_numpy(float) * scale,
        windows=(len(days),),
        doubt=doubt,
    )
    place = panel.counts.columns.get_loc(item)
    names = ("seen", "expected", "low", "high", "extra")
    return Window(days=len(days), **{n: float(getattr(judged, n)[place]) for n in names})


def _drift(past: pd.Series[float], *, gap: int, days: int) -> float:
    """How far the shop's level of some days lies from that of the month before, typically.

    Args:
        past: The level up to the trouble.
        gap: Days between that month and those days.
        days: How many these are.
    """
    import numpy as np

    month = past.rolling(MONTH, min_periods=MONTH // 2).mean()
    later = past.rolling(days, min_periods=1).mean().shift(-(gap + days))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(np.asarray(later / month, dtype=float))
    told = ratio[np.isfinite(ratio)]
    if len(told) < 2 * MONTH:
        return SHORT_DOUBT
    return float(ROBUST * np.median(np.abs(told)))


def _verdict(
    action: KeptAction, name: str, after: Window, trouble: Window, worth: float
) -> Followed:
    """Held against both paths: the usual one, and that of the trouble going on."""
    from scipy import stats

    rate = (trouble.seen + PRIOR) / trouble.expected
    still = rate * after.expected
    extra = after.extra + trouble.extra + 1 / (trouble.seen + PRIOR)
    model = stats.nbinom(1 / extra, 1 / (1 + extra * still))
    low, high = float(model.ppf(0.025)), float(model.ppf(0.975))
    sign = -1.0 if action.metric == "refund_claims" else 1.0
    gains = sorted(sign * (after.seen - end) for end in (low, high))
    short = after.seen < after.low if sign > 0 else after.seen > after.high
    back = not short and gains[0] > 0
    return Followed(
        action=action,
        name=name,
        verdict="not_yet" if short else "back" if back else "untold",
        why="" if short or back else "between",
        days=after.days,
        seen=after.seen,
        expected=after.expected,
        low=after.low,
        high=after.high,
        regained=sign * (after.seen - still) * worth,
        regained_low=gains[0] * worth,
        regained_high=gains[1] * worth,
    )
