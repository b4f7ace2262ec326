"""Did it come back? What closed actions are about, held against their expected path."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MetricError, MissingDataError, ParameterError
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.actions.kept import KeptAction
from ecops_lib.diagnosis.actions.results import ActionResults, Followed, Why
from ecops_lib.diagnosis.claims import claim_grids
from ecops_lib.diagnosis.counts import LEAST, PRIOR, WINDOWS, judge_counts
from ecops_lib.diagnosis.history import PAST, History
from ecops_lib.diagnosis.levels import SHORT_DOUBT, expect_level
from ecops_lib.metrics.facts import COLUMNS
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

AFTER = 14
"""Days after the closing that are measured at most."""

FEWEST_DAYS = 3
"""Days after the closing from which on it can be told whether it came back."""

FEWEST_PAST = 14
"""Days before the trouble that it takes to know what is usual."""

LONGEST = 31
"""How far back a closing may lie at most, for its past to be within the history [days]."""

GUARD = max(WINDOWS) - 1
"""Days before the first day of a finding that are not taken for usual either: what is found
on a day may have begun some days earlier."""

MONTH = 28
ROBUST = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""


class _UntoldError(Exception):
    """Nothing can be judged; ``why`` says the reason."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """A metric by day × thing, up to the last day that is measured.

    Attributes:
        counts: What is counted; NaN where nothing is told.
        exposure: What carries the counts.
        level: The shop's own series that tells how its days should go; None where the
            exposure tells it.
        amounts: Money of the same cells.
    """

    counts: pd.DataFrame
    exposure: pd.DataFrame
    level: pd.Series[float] | None
    amounts: pd.DataFrame


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
    name = history.names.get(action.thing, "") if action.slice.startswith("product_id=") else ""
    if action.status != "done":
        return Followed(action=action, name=name)
    try:
        return _judged(history, action, day, name)
    except _UntoldError as reason:
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
        raise _UntoldError("no_metric")
    if action.closed_on is None:
        raise _UntoldError("no_day")
    closed = max(action.closed_on, action.opened_on)
    until = min(day, closed + AFTER * DAY)
    if (until - closed).days < FEWEST_DAYS:
        raise _UntoldError("few_days")
    panel = _panel(history, action, until)
    item = _item(action)
    if item not in panel.counts:
        raise _UntoldError("no_figures")
    days = _split(panel.counts[item], action, closed)
    after = _window(history, panel, days.before, days.after, item)
    trouble = _window(history, panel, days.before, days.trouble, item)
    if not (max(after.expected, after.seen) >= LEAST and trouble.expected > 0):
        raise _UntoldError("few_counts")
    return _verdict(action, name, after, trouble, _worth(panel, item))


def _split(counts: pd.Series[float], action: KeptAction, closed: dt.date) -> _Days:
    """The days of an action; the day of the closing is neither of the two."""
    import pandas as pd

    told = pd.DatetimeIndex(counts.dropna().index)
    since = action.since or action.opened_on
    last = max(action.opened_on, closed - DAY)
    days = _Days(
        before=told[told < pd.Timestamp(since - GUARD * DAY)],
        trouble=told[(told >= pd.Timestamp(since)) & (told <= pd.Timestamp(last))],
        after=told[told > pd.Timestamp(closed)],
    )
    if not len(days.after):
        raise _UntoldError("no_figures")
    if len(days.after) < FEWEST_DAYS:
        raise _UntoldError("few_days")
    if len(days.before) < FEWEST_PAST or not len(days.trouble):
        raise _UntoldError("no_past")
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
    history: History, panel: Panel, before: pd.DatetimeIndex, days: pd.DatetimeIndex, item: object
) -> Window:
    """A window of days held against the days before the trouble."""
    import numpy as np

    rows = before.append(days)
    counts = panel.counts.loc[rows].to_numpy(float)
    exposure, doubt = panel.exposure.loc[rows].to_numpy(float), np.zeros(len(days))
    if panel.level is not None:
        first, until = before[-1].date() + DAY, days[-1].date()
        ahead = (until - first).days + 1
        level = expect_level(panel.level, history=history, day=until, ahead=ahead)
        gap = ahead - len(days)
        drift = _drift(panel.level.loc[: str(first - DAY)], gap=gap, days=len(days))
        doubt = np.hypot(np.asarray(level.doubts.reindex(days), dtype=float), drift)
        exposure = exposure * level.on(rows)
    judged = judge_counts(counts, exposure, windows=(len(days),), doubt=doubt)
    place = panel.counts.columns.get_loc(item)
    told = {name: float(getattr(judged, name)[place]) for name in ("seen", "expected", "low")}
    return Window(
        days=len(days), **told, high=float(judged.high[place]), extra=float(judged.extra[place])
    )


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


def _worth(panel: Panel, item: object) -> float:
    """Money a unit, of the thing's own figures, or of all where it has none; NaN where untold."""
    import numpy as np

    counts = panel.counts.where(panel.amounts.notna())
    for held in ([item], list(counts.columns)):
        units = float(np.nansum(counts[held].to_numpy(float)))
        money = float(np.nansum(panel.amounts[held].where(counts[held].notna()).to_numpy(float)))
        if units > 0 and money > 0:
            return money / units
    return float("nan")


def _item(action: KeptAction) -> object:
    """The column of an action's slice."""
    values = [value for _, value in _pairs(action)]
    return tuple(values) if len(values) > 1 else "".join(values)


def _pairs(action: KeptAction) -> list[tuple[str, str]]:
    """Dimensions and values of an action's slice."""
    if action.slice in {"", "shop"}:
        return []
    if "&" not in action.slice or action.metric != "paid_sub_orders":
        name, _, value = action.slice.partition("=")
        return [(name, value)]
    parts = [part.partition("=") for part in action.slice.split("&")]
    return [(name, value) for name, _, value in parts]


def _panel(history: History, action: KeptAction, until: dt.date) -> Panel:
    """The metric of an action; what cannot be had is said.

    Raises:
        _UntoldError: The store no longer tells it.
    """
    try:
        match action.metric:
            case "conversion_rate":
                return _traffic(history, "product", "paying_buyers", until)
            case "visitors":
                return _traffic(history, "channel", "visitors", until)
            case "refund_claims":
                return _claims(history, until)
            case "paid_sub_orders" | "paid_orders":
                return _sales(history, action, until)
    except (MissingDataError, MetricError):
        raise _UntoldError("no_figures") from None
    raise _UntoldError("no_metric")


def _traffic(history: History, scope: str, column: str, until: dt.date) -> Panel:
    if not history.has("traffic"):
        raise _UntoldError("no_figures")
    counts = history.traffic_grid(scope, column, until=until)
    visitors = history.traffic_grid(scope, "visitors", until=until)
    amounts = history.traffic_grid(scope, "paid_amount", until=until)
    if scope == "product":
        return Panel(counts=counts, exposure=visitors, level=history.conversion, amounts=amounts)
    shop = history.shop["visitors"].reindex(counts.index)
    whole = history.shop["visitors"] if shop.notna().all() else visitors.sum(axis=1, min_count=1)
    return Panel(counts=counts, exposure=0 * counts + 1, level=whole, amounts=amounts)


def _claims(history: History, until: dt.date) -> Panel:
    if not history.has("refunds"):
        raise _UntoldError("no_figures")
    counts, exposure = claim_grids(history, until)
    claims = history.claims.assign(item=history.claims["product_id"].fillna(""))
    amounts = claims.pivot_table(index="day", columns="item", values="amount", aggfunc="sum")
    whole = amounts.reindex(index=counts.index, columns=counts.columns).astype(float)
    whole[""] = claims.groupby("day")["amount"].sum().reindex(counts.index).astype(float)
    return Panel(counts=counts, exposure=exposure, level=None, amounts=whole.fillna(0.0))


def _sales(history: History, action: KeptAction, until: dt.date) -> Panel:
    """Paid order lines (or orders) by day × the values of a slice's dimensions."""
    import pandas as pd

    named = {column: name for name, column in COLUMNS.items()}
    columns = [name for name, _ in _pairs(action)]
    if not set(columns) <= set(named):
        raise _UntoldError("no_metric")
    first, keys = until - (PAST + GUARD) * DAY, [action.metric, "paid_amount"]
    by = ("day", *(named[column] for column in columns))
    held = measure(history.tables.source, keys, start=first, end=until, by=by).to_frame()  # type: ignore[arg-type]
    days = pd.date_range(first, until, freq="D", name="day")
    if not columns:
        grids = [held.set_index("day")[[key]].set_axis([""], axis=1) for key in keys]
    else:
        grids = [
            held.pivot_table(index="day", columns=columns, values=key, aggfunc="sum")
            for key in keys
        ]
    counts, amounts = (grid.reindex(days).astype(float) for grid in grids)
    counts = counts.fillna(0.0).where(counts.ffill().notna())
    level = history.shop["paid_orders"]
    return Panel(counts=counts, exposure=0 * counts + 1, level=level, amounts=amounts)
