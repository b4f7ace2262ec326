"""Do customers buy again? Both rates that are called 复购率, side by side.

A purchase is a day, so that two orders of one day never make a buyer a repeat buyer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar, Literal

import narwhals as nw

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.customers.firsts import LEAST, coverage_findings, day_number
from ecops_lib.customers.orders import Apart, OrdersView, nobody_words
from ecops_lib.customers.shares import Between, share_between, share_interval
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

WINDOWS = (30, 90)
"""Days of the windows of 生意参谋."""

Rate = Literal["repeat", "repurchase"]
RATES: Mapping[Rate, str] = {
    "repeat": mark("repeat rate (one window)"),
    "repurchase": mark("repurchase rate (two windows)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RepurchaseRate:
    """One rate in one window.

    Attributes:
        rate: ``repeat``: of the buyers of the window, those with purchases on two days of
            it; ``repurchase``: of the buyers of the window before, those who bought in it.
        days: Length of the window [days].
        start: First local day of the buyers counted.
        end: Last one.
        again_start: First local day on which buying again counts.
        again_end: Last one.
        buyers: Known buyers; NaN where the history begins later than the window.
        again: Of them, those who bought again.
        buyers_before: The same of the window before.
        again_before: The same of the window before.
    """

    rate: Rate
    days: int
    start: dt.date
    end: dt.date
    again_start: dt.date
    again_end: dt.date
    buyers: float
    again: float
    buyers_before: float
    again_before: float

    @property
    def value(self) -> float:
        """The rate; NaN where nobody is counted."""
        return self.again / self.buyers if self.buyers else nan

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval (Wilson)."""
        return share_interval(self.again, self.buyers)

    @property
    def before(self) -> float:
        """The rate one window earlier; NaN where nobody is counted."""
        return self.again_before / self.buyers_before if self.buyers_before else nan

    @property
    def change(self) -> Between | None:
        """Less the rate one window earlier; None where either has too few buyers."""
        if not (self.buyers >= LEAST and self.buyers_before >= LEAST):
            return None
        return share_between((self.again, self.again_before), (self.buyers, self.buyers_before))

    def finding(self) -> Finding:
        """The rate, its window, and whether it moved."""
        key = f"repurchase/{self.rate}/{self.days}"
        if not self.buyers > 0:
            return Finding(key=key, level="info", text=self._nothing())
        low, high = self.interval
        given = {
            "share": show(self.value, "share"),
            "low": show(low, "share"),
            "high": show(high, "share"),
            "buyers": show(self.buyers, "count"),
            "again": show(self.again, "count"),
            "start": show(self.start, "day"),
            "end": show(self.end, "day"),
            "since": show(self.again_start, "day"),
            "until": show(self.again_end, "day"),
            "days": show(self.days, "days"),
        }
        if self.rate == "repeat":
            text = tr(
                "Repeat rate in one window of {days}: of {buyers} buyers from {start} to {end}, "
                "{again} bought on two days or more, {share} ({low} to {high}).",
                **given,
            )
        else:
            text = tr(
                "Repurchase rate over two windows of {days}: of {buyers} buyers from {start} to "
                "{end}, {again} bought again from {since} to {until}, {share} ({low} to {high}).",
                **given,
            )
        change = self.change
        sign = change.sign if change else 0
        return Finding(
            key=key,
            level="good" if sign > 0 else "watch" if sign < 0 else "info",
            text=joined(text, self._moved(change)) if change else text,
            evidence={"rate": self.value, "low": low, "high": high, "buyers": self.buyers,
                      "before": self.before},
        )  # fmt: skip

    def _nothing(self) -> str:
        given = {"name": tr(RATES[self.rate]), "days": show(self.days, "days")}
        given["start"] = show(self.start, "day")
        if self.buyers == 0:
            given["end"] = show(self.end, "day")
            return tr("No {name} in {days}: no known buyer bought from {start} to {end}.", **given)
        return tr("No {name} in {days}: the history begins later than {start}.", **given)

    def _moved(self, change: Between) -> str:
        given = {
            "before": show(self.before, "share"),
            "low": show(change.low, "points", sign=True),
            "high": show(change.high, "points", sign=True),
        }
        if change.sign > 0:
            return tr("It rose from {before} one window earlier (by {low} to {high}).", **given)
        if change.sign < 0:
            return tr("It fell from {before} one window earlier (by {low} to {high}).", **given)
        return tr(
            "It was {before} one window earlier, no difference beyond chance ({low} to {high}).",
            **given,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Repurchase(Result):
    """Both repurchase rates in windows of 30 and 90 days.

    Attributes:
        rates: One entry a rate and window.
        as_of: Last local day that counts.
        apart: What belongs to no buyer.
        notes: What the history lacks.
    """

    sheet: ClassVar[str] = mark("Repurchase rates")
    units: ClassVar[Mapping[str, Unit]] = {
        "days": "days",
        "start": "day",
        "end": "day",
        "again_start": "day",
        "again_end": "day",
        "buyers": "count",
        "again": "count",
        "value": "share",
        "low": "share",
        "high": "share",
        "before": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "rate": mark("Rate"),
        "days": mark("Window"),
        "start": mark("Buyers from"),
        "end": mark("Buyers to"),
        "again_start": mark("Again from"),
        "again_end": mark("Again to"),
        "buyers": mark("Buyers"),
        "again": mark("Bought again"),
        "value": mark("Share"),
        "low": mark("At least"),
        "high": mark("At most"),
        "before": mark("One window earlier"),
    }

    rates: tuple[RepurchaseRate, ...]
    as_of: dt.date
    apart: Apart
    notes: tuple[Finding, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row a rate and window."""
        import pandas as pd

        plain = ("days", "start", "end", "again_start", "again_end", "buyers", "again", "value")
        rows = [
            {
                "rate": tr(RATES[r.rate]),
                **{name: getattr(r, name) for name in plain},
                "low": r.interval[0],
                "high": r.interval[1],
                "before": r.before,
            }
            for r in self.rates
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """Each rate with its windows and whether it moved, then what stands apart."""
        return (*(r.finding() for r in self.rates), *self.notes, *self.apart.findings())

    def chart(self) -> Chart | None:
        """The rates beside each other."""
        frame = self.to_frame()
        frame["name"] = [
            tr("{days}: {rate}", rate=tr(RATES[r.rate]), days=show(r.days, "days"))
            for r in self.rates
        ]
        frame = frame[frame["value"].notna()]
        if frame.empty:
            return None
        return bar_chart(frame, caption=tr("Share of buyers who bought again"), unit="share")


def compare_repurchase(
    source: Source, *, as_of: dt.date | str, time_zone: str | None = None
) -> Repurchase:
    """Set both meanings of 复购率 side by side, each with its window and its buyers.

    In the last 30 and the last 90 days up to ``as_of``. *Repeat rate*: of the window's
    buyers, those who bought on two days of it. *Repurchase rate*: of the buyers of the
    window before, those who bought in this one. Both are compared with themselves one
    window earlier; festivals move them.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    rates = [rate for days in WINDOWS for rate in _rates(view, days)]
    if all(not rate.buyers > 0 for rate in rates) and not _anybody(view):
        raise MissingDataError(nobody_words(view.as_of))
    return Repurchase(
        rates=tuple(sorted(rates, key=lambda r: list(RATES).index(r.rate))),
        as_of=view.as_of,
        apart=view.apart(),
        notes=coverage_findings(view),
    )


def _anybody(view: OrdersView) -> bool:
    return bool(frames.bring(view.buyers().select(n=nw.len()))["n"].iloc[0])


def _rates(view: OrdersView, days: int) -> tuple[RepurchaseRate, RepurchaseRate]:
    counts = _count_windows(view, days)
    edges = [view.as_of - dt.timedelta(days=days * n) for n in range(4)]
    begins = [edge + dt.timedelta(days=1) for edge in edges[1:]]
    told = [1.0 if view.first <= begin else nan for begin in begins]
    now, before, long_before = range(3)
    repeat = RepurchaseRate(
        rate="repeat",
        days=days,
        start=begins[now],
        end=view.as_of,
        again_start=begins[now],
        again_end=view.as_of,
        buyers=counts["n0"] * told[now],
        again=counts["two0"] * told[now],
        buyers_before=counts["n1"] * told[before],
        again_before=counts["two1"] * told[before],
    )
    repurchase = RepurchaseRate(
        rate="repurchase",
        days=days,
        start=begins[before],
        end=edges[1],
        again_start=begins[now],
        again_end=view.as_of,
        buyers=counts["n1"] * told[before],
        again=counts["both01"] * told[before],
        buyers_before=counts["n2"] * told[long_before],
        again_before=counts["both12"] * told[long_before],
    )
    return repeat, repurchase


def _count_windows(view: OrdersView, days: int) -> Mapping[str, float]:
    """Buyers of the last three windows, and who bought twice or in two of them."""
    ago = nw.lit(view.as_of.toordinal()) - day_number("day")
    rows = view.days().filter(nw.col("orders") > 0).with_columns(window=ago // days)
    in_window = {
        f"w{n}": nw.when(nw.col("window") == n).then(nw.lit(1)).otherwise(nw.lit(0))
        for n in range(3)
    }
    each = rows.filter(nw.col("window") < 3).with_columns(**in_window)
    each = each.group_by("buyer_key").agg(*(nw.col(name).sum() for name in in_window))
    w0, w1, w2 = (nw.col(name) > 0 for name in in_window)
    parts = {
        "n0": w0,
        "n1": w1,
        "n2": w2,
        "two0": nw.col("w0") > 1,
        "two1": nw.col("w1") > 1,
        "both01": w0 & w1,
        "both12": w1 & w2,
    }
    told = each.with_columns(**{n: nw.when(part).then(nw.lit(1)) for n, part in parts.items()})
    held = frames.bring(told.select(*(nw.col(name).count() for name in parts)))
    return {name: float(held[name].iloc[0]) for name in parts}
