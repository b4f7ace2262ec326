"""From visit to payment over a period, and at which step more were lost than before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data.calendar.periods import Period, Span
from ecops_lib.diagnosis.history import History
from ecops_lib.metrics.funnel import STEPS, build_funnel

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart


@dataclass(frozen=True, kw_only=True, eq=False)
class PeriodFunnel(Result):
    """People at each step, days added up, beside the days before.

    Attributes:
        frame: One row a step: ``step``, ``people``, ``before``, ``rate`` of those at the step
            before it, ``rate_before`` and ``change`` of the rate [fraction].
        period: The period.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("From visit to payment")
    labels: ClassVar[Mapping[str, str]] = {
        "step": mark("Step"),
        "people": mark("People (days added)"),
        "before": mark("Days before"),
        "rate": mark("Of the step before"),
        "rate_before": mark("Of the step before, days before"),
        "change": mark("Change"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "people": "count", "before": "count", "rate": "share", "rate_before": "share",
        "change": "points",
    }  # fmt: skip

    period: Period
    frame: pd.DataFrame
    reason: str = ""

    def absent(self) -> str:
        """Why there is nothing to show, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a step, the first first."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """The step whose rate fell most, or that none fell."""
        told = self.frame.dropna(subset=["change"]) if not self.reason else self.frame
        if self.reason or told.empty:
            return ()
        row = told.iloc[int(told["change"].argmin())]
        if not row["change"] < 0:
            text = tr("No step lost more than in the days before.")
            return (Finding(key="funnel/kept", level="good", text=text),)
        text = tr(
            "The step that lost most is “{step}”: {rate} of those before it, {was} in the days "
            "before.",
            step=row["step"],
            rate=show(row["rate"], "share"),
            was=show(row["rate_before"], "share"),
        )
        numbers = {"rate": float(row["rate"]), "rate_before": float(row["rate_before"])}
        return (Finding(key="funnel/lost", level="info", text=text, evidence=numbers),)

    def chart(self) -> Chart:
        """The steps of the period."""
        from ecops_lib.core.bars import funnel_chart

        return funnel_chart(
            self.frame.dropna(subset=["people"]), name="step", value="people", unit="count",
            caption=tr("From visit to payment"),
        )  # fmt: skip


def trace_period(history: History, period: Period) -> PeriodFunnel:
    """Count the people at each step of a period, days added up, beside the days before.

    Platforms count visitors by the day, so the days' counts are added; somebody who came on
    three days counts three times, at every step alike.

    Args:
        history: The days before, up to the period's last one.
        period: The period.

    Returns:
        The steps; absent where traffic tells no visitors in both spans.
    """
    import pandas as pd

    try:
        now, then = (_people(history, span)
                     for span in ((period.first, period.last), period.before))  # fmt: skip
    except MissingDataError as error:
        return PeriodFunnel(period=period, frame=pd.DataFrame(), reason=str(error))
    rows, last = [], ""
    for step, label in STEPS.items():
        if is_missing(now[step]) or is_missing(then[step]):
            continue
        rate, was = (held[step] / held[last] if last and held[last] else float("nan")
                     for held in (now, then))  # fmt: skip
        rows.append([tr(label), now[step], then[step], rate, was, rate - was])
        last = step
    return PeriodFunnel(period=period, frame=pd.DataFrame(rows, columns=list(PeriodFunnel.labels)))


def _people(history: History, span: Span) -> dict[str, float]:
    """People by step, NaN where a day does not tell them."""
    found = build_funnel(history.tables.source, start=span[0], end=span[1], by="day")
    frame = found.to_frame()
    days = (span[1] - span[0]).days + 1
    if "visitors" not in frame or frame["visitors"].count() < days:
        raise MissingDataError(
            tr(
                "Visitors are not told for every day from {first} to {last}.",
                first=show(span[0], "day"),
                last=show(span[1], "day"),
            )
        )
    return {
        step: float(frame[step].sum()) if step in frame and frame[step].count() == days
        else float("nan")
        for step in STEPS
    }  # fmt: skip
