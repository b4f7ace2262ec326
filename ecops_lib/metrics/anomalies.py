"""Days that came out otherwise than weekday, recent level and calendar lead one to expect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.checks import as_day, require_between, require_columns
from ecops_lib.core.errors import ColumnError, MissingDataError, ParameterError
from ecops_lib.core.figures import Expected, Moved
from ecops_lib.core.findings import Finding, Sign
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.anomaly_words import (
    anomaly_level,
    anomaly_words,
    series_label,
    series_unit,
)
from ecops_lib.metrics.expectation import WARM_UP, Floats, expect_values

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

TOLD = ("expected", "low", "high", "z", "days", "p", "alarm", "empty")
CALENDAR = ("day", "holiday", "is_makeup", "festival", "phase", "lunar_day", "event")
NEAR_NEW_YEAR = 7
"""Days around the lunar new year that are a kind of their own beside its public holiday."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Anomalies(Result):
    """Which series of a panel left their expected range on one day.

    Attributes:
        table: One row a judged series, most surprising first: ``series``, ``actual``,
            ``expected``, ``low``, ``high`` (in the series' unit), ``z``, ``days``, ``p``,
            ``alarm`` and ``empty`` as ``Expectation`` tells, and ``q`` (p adjusted for
            the number of series).
        as_of: The day judged.
        alpha: Largest q that is flagged.
        unjudged: Series without enough history or without a value on the day.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "actual": "number",
        "expected": "number",
        "low": "number",
        "high": "number",
        "z": "number",
        "days": "count",
        "p": "share",
        "q": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "series": mark("Figure"),
        "actual": mark("Actual"),
        "expected": mark("Expected"),
        "low": mark("Expected at least"),
        "high": mark("Expected at most"),
        "z": mark("Standard deviations off"),
        "days": mark("Days in a row"),
        "p": mark("Chance of such a day"),
        "q": mark("The same, for all figures tried"),
    }
    sheet: ClassVar[str] = mark("Unusual figures")

    table: pd.DataFrame
    as_of: dt.date
    alpha: float
    unjudged: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """The flagged series, with their names in the reader's language."""
        flagged = self.table.loc[self.table["q"] <= self.alpha].reset_index(drop=True)
        named = flagged.assign(series=[series_label(name) for name in flagged["series"]])
        return named[list(self.labels)]

    def absent(self) -> str:
        """Why nothing could be judged; empty where something was."""
        if len(self.table):
            return ""
        return tr(
            "No figure can be judged on {day}: that takes {days} days with values before it.",
            day=show(self.as_of, "day"),
            days=WARM_UP,
        )

    def findings(self) -> tuple[Finding, ...]:
        """A sentence for each flagged series, or one that there is none."""
        if self.absent():
            return ()
        flagged = self.table.loc[self.table["q"] <= self.alpha]
        if len(flagged):
            return tuple(map(self._finding, _rows(flagged)))
        text = ntr(
            "The {n} figure tried lies within what weekday, recent level and calendar lead "
            "one to expect.",
            "None of the {n} figures tried lies outside what weekday, recent level and calendar "
            "lead one to expect.",
            len(self.table),
            n=show(len(self.table), "count"),
        )
        return (Finding(key="anomaly/none", level="info", text=text),)

    def key_figures(self) -> tuple[Expected, ...]:
        """Every judged series beside its range, but those of which many a day brings nothing."""
        return tuple(map(self._figure, _rows(self.table.loc[self.table["empty"] == 0])))

    def _figure(self, row: Mapping[str, Any]) -> Expected:
        name, flagged = str(row["series"]), row["q"] <= self.alpha
        moved: Moved = "" if not flagged else "up" if row["alarm"] > 0 else "down"
        values = {key: float(row[key]) for key in ("expected", "low", "high")}
        return Expected(
            key=name, label=series_label(name), unit=series_unit(name), moved=moved,
            value=float(row["actual"]), **values,
        )  # fmt: skip

    def _finding(self, row: Mapping[str, object]) -> Finding:
        name, unit = str(row["series"]), series_unit(str(row["series"]))
        numbers = {key: float(value) for key, value in row.items() if isinstance(value, float)}
        rising = numbers["alarm"] > 0
        return Finding(
            key=f"anomaly/{name}",
            level=anomaly_level(name, rising=rising),
            text=anomaly_words(name, numbers, unit=unit, rising=rising),
            evidence=numbers,
            money=abs(numbers["actual"] - numbers["expected"]) if unit == "money" else None,
            signs=(self._sign(name, numbers["days"], rising=rising),),
        )

    def _sign(self, name: str, days: float, *, rising: bool) -> Sign:
        label = series_label(name)
        text = (
            tr("{series} unusually high", series=label)
            if rising
            else tr("{series} unusually low", series=label)
        )
        first = self.as_of - dt.timedelta(days=int(days) - 1)
        way = "up" if rising else "down"
        return Sign(key=f"figure/{way}/{name}", text=text, first=first, last=self.as_of)


def expect_days(
    series: pd.Series[float], *, calendar: pd.DataFrame | None = None, alpha: float = 0.01
) -> pd.DataFrame:
    """What each day of a series should have brought, from the days before it alone.

    Args:
        series: One value a day [any unit], indexed by day; NaN for a day without a
            value. Days that are absent are taken as closed, not as zero. Values below
            zero count as zero.
        calendar: ``describe_days`` of at least these days; without it holidays and
            festivals are taken for ordinary days.
        alpha: Share of ordinary days outside ``low`` … ``high``, above 0 and under 0.1.

    Returns:
        By day: ``actual``, ``expected`` (a median), ``low``, ``high``, ``z``, ``days``,
        ``p``, ``alarm`` and ``empty`` as ``metrics.expectation.Expectation`` tells; NaN
        for the first 40 rows (``empty``: 0).

    Raises:
        ParameterError: The index is not of distinct days in order, or alpha is outside
            its range.
        MissingDataError: The calendar lacks a day.
        ColumnError: The calendar lacks a column.

    >>> import pandas as pd
    >>> days = pd.date_range("2026-01-01", periods=60)
    >>> sales = pd.Series([100.0 + day % 7 for day in range(59)] + [20.0], index=days)
    >>> last = expect_days(sales).iloc[-1]
    >>> bool(last["low"] > last["actual"]), bool(last["p"] < 0.01)
    (True, True)
    """
    import pandas as pd

    require_between(alpha, 0, 0.1, name="alpha", ends="open")
    panel = series.to_frame("value")
    days = _days(panel)
    found = expect_values(
        panel.to_numpy(float),
        weekdays=_weekdays(days),
        kinds=_kinds(days, calendar),
        alpha=alpha,
    )
    columns = {name: getattr(found, name)[:, 0] for name in TOLD}
    return pd.DataFrame({"actual": panel["value"].to_numpy(float), **columns}, index=series.index)


def find_anomalies(
    panel: pd.DataFrame,
    *,
    as_of: str | dt.date,
    calendar: pd.DataFrame | None = None,
    alpha: float = 0.01,
) -> Anomalies:
    """Which figures of a day are out of the ordinary, many figures tried at once.

    Args:
        panel: Indexed by day, one column a series, named by its metric and, after bars,
            what it is of: ``paid_amount``, ``visitors|channel=search``.
        as_of: The day to judge; later rows are not looked at.
        calendar: ``describe_days`` of the panel's days.
        alpha: Largest false discovery rate that is flagged. On a shop where nothing
            happens, a day has this chance of one false alarm or more.

    Returns:
        All judged series with their expected range, and sentences on the flagged ones.

    Raises:
        ParameterError: The index is not of distinct days in order, two columns share a
            name, or alpha is outside its range.
        MissingDataError: The panel lacks the day, or the calendar one of the panel's.
        ColumnError: The calendar lacks a column.

    References:
        Benjamini and Hochberg (1995), JRSS B 57, 289-300 (q).
    """
    import pandas as pd

    require_between(alpha, 0, 0.1, name="alpha", ends="open")
    day = as_day(as_of, name="as_of")
    days = _days(panel)
    held = panel.loc[days <= pd.Timestamp(day)]
    if held.empty or _days(held)[-1].date() != day:
        raise MissingDataError(f"the panel has no row for {day}; give one that reaches to it.")
    found = expect_values(
        held.to_numpy(float),
        weekdays=_weekdays(_days(held)),
        kinds=_kinds(_days(held), calendar),
        alpha=alpha,
        since=len(held) - 1,
    )
    table = pd.DataFrame({"series": [str(name) for name in panel.columns]})
    table["actual"] = held.to_numpy(float)[-1]
    for name in TOLD:
        table[name] = getattr(found, name)[-1]
    judged = table.loc[table["p"].notna()].copy()
    judged["q"] = adjust_p_values(judged["p"].to_numpy(float))
    unjudged = tuple(table.loc[table["p"].isna(), "series"])
    judged = judged.sort_values(["q", "p", "series"], ignore_index=True)
    return Anomalies(table=judged, as_of=day, alpha=alpha, unjudged=unjudged)


def adjust_p_values(p: Floats) -> Floats:
    """P-values adjusted for their number (Benjamini and Hochberg 1995, eq. 1).

    >>> adjust_p_values(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(p)[::-1]
    ranks = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(p[order] * len(p) / ranks), 1.0)
    return adjusted


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _days(panel: pd.DataFrame) -> pd.DatetimeIndex:
    import pandas as pd

    if not isinstance(panel.index, pd.DatetimeIndex):
        raise ParameterError(
            f"the panel's index holds {panel.index.dtype}; it must hold days (datetime64)."
        )
    if not panel.index.is_monotonic_increasing or not panel.index.is_unique:
        raise ParameterError("the panel's days must be distinct and in order; sort its index.")
    if not panel.columns.is_unique:
        raise ParameterError("two columns of the panel share a name; give each its own.")
    return panel.index


def _weekdays(days: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    return days.day_of_week.to_numpy().astype(np.int64)


def _kinds(days: pd.DatetimeIndex, calendar: pd.DataFrame | None) -> npt.NDArray[np.str_]:
    """The kind of each day as the calendar tells it; empty for ordinary days."""
    import pandas as pd

    if calendar is None:
        return np.full(len(days), "")
    require_columns(list(calendar.columns), CALENDAR, table="calendar")
    told = calendar.set_index(pd.DatetimeIndex(calendar["day"]))
    if not told.index.is_unique:
        raise ColumnError("column 'day' of the calendar holds a day twice.")
    if len(lacking := days[~days.isin(told.index)]):
        raise MissingDataError(
            f"the calendar lacks {len(lacking)} of the days, {lacking[0]:%Y-%m-%d} first; "
            f"describe {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}."
        )
    return np.array([_kind(row) for row in _rows(told.loc[days, list(CALENDAR)])])


def _kind(row: Mapping[str, object]) -> str:
    if row["festival"]:
        return f"{row['festival']}/{row['phase']}"
    if row["holiday"] and row["holiday"] != "unannounced":
        return f"holiday/{row['holiday']}"
    if isinstance(row["lunar_day"], float) and abs(row["lunar_day"]) <= NEAR_NEW_YEAR:
        return "lunar new year"
    if row["is_makeup"] is True:
        return "make-up workday"
    return "campaign" if row["event"] else ""
